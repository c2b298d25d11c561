"""The result page: nothing is lost on it, what people wrote stays text, and outlines stand where they should."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from review_ui.document_view import document_view
from review_ui.overview import overview_of
from review_ui.pictures import Picture, upright
from review_ui.result_page import result_page
from schemas.record import Record

SHA = "ab" * 32
UPRIGHT = [2000, 0, 0, 0, 3000, 0]
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def page(number: int, label: str = "content") -> dict[str, object]:
    return {"number": number, "label": label, "width": 2000, "height": 3000, "transform": UPRIGHT}


def field(status: str, value: object = "Jane", **more: object) -> dict[str, object]:
    given = {"value": value, "text": "Jane", "kind": "text", "status": status, "confidence": None, "page": 1}
    return given | {"box": [0.1, 0.2, 0.3, 0.4], "decided_by": "policy@1"} | more


def record(id: str, pages: list[dict[str, object]], **more: object) -> Record:
    source = {"name": "post.tif", "sha256": SHA, "pages": [page["number"] for page in pages]}
    given = {"record_id": id, "status": "review", "source": source, "form_type": None, "pages": pages} | more
    return Record.model_validate(given)


def form(id: str = "form-1", **fields: dict[str, object]) -> Record:
    return record(id, [page(1)], form_type="a-form", edition="1998", fields=fields)


class Elements(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_what_people_wrote_stays_text() -> None:
    hostile = form(name=field("review", HOSTILE, text=HOSTILE + "2", reasons=[HOSTILE]))
    hostile = hostile.model_copy(update={"source": hostile.source.model_copy(update={"name": HOSTILE})})
    line = {"text": HOSTILE, "score": 1, "box": [0, 0, 1, 1]}
    region = {"kind": "text", "score": 1, "page": 1, "box": [0, 0, 1, 1], "lines": [line]}
    letter = record(HOSTILE, [page(1)], regions=[region])
    failed = record("x", [], status="failed", failures=[{"cause": "damaged", "problem": HOSTILE, "remedy": HOSTILE}])
    html = result_page([hostile, letter, failed], {}, {(SHA, 1): Picture("a.jpg", 1000, 1500)}, remark=HOSTILE)
    found = Elements(html).found
    assert [tag for tag, _ in found].count("script") == 1
    assert {attributes["src"] for tag, attributes in found if tag == "img"} == {"pages/a.jpg"}
    assert not [name for _, attributes in found for name in attributes if name.startswith("on")]


def test_a_script_that_is_not_ours_would_not_run() -> None:
    policy = next(a["content"] for tag, a in Elements(result_page([], {}, {})).found if a.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[\w+/]{43}='", policy)
    assert "unsafe" not in policy.split("script-src")[1]


def test_every_record_is_on_the_page() -> None:
    records = [
        form("form-1", name=field("accepted")),
        record("letter-2", [page(2)]),
        record("failed-3", [], status="failed", failures=[{"cause": "damaged", "problem": "Cut.", "remedy": "Scan."}]),
        record("blank-4", [page(4, "blank"), page(5, "separator")], status="complete"),
    ]
    html = result_page(records, {}, {})
    for id in ("form-1", "letter-2", "failed-3"):
        assert f"Record {id}<" in html
    assert "page 4: blank page" in html
    assert "page 5: separator sheet" in html
    assert "Scan." in html


def test_every_link_leads_somewhere_and_no_id_occurs_twice() -> None:
    records = [form(f"form-{n}", name=field("accepted"), other=field("not_found", None, page=None)) for n in range(3)]
    found = Elements(result_page(records, {}, {(SHA, 1): Picture("a.jpg", 1000, 1500)})).found
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in found if tag == "a"}
    assert {"#document-1", "#document-3-field-1"} <= links
    assert links <= {f"#{id}" for id in ids}


def test_the_counts_at_the_head_add_up() -> None:
    statuses = ("accepted", "confirmed", "corrected", "review", "blank", "unreadable", "not_found")
    records = [
        form(**{status: field(status) for status in statuses}),
        record("letter", [page(1), page(2, "failed")]),
        record("leftover", [page(3, "blank"), page(4, "separator")], status="complete"),
        record("lost", [], status="failed", failures=[{"cause": "empty", "problem": "Empty.", "remedy": "Look."}]),
    ]
    overview = overview_of(records, {})
    for sum_ in (overview.records, overview.pages, overview.fields):
        assert sum_.total == sum(part.number for part in sum_.parts), sum_.words
    assert (overview.records.total, overview.pages.total, overview.fields.total) == (3, 5, 7)
    assert [part.number for part in overview.fields.parts] == [3, 1, 1, 1, 1]
    assert sum(kind.documents for kind in overview.kinds) == 3


def test_an_outline_stands_around_its_field() -> None:
    view = document_view(form(name=field("accepted")), 1, {}, {}, "pages")
    place = view.pages[0].fields[0].place
    assert view.pages[0].height == 1500
    assert place is not None
    assert place.x < 100
    assert place.x + place.width > 300
    assert place.y < 0.2 * 1500
    assert place.y + place.height > 0.4 * 1500


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        (True, "Signed"),
        (False, "Not signed"),
        (0, "0"),
        (["yes", "no"], "yes, no"),
        ("2024-02-01", "2024-02-01"),
    ],
)
def test_a_value_is_said_in_words(value: object, words: str) -> None:
    assert document_view(form(name=field("accepted", value)), 1, {}, {}, "").pages[0].fields[0].value == words


def test_a_reason_that_a_check_repeats_is_said_once() -> None:
    checks = [{"name": "vin", "passed": False, "message": "Too short."}, {"name": "date_order", "passed": True}]
    view = document_view(form(name=field("review", reasons=["Too short."], checks=checks)), 1, {}, {}, "")
    assert view.pages[0].fields[0].faults == ("Too short.",)
    assert view.pages[0].fields[0].passed == ("date order",)


@pytest.mark.parametrize(
    ("turned", "transform", "dark"),
    # A scan 40 wide and 20 high with ink in its top left quarter, seen with the top of the paper at its four edges.
    [
        (0, (40, 0, 0, 0, 20, 0), (0.25, 0.25)),
        (180, (-40, 0, 40, 0, -20, 20), (0.75, 0.75)),
        (90, (0, 40, 0, -20, 0, 20), (0.75, 0.25)),
        (270, (0, -40, 40, 20, 0, 0), (0.25, 0.75)),
    ],
)
def test_a_picture_stands_upright(turned: int, transform: tuple[float, ...], dark: tuple[float, float]) -> None:
    scan = np.full((20, 40), 255, np.uint8)
    scan[:10, :20] = 0
    picture = upright(scan, transform, width=20)
    assert picture.shape == ((10, 20) if turned in (0, 180) else (40, 20))
    rows, columns = np.nonzero(picture < 128)
    across, down = (columns.mean() + 0.5) / picture.shape[1], (rows.mean() + 0.5) / picture.shape[0]
    assert (across, down) == pytest.approx(dark, abs=0.06)
