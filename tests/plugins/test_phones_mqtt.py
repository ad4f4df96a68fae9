"""Against a real broker on this machine."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

import pytest

from fieldhr_core.errors import ConfigError
from fieldhr_core.model import Envelope
from fieldhr_plugins.phones.mqtt import Broker, BrokerError, listen
from fieldhr_plugins.phones.sources import decoder

pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed (extra mqtt)")
pytest.importorskip("amqtt", reason="amqtt, the broker of this test, is not installed")

pytestmark = pytest.mark.req("A1")

RECEIVED = datetime(2024, 5, 6, 8, 0, tzinfo=UTC)
FIX = {"_type": "location", "lat": 31.2304, "lon": 121.4737, "tst": 1714982340, "acc": 9, "tid": "lw"}


BROKER = """
import asyncio, sys
from amqtt.broker import Broker
from amqtt.plugins.authentication import BaseAuthPlugin
class Passwords(BaseAuthPlugin):
    async def authenticate(self, *, session):
        return session.password == "open sesame"
async def main():
    broker = Broker({
        "listeners": {"default": {"type": "tcp", "bind": "127.0.0.1:" + sys.argv[1]}},
        "plugins": {"__main__.Passwords": {}},
    })
    await broker.start()
    print("up", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await broker.shutdown()
asyncio.run(main())
"""


class RunningBroker:
    """A broker in a process of its own, ended by closing its standard input."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", BROKER, str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> RunningBroker:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"up\n"
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def broker() -> Iterator[RunningBroker]:
    with RunningBroker() as running:
        yield running


def at(running: RunningBroker, **changes: Any) -> Broker:
    usual = {"host": "127.0.0.1", "port": running.port, "listener": "fieldhr", "username": "fieldhr", "wait_s": 0.2}
    return Broker(**{**usual, "password": "open sesame", **changes})


def publish(running: RunningBroker, *messages: tuple[str, Any]) -> None:
    from paho.mqtt import client as paho

    phone = paho.Client(paho.CallbackAPIVersion.VERSION2)
    phone.username_pw_set("phone", "open sesame")
    phone.connect("127.0.0.1", running.port)
    phone.loop_start()
    for topic, body in messages:
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        phone.publish(topic, payload, qos=1).wait_for_publish(5)
    phone.disconnect()
    phone.loop_stop()


class Desk:
    """Takes batches until it has seen enough, or for ten seconds."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.batches: list[list[Envelope]] = []
        self.deadline = time.monotonic() + 10

    def receive(self, envelopes: Sequence[Envelope]) -> None:
        self.batches.append(list(envelopes))

    @property
    def envelopes(self) -> list[Envelope]:
        return [envelope for batch in self.batches for envelope in batch]

    def enough(self) -> bool:
        return len(self.envelopes) >= self.wanted or time.monotonic() > self.deadline


def subscribe_once(running: RunningBroker) -> None:
    """Make the broker know the listener, so that it keeps messages for it from here on."""
    calls = iter([False, True])
    listen(at(running), lambda _: None, now=lambda: RECEIVED, until=lambda: next(calls))


def test_phones_publish_and_positions_come_out(broker: RunningBroker) -> None:
    subscribe_once(broker)
    publish(
        broker,
        ("owntracks/li.wei/pixel", FIX),
        ("owntracks/li.wei/pixel/event", {"_type": "transition"}),  # another topic: not asked for
        ("owntracks/zhang/iphone", {**FIX, "lat": 0, "lon": 0}),
        ("owntracks/zhang/iphone", {"_type": "lwt", "tst": 1}),
        ("owntracks/zhang/iphone", b""),
    )
    desk = Desk(4)
    done = listen(at(broker), desk.receive, now=lambda: RECEIVED, until=desk.enough)
    assert done == 4
    answers = decoder("owntracks").decode(desk.envelopes)
    assert [answer.ignored or (answer.rejected and answer.rejected.code) for answer in answers] == [
        None,
        "position.null_island",
        "owntracks.lwt",
        "payload.empty",
    ]
    [position] = answers[0].positions
    assert (position.device, position.lat, position.received) == ("li.wei/pixel", 31.2304, RECEIVED)


def test_what_was_stored_does_not_come_again(broker: RunningBroker) -> None:
    subscribe_once(broker)
    publish(broker, ("owntracks/a/b", FIX))
    desk = Desk(1)
    assert listen(at(broker), desk.receive, now=lambda: RECEIVED, until=desk.enough) == 1
    silent = Desk(1)
    silent.deadline = time.monotonic() + 1
    assert listen(at(broker), silent.receive, now=lambda: RECEIVED, until=silent.enough) == 0


class ScriptedBroker:
    """The broker's side of MQTT 3.1.1, as far as one message needs it, noting what it hears in order.

    The real one above forgets what was not acknowledged when a connection ends, against MQTT-4.4.0-1, so it cannot show
    that nothing is acknowledged early.
    """

    PUBLISH = b"\x32" + bytes([2 + 13 + 2 + 2]) + b"\x00\x0downtracks/a/b" + b"\x00\x07" + b"{}"

    def __init__(self, connections: int, granted: bytes = b"\x01") -> None:
        self.granted = granted
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.heard: list[str] = []
        self.thread = threading.Thread(target=self._serve, args=(connections,))
        self.thread.start()

    def _serve(self, connections: int) -> None:
        with self.server:
            for _ in range(connections):
                connection, _ = self.server.accept()
                with connection, connection.makefile("rb") as stream, contextlib.suppress(ConnectionError):
                    self._talk(connection, stream)

    def _talk(self, connection: socket.socket, stream: BinaryIO) -> None:
        while first := stream.read(1):
            body = stream.read(stream.read(1)[0])  # shorter than 128 bytes, all of them
            kind = first[0] >> 4
            if kind == 1:
                self.heard.append("connect" + (" clean" if body[7] & 2 else ""))
                connection.sendall(b"\x20\x02\x00\x00")
            elif kind == 8:
                connection.sendall(b"\x90\x03" + body[:2] + self.granted)
                connection.sendall(self.PUBLISH)
            elif kind == 4:
                self.heard.append(f"acknowledged {int.from_bytes(body[:2], 'big')}")


def test_nothing_is_acknowledged_before_it_is_stored() -> None:
    broker = ScriptedBroker(connections=2)
    where = Broker(host="127.0.0.1", port=broker.port, listener="fieldhr", wait_s=0.2)

    def full_disk(_: Sequence[Envelope]) -> None:
        broker.heard.append("not stored")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        listen(where, full_disk, now=lambda: RECEIVED, until=lambda: False)
    stored: list[Envelope] = []

    def store(envelopes: Sequence[Envelope]) -> None:
        broker.heard.append("stored")
        stored.extend(envelopes)

    assert listen(where, store, now=lambda: RECEIVED, until=lambda: bool(stored)) == 1
    broker.thread.join(10)
    assert broker.heard == ["connect", "not stored", "connect", "stored", "acknowledged 7"]
    assert (stored[0].topic, stored[0].body) == ("owntracks/a/b", b"{}")


def test_batches_have_a_limit(broker: RunningBroker) -> None:
    subscribe_once(broker)
    publish(broker, *[("owntracks/a/b", {**FIX, "tst": FIX["tst"] + n}) for n in range(7)])
    desk = Desk(7)
    assert listen(at(broker, batch=3), desk.receive, now=lambda: RECEIVED, until=desk.enough) == 7
    assert max(len(batch) for batch in desk.batches) <= 3
    assert [json.loads(envelope.body)["tst"] - 1714982340 for envelope in desk.envelopes] == list(range(7))


def test_a_broker_that_is_away_is_tried_again_with_growing_pauses() -> None:
    port = free_port()
    pauses: list[float] = []
    nowhere = Broker(host="127.0.0.1", port=port, listener="l", wait_s=0.1)
    done = listen(nowhere, lambda _: None, now=lambda: RECEIVED, until=lambda: len(pauses) >= 8, pause=pauses.append)
    assert done == 0
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_broker_that_refuses_is_not_tried_again() -> None:
    with RunningBroker() as running, pytest.raises(BrokerError, match="refuses"):
        listen(
            at(running, password="wrong"),
            lambda _: None,
            now=lambda: RECEIVED,
            until=lambda: False,
            pause=lambda _: None,
        )


def test_a_refused_subscription_ends_the_listening() -> None:
    broker = ScriptedBroker(connections=1, granted=b"\x80")
    where = Broker(host="127.0.0.1", port=broker.port, listener="fieldhr", wait_s=0.2)
    with pytest.raises(BrokerError, match="subscription"):
        listen(where, lambda _: None, now=lambda: RECEIVED, until=lambda: False)
    broker.thread.join(10)


def test_a_listener_needs_a_name() -> None:
    with pytest.raises(ConfigError, match="FHR-CFG-001"):
        listen(Broker(host="x", listener=""), lambda _: None, now=lambda: RECEIVED, until=lambda: True)
    assert "secret" not in repr(Broker(host="x", listener="l", password="secret"))
