"""``fieldhr plugins``: works beside plugins that raise, exit, hang or kill the process when they are imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fieldhr_core.cli import plugins, probe
from fieldhr_core.cli.dispatch import main
from fieldhr_core.cli.scaffold import FAMILIES, write_project
from fieldhr_core.errors import ConfigError, MissingDependencyError
from fieldhr_core.hooks.plugin import PluginReport, PluginStatus

Fieldhr = Callable[..., "subprocess.CompletedProcess[str]"]

PIP_INSTALL = (sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index")

GOOD = """
print("a plugin that talks while it is imported")
from fieldhr_core.hooks import Offer, PluginInfo, hookimpl
PLUGIN = PluginInfo(name="NAME", version="1.2", summary="Fine.")

class Nothing:
    kinds = ("message",)
    def check(self, submissions, /):
        from fieldhr_core.model import Outcome, Ruling
        return [Ruling(submission=one.id, outcome=Outcome.OUTCOME) for one in submissions]

@hookimpl
def fieldhr_register_checks():
    return [Offer("NAME", lambda settings: Nothing())]
"""

#: What goes wrong at import -> the module.
BROKEN = {
    "raises": 'PluginInfo = dict\nPLUGIN = PluginInfo(name="acme.raises")\nraise RuntimeError("no licence")\n',
    "exits": "import sys\nsys.exit(3)\n",
    "dies": "import os\nos._exit(7)\n",
    "crashes": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n",
    "hangs": "import time\ntime.sleep(600)\n",
}


def install(site: Path, name: str, source: str) -> None:
    """Put a module and the metadata of a distribution with one entry point where Python finds them."""
    module = f"acme_{name}"
    (site / f"{module}.py").write_text(source.replace("NAME", f"acme.{name}"), encoding="utf-8")
    metadata = site / f"{module}-1.2.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.2\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[fieldhr.plugins]\nacme.{name} = {module}\n", encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions that child processes see."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    return site


@pytest.fixture
def fieldhr(tmp_path: Path, site: Path) -> Fieldhr:
    """Run ``python -m fieldhr_core.cli`` in an empty folder, with the distributions of ``site``."""
    work = tmp_path / "work"
    work.mkdir()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "fieldhr_core.cli", *words]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=work, check=False)

    return run


@pytest.mark.req("H3")
@pytest.mark.slow
def test_list_names_every_plugin_whatever_it_does_at_import(site: Path) -> None:
    install(site, "fine", GOOD)
    for name, source in BROKEN.items():
        install(site, name, source)
    reports = {report.name: report for report in probe.survey(patience_s=3)}
    assert reports["acme.fine"].status is PluginStatus.ACTIVE
    assert reports["acme.fine"].distribution == "acme-fine"
    expected = {
        "raises": "RuntimeError: no licence",
        "exits": "SystemExit: 3",
        "dies": "It ended its process with exit status 7.",
        "crashes": "It ended its process by SIGSEGV.",
        "hangs": "It was not done after 3 s.",
    }
    for name, reason in expected.items():
        report = reports[f"acme.{name}"]
        assert (report.status, report.reason) == (PluginStatus.FAILED, reason)
        assert f"fieldhr plugins disable acme.{name}" in report.fix
    assert {name for name in reports if name.startswith("fieldhr.")} >= {"fieldhr.places", "fieldhr.conduct"}
    assert not {f"acme_{name}" for name in BROKEN} & set(sys.modules)


@pytest.mark.req("H2", "H3")
@pytest.mark.slow
def test_a_plugin_that_kills_the_process_can_be_found_and_switched_off(site: Path, fieldhr: Fieldhr) -> None:
    install(site, "dies", BROKEN["dies"])
    install(site, "fine", GOOD)
    listed = fieldhr("plugins", "list")
    assert listed.returncode == 0
    assert "acme.dies" in listed.stdout
    assert "why: It ended its process with exit status 7." in listed.stdout
    assert "fix: Mend or reinstall acme-dies, or run: fieldhr plugins disable acme.dies" in listed.stdout

    disabled = fieldhr("plugins", "disable", "acme.dies")
    assert disabled.returncode == 0
    assert "acme.dies is disabled" in disabled.stdout
    records = [json.loads(line) for line in fieldhr("plugins", "list", "--json").stdout.splitlines()]
    status = {record["name"]: record["status"] for record in records}
    assert (status["acme.dies"], status["acme.fine"]) == ("disabled", "active")
    assert "acme" not in fieldhr("--help").stderr

    assert fieldhr("plugins", "enable", "acme.dies").returncode == 0
    assert "exit status 7" in fieldhr("plugins", "list").stdout


@pytest.mark.slow
def test_names_that_are_nobodys_are_refused(site: Path, fieldhr: Fieldhr) -> None:
    done = fieldhr("plugins", "disable", "fieldhr.place")
    assert done.returncode == 2
    assert done.stderr == (
        "fieldhr: FHR-PLG-006: There is no plugin 'fieldhr.place', did you mean 'fieldhr.places'? "
        "Run: fieldhr plugins list\n"
    )
    done = fieldhr("plugins", "enable", "acme.none")
    assert done.returncode == 2
    assert "'acme.none' is not disabled in fieldhr.toml" in done.stderr
    done = fieldhr("plugins", "test", "acme.none")
    assert done.returncode == 2


@pytest.mark.slow
def test_a_disabled_plugin_that_is_gone_stops_nothing(site: Path, fieldhr: Fieldhr) -> None:
    install(site, "gone", GOOD)
    fieldhr("plugins", "disable", "acme.gone")
    for path in [*site.glob("acme_gone*/*"), site / "acme_gone.py"]:
        path.unlink()
    listed = fieldhr("plugins", "list")
    assert listed.returncode == 0
    assert "disables 'acme.gone', which is not installed" in listed.stderr
    assert fieldhr("--help").returncode == 0


@pytest.mark.req("H2")
@pytest.mark.slow
def test_testing_an_installed_plugin_answers_yes_or_no(site: Path, fieldhr: Fieldhr) -> None:
    install(site, "careful", GOOD.replace("OUTCOME)", "REVIEW)"))
    install(site, "careless", GOOD.replace("OUTCOME)", "CLEARED)"))
    install(site, "raises", BROKEN["raises"])
    good = fieldhr("plugins", "test", "acme.careful")
    assert (good.returncode, good.stdout.partition(" in ")[0]) == (0, "acme.careful: passed: 10 passed, 2 skipped")
    bad = fieldhr("plugins", "test", "acme.careless")
    assert bad.returncode == 1
    assert bad.stdout.startswith("acme.careless: FAILED: 1 failed")
    assert "test_what_cannot_be_read_is_not_cleared" in bad.stderr
    broken = fieldhr("plugins", "test", "acme.raises")
    assert broken.returncode == 1
    assert broken.stdout.startswith("acme.raises: failed: RuntimeError: no licence")


@pytest.mark.req("H2")
@pytest.mark.slow
def test_a_plugin_that_must_be_set_up_first_is_not_wrong_to_say_so(tmp_path: Path, fieldhr: Fieldhr) -> None:
    bare = fieldhr("plugins", "test", "fieldhr.crm_files")
    assert bare.returncode == 0, bare.stdout
    assert "not set up: FHR-CFG-001: The connector 'files' has no files." in bare.stderr
    assert "--settings FILE" in bare.stderr
    settings, customers = tmp_path / "settings.json", tmp_path / "customers.csv"
    settings.write_text(json.dumps({"fieldhr.crm_files": {"customers": [str(customers)]}}))
    assert fieldhr("plugins", "test", "fieldhr.crm_files", "--settings", str(settings)).returncode == 1
    customers.write_text("id,name\n1,Sample One\n2,Sample Two\n", encoding="utf-8")
    full = fieldhr("plugins", "test", "fieldhr.crm_files", "--settings", str(settings))
    assert full.returncode == 0, full.stderr
    assert "not set up" not in full.stderr


def test_settings_for_a_test_must_be_an_object(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"acme.x": {"a": 1}}')
    assert plugins._read_settings(str(path)) == {"acme.x": {"a": 1}}
    for text in ("[]", "{"):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"settings\.json"):
            plugins._read_settings(str(path))


# -- new ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("H2")
@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_plugin_passes_its_own_tests_and_the_linters(family: str, tmp_path: Path) -> None:
    folder = write_project("acme-tide-tables", family, tmp_path / "new")
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    for line in (line for file in folder.rglob("*.py") for line in file.read_text(encoding="utf-8").splitlines()):
        assert len(line) <= 120, line
        assert "$" not in line


@pytest.mark.req("H2")
@pytest.mark.slow
def test_a_new_plugin_is_installed_found_and_tested(tmp_path: Path, site: Path, fieldhr: Fieldhr) -> None:
    done = fieldhr("plugins", "new", "acme-tides", "--dir", str(tmp_path / "project"))
    assert done.returncode == 0
    assert "python -m pip install -e . --no-deps" in done.stdout
    subprocess.run(
        [*PIP_INSTALL, "--target", str(site), str(tmp_path / "project")],
        check=True,
    )
    records = [json.loads(line) for line in fieldhr("plugins", "list", "--json").stdout.splitlines()]
    (mine,) = (record for record in records if record["name"] == "acme.tides")
    assert mine["status"] == "active"
    assert mine["distribution"] == "acme-tides"
    assert mine["families"] == ["scorers"]
    tested = fieldhr("plugins", "test", "acme.tides")
    assert tested.returncode == 0, tested.stderr


@pytest.mark.parametrize("name", ["crm", "Äcme-crm", "acme-", "-crm", "acme crm", "fieldhr-crm", "../acme-crm", "1-2"])
def test_a_name_must_say_vendor_and_feature(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fieldhr plugins new acme-crm") as caught:
        write_project(name, "scorer", tmp_path / "x")
    assert caught.value.code == "FHR-CLI-001"
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("name", "plugin"), [("acme-crm", "acme.crm"), ("Acme.crm_2", "acme.crm_2"), ("a-b-c", "a.b_c")]
)
def test_a_name_is_spelt_for_every_use(name: str, plugin: str, tmp_path: Path) -> None:
    folder = write_project(name, "scorer", tmp_path / "x")
    assert f'"{plugin}" = "{plugin.replace(".", "_")}"' in (folder / "pyproject.toml").read_text(encoding="utf-8")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    with pytest.raises(ConfigError, match="already there"):
        write_project("acme-crm", "scorer", tmp_path)
    with pytest.raises(ConfigError, match="already there"):
        write_project("acme-crm", "scorer", tmp_path / "kept")
    (tmp_path / "empty").mkdir()
    assert write_project("acme-crm", "scorer", tmp_path / "empty") == tmp_path / "empty"


# -- in this process ---------------------------------------------------------------------------------------------


def report(name: str, status: PluginStatus = PluginStatus.ACTIVE, **fields: Any) -> PluginReport:
    given = {"distribution": "acme", "version": "1.2", "families": ("scorers",)} | fields
    return PluginReport(name=name, status=status, **given)


@pytest.fixture
def main_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command here, with these reports instead of a look at what is installed."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, reports: Sequence[PluginReport] = ()) -> tuple[int, str, str]:
        monkeypatch.setattr(probe, "survey", lambda disabled=(): list(reports))
        status = main(words)
        out, err = capfd.readouterr()
        return status, out, err

    return run


def test_the_table_says_why_and_what_to_do(main_with: Callable[..., tuple[int, str, str]]) -> None:
    bad = report("acme.bad", PluginStatus.FAILED, version="", families=(), reason="It broke.", fix="Mend it.")
    status, out, _ = main_with("plugins", "list", reports=[report("acme.a"), bad])
    assert status == 0
    assert out.splitlines() == [
        "PLUGIN    VERSION  STATUS  DISTRIBUTION  OFFERS",
        "acme.a    1.2      active  acme          scorers",
        "acme.bad  -        failed  acme          -",
        "    why: It broke.",
        "    fix: Mend it.",
    ]
    _, out, _ = main_with("plugins", "list", "--json", reports=[bad])
    assert json.loads(out) == {
        "name": "acme.bad", "version": "", "status": "failed", "distribution": "acme", "families": [],
        "summary": "", "reason": "It broke.", "fix": "Mend it.",
    }  # fmt: skip


def test_disable_and_enable_in_one_folder(main_with: Callable[..., tuple[int, str, str]]) -> None:
    assert main_with("plugins", "disable", "fieldhr.places")[0] == 0
    assert main_with("plugins", "disable", "acme.dynamic", reports=[report("acme.dynamic")])[0] == 0
    assert Path("fieldhr.toml").read_text() == 'disabled = ["acme.dynamic", "fieldhr.places"]\n'
    status, _, err = main_with("plugins", "list")
    assert status == 0
    assert "disables 'acme.dynamic', which is not installed" in err
    assert "has no command" in main_with("places", "convert-it")[2]
    assert main_with("plugins", "enable", "acme.dynamic")[0] == 0
    status, _, err = main_with("plugins", "enable", "fieldhr.place")
    assert status == 2
    assert "did you mean 'fieldhr.places'? Disabled are: fieldhr.places." in err
    status, _, err = main_with("plugins", "disable", "acme.none", reports=[report("acme.nine")])
    assert status == 2
    assert "did you mean 'acme.nine'?" in err


def test_new_says_what_comes_next(main_with: Callable[..., tuple[int, str, str]]) -> None:
    status, out, _ = main_with("plugins", "new", "acme-crm", "--family", "connector")
    assert status == 0
    assert "A working connector is in acme-crm. Next:\n  cd acme-crm\n" in out
    status, _, err = main_with("plugins", "new", "acme-crm")
    assert status == 2
    assert "acme-crm is already there" in err
    assert "invalid choice: 'bot'" in main_with("plugins", "new", "acme-x", "--family", "bot")[2]


def test_test_says_yes_no_or_nothing_to_test(
    main_with: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = {"acme.good": (0, "3 passed"), "acme.bad": (1, "1 failed"), "acme.none": (5, "no tests ran")}
    monkeypatch.setattr(plugins, "_run_pytest", lambda report, settings: outcomes[report.name])
    reports = [
        report("acme.good"),
        report("acme.none"),
        report("acme.words", families=("commands",)),
        report("acme.off", PluginStatus.DISABLED),
    ]
    status, out, _ = main_with("plugins", "test", reports=reports)
    assert status == 0
    assert out.splitlines() == [
        "acme.good: passed: 3 passed",
        "acme.none: passed: no tests ran",
        "acme.words: passed: it offers no provider to test",
    ]
    old = report("acme.old", PluginStatus.INCOMPATIBLE, reason="It is old.", fix="Renew it.")
    status, out, _ = main_with("plugins", "test", reports=[*reports, old, report("acme.bad")])
    assert status == 1
    assert out.endswith("acme.old: incompatible: It is old. Renew it.\nacme.bad: FAILED: 1 failed\n")
    status, _, err = main_with("plugins", "test", "acme.off", reports=reports)
    assert status == 2
    assert "acme.off is disabled" in err


def test_the_kit_is_run_on_the_plugin_named(capfd: pytest.CaptureFixture[str]) -> None:
    status, last = plugins._run_pytest(report("fieldhr.scorecards"), {})
    assert status == 0
    assert " passed" in last
    assert " passed" in capfd.readouterr().err


def test_without_pytest_the_install_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"fieldhr\[testing\]"):
        plugins._require_package("pytest")


def test_a_child_that_tells_nothing_leaves_every_plugin_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_CHILD", "import sys; sys.exit(9)")
    reports = probe.survey()
    assert {one.status for one in reports} == {PluginStatus.FAILED}
    assert {one.reason for one in reports} == {"It ended its process with exit status 9."}


def test_the_childs_side(tmp_path: Path) -> None:
    code = (
        "from fieldhr_core.cli.probe import main\n"
        "main({'candidates': [{'origin': 1, 'target': 'fieldhr_plugins.channels', 'distribution': 'fieldhr',"
        " 'key': 'channels'}], 'skip': [], 'disabled': ['acme.gone']})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    first, second, last = (json.loads(line) for line in done.stdout.splitlines())
    assert (first, second) == ({"start": 0}, {"start": None})
    assert [one["name"] for one in last["reports"]] == ["fieldhr.channels"]
