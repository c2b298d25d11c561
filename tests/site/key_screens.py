"""The screens of keying, for those who walk over all screens; and what is a keyer's own, and hostile texts on them."""

from collections.abc import Callable
from typing import Final

from playwright.sync_api import Page

from intake.review import claims, entering
from intake.review.answers import Answer
from intake.review.claims import Held, Keyer, Wish
from intake.review.entering import Referral
from schemas.people import Role
from schemas.review import Act, Queue, ReferReason
from tests.site.hostile import HostileScreen
from tests.site.payloads import PAYLOADS
from tests.site.post_to_key import FORM, REFUND, Mailbag, Seen
from tests.site.screens import Screen
from tests.site.served import SignedIn, Site

Make = Callable[[Site, SignedIn | None], str]
_READ: Final = {
    "text": "Grlffith5",
    "reader": "a",
    "score": 0.5,
    "characters": [0.99, 0.99, 0.42, 0.99, 0.99, 0.99, 0.99, 0.99, 0.75],
}
_SURNAME: Final = Seen(
    "Griffiths", "Grlffith5", more={"readings": [_READ, {"text": "Griffiths", "reader": "b", "score": 0.5}]}
)
_DOCUMENT: Final = {
    "surname": _SURNAME,
    "forenames": Seen("Catrin Elen"),
    "sale_date": Seen("27031984", "1984-03-27", more={"text": "27031984"}),
    "keeper_title": Seen(["Mrs"], reasons=("Mrs: A faint mark.",)),
    "registration_mark": Seen("AB12CDE", "AB12CDF"),
    "mileage": Seen("41270", 41270),
}
_REFUND: Final = {"account_number": Seen("12345678", "12345670"), "account_holder": Seen("Catrin Elen Griffiths")}


def bag_of(site: Site) -> Mailbag:
    return Mailbag(site.service, site.desk.rules)


def _home(site: Site, _: SignedIn | None) -> str:
    bag = bag_of(site)
    bag.add(*[_DOCUMENT] * 3)
    bag.add(_REFUND, form=REFUND)
    bag.add_letters(2)
    failed = {"name": "x", "passed": False, "message": "The date of sale lies after the day it was received."}
    late = Seen("27032031", "2031-03-27", reasons=(failed["message"],), more={"text": "27032031", "checks": [failed]})
    bag.add({"sale_date": late})
    return "/key"


def _one(field: str) -> Make:
    """One field across documents, so that no other document comes first."""

    def make(site: Site, _: SignedIn | None) -> str:
        bag_of(site).add(_DOCUMENT)
        return f"/key/work?queue=reading&field={field}&form={FORM}"

    return make


def _shown(page: Page) -> None:
    page.locator("#answer").wait_for()
    page.locator(".key-paper img").wait_for()


def _press(*keys: str) -> Callable[[Page], None]:
    def press(page: Page) -> None:
        _shown(page)
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_timeout(150)

    return press


def _whole_page(page: Page) -> None:
    _press("F2")(page)
    page.locator(".key-page-view .key-box").wait_for()


def _date(page: Page) -> None:
    _shown(page)
    page.get_by_text("27 March 1984").wait_for()


def _adjudicate(site: Site, _: SignedIn | None) -> str:
    bag_of(site).add(_REFUND, form=REFUND)
    for typed in ("12345678", "12345679"):
        _key(site, "account_number", REFUND, typed)
    return "/key/work?queue=adjudication"


def _referred(site: Site, _: SignedIn | None) -> str:
    bag_of(site).add(_DOCUMENT)
    _key(site, "forenames", FORM, None, Referral(ReferReason.CHANGED_BY_HAND, "The second name may be struck out."))
    return "/key/work?queue=referred"


def _identify(site: Site, _: SignedIn | None) -> str:
    bag_of(site).add_letters()
    return "/key/work?queue=identify"


def _key(site: Site, field: str, form: str, typed: str | None, referral: Referral | None = None) -> None:
    """Somebody keys a field, or hands it on."""
    person = site.make_person(Role.CASEWORKER)
    keyer, rules = Keyer(person.id, person.name, "caseworker", "a-screen"), site.desk.rules
    database = site.service.database
    with database.write() as session:
        now = database.now(session)
        wish = Wish(Queue.READING, field, form)
        [task] = claims.claim(session, keyer, wish, 1, now, rules.lease)
        if typed is None:
            entering.pass_on(session, keyer, Held(task, 1, 1), f"key-{person.id}", now, referral)
        else:
            entering.enter(session, rules, keyer, Held(task, 1, 1), Answer(Act.VALUE, typed), f"key-{person.id}", now)


KEY_SCREENS: Final = (
    Screen("key", Role.SENIOR, _home),
    Screen("key-field", Role.CASEWORKER, _one("surname"), _shown),
    Screen("key-candidates", Role.CASEWORKER, _one("surname"), _press("ArrowDown")),
    Screen("key-date", Role.CASEWORKER, _one("sale_date"), _date),
    Screen("key-ticks", Role.CASEWORKER, _one("keeper_title"), _shown),
    Screen("key-blind", Role.CASEWORKER, _one("registration_mark"), _shown),
    Screen("key-page", Role.CASEWORKER, _one("surname"), _whole_page),
    Screen("key-refer", Role.CASEWORKER, _one("surname"), _press("F9", "3")),
    Screen("key-keys", Role.CASEWORKER, _one("surname"), _press("Control+/")),
    Screen("key-decide", Role.SENIOR, _adjudicate, _shown),
    Screen("key-referred", Role.SENIOR, _referred, _shown),
    Screen("key-identify", Role.CASEWORKER, _identify, _shown),
)


def holds_a_task(path: str) -> Callable[[Site, SignedIn], str]:
    """Makes a task that the person holds."""

    def make(site: Site, holder: SignedIn) -> str:
        bag_of(site).add({"surname": _SURNAME})
        claim = {"screen": "a-screen", "queue": "reading", "field": "surname", "form": FORM}
        [task] = holder.send("POST", "/key/claim", claim).json()["tasks"]
        return path.format(task=task["id"], number=1)

    return make


OWN_PICTURES: Final = {
    ("GET", path): holds_a_task(path) for path in ("/tasks/{task}/snippet.png", "/tasks/{task}/pages/{number}.jpg")
}


def _hostile(site: Site, _: SignedIn) -> list[str]:
    bag_of(site).add(*[{"surname": Seen(text, reasons=(text,))} for text in PAYLOADS], draws=False)
    return [f"/key/work?queue=reading&field=surname&form={FORM}"]


HOSTILE_KEY_SCREENS: Final = (HostileScreen("keying", Role.CASEWORKER, _hostile, shows_all=False),)
