"""Where readers differ: what a second reader saw in the place of a few characters, in words for a keyer."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, Final

_PLACES_AT_MOST: Final = 2  # more than these are no slip of an eye: the whole other text is shown
_LONGEST: Final = 8  # characters


def differing(text: str, readings: Sequence[dict[str, Any]]) -> list[str]:
    """One sentence for each further reading whose text is another; empty if all readers agree.

    text:     the answer as it is shown.
    readings: those of the field; the first is the one that `text` came from.
    """
    others = dict.fromkeys(reading["text"] for reading in readings[1:])
    return [f"The readers differ: {_difference(text, other)}." for other in others if other not in {"", text}]


def _difference(text: str, other: str) -> str:
    """Few characters in few places as these alone, each pair with its place; otherwise the whole of both."""
    changes = [
        change for change in SequenceMatcher(None, text, other, autojunk=False).get_opcodes() if change[0] != "equal"
    ]
    parts = [(text[a:b], other[c:d]) for _, a, b, c, d in changes]
    if len(parts) > _PLACES_AT_MOST or any(max(map(len, pair)) > _LONGEST for pair in parts):
        return f"another saw “{other}”"
    return ", and ".join(_pair(*pair) for pair in parts)


def _pair(one: str, other: str) -> str:
    if not one.strip():
        return f"nothing or “{other}”" if other.strip() else "with or without a space"
    return f"“{one}” or “{other}”" if other.strip() else f"“{one}” or nothing"
