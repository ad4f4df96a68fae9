"""The wall on PostgreSQL: forced row security, one database role for each role of ours, and a ticket nobody can forge.

Each unit switches, for its transaction only, to the database role of its principal (``fieldhr_rep`` ...). Row security
is forced on every table, with one policy a role and command; masked columns are columns that role has no right to. For
whom rows are meant stands in settings of the transaction. A statement can change those, so they carry a ticket, a MAC
under a secret that only this process and a function of the database know: other values with the old ticket, and the
old values under another role, both reach nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

import attrs

from fieldhr_core.errors import AccessError, StoreError
from fieldhr_core.model import Role
from fieldhr_core.store.wall.rules import (
    APPEND_ONLY,
    HOUSE,
    Who,
    Words,
    deletable,
    guarded,
    masked,
    predicate,
    tenant_column,
    writable,
)
from fieldhr_core.trust.scope import Action

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldhr_core.store.binding import Binding
    from fieldhr_core.store.tables import StoreTables
    from fieldhr_core.trust.keys import KeyProvider

__all__ = ["PostgresWall", "install", "is_installed", "weaknesses"]

#: The runtime over all tenants: tenants themselves, the schedule, care. Needs a ticket of its own.
_SYSTEM: Final = "system"
#: Owns the two functions that look behind row security. Nobody is a member of it.
_KEEPER: Final = "keeper"
_ASKERS: Final = (*(role.value for role in Role), HOUSE)
_EVERYWHERE: Final = Who("*", _SYSTEM)
_CONTEXT: Final = b"fieldhr row security"
_BLOCK: Final = 64
#: EXPLAIN ANALYZE counts the rows that row security took away. What is created, a block of code and functions that run
#: a text as a statement can run it out of sight; names written with escapes could be any of these.
_BARRED: Final = re.compile(
    r"\b(?:explain|create)\b|\bdo\b(?!\s+(?:nothing|update)\b)|_to_xml|\bts_(?:stat|rewrite)\b|\bu&[\"']",
    re.IGNORECASE,
)
_SECRET, _STATE = "wall_secret", "wall_state"


class PostgresWall:
    """A binding to a PostgreSQL database behind the wall.

    Raises:
        StoreError: FHR-STO-006 where row security is not installed as this release would install it, or where the user
            who logged in can walk round it.
    """

    is_up = True

    def __init__(self, inner: Binding, tables: StoreTables, keys: KeyProvider) -> None:
        self._inner, self._prefix = inner, tables.prefix
        self._key = f"fieldhr_who.{tables.prefix}"
        with inner.transaction(write=False) as connection:
            self._schema = _schema_of(connection, tables)
            self._secret = _secret_of(connection, tables, keys)
            found = [said for said in weaknesses(connection, tables, self._secret) if said.is_fatal]
        if found:
            raise _unfit(found[0].text)

    @property
    def owns_transaction(self) -> bool:
        """See :class:`~fieldhr_core.store.binding.Binding`."""
        return self._inner.owns_transaction

    @property
    def dialect(self) -> str:
        """See :class:`~fieldhr_core.store.binding.Binding`."""
        return self._inner.dialect

    @property
    def most_at_once(self) -> int | None:
        """See :class:`~fieldhr_core.store.binding.Binding`."""
        return self._inner.most_at_once

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        """Yield a connection that reaches every tenant: the runtime's own."""
        with self.scoped(_EVERYWHERE, write=write) as connection:
            yield connection

    @contextlib.contextmanager
    def scoped(self, who: Who, *, write: bool) -> Iterator[Connection]:
        """Yield a connection that reaches what is *who*'s."""
        import sqlalchemy as sa

        with self._inner.transaction(write=write) as connection, _telling():
            before = None if self.owns_transaction else _settings(connection)
            sa.event.listen(connection, "before_cursor_execute", _looked_at)
            try:
                self._enter(connection, who)
                yield connection
            finally:
                connection.info.pop(self._key, None)
                sa.event.remove(connection, "before_cursor_execute", _looked_at)
            # Where an exception passes, the savepoint or the transaction takes the settings back with it.
            if before is not None:
                _set(connection, before)

    @contextlib.contextmanager
    def turned(self, connection: Connection, who: Who) -> Iterator[None]:
        """Let a scoped connection work for somebody else for a while."""
        from sqlalchemy.exc import DBAPIError

        before: Who = connection.info[self._key]
        if before == who:
            yield
            return
        self._enter(connection, who)
        try:
            yield
        except BaseException:
            # Whoever catches it must not go on as somebody else. A transaction that failed runs nothing more anyway.
            with contextlib.suppress(DBAPIError):
                self._enter(connection, before)
            raise
        self._enter(connection, before)

    @contextlib.contextmanager
    def entered(self, connection: Connection, who: Who) -> Iterator[None]:
        """Put a connection of :meth:`transaction` behind the wall for a while."""
        with _telling(), self.turned(connection, who):
            yield

    def weaknesses(self, tables: StoreTables) -> list[Weakness]:
        """Return what is weaker by now than it is meant to be; see :func:`weaknesses`."""
        with self._inner.transaction(write=False) as connection:
            return weaknesses(connection, tables, self._secret)

    def close(self) -> None:
        """Close what is ours."""
        self._inner.close()

    def _enter(self, connection: Connection, who: Who) -> None:
        role = f"{self._prefix}{who.role}"
        connection.info[self._key] = who
        _set(
            connection,
            {
                "fieldhr.tenant": who.tenant,
                "fieldhr.person": who.person or "",
                "fieldhr.ticket": hmac.new(self._secret, _said(role, who).encode(), hashlib.sha256).hexdigest(),
                "row_security": "on",
                # A temporary table must not pass for one of ours.
                "search_path": f'"{self._schema}", pg_temp',
                "role": role,
            },
        )


@attrs.frozen
class Weakness:
    """Something that makes the wall weaker than it is meant to be.

    Attributes:
        code: ``wall.owner``, ``wall.changed`` ...
        is_fatal: whether the wall does not hold with it, so that no runtime opens on it.
    """

    code: str
    text: str
    is_fatal: bool


def is_installed(connection: Connection, tables: StoreTables) -> bool:
    """Return whether row security was installed for these tables."""
    return _meta(connection, tables, _STATE) is not None


def install(connection: Connection, tables: StoreTables, keys: KeyProvider, members: Iterable[str] = ()) -> None:
    """Install row security, or install it anew, in the caller's transaction.

    Args:
        connection: as the owner of the tables, with the right to create roles.
        keys: wraps the secret of the tickets; the runtime opens with the same.
        members: database users who may open a runtime behind the wall.
    """
    import sqlalchemy as sa

    sealed = _meta(connection, tables, _SECRET)
    secret = secrets.token_bytes(32) if sealed is None else keys.unwrap(bytes.fromhex(sealed), _CONTEXT)
    schema = _schema_of(connection, tables)
    for statement in (*_roles(connection, tables, members), *_statements(tables, schema)):
        connection.exec_driver_sql(statement.replace("%", "%%"))
    key = secret + bytes(_BLOCK - len(secret))
    pads = {"inner": bytes(byte ^ 0x36 for byte in key), "outer": bytes(byte ^ 0x5C for byte in key)}
    wall = f'"{schema}"."{tables.prefix}wall"'
    connection.exec_driver_sql(f"DELETE FROM {wall}")
    connection.execute(sa.text(f"INSERT INTO {wall} VALUES (:inner, :outer)"), pads)
    _put_meta(connection, tables, _SECRET, keys.wrap(secret, _CONTEXT).hex())
    _put_meta(connection, tables, _STATE, _state(connection, tables, schema, secret))


def weaknesses(connection: Connection, tables: StoreTables, secret: bytes) -> list[Weakness]:
    """Return what is weaker than it is meant to be, the worst first."""
    import sqlalchemy as sa

    schema = _schema_of(connection, tables)
    found = []
    if _meta(connection, tables, _STATE) != _state(connection, tables, schema, secret):
        said = "The policies, functions or rights in the database are not those this release installs."
        found.append(Weakness("wall.changed", said, True))
    login = connection.execute(
        sa.text(
            "SELECT rolname, rolsuper OR rolbypassrls AS passes, "
            "pg_has_role(oid, (SELECT relowner FROM pg_class WHERE oid = to_regclass(:people)), 'MEMBER') AS owns, "
            "has_schema_privilege('public', :schema, 'CREATE') AS open "
            "FROM pg_roles WHERE rolname = session_user"
        ),
        {"people": f'"{schema}"."{tables.people.name}"', "schema": schema},
    ).one()
    names = [tables.prefix + role for role in (*_ASKERS, _SYSTEM)]
    joined = connection.execute(
        sa.text(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(:names) AND pg_has_role(session_user, oid, 'MEMBER')"
        ),
        {"names": names},
    )
    missing = set(names) - set(joined.scalars())
    if login.passes:
        found.append(Weakness("wall.superuser", "The database user who logs in passes row security by.", True))
    if missing:
        found.append(Weakness("wall.no_member", "The database user who logs in is not a member of our roles.", True))
    if login.owns and not login.passes:
        said = "The database user who logs in owns the tables and could change them."
        found.append(Weakness("wall.owner", said, False))
    if login.open:
        found.append(Weakness("wall.open_schema", f"Everybody may create things in the schema {schema!r}.", False))
    return found


def _roles(connection: Connection, tables: StoreTables, members: Iterable[str]) -> Iterator[str]:
    import sqlalchemy as sa

    names = [tables.prefix + role for role in (*_ASKERS, _SYSTEM, _KEEPER)]
    there = set(connection.execute(sa.text("SELECT rolname FROM pg_roles")).scalars())
    yield from (f'CREATE ROLE "{name}" NOLOGIN' for name in names if name not in there)
    version = connection.dialect.server_version_info or (0,)
    # Being a member must not mean having the rights of all our roles at once: they are entered one at a time.
    how = " WITH INHERIT FALSE, SET TRUE" if version >= (16,) else ""
    for member in members:
        for name in names:
            if not name.endswith(_KEEPER):
                yield f'GRANT "{name}" TO "{member}"{how}'


def _statements(tables: StoreTables, schema: str) -> Iterator[str]:
    def spot(name: str) -> str:
        return f'"{schema}"."{name}"'

    prefix, people = tables.prefix, spot(tables.people.name)
    askers = ", ".join(f'"{prefix}{role}"' for role in _ASKERS)
    keeper, system = f'"{prefix}{_KEEPER}"', f'"{prefix}{_SYSTEM}"'
    wall, context, led = (spot(prefix + name) for name in ("wall", "context", "led"))
    yield f"CREATE TABLE IF NOT EXISTS {wall} (inner_pad bytea NOT NULL, outer_pad bytea NOT NULL)"
    yield f"REVOKE ALL ON {wall} FROM PUBLIC"
    yield f'GRANT USAGE ON SCHEMA "{schema}" TO {askers}, {keeper}, {system}'
    yield f"GRANT SELECT ON {wall}, {people} TO {keeper}"
    yield f"DROP FUNCTION IF EXISTS {led}(name) CASCADE"
    yield f"DROP FUNCTION IF EXISTS {context}(name) CASCADE"
    yield f"CREATE FUNCTION {context}(asker name) {_FUNCTION} {_CONTEXT_BODY.format(wall=wall)}"
    # UNION, not UNION ALL: a circle of managers must not turn for ever.
    yield f"CREATE FUNCTION {led}(asker name) {_FUNCTION} {_LED_BODY.format(context=context, people=people)}"
    # Whoever installs may hand a function only to a role they are in, which may create in the schema.
    yield f"GRANT {keeper} TO CURRENT_USER"
    yield f'GRANT CREATE ON SCHEMA "{schema}" TO {keeper}'
    for function in (context, led):
        yield f"REVOKE ALL ON FUNCTION {function}(name) FROM PUBLIC"
        yield f"GRANT EXECUTE ON FUNCTION {function}(name) TO {askers}, {system}, {keeper}"
        yield f"ALTER FUNCTION {function}(name) OWNER TO {keeper}"
    yield f'REVOKE CREATE ON SCHEMA "{schema}" FROM {keeper}'
    yield f"REVOKE {keeper} FROM CURRENT_USER"
    for table in (tables.version, tables.meta):
        yield f"GRANT SELECT ON {spot(table.name)} TO PUBLIC"
        yield f"GRANT ALL ON {spot(table.name)} TO {system}"
    # Whoever logs in needs the wall's own rows to open a runtime; the rest tells of other tenants.
    meta = spot(tables.meta.name)
    yield f"ALTER TABLE {meta} ENABLE ROW LEVEL SECURITY"
    yield f'DROP POLICY IF EXISTS "everybody" ON {meta}'
    yield f"CREATE POLICY \"everybody\" ON {meta} FOR SELECT USING (key IN ('{_SECRET}', '{_STATE}'))"
    yield f'DROP POLICY IF EXISTS "{_SYSTEM}" ON {meta}'
    yield f"CREATE POLICY \"{_SYSTEM}\" ON {meta} TO {system} USING ({_tenant(context)} = '{_EVERYWHERE.tenant}')"
    words = Words(
        tenant=_tenant(context),
        person=f"(SELECT ({context}(current_user))[2])",
        led=f"SELECT unnest({led}(current_user))",  # an array: a function that gives rows would be called for each row
        base=lambda name: spot(getattr(tables, name).name),
    )
    for name in guarded(tables):
        yield from _of_table(tables, name, spot, words)


def _tenant(context: str) -> str:
    return f"(SELECT ({context}(current_user))[1])"


def _of_table(tables: StoreTables, name: str, spot: Callable[[str], str], words: Words) -> Iterator[str]:
    table, prefix = getattr(tables, name), tables.prefix
    place, system = spot(table.name), f'"{prefix}{_SYSTEM}"'
    mine = f'"{tenant_column(name)}" = {words.tenant}'
    yield f"ALTER TABLE {place} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {place} FORCE ROW LEVEL SECURITY"
    yield f"REVOKE ALL ON {place} FROM PUBLIC"
    if name == "people":
        keeper = f'"{prefix}{_KEEPER}"'
        yield f'DROP POLICY IF EXISTS "{_KEEPER}" ON {place}'
        yield f'CREATE POLICY "{_KEEPER}" ON {place} FOR SELECT TO {keeper} USING (true)'
    yield f'DROP POLICY IF EXISTS "{_SYSTEM}" ON {place}'
    yield f"CREATE POLICY \"{_SYSTEM}\" ON {place} TO {system} USING ({words.tenant} = '{_EVERYWHERE.tenant}')"
    yield f"GRANT {'SELECT, INSERT' if name in APPEND_ONLY else 'ALL'} ON {place} TO {system}"
    for column in table.c:
        if column.name not in writable(table):
            sequence = f"pg_get_serial_sequence('{place}', '{column.name}')"
            everybody = ", ".join(f'"{prefix}{role}"' for role in (*_ASKERS, _SYSTEM))
            yield (f"DO $$ BEGIN EXECUTE format('GRANT USAGE ON SEQUENCE %s TO {everybody}', {sequence}); END $$")
    for role in _ASKERS:
        yield from _of_role(tables, name, place, role, mine, words)


def _of_role(tables: StoreTables, name: str, place: str, role: str, mine: str, words: Words) -> Iterator[str]:
    table, asker = getattr(tables, name), f'"{tables.prefix}{role}"'

    def within(action: Action) -> str:
        return predicate(name, role, action, lambda column: f'"{table.name}"."{column}"', words)

    seen = [column.name for column in table.c if column.name not in masked(role, name)]
    read, write = within(Action.READ), within(Action.WRITE)
    # What is changed must be within sight; PostgreSQL by itself asks that only of statements that read.
    change = "FALSE" if "FALSE" in (read, write) else f"{read} AND {write}"
    columns = _columns(writable(table))
    commands = {
        "SELECT": (read, f"SELECT ({_columns(seen)})", f"USING ({mine} AND {read})"),
        "INSERT": (write, f"INSERT ({columns})", f"WITH CHECK ({mine} AND {write})"),
        "UPDATE": (
            "FALSE" if name in APPEND_ONLY else change,
            f"UPDATE ({columns})",
            f"USING ({mine} AND {change}) WITH CHECK ({mine} AND {write})",
        ),
        "DELETE": (change if deletable(tables, name) else "FALSE", "DELETE", f"USING ({mine} AND {change})"),
    }
    yield f"REVOKE ALL ON {place} FROM {asker}"
    for command, (said, right, terms) in commands.items():
        policy = f'"{role} {command.lower()}"'
        yield f"DROP POLICY IF EXISTS {policy} ON {place}"
        if said != "FALSE":
            yield f"CREATE POLICY {policy} ON {place} FOR {command} TO {asker} {terms}"
        # Without a policy there is no row; whoever asks finds nothing, as the first layer would have it.
        if said != "FALSE" or command == "SELECT":
            yield f"GRANT {right} ON {place} TO {asker}"


_FUNCTION: Final = "RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS"
_CONTEXT_BODY: Final = """$$
SELECT ARRAY[current_setting('fieldhr.tenant', true), nullif(current_setting('fieldhr.person', true), '')]
FROM {wall} AS wall
WHERE encode(sha256(wall.outer_pad || sha256(wall.inner_pad || convert_to(
  encode(convert_to(asker, 'UTF8'), 'hex')
  || '.' || encode(convert_to(current_setting('fieldhr.tenant', true), 'UTF8'), 'hex')
  || '.' || encode(convert_to(current_setting('fieldhr.person', true), 'UTF8'), 'hex'), 'UTF8'))), 'hex')
  = current_setting('fieldhr.ticket', true)
$$"""
_LED_BODY: Final = """$$
WITH RECURSIVE asked AS (SELECT {context}(asker) AS said), below(id) AS (
  SELECT people.id FROM {people} AS people, asked
  WHERE people.tenant = asked.said[1] AND people.manager = asked.said[2]
  UNION
  SELECT people.id FROM asked, below JOIN {people} AS people ON people.manager = below.id
  WHERE people.tenant = asked.said[1]
) SELECT array_append(array_agg(id::text), said[2]) FROM asked LEFT JOIN below ON true GROUP BY said
$$"""

#: Everything in the catalogue that the wall is made of, as one text.
_CATALOGUE: Final = """
SELECT string_agg(line, E'\\n' ORDER BY line COLLATE "C") FROM (
  SELECT format('table %%s %%s %%s %%s', relname, relrowsecurity, relforcerowsecurity, (
      SELECT string_agg(acl::text, ' ' ORDER BY acl::text COLLATE "C") FROM unnest(relacl) AS acl
    )) AS line
  FROM pg_class WHERE relnamespace = to_regnamespace(:schema) AND relname = ANY(:tables)
  UNION ALL SELECT format('column %%s.%%s %%s', attrelid::regclass, attname, (
      SELECT string_agg(acl::text, ' ' ORDER BY acl::text COLLATE "C") FROM unnest(attacl) AS acl
    ))
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  WHERE relnamespace = to_regnamespace(:schema) AND relname = ANY(:tables) AND attnum > 0
  UNION ALL SELECT format('policy %%s %%s %%s %%s %%s %%s %%s', tablename, policyname, permissive, roles, cmd, qual,
    with_check)
  FROM pg_policies WHERE schemaname = :schema AND tablename = ANY(:tables)
  UNION ALL SELECT format('function %%s %%s %%s %%s %%s %%s', proname, pg_get_userbyid(proowner), prosecdef, proconfig,
    prosrc, proacl)
  FROM pg_proc WHERE pronamespace = to_regnamespace(:schema) AND proname = ANY(:functions)
  UNION ALL SELECT format('member %%s', member::regrole) FROM pg_auth_members WHERE roleid = to_regrole(:keeper)
    AND member <> (SELECT relowner FROM pg_class WHERE oid = to_regclass(:people)) AND set_option
) AS lines"""


def _state(connection: Connection, tables: StoreTables, schema: str, secret: bytes) -> str:
    """Return a MAC over the statements of this release and over what they made of the catalogue."""
    import sqlalchemy as sa

    names = [getattr(tables, name).name for name in guarded(tables)] + [tables.prefix + "wall", tables.meta.name]
    statement = _CATALOGUE.replace("%%", "%")
    if (connection.dialect.server_version_info or (0,)) < (16,):
        statement = statement.replace(" AND set_option", "")
    path = connection.execute(sa.text("SELECT current_setting('search_path')")).scalar_one()
    connection.execute(sa.text("SELECT set_config('search_path', 'pg_catalog', true)"))
    catalogue = connection.execute(
        sa.text(statement),
        {
            "schema": schema,
            "tables": names,
            "functions": [tables.prefix + "context", tables.prefix + "led"],
            "keeper": f'"{tables.prefix}{_KEEPER}"',
            "people": f'"{schema}"."{tables.people.name}"',
        },
    ).scalar()
    connection.execute(sa.text("SELECT set_config('search_path', :path, true)"), {"path": path})
    said = "\n".join([*_statements(tables, schema), catalogue or ""])
    return hmac.new(secret, said.encode(), hashlib.sha256).hexdigest()


def _looked_at(
    _connection: Connection, _cursor: object, statement: str, _parameters: object, _context: object, _many: bool
) -> None:
    if _BARRED.search(statement):
        raise AccessError("Nothing is explained or created behind the wall.", code="FHR-ACC-003")


def _said(role: str, who: Who) -> str:
    return ".".join(part.encode().hex() for part in (role, who.tenant, who.person or ""))


def _settings(connection: Connection) -> dict[str, str]:
    import sqlalchemy as sa

    names = ("fieldhr.tenant", "fieldhr.person", "fieldhr.ticket", "row_security", "search_path", "role")
    asked = ", ".join(f"coalesce(current_setting('{name}', true), '')" for name in names)
    return dict(zip(names, connection.execute(sa.text(f"SELECT {asked}")).one(), strict=True))


def _set(connection: Connection, settings: dict[str, str]) -> None:
    import sqlalchemy as sa

    asked = ", ".join(f"set_config('{name}', :v{place}, true)" for place, name in enumerate(settings))
    values = {f"v{place}": value for place, value in enumerate(settings.values())}
    connection.execute(sa.text(f"SELECT {asked}"), values)


def _schema_of(connection: Connection, tables: StoreTables) -> str:
    import sqlalchemy as sa

    if tables.schema is not None:
        return tables.schema
    found = connection.execute(
        sa.text("SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
                "WHERE pg_class.oid = to_regclass(:meta)"),
        {"meta": f'"{tables.meta.name}"'},
    ).scalar()  # fmt: skip
    if found is None:
        raise StoreError("The tables are not there yet.", code="FHR-STO-002")
    return str(found)


def _secret_of(connection: Connection, tables: StoreTables, keys: KeyProvider) -> bytes:
    sealed = _meta(connection, tables, _SECRET)
    if sealed is None:
        raise _unfit("Row security is not installed.")
    return keys.unwrap(bytes.fromhex(sealed), _CONTEXT)


def _meta(connection: Connection, tables: StoreTables, key: str) -> str | None:
    import sqlalchemy as sa

    found: str | None = connection.execute(sa.select(tables.meta.c.value).where(tables.meta.c.key == key)).scalar()
    return found


def _put_meta(connection: Connection, tables: StoreTables, key: str, value: str) -> None:
    from fieldhr_core.store.rows import put

    put(connection, tables.meta, [{"key": key, "value": value}])


def _columns(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _unfit(text: str) -> StoreError:
    return StoreError(text, code="FHR-STO-006")


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """Turn what the database refused into the library's own error."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as cause:
        if getattr(cause.orig, "sqlstate", None) != "42501":
            raise
        raise AccessError("The database holds this back from the principal.", code="FHR-ACC-003") from cause
