"""Whatever is sealed comes under the newest key, files and secrets of webhooks: then an old one can be taken away."""

from dataclasses import dataclass
from uuid import UUID

from intake import audit
from intake.events import webhooks
from intake.service import Service
from intake.store.errors import BlobDamaged, BlobMissing, KeyUnusable
from intake.store.keys import parse_keys


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What lies under the newest key now.

    files, secrets: how many; those that lay under it before are counted too.
    left_files:     what is wrong with each file that could not be brought under it.
    left_webhooks:  those with a secret that does not open.
    """

    key_id: str
    files: int
    secrets: int
    left_files: tuple[str, ...]
    left_webhooks: tuple[UUID, ...]


def rewrap(service: Service, actor: str) -> Rewrapped:
    """Bring it all under the newest key; what cannot be is left as it is. Twice, or twice at once, is harmless.

    Raises KeyUnusable where the service has no key.
    """
    setting = service.settings.key.get_secret_value()
    if not setting.strip():
        raise KeyUnusable("POSTROOM_KEY is empty: there is no key to bring anything under.")
    key_id = parse_keys(setting).newest.id
    database = service.database
    with database.write() as session:
        resealed = webhooks.office_of(service.settings).reseal(session, database.now(session))
    files, left = _rewrapped_files(service)
    with database.write() as session:
        details: audit.Details = {
            "key": key_id, "files": files, "secrets": resealed.secrets, "left": len(left) + len(resealed.left),
        }  # fmt: skip
        audit.append(session, database.now(session), actor, "store rewrapped", "store:all", details)
    return Rewrapped(key_id, files, resealed.secrets, left, resealed.left)


def _rewrapped_files(service: Service) -> tuple[int, tuple[str, ...]]:
    """(how many lie under the newest key now, what is wrong with each of the others)."""
    # A file that gets its new name while the shelf is listed can come twice.
    done: set[bytes] = set()
    left: dict[str, str] = {}
    unopened: list[str] = []
    for digest in service.store.digests(lambda error: unopened.append(str(error))):
        try:
            service.store.rewrap(digest)
        except BlobMissing:
            continue  # an orphan that was removed meanwhile
        except (BlobDamaged, KeyUnusable) as error:
            left[digest] = str(error)
        else:
            done.add(bytes.fromhex(digest))
    return len(done), (*unopened, *left.values())
