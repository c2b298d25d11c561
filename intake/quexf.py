"""Turn a form banded for queXF (its banding XML and the blank PDF) into a form type of ours.

queXF describes every page by its four corner marks and groups of boxes, all in pixels of an A4 page at 300 dpi.
Only that description is read here; nothing of queXF itself is used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from xml.etree import ElementTree
from xml.parsers import expat

from schemas.errors import NotAForm
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import Zone
from schemas.geometry import Box, hull

# queXF's coordinates are pixels at this resolution, whatever the forms are scanned at.
QUEXF_DPI = 300

# A banding of a hundred pages has about 3 MB; more than this is no banding.
_MOST_BYTES = 32 * 2**20
# Cell lines are 2 to 4 pixels wide and shared between neighbours.
_CELL_LINE = 4


class BoxGroupType(Enum):
    """What a group of boxes asks for, by queXF's own numbers."""

    SINGLE_CHOICE = "1"
    MULTIPLE_CHOICE = "2"
    TEXT = "3"
    NUMBER = "4"
    BARCODE = "5"
    LONG_TEXT = "6"


_KINDS = {
    BoxGroupType.SINGLE_CHOICE: FieldKind.CHOICE,
    BoxGroupType.MULTIPLE_CHOICE: FieldKind.CHOICE,
    BoxGroupType.TEXT: FieldKind.TEXT,
    BoxGroupType.NUMBER: FieldKind.INTEGER,
    BoxGroupType.BARCODE: FieldKind.BARCODE,
    BoxGroupType.LONG_TEXT: FieldKind.TEXT,
}
# queXF's placeholder for boxes that nobody has assigned to a variable yet.
_UNASSIGNED = "0"


@dataclass(frozen=True, slots=True)
class BandedBox:
    """One box: its place, the code that queXF stores for it and the words printed beside it ("" if none)."""

    box: Box
    code: str
    label: str


@dataclass(frozen=True, slots=True)
class BoxGroup:
    """The boxes of one question on one page. `order` is queXF's own sort order over the whole questionnaire."""

    page: int
    type: BoxGroupType
    variable: str
    label: str
    order: int
    boxes: tuple[BandedBox, ...]


@dataclass(frozen=True, slots=True)
class BandedPage:
    """One page: the number in its barcode, and the inner corners (x, y) of its marks.

    corners: top left, top right, bottom right, bottom left; None if the banding does not say.
    """

    number: int
    barcode: str
    corners: tuple[tuple[int, int], ...] | None


@dataclass(frozen=True, slots=True)
class Banding:
    """A whole banded questionnaire. `source` is the name of its file, for messages."""

    source: str
    questionnaire: str
    pages: tuple[BandedPage, ...]
    groups: tuple[BoxGroup, ...]


def read_banding(xml: bytes, source: str) -> Banding:
    """The banding in `xml`. Raises NotAForm naming `source` and the reason if it is none, or a hostile one."""
    root = _root(xml, source)
    questionnaire = root.find("questionnaire")
    if root.tag != "queXF" or questionnaire is None:
        raise NotAForm(f"{source}: not a queXF banding: it has no <queXF><questionnaire>")
    pages, groups = [], []
    for number, page in enumerate(questionnaire.findall("page"), start=1):
        pages.append(BandedPage(number, _text(page, "id"), _corners(page, source)))
        for group in page.findall("boxgroup"):
            if _text(group, "type") != _UNASSIGNED:
                groups.append(_group(group, number, source))
    if not pages:
        raise NotAForm(f"{source}: the banding has no page")
    if not groups:
        raise NotAForm(f"{source}: the banding has no group of boxes that is assigned to a variable")
    ordered = sorted(groups, key=lambda group: group.order)
    return Banding(source, _text(questionnaire, "id"), tuple(pages), tuple(ordered))


def _root(xml: bytes, source: str) -> ElementTree.Element:
    """The document's root; a document type, the door to entity bombs and foreign files, is refused unread."""
    if len(xml) > _MOST_BYTES:
        raise NotAForm(f"{source}: {len(xml)} bytes are too many for a banding, at most {_MOST_BYTES} are read")

    def refuse(*_: object) -> None:
        raise NotAForm(f"{source}: it declares a document type (DOCTYPE), which a banding never needs; remove it")

    guard = expat.ParserCreate()
    guard.StartDoctypeDeclHandler = refuse
    try:
        guard.Parse(xml, True)
        # Without a document type there are no entities to expand, which is all that makes this parser unsafe.
        return ElementTree.fromstring(xml)  # noqa: S314
    except (expat.ExpatError, ElementTree.ParseError, LookupError, ValueError) as error:
        raise NotAForm(f"{source}: not readable as XML: {error}") from error


def _text(element: ElementTree.Element, tag: str) -> str:
    """The text below `tag` with single spaces, "" if there is none."""
    return " ".join((element.findtext(tag) or "").split())


def _number(element: ElementTree.Element, tag: str, source: str) -> int:
    text = _text(element, tag)
    try:
        return int(text)
    except ValueError as error:
        raise NotAForm(f"{source}: <{tag}> in <{element.tag}> must be a whole number, not {text!r}") from error


def _corners(page: ElementTree.Element, source: str) -> tuple[tuple[int, int], ...] | None:
    if not _text(page, "tlx"):
        return None
    return tuple((_number(page, f"{at}x", source), _number(page, f"{at}y", source)) for at in ("tl", "tr", "br", "bl"))


def _group(element: ElementTree.Element, page: int, source: str) -> BoxGroup:
    variable = _text(element, "varname")
    if not variable:
        raise NotAForm(f"{source}: a group of boxes on page {page} has no <varname>")
    try:
        type = BoxGroupType(_text(element, "type"))
    except ValueError as error:
        raise NotAForm(f"{source}: {variable}: unknown type of box group {_text(element, 'type')!r}") from error
    boxes = tuple(_box(box, variable, source) for box in element.findall("box"))
    if not boxes:
        raise NotAForm(f"{source}: {variable}: the group has no box")
    order = _number(element, "sortorder", source) if _text(element, "sortorder") else 0
    return BoxGroup(page, type, variable, _text(element, "label"), order, boxes)


def _box(element: ElementTree.Element, variable: str, source: str) -> BandedBox:
    left, top, right, bottom = (_number(element, tag, source) for tag in ("tlx", "tly", "brx", "bry"))
    if not (0 <= left < right and 0 <= top < bottom):
        raise NotAForm(f"{source}: {variable}: ({left}, {top}) to ({right}, {bottom}) is no box on the page")
    return BandedBox(Box(left, top, right, bottom), _text(element, "value"), _text(element, "label"))


def fields(banding: Banding) -> tuple[FieldSpec, ...]:
    """One field per variable, in queXF's order. Raises NotAForm if a variable is used for two kinds of answer."""
    specs: dict[str, FieldSpec] = {}
    for variable, groups in _by_variable(banding).items():
        kinds = {(_KINDS[group.type], group.type is BoxGroupType.MULTIPLE_CHOICE) for group in groups}
        if len(kinds) > 1:
            raise NotAForm(f"{banding.source}: {variable}: used for groups of different types")
        kind, several = kinds.pop()
        is_choice = kind is FieldKind.CHOICE
        specs[variable] = FieldSpec(
            name=variable,
            kind=kind,
            label=groups[0].label.rstrip(": "),
            family="tick" if is_choice else "",
            alphabet="0123456789" if kind is FieldKind.INTEGER else "",
            options=tuple(option for option, _ in _options(groups)) if is_choice else (),
            several=several,
        )
    return tuple(specs.values())


def zones(banding: Banding) -> tuple[Zone, ...]:
    """Where every answer stands: a zone per tick box, per row of character cells, per barcode and long text."""
    found: list[Zone] = []
    for variable, groups in _by_variable(banding).items():
        options = iter(_options(groups))
        for group in groups:
            if _KINDS[group.type] is FieldKind.CHOICE:
                found += [Zone(variable, group.page, box.box, option=next(options)[0]) for box in group.boxes]
            elif group.type in (BoxGroupType.TEXT, BoxGroupType.NUMBER):
                found += [_comb(variable, group.page, row) for row in _rows(box.box for box in group.boxes)]
            else:
                found += [Zone(variable, group.page, box.box) for box in group.boxes]
    return tuple(found)


def codes(banding: Banding) -> dict[str, dict[str, str]]:
    """For each choice variable, the code that queXF stores for each option, so that its users can map back."""
    choices = {
        variable: groups
        for variable, groups in _by_variable(banding).items()
        if _KINDS[groups[0].type] is FieldKind.CHOICE
    }
    return {variable: dict(_options(groups)) for variable, groups in choices.items()}


def _by_variable(banding: Banding) -> dict[str, list[BoxGroup]]:
    grouped: dict[str, list[BoxGroup]] = {}
    for group in banding.groups:
        grouped.setdefault(group.variable, []).append(group)
    return grouped


def _options(groups: Sequence[BoxGroup]) -> list[tuple[str, str]]:
    """(option, code) for every box in order: the printed label, else the code; a label met before gets a number."""
    options: list[tuple[str, str]] = []
    seen: dict[str, int] = {}
    for number, box in enumerate((box for group in groups for box in group.boxes), start=1):
        name = box.label or box.code or f"box {number}"
        seen[name] = seen.get(name, 0) + 1
        options.append((name if seen[name] == 1 else f"{name} ({seen[name]})", box.code))
    return options


def _comb(variable: str, page: int, row: Sequence[Box]) -> Zone:
    # A cell too small to lose its lines is kept whole.
    cells = tuple(cell.grown(-_CELL_LINE) if min(cell.width, cell.height) > 4 * _CELL_LINE else cell for cell in row)
    return Zone(variable, page, hull(row), cells=cells, lines=1)


def _rows(boxes: Iterable[Box]) -> list[list[Box]]:
    """The boxes in rows, top to bottom, each left to right."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: (box.top, box.left)):
        if rows and rows[-1][0].top <= box.centre[1] < rows[-1][0].bottom:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [sorted(row, key=lambda box: box.left) for row in rows]
