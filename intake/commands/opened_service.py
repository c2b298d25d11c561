"""The service opened for one command; what cannot be done ends the command with words and its exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer
from rich.console import Console

from intake.service import Service, open_service
from intake.settings import load_settings
from schemas.errors import MailError


class ExitCode(IntEnum):
    """How such a command ends, if not well."""

    NOT_DONE = 1
    NOT_READY = 5


@contextmanager
def opened_service(*not_done: type[Exception]) -> Iterator[Service]:
    """The service. not_done: what may be raised with it that means: this cannot be done (exit code 1).

    Any other MailError means that the service is not ready for it (exit code 5).
    """
    try:
        service = open_service(load_settings())
    except MailError as error:
        raise _ended(error, ExitCode.NOT_READY) from error
    try:
        yield service
    except not_done as error:
        raise _ended(error, ExitCode.NOT_DONE) from error
    except MailError as error:
        raise _ended(error, ExitCode.NOT_READY) from error
    finally:
        service.close()


def _ended(error: Exception, code: ExitCode) -> typer.Exit:
    Console(stderr=True).print(f"postroom: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(code)
