"""Keys and sealed values: what protects the keys; whether values are whole, bound to their places, and nowhere else."""

from __future__ import annotations

import json
import logging
import mmap
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from fieldhr_core.care import keycopy
from fieldhr_core.care.evidence.proof import Finds, Scene, check
from fieldhr_core.care.evidence.stage import Act, principals, rehearsal
from fieldhr_core.errors import AccessError, FieldhrError, TrustError
from fieldhr_core.model import Principal, Role, instant
from fieldhr_core.store.keys import TableKeyStore
from fieldhr_core.store.sealed import SEALED, SealedColumn
from fieldhr_core.trust.keys import EnvironmentKeys, FileKeys
from fieldhr_core.trust.purposes import DataClass, Purpose
from fieldhr_core.trust.vault import SUITES, KeyRow, Vault

__all__: list[str] = []

#: (purpose, class) that must never open, whatever the list of purposes says.
_NEVER: Final = (
    ("payroll", "whereabouts"), ("payroll", "message"), ("performance", "whereabouts"), ("performance", "identity"),
    ("performance", "message"), ("audit", "whereabouts"), ("audit", "message"), ("audit", "identity"),
    ("audit", "contact"), ("administration", "whereabouts"), ("administration", "identity"),
    ("customer_care", "whereabouts"), ("compliance", "whereabouts"), ("visits", "identity"), ("visits", "message"),
    ("visits", "pay"), ("supervision", "identity"), ("supervision", "pay"), ("operations", "identity"),
    ("integration", "identity"), ("integration", "pay"),
)  # fmt: skip
#: Data keys are exchanged at least this often (NIST SP 800-57 allows up to two years for keys that seal).
_KEY_AGE_DAYS: Final = 730
#: With random nonces of 96 bits, SP 800-38D allows 2^32 values a key.
_VALUES_A_KEY: Final = 1 << 31
_HEAD: Final = 38
#: Values of one column that are opened to see whether they are whole; of more, as many spread over all.
_AT_MOST: Final = 50_000
_FACTS = ("tenant", "id", "data_class", "person", "version", "suite", "wrapped", "state")


@check("keys.provider")
def _provider(scene: Scene, finds: Finds) -> None:
    keys = scene.premises.keys
    finds.facts["provider"] = keys.name
    path = getattr(keys, "path", None)
    if isinstance(keys, (FileKeys, EnvironmentKeys)):
        try:
            keys.examine()
        except TrustError as fault:
            finds.wrong.append(fault.message)
    elif keys.name == "ephemeral":
        finds.expect(scene.file is None or scene.is_trial, "The keys of a store on disk end with this process.")
        finds.expect(scene.premises.binding.dialect == "sqlite", "The keys of a server's store end with this process.")
    if path is not None and scene.file is not None:
        finds.facts["beside_the_data"] = Path(path).resolve().parent == scene.file.resolve().parent
    context = b"evidence " + secrets.token_bytes(8)
    secret = secrets.token_bytes(32)
    wrapped = keys.wrap(secret, context)
    finds.expect(secret not in wrapped, "A wrapped key stands in the clear.")
    finds.expect(keys.wrap(secret, context) != wrapped, "A key is wrapped to the same bytes twice.")
    finds.expect(keys.unwrap(wrapped, context) == secret, "A wrapped key does not unwrap.")
    for changed, where in ((wrapped[:-1] + bytes([wrapped[-1] ^ 1]), context), (wrapped, context + b"x")):
        try:
            keys.unwrap(changed, where)
        except TrustError:
            continue
        finds.wrong.append("A wrapped key unwraps although it was changed or belongs elsewhere.")


@check("keys.rows")
def _rows(scene: Scene, finds: Finds) -> None:
    salt, seen, vault = secrets.token_bytes(16), set(), scene.premises.vault
    with scene.premises.binding.transaction(write=False) as connection:
        rows = keycopy.rows_of(connection, scene.premises.tables)
        copies = keycopy.known_copies(connection, scene.premises.tables)
    newest = max((row["created_ms"] for row in rows), default=0)
    now_ms = newest if scene.is_trial else scene.premises.now_ms()
    _copies(scene, finds, copies, {(row["tenant"], row["id"]) for row in rows if row["wrapped"] is None})
    for row in rows:
        finds.count("keys")
        if row["wrapped"] is None:
            finds.count("destroyed")
            finds.expect(row["state"] == "destroyed", "A destroyed key is not marked as such.")
            continue
        finds.expect(row["state"] != "destroyed", "A key that was destroyed is still there.")
        try:
            mark = vault.fingerprint(KeyRow(**{name: row[name] for name in _FACTS}), salt)
        except TrustError as fault:
            finds.expect(False, f"A data key of {row['tenant']} cannot be used: {fault.message}")
            continue
        finds.expect(mark not in seen, "Two data keys are the same.")
        seen.add(mark)
        finds.expect(row["suite"] in SUITES, f"A key names an unknown suite {row['suite']!r}.")
        if row["state"] == "active" and instant(now_ms) - instant(row["created_ms"]) > timedelta(days=_KEY_AGE_DAYS):
            finds.expect(False, f"A data key of {row['tenant']} is older than {_KEY_AGE_DAYS} days: rotate.")


def _copies(scene: Scene, finds: Finds, copies: Sequence[Path], destroyed: set[tuple[str, str]]) -> None:
    """Look whether a copy of the data keys still holds one that was destroyed: backups would open with it."""
    for path in copies:
        try:
            _, held = keycopy.read(path, scene.premises.keys)
        except FieldhrError:
            continue  # named by the doctor: keys.copy_gone
        finds.count("copies")
        kept = sum((row["tenant"], row["id"]) in destroyed for row in held if row["wrapped"] is not None)
        finds.expect(not kept, f"The copy {path.name} still holds {kept} keys that were destroyed.")


@check("sealed.form")
def _form(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    tables = scene.premises.tables
    keys = tables.keys
    with scene.premises.binding.transaction(write=False) as connection:
        suites = [b"\x01" + byte for byte in SUITES.values()]
        # Spelled out: with bound values PostgreSQL does not know two of them for the same expression.
        start: Any = sa.literal_column("3")
        length: Any = sa.literal_column("8")
        long: Any = sa.literal_column("20")
        known = {
            (row.tenant, row.id): (row.data_class, row.person)
            for row in connection.execute(sa.select(keys.c.tenant, keys.c.id, keys.c.data_class, keys.c.person))
        }
        for column in SEALED:
            table = getattr(tables, column.table)
            value = table.c[column.column]
            there = value.is_not(None)
            where = f"{column.table}.{column.column}"
            total = connection.execute(sa.select(sa.func.count()).select_from(table).where(there)).scalar() or 0
            finds.count("values", total)
            odd = connection.execute(
                sa.select(sa.func.count())
                .select_from(table)
                .where(there, sa.or_(sa.func.length(value) < _HEAD, sa.func.substr(value, 1, 2).not_in(suites)))
            ).scalar()
            finds.expect(not odd, f"{odd} values of {where} are not sealed.")
            person = table.c[column.person] if column.person else sa.null()
            used = connection.execute(
                sa.select(table.c.tenant, sa.func.substr(value, start, length), person, sa.func.count())
                .where(there)
                .group_by(table.c.tenant, sa.func.substr(value, start, length), *([person] if column.person else []))
            )
            for tenant, ident, whose, count in used:
                found = known.get((tenant, _octets(ident).hex()))
                finds.expect(found is not None, f"Values of {where} name a key that is none of their tenant's.")
                finds.expect(
                    found is None or found == (column.data_class.value, whose),
                    f"Values of {where} are sealed with the key of another person or class.",
                )
                finds.expect(count < _VALUES_A_KEY, f"A key of {where} has sealed too many values: rotate.")
            nonce = sa.func.substr(value, start, long)
            twice = sa.select(nonce).where(there).group_by(nonce).having(sa.func.count() > 1).limit(1)
            finds.expect(connection.execute(twice).first() is None, f"Nonces of {where} repeat under one key.")


@check("sealed.whole")
def _whole(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    premises = scene.premises
    with premises.binding.transaction(write=False) as connection:
        for tenant in premises.tenants(connection):
            vault = premises.vault.within(TableKeyStore(connection, premises.tables, premises.now_ms()), audit=_refuse)
            for column in SEALED:
                table = getattr(premises.tables, column.table)
                value = table.c[column.column]
                here = (table.c.tenant == tenant, value.is_not(None))
                total = connection.execute(sa.select(sa.func.count()).select_from(table).where(*here)).scalar() or 0
                step = -(-total // _AT_MOST) or 1
                wanted = [table.c[name] for name in column.row]
                person = table.c[column.person] if column.person else sa.null()
                rows = connection.execute(
                    sa.select(*wanted, value.label("sealed_"), person.label("person_")).where(*here)
                ).all()[::step]
                wrong = _unopened(vault, tenant, column, rows)
                finds.count("opened", len(rows))
                finds.expect(not wrong, f"{wrong} values of {column.table}.{column.column} do not open where they are.")


def _unopened(vault: Vault, tenant: str, column: SealedColumn, rows: Sequence[Any]) -> int:
    by_person: dict[str | None, list[Any]] = {}
    for row in rows:
        by_person.setdefault(row.person_, []).append(row)
    wrong = 0
    vault.prepare(tenant, column.data_class, list(by_person))
    for person, mine in by_person.items():
        if person is not None and vault.is_forgotten(tenant, column.data_class, person):
            continue
        ids = [column.row_id(row) for row in mine]
        values = [bytes(row.sealed_) for row in mine]
        wrong += vault.unopened(tenant, column.data_class, column.table, column.column, ids, values, person=person)
    return wrong


@check("sealed.binding")
def _binding(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        vault, home, other = act.vault(), act.home, act.other
        text = b"a text that is sealed"
        sealed = vault.seal(home, "contact", "customers", "body_sealed", "1", text)
        finds.expect(text not in sealed, "A sealed value holds its plaintext.")
        again = {vault.seal(home, "contact", "customers", "body_sealed", "1", text) for _ in range(200)}
        finds.expect(len({value[10:22] for value in again} | {sealed[10:22]}) == 201, "Nonces repeat.")
        for tenant, data_class, person in ((home, "contact", "r1"), (home, "case", None), (other, "contact", None)):
            vault.seal(tenant, data_class, "t", "c", "r", b"x", person=person)
        places = [
            (home, "contact", "customers", "body_sealed", "2", None),
            (home, "contact", "customers", "other_sealed", "1", None),
            (home, "contact", "people", "body_sealed", "1", None),
            (home, "case", "customers", "body_sealed", "1", None),
            (home, "contact", "customers", "body_sealed", "1", "r1"),
            (other, "contact", "customers", "body_sealed", "1", None),
        ]
        for tenant, data_class, table, column, row, person in places:
            found = _opened(vault, tenant, data_class, table, column, row, sealed, person)
            finds.expect(not found, "A sealed value opens in another place than its own.")
            finds.count("swaps")
        for bit in range(len(sealed) * 8):
            changed = bytearray(sealed)
            changed[bit // 8] ^= 1 << bit % 8
            found = _opened(vault, home, "contact", "customers", "body_sealed", "1", bytes(changed), None)
            finds.expect(not found, "A sealed value opens although a bit of it was changed.")
            finds.count("flips")
        for cut in range(len(sealed)):
            found = _opened(vault, home, "contact", "customers", "body_sealed", "1", sealed[:cut], None)
            finds.expect(not found, "A sealed value opens although it was cut.")
        mine = vault.seal(home, "whereabouts", "checkins", "body_sealed", "1", text, person="r1")
        finds.expect(
            not _opened(vault, home, "whereabouts", "checkins", "body_sealed", "1", mine, "r2"),
            "One person's whereabouts open with another's key.",
        )
        finds.expect(
            _opened(vault, home, "contact", "customers", "body_sealed", "1", sealed, None) == text,
            "A sealed value does not open in its own place.",
        )


def _opened(
    vault: Any, tenant: str, data_class: str, table: str, column: str, row: str, sealed: bytes, person: str | None
) -> bytes:
    try:
        found: bytes = vault.open(
            tenant, data_class, table, column, row, sealed, purpose=Purpose.SUBJECT_ACCESS.value, person=person
        )
    except FieldhrError:
        return b""
    return found


@check("purpose.limits")
def _limits(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        act.furnish()
        vault = act.vault()
        for data_class in DataClass:
            place = (act.home, data_class.value, "t", "c_sealed", "1")
            sealed = vault.seal(*place, b"secret", person="r1")
            for purpose in [*Purpose, "curiosity"]:
                if purpose != "curiosity" and (str(purpose), data_class.value) not in _NEVER:
                    continue
                finds.count("tried")
                try:
                    vault.open(*place, sealed, purpose=str(purpose), person="r1")
                except AccessError:
                    continue
                finds.wrong.append(f"The purpose {purpose} opens {data_class}.")
        day = act.monday.date() + timedelta(days=1)
        for purpose in ("payroll", "performance", "administration"):
            with act.desk(act.admin(), purpose) as desk:
                try:
                    report = desk.reports.day("r1", day)
                except FieldhrError:
                    continue
                finds.expect(not len(report.fixes), f"A day's positions are shown for {purpose}.")
        with act.desk(act.admin(), "supervision") as desk:
            finds.expect(len(desk.reports.day("r1", day).fixes), "A day's positions are not shown to supervision.")
        try:
            with act.desk(act.admin(), "curiosity"):
                finds.wrong.append("A desk opens for a purpose nobody knows.")
        except FieldhrError:
            pass


@check("keys.shred")
def _shred(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        vault = act.vault()
        place = (act.home, "whereabouts", "checkins", "body_sealed")
        mine = vault.seal(*place, "1", b"here", person="r1")
        theirs = vault.seal(*place, "2", b"there", person="r2")
        finds.facts["keys"] = vault.forget(act.home, "r1")
        finds.expect(not _opened(vault, *place, "1", mine, "r1"), "What was sealed with a destroyed key opens.")
        finds.expect(
            _opened(act.vault(), *place, "2", theirs, "r2"), "Destroying one person's keys takes another's with them."
        )
        fresh = act.vault()
        finds.expect(not _opened(fresh, *place, "1", mine, "r1"), "A destroyed key is still stored.")
        finds.expect(fresh.is_forgotten(act.home, "whereabouts", "r1"), "A forgotten person is not known as such.")
        try:
            fresh.seal(*place, "3", b"late", person="r1")
        except TrustError:
            return
        finds.wrong.append("A new key is made for a forgotten person.")


@check("index.blind")
def _blind(scene: Scene, finds: Finds) -> None:
    with rehearsal(scene.premises) as act:
        vault = act.vault()
        numbers = [f"1001381234{n:03d}" for n in range(200)]
        here = [vault.blind_index(act.home, "customers", "phone", n, bits=48) for n in numbers]
        again = [vault.blind_index(act.home, "customers", "phone", n, bits=48) for n in numbers]
        there = [vault.blind_index(act.other, "customers", "phone", n, bits=48) for n in numbers]
        column = [vault.blind_index(act.home, "customers", "account", n, bits=48) for n in numbers]
        finds.expect(here == again, "Equal numbers do not find each other.")
        finds.expect(not set(here) & set(there), "A number has the same index in two tenants.")
        finds.expect(not set(here) & set(column), "A number has the same index in two columns.")
        finds.facts["numbers"] = len(numbers)


@check("crypto.vectors")
def _vectors(scene: Scene, finds: Finds) -> None:  # noqa: ARG001 - it looks at the machine's cryptography
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.ciphers.algorithms import SM4
    from cryptography.hazmat.primitives.ciphers.modes import ECB
    from cryptography.hazmat.primitives.hashes import SM3, Hash

    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308") * 2
    text = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
        "ba637b39"
    )
    bound = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    sealed = AESGCM(key).encrypt(bytes.fromhex("cafebabefacedbaddecaf888"), text, bound)
    finds.expect(
        sealed[-16:].hex() == "76fc6ece0f4e1768cddf8853bb2d551b", "AES-256-GCM gives another tag than published."
    )
    block = bytes.fromhex("0123456789abcdeffedcba9876543210")
    encryptor = Cipher(SM4(block), ECB()).encryptor()  # noqa: S305 - one block, as the standard's example has it
    found = (encryptor.update(block) + encryptor.finalize()).hex()
    finds.expect(found == "681edf34d206965e86b3e94f536e4246", "SM4 gives another block than GB/T 32907.")
    digest = Hash(SM3())
    digest.update(b"abc")
    finds.expect(
        digest.finalize().hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
        "SM3 gives another digest than GB/T 32905.",
    )
    finds.facts["vectors"] = 3


@check("sealed.clear")
def _clear(scene: Scene, finds: Finds) -> None:
    secrets_ = {text for tenant in _tenants(scene) for text in _sealed_texts(scene, tenant)}
    finds.facts["texts"] = len(secrets_)
    if not secrets_:
        return
    with scene.premises.binding.transaction(write=False) as connection:
        for where, cell in _cells(scene, connection):
            finds.count("cells")
            if cell in secrets_:
                finds.expect(False, f"{where} holds in the clear what is sealed elsewhere.")
    if scene.file is None:
        return
    needles = sorted(secrets_, key=lambda _: secrets.token_bytes(4))[:60]
    for path in _files_beside(scene.file):
        finds.count("files")
        hits = _hits(path, needles)
        finds.expect(not hits, f"The file {path.name} holds {hits} sealed texts in the clear.")


def _tenants(scene: Scene) -> list[str]:
    with scene.premises.binding.transaction(write=False) as connection:
        return scene.premises.tenants(connection)


#: (table, column, class, purpose, keys of the JSON whose texts are names or numbers; none: all of the value).
_NAMED: Final = (
    ("people", "name_sealed", "contact", "administration", ()),
    ("customers", "body_sealed", "contact", "compliance", ("name",)),
    ("customers", "identity_sealed", "identity", "compliance", ("*",)),
    ("messages", "text_sealed", "message", "compliance", ()),
    ("follow_ups", "text_sealed", "message", "compliance", ()),
)
_LOOKED_AT: Final = 5_000


def _sealed_texts(scene: Scene, tenant: str) -> Iterator[str]:
    """Yield texts that no other place should hold: names and numbers of at least six bytes, messages of at least 24."""
    import sqlalchemy as sa

    assert scene.premises.stage is not None
    stage = scene.premises.stage(scene.premises.binding, scene.premises.now())
    columns = {(column.table, column.column): column for column in SEALED}
    for name, column_name, data_class, purpose, parts in _NAMED:
        table, column = getattr(scene.premises.tables, name), columns[name, column_name]
        value = table.c[column_name]
        principal = Principal(tenant=tenant, id="fieldhr.evidence", role=Role.COMPLIANCE)
        with stage.unit(principal, purpose) as unit, unit.housework():
            rows = unit.all(sa.select(table).where(table.c.tenant == tenant, value.is_not(None)).limit(_LOOKED_AT))
            groups: dict[str | None, list[Any]] = {}
            for row in rows:
                groups.setdefault(getattr(row, column.person) if column.person else None, []).append(row)
            unit.prepare(data_class, [person for person in groups if person is not None])
            for person, mine in groups.items():
                if person is not None and unit.is_forgotten(data_class, person):
                    continue
                ids = [column.row_id(row) for row in mine]
                values = [getattr(row, column_name) for row in mine]
                try:
                    plain = unit.open(table, column_name, data_class, ids, values, person=person)
                except TrustError:
                    continue  # what does not open is told by another check
                for text in plain:
                    yield from _parts(text, parts, 24 if data_class == "message" else 6)


def _parts(raw: bytes, parts: tuple[str, ...], least: int) -> Iterator[str]:
    if not parts:
        found = [raw.decode("utf-8", "replace")]
    else:
        body = json.loads(raw)
        found = [str(value) for key, value in body.items() if ("*" in parts or key in parts) and value]
    yield from (text for text in found if len(text.encode()) >= least)


def _cells(scene: Scene, connection: Any) -> Iterator[tuple[str, str]]:
    """Yield every text in a column that is not sealed, by the database's own list of columns."""
    import sqlalchemy as sa

    tables = scene.premises.tables
    inspector = sa.inspect(connection)
    for name in inspector.get_table_names(schema=tables.schema):
        if not name.startswith(tables.prefix) or name == f"{tables.prefix}wall":
            continue  # the wall's own secret is nobody's to read
        columns = [column["name"] for column in inspector.get_columns(name, schema=tables.schema)]
        clear = [column for column in columns if not column.endswith("_sealed") and column not in ("wrapped", "mac")]
        table = sa.table(name, *map(sa.column, clear), schema=tables.schema)
        for row in connection.execute(sa.select(*(table.c[column] for column in clear))):
            for column, value in zip(clear, row, strict=True):
                yield from ((f"{name.removeprefix(tables.prefix)}.{column}", text) for text in _leaves(value))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if value[:1] in "{[":
            try:
                yield from _leaves(json.loads(value))
            except ValueError:
                return
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, (bytes, memoryview)):
        yield bytes(value).decode("utf-8", "replace")


def _files_beside(file: Path) -> Iterator[Path]:
    names = [file, *(file.with_name(file.name + end) for end in ("-wal", "-journal", ".keys"))]
    names += [path for path in file.parent.iterdir() if path.suffix in (".log", ".tmp", ".bak", ".part", ".core")]
    yield from (path for path in names if path.is_file() and path.stat().st_size)


def _hits(path: Path, needles: Sequence[str]) -> int:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return sum(content.find(text.encode()) >= 0 for text in needles)


@check("sealed.canary")
def _canary(scene: Scene, finds: Finds) -> None:
    heard = _Heard()
    loggers = [logging.getLogger(name) for name in ("fieldhr_core", "fieldhr_plugins")]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    errors: list[str] = []
    for logger in loggers:
        logger.addHandler(heard)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
    try:
        with rehearsal(scene.premises) as act:
            mark = act.mark
            act.furnish()
            errors += _provoked(act)
            for where, cell in _cells(scene, act.connection):
                finds.count("cells")
                finds.expect(
                    f"canary-{mark}" not in cell, f"{where} holds in the clear what was handed in to be sealed."
                )
    finally:
        for logger, level, propagate in before:
            logger.removeHandler(heard)
            logger.setLevel(level)
            logger.propagate = propagate
    finds.facts |= {"lines": len(heard.lines), "errors": len(errors)}
    finds.expect(not any(mark in line for line in heard.lines), "A log line holds a name, a number or a text.")
    finds.expect(not any(mark in text for text in errors), "The text of an error holds a name, a number or a text.")
    if scene.file is not None:
        for path in _files_beside(scene.file):
            finds.expect(not _hits(path, [f"canary-{mark}"]), f"The file {path.name} holds a mark in the clear.")


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def _provoked(act: Act) -> list[str]:
    """Return the texts of errors that calls with marked content end in."""
    from fieldhr_core.model import Absence, AbsenceKind, Customer, Message, Person

    said: list[str] = []
    name = act.word(act.home, "r1", "error")
    late, early = act.at("18:00"), act.at("09:00")
    nothing: Any = None
    calls: list[Callable[[Any], Any]] = [
        lambda desk: desk.people.put_absences(
            [Absence(id="x", rep="r1", kind=next(iter(AbsenceKind)), start=late, end=early)]
        ),
        lambda desk: desk.customers.submit([Customer(id="bad", name="", need=name)]),
        lambda desk: desk.customers.put([Customer(id="bad", name=name, identifiers={"account": nothing})]),
        lambda desk: desk.people.put([Person(id="bad", name=name, traits={"x": object()})]),
        lambda desk: desk.messages.submit(
            [Message(id="bad", thread="t", rep=nothing, customer=None, speaker="rep", text=name, time=early)]
        ),
    ]
    asked = principals(act.home)
    for call in calls:
        for principal in (act.admin(), asked["rep"]):
            with act.desk(principal, "operations") as desk, act.undone():
                try:
                    call(desk)
                except FieldhrError as failure:
                    said.append(f"{failure} {failure.where}")
                except Exception as failure:  # noqa: BLE001 - also what a database or a codec says
                    said.append(str(failure))
    return said


def _octets(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _refuse(_reading: object) -> None:
    raise TrustError("Checks open no sealed values.", code="FHR-TRU-001")
