"""VR 11, change of keeper: one side, two editions of slightly different layout."""

from intake.synthetic.layout import (
    Bars,
    BlankForm,
    Item,
    Place,
    Shape,
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

TITLES = ("Mr", "Mrs", "Miss", "Ms", "Mx", "Dr")


def editions() -> tuple[BlankForm, ...]:
    return (_first(), _second())


def _barcode(left: float, top: float, payload: str) -> tuple[Item, ...]:
    # The place is a little larger than the bars: a Code 128 needs its quiet zone to be found.
    return (
        Bars(left, top, 56, 11, payload),
        Place("form_barcode", Shape.OPEN, left - 2, top - 1, 60, 13),
    )


def _first() -> BlankForm:
    return BlankForm(
        "change-of-keeper",
        "vr11-2021-04",
        "VR 11 Edition 04/21",
        (
            sheet(
                1,
                masthead("Tell us about a change of keeper", "VR 11", "For a vehicle sold, given away or passed on."),
                paragraph(12, 37, "Write in BLACK ink and CAPITALS. Put one character in each small box."),
                paragraph(12, 40.8, "Send the whole sheet back to us within 7 days. Do not staple or fold it."),
                _barcode(138, 31, "VR11-2104-1"),
                section(46, 71, "1", "The vehicle"),
                cells("registration_mark", "Registration mark", 18, 60, (7,), 7.2),
                line("mileage", "Mileage at the sale (miles)", 92, 59.5, 46),
                cells(
                    "vin",
                    "Vehicle identification number, 17 characters (from the plate on the frame)",
                    18,
                    77,
                    (17,),
                    comb=True,
                ),
                line("make_model", "Make and model", 18, 94.5, 100),
                date_cells("sale_date", "Date of sale or transfer", 132, 95),
                section(120, 106, "2", "The new keeper"),
                paragraph(18, 132.6, "Title (tick one)"),
                ticks("keeper_title", TITLES, 46, 129, 23),
                line("forenames", "Forenames in full", 18, 141, 84),
                line("surname", "Surname", 108, 141, 84),
                block("address", "Address", 18, 157, 174, 4, 8.2),
                cells("postcode", "Postcode", 18, 198, (4, 3), 6.8),
                line("phone", "Daytime telephone", 92, 197.5, 70),
                paragraph(18, 213, "We keep these details on the register of vehicles. The police and local"),
                paragraph(18, 216.6, "authorities may ask us who the keeper of a vehicle is."),
                section(229, 50, "3", "Declaration"),
                paragraph(
                    18,
                    239.5,
                    "I declare that the vehicle passed to the new keeper named in part 2 on the date given in part 1,",
                ),
                paragraph(18, 243.1, "and that what I have written here is true to the best of my knowledge."),
                signature("signature", "Signature of the person parting with the vehicle", 18, 252, 100, 20),
                date_cells("signed_on", "Date signed", 132, 256),
                imprint("VR 11", "04/21", "Page 1 of 1"),
            ),
        ),
    )


def _second() -> BlankForm:
    return BlankForm(
        "change-of-keeper",
        "vr11-2024-10",
        "VR 11 Edition 10/24",
        (
            sheet(
                1,
                masthead(
                    "Tell us about a change of keeper",
                    "VR 11",
                    "Use this form only for a vehicle with a registration mark of this country.",
                ),
                _barcode(14, 36, "VR11-2410-1"),
                paragraph(
                    80, 38.5, "Write in BLACK ink and CAPITALS, inside the boxes. If you make a mistake in a tick box,"
                ),
                paragraph(80, 42.1, "fill the wrong box in completely and tick the right one."),
                paragraph(80, 45.7, "It costs nothing to tell us. A late return may cost you a penalty."),
                section(52, 72, "A", "New keeper"),
                ticks("keeper_title", TITLES, 52, 53, 22),
                line("surname", "Surname or family name", 18, 66, 84),
                line("forenames", "Forenames", 108, 66, 84),
                block("address", "House number, street, town", 18, 82, 128, 3, 8.6),
                cells("postcode", "Postcode", 18, 113.5, (4, 3), 6.6, comb=True),
                line("phone", "Telephone (optional)", 92, 113, 54),
                section(128, 70, "B", "Vehicle"),
                cells("registration_mark", "Registration mark", 18, 142, (7,), 7.0),
                line("make_model", "Make and model", 84, 141.5, 108),
                cells("vin", "Chassis number (VIN)", 18, 159, (17,), 6.8),
                line("mileage", "Mileage", 150, 158.8, 42),
                date_cells("sale_date", "The vehicle changed hands on", 18, 177),
                paragraph(84, 179, "The mileage is the figure the vehicle showed on that day,"),
                paragraph(84, 182.6, "to the full mile. Leave it empty if the vehicle has no meter."),
                section(202, 56, "C", "Your signature"),
                paragraph(18, 213, "I no longer keep this vehicle. The details above are true as far as I know."),
                signature("signature", "Sign inside this box", 18, 222, 110, 22),
                date_cells("signed_on", "Date", 138, 228),
                paragraph(12, 265, "What happens next", size=9),
                paragraph(
                    12,
                    269.6,
                    "You will get a letter that you are no longer the keeper, usually within four weeks. Any full",
                ),
                paragraph(
                    12,
                    273.2,
                    "month of vehicle duty left is paid back to the account it was paid from. You need not ask for it.",
                ),
                imprint("VR 11", "10/24", "Page 1 of 1"),
            ),
        ),
    )
