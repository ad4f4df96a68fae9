"""The decoder every source shares: it knows the terms of a payload and answers each one exactly once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from fieldhr_core.errors import ConfigError, RecordError
from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.points import rejected
from fieldhr_plugins.phones.settings import PhonesSettings, Terms
from fieldhr_plugins.phones.values import UnreadableError

__all__ = ["Reader", "SourceDecoder"]

#: Reads one payload under its terms; raises :class:`UnreadableError` for what is no payload of its source.
Reader = Callable[[Envelope, Terms], Decoded]


@attrs.frozen(kw_only=True, eq=False)
class SourceDecoder:
    """Decodes the payloads of one source.

    Attributes:
        settings: of the tenant.
        read: reads one payload.
        reply: what makes the sender drop a payload that will never be readable.
    """

    settings: PhonesSettings
    read: Reader
    reply: bytes = b""

    def decode(self, envelopes: Sequence[Envelope], /) -> Sequence[Decoded]:
        """Return one :class:`Decoded` an envelope, in order; see :class:`fieldhr_core.hooks.Decoder`."""
        return [self._decode(envelope) for envelope in envelopes]

    def _decode(self, envelope: Envelope) -> Decoded:
        try:
            terms = self.settings.terms(envelope)
        except (ConfigError, RecordError) as fault:
            # The host's fault, not the sender's: no reply, so that the sender keeps its data.
            return rejected("payload.wrong_option", str(fault))
        try:
            return self.read(envelope, terms)
        except UnreadableError as fault:
            return rejected(fault.code, fault.message, self.reply)
