"""The words of which synthetic post is made, from `words.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WordLists:
    """Each list in a fixed order, as the same seed must pick the same words.

    towns:   (post town, the outward codes used there).
    stories: what people write below a reason for a refund, by the reason.
    """

    female: Words
    male: Words
    surnames: Words
    second_surnames: Words
    streets: Words
    houses: Words
    villages: Words
    months: Words
    doctors: Words
    illnesses: Words
    subjects: Words
    sentences: Words
    towns: tuple[tuple[str, Words], ...]
    stories: Mapping[str, Words]


def _load(path: Path) -> WordLists:
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    towns = tuple((town, tuple(codes)) for town, codes in raw.pop("towns").items())
    stories = {reason: tuple(texts) for reason, texts in raw.pop("stories").items()}
    return WordLists(**{name: tuple(words) for name, words in raw.items()}, towns=towns, stories=stories)


WORDS = _load(Path(__file__).with_name("words.toml"))
