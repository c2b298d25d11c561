"""Slows down whoever guesses passwords: the more attempts fail, the longer the pause before the next is looked at.

Failures are counted for a name and for an address: one alone would leave guessing one password for every name, or every
password for one name from many addresses. Only a browser that proves that the person signed in there before is counted
by itself (`devices.py`), so that strangers cannot keep them out. An attempt is counted before it is looked at and given
back if it succeeds, so that a hundred at once get no further than one after the other.
"""

import ipaddress
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from sqlalchemy import BindParameter, Insert, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from intake.database.tables import Base, ThrottleRow
from intake.people.tokens import digest_of

FREE_FOR_A_NAME: Final = 5  # people mistype
FREE_FOR_AN_ADDRESS: Final = 30  # a whole office may come from one
LONGEST_PAUSE: Final = timedelta(minutes=5)  # nobody can lock somebody else out for longer than that
_FIRST_PAUSE_SECONDS: Final = 2
_FORGOTTEN_AFTER: Final = timedelta(hours=1)
_IPV6_NETWORK_BITS: Final = 64  # what one line of a provider gets at least


def attempt(session: Session, name: str, address: str, now: datetime, proof: str | None = None) -> datetime | None:
    """Count an attempt to sign in; None if it may be looked at now, else when the next may.

    proof: that this browser is known as that person's; None if it is not.
    """
    free = dict(_places(name, address) if proof is None else _place_of(proof))
    # First without a trace: whoever is paused and asks on with ever new names would fill the table.
    paused = select(func.max(ThrottleRow.until_at)).where(ThrottleRow.key.in_(free), ThrottleRow.until_at > now)
    if (until := session.scalars(paused).one()) is not None:
        return until
    # In one order, so that two attempts cannot each hold what the other waits for.
    for key in sorted(free):
        session.execute(_making_sure(session.get_bind().dialect.name), {"key": key, "now": now})
    query = select(ThrottleRow).where(ThrottleRow.key.in_(free)).order_by(ThrottleRow.key).with_for_update()
    rows = session.scalars(query).all()
    if waits := [row.until_at for row in rows if row.until_at > now]:
        return max(waits)
    for row in rows:
        before = 0 if row.failed_at < now - _FORGOTTEN_AFTER else row.failures
        row.failures, row.failed_at = before + 1, now
        row.until_at = now + pause_after(row.failures - free[row.key])
    session.flush()
    return None


def forgive(session: Session, name: str, address: str, now: datetime, proof: str | None = None) -> None:
    """The attempt that was counted last succeeded. What is long forgotten is cleared away."""
    old = ThrottleRow.failed_at < now - _FORGOTTEN_AFTER
    if proof is not None:
        # Not the name: each time its owner signs in, strangers would get free guesses.
        [(of_device, _)] = _place_of(proof)
        session.execute(delete(ThrottleRow).where((ThrottleRow.key == of_device) | old))
        return
    (of_name, _), (of_address, _) = _places(name, address)
    done = (ThrottleRow.key == of_address) & (ThrottleRow.failures <= 1)
    session.execute(delete(ThrottleRow).where((ThrottleRow.key == of_name) | done | old))
    # Only this one: who knows one password must not get free guesses at others.
    giving_back = update(ThrottleRow).where(ThrottleRow.key == of_address)
    session.execute(giving_back.values(failures=ThrottleRow.failures - 1, until_at=now))


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many failures beyond those that are free."""
    if failures <= 0:
        return timedelta(0)
    doubled = min(failures, 16) - 1  # beyond that it is the longest anyway
    return min(timedelta(seconds=_FIRST_PAUSE_SECONDS * 2**doubled), LONGEST_PAUSE)


@cache
def _making_sure(dialect: str) -> Insert:
    """Makes the row of a key if there is none, however many do so at once."""
    table = Base.metadata.tables["throttles"]
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    moment: BindParameter[datetime] = bindparam("now")
    return insert.values(key=bindparam("key"), failures=0, failed_at=moment, until_at=moment).on_conflict_do_nothing()


def _places(name: str, address: str) -> Iterator[tuple[str, int]]:
    """Key and free failures of the name, then of the address."""
    yield digest_of(f"name {name}"), FREE_FOR_A_NAME
    yield digest_of(f"address {_network(address)}"), FREE_FOR_AN_ADDRESS


def _place_of(proof: str) -> Iterator[tuple[str, int]]:
    """The same for a browser that is known."""
    yield digest_of(f"device {proof}"), FREE_FOR_A_NAME


def _network(address: str) -> str:
    """From where somebody asks, as it is counted: of IPv6 the first half, for anybody has all addresses behind it."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _IPV6_NETWORK_BITS), strict=False))
