"""Words that callers look for: short, on one line, and without signs that a database cannot take."""

from typing import Annotated

from pydantic import StringConstraints

LONGEST_WORD = 200
Word = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_WORD, pattern=r"^[^\x00-\x1f\x7f]+$")]
