"""Finite automata: which characters may come next, given those before. One for regular expressions is built here."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from schemas.expression import Link, expression_links

# An automaton builds its states as they are met; past this many it forgets them and starts again.
MOST_STATES = 50_000


NOWHERE = -1


class Onward(dict[str, int]):
    """The state to which each character leads; `NOWHERE` for one that cannot come next. Filled as it is asked."""

    def __missing__(self, character: str) -> int:
        return NOWHERE


class Automaton(Protocol):
    """A deterministic automaton over characters. States are numbers, and lose their meaning with the next `start`."""

    alphabet: str  # every character that any answer can hold

    def start(self) -> int:
        """The state before the first character."""
        ...

    def follow(self, state: int) -> "Onward":
        """Where each character leads from here."""
        ...

    def accepts(self, state: int) -> bool:
        """Whether an answer may end here."""
        ...


class ExpressionAutomaton:
    """A regular expression as an automaton, by the subset construction (Rabin and Scott 1959), built as it is met."""

    def __init__(self, pattern: str) -> None:
        """Raises ValueError for an expression that asks for more than `expression` knows."""
        links, first, self._last = expression_links(pattern)
        self._links = links
        self._first = _closure(links, frozenset((first,)))
        self.alphabet = "".join(sorted({character for link in links for character in link.characters}))
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[frozenset[int], int] = {self._first: 0}
        self._places: list[frozenset[int]] = [self._first]
        self._follow: list[Onward | None] = [None]

    def start(self) -> int:
        if len(self._places) > MOST_STATES:
            self._forget()
        return 0

    def follow(self, state: int) -> Onward:
        known = self._follow[state]
        if known is None:
            known = self._follow[state] = self._built(self._places[state])
        return known

    def accepts(self, state: int) -> bool:
        return self._last in self._places[state]

    def _built(self, places: frozenset[int]) -> Onward:
        onward: dict[str, set[int]] = {}
        for place in places:
            link = self._links[place]
            for character in link.characters:
                onward.setdefault(character, set()).add(link.to)
        return Onward(
            {character: self._number(_closure(self._links, frozenset(to))) for character, to in onward.items()}
        )

    def _number(self, places: frozenset[int]) -> int:
        number = self._numbers.setdefault(places, len(self._places))
        if number == len(self._places):
            self._places.append(places)
            self._follow.append(None)
        return number


def _closure(links: list[Link], places: frozenset[int]) -> frozenset[int]:
    """The places, and all that can be reached from them without a character."""
    reached, waiting = set(places), list(places)
    while waiting:
        for place in links[waiting.pop()].silent:
            if place not in reached:
                reached.add(place)
                waiting.append(place)
    return frozenset(reached)


@dataclass(frozen=True, eq=False)
class Constraint:
    """What an answer may be, and how it stands on paper.

    automaton: the answers that fit.
    ignores:   characters that may stand anywhere on paper and are no part of the answer.
    anywhere:  the answer stands somewhere in the line, other writing may stand before and after it.
    verbatim:  the answer has the capitals and accents that stand on paper; else those of the automaton.
    soft:      an answer that does not fit may be right all the same.

    Compared by identity: constraints are built once and kept.
    """

    automaton: Automaton
    ignores: str = ""
    anywhere: bool = False
    verbatim: bool = False
    soft: bool = False


@lru_cache(maxsize=256)
def expression(pattern: str) -> ExpressionAutomaton:
    """The automaton of a regular expression, built once for each. Raises ValueError if it asks for too much."""
    return ExpressionAutomaton(pattern)
