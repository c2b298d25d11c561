"""Days of the calendar."""

import re
from datetime import date


def date_exists(value: str) -> str:
    """A date in normal form, "YYYY-MM-DD", that is a day of the calendar (ISO 8601)."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return "This is not a date with a day, a month and a year."
    try:
        date.fromisoformat(value)
    except ValueError:
        return "There is no such day in the calendar."
    return ""
