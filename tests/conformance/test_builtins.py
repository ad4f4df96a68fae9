"""Every offer of every built-in plugin passes the kit that strangers run, made as a runtime makes it."""

from __future__ import annotations

from typing import ClassVar

import pytest

from fieldhr_core.hooks import PluginStatus
from fieldhr_core.hooks.builtin import BUILTIN
from fieldhr_core.hooks.discovery import builtin_candidates
from fieldhr_core.hooks.loader import FAMILIES, Registry
from fieldhr_core.testing.conformance import ApplicationConformance, Conformance
from fieldhr_core.testing.installed import suites_for

REGISTRY = Registry()
REGISTRY.load_found(builtin_candidates())

#: Capabilities beyond what every provider of the kind has: (family, role, offer) -> capabilities.
CAPABILITIES: dict[tuple[str, str, str], frozenset[str]] = {
    ("locators", "resolve", "places"): frozenset({"verdicts", "silence", "homes"}),
}

#: Offers that need a source or an addressee to do anything: they run the kit with one, in the file named.
ELSEWHERE = {
    "files": "test_built_in_people_and_records.py",
    "tryton": "../tryton/test_crm_tryton.py",
    "sql": "../plugins/test_crm_sql.py",
    "rest": "../plugins/test_crm_rest.py",
    "file": "test_built_in_people_and_records.py",
    "webhook": "test_built_in_people_and_records.py",
}


def _suites() -> dict[str, type[Conformance | ApplicationConformance]]:
    found: dict[str, type[Conformance | ApplicationConformance]] = {}
    for plugin in REGISTRY.plugins:
        found |= suites_for(REGISTRY, plugin)
    return found


def _declared(suite: type[Conformance | ApplicationConformance]) -> type[Conformance | ApplicationConformance]:
    class Declared(suite):  # type: ignore[misc, valid-type]  # the class is made at run time
        capabilities: ClassVar[frozenset[str]] = CAPABILITIES.get(suite.offer, frozenset())

    Declared.__name__ = Declared.__qualname__ = suite.__name__
    return Declared


globals().update({name: _declared(suite) for name, suite in _suites().items() if suite.offer[2] not in ELSEWHERE})


@pytest.mark.req("H1")
def test_every_built_in_plugin_is_active() -> None:
    assert [report for report in REGISTRY.reports if report.status is not PluginStatus.ACTIVE] == []
    assert len(REGISTRY.plugins) == len(BUILTIN)


@pytest.mark.req("H1")
def test_every_family_has_a_built_in_in_every_role() -> None:
    for family, roles in FAMILIES.items():
        for role in roles:
            assert REGISTRY.offers(family, role), (family, role)


def test_what_is_tested_elsewhere_is_tested_there(request: pytest.FixtureRequest) -> None:
    known = {offer.name for family in FAMILIES for offer in REGISTRY.offers(family)}
    assert set(ELSEWHERE) <= known
    for file in set(ELSEWHERE.values()):
        assert "Conformance)" in (request.path.parent / file).read_text(encoding="utf-8")


def test_capabilities_name_offers_that_exist() -> None:
    for family, role, name in CAPABILITIES:
        assert REGISTRY.offer(family, name, role)
