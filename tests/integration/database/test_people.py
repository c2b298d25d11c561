"""Accounts, passwords, sessions, one-time links and the throttle, on both databases, by a clock of the test."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from intake import audit
from intake.database.engine import Database, open_database
from intake.database.tables import AuditRow, LinkRow, PersonRow, SessionRow, ThrottleRow
from intake.people import accounts, devices, links, passwords, sessions, signing_in, throttle
from intake.people.errors import (
    LastAdmin,
    LinkUnusable,
    NameTaken,
    NoSuchPerson,
    UnfitName,
    UnfitPassword,
    WrongPassword,
)
from intake.people.person import Person
from intake.people.sessions import Lifetimes
from intake.people.signing_in import Changed, Paused, Refused, SignedIn
from schemas.people import LinkPurpose, Right, Role

LASTS = Lifetimes(timedelta(minutes=30), timedelta(hours=12))
PASSWORD = "correct horse battery"  # noqa: S105  # of people who are only there for a test
WRONG = "not the password"
KEPT = passwords.hashed(PASSWORD)
HERE = "192.0.2.7"


class Clock:
    """Stands still until it is put on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def put_on(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(url: str, clock: Clock) -> Iterator[Database]:
    database = open_database(url).with_clock(clock)
    yield database
    database.close()


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing takes long on purpose; that it does is shown where it matters."""
    monkeypatch.setattr(passwords, "is_right", lambda kept, password: kept == KEPT and password == PASSWORD)
    monkeypatch.setattr(passwords, "hashed", lambda password: KEPT if password == PASSWORD else f"hash {password}")
    monkeypatch.setattr(passwords, "is_out_of_date", lambda kept: False)


def make(office: Database, role: Role = Role.OPERATOR, name: str = "anna") -> Person:
    with office.write() as session:
        return accounts.make(session, name, name.title(), role, "test", office.now(session), KEPT)


def sign_in(
    office: Database, name: str = "anna", password: str = PASSWORD, address: str = HERE, proofs: str = ""
) -> SignedIn | Refused | Paused:
    return signing_in.sign_in(office, name, password, address, LASTS, proofs)


def proofs_of(outcome: object) -> str:
    assert isinstance(outcome, SignedIn)
    return outcome.proofs


def strangers_guess(office: Database, name: str = "anna") -> list[type]:
    """Fifty of them, each from another address."""
    return [type(sign_in(office, name, WRONG, f"198.51.100.{number}")) for number in range(50)]


def token_of(outcome: object) -> str:
    assert isinstance(outcome, SignedIn)
    return outcome.token


def holder(office: Database, token: str) -> Person | None:
    with office.read() as session:
        visit = sessions.whose(session, token, office.now(session), LASTS)
        return None if visit is None else visit.person


def audited(office: Database) -> list[tuple[str, str, str]]:
    with office.read() as session:
        assert audit.verify(session) is None
        rows = session.scalars(select(AuditRow).order_by(AuditRow.sequence))
        return [(row.actor, row.action, row.subject) for row in rows]


def count(office: Database, table: type) -> int:
    with office.read() as session:
        return int(session.scalars(select(func.count()).select_from(table)).one())


def test_somebody_signs_in_and_out_and_each_is_audited(office: Database) -> None:
    anna = make(office)
    token = token_of(sign_in(office, " ANNA "))
    assert holder(office, token) == anna
    signing_in.sign_out(office, token)
    assert holder(office, token) is None
    signing_in.sign_out(office, token)
    who = f"person:{anna.id}"
    assert audited(office)[1:] == [(who, "signed in", who), (who, "signed out", who)]


def test_the_database_holds_neither_secrets_nor_passwords(office: Database) -> None:
    make(office, Role.ADMIN)
    token = token_of(sign_in(office))
    with office.write() as session:
        _, link = accounts.invite(session, "ben", "Ben", Role.OPERATOR, "test", office.now(session))
    with office.read() as session:
        for table in (PersonRow, SessionRow, LinkRow, ThrottleRow, AuditRow):
            rows = session.execute(select(*table.__table__.columns)).all()
            told = repr(rows)
            assert token not in told
            assert link not in told
            assert PASSWORD not in told
            if table is AuditRow:
                assert "ben" not in told.lower()


@pytest.mark.parametrize(
    ("name", "password", "cause"),
    [("anna", "wrong password", "wrong password"), ("nobody", PASSWORD, "unknown name"), ("gone", PASSWORD, "disabled"),
     ("invited", "", "wrong password"), ("anna", "", "wrong password")],
)  # fmt: skip
def test_whoever_is_refused_is_audited_with_the_cause_and_gets_no_session(
    office: Database, name: str, password: str, cause: str
) -> None:
    make(office)
    gone = make(office, name="gone")
    with office.write() as session:
        accounts.disable(session, gone.id, "test", office.now(session))
        accounts.invite(session, "invited", "Invited", Role.OPERATOR, "test", office.now(session))
    assert sign_in(office, name, password) == Refused()
    assert count(office, SessionRow) == 0
    with office.read() as session:
        last = session.scalars(select(AuditRow).order_by(AuditRow.sequence.desc()).limit(1)).one()
    assert (last.actor, last.action, json.loads(last.details)) == ("nobody", "sign-in failed", {"cause": cause})


def test_a_session_ends_when_nothing_is_done_and_at_its_end_whatever_is_done(office: Database, clock: Clock) -> None:
    make(office)
    idle, busy = token_of(sign_in(office)), token_of(sign_in(office))
    ends = clock.now + LASTS.absolute
    while clock.now < ends - timedelta(minutes=20):
        clock.put_on(timedelta(minutes=20))
        with office.write() as session:
            visit = sessions.whose(session, busy, clock.now, LASTS)
            assert visit is not None
            assert visit.is_due
            sessions.note_seen(session, visit.session_id, clock.now)
    assert holder(office, idle) is None
    assert holder(office, busy) is not None
    clock.put_on(ends - clock.now)
    assert holder(office, busy) is None
    sign_in(office)
    assert count(office, SessionRow) == 1  # those that ended are cleared away


def test_that_somebody_was_there_is_written_once_a_minute(office: Database, clock: Clock) -> None:
    make(office)
    token = token_of(sign_in(office))
    for seconds, is_due in ((0, False), (59, False), (60, True)):
        with office.read() as session:
            visit = sessions.whose(session, token, clock.now + timedelta(seconds=seconds), LASTS)
        assert visit is not None
        assert visit.is_due is is_due


def test_a_new_role_counts_at_once_in_a_session_that_is_open(office: Database) -> None:
    anna = make(office)
    token = token_of(sign_in(office))
    with office.write() as session:
        accounts.change_role(session, anna.id, Role.AUDITOR, "test", office.now(session))
    found = holder(office, token)
    assert found is not None
    assert found.role is Role.AUDITOR
    assert not found.may(Right.ADD_BATCHES)


def test_whoever_is_disabled_is_out_everywhere_and_their_links_are_useless(office: Database) -> None:
    anna = make(office)
    tokens = [token_of(sign_in(office)) for _ in range(3)]
    with office.write() as session:
        link = accounts.new_link(session, anna.id, "test", office.now(session))
        accounts.disable(session, anna.id, "person:9", office.now(session))
    assert [holder(office, token) for token in tokens] == [None] * 3
    with pytest.raises(LinkUnusable):
        signing_in.choose_password(office, link, PASSWORD, LASTS)
    assert sign_in(office) == Refused()
    with office.write() as session, pytest.raises(NoSuchPerson, match="Let them in again"):
        accounts.new_link(session, anna.id, "test", office.now(session))
    with office.write() as session:
        accounts.enable(session, anna.id, "person:9", office.now(session))
    assert isinstance(sign_in(office), SignedIn)


def test_a_session_that_began_while_its_person_was_disabled_is_none(office: Database) -> None:
    anna = make(office)
    token = token_of(sign_in(office))
    with office.write() as session:
        session.get_one(PersonRow, anna.id).disabled_at = office.now(session)
    assert holder(office, token) is None


def test_the_last_admin_can_neither_be_disabled_nor_lose_the_role(office: Database) -> None:
    anna, ben = make(office, Role.ADMIN), make(office, Role.ADMIN, "ben")
    with office.write() as session:
        accounts.invite(session, "cleo", "Cleo", Role.ADMIN, "test", office.now(session))  # has no password yet
        accounts.disable(session, ben.id, "test", office.now(session))
    for change in (
        lambda session: accounts.disable(session, anna.id, "test", office.now(session)),
        lambda session: accounts.change_role(session, anna.id, Role.OPERATOR, "test", office.now(session)),
    ):
        with pytest.raises(LastAdmin), office.write() as session:
            change(session)


def test_two_admins_who_disable_each_other_at_once_leave_one(office: Database) -> None:
    anna, ben = make(office, Role.ADMIN), make(office, Role.ADMIN, "ben")
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def disable(who: Person, other: Person) -> None:
        start.wait()
        try:
            with office.write() as session:
                accounts.disable(session, other.id, who.actor, office.now(session))
            outcomes.append("done")
        except LastAdmin:
            outcomes.append("refused")

    threads = [threading.Thread(target=disable, args=pair) for pair in ((anna, ben), (ben, anna))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "refused"]


def test_the_first_link_makes_one_admin_and_only_while_there_is_nobody(office: Database) -> None:
    with office.write() as session:
        replaced = accounts.first_link(session, office.now(session))
        token = accounts.first_link(session, office.now(session))
    assert replaced is not None
    assert token is not None
    with pytest.raises(LinkUnusable):
        signing_in.make_first_person(office, replaced, "eve", "Eve", PASSWORD, LASTS)
    with pytest.raises(UnfitPassword):
        signing_in.make_first_person(office, token, "anna", "Anna Jones", "short", LASTS)
    with pytest.raises(UnfitName):
        signing_in.make_first_person(office, token, "a b", "Anna Jones", PASSWORD, LASTS)
    made = signing_in.make_first_person(office, token, "Anna", "Anna Jones", PASSWORD, LASTS)
    assert (made.person.name, made.person.role) == ("anna", Role.ADMIN)
    assert holder(office, made.token) == made.person
    with pytest.raises(LinkUnusable):
        signing_in.make_first_person(office, token, "eve", "Eve", PASSWORD, LASTS)
    with office.write() as session:
        assert accounts.first_link(session, office.now(session)) is None
    assert count(office, PersonRow) == 1


def test_a_link_lasts_its_time_and_works_once(office: Database, clock: Clock) -> None:
    with office.write() as session:
        person, token = accounts.invite(session, "ben", "Ben", Role.OPERATOR, "test", office.now(session))
    with office.read() as session:
        for _ in range(3):  # whoever only looks does not use it up
            assert links.look(session, token, clock.now).purpose is LinkPurpose.INVITATION
    clock.put_on(accounts.LINK_LASTS)
    with pytest.raises(LinkUnusable):
        signing_in.choose_password(office, token, PASSWORD, LASTS)
    with office.write() as session:
        token = accounts.new_link(session, person.id, "test", office.now(session))
    assert signing_in.choose_password(office, token, PASSWORD, LASTS).person == person
    with pytest.raises(LinkUnusable):
        signing_in.choose_password(office, token, PASSWORD, LASTS)
    for nonsense in ("", "x", token[:-1], token + "A", "\udcff"):
        with pytest.raises(LinkUnusable):
            signing_in.choose_password(office, nonsense, PASSWORD, LASTS)


def test_of_two_who_use_a_link_at_once_one_succeeds(office: Database) -> None:
    with office.write() as session:
        _, token = accounts.invite(session, "ben", "Ben", Role.OPERATOR, "test", office.now(session))
    outcomes: list[bool] = []
    start = threading.Barrier(4)

    def use() -> None:
        start.wait()
        try:
            signing_in.choose_password(office, token, PASSWORD, LASTS)
            outcomes.append(True)
        except LinkUnusable:
            outcomes.append(False)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, False, False, True]


def test_a_new_password_ends_what_was_signed_in_with_the_old(office: Database) -> None:
    anna = make(office)
    stays, goes = token_of(sign_in(office)), token_of(sign_in(office))
    with pytest.raises(UnfitPassword, match="current"):
        signing_in.change_password(office, anna, "wrong password", "a new one of mine", stays, HERE)
    changed = signing_in.change_password(office, anna, PASSWORD, "a new one of mine", stays, HERE)
    assert isinstance(changed, Changed)
    assert holder(office, stays) == anna
    assert holder(office, goes) is None
    assert sign_in(office) == Refused()


def test_a_wrong_current_password_and_a_changed_one_are_audited(office: Database) -> None:
    anna = make(office)
    token = token_of(sign_in(office))
    with pytest.raises(WrongPassword):
        signing_in.change_password(office, anna, WRONG, "a new one of mine", token, HERE)
    changed = signing_in.change_password(office, anna, PASSWORD, "a new one of mine", token, HERE)
    assert isinstance(changed, Changed)
    who = anna.actor
    assert audited(office)[2:] == [(who, "password change failed", who), (who, "password chosen", who)]
    with office.read() as session:
        details = session.scalars(select(AuditRow.details).where(AuditRow.action == "password change failed")).one()
    assert json.loads(details) == {"cause": "wrong password"}


def test_guessing_for_one_name_gets_slower_and_slower_and_is_then_not_even_looked_at(
    office: Database, clock: Clock
) -> None:
    make(office)
    make(office, name="ben")
    for _ in range(throttle.FREE_FOR_A_NAME):
        assert sign_in(office, password=WRONG) == Refused()
    pauses = []
    for _ in range(10):
        assert sign_in(office, password=WRONG) == Refused()
        paused = sign_in(office)  # the right one: not looked at now
        assert isinstance(paused, Paused)
        pauses.append(paused.seconds)
        clock.put_on(timedelta(seconds=paused.seconds))
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert isinstance(sign_in(office, "ben"), SignedIn)  # others are not held up by it
    assert isinstance(sign_in(office), SignedIn)
    assert sign_in(office, password=WRONG) == Refused()  # and it begins anew


def test_whoever_is_paused_leaves_no_row_for_every_name_they_try(office: Database) -> None:
    for number in range(throttle.FREE_FOR_AN_ADDRESS + 1):
        sign_in(office, f"somebody{number}", WRONG)
    rows = count(office, ThrottleRow)
    for number in range(20):
        assert isinstance(sign_in(office, f"another{number}", WRONG), Paused)
    assert count(office, ThrottleRow) == rows


def test_all_addresses_of_one_ipv6_network_are_one(office: Database) -> None:
    for number in range(throttle.FREE_FOR_AN_ADDRESS + 1):
        sign_in(office, f"somebody{number}", WRONG, f"2001:db8:0:1::{number:x}")
    assert isinstance(sign_in(office, "bertha", WRONG, "2001:db8:0:1:ffff::1"), Paused)
    assert isinstance(sign_in(office, "bertha", WRONG, "2001:db8:0:2::1"), Refused)


def test_guessing_one_password_for_many_names_from_one_address_is_slowed_down_as_well(office: Database) -> None:
    make(office)
    for number in range(throttle.FREE_FOR_AN_ADDRESS + 1):
        assert sign_in(office, f"name{number}") == Refused()
    assert isinstance(sign_in(office), Paused)
    assert isinstance(sign_in(office, address="192.0.2.8"), SignedIn)


def test_knowing_one_password_gives_no_free_guesses_at_others(office: Database) -> None:
    make(office)
    for number in range(throttle.FREE_FOR_AN_ADDRESS):
        assert sign_in(office, f"name{number}") == Refused()
    assert isinstance(sign_in(office), SignedIn)
    assert sign_in(office, "one more") == Refused()
    assert isinstance(sign_in(office), Paused)


def test_failures_are_forgotten_after_an_hour(office: Database, clock: Clock) -> None:
    make(office)
    for _ in range(throttle.FREE_FOR_A_NAME + 1):
        sign_in(office, password=WRONG)
    clock.put_on(timedelta(hours=1, seconds=1))
    assert sign_in(office, password=WRONG) == Refused()
    assert sign_in(office, password=WRONG) == Refused()
    assert isinstance(sign_in(office), SignedIn)
    assert count(office, ThrottleRow) <= 1


def test_the_owner_gets_in_where_they_signed_in_before_while_strangers_guess(office: Database) -> None:
    make(office)
    proofs = proofs_of(sign_in(office))
    free = throttle.FREE_FOR_A_NAME + 1
    assert strangers_guess(office) == [Refused] * free + [Paused] * (50 - free)
    assert isinstance(sign_in(office), Paused)  # in another browser even the owner
    for _ in range(3):
        assert isinstance(sign_in(office, proofs=proofs), SignedIn)
    # That they succeeded frees nobody else.
    assert set(strangers_guess(office)) == {Paused}
    assert isinstance(sign_in(office), Paused)


def test_strangers_behind_the_owners_own_address_do_not_keep_them_out(office: Database) -> None:
    make(office)
    proofs = proofs_of(sign_in(office))
    for number in range(throttle.FREE_FOR_AN_ADDRESS + 1):
        sign_in(office, f"somebody{number}", WRONG)
    assert isinstance(sign_in(office), Paused)
    assert isinstance(sign_in(office, proofs=proofs), SignedIn)


def test_a_proof_that_was_made_up_or_is_another_persons_or_too_old_helps_nobody(office: Database, clock: Clock) -> None:
    anna = make(office)
    make(office, name="ben")
    old = proofs_of(sign_in(office))
    clock.put_on(devices.LASTS - timedelta(hours=1))
    good, bens = proofs_of(sign_in(office)), proofs_of(sign_in(office, "ben"))
    clock.put_on(timedelta(hours=1))
    strangers_guess(office)
    issued, nonce, mac = good.split(".")
    swapped = "0" if mac[-1] != "0" else "1"
    forged = [
        old, bens, f"{issued}.{nonce}.{mac[:-1]}{swapped}", f"{int(issued) + 1}.{nonce}.{mac}", f"0{good}",
        f"{issued}.{nonce[::-1]}.{mac}", f"{issued}.{nonce}.", f"{issued}.{nonce}", "..", ":::", "\udcff.\u0661.x",
        f"{anna.id}", f"{'9' * 400}.{nonce}.{mac}", ":".join([bens] * 500) + ":" + good, good.upper(), good + "\n",
    ]  # fmt: skip
    for proofs in forged:
        assert isinstance(sign_in(office, proofs=proofs), Paused), proofs
    assert isinstance(sign_in(office, proofs=good), SignedIn)


def test_guessing_in_a_browser_of_the_owner_is_slowed_down_there(office: Database) -> None:
    make(office)
    proofs = proofs_of(sign_in(office))
    for _ in range(throttle.FREE_FOR_A_NAME + 1):
        assert sign_in(office, password=WRONG, proofs=proofs) == Refused()
    assert isinstance(sign_in(office, proofs=proofs), Paused)
    assert isinstance(sign_in(office), SignedIn)  # the owner at home, meanwhile


def test_a_new_password_ends_what_other_browsers_proved(office: Database, clock: Clock) -> None:
    anna = make(office)
    first, second = sign_in(office), sign_in(office)
    changed = signing_in.change_password(
        office, anna, PASSWORD, "a new one of mine", token_of(second), HERE, proofs_of(second)
    )
    assert isinstance(changed, Changed)
    strangers_guess(office)
    for proofs in (proofs_of(first), proofs_of(second)):
        assert isinstance(sign_in(office, proofs=proofs), Paused)
    assert sign_in(office, proofs=changed.proofs) == Refused()  # looked at: the old password is wrong now
    with office.write() as session:
        link = accounts.new_link(session, anna.id, "test", office.now(session))
    chosen = signing_in.choose_password(office, link, "another new one", LASTS, changed.proofs)
    assert isinstance(sign_in(office, proofs=changed.proofs), Paused)
    assert sign_in(office, proofs=chosen.proofs) == Refused()


def test_guessing_strangers_do_not_keep_the_owner_from_changing_the_password(office: Database) -> None:
    anna = make(office)
    here = sign_in(office)
    strangers_guess(office)
    new = "a new one of mine"
    assert isinstance(signing_in.change_password(office, anna, PASSWORD, new, token_of(here), HERE), Paused)
    changed = signing_in.change_password(office, anna, PASSWORD, new, token_of(here), HERE, proofs_of(here))
    assert isinstance(changed, Changed)


def test_several_people_share_a_browser_and_the_latest_eight_are_known_there(office: Database) -> None:
    names = [f"person{number}" for number in range(9)]
    proofs = ""
    for name in names:
        make(office, name=name)
        for _ in range(2):
            proofs = proofs_of(sign_in(office, name, proofs=proofs))
    assert len(proofs) < 1_000
    outcomes = []
    for name in names:
        strangers_guess(office, name)
        outcomes.append(type(sign_in(office, name, proofs=proofs)))
    assert outcomes == [Paused] + [SignedIn] * 8


def test_whoever_has_no_password_or_may_not_sign_in_is_helped_by_no_proof(office: Database) -> None:
    anna = make(office)
    proofs = proofs_of(sign_in(office))
    with office.write() as session:
        accounts.invite(session, "invited", "Invited", Role.OPERATOR, "test", office.now(session))
        accounts.disable(session, anna.id, "test", office.now(session))
    for name in ("anna", "invited", "nobody"):
        assert sign_in(office, name, proofs=proofs) == Refused()


def test_many_attempts_at_once_get_no_further_than_one_after_the_other(office: Database) -> None:
    make(office)
    outcomes: list[str] = []
    start = threading.Barrier(12)

    def guess() -> None:
        start.wait()
        outcomes.append(type(sign_in(office, password=WRONG)).__name__)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("Refused") == throttle.FREE_FOR_A_NAME + 1
    assert outcomes.count("Paused") == 12 - throttle.FREE_FOR_A_NAME - 1


def test_names_are_kept_in_small_letters_and_are_there_once(office: Database) -> None:
    make(office, name="Anna.Jones")
    with pytest.raises(NameTaken):
        make(office, name="anna.jones")
    for unfit in ("", "a b", "-x", "x-", "ann\u0430", "x" * 65, "<b>", "person:1"):
        with pytest.raises(UnfitName):
            make(office, name=unfit)
    for unfit in ("", "  ", "x" * 101, "Anna\u202ejones", "An\u200bna", "a\x00b"):
        with pytest.raises(UnfitName), office.write() as session:
            accounts.make(session, "ben", unfit, Role.OPERATOR, "test", office.now(session))
