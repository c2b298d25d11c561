"""Words that callers look for: short, on one line, and without signs that a database cannot take; and days."""

import re
from datetime import date
from typing import Annotated, Final

from pydantic import BeforeValidator, StringConstraints

LONGEST_WORD = 200
Word = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_WORD, pattern=r"^[^\x00-\x1f\x7f]+$")]
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _written_as_a_day(given: object) -> object:
    """Only as 2026-03-02: a number would be taken for seconds since 1970."""
    if isinstance(given, str) and not _DAY.fullmatch(given):
        raise ValueError("It must be a day, as in 2026-03-02.")
    return given


Day = Annotated[date, BeforeValidator(_written_as_a_day)]
