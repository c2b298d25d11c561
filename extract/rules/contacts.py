"""Addresses that are no places: e-mail and telephone."""

import re

# RFC 5321 and 5322 allow far more; what mail providers give out, and people write on forms, is this. 64 and 254 are
# the longest a mailbox's name and a whole address may be.
_MAILBOX = r"[A-Za-z0-9_+-]+(?:[.'][A-Za-z0-9_+-]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
_EMAIL = re.compile(f"(?P<mailbox>{_MAILBOX})@{_HOST}")
_LONGEST_MAILBOX, _LONGEST_EMAIL = 64, 254
# Ofcom's National Telephone Numbering Plan: after the 0 come nine or ten figures, the first of them no 4 and no 6;
# numbers of nine begin with 1 or 8. ITU-T E.164: a country's number and all has at most 15 figures.
_UK_PHONE = re.compile("0(?:[1235789][0-9]{9}|[18][0-9]{8})")
_FOREIGN_PHONE = re.compile(r"(?:\+|00)[1-9][0-9]{6,14}")


def email(value: str) -> str:
    """An e-mail address as providers give them out: a mailbox, an @ and a host with a top-level domain."""
    found = _EMAIL.fullmatch(value.strip())
    if found is None or len(found["mailbox"]) > _LONGEST_MAILBOX or len(found[0]) > _LONGEST_EMAIL:
        return "This is not built like an e-mail address, as name@example.org is."
    return ""


def phone(value: str) -> str:
    """A British telephone number, or a foreign one with + or 00 and its country; brackets and dashes do not matter."""
    figures = re.sub(r"[\s().–-]", "", re.sub(r"\(0\)", "", value))
    figures = re.sub(r"^(?:\+|00)44", "0", figures)
    if _UK_PHONE.fullmatch(figures) or _FOREIGN_PHONE.fullmatch(figures):
        return ""
    return "This is no telephone number: a figure is wrong or missing."
