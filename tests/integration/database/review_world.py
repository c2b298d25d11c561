"""A small office of keyers: documents that were read, with fields a person must see, and people who answer."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select, update

from intake import ledger, record_rows, steps, whereabouts
from intake.database.engine import Database
from intake.database.tables import EntryRow, FieldRow, PieceRow, StepRow, TaskRow
from intake.journey import Journey
from intake.review import asking, claims, entering, showing, undoing
from intake.review.answers import Answer
from intake.review.claims import Held, Keyer, Wish
from intake.review.entering import Entered, Referral
from intake.review.rules import Rules
from intake.review.showing import Shown
from intake.step_runner import StepRunner
from schemas.field import FieldKind, FieldSpec, Rule
from schemas.form_type import FormType
from schemas.record import Record
from schemas.review import Act, Queue, ReviewMode
from schemas.states import MailState, StepName
from tests.integration.database.small_world import NOW, receive_pieces
from tests.integration.database.test_record_rows import record

BLIND, DOUBLE = ReviewMode.BLIND, ReviewMode.DOUBLE
FORM = FormType(
    "a-form",
    "A form",
    1,
    (
        FieldSpec("name", FieldKind.TEXT, "Your name", "name"),
        FieldSpec("born", FieldKind.DATE, "Date of birth", "date"),
        FieldSpec("number", FieldKind.TEXT, "Number", "identifier", alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
        FieldSpec("account", FieldKind.TEXT, "Account", "account"),
        FieldSpec("colour", FieldKind.CHOICE, "Colour", "tick", options=("Red", "Green", "Blue")),
        FieldSpec("signed", FieldKind.SIGNATURE, "Signature", "signature"),
        FieldSpec("nhs", FieldKind.TEXT, "NHS number", "health", alphabet="0123456789"),
    ),
    (Rule("nhs_number", ("nhs",)),),
    (),
    {"identifier": BLIND, "account": DOUBLE},
)
RULES = Rules({FORM.id: FORM})
ANNA, BEN, CARA, DAI = (
    Keyer(number, name, role, f"screen of {name}")
    for number, name, role in (
        (1, "anna", "caseworker"),
        (2, "ben", "caseworker"),
        (3, "cara", "senior"),
        (4, "dai", "senior"),
    )
)


def field(value: Any, text: str | None = None, **more: Any) -> dict[str, Any]:
    """A field a person must see, as the record has it."""
    shown = text if text is not None else str(value or "")
    plain = {
        "value": value, "text": shown, "kind": "text", "status": "review", "confidence": 0.8, "score": 0.5, "page": 1,
        "box": [0.1, 0.2, 0.5, 0.3], "field_class": "name", "decided_by": "policy@1/7",
        "readings": [{"text": shown, "reader": "r/1", "score": 0.9, "characters": [0.99] * len(shown)}],
        "reasons": ["The reading is not sure enough."],
    }  # fmt: skip
    return plain | more


NAME = field("Jane Doe")
BORN = field("1984-03-27", "27 3 84", kind="date", field_class="date")
NUMBER = field("AB12", field_class="identifier")
ACCOUNT = field("778899", field_class="account")
COLOUR = field(["Red"], "Red", kind="choice", field_class="tick", readings=[])
SIGNED = field(True, "", kind="signature", field_class="signature", readings=[])
SURE = field("Jane Doe", status="accepted", reasons=[])


def form(**fields: dict[str, Any]) -> Record:
    """A record with these fields, in review."""
    return record("review", fields, form_type=FORM.id)


class World:
    """A database with documents in review. Its clock stands still until a test moves it."""

    def __init__(self, database: Database, rules: Rules = RULES) -> None:
        self.database, self.rules = database, rules
        self.now = NOW
        self._keys = count(1)

    def read(self, *records: Record) -> list[int]:
        """Each record the one document of a piece that was read; the pieces."""
        with self.database.write() as session:
            pieces = receive_pieces(session, len(records))
            first = session.scalars(select(PieceRow.file_id).where(PieceRow.id == pieces[0])).one()
            for number, (piece, made) in enumerate(zip(pieces, records, strict=True), 1):
                page = made.pages[0].model_copy(update={"number": number})
                documents = record_rows.save(
                    session, piece, first, [made.model_copy(update={"pages": [page]})], self.now
                )
                session.execute(update(StepRow).where(StepRow.piece_id == piece).values(state="done"))
                asked = asking.ask(session, [(documents[0], made)], self.rules, self.now.date(), self.now)
                if asked:
                    whereabouts.move_piece(session, piece, MailState.IN_REVIEW, self.now)
                else:
                    steps.add(session, StepName.PUBLISH, steps.Subject(piece_id=piece), self.now)
        return pieces

    def later(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now

    def claim(self, keyer: Keyer, queue: Queue = Queue.READING, most: int = 1, **more: Any) -> list[Shown]:
        there = claims.OnScreen(have=more.pop("have", ()))
        with self.database.write() as session:
            found = claims.claim(session, keyer, Wish(queue, **more), most, self.now, self.rules.lease, there)
            return showing.show(session, self.rules, found)

    def one(self, keyer: Keyer, queue: Queue = Queue.READING) -> Shown:
        [shown] = self.claim(keyer, queue)
        return shown

    def key(self) -> str:
        return f"key-{next(self._keys)}"

    def enter(self, keyer: Keyer, task: Shown, answer: Answer | str, key: str = "", over: int | None = None) -> Entered:
        given = Answer(Act.VALUE, answer) if isinstance(answer, str) else answer
        held = Held(task.id, task.fence, task.version, over)
        with self.database.write() as session:
            return entering.enter(session, self.rules, keyer, held, given, key or self.key(), self.now)

    def pass_on(self, keyer: Keyer, task: Shown, referral: Referral | None = None) -> Entered:
        held = Held(task.id, task.fence, task.version)
        with self.database.write() as session:
            return entering.pass_on(session, keyer, held, self.key(), self.now, referral)

    def undo(self, keyer: Keyer, which: str | None = None) -> Shown:
        with self.database.write() as session:
            task = undoing.undo(session, self.rules, keyer, self.key(), self.now, which)
            [shown] = showing.show(session, self.rules, [task])
            return shown

    def field(self, name: str, document: int = 1) -> FieldRow:
        with self.database.read() as session:
            query = select(FieldRow).where(FieldRow.name == name, FieldRow.document_id == document)
            return session.scalars(query).one()

    def task(self, id: int) -> TaskRow:
        with self.database.read() as session:
            return session.get_one(TaskRow, id)

    def entries(self) -> list[EntryRow]:
        with self.database.read() as session:
            return list(session.scalars(select(EntryRow).order_by(EntryRow.id)))

    def state(self, piece: int = 1) -> MailState:
        with self.database.read() as session:
            return session.get_one(PieceRow, piece).state

    def differences(self) -> dict[str, int]:
        with self.database.read() as session:
            return dict(ledger.take(session).differences)

    def publish(self) -> int:
        """Do every publication that is ready, as a worker would; how many."""
        runner = StepRunner(self.database.with_clock(lambda: self.now), publishing(self).bodies, "worker-1")
        try:
            return runner.run_until_idle()
        finally:
            runner.close()


def publishing(world: World) -> Journey:
    """A worker's steps, of which only the last has what it needs."""
    nothing: Any = None
    return Journey(world.database, nothing, nothing, nothing, nothing)


def with_settle(world: World, **by: float) -> World:
    """The same world, where pieces wait so long before they are published."""
    world.rules = replace(world.rules, settle=timedelta(**by))
    return world
