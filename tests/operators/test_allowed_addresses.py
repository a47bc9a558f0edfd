"""The setting ``[gimme] allow_addresses`` reaches every call."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from airflow_provider_gimme.errors import CallError, ConnectError, RequestError
from airflow_provider_gimme.hooks.target import Target, read_allowed_addresses
from airflow_provider_gimme.http.redaction import Redactor
from airflow_provider_gimme.http.request import Request
from airflow_provider_gimme.operators.long_run import deliver
from tests.operators.test_attempts import MemoryStore
from tests.operators.test_call import load

SETTING = "AIRFLOW__GIMME__ALLOW_ADDRESSES"
BASE = "http://169.254.253.1:0"
"""A link-local address with a port that nobody can listen at."""


def call() -> None:
    load(MemoryStore()).send(
        Request("GET", BASE), Target(BASE), lambda status: status == 200, timedelta(seconds=0.2), None
    )


def tell() -> None:
    asyncio.run(deliver(Request("GET", BASE), Target(BASE), Redactor(), _no_sleep))


async def _no_sleep(seconds: float) -> None:
    raise ConnectError("the call was made, and would be made again")


@pytest.mark.parametrize("send", [call, tell])
def test_the_setting_reaches_a_call(send: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it a link-local address is refused; with it the network has its say; a wrong one is named."""
    assert callable(send)
    monkeypatch.delenv(SETTING, raising=False)
    with pytest.raises(RequestError, match="a link-local address"):
        send()
    monkeypatch.setenv(SETTING, "10.0.0.0/8, 169.254.253.0/24")
    with pytest.raises(CallError) as caught:
        send()
    assert not isinstance(caught.value, RequestError)
    monkeypatch.setenv(SETTING, "link-local")
    with pytest.raises(RequestError, match="'link-local' is not an address or a network"):
        send()


@pytest.mark.parametrize("written,networks", [("", ()), (" , ", ()), (" fe80::/10,::1 ", ("fe80::/10", "::1"))])
def test_the_setting_is_a_list(written: str, networks: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parts are separated by commas, with any space around."""
    monkeypatch.setenv(SETTING, written)
    assert read_allowed_addresses() == networks
