"""The whole trial as a prospect runs it, small."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from fieldhr_core.errors import SandboxError
from fieldhr_core.hooks import Offer, PluginInfo, hookimpl
from fieldhr_sandbox import packs
from fieldhr_sandbox.commands import PLUGIN, fieldhr_register_commands
from fieldhr_sandbox.packs import Pack
from fieldhr_sandbox.trial import read_report, reveal_trial, run_trial

TINY = Pack(
    name="tiny",
    title="a test",
    recipe="city-bank",
    reps=10,
    days=2,
    customers_per_rep=20,
    slice_minutes=270,
    plantings=(("L01", 1), ("L05", 1), ("C01", 1), ("Q04", 1), ("L03/exact", 1)),
)


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(packs.PACKS, "tiny", TINY)


def command(path: tuple[str, ...], *words: str) -> tuple[int, list[str]]:
    import argparse

    (found,) = [each for each in fieldhr_register_commands() if each.path == path]
    parser = argparse.ArgumentParser()
    found.arguments(parser)
    out = io.StringIO()
    status = found.run(parser.parse_args(words), io.StringIO(), out)
    return status, out.getvalue().splitlines()


@pytest.mark.req("I1", "I2")
@pytest.mark.usefixtures("_tiny")
def test_a_trial_ends_in_one_summary_line_and_two_reports(tmp_path: Path) -> None:
    status, lines = command(("trial", "run"), "tiny", "--seed", "5", "--out", str(tmp_path / "o"))
    summary = json.loads(lines[-1])
    assert len(lines) == 1
    assert {"pack", "seed", "digest", "precision", "recall", "marks", "seconds", "simulated"} <= set(summary)
    assert (summary["pack"], summary["seed"], summary["simulated"]) == ("tiny", 5, True)
    assert summary["recall"] == 1.0
    assert status == (0 if summary["passed"] else 1)
    report = read_report(tmp_path / "o")
    receipt = report["size"]["fixes"]
    parts = ("stored", "flagged", "deduplicated", "quarantined", "rejected")
    assert receipt["submitted"] == sum(receipt[name] for name in parts) > 19_000
    # The fence is the product's: nothing that was sent within working hours may be refused.
    assert receipt["rejected"] == 0
    assert all(alert["simulated"] for alert in report["alerts"])
    page = (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    assert page.lower().count("simulated") >= 4
    assert summary["digest"] in page
    for outside in ("http://", "https://", "<script", "@import", "url("):
        assert outside not in page
    status, again = command(("trial", "report"), str(tmp_path / "o"))
    assert status == 0
    assert json.loads(again[-1]) == summary


@pytest.mark.req("I1")
@pytest.mark.usefixtures("_tiny")
def test_the_digest_is_the_same_with_two_workers_and_on_another_database(tmp_path: Path) -> None:
    one = run_trial("tiny", seed=6, out=tmp_path / "a").document
    two = run_trial("tiny", seed=6, out=tmp_path / "b", workers=2, db=f"sqlite:///{tmp_path / 'other.db'}").document
    assert one["digest"] == two["digest"]
    assert one["digest"] != run_trial("tiny", seed=7, out=tmp_path / "c").document["digest"]


@pytest.mark.req("I2")
@pytest.mark.usefixtures("_tiny")
def test_blind_key_is_sealed_until_revealed(tmp_path: Path) -> None:
    status, lines = command(("trial", "run"), "tiny", "--blind", "--out", str(tmp_path))
    sealed = json.loads(lines[-1])
    assert status == 0
    assert (sealed["precision"], sealed["recall"], sealed["marks"]) == (None, None, [])
    assert "key" not in read_report(tmp_path)
    assert sealed["key_sha256"] in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "key.secret").stat().st_mode & 0o077 == 0
    _, lines = command(("trial", "reveal"), str(tmp_path))
    opened = json.loads(lines[-1])
    assert opened["recall"] is not None
    assert (opened["digest"], opened["key_sha256"]) == (sealed["digest"], sealed["key_sha256"])


@pytest.mark.usefixtures("_tiny")
@pytest.mark.parametrize("damage", ["byte", "digest", "secret"])
def test_a_key_that_was_touched_is_not_believed(tmp_path: Path, damage: str) -> None:
    run_trial("tiny", out=tmp_path, blind=True)
    if damage == "byte":
        raw = bytearray((tmp_path / "key.sealed").read_bytes())
        raw[-1] ^= 1
        (tmp_path / "key.sealed").write_bytes(raw)
    elif damage == "digest":
        report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
        report["key_sha256"] = "0" * 64
        (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    else:
        (tmp_path / "key.secret").unlink()
    with pytest.raises(SandboxError) as refused:
        reveal_trial(tmp_path)
    assert refused.value.code == "FHR-SBX-002"


class Broken:
    """A stranger's plugin with an alerter that raises and one that answers nonsense."""

    PLUGIN = PluginInfo(name="acme.broken", version="1.0")

    @hookimpl
    def fieldhr_register_alerters(self):
        return [
            Offer("raises", lambda _: _Raises(), role="find"),
            Offer("nonsense", lambda _: _Nonsense(), role="find"),
        ]


class _Raises:
    codes, cadence, days = ("acme.x",), "live", 1

    def find(self, tables, /):
        raise RuntimeError("out of paper")


class _Nonsense(_Raises):
    codes = ("acme.y",)

    def find(self, tables, /):
        return 41


@pytest.mark.req("H3")
@pytest.mark.usefixtures("_tiny")
def test_a_broken_plugin_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Other rules' alerts are the same as without it."""
    with_it = run_trial("tiny", seed=8, out=tmp_path / "a", plugins=[Broken()]).document
    without = run_trial("tiny", seed=8, out=tmp_path / "b").document
    assert with_it["tables"] == without["tables"]
    # Only what is said of the plugin itself is more.
    theirs = [alert for alert in with_it["alerts"] if alert["code"] != "ops.plugin_fault"]
    assert theirs == without["alerts"]
    assert len(theirs) < len(with_it["alerts"])
    named = {(fault["plugin"], fault["provider"]) for fault in with_it["plugins"]["faults"]}
    assert {("acme.broken", "raises"), ("acme.broken", "nonsense")} <= named
    from fieldhr_sandbox.report import write_pages

    assert "acme.broken" in write_pages(tmp_path / "a")[0].read_text(encoding="utf-8")


def test_unknown_pack_seed_and_folder_are_refused(tmp_path: Path) -> None:
    for wrong in (
        lambda: run_trial("no-such-pack", out=tmp_path),
        lambda: run_trial("smoke", out=tmp_path, seed=-1),
        lambda: read_report(tmp_path / "nowhere"),
        lambda: reveal_trial(tmp_path / "nowhere"),
    ):
        with pytest.raises(SandboxError):
            wrong()


def test_plugin_says_who_it_is() -> None:
    assert PLUGIN.name == "fieldhr.sandbox"
    assert [each.path for each in fieldhr_register_commands()] == [
        ("trial", "run"),
        ("trial", "open"),
        ("trial", "report"),
        ("trial", "reveal"),
        ("trial", "own"),
        ("trial", "speed"),
        ("trial", "security"),
    ]
