"""Figures written by hand, drawn stroke by stroke: no two of them alike, unlike those of any font."""

import numpy as np
from numpy.random import Generator

from intake.synthetic.hand import Ink
from intake.synthetic.people import chance, pick
from intake.synthetic.strokes import Points, draw, smooth

# The ways in which people write each figure: strokes of points in a square of 1 x 1, y downwards. A point given twice
# makes a corner.
_Strokes = tuple[tuple[tuple[float, float], ...], ...]
_WAYS: dict[str, tuple[_Strokes, ...]] = {
    "0": (
        (((0.55, 0.02), (0.2, 0.2), (0.12, 0.6), (0.4, 0.98), (0.8, 0.75), (0.85, 0.3), (0.6, 0.02), (0.48, 0.04)),),
        (((0.7, 0.1), (0.35, 0.08), (0.12, 0.5), (0.35, 0.95), (0.75, 0.85), (0.88, 0.4), (0.62, 0.05)),),
    ),
    "1": (
        (((0.5, 0.0), (0.5, 0.5), (0.48, 1.0)),),
        (((0.25, 0.25), (0.52, 0.02), (0.52, 0.02), (0.52, 0.5), (0.5, 1.0)),),
        (
            ((0.28, 0.2), (0.5, 0.02), (0.5, 0.02), (0.5, 0.6), (0.5, 0.98)),
            ((0.25, 1.0), (0.5, 0.98), (0.78, 1.0)),
        ),
    ),
    "2": (
        (
            (
                (0.15, 0.25),
                (0.4, 0.02),
                (0.78, 0.15),
                (0.7, 0.5),
                (0.12, 0.97),
                (0.12, 0.97),
                (0.5, 0.93),
                (0.92, 0.97),
            ),
        ),
        (
            (
                (0.18, 0.2),
                (0.5, 0.02),
                (0.8, 0.25),
                (0.5, 0.7),
                (0.15, 0.92),
                (0.2, 0.75),
                (0.5, 0.88),
                (0.95, 0.92),
            ),
        ),
    ),
    "3": (
        (
            (
                (0.18, 0.1),
                (0.6, 0.02),
                (0.75, 0.25),
                (0.38, 0.46),
                (0.38, 0.46),
                (0.82, 0.62),
                (0.62, 0.97),
                (0.12, 0.9),
            ),
        ),
        (((0.15, 0.04), (0.8, 0.04), (0.8, 0.04), (0.42, 0.4), (0.42, 0.4), (0.85, 0.6), (0.6, 0.98), (0.15, 0.9)),),
    ),
    "4": (
        (((0.2, 0.02), (0.12, 0.52), (0.12, 0.52), (0.5, 0.52), (0.92, 0.5)), ((0.72, 0.05), (0.68, 0.5), (0.66, 1.0))),
        (((0.68, 1.0), (0.7, 0.4), (0.72, 0.0), (0.72, 0.0), (0.1, 0.62), (0.1, 0.62), (0.5, 0.62), (0.98, 0.6)),),
        (((0.25, 0.0), (0.2, 0.3), (0.3, 0.5), (0.8, 0.42)), ((0.82, 0.0), (0.78, 0.5), (0.74, 1.02))),
    ),
    "5": (
        (
            ((0.28, 0.05), (0.22, 0.42), (0.22, 0.42), (0.6, 0.38), (0.85, 0.65), (0.6, 0.96), (0.15, 0.92)),
            ((0.26, 0.06), (0.6, 0.05), (0.9, 0.03)),
        ),
        (
            (
                (0.85, 0.03),
                (0.3, 0.05),
                (0.3, 0.05),
                (0.22, 0.45),
                (0.22, 0.45),
                (0.65, 0.42),
                (0.82, 0.7),
                (0.5, 0.98),
                (0.12, 0.9),
            ),
        ),
    ),
    "6": (
        (((0.7, 0.0), (0.3, 0.3), (0.14, 0.7), (0.4, 0.98), (0.78, 0.8), (0.68, 0.52), (0.35, 0.55), (0.16, 0.75)),),
        (((0.62, 0.02), (0.2, 0.4), (0.2, 0.85), (0.6, 0.97), (0.82, 0.7), (0.55, 0.5), (0.2, 0.68)),),
    ),
    "7": (
        (((0.12, 0.06), (0.5, 0.05), (0.88, 0.04), (0.88, 0.04), (0.55, 0.5), (0.4, 1.0)),),
        (
            ((0.12, 0.08), (0.5, 0.05), (0.86, 0.05), (0.86, 0.05), (0.55, 0.5), (0.42, 1.0)),
            ((0.35, 0.52), (0.6, 0.5), (0.85, 0.48)),
        ),
        (((0.1, 0.2), (0.12, 0.05), (0.5, 0.06), (0.88, 0.05), (0.88, 0.05), (0.6, 0.5), (0.5, 1.0)),),
    ),
    "8": (
        (
            (
                (0.72, 0.12),
                (0.4, 0.02),
                (0.25, 0.24),
                (0.55, 0.48),
                (0.8, 0.75),
                (0.5, 0.98),
                (0.18, 0.8),
                (0.42, 0.5),
                (0.72, 0.28),
                (0.68, 0.08),
            ),
        ),
        (
            ((0.5, 0.02), (0.25, 0.22), (0.5, 0.46), (0.76, 0.22), (0.5, 0.02), (0.45, 0.04)),
            ((0.5, 0.46), (0.15, 0.74), (0.5, 0.99), (0.86, 0.74), (0.5, 0.46), (0.45, 0.48)),
        ),
    ),
    "9": (
        (((0.8, 0.2), (0.5, 0.02), (0.2, 0.25), (0.42, 0.5), (0.78, 0.3), (0.82, 0.08), (0.78, 0.5), (0.66, 1.0)),),
        (((0.78, 0.15), (0.45, 0.03), (0.18, 0.28), (0.5, 0.5), (0.8, 0.2), (0.8, 0.2), (0.76, 0.6), (0.4, 1.0)),),
    ),
    "#": (
        (
            ((0.38, 0.05), (0.34, 0.5), (0.28, 0.95)),
            ((0.72, 0.05), (0.68, 0.5), (0.62, 0.95)),
            ((0.1, 0.36), (0.5, 0.34), (0.92, 0.32)),
            ((0.06, 0.68), (0.5, 0.66), (0.9, 0.64)),
        ),
    ),
}
FIGURES = frozenset(_WAYS)


def write_figures(text: str, height: float, nib: float, random: Generator) -> Ink:
    """`text`, figures and # only, `height` pixels tall, drawn with a nib of that many pixels. Raises KeyError else.

    One person keeps to one way of writing each figure, to one slant and one width; figures may touch each other.
    """
    own = {letter: pick(random, _WAYS[letter]) for letter in sorted(set(text))}
    slant, wide = random.normal(0.12, 0.22), random.uniform(0.42, 0.95)
    gap, shake, rise = random.uniform(-0.08, 0.3), random.uniform(0.02, 0.07), random.normal(0, 0.06)
    margin = round(height * (0.6 + abs(rise) * len(text)) + nib)
    step = height * (wide + gap)
    cover = np.zeros((round(height) + 2 * margin, round(step * len(text) + height) + 2 * margin), np.uint8)
    x = float(margin)
    for place, letter in enumerate(text):
        size = height * (1 + random.normal(0, 0.07))
        foot = margin + height + random.normal(0, 0.05) * height - rise * height * place
        for stroke in own[letter]:
            points = np.array(stroke) + random.normal(0, shake, (len(stroke), 2))
            points = _as_corners(points, stroke)
            level = foot - size * (1 - points[:, 1])
            across = x + points[:, 0] * size * wide * (0.45 if letter == "1" else 1.0) + slant * (foot - level)
            draw(cover, smooth(np.column_stack([across, level]), 8), nib, random)
        x += step * (0.62 if letter == "1" else 1.0) * (1 + random.normal(0, 0.08))
        if chance(random, 0.04):
            x += height * 0.25
    return Ink(cover, margin, round(margin + height), x - margin)


def _as_corners(points: Points, stroke: tuple[tuple[float, float], ...]) -> Points:
    """The same points, those that were given twice moved to one place again."""
    kept = points.copy()
    for place in range(1, len(stroke)):
        if stroke[place] == stroke[place - 1]:
            kept[place] = kept[place - 1]
    return kept
