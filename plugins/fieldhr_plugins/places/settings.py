"""What a tenant may set about places, dwell and check-ins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

__all__ = ["PlacesSettings"]


def _all_dated(_: Any, attribute: Any, records: tuple[str, ...]) -> None:
    """Refuse a hand-over without device or instant at once, not when the first check-in comes."""
    for record in records:
        device, _, moment = record.rpartition("@")
        if not device:
            raise ValueError(f"{attribute.name}: {record!r} is not device@instant.")
        datetime.fromisoformat(moment)


@attrs.frozen(kw_only=True)
class PlacesSettings:
    """Settings of ``fieldhr.places``. Units are in the names; every default is the documented convention.

    Attributes:
        dwell_limit_s: more than this at a place that is nobody's business raises an alert; strict, breaks left out.
        stay_s, stay_radius_m: a stay is at least this long within this distance of its centre.
        bridge_s: silence up to this long, with fixes inside on both sides, counts as dwell.
        bridge_intervals, bridge_max_s: where a device reports rarely, up to this many of its own reporting intervals
            count, but never more than ``bridge_max_s``.
        merge_s: stays at one place separated by less than this are one stay.
        join_s: silence up to this long inside one place keeps the stay together; it is possible time, never certain.
        accuracy_limit_m: a fix that claims less certainty than this supports nothing.
        assumed_accuracy_m: accuracy of a fix that does not say any.
        lawful_categories: points of interest where anybody may wait on the way (fuel, charging, parking ...).
        private_categories: points of interest that are closed to judgement and never named.
        alert_unknown_places: whether an off-site stay at no known place counts too.
        require_outing: whether only days with claimed outings are judged.
        travel_s: time before the first and after the last outing of a day that still belongs to being out.
        joint_kinds: kinds of follow-up record that say rep and customer were elsewhere together.
        support_radius_m, support_window_s: a visit record is unsupported where no fix came this near within this time.
        support_gap_s: with silence longer than this during the claimed visit it is not verifiable instead, and with
            silence longer than half the window anywhere in it.
        backfill_count, backfill_window_s, backfill_after: so many visit records written within so many seconds, after
            this local time of day (``HH:MM``), two of them unsupported, are a backfill.
        mock_run_s: mock flag set for at least this long.
        test_devices: devices enrolled for testing; their mock flag is no doubt.
        jump_speed_mps, jump_accuracy_m, jump_count: impossible speed between two accurate fixes, so many times a day.
        frozen_s: identical coordinates for this long from a source that claims to be ``gps``.
        clock_skew_s: device clock ahead of receipt by at least this much.
        replay_share: share of the turns of a day's track (five places in a row) that are exactly those of another day.
        gap_min_s, gap_max_s, gap_days, gap_window_days, gap_battery_pct, gap_moved_m: silence of this length on so many
            of so many duty days, with this much charge on both sides, ending this far away.
        suspect_away_m, suspect_within_m, suspect_reps, suspect_times: so many reps, or one rep so many times, check in
            for a customer farther than this from every address on record, within this distance of each other.
        datum_points, datum_share, datum_customers, datum_fit_m: of at least so many visits matched to a source's
            customers this share comes within this distance once the datum is mended, at so many customers.
        short_late_s, short_early_s, short_days, short_window_days, short_full_s: first at a customer later than this
            after duty began and last earlier than this before it ended, on so many of so many days of at least so much
            duty.
        carried_within_m, carried_s, carried_share, carried_stops, carried_days, carried_window_days: two phones spent
            this share of their stays within this distance, so long a day, at so many stops outside
            offices, on so many of so many days.
        shared_device_s: one device checking in for two reps within this time.
        handovers: hand-overs of devices on record, ``device@instant`` (ISO 8601 with its zone); check-ins on either
            side of one are no shared device.
    """

    dwell_limit_s: float = 1800.0
    stay_s: float = 300.0
    stay_radius_m: float = 100.0
    bridge_s: float = 600.0
    bridge_intervals: float = 5.0
    bridge_max_s: float = 900.0
    merge_s: float = 600.0
    join_s: float = 7200.0
    accuracy_limit_m: float = 200.0
    assumed_accuracy_m: float = 50.0
    lawful_categories: tuple[str, ...] = ("fuel", "car_repair", "charging", "parking", "transport", "toll", "bank")
    private_categories: tuple[str, ...] = ("hospital", "clinic", "pharmacy", "worship", "court", "home")
    alert_unknown_places: bool = False
    require_outing: bool = True
    travel_s: float = 3600.0
    joint_kinds: tuple[str, ...] = ("joint_visit",)
    support_radius_m: float = 500.0
    support_window_s: float = 3600.0
    support_gap_s: float = 1200.0
    backfill_count: int = 3
    backfill_window_s: float = 900.0
    backfill_after: str = "17:00"
    mock_run_s: float = 120.0
    test_devices: tuple[str, ...] = ()
    jump_speed_mps: float = 70.0
    jump_accuracy_m: float = 50.0
    jump_count: int = 2
    frozen_s: float = 2700.0
    clock_skew_s: float = 900.0
    replay_share: float = 0.5
    gap_min_s: float = 3600.0
    gap_max_s: float = 9000.0
    gap_days: int = 3
    gap_window_days: int = 5
    gap_battery_pct: float = 30.0
    gap_moved_m: float = 2000.0
    shared_device_s: float = 900.0
    handovers: tuple[str, ...] = attrs.field(default=(), validator=_all_dated)
    suspect_away_m: float = 150.0
    suspect_within_m: float = 80.0
    suspect_reps: int = 3
    suspect_times: int = 4
    datum_points: int = 20
    datum_share: float = 0.6
    datum_customers: int = 5
    datum_fit_m: float = 100.0
    short_late_s: float = 7200.0
    short_early_s: float = 9000.0
    short_days: int = 4
    short_window_days: int = 5
    short_full_s: float = 21_600.0
    carried_within_m: float = 20.0
    carried_s: float = 14_400.0
    carried_share: float = 0.9
    carried_stops: int = 1
    carried_days: int = 5
    carried_window_days: int = 7
