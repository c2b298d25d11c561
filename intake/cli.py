"""The command line: puts together what the modules of `intake.commands` (one per command) have to offer."""

import typer

from intake.commands import (
    derive_form,
    doctor,
    fit,
    forms,
    import_quexf,
    ingest,
    measure,
    measure_handwriting,
    quarantine,
    read,
    reconcile,
    serve,
    synthesise,
    top,
    worker,
)
from intake.default_command import WithDefault

app = typer.Typer(
    name="postroom",
    help="Turns scanned post into checked records.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they could hold what people wrote
)
form_commands = typer.Typer(help="Form types: the kinds of document that can be read.", no_args_is_help=True)
app.add_typer(form_commands, name="forms")
measure_commands = typer.Typer(help="Accuracy, calibration and speed against truth.", cls=WithDefault)
app.add_typer(measure_commands, name="measure")
quarantine_commands = typer.Typer(help="What the machine gave up on, and why.", no_args_is_help=True)
app.add_typer(quarantine_commands, name="quarantine")

app.command("read")(read.read)
app.command("fit")(fit.fit)
app.command("synthesise")(synthesise.synthesise)
app.command("doctor")(doctor.doctor)
app.command("ingest")(ingest.ingest)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("reconcile")(reconcile.reconcile)
app.command("top")(top.top)
measure_commands.command("post")(measure.measure)
measure_commands.command("handwriting")(measure_handwriting.measure_handwriting)
quarantine_commands.command("list")(quarantine.list_quarantine)
quarantine_commands.command("retry")(quarantine.retry)
quarantine_commands.command("reject")(quarantine.reject)
form_commands.command("list")(forms.list_forms)
form_commands.command("check")(forms.check_forms)
form_commands.command("import-quexf")(import_quexf.import_quexf)
form_commands.command("derive")(derive_form.derive_form)


def main() -> None:
    """The command `postroom`."""
    app()


if __name__ == "__main__":
    main()
