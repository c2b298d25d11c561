"""Grammars: how answers of a known build are written, as regular expressions by name, from `grammars.toml`."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas.expression import expression_links

_FILE = Path(__file__).with_name("grammars.toml")
_NAME = re.compile("[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Grammar:
    """How one kind of answer is written.

    name:     by which a form type asks for it; the expression itself where the form type gave one of its own.
    pattern:  a regular expression for the whole answer, of what `schemas.expression` knows.
    source:   who says so.
    ignores:  characters that writers put in at will and that mean nothing here: blanks in a postcode, say.
    anywhere: the answer stands somewhere within a line that may hold other writing too.
    verbatim: the answer keeps the capitals and accents that stand on paper; else those of the pattern.
    """

    name: str
    pattern: str
    source: str = ""
    ignores: str = ""
    anywhere: bool = False
    verbatim: bool = False


def grammar_of(declared: str) -> Grammar:
    """The grammar a form type declares: one of ours by name, else the regular expression that it wrote itself.

    Raises ValueError for a name that we do not have, and for an expression that cannot be understood.
    """
    known = _load()
    if declared in known:
        return known[declared]
    if _NAME.fullmatch(declared):
        raise ValueError(f"there is no grammar named {declared!r}; there are {', '.join(sorted(known))}")
    expression_links(declared)
    return Grammar(declared, declared)


def grammar_names() -> frozenset[str]:
    """The names of all grammars that ship."""
    return frozenset(_load())


@cache
def _load() -> Mapping[str, Grammar]:
    raw = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    parts: dict[str, str] = raw.pop("parts")
    return {name: _grammar(name, entry, parts) for name, entry in raw.items()}


def _grammar(name: str, entry: Mapping[str, Any], parts: dict[str, str]) -> Grammar:
    """One entry of the file, its pattern's "<part>" references written out; parts may name earlier parts."""
    pattern = "|".join(entry["pattern"]) if isinstance(entry["pattern"], list) else str(entry["pattern"])
    for part in reversed(parts):
        pattern = pattern.replace(f"<{part}>", f"(?:{parts[part]})")
    return Grammar(name, pattern, **{key: value for key, value in entry.items() if key != "pattern"})
