"""Doubles for the journey: they label pages by their size, or misbehave on pages of a certain width."""

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator

from extract.page import PageImage
from intake.worker import Stopwatch, Workshop, WorkshopSettings
from schemas.errors import Unavailable
from schemas.extraction import Document
from schemas.page import PageFact, PageLabel

KILLS_ITS_WORKER = 661  # pixels of width of a page on which the worker process is killed, as if memory had run out
RAISES = 662  # ... on which a stage raises
IS_FORGOTTEN = 663  # ... which the journey forgets to report
IS_BLANK = 664
NEVER_ENDS = 665  # ... on which a stage gets stuck
IS_SLOW = 667  # ... that is blank, and takes a second
WRITTEN = "what somebody wrote"
ASLEEP = "asleep in the middle of a page"


def open_workshop(settings: WorkshopSettings, watch: Stopwatch) -> Workshop:
    def read(pages: Iterable[PageImage]) -> list[Document]:
        documents = []
        for page in pages:
            with watch.stage("read"):
                documents += _documents(page)
        return documents

    return Workshop(read)


def _documents(page: PageImage) -> list[Document]:
    if page.width == KILLS_ITS_WORKER:
        os.kill(os.getpid(), signal.SIGKILL)
    if page.width == NEVER_ENDS:
        time.sleep(60)
    if page.width == IS_SLOW:
        time.sleep(1)
    if page.width == RAISES:
        raise ValueError(WRITTEN)
    if page.width == IS_FORGOTTEN:
        return []
    label = PageLabel.BLANK if page.width in (IS_BLANK, IS_SLOW) else PageLabel.CONTENT
    return [Document(None, None, (PageFact(page.number, label, width=page.width, height=page.height),))]


def reads_anything(settings: WorkshopSettings, watch: Stopwatch) -> Workshop:
    """Every page is content nobody knows, whatever its size."""

    def read(pages: Iterable[PageImage]) -> list[Document]:
        facts = tuple(PageFact(page.number, PageLabel.CONTENT, width=page.width, height=page.height) for page in pages)
        return [Document(None, None, (fact,)) for fact in facts]

    return Workshop(read)


def takes_its_time(settings: WorkshopSettings, watch: Stopwatch) -> Workshop:
    """The same, as slow as reading is: so many seconds a page as the environment says."""
    inner, seconds = open_workshop(settings, watch), float(os.environ["SCRIPTED_SECONDS_A_PAGE"])

    def read(pages: Iterable[PageImage]) -> list[Document]:
        return inner.read(_one_by_one(pages, seconds))

    return Workshop(read)


def _one_by_one(pages: Iterable[PageImage], seconds: float) -> Iterator[PageImage]:
    for page in pages:
        time.sleep(seconds)
        yield page


def lacks_a_model(settings: WorkshopSettings, watch: Stopwatch) -> Workshop:
    raise Unavailable("no models are installed: run `make setup`")


def dies(settings: WorkshopSettings, watch: Stopwatch) -> Workshop:
    os._exit(3)


def sleeps(settings: WorkshopSettings, watch: Stopwatch) -> Workshop:
    def read(pages: Iterable[PageImage]) -> list[Document]:
        print(ASLEEP, file=sys.stderr, flush=True)
        time.sleep(60)
        return []

    return Workshop(read)
