"""Real places to keep files in, for the tests of the store: a folder, and an S3-compatible server of our own."""

import base64
import hashlib
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import boto3

OLD_KEY = "2026a:" + base64.b64encode(bytes(range(32))).decode()
NEW_KEY = "2026b:" + base64.b64encode(bytes(range(100, 132))).decode()

# What the server of the tests takes for credentials; the store finds them in the environment like any others.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "tests-only",
    "AWS_SECRET_ACCESS_KEY": "canary-tests-only",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def content_of(size: int, seed: int = 0) -> bytes:
    """Bytes that depend on the seed alone and look like noise."""
    return hashlib.shake_256(f"{seed}".encode()).digest(size)


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class LongStream(io.RawIOBase):
    """So many bytes, made as they are read: a file that is nowhere in memory."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._block = content_of(65536 + 7)
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        start = self._at % len(self._block)
        piece = self._block[start:][: min(size, self._left)]
        self._at += len(piece)
        self._left -= len(piece)
        return piece


@contextmanager
def object_server() -> Iterator[str]:
    """An S3-compatible server on a free port, empty; its URL. Stopped in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = os.environ | CREDENTIALS
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def wait_for_port(port: int, server: "subprocess.Popen[bytes]", *, timeout_seconds: float = 60) -> None:
    """Return when somebody listens there."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server did not start")


def new_bucket(endpoint: str, name: str) -> str:
    """Make a bucket; the URL of a store in it."""
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=name)
    return f"s3://{name}/office?endpoint={endpoint}&region=us-east-1"
