"""Finds regions with PaddlePaddle's page layout network, as a model of the layoutparser library."""

from collections.abc import Iterator
from typing import Any, ClassVar

import cv2
import layoutparser
import numpy as np
from layoutparser.models.base_layoutmodel import BaseLayoutModel
from numpy.typing import NDArray

from extract.engines import FoundRegion
from extract.engines.inference import Backend, Floats, Pictures, load_network
from extract.engines.models import model_path, model_sha256
from extract.page import Grey
from schemas.geometry import Box
from schemas.reading import RegionKind

# The kinds of the CDLA data set in the network's order, and what they are called here. On letters it takes many a
# paragraph for a list of references, so that kind says no more than "text".
_KINDS = {
    "text": RegionKind.TEXT,
    "title": RegionKind.TITLE,
    "figure": RegionKind.FIGURE,
    "figure_caption": RegionKind.TEXT,
    "table": RegionKind.TABLE,
    "table_caption": RegionKind.TEXT,
    "header": RegionKind.HEADER,
    "footer": RegionKind.FOOTER,
    "reference": RegionKind.TEXT,
    "equation": RegionKind.OTHER,
}
_LABELS = tuple(_KINDS)

_HEIGHT, _WIDTH = 800, 608
_CHANNEL_MEANS = np.array([0.485, 0.456, 0.406], np.float32).reshape(3, 1, 1)
_CHANNEL_SPREADS = np.array([0.229, 0.224, 0.225], np.float32).reshape(3, 1, 1)
_STRIDES = (8, 16, 32, 64)
_LOWEST_SCORE = 0.4
_SAME_REGION = 0.5  # share of their union two boxes have in common

_Numbers = NDArray[np.float64]


class PaddleLayout:
    """A LayoutFinder on a layoutparser model. The network knows papers and letters; on forms it sees nonsense."""

    def __init__(self, model: str = "layout", backend: Backend | None = None) -> None:
        """Raises Unavailable if the model is not installed or cannot be loaded."""
        self._model = PicoDetLayoutModel(model, backend)
        self.name = f"pp-layout-cdla/{model_sha256(model)[:8]}/{self._model.library}"

    def find(self, pixels: Grey) -> list[FoundRegion]:
        """Regions in no particular order; an empty list means the model recognised nothing."""
        height, width = pixels.shape
        return [_found_region(block, width, height) for block in self._model.detect(pixels)]


class PicoDetLayoutModel(BaseLayoutModel):  # type: ignore[misc]  # layoutparser has no types
    """PaddlePaddle's PicoDet detector behind layoutparser's interface, usable wherever one of its models is."""

    DEPENDENCIES: ClassVar[list[str]] = []
    DETECTOR_NAME = "picodet-onnx"
    MODEL_CATALOG: ClassVar[dict[str, dict[str, str]]] = {}

    def __init__(self, model: str = "layout", backend: Backend | None = None) -> None:
        self._network = load_network(model_path(model), Pictures.ONE_SIZE, backend)
        self.library = self._network.name

    def image_loader(self, image: Any) -> Grey:
        """The image as (height, width) grey levels; colour is averaged away."""
        pixels = np.asarray(image)
        return pixels if pixels.ndim == 2 else pixels.mean(axis=2).astype(np.uint8)

    def detect(self, image: Any) -> layoutparser.Layout:
        """Blocks with `type` (a CDLA label), `score` and a rectangle in pixels of the image."""
        pixels = self.image_loader(image)
        outputs = self._network.run(_as_input(pixels))
        corners, scores = _decoded(outputs)
        corners *= np.tile([pixels.shape[1] / _WIDTH, pixels.shape[0] / _HEIGHT], 2)
        return layoutparser.Layout(
            [
                layoutparser.TextBlock(layoutparser.Rectangle(*box), type=label, score=score)
                for box, label, score in _kept(corners, scores)
            ]
        )


def _found_region(block: layoutparser.TextBlock, width: int, height: int) -> FoundRegion:
    left, top, right, bottom = (round(side) for side in block.coordinates)
    box = Box(left, top, max(right, left + 1), max(bottom, top + 1)).within(width, height)
    return FoundRegion(_KINDS[block.type], min(float(block.score), 1.0), box)


def _as_input(pixels: Grey) -> Floats:
    small = cv2.resize(pixels, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    batch: Floats = ((small.astype(np.float32) / 255.0 - _CHANNEL_MEANS) / _CHANNEL_SPREADS)[np.newaxis]
    return batch


def _decoded(outputs: list[Floats]) -> tuple[_Numbers, _Numbers]:
    """(boxes (n, 4) as left, top, right, bottom in network pixels, scores (n, labels)) of every grid point.

    The network gives scores for four grids, then, for the same grids, how likely each whole distance (in strides)
    from the point to each side of its box is: the mean of that distribution is the distance (Li et al. 2020,
    "Generalized Focal Loss").
    """
    boxes = []
    for stride, distances in zip(_STRIDES, outputs[len(_STRIDES) :], strict=True):
        likely = np.exp(distances[0].reshape(-1, 4, distances.shape[-1] // 4).astype(np.float64))
        likely /= likely.sum(axis=2, keepdims=True)
        sides = likely @ np.arange(likely.shape[2]) * stride
        rows, columns = np.mgrid[0 : -(-_HEIGHT // stride), 0 : -(-_WIDTH // stride)]
        x, y = (columns.ravel() + 0.5) * stride, (rows.ravel() + 0.5) * stride
        boxes.append(np.column_stack([x - sides[:, 0], y - sides[:, 1], x + sides[:, 2], y + sides[:, 3]]))
    scores = np.concatenate([grid[0] for grid in outputs[: len(_STRIDES)]]).astype(np.float64)
    limits = np.array([_WIDTH, _HEIGHT, _WIDTH, _HEIGHT])
    return np.clip(np.concatenate(boxes), 0, limits), scores


def _kept(boxes: _Numbers, scores: _Numbers) -> Iterator[tuple[list[float], str, float]]:
    """The best box of every cluster of boxes for the same thing, whatever label the others gave it."""
    labels, best = scores.argmax(axis=1), scores.max(axis=1)
    left = [int(place) for place in np.argsort(-best, kind="stable") if best[place] >= _LOWEST_SCORE]
    while left:
        chosen, *others = left
        yield boxes[chosen].tolist(), _LABELS[labels[chosen]], float(best[chosen])
        left = [other for other in others if _overlap(boxes[chosen], boxes[other]) < _SAME_REGION]


def _overlap(one: _Numbers, other: _Numbers) -> float:
    """Area two boxes share, as part of the area of both together."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return float(shared / (areas - shared)) if shared else 0.0
