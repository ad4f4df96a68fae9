"""Cases planted on top of real data, with a key of their own: what is around them stays as it was.

Only what can be planted without changing a prospect's tracks: a check-in for a customer who is elsewhere, sent from
where the rep really was, and forbidden promises in messages. Whether anything else that is raised is right nobody can
say without a key.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.model import CheckIn, Datum, Message, instant
from fieldhr_sandbox.answers import KeyRecord
from fieldhr_sandbox.owndata.house import principal

if TYPE_CHECKING:
    from fieldhr_core.runtime import FieldHR

__all__ = ["plant"]

_PROMISES: Final = ("这款产品保本保息,放心", "这个理财零风险,收益还高", "您放心买,稳赚不赔的", "保.本.保.息,可以考虑")
_INNOCENT: Final = ("本产品不保本,请您注意阅读风险揭示书", "您问能不能保证收益,按规定是不可以的")
#: Check-ins are planted at customers at least so far away, and with so good a fix.
_AWAY_M: Final = 800.0
_ACCURACY_M: Final = 12.0


def plant(hr: FieldHR, days: Mapping[str, Sequence[date]], seed: int) -> list[KeyRecord]:
    """Plant one check-in from elsewhere and one pair of messages a rep, where their data have room; return the key."""
    draw = random.Random(seed)  # noqa: S311 - a draw that can be repeated, not a secret
    records: list[KeyRecord] = []
    with hr.acting_as(principal(), purpose="integration") as desk:
        known = [(one, place) for one in desk.customers.list() for place in one.addresses if place.lat is not None]
        for number, (rep, mine) in enumerate(sorted(days.items())):
            fixes = [fix for day in mine for fix in desk.reports.day(rep, day).fixes.rows()]
            good = [fix for fix in fixes if 0 < fix["accuracy_m"] <= 50 or fix["accuracy_m"] != fix["accuracy_m"]]
            if not good:
                continue
            fix = draw.choice(good)
            at = instant(fix["time_ms"])
            far = [(one, place) for one, place in known if _metres(fix, place) >= _AWAY_M]
            if far:
                customer, _ = draw.choice(far)
                desk.visits.check_in([_check_in(f"own-{seed}-{number}", rep, customer.id, at, fix)])
                records.append(_record("L05", f"c{number}", rep, at, "checkin.mismatch", "medium", "rep", rep))
            records += _messages(desk, f"own-{seed}-{number}", rep, at, draw)
    return records


def _metres(fix: Mapping[str, Any], place: Any) -> float:
    """Return a distance good enough to tell a kilometre from none."""
    import math

    north = (place.lat - fix["lat"]) * 111_195.0
    east = (place.lon - fix["lon"]) * 111_195.0 * math.cos(math.radians(fix["lat"]))
    return math.hypot(north, east)


def _check_in(key: str, rep: str, customer: str, at: datetime, fix: Mapping[str, Any]) -> CheckIn:
    return CheckIn(
        id=key,
        rep=rep,
        customer=customer,
        time=at,
        lat=fix["lat"],
        lon=fix["lon"],
        datum=Datum.WGS84,
        accuracy_m=_ACCURACY_M,
    )


def _messages(desk: Any, key: str, rep: str, at: datetime, draw: random.Random) -> list[KeyRecord]:
    promise, innocent = draw.choice(_PROMISES), draw.choice(_INNOCENT)
    said = [
        Message(
            id=f"{key}-{name}",
            thread=f"{key}-{name}",
            rep=rep,
            customer=None,
            speaker="rep",
            text=text,
            time=at,
            language="zh",
            product="wealth_product",
        )
        for name, text in (("promise", promise), ("innocent", innocent))
    ]
    desk.messages.submit(said)
    return [
        _record("C01", f"{key}-p", rep, at, "conduct.banned_phrase", "high", "message", said[0].id),
        KeyRecord(
            scenario="C03",
            instance=f"{key}-i",
            kind="silence",
            subject_kind="message",
            subject=said[1].id,
            rep=rep,
            start=at - timedelta(hours=12),
            end=at + timedelta(hours=12),
            must_not=("conduct.banned_phrase",),
        ),
    ]


def _record(
    scenario: str, instance: str, rep: str, at: datetime, code: str, severity: str, kind: str, subject: str
) -> KeyRecord:
    return KeyRecord(
        scenario=scenario,
        instance=instance,
        kind="alert",
        subject_kind=kind,
        subject=subject,
        rep=rep,
        start=at,
        end=at,
        code=code,
        severity=severity,
        earliest=at - timedelta(minutes=2),
        detect_by=at + timedelta(minutes=2),
    )
