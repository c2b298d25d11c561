"""Policy: what may be accepted without a person, as the office decides it: a file, checked when it is read."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from schemas.errors import Unavailable
from schemas.field import FieldKind, FieldStatus
from schemas.review import ReviewMode

SHIPPED_POLICY = Path(__file__).parent / "policy.toml"
# Before the class of what was written by a machine: it is read far more surely than what was written by hand, and is
# weighed and tested by itself. The ceiling on its errors is that of the class, if no other is set.
TYPED: Final = "typed:"
_KEYS: Final = frozenset(
    {"version", "confidence", "accepted_unseen", "critical", "self_checking", "ceiling", "group", "review"}
)
_UNSEEN: Final = frozenset({FieldStatus.ACCEPTED, FieldStatus.BLANK})
# Beyond these a ceiling promises nothing, or nothing that any amount of post could show.
_LOWEST_CEILING, _HIGHEST_CEILING = 1e-6, 0.5
_LOWEST_CONFIDENCE, _HIGHEST_CONFIDENCE = 0.5, 0.999999


@dataclass(frozen=True, slots=True)
class Policy:
    """What an office demands of values that nobody looks at.

    version:       as the file says, with a digest of what it demands.
    default_ceiling, ceilings: most of the accepted values that may be wrong, as a share; by class of field.
    confidence:    with which that must be proven, one-sided.
    unseen:        statuses that need no person; of ACCEPTED and BLANK.
    critical:      classes of field where two readers must not differ.
    self_checking: kinds of field whose values carry their own error detection.
    groups:        classes that share their evidence, by the name of the group; no class is in two.
    review:        how people are asked, by class of field, where the form type does not say; "default" for all others.
    """

    version: str
    default_ceiling: float = 0.005
    ceilings: Mapping[str, float] = field(default_factory=dict)
    confidence: float = 0.95
    unseen: frozenset[FieldStatus] = _UNSEEN
    critical: frozenset[str] = frozenset()
    self_checking: frozenset[FieldKind] = frozenset({FieldKind.BARCODE})
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    review: Mapping[str, ReviewMode] = field(default_factory=dict)

    def ceiling(self, field_class: str) -> float:
        """The ceiling of a class; where classes share their evidence, the lowest of theirs."""
        return min(self._own_ceiling(peer) for peer in self.peers(field_class))

    def _own_ceiling(self, field_class: str) -> float:
        base = self.ceilings.get(field_class.removeprefix(TYPED), self.default_ceiling)
        return self.ceilings.get(field_class, base)

    def peers(self, field_class: str) -> tuple[str, ...]:
        """The classes that share evidence with this one, itself among them."""
        return next((peers for peers in self.groups.values() if field_class in peers), (field_class,))


def load_policy(path: Path = SHIPPED_POLICY) -> Policy:
    """Raises Unavailable naming the file and what is wrong with it."""
    try:
        return _policy(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Unavailable(f"{path}: the policy cannot be read: {error.strerror}") from error
    except KeyError as error:
        raise Unavailable(f"{path}: not a policy: {error} is missing") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, TypeError, ValueError) as error:
        raise Unavailable(f"{path}: not a policy: {error}") from error


def _policy(raw: Mapping[str, Any]) -> Policy:
    unknown = sorted(raw.keys() - _KEYS)
    if unknown:
        raise ValueError(f"unknown keys {unknown}")
    if not isinstance(raw["version"], str) or not raw["version"]:
        raise ValueError("version must be a text")
    ceilings = {str(name): _share("ceiling", name, share) for name, share in raw["ceiling"].items()}
    if "default" not in ceilings:
        raise ValueError("ceiling must have a default")
    unseen = frozenset(FieldStatus(status) for status in _names(raw, "accepted_unseen"))
    if not unseen <= _UNSEEN:
        raise ValueError("accepted_unseen: only 'accepted' and 'blank' can go without a person")
    return Policy(
        version=f"{raw['version']}-{_digest(raw)}",
        default_ceiling=ceilings.pop("default"),
        ceilings=ceilings,
        confidence=_confidence(raw["confidence"]),
        unseen=unseen,
        critical=frozenset(_names(raw, "critical")),
        self_checking=frozenset(FieldKind(kind) for kind in _names(raw, "self_checking")),
        groups=_groups(raw.get("group", {})),
        review={str(name): ReviewMode(mode) for name, mode in raw.get("review", {}).items()},
    )


def _digest(raw: Mapping[str, Any]) -> str:
    """Of all that decisions rest on. How people are asked changes none of them."""
    decides = {key: value for key, value in raw.items() if key != "review"}
    return sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:8]


def _share(key: str, name: str, share: object) -> float:
    is_number = isinstance(share, int | float) and not isinstance(share, bool)
    if not is_number or not _LOWEST_CEILING <= float(str(share)) <= _HIGHEST_CEILING:
        raise ValueError(f"{key} of {name!r} must be a share from {_LOWEST_CEILING} to {_HIGHEST_CEILING}")
    return float(str(share))


def _confidence(share: object) -> float:
    if not isinstance(share, float) or not _LOWEST_CONFIDENCE <= share <= _HIGHEST_CONFIDENCE:
        raise ValueError(f"confidence must be a share from {_LOWEST_CONFIDENCE} to {_HIGHEST_CONFIDENCE}")
    return share


def _names(raw: Mapping[str, Any], key: str) -> list[str]:
    names = raw.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{key} must be a list of names")
    return names


def _groups(raw: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    groups = {str(name): tuple(_names(raw, name)) for name in raw}
    _once(name for names in groups.values() for name in names)
    return groups


def _once(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"the class {name!r} is in two groups, or twice in one")
        seen.add(name)
