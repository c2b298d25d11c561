"""`postroom quarantine`: what the machine gave up on, and what a person decides about it."""

import getpass
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from intake import quarantine
from intake.quarantine import SetAside
from intake.service import Service, open_service
from intake.settings import load_settings
from intake.steps import NotInQuarantine
from schemas.errors import Cause, MailError

_WHICH = "Numbers of steps, or ids of files or pieces, as `list` shows them."
OfCause = Annotated[Cause | None, typer.Option("--cause", help="Only what was set aside for this cause.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON on standard output.")]
Which = Annotated[list[str] | None, typer.Argument(metavar="STEP_OR_ID...", help=_WHICH)]
Everything = Annotated[bool, typer.Option("--all", help="Everything in quarantine, or all of one --cause.")]

Act = Callable[[Session, int | UUID, str, datetime], Sequence[SetAside]]


class ExitCode(IntEnum):
    """How the commands of `postroom quarantine` end."""

    DONE = 0
    SOME_NOT_THERE = 1
    WRONG_USE = 2
    NOT_READY = 5


def list_quarantine(cause: OfCause = None, as_json: AsJson = False) -> None:
    """Show what is in quarantine, with the reason and what to do.

    Exit codes: 0 shown; 5 the database does not answer.
    """
    with _Opened() as service, service.database.read() as session:
        found = quarantine.listed(session, cause)
        now = service.database.now()
    if as_json:
        typer.echo(json.dumps([_as_json(each) for each in found], indent=2))
        return
    console = Console()
    if found:
        console.print(_table(found, now))
    console.print(f"In quarantine: {len(found)}", highlight=False)


def retry(which: Which = None, everything: Everything = False, cause: OfCause = None) -> None:
    """Try again what is in quarantine, with all attempts.

    Exit codes: 0 all of it will be tried again; 1 some of it is not in quarantine; 2 wrong use; 5 the database does not
    answer.
    """
    with _Opened() as service:
        _each(service, _chosen(service, which, cause, everything=everything), quarantine.retry, "Will be tried again")


def reject(
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")],
    which: Which = None,
    everything: Everything = False,
    cause: OfCause = None,
) -> None:
    """Refuse for good what is in quarantine: it is no mail of ours, or cannot be used. The files are kept.

    Exit codes: 0 all of it is rejected; 1 some of it is not in quarantine; 2 wrong use; 5 the database does not answer.
    """

    def refuse(session: Session, each: int | UUID, operator: str, now: datetime) -> Sequence[SetAside]:
        return quarantine.reject(session, each, operator, reason, now)

    with _Opened() as service:
        _each(service, _chosen(service, which, cause, everything=everything), refuse, "Rejected")


class _Opened:
    """The service; what is missing ends the command with its exit code."""

    def __enter__(self) -> Service:
        try:
            self._service = open_service(load_settings())
        except MailError as error:
            _complain(str(error))
            raise typer.Exit(ExitCode.NOT_READY) from error
        return self._service

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._service.close()
        if isinstance(error, MailError):
            _complain(str(error))
            raise typer.Exit(ExitCode.NOT_READY) from error


def _chosen(
    service: Service, which: Sequence[str] | None, cause: Cause | None, *, everything: bool
) -> list[int | UUID]:
    """What was asked for. Ends the command if that is not clear."""
    if everything == bool(which) or (cause is not None and not everything):
        _complain("give numbers or ids, or --all, which --cause narrows")
        raise typer.Exit(ExitCode.WRONG_USE)
    if not everything:
        return list(_parsed(which or ()))
    with service.database.read() as session:
        return [each.step_id for each in quarantine.listed(session, cause)]


def _parsed(which: Sequence[str]) -> Iterator[int | UUID]:
    for word in which:
        try:
            yield int(word) if word.isascii() and word.isdigit() else UUID(word)
        except ValueError as error:
            _complain(f"{word}: neither the number of a step nor the id of a file or piece")
            raise typer.Exit(ExitCode.WRONG_USE) from error


def _each(service: Service, which: Sequence[int | UUID], act: Act, what: str) -> None:
    """Do it to one after the other, each in a transaction of its own, and say what was done."""
    done, operator, is_complete = 0, getpass.getuser(), True
    for each in which:
        try:
            with service.database.write() as session:
                done += len(act(session, each, operator, service.database.now()))
        except NotInQuarantine as error:
            _complain(str(error))
            is_complete = False
        except ValueError as error:
            _complain(str(error))
            raise typer.Exit(ExitCode.WRONG_USE) from error
    Console(stderr=True).print(f"{what}: {done}", highlight=False)
    raise typer.Exit(ExitCode.DONE if is_complete else ExitCode.SOME_NOT_THERE)


def _complain(problem: str) -> None:
    Console(stderr=True).print(f"postroom: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)


def _as_json(each: SetAside) -> dict[str, object]:
    return {
        "id": str(each.id),
        "file_id": str(each.file_id),
        "batch_id": str(each.batch_id),
        "step_id": each.step_id,
        "step": each.step.value,
        "name": each.name,
        "piece": each.piece,
        "cause": each.cause.value,
        "problem": each.problem,
        "remedy": each.remedy,
        "page": each.page,
        "attempts": each.attempts,
        "since": each.since.isoformat(),
    }


def _table(found: Sequence[SetAside], now: datetime) -> Table:
    table = Table("Step", "File", "Cause", "Problem, and what to do", "For")
    for each in found:
        name = each.name if each.piece is None else f"{each.name}, piece {each.piece}"
        table.add_row(
            f"{each.step_id} {each.step.value}",
            _plain(name),
            each.cause.value.replace("_", " "),
            _plain(f"{each.problem} {each.remedy}"),
            str(now - each.since).partition(".")[0],
        )
    return table


def _plain(text: str) -> str:
    """Brackets in names and sentences are no mark-up."""
    return text.replace("[", r"\[")
