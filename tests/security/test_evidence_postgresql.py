"""The same checks on PostgreSQL, and what its administrator could do to the wall."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock
from fieldhr_core.store.tables import StoreTables
from fieldhr_core.trust.keys import FileKeys

from .test_evidence import NOW, OPTIONS, furnish  # type: ignore[import-not-found]

pytestmark = pytest.mark.req("E5")


@pytest.fixture
def installed(postgresql_server: Any, log_in: Any, tmp_path: Path) -> Iterator[tuple[FieldHR, sa.Engine]]:
    """A runtime behind row security, and its administrator's engine."""
    url, tables, keys = postgresql_server.create(), StoreTables(), FileKeys(tmp_path / "kek", create=True)
    options = {**OPTIONS, "keys": keys, "clock": FrozenClock(NOW + timedelta(minutes=3))}
    with FieldHR.open(url, database_scope=False, **options):
        pass
    with log_in(url, tables, keys, "fieldhr_evidence_app") as app:
        owner = sa.create_engine(url)
        with owner.begin() as connection:
            connection.exec_driver_sql('ALTER ROLE "fieldhr_evidence_app" RESET synchronous_commit')
        with FieldHR.open(app, database_scope=True, **options) as hr:
            furnish(hr, {"retention": "EU", "witness": str(tmp_path / "witness")})
            yield hr, owner
        owner.dispose()
    postgresql_server.drop(url)


def test_nothing_fails_on_a_healthy_server(installed: Any) -> None:
    hr, _ = installed
    found = hr.care.evidence()
    assert [(proof.check, proof.found) for proof in found.proofs if proof.status == "fail"] == []
    assert found.counts["fail"] == 0
    assert found.counts["pass"] >= 60


SABOTAGES: dict[str, tuple[str, str]] = {
    "row security is switched off": ("scope.database", "ALTER TABLE fieldhr_customers DISABLE ROW LEVEL SECURITY"),
    "a policy lets everybody pass": (
        "scope.database",
        "CREATE POLICY open ON fieldhr_messages FOR SELECT TO PUBLIC USING (true)",
    ),
    "a policy is dropped": ("scope.database", 'DROP POLICY "rep select" ON fieldhr_customers'),
    "a policy forgets the person": (
        "scope.database",
        'ALTER POLICY "rep select" ON fieldhr_customers USING (tenant = (SELECT (fieldhr_context(current_user))[1]))',
    ),
    "everybody may write the trail": (
        "scope.database",
        "GRANT ALL ON fieldhr_audit TO fieldhr_admin; CREATE POLICY rewrite ON fieldhr_audit TO fieldhr_admin USING (true)",
    ),
    "a masked column is granted": ("scope.masks", "GRANT SELECT ON fieldhr_customers TO fieldhr_manager"),
    "the user may pass row security by": ("scope.weaknesses", "ALTER ROLE fieldhr_evidence_app BYPASSRLS"),
    "commits are not synced": ("durable.settings", "ALTER DATABASE {name} SET synchronous_commit = off"),
    "a trigger is a weaker policy": ("scope.weaknesses", 'DROP POLICY "rep select" ON fieldhr_outings'),
}


@pytest.mark.parametrize("name", sorted(SABOTAGES))
def test_sabotage_of_the_server_is_found_out(installed: Any, name: str) -> None:
    hr, owner = installed
    check, statement = SABOTAGES[name]
    with owner.begin() as connection:
        database = connection.exec_driver_sql("SELECT current_database()").scalar()
        for part in statement.format(name=f'"{database}"').split("; "):
            connection.exec_driver_sql(part)
    try:
        hr._house.binding._inner.engine.dispose()  # settings of a database or user hold for new connections
        found = hr.care.evidence(only=[check])
        assert found.proof(check).status == "fail", found.proof(check)
        assert not any("could not be carried out" in text for text in found.proof(check).found), found.proof(check)
    finally:
        with owner.begin() as connection:
            connection.exec_driver_sql("ALTER ROLE fieldhr_evidence_app NOBYPASSRLS")
