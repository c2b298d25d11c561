"""The typefaces of synthetic post: which there are, from which Debian package, and their letters as pixels."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from extract.page import Grey
from schemas.errors import Unavailable

_FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))


@dataclass(frozen=True, slots=True)
class Typeface:
    """One font file.

    capitals_only: its small letters look like capitals, so whoever writes in it writes capitals.
    capitals_run:  its capitals can stand side by side; where they overlap, words need their small letters.
    misleading:    letters that look like another one in this font (an R like a K): never drawn.
    """

    file: str
    package: str
    capitals_only: bool = False
    capitals_run: bool = True
    misleading: str = ""


# Looked at one by one. Left out: femkeklaver (hollow capitals and figures), the italic of dkg (the slant is ours).
HANDWRITING = (
    Typeface("opentype/bwht/BecauseWeBuild-Regular.otf", "fonts-bwht", capitals_only=True),
    Typeface("opentype/bwht/BecauseWeCreate-Regular.otf", "fonts-bwht", capitals_only=True, misleading="l"),
    Typeface("opentype/bwht/BecauseWeLearn-Regular.otf", "fonts-bwht", capitals_only=True),
    Typeface("opentype/bwht/BecauseWeMentor-Regular.otf", "fonts-bwht", capitals_only=True, misleading="R"),
    Typeface("opentype/bwht/BecauseWeOrganize-Regular.otf", "fonts-bwht", capitals_only=True),
    Typeface("truetype/breip/Breip.ttf", "fonts-breip"),
    Typeface("truetype/fifthhorseman/dkg.ttf", "fonts-dkg-handwriting", capitals_run=False),
    Typeface("truetype/rufscript/Rufscript010.ttf", "fonts-rufscript"),
)
TYPEWRITER = (
    Typeface("truetype/liberation/LiberationMono-Regular.ttf", "fonts-liberation"),
    Typeface("truetype/dejavu/DejaVuSansMono.ttf", "fonts-dejavu-core"),
)
OFFICE = (
    Typeface("truetype/liberation/LiberationSans-Regular.ttf", "fonts-liberation"),
    Typeface("truetype/liberation/LiberationSerif-Regular.ttf", "fonts-liberation"),
    Typeface("truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu-core"),
)


# For forms of any type. The further packages are under the SIL Open Font License 1.1, but Open Sans, which is under the
# Apache License 2.0. They are used to draw and never shipped.
MORE_HANDWRITING = (
    *HANDWRITING,
    Typeface("truetype/kristi/Kristi.ttf", "fonts-kristi", capitals_run=False),
    Typeface("opentype/dancingscript/DancingScript-Regular.otf", "fonts-dancingscript", capitals_run=False),
    Typeface("truetype/klee/KleeOne-Regular.ttf", "fonts-klee"),
    Typeface("truetype/seto/setofont.ttf", "fonts-seto"),
    Typeface("opentype/comic-neue/ComicNeue-Light.otf", "fonts-comic-neue"),
    Typeface("truetype/humor-sans/Humor-Sans.ttf", "fonts-humor-sans", capitals_only=True),
)
MORE_TYPEWRITERS = (
    *TYPEWRITER[:1],
    Typeface("opentype/courier-prime/Courier Prime.otf", "fonts-courier-prime"),
    Typeface("opentype/courier-prime/Courier Prime Bold.otf", "fonts-courier-prime"),
    Typeface("truetype/gnutypewriter/GNUTypewriter.ttf", "fonts-gnutypewriter"),
)
# The first is closest to the face in which readers of PDF forms set what is typed in; it is the most common.
MORE_OFFICE = (
    Typeface("truetype/open-sans/OpenSans-Regular.ttf", "fonts-open-sans"),
    Typeface("truetype/liberation/LiberationSans-Regular.ttf", "fonts-liberation"),
    Typeface("truetype/liberation/LiberationSerif-Regular.ttf", "fonts-liberation"),
    Typeface("truetype/crosextra/Carlito-Regular.ttf", "fonts-crosextra-carlito"),
    Typeface("truetype/liberation/LiberationSerif-Bold.ttf", "fonts-liberation"),
    Typeface("truetype/liberation/LiberationSans-Bold.ttf", "fonts-liberation"),
    Typeface("truetype/liberation/LiberationSerif-Italic.ttf", "fonts-liberation"),
    Typeface("truetype/liberation/LiberationSansNarrow-Regular.ttf", "fonts-liberation"),
    Typeface("truetype/open-sans/OpenSans-Semibold.ttf", "fonts-open-sans"),
    Typeface("truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu-core"),
)
STAMPS = (
    Typeface("truetype/liberation/LiberationSansNarrow-Bold.ttf", "fonts-liberation"),
    Typeface("truetype/liberation/LiberationSansNarrow-Regular.ttf", "fonts-liberation"),
    Typeface("truetype/liberation/LiberationMono-Bold.ttf", "fonts-liberation"),
    Typeface("truetype/dejavu/DejaVuSans-Bold.ttf", "fonts-dejavu-core"),
)
_OWN = HANDWRITING + TYPEWRITER + OFFICE
_ANY = MORE_HANDWRITING + MORE_TYPEWRITERS + MORE_OFFICE + STAMPS


def missing_packages(*, any_form: bool = False) -> tuple[str, ...]:
    """Debian packages that must be installed before post can be made; empty if all fonts are there.

    any_form: not only of our own forms, for which fewer fonts are enough.
    """
    every = _OWN + _ANY if any_form else _OWN
    return tuple(sorted({face.package for face in every if _path(face) is None}))


def require_fonts(*, any_form: bool = False) -> None:
    """Raises Unavailable naming the packages and the command if a font is missing."""
    missing = missing_packages(any_form=any_form)
    if missing:
        raise Unavailable(
            f"fonts for synthetic post are missing: install them with `apt-get install {' '.join(missing)}`"
        )


def _path(face: Typeface) -> Path | None:
    for folder in _FONT_FOLDERS:
        if (folder / face.file).is_file():
            return folder / face.file
    return None


@lru_cache(maxsize=256)
def _font(face: Typeface, pixels: int) -> ImageFont.FreeTypeFont:
    path = _path(face)
    if path is None:
        raise Unavailable(f"the font {Path(face.file).name} is missing: `apt-get install {face.package}`")
    # The basic layout engine gives the same positions whether or not a shaping library is installed.
    return ImageFont.truetype(str(path), pixels, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def _capital_share(face: Typeface) -> float:
    """Height of a capital as a share of the font's size."""
    box = _font(face, 200).getbbox("HE", anchor="ls")
    return float(-box[1]) / 200


def size_for_capitals(face: Typeface, height: float) -> int:
    """The font size in pixels at which capitals are `height` pixels tall."""
    return max(6, round(height / _capital_share(face)))


@lru_cache(maxsize=16384)
def advance(face: Typeface, size: int, text: str) -> float:
    """How far `text` reaches, in pixels, without kerning."""
    return float(_font(face, size).getlength(text))


@dataclass(frozen=True, slots=True, eq=False)
class Glyph:
    """One letter: ink coverage (height, width) 0 to 255, and where its top left lies from the pen on the baseline."""

    ink: Grey
    left: int
    top: int
    advance: float


@lru_cache(maxsize=8192)
def glyph(face: Typeface, size: int, letter: str) -> Glyph:
    """The letter as pixels; an empty picture for a space. The picture is shared: do not write into it."""
    font = _font(face, size)
    box = font.getbbox(letter, anchor="ls")
    left, top, right, bottom = (int(edge) for edge in box)
    reach = float(font.getlength(letter))
    if right <= left or bottom <= top:
        return Glyph(np.zeros((0, 0), np.uint8), 0, 0, reach)
    mask, offset = font.getmask2(letter, mode="L", anchor="ls")
    width, height = mask.size
    ink = np.array(mask, dtype=np.uint8).reshape(height, width) if width * height else np.zeros((0, 0), np.uint8)
    return Glyph(ink, int(offset[0]), int(offset[1]), reach)


@lru_cache(maxsize=256)
def half_stroke(face: Typeface, size: int) -> float:
    """Half the width of the font's pen at this size, in pixels."""
    sample = [glyph(face, size, letter).ink for letter in "HELTN147"]
    depths = [
        cv2.distanceTransform((np.pad(ink, 1) > 127).astype(np.uint8), cv2.DIST_L2, 3)[np.pad(ink, 1) > 127]
        for ink in sample
    ]
    # On a bar of half width h the distance to its edge is on average h / 2.
    return float(2 * np.concatenate(depths).mean())


@lru_cache(maxsize=64)
def _unknown(face: Typeface) -> bytes:
    """How the font draws a letter that it does not have."""
    return bytes(_font(face, 40).getmask("\uffff", mode="L"))


@lru_cache(maxsize=4096)
def has(face: Typeface, letter: str) -> bool:
    """Whether the font can draw this letter, as what it is."""
    if letter.isspace():
        return True
    drawn = bytes(_font(face, 40).getmask(letter, mode="L"))
    return bool(drawn) and any(drawn) and drawn != _unknown(face)


def writable(face: Typeface, text: str) -> str:
    """`text` with what the font does not have replaced by plain letters, or left out: as its writers would."""
    plain = {
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "º": "o",
        "£": "GBP ",
        "&": "and",
        "ş": "s",
        "#": "No. ",
    }
    letters = []
    for letter in text:
        if has(face, letter):
            letters.append(letter)
            continue
        base = plain.get(letter, unicodedata.normalize("NFKD", letter)[0])
        letters.append(base if all(has(face, part) for part in base) else "")
    return "".join(letters)


def set_line(face: Typeface, size: int, text: str) -> Glyph:
    """A whole line as a printer sets it, kerned; the picture is the caller's own."""
    font = _font(face, size)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text, anchor="ls"))
    if right <= left or bottom <= top:
        return Glyph(np.zeros((0, 0), np.uint8), 0, 0, advance(face, size, text))
    picture = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(picture).text((-left, -top), text, fill=255, font=font, anchor="ls")
    return Glyph(np.array(picture, dtype=np.uint8), left, top, advance(face, size, text))
