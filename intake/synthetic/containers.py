"""Writes scans as the files mailrooms receive: TIFF (G4, LZW, JPEG), PDF of images, PNG, JPEG; never with a date."""

import io
from collections.abc import Sequence
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from intake.synthetic.age import Scan

_ROWS_PER_STRIP = 278  # TIFF 6.0
_STRIP_OFFSETS, _STRIP_BYTE_COUNTS = 273, 279


class Container(StrEnum):
    """The kinds of file; the value is the ending of its name."""

    TIFF = "tif"
    PDF = "pdf"
    PNG = "png"
    JPEG = "jpg"


def contained(scans: Sequence[Scan], container: Container, quality: int) -> bytes:
    """The scans as one file. Raises ValueError for several pages in a PNG or JPEG, which hold one."""
    match container:
        case Container.TIFF:
            return _tiff(scans, quality)
        case Container.PDF:
            return _pdf(scans, quality)
        case Container.PNG | Container.JPEG:
            if len(scans) != 1:
                raise ValueError(f"a {container.upper()} holds one page, not {len(scans)}")
            return _png(scans[0]) if container is Container.PNG else _jpeg(scans[0], quality)


def _picture(scan: Scan) -> Image.Image:
    grey = Image.fromarray(scan.pixels)
    return grey.point(_BLACK_OR_WHITE, mode="1") if scan.is_bilevel else grey


_BLACK_OR_WHITE = [0] * 128 + [255] * 128


def _tiff(scans: Sequence[Scan], quality: int) -> bytes:
    """Black and white as G4; grey as JPEG inside the TIFF, or LZW when the quality asks for no loss."""
    first, *others = (_picture(scan) for scan in scans)
    for picture, scan in zip((first, *others), scans, strict=True):
        picture.encoderinfo = {"dpi": scan.dpi}
    if scans[0].is_bilevel:
        compression = "group4"
    else:
        compression = "jpeg" if quality < 90 else "tiff_lzw"
    options = {"quality": quality} if compression == "jpeg" else {}
    out = io.BytesIO()
    first.save(out, "TIFF", save_all=True, append_images=others, compression=compression, dpi=scans[0].dpi, **options)
    return out.getvalue()


def _png(scan: Scan) -> bytes:
    out = io.BytesIO()
    _picture(scan).save(out, "PNG", dpi=scan.dpi, compress_level=4)
    return out.getvalue()


def _jpeg(scan: Scan, quality: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(scan.pixels).save(out, "JPEG", quality=quality, dpi=scan.dpi)
    return out.getvalue()


def _pdf(scans: Sequence[Scan], quality: int) -> bytes:
    """One image a page, as scanners make them (ISO 32000-1, 8.9): G4 or JPEG bytes are put in as they are."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = []
    for place, scan in enumerate(scans):
        page, content, image = (3 + 3 * place + step for step in range(3))
        kids.append(f"{page} 0 R")
        height, width = scan.pixels.shape
        points = (width / scan.dpi[0] * 72, height / scan.dpi[1] * 72)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {points[0]:.3f} {points[1]:.3f}] /Contents {content} 0 R"
            f" /Resources << /XObject << /Scan {image} 0 R >> >> >>".encode()
        )
        objects.append(_stream("", f"q {points[0]:.3f} 0 0 {points[1]:.3f} 0 0 cm /Scan Do Q".encode()))
        objects.append(_image_stream(scan, quality))
    objects[1] = f"<< /Type /Pages /Count {len(scans)} /Kids [{' '.join(kids)}] >>".encode()
    return _assembled(objects)


def _stream(entries: str, body: bytes) -> bytes:
    return f"<< {entries} /Length {len(body)} >>\nstream\n".encode() + body + b"\nendstream"


def _image_stream(scan: Scan, quality: int) -> bytes:
    height, width = scan.pixels.shape
    entries = f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray"
    if scan.is_bilevel:
        coding = f"/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns {width} /Rows {height} /BlackIs1 false >>"
        return _stream(f"{entries} /BitsPerComponent 1 {coding}", _group4(scan.pixels))
    return _stream(f"{entries} /BitsPerComponent 8 /Filter /DCTDecode", _jpeg(scan, quality))


def _group4(pixels: NDArray[np.uint8]) -> bytes:
    """The bare G4 bits of a black and white page: what a TIFF of one strip holds."""
    out = io.BytesIO()
    # Inverted, because the TIFF codes white as zero bits and the PDF filter gives them back the other way round.
    picture = Image.fromarray(cv2.bitwise_not(pixels)).point(_BLACK_OR_WHITE, mode="1")
    picture.save(out, "TIFF", compression="group4", tiffinfo={_ROWS_PER_STRIP: pixels.shape[0]})
    with TiffImageFile(io.BytesIO(out.getvalue())) as strips:
        offsets, counts = strips.tag_v2[_STRIP_OFFSETS], strips.tag_v2[_STRIP_BYTE_COUNTS]
    return b"".join(out.getvalue()[start : start + count] for start, count in zip(offsets, counts, strict=True))


def _assembled(objects: Sequence[bytes]) -> bytes:
    """A PDF file of these objects, numbered from 1, with its table of their places."""
    out = io.BytesIO()
    out.write(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n".encode() + body + b"\nendobj\n")
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    for place in places:
        out.write(f"{place:010d} 00000 n \n".encode())
    out.write(f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()
