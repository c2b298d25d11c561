"""VR 33, refund of a fee: one side."""

from intake.synthetic.layout import (
    BlankForm,
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

REASONS = ("Paid twice", "Paid too much", "Vehicle sold", "Licence sent back", "Application withdrawn", "Other")


def editions() -> tuple[BlankForm, ...]:
    return (
        BlankForm(
            "fee-refund",
            "vr33-2024-02",
            "VR 33 Edition 02/24",
            (
                sheet(
                    1,
                    masthead(
                        "Ask for a fee back",
                        "VR 33",
                        "One form for each payment. We pay refunds into a bank account only.",
                    ),
                    section(38, 40, "1", "The payment"),
                    line("reference_number", "Payment reference, from our letter or receipt", 18, 52, 76, 9),
                    (Words(104, 59, "£", 15, bold=True),),
                    line("amount", "Amount you ask for", 110, 52, 40, 9),
                    line("paid_on", "Date you paid", 156, 52, 36, 9),
                    paragraph(
                        18,
                        69,
                        "The reference starts with RF and has seven figures. Give pounds and pence, for example 82.50.",
                    ),
                    section(82, 62, "2", "Why we should pay it back"),
                    paragraph(18, 92.8, "Tick the one reason that fits best."),
                    ticks("reason", REASONS[:3], 18, 97, 58),
                    ticks("reason", REASONS[3:], 18, 105, 58),
                    block("reason_detail", "Tell us more", 18, 117, 174, 3, 8.2),
                    section(148, 62, "3", "Where to pay it"),
                    line("account_holder", "Name of the account holder", 18, 162, 120),
                    cells("sort_code", "Sort code", 18, 178, (2, 2, 2), 6.8),
                    cells("account_number", "Account number", 88, 178, (8,), 6.8, comb=True),
                    line("email", "E-mail", 18, 195, 100),
                    line("phone", "Telephone", 124, 195, 68),
                    section(214, 62, "4", "Declaration"),
                    paragraph(
                        18,
                        225,
                        "I have not had this money back before, from you or from anybody else. If I am paid too much",
                    ),
                    paragraph(
                        18,
                        228.6,
                        "I will return it. I understand that asking for money that is not due to me is an offence.",
                    ),
                    line("claimant_name", "Your name in capitals", 18, 237, 104),
                    signature("signature", "Signature", 18, 252, 104, 18),
                    date_cells("signed_on", "Date", 134, 256),
                    imprint("VR 33", "02/24", "Page 1 of 1"),
                ),
            ),
        ),
    )
