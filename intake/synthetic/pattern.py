"""Invents a text that a regular expression matches: for answers that must have a form, known only by that form."""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

from numpy.random import Generator

_MOST_REPEATS = 3  # beyond the least, where the expression sets no limit
_CLASSES = {"d": string.digits, "w": string.ascii_letters + string.digits, "s": " "}
_TRIES = 200


def invent_match(pattern: str, random: Generator) -> str:
    """A text that the whole of `pattern` matches: literals, classes, groups, alternatives and repeats are understood.

    Raises ValueError if none was found, as with look-aheads or back references.
    """
    for _ in range(_TRIES):
        try:
            text = _Sampler(pattern, random).alternatives()
        except (IndexError, ValueError):
            break
        if re.fullmatch(pattern, text):
            return text
    raise ValueError(f"no text could be invented that {pattern!r} matches")


@dataclass(slots=True)
class _Sampler:
    """Walks once through an expression and says one of the texts it allows."""

    pattern: str
    random: Generator
    place: int = 0

    def alternatives(self) -> str:
        """Everything up to the end of this group."""
        choices = [self._sequence()]
        while self._next_is("|"):
            choices.append(self._sequence())
        return choices[int(self.random.integers(len(choices)))]

    def _sequence(self) -> str:
        said = ""
        while self.place < len(self.pattern) and self.pattern[self.place] not in "|)":
            start = self.place
            first = self._atom()
            least, most = self._repeats()
            end = self.place
            count = int(self.random.integers(least, most + 1))
            said += first if count else ""
            for _ in range(count - 1):
                self.place = start
                said += self._atom()
            self.place = end
        return said

    def _atom(self) -> str:
        letter = self.pattern[self.place]
        self.place += 1
        match letter:
            case "(":
                self._skip_group_options()
                said = self.alternatives()
                if not self._next_is(")"):
                    raise ValueError("a group is not closed")
                return said
            case "[":
                return self._one_of(self._class())
            case "\\":
                kind = self.pattern[self.place]
                self.place += 1
                return "" if kind in "bAZ" else self._one_of(_CLASSES.get(kind, kind))
            case "^" | "$":
                return ""
            case ".":
                return self._one_of(string.ascii_letters)
        return letter

    def _skip_group_options(self) -> None:
        for option in ("?:", "?i)"):
            if self.pattern.startswith(option, self.place):
                self.place += len(option.rstrip(")"))
        named = re.match(r"\?P<\w+>", self.pattern[self.place :])
        self.place += named.end() if named else 0

    def _class(self) -> str:
        end = self.pattern.index("]", self.place + 1)
        inside, self.place = self.pattern[self.place : end], end + 1
        if inside.startswith("^"):
            return "".join(sorted(set(string.ascii_letters) - set(_expanded(inside[1:]))))
        return "".join(_expanded(inside))

    def _one_of(self, letters: str) -> str:
        return letters[int(self.random.integers(len(letters)))]

    def _repeats(self) -> tuple[int, int]:
        known = {"?": (0, 1), "*": (0, _MOST_REPEATS), "+": (1, 1 + _MOST_REPEATS)}
        letter = self.pattern[self.place : self.place + 1]
        if letter in known and letter:
            self.place += 1
            found = known[letter]
        elif counts := re.match(r"\{(\d+)(,?)(\d*)\}", self.pattern[self.place :]):
            self.place += counts.end()
            least = int(counts[1])
            found = (least, int(counts[3])) if counts[3] else (least, least + _MOST_REPEATS * bool(counts[2]))
        else:
            return 1, 1
        self._next_is("?")  # a repeat that takes as little as it can allows the same texts
        return found

    def _next_is(self, letter: str) -> bool:
        if self.pattern.startswith(letter, self.place):
            self.place += 1
            return True
        return False


def _expanded(inside: str) -> Iterator[str]:
    """The letters of a class such as `A-Z0-9\\d-`."""
    place = 0
    while place < len(inside):
        if inside[place] == "\\":
            yield from _CLASSES.get(inside[place + 1], inside[place + 1])
            place += 2
        elif inside[place + 1 : place + 2] == "-" and place + 2 < len(inside):
            yield from map(chr, range(ord(inside[place]), ord(inside[place + 2]) + 1))
            place += 3
        else:
            yield inside[place]
            place += 1
