"""Manners of library code that a linter does not know: read from the syntax trees of everything we ship."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from fieldhr_core.errors import CATALOGUE

SHIPPED = ("fieldhr_core", "plugins/fieldhr_plugins", "sandbox/fieldhr_sandbox")

#: Calls that read the machine's clock. Durations (``time.perf_counter``, ``time.monotonic``) are no clock.
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "localtime", "ctime"}
CLOCK_OWNERS = {"datetime", "date", "time", "dt"}

#: The one module that may read the wall clock: it is what everything else is given.
MAY_READ_THE_CLOCK = {"fieldhr_core/flow/clock.py"}

CODE = re.compile(r"FHR-[A-Z]{3}-\d{3}")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _modules(checkout: Path) -> list[Path]:
    return sorted(path for folder in SHIPPED for path in (checkout / folder).rglob("*.py"))


def _is_alembics(path: Path) -> bool:
    """Say whether alembic runs the file as a script: it is imported by nobody."""
    return "migrations" in path.parts and path.name != "__init__.py"


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str, str]]:
    """Yield each call with its owner and name: ``datetime.now()`` gives ``datetime``, ``now``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if any(keyword.arg == "file" for keyword in node.keywords):
                continue  # print to a stream that was asked for: progress of a command
            if isinstance(function, ast.Name):
                yield node, "", function.id
            elif isinstance(function, ast.Attribute):
                owner = function.value
                yield node, owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", ""), function.attr


def _found(checkout: Path, offends: object) -> list[str]:
    assert callable(offends)
    return [
        f"{path.relative_to(checkout).as_posix()}:{node.lineno}"
        for path in _modules(checkout)
        for node, owner, name in _calls(_tree(path))
        if offends(path.relative_to(checkout).as_posix(), owner, name)
    ]


def test_no_library_code_reads_the_wall_clock(checkout: Path) -> None:
    def offends(path: str, owner: str, name: str) -> bool:
        return path not in MAY_READ_THE_CLOCK and name in CLOCKS and owner in CLOCK_OWNERS

    assert _found(checkout, offends) == []


def test_no_library_code_prints_or_exits(checkout: Path) -> None:
    def offends(path: str, owner: str, name: str) -> bool:
        return (owner, name) in {("", "print"), ("", "exit"), ("", "quit"), ("sys", "exit"), ("os", "_exit")} and (
            not path.endswith("/__main__.py")
        )

    assert _found(checkout, offends) == []


def test_no_library_code_touches_what_belongs_to_the_host(checkout: Path) -> None:
    theirs = {
        ("signal", "signal"),
        ("locale", "setlocale"),
        ("time", "tzset"),
        ("logging", "basicConfig"),
        ("logging", "disable"),
        ("asyncio", "set_event_loop_policy"),
        ("os", "putenv"),
        ("os", "chdir"),
        ("os", "umask"),
        ("environ", "setdefault"),
        ("environ", "update"),
        ("path", "insert"),
        ("random", "seed"),
        ("atexit", "register"),
        ("warnings", "simplefilter"),
        ("warnings", "filterwarnings"),
    }

    # `warnings` inside `catch_warnings` is still the host's process for as long as it lasts.
    assert _found(checkout, lambda path, owner, name: (owner, name) in theirs) == []


def test_importing_a_module_does_nothing(checkout: Path) -> None:
    """At module level only names are defined: no loop, no ``with``, no bare call, no environment."""
    offenders = []
    for path in _modules(checkout):
        # The kit's pytest plugin is loaded by pytest for that one call.
        if path.name in {"__main__.py", "pytest_plugin.py"} or _is_alembics(path):
            continue
        for statement in _tree(path).body:
            is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            does = isinstance(statement, (ast.For, ast.While, ast.With, ast.Try, ast.Expr)) and not is_docstring
            reads = isinstance(statement, (ast.Assign, ast.AnnAssign)) and "os.environ" in ast.unparse(statement)
            if does or reads:
                offenders.append(f"{path.relative_to(checkout).as_posix()}:{statement.lineno}")
    assert offenders == []


def test_no_unfinished_code_is_shipped(checkout: Path) -> None:
    allowed = checkout / "fieldhr_core/hooks/specs.py"
    offenders = []
    for path in _modules(checkout):
        text = path.read_text(encoding="utf-8")
        marks = re.findall(r"#\s*(?:TODO|FIXME|XXX|HACK)\b", text)
        if path != allowed:
            marks += re.findall(r"raise NotImplementedError", text)
        if marks:
            offenders.append(f"{path.relative_to(checkout).as_posix()}: {marks[0]}")
    assert offenders == []


def test_every_module_names_its_public_face(checkout: Path) -> None:
    """A public module of the core that defines public names lists them in ``__all__``.

    Plugins and the sandbox are reached through hooks and commands, so their modules promise nothing.
    """
    offenders = []
    for path in sorted((checkout / "fieldhr_core").rglob("*.py")):
        if path.name == "__main__.py" or any(part.startswith("_") for part in (path.stem, path.parent.name)):
            continue
        if _is_alembics(path):
            continue
        tree = _tree(path)
        defines = any(
            isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_") for node in tree.body
        )
        lists = any(
            isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
            for node in tree.body
        )
        if defines and not lists:
            offenders.append(path.relative_to(checkout).as_posix())
    assert offenders == []


def test_private_modules_are_imported_only_from_their_own_package(checkout: Path) -> None:
    offenders = []
    for path in _modules(checkout):
        relative = path.relative_to(checkout).as_posix()
        package = next(root.rsplit("/", 1)[-1] for root in SHIPPED if relative.startswith(root))
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                named = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            else:
                continue
            for name in named:
                other = name.split(".", 1)[0]
                ours = other in {"fieldhr_core", "fieldhr_plugins", "fieldhr_sandbox"}
                private = any(part.startswith("_") and not part.startswith("__") for part in name.split(".")[1:])
                if ours and other != package and private:
                    offenders.append(f"{relative}:{node.lineno} {name}")
    assert offenders == []


def _codes_used(checkout: Path) -> dict[str, str]:
    used = {}
    for path in _modules(checkout):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                in_catalogue = path.name == "errors.py" and path.parent.name == "fieldhr_core"
                if not in_catalogue:
                    used.setdefault(node.value, f"{path.relative_to(checkout).as_posix()}:{node.lineno}")
    # Raised inside errors.py itself, by the class that carries it.
    used["FHR-CFG-010"] = "fieldhr_core/errors.py"
    return used


def test_every_code_that_is_used_stands_in_the_catalogue(checkout: Path) -> None:
    strangers = {code: where for code, where in _codes_used(checkout).items() if code not in CATALOGUE}
    assert strangers == {}


def test_every_code_of_the_catalogue_is_used(checkout: Path) -> None:
    assert sorted(set(CATALOGUE) - set(_codes_used(checkout))) == []


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_code_says_what_happened_and_what_to_do(code: str) -> None:
    assert CODE.fullmatch(code)
    meaning, remedy = CATALOGUE[code]
    assert meaning.endswith(".")
    assert len(remedy) > 10
