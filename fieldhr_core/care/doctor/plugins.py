"""Plugins: whether they loaded, and whether what each tenant relies on can be made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from fieldhr_core.care.doctor.patient import Check, Fault, Patient, TenantRow
from fieldhr_core.errors import ConfigError, PluginError
from fieldhr_core.hooks.plugin import PluginReport, PluginStatus
from fieldhr_core.model import Message, Submission

__all__ = ["CHECKS"]

_FAMILIES: Final = (
    ("locators", ("decode", "resolve")),
    ("connectors", ("",)),
    ("scorers", ("", "compose", "trace")),
    ("alerters", ("find", "deliver")),
    ("checks", ("",)),
)


def _failed(patient: Patient) -> Iterator[Fault]:
    yield from _reported(patient, PluginStatus.FAILED, "cannot be used")


def _incompatible(patient: Patient) -> Iterator[Fault]:
    yield from _reported(patient, PluginStatus.INCOMPATIBLE, "is made for another version of the plugin API")


def _paused(patient: Patient) -> Iterator[Fault]:
    yield from _reported(patient, PluginStatus.PAUSED, "failed too often and is paused")


def _reported(patient: Patient, status: PluginStatus, what: str) -> Iterator[Fault]:
    for report in patient.reports:
        if report.status is status:
            yield Fault(
                cause=f"The plugin {report.name} {what}: {report.reason[:160]}",
                remedy=report.fix or f"Run: fieldhr plugins disable {report.name}",
                repair=_switch_off(patient, report) if status is not PluginStatus.PAUSED else None,
            )


def _switch_off(patient: Patient, report: PluginReport) -> Any:
    # Ours are never switched off: what they guard would go unguarded.
    if patient.disable is None or report.name.startswith("fieldhr."):
        return None
    return partial(patient.disable, report.name)


def _settings(patient: Patient) -> Iterator[Fault]:

    assert patient.registry is not None
    for tenant in patient.tenants():
        try:
            patient.registry.check_settings(tenant.settings, besides=patient.own_settings)
        except ConfigError as fault:
            yield Fault(
                cause=f"The settings of tenant {tenant.id} do not fit: {fault.message[:300]}",
                remedy=fault.hint or "Correct them: hr.tenants.configure(...)",
            )


def _resolver(patient: Patient) -> Iterator[Fault]:
    assert patient.registry is not None
    offered = {offer.name for offer in patient.registry.offers("locators", "resolve")}
    for tenant in patient.tenants():
        name = tenant.settings.get("resolver", "places")
        if name not in offered:
            yield Fault(
                cause=f"Tenant {tenant.id} relies on the resolver {name!r}, which no plugin offers: no day is judged.",
                remedy=f"Install its plugin, or set resolver to one of: {', '.join(sorted(offered))}.",
                repair=partial(_usual, patient, tenant) if "places" in offered else None,
            )


def _channels(patient: Patient) -> Iterator[Fault]:
    assert patient.registry is not None
    offered = {offer.name for offer in patient.registry.offers("alerters", "deliver")}
    for tenant in patient.tenants():
        wanted = {route.get("channel") for route in tenant.settings.get("routes", ())}
        for name in sorted(str(name) for name in wanted - offered):
            yield Fault(
                cause=f"A route of tenant {tenant.id} goes through the channel {name!r}, which no plugin offers.",
                remedy=f"Install its plugin, or use one of {', '.join(sorted(offered))}.",
            )


def _required_checks(patient: Patient) -> Iterator[Fault]:
    assert patient.registry is not None
    offered = {offer.name for offer in patient.registry.offers("checks", "")}
    for tenant in patient.tenants():
        for kind, names in tenant.settings.get("required_checks", {}).items():
            missing = sorted(set(names) - offered)
            if missing:
                yield Fault(
                    cause=f"Tenant {tenant.id} relies on the checks {', '.join(missing)} for every {kind}, and they are"
                    " not there: nothing is cleared.",
                    remedy="Install their plugins: fieldhr plugins list",
                )


def _providers(patient: Patient) -> Iterator[Fault]:
    assert patient.registry is not None
    for tenant in patient.tenants():
        for family, roles in _FAMILIES:
            for role in roles:
                for offer in patient.registry.offers(family, role):
                    fault = _unusable(patient, tenant, offer, tenant.settings)
                    if fault is None:
                        continue
                    repair = None
                    back = _before(patient, tenant)
                    if back is not None and _unusable(patient, tenant, offer, back) is None:
                        repair = partial(_go_back, patient, tenant, offer.plugin.name, back)
                    yield Fault(
                        cause=f"{offer.name!r} of {family} cannot be used for tenant {tenant.id}: {fault}",
                        remedy="Correct the plugin's settings of this tenant (files it names, phrases, addresses).",
                        repair=repair,
                    )


def _unusable(patient: Patient, tenant: TenantRow, offer: Any, settings: Mapping[str, Any]) -> str | None:
    """Return why a provider cannot be made with some settings, or cannot answer; a check is asked about one message."""
    registry = patient.registry
    assert registry is not None
    sections = {name: section for name, section in settings.items() if "." in name}
    if offer.family == "connectors" and offer.plugin.name not in sections:
        return None  # a source nobody has set up is not asked
    try:
        made = registry.provider(offer.family, offer.name, offer.role, tenant=tenant.id, settings=sections)
        if offer.family == "checks" and "message" in getattr(made, "kinds", ()):
            registry.guard.call(made, "check", [_message(patient)])
    except ConfigError:
        return None  # named by settings.invalid
    except PluginError as fault:
        return f"{fault.message[:200]} {fault.__cause__ or ''}".strip()
    return None


def _message(patient: Patient) -> Submission:
    said = Message(id="doctor", thread="doctor", rep="doctor", customer="", speaker="rep", text="-", time=patient.now)
    return Submission(id="doctor", kind="message", value=said, at=patient.now)


def _before(patient: Patient, tenant: TenantRow) -> Mapping[str, Any] | None:
    """Return the settings a tenant had before the last change."""
    import sqlalchemy as sa

    table = patient.tables.tenants
    rows = patient.rows(sa.select(table.c.settings_before).where(table.c.id == tenant.id))
    kept: Mapping[str, Any] | None = rows[0][0]
    return kept


def _go_back(patient: Patient, tenant: TenantRow, plugin: str, before: Mapping[str, Any]) -> None:
    """Give one plugin's section back as it was; the rest stays as it was set."""
    rest = {name: section for name, section in tenant.settings.items() if name != plugin}
    patient.configure(tenant.id, rest | ({plugin: before[plugin]} if plugin in before else {}))


def _usual(patient: Patient, tenant: TenantRow) -> None:
    patient.configure(tenant.id, {name: value for name, value in tenant.settings.items() if name != "resolver"})


CHECKS: Final = (
    Check("plugin.failed", "plugins", _failed),
    Check("plugin.incompatible", "plugins", _incompatible),
    Check("plugin.paused", "plugins", _paused),
    Check("settings.invalid", "plugins", _settings),
    Check("resolver.missing", "plugins", _resolver),
    Check("channel.missing", "plugins", _channels),
    Check("check.missing", "plugins", _required_checks),
    Check("provider.unusable", "plugins", _providers),
)
