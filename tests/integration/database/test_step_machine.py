"""Any order of claims, crashes, failures, sweeps and clock jumps: nothing is lost, nothing takes effect twice."""

import os
from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from intake import ledger, steps, whereabouts
from intake.database.engine import Database
from intake.database.tables import AuditRow, PieceRow, StepRow
from intake.steps import ATTEMPTS, Claim, Fenced, Subject
from intake.sweep import sweep
from schemas.states import MailState, StepName, StepState
from tests.integration.database.small_world import BROKEN, NOW, receive_pieces

_PIECES = 3
RUNS = int(os.environ.get("POSTROOM_STEP_RUNS", "12"))  # more for `make soak`
READ = (StepName.READ,)


class Crash(Exception):
    """The worker died."""


class Workers(RuleBasedStateMachine):
    """Workers that do what they please with the claims they hold, against what must be true all the same."""

    claims = Bundle("claims")

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.now: datetime = NOW
        with database.write() as session:
            self.pieces = receive_pieces(session, _PIECES)
        self.done: list[int | None] = []
        self.cancelled: set[int] = set()
        self.charged = dict.fromkeys(self.pieces, 0)  # attempts of a piece that were not given back

    @rule(target=claims, worker=st.sampled_from(["a", "b"]))
    def claim(self, worker: str) -> object:
        with self.database.write() as session:
            claim = steps.claim(session, READ, worker, self.now)
        if claim is None:
            return multiple()
        self._charge(claim)
        return claim

    @rule(claim=claims)
    def finish(self, claim: Claim) -> None:
        try:
            with self.database.write() as session:
                self._finish_within(session, claim)
        except Fenced:
            return
        self.done.append(claim.subject.piece_id)

    @rule(target=claims, claim=claims)
    def finish_and_claim_the_next(self, claim: Claim) -> object:
        """As a worker that goes on: both in one transaction."""
        try:
            with self.database.write() as session:
                self._finish_within(session, claim)
                following = steps.claim(session, READ, claim.worker, self.now)
        except Fenced:
            return multiple()
        self.done.append(claim.subject.piece_id)
        if following is None:
            return multiple()
        self._charge(following)
        return following

    @rule(claim=claims)
    def crash_before_the_commit(self, claim: Claim) -> None:
        """All of it was written, nothing of it counts."""
        with suppress(Fenced, Crash), self.database.write() as session:
            self._finish_within(session, claim)
            steps.claim(session, READ, claim.worker, self.now)
            raise Crash

    @rule(piece=st.integers(0, _PIECES - 1))
    def cancel(self, piece: int) -> None:
        """A person rejects the piece, whoever has it in hand and whatever became of it, unless it is done."""
        piece_id = self.pieces[piece]
        with self.database.write() as session:
            if steps.cancel(session, Subject(piece_id=piece_id), self.now):
                whereabouts.move_piece(session, piece_id, MailState.REJECTED, self.now, BROKEN)
                self.cancelled.add(piece_id)

    def _charge(self, claim: Claim) -> None:
        assert claim.subject.piece_id is not None
        self.charged[claim.subject.piece_id] += 1
        assert claim.attempt == self.charged[claim.subject.piece_id] <= ATTEMPTS

    def _finish_within(self, session: Session, claim: Claim) -> None:
        assert claim.subject.piece_id is not None
        steps.finish(session, claim, self.now)
        whereabouts.move_piece(session, claim.subject.piece_id, MailState.REJECTED, self.now, BROKEN)

    @rule(claim=claims)
    def fail(self, claim: Claim) -> None:
        try:
            with self.database.write() as session:
                steps.fail(session, claim, BROKEN, self.now)
        except Fenced:
            return

    @rule(claim=claims)
    def renew(self, claim: Claim) -> None:
        try:
            with self.database.write() as session:
                steps.renew(session, claim, self.now)
        except Fenced:
            return

    @rule(claim=claims)
    def release(self, claim: Claim) -> None:
        try:
            with self.database.write() as session:
                steps.release(session, claim, self.now)
        except Fenced:
            return
        assert claim.subject.piece_id is not None
        self.charged[claim.subject.piece_id] -= 1

    @rule(claim=consumes(claims))
    def crash(self, claim: Claim) -> None:
        """Never heard of again."""

    @rule(seconds=st.sampled_from([-3600, -5, 1, 20, 70, 3600]))
    def clock_moves(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def sweep(self) -> None:
        sweep(self.database, self.now)

    @rule(piece=st.integers(0, _PIECES - 1))
    def retry(self, piece: int) -> None:
        with self.database.write() as session:
            step = session.scalars(select(StepRow).where(StepRow.piece_id == self.pieces[piece])).one()
            if step.state is StepState.QUARANTINED:
                steps.retry(session, step.id, "anna", self.now)
                self.charged[self.pieces[piece]] = 0

    def teardown(self) -> None:
        """A last worker that does not fail takes what is left; then everything is done once, or given up."""
        for _ in range(4):
            self.now += timedelta(minutes=5)
            sweep(self.database, self.now)
            while True:
                with self.database.write() as session:
                    claim = steps.claim(session, READ, "last", self.now)
                if claim is None:
                    break
                self.finish(claim)
        with self.database.read() as session:
            states = dict(
                session.execute(select(StepRow.piece_id, StepRow.state).where(StepRow.piece_id.in_(self.pieces))).all()
            )
            mail = dict(session.execute(select(PieceRow.id, PieceRow.state).where(PieceRow.id.in_(self.pieces))).all())
            gone = [piece for piece in self.pieces if states[piece] is StepState.QUARANTINED]
            assert {piece for piece in self.pieces if states[piece] is StepState.CANCELLED} == self.cancelled
            assert sorted(piece for piece in self.done if piece) == sorted(
                set(self.pieces) - set(gone) - self.cancelled
            )
            assert set(states.values()) <= {StepState.DONE, StepState.QUARANTINED, StepState.CANCELLED}
            assert all(
                mail[piece] is (MailState.QUARANTINED if piece in gone else MailState.REJECTED) for piece in mail
            )
            assert all(self.charged[piece] == ATTEMPTS for piece in gone)
            assert set(session.scalars(select(AuditRow.action))) <= {"quarantined", "step retried"}
            assert ledger.take(session).differences == {}


def test_nothing_is_lost_and_nothing_takes_effect_twice_whatever_happens_in_between(database: Database) -> None:
    run_state_machine_as_test(
        lambda: Workers(database),
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=30,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
