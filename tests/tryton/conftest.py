"""A real Tryton: installed once into an environment of its own, its database made once, and copied for each run.

``FIELDHR_TRYTON_HOME`` names the folder where both are kept (default: ``fieldhr-tryton`` in the user's cache folder).
Where Tryton cannot be installed, its tests are skipped and the summary says so in capitals;
``FIELDHR_REQUIRE_TRYTON=1`` turns that into a failure.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

PACKAGES = (
    "trytond>=8.2.1,<8.3",
    "trytond-sale-opportunity>=8.2,<8.3",
    "trytond-sale-complaint>=8.2,<8.3",
    "trytond-attendance>=8.2,<8.3",
)
MODULES = ("sale_opportunity", "sale_complaint", "attendance")
INSIDE = Path(__file__).with_name("inside.py")
PARTIES = 500

_not_there: list[str] = []


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _not_there:
        terminalreporter.section("TRYTON TESTS WERE NOT RUN", sep="!", red=True)
        terminalreporter.line(_not_there[0])
        terminalreporter.line("FIELDHR_REQUIRE_TRYTON=1 turns this into a failure.")


@attrs.frozen
class Home:
    """An installed Tryton: its Python, a database of 500 parties, and the ids and key in it."""

    python: Path
    database: Path
    seed: dict[str, Any]


@attrs.define(eq=False)
class Erp:
    """A running server on a database of its own."""

    home: Home
    folder: Path
    port: int
    server: subprocess.Popen[bytes] | None = None

    @property
    def seed(self) -> dict[str, Any]:
        return self.home.seed

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "trytond.conf"

    def start(self) -> None:
        log = (self.folder / "server.log").open("ab")
        program = self.home.python.with_name("trytond")
        self.server = subprocess.Popen(
            [program, "-c", self.config, "-d", "erp"], stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            assert self.server.poll() is None, (self.folder / "server.log").read_text()[-2000:]
            time.sleep(0.1)
        raise AssertionError("the server does not listen")

    def stop(self) -> None:
        if self.server is not None:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()
            self.server = None

    def inside(self, *steps: tuple[str, dict[str, Any]]) -> list[Any]:
        """Do something with Tryton's own Python, as its client's user would."""
        return _inside(self.home.python, self.config, *steps)


def _inside(python: Path, config: Path, *steps: tuple[str, dict[str, Any]]) -> list[Any]:
    done = subprocess.run(
        [python, INSIDE, config], input=json.dumps({"steps": steps}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def write_config(folder: Path, port: int) -> Path:
    config = folder / "trytond.conf"
    config.write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n[password]\nlength = 4\n"
        "[session]\nmax_attempt = 2\n"
    )
    return config


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(*command: Any, **options: Any) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise OSError(f"{command[0]}: {done.stderr[-2000:] or done.stdout[-2000:]}")


def _installed(home: Path) -> Path:
    version = hashlib.sha256(f"{sys.version} {PACKAGES}".encode()).hexdigest()[:12]
    folder = home / f"env-{version}"
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES)
        (folder / "whole").touch()
    return python


def _seeded(home: Path, python: Path) -> Home:
    recipe = f"{python} {MODULES} {PARTIES} {INSIDE.read_text()}"
    folder = home / f"erp-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    database, seed = folder / "erp.sqlite", folder / "seed.json"
    if not seed.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        config = write_config(folder, 1)
        database.touch()  # Tryton does not make the file itself
        (folder / "password").write_text("admin1234\n")
        _run(
            python.with_name("trytond-admin"),
            *("-c", config, "-d", "erp", "--all", "--email", "admin@example.com", "-u", *MODULES),
            "--activate-dependencies",
            env={**os.environ, "TRYTONPASSFILE": str(folder / "password")},
        )
        (found,) = _inside(python, config, ("seed", {"parties": PARTIES}))
        seed.write_text(json.dumps(found))
    return Home(python, database, json.loads(seed.read_text()))


@pytest.fixture(scope="session")
def tryton_home() -> Home:
    """An installed Tryton with a database to copy."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = Path(os.environ.get("FIELDHR_TRYTON_HOME") or cache / "fieldhr-tryton")
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers of one run want the same
        try:
            python = _installed(home)
        except OSError as failure:
            reason = f"No Tryton: {failure}"
            if os.environ.get("FIELDHR_REQUIRE_TRYTON") == "1":
                pytest.fail(reason)
            _not_there.append(reason)
            pytest.skip(reason)
        return _seeded(home, python)


@pytest.fixture(scope="module")
def erp(tryton_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erp]:
    """A running Tryton; the tests of one module share it, in order."""
    folder = tmp_path_factory.mktemp("tryton")
    shutil.copy(tryton_home.database, folder / "erp.sqlite")
    running = Erp(tryton_home, folder, free_port())
    write_config(folder, running.port)
    running.start()
    yield running
    running.stop()
