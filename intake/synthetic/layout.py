"""What is printed on a sheet and where answers go, in millimetres: one description for the PDF and for the zones."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

PAGE_WIDTH, PAGE_HEIGHT = 210.0, 297.0  # A4, ISO 216
GAP_BETWEEN_CELL_GROUPS = 2.5


@dataclass(frozen=True, slots=True)
class Words:
    """Printed words; (left, baseline) is where the first letter stands; size in points, ink 0 black to 1 white."""

    left: float
    baseline: float
    text: str
    size: float = 8.5
    bold: bool = False
    ink: float = 0.0


@dataclass(frozen=True, slots=True)
class Panel:
    """A filled rectangle without a frame: a tinted background or a black title bar."""

    left: float
    top: float
    width: float
    height: float
    ink: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A printed line, `thickness` in points."""

    left: float
    top: float
    right: float
    bottom: float
    thickness: float = 0.5


@dataclass(frozen=True, slots=True)
class Bars:
    """A printed Code 128 barcode, the same on every copy of the form."""

    left: float
    top: float
    width: float
    height: float
    payload: str


class Shape(StrEnum):
    """How the place for an answer is printed."""

    BOX = "box"
    COMB = "comb"  # one frame with a short rule between the cells
    CELLS = "cells"  # one small box per character
    TICK = "tick"
    OPEN = "open"  # nothing is printed around it


@dataclass(frozen=True, slots=True)
class Place:
    """Where one answer goes.

    groups: cells per group for combs and cells, e.g. (2, 2, 4) for a date; empty otherwise.
    lines:  the most lines of writing that fit; ruled when there are more than one.
    """

    field: str
    shape: Shape
    left: float
    top: float
    width: float
    height: float
    option: str = ""
    groups: tuple[int, ...] = ()
    lines: int = 1

    def cells(self) -> tuple[tuple[float, float, float, float], ...]:
        """(left, top, right, bottom) of every cell, left to right; empty if there are none."""
        if not self.groups:
            return ()
        spare = GAP_BETWEEN_CELL_GROUPS * (len(self.groups) - 1)
        each = (self.width - spare) / sum(self.groups)
        edges, left = [], self.left
        for size in self.groups:
            edges += [(left + each * k, self.top, left + each * (k + 1), self.top + self.height) for k in range(size)]
            left += each * size + GAP_BETWEEN_CELL_GROUPS
        return tuple(edges)


Item = Words | Panel | Rule | Bars | Place


@dataclass(frozen=True, slots=True)
class Sheet:
    """One side of a blank form."""

    number: int
    items: tuple[Item, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(item for item in self.items if isinstance(item, Place))


@dataclass(frozen=True, slots=True)
class BlankForm:
    """One edition of one form type, ready to be drawn."""

    form_type: str
    edition: str
    title: str
    sheets: tuple[Sheet, ...]


def sheet(number: int, *parts: Iterable[Item]) -> Sheet:
    return Sheet(number, tuple(item for part in parts for item in part))


def masthead(title: str, code: str, subtitle: str) -> tuple[Item, ...]:
    """The black bar at the top with the form's title, and its code at the right."""
    return (
        Panel(12, 12, 186, 15, 0.12),
        Words(16, 18.4, "VEHICLE AND LICENCE REGISTRY", 7.5, ink=1.0),
        Words(16, 24.6, title, 14, bold=True, ink=1.0),
        Words(168, 24.6, code, 15, bold=True, ink=1.0),
        Words(12, 32.2, subtitle, 8),
    )


def section(top: float, height: float, number: str, title: str) -> tuple[Item, ...]:
    """A tinted panel with a numbered heading; its answers are drawn on top of it."""
    return (
        Panel(12, top, 186, height, 0.94),
        Panel(12, top, 7, 6.5, 0.12),
        Words(14.1, top + 4.8, number, 10, bold=True, ink=1.0),
        Words(21.5, top + 4.8, title, 10, bold=True),
    )


def line(field: str, label: str, left: float, top: float, width: float, height: float = 8.5) -> tuple[Item, ...]:
    """A label with a white box for one line of writing below it."""
    return (Words(left, top - 1.3, label, 7.5), Place(field, Shape.BOX, left, top, width, height))


def block(
    field: str, label: str, left: float, top: float, width: float, lines: int, pitch: float = 8.0
) -> tuple[Item, ...]:
    """A label with a white box for several ruled lines of writing."""
    return (
        Words(left, top - 1.3, label, 7.5),
        Place(field, Shape.BOX, left, top, width, pitch * lines, lines=lines),
    )


def cells(
    field: str, label: str, left: float, top: float, groups: tuple[int, ...], cell: float = 6.6, comb: bool = False
) -> tuple[Item, ...]:
    """A label with one box per character (or a comb), in groups."""
    width = cell * sum(groups) + GAP_BETWEEN_CELL_GROUPS * (len(groups) - 1)
    shape = Shape.COMB if comb else Shape.CELLS
    return (Words(left, top - 1.3, label, 7.5), Place(field, shape, left, top, width, 8.0, groups=groups))


def date_cells(field: str, label: str, left: float, top: float, cell: float = 6.0) -> tuple[Item, ...]:
    """Eight cells DD MM YYYY with the letters printed small below them."""
    label_items = cells(field, label, left, top, (2, 2, 4), cell)
    group = 2 * cell + GAP_BETWEEN_CELL_GROUPS
    hints = tuple(
        Words(left + offset, top + 10.6, text, 5.5, ink=0.35)
        for offset, text in ((cell - 2, "D D"), (group + cell - 2, "M M"), (2 * group + 2 * cell - 4, "Y Y Y Y"))
    )
    return (*label_items, *hints)


def ticks(
    field: str, options: tuple[str, ...], left: float, top: float, step: float, size: float = 4.6, below: bool = False
) -> tuple[Item, ...]:
    """Tick boxes side by side (or one below the other), each with its option printed to the right."""
    items: list[Item] = []
    for place, option in enumerate(options):
        x, y = (left, top + place * step) if below else (left + place * step, top)
        items.append(Place(field, Shape.TICK, x, y, size, size, option=option))
        items.append(Words(x + size + 1.6, y + size - 1.1, option, 8.5))
    return tuple(items)


def signature(field: str, label: str, left: float, top: float, width: float, height: float = 15) -> tuple[Item, ...]:
    return (Words(left, top - 1.3, label, 7.5), Place(field, Shape.BOX, left, top, width, height))


def paragraph(left: float, top: float, *rows: str, size: float = 7.5, pitch: float = 3.6) -> tuple[Item, ...]:
    return tuple(Words(left, top + pitch * place, row, size) for place, row in enumerate(rows))


def imprint(code: str, edition: str, page: str) -> tuple[Item, ...]:
    """The form's own name and edition at the foot."""
    return (
        Rule(12, 285.5, 198, 285.5),
        Words(12, 289.5, f"{code}  Edition {edition}", 7, bold=True),
        Words(184, 289.5, page, 7),
    )
