"""Regular expressions taken apart into places and links between them (Thompson 1968).

Known are characters, "\\d", "\\" before a sign, sets such as [A-HJ-N'-], groups (...) and (?:...), the alternatives
"|", and the repeats ?, *, +, {n}, {m,} and {m,n}: what a grammar of answers needs, and nothing that is not regular.
"""

import re
from dataclasses import dataclass, field

_FIGURES = "0123456789"
_REPEAT = re.compile(r"\{(\d+)(,?)(\d*)\}")
_MOST_REPEATS = 100
_NOT_KNOWN = "^$.]}"  # anchors mean nothing for a whole answer; "any character" is no grammar


@dataclass(frozen=True, slots=True)
class _Set:
    """One character out of several."""

    characters: str


@dataclass(frozen=True, slots=True)
class _Sequence:
    """One part after the other."""

    parts: tuple["_Part", ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    """One of the parts."""

    parts: tuple["_Part", ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    """A part at least and at most so often; most -1 is without limit."""

    part: "_Part"
    least: int
    most: int


_Part = _Set | _Sequence | _Choice | _Repeat


@dataclass(slots=True)
class Link:
    """What leads on from one place: to `to` with any of `characters`, and to each of `silent` with none."""

    characters: str = ""
    to: int = -1
    silent: list[int] = field(default_factory=list)


def expression_links(pattern: str) -> tuple[list[Link], int, int]:
    """(links from each place, the first place, the last place). Raises ValueError for what is not known here."""
    links: list[Link] = [Link(), Link()]
    _link(links, _Parser(pattern).whole(), 0, 1)
    return links, 0, 1


def _link(links: list[Link], part: _Part, first: int, last: int) -> None:
    """Add what leads through `part` from the place `first` to the place `last`."""
    if isinstance(part, _Set):
        place = _place(links)
        links[first].silent.append(place)
        links[place].characters, links[place].to = part.characters, last
    elif isinstance(part, _Choice):
        for one in part.parts:
            _link(links, one, first, last)
    elif isinstance(part, _Sequence):
        for one in part.parts:
            after = _place(links)
            _link(links, one, first, after)
            first = after
        links[first].silent.append(last)
    else:
        _link_repeat(links, part, first, last)


def _link_repeat(links: list[Link], repeat: _Repeat, first: int, last: int) -> None:
    for time in range(max(repeat.least, repeat.most)):
        after = _place(links)
        _link(links, repeat.part, first, after)
        if time >= repeat.least:
            links[first].silent.append(last)
        first = after
    if repeat.most < 0:
        loop = _place(links)  # a place of its own, so that nothing before it is led round again
        links[first].silent.append(loop)
        _link(links, repeat.part, loop, loop)
        first = loop
    links[first].silent.append(last)


def _place(links: list[Link]) -> int:
    links.append(Link())
    return len(links) - 1


class _Parser:
    """Reads an expression from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def whole(self) -> _Part:
        part = self._choice()
        if self._at < len(self._pattern):
            raise self._wrong()
        return part

    def _choice(self) -> _Part:
        parts = [self._sequence()]
        while self._next() == "|":
            self._at += 1
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else _Choice(tuple(parts))

    def _sequence(self) -> _Part:
        parts: list[_Part] = []
        while self._next() not in ("", "|", ")"):
            parts.append(self._repeated(self._one()))
        return _Sequence(tuple(parts))

    def _repeated(self, part: _Part) -> _Part:
        sign = self._next()
        if sign and sign in "?*+":
            self._at += 1
            return _Repeat(part, 1 if sign == "+" else 0, 1 if sign == "?" else -1)
        counted = _REPEAT.match(self._pattern, self._at)
        if counted is None:
            return part
        self._at = counted.end()
        least = int(counted[1])
        most = int(counted[3]) if counted[3] else -1 if counted[2] else least
        if max(least, most) > _MOST_REPEATS or -1 < most < least:
            raise self._wrong()
        return _Repeat(part, least, most)

    def _one(self) -> _Part:
        sign = self._take()
        if sign == "(":
            return self._group()
        if sign == "[":
            return _Set(self._set())
        if sign == "\\":
            return _Set(self._escaped())
        if sign in _NOT_KNOWN or sign in "?*+{":
            raise self._wrong()
        return _Set(sign)

    def _group(self) -> _Part:
        if self._pattern.startswith("?:", self._at):
            self._at += 2
        part = self._choice()
        if self._take() != ")":
            raise self._wrong()
        return part

    def _set(self) -> str:
        held = ""
        while (sign := self._take()) != "]":
            if sign == "^" and not held:
                raise self._wrong()
            first = self._escaped() if sign == "\\" else sign
            if self._next() == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("", "]"):
                self._at += 1
                held += "".join(chr(code) for code in range(ord(first), ord(self._take()) + 1))
            else:
                held += first
        if not held:
            raise self._wrong()
        return held

    def _escaped(self) -> str:
        sign = self._take()
        if sign == "d":
            return _FIGURES
        if sign.isalnum():
            raise self._wrong()
        return sign

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        sign = self._next()
        if not sign:
            raise self._wrong()
        self._at += 1
        return sign

    def _wrong(self) -> ValueError:
        return ValueError(f"{self._pattern!r} is not an expression known here, near its character {self._at}")
