"""The decoder every source shares: it knows the terms of a payload and answers each one exactly once."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from fieldhr_core.errors import ConfigError, RecordError
from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.points import rejected
from fieldhr_plugins.phones.settings import PhonesSettings, Terms
from fieldhr_plugins.phones.values import UnreadableError

__all__ = ["Reader", "SourceDecoder"]

_GZIP: Final = b"\x1f\x8b"

#: A payload that grows beyond this when it is unpacked was not packed by an app.
_LARGEST: Final = 64_000_000

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
            bare = _bare(envelope)
        except UnreadableError as fault:
            # It may have been cut off on the way: no reply, so that the sender sends it again.
            return rejected(fault.code, fault.message)
        try:
            return self.read(bare, terms)
        except UnreadableError as fault:
            return rejected(fault.code, fault.message, self.reply)


def _bare(envelope: Envelope) -> Envelope:
    """Return a payload without what was put round it on the way: compression, a byte order mark, NULs at its end."""
    body = _unpacked(envelope.body, envelope.headers.get("content-encoding", "").strip().lower())
    trimmed = body.removeprefix(codecs.BOM_UTF8).rstrip(b"\0")
    if b"\0" not in trimmed:  # else it is UTF-16, or no text at all
        body = trimmed
    return envelope if body == envelope.body else attrs.evolve(envelope, body=body)


def _unpacked(body: bytes, encoding: str) -> bytes:
    """Return the plain bytes; a body that a server unpacked and did not relabel is taken as it is."""
    if body.startswith(_GZIP):
        windows: tuple[int, ...] = (16 + zlib.MAX_WBITS,)
    elif encoding == "deflate" and body[:1] not in (b"{", b"["):
        windows = (zlib.MAX_WBITS, -zlib.MAX_WBITS)
    else:
        return body
    for window in windows:
        unpacking = zlib.decompressobj(window)
        try:
            plain = unpacking.decompress(body, _LARGEST)
        except zlib.error:
            continue
        if unpacking.unconsumed_tail:
            raise UnreadableError("payload.too_large", "The payload grows too large when it is unpacked.")
        if unpacking.eof:
            return plain
    raise UnreadableError("payload.not_packed", "The payload says that it is compressed and cannot be unpacked.")
