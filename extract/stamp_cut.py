"""Stamp cuts: the place of a rubber stamp cut out of a page, turned and set level, with the print beneath it greyed."""

from dataclasses import dataclass
from math import cos, radians, sin

import cv2
import numpy as np

from extract.page import Grey
from extract.printed import Print
from schemas.geometry import Box

# All lengths in pixels at 300 dpi.
# Around the stamp's own letters (across, down): what print hid of it, and a line that was taken for print.
_ROOM_ACROSS, _ROOM_DOWN = 110, 170
# A printed rule runs straight for this long once gaps of worn print are closed; no stroke of a stamp does.
_RULE, _RULE_GAP = 110, 7
# Where rule and print are taken away a stroke of at most this width is given back.
_CROSSED_RULE, _CROSSED_PRINT = 13, 7
# Ink that is probably not the stamp's is shown to the reader as this grey: neither a stroke nor paper.
DOUBTFUL = 150
# Stamps are set by hand: degrees off the right angle, and how finely they are told.
_TILT, _TILT_STEP = 8.0, 0.5
_TILT_POINTS = 6000


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A stamp cut out, turned and level: once without the page's rules, once without any print; these are grey."""

    without_rules: Grey
    without_print: Grey
    box: Box


def cut_out(pixels: Grey, level: int, place: Box, blank: Print) -> Cut:
    """The stamp and its surroundings, turned so that its writing is level, if perhaps upside down."""
    height, width = pixels.shape
    rows = slice(max(0, place.top - _ROOM_DOWN), min(height, place.bottom + _ROOM_DOWN))
    columns = slice(max(0, place.left - _ROOM_ACROSS), min(width, place.right + _ROOM_ACROSS))
    raw = pixels[rows, columns]
    ink = (raw <= level).astype(np.uint8)
    unruled = _without_rules(ink)
    own = unruled & (1 - blank.exact((rows, columns)))
    own |= _closed(own, _CROSSED_PRINT, _CROSSED_PRINT) & unruled
    core = own[
        place.top - rows.start : place.bottom - rows.start, place.left - columns.start : place.right - columns.start
    ]
    tilt = _tilt(np.rot90(core))
    levelled = [
        _rotated(np.ascontiguousarray(np.rot90(picture)), tilt)
        for picture in (_greyed(raw, ink, unruled), _greyed(raw, ink, own))
    ]
    return Cut(levelled[0], levelled[1], place)


def _without_rules(ink: Grey) -> Grey:
    """Ink without long level rules; strokes that cross one stay whole."""
    straight = cv2.morphologyEx(_closed(ink, _RULE_GAP, 1), cv2.MORPH_OPEN, np.ones((1, _RULE), np.uint8))
    rules = np.asarray(cv2.dilate(straight, np.ones((5, 3), np.uint8)), np.uint8) & ink
    rest = ink & (1 - rules)
    return np.asarray(rest | (_closed(rest, 1, _CROSSED_RULE) & rules), np.uint8)


def _closed(mask: Grey, across: int, down: int) -> Grey:
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((down, across), np.uint8)), np.uint8)


def _greyed(raw: Grey, ink: Grey, kept: Grey) -> Grey:
    return np.where((ink > 0) & (kept == 0), np.maximum(raw, DOUBTFUL), raw).astype(np.uint8)


def _tilt(mask: Grey) -> float:
    """Degrees by which the writing must be turned anticlockwise to be level: where its rows are sharpest."""
    y, x = np.nonzero(mask)
    every = len(y) // _TILT_POINTS + 1
    y, x = y[::every], x[::every]
    if not len(y):
        return 0.0
    best, sharpest = 0.0, -1.0
    for angle in np.arange(-_TILT, _TILT + _TILT_STEP / 2, _TILT_STEP):
        row = np.round(y * cos(radians(angle)) - x * sin(radians(angle))).astype(np.intp)
        sharp = float((np.bincount(row - row.min()).astype(np.float64) ** 2).sum())
        if sharp > sharpest:
            best, sharpest = float(angle), sharp
    return best


def _rotated(picture: Grey, degrees: float) -> Grey:
    height, width = picture.shape
    about = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turned = cv2.warpAffine(picture, about, (width, height), flags=cv2.INTER_LINEAR, borderValue=(255,))
    return np.asarray(turned, np.uint8)
