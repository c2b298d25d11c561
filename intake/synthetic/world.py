"""What people of any country answer: names, addresses, firms, offices, trades; put together from lists of parts."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from numpy.random import Generator

from intake.synthetic.people import chance, day_between, figures, letters, pick
from intake.synthetic.words import WORDS

Words = tuple[str, ...]
Lines = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class World:
    """Each list in a fixed order, as the same seed must pick the same words.

    world_addresses: (street, town); # stands for a figure, @ for a letter.
    countries:       (country, nationality, its government or one of its offices).
    acquired, remarks: sentences with places for {day}, {year} and {town}.
    """

    given: Words
    family: Words
    suffixes: Words
    titles: Words
    street_names: Words
    street_kinds: Words
    quarters: Words
    us_towns: Words
    world_addresses: tuple[Words, ...]
    countries: tuple[Words, ...]
    home: Words
    firm_words: Words
    firm_trades: Words
    firm_kinds: Words
    occupations: Words
    nothing: Words
    elsewhere: Words
    acquired: Words
    other_links: Words
    remarks: Words
    receipt_lines: Words
    stamp_lines: Words


def _load(path: Path) -> World:
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    addresses = tuple(tuple(entry) for entry in raw.pop("world_addresses"))
    countries = tuple(tuple(entry) for entry in raw.pop("countries"))
    words = {name: tuple(words) for name, words in raw.items()}
    return World(world_addresses=addresses, countries=countries, **words)


WORLD = _load(Path(__file__).with_name("world.toml"))

# A part of all names and firms is made of syllables: a reader must not live on words it has seen before.
_INVENTED_SURNAMES = 0.25
_STARTS: Words = (
    "B",
    "Br",
    "Ch",
    "D",
    "F",
    "G",
    "Gr",
    "H",
    "J",
    "K",
    "Kh",
    "L",
    "M",
    "N",
    "P",
    "Qu",
    "R",
    "S",
    "Sch",
    "St",
)
_STARTS += ("T", "Th", "V", "W", "X", "Y", "Z", "A", "E", "O", "U", "I")
_MIDDLES = ("a", "e", "i", "o", "u", "ai", "ou", "ei", "ia", "y")
_ENDS = ("ck", "d", "ff", "g", "j", "k", "l", "ll", "m", "n", "nd", "ng", "r", "s", "t", "v", "wicz", "x", "z", "tz")


def invent_surname(random: Generator) -> str:
    """A surname from the list, or one that nobody has."""
    if not chance(random, _INVENTED_SURNAMES):
        return pick(random, WORLD.family)
    name = pick(random, _STARTS)
    for _ in range(int(random.integers(1, 4))):
        name += pick(random, _MIDDLES) + pick(random, _ENDS)
    return name[0].upper() + name[1:]


def invent_name(random: Generator) -> str:
    """A person's whole name in one of the ways people write theirs."""
    given, family = pick(random, WORLD.given), invent_surname(random)
    way = random.random()
    if way < 0.3:
        given += f" {letters(random, 1, 'ABCDEFGHIJKLMNOPRSTVWYZ')}."
    elif way < 0.42:
        given += f" {pick(random, WORLD.given)}"
    elif way < 0.46:
        given = f"{given[0]}. {pick(random, WORLD.given)}"
    if chance(random, 0.08):
        family += f"-{invent_surname(random)}"
    if chance(random, 0.07):
        return f"{family}, {given}"
    if chance(random, 0.05):
        family += f"{pick(random, (' ', ', '))}{pick(random, WORLD.suffixes)}"
    return f"{pick(random, WORLD.titles)} {given} {family}" if chance(random, 0.06) else f"{given} {family}"


def invent_firm(random: Generator) -> str:
    """The name of a company or partnership."""
    way = random.random()
    if way < 0.4:
        name = f"{pick(random, WORLD.firm_words)} {pick(random, WORLD.firm_trades)}"
    elif way < 0.6:
        name = f"{invent_surname(random)}, {invent_surname(random)} & {invent_surname(random)}"
    elif way < 0.75:
        name = f"{invent_surname(random)} {pick(random, ('&', 'and'))} {invent_surname(random)}"
    elif way < 0.9:
        name = f"{invent_surname(random)} {pick(random, WORLD.firm_trades)}"
    else:
        return pick(random, WORLD.countries)[2]
    return name + pick(random, WORLD.firm_kinds)


def invent_us_address(random: Generator) -> Lines:
    """(street and number, perhaps a suite, town with state and ZIP code)."""
    street = pick(random, WORLD.street_names)
    if chance(random, 0.2):
        street = _ordinal(int(random.integers(1, 60)))
    line = f"{int(random.integers(1, 12000))} {street} {pick(random, WORLD.street_kinds)}"
    if chance(random, 0.35):
        line += f"{pick(random, (' ', ', '))}{pick(random, WORLD.quarters)}"
    town = pick(random, WORLD.us_towns)
    if chance(random, 0.5):  # another ZIP code of the same look, and sometimes the long one
        town = town[:-3] + figures(random, 3) + (f"-{figures(random, 4)}" if chance(random, 0.15) else "")
    way = random.random()
    if way < 0.4:
        return line, town
    unit = _unit(random)
    return (line, unit, town) if way < 0.62 else (f"{line}{pick(random, (', ', ' '))}{unit}", town)


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _unit(random: Generator) -> str:
    number = int(random.integers(1, 2400))
    floor = _ordinal(int(random.integers(2, 40)))
    return pick(
        random,
        (
            f"Suite {number}",
            f"Ste. {number}",
            f"Ste {number}",
            f"Apt. {number}",
            f"Apt {number % 30 + 1}{letters(random, 1, 'ABCDEFGH')}",
            f"#{number}",
            f"#{number % 30 + 1}-{letters(random, 1, 'ABCDEFGH')}",
            f"Unit {letters(random, 1, 'ABCDNPS')}-{number % 99 + 1}",
            f"{floor} Fl.",
            f"{floor} Floor",
            f"Room {number}",
        ),
    )


def invent_world_address(random: Generator) -> Lines:
    """An address outside the United States."""
    lines = pick(random, WORLD.world_addresses)
    return tuple("".join(_filled_in(letter, random) for letter in line) for line in lines)


def _filled_in(letter: str, random: Generator) -> str:
    if letter == "#":
        return str(int(random.integers(1, 10)))
    return letters(random, 1, "ABCDEFGHJKLMNPRSTVWXYZ") if letter == "@" else letter


def invent_principals(random: Generator) -> str:
    """One or more governments, offices and firms abroad, as listed in one answer."""
    count = int(random.choice((1, 1, 1, 1, 2, 2, 3, 4)))
    between = pick(random, ("; ", ", ", ";  ", " and "))
    entries = [_principal(random) for _ in range(count)]
    return between.join(entries) + ("." if chance(random, 0.15) else "")


def _principal(random: Generator) -> str:
    country, nationality, office = pick(random, WORLD.countries)
    ways = (
        office,
        office,
        f"Embassy of {country}",
        f"Government of {country}",
        f"Ministry of Foreign Affairs of {country}",
        f"Embassy of the {office}" if office.startswith("Republic") else f"{nationality} Tourist Office",
        invent_firm(random),
        f"{country}",
    )
    return pick(random, ways)


def invent_citizenship(random: Generator) -> str:
    """A nationality as asked on a form: most often the country's own."""
    if chance(random, 0.62):
        return pick(random, WORLD.home)
    country, nationality, _ = pick(random, WORLD.countries)
    return pick(random, (country, nationality, nationality, f"{country} / USA"))


def in_sentence(sentence: str, random: Generator) -> str:
    """A sentence of the lists with its places filled in."""
    day = day_between(random, date(1961, 1, 1), date(2018, 12, 31))
    town = pick(random, WORLD.us_towns).rsplit(" ", 1)[0]
    return sentence.format(day=in_words(day, random), year=day.year, town=town)


def in_words(day: date, random: Generator, *, day_first: bool = False) -> str:
    """A date as people write it; figures alone stand in the order that `day_first` says."""
    month = WORDS.months[day.month - 1]
    short = pick(random, (month[:3], f"{month[:3]}." if len(month) > 3 else month))
    first, second = (day.day, day.month) if day_first else (day.month, day.day)
    ways = [
        f"{first:02d}/{second:02d}/{day.year}",
        f"{first}/{second}/{day.year}",
        f"{first}-{second}-{day.year}",
        f"{first:02d}.{second:02d}.{day.year}",
    ]
    if day_first:
        ways += [f"{day.day} {month} {day.year}", f"{day.day} {short} {day.year}"]
    else:
        ways += [f"{month} {day.day}, {day.year}", f"{short} {day.day}, {day.year}", f"{month} {day.day} {day.year}"]
    return pick(random, ways)
