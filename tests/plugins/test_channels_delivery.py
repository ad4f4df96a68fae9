"""Channels against a real local server and a real file system."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.hooks import Delivery, Notice, RegistrationContext
from fieldhr_core.model import Case, CaseState, Finding, Severity
from fieldhr_plugins import channels
from fieldhr_plugins.channels import ChannelSettings, FileSettings, WebhookSettings
from fieldhr_plugins.channels.file import FileChannel
from fieldhr_plugins.channels.signature import HEADER, is_genuine, sign
from fieldhr_plugins.channels.targets import is_public
from fieldhr_plugins.channels.webhook import WebhookChannel

NOW = dt.datetime(2026, 3, 5, 10, 5, tzinfo=dt.UTC)


def notice(number: int = 1, **changes) -> Notice:
    plain = Notice(
        id=f"n{number}",
        case="case-1",
        code="track.offsite_dwell",
        severity="medium",
        to="",
        language="zh-Hans",
        title="track.offsite_dwell (medium)",
        body="外勤停留超过 30 分钟",
        facts={"simulated": True},
    )
    return attrs.evolve(plain, **changes)


@attrs.define
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


@attrs.define
class Server:
    """A receiver on raw sockets: *answer* is called with the connection once a request has come in."""

    port: int
    requests: list[Request] = attrs.Factory(list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?team=1"


Answer = Callable[[socket.socket], None]


def says(status: str, *headers: str) -> Answer:
    def answer(connection: socket.socket) -> None:
        lines = [f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", ""]
        connection.sendall("\r\n".join(lines).encode())

    return answer


@contextmanager
def listening(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve one connection an answer, the last answer again and again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1])
        left = list(answers)
        listener.settimeout(0.05)
        stop = threading.Event()

        def handle(connection: socket.socket, answer: Answer) -> None:
            with connection:
                connection.settimeout(5)
                try:
                    request = _read_request(connection)
                    server.requests.append(request)
                    answer(connection)
                except OSError:
                    pass  # the client gave up, which is what some tests want

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                if tls is not None:
                    try:
                        connection = tls.wrap_socket(connection, server_side=True)
                    except OSError:
                        continue
                handle(connection, left.pop(0) if len(left) > 1 else left[0])

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            stop.set()
            thread.join()


def _read_request(connection: socket.socket) -> Request:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    line, *rest = head.decode("ascii").split("\r\n")
    headers = dict(part.split(": ", 1) for part in rest)
    while len(body) < int(headers["Content-Length"]):
        body += connection.recv(65536)
    return Request(line, headers, body)


def webhook(server: Server | None = None, tls: ssl.SSLContext | None = None, **settings) -> WebhookChannel:
    settings = {"allow_http": True, "allowed_hosts": ("127.0.0.1",), "timeout_s": 2.0, **settings}
    if server is not None:
        settings.setdefault("url", server.url)
    return WebhookChannel(WebhookSettings(**settings), clock=FrozenClock(NOW), tls=tls)


def deliver(channel, *notices: Notice) -> list[tuple[str, str]]:
    outcomes = channel.deliver(list(notices))
    assert [outcome.notice for outcome in outcomes] == [one.id for one in notices]
    assert all(isinstance(outcome, Delivery) for outcome in outcomes)
    return [(outcome.status, outcome.reason) for outcome in outcomes]


# --- webhook --------------------------------------------------------------------------------------------------------


@pytest.mark.req("C8", "G2")
def test_a_notice_arrives_signed_and_recognisable_on_every_retry():
    with listening(says("500 Oops"), says("204 No Content")) as server:
        channel = webhook(server, secret="s3cret")
        assert deliver(channel, notice()) == [("retry", "webhook.http_500")]
        assert deliver(channel, notice()) == [("sent", "")]
    first, second = server.requests
    assert first.line == "POST /hook?team=1 HTTP/1.1"
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == "n1"
    assert first.headers["Host"] == f"127.0.0.1:{server.port}"
    assert first.body == second.body
    sent = json.loads(first.body)
    assert sent["body"] == "外勤停留超过 30 分钟"
    assert sent["facts"] == {"simulated": True}
    assert is_genuine("s3cret", second.headers[HEADER], second.body, NOW)
    assert not is_genuine("other", second.headers[HEADER], second.body, NOW)


@pytest.mark.req("C8")
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("200 OK", "sent"),
        ("202 Accepted", "sent"),
        ("301 Moved", "refused"),
        ("400 Bad Request", "refused"),
        ("404 Not Found", "refused"),
        ("408 Request Timeout", "retry"),
        ("410 Gone", "refused"),
        ("429 Too Many Requests", "retry"),
        ("500 Internal Server Error", "retry"),
        ("503 Unavailable", "retry"),
    ],
)
def test_what_the_status_means(status, outcome):
    with listening(says(status)) as server:
        ((found, reason),) = deliver(webhook(server), notice())
    assert found == outcome
    assert reason == ("" if outcome == "sent" else f"webhook.http_{status[:3]}")


@pytest.mark.req("C8")
def test_a_redirect_is_not_followed():
    with listening(says("200 OK")) as other, listening(says("302 Found", f"Location: {other.url}")) as server:
        assert deliver(webhook(server), notice()) == [("refused", "webhook.http_302")]
    assert len(server.requests) == 1
    assert other.requests == []


@pytest.mark.req("C8")
def test_an_interim_answer_is_not_the_answer():
    def answer(connection):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        time.sleep(0.05)
        connection.sendall(b"HTTP/1.1 201 Created\r\n\r\n")

    with listening(answer) as server:
        assert deliver(webhook(server), notice()) == [("sent", "")]


@pytest.mark.req("C8")
@pytest.mark.parametrize("how", ["silent", "dripping", "endless headers"])
def test_one_deadline_holds_for_the_whole_post(how):
    def answer(connection):
        if how == "silent":
            time.sleep(1.0)
        pieces = b"HTTP/1.1 200 OK" if how == "dripping" else b"HTTP/1.1 100 Continue\r\n" + b"a: b\r\n" * 20
        for piece in pieces:
            connection.sendall(bytes([piece]))
            time.sleep(0.05)

    with listening(answer) as server:
        begun = time.monotonic()
        assert deliver(webhook(server, timeout_s=0.3), notice()) == [("retry", "webhook.timeout")]
        assert 0.25 < time.monotonic() - begun < 0.6


@pytest.mark.req("C8")
@pytest.mark.parametrize(
    "answer",
    [
        lambda connection: None,
        lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 2000 OK\r\n\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 100 Go on\r\n" + b"x: y\r\n" * 20_000),
    ],
    ids=["hangs up", "no http", "no status", "a flood of headers"],
)
def test_what_is_no_answer_is_tried_again(answer):
    with listening(answer) as server:
        ((status, reason),) = deliver(webhook(server), notice())
    assert (status, reason) in {("retry", "webhook.no_answer"), ("retry", "webhook.unreachable")}


@pytest.mark.req("C8")
def test_a_host_that_does_not_answer_is_waited_for_once_a_call_and_others_still_get_theirs():
    with listening(lambda connection: time.sleep(0.5)) as dead, listening(says("200 OK")) as alive:
        begun = time.monotonic()
        found = deliver(
            webhook(timeout_s=0.2),
            *(notice(number, to=dead.url) for number in range(20)),
            notice(99, to=alive.url),
        )
        assert found == [("retry", "webhook.timeout")] * 20 + [("sent", "")]
        assert time.monotonic() - begun < 1.0


@pytest.mark.req("C8")
def test_a_closed_port_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    channel = webhook(url=f"http://127.0.0.1:{port}/")
    assert deliver(channel, notice()) == [("retry", "webhook.unreachable")]


@pytest.mark.req("C8", "E1")
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "webhook.no_url"),
        ("ftp://example.org/", "webhook.bad_url"),
        ("file:///etc/passwd", "webhook.bad_url"),
        ("https://user:pw@example.org/", "webhook.bad_url"),
        ("https:///nohost", "webhook.bad_url"),
        ("https://example.org:0/", "webhook.bad_url"),
        ("https://example.org:99999/", "webhook.bad_url"),
        ("https://example.org/a b", "webhook.bad_url"),
        ("https://example.org/\r\nX-Evil: 1", "webhook.bad_url"),
        ("https://１２７.0.0.1/", "webhook.bad_url"),
        ("https://[::1/", "webhook.bad_url"),
        ("http://127.0.0.1/", "webhook.not_https"),
        ("https://127.0.0.1/", "webhook.private_address"),
        ("https://127.1/", "webhook.private_address"),
        ("https://2130706433/", "webhook.private_address"),
        ("https://0x7f000001/", "webhook.private_address"),
        ("https://0177.0.0.1/", "webhook.private_address"),
        ("https://localhost/", "webhook.private_address"),
        ("https://[::1]/", "webhook.private_address"),
        ("https://[::ffff:127.0.0.1]/", "webhook.private_address"),
        ("https://[::ffff:10.0.0.1]/", "webhook.private_address"),
        ("https://[::127.0.0.1]/", "webhook.private_address"),
        ("https://[64:ff9b::7f00:1]/", "webhook.private_address"),
        ("https://[2002:7f00:1::]/", "webhook.private_address"),
        ("https://[fe80::1]/", "webhook.private_address"),
        ("https://[fd00::1]/", "webhook.private_address"),
        ("https://10.1.2.3/", "webhook.private_address"),
        ("https://172.16.0.1/", "webhook.private_address"),
        ("https://192.168.1.1/", "webhook.private_address"),
        ("https://169.254.169.254/latest/meta-data", "webhook.private_address"),
        ("https://100.64.0.1/", "webhook.private_address"),
        ("https://0.0.0.0/", "webhook.private_address"),
        ("https://224.0.0.1/", "webhook.private_address"),
        ("https://255.255.255.255/", "webhook.private_address"),
    ],
)
def test_targets_behind_the_firewall_and_malformed_ones_are_refused(url, reason):
    channel = webhook(url=url, allow_http=False, allowed_hosts=("127.0.0.2",))
    assert deliver(channel, notice()) == [("refused", reason)]


@pytest.mark.req("C8", "E1")
@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("8.8.8.8", "127.0.0.1"), ("8.8.8.8", "::1")])
def test_one_private_address_refuses_the_whole_name(addresses, monkeypatch):
    def lookup(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    with listening(says("200 OK")) as server:
        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        channel = webhook(url=f"http://rebind.example:{server.port}/")
        assert deliver(channel, notice()) == [("refused", "webhook.private_address")]
        monkeypatch.undo()
    assert server.requests == []


@pytest.mark.req("C8", "E1")
def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch):
    asked = []
    real = socket.getaddrinfo

    def lookup(host, port, *rest, **options):
        asked.append(host)
        # Whoever asks by name again would be sent elsewhere.
        return real("127.0.0.1" if asked.count("receiver.example") <= 1 else "127.0.0.9", port, *rest, **options)

    with listening(says("200 OK")) as server:
        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        channel = webhook(url=f"http://receiver.example:{server.port}/", allowed_hosts=("receiver.example",))
        assert deliver(channel, notice()) == [("sent", "")]
        monkeypatch.undo()
    assert asked.count("receiver.example") == 1
    assert server.requests[0].headers["Host"] == f"receiver.example:{server.port}"


@pytest.mark.req("E1")
@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_public_internet_are_public(address):
    assert is_public(address)


@pytest.mark.req("E1")
@given(st.ip_addresses(v=4))
def test_wrapping_an_ipv4_address_in_ipv6_changes_nothing(address):
    for wrapped in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(wrapped) == is_public(str(address))
    assert is_public("fe80::1%eth0") is False


@pytest.mark.req("C8")
def test_an_allowed_host_is_allowed_with_its_port_only_where_the_port_is_named():
    with listening(says("200 OK")) as server:
        assert deliver(webhook(server, allowed_hosts=(f"127.0.0.1:{server.port}",)), notice()) == [("sent", "")]
        refused = webhook(server, allowed_hosts=("127.0.0.1:1",))
        assert deliver(refused, notice()) == [("refused", "webhook.private_address")]


@pytest.mark.req("C8")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "a\r\nX: 1"}, "webhook.bad_id"),
        ({"id": ""}, "webhook.bad_id"),
        ({"facts": {"x": float("nan")}}, "webhook.bad_facts"),
    ],
)
def test_a_notice_that_cannot_be_written_safely_is_refused_and_the_next_still_sent(changes, reason):
    with listening(says("200 OK")) as server:
        found = deliver(webhook(server), notice(1, **changes), notice(2))
    assert found == [("refused", reason), ("sent", "")]


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return contexts of a server and of a client that trusts it, for 127.0.0.1."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2120, 1, 1, tzinfo=dt.UTC))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "receiver.pem"
    pem.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


@pytest.mark.req("C8", "E1")
def test_https_is_spoken_and_an_unknown_certificate_is_not_trusted(tmp_path):
    server_side, client_side = certificate(tmp_path)
    with listening(says("200 OK"), tls=server_side) as server:
        url = server.url.replace("http:", "https:")
        assert deliver(webhook(url=url, tls=client_side, allow_http=False), notice()) == [("sent", "")]
        assert deliver(webhook(url=url, allow_http=False), notice()) == [("retry", "webhook.tls")]
    assert len(server.requests) == 1


@pytest.mark.req("C8")
def test_a_signature_is_stale_after_its_tolerance_and_bound_to_its_time_and_body():
    header = sign("s", b"body", NOW)
    assert is_genuine("s", header, b"body", NOW + dt.timedelta(seconds=300))
    assert not is_genuine("s", header, b"body", NOW + dt.timedelta(seconds=301))
    assert not is_genuine("s", header, b"body", NOW - dt.timedelta(seconds=301))
    assert not is_genuine("s", header, b"Body", NOW)
    assert not is_genuine("s", header.replace("t=1", "t=2"), b"body", NOW)
    for broken in ("", "v1=00", "t=1", header + "0", header.upper()):
        assert not is_genuine("s", broken, b"body", NOW)
    # printf 1772705100.body | openssl dgst -sha256 -hmac s
    assert header == "t=1772705100,v1=d092ea56c6d2359aa8b19a6b44285aef3a132d79f79024e4b41e883b479942f9"


@pytest.mark.req("E1")
def test_the_secret_is_in_no_text():
    settings = ChannelSettings(webhook=WebhookSettings(secret="hunter2"))
    assert "hunter2" not in repr(settings)


# --- file -------------------------------------------------------------------------------------------------------------


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.req("C8")
def test_each_notice_stands_in_the_file_once(tmp_path):
    channel = FileChannel(FileSettings(folder=str(tmp_path)))
    assert deliver(channel, notice(1), notice(2), notice(1)) == [("sent", "")] * 3
    assert deliver(channel, notice(2), notice(3, to="team-7")) == [("sent", "")] * 2
    again = FileChannel(FileSettings(folder=str(tmp_path)))
    assert deliver(again, notice(1)) == [("sent", "")]
    assert [line["id"] for line in lines(tmp_path / "alerts.jsonl")] == ["n1", "n2"]
    assert [line["id"] for line in lines(tmp_path / "team-7.jsonl")] == ["n3"]
    assert lines(tmp_path / "alerts.jsonl")[0]["body"] == "外勤停留超过 30 分钟"
    assert (tmp_path / "alerts.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.req("C8")
def test_rotation_by_renaming_loses_and_doubles_nothing(tmp_path):
    channel = FileChannel(FileSettings(folder=str(tmp_path)))
    for _ in range(2):
        deliver(channel, notice(1), notice(2))
    (tmp_path / "alerts.jsonl").rename(tmp_path / "alerts.jsonl.1")
    for one in (FileChannel(FileSettings(folder=str(tmp_path))), channel):
        assert deliver(one, notice(2), notice(3), notice(4), notice(5)) == [("sent", "")] * 4
    assert [line["id"] for line in lines(tmp_path / "alerts.jsonl")] == ["n3", "n4", "n5"]


@pytest.mark.req("C8")
def test_rotation_by_copy_and_truncate_is_noticed(tmp_path):
    channel = FileChannel(FileSettings(folder=str(tmp_path)))
    deliver(channel, notice(1), notice(2))
    shutil.copy(tmp_path / "alerts.jsonl", tmp_path / "alerts.jsonl.1")
    os.truncate(tmp_path / "alerts.jsonl", 0)
    deliver(channel, notice(2), notice(3))
    assert [line["id"] for line in lines(tmp_path / "alerts.jsonl")] == ["n3"]


@pytest.mark.req("C8")
@given(cut=st.integers(1, 60))
def test_a_line_torn_by_a_crash_does_not_swallow_the_next(cut, tmp_path_factory):
    folder = tmp_path_factory.mktemp("torn")
    path = folder / "alerts.jsonl"
    deliver(FileChannel(FileSettings(folder=str(folder))), notice(1), notice(2))
    os.truncate(path, path.stat().st_size - cut)
    assert deliver(FileChannel(FileSettings(folder=str(folder))), notice(2), notice(3)) == [("sent", "")] * 2
    whole = []
    for line in path.read_bytes().splitlines():
        try:
            whole.append(json.loads(line)["id"])
        except ValueError:
            continue
    assert whole[0] == "n1"
    assert sorted(set(whole)) == ["n1", "n2", "n3"]
    assert whole.count("n3") == 1


@pytest.mark.req("C8")
@pytest.mark.parametrize("to", ["../evil", "a/b", "..", ".hidden", "a\0b", "x" * 101, "C:\\x", "名"])
def test_a_recipient_names_a_file_in_the_folder_and_nothing_else(to, tmp_path):
    folder = tmp_path / "inside"
    folder.mkdir()
    assert deliver(FileChannel(FileSettings(folder=str(folder))), notice(to=to)) == [("refused", "file.bad_name")]
    assert list(tmp_path.rglob("*")) == [folder]


@pytest.mark.req("C8")
def test_no_folder_set_is_refused_and_a_missing_one_tried_again(tmp_path):
    assert deliver(FileChannel(FileSettings()), notice()) == [("refused", "file.no_folder")]
    gone = FileChannel(FileSettings(folder=str(tmp_path / "gone")))
    assert deliver(gone, notice()) == [("retry", "file.unwritable")]
    (tmp_path / "gone").mkdir()
    assert deliver(gone, notice()) == [("sent", "")]


@pytest.mark.req("C8", "A8")
def test_a_full_disk_is_tried_again_and_ends_in_one_whole_line(tmp_path, monkeypatch):
    channel = FileChannel(FileSettings(folder=str(tmp_path)))
    real = os.write

    def full(descriptor, content):
        real(descriptor, bytes(content[:20]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    assert deliver(channel, notice(1)) == [("retry", "file.full")]
    monkeypatch.setattr(os, "write", real)
    assert deliver(channel, notice(1)) == [("sent", "")]
    torn, whole = (tmp_path / "alerts.jsonl").read_bytes().splitlines()
    assert json.loads(whole)["id"] == "n1"
    assert len(torn) == 20


@pytest.mark.req("C8")
def test_several_writers_double_nothing(tmp_path):
    def work() -> None:
        channel = FileChannel(FileSettings(folder=str(tmp_path)))
        for number in range(30):
            channel.deliver([notice(number)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [line["id"] for line in lines(tmp_path / "alerts.jsonl")]
    assert sorted(ids) == sorted(f"n{number}" for number in range(30))


# --- log and registration -------------------------------------------------------------------------------------------


@pytest.mark.req("C8", "E6")
def test_a_new_case_is_announced_by_ids_and_codes_only(caplog):
    finding = Finding(
        code="track.offsite_dwell",
        subject_kind="rep",
        subject="Zhang San",
        rep="Zhang San",
        instance="1",
        opened_at=NOW,
        severity=Severity.MEDIUM,
        confidence=0.9,
        rule="r",
        version="1",
        params={"place": "Riverside Mall"},
    )
    case = Case(id="c-1", tenant="bank", finding=finding, state=CaseState.RAISED, raised_at=NOW, updated_at=NOW)
    with caplog.at_level(logging.INFO, logger="fieldhr.alerts"):
        channels.fieldhr_alerts_raised(tenant="bank", cases=[case])
    assert caplog.messages == [
        "alert raised tenant=bank case=c-1 code=track.offsite_dwell severity=medium simulated=false"
    ]


@pytest.mark.req("H1")
def test_the_plugin_offers_its_channels_without_touching_anything():
    offers = list(channels.fieldhr_register_alerters(context=RegistrationContext()))
    assert [(offer.name, offer.role) for offer in offers] == [
        (name, "deliver") for name in ("webhook", "file", "email", "apprise")
    ]
    for offer in offers:
        assert offer.make(None).deliver([]) == []
        assert offer.make(None).deliver([notice()])[0].status == "refused"
