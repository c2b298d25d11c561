"""Pictures of pages as they stand upright, small enough for a screen. The scans are decoded in the sandbox only."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2

from extract.limits import DEFAULT_LIMITS, Limits, UnreadablePage
from extract.page import Grey
from intake.pictures.upright import Transform, upright
from intake.sandbox import Sandbox
from schemas.errors import Unreadable

PICTURE_WIDTH = 1000
_JPEG_QUALITY = 68  # small print stays legible; a page is about 100 kB


@dataclass(frozen=True, slots=True)
class WantedPages:
    """The pages of one file that shall be shown: page number -> transform from the upright page to the scan."""

    source: Path
    sha256: str
    transforms: Mapping[int, Transform]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was written: its file's name, and its size in pixels."""

    name: str
    width: int
    height: int


def write_pictures(
    wanted: Sequence[WantedPages], folder: Path, limits: Limits = DEFAULT_LIMITS
) -> dict[tuple[str, int], Picture]:
    """Write the wanted pages as JPEG into `folder`; returns them by (SHA-256 of the file, page number).

    A page that cannot be decoded is left out. Raises OSError if the folder cannot be written to.
    """
    sides = max(1, min(len(os.sched_getaffinity(0)), len(wanted)))
    shares = [wanted[side::sides] for side in range(sides)]
    # Threads are enough: decoding happens in the sandbox's processes, and OpenCV lets other threads run meanwhile.
    with ThreadPoolExecutor(sides) as pool:
        written = list(pool.map(lambda share: _write_share(share, folder, limits), shares))
    return {key: picture for share in written for key, picture in share.items()}


def _write_share(wanted: Sequence[WantedPages], folder: Path, limits: Limits) -> dict[tuple[str, int], Picture]:
    written: dict[tuple[str, int], Picture] = {}
    with Sandbox() as sandbox:
        for file in wanted:
            try:
                for page in sandbox.open_pages(file.source, limits):
                    transform = file.transforms.get(page.number)
                    if transform is None or isinstance(page, UnreadablePage):
                        continue
                    name = f"{file.sha256[:16]}-{page.number}.jpg"  # made of our own words: a file's name may lie
                    written[file.sha256, page.number] = _write(
                        upright(page.pixels, transform, PICTURE_WIDTH), folder / name
                    )
            except Unreadable:
                continue  # its record says why; the page shows the reason instead of a picture
    return written


def _write(pixels: Grey, path: Path) -> Picture:
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    path.write_bytes(encoded.tobytes())
    return Picture(path.name, pixels.shape[1], pixels.shape[0])
