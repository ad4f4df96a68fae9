"""Channel ``email``: one message a notice over SMTP.

The message id is made of the notice's id, so a repetition is recognisable as one to every mail system. A run of notices
shares one connection.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final

from fieldhr_core.hooks import Delivery, Notice
from fieldhr_plugins.channels import EmailSettings
from fieldhr_plugins.channels.targets import RefusedTarget, Target, resolve

__all__ = ["EmailChannel", "message_of"]

_ADDRESS: Final = re.compile(r"([^\s@<>\"',;:\\()\[\]]{1,64})@([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)")
_IDENT: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")


class EmailChannel:
    """Sends notices to the address in ``to``, or to the one of the settings where ``to`` is none.

    A refused recipient (5xx) is ``refused``; what passes (4xx, a broken connection, a server that is not there) is
    ``retry``. After the server could not be reached, the other notices of the call are put off without waiting.
    """

    def __init__(self, settings: EmailSettings, tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._tls = tls

    def deliver(self, notices: Sequence[Notice], /) -> Sequence[Delivery]:
        """Send each notice once."""
        if not self._settings.host or not _ADDRESS.fullmatch(self._settings.sender):
            return [Delivery(notice=each.id, status="refused", reason="email.not_set_up") for each in notices]
        outcomes: list[Delivery] = []
        server: smtplib.SMTP | None = None
        down = ""
        try:
            for notice in notices:
                if down:
                    outcomes.append(Delivery(notice=notice.id, status="retry", reason=down))
                    continue
                to = notice.to if "@" in notice.to else self._settings.to
                if not _ADDRESS.fullmatch(to) or not _IDENT.fullmatch(notice.id):
                    outcomes.append(Delivery(notice=notice.id, status="refused", reason="email.bad_address"))
                    continue
                try:
                    server = server or self._connected()
                    server.send_message(message_of(notice, self._settings.sender, to))
                    outcomes.append(Delivery(notice=notice.id, status="sent"))
                except RefusedTarget:
                    outcomes.append(Delivery(notice=notice.id, status="refused", reason="email.private_address"))
                except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as failure:
                    outcomes.append(_answered(notice, failure))
                    _quit(server)
                    server = None
                except (OSError, smtplib.SMTPException) as failure:
                    down = _reason(failure)
                    outcomes.append(Delivery(notice=notice.id, status="retry", reason=down))
        finally:
            _quit(server)
        return outcomes

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        # Looked up first, and the address that was checked is the one connected to.
        address = resolve(Target("https", settings.host, settings.port, "/"), settings.allowed_hosts)
        context = self._tls or ssl.create_default_context()
        server = _Smtp(settings.host, address, settings.port, settings.timeout_s, context, settings.security == "tls")
        try:
            server.ehlo_or_helo_if_needed()
            if settings.security == "starttls":
                server.starttls(context=context)
                server.ehlo()
            if settings.user:
                server.login(settings.user, settings.password)
        except BaseException:
            server.close()
            raise
        return server


class _Smtp(smtplib.SMTP):
    """A client that connects to one address and speaks to the host of that name."""

    def __init__(
        self, host: str, address: str, port: int, timeout_s: float, context: ssl.SSLContext, is_tls: bool
    ) -> None:
        self._address, self._context, self._is_tls = address, context, is_tls
        super().__init__(timeout=timeout_s, local_hostname="fieldhr.localhost")
        self._host = host  # what starttls checks the certificate against
        code, said = self.connect(host, port)
        if code != 220:
            self.close()
            raise smtplib.SMTPConnectError(code, said)

    def _get_socket(self, host: str, port: int, timeout: float) -> object:
        plain = super()._get_socket(self._address, port, timeout)  # type: ignore[misc] # private in typeshed
        return self._context.wrap_socket(plain, server_hostname=host) if self._is_tls else plain


def message_of(notice: Notice, sender: str, to: str) -> EmailMessage:
    """Return the message of a notice: the same id and content on every retry."""
    message = EmailMessage()
    domain = sender.partition("@")[2]
    message["Message-ID"] = f"<{notice.id}@{domain}>"
    message["From"] = Address(addr_spec=sender)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = " ".join(notice.title.split())[:200]
    message["X-Fieldhr-Notice"] = notice.id
    message["X-Fieldhr-Simulated"] = str(bool(notice.facts.get("simulated"))).lower()
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.body + "\n", charset="utf-8")
    if re.fullmatch(r"[A-Za-z0-9-]{2,20}", notice.language):
        message["Content-Language"] = notice.language
    return message


def _quit(server: smtplib.SMTP | None) -> None:
    if server is not None:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()
        server.close()


def _answered(notice: Notice, failure: Exception) -> Delivery:
    codes = []
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in failure.recipients.values()]
    elif isinstance(failure, smtplib.SMTPResponseException):
        codes = [failure.smtp_code]
    passes = isinstance(failure, smtplib.SMTPAuthenticationError) or any(code < 500 for code in codes)
    code = codes[0] if codes else 0
    return Delivery(notice=notice.id, status="retry" if passes else "refused", reason=f"email.smtp_{code}")


def _reason(failure: Exception) -> str:
    """Name a failure without its text, which may quote addresses."""
    if isinstance(failure, TimeoutError):
        return "email.timeout"
    if isinstance(failure, ssl.SSLError):
        return "email.tls"
    return "email.unreachable"
