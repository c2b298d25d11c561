"""Postcodes of the United Kingdom, and the last line of an address in the United States."""

import re

from extract.rules.spacing import without_blanks

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
_LAST_LINE = re.compile(r"\b(?P<state>[A-Z]{2})[,.]?\s*(?P<first>[0-9])[0-9]{4}(?:-[0-9]{4})?[\s.,]*(?:U\.?S\.?A\.?)?$")


def us_address(value: str) -> str:
    """An address whose end looks like a state's two letters and a ZIP code: both must belong together.

    Nothing is said of addresses that end otherwise, as those in other countries do.
    """
    found = _LAST_LINE.search(value.strip())
    if found is None or found["state"] in _STATES_OF_ZIP[found["first"]].split():
        return ""
    return "The ZIP code is not one of this state."
