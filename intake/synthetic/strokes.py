"""Strokes of a pen that are no letters: ticks, crosses, scribbles, signatures, stray lines."""

from enum import StrEnum

import cv2
import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from extract.page import Grey

Points = NDArray[np.float64]  # (n, 2), x and y in pixels

_SUBPIXEL_BITS = 4


class TickStyle(StrEnum):
    """How a person marks a box. Most people keep to one way."""

    CHECK = "check"
    CROSS = "cross"
    FILLED = "filled"
    SLASH = "slash"


def smooth(points: Points, each: int = 10) -> Points:
    """A Catmull-Rom curve through the points, `each` samples a stretch."""
    ends = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, 1, each, endpoint=False)[:, None]
    stretches = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        stretches.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    return np.vstack([*stretches, points[-1:]])


def draw(cover: Grey, curve: Points, width: float, random: Generator) -> None:
    """Draw a curve into `cover` in place; the pen presses a little more and less on its way."""
    whole = np.round(curve * 2**_SUBPIXEL_BITS).astype(np.int32)
    pressure = 1 + 0.18 * np.sin(np.linspace(0, random.uniform(3, 9), len(whole)) + random.uniform(0, 6))
    # Pieces overlap by a point, so that no gap shows where the width changes.
    for first in range(0, len(whole) - 1, 4):
        piece = whole[first : first + 5]
        thick = max(1, round(width * float(pressure[first])))
        cv2.polylines(cover, [piece], False, 255, thick, cv2.LINE_AA, _SUBPIXEL_BITS)


def _shaken(points: Points, spread: float, random: Generator) -> Points:
    return points + random.normal(0, spread, points.shape)


def tick(size: int, style: TickStyle, width: float, random: Generator) -> Grey:
    """A mark for a box of `size` pixels, in the middle of a picture three boxes wide: it may leave its box."""
    cover = np.zeros((3 * size, 3 * size), np.uint8)
    middle = np.array([1.5 * size, 1.5 * size]) + random.normal(0, 0.09 * size, 2)
    reach = size * random.uniform(0.75, 1.25)
    match style:
        case TickStyle.CHECK:
            points = np.array([[-0.38, -0.02], [-0.16, 0.3], [-0.1, 0.34], [0.12, -0.12], [0.5, -0.62]])
            draw(cover, smooth(_shaken(points, 0.04, random) * reach + middle), width, random)
        case TickStyle.CROSS:
            for shape in ([[-0.42, -0.4], [0.0, 0.02], [0.42, 0.42]], [[0.42, -0.42], [-0.02, 0.0], [-0.42, 0.4]]):
                draw(cover, smooth(_shaken(np.array(shape), 0.05, random) * reach + middle), width, random)
        case TickStyle.SLASH:
            points = np.array([[-0.36, 0.42], [0.0, 0.04], [0.4, -0.46]])
            draw(cover, smooth(_shaken(points, 0.05, random) * reach + middle), width, random)
        case TickStyle.FILLED:
            draw(cover, _zigzag(middle, size * 0.44, size * 0.42, 9, random), width * 1.5, random)
    return cover


def _zigzag(middle: Points, across: float, down: float, turns: int, random: Generator) -> Points:
    rows = np.linspace(-down, down, 2 * turns)
    sides = np.where(np.arange(2 * turns) % 2 == 0, -across, across)
    points = np.column_stack([sides, rows]) + middle
    return smooth(_shaken(points, across * 0.1, random), 5)


def cancel(size: int, width: float, random: Generator) -> Grey:
    """A scribble over a ticked box: dense strokes beyond its edges, or the box blackened; same picture as `tick`."""
    cover = np.zeros((3 * size, 3 * size), np.uint8)
    middle = np.array([1.5 * size, 1.5 * size])
    if random.random() < 0.35:
        draw(cover, _zigzag(middle, size * 0.5, size * 0.5, 16, random), width * 1.7, random)
        return cover
    turns = int(random.integers(5, 9))
    reach = size * random.uniform(0.55, 0.85)
    draw(cover, _zigzag(middle, reach, size * random.uniform(0.4, 0.65), turns, random), width, random)
    angles = np.linspace(0, random.uniform(8, 16), 26)
    loops = np.column_stack([np.cos(angles) * reach, np.sin(angles) * reach * 0.7])
    draw(cover, smooth(_shaken(loops, reach * 0.14, random) + middle, 5), width, random)
    return cover


def stray(size: int, width: float, random: Generator) -> Grey:
    """A short slip of the pen across the edge of an empty box; same picture as `tick`."""
    cover = np.zeros((3 * size, 3 * size), np.uint8)
    angle = random.uniform(0, 2 * np.pi)
    away = np.array([np.cos(angle), np.sin(angle)])
    start = np.array([1.5 * size, 1.5 * size]) + away * size * random.uniform(0.42, 0.62)
    end = start + away * size * random.uniform(0.2, 0.5) + random.normal(0, 0.1 * size, 2)
    draw(cover, smooth(np.array([start, (start + end) / 2 + random.normal(0, 2, 2), end])), width * 0.8, random)
    return cover


def signature(person: int, height: int, width: int, nib: float, random: Generator) -> Grey:
    """The signature of the person with this number: always the same movement, never quite the same line.

    The picture is (height, width) with the writing in its middle; `nib` in pixels.
    """
    own = Generator(PCG64(person))
    count = int(own.integers(9, 20))
    steps = np.cumsum(own.uniform(0.3, 1.2, count) - (own.random(count) < 0.22) * 1.1)
    fall = np.linspace(1.0, own.uniform(0.25, 0.6), count)
    swing = np.where(np.arange(count) % 2 == 0, 1, -1) * own.uniform(0.25, 0.9, count) * fall
    swing[0], swing[1] = own.uniform(-0.2, 0.3), own.uniform(-1.3, -0.9)  # the first letter is the tall one
    movement = np.column_stack([steps, swing])
    stretch = (steps.max() - steps.min()) or 1.0
    scale = np.array([width * own.uniform(0.55, 0.85) / stretch, height * 0.3])
    curve = (movement - [steps.min() + stretch / 2, 0.0]) * scale * random.uniform(0.85, 1.1)
    middle = np.array([width / 2, height * random.uniform(0.5, 0.62)])
    curve = _shaken(curve, height * 0.015, random) + middle
    cover = np.zeros((height, width), np.uint8)
    draw(cover, smooth(curve, 14), nib, random)
    if own.random() < 0.5:  # the flourish below
        left, right = width * own.uniform(0.15, 0.3), width * own.uniform(0.7, 0.9)
        line = np.array([[left, height * 0.8], [(left + right) / 2, height * 0.74], [right, height * 0.82]])
        draw(cover, smooth(_shaken(line, height * 0.03, random), 14), nib, random)
    return cover
