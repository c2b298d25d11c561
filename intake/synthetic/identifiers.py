"""Numbers of vehicles, drivers and payments that obey the rules their issuers publish, and belong to nobody."""

from numpy.random import Generator

from intake.synthetic.people import Person, chance, figures, letters, pick

# World manufacturer codes and the makes they stand for; the models are what was commonly sold.
_MAKES = (
    ("SAJ", "Jaguar XE"),
    ("SAL", "Land Rover Freelander 2"),
    ("WVW", "Volkswagen Golf 1.6 TDI"),
    ("WBA", "BMW 318d"),
    ("VF1", "Renault Clio"),
    ("VF3", "Peugeot 208"),
    ("WF0", "Ford Fiesta Zetec"),
    ("W0L", "Vauxhall Corsa 1.2"),
    ("SJN", "Nissan Qashqai"),
    ("TMB", "Skoda Octavia"),
    ("ZFA", "Fiat 500"),
    ("JTD", "Toyota Yaris Hybrid"),
    ("SHH", "Honda Civic"),
    ("YV1", "Volvo V60 D4"),
    ("KNA", "Kia Ceed"),
)
_VIN_LETTERS_AND_FIGURES = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"  # ISO 3779: no I, O, Q
_VIN_VALUES = {str(figure): figure for figure in range(10)} | dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_PLATE_LETTERS = "ABCDEFGHJKLMNOPRSTUVWXYZ"  # no I, no Q
_PREFIX_PLATE_LETTERS = _PLATE_LETTERS[:-1]  # before 2001 the Z was Ireland's


def invent_vehicle(random: Generator) -> tuple[str, str]:
    """(VIN with a valid check digit in the ninth place after 49 CFR 565.15, make and model)."""
    maker, model = pick(random, _MAKES)
    body = maker + letters(random, 5, _VIN_LETTERS_AND_FIGURES) + "0" + letters(random, 2, _VIN_LETTERS_AND_FIGURES)
    body += figures(random, 6)
    total = sum(_VIN_VALUES[letter] * weight for letter, weight in zip(body, _VIN_WEIGHTS, strict=True))
    check = "0123456789X"[total % 11]
    return body[:8] + check + body[9:], model


def invent_registration_mark(random: Generator) -> str:
    """A mark without its space: mostly the form since 2001 (AB12CDE), some with a prefix letter (K123ABC)."""
    if chance(random, 0.15):
        number = str(int(random.integers(21, 999)))
        return pick(random, tuple("ABCDEFGHJKLMNPRSTVWXY")) + number + letters(random, 3, _PREFIX_PLATE_LETTERS)
    year = int(random.integers(2, 25)) + (50 if chance(random, 0.5) else 0)
    memory = pick(random, tuple("ABCDEFGHKLMNOPRSVWY")) + pick(random, tuple("ABCDEFGHJKLMNOPRSTUVWXY"))
    return f"{memory}{year:02d}{letters(random, 3, _PLATE_LETTERS)}"


def driver_number(person: Person, random: Generator) -> str:
    """Sixteen characters that follow from name, sex and date of birth, but for the last three.

    Surname's first five letters filled with 9 (Mac becomes Mc), the decade's figure, the month (50 more for a
    woman), the day, the year's last figure, two initials filled with 9, then what the licensing authority adds.
    """
    letters_of_name = "".join(letter for letter in person.surname.upper() if letter.isalpha())
    if letters_of_name.startswith("MAC"):
        letters_of_name = "MC" + letters_of_name[3:]
    year = f"{person.born.year % 100:02d}"
    month = person.born.month + (50 if person.is_female else 0)
    initials = "".join(name[0] for name in person.forenames.split())[:2]
    born = f"{year[0]}{month:02d}{person.born.day:02d}{year[1]}"
    return f"{letters_of_name[:5]:9<5}{born}{initials:9<2}9{letters(random, 2, 'ABCDEFGHJKLMNPRSTUVWXYZ')}"


def invent_payment_reference(random: Generator) -> str:
    return f"RF {figures(random, 6)}-{figures(random, 1)}"


def invent_amount(random: Generator) -> str:
    """Pounds and pence as a fee or a part of one would be, e.g. "82.50"."""
    return f"{int(random.integers(5, 420))}.{pick(random, ('00', '00', '50', '25', '75', figures(random, 2)))}"
