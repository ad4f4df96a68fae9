"""``places stays``: tracks from lines and files to stays, bad input named."""

from __future__ import annotations

import argparse
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldhr_core.errors import ConfigError, RecordError
from fieldhr_plugins.places.commands import day, day_arguments, stays, stays_arguments

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def ride() -> list[dict[str, Any]]:
    """Twenty minutes here, a ride, ten minutes there."""
    lat = np.interp(np.arange(0, 41, 0.5), [0, 20, 30, 40], [46.0, 46.0, 46.05, 46.05])
    rng = np.random.default_rng(2)
    lat = lat + rng.normal(0, 5, len(lat)) / 111_195
    return [
        {"time": (START + timedelta(seconds=30 * n)).isoformat(), "lat": value, "lon": 14.5, "datum": "wgs84"}
        for n, value in enumerate(lat.tolist())
    ]


def run(arguments: list[str], text: str = "") -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser()
    stays_arguments(parser)
    out = io.StringIO()
    assert stays(parser.parse_args(arguments), io.StringIO(text), out) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def lines(rows: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(row) for row in rows)


@pytest.mark.req("A5")
def test_lines_in_stays_out() -> None:
    found = run([], lines(ride()))
    assert [row["start"] for row in found] == ["2026-03-02T01:00:00Z", "2026-03-02T01:30:00Z"]
    assert set(found[0]) >= {"start", "end", "lat", "lon", "radius_m", "fixes", "confidence"}
    assert found[0]["end"] == "2026-03-02T01:20:00Z"
    assert found[0]["lat"] == pytest.approx(46.0, abs=1e-4)
    assert found[1]["open"] is True


@pytest.mark.req("A8")
def test_order_and_repeats_do_not_matter() -> None:
    rows = ride()
    order = np.random.default_rng(1).permutation(len(rows)).tolist()
    assert run([], lines([rows[n] for n in order] + rows[:20])) == run([], lines(rows))


def test_length_and_radius_are_obeyed() -> None:
    assert len(run(["--min-minutes", "15"], lines(ride()))) == 1
    assert not run(["--min-minutes", "45"], lines(ride()))
    assert len(run(["--radius", "30"], lines(ride()))) == 2
    for wrong in (["--min-minutes", "0"], ["--radius", "-5"], ["--radius", "nan"]):
        with pytest.raises(ConfigError):
            run(wrong, lines(ride()))


def test_bad_lines_are_named_and_the_others_counted() -> None:
    rows = ride()
    bad = [{"id": 1, "lat": 46.0, "lon": 14.5}, {"id": 2, "time": "2026-03-02T01:00:00", "lat": 46.0, "lon": 14.5},
           {"id": 3, "time": "2026-03-02T01:00:00Z", "lat": "x", "lon": 14.5}, {"id": 4, "time": "2026-03-02T01:00:00Z", "lat": 146.0, "lon": 14.5}]  # fmt: skip
    found = run([], lines(bad + rows) + "\nno json\n")
    assert [row["id"] for row in found if "error" in row] == [1, 2, 3, 4, None]
    assert [row["error"]["code"] for row in found if "error" in row][:2] == ["FHR-REC-001", "FHR-REC-002"]
    assert len([row for row in found if "error" not in row]) == 2


def test_datums_are_not_mixed() -> None:
    rows = ride()
    rows[3]["datum"] = "gcj02"
    with pytest.raises(RecordError, match="FHR-REC-005"):
        run([], lines(rows))


def test_files_by_their_ending(tmp_path: Path) -> None:
    points = "".join(f'<trkpt lat="{r["lat"]}" lon="{r["lon"]}"><time>{r["time"]}</time></trkpt>' for r in ride())
    track = tmp_path / "ride.gpx"
    track.write_text(
        f'<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1"><trk><trkseg>{points}</trkseg></trk></gpx>'
    )
    sheet = tmp_path / "ride.csv"
    sheet.write_text("time,lat,lon\n" + "".join(f"{r['time']},{r['lat']},{r['lon']}\n" for r in ride()))
    expected = [(row["start"], row["end"], row["lat"]) for row in run([], lines(ride()))]
    assert [(row["start"], row["end"], row["lat"]) for row in run([str(track)])] == expected
    from_csv = run([str(sheet)])
    assert [(row["start"], row["end"], row["lat"]) for row in from_csv] == expected
    assert [row["datum"] for row in from_csv] == [None, None]
    assert run(["--format", "csv"], sheet.read_text()) == from_csv


@pytest.mark.parametrize(("name", "text"), [("x.gpx", "<gpx"), ("x.gpx", ""), ("x.weird", "1,2")])
def test_files_that_cannot_be_read_say_so(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(RecordError, match="FHR-REC-006"):
        run([str(path)])
    with pytest.raises(RecordError, match="FHR-REC-006"):
        run([str(tmp_path / "absent.gpx")])


def test_one_bad_record_costs_its_own_line_only() -> None:
    bad: list[dict[str, Any]] = [
        {"id": 1, "positions": None},
        {"id": 2, "positions": {"lat": 1}},
        {"id": 3, "positions": [1, 2]},
        {"id": 4, "lat": 46.0, "lon": 14.5, "time": "9999-12-31T23:59:59Z"},
        {"id": 5, "lat": 46.0, "lon": 14.5, "time": "1970-01-01T00:00:00Z"},
        {"id": 6, "lat": 46.0, "lon": 14.5, "time": "0001-01-01T00:00:00+12:00"},
    ]
    rows = run([], lines([*bad, *ride()]))
    assert [row["id"] for row in rows if "error" in row] == [1, 2, 3, 4, 5, 6]
    assert [row for row in rows if "error" not in row] == run([], lines(ride()))


def test_a_fix_of_the_far_future_in_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    point = '<trkpt lat="46.0" lon="14.5"><time>{}</time></trkpt>'
    times = [*(row["time"] for row in ride()), "9999-12-31T23:59:59Z"]
    path = tmp_path / "x.gpx"
    path.write_text(f"<gpx><trk><trkseg>{''.join(map(point.format, times))}</trkseg></trk></gpx>")
    (stay,) = run([str(path)])
    assert stay["possible_s"] < 7200
    assert stay["confidence"] > 0.5
    assert "1 x position.impossible_time" in capsys.readouterr().err


def test_a_zone_that_there_is_not_is_said_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("lat,lon,time\n46,14.5,2026-03-02 09:00:00\n")
    with pytest.raises(ConfigError, match=r"^FHR-CFG-001: 'Mars/Phobos' is no time zone"):
        run([str(path), "--zone", "Mars/Phobos"])


@pytest.mark.parametrize("wanted", ["9999-12-31", "0001-01-01", "1970-01-01"])
def test_a_day_outside_of_every_calendar(wanted: str) -> None:
    parser = argparse.ArgumentParser()
    day_arguments(parser)
    with pytest.raises(ConfigError, match="no positions of"):
        day(parser.parse_args(["--rep", "a", "--date", wanted, "--db", "absent.db"]), io.StringIO(), io.StringIO())


def test_the_classic_rule_takes_radius_and_length_from_the_command() -> None:
    walk = [
        {"time": f"2026-03-02T09:{minute:02d}:00Z", "lat": 31.2 + (0.0 if minute < 8 else 0.0012), "lon": 121.4}
        for minute in range(20)
    ]
    (near,) = run(["--rule", "classic", "--radius", "100", "--min-minutes", "5"], lines(walk))
    assert (near["start"], near["end"]) == ("2026-03-02T09:00:00Z", "2026-03-02T09:08:00Z")
    assert not run(["--rule", "classic", "--radius", "200", "--min-minutes", "5"], lines(walk))
    assert not run(["--rule", "classic", "--radius", "100", "--min-minutes", "9"], lines(walk))


def test_a_published_rule_can_be_asked_for() -> None:
    (first,) = run(["--rule", "classic", "--min-minutes", "5"], lines(ride() * 2))  # it never reports the last stay
    assert first["start"] == "2026-03-02T01:00:00Z"
    assert not run(["--rule", "classic", "--min-minutes", "30", "--radius", "200"], lines(ride()))
    assert run(["--rule", "traccar"], lines(ride()))


def test_nothing_in_nothing_out() -> None:
    assert run([]) == []


def test_the_day_command_knows_its_formats() -> None:
    parser = argparse.ArgumentParser()
    day_arguments(parser)
    args = parser.parse_args(["--rep", "r1", "--date", "2026-03-02", "--format", "html"])
    assert (args.rep, args.date, args.format, args.lang) == ("r1", "2026-03-02", "html", "en")
