"""The command line: puts together what the modules of `intake.commands` (one per command) have to offer."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import typer

from intake.default_command import WithDefault
from intake.later_commands import later

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_COMMANDS: Final = {
    "read": "intake.commands.read:read",
    "fit": "intake.commands.fit:fit",
    "synthesise": "intake.commands.synthesise:synthesise",
    "doctor": "intake.commands.doctor:doctor",
    "ingest": "intake.commands.ingest:ingest",
    "serve": "intake.commands.serve:serve",
    "dispatch": "intake.commands.dispatch:dispatch",
    "worker": "intake.commands.worker:worker",
    "export": "intake.commands.export:export",
    "reconcile": "intake.commands.reconcile:reconcile",
    "top": "intake.commands.top:top",
}
_FORM_COMMANDS: Final = {
    "list": "intake.commands.forms:list_forms",
    "check": "intake.commands.forms:check_forms",
    "import-quexf": "intake.commands.import_quexf:import_quexf",
    "derive": "intake.commands.derive_form:derive_form",
    "schemas": "intake.commands.schemas:write_schemas",
}
_QUARANTINE_COMMANDS: Final = {
    "list": "intake.commands.quarantine:list_quarantine",
    "retry": "intake.commands.quarantine:retry",
    "reject": "intake.commands.quarantine:reject",
}
_AUDIT_COMMANDS: Final = {
    "verify": "intake.commands.audit:verify",
    "head": "intake.commands.audit:head",
}
_PEOPLE_COMMANDS: Final = {
    "list": "intake.commands.people:list_people",
    "invite": "intake.commands.people:invite",
    "link": "intake.commands.people:new_link",
    "disable": "intake.commands.people:disable",
    "enable": "intake.commands.people:enable",
}
_STORE_COMMANDS: Final = {
    "orphans": "intake.commands.store:list_orphans",
    "rewrap": "intake.commands.store:rewrap",
}
_KEY_COMMANDS: Final = {
    "list": "intake.commands.keys:list_keys",
    "add": "intake.commands.keys:add",
    "revoke": "intake.commands.keys:revoke",
}
_WEBHOOK_COMMANDS: Final = {
    "list": "intake.commands.webhooks:list_webhooks",
    "add": "intake.commands.webhooks:add",
    "remove": "intake.commands.webhooks:remove",
    "rotate": "intake.commands.webhooks:rotate",
    "on": "intake.commands.webhooks:turn_on",
    "off": "intake.commands.webhooks:turn_off",
    "dead": "intake.commands.webhooks:dead",
    "replay": "intake.commands.webhooks:replay",
    "test": "intake.commands.webhooks:test",
}
_MEASURE_COMMANDS: Final = {
    "post": "intake.commands.measure:measure",
    "handwriting": "intake.commands.measure_handwriting:measure_handwriting",
}


def command_line(more: Mapping[str, str] = _NONE) -> typer.Typer:
    """The command line, with further commands by their places; see `LaterCommands`."""
    app = typer.Typer(
        name="postroom",
        help="Turns scanned post into checked records.",
        cls=later({**_COMMANDS, **more}),
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,  # they could hold what people wrote
    )
    forms, measure = later(_FORM_COMMANDS), later(_MEASURE_COMMANDS, WithDefault)
    app.add_typer(
        typer.Typer(help="Form types: the kinds of document that can be read.", cls=forms, no_args_is_help=True),
        name="forms",
    )
    app.add_typer(
        typer.Typer(
            help="What the machine gave up on, and why.", cls=later(_QUARANTINE_COMMANDS), no_args_is_help=True
        ),
        name="quarantine",
    )
    app.add_typer(
        typer.Typer(help="Who may sign in to the site.", cls=later(_PEOPLE_COMMANDS), no_args_is_help=True),
        name="people",
    )
    app.add_typer(
        typer.Typer(help="The log of who did what.", cls=later(_AUDIT_COMMANDS), no_args_is_help=True), name="audit"
    )
    app.add_typer(
        typer.Typer(help="Which programs may call, and for what.", cls=later(_KEY_COMMANDS), no_args_is_help=True),
        name="keys",
    )
    app.add_typer(
        typer.Typer(help="The files that were received.", cls=later(_STORE_COMMANDS), no_args_is_help=True),
        name="store",
    )
    app.add_typer(
        typer.Typer(help="Where events are sent to.", cls=later(_WEBHOOK_COMMANDS), no_args_is_help=True),
        name="webhooks",
    )
    app.add_typer(typer.Typer(help="Accuracy, calibration and speed against truth.", cls=measure), name="measure")
    return app


app = command_line()


def main() -> None:
    """The command `postroom`."""
    app()


if __name__ == "__main__":
    main()
