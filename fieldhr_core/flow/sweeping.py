"""A rule run again over past days with other thresholds: at x you get y alerts and miss z. A person decides."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from fieldhr_core.errors import ConfigError, PluginError
from fieldhr_core.flow.cases import case_id
from fieldhr_core.flow.judging import view_for
from fieldhr_core.model import CaseOutcome, Sweep, SweepStep, milliseconds

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit
    from fieldhr_core.hooks.handle import ProviderHandle

__all__ = ["alerter_of", "changed", "sweep", "value_of", "with_settings"]


def sweep(acting: Acting, unit: Unit, code: str, setting: str, values: Sequence[Any], first: date, last: date) -> Sweep:
    """Return what a rule would have raised on some days at each value of a setting, and at the one in force.

    Only settings that the rule itself reads change anything; what a resolver has made of the days stays as it is.

    Raises:
        ConfigError: FHR-CFG-001 where no rule raises the code, or the setting or a value does not fit.
    """
    offer, plugin = alerter_of(acting, unit, code)
    settings = acting.facts(unit).settings
    in_force = value_of(acting, plugin, settings, setting)
    outcomes = _outcomes(acting, unit, code, first, last)
    upheld = {case for case, outcome in outcomes.items() if outcome == CaseOutcome.UPHELD}
    dismissed = {case for case, outcome in outcomes.items() if outcome == CaseOutcome.DISMISSED}
    steps = []
    for value in sorted({*values, in_force}, key=lambda each: (str(type(each)), each)):
        with_value = changed(settings, plugin, setting, value)
        found = _raised(acting, unit, offer, code, with_value, first, last)
        steps.append(
            SweepStep(
                value=value,
                is_in_force=value == in_force,
                alerts=len(found),
                fresh=len(found - set(outcomes)),
                missed=len(upheld - found),
                spared=len(dismissed - found),
            )
        )
    now = next(step for step in steps if step.is_in_force)
    better = [step for step in steps if step.missed <= now.missed and step.spared > now.spared and outcomes]
    best = max(better, key=lambda step: (step.spared, -step.fresh), default=None)
    return Sweep(
        code=code,
        plugin=plugin,
        setting=setting,
        first=first,
        last=last,
        steps=tuple(steps),
        proposed=None if best is None else best.value,
    )


def alerter_of(acting: Acting, unit: Unit, code: str) -> tuple[str, str]:
    """Return the names of the offer and of the plugin that raise a code."""
    for offer, alerter in acting.providers(unit, "alerters", role="find"):
        if not isinstance(alerter, PluginError) and code in alerter.stated["codes"]:
            return offer, alerter.plugin
    raise ConfigError(f"No rule raises {code!r}.", code="FHR-CFG-001", hint="Run: fieldhr plugins list")


def value_of(acting: Acting, plugin: str, settings: Mapping[str, Any], setting: str) -> Any:
    """Return the value of a plugin's setting that is in force, by its path."""
    found: Any = acting.house.registry.settings_for(plugin, _of_plugins(settings))
    for name in setting.split("."):
        if not hasattr(found, name):
            raise ConfigError(f"The plugin {plugin} has no setting {setting!r}.", code="FHR-CFG-001", path=setting)
        found = getattr(found, name)
    return found


def changed(settings: Mapping[str, Any], plugin: str, setting: str, value: Any) -> dict[str, Any]:
    """Return a tenant's settings with one of a plugin's exchanged."""
    after = copy.deepcopy(dict(settings))
    section: dict[str, Any] = after.setdefault(plugin, {})
    *path, last = setting.split(".")
    for name in path:
        section = section.setdefault(name, {})
    section[last] = value
    return after


def with_settings(acting: Acting, unit: Unit, offer: str, plugin: str, others: Mapping[str, Any]) -> ProviderHandle:
    """Return a rule as it would be with other values of its plugin's settings, by path.

    Raises:
        ConfigError: FHR-CFG-001 where the setting or its value does not fit.
    """
    settings = acting.facts(unit).settings
    for setting, value in others.items():
        value_of(acting, plugin, settings, setting)
        settings = changed(settings, plugin, setting, value)
    return _provider(acting, offer, settings)


def _provider(acting: Acting, offer: str, settings: Mapping[str, Any]) -> ProviderHandle:
    # Under a name of its own, so that the tenant's stays as it is.
    return acting.house.registry.provider(
        "alerters", offer, "find", tenant=f"{acting.tenant} (sweep)", settings=_of_plugins(settings)
    )


def _raised(
    acting: Acting, unit: Unit, offer: str, code: str, settings: Mapping[str, Any], first: date, last: date
) -> set[str]:
    alerter = _provider(acting, offer, settings)
    found: set[str] = set()
    for day, as_of_ms in _evenings(acting, unit, alerter, first, last):
        view = view_for(acting, unit, alerter, day, as_of_ms, None)
        for finding in acting.house.guard.call(alerter, "find", view):
            if finding.code == code:
                found.add(case_id(acting.tenant, finding))
    return found


def _evenings(
    acting: Acting, unit: Unit, alerter: ProviderHandle, first: date, last: date
) -> Iterator[tuple[date, int]]:
    zone = ZoneInfo(acting.facts(unit).pattern.zone)
    clock = time(23, 59) if alerter.cadence == "live" else time.fromisoformat(alerter.cadence)
    day = first
    while day <= last:
        yield day, milliseconds(datetime.combine(day, clock, zone))
        day += timedelta(days=1)


def _outcomes(acting: Acting, unit: Unit, code: str, first: date, last: date) -> dict[str, str]:
    import sqlalchemy as sa

    table = acting.tables.cases
    zone = ZoneInfo(acting.facts(unit).pattern.zone)
    start = milliseconds(datetime.combine(first, time(), zone))
    end = milliseconds(datetime.combine(last + timedelta(days=1), time(), zone))
    rows = unit.all(
        sa.select(table.c.id, table.c.outcome).where(
            table.c.tenant == acting.tenant,
            table.c.code == code,
            table.c.opened_ms >= start,
            table.c.opened_ms < end,
            table.c.outcome != CaseOutcome.WITHDRAWN.value,
        )
    )
    return {row.id: row.outcome for row in rows}


def _of_plugins(settings: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {name: section for name, section in settings.items() if "." in name}
