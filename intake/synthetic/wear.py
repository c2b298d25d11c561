"""How worn paper and scanner are: what happens to a page between the desk it was written at and the file."""

from dataclasses import dataclass
from enum import StrEnum

from numpy.random import Generator

from intake.synthetic.people import chance, pick


class Ageing(StrEnum):
    """How much paper and scanner do to the post."""

    LIGHT = "light"  # a good scanner, clean paper
    MEDIUM = "medium"  # an ordinary day
    HEAVY = "heavy"  # faxes, photocopies, coffee, crooked feeding


class Colour(StrEnum):
    """What the scanner keeps of a page."""

    GREY = "grey"
    BILEVEL = "bilevel"  # black and white, as most mailroom scanners deliver
    FAX = "fax"  # black and white at 204 x 196 dpi (ITU-T T.4, fine)


@dataclass(frozen=True, slots=True)
class Scanner:
    """Settings that one file's pages share. quality: of JPEG, 1 to 100."""

    dpi: int
    colour: Colour
    quality: int
    black_backing: bool


@dataclass(frozen=True, slots=True)
class Wear:
    """What happens to one page; strengths are shares of full black unless a unit is named.

    skew, shear: degrees.   shift: millimetres (x, y).   stretch: factors (x, y).
    spread: pixels by which ink swells (negative: thins) at 300 dpi.   blur, noise: sigma in pixels and grey levels.
    turned: degrees clockwise (0, 90, 180, 270) the page lies turned.
    """

    skew: float
    shear: float
    shift: tuple[float, float]
    stretch: tuple[float, float]
    turned: int
    paper: int
    fading: float
    spread: float
    blur: float
    noise: float
    bleed: float
    stains: int
    folds: int
    holes: bool
    edge_shadow: float
    specks: int
    streaks: int


_LEVEL = {Ageing.LIGHT: 0.35, Ageing.MEDIUM: 0.7, Ageing.HEAVY: 1.0}
_FAX_SHARE = {Ageing.LIGHT: 0.0, Ageing.MEDIUM: 0.08, Ageing.HEAVY: 0.3}


def invent_scanner(ageing: Ageing, random: Generator) -> Scanner:
    """Resolution, colours and compression of one file."""
    dpi = pick(random, (300, 300, 300, 240, 200) if ageing is not Ageing.LIGHT else (300,))
    if chance(random, _FAX_SHARE[ageing]):
        return Scanner(204, Colour.FAX, 75, black_backing=False)
    colour = Colour.BILEVEL if chance(random, 0.45) else Colour.GREY
    low, high = {Ageing.LIGHT: (80, 92), Ageing.MEDIUM: (60, 88), Ageing.HEAVY: (35, 75)}[ageing]
    return Scanner(dpi, colour, int(random.integers(low, high)), black_backing=chance(random, 0.4))


def invent_wear(ageing: Ageing, random: Generator) -> Wear:
    """The fate of one page: every strength is drawn anew, up to what the level allows."""
    level = _LEVEL[ageing]
    spot = 0.12 * level
    turned = pick(random, (180, 180, 180, 90, 270)) if chance(random, 0.08 * level + 0.01) else 0
    return Wear(
        skew=max(-2.0, min(2.0, float(random.normal(0, 0.75 * level)))),
        shear=float(random.normal(0, 0.12 * level)),
        shift=(float(random.normal(0, 2.2 * level)), float(random.normal(0, 2.6 * level))),
        stretch=(1 + float(random.normal(0, 0.004 * level)), 1 + float(random.normal(0, 0.005 * level))),
        turned=turned,
        paper=int(random.integers(round(250 - 38 * level), 253)),
        fading=float(random.uniform(0, 0.3 * level)),
        spread=float(random.normal(0, 0.75 * level)),
        blur=float(random.uniform(0.3, 0.45 + 0.75 * level)),
        noise=float(random.uniform(1.0, 2.0 + 8.0 * level)),
        bleed=float(random.uniform(0.04, 0.2)) * level if chance(random, 0.5 * level) else 0.0,
        stains=int(random.integers(1, 4)) if chance(random, 2.2 * spot) else 0,
        folds=int(random.integers(1, 3)) if chance(random, 0.55 * level) else 0,
        holes=chance(random, 0.3 * level),
        edge_shadow=float(random.uniform(0.1, 0.6)) if chance(random, 0.4 * level) else 0.0,
        specks=int(random.integers(0, 1 + round(160 * level))),
        streaks=int(random.integers(1, 3)) if chance(random, spot) else 0,
    )
