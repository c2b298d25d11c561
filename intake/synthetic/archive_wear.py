"""How worn the paper of an archive is, and what scanned it: drawn anew for every page and file."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from intake.synthetic.people import chance, pick
from intake.synthetic.wear import Ageing, Colour, Scanner


@dataclass(frozen=True, slots=True)
class ArchiveWear:
    """What happens to one page.

    print_strength: 0 none to 1, see `fill_any.worn_print`.   skew, shear: degrees.   stretch: factors (x, y).
    shift: pixels at 300 dpi.   warp, curl: pixels by which paper is bent, in patches and along an edge.
    spread: as `wear.Wear`.   copies: how often it was photocopied before.   blur, noise: sigma in pixels and levels.
    threshold: what parts black from white, 0 as dark as ink to 1 as light as paper: higher is thicker.
    kept: the least and the most black on the scan, as shares of the ink on the paper.   fading: share of lost ink.
    specks: small dots.   streaks: lines of dirt on the glass.   edges: black borders.   bleed: strength.
    """

    print_strength: float
    skew: float
    shear: float
    stretch: tuple[float, float]
    shift: tuple[float, float]
    warp: float
    curl: float
    spread: float
    copies: int
    blur: float
    noise: float
    threshold: float
    kept: tuple[float, float]
    fading: float
    is_dithered: bool
    specks: int
    streaks: int
    edges: int
    holes: bool
    bleed: float
    stains: int
    turned: int


# How much of the ink must come through: nobody keeps a scan on which less can be seen.
_KEPT = {Ageing.LIGHT: (0.85, 1.3), Ageing.MEDIUM: (0.78, 1.55), Ageing.HEAVY: (0.6, 2.0)}
_LEVEL = {Ageing.LIGHT: 0.3, Ageing.MEDIUM: 0.65, Ageing.HEAVY: 1.0}


def invent_archive_scanner(ageing: Ageing, random: Generator) -> Scanner:
    """Resolution and colours of one file: black and white at 300 dpi, seldom otherwise."""
    level = _LEVEL[ageing]
    dpi = 200 if chance(random, 0.22 * level) else 240 if chance(random, 0.06 * level) else 300
    quality = int(random.integers(35, 88))
    if chance(random, 0.12 * max(level - 0.4, 0)):
        return Scanner(204, Colour.FAX, quality, black_backing=False)
    colour = Colour.GREY if chance(random, 0.1) else Colour.BILEVEL
    return Scanner(dpi, colour, quality, black_backing=False)


def invent_archive_wear(ageing: Ageing, random: Generator) -> ArchiveWear:
    """The fate of one page: every strength is drawn anew, up to what the level allows."""
    level = _LEVEL[ageing]
    skew = float(np.clip(random.normal(0, 0.75 * level), -3.0, 3.0))
    stretch = random.normal(1, 0.004 * level, 2)
    return ArchiveWear(
        print_strength=level,
        skew=skew,
        shear=float(random.normal(0, 0.1 * level)),
        stretch=(float(stretch[0]), float(stretch[1])),
        shift=(float(random.normal(0, 22 * level)), float(random.normal(0, 26 * level))),
        warp=float(random.uniform(0.2, 2.2)) * level,
        curl=float(random.uniform(2, 14)) * level if chance(random, 0.3 * level) else 0.0,
        spread=float(random.normal(0.15, 0.45)) * level,
        copies=int(random.integers(1, 3)) if chance(random, 0.3 * level**2) else 0,
        blur=float(random.uniform(0.45, 0.6 + 0.6 * level)),
        noise=float(random.uniform(4, 8 + 22 * level)),
        threshold=float(np.clip(random.normal(0.54, 0.13 * level**1.5), 0.25, 0.8)),
        kept=_KEPT[ageing],
        fading=float(random.uniform(0.15, 0.4)) if chance(random, 0.12 * level) else 0.0,
        is_dithered=chance(random, 0.06 * level),
        specks=int(random.uniform(0, 1) ** 2 * (40 + 420 * level)),
        streaks=int(random.integers(1, 4)) if chance(random, 0.35 * level) else 0,
        edges=int(random.integers(1, 3)) if chance(random, 0.25 * level) else 0,
        holes=chance(random, 0.15 * level),
        bleed=float(random.uniform(0.1, 0.3)) if chance(random, 0.1 * level) else 0.0,
        stains=int(random.integers(1, 3)) if chance(random, 0.06 * level) else 0,
        turned=pick(random, (90, 180, 270)) if chance(random, 0.02 * level) else 0,
    )
