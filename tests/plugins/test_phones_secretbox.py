from __future__ import annotations

import nacl.secret
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_plugins.phones.secretbox import open_box

pytestmark = pytest.mark.req("A1")


@settings(max_examples=60, deadline=None)
@given(
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=24, max_size=24),
    st.binary(max_size=700),
    st.integers(0, 10**6),
)
def test_opens_what_libsodium_sealed_and_nothing_else(key: bytes, nonce: bytes, plain: bytes, flip: int) -> None:
    sealed = bytes(nacl.secret.SecretBox(key).encrypt(plain, nonce))
    assert open_box(sealed, key) == plain
    changed = bytearray(sealed)
    changed[flip % len(changed)] ^= 1 << (flip % 8)
    assert open_box(bytes(changed), key) is None
    assert open_box(sealed, bytes([key[0] ^ 1]) + key[1:]) is None


def test_published_vector() -> None:
    # "Cryptography in NaCl" (2009), section 10: firstkey, nonce and ciphertext of the example.
    key = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    nonce = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    plain = bytes.fromhex("be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc")
    sealed = bytes(nacl.secret.SecretBox(key).encrypt(plain, nonce))
    # The example's message is longer; its beginning is enough to check the stream, libsodium the rest.
    assert sealed[40:] == bytes.fromhex("8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a")
    assert open_box(sealed, key) == plain


@pytest.mark.parametrize(("sealed", "key"), [(b"", bytes(32)), (bytes(39), bytes(32)), (bytes(80), bytes(31))])
def test_what_is_no_box(sealed: bytes, key: bytes) -> None:
    assert open_box(sealed, key) is None
