"""Ways out of the house for alerts: a signed webhook, a file of JSON Lines, and a log line without personal data."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from fieldhr_core.hooks import Offer, PluginInfo, RegistrationContext, hookimpl

if TYPE_CHECKING:
    from fieldhr_core.hooks import Channel
    from fieldhr_core.model import Case

__all__ = ["PLUGIN", "ChannelSettings", "FileSettings", "WebhookSettings", "fieldhr_alerts_raised"]

_alerts_log: Final = logging.getLogger("fieldhr.alerts")


@attrs.frozen(kw_only=True)
class WebhookSettings:
    """Where and how notices are posted.

    Attributes:
        url: where to post a notice whose recipient is no URL itself.
        secret: shared with the receiver; signs every post. Empty: unsigned.
        timeout_s: for one whole post, from the look-up of the name to the status line.
        allowed_hosts: host names or addresses (``host`` or ``host:port``) that may lie in a private network.
        allow_http: whether unencrypted posts are allowed at all.
    """

    url: str = ""
    secret: str = attrs.field(default="", repr=False)
    timeout_s: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))
    allowed_hosts: tuple[str, ...] = ()
    allow_http: bool = False


@attrs.frozen(kw_only=True)
class FileSettings:
    """Where notices are appended.

    Attributes:
        folder: folder of the files; empty: the channel refuses.
    """

    folder: str = ""


@attrs.frozen(kw_only=True)
class ChannelSettings:
    """Settings of both channels.

    Attributes:
        webhook: the webhook.
        file: the file.
    """

    webhook: WebhookSettings = attrs.field(factory=WebhookSettings)
    file: FileSettings = attrs.field(factory=FileSettings)


PLUGIN = PluginInfo(
    name="fieldhr.channels",
    version="0.1.0",
    summary="Delivers alerts to a signed webhook or a file; announces new cases in the log.",
    settings=ChannelSettings,
)


@hookimpl
def fieldhr_register_alerters(context: RegistrationContext) -> Iterable[Offer[Channel]]:
    """Offer the channels ``webhook`` and ``file``."""
    del context

    def webhook(settings: ChannelSettings | None) -> Channel:
        from fieldhr_core.flow.clock import SystemClock
        from fieldhr_plugins.channels.webhook import WebhookChannel

        # A signature's time is compared with the receiver's real clock, whatever time the runtime lives in.
        return WebhookChannel((settings or ChannelSettings()).webhook, clock=SystemClock())

    def file(settings: ChannelSettings | None) -> Channel:
        from fieldhr_plugins.channels.file import FileChannel

        return FileChannel((settings or ChannelSettings()).file)

    return [Offer("webhook", webhook, role="deliver"), Offer("file", file, role="deliver")]


@hookimpl
def fieldhr_alerts_raised(tenant: str, cases: Sequence[Case]) -> None:
    """Write one line a new case to the logger ``fieldhr.alerts``: ids and codes, nothing about anybody."""
    for case in cases:
        _alerts_log.info(
            "alert raised tenant=%s case=%s code=%s severity=%s simulated=%s",
            tenant,
            case.id,
            case.finding.code,
            case.finding.severity.value,
            str(case.simulated).lower(),
        )
