"""Runs an ONNX network on OpenVINO or onnxruntime, one thread, whichever this processor runs faster."""

import importlib
import os
from enum import StrEnum
from pathlib import Path

from extract.engines.network import Floats, Network
from schemas.errors import Unavailable

__all__ = ["Backend", "Floats", "Network", "load_network", "preferred_backend", "processor_flags"]


class Backend(StrEnum):
    """Which library multiplies the matrices."""

    OPENVINO = "openvino"
    ONNXRUNTIME = "onnxruntime"


CHOICE_VARIABLE = "POSTROOM_INFERENCE"

# OpenVINO computes in bfloat16 where the processor can, and is almost twice as fast where it has tiles for that (AMX).
# With avx512_bf16 alone it still does so, and takes 1.75 times as long as either library at full precision (one thread,
# small at 448 pixels: 37 ms against 21 and 22). Without both the two take the same time, and onnxruntime starts faster
# and pays nothing extra for a width it has not met before (OpenVINO: 10 to 60 ms each).
_QUICK_BFLOAT16 = "amx_bf16"
_PROCESSOR_FLAGS = Path("/proc/cpuinfo")


def load_network(model: Path, backend: Backend | None = None, *, is_busy: bool = False) -> Network:
    """The network in the file `model`, on `backend` or, without one, on what `preferred_backend` says.

    is_busy: it is asked many times a page. Others gain too little from OpenVINO, which holds on to all that the largest
             page ever took: 130 MB for the finder of lines.
    Raises Unavailable if the file is missing or no network.
    """
    if not model.is_file():
        raise Unavailable(f"the model file {model.name} is missing: run `make setup`")
    try:
        return _network_on(backend or preferred_backend(is_busy=is_busy), model)
    except RuntimeError as error:
        raise Unavailable(f"the model file {model.name} cannot be loaded") from error


def _network_on(backend: Backend, model: Path) -> Network:
    """Only the library in use is imported: either costs a third of a second and tens of megabytes."""
    if backend is Backend.OPENVINO:
        on_openvino: Network = importlib.import_module("extract.engines.openvino_network").OpenvinoNetwork(model)
        return on_openvino
    on_onnxruntime: Network = importlib.import_module("extract.engines.onnxruntime_network").OnnxruntimeNetwork(model)
    return on_onnxruntime


def preferred_backend(*, is_busy: bool = True) -> Backend:
    """What the environment asks for; else OpenVINO, for busy networks on processors with AMX; else onnxruntime.

    Raises Unavailable if the environment asks for something else.
    """
    asked = os.environ.get(CHOICE_VARIABLE, "")
    if not asked:
        return Backend.OPENVINO if is_busy and _QUICK_BFLOAT16 in processor_flags() else Backend.ONNXRUNTIME
    try:
        return Backend(asked)
    except ValueError as error:
        raise Unavailable(f"{CHOICE_VARIABLE} must be one of {', '.join(Backend)}, not {asked!r}") from error


def processor_flags(description: Path = _PROCESSOR_FLAGS) -> frozenset[str]:
    """The instruction sets Linux reports for the first processor; empty where it reports none."""
    try:
        lines = description.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())
