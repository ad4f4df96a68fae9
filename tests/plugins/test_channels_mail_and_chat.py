"""E-mail against a real SMTP server on this machine; chats and SMS up to what leaves the library."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldhr_core.hooks import Notice
from fieldhr_plugins.channels import AppriseSettings, EmailSettings
from fieldhr_plugins.channels.apprise_channel import SCHEMES, AppriseChannel
from fieldhr_plugins.channels.email import EmailChannel, message_of


def notice(number: int = 1, **changes: Any) -> Notice:
    plain = Notice(
        id=f"{number:032x}",
        case="case-1",
        code="track.offsite_dwell",
        severity="medium",
        to="mo@bank.example",
        language="zh-Hans",
        title="track.offsite_dwell (medium)",
        body="外勤停留超过 30 分钟",
        facts={"simulated": True},
    )
    return attrs.evolve(plain, **changes)


@attrs.define(eq=False)
class Mailbox:
    """What an SMTP server took, and how it answers."""

    port: int = 0
    got: list[Any] = attrs.field(factory=list)
    to_rcpt: str = "250 OK"
    to_data: str = "250 taken"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.to_rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_rcpt

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.to_data.startswith("250"):
            self.got.append(message_from_bytes(envelope.content, policy=default))
        return self.to_data

    def settings(self, **changes: Any) -> EmailSettings:
        usual = {
            "host": "127.0.0.1",
            "port": self.port,
            "security": "none",
            "sender": "alerts@bank.example",
            "allowed_hosts": ("127.0.0.1",),
        }
        return EmailSettings(**{**usual, **changes})


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    from aiosmtpd.controller import Controller

    found = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found.port = free.getsockname()[1]
    server = Controller(found, hostname="127.0.0.1", port=found.port)
    server.start()
    yield found
    server.stop()


# -- e-mail ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("C8")
def test_a_message_is_the_same_on_every_try_and_says_that_it_is_simulated(mailbox: Mailbox) -> None:
    channel = EmailChannel(mailbox.settings())
    for _ in range(2):
        assert [each.status for each in channel.deliver([notice(1), notice(2)])] == ["sent", "sent"]
    ids = [message["Message-ID"] for message in mailbox.got]
    assert ids == [f"<{number:032x}@bank.example>" for number in (1, 2, 1, 2)]
    message = mailbox.got[0]
    assert message["To"] == "mo@bank.example"
    assert message["Content-Language"] == "zh-Hans"
    assert message["X-Fieldhr-Simulated"] == "true"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "外勤停留" in message.get_content()


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"to_rcpt": "550 no such user"}, ("refused", "email.smtp_550")),
        ({"to_rcpt": "451 try later"}, ("retry", "email.smtp_451")),
        ({"to_data": "552 too much"}, ("refused", "email.smtp_552")),
        ({"to_data": "421 going down"}, ("retry", "email.smtp_421")),
    ],
)
def test_what_the_servers_answer_means(mailbox: Mailbox, answers: dict[str, str], outcome: tuple[str, str]) -> None:
    for name, value in answers.items():
        setattr(mailbox, name, value)
    [became] = EmailChannel(mailbox.settings()).deliver([notice()])
    assert (became.status, became.reason) == outcome
    assert mailbox.got == []


def test_one_refused_recipient_does_not_keep_the_next_from_theirs(mailbox: Mailbox) -> None:
    became = EmailChannel(mailbox.settings()).deliver([notice(1, to="not an address"), notice(2)])
    assert [each.status for each in became] == ["refused", "sent"]


def test_a_server_that_is_not_there_is_tried_once_a_call(mailbox: Mailbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = taken.getsockname()[1]
        became = EmailChannel(mailbox.settings(port=port)).deliver([notice(1), notice(2)])
    assert [(each.status, each.reason) for each in became] == [("retry", "email.unreachable")] * 2


@pytest.mark.req("E1")
def test_a_server_behind_the_firewall_is_refused_unless_it_is_named(mailbox: Mailbox) -> None:
    [became] = EmailChannel(mailbox.settings(allowed_hosts=())).deliver([notice()])
    assert (became.status, became.reason) == ("refused", "email.private_address")
    assert mailbox.got == []


def test_without_a_server_or_sender_nothing_is_tried() -> None:
    for given_settings in (EmailSettings(), EmailSettings(host="smtp.bank.example", sender="nobody")):
        [became] = EmailChannel(given_settings).deliver([notice()])
        assert (became.status, became.reason) == ("refused", "email.not_set_up")
    assert "hush" not in repr(EmailSettings(password="hush"))


def test_a_server_that_offers_no_tls_gets_nothing(mailbox: Mailbox) -> None:
    [became] = EmailChannel(mailbox.settings(security="starttls")).deliver([notice()])
    assert became.status == "retry"
    assert mailbox.got == []


@given(title=st.text(max_size=80), body=st.text(max_size=200), language=st.text(max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_an_alert_says_it_writes_no_header_of_its_own(title: str, body: str, language: str) -> None:
    made = message_of(notice(title=title, body=body, language=language), "alerts@bank.example", "mo@bank.example")
    raw = made.as_bytes()
    headers = raw.split(b"\n\n", 1)[0].split(b"\n")
    names = {line.split(b":")[0].lower() for line in headers if line[:1] not in b" \t"}
    assert names <= {
        b"message-id",
        b"from",
        b"to",
        b"subject",
        b"x-fieldhr-notice",
        b"x-fieldhr-simulated",
        b"content-language",
        b"auto-submitted",
        b"content-type",
        b"content-transfer-encoding",
        b"mime-version",
    }


# -- chats and SMS ---------------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class Wire:
    """What apprise would have sent, and the answer it got."""

    sent: list[tuple[str, str]] = attrs.field(factory=list)
    status: int = 200

    def request(self, _session: Any, method: str, url: str, **kwargs: Any) -> Any:
        import requests

        assert method.lower() == "post"
        body = kwargs.get("data") or json.dumps(kwargs.get("json"))
        self.sent.append((url, body if isinstance(body, str) else str(body)))
        answer = requests.Response()
        answer.status_code = self.status
        answer._content = b'{"errcode": 0, "code": 0}'
        return answer


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    import requests

    found = Wire()
    monkeypatch.setattr(requests.Session, "request", _bound(found))
    return found


def _bound(found: Wire) -> Any:
    def request(session: Any, method: str, url: str, **kwargs: Any) -> Any:
        return found.request(session, method, url, **kwargs)

    return request


TARGETS = (
    ("dingtalk", "dingtalk://abcdef0123456789abcdef0123456789"),
    ("wecom", "wecombot://693a91f6-7aa1-4bc4-97a0-0ec2b1fa5aaa"),
    ("feishu", "feishu://abc-123-def-456"),
    ("sms", "twilio://AC0123456789abcdef0123456789abcdef:0123456789abcdef0123456789abcdef@+12025550100/{to}"),
    ("inside", "json://10.0.0.1/hook"),
    ("file", "mailto://user:pass@bank.example"),
    ("broken", "dingtalk://"),
)


@pytest.mark.req("C8")
@pytest.mark.parametrize(
    ("to", "host"),
    [
        ("dingtalk", "oapi.dingtalk.com"),
        ("wecom", "qyapi.weixin.qq.com"),
        ("feishu", "open.feishu.cn"),
        ("sms/+8613800000000", "api.twilio.com"),
    ],
)
def test_a_notice_goes_to_the_service_of_its_target_with_its_mark(wire: Wire, to: str, host: str) -> None:
    [became] = AppriseChannel(AppriseSettings(targets=TARGETS)).deliver([notice(0xABCDEF, to=to)])
    assert became.status == "sent"
    [(url, body)] = wire.sent
    assert url.startswith(f"https://{host}/")
    assert "abcdef" in body  # the end of the notice's id


@pytest.mark.req("E1")
@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("inside", "apprise.scheme_not_allowed"),
        ("file", "apprise.scheme_not_allowed"),
        ("nowhere", "apprise.no_target"),
        ("sms", "apprise.bad_recipient"),
        ("dingtalk/somebody", "apprise.bad_recipient"),
        ("broken", "apprise.bad_target"),
    ],
)
def test_what_is_no_allowed_target_is_refused_before_anything_leaves(wire: Wire, to: str, reason: str) -> None:
    [became] = AppriseChannel(AppriseSettings(targets=TARGETS)).deliver([notice(to=to)])
    assert (became.status, became.reason) == ("refused", reason)
    assert wire.sent == []


def test_what_a_service_does_not_take_is_tried_again_and_no_token_is_logged(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    wire.status = 500
    with caplog.at_level(logging.DEBUG):
        [became] = AppriseChannel(AppriseSettings(targets=TARGETS)).deliver([notice(to="dingtalk")])
    assert (became.status, became.reason) == ("retry", "apprise.not_taken")
    assert "abcdef0123456789" not in caplog.text
    assert "abcdef0123456789" not in repr(AppriseSettings(targets=TARGETS))


def test_no_scheme_takes_its_server_from_the_url() -> None:
    assert SCHEMES.isdisjoint({"json", "jsons", "xml", "form", "mailto", "mailtos", "smtp", "file", "exec", "syslog"})
