"""`postroom demo`: makes a miniature day's post, reads it as `postroom read` does, and says how right it was.

The command itself is in `review_ui.commands`, which adds the page that shows the result.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from intake.commands.read import ExitCode, run_and_report
from intake.gather import gather
from intake.measure.match import load_records, match
from intake.measure.measures import Measures, measure
from intake.measure.truth import load
from intake.run import Order
from intake.synthetic.wear import Ageing
from intake.synthetic.write import Post, write_post
from schemas.errors import MailError, Unavailable
from schemas.form_type import load_form_types

DOCUMENTS = 28  # about 50 pages: every form type, letters, blank backs, separators; all of it in under a minute
_SEED = 7
_MARK = ".postroom-demo"  # its presence says that the folder is ours to replace
_POST, _RECORDS, _RESULT = "post", "records.jsonl", "result"


class PageWriter(Protocol):
    """Shows records on a page; `review_ui` has one."""

    def __call__(self, records_path: Path, sources: Sequence[Path], folder: Path, *, remark: str) -> Path:
        """Write the page into `folder`; returns where it is."""
        ...


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """Where the demo goes, how many documents it has, and how many processes work on it."""

    folder: Path
    documents: int
    workers: int

    @property
    def post(self) -> Path:
        """Where the scans lie, with the truth about them."""
        return self.folder / _POST


def run_demo(plan: DemoPlan, console: Console, write_page: PageWriter) -> ExitCode:
    """Make post, read it, compare it with its truth, write the page; every step is told on `console`."""
    try:
        clear(plan.folder)
        post = make_post(plan, console)
    except NotOurs as error:
        return _give_up(console, str(error), ExitCode.WRONG_USE)
    except Unavailable as error:
        return _give_up(console, str(error), ExitCode.NOT_READY)
    except OSError as error:
        problem = f"{plan.folder}: cannot be written to: {error.strerror or error}"
        return _give_up(console, f"{problem}. Name another data folder in POSTROOM_HOME.", ExitCode.CANNOT_WRITE)

    form_types = load_form_types()
    truths = load(post.truth, form_types)
    sources = [plan.folder / _POST / name for name in sorted({truth.file for truth in truths})]
    records_path = plan.folder / _RECORDS
    code = run_and_report(Order(gather(sources), plan.workers), records_path, console)
    if code not in (ExitCode.ALL_READ, ExitCode.SOME_FAILED):
        return code

    remark = in_words(measure(match(truths, load_records(records_path)), form_types))
    page = write_page(records_path, sources, plan.folder / _RESULT, remark=f"This post is synthetic. {remark}")
    _say(console, remark)
    _say(console, f"Scans:   {plan.folder / _POST}")
    _say(console, f"Records: {records_path}")
    _say(console, f"Page:    {page.resolve().as_uri()}")
    return code


class NotOurs(MailError):
    """The folder holds something that no demo has made; it is left as it is."""


def clear(folder: Path) -> None:
    """Make the folder ready for a demo: what an earlier one wrote goes, anything else stays.

    Raises NotOurs if the folder holds something and no demo has marked it as its own.
    """
    mark = folder / _MARK
    if folder.exists() and any(folder.iterdir()) and not mark.is_file():
        raise NotOurs(f"{folder}: holds something else than a demo; name another data folder in POSTROOM_HOME")
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
    for name in (_POST, _RESULT):
        if (folder / name).exists():
            shutil.rmtree(folder / name)
    (folder / _RECORDS).unlink(missing_ok=True)


def make_post(plan: DemoPlan, console: Console) -> Post:
    """Draw the post into the demo's folder. Raises Unavailable if fonts are missing, OSError."""
    with console.status(f"Making {plan.documents} documents of synthetic post"):
        post = write_post(plan.folder / _POST, plan.documents, _SEED, Ageing.MEDIUM, workers=plan.workers)
    _say(
        console, f"Synthetic post: {post.documents} documents on {post.pages} pages in {post.files} files. Reading it."
    )
    return post


def in_words(found: Measures) -> str:
    """How right it was, in two sentences for people."""
    every = found.all
    taken_right = every.taken - every.wrong_taken
    share_right = _share(every.right, every.fields)
    return (
        f"{found.typed} of {found.documents} forms were recognised."
        f" {every.right} of {every.fields} fields agree with what was really written ({share_right});"
        f" of the {every.taken} that nobody would look at, {taken_right} do ({_share(taken_right, every.taken)})."
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}".replace("%", " %") if whole else "none"


def _give_up(console: Console, problem: str, code: ExitCode) -> ExitCode:
    console.print(f"postroom: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
    return code


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
