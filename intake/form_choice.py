"""Which form types a run knows: those that come with the program, and those of further folders."""

from collections.abc import Sequence
from pathlib import Path

from extract.validate import check_names
from schemas.errors import NotAForm
from schemas.form_type import SHIPPED_FORMS, FormType, load_form_types


def chosen_form_types(folders: Sequence[Path], only: str | None) -> tuple[FormType, ...]:
    """Every form type of the program and of `folders`, or the one named `only`.

    Raises NotAForm if one is not valid or if there is none of that name.
    """
    known = load_form_types([SHIPPED_FORMS, *folders])
    for form in known:
        check_names(form)
    if only is None:
        return known
    found = tuple(form for form in known if form.id == only)
    if not found:
        names = ", ".join(form.id for form in known) or "none"
        raise NotAForm(f"no form type is named {only!r}; known are: {names}")
    return found
