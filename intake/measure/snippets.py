"""Pictures of places on scans, for the report: cut upright out of the page as it was scanned."""

import base64
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from extract.page import Grey, PageImage
from intake.sandbox import Sandbox
from schemas.errors import Unreadable
from schemas.geometry import PageArea
from schemas.record import RecordPage

_MARGIN: Final = 0.012  # of the page, on every side: 2.5 mm on A4, so that cut-off letters show
_MOST_PIXELS_WIDE: Final = 900
_MOST_PIXELS_HIGH: Final = 420
_QUALITY: Final = 60
WHOLE_PAGE: Final = PageArea(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle on the upright page, and what the record says about that page."""

    file: Path
    page: RecordPage
    area: PageArea


def pictures(places: Sequence[Place]) -> list[str | None]:
    """For each place a picture as a data URI; None if the page cannot be opened, or its record does not say how it lay.

    Files are opened in the sandbox, each once, and only up to the last page wanted.
    """
    wanted: dict[Path, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, place in enumerate(places):
        if place.page.transform is not None:
            wanted[place.file][place.page.number].append(index)
    found: dict[int, str] = {}
    if wanted:
        with Sandbox() as sandbox:
            for file, pages in wanted.items():
                for page in _pages(sandbox, file, pages):
                    for index in pages[page.number]:
                        found[index] = _data_uri(upright(page, places[index]))
    return [found.get(index) for index in range(len(places))]


def _pages(sandbox: Sandbox, file: Path, numbers: Mapping[int, object]) -> Iterator[PageImage]:
    """The pages wanted of one file, as far as they can be read."""
    try:
        for page in sandbox.open_pages(file):
            if page.number in numbers and isinstance(page, PageImage):
                yield page
            if page.number >= max(numbers):
                return
    except Unreadable:
        return  # The report shows its places without a picture; why, the run's own failures say.


def upright(page: PageImage, place: Place) -> Grey:
    """The place with a margin, turned upright, at most so large as a report needs; dark on light.

    Raises ValueError if the record does not say how the page lay.
    """
    record = place.page
    if record.transform is None:
        raise ValueError(f"page {record.number} has no transform")
    a, b, c, d, e, f = record.transform
    # A page may be decoded at another size than the record's, never at another shape.
    across = page.width / record.width if record.width else 1.0
    down = page.height / record.height if record.height else 1.0
    left, top = max(place.area.left - _MARGIN, 0.0), max(place.area.top - _MARGIN, 0.0)
    right, bottom = min(place.area.right + _MARGIN, 1.0), min(place.area.bottom + _MARGIN, 1.0)
    width = max(round((right - left) * float(np.hypot(a * across, d * down))), 1)
    height = max(round((bottom - top) * float(np.hypot(b * across, e * down))), 1)
    over = (right - left) / width, (bottom - top) / height
    to_scan = np.array(
        [
            [a * over[0] * across, b * over[1] * across, (a * left + b * top + c) * across],
            [d * over[0] * down, e * over[1] * down, (d * left + e * top + f) * down],
        ]
    )
    cut = cv2.warpAffine(
        page.pixels, to_scan, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderValue=(255,)
    )
    smaller = min(_MOST_PIXELS_WIDE / width, _MOST_PIXELS_HIGH / height, 1.0)
    size = max(round(width * smaller), 1), max(round(height * smaller), 1)
    # Averaging keeps thin strokes where a black and white scan is made smaller.
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)


def _data_uri(picture: Grey) -> str:
    """The picture as PNG or JPEG, whichever is smaller: clean fax pages suit the one, noisy scans the other."""
    _, png = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    kind, coded = ("png", png) if len(png) <= len(jpeg) else ("jpeg", jpeg)
    return f"data:image/{kind};base64,{base64.b64encode(coded.tobytes()).decode()}"
