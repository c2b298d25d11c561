"""Where no event may be sent, however it is written: refused when a webhook is made, and when something is sent."""

from collections.abc import Sequence

import pytest

from intake.events.address import Allowed, ForbiddenAddress, NoSuchName, addresses_of, judge_url, parse_allowed
from intake.events.sending import Sender
from schemas.delivery import DeliveryOutcome

CLOSED = Allowed()
PUBLIC = "93.184.216.34"

# Of hosts that are names, what they lead to.
LEADS_TO = {
    "private.example.org": ["10.1.2.3"],
    "loop.example.org": ["127.0.0.1"],
    "metadata.example.org": ["169.254.169.254"],
    "mixed.example.org": [PUBLIC, "192.168.0.7"],
    "six.example.org": ["::1"],
    "mapped.example.org": ["::ffff:127.0.0.1"],
    "zone.example.org": ["fe80::1%eth0"],
    "odd.example.org": ["no address"],
}
PAYLOADS = [
    "http://example.org/",
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://example.org/",
    "//example.org/",
    "https:///path",
    "https://user@example.org/",
    "https://user:password@example.org/",
    "https://example.org:22/",
    "https://example.org:0/",
    "https://example.org:99999/",
    "https://example.org/#fragment",
    "https://example.org\\@127.0.0.1/",
    "https://example.org /",
    "https://exam\tple.org/",
    "https://example.org/\r\nHost: localhost",
    "https://localhost/",
    "https://printer.local/",
    "https://db.internal/",
    "https://intranet/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://172.16.5.4/",
    "https://192.168.1.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[ff02::1]/",
    "https://[fe80::1%25eth0]/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://127\u30020\u30020\u30021/",
    "https://\u24db\u24de\u24d2\u24d0\u24dbhost/",
    "https://%31%32%37.0.0.1/",
    *(f"https://{name}/" for name in LEADS_TO),
]


def resolve(host: str, port: int) -> Sequence[str]:
    return LEADS_TO.get(host, [PUBLIC])


@pytest.mark.parametrize("url", PAYLOADS)
def test_it_is_refused_when_a_webhook_is_made_and_when_something_is_sent(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        addresses_of(judge_url(url, CLOSED), CLOSED, resolve)
    assert Sender(CLOSED, 1.0, resolve).post(url, {}, b"{}").outcome is DeliveryOutcome.REFUSED_ADDRESS


def test_a_public_address_is_taken_as_it_was_looked_up() -> None:
    place = judge_url("https://hooks.example.org/in?of=us", CLOSED)
    assert addresses_of(place, CLOSED, resolve) == [PUBLIC]
    assert (place.host_header, place.port, place.target) == ("hooks.example.org", 443, "/in?of=us")
    assert judge_url("https://hooks.example.org:8443", CLOSED).host_header == "hooks.example.org:8443"
    assert judge_url("https://[2606:4700::1111]/", CLOSED).host_header == "[2606:4700::1111]"


def test_a_name_that_leads_nowhere_is_no_address_yet() -> None:
    with pytest.raises(NoSuchName):
        addresses_of(judge_url("https://hooks.example.org/", CLOSED), CLOSED, lambda host, port: [])


def test_the_operator_may_allow_hosts_and_networks_and_never_where_machines_keep_who_they_are() -> None:
    allowed = parse_allowed("private.example.org, metadata.example.org, mapped.example.org, 192.168.0.0/16")
    for url in ("http://private.example.org:8080/", "http://192.168.3.4:9000/", "https://mixed.example.org/"):
        assert addresses_of(judge_url(url, allowed), allowed, resolve)
    for url in (
        "https://metadata.example.org/",
        "https://mapped.example.org/",
        "https://loop.example.org/",
        "http://mixed.example.org/",
        "https://mixed.example.org:9000/",
    ):
        with pytest.raises(ForbiddenAddress):
            addresses_of(judge_url(url, allowed), allowed, resolve)


@pytest.mark.parametrize(("text", "ports"), [("a b", "443"), ("10.0.0.0/99", "443"), ("127.1", "443"), ("", "0")])
def test_a_setting_that_allows_nothing_sensible_is_refused(text: str, ports: str) -> None:
    with pytest.raises(ValueError, match=r"entry 1|ports"):
        parse_allowed(text, ports)
