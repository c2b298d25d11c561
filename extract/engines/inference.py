"""Runs an ONNX network on OpenVINO or onnxruntime, one thread, whichever this processor runs faster."""

import importlib
import os
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from pathlib import Path

from extract.engines.network import Floats, Network, Pictures
from schemas.errors import Unavailable

__all__ = [
    "Backend",
    "Floats",
    "Network",
    "Pictures",
    "Processor",
    "load_network",
    "preferred_backend",
    "this_processor",
]


class Backend(StrEnum):
    """Which library multiplies the matrices."""

    OPENVINO = "openvino"
    ONNXRUNTIME = "onnxruntime"


CHOICE_VARIABLE = "POSTROOM_INFERENCE"

# OpenVINO computes in bfloat16 where the processor can. That is almost twice as fast on Intel's with tiles for it (AMX)
# and on AMD's with avx512_bf16 (two products where there was one; on Zen 4, one thread, small at 448 pixels: 16.7 ms,
# 31.6 on onnxruntime). Another processor with avx512_bf16 and no tiles, its maker not noted, took 1.75 times as long as
# at full precision. Without any of that the two libraries take the same time, and onnxruntime starts faster, holds less
# and pays nothing extra for a size it has not met before. OpenVINO takes 10 to 60 ms for each and keeps 3 to 4 MB of it
# for good: where pictures come in any size a worker would grow.
_TILES, _DOT_PRODUCTS, _AMD = "amx_bf16", "avx512_bf16", "AuthenticAMD"
_DESCRIPTION = Path("/proc/cpuinfo")


def load_network(model: Path, pictures: Pictures, backend: Backend | None = None) -> Network:
    """The network in the file `model`, on `backend` or, without one, on what `preferred_backend` says.

    Raises Unavailable if the file is missing or no network.
    """
    if not model.is_file():
        raise Unavailable(f"the model file {model.name} is missing: run `make setup`")
    try:
        return _network_on(backend or preferred_backend(pictures), model, pictures)
    except RuntimeError as error:
        raise Unavailable(f"the model file {model.name} cannot be loaded") from error


def _network_on(backend: Backend, model: Path, pictures: Pictures) -> Network:
    """Only the library in use is imported: either costs a third of a second and tens of megabytes."""
    if backend is Backend.OPENVINO:
        on_openvino: Network = importlib.import_module("extract.engines.openvino_network").OpenvinoNetwork(
            model, pictures
        )
        return on_openvino
    on_onnxruntime: Network = importlib.import_module("extract.engines.onnxruntime_network").OnnxruntimeNetwork(
        model, pictures
    )
    return on_onnxruntime


def preferred_backend(pictures: Pictures = Pictures.LINES) -> Backend:
    """What the environment asks for; else OpenVINO where bfloat16 is quick, else onnxruntime.

    Pictures of any size are for onnxruntime, whatever is asked for.
    Raises Unavailable if the environment asks for something else.
    """
    asked = os.environ.get(CHOICE_VARIABLE, "")
    quickest = Backend.OPENVINO if this_processor().is_quick_at_bfloat16 else Backend.ONNXRUNTIME
    try:
        wanted = Backend(asked or quickest)
    except ValueError as error:
        raise Unavailable(f"{CHOICE_VARIABLE} must be one of {', '.join(Backend)}, not {asked!r}") from error
    return Backend.ONNXRUNTIME if pictures is Pictures.ANY_SIZE else wanted


@dataclass(frozen=True, slots=True)
class Processor:
    """What Linux says of a processor: who made it, and its instruction sets. Empty where it says nothing."""

    vendor: str
    flags: frozenset[str]

    @property
    def is_quick_at_bfloat16(self) -> bool:
        """Whether a network in bfloat16 takes much less time than at full precision."""
        return _TILES in self.flags or (self.vendor == _AMD and _DOT_PRODUCTS in self.flags)


def this_processor(description: Path = _DESCRIPTION) -> Processor:
    """The first processor that Linux describes."""
    try:
        lines = description.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return Processor("", frozenset())
    said = (line.partition(":") for line in takewhile(str.strip, lines))  # an empty line ends the first
    first = {name.strip(): value.strip() for name, _, value in said}
    return Processor(first.get("vendor_id", ""), frozenset(first.get("flags", "").split()))
