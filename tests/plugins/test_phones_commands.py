from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest

from fieldhr_core.cli.dispatch import main
from fieldhr_core.errors import FieldhrError
from fieldhr_plugins.phones import commands, fieldhr_register_commands

BAD = "31.2304,121.4737,1970-01-01T00:00:00Z\n0,0,2024-05-06T07:59:00Z\n"
CSV = "lat,lon,time\n31.2304,121.4737,2024-05-06T07:59:00Z\n31.2305,121.4737,2024-05-06T07:59:30Z\n" + BAD
FIX = {"_type": "location", "lat": 31.2304, "lon": 121.4737, "tst": 1714982340, "acc": 9, "tid": "lw"}


def run(
    path: str, words: list[str], lines: list[Any] | None = None, *, stdin: str = ""
) -> tuple[int, list[dict[str, Any]]]:
    """Run a command in this process, as the command line would."""
    import argparse

    from fieldhr_core.hooks import RegistrationContext

    [command] = [c for c in fieldhr_register_commands(RegistrationContext()) if " ".join(c.path) == path]
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    given = io.StringIO(stdin or "\n".join(json.dumps(line) for line in lines or []))
    stdout = io.StringIO()
    status = command.run(parser.parse_args(words), given, stdout)
    return status, [json.loads(line) for line in stdout.getvalue().splitlines()]


@pytest.mark.req("A1")
def test_decode_answers_each_line_in_the_documented_form() -> None:
    lines = [
        {
            "id": "a",
            "method": "POST",
            "headers": {"X-Limit-U": "jane", "X-Limit-D": "phone"},
            "query": "",
            "topic": "",
            "body": json.dumps(FIX),
            "received": "2024-05-06T16:00:00+08:00",
        },
        {"id": 2, "body": ""},
        {"id": 3, "body": json.dumps({**FIX, "lat": 0, "lon": 0})},
        {"id": 4, "body_b64": base64.b64encode(json.dumps(FIX).encode()).decode()},
        {"id": 5, "body": FIX},
        {"id": 6, "body": 7},
        {"id": 7, "headers": ["x"]},
        {"id": 8, "received": "yesterday"},
        {"id": 9, "body_b64": "@"},
        {"body": json.dumps({**FIX, "tst": 4_000_000_000})},
    ]
    status, answers = run("positions decode", ["--source", "owntracks"], lines)
    assert status == 0
    assert [answer.get("id") for answer in answers] == ["a", 2, 3, 4, 5, 6, 7, 8, 9, None]
    assert answers[0] == {
        "id": "a",
        "positions": [
            {
                "device": "jane/phone",
                "time": "2024-05-06T07:59:00Z",
                "received": "2024-05-06T08:00:00Z",
                "lat": 31.2304,
                "lon": 121.4737,
                "datum": "wgs84",
                "accuracy_m": 9.0,
                "altitude_m": None,
                "speed_mps": None,
                "heading_deg": None,
                "battery_pct": None,
                "charging": None,
                "mock": None,
                "source": None,
                "extras": {"tid": "lw"},
            }
        ],
        "ignored": None,
        "rejected": None,
        "reply": "[]",
    }
    assert (answers[1]["positions"], answers[1]["ignored"], answers[1]["rejected"]) == ([], "payload.empty", None)
    assert (answers[2]["positions"], answers[2]["rejected"]) == ([], "position.null_island")
    assert answers[3]["positions"][0]["device"] == "lw"
    assert answers[4]["positions"] == answers[3]["positions"]
    assert [answer["error"]["code"] for answer in answers[5:9]] == [
        "FHR-REC-006",
        "FHR-REC-006",
        "FHR-REC-002",
        "FHR-REC-006",
    ]
    # Without an arrival the machine's clock bounds the time: the year 2096 has not come.
    assert answers[9]["rejected"] == "position.impossible_time"


def test_decode_milliseconds_and_problems_of_a_batch() -> None:
    feature = {
        "geometry": {"coordinates": [121.4737, 31.2304]},
        "properties": {"timestamp": "2024-05-06T07:59:00.250Z", "device_id": "i"},
    }
    body = json.dumps({"locations": [feature, {}]})
    _, [answer] = run("positions decode", ["--source", "overland"], [{"id": 1, "body": body}])
    assert answer["positions"][0]["time"] == "2024-05-06T07:59:00.250Z"
    assert answer["problems"] == [
        {"code": "position.no_coordinate", "message": "There is no coordinate.", "at": "locations[1]"}
    ]
    assert answer["reply"] == '{"result":"ok"}'


def test_decode_with_key_datum_and_zone() -> None:
    import nacl.secret

    from fieldhr_plugins.phones.owntracks import key_bytes

    box = nacl.secret.SecretBox(key_bytes("s3cret")).encrypt(json.dumps(FIX).encode())
    line = {"id": 1, "body": json.dumps({"_type": "encrypted", "data": base64.b64encode(box).decode()})}
    _, [answer] = run("positions decode", ["--source", "owntracks", "--key", "s3cret"], [line])
    assert answer["positions"][0]["lat"] == 31.2304
    _, [answer] = run("positions decode", ["--source", "owntracks"], [line])
    assert answer["rejected"] == "payload.no_key"
    line = {"id": 1, "query": "id=a&lat=31.2&lon=121.4&timestamp=2024-05-06%2015:59:00"}
    words = ["--source", "osmand", "--datum", "gcj02", "--zone", "Asia/Shanghai"]
    _, [answer] = run("positions decode", words, [line])
    assert (answer["positions"][0]["time"], answer["positions"][0]["datum"]) == ("2024-05-06T07:59:00Z", "gcj02")


@pytest.mark.parametrize(
    "words",
    [
        ["positions", "decode", "--source", "pigeon"],
        ["positions", "decode"],
        ["positions", "decode", "--source", "osmand", "--datum", "mars"],
        ["positions", "decode", "--source", "osmand", "--zone", "Mars/Base"],
        ["places", "convert", "--from", "wgs84"],
        ["places", "convert", "--from", "wgs84", "--to", "mars"],
        ["positions", "import", "x.gpx"],
        ["positions", "import", "x.unknown", "--rep", "r"],
        ["positions", "import", "missing.gpx", "--rep", "r"],
    ],
)
def test_wrong_use_ends_with_2_and_one_line(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("fieldhr: FHR-")]
    assert len(said) == 1


@pytest.mark.req("A2")
def test_convert_lines() -> None:
    lines = [
        {"id": 1, "lat": 39.915, "lon": 116.404},
        {"id": 2, "lat": 22.28, "lon": 114.16, "datum": "wgs84"},
        {"id": 3, "lat": 39.915, "lon": 116.404, "datum": "bd09"},
        {"id": 4, "lat": "39.9", "lon": 116.4},
        {"id": 5, "lat": 91, "lon": 0},
        {"id": 6, "lat": 39.9},
        {"id": 7, "lat": True, "lon": 1},
    ]
    status, answers = run("places convert", ["--from", "wgs84", "--to", "gcj02"], lines)
    assert status == 0
    assert answers[0] == {"id": 1, "lat": 39.91640428150164, "lon": 116.41024449916938, "datum": "gcj02"}
    assert answers[1] == {"id": 2, "lat": 22.28, "lon": 114.16, "datum": "gcj02"}  # Hong Kong stays where it is
    assert [answer["error"]["code"] for answer in answers[2:]] == ["FHR-REC-005", *["FHR-REC-001"] * 4]
    _, back = run("places convert", ["--from", "gcj02", "--to", "wgs84"], answers[:1])
    assert back[0]["lat"] == pytest.approx(39.915, abs=1e-9)
    assert back[0]["lon"] == pytest.approx(116.404, abs=1e-9)


def db(tmp_path: Path) -> list[str]:
    return ["--db", str(tmp_path / "own.db")]


@pytest.mark.req("A1", "I5")
def test_import_into_a_new_store_and_again(tmp_path: Path) -> None:
    track = tmp_path / "track.csv"
    track.write_text(CSV)
    words = [str(track), "--rep", "me", "--datum", "gcj02", *db(tmp_path)]
    status, [receipt] = run("positions import", words)
    assert status == 0
    assert receipt == {
        "stored": 2,
        "flagged": 0,
        "deduplicated": 0,
        "quarantined": 0,
        "rejected": 2,
        "submitted": 4,
        "reasons": {"position.impossible_time": 1, "position.null_island": 1},
    }
    _, [again] = run("positions import", words)
    assert (again["stored"], again["deduplicated"], again["rejected"], again["submitted"]) == (0, 2, 2, 4)
    # Someone else's files in the same store; nights count, for own data there is no duty to be off.
    night = tmp_path / "night.csv"
    night.write_text("lat,lon,time\n31.2304,121.4737,2024-05-05 03:10:00\n")
    words = [str(night), "--rep", "you", "--datum", "wgs84", "--zone", "Asia/Shanghai", *db(tmp_path)]
    _, [other] = run("positions import", words)
    assert other["stored"] == 1


def test_import_one_unreadable_file_does_not_lose_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, empty, wrong = tmp_path / "good.csv", tmp_path / "empty.gpx", tmp_path / "wrong.gpx"
    good.write_text(CSV)
    empty.write_text("")
    wrong.write_text("no XML")
    words = [str(good), str(empty), str(wrong), "--rep", "me", "--datum", "wgs84", *db(tmp_path)]
    status, [receipt] = run("positions import", words)
    assert status == 2
    assert (receipt["stored"], receipt["rejected"], receipt["submitted"]) == (2, 2, 4)
    assert [(error["file"], error["reason"]) for error in receipt["errors"]] == [
        ("empty.gpx", "file.empty"),
        ("wrong.gpx", "file.not_the_format"),
    ]
    assert capsys.readouterr().err.count("FHR-REC-006") == 2


def test_import_of_csv_without_datum_stores_nothing(tmp_path: Path) -> None:
    track = tmp_path / "track.csv"
    track.write_text(CSV)
    status, [receipt] = run("positions import", [str(track), "--rep", "me", *db(tmp_path)])
    assert status == 2
    assert receipt["errors"][0]["code"] == "FHR-REC-003"
    assert receipt["submitted"] == 0
    assert not (tmp_path / "own.db").exists()


def test_import_notes_what_cost_no_record(tmp_path: Path) -> None:
    track = tmp_path / "track.gpx"
    point = '<trkpt lat="31.2" lon="121.4"><time>2024-05-06T07:59:00</time></trkpt>'
    track.write_text(f"<gpx><trk><trkseg>{point}")
    empty = tmp_path / "waypoints.gpx"
    empty.write_text('<gpx><wpt lat="1" lon="2"/></gpx>')
    status, [receipt] = run("positions import", [str(track), str(empty), "--rep", "me", *db(tmp_path)])
    assert status == 0
    assert receipt["notes"] == {"file.broken": 1, "file.no_track_points": 1, "file.time_without_zone": 1}
    assert (receipt["stored"], receipt["submitted"]) == (1, 1)


@pytest.mark.req("E6")
def test_import_never_enrols_into_a_tenant_of_a_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from fieldhr_core.runtime import FieldHR

    with FieldHR.open(f"sqlite:///{tmp_path / 'own.db'}") as hr:
        hr.tenants.create("bank", name="Bank")
    track = tmp_path / "track.csv"
    track.write_text(CSV)
    _, [receipt] = run("positions import", [str(track), "--rep", "nobody", "--datum", "wgs84", *db(tmp_path)])
    assert receipt["stored"] == 0
    assert receipt["reasons"]["position.unknown_rep"] == 2
    assert receipt["rejected"] == receipt["submitted"] == 4
    assert "store the person first" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["-"], []], ids=["dash", "no file"])
def test_import_from_standard_input(words: list[str], tmp_path: Path) -> None:
    more = ["--format", "csv", "--rep", "me", "--datum", "wgs84", *db(tmp_path)]
    status, [receipt] = run("positions import", [*words, *more], stdin=CSV)
    assert (status, receipt["stored"], receipt["submitted"]) == (0, 2, 4)


def test_import_from_standard_input_needs_a_format(tmp_path: Path) -> None:
    with pytest.raises(FieldhrError, match="--format"):
        run("positions import", ["-", "--rep", "me", "--datum", "wgs84", *db(tmp_path)], stdin=CSV)


@pytest.mark.parametrize("rep", ["", "  ", "a\nb", "x" * 121])
def test_import_needs_a_rep_that_can_be_somebodys_id(rep: str, tmp_path: Path) -> None:
    track = tmp_path / "track.csv"
    track.write_text(CSV)
    with pytest.raises(FieldhrError, match="--rep"):
        run("positions import", [str(track), "--rep", rep, "--datum", "wgs84", *db(tmp_path)])
    assert not (tmp_path / "own.db").exists()


def test_import_into_a_store_that_another_process_begins_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fieldhr_core.flow.tenants import Tenants

    track = tmp_path / "track.csv"
    track.write_text(CSV)
    words = [str(track), "--rep", "me", "--datum", "wgs84", *db(tmp_path)]
    run("positions import", [*words[:2], "you", *words[3:]])
    listed = Tenants.list
    told: list[list[str]] = []

    def list_late(self: Tenants) -> list[str]:
        # The first look was taken before the other process had made the tenant.
        told.append(listed(self) if told else [])
        return told[-1]

    monkeypatch.setattr(Tenants, "list", list_late)
    status, [receipt] = run("positions import", words)
    assert (status, receipt["stored"]) == (0, 2)


def test_listing_commands_imports_no_implementation() -> None:
    import subprocess
    import sys

    code = (
        "import sys, fieldhr_plugins.phones as p; list(p.fieldhr_register_commands(None)); "
        "list(p.fieldhr_register_locators(None)); "
        "print([m for m in ('numpy', 'sqlalchemy', 'xml.parsers.expat', 'fieldhr_plugins.phones.commands') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_errors_of_commands_are_fieldhr_errors() -> None:
    with pytest.raises(FieldhrError):
        run("places convert", ["--from", "x", "--to", "y"], [{"lat": 1, "lon": 2}])
    assert callable(commands.decode)
