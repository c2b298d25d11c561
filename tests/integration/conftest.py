"""What several tests of whole parts need."""

from collections.abc import Iterator

import pytest

from tests.integration.store_places import CREDENTIALS, object_server


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The URL of an S3-compatible server, whose credentials are in the environment meanwhile."""
    with pytest.MonkeyPatch.context() as environment, object_server() as url:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        yield url
