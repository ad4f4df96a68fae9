"""Own files through the product: what is in them is seen, what is wrong with them is said, planted cases are found."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from fieldhr_core.cli import main
from fieldhr_core.errors import SandboxError
from fieldhr_sandbox.owndata.datum import shift_between
from fieldhr_sandbox.owndata.house import OwnFiles, days_of
from fieldhr_sandbox.owndata.page import write_own_pages
from fieldhr_sandbox.owndata.run import run_own

OFFICE, ONE, TWO = (31.2304, 121.4737), (31.2400, 121.4900), (31.2200, 121.4600)


def gpx(path: Path) -> Path:
    """Write a Monday morning: office, two customers, office."""
    draw, at, points = random.Random(7), datetime(2026, 9, 7, 1, tzinfo=UTC), []
    for (lat, lon), (to_lat, to_lon), minutes in ((OFFICE, ONE, 40), (ONE, TWO, 35), (TWO, OFFICE, 50)):
        for _ in range(minutes * 2):
            points.append((at, lat + draw.gauss(0, 6e-5), lon + draw.gauss(0, 6e-5)))
            at += timedelta(seconds=30)
        for step in range(30):
            points.append((at, lat + (to_lat - lat) * step / 30, lon + (to_lon - lon) * step / 30))
            at += timedelta(seconds=30)
    body = "".join(
        f'<trkpt lat="{lat:.6f}" lon="{lon:.6f}"><time>{t:%Y-%m-%dT%H:%M:%SZ}</time></trkpt>' for t, lat, lon in points
    )
    path.write_text(
        '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
        f"{body}</trkseg></trk></gpx>",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def files(tmp_path: Path) -> OwnFiles:
    crm = tmp_path / "crm.csv"
    crm.write_text(
        "客户编号,客户名称,负责人,纬度,经度,坐标系,需求\n"
        f"C1,甲机械有限公司,ann,{ONE[0]},{ONE[1]},wgs84,续贷\nC2,乙食品加工厂,ann,{TWO[0]},{TWO[1]},wgs84,开户\n"
        "C3,丙物流有限公司,ann,31.2,121.4,,开户\n",
        encoding="gb18030",
    )
    return OwnFiles(customers=[crm], tracks={"ann": [gpx(tmp_path / "ann.gpx")]})


@pytest.mark.req("I5")
def test_visits_are_seen_and_what_is_wrong_is_counted(files: OwnFiles, tmp_path: Path) -> None:
    document = run_own(files, tmp_path / "out")
    (day,) = document["days"]
    assert (day["rep"], day["date"], day["visits"]) == ("ann", "2026-09-07", 2)
    receipt = document["positions"]
    assert receipt["stored"] + receipt["rejected"] + receipt["deduplicated"] == receipt["submitted"]
    assert document["customers"]["stored"] == 2
    assert document["customers"]["rejected"] == 1, "a coordinate without a datum is never guessed"
    assert document["planted"] == {}
    page = write_own_pages(document, tmp_path / "out")[0].read_text(encoding="utf-8")
    assert "no answer key" in page


@pytest.mark.req("I5")
def test_planted_cases_are_found_and_their_look_alikes_left_alone(files: OwnFiles, tmp_path: Path) -> None:
    document = run_own(files, tmp_path / "out", inject=True, seed=9)
    assert document["planted"] == {
        "checkin.mismatch": {"planted": 1, "found": 1, "recall": 1.0},
        "conduct.banned_phrase": {"planted": 1, "found": 1, "recall": 1.0},
    }
    assert document["silences"] == {"planted": 1, "disturbed": 0}
    assert document["planted_are_simulated"] is True
    assert document["simulated"] is False


@pytest.mark.req("I5")
def test_an_own_phrase_list_counts_at_once(files: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phrases = tmp_path / "phrases.csv"
    phrases.write_text("phrase,category,severity\n不本金,principal_guarantee,4\n", encoding="utf-8")
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"fieldhr.conduct": {"lexicon_file": str(phrases)}}), encoding="utf-8")
    track = f"ann={files.tracks['ann'][0]}"
    out = str(tmp_path / "out")
    assert main(["trial", "own", "--track", track, "--settings", str(settings), "--out", out]) == 0
    assert json.loads(capsys.readouterr().out)["positions"]["stored"] > 0


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "position"), (b"<gpx></gpx>", "position"), (b"\x00\x01", "position")]
)
def test_files_without_a_position_say_what_to_do(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gpx"
    path.write_bytes(content)
    with pytest.raises(SandboxError, match=why):
        days_of(OwnFiles(tracks={"ann": [path]}))


def test_files_that_are_not_there_or_of_no_kind_are_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="no file"):
        days_of(OwnFiles(tracks={"ann": [tmp_path / "gone.gpx"]}))
    other = tmp_path / "notes.docx"
    other.write_bytes(b"x")
    with pytest.raises(SandboxError, match="no kind"):
        days_of(OwnFiles(tracks={"ann": [other]}))
    assert main(["trial", "own", "--track", "ann", "--out", str(tmp_path / "o")]) == 2


@pytest.mark.req("I5", "A2")
def test_addresses_in_another_datum_than_they_name_are_told(files: OwnFiles, tmp_path: Path) -> None:
    crm = files.customers[0]
    text = crm.read_text(encoding="gb18030")
    shifted = "".join(
        line if line.startswith("客户编号") else line.replace(",wgs84,", ",gcj02,")
        for line in text.splitlines(keepends=True)
    )
    # A third customer, so that three stays can agree.
    crm.write_text(shifted + f"C4,丁商贸有限公司,ann,{OFFICE[0]},{OFFICE[1]},gcj02,开户\n", encoding="gb18030")
    document = run_own(files, tmp_path / "out")
    assert document["shift"]["count"] >= 3
    assert 300 < document["shift"]["metres"] < 800
    assert "wrong datum" in write_own_pages(document, tmp_path / "out")[0].read_text(encoding="utf-8")


@pytest.mark.req("I5")
@pytest.mark.parametrize(
    ("stays", "found"),
    [
        ([(31.0, 121.005), (31.1, 121.105), (31.2, 121.205)], True),
        ([(31.0, 121.005), (31.1, 121.105)], False),
        ([(31.0, 121.005), (31.1, 121.095), (31.2, 121.205)], False),
        ([(31.0, 121.0005), (31.1, 121.1005), (31.2, 121.2005)], False),
        ([(31.0, 121.05), (31.1, 121.15), (31.2, 121.25)], False),
    ],
)
def test_a_shift_is_many_stays_one_way(stays: list[tuple[float, float]], found: bool) -> None:
    shift = shift_between(stays, [(31.0, 121.0), (31.1, 121.1), (31.2, 121.2)])
    assert (shift is not None) is found
    if shift is not None:
        assert (shift["metres"], shift["bearing_deg"]) == (pytest.approx(476, abs=3), 90)


@pytest.mark.req("I5")
def test_a_phrase_list_with_a_fault_is_named(files: OwnFiles, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("phrase,severity\n内部员工价,high\n", encoding="utf-8")
    settings = {"fieldhr.conduct": {"lexicon_file": str(tmp_path / "bad.csv")}}
    document = run_own(attrs.evolve(files, settings=settings), tmp_path / "out", inject=True)
    (fault, *_) = document["faults"]
    assert "bad.csv" in fault["detail"]
    assert "bad.csv" in write_own_pages(document, tmp_path / "out")[0].read_text(encoding="utf-8")
