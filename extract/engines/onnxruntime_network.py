"""A network on onnxruntime's processor provider, one thread."""

from collections.abc import Sequence
from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from extract.engines.network import Floats, Pictures
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

    def __init__(self, model: Path, pictures: Pictures) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # What a page takes is asked of the system in few large pieces and handed back as one, all but the 30 MB that
        # the outputs lie among, and those at the next page. Asked for piece by piece the finder of lines takes 2.4
        # times as long; kept it would be 100 MB. What a line takes lies in memory that is there already.
        options.enable_cpu_mem_arena = pictures is not Pictures.LINES
        options.enable_mem_pattern = False
        self.name = f"onnxruntime-{onnxruntime.__version__}"
        try:
            self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except _FAILURES as error:
            raise RuntimeError(str(error)) from error
        self._input = self._session.get_inputs()[0].name
        self._run_options = onnxruntime.RunOptions()
        if pictures is not Pictures.LINES:
            self._run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def run(self, batch: Floats) -> list[Floats]:
        try:
            outputs: Sequence[Floats] = self._session.run(None, {self._input: batch}, self._run_options)
        except _FAILURES as error:
            raise Unavailable("onnxruntime failed on a batch") from error
        return list(outputs)
