"""What lands in somebody's site-packages, and what does not."""

from __future__ import annotations

import importlib.metadata
import os
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import fieldhr_core
from fieldhr_core.hooks.builtin import BUILTIN

TOP_LEVEL = {"fieldhr_core", "fieldhr_plugins", "fieldhr_sandbox"}

#: Endings of files that are data and must travel with the code.
DATA = {".typed", ".j2", ".html", ".css", ".js", ".json", ".toml", ".csv", ".txt", ".mako", ".svg", ".tmpl", ".jinja"}


@pytest.fixture(scope="module")
def dist() -> Path:
    """Folder with a freshly built wheel and source distribution."""
    folder = os.environ.get("FIELDHR_DIST")
    if not folder:
        pytest.skip("FIELDHR_DIST names no folder with built distributions; run: nox -s package")
    return Path(folder)


@pytest.fixture(scope="module")
def wheel_names(dist: Path) -> list[str]:
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_tests_run_against_what_is_installed() -> None:
    if os.environ.get("FIELDHR_TEST_INSTALLED") != "1":
        pytest.skip("FIELDHR_TEST_INSTALLED is not 1: an editable install is fine here")
    installed = Path(sysconfig.get_path("purelib")).resolve()
    assert installed in Path(fieldhr_core.__file__).resolve().parents


def test_wheel_holds_exactly_three_packages(wheel_names: list[str]) -> None:
    tops = {name.split("/", 1)[0] for name in wheel_names}
    metadata = {top for top in tops if top.endswith(".dist-info")}
    assert len(metadata) == 1
    assert tops - metadata == TOP_LEVEL


def test_wheel_marks_each_package_as_typed(wheel_names: list[str]) -> None:
    assert {f"{package}/py.typed" for package in TOP_LEVEL} <= set(wheel_names)


def test_wheel_holds_every_source_and_data_file(wheel_names: list[str], checkout: Path) -> None:
    roots = {"fieldhr_core": checkout, "fieldhr_plugins": checkout / "plugins", "fieldhr_sandbox": checkout / "sandbox"}
    expected = {
        path.relative_to(root).as_posix()
        for package, root in roots.items()
        for path in (root / package).rglob("*")
        if path.is_file() and path.suffix in DATA | {".py"} and "__pycache__" not in path.parts
    }
    packed = {name for name in wheel_names if name.split("/", 1)[0] in TOP_LEVEL}
    assert expected <= packed
    assert not {name for name in packed if "__pycache__" in name or "/tests/" in name}


def test_wheel_carries_licence_and_notice(wheel_names: list[str]) -> None:
    carried = {Path(name).name for name in wheel_names if ".dist-info/" in name}
    assert {"LICENSE", "NOTICE"} <= carried


def test_source_distribution_can_be_built_and_tested_again(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {
        "pyproject.toml",
        "README.md",
        "noxfile.py",
        "tests/conftest.py",
        "docs/index.md",
        "fieldhr_core/__init__.py",
        "plugins/fieldhr_plugins/__init__.py",
        "sandbox/fieldhr_sandbox/__init__.py",
    } <= names


def test_builtin_table_mirrors_the_entry_points() -> None:
    points = importlib.metadata.distribution("fieldhr").entry_points
    ours = {point.name: point.value for point in points if point.group == "fieldhr.plugins"}
    assert ours == BUILTIN


def test_console_script_is_declared() -> None:
    points = importlib.metadata.distribution("fieldhr").entry_points
    scripts = {point.name: point.value for point in points if point.group == "console_scripts"}
    assert scripts == {"fieldhr": "fieldhr_core.cli:main"}
