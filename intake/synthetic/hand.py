"""How one person writes or types: the hand, and a line of text in it as ink."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from extract.page import Grey
from intake.synthetic.fonts import (
    HANDWRITING,
    OFFICE,
    TYPEWRITER,
    Typeface,
    advance,
    glyph,
    half_stroke,
    size_for_capitals,
)
from intake.synthetic.people import chance, pick

# Room around a line for what leans, swings and hangs below it, in heights of a capital.
_MARGIN = 0.9


@dataclass(frozen=True, slots=True)
class Hand:
    """One person's writing, or one machine's.

    capital_height: millimetres, when there is room.
    slant:      shear, positive leans right.   squeeze: width factor.   spacing: extra advance per letter, in capitals.
    nib:        width of the pen in millimetres.   ink: darkness on the paper, 0 none to 1 black.
    wander, tilt, swing, size_jitter: baseline wander (capitals), letter rotation (degrees), elastic distortion
                (capitals), relative size spread; all 0 for a printer.
    patchy:     how unevenly the pen or ribbon gives ink, 0 to 1.
    """

    face: Typeface
    is_typed: bool
    is_capitals: bool
    capital_height: float
    slant: float
    squeeze: float
    spacing: float
    nib: float
    ink: float
    wander: float
    tilt: float
    swing: float
    size_jitter: float
    patchy: float


def invent_hand(random: Generator) -> Hand:
    """A person's handwriting: typeface, slant, size, nib, ink and unsteadiness are that person's own."""
    face = pick(random, HANDWRITING)
    is_capitals = face.capitals_only or (face.capitals_run and chance(random, 0.5))
    kind = random.random()
    if kind < 0.72:  # ball-point, black or blue: blue scans as a middle grey
        nib, ink, patchy = random.uniform(0.32, 0.5), random.choice([0.9, 0.74, 0.66]), 0.22
    elif kind < 0.9:  # fibre tip or gel
        nib, ink, patchy = random.uniform(0.5, 0.75), random.uniform(0.82, 0.96), 0.06
    else:  # pencil
        nib, ink, patchy = random.uniform(0.42, 0.6), random.uniform(0.58, 0.72), 0.35
    unsteady = random.uniform(0.5, 1.6)
    return Hand(
        face=face,
        is_typed=False,
        is_capitals=bool(is_capitals),
        capital_height=float(random.uniform(3.0, 4.6)),
        slant=float(random.normal(0.06, 0.12)),
        squeeze=float(random.uniform(0.82, 1.15)),
        spacing=float(random.uniform(-0.02, 0.14)) + (0.1 if is_capitals and not face.capitals_only else 0.0),
        nib=float(nib),
        ink=float(ink),
        wander=0.05 * unsteady,
        tilt=2.2 * unsteady,
        swing=0.036 * unsteady,
        size_jitter=0.05 * unsteady,
        patchy=float(patchy),
    )


def invent_machine(random: Generator) -> Hand:
    """A typewriter with its uneven strikes, or an office printer."""
    is_typewriter = chance(random, 0.5)
    return Hand(
        face=pick(random, TYPEWRITER if is_typewriter else OFFICE + TYPEWRITER[:1]),
        is_typed=True,
        is_capitals=chance(random, 0.35),
        capital_height=float(random.uniform(2.3, 2.9)),
        slant=0.0,
        squeeze=1.0,
        spacing=0.0,
        nib=0.0,
        ink=float(random.uniform(0.7, 0.92) if is_typewriter else random.uniform(0.88, 0.98)),
        wander=0.035 if is_typewriter else 0.0,
        tilt=0.0,
        swing=0.0,
        size_jitter=0.0,
        patchy=0.35 if is_typewriter else 0.04,
    )


def wrapped(text: str, width: float, hand: Hand, capital: float) -> tuple[str, ...]:
    """The words of `text` in lines that are not wider than `width` pixels, unless a single word is."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, hand, capital) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return tuple(lines)


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """Ink of one line: coverage (height, width) 0 to 255; the pen starts at (origin_x, baseline); `reach` is how far
    the writing goes to the right of that."""

    cover: Grey
    origin_x: int
    baseline: int
    reach: float


def width_of(text: str, hand: Hand, capital: float) -> float:
    """About how wide `text` will be, in pixels, with capitals of `capital` pixels."""
    size = size_for_capitals(hand.face, capital)
    return (advance(hand.face, size, text) + hand.spacing * capital * len(text)) * hand.squeeze


def write_line(text: str, hand: Hand, capital: float, random: Generator) -> Ink:
    """`text` in this hand, capitals `capital` pixels tall; the same letter never looks quite the same twice."""
    size = size_for_capitals(hand.face, capital)
    margin = round(capital * _MARGIN) + 4
    width = round(width_of(text, hand, capital) * 1.06) + 2 * margin
    height = round(capital) + 2 * margin
    cover = np.zeros((height, width), np.uint8)
    baseline, pen = height - margin, float(margin)
    drift = random.normal(0, hand.wander * capital * 0.6, 2 + len(text) // 4)
    for place, letter in enumerate(text):
        shape = glyph(hand.face, size, _variant(letter, hand.face, random))
        lift = drift[place // 4] + (drift[place // 4 + 1] - drift[place // 4]) * (place % 4) / 4
        lift += random.normal(0, hand.wander * capital * 0.5)
        if shape.ink.size:
            set_letter = _strike if hand.is_typed else _set_letter
            set_letter(cover, shape.ink, pen + shape.left * hand.squeeze, baseline + shape.top + lift, hand, random)
        uneven = random.normal(0, hand.size_jitter * 0.6 * capital)
        pen += (shape.advance + hand.spacing * capital) * hand.squeeze + uneven
    if hand.is_typed:
        return Ink(cover, margin, baseline, pen - margin)
    cover = _reshaped(cover, hand, capital, random)
    return Ink(_nibbed(cover, hand, size), margin, baseline, pen - margin)


def _variant(letter: str, face: Typeface, random: Generator) -> str:
    """A font whose small letters are capitals too has two shapes of each: a person's letters differ as well."""
    if not face.capitals_only or not letter.isalpha():
        return letter
    choices = [shape for shape in (letter.upper(), letter.lower()) if shape not in face.misleading]
    return pick(random, choices)


def _strike(cover: Grey, ink: Grey, left: float, top: float, hand: Hand, random: Generator) -> None:
    """Lay one typed letter into the line: no two strikes of a ribbon are equally strong."""
    patch = cv2.convertScaleAbs(ink, alpha=1 - hand.patchy * float(random.random()) ** 2)
    _lay(cover, np.asarray(patch, dtype=np.uint8), round(left), round(top))


def _set_letter(cover: Grey, ink: Grey, left: float, top: float, hand: Hand, random: Generator) -> None:
    """Lay one written letter into the line, turned, slanted and sized a little."""
    height, width = ink.shape
    factor_x, factor_y = hand.squeeze, 1.0
    if hand.size_jitter:
        factor = 1 + max(-0.15, min(0.15, float(random.normal(0, hand.size_jitter))))
        factor_x, factor_y = factor_x * factor, factor * (1 + float(random.normal(0, 0.02)))
    angle = np.deg2rad(random.normal(0, hand.tilt)) if hand.tilt else 0.0
    shear = hand.slant + (float(random.normal(0, 0.03)) if hand.size_jitter else 0.0)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]]) @ np.array([[factor_x, -shear], [0.0, factor_y]])
    pad = 3 + round(abs(shear) * height / 2 + 0.1 * max(height, width))
    wide, high = round(width * factor_x) + 2 * pad, round(height * factor_y) + 2 * pad
    shift = np.array([wide / 2, high / 2]) - turn @ np.array([width / 2, height / 2])
    shift += np.array([left - np.floor(left), top - np.floor(top)])
    patch = cv2.warpAffine(ink, np.column_stack([turn, shift]), (wide, high), flags=cv2.INTER_LINEAR)
    _lay(cover, np.asarray(patch, dtype=np.uint8), int(np.floor(left)) - pad, int(np.floor(top)) - pad)


def _lay(cover: Grey, patch: Grey, left: int, top: int) -> None:
    """Keep the darker of the two, where the patch lies on the canvas."""
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + patch.shape[1], cover.shape[1]), min(top + patch.shape[0], cover.shape[0])
    if x0 < x1 and y0 < y1:
        window = cover[y0:y1, x0:x1]
        np.maximum(window, patch[y0 - top : y1 - top, x0 - left : x1 - left], out=window)


def _reshaped(cover: Grey, hand: Hand, capital: float, random: Generator) -> Grey:
    """Bend the whole line smoothly, so that letters of one font differ from each other like a person's."""
    height, width = cover.shape
    step = capital * 0.55
    grid = (max(3, round(height / step)), max(3, round(width / step)))
    across, down = (
        cv2.resize(
            random.normal(0, hand.swing * capital, grid).astype(np.float32),
            (width, height),
            interpolation=cv2.INTER_CUBIC,
        )
        for _ in range(2)
    )
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    bent = cv2.remap(cover, columns + across, rows + down, cv2.INTER_LINEAR)
    return np.asarray(bent, dtype=np.uint8)


def _nibbed(cover: Grey, hand: Hand, size: int) -> Grey:
    """The same strokes with this person's nib: the outline moves by the difference of the two pens."""
    wanted = hand.nib / 25.4 * 300 / 2
    inked = (cover > 110).astype(np.uint8)
    inside = cv2.distanceTransform(inked, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - inked, cv2.DIST_L2, 5)
    own = half_stroke(hand.face, size)
    # More than this and counters close, or thin places vanish.
    change = float(np.clip(wanted - own, -0.35 * own, 3.0))
    edge = np.clip((inside - outside + change) * 0.7 + 0.5, 0, 1)
    return np.asarray(edge * 255, dtype=np.uint8)


def _unevenness() -> NDArray[np.float32]:
    """A square of smooth and fine noise, 0 to 1, from which every pen takes its own piece."""
    random = Generator(PCG64(20250314))
    fine = cv2.GaussianBlur(random.random((1024, 1024), dtype=np.float32), (0, 0), 1.3)
    wide = cv2.GaussianBlur(random.random((1024, 1024), dtype=np.float32), (0, 0), 14)
    fine, wide = ((noise - noise.min()) / (noise.max() - noise.min()) for noise in (fine, wide))
    return np.asarray(fine * 0.55 + wide * 0.45, dtype=np.float32)


_UNEVENNESS = _unevenness()


def stamp(page: Grey, cover: Grey, left: int, top: int, strength: float, patchy: float, random: Generator) -> None:
    """Put ink on the page in place: `strength` 0 to 1 is how dark full cover is. What hangs over the page is cut."""
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + cover.shape[1], page.shape[1]), min(top + cover.shape[0], page.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    amount = cover[y0 - top : y1 - top, x0 - left : x1 - left].astype(np.float32) * np.float32(strength / 255)
    if patchy and amount.shape[0] < 1024:
        start_y, start_x = (int(place) for place in random.integers(0, 1024, 2))
        rows = (np.arange(amount.shape[0]) + start_y) % 1024
        columns = (np.arange(amount.shape[1]) + start_x) % 1024
        amount *= 1 - np.float32(patchy) * _UNEVENNESS[np.ix_(rows, columns)]
    window = page[y0:y1, x0:x1]
    window[:] = (window * (1 - amount)).astype(np.uint8)
