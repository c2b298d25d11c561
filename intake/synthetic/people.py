"""Invented people of the United Kingdom: names, addresses and the numbers that go with them, from short lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from numpy.random import Generator

from intake.synthetic.words import WORDS

Choice = TypeVar("Choice")

# Everybody's papers are dated around this day, so that the same seed gives the same post in any year.
TODAY = date(2025, 3, 14)

# Ranges set aside for drama by the regulator: nobody answers there (Ofcom, "numbers for use in TV and radio drama").
_DRAMA_NUMBERS = ("0113 496 0", "0115 496 0", "020 7946 0", "029 2018 0", "07700 900", "01632 960")
_MAIL_HOSTS = ("example.com", "example.org", "post.example", "mail.example")


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person. `address` is one entry per line; `number` seeds what is this person's own, as a hand."""

    number: int
    title: str
    forenames: str
    surname: str
    is_female: bool
    born: date
    birth_place: str
    address: tuple[str, ...]
    postcode: str
    phone: str
    email: str


def pick(random: Generator, choices: Sequence[Choice]) -> Choice:
    return choices[int(random.integers(len(choices)))]


def chance(random: Generator, share: float) -> bool:
    return bool(random.random() < share)


def figures(random: Generator, count: int) -> str:
    return "".join(str(int(figure)) for figure in random.integers(0, 10, count))


def letters(random: Generator, count: int, alphabet: str) -> str:
    return "".join(alphabet[int(place)] for place in random.integers(0, len(alphabet), count))


def day_between(random: Generator, first: date, last: date) -> date:
    return first + timedelta(days=int(random.integers((last - first).days + 1)))


def invent_person(random: Generator) -> Person:
    """One person whose name, title, address, telephone and e-mail fit together."""
    is_female = chance(random, 0.5)
    given = WORDS.female if is_female else WORDS.male
    forenames = pick(random, given)
    if chance(random, 0.4):
        forenames += " " + pick(random, given)
    surname = pick(random, WORDS.surnames)
    if chance(random, 0.06):
        surname += "-" + pick(random, WORDS.second_surnames)
    titles = ("Mrs", "Mrs", "Miss", "Miss", "Ms", "Ms", "Dr", "Mx") if is_female else ("Mr",) * 7 + ("Dr", "Mx")
    address, postcode = invent_address(random)
    mail_name = f"{forenames.split()[0]}.{surname}".lower().replace("'", "")
    return Person(
        number=int(random.integers(2**31)),
        title=pick(random, titles),
        forenames=forenames,
        surname=surname,
        is_female=is_female,
        born=day_between(random, date(1938, 1, 1), date(2004, 12, 31)),
        birth_place=pick(random, WORDS.towns)[0],
        address=address,
        postcode=postcode,
        phone=invent_phone(random),
        email=f"{mail_name}{figures(random, 2) if chance(random, 0.3) else ''}@{pick(random, _MAIL_HOSTS)}",
    )


def invent_phone(random: Generator) -> str:
    return pick(random, _DRAMA_NUMBERS) + figures(random, 3)


def invent_address(random: Generator) -> tuple[tuple[str, ...], str]:
    """(lines from house to post town, postcode); the inward letters leave out C I K M O V as Royal Mail does."""
    town, outwards = pick(random, WORDS.towns)
    street = f"{int(random.integers(1, 190))} {pick(random, WORDS.streets)}"
    if chance(random, 0.2):
        street = f"Flat {int(random.integers(1, 30))}, {street}"
    lines = [street, town]
    if chance(random, 0.15):
        lines.insert(0, pick(random, WORDS.houses))
    if chance(random, 0.2) and len(lines) < 3:
        lines.insert(-1, pick(random, WORDS.villages))
    postcode = f"{pick(random, outwards)} {figures(random, 1)}{letters(random, 2, 'ABDEFGHJLNPQRSTUWXYZ')}"
    return tuple(lines), postcode
