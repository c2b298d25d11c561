"""`celery -A scripted_celery worker`: the real app, with a double that reads, and no long waits at its end.

A page of the width GATED waits, in the worker's folder, until somebody makes a file called `open`; `begun` says that it
does.
"""

import time
from collections.abc import Iterable
from pathlib import Path

import scripted_workshop
from scripted_pages import GATED

from extract.page import PageImage
from intake import celery_app
from intake.worker import Stopwatch, Workshop, WorkshopSettings
from schemas.extraction import Document

app = celery_app.app
celery_app.process.workshop = "scripted_celery:open_workshop"
celery_app.main.grace_seconds = 1.0


def open_workshop(settings: WorkshopSettings, watch: Stopwatch) -> Workshop:
    inner = scripted_workshop.open_workshop(settings, watch)

    def read(pages: Iterable[PageImage]) -> list[Document]:
        taken = list(pages)
        if any(page.width == GATED for page in taken):
            Path("begun").touch()
            while not Path("open").exists():
                time.sleep(0.01)
        return inner.read(taken)

    return Workshop(read)
