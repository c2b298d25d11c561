"""What people answer on a form of any type, known only by its declaration: fields, kinds, families, labels, zones."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from numpy.random import Generator

from extract.receipt_dates import Span, days_in_use
from intake.synthetic.answers import EMPTY, Answer, Answers
from intake.synthetic.identifiers import invent_amount
from intake.synthetic.pattern import invent_match
from intake.synthetic.people import TODAY, chance, day_between, figures, letters, pick
from intake.synthetic.world import (
    WORLD,
    in_sentence,
    in_words,
    invent_citizenship,
    invent_firm,
    invent_name,
    invent_principals,
    invent_surname,
    invent_us_address,
    invent_world_address,
)
from schemas.field import STAMP, FieldKind, FieldSpec
from schemas.form_type import Edition, FormType, Zone

# How often a question is left empty: by everybody, and where it is asked only of some ("If ...").
_LEFT_EMPTY = 0.06
_CONDITIONAL_LEFT_EMPTY = 0.45
_CONDITIONAL_NOT_APPLICABLE = 0.6  # of the rest
_TICKED_TWICE = 0.12
_NOTHING_TICKED = 0.03
_ANSWERED_ELSEWHERE = 0.05

_ASKED_OF_SOME = re.compile(r"\bif\b|\bother\b|where applicable|specify", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """One field of one edition. room: cells to fill, 0 for free lines; height: of its zone in millimetres.

    in_use: the days on which a form of this edition may come in.
    """

    spec: FieldSpec
    room: int
    height: float
    in_use: Span

    def speaks_of(self, *words: str) -> bool:
        """Whether one of these words is part of the field's name, family or label."""
        asked = f"{self.spec.name} {self.spec.family} {self.spec.label}".lower()
        return any(word in asked for word in words)


def answer_any_form(form: FormType, edition: Edition, random: Generator) -> Answers:
    """What somebody would answer, field by field; barcodes, which nobody writes, and missing places left out."""
    answers: Answers = {}
    for spec in form.fields:
        zones = edition.zones_of(spec.name)
        if zones and spec.kind is not FieldKind.BARCODE:
            answers[spec.name] = _answer(_question(spec, zones, edition), random)
    return _in_agreement(form, answers, random)


def _question(spec: FieldSpec, zones: Sequence[Zone], edition: Edition) -> Question:
    height = zones[0].box.height / edition.dpi * 25.4
    return Question(spec, len(zones[0].cells), height, days_in_use(edition.id))


def _in_agreement(form: FormType, answers: Mapping[str, Answer], random: Generator) -> Answers:
    """What stands at "other (specify)" belongs to the tick at "other"; addresses of work are repeated."""
    agreed = dict(answers)
    for spec in form.fields:
        beside = f"{spec.name}_other"
        if spec.kind is FieldKind.CHOICE and "other" in spec.options and beside in agreed and spec.name in agreed:
            value = agreed[spec.name].value
            is_other = isinstance(value, tuple) and "other" in value
            named = _one_line(pick(random, WORLD.other_links))
            agreed[beside] = named if is_other or chance(random, 0.02) else EMPTY
    addresses = [name for name in agreed if "address" in name and agreed[name].lines]
    if len(addresses) > 2 and chance(random, 0.4):
        agreed[addresses[-1]] = agreed[addresses[-2]]
    return agreed


def _answer(question: Question, random: Generator) -> Answer:
    spec = question.spec
    match spec.kind:
        case FieldKind.CHOICE:
            return _ticked(spec, random)
        case FieldKind.SIGNATURE:
            return Answer(chance(random, 0.95))
    if not spec.required and _is_left_empty(question, random):
        return EMPTY
    return _MAKERS_BY_KIND.get(spec.kind, _words)(question, random)


def _is_left_empty(question: Question, random: Generator) -> bool:
    if question.spec.family == STAMP:
        return chance(random, _LEFT_EMPTY)
    is_asked_of_some = bool(_ASKED_OF_SOME.search(question.spec.label))
    return chance(random, _CONDITIONAL_LEFT_EMPTY if is_asked_of_some else _LEFT_EMPTY)


def _ticked(spec: FieldSpec, random: Generator) -> Answer:
    if chance(random, 0.0 if spec.required else _NOTHING_TICKED):
        return Answer(())
    chosen = {pick(random, spec.options)}
    if spec.several and chance(random, _TICKED_TWICE):
        chosen.add(pick(random, spec.options))
    return Answer(tuple(option for option in spec.options if option in chosen))


def _whole_number(question: Question, random: Generator) -> Answer:
    number = int(random.integers(1, 10 ** min(question.room or 4, 6)))
    return Answer(number, (str(number),))


def _amount(question: Question, random: Generator) -> Answer:
    amount = invent_amount(random)
    return Answer(amount, (amount,))


def _date(question: Question, random: Generator) -> Answer:
    first, last = date(1998, 1, 1), date(2019, 12, 31)
    if question.speaks_of("birth", "born"):
        first, last = date(1926, 1, 1), date(1996, 12, 31)
    elif question.spec.family == STAMP:  # nothing comes in before it was printed
        first = question.in_use.first
        last = max(min(question.in_use.last, TODAY), date(first.year, 12, 31))
    day = day_between(random, first, last)
    if question.room:
        start = f"{day:%d%m}" if question.spec.day_first else f"{day:%m%d}"
        return Answer(day.isoformat(), (start + (f"{day:%Y}" if question.room >= 8 else f"{day:%y}"),))
    return Answer(day.isoformat(), (in_words(day, random, day_first=question.spec.day_first),))


def _words(question: Question, random: Generator) -> Answer:
    """The answer to a question in words; one that must have a form has it."""
    spec = question.spec
    for maker in (*(_maker(question),) * 3, _identifier):
        answer = maker(question, random)
        if _fits(answer.text, question):
            return answer
    if spec.pattern_full:
        text = invent_match(spec.pattern_full, random)
        return _one_line(text[: question.room] if question.room else text)
    return _one_line("".join(pick(random, tuple(spec.alphabet or "ABCDEFGH")) for _ in range(question.room or 6)))


def _fits(text: str, question: Question) -> bool:
    spec = question.spec
    if question.room and len(text) > question.room:
        return False
    if spec.alphabet and set(text.replace(" ", "")) - set(spec.alphabet):
        return False
    return not spec.pattern_full or re.fullmatch(spec.pattern_full, text) is not None


def _maker(question: Question) -> Callable[[Question, Generator], Answer]:
    """Who invents the answer, by what the field's name, family and label speak of."""
    for words, maker in _MAKERS:
        if question.speaks_of(*words):
            return maker
    return _remark


def _one_line(text: str) -> Answer:
    return Answer(text, (text,))


def _identifier(question: Question, random: Generator) -> Answer:
    spec = question.spec
    count = question.room or int(random.choice((4, 4, 4, 4, 5)))
    alphabet = "".join(letter for letter in spec.alphabet if letter.isalnum()) or "0123456789"
    text = letters(random, count, alphabet)
    if text[0] == "0" and set(alphabet) <= set("0123456789"):
        text = str(int(random.integers(1, 10))) + text[1:]
    if "#" in spec.alphabet and not question.room and chance(random, 0.06):
        text = f"#{text}"
    return _one_line(text)


def _address(question: Question, random: Generator) -> Answer:
    if chance(random, _ANSWERED_ELSEWHERE):
        return _one_line(pick(random, WORLD.elsewhere))
    lines = invent_us_address(random) if chance(random, 0.92) else invent_world_address(random)
    if question.speaks_of("business", "firm", "company", "registrant") and chance(random, 0.25):
        lines = (invent_firm(random), *lines)
    if question.height < 12 or chance(random, 0.4):
        return _one_line(pick(random, (", ", ", ", " ", "  ")).join(lines))
    return Answer(" ".join(lines), lines)


def _birth(question: Question, random: Generator) -> Answer:
    """A year, or a date, or date and place: the place is no part of the answer where a pattern picks the date out."""
    day = day_between(random, date(1926, 1, 1), date(1996, 12, 31))
    if chance(random, 0.55):
        return _one_line(str(day.year))
    text = in_words(day, random, day_first=question.spec.day_first)
    months_first = in_words(day, random)
    text = months_first if chance(random, 0.8) else text
    if not question.spec.patterns or question.height < 11 or chance(random, 0.5):
        return _one_line(text)
    place = pick(random, WORLD.us_towns).rsplit(" ", 1)[0]
    if chance(random, 0.3):
        place = f"{pick(random, ('Lisboa', 'London', 'Lagos', 'Seoul', 'Montréal'))}"
    return Answer(text, (f"{text}{pick(random, ('; ', ', ', ' '))}{place}",))


def _country(question: Question, random: Generator) -> Answer:
    return _one_line(invent_citizenship(random))


def _name(question: Question, random: Generator) -> Answer:
    if question.speaks_of("surname", "last name", "family name"):
        return _one_line(invent_surname(random))
    is_firm = question.speaks_of("registrant", "company", "firm", "employer", "organi", "business")
    return _one_line(invent_firm(random) if is_firm else invent_name(random))


def _acquired(question: Question, random: Generator) -> Answer:
    if chance(random, _CONDITIONAL_NOT_APPLICABLE):
        return _one_line(pick(random, WORLD.nothing))
    return _one_line(in_sentence(pick(random, WORLD.acquired), random))


def _occupation(question: Question, random: Generator) -> Answer:
    text = pick(random, WORLD.occupations)
    if chance(random, 0.15):
        text += pick(random, (", ", "; ", " and ", "/", " & ")) + pick(random, WORLD.occupations)
    return _one_line(text)


def _principals(question: Question, random: Generator) -> Answer:
    return _one_line(invent_principals(random) if chance(random, 0.96) else pick(random, WORLD.nothing))


def _phone(question: Question, random: Generator) -> Answer:
    # 555-0100 to 555-0199 belong to nobody (North American Numbering Plan, fictitious use).
    return _one_line(f"({figures(random, 1)}02) 555-01{figures(random, 2)}")


def _mail(question: Question, random: Generator) -> Answer:
    name = "".join(letter for letter in invent_surname(random).lower() if letter.isascii() and letter.isalpha())
    return _one_line(f"{name}{figures(random, 2)}@{pick(random, ('example.com', 'example.org', 'mail.example'))}")


def _remark(question: Question, random: Generator) -> Answer:
    is_asked_of_some = bool(_ASKED_OF_SOME.search(question.spec.label))
    if is_asked_of_some and chance(random, _CONDITIONAL_NOT_APPLICABLE):
        return _one_line(pick(random, WORLD.nothing))
    return _one_line(in_sentence(pick(random, WORLD.remarks), random))


# Asked in this order: a registrant's address is an address before it is a registrant's name.
_MAKERS: tuple[tuple[tuple[str, ...], Callable[[Question, Generator], Answer]], ...] = (
    (("acquired", "naturali"), _acquired),
    (("identifier", "registration_no", "registration no", "reference", "number"), _identifier),
    (("address",), _address),
    (("principal",), _principals),
    (("birth", "born"), _birth),
    (("nationality", "citizenship", "country"), _country),
    (("e-mail", "email"), _mail),
    (("phone", "fax"), _phone),
    (("occupation", "profession", "trade"), _occupation),
    (("name", "registrant"), _name),
)
_MAKERS_BY_KIND = {FieldKind.DATE: _date, FieldKind.INTEGER: _whole_number, FieldKind.MONEY: _amount}
