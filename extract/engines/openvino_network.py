"""A network on OpenVINO's processor plug-in, one thread."""

from pathlib import Path

import numpy as np
import openvino

from extract.engines.network import Floats, Pictures
from schemas.errors import Unavailable


class OpenvinoNetwork:
    """A Network; raises RuntimeError, as the library does, for a file that is none."""

    def __init__(self, model: Path, pictures: Pictures) -> None:
        # Left to itself the plug-in binds its thread to the first core for every call: that of every worker.
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False}
        self.name = f"openvino-{openvino.__version__.partition('-')[0]}"
        self._compiled = openvino.Core().compile_model(str(model), "CPU", settings)
        self._request = self._compiled.create_infer_request()
        self._outputs = len(self._compiled.outputs)
        self._pictures = pictures

    def run(self, batch: Floats) -> list[Floats]:
        try:
            self._request.infer([batch], share_inputs=True)
        except RuntimeError as error:
            raise Unavailable("OpenVINO failed on a batch") from error
        # A copy, because the next call writes into the same memory.
        outputs = [np.array(self._request.get_output_tensor(place).data) for place in range(self._outputs)]
        if self._pictures is not Pictures.LINES:
            self._compiled.release_memory()
        return outputs
