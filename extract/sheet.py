"""Sheet: a page on its way through the journey, with what is known of it so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from extract.answers import Print
from extract.fit import Fit
from extract.page import Grey, PageImage
from extract.references import Reference
from schemas.form_type import Edition, FormType
from schemas.page import PageLabel


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A page recognised: the form type, its edition, which page of it, the turn, and how it lies.

    turned: degrees clockwise the scan must be turned to stand upright; `fit` holds for the turned page.
    drawing: the blank form, (height, width) uint8, in the frame of `reference`.
    blank:  the print of the blank form, prepared for taking it off the page.
    """

    form_type: FormType
    edition: Edition
    page: int
    turned: int
    reference: Reference
    drawing: Grey
    blank: Print
    fit: Fit


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A page cleaned and labelled, and recognised or not (`match` None). `quality`: by `extract.quality.Quality`."""

    page: PageImage
    label: PageLabel
    match: Match | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
