"""Which addresses may not be called, whatever name leads there: link-local ones, and those of a cloud's metadata.

A machine in a cloud finds its credentials at such an address, so that one URL in an answer could take them. Loopback
and private networks may be called: APIs of one's own are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from airflow_provider_gimme.errors import RequestError

__all__ = ["Addresses", "address_of"]

_LINK_LOCAL = (ip_network("169.254.0.0/16"), ip_network("fe80::/10"))
_METADATA = frozenset(
    map(
        ip_address,
        (
            "100.100.100.200",  # Alibaba
            "168.63.129.16",  # Azure's agent
            "192.0.0.192",  # Oracle
            "fd00:42::42",  # Scaleway
            "fd00:c1::a9fe:a9fe",  # Oracle
            "fd00:ec2::23",  # Amazon's identities of pods
            "fd00:ec2::254",  # Amazon
            "fd20:ce::254",  # Google
        ),
    )
)
_METADATA_NAMES = frozenset({"instance-data.ec2.internal", "metadata.goog", "metadata.google.internal"})
"""Names that only a cloud gives, for where a proxy looks names up."""

_EMBEDDED: tuple[tuple[IPv6Network, tuple[int, ...]], ...] = (
    (IPv6Network("::/96"), (12, 13, 14, 15)),  # IPv4-compatible (RFC 4291)
    (IPv6Network("::ffff:0:0/96"), (12, 13, 14, 15)),  # IPv4-mapped (RFC 4291)
    (IPv6Network("::ffff:0:0:0/96"), (12, 13, 14, 15)),  # IPv4-translated (RFC 2765)
    (IPv6Network("64:ff9b::/96"), (12, 13, 14, 15)),  # NAT64 (RFC 6052)
    (IPv6Network("64:ff9b:1::/48"), (6, 7, 9, 10)),  # local NAT64 (RFC 8215), by the length of its prefix
    (IPv6Network("64:ff9b:1::/48"), (7, 9, 10, 11)),
    (IPv6Network("64:ff9b:1::/48"), (9, 10, 11, 12)),
    (IPv6Network("64:ff9b:1::/48"), (12, 13, 14, 15)),
    (IPv6Network("2002::/16"), (2, 3, 4, 5)),  # 6to4 (RFC 3056)
)
"""Where an IPv6 address holds an IPv4 address that a router or a kernel takes out again: the places of its octets."""


@dataclass(frozen=True)
class Addresses:
    """The rule for addresses, and the networks that are exempt from it."""

    allowed: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, allowed: Iterable[str]) -> Addresses:
        """Take networks (``169.254.20.0/24``) and single addresses that may be called all the same.

        :raises RequestError: naming the one that is neither.
        """
        networks = []
        for text in allowed:
            try:
                networks.append(ip_network(text.strip(), strict=False))
            except ValueError:
                raise RequestError(
                    f"'{text.strip()}' is not an address or a network such as 169.254.20.0/24; "
                    "correct [gimme] allow_addresses"
                ) from None
        return cls(tuple(networks))

    def refusal(self, host: str, address: str) -> str | None:
        """Say why no connection to an address of a host may be made, None where it may.

        ``address`` is as a resolver or a socket gives it, that of IPv6 perhaps with a zone.
        """
        found = ip_address(address.strip("[]"))
        kind = next((kind for each in _meant(found) if (kind := self._kind(each))), None)
        if kind is None or any(found in network for network in self.allowed):
            return None
        named = f"{found} is" if host.strip("[]") in {str(found), address} else f"'{host}' is at {found},"
        return f"{named} {kind}; an administrator can list it in [gimme] allow_addresses to allow it"

    def refusal_of_host(self, host: str) -> str | None:
        """Say why a host may not be called that is itself an address, in any spelling; None where it may or is none."""
        return _refusal_of_host(self, host)

    def _kind(self, address: IPv4Address | IPv6Address) -> str | None:
        if any(address in network for network in self.allowed):
            return None
        if address in _METADATA or str(address) == "169.254.169.254":
            return "where clouds keep a machine's credentials"
        return "a link-local address" if any(address in network for network in _LINK_LOCAL) else None


def address_of(host: str) -> str | None:
    """Return the address that a host is, None where it is a name that has to be looked up.

    Other spellings that systems take for an IPv4 address count (``2852039166``, ``0xa9.254.43518``, ``169.254.43518``),
    and the names that clouds give the address of their metadata.
    """
    from socket import inet_aton

    if host in _METADATA_NAMES:
        return "169.254.169.254"
    try:
        return str(IPv6Address(host[1:-1]) if host.startswith("[") else IPv4Address(inet_aton(host)))
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=256)
def _refusal_of_host(addresses: Addresses, host: str) -> str | None:
    address = address_of(host)
    return None if address is None else addresses.refusal(host, address)


def _meant(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """Yield an address, without its zone, and those that it stands for."""
    if isinstance(address, IPv4Address):
        yield address
        return
    octets = address.packed
    yield IPv6Address(octets)
    for network, places in _EMBEDDED:
        if address in network:
            yield IPv4Address(bytes(octets[place] for place in places))
