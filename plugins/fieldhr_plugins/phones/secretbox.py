"""Opening NaCl secret boxes (XSalsa20-Poly1305), as OwnTracks seals its payloads. Decryption only.

The construction is Bernstein's "Extending the Salsa20 nonce" (2011) and "Cryptography in NaCl" (2009). The library of
the base installation has the Poly1305 part but no Salsa20, which is some forty lines; all blocks are computed at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Words = npt.NDArray[np.uint32]

__all__ = ["NONCE_BYTES", "TAG_BYTES", "open_box"]

NONCE_BYTES: Final = 24
TAG_BYTES: Final = 16

_KEY_BYTES: Final = 32

#: "expand 32-byte k", on the diagonal of the state.
_CONSTANTS: Final = np.frombuffer(b"expand 32-byte k", dtype="<u4")

#: (target, source, source, turn) of a column round and a row round.
_ROUND: Final = tuple(
    (order[target], order[left], order[right], turn)
    for order in (
        *((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)),
        *((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)),
    )
    for target, left, right, turn in ((1, 0, 3, 7), (2, 1, 0, 9), (3, 2, 1, 13), (0, 3, 2, 18))
)


def open_box(sealed: bytes, key: bytes) -> bytes | None:
    """Return the plain bytes of ``nonce || tag || ciphertext``, or ``None`` where the key is wrong or a bit is changed.

    Args:
        sealed: the whole box; the nonce has 24 bytes, the tag 16.
        key: 32 bytes.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.poly1305 import Poly1305

    if len(key) != _KEY_BYTES or len(sealed) < NONCE_BYTES + TAG_BYTES:
        return None
    nonce, tag, hidden = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:][:TAG_BYTES], sealed[NONCE_BYTES + TAG_BYTES :]
    stream = _xsalsa20(key, nonce, _KEY_BYTES + len(hidden))
    try:
        Poly1305.verify_tag(stream[:_KEY_BYTES], hidden, tag)
    except InvalidSignature:
        return None
    mask = np.frombuffer(stream, dtype="u1", offset=_KEY_BYTES)
    return bytes((np.frombuffer(hidden, dtype="u1") ^ mask).tobytes())


def _xsalsa20(key: bytes, nonce: bytes, length: int) -> bytes:
    """Return *length* bytes of the key stream."""
    words = np.frombuffer(key, dtype="<u4")
    spread = np.frombuffer(nonce, dtype="<u4")
    # HSalsa20: the first 16 bytes of the nonce make a key of their own, without the final addition.
    mixed = _rounds(_state(words, spread[:4, None]))
    subkey = mixed[[0, 5, 10, 15, 6, 7, 8, 9], 0]
    blocks = -(-length // 64)
    counter = np.zeros((4, blocks), dtype="u4")
    counter[:2] = spread[4:, None]
    counter[2] = np.arange(blocks, dtype="u4")
    start = _state(subkey, counter)
    return (start + _rounds(start)).T.astype("<u4").tobytes()[:length]


def _state(key: Words, middle: Words) -> Words:
    state = np.empty((16, middle.shape[1]), dtype="u4")
    state[[0, 5, 10, 15]] = _CONSTANTS[:, None]
    state[1:5] = key[:4, None]
    state[6:10] = middle
    state[11:15] = key[4:, None]
    return state


def _rounds(start: Words) -> Words:
    state = start.copy()
    for _ in range(10):
        for target, left, right, turn in _ROUND:
            total = state[left] + state[right]
            state[target] ^= (total << np.uint32(turn)) | (total >> np.uint32(32 - turn))
    return state
