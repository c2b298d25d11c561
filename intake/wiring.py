"""Builds the tools of the journey: the only place that chooses engines and form types."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial

import cv2

from extract import freed_memory
from extract.calibrate import load_calibration
from extract.classify import load_catalogue
from extract.engines import ANYTHING, Expected, FoundRegion, LayoutFinder, LineRead, LineReader
from extract.engines.barcode import ZxingBarcodes
from extract.engines.cascade import CascadeReader
from extract.engines.models import model_path, model_sha256
from extract.engines.orientation import PaddleOrientation
from extract.engines.ppocr import PaddleLineFinder, PaddleReader
from extract.page import Grey
from extract.pipeline import Tools, read_pages
from extract.stamp import StampReaders
from extract.standards import Standards
from intake.form_choice import chosen_form_types
from intake.notes import open_notes
from intake.policy_choice import chosen_policy
from intake.worker import Stopwatch, Workshop, WorkshopSettings
from schemas.errors import Unavailable

_QUICK_MODEL, _CAREFUL_MODEL = "rec-tiny", "rec-small"


def open_workshop(settings: WorkshopSettings, watch: Stopwatch) -> Workshop:
    """The real journey, engines loaded. Raises Unavailable if a model is missing, NotAForm for a bad form type."""
    use_one_thread()
    freed_memory.give_back_large_pieces()
    readers = wired_readers()
    lines = PaddleLineFinder()
    tools = Tools(
        catalogue=load_catalogue(chosen_form_types(settings.form_folders, settings.form_type), open_notes()),
        standards=Standards(load_calibration(), chosen_policy()),
        reader=readers.cascade,
        lines=lines,
        layout=LayoutWhenNeeded(),
        orientation=PaddleOrientation(),
        barcodes=ZxingBarcodes(),
        quick=readers.quick,
        stamps=StampReaders(lines, readers.quick, readers.careful),
        other=TesseractWhenNeeded(),
        today=lambda: datetime.now().astimezone().date(),
        stage=watch.stage,
    )
    return Workshop(partial(read_pages, tools=tools))


@dataclass(frozen=True, slots=True)
class WiredReaders:
    """The readers of lines, alone and as they work together."""

    quick: PaddleReader
    careful: PaddleReader
    cascade: LineReader


def wired_readers() -> WiredReaders:
    """The readers the journey reads with. Raises Unavailable if a model is missing."""
    quick, careful = PaddleReader(_QUICK_MODEL), PaddleReader(_CAREFUL_MODEL)
    return WiredReaders(quick, careful, CascadeReader(quick, careful))


class LayoutWhenNeeded:
    """The layout finder, loaded when the first page of no known form type asks for it.

    Importing layoutparser takes 2.6 seconds of processor time (it brings pandas), more than all other engines together,
    and most runs never need it. That its model is there is still checked at the start.
    """

    def __init__(self) -> None:
        """Raises Unavailable if the model is not installed."""
        model_path("layout")
        self.name = f"layout/{model_sha256('layout')[:8]}"

    def find(self, pixels: Grey) -> list[FoundRegion]:
        """Regions in no particular order; an empty list means the model recognised nothing."""
        return self._finder.find(pixels)

    @cached_property
    def _finder(self) -> LayoutFinder:
        finder: LayoutFinder = importlib.import_module("extract.engines.layout_parser").PaddleLayout()
        return finder


class TesseractWhenNeeded:
    """The reader of another family, loaded when the others first disagree: pytesseract, too, brings pandas."""

    name = "tesseract"

    def read(self, lines: Sequence[Grey], alphabet: str = "", expected: Expected = ANYTHING) -> list[LineRead]:
        """One answer per line image; see `LineReader`. Raises Unavailable if Tesseract is missing or failed."""
        return self._reader.read(lines, alphabet, expected)

    @cached_property
    def _reader(self) -> LineReader:
        reader: LineReader = importlib.import_module("extract.engines.tesseract").TesseractReader()
        return reader


def use_one_thread() -> None:
    """Keep OpenCV to the calling thread. Raises Unavailable if it does not obey."""
    # OpenCV has a pool of its own that listens to none of the usual settings; 0 means: in the calling thread.
    cv2.setNumThreads(0)
    if cv2.getNumThreads() != 1:
        raise Unavailable("OpenCV does not keep to one thread: run `postroom doctor`")
