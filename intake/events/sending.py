"""One request to a receiver: to an address that was judged, under the name it was asked by, and never further.

No redirect is followed, no proxy of the environment asked, no more of the answer read than a little.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

from intake.events.address import (
    Allowed,
    ForbiddenAddress,
    NoSuchName,
    Place,
    Resolve,
    addresses_of,
    judge_url,
    look_up,
)
from schemas.delivery import DeliveryOutcome

MOST_READ_BYTES: Final = 64 * 1024  # of the body of an answer; it tells us nothing
_LONGEST_RETRY_AFTER_SECONDS: Final = 3600
_GONE: Final = 410
_ADDRESSES_TRIED: Final = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended. status: None if no answer came.  retry_after_seconds: as the receiver asks for, or 0."""

    outcome: DeliveryOutcome
    status: int | None = None
    retry_after_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends requests to where it is allowed to. timeout_seconds: of a whole request, to the last byte of its answer."""

    allowed: Allowed
    timeout_seconds: float
    resolve: Resolve = look_up
    tls: ssl.SSLContext | None = None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send it once; whatever goes wrong is an answer too."""
        try:
            place = judge_url(url, self.allowed)
            addresses = addresses_of(place, self.allowed, self.resolve)
        except ForbiddenAddress:
            return Answer(DeliveryOutcome.REFUSED_ADDRESS)
        except NoSuchName:
            return Answer(DeliveryOutcome.NO_CONNECTION)
        connection = self._connection(place, addresses)
        with _at_most(self.timeout_seconds, connection) as is_late:
            try:
                answer = _asked(connection, place, headers, body)
                # An answer that we cut off looks like one that ends there.
                return Answer(DeliveryOutcome.TOO_SLOW, answer.status) if is_late() else answer
            except TimeoutError:
                return Answer(DeliveryOutcome.TOO_SLOW)
            except (http.client.HTTPException, OSError, ValueError) as error:
                if is_late():
                    return Answer(DeliveryOutcome.TOO_SLOW)
                is_answer = isinstance(error, http.client.HTTPException | ValueError)
                return Answer(DeliveryOutcome.BROKEN_ANSWER if is_answer else DeliveryOutcome.NO_CONNECTION)
            finally:
                connection.close()

    def _connection(self, place: Place, addresses: list[str]) -> "_Pinned":
        tls = (self.tls or _usual_tls()) if place.scheme == "https" else None
        return _Pinned(place, addresses, self.timeout_seconds, tls)


class _Pinned(http.client.HTTPConnection):
    """A connection to one of these addresses and to no other; the name serves the certificate and the host header."""

    def __init__(self, place: Place, addresses: list[str], timeout: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(place.host, place.port, timeout=timeout)
        self._addresses, self._tls = addresses, tls

    def connect(self) -> None:
        """Take the first address that answers. Raises OSError."""
        problem: OSError = OSError("no address")
        for address in self._addresses[:_ADDRESSES_TRIED]:
            try:
                self.sock = socket.create_connection((address, self.port), self.timeout)
                break
            except OSError as error:
                problem = error
        else:
            raise problem
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            # In two steps: while it shakes hands it can already be cut off.
            wrapped = self._tls.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = wrapped
            wrapped.do_handshake()


def _asked(connection: _Pinned, place: Place, headers: Mapping[str, str], body: bytes) -> Answer:
    connection.putrequest("POST", place.target, skip_host=True, skip_accept_encoding=True)
    for name, value in {"Host": place.host_header, **headers}.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.putheader("Connection", "close")
    connection.endheaders(body)
    response = connection.getresponse()
    status, wait = response.status, _retry_after(response.headers.get("Retry-After", ""))
    # The rest of a longer body is thrown away with the connection.
    response.read(MOST_READ_BYTES)
    if 200 <= status < 300:
        return Answer(DeliveryOutcome.DELIVERED, status)
    if 300 <= status < 400:
        return Answer(DeliveryOutcome.REDIRECTED, status)
    return Answer(DeliveryOutcome.GONE if status == _GONE else DeliveryOutcome.REJECTED, status, wait)


def _retry_after(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        return 0
    return min(int(text[:9]), _LONGEST_RETRY_AFTER_SECONDS)


@contextmanager
def _at_most(seconds: float, connection: _Pinned) -> Iterator[Callable[[], bool]]:
    """Cut the connection off once it has taken that long in all: a receiver that sends a byte now and then would hold
    us for ever, as every byte starts its socket's time-out anew."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        if connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield late.is_set
    finally:
        timer.cancel()


@cache
def _usual_tls() -> ssl.SSLContext:
    return ssl.create_default_context()
