"""How people space numbers does not matter to those who issue them."""


def without_blanks(value: str) -> str:
    """The value in capitals and without any white space."""
    return "".join(value.split()).upper()
