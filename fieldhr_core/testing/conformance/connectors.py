"""Connectors to other systems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

import attrs
import pytest

from fieldhr_core.errors import PluginCallError
from fieldhr_core.hooks.handle import ProviderHandle
from fieldhr_core.hooks.providers import Pulled
from fieldhr_core.model import (
    STAYS,
)
from fieldhr_core.testing.conformance.base import Conformance
from fieldhr_core.testing.samples import (
    sample_tables,
)

__all__ = ["ConnectorConformance"]

#: More pages than any sample should need; a connector that goes on after them never ends.
_PAGES: Final = 1000


class ConnectorConformance(Conformance):
    """CRM connector: define ``make`` so that it reads a small sample of your own (a file, a fake server)."""

    family = "connectors"
    optional: ClassVar[dict[str, str]] = {
        "push": "writes visits back",
        "incremental": "returns only what changed since the cursor",
    }

    def make_broken(self) -> Any:
        """Return a provider whose source is down or unreadable; ``None`` skips that test."""
        return None

    def test_pulling_ends(self) -> None:
        """Page after page, there is a last one."""
        assert self.pull_all(self.fresh())

    def test_brings_customers_once_each(self) -> None:
        """The sample holds customers, and no id comes twice in one run."""
        ids = [customer.id for page in self.pull_all(self.fresh()) for customer in page.customers]
        assert ids, "make() should read a sample with customers"
        assert len(set(ids)) == len(ids)
        assert all(ids), "every customer has an id"

    def test_same_answer_each_time(self) -> None:
        """Two new providers bring the same from the same source."""
        assert _what_was_pulled(self.pull_all(self.fresh())) == _what_was_pulled(self.pull_all(self.fresh()))

    def test_a_cursor_survives_the_provider(self) -> None:
        """Another process goes on where this one stopped, and nothing is lost."""
        handle = self.fresh()
        first: Pulled = self.call(handle, "pull", None)
        rest = self.pull_all(self.fresh(), first.cursor) if first.more else []
        ids = {customer.id for page in [first, *rest] for customer in page.customers}
        assert ids == {customer.id for page in self.pull_all(self.fresh()) for customer in page.customers}

    def test_nothing_new_brings_nothing(self) -> None:
        """From the last cursor on, an unchanged source has nothing."""
        self.needs("incremental")
        cursor = self.pull_all(self.fresh())[-1].cursor
        assert cursor is not None
        assert [customer for page in self.pull_all(self.fresh(), cursor) for customer in page.customers] == []

    def test_problems_tell_without_naming_people(self) -> None:
        """Problems have a dotted code and a sentence; no customer's name stands in them."""
        pages = self.pull_all(self.fresh())
        names = {customer.name for page in pages for customer in page.customers if customer.name}
        for problem in (problem for page in pages for problem in page.problems):
            assert "." in problem.code, problem
            assert problem.message, problem
            assert not any(name in problem.message for name in names), problem

    def test_nothing_to_push_is_no_problem(self) -> None:
        """An empty batch is no special case."""
        assert list(self.call(self.fresh(), "push", STAYS.empty())) == []

    def test_a_read_only_source_says_so_for_every_row(self) -> None:
        """Without the capability ``push``, each visit comes back as one problem."""
        if "push" in self.capabilities:
            pytest.skip("declares 'push'")
        visits = sample_tables()[STAYS]
        assert len(self.call(self.fresh(), "push", visits)) == len(visits)

    def test_visits_are_written_back(self) -> None:
        """With the capability ``push``, ordinary visits are taken without a problem."""
        self.needs("push")
        assert list(self.call(self.fresh(), "push", sample_tables()[STAYS])) == []

    def test_a_source_that_is_down_raises(self) -> None:
        """Down is not empty: an empty answer would make every customer look gone."""
        broken = self.make_broken()
        if broken is None:
            pytest.skip("make_broken() gives none")
        handle = attrs.evolve(self.fresh(), provider=broken)
        with pytest.raises(PluginCallError):
            self.call(handle, "pull", None)

    def pull_all(self, handle: ProviderHandle, cursor: str | None = None) -> list[Pulled]:
        """Pull page after page until there is no more."""
        pages: list[Pulled] = []
        while True:
            page: Pulled = self.call(handle, "pull", cursor)
            pages.append(page)
            cursor = page.cursor
            if not page.more:
                return pages
            assert len(pages) < _PAGES, f"still more after {_PAGES} pages"


def _what_was_pulled(pages: Iterable[Pulled]) -> list[tuple[list[Any], list[Any], list[str], list[Any]]]:
    return [(list(page.customers), list(page.deals), list(page.gone), list(page.problems)) for page in pages]
