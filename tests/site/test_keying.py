"""The keying screen in a real browser, by its keys: fast where all is well, and nothing lost where it is not."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Response, Route, expect
from sqlalchemy import delete, func, select, update

from intake import ledger
from intake.database.tables import EntryRow, FieldRow, SessionRow, TaskRow
from intake.review import queues
from review_ui.site.cookies import SESSION_COOKIE
from schemas.field import FieldStatus
from schemas.people import Role
from schemas.review import Outcome, Queue
from tests.site.post_to_key import REFUND, Mailbag, Seen, surnames
from tests.site.served import SignedIn, Site

OpenSignedIn = Callable[[SignedIn | None], Page]
# Counts what a keyer's hands do: keys that are pressed, those that only shift others left out.
# A machine that runs tests is busy: the screen waits longer for what comes of an answer than it would for a person.
PATIENT = (
    "const usual = setTimeout; window.setTimeout = (act, ms, ...more) => usual(act, ms === 50 ? 15000 : ms, ...more)"
)
COUNTING = "window.presses = 0; addEventListener('keydown', e => { if (e.key !== 'Shift') window.presses += 1 }, true)"


@pytest.fixture
def bag(site: Site) -> Mailbag:
    return Mailbag(site.service, site.desk.rules)


def keys(page: Page, queue: Queue = Queue.READING, *, is_patient: bool = True, **query: str) -> Page:
    """Go to the keying screen, and wait for the first task."""
    if is_patient:
        page.add_init_script(PATIENT)
    more = "".join(f"&{name}={value}" for name, value in query.items())
    page.goto(f"/key/work?queue={queue.value}{more}")
    page.locator("#answer").wait_for()
    return page


def answered(page: Page, count: int) -> None:
    expect(page.locator("[data-done-count]")).to_have_text(str(count))
    expect(page.locator("[aria-busy=true]")).to_have_count(0)  # a key pressed before that would come too early


def held_back(page: Page) -> Callable[[], Route]:
    """Hold back what is sent from now on as an answer. Calling it waits for the one that was, and gives it."""
    on_the_way: list[Route] = []
    page.route("**/key/enter", lambda route: on_the_way.append(route))  # noqa: PLW0108 - it takes no built-in function

    def sent() -> Route:
        deadline = time.monotonic() + 60
        while not on_the_way and time.monotonic() < deadline:
            page.wait_for_timeout(20)
        [one] = on_the_way
        return one

    return sent


def fields(site: Site, name: str = "surname") -> list[FieldRow]:
    with site.service.database.read() as session:
        query = select(FieldRow).where(FieldRow.name == name).order_by(FieldRow.document_id)
        return list(session.scalars(query))


def entries(site: Site) -> list[EntryRow]:
    with site.service.database.read() as session:
        return list(session.scalars(select(EntryRow).order_by(EntryRow.id)))


def eventually(site: Site, count: int) -> list[EntryRow]:
    """The entries, once there are so many: what waited for a line arrives one after the other."""
    deadline = time.monotonic() + 10
    while len(found := entries(site)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def balanced(site: Site) -> bool:
    with site.service.database.read() as session:
        return not ledger.take(session).differences


# --- fast ------------------------------------------------------------------------------------------------------------


def test_twenty_fields_take_twenty_keys_and_the_characters_that_are_corrected(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    documents = surnames(20)
    for place, wrong in ((3, "Edwqrds"), (11, "Jnes")):
        documents[place] = {"surname": Seen(documents[place]["surname"].written, wrong)}
    bag.add(*documents, draws=False)
    page = open_page(person(Role.CASEWORKER))
    page.add_init_script(COUNTING)
    keys(page)
    typed = 0
    for place, document in enumerate(documents):
        written = document["surname"].written
        assert page.locator("#answer").input_value() == (document["surname"].read or written)
        if place in (3, 11):
            page.keyboard.type(written)
            typed += len(written)
        page.keyboard.press("Enter")
        answered(page, place + 1)
    assert page.evaluate("window.presses") == 20 + typed
    expect(page.locator("[data-saved]")).to_have_text("")
    assert [field.value for field in fields(site)] == [document["surname"].written for document in documents]
    assert [field.status for field in fields(site)].count(FieldStatus.CORRECTED) == 2
    assert len(entries(site)) == 20
    assert balanced(site)


def test_shift_and_enter_brings_back_the_field_as_it_was(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add(*surnames(3), draws=False)
    [before, *_] = fields(site)
    page = keys(open_page(person(Role.CASEWORKER)))
    page.keyboard.type("Morgans")
    page.keyboard.press("Enter")
    answered(page, 1)
    assert fields(site)[0].value == "Morgans"
    page.keyboard.press("Shift+Enter")
    answered(page, 0)
    expect(page.locator("#answer")).to_have_value("Morgan")
    expect(page.locator("#answer")).to_be_focused()
    after = fields(site)[0]
    assert (after.value, after.text, after.status, after.decision) == (
        before.value, before.text, before.status, before.decision,
    )  # fmt: skip
    page.keyboard.press("Enter")
    answered(page, 1)
    expect(page.locator("#answer")).to_have_value("Jones")


def test_a_date_is_said_aloud_and_one_that_cannot_be_is_taken_at_the_second_enter(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    seen = Seen("27 3 84", "1984-03-27", more={"text": "27 3 84"})
    bag.add({"sale_date": seen}, {"sale_date": seen}, draws=False)
    page = keys(open_page(person(Role.CASEWORKER)))
    expect(page.locator("[data-spoken]")).to_have_text("27 March 1984")
    page.keyboard.type("28031984")
    expect(page.locator("[data-spoken]")).to_have_text("28 March 1984")
    page.keyboard.press("Enter")
    answered(page, 1)
    page.keyboard.type("31 2 84")
    page.keyboard.press("Enter")
    expect(page.locator("[data-problem]")).to_contain_text("There is no such day in the calendar.")
    answered(page, 1)
    page.keyboard.press("Enter")
    answered(page, 2)
    assert [field.value for field in fields(site, "sale_date")] == ["1984-03-28", None]


def test_a_key_that_decides_is_not_kept_for_a_field_nobody_has_seen_yet(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add(*surnames(3), draws=False)
    page = keys(open_page(person(Role.CASEWORKER)))
    on_the_way = held_back(page)
    page.keyboard.press("Enter")
    sent = on_the_way()
    for key in ("S", "u", "Backspace", "o", "F9", "F4", "x", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("[data-refer-dialog]")).to_be_hidden()
    sent.continue_()
    answered(page, 1)
    expect(page.locator("[data-notice]")).to_contain_text("came too early")
    expect(page.locator("#answer")).to_have_value("So")
    assert len(entries(site)) == 1


def test_a_field_whose_answer_is_on_its_way_is_not_asked_again(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add(*surnames(1), draws=False)
    page = open_page(person(Role.CASEWORKER))
    on_the_way = held_back(page)  # before the first request: to begin with it later can miss one that is just sent
    keys(page, is_patient=False)
    with page.expect_response("**/key/claim") as claimed:
        page.keyboard.press("Enter")
    assert claimed.value.json()["tasks"] == []
    page.locator("[data-nothing]").wait_for()
    on_the_way().continue_()
    expect(page.locator("[data-saved]")).to_have_text("")
    page.locator("[data-nothing]").wait_for()
    assert len(entries(site)) == 1


def test_what_is_typed_for_the_next_field_does_not_go_into_one_that_comes_back(
    bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    seen = Seen("27 3 84", "1984-03-27", more={"text": "27 3 84"})
    bag.add({"sale_date": seen}, {"sale_date": seen}, draws=False)
    page = keys(open_page(person(Role.CASEWORKER)))
    on_the_way = held_back(page)
    page.keyboard.type("31 2 84")
    page.keyboard.press("Enter")
    sent = on_the_way()
    page.keyboard.type("12")
    sent.continue_()
    expect(page.locator("[data-problem]")).not_to_be_empty()
    expect(page.locator("#answer")).to_have_value("31 2 84")
    expect(page.locator("[data-notice]")).to_contain_text("came too early")


def test_no_number_of_enters_says_that_the_form_was_left_blank(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add(*surnames(1), draws=False)
    page = keys(open_page(person(Role.CASEWORKER)))
    page.keyboard.press("Delete")
    for _ in range(3):
        with page.expect_response("**/key/enter") as response:
            page.keyboard.press("Enter")
        assert response.value.status == 422
        expect(page.locator("[data-problem]")).to_have_text(
            "Nothing is keyed. Key what stands here; if the form was left blank, press F4."
        )
        answered(page, 0)
    page.keyboard.press("F4")
    answered(page, 1)
    assert [field.status for field in fields(site, "surname")] == [FieldStatus.BLANK]


def test_digits_tick_and_function_keys_say_blank_and_unreadable(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add({"keeper_title": Seen(["Mrs"]), "forenames": Seen("Ann"), "surname": Seen("Rees"), "mileage": Seen("7", 7)})
    page = keys(open_page(person(Role.CASEWORKER)))
    page.keyboard.press("4")
    expect(page.get_by_role("checkbox", name="Ms", exact=True)).to_be_checked()
    expect(page.get_by_role("checkbox", name="Mrs", exact=True)).not_to_be_checked()
    for count, key in enumerate(("Enter", "F4", "F8", "Shift+F8"), 1):
        page.keyboard.press(key)
        answered(page, count)
    assert fields(site, "keeper_title")[0].value == ["Ms"]
    statuses = [fields(site, name)[0].status for name in ("forenames", "surname", "mileage")]
    assert statuses == [FieldStatus.BLANK, FieldStatus.UNREADABLE, FieldStatus.NOT_FOUND]


def test_candidates_lie_under_the_down_arrow_and_doubtful_characters_are_said_in_words(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    scores = [0.99, 0.99, 0.4] + [0.99] * 6
    first = {"text": "Grlffiths", "reader": "a", "score": 0.5, "characters": scores}
    again = {"readings": [first, {"text": "Griffiths", "reader": "b", "score": 0.5}]}
    bag.add({"surname": Seen("Griffiths", "Grlffiths", more=again)})
    page = keys(open_page(person(Role.CASEWORKER)))
    box = page.get_by_role("combobox", name="Surname")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#key-marks")).to_contain_text("doubtful: “l”, character 3")
    expect(page.locator("[data-reasons]")).to_contain_text("The readers differ: “l” or “i”.")
    page.keyboard.press("Alt+ArrowRight")
    assert page.evaluate("[answer.selectionStart, answer.selectionEnd]") == [2, 3]
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("option", selected=True)).to_have_text("Griffiths")
    page.keyboard.press("Enter")
    expect(box).to_have_value("Griffiths")
    page.keyboard.press("Enter")
    answered(page, 1)
    assert fields(site)[0].value == "Griffiths"


def test_f2_shows_the_page_at_the_field_and_escape_leads_back(
    bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add(*surnames(1))
    page = keys(open_page(person(Role.CASEWORKER)))
    expect(page.locator(".key-paper .key-box")).to_be_visible()
    page.keyboard.press("F2")
    expect(page.locator(".key-page-view .key-box")).to_be_visible()
    page.keyboard.press("+")
    page.keyboard.press("Escape")
    expect(page.locator("#answer")).to_be_focused()
    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


# --- what is hidden --------------------------------------------------------------------------------------------------

CANARY = "QX77CAN"


def test_the_machines_value_is_in_no_answer_of_the_server_for_blind_and_double_tasks(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    told = {
        "reasons": [f"{CANARY}?"],
        "problem": "",
        "checks": [{"name": "x", "passed": False, "message": f"Not {CANARY}"}],
    }
    bag.add({"registration_mark": Seen("AB12CDE", CANARY, more=told)})
    bag.add({"account_number": Seen("12345678", CANARY, more=told)}, form=REFUND)
    bodies: list[bytes] = []
    for role, first, second in (
        (Role.CASEWORKER, "AB12CDE", "12345678"), (Role.SENIOR, "", "87654321"),
    ):  # fmt: skip
        page = open_page(person(role))
        page.on("response", lambda response: bodies.append(body_of(response)))
        page.goto("/key")
        keys(page)
        if first:
            expect(page.locator("#answer")).to_have_value("")
            page.keyboard.type(first)
            page.keyboard.press("Enter")
            expect(page.locator("[data-again-note]")).to_be_visible()
            expect(page.locator("#answer")).to_have_value("")
            page.keyboard.type(first)
            page.keyboard.press("Enter")
            answered(page, 1)
        page.keyboard.type(second)
        page.keyboard.press("Enter")
        page.locator("[data-nothing]").wait_for()
        page.keyboard.press("F5")
        page.locator("[data-nothing]").wait_for()
    assert fields(site, "registration_mark")[0].value == "AB12CDE"
    assert [entry.outcome for entry in entries(site)] == [
        Outcome.AGAIN, Outcome.SETTLED, Outcome.SECOND, Outcome.ADJUDICATION,
    ]  # fmt: skip
    assert len(bodies) > 20
    assert [body for body in bodies if CANARY.encode() in body] == []


def body_of(response: Response) -> bytes:
    if response.status in (301, 302, 303, 304):
        return b""
    return response.body() + str(response.headers).encode()


def test_a_third_person_decides_between_entries_that_say_nothing_of_whose_they_are(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add({"account_number": Seen("12345678", "12345670")}, form=REFUND)
    for typed in ("12345678", "12345679"):
        page = keys(open_page(person(Role.CASEWORKER)))
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        answered(page, 1)
    page = keys(open_page(person(Role.SENIOR)), Queue.ADJUDICATION)
    labels = page.locator("[data-answer] .key-choice span").all_text_contents()
    assert {*labels} == {"12345678", "12345679", "12345670", "Something else"}
    page.keyboard.press(str(labels.index("12345678") + 1))
    page.keyboard.press("Enter")
    answered(page, 1)
    assert fields(site, "account_number")[0].value == "12345678"


def test_a_document_of_no_form_is_named_and_keyed(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add_letters(2)
    page = keys(open_page(person(Role.CASEWORKER)), Queue.IDENTIFY)
    expect(page.locator(".key-paper img")).to_be_visible()
    page.get_by_label("Refund of a fee (VR 33)").check()
    page.keyboard.press("Enter")
    answered(page, 1)
    page.get_by_label("None of these").check()
    page.keyboard.press("Enter")
    answered(page, 2)
    with site.service.database.read() as session:
        found = queues.standings(session, site.service.database.now())
    assert found[Queue.READING].waiting > 10
    assert balanced(site)


def test_what_is_referred_reaches_a_senior_with_its_reason(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add(*surnames(1))
    page = keys(open_page(person(Role.CASEWORKER)))
    page.keyboard.press("F9")
    page.keyboard.press("3")
    page.keyboard.press("Tab")
    page.keyboard.type("Two surnames")
    page.keyboard.press("Enter")
    answered(page, 1)
    page = keys(open_page(person(Role.SENIOR)), Queue.REFERRED)
    expect(page.locator("[data-reasons]")).to_contain_text("There is more than one answer. Two surnames")


# --- bad lines, two tabs, dead sessions ------------------------------------------------------------------------------


def test_a_dead_screens_task_goes_to_another_and_its_own_answer_comes_too_late(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add(*surnames(1), draws=False)
    dead = keys(open_page(person(Role.CASEWORKER)))
    dead.keyboard.type("Too late")
    expect(dead.locator("[data-saved]")).to_have_text("Draft saved")  # a sign of life, the last one
    other = open_page(person(Role.CASEWORKER))
    other.goto("/key/work")
    other.locator("[data-nothing]").wait_for()
    with site.service.database.write() as session:
        session.execute(update(TaskRow).values(lease_until=site.service.database.now(session)))
    other.keyboard.press("Enter")
    other.locator("#answer").wait_for()
    dead.keyboard.press("Enter")
    expect(dead.get_by_role("dialog", name="This was changed meanwhile")).to_contain_text("A colleague has this now")
    expect(dead.locator("[data-merge-mine]")).to_have_text("Too late")
    dead.keyboard.press("Enter")
    dead.locator("[data-nothing]").wait_for()
    other.keyboard.press("Enter")
    answered(other, 1)
    assert [entry.text for entry in entries(site)] == ["Morgan"]


def test_nothing_is_lost_while_there_is_no_line(site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn) -> None:
    bag.add(*surnames(6), draws=False)
    page = keys(open_page(person(Role.CASEWORKER)), is_patient=False)
    page.wait_for_timeout(300)  # the next three are on their way
    page.context.set_offline(True)
    for count in range(1, 4):
        page.keyboard.type(f"Offline {'ABC'[count - 1]}")
        page.keyboard.press("Enter")
        answered(page, count)
    expect(page.get_by_role("alert").filter(has_text="No connection")).to_contain_text("3 answers are kept")
    page.keyboard.press("Shift+Enter")  # the last has not gone out yet: it is taken back here
    expect(page.locator("#answer")).to_have_value("Offline C")
    page.keyboard.type("Offline Cc")
    page.keyboard.press("Enter")
    page.context.set_offline(False)
    expect(page.locator("[data-banner]")).to_be_hidden()
    expect(page.locator("#answer")).not_to_have_value("")
    assert [entry.text for entry in eventually(site, 3)] == ["Offline A", "Offline B", "Offline Cc"]


def test_an_answer_whose_reply_was_lost_counts_once(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add(*surnames(2), draws=False)
    page = keys(open_page(person(Role.CASEWORKER)), is_patient=False)
    lost: list[str] = []
    is_mended: list[bool] = []

    def lose(route: Any) -> None:
        """The service gets the first, and nobody gets its reply; then nothing goes out for a while."""
        if not lost:
            route.fetch()
        lost.append(route.request.post_data)
        if is_mended:
            route.continue_()
        else:
            route.abort()

    page.route("**/key/enter", lose)
    page.keyboard.press("Enter")
    expect(page.locator("[data-banner]")).to_be_visible()
    answered(page, 1)
    is_mended.append(True)
    expect(page.locator("[data-banner]")).to_be_hidden()
    expect(page.locator("[data-saved]")).to_have_text("")  # the line may be back before the answer is sent again
    assert len(lost) >= 2
    assert {*lost} == {lost[0]}
    assert len(entries(site)) == 1


def test_who_is_signed_out_while_keying_signs_in_again_and_loses_nothing(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add(*surnames(3), draws=False)
    anna = person(Role.CASEWORKER)
    page = keys(open_page(anna))
    with site.service.database.write() as session:
        session.execute(delete(SessionRow))
    page.keyboard.type("Kept")
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert").filter(has_text="You are signed out.")
    expect(alert).to_contain_text("1 answer is kept")
    expect(alert.get_by_role("link")).to_have_attribute("href", "/sign-in?next=/account")
    other = person(Role.CASEWORKER)
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": other.token, "url": site.url}])
    expect(page.get_by_role("alert").filter(has_text="Somebody else is signed in")).to_be_visible()
    assert entries(site) == []
    again = site.sign_in(anna.person)
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": again.token, "url": site.url}])
    expect(page.locator("[data-banner]")).to_be_hidden()
    assert [(entry.text, entry.person_id) for entry in eventually(site, 1)] == [("Kept", anna.person.id)]


def test_two_tabs_hold_different_tasks_and_one_answer_does_not_overwrite_another(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add(*surnames(5), draws=False)
    anna = person(Role.CASEWORKER)
    first = keys(open_page(anna))
    first.wait_for_timeout(300)
    second = first.context.new_page()
    keys(second)
    expect(first.locator("#answer")).to_have_value("Morgan")
    expect(second.locator("#answer")).to_have_value("Pritchard")
    # A tab that was copied has the same tasks in its memory: here, the same answer from elsewhere.
    with site.service.database.read() as session:
        task = session.get_one(TaskRow, 1)
    held = {"task": 1, "fence": task.fence, "version": task.version, "screen": "elsewhere", "key": "elsewhere-1"}
    assert anna.send("POST", "/key/enter", held | {"act": "value", "text": "Elsewhere"}).status_code == 200
    first.keyboard.type("Here")
    first.keyboard.press("Enter")
    dialog = first.get_by_role("dialog", name="This was changed meanwhile")
    expect(dialog).to_contain_text("you, in another tab or window")
    expect(dialog.locator("[data-merge-theirs]")).to_have_text("Elsewhere")
    assert fields(site)[0].value == "Elsewhere"
    dialog.get_by_role("button", name="Put mine in its place").click()
    answered(first, 1)
    assert fields(site)[0].value == "Here"
    assert [entry.text for entry in entries(site)] == ["Elsewhere", "Here"]


def test_who_goes_back_and_comes_again_finds_what_they_were_keying(
    site: Site, bag: Mailbag, person: Any, open_page: OpenSignedIn
) -> None:
    bag.add(*surnames(1), draws=False)
    page = open_page(person(Role.CASEWORKER))
    page.goto("/key")
    page.get_by_role("button", name="Start reading").click()
    page.locator("#answer").wait_for()
    page.keyboard.type("Half a na")
    page.go_back()
    expect(page.get_by_role("heading", name="Key", exact=True)).to_be_visible()
    held = select(func.count()).select_from(TaskRow).where(TaskRow.lease_until.is_not(None))
    deadline = time.monotonic() + 20
    while True:  # the page gives its tasks back when it is left already, and waits for no answer
        with site.service.database.read() as session:
            if session.scalars(held).one() == 0:
                break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page.go_forward()
    expect(page.locator("#answer")).to_have_value("Half a na")


def test_the_same_field_is_keyed_across_documents(bag: Mailbag, person: Any, open_page: OpenSignedIn) -> None:
    bag.add(*[{"surname": Seen("Rees"), "forenames": Seen("Ann")}] * 3, draws=False)
    page = open_page(person(Role.CASEWORKER))
    page.goto("/key")
    page.get_by_role("link", name="Forenames").click()
    for count in range(1, 4):
        expect(page.locator(".key-label")).to_have_text("Forenames")
        page.keyboard.press("Enter")
        answered(page, count)
    page.locator("[data-nothing]").wait_for()


# --- whose it is -----------------------------------------------------------------------------------------------------


def test_pictures_and_answers_are_for_whoever_holds_the_task(site: Site, bag: Mailbag, person: Any) -> None:
    bag.add(*surnames(1))
    anna, ben, olga = person(Role.CASEWORKER), person(Role.CASEWORKER), person(Role.OPERATOR)
    [task] = anna.send("POST", "/key/claim", {"screen": "a-screen", "queue": "reading"}).json()["tasks"]
    for path in ("/tasks/1/snippet.png", "/tasks/1/pages/1.jpg"):
        answer = anna.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert ben.get(path, headers={"Accept": "application/json"}).status_code == 404
        assert olga.get(path, headers={"Accept": "application/json"}).status_code == 403
    held = {"task": 1, "fence": task["fence"], "version": task["version"], "screen": "b-screen", "key": "by-ben-1"}
    refused = ben.send("POST", "/key/enter", held | {"act": "value", "text": "Ben"})
    assert refused.status_code == 409
    assert ben.send("POST", "/key/draft", {"task": 1, "fence": task["fence"], "draft": {}}).json() == {"saved": False}
    assert ben.send("POST", "/key/preview", {"task": 1, "text": "x"}).status_code == 404
    assert ben.send("POST", "/key/heartbeat", {"tasks": {"1": task["fence"]}}).json() == {"lost": [1]}
    assert ben.send("POST", "/key/release", {"tasks": {"1": task["fence"]}}).json() == {"released": 0}
    assert entries(site) == []


def test_the_queues_of_seniors_are_for_seniors(person: Any) -> None:
    anna = person(Role.CASEWORKER)
    for queue in ("referred", "adjudication"):
        assert anna.get(f"/key/work?queue={queue}").status_code == 403
        assert anna.send("POST", "/key/claim", {"screen": "a-screen", "queue": queue}).status_code == 403
