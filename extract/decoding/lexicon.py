"""Lexicons as automata: a sorted list of entries, where a state is the range of entries that begin alike."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, groupby

from extract.decoding.automaton import MOST_STATES, NOWHERE, Onward
from schemas.lexicon import folded, folded_lexicon, is_entry

# Of names in several parts, shorter words ("de", "la") would be found in anything.
_SHORTEST_WORD = 3

# The first entry that begins so, the entry behind the last, and the beginning itself.
_State = tuple[int, int, str]


class _Beginnings(Onward):
    """Where each character leads from one beginning; looked up in the list when it is first asked."""

    __slots__ = ("_of", "_state")

    def __init__(self, of: "Lexicon", state: _State) -> None:
        self._of = of
        self._state = state

    def __missing__(self, character: str) -> int:
        found = self[character] = self._of.grown(self._state, character)
        return found


class Lexicon:
    """Entries that an answer, or a word of one, may be; compared in small letters without accents.

    No tree is built: of a hundred thousand entries one answer meets a few hundred beginnings, and those are kept.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        """`entries` are as `schemas.lexicon.folded` makes them, sorted, each once."""
        self._entries = entries
        self.alphabet = "".join(sorted(set(chain.from_iterable(entries))))
        self._forget()

    def __contains__(self, word: str) -> bool:
        """Whether the word is an entry, however it is written."""
        return is_entry(self._entries, folded(word))

    def __len__(self) -> int:
        return len(self._entries)

    def _forget(self) -> None:
        self._states: list[_State] = []
        self._follow: list[_Beginnings] = []
        self._add((0, len(self._entries), ""))

    def _add(self, state: _State) -> int:
        self._states.append(state)
        self._follow.append(_Beginnings(self, state))
        return len(self._states) - 1

    def start(self) -> int:
        if len(self._states) > MOST_STATES:
            self._forget()
        return 0

    def follow(self, state: int) -> Onward:
        return self._follow[state]

    def accepts(self, state: int) -> bool:
        low, high, beginning = self._states[state]
        return low < high and self._entries[low] == beginning

    def grown(self, state: _State, character: str) -> int:
        """The state of the beginning with one more character, `NOWHERE` if no entry begins so."""
        low, high, beginning = state
        longer = beginning + character
        low = bisect_left(self._entries, longer, low, high)
        if low == high or not self._entries[low].startswith(longer):
            return NOWHERE
        return self._add((low, bisect_left(self._entries, beginning + chr(ord(character) + 1), low, high), longer))


@lru_cache(maxsize=32)
def lexicon(*names: str) -> Lexicon:
    """The entries of these lexicons as one, loaded once. Raises KeyError for a name that there is not."""
    return Lexicon(_merged([folded_lexicon(name) for name in names]))


@lru_cache(maxsize=32)
def words_of(*names: str) -> Lexicon:
    """The single words of these lexicons' entries: "new" and "york" of "New York". Raises KeyError as `lexicon`."""
    return Lexicon(_merged([_words(folded_lexicon(name)) for name in names]))


def _words(entries: Sequence[str]) -> Sequence[str]:
    words = "\n".join(entries).replace(" ", "\n").split("\n")
    if len(words) == len(entries):
        return entries
    return sorted({word.strip(",") for word in words if len(word) >= _SHORTEST_WORD})


def _merged(lists: Sequence[Sequence[str]]) -> Sequence[str]:
    """Sorted lists as one, each entry once. Python's sort takes sorted stretches as they are."""
    if len(lists) == 1:
        return lists[0]
    return [entry for entry, _ in groupby(sorted(chain.from_iterable(lists)))]
