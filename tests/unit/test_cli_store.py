"""Commands on a store: a wrong path is said, not turned into an empty database."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldhr_core import FieldHR
from fieldhr_core.cli.dispatch import main
from fieldhr_core.trust.keys import EphemeralKeys


@pytest.mark.parametrize(
    "words",
    [
        ["alerts", "list"],
        ["alerts", "show", "x"],
        ["audit", "verify"],
        ["backup", "create", "b.fhr"],
        ["places", "day", "--rep", "me", "--date", "2026-03-02"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
@pytest.mark.parametrize("db", ["typo.db", "sqlite:///typo.db"])
def test_a_database_that_is_not_there_is_not_made(
    words: list[str], db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--db", db]) == 2
    assert capsys.readouterr().err == (
        "fieldhr: FHR-STO-001: There is no database 'typo.db'. "
        "Name the right one with --db, or begin one: fieldhr positions import\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_import_begins_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    track = tmp_path / "one.csv"
    track.write_text("lat,lon,time\n31.2,121.4,2026-03-02T09:00:00Z\n", encoding="utf-8")
    db = str(tmp_path / "new.db")
    assert main(["positions", "import", str(track), "--rep", "me", "--datum", "wgs84", "--db", db]) == 0
    assert '"stored": 1' in capsys.readouterr().out
    assert main(["alerts", "list", "--db", db]) == 0


def test_alerts_of_a_state_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    db = tmp_path / "own.db"
    with FieldHR.open(f"sqlite:///{db}", keys=EphemeralKeys(), autoload=False) as hr:
        hr.tenants.create("bank", name="Bank")
    assert main(["alerts", "list", "--state", "opne", "--db", str(db)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("fieldhr: FHR-CLI-001: argument --state: invalid choice: 'opne'")
    assert len(said.splitlines()) == 1
