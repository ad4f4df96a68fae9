"""A tenant is a pure function of pack, seed and version; its background is ordinary; its key is faithful."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import attrs
import numpy as np
import pytest

from fieldhr_sandbox.packs import PACKS, pack
from fieldhr_sandbox.production import fixes_of
from fieldhr_sandbox.realism import as_text, measure
from fieldhr_sandbox.tenant import build, table_digest
from fieldhr_sandbox.timeline import Stay

DIGESTS = """
import json, sys
from fieldhr_sandbox.packs import pack
from fieldhr_sandbox.tenant import build
tenant = build(pack("smoke"), 11)
json.dump({**tenant.tables(), "key": tenant.key.sha256}, sys.stdout)
"""


@pytest.mark.req("I1")
def test_same_bytes_under_another_hash_seed_and_time_zone() -> None:
    """K1: nothing depends on the process."""
    found = {
        subprocess.run(
            [sys.executable, "-c", DIGESTS],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            check=True,
            timeout=120,
        ).stdout
        for seed, zone in (("0", "Asia/Shanghai"), ("4711", "America/St_Johns"))
    }
    assert len(found) == 1


def test_two_workers_make_the_same_fixes() -> None:
    tenant = build(attrs.evolve(pack("smoke"), days=2, plantings=(("C01", 1),)), 3)
    with fixes_of(tenant, 1, blind=False) as here, fixes_of(tenant, 2, blind=False) as there:
        for day in range(2):
            assert table_digest(here(day)) == table_digest(there(day))


def test_a_rep_day_made_alone_equals_the_one_made_with_all() -> None:
    """K2: random access."""
    tenant = build(pack("smoke"), 5)
    everybody = tenant.fixes(tenant.day_scripts(2)).table
    for index in (0, 7, 19):
        alone = tenant.fixes([tenant.scripts[index, 2]]).table
        rows = everybody["rep"].where(tenant.world.reps[index].id)
        for column in ("time_ms", "received_ms", "lat", "lon", "accuracy_m", "battery_pct", "mock"):
            assert np.array_equal(everybody[column][rows], alone[column]), column


def test_another_seed_gives_other_people() -> None:
    one, other = (build(pack("smoke"), seed) for seed in (1, 2))
    assert not {rep.id for rep in one.world.reps} & {rep.id for rep in other.world.reps}


@pytest.mark.parametrize("seed", range(6))
def test_timelines_have_no_hole_and_nobody_jumps(seed: int) -> None:
    tenant = build(pack("smoke"), seed)
    for script in tenant.scripts.values():
        pieces = script.timeline.pieces
        assert (pieces[0].start_s, pieces[-1].end_s) == (6 * 3600, 24 * 3600)
        for before, after in pairwise(pieces):
            assert before.end_s == after.start_s
            assert _place(before, -1) == pytest.approx(_place(after, 0))
        for move in script.timeline.moves():
            assert list(move.times_s) == sorted(move.times_s)
            if move.end_s > move.start_s:
                fastest = 100 if "Q12" in script.claimed_by.values() else 30  # a train
                assert move.length_m / (move.end_s - move.start_s) < fastest


def _place(piece, which: int) -> tuple[float, float]:
    return (piece.spot.x, piece.spot.y) if isinstance(piece, Stay) else piece.points[which]


@pytest.mark.req("I2")
@pytest.mark.parametrize("seed", range(1, 16))
def test_every_planting_of_smoke_is_in_the_key(seed: int) -> None:
    """Scenarios announce their dwells; building fails unless the finished timeline holds exactly those."""
    tenant = build(pack("smoke"), seed)
    planted: dict[str, set[str]] = {}
    for record in tenant.key.records:
        name = f"{record.scenario}/{record.variant}" if record.variant else record.scenario
        planted.setdefault(name, set()).add(record.instance[:-2])  # the last two digits number its records
    assert {name: len(instances) for name, instances in planted.items()} == dict(PACKS["smoke"].plantings)
    for record in tenant.key.alerts:
        assert record.earliest <= record.detect_by
        assert record.start <= record.detect_by


def test_windows_of_records_of_one_code_and_subject_do_not_overlap() -> None:
    for seed in range(1, 8):
        records = build(pack("smoke"), seed).key.alerts
        spans: dict[tuple[str, str], list[tuple]] = {}
        for record in records:
            spans.setdefault((record.code, record.subject), []).append((record.earliest, record.detect_by))
        for each in spans.values():
            each.sort()
            assert all(a[1] < b[0] for a, b in pairwise(each))


def test_blind_draws_everything_again() -> None:
    open_one, blind = build(pack("smoke"), 4), build(pack("smoke"), 4, blind=True)
    assert open_one.key.sha256 != blind.key.sha256
    assert {r.start for r in open_one.key.records} != {r.start for r in blind.key.records}


def test_numbers_cannot_belong_to_anybody() -> None:
    """K10."""
    for customer in build(pack("smoke"), 9).world.customers.values():
        numbers = dict(customer.identifiers)
        assert numbers["phone"].startswith("100")
        if "ric" in numbers:
            body, check = numbers["ric"][:17], numbers["ric"][17]
            assert body.startswith("99")
            assert sum(int(d) * (2 ** (17 - i) % 11) for i, d in enumerate(body)) % 11 == "10X98765432".index(check)
        else:
            letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
            weighted = sum(letters.index(c) * pow(3, i, 31) for i, c in enumerate(numbers["uscc"][:17]))
            assert (weighted + letters.index(numbers["uscc"][17])) % 31 == 0
            assert numbers["uscc"][2:4] == "99"


@pytest.mark.req("I1")
def test_background_is_realistic(capsys: pytest.CaptureFixture[str]) -> None:
    tenant = build(attrs.evolve(pack("background"), reps=30, days=90), 2)
    measures = measure(tenant, fix_days=4)
    with capsys.disabled():
        print("\n" + as_text(measures))
    assert [each.name for each in measures if not each.holds] == []
    assert tenant.key.records == ()


def test_places_are_discovered_ever_more_slowly() -> None:
    """Distinct customers grow slower than linearly."""
    tenant = build(attrs.evolve(pack("background"), reps=10, days=90), 8)
    early = late = 0
    for rep in tenant.world.reps:
        known: set[str] = set()
        for number, day in enumerate(tenant.days.working()):
            for stop, *_ in tenant.scripts[rep.index, day].laid:
                if stop.visit is not None and stop.spot.id not in known:
                    known.add(stop.spot.id)
                    early, late = (early + 1, late) if number < 31 else (early, late + 1)
    assert late < 0.9 * early


def test_visits_meet_the_quota_exactly() -> None:
    tenant = build(pack("background"), 1)
    visits = sum(stop.visit is not None for script in tenant.scripts.values() for stop, *_ in script.laid)
    rep_days = len(tenant.world.reps) * len(tenant.days.working())
    assert visits / rep_days == pytest.approx(2.0, abs=0.02)
