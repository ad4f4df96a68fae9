"""Every row and variant can be planted, and does what its title says."""

from __future__ import annotations

from datetime import date

import attrs
import numpy as np
import pytest

from fieldhr_core.errors import SandboxError
from fieldhr_sandbox.books import BookDials
from fieldhr_sandbox.packs import Pack
from fieldhr_sandbox.planner import Planner
from fieldhr_sandbox.scenarios import REGISTRY, Needs, Site, Unplantable, scenario
from fieldhr_sandbox.script import Script
from fieldhr_sandbox.tenant import Tenant, build
from fieldhr_sandbox.truth import merged_stays

#: Rows that need a certain week.
WEEKS = {"Q19": date(2026, 5, 6), "Q20": date(2026, 4, 1)}
#: Rows that need two months that are over, and time for what follows.
MONTHS = {"B07": 75, "B07/once": 45}


def length(key: str) -> int:
    """Calendar days in which a row finds room."""
    working = REGISTRY[key].needs.days
    return 7 if working <= 5 else 7 * (-(-working // 5) + 2)


def one(key: str, seed: int = 1, count: int = 1) -> Tenant:
    return build(
        Pack(
            name="one",
            title="",
            recipe="city-bank",
            reps=20,
            days=MONTHS.get(key, length(key)),
            first=WEEKS.get(key, date(2026, 3, 2)),
            customers_per_rep=26,
            books=BookDials(),
            plantings=((key, count),),
        ),
        seed,
    )


@pytest.mark.parametrize("key", sorted(REGISTRY))
def test_it_can_be_planted_and_fed(key: str) -> None:
    tenant = one(key, 2)
    row = REGISTRY[key]
    # Who lends themselves to somebody's campaign has a record of their own.
    others = {"accomplice"} if row.id.startswith("X") and row.needs.reps > 1 else set()
    assert {(r.scenario, r.variant) for r in tenant.key.records} == {(row.id, each) for each in {row.variant, *others}}
    for record in tenant.key.records:
        assert record.any_of if record.kind == "campaign" else record.code or record.must_not
        # A month that was over before the first day is told of on that.
        day = max(0, (record.start - tenant.days.instant(0, 0)).days)
        day = next(each for each in tenant.days.working() if each >= min(day, tenant.days.working()[-1]))
        assert len(tenant.fixes(tenant.day_scripts(day)).table) > 15_000


def only(tenant: Tenant):
    (record,) = tenant.key.records
    rep = next(rep for rep in tenant.world.reps if rep.id == record.rep)
    day = (record.start - tenant.days.instant(0, 0)).days
    return record, rep, tenant.scripts[rep.index, day]


@pytest.mark.scenario("L01")
def test_mall_stop_names_place_and_claimed_customer() -> None:
    record, _, script = only(one("L01"))
    assert record.evidence["category"] == "mall"
    claimed = [outing for outing in script.outings if outing.customer == record.evidence["claimed_customer"]]
    assert any(outing.start <= record.start and record.end <= outing.end for outing in claimed)
    assert (record.end - record.start).total_seconds() == record.dose["stay_s"] > 1800


@pytest.mark.scenario("L03")
@pytest.mark.parametrize(("key", "seconds"), [("L03", 1830), ("L03/exact", 1800), ("L03/under", 1770)])
def test_exact_stays_begin_and_end_with_a_fix(key: str, seconds: int) -> None:
    tenant = one(key)
    _, _, script = only(tenant)
    (stay,) = [stay for stay in merged_stays(script.timeline) if stay.spot.category == "mall"]
    assert stay.end_s - stay.start_s == seconds
    table = tenant.fixes([script]).table
    times = ((table["time_ms"] - tenant.days.midnight_ms(script.day)) // 1000).tolist()
    assert stay.start_s in times
    assert stay.end_s in times


@pytest.mark.scenario("L05")
def test_check_in_away_is_away_and_the_doubtful_one_is_in_doubt() -> None:
    for key, low, high in (("L05", 500, 15_000), ("L05/doubt", 219, 221)):
        tenant = one(key, 3)
        record, _, script = only(tenant)
        frame = tenant.world.frame
        far = [
            max(
                np.hypot(
                    frame.to_metres(c.lat, c.lon)[0] - tenant.world.spots[_address(tenant, c.customer)].x,
                    frame.to_metres(c.lat, c.lon)[1] - tenant.world.spots[_address(tenant, c.customer)].y,
                )
                for c in script.check_ins
            )
        ]
        assert low < far[0] < high, (key, record)


def _address(tenant: Tenant, customer: str) -> str:
    return tenant.world.customers[customer].addresses[0].id


@pytest.mark.scenario("B01")
def test_no_follow_up_for_three_days_with_seven_visits_due() -> None:
    tenant = one("B01")
    record, rep, script = only(tenant)
    days = range(script.day, script.day + 3)
    assert [tenant.scripts[rep.index, day].follow_ups for day in days] == [[], [], []]
    assert sum(len(tenant.scripts[rep.index, day].outings) for day in days) == 7
    assert record.detect_by == tenant.days.instant(script.day + 2, 18 * 3600 + 7 * 60)


@pytest.mark.scenario("C01", "C03")
def test_words_change_and_nothing_else() -> None:
    """K8: the injected message differs from the one it replaces in its text only."""
    for key in ("C01", "C03"):
        with_words, without = one(key, count=5), one("L08")
        changed = 0
        for (rep, day), script in with_words.scripts.items():
            before = without.scripts[rep, day].messages
            for message, plain in zip(script.messages, before, strict=False):
                if message.text != plain.text and message.id == plain.id:
                    changed += 1
                    assert attrs.evolve(message, text="") == attrs.evolve(plain, text="")
        assert changed == 5


@pytest.mark.scenario("L09")
def test_replayed_track_repeats_the_day_before() -> None:
    tenant = one("L09/replay")
    _, rep, script = only(tenant)
    today, before = (
        tenant.fixes([tenant.scripts[rep.index, day]]).table.sort("time_ms") for day in (script.day, script.day - 1)
    )
    assert len(np.intersect1d(today["lat"], before["lat"])) > 0.9 * min(len(today), len(before)) * 0.5
    assert len(np.intersect1d(today["lat"], before["lat"])) > 400


@pytest.mark.scenario("L11")
def test_two_phones_in_one_bag_are_never_apart() -> None:
    tenant = one("L11")
    one_rep, other = sorted({record.rep for record in tenant.key.records})
    days = tenant.days.working()[:5]
    known = {rep.id: rep for rep in tenant.world.reps}
    for day in days:
        seen = [tenant.fixes([tenant.scripts[known[rep].index, day]]) for rep in (one_rep, other)]
        tracks = [
            dict(zip((s.table["time_ms"] // 60_000).tolist(), zip(s.true_x, s.true_y, strict=True), strict=True))
            for s in seen
        ]
        shared = set(tracks[0]) & set(tracks[1])
        apart = [np.hypot(*np.subtract(tracks[0][minute], tracks[1][minute])) for minute in shared]
        assert len(shared) > 4 * 60
        # They report at different seconds of a minute, so a car moves on between them.
        assert np.median(apart) < 20
        sent = {c.customer for rep in (one_rep, other) for c in tenant.scripts[known[rep].index, day].check_ins}
        assert len(sent) >= 2


@pytest.mark.scenario("L15")
def test_wrong_address_is_wrong_in_the_records_only() -> None:
    tenant = one("L15")
    (suspect,) = [record for record in tenant.key.records if record.code == "crm.address_suspect"]
    address = tenant.world.customers[suspect.subject].addresses[0]
    real = tenant.world.spots[address.id]
    x, y = tenant.world.frame.to_metres(address.lat, address.lon)
    assert 850 < np.hypot(x - real.x, y - real.y) < 1650
    assert len([record for record in tenant.key.records if record.code == "checkin.mismatch"]) == 4


@pytest.mark.scenario("L16")
def test_all_addresses_are_shifted_alike() -> None:
    tenant = one("L16")
    frame = tenant.world.frame
    shifts = []
    for customer in tenant.world.customers.values():
        address = customer.addresses[0]
        x, y = frame.to_metres(address.lat, address.lon)
        real = tenant.world.spots[address.id]
        shifts.append((x - real.x, y - real.y))
    metres = np.hypot(*np.transpose(shifts))
    assert 200 < metres.min() <= metres.max() < 750
    assert np.std(np.arctan2(*np.transpose(shifts))) < 0.2


@pytest.mark.scenario("L18")
def test_as_many_fixes_are_sent_off_duty_as_the_key_says() -> None:
    tenant = one("L18")
    _, rep, _ = only_rep(tenant)
    sent = 0
    for day in range(tenant.days.count):
        times = tenant.fixes([tenant.scripts[rep.index, day]]).table["time_ms"] - tenant.days.midnight_ms(day)
        on_duty = (times >= 9 * 3_600_000) & (times < 18 * 3_600_000)
        leave = tenant.scripts[rep.index, day].at_home
        sent += int((~on_duty).sum()) if tenant.days.works(day) and not leave else len(times)
    assert sent == sum(tenant.key.counters.values()) == 120 + 60 + 60


@pytest.mark.scenario("L19")
def test_the_app_goes_on_sending_after_consent_is_withdrawn() -> None:
    tenant = one("L19")
    ((rep_id, at),) = tenant.withdrawals
    rep = next(rep for rep in tenant.world.reps if rep.id == rep_id)
    later = [
        tenant.fixes([tenant.scripts[rep.index, day]]).table["time_ms"] > at.timestamp() * 1000
        for day in range(tenant.days.count)
    ]
    assert sum(int(each.sum()) for each in later) > 2000


def only_rep(tenant: Tenant):
    record = tenant.key.records[0]
    rep = next(rep for rep in tenant.world.reps if rep.id == record.rep)
    return record, rep, tenant.scripts[rep.index, (record.start - tenant.days.instant(0, 0)).days]


@pytest.mark.scenario("Q20")
def test_breaks_move_with_the_clock_abroad() -> None:
    from fieldhr_core.trust.duty import duty_day

    tenant = one("Q20")
    _, rep, _ = only_rep(tenant)
    pattern = next(person for person in tenant.world.people() if person.id == rep.id).pattern
    for record in tenant.key.records:
        day = (record.start - tenant.days.instant(0, 0)).days
        known = duty_day(pattern, tenant.days.calendar, (), rep.id, tenant.days.date(day))
        script = tenant.scripts[rep.index, day]
        (lunch,) = [stay for stay in script.timeline.stays() if stay.spot.category == "restaurant"]
        start, end = [(at - tenant.days.midnight_ms(day)) // 1000 for at in known.breaks_ms[0]]
        assert start <= lunch.start_s < lunch.end_s <= end


@pytest.mark.scenario("L14")
def test_dark_ways_end_far_from_where_they_began() -> None:
    tenant = one("L14")
    _, rep, script = only(tenant)
    for day in range(script.day, script.day + 3):
        table = tenant.fixes([tenant.scripts[rep.index, day]]).table.sort("time_ms")
        gap = int(np.argmax(np.diff(table["time_ms"])))
        assert table["time_ms"][gap + 1] - table["time_ms"][gap] > 60 * 60_000
        ends = [tenant.world.frame.to_metres(table["lat"][i], table["lon"][i]) for i in (gap, gap + 1)]
        assert np.hypot(ends[0][0] - ends[1][0], ends[0][1] - ends[1][1]) > 2000
        assert min(table["battery_pct"][gap], table["battery_pct"][gap + 1]) > 30


@pytest.mark.scenario("L08")
def test_mock_flag_is_set_within_the_window_only() -> None:
    tenant = one("L08")
    record, _, script = only(tenant)
    table = tenant.fixes([script]).table
    flagged = table["time_ms"][table["mock"] == 1]
    assert flagged.min() >= record.start.timestamp() * 1000
    assert flagged.max() <= record.end.timestamp() * 1000
    assert len(flagged) > 10


@pytest.mark.req("I2")
def test_key_survives_json_and_names_its_digest() -> None:
    from fieldhr_sandbox.answers import AnswerKey

    key = one("L01").key
    again = AnswerKey.from_bytes(key.as_bytes())
    assert again == key
    assert again.sha256 == key.sha256
    assert b'"simulated":true' in key.as_bytes()


def test_a_row_that_does_not_fit_leaves_nothing_behind() -> None:
    house = build(Pack(name="new", title="", recipe="city-bank", reps=6, days=3), 4)

    @scenario("T99", "Does much and finds that it does not fit", needs=Needs(days=2, whole_rep=True))
    def _too_late(site: Site) -> None:
        site.world.change_person(site.rep, language="en")
        script = site.script()
        script.phone.off.append((1, 2))
        script.parts["am"] = []
        script.claimed_by["am"] = "T99"
        site.silent(("*",))
        site.after.append(lambda: None)
        raise Unplantable

    scripts = {key: Script(rep=s.rep, day=s.day, date=s.date, works=s.works) for key, s in house.scripts.items()}
    planner = Planner(
        world=house.world, days=house.days, recipe=house.recipe, streams=house.streams, scripts=scripts, redrawn={}
    )
    before = {key: script.state() for key, script in scripts.items()}
    changed = dict(house.world.changed)
    try:
        with pytest.raises(SandboxError, match="FHR-SBX-001"):
            planner.plant((("T99", 1),), spoken=False)
    finally:
        REGISTRY.pop("T99")
    assert {key: script.state() for key, script in scripts.items()} == before
    assert (planner.records, planner.after, house.world.changed) == ([], [], changed)


@pytest.mark.scenario("Q11")
def test_nobody_works_before_they_have_joined() -> None:
    house = build(Pack(name="new", title="", recipe="city-bank", reps=10, days=26, plantings=(("Q11", 1),)), 4)
    (record,) = house.key.silences
    (person,) = [one for one in house.world.people() if one.id == record.rep]
    rep = next(rep for rep in house.world.reps if rep.id == record.rep)
    assert person.joined is not None
    worked = [script.date for (index, _), script in house.scripts.items() if index == rep.index and script.works]
    assert min(worked) >= person.joined > house.days.date(0)
