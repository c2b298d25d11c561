"""The lists of words that ship, and how a form type asks for them."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from extract.decoding.declared import constraint_of, words_for
from schemas.errors import NotAForm
from schemas.field import FieldKind, FieldSpec
from schemas.form_type import load_form_type, load_form_types
from schemas.lexicon import folded, folded_lexicon, lexicon_names, load_lexicon

MOST_BYTES = 2_500_000


@pytest.mark.parametrize("name", sorted(lexicon_names()))
def test_a_lexicon_is_sorted_and_holds_each_entry_once(name: str) -> None:
    entries = folded_lexicon(name)
    assert all(before < after for before, after in pairwise(entries))
    assert len(entries) == len(load_lexicon(name))


@pytest.mark.parametrize("name", sorted(lexicon_names()))
def test_a_lexicon_holds_words_and_no_figures(name: str) -> None:
    assert not re.search(r"\d|\t|  |\n\n", "\n".join(load_lexicon(name)))
    assert all(entry == entry.strip() for entry in load_lexicon(name))


def test_every_lexicon_names_its_source_and_its_terms(repository: Path) -> None:
    rows = (repository / "schemas" / "lexicons" / "SOURCES.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([a-z-]+)\.txt` \|[^|]+\|[^|]+\|[^|\n]+\|$", rows, flags=re.MULTILINE)
    assert sorted(named) == sorted(lexicon_names())


def test_the_lexicons_stay_small(repository: Path) -> None:
    files = (repository / "schemas" / "lexicons").glob("*.txt")
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("countries", "Côte d’Ivoire"),
        ("countries", "United States of America"),
        ("demonyms", "Sri Lankan"),
        ("english", "government"),
        ("forenames", "Margaret"),
        ("places-gb", "Swansea"),
        ("surnames", "McDonald"),
        ("us-states", "New Hampshire"),
        ("vehicle-makes", "Citroën"),
    ],
)
def test_a_lexicon_knows_what_everybody_knows(name: str, entry: str) -> None:
    assert folded(entry) in folded_lexicon(name)


def test_a_lexicon_that_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError, match="cuntries"):
        load_lexicon("cuntries")


def test_folding_takes_accents_and_capitals_off() -> None:
    assert folded("Łódź, São Paulo, ŴYN’S") == "lodz, sao paulo, wyn's"


def test_every_declaration_of_the_shipped_form_types_can_be_decoded() -> None:
    specs = [spec for form in load_form_types() for spec in form.fields]
    assert any(constraint_of(spec) for spec in specs)
    for spec in specs:
        constraint, words = constraint_of(spec), words_for(spec)
        assert (constraint is not None) == bool(spec.grammar or spec.lexicons)
        assert (words is not None) == bool(spec.words)
        assert constraint is None or set(constraint.automaton.alphabet)


def test_a_declared_alphabet_holds_every_character_of_the_grammar() -> None:
    for form in load_form_types():
        for spec in form.fields:
            constraint = constraint_of(spec)
            if spec.alphabet and constraint is not None:
                beyond = set(constraint.automaton.alphabet) - set(spec.alphabet)
                assert beyond <= set("P-"), spec.name  # pence, and the dash that some write before them


def test_a_field_without_a_declaration_may_hold_any_text() -> None:
    spec = FieldSpec("note", FieldKind.TEXT)
    assert constraint_of(spec) is None
    assert words_for(spec) is None


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ('grammar = "postcode"', "no grammar named 'postcode'"),
        ('grammar = "[A-Z"', "not an expression known here"),
        ('grammar = "^[A-Z]{3}.*$"', "not an expression known here"),
        ('lexicons = ["cuntries"]', "unknown lexicons"),
        ('words = ["cuntries"]', "unknown lexicons"),
        ('lexicons = ["countries"]\ngrammar = "nino"', "a grammar and lexicons"),
        ("soft = true", "is soft"),
    ],
)
def test_a_form_type_that_asks_for_what_there_is_not_is_refused(tmp_path: Path, declared: str, reason: str) -> None:
    folder = tmp_path / "some-form"
    folder.mkdir()
    field = f'[[field]]\nname = "note"\nkind = "text"\n{declared}\n'
    (folder / "form.toml").write_text(f'id = "some-form"\ntitle = "Some form"\n{field}', encoding="utf-8")
    with pytest.raises(NotAForm, match=reason):
        load_form_type(folder)
