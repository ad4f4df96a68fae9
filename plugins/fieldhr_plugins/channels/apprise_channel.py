"""Channel ``apprise``: chats, group robots and SMS gateways through the library of that name.

A route names a *target* of the settings, so that tokens stand in one place and in no route. What the library can reach
is cut to services with an address of their own: nothing that posts to an address somebody typed in.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from fieldhr_core.errors import MissingDependencyError
from fieldhr_core.hooks import Delivery, Notice
from fieldhr_plugins.channels import AppriseSettings

__all__ = ["SCHEMES", "AppriseChannel"]

#: Schemes of apprise whose servers are those of the service, not named by the URL.
SCHEMES: Final = frozenset(
    {
        "africas-talking",
        "atalk",
        "bulksms",
        "burstsms",
        "clickatell",
        "clicksend",
        "d7sms",
        "dingtalk",
        "discord",
        "feishu",
        "fortysixelks",
        "gchat",
        "httpsms",
        "kavenegar",
        "lark",
        "line",
        "messagebird",
        "msg91",
        "msgbird",
        "msteams",
        "nexmo",
        "plivo",
        "signl4",
        "sinch",
        "slack",
        "sns",
        "tgram",
        "twilio",
        "vonage",
        "voipms",
        "wecombot",
        "whatsapp",
        "workflows",
        "wxpusher",
        "wxteams",
    }
)
_MARK: Final = "{to}"


class AppriseChannel:
    """Sends notices through the target that ``to`` names: ``ops`` or, where its URL holds ``{to}``, ``sms/+86...``.

    The library says no more than whether a service took a message, so what it did not take is ``retry``; a target that
    is not set up, or whose scheme is not in :data:`SCHEMES`, is ``refused``. The last six characters of the notice's id
    stand in the text, so that a repetition is recognisable to the eye: chats know no idempotency key.
    """

    def __init__(self, settings: AppriseSettings) -> None:
        self._settings = settings

    def deliver(self, notices: Sequence[Notice], /) -> Sequence[Delivery]:
        """Send each notice once."""
        try:
            import apprise
        except ImportError as missing:
            raise MissingDependencyError("apprise", "channels") from missing
        return [self._send(apprise, notice) for notice in notices]

    def _send(self, apprise: Any, notice: Notice) -> Delivery:
        name, _, to = notice.to.partition("/")
        template = dict(self._settings.targets).get(name or "default")
        if template is None:
            return Delivery(notice=notice.id, status="refused", reason="apprise.no_target")
        if (_MARK in template) != bool(to):
            return Delivery(notice=notice.id, status="refused", reason="apprise.bad_recipient")
        url = template.replace(_MARK, quote(to, safe=""))
        if url.partition("://")[0].lower() not in SCHEMES:
            return Delivery(notice=notice.id, status="refused", reason="apprise.scheme_not_allowed")
        service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
        if service is None:
            return Delivery(notice=notice.id, status="refused", reason="apprise.bad_target")
        body = f"{notice.body}\n[{notice.id[-6:]}]"
        library = logging.getLogger("apprise")
        was_disabled = library.disabled
        library.disabled = True  # it writes URLs, and with them tokens, into its log
        try:
            taken = bool(service.notify(title=notice.title, body=body))
        finally:
            library.disabled = was_disabled
        if taken:
            return Delivery(notice=notice.id, status="sent")
        return Delivery(notice=notice.id, status="retry", reason="apprise.not_taken")
