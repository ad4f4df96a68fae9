"""When a notice goes out: at once, after the quiet hours, or with others in a digest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import ConfigError
from fieldhr_core.model import Audience, Severity, instant, milliseconds

__all__ = ["Pacing", "check_routes", "digest_at_ms", "due_at_ms", "pacing_of", "rank"]

_ORDER: Final = list(Severity)
_CLOCK: Final = r"([01]\d|2[0-3]):[0-5]\d"


def _clocks(_instance: object, attribute: Any, value: tuple[str, ...]) -> None:
    import re

    if len(value) not in (0, 2) or not all(re.fullmatch(_CLOCK, each) for each in value):
        raise ValueError(f"{attribute.name} takes two times of day like 20:00, or none")


@attrs.frozen(kw_only=True)
class Pacing:
    """How notices are paced; setting ``delivery`` of a tenant.

    Attributes:
        quiet_hours: local times of day between which only what is high or critical goes out; empty: none are quiet.
        digest_at: local time of day of the daily digest.
        digest_up_to: severities up to this one wait for the digest; empty: none does.
        per_minute: notices to one recipient in a minute; critical ones are never held back.
        storm_per_hour: cases of one code in an hour beyond which it is a storm; 0: 200, or as many as there are people.
        storm_digest_min: minutes after which what a storm raised goes out as one digest a recipient.
        down_after: tries in vain after which a channel is named as down.
    """

    quiet_hours: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=_clocks)
    digest_at: str = attrs.field(default="08:30", validator=attrs.validators.matches_re(_CLOCK))
    digest_up_to: str = attrs.field(default="", validator=attrs.validators.in_(("", *_ORDER)))
    per_minute: int = attrs.field(default=60, validator=attrs.validators.ge(1))
    storm_per_hour: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    storm_digest_min: int = attrs.field(default=60, validator=attrs.validators.ge(1))
    down_after: int = attrs.field(default=3, validator=attrs.validators.ge(1))


def pacing_of(settings: Mapping[str, Any]) -> Pacing:
    """Return the pacing that a tenant's settings hold.

    Raises:
        ConfigError: FHR-CFG-001 where it does not fit.
    """
    try:
        return Pacing(**settings.get("delivery", {}))
    except (TypeError, ValueError) as cause:
        raise ConfigError(
            f"The setting 'delivery' does not fit: {cause.args[0] if cause.args else cause}.",
            code="FHR-CFG-001",
            hint="See Pacing in the reference of the public names.",
        ) from cause


def check_routes(settings: Mapping[str, Any]) -> None:
    """Refuse routes that could not be followed, all of them at once, before an alert has to take one.

    Raises:
        ConfigError: FHR-CFG-001.
    """
    routes = settings.get("routes", ())
    wrong = ["routes is a list"] if not isinstance(routes, list | tuple) else []
    for number, route in enumerate(routes if not wrong else ()):
        where = f"routes[{number}]"
        if not isinstance(route, Mapping) or not isinstance(route.get("channel"), str):
            wrong.append(f"{where} names a channel")
            continue
        if not isinstance(route.get("to", ""), str) or not (route.get("to") or route.get("person")):
            wrong.append(f"{where} has a recipient: to, or person")
        known: dict[str, Collection[str]] = {
            "person": ("owner", "rep"),
            "min_severity": list(Severity),
            "audience": list(Audience),
        }
        wrong += [
            f"{where}.{name} is one of {', '.join(values)}"
            for name, values in known.items()
            if route.get(name) is not None and route[name] not in values
        ]
    if wrong:
        raise ConfigError(f"Alerts could not go out like that: {'; '.join(wrong)}.", code="FHR-CFG-001", path="routes")


def rank(severity: str) -> int:
    """Return how much a severity matters, 0 the least."""
    return _ORDER.index(Severity(severity))


def due_at_ms(pacing: Pacing, severity: str, now_ms: int, zone: str) -> int:
    """Return when a notice of its own may go out: now, or when the quiet hours of the recipient end."""
    if not pacing.quiet_hours or rank(severity) >= rank(Severity.HIGH):
        return now_ms
    start, end = (time.fromisoformat(each) for each in pacing.quiet_hours)
    local = instant(now_ms).astimezone(ZoneInfo(zone))
    at = local.time()
    is_quiet = start <= at < end if start <= end else at >= start or at < end
    return _next(local, end) if is_quiet else now_ms


def digest_at_ms(pacing: Pacing, now_ms: int, zone: str) -> int:
    """Return when the next daily digest goes out."""
    return _next(instant(now_ms).astimezone(ZoneInfo(zone)), time.fromisoformat(pacing.digest_at))


def _next(local: datetime, clock: time) -> int:
    found = datetime.combine(local.date(), clock, local.tzinfo)
    if found <= local:
        found = datetime.combine(local.date() + timedelta(days=1), clock, local.tzinfo)
    return milliseconds(found)
