"""Many keyers at once, in processes of their own: every task is held by one, every entry counts, none is lost.

POSTROOM_KEYING sets clients and claims of each, "8,5000" for the full size.
"""

import multiprocessing
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from intake import ledger
from intake.database.engine import Database, open_database
from intake.database.tables import AuditRow, EntryRow, FieldRow, TaskRow
from intake.review import claims, entering, undoing
from intake.review.answers import Answer
from intake.review.claims import Held, Keyer, Wish
from intake.review.entering import Stale
from intake.review.rules import Rules
from intake.review.undoing import CannotUndo
from schemas.errors import Unavailable
from schemas.review import Act, Outcome, Queue
from schemas.states import TaskState
from tests.integration.database.review_world import NAME, RULES, World, form
from tests.integration.database.small_world import NOW

Found = TypeVar("Found")
CLIENTS, CLAIMS = map(int, os.environ.get("POSTROOM_KEYING", "8,10").split(","))
# Of a hundred claims: those taken back again, and those whose holder dies and comes back too late.
TAKEN_BACK, ABANDONED = 5, 5
LEASE = timedelta(minutes=10)


@dataclass
class Client:
    """One keyer's screen, in a process of its own; its clock runs ahead by ten minutes with every hundred claims."""

    database: Database
    keyer: Keyer
    chance: random.Random

    def work(self) -> "list[tuple[int, int]]":
        """Claim and answer; (task, fence) of every claim made."""
        made: list[tuple[int, int]] = []
        while len(made) < CLAIMS:
            now = NOW + LEASE * (len(made) // 100)
            taken = self.claim(now)
            if not taken:
                return made
            for held in taken:
                made.append((held.task_id, held.fence))
                self.answer(held, now)
        return made

    def claim(self, now) -> list[Held]:  # type: ignore[no-untyped-def]
        def do(session: Session) -> list[Held]:
            ids = claims.claim(session, self.keyer, Wish(Queue.READING), self.chance.choice((1, 3)), now, LEASE)
            rows = session.execute(select(TaskRow.id, TaskRow.fence, TaskRow.version).where(TaskRow.id.in_(ids)))
            return [Held(*row) for row in rows]

        return patiently(self.database, do)

    def answer(self, held: Held, now) -> None:  # type: ignore[no-untyped-def]
        luck = self.chance.randrange(100)
        if luck < ABANDONED:
            now += LEASE * 2  # somebody else may have it by then
        keyed = Answer(Act.VALUE, f"keyed by {self.keyer.id} under {held.fence}")
        key = f"{self.keyer.id}/{held.task_id}/{held.fence}"
        do = partial(entering.enter, rules=RULES, keyer=self.keyer, held=held, answer=keyed, key=key, now=now)
        try:
            patiently(self.database, do)
        except Stale:
            return
        if luck >= 100 - TAKEN_BACK:
            take = partial(undoing.undo, rules=RULES, keyer=self.keyer, new_key=f"u/{key}", now=now, which=key)
            try:
                patiently(self.database, take)
            except CannotUndo:
                return
            patiently(self.database, partial(self.give_back, task=held.task_id))

    def give_back(self, session: Session, task: int) -> None:
        fence = session.scalars(select(TaskRow.fence).where(TaskRow.id == task)).one()
        claims.release(session, self.keyer, {task: fence}, NOW)


def patiently(database: Database, do: Callable[[Session], Found]) -> Found:
    """SQLite's lock is not handed out in turn: on a busy machine one of eight may wait for longer than is allowed."""
    while True:
        try:
            with database.write() as session:
                return do(session)
        except Unavailable:
            continue


def _work(url: str, number: int, done: "multiprocessing.Queue[tuple[int, list[tuple[int, int]]]]") -> None:
    database = open_database(url)
    keyer = Keyer(number, f"keyer-{number}", "caseworker", f"screen-{number}")
    client = Client(database, keyer, random.Random(number))  # noqa: S311  # a seeded test, no secret
    done.put((number, client.work()))
    database.close()


@pytest.mark.slow
def test_eight_clients_hold_no_task_twice_and_lose_no_update(database: Database, url: str) -> None:
    world = World(database, Rules(RULES.forms, settle=timedelta(seconds=60)))
    pieces = CLIENTS * CLAIMS
    for first in range(0, pieces, 500):
        world.read(*[form(name=NAME)] * min(500, pieces - first))
    database.close()
    context = multiprocessing.get_context("fork")
    done = context.Queue()
    clients = [context.Process(target=_work, args=(url, number, done)) for number in range(1, CLIENTS + 1)]
    for client in clients:
        client.start()
    made = dict(done.get(timeout=7200) for _ in clients)
    for client in clients:
        client.join()
    held = Counter(claim for each in made.values() for claim in each)
    double = {claim: times for claim, times in held.items() if times > 1}
    assert double == {}
    assert sum(len(each) > 0 for each in made.values()) > 1  # they did work side by side
    with database.read() as session:
        lost = lost_updates(session)
        assert lost == []
        assert session.scalars(select(func.count()).select_from(AuditRow)).one() > sum(map(len, made.values()))
        assert ledger.take(session).differences == {}
    print(f"{CLIENTS} clients, {sum(held.values())} claims: {len(double)} held twice, {len(lost)} updates lost")


def lost_updates(session: Session) -> list[int]:
    """Tasks whose field does not say what the last entry that was taken says."""
    undone = set(session.scalars(select(EntryRow.undoes).where(EntryRow.undoes.is_not(None))))
    last = {
        entry.task_id: entry.text
        for entry in session.scalars(select(EntryRow).order_by(EntryRow.id))
        if entry.outcome is Outcome.SETTLED and entry.id not in undone
    }
    query = select(TaskRow.id, TaskRow.state, FieldRow.text).join(
        FieldRow, (FieldRow.document_id == TaskRow.document_id) & (FieldRow.name == TaskRow.field)
    )
    return [
        task
        for task, state, text in session.execute(query)
        if text != last.get(task, NAME["text"]) or (state is TaskState.DONE) != (task in last)
    ]


def test_an_update_that_was_lost_would_be_seen(database: Database) -> None:
    world = World(database)
    world.read(form(name=NAME))
    with database.write() as session:
        session.execute(update(FieldRow).values(text="somebody's"))
    with database.read() as session:
        assert lost_updates(session) == [1]
