"""Connect to no address that may not be called: what is checked is what a socket is opened to."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from airflow_provider_gimme.http.addresses import Addresses

__all__ = ["AddressRefusedError", "connector"]

_KEEP_ALIVE_SECONDS = 4.0
"""Shorter than the 5 s of common servers: a connection that a server is about to close is not used again."""


class AddressRefusedError(OSError):
    """Tell who connects that the address may not be called; the text says which, why, and the way out."""


class _Resolver(aiohttp.ThreadedResolver):
    """Look names up and leave out the addresses that may not be called."""

    def __init__(self, addresses: Addresses) -> None:
        super().__init__()
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host that may be called.

        :raises AddressRefusedError: where it has none but others.
        """
        found = await super().resolve(host, port, family)
        refusals = [self._addresses.refusal(host, result["host"]) for result in found]
        allowed = [result for result, refusal in zip(found, refusals, strict=True) if refusal is None]
        if found and not allowed:
            raise AddressRefusedError(refusals[0])
        return allowed


def connector(addresses: Addresses) -> aiohttp.TCPConnector:
    """Return what makes a session's connections, as many as are asked for.

    Names are checked by their addresses when they are looked up, so that an allowed address of a name is used beside
    one that is not; every socket is checked again by the address it is opened to, which a literal address never
    tells a resolver.
    """

    def open_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        if refusal := addresses.refusal(str(address[0]), str(address[0])):
            raise AddressRefusedError(refusal)
        return socket.socket(family, kind, protocol)

    resolver: AbstractResolver = _Resolver(addresses)
    return aiohttp.TCPConnector(
        limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS, resolver=resolver, socket_factory=open_socket
    )
