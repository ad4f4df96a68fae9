"""Where a webhook may post to. A URL comes from a setting, so it must not reach what lies behind the firewall."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

import attrs

__all__ = ["RefusedTarget", "Target", "is_public", "parse", "resolve"]

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Printable ASCII without space: everything else in a URL must come percent-encoded.
_URL: Final = re.compile(r"[!-~]{1,2048}")

#: IPv6 ranges that carry an IPv4 address inside: NAT64 (RFC 6052, RFC 8215).
_TRANSLATED: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


class RefusedTarget(Exception):  # noqa: N818  # a verdict on a target; it never leaves this plugin
    """The target may not be posted to; the text is a dotted reason."""


@attrs.frozen
class Target:
    """A parsed URL: ``path`` holds the query too."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Return the value of the ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


def parse(url: str, *, allow_http: bool) -> Target:
    """Split a URL, or raise :class:`RefusedTarget`: ``webhook.bad_url``, ``webhook.not_https``."""
    if not _URL.fullmatch(url):
        raise RefusedTarget("webhook.bad_url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedTarget("webhook.bad_url") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or port == 0:
        raise RefusedTarget("webhook.bad_url")
    if parts.scheme == "http" and not allow_http:
        raise RefusedTarget("webhook.not_https")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path)


def resolve(target: Target, allowed_hosts: Collection[str]) -> str:
    """Return the address to connect to.

    The name is looked up once and the address it gave is the one connected to, so a name that answers differently the
    second time gains nothing. One address outside the public Internet refuses the whole name.

    Raises:
        RefusedTarget: ``webhook.private_address``.
        OSError: the name cannot be looked up.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    is_allowed = target.host in allowed_hosts or f"{target.host}:{target.port}" in allowed_hosts
    if not is_allowed and not all(is_public(address) for address in addresses):
        raise RefusedTarget("webhook.private_address")
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
