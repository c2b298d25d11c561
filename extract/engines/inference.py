"""Runs an ONNX network on OpenVINO or onnxruntime, one thread, whichever this processor runs faster."""

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
import openvino
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors

from schemas.errors import Unavailable

Floats = NDArray[np.float32]


class Backend(StrEnum):
    """Which library multiplies the matrices."""

    OPENVINO = "openvino"
    ONNXRUNTIME = "onnxruntime"


CHOICE_VARIABLE = "POSTROOM_INFERENCE"

# OpenVINO computes in bfloat16 where the processor has instructions for it, and is then almost twice as fast.
# Without them both take the same time per line (AVX2, one thread: tiny 6.4 ms, small 35 ms at 320 pixels), and
# onnxruntime starts faster and pays nothing extra for a width it has not met before (OpenVINO: 10 to 60 ms each).
_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
_PROCESSOR_FLAGS = Path("/proc/cpuinfo")


# onnxruntime's exceptions have no parent of their own.
_FAILURES = (
    RuntimeError,  # OpenVINO's
    onnxruntime_errors.Fail,
    onnxruntime_errors.InvalidArgument,
    onnxruntime_errors.InvalidGraph,
    onnxruntime_errors.InvalidProtobuf,
    onnxruntime_errors.NoSuchFile,
    onnxruntime_errors.NotImplemented,
    onnxruntime_errors.RuntimeException,
)


class Network(Protocol):
    """A loaded network with one input."""

    name: str  # library and version, kept beside what the network answered

    def run(self, batch: Floats) -> list[Floats]:
        """The network's outputs in its own order. Raises Unavailable if the library failed."""
        ...


def load_network(model: Path, backend: Backend | None = None) -> Network:
    """The network in the file `model`, on `backend` or, without one, on what `preferred_backend` says.

    Raises Unavailable if the file is missing or no network.
    """
    if not model.is_file():
        raise Unavailable(f"the model file {model.name} is missing: run `make setup`")
    try:
        if (backend or preferred_backend()) is Backend.OPENVINO:
            return _OpenvinoNetwork(model)
        return _OnnxruntimeNetwork(model)
    except _FAILURES as error:
        raise Unavailable(f"the model file {model.name} cannot be loaded") from error


def preferred_backend() -> Backend:
    """What the environment asks for, else OpenVINO where the processor knows bfloat16, else onnxruntime.

    Raises Unavailable if the environment asks for something else.
    """
    asked = os.environ.get(CHOICE_VARIABLE, "")
    if not asked:
        return Backend.OPENVINO if processor_flags() & _BFLOAT16_FLAGS else Backend.ONNXRUNTIME
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


class _OnnxruntimeNetwork:
    """A network on onnxruntime's processor provider."""

    def __init__(self, model: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.name = f"{Backend.ONNXRUNTIME}-{onnxruntime.__version__}"
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: Floats) -> list[Floats]:
        try:
            outputs: Sequence[Floats] = self._session.run(None, {self._input: batch})
        except _FAILURES as error:
            raise Unavailable("onnxruntime failed on a batch") from error
        return list(outputs)


class _OpenvinoNetwork:
    """A network on OpenVINO's processor plug-in."""

    def __init__(self, model: Path) -> None:
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1}
        self.name = f"{Backend.OPENVINO}-{openvino.__version__.partition('-')[0]}"
        compiled = openvino.Core().compile_model(str(model), "CPU", settings)
        self._request = compiled.create_infer_request()
        self._outputs = len(compiled.outputs)

    def run(self, batch: Floats) -> list[Floats]:
        try:
            self._request.infer([batch], share_inputs=True)
        except _FAILURES as error:
            raise Unavailable("OpenVINO failed on a batch") from error
        # A copy, because the next call writes into the same memory.
        return [np.array(self._request.get_output_tensor(place).data) for place in range(self._outputs)]
