"""Listening to a broker that phones publish to.

A message is acknowledged only after what was in it is stored: whoever is called for a batch returns when it is durable,
and then the batch is acknowledged. A crash in between makes the broker deliver again, and the store sees the duplicate.
For that the session must outlive the connection, so a listener has a fixed name. No threads: :func:`listen` works on
the caller's, which is why paho-mqtt is used as it is and not one of its wrappers, which acknowledge on arrival.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import ConfigError, FieldhrError, MissingDependencyError
from fieldhr_core.model import Envelope

if TYPE_CHECKING:
    import ssl

    from paho.mqtt.client import Client, MQTTMessage

__all__ = ["Broker", "BrokerError", "listen"]

#: At least once: the broker keeps what is not acknowledged.
_AT_LEAST_ONCE: Final = 1

_LONGEST_PAUSE_S: Final = 60.0

#: Seconds to wait for the broker's answer to a connection.
_ANSWER_S: Final = 10.0


class BrokerError(FieldhrError, ConnectionError):
    """The broker refuses the listener, so trying again is of no use."""


@attrs.frozen(kw_only=True)
class Broker:
    """Where phones publish to.

    Attributes:
        host, port: of the broker.
        listener: name of this listener, fixed and its own: the broker keeps messages for it while it is away.
        username, password: credentials; empty = none.
        tls: context of an encrypted connection; ``None`` = plain, for brokers on this machine.
        topics: filters to subscribe to; OwnTracks publishes locations to ``owntracks/user/device``.
        source: decoder the messages are meant for.
        batch: most messages handed over at once.
        wait_s: longest time a message waits for others to come along.
        keepalive_s: seconds after which a silent connection counts as lost.
    """

    host: str
    port: int = 8883
    listener: str
    username: str = ""
    password: str = attrs.field(default="", repr=False)
    tls: ssl.SSLContext | None = None
    topics: tuple[str, ...] = ("owntracks/+/+",)
    source: str = "owntracks"
    batch: int = 500
    wait_s: float = 1.0
    keepalive_s: int = 60


def listen(
    broker: Broker,
    receive: Callable[[Sequence[Envelope]], object],
    *,
    now: Callable[[], datetime],
    until: Callable[[], bool],
    options: Mapping[str, Any] | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Hand over what arrives, batch by batch, until told to stop.

    Args:
        broker: where to listen.
        receive: stores one batch and returns when it is durable. What it raises ends the listening, and the batch stays
            with the broker.
        now: gives the instant of arrival, aware: the runtime's ``clock.now``.
        until: asked after every batch and every ``wait_s`` of silence; true ends the listening.
        options: of every envelope: ``key``, ``datum`` ...
        pause: waits before the next attempt after a lost connection, seconds.

    Returns:
        How many messages were received and acknowledged.

    Raises:
        MissingDependencyError: where paho-mqtt is not installed.
        ConfigError: FHR-CFG-001 where the listener has no name.
        BrokerError: where the broker refuses the credentials or the subscription.
    """
    if not broker.listener:
        raise ConfigError("A listener needs a name of its own.", code="FHR-CFG-001", hint="Set Broker.listener.")
    session = _Session(broker)
    done = failures = 0
    try:
        while not until():
            if not session.connected:
                try:
                    session.connect()
                except OSError as fault:
                    if isinstance(fault, BrokerError):
                        raise
                    pause(min(_LONGEST_PAUSE_S, 2.0**failures))
                    failures += 1
                    continue
                failures = 0
            messages = session.collect()
            if messages:
                receive([_envelope(broker, message, now(), options or {}) for message in messages])
                session.acknowledge(messages)
                done += len(messages)
    finally:
        session.close()
    return done


def _envelope(broker: Broker, message: MQTTMessage, received: datetime, options: Mapping[str, Any]) -> Envelope:
    return Envelope(
        source=broker.source,
        body=bytes(message.payload),
        method="MQTT",
        topic=message.topic,
        received=received,
        options=options,
    )


class _Session:
    """One connection after another under one name, driven by the caller's thread."""

    def __init__(self, broker: Broker) -> None:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as cause:
            raise MissingDependencyError("paho-mqtt", "mqtt") from cause
        self._broker = broker
        self._arrived: list[MQTTMessage] = []
        self._accepted = False
        self._refusal = ""
        client: Client = Client(
            CallbackAPIVersion.VERSION2, client_id=broker.listener, clean_session=False, manual_ack=True
        )
        if broker.username:
            client.username_pw_set(broker.username, broker.password)
        if broker.tls is not None:
            client.tls_set_context(broker.tls)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        self._client = client

    @property
    def connected(self) -> bool:
        return self._accepted and self._client.is_connected()

    def connect(self) -> None:
        """Connect, or raise ``OSError`` where the broker cannot be reached."""
        self._accepted = False
        # What was not acknowledged on the last connection comes again on this one.
        self._arrived.clear()
        self._client.connect(self._broker.host, self._broker.port, self._broker.keepalive_s)
        patience = time.monotonic() + _ANSWER_S
        while not self._accepted:
            lost = self._client.loop(timeout=self._broker.wait_s)
            self._raise_refusal()
            if lost or time.monotonic() > patience:
                raise ConnectionError("the broker did not answer")

    def collect(self) -> list[MQTTMessage]:
        """Return what arrives within the time to wait, at most a batch; where the connection is lost, nothing."""
        patience = time.monotonic() + self._broker.wait_s
        while len(self._arrived) < self._broker.batch:
            left = patience - time.monotonic()
            if left <= 0:
                break
            lost = self._client.loop(timeout=left)
            # The answer to the subscription may come after what was kept for this listener.
            self._raise_refusal()
            if lost:
                self._accepted = False
                return []
        batch, self._arrived = self._arrived[: self._broker.batch], self._arrived[self._broker.batch :]
        return batch

    def acknowledge(self, messages: Sequence[MQTTMessage]) -> None:
        for message in messages:
            if message.qos:
                self._client.ack(message.mid, message.qos)

    def close(self) -> None:
        if self._client.is_connected():
            self._client.disconnect()
            # Lets the last acknowledgements and the farewell go out.
            while self._client.want_write() and not self._client.loop(timeout=0.1):
                pass

    def _raise_refusal(self) -> None:
        if self._refusal:
            raise BrokerError(
                f"The broker {self._broker.host}:{self._broker.port} refuses: {self._refusal}.",
                code="FHR-CFG-001",
                hint="Check the listener's credentials and the topics it may read.",
            )

    def _on_connect(self, client: Client, _: object, __: object, reason: Any, ___: object) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            return
        self._accepted = True
        client.subscribe([(topic, _AT_LEAST_ONCE) for topic in self._broker.topics])

    def _on_subscribe(self, _: Client, __: object, ___: int, reasons: Sequence[Any], ____: object) -> None:
        refused = [reason for reason in reasons if reason.is_failure]
        if refused:
            self._refusal = f"the subscription ({refused[0]})"

    def _on_message(self, _: Client, __: object, message: MQTTMessage) -> None:
        self._arrived.append(message)
