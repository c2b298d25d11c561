"""Fills the templates of the site. Everything that comes from outside is escaped; what is misspelt fails loudly."""

from pathlib import Path
from typing import Any, Final

from jinja2 import ChainableUndefined, Environment, FileSystemLoader, PackageLoader, PrefixLoader, StrictUndefined
from jinja2 import Undefined as JinjaUndefined
from jinja2.exceptions import UndefinedError
from jinja2.utils import missing

from review_ui.site import words

_TEMPLATES: Final = Path(__file__).parent.parent / "templates" / "site"
# What the macros of the components look at without asking whether it is there.
_OF_MACROS: Final = frozenset({"caller", "null", "undefined"})


class _Undefined(JinjaUndefined):
    """Fails when it is used, like a misspelt name; except for parameters of components, which may be left out."""

    def __new__(
        cls,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[Exception] = UndefinedError,
    ) -> Any:
        is_parameter = isinstance(obj, dict | JinjaUndefined) or name in _OF_MACROS
        return (ChainableUndefined if is_parameter else StrictUndefined)(hint, obj, name, exc)  # type: ignore[arg-type]


class Pages:
    """The templates of the site, below the name "site/"."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PrefixLoader(
                {
                    "site": FileSystemLoader(_TEMPLATES),
                    "govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja"),
                }
            ),
            autoescape=True,
            undefined=_Undefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= words.FILTERS

    def fill(self, template: str, values: dict[str, Any]) -> str:
        """The HTML of the page."""
        return self._environment.get_template(template).render(values)
