"""Sealed values: plaintext goes in, and comes out only for a purpose, after the reading was noted.

A sealed value is ``format (1) | suite (1) | key id (8) | nonce (12) | ciphertext | tag (16)``. Everything that says
where it belongs - format, suite, key id, tenant, table, column, row id - is authenticated with it, so a value that was
moved to another row, column, table or tenant does not open. Its data key belongs to a tenant and a class of data, and
for whereabouts and biometrics to one person: destroying that key forgets the person, in old backups too.

Data keys are stored wrapped by a :class:`~fieldhr_core.trust.keys.KeyProvider`, in a :class:`KeyStore`.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import attrs

from fieldhr_core.errors import AccessError, RecordError, TrustError
from fieldhr_core.trust.keys import KeyProvider
from fieldhr_core.trust.purposes import PER_PERSON, DataClass, opens

__all__ = ["SUITES", "KeyRow", "KeyStore", "MemoryKeyStore", "Reading", "Vault", "key_id"]

_FORMAT: Final = b"\x01"
_HEAD: Final = 10
_NONCE: Final = 12
_TAG: Final = 16
#: Name -> byte in the header.
SUITES: Final = {"aes-256-gcm": b"\x01", "sm4-gcm": b"\x02"}
_ACTIVE, _RETIRED, _DESTROYED = "active", "retired", "destroyed"


@attrs.frozen(kw_only=True)
class KeyRow:
    """One data key as it is stored.

    Attributes:
        tenant, id: primary key; the id is 16 hexadecimal digits, drawn at random.
        data_class: of :class:`~fieldhr_core.trust.purposes.DataClass`.
        person: id of the person it belongs to; ``None`` for a key of the whole tenant.
        version: 1 for the first key of its scope, then counted up by rotation.
        suite: of :data:`SUITES`.
        wrapped: the wrapped key; ``None`` once it is destroyed.
        state: ``active`` (seals and opens), ``retired`` (opens), ``destroyed``.
    """

    tenant: str
    id: str
    data_class: str
    person: str | None
    version: int
    suite: str
    wrapped: bytes | None = attrs.field(repr=False)
    state: str


class KeyStore(Protocol):
    """Where wrapped data keys are kept, as seen from inside one transaction.

    A new key must become durable with the values it seals, or not at all: give each transaction's vault a store that
    works on that transaction (:meth:`Vault.within`).
    """

    def find(self, tenant: str, data_class: str, persons: Sequence[str | None], /) -> Iterable[KeyRow]:
        """Return every key of a tenant and class that belongs to one of *persons* (``None``: to the tenant)."""
        ...

    def of_tenant(self, tenant: str, /) -> Iterable[KeyRow]:
        """Return every key of a tenant."""
        ...

    def of_person(self, tenant: str, person: str, /) -> Iterable[KeyRow]:
        """Return every key of one person."""
        ...

    def save(self, row: KeyRow, /) -> None:
        """Store a key, in place of the one with the same tenant and id if there is one."""
        ...


class MemoryKeyStore:
    """Keys in memory: for tests, and for looking at how a store works."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], KeyRow] = {}

    def find(self, tenant: str, data_class: str, persons: Sequence[str | None], /) -> list[KeyRow]:
        """Return the keys of a scope."""
        wanted = set(persons)
        return [row for row in self.of_tenant(tenant) if row.data_class == data_class and row.person in wanted]

    def of_tenant(self, tenant: str, /) -> list[KeyRow]:
        """Return the keys of a tenant."""
        return [row for row in self.rows.values() if row.tenant == tenant]

    def of_person(self, tenant: str, person: str, /) -> list[KeyRow]:
        """Return the keys of a person."""
        return [row for row in self.of_tenant(tenant) if row.person == person]

    def save(self, row: KeyRow, /) -> None:
        """Store a key."""
        self.rows[row.tenant, row.id] = row


@attrs.frozen(kw_only=True)
class Reading:
    """That somebody is about to see plaintext: what the audit sink is told before they do.

    Attributes:
        tenant, data_class, person, table, column: what is opened.
        rows: ids of the rows, in order.
        purpose: why.
    """

    tenant: str
    data_class: str
    person: str | None
    table: str
    column: str
    rows: tuple[str, ...]
    purpose: str


#: Notes a reading. Where it raises, nothing is opened.
AuditSink = Callable[[Reading], None]

_CLASSES: Final = frozenset(one.value for one in DataClass)
_Scope = tuple[str, str, str | None]


class Vault:
    """Seals and opens values.

    Args:
        provider: wraps the data keys.
        keys: where wrapped data keys are.
        audit: told of every reading before it happens.
        suite: for new keys: ``aes-256-gcm``, or ``sm4-gcm`` (SM4-GCM with SM3, GB/T 32907 and 32905).

    A vault remembers the keys it looked up, so it must not outlive the transaction its store works on. Make one for the
    runtime and one for each transaction with :meth:`within`: unwrapped keys are shared, what is in force is not.
    """

    def __init__(self, provider: KeyProvider, keys: KeyStore, audit: AuditSink, *, suite: str = "aes-256-gcm") -> None:
        if suite not in SUITES:
            raise RecordError(f"There is no suite {suite!r}.", code="FHR-REC-001", hint=f"Suites: {', '.join(SUITES)}.")
        self._provider = provider
        self._keys = keys
        self._audit = audit
        self._suite = suite
        self._unwrapped: dict[bytes, _Key] = {}  # wrapped bytes -> key, shared by all vaults of a runtime
        self._known: dict[_Scope, list[KeyRow]] = {}

    def within(self, keys: KeyStore, audit: AuditSink) -> Vault:
        """Return a vault for one transaction: its own store and audit sink, the same provider."""
        other = Vault(self._provider, keys, audit, suite=self._suite)
        other._unwrapped = self._unwrapped
        return other

    # -- values --------------------------------------------------------------------------------------------------

    def seal(
        self,
        tenant: str,
        data_class: str,
        table: str,
        column: str,
        row: str,
        value: bytes,
        *,
        person: str | None = None,
    ) -> bytes:
        """Return *value* sealed for one place: see :meth:`seal_many`."""
        return self.seal_many(tenant, data_class, table, column, (row,), (value,), person=person)[0]

    def seal_many(
        self,
        tenant: str,
        data_class: str,
        table: str,
        column: str,
        rows: Sequence[str],
        values: Sequence[bytes],
        *,
        person: str | None = None,
    ) -> list[bytes]:
        """Return the values sealed, each bound to its tenant, table, column and row.

        Args:
            data_class: of :class:`~fieldhr_core.trust.purposes.DataClass`.
            rows: ids of the rows, one a value; any text that names the row within its table. Where an older value must
                not be put back into its own row, add what changes with it: ``id@version``.
            person: whose key seals; needed for whereabouts and biometrics, possible for every class.

        Raises:
            RecordError: FHR-REC-001 for an unknown class, or one that needs a person and got none.
            TrustError: FHR-TRU-001 where the key of that person was destroyed, or does not unwrap.
        """
        scope = _scope(tenant, data_class, person)
        key = self._current(scope)
        place = key.head + _place(tenant, table, column)
        noise = os.urandom(_NONCE * len(rows))
        head, encrypt = key.head, key.encrypt
        sealed = []
        at = 0
        for row, value in zip(rows, values, strict=True):
            nonce = noise[at : at + _NONCE]
            at += _NONCE
            sealed.append(head + nonce + encrypt(nonce, value, place + row.encode()))
        return sealed

    def open(
        self,
        tenant: str,
        data_class: str,
        table: str,
        column: str,
        row: str,
        sealed: bytes,
        *,
        purpose: str,
        person: str | None = None,
    ) -> bytes:
        """Return the plaintext of one sealed value: see :meth:`open_many`."""
        return self.open_many(tenant, data_class, table, column, (row,), (sealed,), purpose=purpose, person=person)[0]

    def open_many(
        self,
        tenant: str,
        data_class: str,
        table: str,
        column: str,
        rows: Sequence[str],
        sealed: Sequence[bytes],
        *,
        purpose: str,
        person: str | None = None,
    ) -> list[bytes]:
        """Return the plaintexts, in order, after the audit sink was told. Without a note there is no reading.

        Raises:
            AccessError: FHR-ACC-002 where the purpose does not open this class.
            TrustError: FHR-TRU-001 where a value was changed, stands in another place than it was sealed for, or its
                key is gone.
        """
        scope = _scope(tenant, data_class, person)
        if not opens(purpose, data_class):
            raise AccessError(
                f"The purpose {purpose!r} does not open {data_class}.", code="FHR-ACC-002", purpose=purpose
            )
        if not rows:
            return []
        self._audit(
            Reading(
                tenant=tenant,
                data_class=data_class,
                person=person,
                table=table,
                column=column,
                rows=tuple(rows),
                purpose=purpose,
            )
        )
        return self._opened(scope, table, column, rows, sealed)

    def reseal_many(
        self,
        tenant: str,
        data_class: str,
        table: str,
        column: str,
        rows: Sequence[str],
        sealed: Sequence[bytes],
        *,
        person: str | None = None,
    ) -> list[bytes | None]:
        """Return each value sealed with the current key of its scope, ``None`` where it is already.

        For rotation: no plaintext leaves the vault, so this is no reading.

        Raises:
            TrustError: FHR-TRU-001, see :meth:`open_many`.
        """
        scope = _scope(tenant, data_class, person)
        head = self._current(scope).head
        due = [place for place, value in enumerate(sealed) if value[:_HEAD] != head]
        ids = [rows[place] for place in due]
        plain = self._opened(scope, table, column, ids, [sealed[place] for place in due])
        fresh = dict(
            zip(due, self.seal_many(tenant, data_class, table, column, ids, plain, person=person), strict=True)
        )
        return [fresh.get(place) for place in range(len(sealed))]

    def is_forgotten(self, tenant: str, data_class: str, person: str) -> bool:
        """Return whether the keys of a person were destroyed, so that nothing of theirs in this class ever opens."""
        rows = self._rows(_scope(tenant, data_class, person))
        return bool(rows) and all(row.wrapped is None for row in rows)

    # -- secrets that are no values ------------------------------------------------------------------------------

    def secret(self, tenant: str, data_class: str, label: str) -> bytes:
        """Return 32 bytes that only this tenant's holder of keys can derive, the same for ever: a key for HMACs.

        Derived from the first key of the scope, which rotation keeps for this; wrapping anew does not change it.
        """
        return self._derived(tenant, data_class, _lengthened(["secret", label]))

    def blind_index(self, tenant: str, table: str, column: str, text: str, *, bits: int) -> int:
        """Return a number by which equal texts find each other without being opened.

        A keyed hash, cut to *bits*: with about log2(rows) bits a few other rows share each number, so candidates must
        be opened and compared, and the index alone says little. Only for values with many possibilities (numbers of
        phones, accounts, identity cards); never for a gender, a rating or a branch.

        Raises:
            RecordError: FHR-REC-001 for fewer than 8 or more than 63 bits.
        """
        if not 8 <= bits <= 63:
            raise RecordError(f"A blind index cannot have {bits} bits.", code="FHR-REC-001")
        digest = self._derived(tenant, DataClass.IDENTITY, _lengthened(["index", table, column, text]))
        return int.from_bytes(digest[:8], "big") >> (64 - bits)

    # -- the life of keys ----------------------------------------------------------------------------------------

    def prepare(self, tenant: str, data_class: str, persons: Sequence[str | None]) -> None:
        """Look up the keys of many people at once, before working on them one by one."""
        unknown = [person for person in persons if (tenant, data_class, person) not in self._known]
        found: dict[str | None, list[KeyRow]] = {person: [] for person in unknown}
        for row in self._keys.find(tenant, data_class, unknown) if unknown else ():
            found[row.person].append(row)
        for person, rows in found.items():
            self._known[_scope(tenant, data_class, person)] = rows

    def rotate(self, tenant: str, data_class: str, *, person: str | None = None) -> str:
        """Put a new key in force and return its id; the old one still opens. Then :meth:`reseal_many` at leisure.

        Raises:
            TrustError: FHR-TRU-001 where the keys of that person were destroyed.
        """
        scope = _scope(tenant, data_class, person)
        self._current(scope)
        for row in self._rows(scope):
            if row.state == _ACTIVE:
                self._save(attrs.evolve(row, state=_RETIRED))
        return self._create(scope).id

    def retire(self, tenant: str, ids: Iterable[str]) -> int:
        """Destroy retired keys by id once nothing is sealed with them any more. Return how many were destroyed.

        The first key of a scope stays: :meth:`secret` rests on it.
        """
        wanted = set(ids)
        due = [
            row
            for row in self._keys.of_tenant(tenant)
            if row.id in wanted and row.state == _RETIRED and (row.version > 1 or row.person is not None)
        ]
        for row in due:
            self._save(attrs.evolve(row, wrapped=None, state=_DESTROYED))
        return len(due)

    def rewrap(self, tenant: str) -> int:
        """Wrap every data key of a tenant that is not wrapped with the provider's current key. Return how many were."""
        due = [
            row
            for row in self._keys.of_tenant(tenant)
            if row.wrapped is not None and not self._provider.is_current(row.wrapped)
        ]
        for row in due:
            assert row.wrapped is not None
            context = _context(row)
            self._save(
                attrs.evolve(row, wrapped=self._provider.wrap(self._provider.unwrap(row.wrapped, context), context))
            )
        return len(due)

    def prove(self, row: KeyRow) -> None:
        """Unwrap a key, and keep nothing of it.

        Raises:
            TrustError: FHR-TRU-001 where the provider's keys do not open it.
        """
        if row.wrapped is not None:
            self._provider.unwrap(row.wrapped, _context(row))

    def fingerprint(self, row: KeyRow, salt: bytes) -> bytes:
        """Return a salted hash of a key, by which equal ones are recognised, and keep nothing of it.

        Raises:
            TrustError: FHR-TRU-001 where it does not open, FHR-TRU-002 where it is short or not random.
        """
        if row.wrapped is None:
            raise TrustError("The key was destroyed.", code="FHR-TRU-001")
        secret = self._provider.unwrap(row.wrapped, _context(row))
        if len(secret) != 32 or len(set(secret)) < 8:
            raise TrustError(f"The data key {row.id} is short or not random.", code="FHR-TRU-002")
        return hmac.digest(salt, secret, "sha256")

    def unopened(
        self,
        tenant: str,
        data_class: str,
        table: str,
        column: str,
        rows: Sequence[str],
        sealed: Sequence[bytes],
        *,
        person: str | None = None,
    ) -> int:
        """Return how many values do not open where they stand. No plaintext leaves the vault, so this is no reading."""
        scope, wrong = _scope(tenant, data_class, person), 0
        try:
            self._opened(scope, table, column, rows, sealed)
        except TrustError:
            for row, value in zip(rows, sealed, strict=True):
                try:
                    self._opened(scope, table, column, (row,), (value,))
                except TrustError:
                    wrong += 1
        return wrong

    def forget(self, tenant: str, person: str) -> int:
        """Destroy every key of a person; nothing sealed with them opens again, anywhere. Return how many there were.

        Copies of the store of keys must be destroyed, too: keep them apart from backups of the data.
        """
        due = [row for row in self._keys.of_person(tenant, person) if row.state != _DESTROYED]
        for row in due:
            if row.wrapped is not None:
                self._unwrapped.pop(row.wrapped, None)
            self._save(attrs.evolve(row, wrapped=None, state=_DESTROYED))
        return len(due)

    # -- within --------------------------------------------------------------------------------------------------

    def _derived(self, tenant: str, data_class: str, label: bytes) -> bytes:
        scope = _scope(tenant, data_class, None)
        self._current(scope)
        first = min(self._rows(scope), key=lambda row: (row.version, row.id))
        return self._unwrap(first).derive(label)

    def _opened(
        self, scope: _Scope, table: str, column: str, rows: Sequence[str], sealed: Sequence[bytes]
    ) -> list[bytes]:
        from cryptography.exceptions import InvalidTag

        place = _place(scope[0], table, column)
        plain: list[bytes] = []
        head, bound, decrypt = b"", b"", None
        for row, value in zip(rows, sealed, strict=True):
            if value[:_HEAD] != head or decrypt is None:
                key = self._key_of(scope, value, table, column)
                head, bound, decrypt = key.head, key.head + place, key.decrypt
            try:
                plain.append(decrypt(value[_HEAD : _HEAD + _NONCE], value[_HEAD + _NONCE :], bound + row.encode()))
            except (InvalidTag, ValueError) as cause:
                raise _closed(
                    table, column, "it was changed, or stands in another place than it was sealed for"
                ) from cause
        return plain

    def _key_of(self, scope: _Scope, value: bytes, table: str, column: str) -> _Key:
        if len(value) < _HEAD + _NONCE + _TAG or value[:1] != _FORMAT:
            raise _closed(table, column, "it is no sealed value")
        wanted = value[2:_HEAD].hex()
        for row in self._rows(scope):
            if row.id == wanted:
                if row.wrapped is None:
                    raise _closed(table, column, "its key was destroyed")
                key = self._unwrap(row)
                if key.head != value[:_HEAD]:
                    raise _closed(table, column, "it names another suite than its key")
                return key
        raise _closed(table, column, "its key is none of this place")

    def _rows(self, scope: _Scope) -> list[KeyRow]:
        if scope not in self._known:
            self.prepare(scope[0], scope[1], (scope[2],))
        return self._known[scope]

    def _current(self, scope: _Scope) -> _Key:
        rows = self._rows(scope)
        active = [row for row in rows if row.state == _ACTIVE]
        if active:
            return self._unwrap(max(active, key=lambda row: (row.version, row.id)))
        if rows and scope[2] is not None:
            # A forgotten person comes back only by a decision of its own, not by the next fix of an old phone.
            raise TrustError(
                "The keys of this person were destroyed.", code="FHR-TRU-001", hint="Nothing can be sealed."
            )
        return self._unwrap(self._create(scope))

    def _create(self, scope: _Scope) -> KeyRow:
        tenant, data_class, person = scope
        row = KeyRow(
            tenant=tenant,
            id=os.urandom(_HEAD - 2).hex(),
            data_class=data_class,
            person=person,
            version=max((row.version for row in self._rows(scope)), default=0) + 1,
            suite=self._suite,
            wrapped=None,
            state=_ACTIVE,
        )
        row = attrs.evolve(row, wrapped=self._provider.wrap(os.urandom(32), _context(row)))
        self._save(row)
        return row

    def _save(self, row: KeyRow) -> None:
        self._keys.save(row)
        known = self._known.get((row.tenant, row.data_class, row.person))
        if known is not None:
            known[:] = [other for other in known if other.id != row.id] + [row]

    def _unwrap(self, row: KeyRow) -> _Key:
        assert row.wrapped is not None
        key = self._unwrapped.get(row.wrapped)
        if key is None or key.context != _context(row):
            key = _Key.of(row, self._provider.unwrap(row.wrapped, _context(row)))
            self._unwrapped[row.wrapped] = key
        return key


def key_id(sealed: bytes) -> str:
    """Return the id of the key a value is sealed with: what rotation and doctors look for."""
    return sealed[2:_HEAD].hex()


@attrs.frozen(eq=False, repr=False)
class _Key:
    """A data key ready for use."""

    context: bytes
    head: bytes
    encrypt: Callable[[bytes, bytes, bytes], bytes]
    decrypt: Callable[[bytes, bytes, bytes], bytes]
    derive: Callable[[bytes], bytes]

    @classmethod
    def of(cls, row: KeyRow, secret: bytes) -> _Key:
        cipher: Any
        if row.suite == "sm4-gcm":
            cipher = _Sm4Gcm(_sm3(secret, b"fieldhr sm4")[:16])
        else:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            cipher = AESGCM(secret)

        def derive(label: bytes) -> bytes:
            return _sm3(secret, label) if row.suite == "sm4-gcm" else hmac.digest(secret, label, "sha256")

        head = _FORMAT + SUITES[row.suite] + bytes.fromhex(row.id)
        return cls(_context(row), head, cipher.encrypt, cipher.decrypt, derive)


class _Sm4Gcm:
    """SM4 in Galois/counter mode with the interface of AESGCM."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.algorithms import SM4

        self._algorithm = SM4(key)

    def encrypt(self, nonce: bytes, value: bytes, bound: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.modes import GCM

        encryptor = Cipher(self._algorithm, GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(bound)
        return encryptor.update(value) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.modes import GCM

        decryptor = Cipher(self._algorithm, GCM(nonce, sealed[-_TAG:])).decryptor()
        decryptor.authenticate_additional_data(bound)
        return decryptor.update(sealed[:-_TAG]) + decryptor.finalize()


def _sm3(key: bytes, text: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SM3
    from cryptography.hazmat.primitives.hmac import HMAC

    digest = HMAC(key, SM3())
    digest.update(text)
    return digest.finalize()


def _scope(tenant: str, data_class: str, person: str | None) -> _Scope:
    if data_class not in _CLASSES:
        raise RecordError(f"There is no class of data {data_class!r}.", code="FHR-REC-001")
    if person is None and data_class in PER_PERSON:
        raise RecordError(f"Values of class {data_class} need the person they belong to.", code="FHR-REC-001")
    return tenant, str(data_class), person


def _context(row: KeyRow) -> bytes:
    """Return what a wrapped key is bound to, so that one row's key cannot be put into another row."""
    parts = [row.tenant, row.id, row.data_class, "-" if row.person is None else f"+{row.person}", str(row.version)]
    return _lengthened([*parts, row.suite])


def _place(tenant: str, table: str, column: str) -> bytes:
    return _lengthened([tenant, table, column])


def _lengthened(parts: Iterable[str]) -> bytes:
    """Join texts so that no two lists of texts give the same bytes."""
    octets = [part.encode() for part in parts]
    return b"".join(struct.pack(">I", len(part)) + part for part in octets)


def _closed(table: str, column: str, why: str) -> TrustError:
    return TrustError(f"A sealed value of {table}.{column} does not open: {why}.", code="FHR-TRU-001")
