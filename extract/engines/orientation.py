"""Tells which way up a page lies, with PaddlePaddle's document orientation network."""

import cv2
import numpy as np

from extract.engines.inference import Backend, Floats, Pictures, load_network
from extract.engines.models import model_path, model_sha256
from extract.page import Grey

_CLASSES = (0, 90, 180, 270)  # degrees clockwise the page was turned by, in the network's order
_CROP = 224
_SHARE = 7 / 8  # the network was trained on 224 pixels out of a page 256 wide
_CHANNEL_MEANS = np.array([0.485, 0.456, 0.406], np.float32).reshape(3, 1, 1)
_CHANNEL_SPREADS = np.array([0.229, 0.224, 0.225], np.float32).reshape(3, 1, 1)


class PaddleOrientation:
    """An OrientationFinder: looks at the middle of the page at the size of a thumbnail."""

    def __init__(self, model: str = "orientation", backend: Backend | None = None) -> None:
        """Raises Unavailable if the model is not installed or cannot be loaded."""
        self._network = load_network(model_path(model), Pictures.ONE_SIZE, backend)
        self.name = f"pp-doc-orientation/{model_sha256(model)[:8]}/{self._network.name}"

    def turn(self, pixels: Grey) -> tuple[int, float]:
        """(degrees the image must be turned clockwise to stand upright, raw score 0 to 1); any size of image."""
        scores = self._network.run(_as_input(_thumbnail(pixels)))[0][0]
        best = int(scores.argmax())
        return (360 - _CLASSES[best]) % 360, min(float(scores[best]), 1.0)


def _thumbnail(pixels: Grey) -> Grey:
    """The middle square of the page, seven eighths as wide as its short side, as 224 x 224 pixels."""
    height, width = pixels.shape
    side = max(1, int(min(height, width) * _SHARE))
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    whole = side // _CROP
    if whole > 1:  # shrinking by a whole number first is five times as fast as in one go
        square = square[: side // whole * whole, : side // whole * whole]
        size = (side // whole, side // whole)
        square = cv2.resize(square, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    small = cv2.resize(square, (_CROP, _CROP), interpolation=cv2.INTER_AREA if side > _CROP else cv2.INTER_LINEAR)
    return small.astype(np.uint8, copy=False)


def _as_input(square: Grey) -> Floats:
    batch: Floats = ((square.astype(np.float32) / 255.0 - _CHANNEL_MEANS) / _CHANNEL_SPREADS)[np.newaxis]
    return batch
