"""Commands that are loaded when they are asked for: the tools of one must not hold up the start of another."""

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import typer.core
import typer.main


class LaterCommands(typer.core.TyperGroup):
    """A group of commands that are known by where they are.

    places: "module:function" by the name of the command, in the order they are listed in.
    """

    places: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.commands = _Commands({**self.places, **self.commands})


def later(places: Mapping[str, str], kind: type[LaterCommands] = LaterCommands) -> type[LaterCommands]:
    """A group of that kind with the commands of these places."""
    return type(kind.__name__, (kind,), {"places": places})


class _Commands(dict[str, Any]):
    """Commands by name; one that is a place still is loaded when it is looked at."""

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, str):
            found = self[name] = _loaded(name, found)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def items(self) -> Any:
        return {name: self[name] for name in self}.items()

    def values(self) -> Any:
        return dict(self.items()).values()


def _loaded(name: str, place: str) -> Any:
    module, function = place.split(":")
    alone = typer.Typer()
    alone.command(name)(getattr(importlib.import_module(module), function))
    return typer.main.get_command(alone)
