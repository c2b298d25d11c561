"""Secrets of webhooks: how they are made, kept and signed with (Standard Webhooks, symmetric)."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag

from intake.store.errors import KeyUnusable
from intake.store.keys import Keys, parse_keys

PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_PLAIN, _SEALED = "plain", "sealed"


@dataclass(frozen=True, slots=True)
class SecretBox:
    """Keeps secrets: sealed with the newest key of the service, as they are where it has none."""

    keys: Keys | None

    def keep(self, secret: str, webhook: UUID) -> str:
        """What to write into the database."""
        if self.keys is None:
            return f"{_PLAIN}:{secret}"
        nonce = os.urandom(_NONCE_BYTES)
        hidden = self.keys.newest.hiding.encrypt(nonce, secret.encode(), webhook.bytes)
        return f"{_SEALED}:{self.keys.newest.id}:{base64.b64encode(nonce + hidden).decode()}"

    def open(self, kept: str, webhook: UUID) -> str:
        """The secret. Raises KeyUnusable if it is sealed with a key that is not at hand, or for another webhook."""
        kind, _, rest = kept.partition(":")
        if kind == _PLAIN:
            return rest
        key_id, _, encoded = rest.partition(":")
        key = None if self.keys is None else self.keys.named(key_id)
        if key is None:
            raise KeyUnusable("the secret of a webhook is sealed with a key that is not in POSTROOM_KEY")
        try:
            hidden = base64.b64decode(encoded, validate=True)
            return key.hiding.decrypt(hidden[:_NONCE_BYTES], hidden[_NONCE_BYTES:], webhook.bytes).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise KeyUnusable("the secret of a webhook does not open: rotate it") from error

    def renew(self, kept: str, webhook: UUID) -> str:
        """What to write instead: the same secret as `keep` keeps it now. Raises KeyUnusable if it does not open."""
        secret = self.open(kept, webhook)
        is_sealed = self.keys is not None and kept.startswith(f"{_SEALED}:{self.keys.newest.id}:")
        return kept if is_sealed else self.keep(secret, webhook)


def secret_box(key_setting: str) -> SecretBox:
    """By the setting POSTROOM_KEY. Raises KeyUnusable."""
    return SecretBox(parse_keys(key_setting) if key_setting.strip() else None)


def is_plain(kept: str) -> bool:
    """Whether a kept secret can be read by whoever reads the database."""
    return kept.startswith(f"{_PLAIN}:")


def new_secret() -> str:
    """A secret nobody knows yet, as receivers' libraries take it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signatures(ours: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature: one signature for each secret."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_signature(secret, signed)}" for secret in ours)


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
