"""Runs the API in this process until it is told to stop."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

# From being told to stop until requests under way are cut off. Two seconds more for what a request holds on to.
GRACE_SECONDS: Final = 8
_KEEP_ALIVE_SECONDS: Final = 5


def serve(app: FastAPI, host: str, port: int, ready: Callable[[int], None] = lambda _: None) -> None:
    """Answer requests until SIGTERM or Ctrl-C, in the main thread; then finish those under way and return.

    port:  0 for any that is free.
    ready: called with the port once connections are taken.
    Raises OSError if the address cannot be had.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,  # its lines hold addresses as they were sent: `watch` writes our own
        proxy_headers=False,  # whoever connects is who asks: a header must not make a stranger local
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    with _bound_socket(host, port) as listener:
        asyncio.run(_Server(config, ready, listener.getsockname()[1]).serve([listener]))


class _Server(uvicorn.Server):
    """Tells when it is ready, and returns when it was told to stop, where its parent ends the process."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[int], None], port: int) -> None:
        super().__init__(config)
        self._ready, self._port = ready, port

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Answers without end, such as the news of a batch, are ended by those who give them.
        if (stopping := getattr(self.config.app, "state", None)) is not None:
            stopping.is_stopping = True
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready(self._port)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        def stop(number: int, frame: FrameType | None) -> None:
            self.should_exit = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _bound_socket(host: str, port: int) -> socket.socket:
    """A socket at that address. Raises OSError if the address cannot be had."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener
