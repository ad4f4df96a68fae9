"""The project's chores. ``nox`` without arguments does what CI does; ``nox --list`` says what else there is.

Sessions install what a user would install: the built wheel. Tests run from outside the checkout's import path, so a
file that is missing from the wheel is missing here, too.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.error_on_external_run = True
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "arch", "package", "tests"]

ROOT = Path(__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy strict on everything we ship; mypy and pyright on what a host and a plugin author would write."""
    session.install(".[tests]", *nox.project.dependency_groups(PROJECT, "types"))
    session.run("mypy")
    session.run("mypy", "tests/typing", "docs/generate.py", "benchmarks")
    session.run("pyright", "--pythonpath", str(Path(session.bin) / "python"))


@nox.session
def arch(session: nox.Session) -> None:
    """Import-linter: which room may import which."""
    session.install(".", *nox.project.dependency_groups(PROJECT, "arch"))
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": _source_roots()})


@nox.session
def package(session: nox.Session) -> None:
    """Build wheel and source distribution, and look inside both."""
    dist = Path(session.create_tmp()).resolve() / "dist"
    for old in dist.glob("*"):
        old.unlink()
    session.install(*nox.project.dependency_groups(PROJECT, "package"))
    session.run("python", "-m", "build", "--outdir", str(dist), str(ROOT), silent=True)
    (wheel,) = dist.glob("*.whl")
    session.run("python", "-m", "pip", "uninstall", "--quiet", "--yes", "fieldhr", silent=True)
    session.install(f"{wheel}[testing]", "pytest-timeout")
    session.run(
        "pytest", "tests/packaging/test_distributions.py", env={**_test_environment(), "FIELDHR_DIST": str(dist)}
    )


@nox.session
def tests(session: nox.Session) -> None:
    """All tests against the built wheel with the newest dependencies."""
    wheel = _wheel(session)
    session.install(f"{wheel}[tests]")
    session.run("pytest", *session.posargs, env=_test_environment())


@nox.session
def lowest(session: nox.Session) -> None:
    """All tests against the built wheel with the oldest direct dependencies that pyproject.toml allows."""
    wheel = _wheel(session)
    constraints = Path(session.create_tmp()) / "lowest.txt"
    constraints.write_text("\n".join(lowest_direct(PROJECT)) + "\n", encoding="utf-8")
    session.install(f"{wheel}[tests]", "--constraint", str(constraints))
    session.run("pytest", *session.posargs, env=_test_environment())


@nox.session
def docs(session: nox.Session) -> None:
    """Regenerate the reference pages and the golden file of the public API, then run the documentation's code."""
    session.install("-e", ".[tests]")
    session.run("python", "docs/generate.py")
    session.run("python", "tests/packaging/public_api.py")
    session.run("pytest", "tests/docs", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the speed bars beside named peers; prints a table and writes JSON. Not part of the default run."""
    wheel = _wheel(session)
    session.install(f"{wheel}[all]", *nox.project.dependency_groups(PROJECT, "bench"))
    session.run("python", "benchmarks/run.py", *session.posargs)


@nox.session
def trial(session: nox.Session) -> None:
    """Run the smoke pack as a prospect would: only the trial's own dependencies are there."""
    wheel = _wheel(session)
    session.install(f"{wheel}[trial]")
    session.chdir(session.create_tmp())
    session.run("fieldhr", "trial", "run", "smoke", *session.posargs)


def lowest_direct(project: dict[str, object]) -> list[str]:
    """Return ``name==lower bound`` for each direct dependency, extras included."""
    table = project["project"]
    assert isinstance(table, dict)
    requirements = [
        *table["dependencies"],
        *(line for extra in table["optional-dependencies"].values() for line in extra),
    ]
    found: dict[str, str] = {}
    for requirement in requirements:
        match = re.match(r"([A-Za-z0-9_.-]+)(\[[^]]*\])?>=([0-9.]+)", requirement)
        if match:
            found[match[1].lower()] = match[3]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def _wheel(session: nox.Session) -> Path:
    dist = (Path(session.create_tmp()) / "dist").resolve()
    for old in dist.glob("*.whl"):
        old.unlink()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(dist), str(ROOT))
    (wheel,) = dist.glob("*.whl")
    # The same version number may stand for other content: let the install see a package it has not got.
    session.run("python", "-m", "pip", "uninstall", "--quiet", "--yes", "fieldhr", silent=True)
    return wheel


def _test_environment() -> dict[str, str]:
    return {"FIELDHR_TEST_INSTALLED": "1", "FIELDHR_REQUIRE_PG": os.environ.get("FIELDHR_REQUIRE_PG", "1")}


def _source_roots() -> str:
    return os.pathsep.join(str(ROOT / folder) for folder in (".", "plugins", "sandbox"))
