"""Who fills in a form of any type, and with what: a typewriter, the keyboard at a PDF form, or a pen."""

from dataclasses import dataclass, replace
from enum import StrEnum

from numpy.random import Generator

from intake.synthetic.fonts import MORE_HANDWRITING, MORE_OFFICE, MORE_TYPEWRITERS, Typeface
from intake.synthetic.hand import Hand, invent_hand
from intake.synthetic.people import chance, pick
from intake.synthetic.strokes import TickStyle

_BY_HAND = 0.2
_TYPEWRITER = 0.28  # of the others
_PEN_TICKS_ON_TYPED_FORMS = 0.3
_NUMBERS_BY_PEN = 0.5  # a number is given by the office that receives the form, and written there
_PEN_TICKS = (*(TickStyle.CHECK,) * 4, *(TickStyle.CROSS,) * 4, TickStyle.SLASH, TickStyle.FILLED)
_OFFICE_SHARES = (10, 6, 6, 3, 2, 1, 1, 1, 1, 1)
_TYPEWRITER_SHARES = (1, 4, 1, 3)


class Writing(StrEnum):
    """How the answers of a post are written."""

    MIXED = "mixed"  # with pens and machines, as often as each is met
    TYPED = "typed"  # with machines alone, but for ticks and signatures


class TypedTick(StrEnum):
    """How a tick is made with a keyboard."""

    CROSS = "cross"  # thin lines from corner to corner, as PDF forms draw it
    CHECK = "check"
    LETTER = "letter"  # an x of the face that everything else is typed in
    SQUARE = "square"


@dataclass(frozen=True, slots=True)
class Clerk:
    """One way of filling in a form.

    person: seeds what is this person's own, as a signature.   hand: for the words.   pen: for what a keyboard cannot.
    ticks: by pen, or typed.   pitch: from line to line, in capitals.   beneath: how often answers go under the label
    where there is room beside it too.   numbers_by_pen: identifiers are written even where the words are typed.
    figures_height: of those, as a share of their zone's height.
    """

    person: int
    hand: Hand
    pen: Hand
    ticks: TickStyle | TypedTick
    pitch: float
    beneath: float
    numbers_by_pen: bool
    figures_height: float


def invent_clerk(random: Generator, writing: Writing = Writing.MIXED) -> Clerk:
    """Somebody with a machine or a pen."""
    pen, is_mixed = _pen(random), writing is Writing.MIXED
    is_by_hand = chance(random, _BY_HAND) and is_mixed
    is_typewriter = chance(random, _TYPEWRITER)
    hand = pen if is_by_hand else _typewriter(random) if is_typewriter else _keyboard(random)
    ticks: TickStyle | TypedTick = pick(random, _PEN_TICKS)
    if not is_by_hand and not chance(random, _PEN_TICKS_ON_TYPED_FORMS):
        ways = (TypedTick.CROSS,) * 5 + (TypedTick.CHECK, TypedTick.SQUARE, TypedTick.LETTER, TypedTick.LETTER)
        ticks = TypedTick.LETTER if is_typewriter else pick(random, ways)
    return Clerk(
        person=int(random.integers(2**31)),
        hand=hand,
        pen=pen,
        ticks=ticks,
        pitch=float(random.uniform(1.5, 1.95) if hand.is_typed else random.uniform(1.35, 1.9)),
        beneath=float(random.choice((0.95, 0.8, 0.3))),
        numbers_by_pen=chance(random, _NUMBERS_BY_PEN) and is_mixed,
        figures_height=float(random.uniform(0.3, 0.85)),
    )


def _shared(random: Generator, faces: tuple[Typeface, ...], shares: tuple[int, ...]) -> Typeface:
    weights = [share / sum(shares) for share in shares]
    return faces[int(random.choice(len(faces), p=weights))]


def _keyboard(random: Generator) -> Hand:
    """What a program prints: 9 to 12 points, in a face of the office."""
    face = _shared(random, MORE_OFFICE, _OFFICE_SHARES)
    points = float(random.choice((9, 9, 10, 10, 10, 10, 11, 11, 12)))
    return Hand(
        face=face,
        is_typed=True,
        is_capitals=chance(random, 0.12),
        capital_height=points * 0.72 * 25.4 / 72,
        slant=0.0,
        squeeze=1.0,
        spacing=0.0,
        nib=0.0,
        ink=float(random.uniform(0.9, 1.0)),
        wander=0.0,
        tilt=0.0,
        swing=0.0,
        size_jitter=0.0,
        patchy=0.0,
    )


def _typewriter(random: Generator) -> Hand:
    """A machine with worn types and a ribbon: 10 or 12 letters an inch."""
    face = _shared(random, MORE_TYPEWRITERS, _TYPEWRITER_SHARES)
    return replace(
        _keyboard(random),
        face=face,
        is_capitals=chance(random, 0.3),
        capital_height=float(random.choice((2.05, 2.45))),
        ink=float(random.uniform(0.9, 1.0)),
        wander=float(random.uniform(0.0, 0.05)),
        patchy=float(random.uniform(0.05, 0.22)),
    )


def _pen(random: Generator) -> Hand:
    """A person's handwriting, in more faces and less tidy than on our own forms: slanted, large, light or heavy."""
    hand = invent_hand(random)
    face = pick(random, MORE_HANDWRITING)
    is_capitals = face.capitals_only or (face.capitals_run and chance(random, 0.35))
    return replace(
        hand,
        face=face,
        is_capitals=is_capitals,
        slant=float(random.normal(0.1, 0.16)),
        capital_height=float(random.uniform(2.8, 5.0)),
        # Pencil and pale blue do not outlive a black and white scan; what people send in is dark enough to be seen.
        ink=max(hand.ink, 0.85),
        patchy=min(hand.patchy, 0.22),
        swing=hand.swing * float(random.uniform(0.6, 1.2)),
        wander=hand.wander * float(random.uniform(0.6, 1.3)),
        spacing=hand.spacing if face.capitals_run else 0.0,
    )
