"""What a form type declares of a field, as a constraint to decode under. Built once for each declaration and kept."""

from functools import lru_cache

from extract.decoding.automaton import Constraint, expression
from extract.decoding.lexicon import Lexicon, lexicon, words_of
from schemas.field import FieldSpec
from schemas.grammar import grammar_of


def constraint_of(spec: FieldSpec) -> Constraint | None:
    """What the field's whole answer may be, by its grammar or its lexicons; None if any text may.

    Raises ValueError for a grammar, KeyError for a lexicon that there is not: `schemas.form_type` has checked both.
    """
    if spec.grammar:
        return _of_grammar(spec.grammar, spec.soft)
    if spec.lexicons:
        return _of_lexicons(spec.lexicons, spec.soft)
    return None


def words_for(spec: FieldSpec) -> Lexicon | None:
    """The words that the field's free text is likely made of, for `spelling.spelled`; None if none are declared.

    Raises KeyError for a lexicon that there is not.
    """
    return words_of(*spec.words) if spec.words else None


@lru_cache(maxsize=256)
def _of_grammar(declared: str, soft: bool) -> Constraint:
    grammar = grammar_of(declared)
    return Constraint(expression(grammar.pattern), grammar.ignores, grammar.anywhere, grammar.verbatim, soft)


@lru_cache(maxsize=64)
def _of_lexicons(names: tuple[str, ...], soft: bool) -> Constraint:
    return Constraint(lexicon(*names), verbatim=True, soft=soft)
