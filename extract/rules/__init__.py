"""Rules: what issuers publish about their numbers, one pure function each.

Every rule takes an answer as text and returns "" if it may be right, else a sentence for the caseworker. A rule
knows what can be issued, not what was: a number that passes may still belong to nobody.
"""

from collections.abc import Callable, Mapping

from extract.rules.addresses import uk_postcode, us_address, whole_address
from extract.rules.contacts import email, phone
from extract.rules.countries import iso_country
from extract.rules.dates import date_exists
from extract.rules.numbers import imo_number, luhn_digit, nhs_number, tax_reference, vat_number
from extract.rules.payments import account_number, iban, sort_code
from extract.rules.people import driver_number_disagrees, gb_driver_number, nino
from extract.rules.prose import finished, no_stray_figure, plain_words
from extract.rules.vehicles import uk_registration_mark, vin, vin_check_digit

__all__ = [
    "RULES",
    "account_number",
    "date_exists",
    "driver_number_disagrees",
    "email",
    "finished",
    "gb_driver_number",
    "iban",
    "imo_number",
    "iso_country",
    "luhn_digit",
    "nhs_number",
    "nino",
    "no_stray_figure",
    "phone",
    "plain_words",
    "sort_code",
    "tax_reference",
    "uk_postcode",
    "uk_registration_mark",
    "us_address",
    "vat_number",
    "vin",
    "vin_check_digit",
    "whole_address",
]

# The rules on one answer, by the name a form type calls them.
RULES: Mapping[str, Callable[[str], str]] = {
    rule.__name__: rule
    for rule in (
        account_number,
        date_exists,
        email,
        finished,
        gb_driver_number,
        iban,
        imo_number,
        iso_country,
        luhn_digit,
        nhs_number,
        nino,
        no_stray_figure,
        phone,
        plain_words,
        sort_code,
        tax_reference,
        uk_postcode,
        uk_registration_mark,
        us_address,
        vat_number,
        vin,
        vin_check_digit,
        whole_address,
    )
}
