"""Calls the app without a socket, as a program on this machine would; and what an upload is made of."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

FILES = {"first.tif": b"II*\0 the first", "second.pdf": b"%PDF-1.7 the second", "third.tif": b"II*\0 the third" * 9000}


@dataclass(frozen=True)
class Caller:
    """Every call is one request on a connection of its own."""

    app: FastAPI
    peer: str = "127.0.0.1"
    url: str = "http://localhost:8000"

    def __call__(self, method: str, path: str, **given: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(self.peer, 40_000))
            async with httpx.AsyncClient(transport=transport, base_url=self.url) as client:
                return await client.request(method, path, **given)

        return asyncio.run(call())

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self("GET", path, **given)

    def upload(self, files: Mapping[str, bytes] | None = None, key: str = "", **fields: str) -> httpx.Response:
        return self("POST", "/v1/batches", files=as_parts(files or FILES), data=fields, headers=with_key(key))


def as_parts(files: Mapping[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", (name, content)) for name, content in files.items()]


def with_key(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key} if key else {}


def problem_of(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of an answer that must be this problem."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) == {"type", "title", "status", "code", "detail", "request_id", "errors"}
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == response.headers["x-request-id"]
    return body


def digests(files: Sequence[bytes]) -> list[str]:
    return [hashlib.sha256(content).hexdigest() for content in files]
