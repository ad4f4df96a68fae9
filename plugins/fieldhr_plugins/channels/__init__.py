"""Ways out of the house for alerts: e-mail, chats and SMS, a signed webhook, a file, and a log line without names."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from fieldhr_core.hooks import Offer, PluginInfo, RegistrationContext, hookimpl

if TYPE_CHECKING:
    from fieldhr_core.hooks import Channel
    from fieldhr_core.model import Case

__all__ = [
    "PLUGIN",
    "AppriseSettings",
    "ChannelSettings",
    "EmailSettings",
    "FileSettings",
    "WebhookSettings",
    "fieldhr_alerts_raised",
]

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
class EmailSettings:
    """How e-mail is sent.

    Attributes:
        host, port: the SMTP server; empty: the channel refuses.
        security: ``starttls``, ``tls`` or, for a server on this machine, ``none``.
        user, password: where the server asks for them.
        sender: address of the sender.
        to: address of a notice whose recipient is none itself.
        timeout_s: for each answer of the server.
        allowed_hosts: host names or addresses (``host`` or ``host:port``) that may lie in a private network.
    """

    host: str = ""
    port: int = attrs.field(default=587, validator=[attrs.validators.ge(1), attrs.validators.le(65535)])
    security: str = attrs.field(default="starttls", validator=attrs.validators.in_(("starttls", "tls", "none")))
    user: str = ""
    password: str = attrs.field(default="", repr=False)
    sender: str = ""
    to: str = ""
    timeout_s: float = attrs.field(default=10.0, validator=attrs.validators.gt(0))
    allowed_hosts: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class AppriseSettings:
    """Chats, group robots and SMS gateways.

    Attributes:
        targets: (name, URL) pairs; a route names a target, and ``{to}`` in its URL is the person's number or id.
    """

    targets: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)


@attrs.frozen(kw_only=True)
class ChannelSettings:
    """Settings of the channels.

    Attributes:
        webhook: the webhook.
        file: the file.
        email: e-mail.
        apprise: chats and SMS.
    """

    webhook: WebhookSettings = attrs.field(factory=WebhookSettings)
    file: FileSettings = attrs.field(factory=FileSettings)
    email: EmailSettings = attrs.field(factory=EmailSettings)
    apprise: AppriseSettings = attrs.field(factory=AppriseSettings)


PLUGIN = PluginInfo(
    name="fieldhr.channels",
    version="0.1.0",
    summary="Delivers alerts by e-mail, chat, SMS, signed webhook or file; announces new cases in the log.",
    purposes=("operations",),
    settings=ChannelSettings,
)


@hookimpl
def fieldhr_register_alerters(context: RegistrationContext) -> Iterable[Offer[Channel]]:
    """Offer the channels ``webhook``, ``file``, ``email`` and ``apprise``."""
    del context

    def webhook(settings: ChannelSettings | None) -> Channel:
        from fieldhr_core.flow.clock import SystemClock
        from fieldhr_plugins.channels.webhook import WebhookChannel

        # A signature's time is compared with the receiver's real clock, whatever time the runtime lives in.
        return WebhookChannel((settings or ChannelSettings()).webhook, clock=SystemClock())

    def file(settings: ChannelSettings | None) -> Channel:
        from fieldhr_plugins.channels.file import FileChannel

        return FileChannel((settings or ChannelSettings()).file)

    def email(settings: ChannelSettings | None) -> Channel:
        from fieldhr_plugins.channels.email import EmailChannel

        return EmailChannel((settings or ChannelSettings()).email)

    def apprise(settings: ChannelSettings | None) -> Channel:
        from fieldhr_plugins.channels.apprise_channel import AppriseChannel

        return AppriseChannel((settings or ChannelSettings()).apprise)

    return [
        Offer("webhook", webhook, role="deliver"),
        Offer("file", file, role="deliver"),
        Offer("email", email, role="deliver"),
        Offer("apprise", apprise, role="deliver"),
    ]


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
