"""The measures as `--json` prints them."""

from extract.bounds import lower_bound
from intake.measure.measures import Measures, Tally, share
from intake.measure.reliability import Reliability
from intake.summary import Summary


def as_json(measures: Measures, summary: Summary | None) -> dict[str, object]:
    """Shares have four digits and are null where there is nothing to count; no field's content is in it."""
    everything = measures.all
    writing = measures.groups["writing"]
    typed, by_hand = writing.get(("typed",), Tally()), writing.get(("handwritten",), Tally())
    right_editions, editions = measures.editions
    errors, characters = measures.letters
    right_turned, turned = measures.turned
    return {
        "documents": measures.documents,
        "found": measures.found,
        "typed": measures.typed,
        "edition": _rounded(share(right_editions, editions)),
        "fields": everything.fields,
        "accuracy": _rounded(everything.accuracy),
        "accuracy_typed_filled": _rounded(typed.accuracy),
        "accuracy_handwritten": _rounded(by_hand.accuracy),
        "handwritten": by_hand.fields,
        "accepted": _rounded(everything.accepted),
        "error_among_accepted": _rounded(everything.error_among_accepted),
        "error_among_accepted_bound": _rounded(everything.error_bound),
        "wrong_accepted": everything.wrong_taken,
        "untouched_documents": _rounded(share(measures.untouched, measures.documents)),
        "untouched_documents_bound": _rounded(lower_bound(measures.untouched, measures.documents)),
        "documents_with_one_field_to_key": _rounded(share(measures.nearly_untouched, measures.documents)),
        "documents_with_one_field_to_key_bound": _rounded(lower_bound(measures.nearly_untouched, measures.documents)),
        "calibration_error": _rounded(measures.belief.calibration_error),
        "brier": _rounded(measures.belief.brier),
        "poor_pages": measures.poor_pages,
        "character_error_rate": _rounded(everything.character_error_rate),
        "character_error_rate_letters": _rounded(share(errors, characters)),
        "pages_turned_right": _rounded(share(right_turned, turned)),
        "pages_labelled": [
            {"is": is_.value, "read_as": None if given is None else given.value, "pages": count}
            for (is_, given), count in measures.labels.items()
        ],
        "per_field": [
            {"form_type": form_type, "field": name} | _tally(tally)
            for (form_type, name), tally in measures.groups["field"].items()
        ],
        "per_form_type": [
            {"form_type": form_type, "edition": edition or None} | _tally(tally)
            for (form_type, edition), tally in measures.groups["form type"].items()
        ],
        "per_class": [
            {"class": name} | _tally(tally) | _belief(measures.beliefs.get(name))
            for (name,), tally in sorted(measures.groups["class"].items())
        ],
        "per_writing": [{"writing": name} | _tally(tally) for (name,), tally in writing.items()],
        "per_decision": [{"decision": name} | _tally(tally) for (name,), tally in measures.groups["decision"].items()],
        "confusion": [
            {"is": is_, "read_as": read_as, "documents": count} for (is_, read_as), count in measures.confusion.items()
        ],
        "reliability": [
            {"from": bin.low, "to": bin.high, "fields": bin.fields, "right": bin.right} for bin in measures.belief.bins
        ],
        "run": None if summary is None else summary.as_json(),
    }


def _tally(tally: Tally) -> dict[str, object]:
    return {
        "fields": tally.fields,
        "accuracy": _rounded(tally.accuracy),
        "accepted": _rounded(tally.accepted),
        "wrong_accepted": tally.wrong_taken,
        "error_among_accepted_bound": _rounded(tally.error_bound),
        "character_error_rate": _rounded(tally.character_error_rate),
    }


def _belief(belief: Reliability | None) -> dict[str, object]:
    known = belief or Reliability(0, (), None, None)
    return {
        "with_confidence": known.fields,
        "calibration_error": _rounded(known.calibration_error),
        "brier": _rounded(known.brier),
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
