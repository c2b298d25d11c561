"""Shortlist: which of many known pages a scan may show, from sketches at 10 dpi, where a page is some thousand cells.

Two sieves. How strongly a sketch waves in each direction (the size of its Fourier transform) does not depend on where
the page lies or which way up it is, so one product of matrices compares a page with every known one. The few best are
correlated properly, over all shifts and both ways up, which also says where the page lies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extract.affine import Float
from extract.rough_map import SCALES, Start
from extract.views import sized

_HEIGHT, _WIDTH = 162, 135  # room for 14 x 11 inches and a shift; factors of 2, 3 and 5
# Waves up to so many to the frame are compared. Their square roots, or the few strongest would decide. Among 109 form
# pages the right one came sixth at worst, for 141 scans of three degrees of ageing.
_WAVES = 40
# So many known pages pass the first sieve.
_PASSED = 16
# Sketches are kept in steps of this: it takes an eighth of the memory, and ink reaches up to 255.
_STEP = 2.0


@dataclass(frozen=True, slots=True)
class Likely:
    """A known page, by its number, that the scan may show when turned clockwise by so many degrees."""

    number: int
    turned: int
    likeness: float  # correlation, -1 to 1
    start: Start


def compact(drawn: Float) -> NDArray[np.int8]:
    """A sketch as it is kept: what does not fit the frame is left out."""
    return np.asarray(np.round(np.clip(drawn[:_HEIGHT, :_WIDTH] / _STEP, -127, 127)), np.int8)


def alike(one: NDArray[np.int8], other: NDArray[np.int8]) -> float:
    """Correlation, -1 to 1, of two sketches of blank forms laid onto one another at whichever size fits best."""
    page = _spectrum(one.astype(np.float32)).conj()
    found = (_spectrum(sized(other.astype(np.float32), scale)) for scale in SCALES)
    return max(float(np.fft.irfft2(spectrum * page, (_HEIGHT, _WIDTH)).max()) for spectrum in found)


class Shortlist:
    """The sketches of known pages, ready to be compared with a scan. Pages are numbered in the order given."""

    def __init__(self, sketches: Sequence[NDArray[np.int8]]) -> None:
        self._tall = np.array([one.shape[0] >= one.shape[1] for one in sketches], np.bool_)
        spectra = [_spectrum(one.astype(np.float32)) for one in sketches]
        self._spectra = np.stack(spectra) if spectra else np.zeros((0, 1, 1), np.complex64)
        self._waves = _waves(self._spectra)

    def likeliest(self, drawn: Float) -> list[Likely]:
        """The known pages that look like the sketch of a scan, the likeliest first."""
        is_tall = drawn.shape[0] >= drawn.shape[1]
        found = [
            likely
            for upright, turns in ((is_tall, (0, 180)), (not is_tall, (90, 270)))
            for likely in self._of_shape(drawn, turns, np.flatnonzero(self._tall == upright))
        ]
        return sorted(found, key=lambda likely: (-likely.likeness, likely.number, likely.turned))

    def _of_shape(self, drawn: Float, turns: tuple[int, int], numbers: NDArray[np.intp]) -> Iterator[Likely]:
        """The best of these known pages, each both ways up."""
        if not numbers.size:
            return
        upright = [
            [np.ascontiguousarray(np.rot90(sized(drawn, scale), -turned // 90)) for turned in turns] for scale in SCALES
        ]
        spectra = [_spectrum(first) for first, _ in upright]
        alike = _waves(np.stack(spectra)) @ self._waves[numbers].T
        best = alike.max(axis=0)
        passed = np.argsort(-best, kind="stable")[:_PASSED]
        of_size = alike[:, passed].argmax(axis=0)
        for place, scale in enumerate(SCALES):
            here = numbers[passed[of_size == place]]
            if not here.size:
                continue
            for turned, spectrum in zip(turns, (spectra[place], _spectrum(upright[place][1])), strict=True):
                yield from self._correlated(here, spectrum, scale, turned)

    def _correlated(
        self, numbers: NDArray[np.intp], page: NDArray[np.complex64], scale: float, turned: int
    ) -> Iterator[Likely]:
        surfaces = np.fft.irfft2(page[None] * self._spectra[numbers].conj(), (_HEIGHT, _WIDTH))
        flat = surfaces.reshape(len(numbers), -1)
        for number, peak, surface in zip(numbers.tolist(), flat.argmax(axis=1).tolist(), flat, strict=True):
            down, across = divmod(peak, _WIDTH)
            down, across = (
                (down - _HEIGHT if down > _HEIGHT // 2 else down),
                (across - _WIDTH if across > _WIDTH // 2 else across),
            )
            start = Start(1 / scale, (across / scale, down / scale))
            yield Likely(number, turned, float(surface[peak]), start)


def _spectrum(drawn: Float) -> NDArray[np.complex64]:
    """The Fourier transform of a sketch, of zero mean and unit length, so that a product is a correlation."""
    ink = drawn[:_HEIGHT, :_WIDTH]
    ink = ink - ink.mean()
    length = float(np.linalg.norm(ink)) or 1.0
    return np.fft.rfft2(ink / length, (_HEIGHT, _WIDTH)).astype(np.complex64)


def _waves(spectra: NDArray[np.complex64]) -> Float:
    """(n, waves): how strongly each sketch waves in each direction, of zero mean and unit length."""
    if not len(spectra):
        return np.zeros((0, 1), np.float32)
    low = np.concatenate([spectra[:, :_WAVES, :_WAVES], spectra[:, -_WAVES:, :_WAVES]], axis=1)
    strength = np.sqrt(np.abs(low)).reshape(len(spectra), -1)
    strength -= strength.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(strength, axis=1, keepdims=True)
    return np.asarray(strength / np.where(lengths > 0, lengths, 1), np.float32)
