"""Tenants: the banks, insurers and brokers that share a store and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fieldhr_core.errors import AccessError, ConfigError, RecordError
from fieldhr_core.flow.deadlines import case_policy
from fieldhr_core.flow.pacing import check_routes, pacing_of
from fieldhr_core.flow.values import plain
from fieldhr_core.flow.watch import watch_policy
from fieldhr_core.model import Calendar, WorkPattern
from fieldhr_core.trust.retention import PROFILES
from fieldhr_core.trust.witness import witness_at

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import House

__all__ = ["Tenants"]

#: Settings of a tenant that are not a plugin's: which resolver judges, where notices go, which checks must answer, how
#: whereabouts lose precision (a name of ``trust.retention.PROFILES``; none: never), which file or HTTPS address
#: witnesses the trail, whether the trail is proved each night (``daily``, ``off``), how much time cases leave
#: (:class:`CasePolicy`), how notices are paced, who makes the scorecards, and what the house's own watch finds too much
#: (:class:`WatchPolicy`).
OWN_SETTINGS = (
    "resolver",
    "composer",
    "routes",
    "required_checks",
    "retention",
    "witness",
    "audit_check",
    "cases",
    "delivery",
    "watch",
)


class Tenants:
    """The runtime's register of tenants; for the host, not for principals."""

    def __init__(self, house: House) -> None:
        self._house = house

    def create(
        self,
        tenant: str,
        *,
        name: str,
        pattern: WorkPattern | None = None,
        calendar: Calendar | None = None,
        settings: Mapping[str, Any] | None = None,
        simulated: bool = False,
    ) -> None:
        """Add a tenant.

        Args:
            tenant: its id, the host's own.
            pattern, calendar: working hours and special days of everybody who has none of their own.
            settings: plugin name -> its settings for this tenant, beside ``resolver``, ``routes`` and
                ``required_checks``.
            simulated: whether its people are synthetic; shown on everything that comes from it.

        Raises:
            RecordError: FHR-REC-001 where the id is empty or taken.
            ConfigError: FHR-CFG-001 with every setting that does not fit.
        """
        import sqlalchemy as sa

        if not tenant:
            raise RecordError("A tenant needs an id.", code="FHR-REC-001")
        settings = dict(settings or {})
        self._check(settings)
        table = self._house.tables.tenants
        with self._house.binding.transaction(write=True) as connection:
            if connection.execute(sa.select(table.c.id).where(table.c.id == tenant)).first():
                raise RecordError(f"There is a tenant {tenant!r} already.", code="FHR-REC-001")
            connection.execute(
                sa.insert(table).values(
                    id=tenant,
                    name=name,
                    pattern=plain(pattern or WorkPattern()),
                    calendar=plain(calendar or Calendar()),
                    settings=plain(settings),
                    simulated=simulated,
                    created_ms=self._house.now_ms(),
                )
            )

    def configure(self, tenant: str, settings: Mapping[str, Any]) -> None:
        """Exchange a tenant's settings.

        Raises:
            AccessError: FHR-ACC-001 where there is no such tenant.
            ConfigError: FHR-CFG-001 with every setting that does not fit.
        """
        import sqlalchemy as sa

        self._check(settings)
        table = self._house.tables.tenants
        with self._house.binding.transaction(write=True) as connection:
            before = connection.execute(sa.select(table.c.settings).where(table.c.id == tenant)).first()
            if before is None:
                raise AccessError("There is no such tenant.", code="FHR-ACC-001")
            # The doctor goes back to those of before where the new ones turn out not to work.
            changed = {"settings": plain(settings)}
            if before.settings != plain(settings):
                changed["settings_before"] = before.settings
            connection.execute(sa.update(table).where(table.c.id == tenant).values(**changed))

    def set_calendar(self, tenant: str, calendar: Calendar) -> None:
        """Exchange a tenant's holidays and make-up days, as a new year's are announced.

        From then on positions are held against them; a day that was judged stays judged until something of it arrives.

        Raises:
            AccessError: FHR-ACC-001 where there is no such tenant.
        """
        import sqlalchemy as sa

        table = self._house.tables.tenants
        with self._house.binding.transaction(write=True) as connection:
            changed = sa.update(table).where(table.c.id == tenant).values(calendar=plain(calendar))
            if not connection.execute(changed).rowcount:
                raise AccessError("There is no such tenant.", code="FHR-ACC-001")

    def _check(self, settings: Mapping[str, Any]) -> None:
        self._house.registry.check_settings(settings, besides=OWN_SETTINGS)
        if settings.get("witness"):
            witness_at(str(settings["witness"]))  # says what is wrong with an address
        for name, known in (("retention", set(PROFILES)), ("audit_check", {"daily", "off"})):
            if settings.get(name) not in {None, *known}:
                raise ConfigError(
                    f"The setting {name!r} cannot be {settings[name]!r}.",
                    code="FHR-CFG-001",
                    hint=f"Give one of: {', '.join(sorted(known))}.",
                )
        case_policy(settings)
        pacing_of(settings)
        check_routes(settings)
        try:
            watch_policy(settings)
        except (TypeError, ValueError) as cause:
            raise ConfigError(
                f"The setting 'watch' cannot be {settings['watch']!r}.",
                code="FHR-CFG-001",
                hint="Give window_min, records, tries, strange_ids as whole numbers from 1.",
            ) from cause

    def list(self) -> list[str]:
        """Return the ids of all tenants, ordered."""
        import sqlalchemy as sa

        table = self._house.tables.tenants
        with self._house.binding.transaction(write=False) as connection:
            return list(connection.execute(sa.select(table.c.id).order_by(table.c.id)).scalars())
