"""Rules: what issuers publish about their numbers, one pure function each.

Every rule takes an answer as text and returns "" if it may be right, else a sentence for the caseworker. A rule
knows what can be issued, not what was: a number that passes may still belong to nobody.
"""

from collections.abc import Callable, Mapping

from extract.rules.addresses import uk_postcode
from extract.rules.dates import date_exists
from extract.rules.payments import sort_code
from extract.rules.people import driver_number_disagrees, gb_driver_number, nino
from extract.rules.vehicles import uk_registration_mark, vin, vin_check_digit

__all__ = [
    "RULES",
    "date_exists",
    "driver_number_disagrees",
    "gb_driver_number",
    "nino",
    "sort_code",
    "uk_postcode",
    "uk_registration_mark",
    "vin",
    "vin_check_digit",
]

# The rules on one answer, by the name a form type calls them.
RULES: Mapping[str, Callable[[str], str]] = {
    rule.__name__: rule
    for rule in (
        date_exists,
        gb_driver_number,
        nino,
        sort_code,
        uk_postcode,
        uk_registration_mark,
        vin,
        vin_check_digit,
    )
}
