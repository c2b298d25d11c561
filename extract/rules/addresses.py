"""Postcodes of the United Kingdom, how an address ends, and what its numbers are made of."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from string import ascii_lowercase

from extract.rules.spacing import without_blanks
from schemas.lexicon import folded, folded_lexicon, is_entry

# BS 7666: the letters an area, a district and an inward code can hold. An area's first letter is not Q, V or X,
# its second not I, J or Z; the closing letter of a district is one of those ever issued; inward letters leave out
# C, I, K, M, O and V, which are easily confused.
_DISTRICT = "[A-PR-UWYZ](?:[0-9][0-9]?|[0-9][ABCDEFGHJKPSTUW]|[A-HK-Y][0-9][0-9]?|[A-HK-Y][0-9][ABEHMNPRVWXY])"
_POSTCODE = re.compile(rf"(?P<district>{_DISTRICT})[0-9][ABD-HJLNP-UW-Z]{{2}}")
_FORCES = re.compile(r"BFPO(?:C/?O)?[0-9]{1,4}")
_GIROBANK = "GIR0AA"

# Every area Royal Mail delivers to, with the islands (GY, JE, IM), the forces (BF) and non-geographic BX.
_AREAS = """
    AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX
    FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN
    NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB
    W WA WC WD WF WN WR WS WV YO ZE
"""
_AREA_NAMES = frozenset(_AREAS.split())


def uk_postcode(value: str) -> str:
    """A postcode after BS 7666, GIR 0AA and the forces' BFPO numbers included; blanks do not matter.

    Source: BS 7666's pattern as the government's data standards give it; Royal Mail's list of postcode areas.
    """
    postcode = without_blanks(value)
    if postcode == _GIROBANK or _FORCES.fullmatch(postcode):
        return ""
    found = _POSTCODE.fullmatch(postcode)
    if found is None:
        return "This is not built like a postcode, as AB1 2CD is."
    area = re.match("[A-Z]+", found["district"])
    if area is None or area[0] not in _AREA_NAMES:
        return "No postcode begins with these letters."
    return ""


# The first figure of a ZIP code and the states, districts and territories it is used in: US Postal Service,
# Publication 65, National Five-Digit ZIP Code and Post Office Directory.
_STATES_OF_ZIP = {
    "0": "CT MA ME NH NJ PR RI VI VT NY AE",
    "1": "DE NY PA",
    "2": "DC MD NC SC VA WV",
    "3": "AL FL GA MS TN AA",
    "4": "IN KY MI OH",
    "5": "IA MN MT ND SD VA WI DC",
    "6": "IL KS MO NE",
    "7": "AR LA OK TX",
    "8": "AZ CO ID NM NV UT WY TX",
    "9": "AK AS CA GU HI MP OR WA AP FM MH PW",
}
# What ends an address in the United States: five figures, or nine, and perhaps the country.
_HERE = r"(?:\b(?:U\.?\s?S\.?\s?A?\.?|United States(?: of America)?))?[\s.,]*$"
_HERE_AT_END = re.compile(_HERE, re.IGNORECASE)
_ZIP_AT_END = re.compile(rf"(?<![0-9-])(?P<first>[0-9])[0-9]{{4}}(?:\s?-\s?[0-9]{{4}})?[\s.,]*{_HERE}", re.IGNORECASE)
_STATE_AT_END = re.compile(r"(?:^|[\s.,])(?P<state>[A-Za-z]\.?\s?[A-Za-z])[\s.,]*$")
# Postal codes of letters and figures, which stand at the end: the United Kingdom's, Canada's, the Netherlands'.
_CODE_AT_END = re.compile(
    r"\b(?:[A-Z]{1,2}[0-9][A-Z0-9]?\s?[0-9][A-Z]{2}|[A-Z][0-9][A-Z]\s?[0-9][A-Z][0-9]|[0-9]{4}\s?[A-Z]{2})[\s.,]*$"
)
# A number with a stroke that is no fraction, or that ends in a bracket nobody opened: steep sevens and worn twos.
_STROKE = re.compile(r"(?<![\d/])(?!(?:1/[234]|[23]/[34])(?!\d))\d+/|^[^(]*\d\)")
# Letters that are drawn like figures, at the end of a number.
_LOOKALIKE = re.compile(r"(?<!\w)\d{2,}[OIl](?!\w)")
_LONGEST_COUNTRY = 6  # words
# Lists of places, and the letters a name needs to be told by. (Lists of people hold "Washinton", too.)
_PLACES, _LONG_NAME = ("places-us", "cities"), 6
# In the order of the lexicon, which is that of the names.
_STATE_CODES = """
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA
    RI SC SD TN TX UT VT VA WA WV WI WY
"""


def us_address(value: str) -> str:
    """An address that ends in a ZIP code: a state stands before it, and one of this code's; its numbers are figures.

    The place before the state is no listed one with a letter wrong, lost or too many ("Washinton"). A state may be
    written out. Nothing is said of addresses that end otherwise, as those in other countries do.
    """
    zip_code = _ZIP_AT_END.search(value)
    if zip_code is None:
        return ""
    rest = _HERE_AT_END.sub("", value[: zip_code.start()])
    state = _state_at_end(rest)
    if not state:
        return "No state stands before the ZIP code."
    if state not in _STATES_OF_ZIP[zip_code["first"]].split():
        return "The ZIP code is not one of this state."
    if _is_nearly_a_place(rest):
        return "The place before the state is unknown and differs in one letter from a known one: look at that letter."
    if _STROKE.search(value):
        return "A number holds a stroke or a bracket that may be a figure."
    return "A number ends in a letter that may be a figure." if _LOOKALIKE.search(value) else ""


def whole_address(value: str) -> str:
    """An address as it is sent to from anywhere: it ends in a postal code or in a country, else its end is missing.

    Nothing is said of what holds no figure or no letter: that is a remark in the place of an address, or none.
    """
    if not (any(map(str.isdigit, value)) and any(map(str.isalpha, value))):
        return ""
    if _ZIP_AT_END.search(value) or _CODE_AT_END.search(value.upper()) or _last_words(value) & _countries():
        return ""
    return "It ends neither in a postal code nor in a country: some of it may be missing."


def _state_at_end(text: str) -> str:
    """The code of the state that the text ends in, or what two letters stand there; "" if there is neither."""
    named = _last_words(text) & _states().keys()
    if named:
        return _states()[max(named, key=len)]
    found = _STATE_AT_END.search(text)
    return "" if found is None else re.sub(r"[\s.]", "", found["state"]).upper()


def _is_nearly_a_place(text: str) -> bool:
    """Whether the place before the state, in two letters, that a text ends in is one letter off a listed one."""
    state = _STATE_AT_END.search(text)
    names = _last_words(text[: state.start()]) if state else frozenset()
    if any(_is_place(name) for name in names):
        return False
    return any(_is_place(other) for name in names if len(name) >= _LONG_NAME for other in _one_letter_off(name))


def _is_place(name: str) -> bool:
    return any(is_entry(folded_lexicon(places), name) for places in _PLACES)


def _one_letter_off(name: str) -> Iterator[str]:
    for place in range(len(name) + 1):
        before, after = name[:place], name[place:]
        yield from (before + letter + after for letter in ascii_lowercase)
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in ascii_lowercase)


def _last_words(text: str) -> frozenset[str]:
    """The last word of a text, its last two, and so on, folded and without commas."""
    words = folded(text).replace(",", " ").strip(" .;").split()
    return frozenset(" ".join(words[-count:]) for count in range(1, _LONGEST_COUNTRY + 1))


@cache
def _states() -> Mapping[str, str]:
    return dict(zip(folded_lexicon("us-states"), _STATE_CODES.split(), strict=True))


@cache
def _countries() -> frozenset[str]:
    return frozenset(entry.strip(" .") for entry in folded_lexicon("countries"))
