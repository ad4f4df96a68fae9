"""The house itself: every column is known, plugins say who they are and cannot break what protects, input is sifted."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from fieldhr_core.care.evidence.proof import HOST, Finds, Scene, check
from fieldhr_core.care.evidence.stage import Act, rehearsal
from fieldhr_core.hooks.discovery import OWN_DISTRIBUTION
from fieldhr_core.model import REPORTED, Coded, Datum, Outcome, milliseconds
from fieldhr_core.trust.purposes import Purpose
from fieldhr_core.trust.register import FIELDS, unregistered

__all__: list[str] = []

_WALLS: Final = frozenset({"wall"})
#: What shows data to whoever asks, for that principal's own purpose.
_SHOWING: Final = frozenset({"commands", "applications"})


@check("register.schema")
def _schema(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    tables = scene.premises.tables
    with scene.premises.binding.transaction(write=False) as connection:
        inspector = sa.inspect(connection)
        there = {}
        for name in inspector.get_table_names(schema=tables.schema):
            plain = name.removeprefix(tables.prefix)
            if name.startswith(tables.prefix) and plain not in _WALLS and not plain.startswith("drill_"):
                columns = inspector.get_columns(name, schema=tables.schema)
                there[plain] = frozenset(column["name"] for column in columns)
        if connection.dialect.name == "sqlite":
            ours = sa.text("SELECT type, name, tbl_name FROM sqlite_master WHERE type IN ('trigger', 'view')")
            for kind, name, table in connection.execute(ours):
                mine = table.startswith(tables.prefix) or name.startswith(tables.prefix)
                finds.expect(not mine, f"A {kind} {name} that nobody registered works on our tables.")
    finds.facts |= {"tables": len(there), "personal_fields": len(FIELDS)}
    for said in unregistered(there):
        finds.expect(False, f"{said}.")
    for (table, column), field in FIELDS.items():
        finds.expect(field.purposes and field.keeping, f"{table}.{column} has no purpose or keeping.")


@check("scope.weaknesses")
def _weaknesses(scene: Scene, finds: Finds) -> None:
    wall: Any = scene.premises.binding
    if not hasattr(wall, "weaknesses"):
        finds.expect(wall.is_up, "The database itself holds nothing back: the second layer of scope is down.")
        finds.facts["kind"] = wall.dialect
        return
    for weakness in wall.weaknesses(scene.premises.tables):
        finds.facts[weakness.code] = weakness.text
        finds.expect(not weakness.is_fatal, weakness.text)


@check("plugins.known")
def _plugins(scene: Scene, finds: Finds) -> None:
    for report in scene.plugins:
        finds.count(report.status.value)
        if report.status.value != "active":
            finds.expect(report.status.value == "disabled", f"The plugin {report.name} is {report.status.value}.")
            continue
        finds.expect(report.version and report.summary, f"The plugin {report.name} does not say what it is.")
        # What comes with this release is covered by its own register and its list of purposes.
        if set(report.families) - _SHOWING and report.distribution != OWN_DISTRIBUTION:
            finds.expect(report.purposes, f"The plugin {report.name} does not declare what it uses data for.")
        unknown = sorted(set(report.purposes) - set(Purpose))
        finds.expect(not unknown, f"The plugin {report.name} declares unknown purposes: {', '.join(unknown)}.")


@check("plugins.closed")
def _closed(scene: Scene, finds: Finds) -> None:
    quiet = logging.getLogger("fieldhr_core.hooks.guard")
    before, quiet.disabled = quiet.disabled, True
    try:
        _judged(scene, finds)
    finally:
        quiet.disabled = before


def _judged(scene: Scene, finds: Finds) -> None:
    for what, module in (("raises", _Raising), ("answers nonsense", _Nonsense), ("is missing", None)):
        with rehearsal(scene.premises) as act:
            hr = _with_plugin(act, module)
            from fieldhr_core.model import Message

            act.furnish()
            message = Message(
                id="m", thread="t", rep="r1", customer=None, speaker="rep", text="hello", time=act.at("10:00")
            )
            with hr.acting_as(act.admin(), purpose="compliance") as desk:
                answer = desk.messages.submit([message])[0]
            finds.count("tried")
            finds.expect(answer.outcome is not Outcome.CLEARED, f"A message is cleared while a check {what}.")
            table = act.tables.messages
            finds.expect(act.count(table, table.c.tenant == act.home, table.c.id == "m") == 1, "A message was lost.")


class _Raising:
    """A check that raises."""

    name = "evidence.raising"
    version = "1"
    kinds = ("message",)

    def rule(self, *_args: Any, **_more: Any) -> Any:
        """Raise."""
        raise RuntimeError

    check = judge = rule


class _Nonsense(_Raising):
    """A check that answers something else."""

    def rule(self, *_args: Any, **_more: Any) -> Any:
        """Return nonsense."""
        return "cleared"

    check = judge = rule


def _with_plugin(act: Act, check_type: type[Any] | None) -> Any:
    from fieldhr_core.hooks.guard import Guard
    from fieldhr_core.hooks.loader import Registry
    from fieldhr_core.hooks.plugin import Offer, PluginInfo
    from fieldhr_core.hooks.specs import hookimpl

    plugins: list[Any] = []
    if check_type is not None:
        made = check_type

        class Plugin:
            """A plugin with one check."""

            PLUGIN = PluginInfo(name="evidence.probe", version="1", summary="Fails on purpose.")

            @hookimpl
            def fieldhr_register_checks(self) -> Any:
                """Offer the check."""
                return [Offer(name="probe", make=lambda _settings: made())]

        plugins = [Plugin()]
    guard = Guard()
    registry = Registry(guard=guard)
    registry.load(plugins, autoload=False, disabled=(), strict=False)
    return type(act.hr)(attrs.evolve(act.stage.house, registry=registry, guard=guard))


@check("input.sifted")
def _sifted(scene: Scene, finds: Finds) -> None:
    import numpy as np

    from fieldhr_core.model import Customer

    nan = float("nan")
    with rehearsal(scene.premises) as act:
        act.furnish()
        at = milliseconds(act.at("10:00"))
        bad = [
            (nan, 121.0, at), (31.0, nan, at), (float("inf"), 121.0, at), (91.0, 200.0, at), (0.0, 0.0, at),
            (121.47, 31.23, at), (31.23, 121.47, 315_532_800_000), (31.23, 121.47, at + 7 * 86_400_000 + 86_400_000),
            (-91.0, -181.0, at),
        ]  # fmt: skip
        table = REPORTED.table(
            rep=Coded.same("r1", len(bad)),
            device=Coded.same("p", len(bad)),
            time_ms=np.array([row[2] for row in bad]),
            lat=np.array([row[0] for row in bad]),
            lon=np.array([row[1] for row in bad]),
            accuracy_m=np.full(len(bad), 5.0),
        )
        with act.desk(act.admin(), "integration") as desk:
            receipt = desk.positions.record(table, datum=Datum.WGS84)
            customers = desk.customers.put([Customer(id="", name="x"), Customer(id="y", name="")])
        finds.facts |= {"submitted": receipt.submitted, "refused": receipt.rejected, "quarantined": receipt.quarantined}
        finds.expect(not receipt.stored and not receipt.flagged, "An impossible position is stored.")
        finds.expect(
            receipt.submitted == receipt.rejected + receipt.quarantined, "Refused positions are not all counted."
        )
        finds.expect(not customers.stored and customers.rejected == 2, "A customer without id or name is stored.")


@check("transport.outbound")
def _outbound(scene: Scene, finds: Finds) -> None:
    import sqlalchemy as sa

    context = ssl.create_default_context()
    finds.facts["tls"] = context.minimum_version.name
    finds.expect(
        context.minimum_version >= ssl.TLSVersion.TLSv1_2
        or context.minimum_version is ssl.TLSVersion.MINIMUM_SUPPORTED,
        "Connections of this process agree on old TLS.",
    )
    finds.expect(context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname, "Certificates are not checked.")
    tenants = scene.premises.tables.tenants
    with scene.premises.binding.transaction(write=False) as connection:
        for row in connection.execute(sa.select(tenants.c.id, tenants.c.settings)):
            for text in _texts(row.settings):
                if text.lower().startswith("http://"):
                    host = text.split("//", 1)[1].split("/", 1)[0].rsplit(":", 1)[0]
                    local = host in ("localhost", "127.0.0.1", "[::1]", "::1")
                    finds.expect(local, f"A setting of {row.id} sends over plain HTTP.")
                    finds.count("plain")
                finds.count("settings")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


@check("accounts.none")
def _accounts(scene: Scene, finds: Finds) -> None:
    suspicious = ("password", "passwd", "secret", "token", "session", "otp")
    found = [
        f"{table.name}.{column.name}"
        for table in scene.premises.tables.metadata.sorted_tables
        for column in table.c
        if any(word in column.name for word in suspicious)
    ]
    finds.expect(not found, f"Columns look like credentials: {', '.join(found)}.")
    finds.leave(HOST, "Who somebody is, their password, second factor and session are the host's.")
