"""Where mail may go from where it stands."""

import pytest

from schemas.states import FURTHEST_FROM_DONE, MOVES, ForbiddenMove, MailState, move


def test_rejected_mail_goes_nowhere_else() -> None:
    for state in MailState:
        with pytest.raises(ForbiddenMove, match="rejected -> "):
            move(MailState.REJECTED, state)


def test_mail_in_quarantine_is_published_only_after_it_was_worked_on_again() -> None:
    with pytest.raises(ForbiddenMove, match="quarantined -> published"):
        move(MailState.QUARANTINED, MailState.PUBLISHED)
    assert move(MailState.QUARANTINED, MailState.IN_WORK) is MailState.IN_WORK


def test_every_state_has_its_moves_and_its_place_in_the_order() -> None:
    assert set(MOVES) == set(MailState)
    assert sorted(FURTHEST_FROM_DONE) == sorted(MailState)


def test_mail_in_work_can_come_to_every_other_state() -> None:
    assert MOVES[MailState.IN_WORK] == set(MailState) - {MailState.IN_WORK}
