"""``fieldhr plugins list|new|test|disable|enable``: what an integrator needs, also when a plugin is broken.

None of these imports a plugin into its own process: ``list`` and ``test`` look at plugins from a process of their own,
the others do not look at all.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from fieldhr_core.cli.configfile import FILE_NAME, disabled_plugins, write_disabled_plugins
from fieldhr_core.cli.lines import write_line
from fieldhr_core.errors import ConfigError, MissingDependencyError, PluginLoadError
from fieldhr_core.hooks.discovery import Candidate, builtin_candidates, installed_candidates
from fieldhr_core.hooks.plugin import Command, PluginReport, PluginStatus

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS"]


# -- list --------------------------------------------------------------------------------------------------------


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")


def _list(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    del stdin
    from fieldhr_core.cli.probe import survey

    disabled = disabled_plugins()
    reports = survey(disabled)
    if args.json:
        for report in reports:
            write_line(stdout, _record(report))
    else:
        stdout.write(_table(reports))
    for name in strange_names(disabled):
        text = f"fieldhr: {FILE_NAME} disables {name!r}, which is not installed. Run: fieldhr plugins enable {name}"
        sys.stderr.write(text + "\n")
    return 0


def _record(report: PluginReport) -> dict[str, Any]:
    return {
        "name": report.name,
        "version": report.version,
        "status": report.status.value,
        "distribution": report.distribution,
        "families": list(report.families),
        "summary": report.summary,
        "reason": report.reason,
        "fix": report.fix,
    }


def _table(reports: Sequence[PluginReport]) -> str:
    rows = [("PLUGIN", "VERSION", "STATUS", "DISTRIBUTION", "OFFERS")]
    rows += [
        (
            report.name,
            report.version or "-",
            report.status.value,
            report.distribution,
            ", ".join(report.families) or "-",
        )
        for report in reports
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row, report in zip(rows, (None, *reports), strict=True):
        lines.append("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
        if report is not None and report.reason:
            lines += [f"    why: {report.reason}", f"    fix: {report.fix}"]
    return "\n".join(lines) + "\n"


# -- disable, enable ---------------------------------------------------------------------------------------------


def _name_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of the plugin, as 'fieldhr plugins list' shows it")


def _disable(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    del stdin
    _require_installed(args.name)
    path = write_disabled_plugins([*disabled_plugins(), args.name])
    stdout.write(f"{args.name} is disabled in {path}. Undo it with: fieldhr plugins enable {args.name}\n")
    return 0


def _enable(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    del stdin
    disabled = disabled_plugins()
    if args.name not in disabled:
        from fieldhr_core.hooks.settings import did_you_mean

        raise ConfigError(
            f"{args.name!r} is not disabled in {FILE_NAME}{did_you_mean(args.name, disabled)}",
            code="FHR-PLG-006",
            hint=f"Disabled are: {', '.join(disabled) or 'none'}.",
        )
    path = write_disabled_plugins(name for name in disabled if name != args.name)
    stdout.write(f"{args.name} is enabled again in {path}.\n")
    return 0


def _found() -> list[Candidate]:
    return [*builtin_candidates(), *installed_candidates()]


def strange_names(names: Sequence[str]) -> list[str]:
    """Return those of *names* by which no plugin goes, as far as that can be told without importing any."""
    known = {name for candidate in _found() for name in candidate.names()}
    return [name for name in names if name not in known]


def _require_installed(name: str) -> None:
    if not strange_names([name]):
        return
    from fieldhr_core.cli.probe import survey
    from fieldhr_core.hooks.settings import did_you_mean

    # A name that is made at run time stands in no source.
    names = {report.name for report in survey()}
    if name not in names:
        raise PluginLoadError(
            f"There is no plugin {name!r}{did_you_mean(name, names)}",
            code="FHR-PLG-006",
            hint="Run: fieldhr plugins list",
        )


# -- new ---------------------------------------------------------------------------------------------------------


def _new_arguments(parser: argparse.ArgumentParser) -> None:
    from fieldhr_core.cli.scaffold import FAMILIES

    parser.add_argument("name", metavar="NAME", help="vendor and feature, such as acme-crm")
    parser.add_argument("--family", choices=FAMILIES, default="scorer", help="what it provides (default: scorer)")
    parser.add_argument("--dir", metavar="DIR", help="where to write it (default: ./NAME)")


def _new(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    del stdin
    from fieldhr_core.cli.scaffold import write_project

    folder = write_project(args.name, args.family, Path(args.dir) if args.dir else None)
    stdout.write(
        f"A working {args.family} is in {folder}. Next:\n"
        f"  cd {folder}\n"
        "  python -m pip install -e . --no-deps\n"
        "  python -m pytest\n"
        "  fieldhr plugins list\n"
    )
    return 0


# -- test --------------------------------------------------------------------------------------------------------


def _test_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="one plugin (default: all that are not disabled)")
    parser.add_argument("--settings", metavar="FILE", help="JSON file: plugin name -> key -> value")


#: The test module that pytest runs in its own process.
_MODULE: Final = """\
import json
from fieldhr_core.hooks.discovery import Candidate
from fieldhr_core.hooks.loader import Registry
from fieldhr_core.testing.installed import suites_for

_request = json.loads({request!r})
_registry = Registry()
_registry.load_found([Candidate(**fields) for fields in _request["candidates"]])
globals().update(suites_for(_registry, _request["name"], _request["settings"]))
"""


def _test(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    del stdin
    for package in ("pytest", "hypothesis"):
        _require_package(package)
    settings = _read_settings(args.settings)
    from fieldhr_core.cli.probe import survey

    reports = survey(disabled_plugins())
    if args.name is not None:
        _require_installed(args.name)
        reports = [report for report in reports if report.name == args.name]
    results = [_test_one(report, settings, stdout) for report in reports if report.status is not PluginStatus.DISABLED]
    if not results:
        raise PluginLoadError(
            f"{args.name or 'Every plugin'} is disabled.", code="FHR-PLG-006", hint="Run: fieldhr plugins enable NAME"
        )
    return 0 if all(results) else 1


def _test_one(report: PluginReport, settings: dict[str, Any], stdout: TextIO) -> bool:
    if report.status is not PluginStatus.ACTIVE:
        stdout.write(f"{report.name}: {report.status.value}: {report.reason} {report.fix}\n")
        return False
    if not set(report.families) - {"commands"}:
        stdout.write(f"{report.name}: passed: it offers no provider to test\n")
        return True
    status, last = _run_pytest(report, settings)
    # 0 all passed; 5 nothing was collected: an active plugin with hooks but without offers.
    passed = status in (0, 5)
    stdout.write(f"{report.name}: {'passed' if passed else 'FAILED'}: {last}\n")
    stdout.flush()
    return passed


def _run_pytest(report: PluginReport, settings: dict[str, Any]) -> tuple[int, str]:
    """Run the kit in a process of its own; its output goes to standard error, its last line comes back."""
    import subprocess
    import tempfile

    candidates = [candidate for candidate in _found() if report.name in candidate.names()] or _found()
    fields = ("origin", "target", "distribution", "key")
    request = {
        "name": report.name,
        "settings": settings,
        "candidates": [{name: getattr(candidate, name) for name in fields} for candidate in candidates],
    }
    with tempfile.TemporaryDirectory(prefix="fieldhr-test-") as folder:
        module = Path(folder) / "test_installed_plugin.py"
        module.write_text(_MODULE.format(request=json.dumps(request)), encoding="utf-8")
        # A configuration of its own, so that one in a parent folder decides nothing.
        (Path(folder) / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        options = ["-q", "-rs", "--tb=short", "-p", "no:cacheprovider", "-p", "fieldhr_core.testing.pytest_plugin"]
        where = ["--rootdir", folder, "-c", str(Path(folder) / "pytest.ini"), str(module)]
        child = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "pytest", *options, *where],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        assert child.stdout is not None
        last = ""
        with child.stdout:
            for line in child.stdout:
                sys.stderr.write(line)
                last = line.strip() or last
        return child.wait(), last


def _require_package(name: str) -> None:
    import importlib.util

    if importlib.util.find_spec(name) is None:
        raise MissingDependencyError(name, "testing")


def _read_settings(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as cause:
        raise ConfigError(f"{path} is no JSON: {cause}.", code="FHR-CFG-001") from cause
    if not isinstance(found, dict):
        raise ConfigError(f"{path} holds no object of plugin name -> settings.", code="FHR-CFG-001")
    return found


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        path=("plugins", "list"),
        summary="Show every plugin, and why one is not active.",
        arguments=_list_arguments,
        run=_list,
    ),
    Command(
        path=("plugins", "new"),
        summary="Write a new plugin: a distribution of its own, with passing tests.",
        arguments=_new_arguments,
        run=_new,
    ),
    Command(
        path=("plugins", "test"),
        summary="Run the conformance kit on installed plugins.",
        arguments=_test_arguments,
        run=_test,
    ),
    Command(
        path=("plugins", "disable"),
        summary=f"Switch a plugin off for the command line, in {FILE_NAME}.",
        arguments=_name_arguments,
        run=_disable,
    ),
    Command(
        path=("plugins", "enable"),
        summary="Switch a disabled plugin on again.",
        arguments=_name_arguments,
        run=_enable,
    ),
)
