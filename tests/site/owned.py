"""What belongs to one person: for each route that is about such a thing, how to make one and where it lies.

A route says so with `own=True`; a test asks it for a thing of the person's own, and for somebody else's.
"""

from collections.abc import Callable, Mapping
from typing import Final

from tests.site.key_screens import OWN_PICTURES
from tests.site.served import SignedIn, Site


def _upload(site: Site, person: SignedIn) -> str:
    """A file on its way."""
    return f"/uploads/{site.desk.uploads.begin(person.person.actor, 'scan.tif', 5_000).id}"


# By method and path as declared: makes a thing that belongs to the person, and returns its address.
OWNED: Final[Mapping[tuple[str, str], Callable[[Site, SignedIn], str]]] = {
    **OWN_PICTURES,
    **{(method, "/uploads/{upload_id}"): _upload for method in ("HEAD", "PATCH", "DELETE")},
}
