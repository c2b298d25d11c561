"""A network on onnxruntime's processor provider, one thread."""

from collections.abc import Sequence
from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from extract.engines.network import Floats
from schemas.errors import Unavailable

# onnxruntime's exceptions have no parent of their own but RuntimeError's.
_FAILURES = (
    RuntimeError,
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NoSuchFile,
    failures.NotImplemented,
    failures.RuntimeException,
)


class OnnxruntimeNetwork:
    """A Network; raises RuntimeError for a file that is none."""

    def __init__(self, model: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # Memory goes back after each picture: no two are of one size, and kept for the largest it was 65 MB (measured;
        # the time did not change).
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        self.name = f"onnxruntime-{onnxruntime.__version__}"
        try:
            self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except _FAILURES as error:
            raise RuntimeError(str(error)) from error
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: Floats) -> list[Floats]:
        try:
            outputs: Sequence[Floats] = self._session.run(None, {self._input: batch})
        except _FAILURES as error:
            raise Unavailable("onnxruntime failed on a batch") from error
        return list(outputs)
