"""What the settings of the service name, looked at: each finding says the command that mends it.

Nothing is changed: no table is made, no folder, no queue. What the first start will make is no fault.
"""

import os
import shlex
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from sqlalchemy import make_url

from intake import kept_keys
from intake.api.callers import is_open_to_others
from intake.api_keys import MAKE_ONE
from intake.broker_finding import broker_finding
from intake.database.engine import Database, open_database
from intake.database.versions import newest_version, require_newest, version_of
from intake.events import webhooks
from intake.finding import Finding
from intake.setting_origins import ENV_FILE, Origin, unknown_names
from intake.settings import Settings, load_settings, without_password
from intake.store.opening import open_store
from schemas.errors import MailError, Unavailable

_MEBIBYTE: Final = 1024**2
# Less than a tenth of the shortest lease anybody would set; clocks that are kept in step differ by milliseconds.
_CLOCKS_MAY_DIFFER: Final = timedelta(seconds=2)
_NOBODYS: Final = "0" * 64  # an address under which nothing lies: asking for it shows that the store answers
_OTHERS_MAY: Final = stat.S_IRWXG | stat.S_IRWXO
_NO_TABLES: Final = "answers, and has no tables yet: they are made at the first start"


def service_findings(settings: Settings) -> Iterator[Finding]:
    """Look at everything the service stands on, one finding each."""
    yield from _unknown_settings()
    yield from _private_places(settings)
    yield _door(settings)
    yield from _database(settings)
    yield from _store(settings)
    yield broker_finding(settings.broker)


def readable_settings() -> Settings | Finding:
    """The settings, or what is wrong with them."""
    try:
        return load_settings()
    except Unavailable as error:
        return Finding("settings", False, str(error), "correct it in the environment or in .env")


def _unknown_settings() -> Iterator[Finding]:
    for name, origin in unknown_names().items():
        mend = f"unset {name}" if origin is Origin.ENVIRONMENT else f"sed -i '/^{name}=/d' {ENV_FILE}"
        yield Finding(f"setting {name}", False, f"there is no such setting ({origin.value}): it has no effect", mend)


def _private_places(settings: Settings) -> Iterator[Finding]:
    """Passwords and people's post are for nobody else on this machine to read."""
    for name, place, mode in (("settings file", ENV_FILE, "600"), ("data folder", settings.home, "700")):
        try:
            is_open = bool(place.stat().st_mode & _OTHERS_MAY)
        except OSError:
            continue
        detail = f"{place} can be read by other users of this machine" if is_open else f"{place} is private"
        yield Finding(name, not is_open, detail, f"chmod {mode} {shlex.quote(str(place))}" if is_open else "")


def _door(settings: Settings) -> Finding:
    """Who may call."""
    names = ", ".join(sorted({key.name for key in settings.callers.keys} | _kept_names(settings)))
    if not is_open_to_others(settings.host):
        detail = f"listens to this machine only ({settings.host})"
        return Finding(
            "callers", True, f"{detail}; a proxy may pass on callers with a key: {names}" if names else detail
        )
    if names:
        return Finding("callers", True, f"listens on {settings.host} to callers with a key: {names}")
    mend = f'export POSTROOM_API_KEYS="name:$({MAKE_ONE})"'
    return Finding("callers", False, f"listens on {settings.host}, where anybody could call: no keys are set", mend)


def _kept_names(settings: Settings) -> set[str]:
    """Callers whose keys the database keeps; none where it does not answer, which is told elsewhere."""
    if settings.is_new:
        return set()
    try:
        with closing(open_database(settings.database)) as database:
            if version_of(database) != newest_version():
                return set()
            with database.read() as session:
                return {key.name for key in kept_keys.listed(session) if key.revoked_at is None}
    except Unavailable:
        return set()


def _database(settings: Settings) -> Iterator[Finding]:
    where = without_password(settings.database)
    if (file := _sqlite_file(settings)) is not None and not file.exists():
        yield _to_be_made("database", f"SQLite, {file}", file.parent)
        return
    try:
        database = open_database(settings.database)
    except Unavailable as error:
        yield Finding("database", False, str(error), _how_to_reach(settings))
        return
    with closing(database):
        yield from _version(database, where)
        yield _clock(database)
    if file is not None:
        yield _durability("database on disk", file.parent)


def _secrets(database: Database) -> Iterator[Finding]:
    """Whether secrets of webhooks lie open; nothing where there are none."""
    try:
        with database.read() as session:
            open_ones = webhooks.unsealed(session)
    except Unavailable:
        return
    if open_ones:
        detail = f"{open_ones} of the webhooks have a secret that whoever reads the database can read"
        mend = "set POSTROOM_KEY, then give each a new secret: postroom webhooks rotate ID"
        yield Finding("secrets of webhooks", False, detail, mend)


def _sqlite_file(settings: Settings) -> Path | None:
    try:
        parsed = make_url(settings.database)
    except Exception:  # noqa: BLE001  # whatever is wrong with it, opening it says so
        return None
    return Path(parsed.database) if parsed.drivername.startswith("sqlite") and parsed.database else None


def _how_to_reach(settings: Settings) -> str:
    """The command that shows why, without a password in it."""
    parts = urlsplit(settings.database)
    if parts.scheme.startswith("postgres") and parts.hostname:
        return f"pg_isready -h {parts.hostname} -p {parts.port or 5432}"
    return "correct POSTROOM_DATABASE_URL"


def _version(database: Database, where: str) -> Iterator[Finding]:
    try:
        if version_of(database) is None:
            yield Finding("database", True, f"{where} {_NO_TABLES}")
            return
        require_newest(database)
    except Unavailable as error:
        yield Finding("database", False, str(error), "postroom serve")
        return
    yield Finding("database", True, f"{where} answers, version {newest_version()}")
    yield from _secrets(database)


def _clock(database: Database) -> Finding:
    if not database.is_postgresql:
        return Finding("clock", True, "the database is on this machine")
    before = datetime.now(UTC)
    theirs = database.now()
    after = datetime.now(UTC)
    # Between the two it was asked: only what lies outside of that is a difference.
    difference = max(before - theirs, theirs - after, timedelta(0))
    detail = f"this machine and the database differ by {difference.total_seconds():.1f} s"
    if difference > _CLOCKS_MAY_DIFFER:
        return Finding("clock", False, detail, "sudo timedatectl set-ntp true, on both machines")
    return Finding("clock", True, detail)


def _store(settings: Settings) -> Iterator[Finding]:
    folder = _store_folder(settings.store)
    if folder is not None and not folder.exists():
        yield _to_be_made("store", str(folder), folder)
        return
    try:
        store = open_store(settings.store, settings.key.get_secret_value())
        store.exists(_NOBODYS)
        free = store.free_bytes()
    except (MailError, OSError) as error:
        detail = str(error) if isinstance(error, MailError) else f"{folder}: {error.strerror}"
        yield Finding("store", False, detail, "correct POSTROOM_STORE_URL or POSTROOM_KEY, or start the service")
        return
    where = without_password(settings.store)
    detail = f"{where} has room for {free / _MEBIBYTE:,.0f} MiB"
    if free < settings.low_water_bytes:
        detail += f", less than {settings.low_water_bytes / _MEBIBYTE:,.0f} MiB: uploads are refused"
        yield Finding("store", False, detail, f"make room: df -h {shlex.quote(str(folder or tempfile.gettempdir()))}")
    else:
        yield Finding("store", True, detail)
    if folder is not None:
        yield _durability("store on disk", folder)


def _store_folder(url: str) -> Path | None:
    """Of a local store; None for a service."""
    scheme = urlsplit(url).scheme
    if scheme == "file":
        return Path(unquote(urlsplit(url).path))
    return None if "://" in url else Path(url)


def _to_be_made(name: str, what: str, place: Path) -> Finding:
    """A file or folder that the first start makes: can it?"""
    parent = place.absolute()
    while not parent.exists():
        parent = parent.parent
    if os.access(parent, os.W_OK | os.X_OK):
        return Finding(name, True, f"{what}: is made at the first start")
    user = os.environ.get("USER", "$USER")
    mend = f"sudo install -d -m 700 -o {user} {shlex.quote(str(place))}"
    return Finding(name, False, f"{what}: cannot be made, {parent} is not ours to write", mend)


def _durability(name: str, folder: Path) -> Finding:
    """Whether this disk takes files, and says when they are really on it."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"postroom")
            file.flush()
            os.fsync(file.fileno())
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    except OSError as error:
        mend = f"ls -ld {shlex.quote(str(folder))}; findmnt -T {shlex.quote(str(folder))}"
        return Finding(name, False, f"{folder} takes no files durably: {error.strerror}", mend)
    return Finding(name, True, f"{folder} takes files, and fsync of file and folder work")
