"""The real engines on lines and pages drawn here with common fonts."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFont

from extract.engines import ppocr
from extract.engines.barcode import ZxingBarcodes
from extract.engines.inference import (
    CHOICE_VARIABLE,
    Backend,
    Pictures,
    Processor,
    load_network,
    preferred_backend,
    this_processor,
)
from extract.engines.layout_parser import PaddleLayout
from extract.engines.models import model_path
from extract.engines.orientation import PaddleOrientation
from extract.engines.ppocr import BLANK, PaddleLineFinder, PaddleReader
from extract.engines.tesseract import TesseractReader
from extract.layout import find_regions
from extract.page import Grey, PageImage
from schemas.errors import Unavailable
from schemas.reading import RegionKind

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
SENTENCE = "The registered keeper is Jane Doe"
LEFT_COLUMN = [
    "First the keeper writes",
    "to the agency about the",
    "car that was sold last",
    "week to another person.",
    "The letter names the",
]
RIGHT_COLUMN = [
    "new keeper and gives an",
    "address in Swansea with",
    "a postcode. The agency",
    "then sends a certificate",
    "to that address by post.",
]


def drawn(text: str, size: int = 34) -> Grey:
    """One line of print with little margin."""
    font = ImageFont.truetype(FONT, size)
    image = Image.new("L", (round(font.getlength(text)) + 12, round(size * 1.4)), 255)
    ImageDraw.Draw(image).text((6, size // 10), text, font=font, fill=0)
    return np.asarray(image)


def drawn_page(*columns: tuple[int, Sequence[str]], heading: str = "") -> Grey:
    """An A4 page at 100 dpi, each column given by its left edge and its lines."""
    image = Image.new("L", (827, 1169), 255)
    pen = ImageDraw.Draw(image)
    pen.text((100, 60), heading, font=ImageFont.truetype(FONT, 34), fill=0)
    for left, lines in columns:
        for number, line in enumerate(lines):
            pen.text((left, 160 + 32 * number), line, font=ImageFont.truetype(FONT, 19), fill=0)
    return np.asarray(image)


@pytest.fixture(scope="module", params=["rec-tiny", "rec-small"])
def reader(request: pytest.FixtureRequest) -> PaddleReader:
    return PaddleReader(request.param)


@pytest.fixture(scope="module")
def tesseract() -> TesseractReader:
    return TesseractReader("cym+eng")


def test_a_printed_line_is_read_with_a_score_for_each_character(reader: PaddleReader) -> None:
    (read,) = reader.read([drawn(SENTENCE)])
    assert read.text == SENTENCE
    assert len(read.characters) == len(SENTENCE)
    assert all(0.5 < score <= 1.0 for score in read.characters)


def test_no_lines_have_no_answers(reader: PaddleReader, tesseract: TesseractReader) -> None:
    assert reader.read([]) == tesseract.read([]) == []
    assert reader.probabilities([]) == []


def test_blank_paper_of_any_size_reads_as_nothing(reader: PaddleReader, tesseract: TesseractReader) -> None:
    blanks = [np.full(shape, 255, np.uint8) for shape in ((48, 300), (1, 1), (1, 400), (300, 1), (60, 4000))]
    assert [read.text for read in reader.read(blanks)] == [""] * 5
    assert [read.text for read in tesseract.read(blanks)] == [""] * 5


def test_an_image_without_pixels_is_refused(reader: PaddleReader, tesseract: TesseractReader) -> None:
    for engine in (reader, tesseract):
        with pytest.raises(ValueError, match="at least one pixel"):
            engine.read([np.empty((0, 20), np.uint8)])


def test_a_line_reads_the_same_alone_and_among_others(reader: PaddleReader) -> None:
    lines = [drawn(text) for text in ("SA6 7JL", SENTENCE, "12/04/2018", SENTENCE * 2)]
    together = reader.read(lines)
    assert together == [reader.read([line])[0] for line in lines]
    assert together[::-1] == reader.read(lines[::-1])


def test_a_line_too_wide_for_one_go_is_read_whole(reader: PaddleReader) -> None:
    text = " ".join([SENTENCE] * 4)
    line = drawn(text, size=36)
    assert line.shape[1] * 48 / line.shape[0] > 1920
    assert reader.read([line])[0].text == text


def test_an_alphabet_of_digits_answers_digits_only(reader: PaddleReader) -> None:
    (read,) = reader.read([drawn("O1B 2345")], alphabet="0123456789")
    assert set(read.text) <= set("0123456789")
    assert read.text.endswith("2345")
    assert " " not in read.text


def test_letters_the_alphabet_does_not_hold_count_for_their_twins(reader: PaddleReader) -> None:
    accented, small = reader.read([drawn("Café Éric")], "abcdefrCE ")[0], reader.read([drawn("doe")], "DOE")[0]
    assert accented.text == "Cafe Erc"
    assert small.text == "DOE"


def test_a_character_forced_against_what_was_seen_keeps_a_low_score(reader: PaddleReader) -> None:
    free, forced = reader.read([drawn("7")])[0], reader.read([drawn("7")], alphabet="1")[0]
    assert (free.text, forced.text in ("", "1")) == ("7", True)
    assert all(score < 0.5 for score in forced.characters)


def test_probabilities_give_each_class_at_each_step(reader: PaddleReader) -> None:
    (steps,) = reader.probabilities([drawn("AB")])
    assert steps.shape[1] == len(reader.classes)
    assert reader.classes[0] == BLANK
    assert reader.classes[-1] == " "
    assert np.allclose(steps.sum(axis=1), 1.0, atol=1e-3)
    assert {reader.classes[place] for place in steps.argmax(axis=1)} == {BLANK, "A", "B"}


def test_a_reader_names_its_model_and_library(reader: PaddleReader) -> None:
    family, digest, library = reader.name.split("/")
    assert family in ("pp-ocrv6-tiny-latin", "pp-ocrv6-small-latin")
    assert len(digest) == 8
    assert library.startswith(f"{preferred_backend()}-")


def test_both_libraries_read_the_same() -> None:
    lines = [drawn(text) for text in (SENTENCE, "AB12 CDE", "Heol y Frenhines")]
    first, second = (PaddleReader("rec-tiny", backend).read(lines) for backend in Backend)
    assert [read.text for read in first] == [read.text for read in second]


def test_welsh_letters_are_read_by_tesseract(tesseract: TesseractReader) -> None:
    (read,) = tesseract.read([drawn("Mae'r tŷ ger y môr")])
    assert read.text.replace("’", "'") == "Mae'r tŷ ger y môr"


def test_circumflexes_are_among_the_letters_of_the_small_reader() -> None:
    (read,) = PaddleReader("rec-small").read([drawn("Llanfair môr pêl")])
    assert read.text == "Llanfair môr pêl"


def test_tesseract_keeps_to_the_order_and_the_alphabet(tesseract: TesseractReader) -> None:
    lines = [drawn(SENTENCE), np.full((48, 200), 255, np.uint8), drawn("24680")]
    assert [read.text for read in tesseract.read(lines)] == [SENTENCE, "", "24680"]
    assert set(tesseract.read([drawn("O1B 2345")], "0123456789")[0].text) <= set("0123456789")
    assert set(tesseract.read([drawn(SENTENCE)], "TRKJDthe '\"\\$")[0].text) <= set("TRKJDthe '\"\\$")


def test_a_missing_language_is_told_at_start() -> None:
    with pytest.raises(Unavailable, match="no data for xyz"):
        TesseractReader("eng+xyz")


def test_a_missing_or_damaged_model_is_told_at_start(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(model_path("rec-tiny").read_bytes()[:5000])
    for backend in Backend:
        with pytest.raises(Unavailable, match=r"missing\.onnx is missing"):
            load_network(tmp_path / "missing.onnx", Pictures.LINES, backend)
        with pytest.raises(Unavailable, match=r"damaged\.onnx cannot be loaded"):
            load_network(damaged, Pictures.LINES, backend)


def test_a_batch_of_the_wrong_shape_is_the_engine_failing() -> None:
    for backend in Backend:
        with pytest.raises(Unavailable, match="failed on a batch"):
            load_network(model_path("rec-tiny"), Pictures.LINES, backend).run(np.zeros((1, 5, 48, 64), np.float32))


def test_the_environment_may_choose_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "openvino")
    assert preferred_backend() is Backend.OPENVINO
    assert preferred_backend(Pictures.ANY_SIZE) is Backend.ONNXRUNTIME
    monkeypatch.setenv(CHOICE_VARIABLE, "abacus")
    with pytest.raises(Unavailable, match="openvino, onnxruntime"):
        preferred_backend()


# A process of its own: what this one has freed before would hide what is kept. The backend "" is the preferred one.
HELD = """
import sys
from pathlib import Path
import numpy as np
from extract import freed_memory
from extract.engines.inference import Backend, Pictures, Processor, load_network
from extract.engines import inference

def held():
    freed_memory.give_back()
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) // 1024

inference.this_processor = lambda: Processor("GenuineIntel", frozenset({"amx_bf16"}))
freed_memory.give_back_large_pieces()
backend = Backend(sys.argv[2]) if sys.argv[2] else None
network = load_network(Path(sys.argv[1]), Pictures(sys.argv[3]), backend)
sizes = [tuple(map(int, size.split("x"))) for size in sys.argv[4:]]
network.run(np.zeros((1, 3, *sizes[0]), np.float32))
before = held()
for size in sizes[1:]:
    network.run(np.zeros((1, 3, *size), np.float32))
print(held() - before)
"""


def megabytes_kept(pictures: Pictures, backend: str, sizes: Sequence[str]) -> int:
    """What the finder of lines holds on to of all these sizes but the first."""
    command = [sys.executable, "-c", HELD, str(model_path("det-tiny")), backend, pictures, *sizes]
    environment = {name: value for name, value in os.environ.items() if name != CHOICE_VARIABLE}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return int(done.stdout)


@pytest.mark.parametrize(("backend", "most"), [(Backend.OPENVINO, 25), (Backend.ONNXRUNTIME, 45)])
@pytest.mark.parametrize("pictures", [Pictures.ONE_SIZE, Pictures.ANY_SIZE])
def test_what_a_page_takes_is_handed_back_after_it(pictures: Pictures, backend: Backend, most: int) -> None:
    assert megabytes_kept(pictures, backend, ["64x64", "1216x960"]) < most


def test_a_worker_does_not_grow_by_every_size_of_page_it_meets() -> None:
    sizes = [f"{32 * number}x{32 * (25 - number)}" for number in range(2, 22)]
    assert megabytes_kept(Pictures.ANY_SIZE, "", sizes) < 25


@pytest.mark.parametrize(
    ("vendor", "flags", "backend"),
    [
        ("GenuineIntel", {"avx512_bf16", "amx_bf16"}, Backend.OPENVINO),
        ("GenuineIntel", {"avx512_bf16"}, Backend.ONNXRUNTIME),
        ("AuthenticAMD", {"avx512_bf16"}, Backend.OPENVINO),
        ("AuthenticAMD", {"avx2"}, Backend.ONNXRUNTIME),
        ("", set(), Backend.ONNXRUNTIME),
    ],
)
def test_openvino_computes_where_bfloat16_is_quick(
    vendor: str, flags: set[str], backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CHOICE_VARIABLE, raising=False)
    monkeypatch.setattr("extract.engines.inference.this_processor", lambda: Processor(vendor, frozenset(flags)))
    assert preferred_backend() is backend
    assert PaddleReader("rec-tiny").name.rpartition("/")[2].startswith(f"{backend}-")
    assert PaddleLayout().name.rpartition("/")[2].startswith(f"{backend}-")
    assert PaddleLineFinder().name.rpartition("/")[2].startswith("onnxruntime-")  # its pictures are of any size


@pytest.mark.parametrize("backend", Backend)
def test_a_network_may_compute_on_any_core_so_that_workers_side_by_side_do_not_share_one(backend: Backend) -> None:
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        pytest.skip("this process may use one core only")
    network = load_network(model_path("rec-small"), Pictures.LINES, backend)
    line = np.zeros((1, 3, 48, 512), np.float32)
    over = threading.Event()

    def compute() -> None:
        while not over.is_set():
            network.run(line)

    computing = threading.Thread(target=compute)
    computing.start()
    try:
        seen = [_cores_of(computing, pause=0.005) for _ in range(100)]
    finally:
        over.set()
        computing.join()
    assert all(cores == allowed for cores in seen)


def _cores_of(thread: threading.Thread, *, pause: float) -> set[int]:
    time.sleep(pause)
    assert thread.native_id is not None
    return os.sched_getaffinity(thread.native_id)


@pytest.mark.parametrize(
    ("width", "filled_up"), [(1, 56), (56, 56), (57, 112), (480, 480), (481, 576), (897, 1264), (1920, 1920)]
)
def test_lines_come_in_few_widths_so_that_little_is_kept_for_them(width: int, filled_up: int) -> None:
    seen = ppocr._as_input(np.zeros((48, width), np.uint8))
    assert seen.shape == (1, 3, 48, filled_up)
    assert (seen[..., :width] == -1).all()
    assert (seen[..., width:] == 0).all()


def test_the_processor_tells_its_maker_and_its_instruction_sets(tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(
        "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu avx512_bf16\n\nprocessor\t: 1\nflags\t\t: fpu\n",
        encoding="ascii",
    )
    assert this_processor(told) == Processor("AuthenticAMD", frozenset({"fpu", "avx512_bf16"}))
    told.write_text("Processor\t: of another kind\n", encoding="ascii")
    assert this_processor(told) == Processor("", frozenset())
    assert this_processor(tmp_path / "none") == Processor("", frozenset())


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_page_lying_any_way_is_told_how_to_stand_up(turned: int) -> None:
    upright = drawn_page((100, LEFT_COLUMN * 5), heading="Change of keeper")
    lying = np.ascontiguousarray(np.rot90(upright, -turned // 90))
    degrees, score = PaddleOrientation().turn(lying)
    assert (turned + degrees) % 360 == 0
    assert 0.5 < score <= 1.0


def test_the_orientation_of_a_tiny_or_narrow_image_is_still_an_answer() -> None:
    finder = PaddleOrientation()
    for shape in ((1, 1), (1, 3000), (3000, 2), (300, 300)):
        assert finder.turn(np.full(shape, 255, np.uint8))[0] in (0, 90, 180, 270)


@pytest.mark.parametrize("turned", [0, 90, 180])
def test_a_barcode_comes_back_with_its_place(turned: int) -> None:
    code = zxingcpp.create_barcode("DVLA-2026-11", zxingcpp.BarcodeFormat.Code128)
    bars = np.asarray(code.to_image(scale=3))
    page = np.full((1200, 900), 255, np.uint8)
    page[300 : 300 + bars.shape[0], 200 : 200 + bars.shape[1]] = bars
    (found,) = ZxingBarcodes().find(np.ascontiguousarray(np.rot90(page, -turned // 90)))
    assert (found.symbology, found.text) == ("Code128", "DVLA-2026-11")
    if not turned:
        assert 200 <= found.box.left < found.box.right <= 200 + bars.shape[1]
        assert 300 <= found.box.top < found.box.bottom <= 300 + bars.shape[0]


def test_a_page_without_barcodes_has_none() -> None:
    assert ZxingBarcodes().find(drawn_page((100, LEFT_COLUMN))) == []


def test_two_columns_are_found_and_read_one_after_the_other() -> None:
    page = PageImage(drawn_page((80, LEFT_COLUMN), (450, RIGHT_COLUMN), heading="Change of keeper"), 100, 1)
    regions = find_regions(page, PaddleLineFinder(), PaddleLayout(), PaddleReader("rec-tiny"))
    read = [line.text for region in regions for line in region.lines]
    assert read == ["Change of keeper", *LEFT_COLUMN, *RIGHT_COLUMN]
    assert regions[0].kind in (RegionKind.TITLE, RegionKind.HEADER)


def test_a_blank_page_has_no_lines_no_regions_and_no_layout() -> None:
    blank = np.full((1169, 827), 255, np.uint8)
    assert PaddleLineFinder().find(blank) == []
    assert find_regions(PageImage(blank, 100, 1), PaddleLineFinder(), PaddleLayout(), PaddleReader("rec-tiny")) == ()


def test_the_place_of_a_line_is_the_same_at_any_resolution() -> None:
    page = drawn_page((100, LEFT_COLUMN[:1]))
    large = np.asarray(cv2.resize(page, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), np.uint8)
    (small_box,), (large_box,) = PaddleLineFinder().find(page), PaddleLineFinder().find(large)
    ink = np.argwhere(page < 128)
    assert small_box.left <= ink[:, 1].min() + 2
    assert small_box.right >= ink[:, 1].max() - 1
    assert abs(small_box.left - large_box.left / 3) < 6
    assert abs(small_box.bottom - large_box.bottom / 3) < 6


def test_a_line_finder_takes_images_of_any_size() -> None:
    for shape in ((1, 1), (5, 3000), (3000, 5), (40, 40)):
        assert PaddleLineFinder().find(np.full(shape, 255, np.uint8)) == []
