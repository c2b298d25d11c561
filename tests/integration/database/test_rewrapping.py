"""`postroom store rewrap`: whatever is sealed comes under the newest key, so that an old one can be taken away."""

import base64
import io
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from intake import audit
from intake.database.engine import Database
from intake.database.tables import AuditRow, WebhookRow
from intake.events import webhooks
from intake.events.signing import SecretBox
from intake.service import open_service
from intake.settings import load_settings
from intake.store.keys import parse_keys
from intake.store.s3_address import parse_s3_address, s3_client
from review_ui.cli import app
from tests.integration.database.receiver import Receiver, receiving
from tests.integration.database.test_webhooks import DAY, Post
from tests.integration.store_places import NEW_KEY, OLD_KEY, new_bucket

BOTH_KEYS = f"{NEW_KEY},{OLD_KEY}"
OTHER_KEY = "2026b:" + base64.b64encode(bytes(range(32, 64))).decode()
NOW_UNDER_THE_NEW_KEY = "Under the key 2026b now: {files} files, {secrets} secrets of webhooks.\n"
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def key(url: str, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Gives the service other keys."""
    monkeypatch.setenv("POSTROOM_DATABASE_URL", url)
    monkeypatch.setenv("POSTROOM_KEY", OLD_KEY)
    return lambda setting: monkeypatch.setenv("POSTROOM_KEY", setting)


@dataclass(frozen=True)
class Shelves:
    """Where the files lie, seen from behind the back of the store: a folder, or a bucket if there is a URL."""

    folder: Path
    url: str = ""

    def damage(self, sha256: str) -> None:
        """Change a file that was put before there was a key."""
        if not self.url:
            next(self.folder.rglob(sha256)).write_bytes(b"litter 1")
            return
        address = parse_s3_address(self.url)
        s3_client(address).put_object(Bucket=address.bucket, Key=f"{address.prefix}plain/{sha256}", Body=b"litter 1")


@pytest.fixture(params=["folder", "bucket"])
def shelves(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelves:
    """The service keeps its files there."""
    if request.param == "folder":
        return Shelves(tmp_path / "home" / "store")
    url = new_bucket(request.getfixturevalue("endpoint"), f"rewrapped-{next(_numbers)}")
    monkeypatch.setenv("POSTROOM_STORE_URL", url)
    return Shelves(tmp_path, url)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def rewrap() -> tuple[int, str, str]:
    """Exit code, what was printed, and what was complained of."""
    done = CliRunner().invoke(app, ["store", "rewrap"])
    return done.exit_code, done.stdout, done.stderr


def put(*contents: bytes) -> list[str]:
    service = open_service(load_settings())
    digests = [service.store.put(io.BytesIO(content)).sha256 for content in contents]
    service.close()
    return digests


def with_keys(post: Post, keys: str) -> Post:
    return Post(post.database, post.now, SecretBox(parse_keys(keys)))


def kept(database: Database) -> list[tuple[str, str | None]]:
    with database.read() as session:
        query = select(WebhookRow.secret, WebhookRow.previous_secret).order_by(WebhookRow.id)
        return [(secret, previous) for secret, previous in session.execute(query)]


def test_without_the_old_key_files_open_and_events_are_signed_with_the_secrets_they_had(
    database: Database, receiver: Receiver, key: Callable[[str], None], shelves: Shelves
) -> None:
    post = with_keys(Post(database), OLD_KEY)
    digests = put(b"letter 1", b"letter 2")
    webhook, old = post.add(receiver.url)
    post.add(receiver.url)
    with database.write() as session:
        _, new = post.office.rotate(session, webhook, "anna", post.now)
    key(BOTH_KEYS)
    assert rewrap() == (0, NOW_UNDER_THE_NEW_KEY.format(files=2, secrets=3), "")
    key(NEW_KEY)
    service = open_service(load_settings())
    for digest in digests:
        service.store.verify(digest)
    service.close()
    post = with_keys(post, NEW_KEY)
    post.publish()
    assert post.deliver() == 2
    assert [receiver.got[0].is_signed_with(secret) for secret in (old, new)] == [True, True]


def test_twice_is_harmless_and_what_was_done_stands_in_the_audit(
    database: Database, receiver: Receiver, key: Callable[[str], None]
) -> None:
    post = with_keys(Post(database), OLD_KEY)
    put(b"letter")
    post.add(receiver.url)
    key(BOTH_KEYS)
    assert rewrap()[0] == 0
    once = kept(database)
    assert rewrap() == (0, NOW_UNDER_THE_NEW_KEY.format(files=1, secrets=1), "")
    assert kept(database) == once
    with database.read() as session:
        details = session.scalars(select(AuditRow.details).where(AuditRow.action == "store rewrapped")).all()
        assert audit.verify(session) is None
    assert [json.loads(each) for each in details] == [{"key": "2026b", "files": 1, "secrets": 1, "left": 0}] * 2


def test_a_secret_that_lay_open_is_sealed_and_one_that_signs_no_more_is_forgotten(
    database: Database, receiver: Receiver, key: Callable[[str], None]
) -> None:
    post = Post(database)
    webhook, _ = post.add(receiver.url)
    with database.write() as session:
        long_ago = post.now - 2 * DAY
        _, secret = post.office.rotate(session, webhook, "anna", long_ago)
    key(NEW_KEY)
    assert rewrap() == (0, NOW_UNDER_THE_NEW_KEY.format(files=0, secrets=1), "")
    [(sealed, previous)] = kept(database)
    assert previous is None
    assert SecretBox(parse_keys(NEW_KEY)).open(sealed, webhook) == secret


def test_what_no_key_at_hand_opens_is_named_and_the_rest_is_done(
    database: Database, receiver: Receiver, key: Callable[[str], None]
) -> None:
    lost_key = NEW_KEY.replace("2026b", "2025")
    lost, _ = with_keys(Post(database), lost_key).add(receiver.url)
    post = with_keys(Post(database), OLD_KEY)
    post.add(receiver.url)
    key(BOTH_KEYS)
    code, said, complained = rewrap()
    assert (code, said) == (1, NOW_UNDER_THE_NEW_KEY.format(files=0, secrets=1))
    assert complained == f"The secret of webhook {lost} does not open. Rotate it: postroom webhooks rotate {lost}\n"
    assert [secret.split(":")[1] for secret, _ in kept(database)] == ["2025", "2026b"]


def test_files_that_no_key_at_hand_opens_are_named_with_the_key_that_is_lacking(
    database: Database, key: Callable[[str], None], shelves: Shelves
) -> None:
    lost_key = NEW_KEY.replace("2026b", "2025")
    key(lost_key)
    [lost] = put(b"letter 1")
    name = parse_keys(lost_key).newest.name_of(lost)
    key(f"{OLD_KEY},{lost_key}")
    put(b"letter 2", b"letter 3")
    key(f"{OTHER_KEY},{OLD_KEY}")
    code, said, complained = rewrap()
    assert (code, said) == (1, NOW_UNDER_THE_NEW_KEY.format(files=2, secrets=0))
    assert complained == f"Left as it is: the file {name} is sealed with the key 2025, which is not in POSTROOM_KEY.\n"
    with database.read() as session:
        [details] = session.scalars(select(AuditRow.details).where(AuditRow.action == "store rewrapped"))
    assert json.loads(details) == {"key": "2026b", "files": 2, "secrets": 0, "left": 1}
    key(f"{OTHER_KEY},{OLD_KEY},{lost_key}")
    assert rewrap() == (0, NOW_UNDER_THE_NEW_KEY.format(files=3, secrets=0), "")
    key(OTHER_KEY)
    service = open_service(load_settings())
    service.store.verify(lost)
    service.close()


def test_a_damaged_file_is_named_and_the_rest_is_done(key: Callable[[str], None], shelves: Shelves) -> None:
    key("")
    damaged, _ = put(b"letter 1", b"letter 2")
    shelves.damage(damaged)
    key(NEW_KEY)
    code, said, complained = rewrap()
    assert (code, said) == (1, NOW_UNDER_THE_NEW_KEY.format(files=1, secrets=0))
    assert complained.startswith(f"Left as it is: the file {damaged} is damaged")


def test_without_a_key_there_is_nothing_to_bring_anything_under(key: Callable[[str], None]) -> None:
    key("")
    code, said, complained = rewrap()
    assert (code, said) == (1, "")
    assert "POSTROOM_KEY is empty" in complained


def test_a_removed_webhook_has_no_secret_to_rewrap(
    database: Database, receiver: Receiver, key: Callable[[str], None]
) -> None:
    post = with_keys(Post(database), OLD_KEY)
    webhook, _ = post.add(receiver.url)
    with database.write() as session:
        webhooks.remove(session, webhook, "anna", post.now + timedelta(minutes=1))
    key(BOTH_KEYS)
    assert rewrap() == (0, NOW_UNDER_THE_NEW_KEY.format(files=0, secrets=0), "")
