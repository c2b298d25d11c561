"""Adding a batch: piece by piece by the tus protocol, in a plain form, and in a browser whose line breaks."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import FilePayload, Page, Route, expect
from sqlalchemy import func, select

from intake.database.tables import BatchRow, FileRow
from schemas.people import Role
from tests.site import post
from tests.site.served import SignedIn, Site

MakePerson = Callable[[Role], SignedIn]
OpenPage = Callable[[Role], Page]

PIECE = {"Content-Type": "application/offset+octet-stream"}
SCAN = post.scan(0)


@pytest.fixture
def operator(person: MakePerson) -> SignedIn:
    return person(Role.OPERATOR)


def begin(who: SignedIn, content: bytes, name: str = "scan.tif") -> str:
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    answer = who.send("POST", "/uploads", **{"Upload-Length": str(len(content)), "Upload-Metadata": metadata})
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def send(who: SignedIn, address: str, piece: bytes, offset: int) -> httpx.Response:
    headers = {"X-CSRF-Token": who.csrf, "Upload-Offset": str(offset), "Accept": "application/json", **PIECE}
    return who.client.patch(address, content=piece, headers=headers)


def hand_over(who: SignedIn, *addresses: str, **given: Any) -> httpx.Response:
    asked = {"uploads": [address.rpartition("/")[2] for address in addresses], "key": "k-1", "name": "Bag", **given}
    return who.send("POST", "/batches", json=asked)


def kept(site: Site) -> list[tuple[str, int]]:
    with site.service.database.read() as session:
        return [(row.name, row.size_bytes) for row in session.scalars(select(FileRow).order_by(FileRow.id))]


def batches(site: Site) -> int:
    with site.service.database.read() as session:
        return session.scalars(select(func.count()).select_from(BatchRow)).one()


def test_what_is_spoken_here_is_told(operator: SignedIn) -> None:
    answer = operator.send("OPTIONS", "/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,expiration,termination"
    assert int(answer.headers["Tus-Max-Size"]) == 50 * 1024 * 1024


def test_files_that_came_in_pieces_become_a_batch(site: Site, operator: SignedIn) -> None:
    first, second = begin(operator, SCAN, "Tŷ 1.tif"), begin(operator, SCAN + b"2", "two.tif")
    assert send(operator, first, SCAN[:1000], 0).headers["Upload-Offset"] == "1000"
    found = operator.client.head(first)
    assert (found.headers["Upload-Offset"], found.headers["Upload-Length"]) == ("1000", str(len(SCAN)))
    assert found.headers["Cache-Control"] == "no-store"
    assert found.headers["Tus-Resumable"] == "1.0.0"
    assert send(operator, first, SCAN[1000:], 1000).status_code == 204
    assert send(operator, second, SCAN + b"2", 0).status_code == 204
    assert batches(site) == 0
    answer = hand_over(operator, first, second, received_on="2026-03-02")
    assert answer.status_code == 201, answer.text
    assert kept(site) == [("Tŷ 1.tif", len(SCAN)), ("two.tif", len(SCAN) + 1)]
    with site.service.database.read() as session:
        batch = session.scalars(select(BatchRow)).one()
        assert (batch.channel, batch.operator, batch.name) == ("site", operator.person.actor, "Bag")
        assert batch.received_on.isoformat() == "2026-03-02"
    assert answer.json()["address"] == f"/batches/{batch.public_id}?done=received"
    # What was handed over is not kept twice.
    assert list((site.service.settings.home / "uploads" / "resumable").iterdir()) == []


def test_handed_over_twice_it_is_received_once(site: Site, operator: SignedIn) -> None:
    address = begin(operator, SCAN)
    send(operator, address, SCAN, 0)
    first, again = hand_over(operator, address), hand_over(operator, address)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["address"].startswith(first.json()["address"].partition("?")[0])
    assert batches(site) == 1


def test_a_file_that_is_named_twice_is_received_once(site: Site, operator: SignedIn) -> None:
    address = begin(operator, SCAN)
    send(operator, address, SCAN, 0)
    assert hand_over(operator, address, address).status_code == 201
    assert len(kept(site)) == 1


def test_a_batch_of_a_file_that_is_not_whole_is_not_received(site: Site, operator: SignedIn) -> None:
    address = begin(operator, SCAN)
    send(operator, address, SCAN[:10], 0)
    answer = hand_over(operator, address)
    assert (answer.status_code, batches(site)) == (404, 0)
    assert "10 of" in answer.json()["detail"]


def test_duplicates_are_named_before_the_end(site: Site, operator: SignedIn) -> None:
    receipt = post.hand_in(site.service, operator.person, [("monday.tif", SCAN)], "Monday")
    digest = receipt.files[0].sha256
    answer = operator.send("POST", "/uploads/known", json={"sha256": [digest, "0" * 64]})
    [(found, where)] = answer.json().items()
    assert (found, where["name"], where["batch"]) == (digest, "monday.tif", "Monday")
    assert where["address"] == f"/batches/{receipt.batch_id}"
    assert operator.send("POST", "/uploads/known", json={"sha256": ["../.."]}).status_code == 422


@pytest.mark.parametrize(
    ("length", "status", "said"),
    [(2**31, 413, "2,048 MB, where at most 50 MB are allowed"), (0, 413, "empty"), (-1, 422, "greater than")],
)
def test_what_is_too_large_is_refused_before_a_byte_is_sent(
    operator: SignedIn, length: int, status: int, said: str
) -> None:
    answer = operator.send("POST", "/uploads", **{"Upload-Length": str(length)})
    assert answer.status_code == status
    assert said in json.dumps(answer.json())


def test_the_wrong_type_is_refused_with_its_first_piece(operator: SignedIn) -> None:
    address = begin(operator, b"PK\x03\x04" * 1000, "report.tif")
    answer = send(operator, address, b"PK\x03\x04" * 300, 0)
    assert answer.status_code == 415
    assert "ZIP archive or office document" in answer.json()["detail"]
    assert operator.client.head(address).status_code == 404


def test_a_piece_must_follow_on_and_be_of_its_type(operator: SignedIn) -> None:
    address = begin(operator, SCAN)
    assert send(operator, address, SCAN, 5).status_code == 409
    headers = {"X-CSRF-Token": operator.csrf, "Upload-Offset": "0", "Content-Type": "image/tiff"}
    assert operator.client.patch(address, content=SCAN, headers=headers).status_code == 415
    assert operator.client.head(address).headers["Upload-Offset"] == "0"


def test_an_upload_that_is_given_up_is_gone(operator: SignedIn) -> None:
    address = begin(operator, SCAN)
    assert operator.send("DELETE", address).status_code == 204
    assert operator.send("DELETE", address).status_code == 404
    assert send(operator, address, SCAN, 0).status_code == 404


def test_nobody_reaches_the_uploads_of_others(person: MakePerson, operator: SignedIn) -> None:
    address, other = begin(operator, SCAN), person(Role.SUPERVISOR)
    assert other.client.head(address).status_code == 404
    assert send(other, address, SCAN, 0).status_code == 404
    assert other.send("DELETE", address).status_code == 404
    send(operator, address, SCAN, 0)
    assert hand_over(other, address).status_code == 404
    assert operator.client.head(address).headers["Upload-Offset"] == str(len(SCAN))


def test_without_the_token_of_the_page_nothing_is_taken(site: Site, operator: SignedIn) -> None:
    address = begin(operator, SCAN)
    headers = {"Upload-Offset": "0", "Accept": "application/json", **PIECE}
    assert operator.client.patch(address, content=SCAN, headers=headers).status_code == 403
    form = {"files": ("a.tif", SCAN)}
    assert operator.client.post("/batches/form", files=form).status_code == 403
    assert operator.client.post("/batches/form", files=form, data={"csrf_token": "0" * 64}).status_code == 403
    assert batches(site) == 0


def plain_form(who: SignedIn, *files: tuple[str, bytes], **fields: str) -> httpx.Response:
    # Where no file was chosen there are only fields.
    parts: list[Any] = [("files", (name, content)) for name, content in files] or [("name", (None, "no file"))]
    return who.client.post("/batches/form", data={"csrf_token": who.csrf, **fields}, files=parts)


def test_a_browser_that_runs_no_script_sends_a_plain_form(site: Site, operator: SignedIn) -> None:
    answer = plain_form(operator, ("a.tif", SCAN), ("b.tif", SCAN + b"2"), name="By form", received_on="2026-03-02")
    assert answer.status_code == 303, answer.text
    page = operator.get(answer.headers["Location"])
    assert "every file is safe on disk" in page.text
    assert "By form" in page.text
    assert len(kept(site)) == 2


@pytest.mark.parametrize(
    ("files", "fields", "said"),
    [
        ([("letter.docx", b"PK\x03\x04...")], {}, "letter.docx: The content is no TIFF"),
        ([("a.tif", SCAN), ("<b>.tif", b"hello")], {}, "&lt;b&gt;.tif: The content is no TIFF"),
        ([], {}, "Choose at least one file"),
        ([("a.tif", SCAN)], {"received_on": "yesterday"}, "It must be a day"),
        ([("a.tif", bytes(51 * 1024 * 1024))], {}, "Nothing was received"),
    ],
)
def test_what_is_wrong_with_a_plain_form_is_said_on_its_page(
    site: Site, operator: SignedIn, files: list[tuple[str, bytes]], fields: dict[str, str], said: str
) -> None:
    answer = plain_form(operator, *files, **fields)
    assert answer.status_code in (413, 422)
    assert said in answer.text
    assert batches(site) == 0


# In a browser


def scans(count: int, size: int = 0) -> list[FilePayload]:
    return [
        {"name": f"scan-{n}.tif", "mimeType": "image/tiff", "buffer": post.scan(0, note=f"{n}") + bytes(size)}
        for n in range(count)
    ]


def press_hand_over(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Hand over")).click()
    page.wait_for_url(re.compile("/batches/[0-9a-f-]{36}"))


def test_files_are_sent_as_soon_as_they_are_chosen_and_handed_over_with_one_press(
    site: Site, browser_page: OpenPage
) -> None:
    page = browser_page(Role.OPERATOR)
    page.goto("/batches/new")
    page.locator("#files").set_input_files(scans(5))
    expect(page.locator("[data-sum]")).to_have_text("5 of 5 files sent.")
    page.get_by_label("Name").fill("From a browser")
    press_hand_over(page)
    expect(page.locator("h1")).to_have_text("From a browser")
    expect(page.get_by_text("every file is safe on disk")).to_be_visible()
    assert len(kept(site)) == 5
    # Back does not lead to a page that would hand it over again.
    page.go_back()
    assert "/batches/new" not in page.url


def test_files_are_dropped_and_whole_folders_chosen(site: Site, browser_page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "tray" / "inner").mkdir(parents=True)
    for number, place in enumerate(("one.tif", "inner/two.tif")):
        (tmp_path / "tray" / place).write_bytes(post.scan(number))
    (tmp_path / "tray" / "Thumbs.db").write_bytes(b"what a window manager leaves")
    page = browser_page(Role.OPERATOR)
    page.goto("/batches/new")
    dropped = page.evaluate_handle(
        """() => {
        const carried = new DataTransfer();
        carried.items.add(new File([new Uint8Array([0x49, 0x49, 0x2a, 0, 8])], "dropped.tif"));
        return carried;
    }"""
    )
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": dropped})
    expect(page.locator("[data-sum]")).to_have_text("1 of 1 files sent.")
    page.locator("#folder").set_input_files(tmp_path / "tray")
    expect(page.locator("[data-sum]")).to_have_text("3 of 3 files sent.")
    press_hand_over(page)
    assert {name for name, _ in kept(site)} == {"dropped.tif", "tray/one.tif", "tray/inner/two.tif"}


def test_a_line_that_breaks_is_told_and_sending_goes_on_where_it_was(site: Site, browser_page: OpenPage) -> None:
    page = browser_page(Role.OPERATOR)
    offsets: list[int] = []

    def break_once(route: Route) -> None:
        offsets.append(int(route.request.headers["upload-offset"]))
        if 2 <= len(offsets) <= 3:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(
        re.compile("/uploads/[0-9a-f]{32}$"),
        lambda route: break_once(route) if route.request.method == "PATCH" else route.continue_(),
    )
    page.goto("/batches/new")
    page.locator("#files").set_input_files(scans(1, size=700_000))
    expect(page.get_by_text("The line is broken. Going on by itself")).to_be_visible()
    expect(page.locator("[data-sum]")).to_have_text("1 of 1 files sent.")
    press_hand_over(page)
    # Nothing that had been acknowledged was sent again.
    assert offsets[:2] == [0, 128 * 1024]
    assert offsets[2:4] == [128 * 1024] * 2
    [(_, size)] = kept(site)
    assert size > 700_000


def test_a_page_that_was_closed_goes_on_where_it_was(site: Site, browser_page: OpenPage, tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    path.write_bytes(post.scan(0) + bytes(900_000))
    page = browser_page(Role.OPERATOR)
    sent: list[int] = []

    def stop_after_two(route: Route) -> None:
        if route.request.method == "PATCH":
            sent.append(int(route.request.headers["upload-offset"]))
            if len(sent) == 3:
                route.abort("connectionreset")
                return
        route.continue_()

    page.route(re.compile("/uploads/"), stop_after_two)
    page.goto("/batches/new")
    page.locator("#files").set_input_files(path)
    expect(page.get_by_text("The line is broken")).to_be_visible()
    context = page.context
    page.close()
    page = context.new_page()
    page.route(re.compile("/uploads/"), stop_after_two)
    page.goto("/batches/new")
    page.locator("#files").set_input_files(path)
    expect(page.locator("[data-sum]")).to_have_text("1 of 1 files sent.")
    assert sent[3] == sent[2] > 0
    press_hand_over(page)
    assert kept(site)[0][1] == path.stat().st_size


def test_what_cannot_be_taken_and_what_came_before_is_told_beside_the_file(
    site: Site, person: MakePerson, browser_page: OpenPage
) -> None:
    operator = person(Role.OPERATOR)
    post.hand_in(site.service, operator.person, [("monday.tif", SCAN)], "Monday")
    page = browser_page(Role.OPERATOR)
    page.goto("/batches/new")
    page.locator("#files").set_input_files(
        [
            {"name": "scan.tif", "mimeType": "image/tiff", "buffer": SCAN},
            {"name": "letter.pdf", "mimeType": "application/pdf", "buffer": b"PK\x03\x04 no PDF"},
            {"name": "empty.tif", "mimeType": "image/tiff", "buffer": b""},
        ]
    )
    expect(page.get_by_text("Not taken: it is no TIFF, PDF, PNG or JPEG, whatever its name says")).to_be_visible()
    expect(page.get_by_text("Not taken: the file is empty.")).to_be_visible()
    expect(page.get_by_text("Received before as monday.tif in Monday")).to_be_visible()
    page.evaluate(
        """() => {
        const large = new File([new Uint8Array([0x49, 0x49, 0x2a, 0])], "film.tif");
        Object.defineProperty(large, "size", {value: 2 ** 31});
        const input = document.querySelector("#files");
        Object.defineProperty(input, "files", {value: [large], configurable: true});
        input.dispatchEvent(new Event("change"));
        delete input.files;
    }"""
    )
    expect(page.get_by_text("Not taken: the file has 2.0 GB, at most 50 MB are allowed.")).to_be_visible()
    expect(page.locator("[data-sum]")).to_have_text("1 of 1 files sent, 3 not taken.")
    press_hand_over(page)
    # Told once more where it counts.
    expect(page.get_by_text("The very same file was received before")).to_be_visible()


def test_two_tabs_make_two_batches(site: Site, person: MakePerson, open_page: Callable[[SignedIn], Page]) -> None:
    first = open_page(person(Role.OPERATOR))
    second = first.context.new_page()
    for number, page in enumerate((first, second)):
        page.goto("/batches/new")
        page.locator("#files").set_input_files(
            [{"name": f"{number}.tif", "mimeType": "image/tiff", "buffer": post.scan(number)}]
        )
    for page in (first, second):
        press_hand_over(page)
    assert batches(site) == 2
    assert sorted(name for name, _ in kept(site)) == ["0.tif", "1.tif"]


def test_whoever_is_signed_out_while_sending_goes_on_after_signing_in_again(
    site: Site, person: MakePerson, open_page: Callable[[SignedIn], Page]
) -> None:
    operator = person(Role.OPERATOR)
    page = open_page(operator)
    page.goto("/batches/new")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.locator("#files").set_input_files(scans(1))
    expect(page.get_by_text("You were signed out. Sign in in another tab")).to_be_visible()
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    expect(page.locator("[data-sum]")).to_have_text("1 of 1 files sent.")
    press_hand_over(page)
    assert len(kept(site)) == 1
