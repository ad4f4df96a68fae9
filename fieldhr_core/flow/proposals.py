"""Proposals: what a rule would add to its plugin's settings, made by a person who confirms the case.

An addition carries who made it, when, why and on which case. It is never taken out again: whoever wants it gone ends it
(``until``), so that what was found while it held can be computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import AccessError, ConfigError
from fieldhr_core.flow.sweeping import alerter_of, changed, value_of
from fieldhr_core.flow.values import plain, rfc3339
from fieldhr_core.model import Case, Role, instant

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["adopt", "end"]

_MAKERS: Final = (Role.COMPLIANCE, Role.ADMIN)


def adopt(acting: Acting, unit: Unit, case: Case, reason: str, amend: Mapping[str, Any] | None) -> None:
    """Add what a case proposes to the tenant's settings, in the transaction that confirms it.

    Args:
        amend: fields of the proposed item that the person has put right.

    Raises:
        AccessError: FHR-ACC-003 for other roles than compliance and admin.
        ConfigError: FHR-CFG-001 where the item does not fit the setting.
    """
    _let(acting)
    setting = str(case.finding.proposes["setting"])
    plugin, items = _items(acting, unit, case.finding.code, setting)
    stamp = {"since": rfc3339(instant(unit.at_ms)), "by": acting.principal.id, "case": case.id, "reason": reason}
    item = {**case.finding.proposes["add"], **(amend or {}), **stamp}
    _write(acting, unit, plugin, setting, [*items, item])
    unit.audit("settings.add", "tenants", setting, plugin=plugin, item=item, case=case.id, reason=reason)


def end(acting: Acting, unit: Unit, code: str, setting: str, case: str, reason: str) -> None:
    """End what a confirmed case added, from now on.

    Raises:
        AccessError: FHR-ACC-003 for other roles than compliance and admin.
        ConfigError: FHR-CFG-001 where the case added nothing that still holds, or there is no reason.
    """
    _let(acting)
    plugin, items = _items(acting, unit, code, setting)
    if not reason.strip():
        raise ConfigError("To end an addition takes a reason.", code="FHR-CFG-001", path=setting)
    ended = [item for item in items if item.get("case") == case and not item.get("until")]
    if not ended:
        raise ConfigError(f"No addition of this case stands in {setting!r}.", code="FHR-CFG-001", path=setting)
    until = rfc3339(instant(unit.at_ms))
    _write(acting, unit, plugin, setting, [{**item, "until": until} if item in ended else item for item in items])
    unit.audit("settings.end", "tenants", setting, plugin=plugin, case=case, until=until, reason=reason)


def _let(acting: Acting) -> None:
    if acting.principal.role not in _MAKERS:
        raise AccessError(
            "This principal may not change what rules look for.", code="FHR-ACC-003", role=acting.principal.role.value
        )


def _items(acting: Acting, unit: Unit, code: str, setting: str) -> tuple[str, list[Any]]:
    _, plugin = alerter_of(acting, unit, code)
    return plugin, [plain(item) for item in value_of(acting, plugin, acting.facts(unit).settings, setting)]


def _write(acting: Acting, unit: Unit, plugin: str, setting: str, items: list[Any]) -> None:
    after = changed(acting.facts(unit).settings, plugin, setting, items)
    acting.house.registry.settings_for(plugin, {plugin: after[plugin]})
    table = acting.tables.tenants
    with unit.housework():  # compliance adds to what is looked for, and may change nothing else of a tenant
        unit.connection.execute(table.update().where(table.c.id == acting.tenant).values(settings=after))
