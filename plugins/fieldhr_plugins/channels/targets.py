"""Where a webhook may post to. A URL comes from a setting, so it must not reach what lies behind the firewall."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

import attrs

from fieldhr_core.intake.addresses import PrivateAddressError, address_of, is_public

__all__ = ["RefusedTarget", "Target", "is_public", "parse", "resolve"]

#: Printable ASCII without space: everything else in a URL must come percent-encoded.
_URL: Final = re.compile(r"[!-~]{1,2048}")


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
    """Return the address to connect to, looked up once.

    Raises:
        RefusedTarget: ``webhook.private_address``.
        OSError: the name cannot be looked up.
    """
    try:
        return address_of(target.host, target.port, allowed_hosts)
    except PrivateAddressError:
        raise RefusedTarget("webhook.private_address") from None
