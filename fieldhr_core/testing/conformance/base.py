"""What every kind of provider has to do, and how the kit calls it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings

from fieldhr_core.hooks.contracts import (
    STATEMENTS,
    misfit_of_statements,
    missing_in_provider,
)
from fieldhr_core.hooks.guard import Guard
from fieldhr_core.hooks.handle import ProviderHandle
from fieldhr_core.model import (
    Table,
)

__all__ = ["Conformance", "examples", "given_by", "rounded", "shuffled", "sorted_rows"]

#: No deadline and few examples: the kit must be quick in every plugin's own tests.
examples = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Conformance:
    """What the kinds share.

    Attributes:
        family: hook family (``scorers``).
        role: role within it, where it has several.
        optional: capabilities of this kind that a provider may or may not have, each with what it means.
        capabilities: those that this provider has.
        offer: family, role and name of the offer, where the class was made from one.
    """

    family: ClassVar[str]
    role: ClassVar[str] = ""
    optional: ClassVar[dict[str, str]] = {}
    capabilities: ClassVar[frozenset[str]] = frozenset()
    offer: ClassVar[tuple[str, str, str]] = ("", "", "")

    def make(self) -> Any:
        """Return a new provider, made as your offer makes it. Yours to define."""
        pytest.fail(f"{type(self).__name__} defines no make()")

    def fresh(self) -> ProviderHandle:
        """Return a handle on a new provider."""
        handle = ProviderHandle(
            plugin=type(self).__name__, family=self.family, role=self.role, name="", tenant="t-1", provider=self.make()
        )
        for statement in STATEMENTS.get((self.family, self.role), ()):
            handle.stated[statement] = getattr(handle.provider, statement, None)
        return handle

    def call(self, handle: ProviderHandle, method: str, *args: Any) -> Any:
        """Call a method as a runtime does: its answer is checked."""
        # One guard a call: the kit provokes failures, and a breaker would stop it after three.
        return Guard().call(handle, method, *args)

    def needs(self, capability: str) -> None:
        """Skip the test unless the provider has this capability."""
        if capability not in self.capabilities:
            pytest.skip(f"does not declare {capability!r}: {self.optional[capability]}")

    def test_capabilities_are_known(self) -> None:
        """A misspelt capability would silently skip its tests."""
        assert self.capabilities <= set(self.optional)

    def test_has_what_its_family_needs(self) -> None:
        """Methods are there, and what it states about itself makes sense."""
        handle = self.fresh()
        assert missing_in_provider(handle) is None
        assert misfit_of_statements(handle) is None

    def test_states_the_same_each_time(self) -> None:
        """Statements are read once, so they must not change."""
        assert self.fresh().stated == self.fresh().stated


def shuffled(table: Table) -> Table:
    """Return the rows in another order."""
    # Every second row from the end, then the others: two rows already change places.
    rows = list(range(len(table)))
    return table.take([*rows[::-2], *rows[-2::-2]]) if rows else table


def sorted_rows(table: Table) -> list[str]:
    """Return the rows as text, in an order that depends on them alone."""
    return sorted(json.dumps({name: rounded(value) for name, value in row.items()}) for row in table.rows())


def rounded(value: Any) -> Any:
    """Return a value without the last bits of its floats, on which the order of adding may bear."""
    # Sums in another order differ in the last bits.
    return f"{value:.9g}" if isinstance(value, float) else value


def given_by(found: Sequence[Any], name: str) -> list[Any]:
    """Return the samples a suite gives; without any the test is skipped, and says so."""
    if not found:
        pytest.skip(f"{name}() gives none")
    return list(found)
