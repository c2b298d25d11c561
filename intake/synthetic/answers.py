"""What a person answers on a form: the value a perfect reader would report, and the words as written."""

from dataclasses import dataclass
from datetime import date, timedelta

from numpy.random import Generator

from intake.synthetic.blanks.change_of_keeper import TITLES
from intake.synthetic.blanks.fee_refund import REASONS
from intake.synthetic.blanks.licence_renewal import CATEGORIES, QUESTIONS, YES_NO
from intake.synthetic.identifiers import (
    driver_number,
    invent_amount,
    invent_payment_reference,
    invent_registration_mark,
    invent_vehicle,
)
from intake.synthetic.people import TODAY, Person, chance, day_between, figures, invent_address, pick
from intake.synthetic.words import WORDS

Value = str | int | bool | tuple[str, ...] | None

# How often an optional question is left empty, and a required one forgotten.
_OPTIONAL_LEFT_EMPTY = 0.3
_REQUIRED_FORGOTTEN = 0.02


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `value` is in normal form; `text` is as written, its lines joined by one space; `lines` as laid out.

    A choice has the options as value and no text; a signature True or False; nothing written: None and no lines.
    """

    value: Value
    lines: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(self.lines)


EMPTY = Answer(None)
Answers = dict[str, Answer]


def written(text: str) -> Answer:
    return Answer(text, (text,))


def maybe(random: Generator, answer: Answer) -> Answer:
    """The answer to an optional question: sometimes nothing."""
    return EMPTY if chance(random, _OPTIONAL_LEFT_EMPTY) else answer


def answer_form(form_type: str, person: Person, random: Generator) -> Answers:
    """What `person` would answer on one of our own form types. Raises KeyError for any other."""
    answers = _FORMS[form_type](person, random)
    for name in ("surname", "postcode", "signed_on", "signature", "mileage", "reason"):
        if name in answers and chance(random, _REQUIRED_FORGOTTEN):
            answers[name] = Answer(False) if name == "signature" else _nothing_like(answers[name])
    return answers


def _nothing_like(answer: Answer) -> Answer:
    return Answer(()) if isinstance(answer.value, tuple) else EMPTY


def _in_cells(day: date) -> Answer:
    return Answer(day.isoformat(), (f"{day:%d%m%Y}",))


def _in_words(day: date, random: Generator) -> Answer:
    """A date as people write it on a line."""
    ways = (
        f"{day:%d/%m/%Y}",
        f"{day.day}/{day.month}/{day:%y}",
        f"{day:%d.%m.%Y}",
        f"{day.day} {WORDS.months[day.month - 1][:3]} {day.year}",
        f"{day.day} {WORDS.months[day.month - 1]} {day.year}",
    )
    return Answer(day.isoformat(), (pick(random, ways),))


def _address(lines: tuple[str, ...], random: Generator) -> Answer:
    """An address with commas at the ends of its lines, or without."""
    if chance(random, 0.4):
        lines = (*(f"{line}," for line in lines[:-1]), lines[-1])
    return Answer(" ".join(lines), lines)


def _whole_number(number: int, random: Generator) -> Answer:
    return Answer(number, (f"{number:,}" if chance(random, 0.3) else str(number),))


def _signature(random: Generator) -> Answer:
    return Answer(chance(random, 0.95))


def _change_of_keeper(person: Person, random: Generator) -> Answers:
    vin, model = invent_vehicle(random)
    sold = day_between(random, date(2024, 6, 1), TODAY)
    signed = sold + timedelta(days=int(random.integers(0, 12)))
    title = (person.title,) if person.title in TITLES else ()
    return {
        "registration_mark": written(invent_registration_mark(random)),
        "vin": written(vin),
        "make_model": written(model),
        "mileage": _whole_number(int(random.integers(900, 186000)), random),
        "sale_date": _in_cells(sold),
        "keeper_title": Answer(() if chance(random, 0.05) else title),
        "forenames": written(person.forenames),
        "surname": written(person.surname),
        "address": _address(person.address, random),
        "postcode": written(person.postcode),
        "phone": maybe(random, written(person.phone)),
        "signature": _signature(random),
        "signed_on": _in_cells(signed),
    }


def _licence_renewal(person: Person, random: Generator) -> Answers:
    moved = chance(random, 0.35)
    address, postcode = invent_address(random)
    answers = {
        "reminder_barcode": Answer(barcode := f"RN{figures(random, 9)}", (barcode,)),
        "driver_number": written(driver_number(person, random)),
        "surname": written(person.surname),
        "forenames": written(person.forenames),
        "birth_date": _in_cells(person.born),
        "birth_place": written(person.birth_place),
        "phone": maybe(random, written(person.phone)),
        "email": maybe(random, written(person.email)),
        "address_changed": Answer((YES_NO[0] if moved else YES_NO[1],)),
        "new_address": _address(address, random) if moved else EMPTY,
        "postcode": written(postcode) if moved else EMPTY,
        "categories": Answer(_kept_categories(random)),
        **{name: Answer((YES_NO[1],)) for name, _ in QUESTIONS},
        "health_eyesight": Answer((YES_NO[0],)),
        "health_details": EMPTY,
        "doctor_consent": Answer((pick(random, YES_NO),)),
        "doctor_name": maybe(random, written(pick(random, WORDS.doctors))),
        "signature": _signature(random),
        "signed_on": _in_cells(day_between(random, date(2024, 12, 1), TODAY)),
    }
    if chance(random, 0.3):
        answers[pick(random, [name for name, _ in QUESTIONS[1:]])] = Answer((YES_NO[0],))
        answers["health_details"] = written(pick(random, WORDS.illnesses))
    return answers


def _kept_categories(random: Generator) -> tuple[str, ...]:
    """The options ticked, in printed order: nearly always AM and B, sometimes what a lorry or bus driver has."""
    share = {"AM": 0.7, "B": 0.95, "BE": 0.3, "A": 0.2}
    kept = tuple(option for option in CATEGORIES if chance(random, share.get(option, 0.12)))
    return kept or ("B",)


def _fee_refund(person: Person, random: Generator) -> Answers:
    paid = day_between(random, date(2024, 3, 1), date(2025, 2, 1))
    reason = pick(random, REASONS)
    holder = pick(
        random,
        (
            f"{person.forenames} {person.surname}",
            f"{person.title} {person.forenames[0]} {person.surname}",
            f"{person.forenames[0]}. {person.surname}",
        ),
    )
    amount = invent_amount(random)
    return {
        "reference_number": written(invent_payment_reference(random)),
        "amount": Answer(amount, (amount.removesuffix(".00") if chance(random, 0.2) else amount,)),
        "paid_on": _in_words(paid, random),
        "reason": Answer((reason,)),
        "reason_detail": maybe(random, written(pick(random, WORDS.stories[reason]))),
        "account_holder": written(holder),
        "sort_code": written(figures(random, 6)),
        "account_number": written(figures(random, 8)),
        "email": maybe(random, written(person.email)),
        "phone": maybe(random, written(person.phone)),
        "claimant_name": written(f"{person.forenames} {person.surname}".upper()),
        "signature": _signature(random),
        "signed_on": _in_cells(day_between(random, paid + timedelta(days=2), TODAY)),
    }


_FORMS = {"change-of-keeper": _change_of_keeper, "licence-renewal": _licence_renewal, "fee-refund": _fee_refund}
