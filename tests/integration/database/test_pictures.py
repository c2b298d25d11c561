"""Pictures of pages: upright, made once, sealed like the originals, and never of what cannot be decoded."""

import base64
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from extract.page import Grey
from intake import whereabouts
from intake.database.engine import Database
from intake.database.tables import DocumentRow, FileRow, PagePictureRow, PageRow, PieceRow, StepRow
from intake.pictures import PictureMissing, Pictures
from intake.pictures.ahead import keep_making, make_some
from intake.pictures.workbench import Workbench
from intake.receive import Arrival, Sender, receive
from intake.service import Service
from intake.settings import Settings
from intake.store.opening import open_store
from schemas.geometry import PageArea
from schemas.states import MailState
from tests.integration.database.small_world import BROKEN, NOW, add_document, add_task, unpack

KEY = "2026:" + base64.b64encode(bytes(range(32))).decode()
UPSIDE_DOWN = [-1240.0, 0.0, 1240.0, 0.0, -1754.0, 1754.0]  # of an A4 page at 150 dpi
UPRIGHT = [1240.0, 0.0, 0.0, 0.0, 1754.0, 0.0]


@pytest.fixture(scope="module")
def workbench() -> Iterator[Workbench]:
    """One for all tests: starting a sandbox takes longer than most of them."""
    with Workbench() as workbench:
        yield workbench


@pytest.fixture
def service(database: Database, tmp_path: Path) -> Service:
    return Service(Settings(home=tmp_path, low_water_bytes=0), database, open_store(str(tmp_path / "store")))


def paper() -> Grey:
    """An A4 page at 150 dpi with ink in the bottom right corner."""
    scan = np.full((1754, 1240), 255, np.uint8)
    scan[1400:1700, 900:1200] = 0
    return scan


def tiff(*pages: Grey) -> bytes:
    file = io.BytesIO()
    images = [Image.fromarray(page) for page in pages]
    images[0].save(file, "TIFF", dpi=(150, 150), save_all=True, append_images=images[1:])
    return file.getvalue()


def take_in(service: Service, content: bytes, pages: int = 1) -> list[int]:
    """Received and unpacked; the ids of its pages."""
    receive(service.database, service.store, [Arrival("scan.tif", io.BytesIO(content))], Sender("anna", "test"))
    with service.database.write() as session:
        file = session.scalars(select(FileRow).order_by(FileRow.id.desc()).limit(1)).one()
        unpack(session, file.id, pages=pages)
        return list(session.scalars(select(PageRow.id).where(PageRow.file_id == file.id).order_by(PageRow.number)))


def read_as(service: Service, page_id: int, transform: list[float] | None) -> None:
    with service.database.write() as session:
        details: dict[str, Any] = {"transform": transform}
        session.execute(update(PageRow).where(PageRow.id == page_id).values(details=details))


def ink(pixels: Grey) -> tuple[float, float]:
    """The darkness of the top left and of the bottom right quarter, 0 to 255."""
    height, width = pixels.shape
    return 255 - pixels[: height // 2, : width // 2].mean(), 255 - pixels[height // 2 :, width // 2 :].mean()


def pixels_of(picture: bytes) -> Grey:
    return np.array(Image.open(io.BytesIO(picture)))


def test_a_page_scanned_upside_down_is_shown_upright(service: Service, workbench: Workbench) -> None:
    [page] = take_in(service, tiff(paper()))
    read_as(service, page, UPSIDE_DOWN)
    picture = Pictures(service, workbench=workbench).page(page)
    assert (picture.width, picture.height, picture.dpi) == (1240, 1754, 150)
    top_left, bottom_right = ink(pixels_of(picture.jpeg))
    assert top_left > 20
    assert bottom_right < 1


def test_a_picture_has_two_hundred_dots_per_inch_of_paper_at_most(service: Service, workbench: Workbench) -> None:
    scan = io.BytesIO()
    Image.fromarray(np.full((3508, 2480), 255, np.uint8)).save(scan, "PNG", dpi=(300, 300))
    [page] = take_in(service, scan.getvalue())
    read_as(service, page, [2480.0, 0.0, 0.0, 0.0, 3508.0, 0.0])
    picture = Pictures(service, workbench=workbench).page(page)
    assert (picture.width, picture.height, picture.dpi) == (1653, 2338, 200)


def test_a_picture_is_made_once(service: Service, workbench: Workbench, tmp_path: Path) -> None:
    [page] = take_in(service, tiff(paper()))
    read_as(service, page, UPRIGHT)
    first = Pictures(service, workbench=workbench).page(page)
    unusable = Workbench()
    unusable.make = None  # type: ignore[method-assign, assignment]  # whoever asks it fails
    assert Pictures(service, workbench=unusable).page(page) == first


def test_a_page_that_was_read_again_and_lies_otherwise_gets_a_new_picture(
    service: Service, workbench: Workbench
) -> None:
    [page] = take_in(service, tiff(paper()))
    read_as(service, page, UPRIGHT)
    pictures = Pictures(service, workbench=workbench)
    assert ink(pixels_of(pictures.page(page).jpeg))[1] > 20
    read_as(service, page, UPSIDE_DOWN)
    assert ink(pixels_of(pictures.page(page).jpeg))[0] > 20


def test_with_a_key_no_picture_lies_open_in_the_store(database: Database, workbench: Workbench, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"), KEY)
    service = Service(Settings(home=tmp_path, low_water_bytes=0), database, store)
    [page] = take_in(service, tiff(paper()))
    read_as(service, page, UPRIGHT)
    jpeg = Pictures(service, workbench=workbench).page(page).jpeg
    files = [path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert len(files) >= 2
    assert not any(jpeg[:200] in file or b"JFIF" in file for file in files)


def test_a_page_that_was_not_read_yet_has_no_picture(service: Service, workbench: Workbench) -> None:
    [page] = take_in(service, tiff(paper()))
    with pytest.raises(PictureMissing, match="not been read yet"):
        Pictures(service, workbench=workbench).page(page)


def test_a_page_that_was_set_aside_before_it_was_read_is_shown_as_it_was_scanned(
    service: Service, workbench: Workbench
) -> None:
    [page] = take_in(service, tiff(paper()))
    with service.database.write() as session:
        piece = session.scalars(select(PieceRow.id)).one()
        whereabouts.move_piece(session, piece, MailState.QUARANTINED, NOW, BROKEN)
    assert ink(pixels_of(Pictures(service, workbench=workbench).page(page).jpeg))[1] > 20


def test_of_a_page_that_cannot_be_decoded_there_is_the_reason(service: Service, workbench: Workbench) -> None:
    whole = tiff(paper(), np.full((1754, 1240), 7, np.uint8))
    good, bad = take_in(service, whole[: len(whole) - 1_500_000], pages=2)
    for page in (good, bad):
        read_as(service, page, None)
    pictures = Pictures(service, workbench=workbench)
    for _ in range(2):
        with pytest.raises(PictureMissing, match=r"\w{4}.*\.") as raised:
            pictures.page(bad)
    with service.database.read() as session:
        assert session.get_one(PagePictureRow, bad).problem == str(raised.value)


def test_of_what_is_no_scan_at_all_there_is_the_reason(service: Service, workbench: Workbench) -> None:
    [page] = take_in(service, b"GIF89a is no scan")
    read_as(service, page, None)
    with pytest.raises(PictureMissing, match="it looks like a GIF picture"):
        Pictures(service, workbench=workbench).page(page)


def test_of_an_original_that_is_gone_there_is_the_reason(
    service: Service, workbench: Workbench, tmp_path: Path
) -> None:
    [page] = take_in(service, tiff(paper()))
    read_as(service, page, UPRIGHT)
    for path in (tmp_path / "store").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(PictureMissing, match="missing from the file store"):
        Pictures(service, workbench=workbench).page(page)
    with pytest.raises(PictureMissing, match="no such page"):
        Pictures(service, workbench=workbench).page(page + 1)


def test_a_snippet_shows_the_answer_with_its_label_and_says_how_large_it_is(
    service: Service, workbench: Workbench
) -> None:
    [page] = take_in(service, tiff(paper()))
    read_as(service, page, UPRIGHT)
    snippet = Pictures(service, workbench=workbench).snippet(page, [900 / 1240, 1400 / 1754, 1200 / 1240, 1700 / 1754])
    pixels = pixels_of(snippet.png)
    assert pixels.shape == (snippet.height, snippet.width)
    # 150 dots are 25.4 mm: 22 mm to the left, 9 above, 15 % below, and to the right what is left of the page.
    assert snippet.width == pytest.approx(130 + 300 + 40, abs=2)
    assert snippet.height == pytest.approx(53 + 300 + 45, abs=2)
    assert snippet.width_on_paper_mm == pytest.approx(snippet.width / 150 * 25.4)
    assert snippet.height_on_paper_mm == pytest.approx(snippet.height / 150 * 25.4)
    target = snippet.target
    left, right = round(target.left * snippet.width), round(target.right * snippet.width)
    top, bottom = round(target.top * snippet.height), round(target.bottom * snippet.height)
    assert pixels[top + 4 : bottom - 4, left + 4 : right - 4].max() < 60
    assert pixels[: top - 8].min() > 200


@pytest.mark.parametrize("box", [[0.0, 0.0, 1.0, 1.0], [0.999, 0.999, 1.0, 1.0], [0.5, 0.5, 0.5, 0.5]])
def test_a_snippet_at_the_edge_stays_on_the_page(service: Service, workbench: Workbench, box: list[float]) -> None:
    [page] = take_in(service, tiff(paper()))
    read_as(service, page, UPRIGHT)
    snippet = Pictures(service, workbench=workbench).snippet(page, PageArea(*box))
    assert 0 < snippet.width <= 1240
    assert 0 < snippet.height <= 1754
    assert all(0 <= place <= 1 for place in snippet.target.as_list())


def with_task(session: Session, page_id: int) -> None:
    page = session.get_one(PageRow, page_id)
    assert page.piece_id is not None
    document = add_document(session, page.piece_id)
    add_task(session, document)
    page.document_id = document.id


def test_pictures_are_made_ahead_for_pages_on_which_people_have_tasks(service: Service, workbench: Workbench) -> None:
    content = tiff(paper())
    [asked], [same_bytes], [done] = (take_in(service, content) for _ in range(3))
    for page in (asked, same_bytes, done):
        read_as(service, page, UPRIGHT)
    with service.database.write() as session:
        for page in (asked, same_bytes):
            with_task(session, page)
    pictures = Pictures(service, workbench=workbench)
    last = make_some(service, pictures, 0, threading.Event())
    with service.database.read() as session:
        assert set(session.scalars(select(PagePictureRow.page_id))) == {asked, same_bytes}
    assert last > 0
    assert make_some(service, pictures, last, threading.Event()) == last


def test_what_cannot_be_made_ahead_does_not_hold_up_the_rest(service: Service, workbench: Workbench) -> None:
    [lost], [sound] = take_in(service, b"no scan"), take_in(service, tiff(paper()))
    for page in (lost, sound):
        read_as(service, page, UPRIGHT)
    with service.database.write() as session:
        for page in (lost, sound):
            with_task(session, page)
    make_some(service, Pictures(service, workbench=workbench), 0, threading.Event())
    with service.database.read() as session:
        assert [session.get_one(PagePictureRow, page).sha256 is None for page in (lost, sound)] == [True, False]


def test_whoever_makes_them_stops_when_told(service: Service) -> None:
    stop = threading.Event()
    working = threading.Thread(target=keep_making, args=(service, stop))
    working.start()
    stop.set()
    working.join(10)
    assert not working.is_alive()
    with service.database.read() as session:
        assert session.scalars(select(StepRow)).all() == []
        assert session.scalars(select(DocumentRow)).all() == []
