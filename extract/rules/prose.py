"""Answers in words."""

import re

# No phrase of English ends in one of these; the states of Indiana and Oregon are written like the small words.
_GOES_ON = re.compile(r"[,;:(&]$|\s(?:(?i:of|and|the|for|to|at|by|with)|in|or)$")


def finished(value: str) -> str:
    """Words that end as an answer does: not in a comma, nor in a word that another must follow."""
    return "It ends as if more followed: some of it may be missing." if _GOES_ON.search(value.strip()) else ""
