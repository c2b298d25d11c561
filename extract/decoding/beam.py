"""Prefix beam search over the steps of a network (CTC), along the paths of an automaton.

A network says for each step from left to right how likely each class is; class 0 is the blank. A text is spelt by every
path of classes that is the text once equal neighbours are made one and blanks are dropped, and its probability is the
sum over these paths (Graves and others 2006, "Connectionist Temporal Classification"). The search keeps the most
likely beginnings, each with the share that ends in a blank and the share that ends in its last character (Hannun and
others 2014, "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs").
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from math import exp, log

import numpy as np

from extract.decoding.alphabet import Floats, folding
from extract.decoding.automaton import NOWHERE, Automaton, Constraint
from extract.decoding.candidate import Candidate, Spelt, candidate_of, forward, free


@dataclass(frozen=True, slots=True)
class _Effort:
    """How widely to search.

    least:    a class less likely than this at a step is not looked at.
    width:    the most beginnings that are kept.
    given_up: a beginning so many times less likely than the best one is given up.
    """

    least: float
    width: int
    given_up: float


# Wider searches found nothing more (900 answers under nine constraints, two networks, widths 6 to 16, least 1e-5 to
# 1e-3).
_EFFORT = _Effort(1e-4, 8, 1e-6)
# For lines that then fit nothing: 23 of the 900. Twice as wide and deep found one of them, and takes several times as
# long.
_LAST_EFFORT = _Effort(1e-6, 12, 1e-9)
# An answer within a line that is less likely than this is none: something else stands there.
_HOPELESS_WITHIN = -15.0
# No beginning is made for a share so far below what would be given up at once.
_FAR_BELOW = 0.01
_NEVER = 1e-30
# Between two answers within one line that are as likely, the longer one: this many nats a character.
_FOR_LENGTH = 0.5
# Under a soft constraint an answer that fits comes first if it is less likely by no more nats than this; measured in
# `spelling`, where the same is asked of words.
SOFT_LOSS = 3.0


class _Beginning:
    """The beginning of an answer: its last character, what came before, and how likely it is at this step.

    blank, spelt: the share of paths that end in a blank, and in the last character itself.
    begin:        the step at which the last character begins on the likeliest of its paths.
    """

    __slots__ = (
        "before", "begin", "blank", "extended", "following", "next_blank", "next_spelt", "seen", "spelt", "state",
        "symbol",
    )  # fmt: skip

    def __init__(self, before: "_Beginning | None", symbol: str, state: int) -> None:
        self.before = before
        self.symbol = symbol
        self.state = state
        self.begin = -1
        self.blank = self.spelt = 0.0
        self.next_blank = self.next_spelt = self.extended = 0.0
        self.seen = -1
        self.following: dict[str, _Beginning] = {}

    def root(self) -> "_Beginning":
        """The empty beginning that this one grew from."""
        at = self
        while at.before is not None:
            at = at.before
        return at

    def spelling(self) -> Spelt:
        """The characters from the first on, and the step each begins at."""
        symbols: list[str] = []
        begins: list[int] = []
        at: _Beginning | None = self
        while at is not None and at.before is not None:
            symbols.append(at.symbol)
            begins.append(at.begin)
            at = at.before
        return Spelt("".join(reversed(symbols)), tuple(reversed(begins)))


@dataclass(frozen=True, slots=True)
class _Moment:
    """One step: its number, the blank's probability, and the characters likely enough to be looked at."""

    step: int
    blank: float
    options: Sequence[tuple[str, float]]


def decode(steps: Floats, classes: str, constraint: Constraint, best: int = 5) -> tuple[Candidate, ...]:
    """The likeliest answers that the constraint allows, the best first; none if the steps can spell none.

    Under a soft constraint the unconstrained reading is among them (`fits` is False), and comes first where it is
    more than `SOFT_LOSS` nats likelier than the best that fits.

    steps: (steps, classes) probabilities; classes: the character of each, the first the blank.

    Nothing is scaled up to make up for what the constraint left out: what was forced against the network's own view
    keeps low scores. If nothing fits, less likely classes are looked at too, so that an answer which needs one
    hopeless character is found and not hidden.
    """
    found = _found(steps, classes, constraint, best) if len(steps) else ()
    if not constraint.soft:
        return found
    unbound = free(steps, classes)
    unbound = replace(unbound, score=forward(steps, classes, unbound.text))
    if found and found[0].score >= unbound.score - SOFT_LOSS:
        return (*found, unbound)
    return (unbound, *found)


def _found(steps: Floats, classes: str, constraint: Constraint, best: int) -> tuple[Candidate, ...]:
    fold = folding(classes, constraint.automaton.alphabet, constraint.ignores)
    seen = steps @ fold.matrix
    search = _Search(constraint.automaton, _EFFORT)
    moments = _moments(seen, fold.symbols, _EFFORT.least)
    found = search.within(moments, _Line(steps, classes)) if constraint.anywhere else search.whole(moments)
    if not found and not constraint.anywhere:
        found = _Search(constraint.automaton, _LAST_EFFORT).whole(_moments(seen, fold.symbols, _LAST_EFFORT.least))
    return tuple(candidate_of(spelling, score, steps, seen, classes, constraint) for score, spelling in found[:best])


def _moments(seen: Floats, symbols: str, least: float) -> list[_Moment]:
    """The steps; neighbours at which nothing but the blank is likely are made one."""
    rows, columns = np.nonzero(seen[:, 1:] > least)
    values = seen[rows, columns + 1].tolist()
    options: list[list[tuple[str, float]]] = [[] for _ in range(len(seen))]
    for row, column, value in zip(rows.tolist(), columns.tolist(), values, strict=True):
        options[row].append((symbols[column], value))
    moments: list[_Moment] = []
    for step, (blank, likely) in enumerate(zip(seen[:, 0].tolist(), options, strict=True)):
        if not likely and moments and not moments[-1].options:
            moments[-1] = _Moment(step, max(moments[-1].blank * blank, _NEVER), ())
        else:
            moments.append(_Moment(step, max(blank, _NEVER), likely))
    return moments


class _Search:
    """One search: the beginnings still alive, scaled so that the best has 1, and the log of what was scaled away."""

    def __init__(self, automaton: Automaton, effort: _Effort) -> None:
        self._automaton = automaton
        self._effort = effort
        self._start = automaton.start()
        self._alive: list[_Beginning] = []
        self._scale = 0.0

    def whole(self, moments: Sequence[_Moment]) -> list[tuple[float, Spelt]]:
        """(log probability, spelling) of the answers that take the whole line, the likeliest first."""
        root = _Beginning(None, "", self._start)
        root.blank = 1.0
        self._alive = [root]
        for moment in moments:
            self._advance(moment)
        accepts = self._automaton.accepts
        complete = [one for one in self._alive if one.symbol and accepts(one.state)]
        complete.sort(key=lambda one: -(one.blank + one.spelt))
        return [(log(one.blank + one.spelt) + self._scale, one.spelling()) for one in complete]

    def within(self, moments: Sequence[_Moment], line: "_Line") -> list[tuple[float, Spelt]]:
        """The same for answers that take a part of the line, of which there may be several.

        What stands around an answer counts as likely as it can be while answers compete; the log probability is of
        the answer's own steps only.
        """
        ended: dict[_Beginning, tuple[float, int]] = {}
        for moment in moments:
            if moment.options and line.may_begin(moment.step):
                self._begin(moment.step, line.likelihood_before(moment.step))
            self._advance(moment)
            if not line.may_end(moment.step):
                continue
            around = self._scale + line.likelihood_after(moment.step)
            for one in self._alive:
                if one.symbol and self._automaton.accepts(one.state):
                    score = log(one.blank + one.spelt) + around
                    if one not in ended or ended[one][0] < score:
                        ended[one] = (score, moment.step)
        found: dict[str, tuple[float, float, Spelt]] = {}
        for one, (score, step) in ended.items():
            spelling = one.spelling()
            own = score - line.likelihood_before(one.root().begin) - line.likelihood_after(step)
            if own >= _HOPELESS_WITHIN and (spelling.text not in found or found[spelling.text][0] < score):
                found[spelling.text] = (score, own, spelling)
        ranked = sorted(found.values(), key=lambda entry: -entry[0] - _FOR_LENGTH * len(entry[2].text))
        return [(own, spelling) for _, own, spelling in ranked]

    def _begin(self, step: int, likelihood: float) -> None:
        """Let an answer begin here, with the log likelihood of all before it."""
        root = _Beginning(None, "", self._start)
        root.begin = step
        self._alive = [one for one in self._alive if one.symbol]
        if not self._alive:
            self._scale = likelihood
        root.blank = exp(min(likelihood - self._scale, 600.0))
        self._alive.append(root)

    def _advance(self, moment: _Moment) -> None:
        """One step on: every beginning stays as it is, or grows by one character that the automaton allows."""
        touched: list[_Beginning] = []
        step, follow = moment.step, self._automaton.follow
        least = self._effort.given_up * _FAR_BELOW
        for one in self._alive:
            if one.seen != step:
                one.seen = step
                one.next_blank = one.next_spelt = one.extended = 0.0
                touched.append(one)
            total = one.blank + one.spelt
            one.next_blank = total * moment.blank
            if not moment.options:
                continue
            onward = follow(one.state)
            for symbol, likely in moment.options:
                mass = total * likely
                if symbol == one.symbol:
                    one.next_spelt = one.spelt * likely
                    mass = one.blank * likely
                if mass < least:
                    continue
                grown = one.following.get(symbol)
                if grown is None:
                    state = onward[symbol]
                    if state == NOWHERE:
                        continue
                    grown = one.following[symbol] = _Beginning(one, symbol, state)
                if grown.seen != step:
                    grown.seen = step
                    grown.next_blank = grown.next_spelt = 0.0
                    touched.append(grown)
                grown.extended = mass
        self._keep(touched, step)

    def _keep(self, touched: Sequence[_Beginning], step: int) -> None:
        """Take over the new shares, and give up what is no longer likely enough."""
        most = 0.0
        for one in touched:
            if one.extended > one.next_blank + one.next_spelt:
                one.begin = step
            one.blank, one.spelt = one.next_blank, one.next_spelt + one.extended
            one.next_blank = one.next_spelt = one.extended = 0.0
            most = max(most, one.blank + one.spelt)
        if most <= 0.0:
            self._alive = []
            return
        least = most * self._effort.given_up
        alive = [one for one in touched if one.blank + one.spelt >= least]
        if len(alive) > self._effort.width:
            alive = nlargest(self._effort.width, alive, key=lambda one: one.blank + one.spelt)
        scale = 1.0 / most
        for one in alive:
            one.blank *= scale
            one.spelt *= scale
        self._alive = alive
        self._scale += log(most)


class _Line:
    """What the network saw without any constraint: where words begin and end, and how likely the best path is."""

    def __init__(self, steps: Floats, classes: str) -> None:
        likeliest = steps.argmax(axis=1)
        self._sums = np.concatenate([[0.0], np.cumsum(np.log(np.maximum(steps.max(axis=1), _NEVER)))]).tolist()
        inside = np.array([character.isalnum() for character in classes])
        inside[0] = False
        runs = np.flatnonzero(np.diff(likeliest, prepend=-1))
        runs = runs[likeliest[runs] > 0]
        self._begins = runs.tolist()
        self._in_word = inside[likeliest[runs]].tolist()

    def likelihood_before(self, step: int) -> float:
        return float(self._sums[step])

    def likelihood_after(self, step: int) -> float:
        return float(self._sums[-1] - self._sums[step + 1])

    def may_begin(self, step: int) -> bool:
        """Whether no word is under way just before the step."""
        before = bisect_left(self._begins, step) - 1
        return before < 0 or not self._in_word[before]

    def may_end(self, step: int) -> bool:
        """Whether no character of a word comes next after the step."""
        after = bisect_right(self._begins, step)
        return after == len(self._begins) or not self._in_word[after]
