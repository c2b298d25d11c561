"""Where events may be sent: to public addresses by https, and to whatever the operator has allowed besides.

A name says nothing: it is looked up once, every address it leads to is judged, and the connection goes to an address
that was judged, so that a name which leads elsewhere a moment later leads nowhere.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from schemas.errors import MailError

LONGEST_URL: Final = 2000
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_OF_THIS_NETWORK: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# From a name and a port to the addresses it leads to; raises OSError if it leads nowhere.
Resolve = Callable[[str, int], Sequence[str]]

# Not what is thought to be private, but all that is not plainly public.
_CLOSED_V4: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)
_PUBLIC_V6: Final = ipaddress.IPv6Network("2000::/3")
# Within it: Teredo, ORCHID and other protocols, documentation, 6to4. What carries an IPv4 address inside (mapped,
# compatible, NAT64) lies outside of it.
_CLOSED_V6: Final = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)
# No allowed name opens these: here machines keep what tells others who they are.
_NEVER_BY_NAME: Final = (
    ipaddress.IPv4Network("169.254.0.0/16"),
    ipaddress.IPv4Network("224.0.0.0/3"),
    ipaddress.IPv4Network("0.0.0.0/8"),
    ipaddress.IPv6Network("fe80::/10"),
    ipaddress.IPv6Network("ff00::/8"),
    ipaddress.IPv6Network("::/128"),
    ipaddress.IPv6Network("fd00:ec2::/32"),
)


class ForbiddenAddress(MailError):
    """Events may not be sent there; the message says why, and repeats nothing of the address."""


class NoSuchName(MailError):
    """The name leads nowhere now; it may do so later."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator has allowed beyond public addresses by https on the usual ports.

    hosts:    names to which http, any port and a private address are allowed.
    networks: addresses that are allowed although they are not public; named by their number, by http too.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset({443, 8443})


@dataclass(frozen=True, slots=True)
class Place:
    """A URL taken apart. target: path and query as they are sent.  is_trusted: the operator has allowed the host."""

    scheme: str
    host: str
    port: int
    target: str
    is_trusted: bool

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse_allowed(text: str, ports: str = "443,8443") -> Allowed:
    """From the settings. Raises ValueError saying which entry is wrong by its place."""
    hosts: set[str] = set()
    networks: list[Network] = []
    for place, entry in enumerate((each.strip().lower() for each in text.split(",")), 1):
        if not entry:
            continue
        try:
            networks.append(ipaddress.ip_network(entry))
        except ValueError:
            if not _NAME.fullmatch(entry) or _looks_like_a_number(entry):
                raise ValueError(f"entry {place} is neither a host name nor a network like 10.1.0.0/16") from None
            hosts.add(entry)
    numbers = [each.strip() for each in ports.split(",") if each.strip()]
    if not numbers or not all(each.isascii() and each.isdigit() and 0 < int(each) < 65536 for each in numbers):
        raise ValueError("ports are numbers parted by commas, such as 443,8443")
    return Allowed(frozenset(hosts), tuple(networks), frozenset(map(int, numbers)))


def judge_url(url: str, allowed: Allowed) -> Place:
    """The place a URL names. Raises ForbiddenAddress for whatever is not plainly a place we may send to."""
    if len(url) > LONGEST_URL or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise ForbiddenAddress("It must be printable ASCII without blanks; a name of other letters in its xn-- form.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ForbiddenAddress("It is no URL.") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ForbiddenAddress("It must begin with https://, followed by a host name.")
    if "@" in parts.netloc:
        raise ForbiddenAddress("It must not hold a user name or password.")
    if parts.fragment or "#" in url:
        raise ForbiddenAddress("It must not hold a fragment (#).")
    host = parts.hostname.lower()
    literal = _literal(host, is_bracketed=parts.netloc.startswith("["))
    is_trusted = host in allowed.hosts if literal is None else _is_within(literal, allowed.networks)
    if literal is None:
        _judge_name(host, is_trusted=is_trusted)
    else:
        judge_address(literal, allowed, is_trusted=False)
    if parts.scheme == "http" and not is_trusted:
        raise ForbiddenAddress("It must begin with https://.")
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    if port == 0 or (port not in allowed.ports and not is_trusted):
        raise ForbiddenAddress(f"Its port must be one of {', '.join(map(str, sorted(allowed.ports)))}.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.scheme, host, port, target, is_trusted)


def addresses_of(place: Place, allowed: Allowed, resolve: Resolve) -> list[str]:
    """The addresses to connect to, looked up now. Raises ForbiddenAddress if one of them is not allowed, NoSuchName."""
    try:
        found = list(dict.fromkeys(resolve(place.host, place.port)))
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise NoSuchName("Its host name is not known.")
    for each in found:
        try:
            address = ipaddress.ip_address(each)
        except ValueError:
            raise ForbiddenAddress("Its host name leads to something that is no address.") from None
        judge_address(address, allowed, is_trusted=place.is_trusted)
    return found


def judge_address(address: Address, allowed: Allowed, *, is_trusted: bool) -> None:
    """Raise ForbiddenAddress unless this very address is public or allowed. is_trusted: its name is allowed."""
    if _is_within(address, allowed.networks):
        return
    if is_trusted and not _is_within(address, _NEVER_BY_NAME) and not _carries_another(address):
        return
    if not _is_public(address):
        raise ForbiddenAddress("Its host is not a public address. The operator can allow it in POSTROOM_WEBHOOK_ALLOW.")


def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses a name leads to, as this machine resolves it; without those that only a zone makes whole."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not _is_within(address, _CLOSED_V4)
    return address.scope_id is None and address in _PUBLIC_V6 and not _is_within(address, _CLOSED_V6)


def _carries_another(address: Address) -> bool:
    """An IPv6 address with an IPv4 address inside, however written: judged by neither, and so refused."""
    if isinstance(address, ipaddress.IPv4Address):
        return False
    return address.scope_id is not None or not (
        address in _PUBLIC_V6 or address.is_loopback or address in ipaddress.IPv6Network("fc00::/7")
    )


def _is_within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _literal(host: str, *, is_bracketed: bool) -> Address | None:
    """The address that a host is written as; None if it is a name. Raises ForbiddenAddress for another way to write."""
    try:
        if is_bracketed:
            return ipaddress.IPv6Address(host)
        return ipaddress.IPv4Address(host)
    except ValueError:
        if is_bracketed or _looks_like_a_number(host):
            raise ForbiddenAddress("Its host is a number that is no plain address.") from None
    return None


def _looks_like_a_number(host: str) -> bool:
    """Whether some resolver would take it for a number: 2130706433, 0x7f.1, 0177.0.0.1, 127.1."""
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdigit() or bool(re.fullmatch(r"0x[0-9a-f]*", last))


def _judge_name(host: str, *, is_trusted: bool) -> None:
    if not _NAME.fullmatch(host) or len(host) > 253:
        raise ForbiddenAddress("Its host is no plain name.")
    if is_trusted:
        return
    if "." not in host or host.rpartition(".")[2] in _OF_THIS_NETWORK:
        raise ForbiddenAddress("Its host is a name of this network. The operator can allow it.")
