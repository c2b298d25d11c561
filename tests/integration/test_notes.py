"""What was worked out once is found again by the next process, and is never believed when it is damaged."""

from pathlib import Path

import numpy as np
import pytest

from extract.candidate import Candidate
from extract.page import Grey
from intake.notes import NoteFolder, open_notes
from schemas.form_type import Edition, FormType
from tests.drawn_form import draw_form

FORM = FormType("ferrets", "Ferrets", 1, (), (), ())
EDITION = Edition("first", "First", 300, (), ())


def never() -> Grey:
    raise AssertionError("the drawing was decoded again")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    book = NoteFolder(tmp_path)
    candidate = Candidate(FORM, EDITION, 1, draw_form, book=book, digest="d")
    assert candidate.reference.patches.size
    assert candidate.blank.flags.any()
    return tmp_path


def test_a_second_process_does_not_decode_the_drawing(folder: Path) -> None:
    known = Candidate(FORM, EDITION, 1, never, book=NoteFolder(folder), digest="d")
    plain = Candidate(FORM, EDITION, 1, draw_form)
    assert np.array_equal(known.sketch, plain.sketch)
    assert np.array_equal(known.reference.patches, plain.reference.patches)
    assert np.array_equal(known.reference.fine, plain.reference.fine)
    assert known.reference.shape == plain.reference.shape
    assert np.array_equal(known.blank.flags, plain.blank.flags)


def test_another_drawing_is_not_taken_for_it(folder: Path) -> None:
    with pytest.raises(AssertionError, match="decoded again"):
        Candidate(FORM, EDITION, 1, never, book=NoteFolder(folder), digest="e")


@pytest.mark.parametrize("damage", [b"", b"nothing of ours", None], ids=["empty", "other", "cut"])
def test_a_damaged_note_is_worked_out_anew(damage: bytes | None, folder: Path) -> None:
    for note in folder.iterdir():
        note.write_bytes(note.read_bytes()[:-40] if damage is None else damage)
    again = Candidate(FORM, EDITION, 1, draw_form, book=NoteFolder(folder), digest="d")
    assert np.array_equal(again.sketch, Candidate(FORM, EDITION, 1, draw_form).sketch)
    assert again.reference.patches.size


def test_a_folder_that_cannot_be_made_is_like_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    book = NoteFolder(tmp_path / "file" / "below")
    book.note("name", b"content")
    assert book.look_up("name") is None


def test_notes_of_another_version_are_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    old = tmp_path / "postroom" / "notes-0123"
    old.mkdir(parents=True)
    (old / "note").touch()
    book = open_notes()
    assert not old.exists()
    book.note("name", b"content")
    assert open_notes().look_up("name") == b"content"
