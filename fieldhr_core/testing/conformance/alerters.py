"""Alerters, and the channels their alerts go out on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import attrs
import pytest

from fieldhr_core.errors import PluginCallError
from fieldhr_core.hooks.providers import Notice, Tables
from fieldhr_core.model import (
    Finding,
)
from fieldhr_core.testing.conformance.base import Conformance, shuffled
from fieldhr_core.testing.fakes import FakeTables
from fieldhr_core.testing.samples import (
    sample_notice,
    sample_tables,
)

__all__ = ["AlerterConformance", "ChannelConformance"]


class AlerterConformance(Conformance):
    """Alerter, role ``find``: define ``make``, and ``alarming`` with what it must find."""

    family = "alerters"
    role = "find"

    def quiet(self) -> FakeTables:
        """Return tables in which it must find nothing; by default an ordinary week of two reps."""
        return sample_tables()

    def alarming(self) -> FakeTables | None:
        """Return tables in which it must find something; ``None`` skips those tests."""
        return None

    def test_nothing_is_found_in_nothing(self) -> None:
        """No data is no reason for an alert."""
        assert list(self.find(FakeTables())) == []

    def test_an_ordinary_week_is_quiet(self) -> None:
        """People who do their work hear nothing."""
        assert list(self.find(self.quiet())) == []

    def test_what_must_be_found_is_found(self) -> None:
        """The rule bites."""
        assert self.find(self._alarming())

    def test_findings_rest_on_evidence(self) -> None:
        """Each names stored records, what decided and the thresholds in force, and could be known by then."""
        tables = self._alarming()
        for finding in self.find(tables):
            assert finding.evidence, finding
            assert all(evidence.ids for evidence in finding.evidence), finding
            assert finding.rule, finding
            assert finding.version, finding
            assert finding.opened_at <= tables.as_of, finding

    def test_findings_are_plain_data(self) -> None:
        """Facts, parameters and thresholds are JSON."""
        for finding in self.find(self._alarming()):
            parts = [finding.params, finding.thresholds, *(evidence.facts for evidence in finding.evidence)]
            json.dumps([dict(part) for part in parts], allow_nan=False)

    def test_same_answer_each_time(self) -> None:
        """The same tables give the same findings, from a used provider too: an alerter remembers nothing."""
        handle, tables = self.fresh(), self._alarming()
        first = _keyed(self.call(handle, "find", tables))
        self.call(handle, "find", FakeTables())
        assert _keyed(self.call(handle, "find", tables)) == first

    def test_order_of_rows_does_not_matter(self) -> None:
        """Late and unordered data give the same findings."""
        tables = self._alarming()
        assert _keyed(self.find(tables.map(shuffled))) == _keyed(self.find(tables))

    def find(self, tables: Tables) -> Sequence[Finding]:
        """Find with a new provider."""
        found: Sequence[Finding] = self.call(self.fresh(), "find", tables)
        return found

    def _alarming(self) -> FakeTables:
        tables = self.alarming()
        if tables is None:
            pytest.skip("alarming() gives none")
        return tables


class ChannelConformance(Conformance):
    """Alerter, role ``deliver``: define ``make`` so that nothing leaves the machine, and declare ``deliver``."""

    family = "alerters"
    role = "deliver"
    optional: ClassVar[dict[str, str]] = {"deliver": "make() gives a channel that may be used in a test"}

    def make_broken(self) -> Any:
        """Return a channel whose other end is down; ``None`` skips that test."""
        return None

    def notices(self) -> Sequence[Notice]:
        """Return what is to be delivered."""
        return [
            sample_notice("n-1"),
            sample_notice("n-2", "\u5f20\u4e09 \u5728\u5546\u573a 40 \u5206\u949f \U0001f600"),
            sample_notice("n-3", "line one\nline two\r\n\ttab \x00 end"),
            sample_notice("n-4", "long " * 5000),
        ]

    def test_nothing_in_nothing_out(self) -> None:
        """An empty batch is no special case."""
        assert list(self.call(self.fresh(), "deliver", [])) == []

    def test_every_notice_gets_an_answer_in_order(self) -> None:
        """Also those with odd or long texts."""
        self.needs("deliver")
        notices = self.notices()
        answers = self.call(self.fresh(), "deliver", notices)
        assert [answer.notice for answer in answers] == [notice.id for notice in notices]
        assert answers[0].status == "sent"

    def test_a_retry_is_no_error(self) -> None:
        """The same notice again is sent again or known to be sent, never refused."""
        self.needs("deliver")
        handle, notices = self.fresh(), [sample_notice("n-1")]
        for _ in range(2):
            (answer,) = self.call(handle, "deliver", notices)
            assert answer.status == "sent"

    def test_a_channel_that_is_down_says_so(self) -> None:
        """Nothing is called sent that was not."""
        broken = self.make_broken()
        if broken is None:
            pytest.skip("make_broken() gives none")
        handle = attrs.evolve(self.fresh(), provider=broken)
        try:
            answers = self.call(handle, "deliver", [sample_notice()])
        except PluginCallError:
            return
        for answer in answers:
            assert answer.status != "sent"
            assert answer.reason


def _keyed(findings: Iterable[Finding]) -> dict[tuple[str, str, str], Finding]:
    return {(finding.code, finding.subject, finding.instance): finding for finding in findings}
