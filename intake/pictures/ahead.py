"""Makes the pictures that people will soon look at, before they do: of pages on which they have tasks."""

import threading
import time
from itertools import groupby
from typing import Final

from intake.event_log import tell_error
from intake.pictures import rows
from intake.pictures.errors import PictureMissing
from intake.pictures.gallery import Pictures
from intake.service import Service
from schemas.errors import MailError

_LOOK_EVERY_SECONDS: Final = 2.0
_TASKS_AT_ONCE: Final = 50
# A task may become visible after one with a higher number: now and then all are looked at again.
_AGAIN_SECONDS: Final = 600.0


def keep_making(service: Service, stop: threading.Event) -> None:
    """Make pictures ahead until `stop` is set; whatever goes wrong, whoever looks at a page has it made then."""
    after, began = 0, time.monotonic()
    with Pictures(service) as pictures:
        while not stop.is_set():
            try:
                last = make_some(service, pictures, after, stop)
            except MailError as error:
                tell_error("pictures_wait", error)
                last = after
            if last == after:
                stop.wait(_LOOK_EVERY_SECONDS)
            after = last
            if time.monotonic() - began > _AGAIN_SECONDS:
                after, began = 0, time.monotonic()


def make_some(service: Service, pictures: Pictures, after_task: int, stop: threading.Event) -> int:
    """Make the pictures for the next tasks behind `after_task`; the task to go on behind, the same if there is none."""
    with service.database.read() as session:
        wanted, last = rows.wanted(session, after_task, _TASKS_AT_ONCE)
    for _, pages in groupby(wanted, lambda page: page.file_id):
        if stop.is_set():
            return after_task
        try:
            pictures.make(list(pages))
        except PictureMissing as error:
            tell_error("picture_missing", error)
    return last
