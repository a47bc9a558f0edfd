"""Which addresses are never connected to, however they are written and whatever name leads there."""

from __future__ import annotations

import socket
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_gimme.errors import CallError, RequestError, StatusError
from airflow_provider_gimme.http import BearerAuth, Client, Request, decide
from airflow_provider_gimme.http.addresses import Addresses
from airflow_provider_gimme.http.connector import AddressRefusedError, connector
from airflow_provider_gimme.http.retry import RetryRules
from tests.http.conftest import SECOND, Serve, call

METADATA = "169.254.169.254"
REFUSED = [
    METADATA,
    "169.254.0.1",
    "169.254.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::ffff:0:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::169.254.169.254",
    "64:ff9b::a9fe:1",
    "64:ff9b:1:a9fe:a9:fe00::",
    "64:ff9b:1:ffff::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::ffff:100.100.100.200",
]
FREE = ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "0.0.0.0", "8.8.8.8", "169.253.1.1", "fd00::1"]  # noqa: S104 - none is bound to
FREE += ["fec0::1", "2002:0a00:0001::1", "64:ff9b::8.8.8.8", "2001:db8::1", "100.100.100.201"]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_link_local_or_of_a_cloud_is_refused(address: str) -> None:
    """Also where it is embedded in one of IPv6; the reason names it and the way out."""
    reason = Addresses().refusal("api.example", address)
    assert reason is not None
    assert "[gimme] allow_addresses" in reason
    assert reason.startswith("'api.example' is at ")


@pytest.mark.parametrize("address", FREE)
def test_loopback_private_and_public_addresses_are_not_refused(address: str) -> None:
    """APIs of one's own are there."""
    assert Addresses().refusal("api.example", address) is None


@given(st.ip_addresses(v=4, network="169.254.0.0/16"))
def test_no_link_local_address_gets_through_in_any_spelling(address: IPv4Address) -> None:
    """Nor as an IPv6 literal that stands for it."""
    number, octets = int(address), address.packed
    spellings = [str(address), str(number), hex(number), f"0{number:o}", f"0xa9.0376.{number & 0xFFFF}"]
    spellings += [f"[::ffff:{address}]", f"[2002:{octets[:2].hex()}:{octets[2:].hex()}::1]", f"[64:ff9b::{address}]"]
    assert [host for host in spellings if Addresses().refusal_of_host(host) is None] == []
    assert Addresses((IPv4Network(str(address)),)).refusal_of_host(str(number)) is None


@pytest.mark.parametrize("host", ["api.example", "localhost", "metadata", "dead.beef", "[:::]", "1.2.3.4.5", "a_b"])
def test_a_name_is_not_judged_before_it_is_looked_up(host: str) -> None:
    """Its addresses are."""
    assert Addresses().refusal_of_host(host) is None


def test_a_name_that_only_a_cloud_gives_is_refused() -> None:
    """A proxy would look it up without telling."""
    assert "is at 169.254.169.254, where clouds keep" in str(Addresses().refusal_of_host("metadata.google.internal"))


ALLOWED = [
    (METADATA, METADATA, True),
    ("169.254.0.0/16", METADATA, True),
    ("169.254.169.254/16", "169.254.1.1", True),
    (METADATA, "169.254.169.253", False),
    ("fe80::/10", "fe80::1%eth0", True),
    (METADATA, f"::ffff:{METADATA}", True),
    ("64:ff9b::/96", f"64:ff9b::{METADATA}", True),
    ("64:ff9b::/96", METADATA, False),
    ("fd00:ec2::254", "fd00:ec2::254", True),
]


@pytest.mark.parametrize("allowed,address,free", ALLOWED)
def test_a_platform_may_allow_addresses(allowed: str, address: str, free: bool) -> None:  # noqa: FBT001
    """Single ones and networks, and nothing beside them."""
    assert (Addresses.of([" 10.0.0.0/8 ", allowed]).refusal("h", address) is None) is free


@pytest.mark.parametrize("written", ["", "api.example", "169.254.0.0/33", "1.2.3"])
def test_what_is_no_network_is_named(written: str) -> None:
    """The error says where to correct it."""
    with pytest.raises(RequestError, match=rf"^'{written}' is not an address or a network.*\[gimme\] allow_addresses"):
        Client("http://api.example", allow_addresses=[written])


LITERALS = [METADATA, "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", f"[::ffff:{METADATA}]", "[fe80::1]"]


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9"])
@pytest.mark.parametrize("host", LITERALS)
async def test_a_literal_address_is_refused_before_anything_is_opened(host: str, proxy: str | None) -> None:
    """Also where a proxy would connect; another attempt would end the same way."""
    base = f"http://{host}"
    with pytest.raises(RequestError, match=r"not sent: .*\[gimme\] allow_addresses") as caught:
        await call(base, Request("GET", f"{base}/latest/meta-data"), proxy=proxy)
    assert (caught.value.sent, caught.value.retryable) == (False, False)
    assert not decide(RetryRules(), caught.value, retries_used=0, elapsed=timedelta(0), random=lambda: 0.0).retry


@pytest.mark.parametrize("status", [301, 307])
async def test_a_redirect_to_such_an_address_is_not_followed(serve: Serve, status: int) -> None:
    """Not even where the host is in 'allow_hosts': who writes a file is not who runs the platform."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"http://{METADATA}/latest/meta-data"})

    server = await serve(handler)
    with pytest.raises(StatusError, match=rf"redirect is not followed: {METADATA} is where clouds keep"):
        await call(server.base, Request("GET", server.base), allow_hosts=[METADATA])


class Names:
    """What a name server answers, one list of addresses after another; the last one for ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self._answers = list(answers)
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: Any, port: Any, *args: Any, **options: Any) -> list[Any]:
        if host != "api.example":
            return self._real(host, port, *args, **options)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [found for address in answer for found in self._real(address, port, type=socket.SOCK_STREAM)]


async def test_a_name_that_is_bound_anew_does_not_lead_there(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked is what is connected to, at each connection: who changes the name gains nothing."""
    server = await serve()
    base = f"http://api.example:{server.base.rpartition(':')[2]}"
    Names(monkeypatch, ["127.0.0.1"], [METADATA])
    assert (await call(base, Request("GET", base))).status == 200
    with pytest.raises(RequestError, match=rf"not sent: 'api.example' is at {METADATA}, where clouds keep") as caught:
        await call(base, Request("GET", base), auth=BearerAuth("t0k3n"))
    assert (caught.value.sent, len(server.calls)) == (False, 1)
    assert caught.value.__cause__ is caught.value.__context__ is None


async def test_of_many_addresses_those_that_may_be_called_are(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them that may not is as if it were not there."""
    server = await serve()
    base = f"http://api.example:{server.base.rpartition(':')[2]}"
    Names(monkeypatch, [METADATA, "fe80::1", "127.0.0.1"])
    assert (await call(base, Request("GET", base))).status == 200


async def test_a_proxy_is_not_at_such_an_address_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as such."""
    Names(monkeypatch, [METADATA])
    with pytest.raises(RequestError, match=f"'api.example' is at {METADATA}"):
        await call("http://x.invalid", Request("GET", "http://x.invalid"), proxy="http://api.example:9")


async def test_a_socket_is_checked_by_itself() -> None:
    """What got past every check of names and literals still has to be opened."""
    async with aiohttp.ClientSession(connector=connector(Addresses())) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get(f"http://{METADATA}")
    assert isinstance(caught.value.os_error, AddressRefusedError)


async def test_an_allowed_address_is_connected_to() -> None:
    """The rule is out of the way then: what fails is the network."""
    base = "http://169.254.253.1:0"
    async with Client(base, allow_addresses=["169.254.253.0/24"]) as client:
        with pytest.raises(CallError) as caught:
            await client.send(Request("GET", base), timeout=SECOND / 10)
    assert not isinstance(caught.value, RequestError)
