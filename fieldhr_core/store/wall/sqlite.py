"""The wall on SQLite: every statement goes through views and triggers of the connection's own, or not at all.

SQLite has no users. What it has is an *authorizer*: a function that is asked about every column a statement touches
while the statement is prepared, and told which view or trigger the access comes from. The wall lets nothing touch our
tables but its own views and triggers, whose names are random and cannot be looked up; and it writes the views' public
names in place of the tables' into each statement, so that statements need not know of any of this.

For whom rows are meant is not stored in the database, where a statement could change it, but answered by functions of
this process. Masked columns come as NULL. A row that may not be written is refused; one that may not be seen is not
there. SQLite looks at a statement's own conditions whenever it pleases, before those of the views too, and a condition
that fails tells what it failed on: where not all rows are in reach, each column is NULL until its row is known to be.

It is a wall against statements, whoever wrote them; Python code in this process can take it down.
"""

from __future__ import annotations

import contextlib
import contextvars
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import AccessError
from fieldhr_core.model import Role
from fieldhr_core.store.rows import BEHIND_WALL
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
    unique_keys,
    writable,
)
from fieldhr_core.trust.scope import Action

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult, Engine, Table

    from fieldhr_core.store.binding import Binding
    from fieldhr_core.store.tables import StoreTables

__all__ = ["SqliteWall"]

#: Key under which a connection keeps its gate.
_GATE: Final = "fieldhr_gate"
#: Stands for a connection's mark until it is known; no name of ours has it.
_BLANK: Final = "0mark0"

_EXPLAIN: Final = re.compile(r"(?:\s|;|--[^\n]*(?:\n|$)|/\*.*?(?:\*/|$))*explain\b", re.IGNORECASE | re.DOTALL)
#: Anywhere but at the beginning: of a statement that rolls back to a savepoint it is the first word.
_ROLLING_BACK: Final = re.compile(r"(?<=\S)\s*\brollback\b", re.IGNORECASE)
#: Role -> whose views it shares: roles that reach rows in one way.
_COMPANY: Final = {
    Role.REP.value: "own",
    Role.MANAGER.value: "led",
    Role.COMPLIANCE.value: "part",
    Role.HR_PAYROLL.value: "part",
    Role.AUDITOR.value: "all",
    Role.ADMIN.value: "all",
    Role.INTEGRATOR.value: "all",
    HOUSE: "all",
}
#: Functions that reach beyond the database, or into its inside.
_BARRED_FUNCTIONS: Final = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "lsmode"})
#: Table-valued functions that only unfold their argument.
_UNFOLDING: Final = frozenset({"json_each", "json_tree"})


class SqliteWall:
    """A binding to an SQLite database behind the wall.

    Args:
        engine: given where the engine is our own: its connections then stay behind gates of their own for good. On a
            host's connection the gate is put up for each unit and taken down after it.
    """

    is_up = True

    def __init__(self, inner: Binding, tables: StoreTables, engine: Engine | None = None) -> None:
        import sqlalchemy as sa

        self._inner = inner
        self._ours = engine is not None
        self._key = f"{_GATE}.{tables.prefix}"
        self._plan = _Plan(tables)
        self._lent: list[tuple[sqlite3.Connection, MutableMapping[Any, Any]]] = []
        self._coming: contextvars.ContextVar[Who | None] = contextvars.ContextVar("coming", default=None)
        if engine is not None:
            sa.event.listen(engine, "checkout", self._equip)
            sa.event.listen(engine, "before_cursor_execute", self._redirected, retval=True)
            sa.event.listen(engine, "after_cursor_execute", self._executed)

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

    def transaction(self, *, write: bool) -> contextlib.AbstractContextManager[Connection]:
        """Yield a connection before the wall: it reaches everything."""
        return self._inner.transaction(write=write)

    @contextlib.contextmanager
    def scoped(self, who: Who, *, write: bool) -> Iterator[Connection]:
        """Yield a connection that reaches what is *who*'s."""
        coming = self._coming.set(who)
        try:
            with self._inner.transaction(write=write) as connection, _telling():
                gate = connection.info[self._key] if self._ours else self._borrowed(connection)
                with gate.behind(connection, who):
                    yield connection
        finally:
            self._coming.reset(coming)

    def turned(self, connection: Connection, who: Who) -> contextlib.AbstractContextManager[None]:
        """Let a scoped connection work for somebody else for a while."""
        gate: _Gate = connection.info[self._key]
        return gate.turned(_driver(connection), who)

    @contextlib.contextmanager
    def entered(self, connection: Connection, who: Who) -> Iterator[None]:
        """Put a connection of :meth:`transaction` behind the wall for a while."""
        gate = connection.info[self._key] if self._ours else self._borrowed(connection)
        with _telling(), gate.behind(connection, who):
            yield

    def close(self) -> None:
        """Take down what stands on a host's connection, and close what is ours."""
        for driver, info in self._lent:
            gate: _Gate | None = info.pop(self._key, None)
            if gate is not None:
                with contextlib.suppress(sqlite3.ProgrammingError):  # the host closed it before us
                    gate.take_down(driver)
        self._lent.clear()
        self._inner.close()

    def _equip(self, driver: Any, record: Any, _proxy: object) -> None:
        if self._key not in record.info:
            gate = record.info[self._key] = _Gate(self._plan, driver)
            driver.set_authorizer(gate.look)
        who = self._coming.get()
        if who is not None:
            # Now, before the transaction: its rollback would take the views along.
            record.info[self._key].put_up(driver, who.role)
            record.info[self._key].put_up(driver, HOUSE)

    def _borrowed(self, connection: Connection) -> _BorrowedGate:
        gate: _BorrowedGate | None = connection.info.get(self._key)
        if gate is None:
            gate = connection.info[self._key] = _BorrowedGate(
                self._plan, _driver(connection), self._redirected, self._executed
            )
            self._lent.append((_driver(connection), connection.info))
        return gate

    def _redirected(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> tuple[str, Any]:
        gate = connection.info.get(self._key)
        return (statement if gate is None or gate.who is None else gate.redirected(statement)), parameters

    def _executed(
        self, connection: Connection, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool
    ) -> None:
        if statement[:8].upper() == "ROLLBACK":
            gate = connection.info.get(self._key)
            if gate is not None:
                gate.rolled_back(connection)


class _Gate:
    """One connection's views, triggers and guard. They are put up for the roles that come, when the first one comes."""

    def __init__(self, plan: _Plan, driver: sqlite3.Connection) -> None:
        self.who: Who | None = None
        self._plan = plan
        self._mark = secrets.token_hex(12)
        # Statements of its own may show up in a log, and tell nothing about the views.
        self._spoken = secrets.token_hex(12)
        self._comment = f" /*{secrets.token_hex(12)}*/"
        self._inner_names: set[str] = set()
        self._suffix = ""
        #: Whose people stand in the table of those led, and how many rows had been changed by then.
        self._led: tuple[Who, int] | None = None
        #: Stands beside them. A rollback brings back rows of before, of somebody else perhaps, and not this.
        self._stamp = ""
        self._making, self._emptying, self._filling, self._stamping = plan.led(self._mark)
        self._says_itself = False
        self._redirect = lru_cache(maxsize=1_000)(self._redirected)
        self.look = self._guard()
        answers: dict[str, Callable[[], str | None]] = {
            "t": lambda: self.who.tenant if self.who else None,
            "r": lambda: self.who.role if self.who else None,
            "p": lambda: self.who.person if self.who else None,
            "n": lambda: self._stamp,
        }
        for letter, answer in answers.items():
            for mark in (self._mark, self._spoken):
                driver.create_function(f"{letter}{mark}", 0, answer)
        for name in _UNFOLDING:
            # SQLite declares their columns at first use, and behind the wall nothing is declared.
            with contextlib.suppress(sqlite3.OperationalError):
                driver.execute(f"SELECT 1 FROM {name}('[]')")

    @contextlib.contextmanager
    def behind(self, connection: Connection, who: Who) -> Iterator[None]:
        """Keep the connection behind the wall for a while."""
        with self.turned(_driver(connection), who):
            connection.info[BEHIND_WALL] = self
            try:
                yield
            finally:
                connection.info.pop(BEHIND_WALL, None)
                self._led = None  # a rollback takes the rows along

    @contextlib.contextmanager
    def turned(self, driver: sqlite3.Connection, who: Who) -> Iterator[None]:
        """Let somebody pass for a while."""
        before = self.who, self._suffix
        self.who = None
        self.put_up(driver, who.role)
        if _COMPANY[who.role] == "led" and self._led != (who, driver.total_changes):
            self._look_below(driver, who)
        self.who, self._suffix = who, f"__{_COMPANY[who.role]}"
        try:
            yield
        finally:
            self.who, self._suffix = before
            if (
                before[0] is not None
                and self._suffix.endswith("led")
                and self._led != (before[0], driver.total_changes)
            ):
                # Somebody else may have given them other people meanwhile.
                self.who = None
                self._look_below(driver, before[0])
                self.who = before[0]

    def redirected(self, statement: str) -> str:
        """Return a statement with the views' names for the tables'."""
        return statement if self._says_itself else self._redirect(statement, self._suffix)

    def written(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Any], *, exchange: bool
    ) -> bool:
        """Write many rows in one statement of the wall's own, past the triggers and under their conditions.

        Args:
            rows: values as the driver takes them, in the order of *columns*.
            exchange: where a primary key is there already, exchange the rest of the row.

        Returns:
            Whether it was done; ``False`` where rows of this table go one by one.

        Raises:
            AccessError: FHR-ACC-003 for a row out of reach, FHR-ACC-001 for a key that is somebody else's, or taken.
        """
        from sqlalchemy.exc import IntegrityError

        assert self.who is not None
        words = self._plan.many(self._spoken, table.name, _COMPANY[self.who.role], tuple(columns), exchange=exchange)
        if words is None:
            return False
        write, check = words
        try:
            done = self._said(connection, write, rows)
        except IntegrityError as cause:
            if "UNIQUE" in str(cause.orig):
                raise _taken() from cause
            raise
        if done.rowcount != len(rows):
            refused = any(not self._said(connection, check, row).scalar() for row in rows)
            raise _refusal() if refused else _taken()
        return True

    def _said(self, connection: Connection, statement: str, parameters: Any) -> CursorResult[Any]:
        # The guard looks at a statement while it is prepared; the wall's own say themselves who may do what.
        self._says_itself = True
        try:
            return connection.exec_driver_sql(statement, parameters)
        finally:
            self._says_itself = False

    def take_down(self, driver: sqlite3.Connection) -> None:
        """Drop the views with their triggers."""
        inner = (name for name in self._inner_names if name.startswith("v"))
        for name in (*inner, *self._plan.public):
            driver.execute(f'DROP VIEW IF EXISTS temp."{name}"')
        driver.execute(f'DROP TABLE IF EXISTS temp."{_led_name(self._mark)}"')

    def put_up(self, driver: sqlite3.Connection, role: str) -> None:
        """Create the views a role is shown, where they are not there yet."""
        company = _COMPANY[role]
        # A rollback takes views along that were put up since; the last one tells whether the others are there.
        last = f"v{self._mark}_{company}"
        try:
            driver.execute(f'SELECT 1 FROM temp."{last}"')
        except sqlite3.OperationalError:
            if company == "led":
                driver.execute(self._making)
            statements, names = self._plan.of(self._mark, company)
            self._inner_names |= {*names, last}
            for statement in (*statements, f'CREATE TEMP VIEW "{last}" AS SELECT 1'):
                driver.execute(statement)

    def _look_below(self, driver: sqlite3.Connection, who: Who) -> None:
        driver.execute(self._emptying)
        driver.execute(self._filling, (who.tenant, who.person))
        self._stamp = secrets.token_hex(16)
        driver.execute(self._stamping, (self._stamp,))
        self._led = (who, driver.total_changes)

    def rolled_back(self, connection: Connection) -> None:
        """Look again whom a manager leads, after a savepoint was rolled back to."""
        who = self.who
        if who is not None and self._suffix.endswith("led"):
            self.who = None
            self._look_below(_driver(connection), who)
            self.who = who

    def _redirected(self, statement: str, suffix: str) -> str:
        # EXPLAIN names the views behind the views.
        if _EXPLAIN.match(statement):
            raise AccessError("No statement is explained behind the wall.", code="FHR-ACC-003")
        # INSERT OR ROLLBACK ends the whole transaction, and what follows would not be undone with it.
        if _ROLLING_BACK.search(statement):
            raise AccessError("No statement rolls a transaction back behind the wall.", code="FHR-ACC-003")
        # The comment keeps statements apart in the driver's cache: one that was prepared, unguarded, before the wall
        # would not be looked at again.
        return self._plan.names.sub(lambda name: name[0] + suffix, statement) + self._comment

    def _guard(self) -> Callable[..., int]:
        ok, deny = sqlite3.SQLITE_OK, sqlite3.SQLITE_DENY
        read, select, call, recurse = (
            sqlite3.SQLITE_READ,
            sqlite3.SQLITE_SELECT,
            sqlite3.SQLITE_FUNCTION,
            sqlite3.SQLITE_RECURSIVE,
        )
        changes = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
        savepoint = sqlite3.SQLITE_SAVEPOINT
        public, base, inside = self._plan.public, self._plan.base, self._inner_names

        def look(action: int, first: str | None, second: str | None, _where: str | None, source: str | None) -> int:
            if self.who is None or self._says_itself or action in (select, recurse, savepoint):
                return ok
            name = (first or "").lower()
            if action == call:
                return deny if (second or "").lower() in _BARRED_FUNCTIONS else ok
            if action == read:
                if source in inside or name in public:
                    return ok
                return ok if first in inside or name in _UNFOLDING else deny
            if action in changes:
                return ok if (name in base and source in inside) or name in public else deny
            return deny

        return look


class _BorrowedGate(_Gate):
    """A gate on a host's connection: it stands guard only while we work."""

    def __init__(
        self, plan: _Plan, driver: sqlite3.Connection, redirected: Callable[..., Any], executed: Callable[..., Any]
    ) -> None:
        super().__init__(plan, driver)
        self._redirected_by, self._executed_by = redirected, executed

    @contextlib.contextmanager
    def behind(self, connection: Connection, who: Who) -> Iterator[None]:
        import sqlalchemy as sa

        driver = _driver(connection)
        if not driver.in_transaction:
            # The driver would say BEGIN itself before the first change, from behind the wall.
            connection.exec_driver_sql("BEGIN")
        sa.event.listen(connection, "before_cursor_execute", self._redirected_by, retval=True)
        sa.event.listen(connection, "after_cursor_execute", self._executed_by)
        driver.set_authorizer(self.look)
        try:
            with super().behind(connection, who):
                yield
        finally:
            driver.set_authorizer(None)
            sa.event.remove(connection, "before_cursor_execute", self._redirected_by)
            sa.event.remove(connection, "after_cursor_execute", self._executed_by)


class _Plan:
    """The views and triggers of a set of tables, as SQL, with a place for the mark of a connection."""

    def __init__(self, tables: StoreTables) -> None:
        self._tables = guarded(tables)
        self._deletable = {name for name in self._tables if deletable(tables, name)}
        self._plain = {table.name: name for name, table in self._tables.items()}
        self._drawn: dict[str, tuple[list[str], set[str]]] = {}
        self.many = lru_cache(maxsize=1_000)(self._many)
        self.base = frozenset(table.name.lower() for table in self._tables.values())
        self.public = frozenset(f"{name}__{company}" for name in self.base for company in set(_COMPANY.values()))
        longest_first = sorted((table.name for table in self._tables.values()), key=len, reverse=True)
        self.names = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)", re.IGNORECASE)

    def of(self, mark: str, company: str) -> tuple[list[str], set[str]]:
        """Return the statements that build the views of some roles, and the names that only these views know."""
        if company not in self._drawn:
            self._drawn[company] = self._draw(_BLANK, company)
        statements, names = self._drawn[company]
        return [statement.replace(_BLANK, mark) for statement in statements], {n.replace(_BLANK, mark) for n in names}

    def _many(
        self, mark: str, table: str, company: str, columns: tuple[str, ...], *, exchange: bool
    ) -> tuple[str, str] | None:
        """Return the statements that write many rows of a table, and that ask whether one row is in reach."""
        name = self._plain.get(table)
        if name is None:
            return None
        people = self._tables["people"].name
        tenant, role, person = (f'(SELECT "{letter}{mark}"())' for letter in "trp")
        # The table of those led has the views' mark in its name, which is not to be said aloud.
        led = (
            f"WITH RECURSIVE below(id) AS (SELECT {person} UNION SELECT a.id FROM below AS over "
            f'JOIN main."{people}" AS a ON a.manager = over.id WHERE a.tenant = {tenant}) SELECT id FROM below'
        )
        words = Words(tenant=tenant, person=person, led=led, base=lambda other: f'main."{self._tables[other].name}"')
        roles = tuple(one for one, other in _COMPANY.items() if other == company)
        rows = _Rows(name, self._tables[name], f"{mark}_{company}", role, words, roles, deletable=False)
        return rows.many(columns, exchange=exchange)

    def led(self, mark: str) -> tuple[str, str, str, str]:
        """Return the statements that make, empty, fill and stamp the table of whom somebody leads.

        A tree walked anew for each column that depends on it would be walked dozens of times a statement.
        """
        people, name = self._tables["people"].name, _led_name(mark)
        # UNION, not UNION ALL: a circle of managers must not turn for ever.
        below = (
            "WITH RECURSIVE below(id) AS (SELECT ?2 WHERE ?2 IS NOT NULL UNION SELECT a.id FROM below AS over "
            f'JOIN main."{people}" AS a ON a.manager = over.id WHERE a.tenant = ?1)'
        )
        return (
            f'CREATE TEMP TABLE IF NOT EXISTS "{name}" (id TEXT PRIMARY KEY) WITHOUT ROWID',
            f'DELETE FROM temp."{name}"',
            f'INSERT INTO temp."{name}" {below} SELECT id FROM below',
            f'INSERT INTO temp."{name}" VALUES (?)',
        )

    def _draw(self, mark: str, company: str) -> tuple[list[str], set[str]]:
        tenant, role, person = (f'(SELECT "{letter}{mark}"())' for letter in "trp")
        led = f'SELECT id FROM temp."{_led_name(mark)}"'
        if company == "led":
            stamped = f'SELECT 1 FROM temp."{_led_name(mark)}" WHERE id = "n{mark}"()'
            person = f'(SELECT "p{mark}"() WHERE EXISTS ({stamped}))'
        words = Words(tenant=tenant, person=person, led=led, base=lambda name: f'main."{self._tables[name].name}"')
        roles = tuple(role for role, other in _COMPANY.items() if other == company)
        statements: list[str] = []
        names: set[str] = set()
        for name, table in self._tables.items():
            rows = _Rows(name, table, f"{mark}_{company}", role, words, roles, deletable=name in self._deletable)
            statements += rows.statements()
            names |= rows.names
        return statements, names


class _Rows:
    """The views and triggers of one table for some roles."""

    def __init__(
        self, name: str, table: Table, mark: str, role: str, words: Words, roles: tuple[str, ...], *, deletable: bool
    ) -> None:
        self._name, self._table, self._role, self._words, self._roles = name, table, role, words, roles
        self._deletable = deletable
        self._base, self._public = table.name, f"{table.name.lower()}__{_COMPANY[roles[0]]}"
        self._view = f"v{mark}_{name}"
        self._triggers = {verb: f"{verb[0].lower()}{mark}_{name}" for verb in ("INSERT", "UPDATE", "DELETE")}
        self.names = {self._view, *self._triggers.values()}

    def statements(self) -> Iterator[str]:
        columns = ", ".join(self._seen(column.name) for column in self._table.c)
        yield (
            f'CREATE TEMP VIEW "{self._view}" AS SELECT {columns} FROM main."{self._base}" AS base '
            f"WHERE {self._within(Action.READ, 'base')}"
        )
        # One of before may have come back: a host's rollback undoes that it was taken down.
        yield f'DROP VIEW IF EXISTS temp."{self._public}"'
        yield f'CREATE TEMP VIEW "{self._public}" AS SELECT * FROM temp."{self._view}"'
        yield self._trigger("INSERT", self._inserting())
        yield self._trigger("UPDATE", self._updating())
        yield self._trigger("DELETE", self._deleting())

    def many(self, columns: tuple[str, ...], *, exchange: bool) -> tuple[str, str] | None:
        """Return what the triggers do, as one statement over bound values, and the question whether a row is in reach.

        ``None`` where a column is not to be given, or rows are not to be exchanged.
        """
        keys = [column.name for column in self._table.primary_key.columns]
        rest = [column for column in columns if column not in keys]
        if not set(keys) <= set(columns) <= set(writable(self._table)):
            return None
        if exchange and (not rest or self._name in APPEND_ONLY):
            return None
        names = ", ".join(f'"{column}"' for column in columns)
        # What a condition may ask for and the row does not name is NULL, as in the triggers.
        absent = [f'NULL AS "{column.name}"' for column in self._table.c if column.name not in columns]
        row = "(SELECT " + ", ".join([*(f'? AS "{column}"' for column in columns), *absent]) + ") AS given"
        within = f"coalesce({self._within(Action.WRITE, 'given')}, 0)"
        write = f'INSERT INTO main."{self._base}" AS held ({names}) SELECT {names} FROM {row} WHERE {within}'
        if exchange:
            values = ", ".join(f'"{column}" = {self._kept(column, "excluded", "held.")}' for column in rest)
            same = ", ".join(f'"{key}"' for key in keys)
            write += f" ON CONFLICT ({same}) DO UPDATE SET {values}"
            # A row that cannot be seen is somebody else's, as it is one by one.
            both = (self._within(action, "held") for action in (Action.READ, Action.WRITE))
            write += f" WHERE coalesce({' AND '.join(both)}, 0)"
        return write, f"SELECT {within} FROM {row}"

    def _seen(self, column: str) -> str:
        # What an index could be entered by must not lead out of the tenant before the condition is looked at: the
        # tenant is the asker's own, and a number that runs across tenants is no way in (the plus sees to that).
        if column == tenant_column(self._name):
            return f'{self._words.tenant} AS "{column}"'
        if column not in writable(self._table):
            return f'+base."{column}" AS "{column}"'
        blind = [role for role in self._roles if column in masked(role, self._name)]
        conditions = [f"NOT {self._one_of(blind)}"] if blind else []
        if self._is_partial():
            conditions.append(self._within(Action.READ, "base"))
        if not conditions:
            return f'base."{column}" AS "{column}"'
        return f'CASE WHEN {" AND ".join(conditions)} THEN base."{column}" END AS "{column}"'

    def _is_partial(self) -> bool:
        """Whether some of the roles reach some rows of a tenant and not others."""
        said = {predicate(self._name, role, Action.READ, lambda column: column, self._words) for role in self._roles}
        return not said <= {"TRUE", "FALSE"}

    def _within(self, action: Action, row: str) -> str:
        """Return the condition that a row is in the asker's tenant and reach."""
        by_condition: dict[str, list[str]] = {}
        for role in self._roles:
            said = predicate(self._name, role, action, lambda column: f'{row}."{column}"', self._words)
            by_condition.setdefault(said, []).append(role)
        parts = [
            self._one_of(roles) if said == "TRUE" else f"({self._one_of(roles)} AND {said})"
            for said, roles in by_condition.items()
            if said != "FALSE"
        ]
        mine = f'{row}."{tenant_column(self._name)}" = {self._words.tenant}'
        return f"({mine} AND ({' OR '.join(parts) or 'FALSE'}))"

    def _one_of(self, roles: list[str]) -> str:
        return f"{self._role} IN ({', '.join(repr(role) for role in roles)})"

    def _trigger(self, verb: str, body: list[str]) -> str:
        steps = "".join(f"{step}; " for step in body)
        return f'CREATE TEMP TRIGGER "{self._triggers[verb]}" INSTEAD OF {verb} ON "{self._public}" BEGIN {steps}END'

    def _inserting(self) -> list[str]:
        given = writable(self._table)
        names, values = ", ".join(f'"{c}"' for c in given), ", ".join(f'NEW."{c}"' for c in given)
        return [
            f"SELECT RAISE(ABORT, 'fieldhr.scope') WHERE NOT coalesce({self._within(Action.WRITE, 'NEW')}, 0)",
            *(self._taken(columns) for columns in unique_keys(self._table)),
            f'INSERT INTO "{self._base}" ({names}) VALUES ({values})',
        ]

    def _updating(self) -> list[str]:
        if self._name in APPEND_ONLY:
            return ["SELECT RAISE(ABORT, 'fieldhr.scope')"]
        given = writable(self._table)
        old, new = (f"coalesce({self._within(Action.WRITE, row)}, 0)" for row in ("OLD", "NEW"))
        values = ", ".join(f'"{column}" = {self._kept(column)}' for column in given)
        return [
            f"SELECT RAISE(ABORT, 'fieldhr.scope') WHERE {old} AND NOT {new}",
            *(self._taken(columns, moved=True) for columns in unique_keys(self._table)),
            f'UPDATE "{self._base}" SET {values} WHERE {self._this()} AND {old}',
        ]

    def _deleting(self) -> list[str]:
        if not self._deletable:
            return ["SELECT RAISE(ABORT, 'fieldhr.scope')"]
        return [f'DELETE FROM "{self._base}" WHERE {self._this()} AND coalesce({self._within(Action.WRITE, "OLD")}, 0)']

    def _kept(self, column: str, new: str = "NEW", held: str = "") -> str:
        # Whoever sees a column as NULL must not write that NULL back.
        blind = [role for role in self._roles if column in masked(role, self._name)]
        given = f'{new}."{column}"'
        if not blind:
            return given
        return f'CASE WHEN {self._one_of(blind)} THEN coalesce({given}, {held}"{column}") ELSE {given} END'

    def _this(self) -> str:
        return " AND ".join(f'"{column.name}" = OLD."{column.name}"' for column in self._table.primary_key.columns)

    def _taken(self, columns: tuple[str, ...], *, moved: bool = False) -> str:
        # INSERT OR REPLACE would carry over into the triggers and delete a row the asker cannot even see.
        same = " AND ".join(f'other."{column}" = NEW."{column}"' for column in columns)
        changed = " OR ".join(f'NEW."{column}" IS NOT OLD."{column}"' for column in columns)
        when = f"({changed}) AND " if moved else ""
        found = f'EXISTS (SELECT 1 FROM main."{self._base}" AS other WHERE {same})'
        return f"SELECT RAISE(ABORT, 'fieldhr.taken') WHERE {when}{found}"


def _led_name(mark: str) -> str:
    return f"l{mark}"


def _driver(connection: Connection) -> sqlite3.Connection:
    found: Any = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """Turn what the wall refused into the library's own error."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as cause:
        text = str(cause.orig)
        if "fieldhr.scope" in text or "prohibited" in text or "not authorized" in text:
            raise _refusal() from cause
        if "fieldhr.taken" in text:
            raise _taken() from cause
        raise


def _refusal() -> AccessError:
    return AccessError("The database holds this back from the principal.", code="FHR-ACC-003")


def _taken() -> AccessError:
    return AccessError("An id is not the principal's to use.", code="FHR-ACC-001")
