"""Plugins come in by three ways and fail each on its own, by name and with what to do."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import attrs
import pytest

from fieldhr_core.errors import ConfigError, PluginIncompatibleError, PluginLoadError
from fieldhr_core.hooks import Command, Offer, PluginInfo, PluginReport, PluginStatus, hookimpl
from fieldhr_core.hooks.builtin import BUILTIN
from fieldhr_core.hooks.discovery import Candidate, Origin, candidates, installed_candidates, name_in_source
from fieldhr_core.hooks.guard import Guard
from fieldhr_core.hooks.loader import FAMILIES, Registry
from fieldhr_core.hooks.validation import HOOKS

_numbers = itertools.count()

GOOD = """
from fieldhr_core.hooks import Offer, PluginInfo, hookimpl
PLUGIN = PluginInfo(name="{name}", version="1.2")

class Nothing:
    metrics = ()
    def score(self, tables, /):
        from fieldhr_core.model import METRICS
        return METRICS.empty()

@hookimpl
def fieldhr_register_scorers(context):
    return [Offer("{name}", lambda settings: Nothing())]
"""

Write = Callable[..., str]

PIP_INSTALL = (sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a plugin module that can be imported, and return its module path."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(source: str, name: str = "acme.sample") -> str:
        module = f"sample_plugin_{next(_numbers)}"
        (tmp_path / f"{module}.py").write_text(source.replace("{name}", name), encoding="utf-8")
        return module

    return write


def plugin(name: str = "acme.object", **members: Any) -> Any:
    """Build a plugin object with one harmless hook and what else is given."""

    @hookimpl
    def fieldhr_register_scorers(context: Any) -> list[Any]:
        return [Offer(name, lambda settings: SimpleNamespace(metrics=(), score=lambda tables: None))]

    return SimpleNamespace(
        **{"PLUGIN": PluginInfo(name=name, version="1"), "fieldhr_register_scorers": fieldhr_register_scorers} | members
    )


def load(*plugins: Any, **options: Any) -> Registry:
    registry = Registry()
    registry.load(plugins, **{"autoload": False} | options)
    return registry


def only(registry: Registry) -> PluginReport:
    (report,) = registry.reports
    return report


def load_with_installed(
    monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str, str], explicit: Any = (), **options: Any
) -> Registry:
    """Load as if distributions declared these (distribution, entry point, module)."""
    found = [
        Candidate(origin=Origin.INSTALLED, target=module, distribution=distribution, key=key)
        for distribution, key, module in points
    ]
    monkeypatch.setattr("fieldhr_core.hooks.discovery.installed_candidates", lambda: found)
    monkeypatch.setattr("fieldhr_core.hooks.discovery.builtin_candidates", list)
    return load(*explicit, autoload=True, **options)


# -- the three ways in -------------------------------------------------------------------------------------------


@pytest.mark.req("H1")
def test_modules_objects_and_module_paths_come_in_alike(write: Write) -> None:
    path, module = write(GOOD, "acme.path"), __import__(write(GOOD, "acme.module"))
    registry = load(path, module, plugin("acme.object"))
    assert list(registry.plugins) == ["acme.path", "acme.module", "acme.object"]
    assert {report.status for report in registry.reports} == {PluginStatus.ACTIVE}
    assert [offer.name for offer in registry.offers("scorers")] == ["acme.path", "acme.module", "acme.object"]


def test_an_attribute_of_a_module_can_be_the_plugin(write: Write) -> None:
    path = write(
        GOOD
        + "\nclass Box: pass\nbox = Box()\nbox.PLUGIN = PLUGIN\nbox.fieldhr_register_scorers = fieldhr_register_scorers\n"
    )
    assert only(load(f"{path}:box")).status is PluginStatus.ACTIVE
    report = only(load(f"{path}:lid"))
    assert "AttributeError" in report.reason
    assert "lid" in report.reason


def test_explicit_plugins_come_first_in_order_then_the_rest_by_name(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    z, a, m = (write(GOOD, f"{letter}.plugin") for letter in "zam")
    registry = load_with_installed(
        monkeypatch, ("dist-1", "m", m), ("dist-2", "a", a), explicit=(z, plugin("k.plugin"))
    )
    assert list(registry.plugins) == ["z.plugin", "k.plugin", "a.plugin", "m.plugin"]
    assert [offer.plugin.name for offer in registry.offers("scorers")] == list(registry.plugins)


def test_a_plugin_that_is_listed_and_installed_is_loaded_once(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(GOOD)
    assert only(load_with_installed(monkeypatch, ("dist", "x", path), explicit=(path,))).distribution == "explicit list"
    assert only(load_with_installed(monkeypatch, ("dist", "x", path), explicit=(sys.modules[path],)))


def test_a_built_in_plugin_that_is_listed_is_loaded_once() -> None:
    mine = [report for report in load("fieldhr_plugins.channels", autoload=True).reports if "channels" in report.name]
    assert [(report.distribution, report.status) for report in mine] == [("explicit list", PluginStatus.ACTIVE)]


def test_without_autoload_only_what_is_listed_is_looked_for() -> None:
    assert load().reports == ()
    assert [found.origin for found in candidates(["x"], autoload=False)] == [Origin.EXPLICIT]


def test_the_built_in_table_mirrors_the_entry_points(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["fieldhr.plugins"] == BUILTIN


def test_built_in_plugins_are_found_without_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: ())
    found = [candidate.path for candidate in candidates()]
    assert found == list(BUILTIN.values())


def test_own_entry_points_are_not_found_a_second_time() -> None:
    paths = [candidate.path for candidate in candidates()]
    assert len(paths) == len(set(paths))
    assert not {candidate.path for candidate in installed_candidates()} & set(BUILTIN.values())


def test_looking_for_strangers_is_spared_where_there_are_none(tmp_path: Path) -> None:
    code = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1])\n"
        "from fieldhr_core.hooks.discovery import installed_candidates\n"
        "found = [candidate.target for candidate in installed_candidates()]\n"
        "print(found, 'importlib.metadata' in sys.modules)\n"
    )

    def look(*folders: Path) -> str:
        path = json.dumps([*sys.path, *map(str, folders)])
        return subprocess.run(
            [sys.executable, "-S", "-c", code, path], capture_output=True, text=True, check=True
        ).stdout

    assert look() == "[] False\n"
    declared = tmp_path / "acme_x-1.dist-info"
    declared.mkdir()
    (declared / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-x\nVersion: 1\n")
    assert look(tmp_path) == "[] False\n"
    (declared / "entry_points.txt").write_text("[fieldhr.plugins]\nx = acme_x\n")
    assert look(tmp_path) == "['acme_x'] True\n"
    archive = tmp_path / "archive.zip"
    archive.write_bytes(b"PK\x05\x06" + bytes(18))
    assert look(archive) == "[] True\n"


@pytest.mark.req("H1", "H2")
@pytest.mark.slow
def test_a_separately_installed_distribution_is_found(tmp_path: Path) -> None:
    project, target = tmp_path / "project", tmp_path / "site"
    (project / "acme_tides").mkdir(parents=True)
    (project / "acme_tides/__init__.py").write_text(GOOD.replace("{name}", "acme.tides"), encoding="utf-8")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "acme-tides"\nversion = "1.2"\n'
        '[project.entry-points."fieldhr.plugins"]\n"acme.tides" = "acme_tides"\n',
        encoding="utf-8",
    )
    subprocess.run(
        [*PIP_INSTALL, "--target", str(target), str(project)],
        check=True,
    )
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r})\n"
        "from fieldhr_core.hooks.loader import Registry\n"
        "registry = Registry(); registry.load()\n"
        "print([(r.distribution, r.status.value, r.version) for r in registry.reports if r.name == 'acme.tides'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[('acme-tides', 'active', '1.2')]"


# -- failing alone -----------------------------------------------------------------------------------------------

EXITS = "import sys\nsys.exit(3)\n"
RAISES = 'PLUGIN = None\nraise RuntimeError("no licence file")\n'
SYNTAX = 'PLUGIN = PluginInfo(name="acme.syntax", version="1")\ndef broken(:\n'
MISSING = "import a_package_nobody_has\n"


@pytest.mark.req("H3")
@pytest.mark.parametrize(
    ("source", "reason", "fix"),
    [
        (RAISES, "RuntimeError: no licence file", "take it out"),
        (EXITS, "SystemExit: 3", "take it out"),
        (SYNTAX, "SyntaxError", "take it out"),
        (MISSING, "No module named 'a_package_nobody_has'", "Install the package"),
        ("", "has no PLUGIN", "PluginInfo("),
        ("PLUGIN = 3", "PLUGIN is a int", "PluginInfo"),
        (GOOD.replace("{name}", "Acme"), "'Acme' is no plugin name", "vendor.feature"),
        (GOOD.replace("{name}", "acme.two.parts"), "no plugin name", "one dot"),
        (GOOD.replace('"1.2"', '""'), "states no version", "version="),
        (GOOD.replace('"1.2"', '"1.2", requires_api=3'), "requires_api=3", "(1, 1)"),
        (GOOD.replace('"1.2"', '"1.2", settings=dict'), "no attrs class", "attrs.frozen"),
        (GOOD + "@hookimpl\ndef fieldhr_register_scorer(): pass\n", "did you mean 'fieldhr_register_scorers'?", "Hooks are"),
        (GOOD + "def fieldhr_register_checks(context): pass\n", "without @hookimpl", "@hookimpl above"),
        (GOOD.replace("context", "contest"), "contest", "arguments"),
        (GOOD.replace("@hookimpl", "# @hookimpl").replace("def fieldhr_", "def acme_"), "implements no hook", "@hookimpl"),
        (GOOD.replace("@hookimpl", "import pluggy\n@pluggy.HookimplMarker('fieldhr')(wrapper=True)").replace("return [", "yield ["), "wrapper", "not called"),
        (GOOD.replace("return [", "return 7/0, ["), "ZeroDivisionError in fieldhr_register_scorers", "take it out"),
        (GOOD.replace("return [", "raise SystemExit(4)\n    return ["), "SystemExit in fieldhr_register_scorers", "take it out"),
        (GOOD.replace("return [Offer", "return [tuple"), "TypeError in fieldhr_register_scorers", "take it out"),
        (GOOD.replace("return [", "return ['x'] or ["), "registered a str among scorers", ""),
        (GOOD.replace("Nothing())]", "Nothing(), role='find')]"), "role 'find'", ""),
        (GOOD.replace('Offer("{name}"', 'Offer(""'), "without a name", ""),
        (GOOD.replace("return [", "return 2 * ["), "both offer", "Rename"),
    ],
)  # fmt: skip
def test_a_plugin_that_fails_is_named_and_the_rest_load(
    source: str, reason: str, fix: str, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    registry = load(write(source, "acme.bad"), plugin("acme.good"))
    assert list(registry.plugins) == ["acme.good"]
    (failed,) = (report for report in registry.reports if report.status is not PluginStatus.ACTIVE)
    assert failed.status is PluginStatus.FAILED
    assert reason in failed.reason
    assert fix in failed.fix
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert failed.name in caplog.text
    assert [offer.name for offer in registry.offers("scorers")] == ["acme.good"]


def test_an_installed_plugin_that_fails_can_be_switched_off_by_the_name_shown(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = ("dist", "key", write(SYNTAX))
    failed = only(load_with_installed(monkeypatch, points))
    assert (failed.name, failed.distribution) == ("acme.syntax", "dist")
    assert failed.fix == "Mend or reinstall dist, or run: fieldhr plugins disable acme.syntax"
    assert only(load_with_installed(monkeypatch, points, disabled=["acme.syntax"])).status is PluginStatus.DISABLED


HANGS_AT_IMPORT = """
import time
time.sleep(3600)
"""

HANGS_REGISTERING = GOOD.replace("return [Offer", "import time; time.sleep(3600); return [Offer")


@pytest.mark.req("H3")
@pytest.mark.parametrize("source", [HANGS_AT_IMPORT, HANGS_REGISTERING], ids=["at import", "registering"])
def test_where_calls_have_a_limit_so_has_loading(source: str, write: Write) -> None:
    with contextlib.closing(Guard(limit_s=0.2)) as guard:
        registry = Registry(guard=guard)
        registry.load([write(source, "acme.hangs"), write(GOOD, "acme.fine")], autoload=False)
    reports = {report.status: report for report in registry.reports}
    assert "not done after 0.2 s" in reports[PluginStatus.FAILED].reason
    assert reports[PluginStatus.FAILED].fix
    assert list(registry.plugins) == ["acme.fine"]


@pytest.mark.parametrize("source", [RAISES, EXITS, "", GOOD.replace("return [", "return 7/0, [")])
def test_strict_raises_instead(source: str, write: Write) -> None:
    with pytest.raises(PluginLoadError):
        load(write(source), strict=True)


def test_a_keyboard_interrupt_is_nobodys_fault(write: Write) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(write("raise KeyboardInterrupt"))


def test_an_error_of_ours_at_import_keeps_what_to_do(write: Write) -> None:
    source = "from fieldhr_core.errors import MissingDependencyError\nraise MissingDependencyError('x', 'files')\n"
    assert only(load(write(source))).fix == "Run: python -m pip install 'fieldhr[files]'"


def test_what_only_looks_like_a_hook_is_no_hook() -> None:
    assert load(plugin(fieldhr_core="a module, say")).plugins


def test_an_interrupt_while_registering_is_nobodys_fault(write: Write) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(write(GOOD.replace("return [", "raise KeyboardInterrupt\n    return [")))


def test_an_object_may_lack_what_a_failed_module_may_have(write: Write) -> None:
    registry = load(plugin(PLUGIN=3), SimpleNamespace(PLUGIN=3, fieldhr_register_checks=1))
    assert len(registry.missing("checks")) == 1
    assert registry.plugins == {}


def test_the_original_exception_is_chained(write: Write) -> None:
    with pytest.raises(PluginLoadError) as caught:
        load(write(RAISES), strict=True)
    assert caught.value.code == "FHR-PLG-001"
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_module_that_is_not_there_is_an_error_always() -> None:
    with pytest.raises(PluginLoadError, match="no_such_module") as caught:
        load("no_such_module.at_all")
    assert caught.value.code == "FHR-PLG-006"


def test_a_class_is_no_plugin() -> None:
    class Forgotten:
        PLUGIN = PluginInfo(name="acme.forgotten", version="1")

    report = only(load(Forgotten))
    assert "is a class" in report.reason
    assert "Forgotten()" in report.fix


def test_a_strange_object_cannot_break_the_loader() -> None:
    class Strange:
        def __getattr__(self, name: str) -> Any:
            if name == "PLUGIN":
                return PluginInfo(name="acme.strange", version="1")
            raise OSError(name)

        def __dir__(self) -> list[str]:
            return ["fieldhr_register_scorers"]

    report = only(load(Strange()))
    assert report.status is PluginStatus.FAILED
    assert "OSError" in report.reason


@attrs.frozen(kw_only=True)
class NeedsOne:
    key: str


def test_settings_without_defaults_are_refused() -> None:
    report = only(load(plugin(PLUGIN=PluginInfo(name="acme.x", version="1", settings=NeedsOne))))
    assert "NeedsOne() of acme.x does not work" in report.reason


@pytest.mark.req("H4")
@pytest.mark.parametrize(
    ("requires", "fix"),
    [((2, 3), "newer fieldhr"), ((0, 0), "requires_api=(0, 1)"), ((0, 0), "Changes of the plugin API")],
)
def test_a_plugin_for_another_api_is_told_what_to_change(requires: tuple[int, int], fix: str) -> None:
    other = plugin(PLUGIN=PluginInfo(name="acme.other", version="7", requires_api=requires))
    report = only(load(other))
    assert report.status is PluginStatus.INCOMPATIBLE
    assert report.version == "7"
    assert f"plugin API {requires[0]} to {requires[1]}; this fieldhr has 1" in report.reason
    assert fix in report.fix
    with pytest.raises(PluginIncompatibleError):
        load(other, strict=True)


@pytest.mark.req("H4")
def test_a_range_that_holds_the_api_loads() -> None:
    assert load(plugin(PLUGIN=PluginInfo(name="acme.x", version="1", requires_api=(0, 9)))).plugins


def test_two_plugins_of_one_name_are_told_apart_by_distribution(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = write(GOOD, "acme.twin"), write(GOOD, "acme.twin")
    registry = load_with_installed(monkeypatch, ("dist-a", "t", first), ("dist-b", "t", second))
    kept, refused = registry.reports
    assert (kept.distribution, kept.status) == ("dist-a", PluginStatus.ACTIVE)
    assert (refused.distribution, refused.status) == ("dist-b", PluginStatus.FAILED)
    assert "of dist-a" in refused.reason
    assert "of dist-b" in refused.reason
    assert second in refused.fix


def test_a_stranger_cannot_put_a_built_in_out_of_work(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    builtin, stranger = (
        write(GOOD, "zz.builtin"),
        write(GOOD.replace('Offer("{name}"', 'Offer("zz.builtin"'), "aa.stranger"),
    )
    table = [Candidate(origin=Origin.BUILTIN, target=builtin, distribution="fieldhr", key="b")]
    monkeypatch.setattr("fieldhr_core.hooks.discovery.builtin_candidates", lambda: table)
    stranger_found = [Candidate(origin=Origin.INSTALLED, target=stranger, distribution="d", key="s")]
    monkeypatch.setattr("fieldhr_core.hooks.discovery.installed_candidates", lambda: stranger_found)
    registry = load(autoload=True)
    assert list(registry.plugins) == ["zz.builtin"]
    assert "aa.stranger and zz.builtin both offer 'zz.builtin'" in registry.reports[0].reason


# -- switched off ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["name", "entry point", "module"])
def test_a_disabled_plugin_is_reported_and_not_imported(by: str, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(GOOD + "raise RuntimeError('imported after all')\n", "acme.off")
    name = {"name": "acme.off", "entry point": "off-key", "module": path}[by]
    registry = load_with_installed(monkeypatch, ("dist", "off-key", path), disabled=[name])
    report = only(registry)
    assert (report.name, report.status) == ("acme.off", PluginStatus.DISABLED)
    assert path not in sys.modules
    assert registry.missing("scorers") == []


def test_a_plugin_whose_name_is_made_at_run_time_is_not_used_either(write: Write) -> None:
    path = write(GOOD.replace('"{name}", version', '"acme" + ".dynamic", version'), "acme.dynamic")
    registry = load(path, disabled=["acme.dynamic"])
    assert only(registry).status is PluginStatus.DISABLED
    assert registry.offers("scorers") == ()


def test_a_name_in_the_block_list_that_is_nobodys_is_an_error() -> None:
    with pytest.raises(PluginLoadError, match=r"did you mean 'acme\.object'") as caught:
        load(plugin("acme.object"), disabled=["acme.objekt"])
    assert caught.value.code == "FHR-PLG-006"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ('PLUGIN = PluginInfo(name="a.b")', "a.b"),
        ("PLUGIN: Final = hooks.PluginInfo(\n    version='1',\n    name='a.b',\n)", "a.b"),
        ("PLUGIN = PluginInfo(name=NAME)", None),
        ("OTHER = PluginInfo(name='a.b')", None),
        ("PLUGIN = PluginInfo(nickname='a.b')", None),
        ("", None),
    ],
)
def test_names_are_read_from_source(source: str, name: str | None, write: Write) -> None:
    assert name_in_source(write(source)) == name


def test_names_are_read_from_packages_and_not_from_what_is_not_there(write: Write, tmp_path: Path) -> None:
    package = tmp_path / "sample_package" / "deep"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('PLUGIN = PluginInfo(name="a.deep")')
    (package / "leaf.py").write_text('PLUGIN = PluginInfo(name="a.leaf")')
    assert name_in_source("sample_package.deep") == "a.deep"
    assert name_in_source("sample_package.deep.leaf") == "a.leaf"
    assert name_in_source("sample_package.none") is None
    assert name_in_source("no_such_package.x") is None
    assert "sample_package" not in sys.modules


# -- asking ------------------------------------------------------------------------------------------------------


def test_every_registration_hook_is_a_family_the_commands_or_the_applications() -> None:
    registering = {name.removeprefix("fieldhr_register_") for name in HOOKS if "register" in name}
    assert registering == {*FAMILIES, "commands", "applications"}


def test_an_offer_that_nobody_makes_says_what_there_is() -> None:
    registry = load(plugin("acme.object"))
    with pytest.raises(PluginLoadError, match=r"did you mean 'acme\.object'") as caught:
        registry.offer("scorers", "acme.objct")
    assert caught.value.code == "FHR-PLG-015"
    with pytest.raises(ConfigError, match="did you mean 'scorers'"):
        registry.offers("scorer")


def test_none_and_empty_mean_no_offers() -> None:
    @hookimpl
    def fieldhr_register_scorers() -> None:
        return None

    assert load(plugin(fieldhr_register_scorers=fieldhr_register_scorers)).offers("scorers") == ()


def test_registration_is_whole_or_not_at_all(write: Write) -> None:
    source = GOOD + "@hookimpl\ndef fieldhr_register_checks(context):\n    raise RuntimeError('late')\n"
    registry = load(write(source))
    assert registry.offers("scorers") == ()
    assert registry.plugins == {}


def test_missing_names_who_should_check_and_cannot(write: Write) -> None:
    check = write(RAISES + "def fieldhr_register_checks(): ...\n")
    registry = load(check, write(RAISES), write("from os import *\n" + RAISES))
    assert len(registry.missing("checks")) == 2
    assert registry.missing("checks")[0] == f"{check}: FHR-PLG-001"


def test_packages_of_plugins(tmp_path: Path, write: Write) -> None:
    package = tmp_path / f"sample_package_{next(_numbers)}"
    package.mkdir()
    (package / "__init__.py").write_text(GOOD.replace("{name}", "acme.package"))
    assert load(package.name, write(GOOD)).packages() == (package.name,)


def test_commands_come_with_their_plugin_and_a_failing_hook_costs_only_its_own(write: Write) -> None:
    command = Command(path=("x",), summary="", arguments=lambda parser: None, run=lambda args, stdin, stdout: 0)

    @hookimpl
    def fieldhr_register_commands() -> list[Any]:
        return [command]

    bad = write(GOOD + "@hookimpl\ndef fieldhr_register_commands():\n    return ['no command']\n", "acme.bad")
    registry = load(bad, plugin(fieldhr_register_commands=fieldhr_register_commands))
    assert [(info.name, found) for info, found in registry.commands()] == [("acme.object", command)]
    assert "registered a str as command" in registry.reports[0].reason


def test_commands_of_built_in_plugins_come_before_strangers(write: Write) -> None:
    source = GOOD.replace("Offer,", "Command, Offer,") + (
        "@hookimpl\ndef fieldhr_register_commands():\n"
        "    return [Command(path=('x',), summary='{name}', arguments=print, run=print)]\n"
    )
    registry = Registry()
    registry.load_found(
        [
            Candidate(origin=Origin.INSTALLED, target=write(source, "aa.stranger"), distribution="d"),
            Candidate(origin=Origin.BUILTIN, target=write(source, "zz.builtin"), distribution="fieldhr"),
        ]
    )
    assert list(registry.plugins) == ["aa.stranger", "zz.builtin"]
    assert [command.summary for _, command in registry.commands()] == ["zz.builtin", "aa.stranger"]


def test_two_registries_share_nothing() -> None:
    one, two = load(plugin("acme.one")), load(plugin("acme.two"))
    assert list(one.plugins) == ["acme.one"]
    assert list(two.plugins) == ["acme.two"]


def test_a_registration_module_is_not_asked_without_offers(write: Write) -> None:
    assert only(load(write(GOOD.replace("return [", "return 7/0, [")), offers=False)).status is PluginStatus.ACTIVE


def test_a_module_can_be_its_own_plugin_twice_in_two_registries(write: Write) -> None:
    module = __import__(write(GOOD))
    assert isinstance(module, ModuleType)
    assert load(module).plugins.keys() == load(module).plugins.keys()
