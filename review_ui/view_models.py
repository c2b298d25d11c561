"""Exactly what the templates receive: words and places, ready to be shown. Nothing here is computed in a template."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """A status as it is shown: `style` is the CSS class, `sign` one letter beside the colour, `words` what is said."""

    style: str
    sign: str
    words: str


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle on a page picture, in units of which the picture is 1000 wide."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of one document.

    number:  counts through the document; it is also written at the field's outline.
    text:    as written on the paper; "" if that is the same as `value`.
    faults:  why a person must look: the reasons of the record and the checks it did not pass.
    passed:  names of the checks it passed.
    place:   None if the field has none, or its page has no picture.
    marks:   the tick boxes in which there is ink.
    """

    anchor: str
    number: int
    label: str
    value: str
    text: str
    state: State
    confidence: str
    faults: tuple[str, ...]
    passed: tuple[str, ...]
    place: Place | None
    marks: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class RegionView:
    """A part of a page of no known form, numbered in reading order."""

    anchor: str
    number: int
    kind: str
    lines: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class PageView:
    """One page with what was found on it.

    picture: address of the picture; "" if there is none, then `note` says why.
    height:  of the picture, in units of which it is 1000 wide.
    facts:   how it lay in the scanner and how well it fits the blank form, in words.
    """

    number: int
    label: str
    is_content: bool
    picture: str
    height: int
    facts: tuple[str, ...]
    note: str
    fields: tuple[FieldView, ...]
    regions: tuple[RegionView, ...]


@dataclass(frozen=True, slots=True)
class FailureView:
    problem: str
    remedy: str
    cause: str


@dataclass(frozen=True, slots=True)
class DocumentView:
    """One record. `elsewhere` are fields whose page is missing; `to_review` counts the fields a person must look at."""

    anchor: str
    title: str
    edition: str
    file: str
    pages_in_words: str
    record_id: str
    state: State
    pages: tuple[PageView, ...]
    elsewhere: tuple[FieldView, ...]
    failures: tuple[FailureView, ...]
    accepted: int
    to_review: int
    blank: int


@dataclass(frozen=True, slots=True)
class Count:
    """A number and what it counts."""

    words: str
    number: int


@dataclass(frozen=True, slots=True)
class Sum:
    """A total and the parts that must add up to it."""

    words: str
    total: int
    parts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class KindRow:
    """One form type and edition, counted over all documents."""

    title: str
    edition: str
    documents: int
    accepted: int
    to_review: int
    blank: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The head of the page."""

    records: Sum
    pages: Sum
    fields: Sum
    kinds: tuple[KindRow, ...]
