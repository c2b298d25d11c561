"""What a count of errors proves: exact bounds on a rate (Clopper and Pearson, Biometrika 26, 1934)."""

from math import exp, floor, inf, lgamma, log, log1p

_HALVINGS = 60  # after so many, the interval is narrower than a double can say


def upper_bound(errors: int, cases: int, confidence: float = 0.95) -> float:
    """The rate that the true one exceeds with a probability of at most 1 - `confidence`, one-sided.

    Without a single case nothing is known: 1.0. Raises ValueError for counts that cannot be.
    """
    _check(errors, cases)
    if errors == cases:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _at_most(errors, cases, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def lower_bound(errors: int, cases: int, confidence: float = 0.95) -> float:
    """The rate that the true one falls below with a probability of at most 1 - `confidence`; 0.0 without a case."""
    _check(errors, cases)
    return 1.0 - upper_bound(cases - errors, cases, confidence) if cases else 0.0


def is_below(ceiling: float, errors: int, cases: int, confidence: float = 0.95) -> bool:
    """Whether the counts prove a rate below `ceiling`: the same as `upper_bound(...) < ceiling`, without the search."""
    _check(errors, cases)
    return errors < cases and _at_most(errors, cases, ceiling) < 1 - confidence


def fewest_cases(ceiling: float, confidence: float = 0.95) -> int:
    """How many cases without an error it takes to prove that the rate is below `ceiling` (0 to 1, both excluded)."""
    fewest = max(1, floor(log(1 - confidence) / log1p(-ceiling)))
    while not is_below(ceiling, 0, fewest, confidence):
        fewest += 1
    return fewest


def _check(errors: int, cases: int) -> None:
    if not 0 <= errors <= cases:
        raise ValueError(f"{errors} errors in {cases} cases cannot be")


def _at_most(errors: int, cases: int, rate: float) -> float:
    """The probability of at most `errors` errors in `cases` cases, for 0 < rate < 1."""
    total, term = 0.0, -inf
    # Summed in logarithms from the largest term down: with many cases the first terms are too small for a double.
    for count in range(errors, -1, -1):
        term = (
            lgamma(cases + 1)
            - lgamma(count + 1)
            - lgamma(cases - count + 1)
            + count * log(rate)
            + (cases - count) * log1p(-rate)
        )
        added = exp(term)
        total += added
        if count < cases * rate and added < total * 1e-17:
            break
    return min(total, 1.0)
