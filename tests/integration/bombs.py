"""Files made to cost far more than they weigh, by name; each is made when it is asked for, none is stored."""

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from PIL import Image
from reportlab.lib import pdfencrypt
from reportlab.pdfgen import canvas

_GIBIBYTE: Final = 2**30
_SHORT, _LONG = 3, 4  # TIFF 6.0, types of an entry


def pdf(*objects: bytes, trailer: bytes = b"") -> bytes:
    """A PDF of these objects, the first being the catalogue."""
    parts, places, at = [b"%PDF-1.7\n"], [], 9
    for number, body in enumerate(objects, 1):
        places.append(at)
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        at += len(parts[-1])
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table))
    parts.append(b"trailer << /Size %d /Root 1 0 R %s >>\n" % (len(objects) + 1, trailer))
    parts.append(b"startxref\n%d\n%%%%EOF\n" % at)
    return b"".join(parts)


def stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (dictionary, len(data), data)


def pdf_of_one_page(page: bytes, *others: bytes) -> bytes:
    """`page` is what stands in the page's dictionary; the others begin with object 4."""
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %s >>" % page,
        *others,
    )


def pdf_with_image(dictionary: bytes, data: bytes) -> bytes:
    """One page that is covered by one picture."""
    return pdf_of_one_page(
        b"/Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >>",
        stream(b"", b"595 0 0 842 0 0 cm /I Do"),
        stream(b"/Type /XObject /Subtype /Image " + dictionary, data),
    )


def deflated_zeros(count: int, times: int = 1) -> bytes:
    """So many zero bytes, deflated so many times (RFC 1950, 1951): one block that is written again and again."""
    size = 2**24
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(size)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = packer.compress(bytes(count % size)) + packer.flush()
    check = count % 65521 << 16 | 1
    data = b"\x78\xda" + block * (count // size) + rest + check.to_bytes(4, "big")
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    return data


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of one bit per pixel with these chunks behind its header."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        parts.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    return b"".join(parts)


def tiff(*pages: list[tuple[int, int, int, int]], last_goes_to: int = 0, data: bytes = b"\0" * 8) -> bytes:
    """A TIFF of pages that are lists of entries (tag, type, count, value); `last_goes_to` is where the last points."""
    at, parts = 8 + len(data), [data]
    for number, entries in enumerate(pages):
        end = at + 2 + 12 * len(entries) + 4
        following = last_goes_to if number == len(pages) - 1 else end
        packed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
        parts.append(struct.pack("<H", len(entries)) + packed + struct.pack("<I", following))
        at = end
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + b"".join(parts)


def tiff_page(width: int, height: int, strip_bytes: int = 8, strips: int = 1) -> list[tuple[int, int, int, int]]:
    """Entries of a page of one bit per pixel, not compressed."""
    values = {256: width, 257: height, 258: 1, 259: 1, 262: 1, 277: 1, 278: height}
    entries = [(tag, _LONG, 1, value) for tag, value in values.items()]
    return [*entries, (273, _LONG, strips, 8), (279, _LONG, strips, strip_bytes)]


def jpeg(width: int, height: int, **how: object) -> bytes:
    file = io.BytesIO()
    Image.new("L", (width, height), 255).save(file, "JPEG", **how)
    return file.getvalue()


def jpeg_that_claims(width: int, height: int) -> bytes:
    """A small JPEG whose header names another size (ITU-T T.81, B.2.2)."""
    content = jpeg(64, 64)
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def progressive_jpeg(scans: int) -> bytes:
    """A progressive JPEG in which the last scan comes again and again."""
    content = jpeg(4096, 4096, progressive=True)
    start = content.rindex(b"\xff\xda")
    last, end = content[start:-2], content[-2:]
    return content[:start] + last * scans + end


def nested_forms(levels: int) -> bytes:
    """A page that draws a form that draws ten forms that draw ten forms ..."""
    forms = []
    for level in range(levels):
        is_last = level == levels - 1
        resources = b"" if is_last else b"/Resources << /XObject << /F %d 0 R >> >>" % (6 + level)
        body = b"0 0 9 9 re f " if is_last else b"/F Do " * 10
        forms.append(stream(b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] " + resources, body))
    page = b"/Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >>"
    return pdf_of_one_page(page, stream(b"", b"/F Do"), *forms)


def page_tree(kids: int) -> bytes:
    """That many pages, all of them the same object."""
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b"3 0 R " * kids, kids),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    )


def page_tree_in_itself() -> bytes:
    return pdf(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>")


def many_objects(count: int) -> bytes:
    empty = [b"0"] * count
    return pdf_of_one_page(b"", *empty)


def deep_arrays(depth: int) -> bytes:
    return pdf_of_one_page(b"/Contents 4 0 R /Annots " + b"[" * depth + b"]" * depth, stream(b"", b"[" * depth))


def object_streams_in_a_circle() -> bytes:
    """Two object streams, each of which is said to lie in the other; the catalogue lies in the first."""
    entries = struct.pack(">BHB", 0, 0, 255) + struct.pack(">BHB", 2, 2, 0)
    entries += struct.pack(">BHB", 2, 3, 0) + struct.pack(">BHB", 2, 2, 1) + struct.pack(">BHB", 1, 9, 0)
    start = b"%PDF-1.7\n"
    table = stream(b"/Type /XRef /Size 5 /W [1 2 1] /Root 1 0 R /Prev 9", entries)
    return start + b"4 0 obj\n" + table + b"\nendobj\nstartxref\n9\n%%EOF\n"


def previous_table_is_itself() -> bytes:
    content = pdf_of_one_page(b"")
    at = content.index(b"xref\n")
    return content.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %d" % at)


def locked_pdf() -> bytes:
    file = io.BytesIO()
    drawing = canvas.Canvas(file, encrypt=pdfencrypt.StandardEncryption("a password"))
    drawing.drawString(72, 72, "Text")
    drawing.save()
    return file.getvalue()


def pdf_that_wants_to_act() -> bytes:
    """A file inside, JavaScript and a program to be started on opening: all of it must be passed over."""
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R /OpenAction 4 0 R /Names << /EmbeddedFiles << /Names [(a.exe) 6 0 R] >>"
        b" /JavaScript << /Names [(now) 5 0 R] >> >> /AA << /WC 5 0 R >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /AA << /O 4 0 R >> >>",
        b"<< /S /Launch /F (/bin/sh) /Win << /F (cmd.exe) >> >>",
        b"<< /S /JavaScript /JS (while (true) app.launchURL\\('http://127.0.0.1'\\);) >>",
        b"<< /Type /Filespec /F (a.exe) /EF << /F 7 0 R >> >>",
        stream(b"/Type /EmbeddedFile", b"MZ"),
    )


def jbig2(width: int, height: int) -> bytes:
    """A page information segment and one generic region of that size (ITU-T T.88, 7.4)."""
    size = struct.pack(">II", width, height)
    page = struct.pack(">IBBBI", 0, 48, 0, 1, 19) + size + bytes(8) + b"\0" + struct.pack(">H", 0)
    region = size + bytes(8) + b"\0" + b"\0" + bytes([3, 255, 253, 255, 2, 254, 254, 254]) + b"\0" * 16
    return page + struct.pack(">IBBBI", 1, 38, 0, 1, len(region)) + region


def jbig2_with_symbols(count: int) -> bytes:
    """A symbol dictionary that announces that many symbols (ITU-T T.88, 7.4.2)."""
    dictionary = struct.pack(">H", 0) + bytes([3, 255, 253, 255, 2, 254, 254, 254])
    dictionary += struct.pack(">II", count, count) + b"\0" * 64
    page = struct.pack(">IBBBI", 0, 48, 0, 1, 19) + struct.pack(">II", 1000, 1000) + bytes(8) + b"\0\0\0"
    return page + struct.pack(">IBBBI", 1, 0, 0, 1, len(dictionary)) + dictionary


def jpeg_2000(width: int, height: int) -> bytes:
    """A codestream that claims that size in one tile (ITU-T T.800, A.5.1), and one empty part of it."""
    size = struct.pack(">HIIIIIIIIH", 0, width, height, 0, 0, width, height, 0, 0, 1) + bytes([7, 1, 1])
    coding = bytes([0, 0, 0, 1, 0, 5, 4, 4, 0, 0])
    quantisation = bytes([0x40, *([0x40] * 16)])
    parts = [b"\xff\x4f", b"\xff\x51" + struct.pack(">H", len(size) + 2) + size]
    parts.append(b"\xff\x52" + struct.pack(">H", len(coding) + 2) + coding)
    parts.append(b"\xff\x5c" + struct.pack(">H", len(quantisation) + 2) + quantisation)
    parts.append(b"\xff\x90" + struct.pack(">HHIBB", 10, 0, 0, 0, 1) + b"\xff\x93" + b"\0" * 32 + b"\xff\xd9")
    return b"".join(parts)


def font_with_to_unicode(count: int) -> bytes:
    return pdf_of_one_page(
        b"/Contents 4 0 R /Resources << /Font << /F 5 0 R >> >>",
        stream(b"", b"BT /F 20 Tf 72 700 Td (Text) Tj ET"),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
        stream(b"/Filter /FlateDecode", deflated_zeros(count)),
    )


def many_filters(count: int) -> bytes:
    """Page contents that are deflated that many times over."""
    filters = b"/Filter [%s]" % (b"/FlateDecode " * count)
    return pdf_of_one_page(b"/Contents 4 0 R", stream(filters, deflated_zeros(_GIBIBYTE, count)))


def gif(frames: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + (b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0") * frames + b";"


_SIDE: Final = b"/Width %d /Height %d /ColorSpace /DeviceGray "
BOMBS: Final[Mapping[str, Callable[[], bytes]]] = {
    "PNG of 30000 x 30000": lambda: png(30_000, 30_000, (b"IDAT", deflated_zeros(3751 * 30_000))),
    "PNG with a zTXt of 1 GB": lambda: png(
        600, 800, (b"zTXt", b"a\0\0" + deflated_zeros(_GIBIBYTE)), (b"IDAT", deflated_zeros(76 * 800))
    ),
    "PNG with an iTXt of 1 GB": lambda: png(
        600, 800, (b"iTXt", b"a\0\1\0\0\0" + deflated_zeros(_GIBIBYTE)), (b"IDAT", deflated_zeros(76 * 800))
    ),
    "PNG of more rows than it says": lambda: png(600, 800, (b"IDAT", deflated_zeros(_GIBIBYTE))),
    "TIFF that claims 32000 x 32000": lambda: tiff(tiff_page(32_000, 32_000)),
    "TIFF whose pages go round": lambda: tiff(tiff_page(600, 800), last_goes_to=16),
    "TIFF of 65535 pages": lambda: tiff(*[tiff_page(8, 8)] * 65_535),
    "TIFF of 2^31 strips": lambda: tiff(tiff_page(600, 800, strips=2**31)),
    "JPEG that claims 65500 x 65500": lambda: jpeg_that_claims(65_500, 65_500),
    "progressive JPEG of 10000 scans": lambda: progressive_jpeg(10_000),
    "PDF with a MediaBox of 1000000": lambda: pdf_of_one_page(b"/CropBox [0 0 1000000 1000000]").replace(
        b"595 842", b"1000000 1000000"
    ),
    "PDF of 100000 pages": lambda: page_tree(100_000),
    "PDF whose page tree contains itself": page_tree_in_itself,
    "PDF of nested forms": lambda: nested_forms(12),
    "PDF picture deflated twice": lambda: pdf_with_image(
        _SIDE % (40_000, 40_000) + b"/BitsPerComponent 8 /Filter [/FlateDecode /FlateDecode]",
        deflated_zeros(40_000 * 40_000, 2),
    ),
    "PDF contents deflated ten times": lambda: many_filters(10),
    "PDF of 1000000 objects": lambda: many_objects(1_000_000),
    "PDF of deep arrays": lambda: deep_arrays(1_000_000),
    "PDF whose object streams go round": object_streams_in_a_circle,
    "PDF whose tables go round": previous_table_is_itself,
    "PDF with a ToUnicode of 300 MB": lambda: font_with_to_unicode(300_000_000),
    "PDF under a password": locked_pdf,
    "PDF that wants to act": pdf_that_wants_to_act,
    "JBIG2 of 60000 x 60000": lambda: pdf_with_image(
        _SIDE % (60_000, 60_000) + b"/BitsPerComponent 1 /Filter /JBIG2Decode", jbig2(60_000, 60_000)
    ),
    "JBIG2 of 2^30 symbols": lambda: pdf_with_image(
        _SIDE % (1000, 1000) + b"/BitsPerComponent 1 /Filter /JBIG2Decode", jbig2_with_symbols(2**30)
    ),
    "JPEG 2000 of 60000 x 60000": lambda: pdf_with_image(
        _SIDE % (60_000, 60_000) + b"/BitsPerComponent 8 /Filter /JPXDecode", jpeg_2000(60_000, 60_000)
    ),
    "GIF of 100000 frames": lambda: gif(100_000),
}
