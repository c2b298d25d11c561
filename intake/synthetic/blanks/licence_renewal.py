"""VR 22, renewal of a driving licence: two sides."""

from intake.synthetic.layout import (
    BlankForm,
    Item,
    Place,
    Shape,
    Sheet,
    Words,
    block,
    cells,
    date_cells,
    imprint,
    line,
    masthead,
    paragraph,
    section,
    sheet,
    signature,
    ticks,
)

CATEGORIES = ("AM", "A1", "A2", "A", "B", "BE", "C1", "C", "D1", "D")
YES_NO = ("Yes", "No")
QUESTIONS = (
    ("health_eyesight", "Can you read a number plate from 20 metres, with glasses or lenses if you wear them?"),
    ("health_fits", "Have you had a fit, a blackout or a faint in the last five years?"),
    ("health_diabetes", "Do you take insulin or tablets for diabetes?"),
    ("health_heart", "Do you have a pacemaker, or has a doctor treated your heart in the last year?"),
    ("health_medicine", "Do you take any medicine that makes you drowsy?"),
)


def editions() -> tuple[BlankForm, ...]:
    return (BlankForm("licence-renewal", "vr22-2023-01", "VR 22 Edition 01/23", (_front(), _back())),)


def _front() -> Sheet:
    return sheet(
        1,
        masthead(
            "Renew your driving licence",
            "VR 22",
            "Your licence runs out soon. Answer both sides of this sheet and sign overleaf.",
        ),
        # Printed at the registry for each driver, hence not on the blank.
        (Place("reminder_barcode", Shape.OPEN, 128, 33, 70, 15), Words(128, 51, "Reminder number", 6, ink=0.35)),
        paragraph(12, 39, "Use black ink and CAPITALS. One character in each box."),
        paragraph(12, 42.8, "Tick with a cross or a tick. Wrong box? Scribble it out."),
        section(54, 84, "1", "About you"),
        cells("driver_number", "Driver number, as on your licence (part 5)", 18, 68, (5, 6, 5), 7.0, comb=True),
        line("surname", "Surname", 18, 85, 84),
        line("forenames", "Forenames", 108, 85, 84),
        date_cells("birth_date", "Date of birth", 18, 103),
        line("birth_place", "Place of birth", 84, 102.5, 108),
        line("phone", "Telephone (optional)", 18, 123, 66),
        line("email", "E-mail (optional)", 90, 123, 102),
        section(142, 60, "2", "Where you live"),
        paragraph(18, 153.4, "Has your address changed since your last licence?"),
        ticks("address_changed", YES_NO, 98, 150, 20),
        block("new_address", "If yes: your new address", 18, 162, 174, 3, 8.0),
        cells("postcode", "Postcode", 18, 191, (4, 3), 6.6),
        section(206, 38, "3", "What you drive"),
        paragraph(18, 217, "Tick every category that you want to keep."),
        ticks("categories", CATEGORIES[:5], 18, 221, 34),
        ticks("categories", CATEGORIES[5:], 18, 231, 34),
        paragraph(
            12,
            252,
            "A licence costs nothing from the age of 70. Before that we take the fee from the card you used last.",
            size=8,
        ),
        paragraph(
            12, 256.2, "Send your old licence with this form. Please do not send money, stamps or photographs.", size=8
        ),
        paragraph(12, 264, "Turn over: the questions about your health and your signature are on the back.", size=9),
        imprint("VR 22", "01/23", "Page 1 of 2"),
    )


def _question(number: int, field: str, text: str) -> tuple[Item, ...]:
    top = 42.0 + 11.0 * number
    return (
        Words(18, top + 3.6, f"{number + 1}", 9, bold=True),
        Words(24, top + 3.6, text, 8),
        *ticks(field, YES_NO, 160, top, 18, 4.4),
    )


def _back() -> Sheet:
    return sheet(
        2,
        masthead("Renew your driving licence", "VR 22", ""),
        section(32, 68, "4", "Your health: answer every question"),
        *(_question(number, field, text) for number, (field, text) in enumerate(QUESTIONS)),
        section(102, 62, "5", "Tell us more"),
        paragraph(
            18, 113, "If you answered yes to any of questions 2 to 5: what is it, since when, and who treats you?"
        ),
        block("health_details", "", 18, 117, 174, 5, 8.6),
        section(168, 46, "6", "Consent"),
        paragraph(18, 179.4, "May we write to your doctor about your answers?"),
        ticks("doctor_consent", YES_NO, 98, 176, 20),
        line("doctor_name", "Name of your doctor or practice", 18, 192, 110),
        section(218, 58, "7", "Declaration"),
        paragraph(
            18,
            229,
            "I have answered every question truthfully. I know that I must tell the registry of any illness that may",
        ),
        paragraph(
            18, 232.6, "affect my driving, and that a false answer is an offence. I drive only what my licence allows."
        ),
        signature("signature", "Your usual signature", 18, 241, 104, 20),
        date_cells("signed_on", "Date signed", 134, 246),
        paragraph(18, 269, "Sign inside the box. The signature is printed on your licence."),
        imprint("VR 22", "01/23", "Page 2 of 2"),
    )
