"""Where readers differ: what a second reader saw in the place of a few characters, in words for a keyer."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, Final

_PLACES_AT_MOST: Final = 2  # more than these are no slip of an eye: the whole other text is shown
_LONGEST: Final = 8  # characters


def differing(text: str, readings: Sequence[dict[str, Any]]) -> list[str]:
    """One sentence for each further reading whose letters are others; empty if all readers agree.

    text:     the answer as it is shown.
    readings: those of the field; the first is the one that `text` came from.
    """
    others = dict.fromkeys(reading["text"] for reading in readings[1:])
    return [
        f"The readers differ: {_difference(text, other)}."
        for other in others
        if _letters(other) not in {"", _letters(text)}
    ]


def _letters(text: str) -> str:
    """Where the spaces stand is plain to see on the paper, and seldom matters."""
    return "".join(text.split())


def _difference(text: str, other: str) -> str:
    """Few characters in few places as these alone, each pair with its place; otherwise the whole of the other."""
    changes = SequenceMatcher(None, text, other, autojunk=False).get_opcodes()
    parts = [(text[a:b].strip(), other[c:d].strip()) for kind, a, b, c, d in changes if kind != "equal"]
    parts = [pair for pair in parts if any(pair)]
    if len(parts) > _PLACES_AT_MOST or any(max(map(len, pair)) > _LONGEST for pair in parts):
        return f"another saw “{other}”"
    return ", and ".join(f"{_named(one)} or {_named(another)}" for one, another in parts)


def _named(characters: str) -> str:
    return f"“{characters}”" if characters else "nothing"
