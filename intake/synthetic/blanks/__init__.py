"""The blank forms of our own drawing, one module per form type."""

from intake.synthetic.blanks import change_of_keeper, fee_refund, licence_renewal
from intake.synthetic.layout import BlankForm


def every_blank() -> tuple[BlankForm, ...]:
    """Every edition of every form type of our own drawing, in the order of their folders."""
    return (*change_of_keeper.editions(), *fee_refund.editions(), *licence_renewal.editions())
