"""What a store URL that begins with s3:// says, and the client made from it: the one place that configures boto3."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from intake.store.errors import NotAStore

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_FORM = "s3://bucket/prefix?endpoint=http://host:port&region=name"
_PARTS = {"endpoint", "region"}
# Services other than Amazon's do not care which region signs a request, but the signature needs one.
_ANY_REGION = "us-east-1"


@dataclass(frozen=True)
class S3Address:
    """A bucket, and where in it.

    prefix:   what every key begins with, ending in a slash; empty for the whole bucket.
    endpoint: URL of the service; None for Amazon's.
    region:   None where the environment decides.
    """

    bucket: str
    prefix: str
    endpoint: str | None
    region: str | None


def parse_s3_address(url: str) -> S3Address:
    """Read the URL. Raises NotAStore, without repeating the URL: what is wrong with it may be a secret in it."""
    parts = urlsplit(url)
    if "@" in parts.netloc or ":" in parts.netloc:
        raise NotAStore(
            "POSTROOM_STORE_URL must hold no credentials; give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    asked = parse_qs(parts.query, keep_blank_values=True)
    if parts.scheme != "s3" or not parts.netloc or set(asked) - _PARTS or any(len(v) > 1 for v in asked.values()):
        raise NotAStore(f"POSTROOM_STORE_URL is not of the form {_FORM}")
    endpoint = asked.get("endpoint", [None])[0]
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise NotAStore(f"the endpoint in POSTROOM_STORE_URL must begin with http:// or https://, as in {_FORM}")
    if endpoint is not None and "@" in endpoint:
        raise NotAStore("the endpoint in POSTROOM_STORE_URL must hold no credentials")
    prefix = parts.path.strip("/")
    return S3Address(parts.netloc, f"{prefix}/" if prefix else "", endpoint, asked.get("region", [None])[0])


def s3_client(address: S3Address) -> "S3Client":
    """A client with credentials from the environment, short waits and a few retries. Raises NotAStore."""
    from_environment = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    region = address.region or from_environment or (_ANY_REGION if address.endpoint else None)
    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "max_attempts": 3},
        # A host name for each bucket is Amazon's; elsewhere the name server seldom knows them.
        s3={"addressing_style": "path" if address.endpoint else "auto"},
        # We send MD5 with what we write and know the SHA-256 of what we read; the newer checksums, which come as
        # trailers, are refused by many services that are not Amazon's.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        return boto3.session.Session().client("s3", endpoint_url=address.endpoint, region_name=region, config=config)
    except (BotoCoreError, ValueError) as error:
        raise NotAStore("POSTROOM_STORE_URL names no service that can be spoken to") from error
