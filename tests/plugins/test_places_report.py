"""The day report: safe, self-contained, honest about what is unknown, silent about private places."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import zipfile
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import attrs
import numpy as np
import pytest

from fieldhr_core.errors import MissingDependencyError
from fieldhr_core.flow.reports import DayReport
from fieldhr_core.model import CHECKINS, FIXES, FOLLOW_UPS, OUTINGS, PLACES, RepDay, RepDays, Table, distance_m
from fieldhr_core.paper.sheets import harmless
from fieldhr_core.store.trackblock import canonical
from fieldhr_plugins.places.report import rendered
from fieldhr_plugins.places.report.dayview import DayView
from fieldhr_plugins.places.report.drawing import plan, strip
from fieldhr_plugins.places.resolver import StayResolver

METRES = 111_195.08
T0 = int(datetime(2026, 3, 2, 1, 0, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000
HOME = (-2000.0, -2500.0)
NASTY = '=cmd|"x"!A1<script>alert(1)</script>'


def at(x: float, y: float) -> tuple[float, float]:
    return 31.2 + y / METRES, 121.4 + x / METRES / np.cos(np.radians(31.2))


def known(name: str, kind: str, x: float, y: float, **more: Any) -> dict[str, Any]:
    lat, lon = at(x, y)
    return {
        "place": name,
        "kind": kind,
        "lat": lat,
        "lon": lon,
        "radius_m": 120.0,
        "subject": None,
        "category": None,
        **more,
    }


TOWN = PLACES.from_rows(
    [
        known("c1/1", "customer", 0, 0, subject="c1"),
        known("c2/1", "customer", 5000, 1800, subject="c2"),
        known("mall", "interest", 3000, 600, category="mall"),
        known("home", "home", *HOME, subject="r1"),
    ]
)


def report(simulated: bool = True, empty: bool = False) -> DayReport:
    way = np.array(
        [
            (0, 0, 0),
            (45, 0, 0),
            (60, 3000, 600),
            (105, 3000, 600),
            (120, 5000, 1800),
            (160, 5000, 1800),
            (300, 5000, 1800),
            (330, *HOME),
            (380, *HOME),
            (400, 0, 0),
            (420, 0, 0),
        ]
    )
    minutes = np.arange(0, 420, 0.5)
    rng = np.random.default_rng(3)
    x = np.interp(minutes, way[:, 0], way[:, 1]) + rng.normal(0, 6, len(minutes))
    y = np.interp(minutes, way[:, 0], way[:, 2]) + rng.normal(0, 6, len(minutes))
    keep = (minutes < 160) | (minutes > 230)
    if empty:
        keep[:] = False
    lat, lon = at(x[keep], y[keep])
    fixes = FIXES.table(
        time_ms=(T0 + minutes[keep] * MINUTE).astype("i8"), lat=lat, lon=lon, accuracy_m=np.full(keep.sum(), 10.0)
    )
    day = RepDay(
        rep="r1",
        date="2026-03-02",
        zone="Asia/Shanghai",
        duty_ms=((T0, T0 + 420 * MINUTE),),
        breaks_ms=((T0 + 180 * MINUTE, T0 + 240 * MINUTE),),
    )
    outings = OUTINGS.from_rows(
        [
            {"outing": "o1", "rep": "r1", "customer": "c1", "start_ms": T0, "end_ms": T0 + 45 * MINUTE},
            {"outing": "o2", "rep": "r1", "customer": "c9", "start_ms": T0 + 60 * MINUTE, "end_ms": T0 + 90 * MINUTE},
            {"outing": "o3", "rep": "r1", "customer": "c8", "start_ms": T0 + 170 * MINUTE, "end_ms": T0 + 200 * MINUTE},
        ]
    )
    checkins = CHECKINS.from_rows(
        [
            {
                "checkin": "k",
                "rep": "r1",
                "customer": "c1",
                "time_ms": T0 + MINUTE,
                "lat": 31.2,
                "lon": 121.4,
                "verdict": "at",
                "reason": "checkin.within_radius",
                "distance_m": 12.0,
            }
        ]
    )
    days = RepDays(days=(day,), offsets=np.array([0, len(fixes)]), fixes=fixes)
    resolved = StayResolver().resolve(days, TOWN, outings)
    return DayReport(
        tenant="bank", day=day, fixes=fixes, stays=resolved.stays, signals=resolved.signals, outings=outings, checkins=checkins,
        follow_ups=FOLLOW_UPS.empty(), places=TOWN.take(TOWN["kind"].where("customer")),
        names={"c1": NASTY, "c2": "远东机械", "c8": "Silent Ltd", "c9": "Nobody & Co"},
        gaps_ms=((T0 + int(159.5 * MINUTE), T0 + int(230.5 * MINUTE)),) if not empty else ((T0, T0 + 420 * MINUTE),),
        gap_s=600.0, cases=(), simulated=simulated,
    )  # fmt: skip


@pytest.mark.req("A5")
@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_the_page_needs_nothing_and_runs_nothing(language: str) -> None:
    page = rendered(report(), "html", language).decode("utf-8")
    assert not re.search(
        r"(?i)<script|<link|<img|<iframe|https?:|url\((?!#)|@import|\son\w+=", page.replace("&lt;", "")
    )
    assert "=cmd|&#34;x&#34;" in page
    assert "远东机械" in page
    assert f'lang="{language}"' in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


@pytest.mark.req("A5", "I3")
def test_simulated_is_labelled_and_real_is_not() -> None:
    for form in ("html", "json"):
        marked, plain = (rendered(report(simulated=s), form).decode("utf-8") for s in (True, False))
        words = "Simulated data" if form == "html" else '"simulated": true'
        assert words in marked
        assert words not in plain


@pytest.mark.req("A5", "A8")
def test_time_adds_up_and_silence_is_unknown() -> None:
    view = DayView.of(report())
    spans = [(e.start_ms, e.end_ms) for e in view.entries]
    assert spans[0][0] == T0
    assert spans[-1][1] == T0 + 420 * MINUTE
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    # Silent from minute 159.5 to 230.5, of which 180 to 230.5 is the break; both sides are at the customer.
    assert view.unknown_s - view.seconds("stay", "unknown") == pytest.approx(20.5 * 60, abs=1)
    (stay,) = [e for e in view.stays if e.customer == "远东机械"]
    assert stay.certain_s <= stay.seconds - 60 * 60
    everything = view.seconds("stay") + view.seconds("move") + view.unknown_s - view.seconds("stay", "unknown")
    assert everything == pytest.approx(view.duty_s, abs=1)
    assert [c.outcome for c in view.claims] == ["supported", "none", "unknown"]
    assert view.visits == 3


@pytest.mark.scenario("L20")
@pytest.mark.parametrize("form", ["html", "json", "csv"])
def test_a_private_place_is_nowhere_in_the_report(form: str) -> None:
    text = rendered(report(), form).decode("utf-8-sig")
    assert "home" not in text.lower()
    assert "rivate place" in text or '"private": true' in text
    for stay in DayView.of(report()).stays:
        assert stay.is_private == bool(np.isnan(stay.lat))
    home = at(*HOME)
    for lat, lon, _ in DayView.of(report()).pieces:
        assert all(distance_m(*home, a, b) > 250 for a, b in zip(lat, lon, strict=True))
        assert all(
            distance_m(*home, (a + c) / 2, (b + d) / 2) > 250 for (a, b), (c, d) in pairwise(zip(lat, lon, strict=True))
        )


def test_silence_is_a_dashed_piece_and_the_way_is_measured() -> None:
    whole = report()
    view = DayView.of(whole)
    assert [known for _, _, known in view.pieces].count(False) == 0
    minutes = (whole.fixes["time_ms"] - T0) / MINUTE
    silent = attrs.evolve(whole, fixes=whole.fixes.take((minutes < 303) | (minutes > 318)))
    assert [known for _, _, known in DayView.of(silent).pieces].count(False) == 1
    straight = sum(np.hypot(*d) for d in [(3000, 600), (2000, 1200), (-7000, -4300), (2000, 2500)])
    assert view.travelled_m == pytest.approx(straight, rel=0.1)


def test_csv_cannot_run_and_reads_back() -> None:
    text = rendered(report(), "csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["What"] for row in rows} == {"Stop", "On the move"}
    assert any(row["Place"].startswith("'=cmd") for row in rows)
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\r=1", "\x00=1"])
def test_what_begins_a_formula_is_made_harmless(text: str) -> None:
    assert harmless(text).startswith("'")
    assert harmless("Plain \x07name") == "Plain name"


def test_the_workbook_holds_texts_not_formulas() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    body = rendered(report(), "xlsx", "zh-Hans")
    assert zipfile.is_zipfile(io.BytesIO(body))
    book = openpyxl.load_workbook(io.BytesIO(body))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert any(cell.value == NASTY for cell in cells)
    assert len(book.sheetnames) == 4


def test_json_is_one_line_of_known_numbers() -> None:
    body = rendered(report(), "json").decode("utf-8")
    assert body.count("\n") == 1
    record = json.loads(body)
    assert record["totals"]["visits"] == 3
    assert record["entries"][0]["start"].endswith("+08:00")


def test_an_empty_day_is_a_page_too() -> None:
    named = attrs.evolve(report(), rep_name="王 <强>")
    assert "<b>王 &lt;强&gt;</b>" in rendered(named, "html").decode("utf-8")
    bare = attrs.evolve(report(empty=True), outings=OUTINGS.empty(), checkins=CHECKINS.empty(), places=PLACES.empty())
    for form in ("html", "json", "csv", "xlsx"):
        assert rendered(bare, form)
    assert "No positions on this day." in rendered(bare, "html").decode("utf-8")
    assert plan(DayView.of(bare)) is None
    assert strip(DayView.of(bare)) is not None


@pytest.mark.parametrize(("form", "package"), [("html", "jinja2"), ("xlsx", "openpyxl"), ("pdf", "weasyprint")])
def test_a_missing_package_says_what_to_install(form: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=package):
        rendered(report(), form)


def test_labels_and_markers_stay_inside_and_apart() -> None:
    laid = plan(DayView.of(report()))
    assert laid is not None
    spots = [(m.x, m.y) for m in laid.markers]
    assert all(0 < x < laid.width and 0 < y < laid.height for x, y in spots)
    assert all(np.hypot(a[0] - b[0], a[1] - b[1]) >= 20 for n, a in enumerate(spots) for b in spots[:n])
    assert 40 <= laid.scale.width <= 100


@pytest.mark.req("A8")
def test_a_thousand_shuffles_and_repeats_of_a_day_are_one_report() -> None:
    """As the store takes them: in any order and any number of times, put in order, judged and written."""
    rng = np.random.default_rng(5)
    one = report()
    resolver = StayResolver()
    written = set()
    for _ in range(1_000):
        rows = rng.permutation(len(one.fixes))
        again = rng.integers(0, len(rows), int(rng.integers(0, len(rows))))
        fixes, _ = canonical(one.fixes.take(np.r_[rows, again]))
        days = RepDays(days=(one.day,), offsets=np.array([0, len(fixes)]), fixes=fixes)
        found = resolver.resolve(days, PLACES.empty(), OUTINGS.empty())
        written.add(rendered(attrs.evolve(one, fixes=fixes, stays=found.stays, signals=found.signals), "json"))
    assert len(written) == 1


@pytest.mark.req("A8")
def test_a_shuffled_and_doubled_day_is_the_same_page() -> None:
    one = report()
    assert rendered(one, "html") == rendered(report(), "html")
    stays = one.stays.take(np.arange(len(one.stays))[::-1])
    assert rendered(attrs.evolve(one, stays=stays), "json") == rendered(one, "json")
    assert isinstance(stays, Table)
