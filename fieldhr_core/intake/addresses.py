"""Which network addresses a URL from a setting may reach: the public Internet, and what is allowed by name."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from typing import Final

__all__ = ["PrivateAddressError", "address_of", "is_public"]

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

#: IPv6 ranges that carry an IPv4 address inside: NAT64 (RFC 6052, RFC 8215).
_TRANSLATED: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


class PrivateAddressError(ValueError):
    """A name leads into a network that is not the public Internet, and is not allowed by name."""


def address_of(host: str, port: int, allowed_hosts: Collection[str]) -> str:
    """Return the address to connect to.

    The name is looked up once and the address it gave is the one to connect to, so a name that answers differently the
    second time gains nothing. One address outside the public Internet refuses the whole name.

    Args:
        host: name or address.
        port: TCP port.
        allowed_hosts: ``host`` or ``host:port`` that may lie anywhere.

    Raises:
        PrivateAddressError: it may not be reached.
        OSError: the name cannot be looked up.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    is_allowed = host in allowed_hosts or f"{host}:{port}" in allowed_hosts
    if not is_allowed and not all(is_public(address) for address in addresses):
        raise PrivateAddressError(host)
    return addresses[0]


def is_public(address: str) -> bool:
    """Return whether an IP address is an ordinary one of the public Internet, looking inside wrapped IPv4 too."""
    try:
        # A scoped address ("fe80::1%eth0") is local by definition.
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    inner = _wrapped(parsed)
    if inner is not None:
        return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _wrapped(address: IpAddress) -> ipaddress.IPv4Address | None:
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _TRANSLATED) or int(address) >> 32 == 0:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
