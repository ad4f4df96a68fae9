"""Compliance checks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs

from fieldhr_core.errors import PluginError
from fieldhr_core.model import (
    Outcome,
    Ruling,
    Submission,
)
from fieldhr_core.testing.conformance.base import Conformance, given_by
from fieldhr_core.testing.samples import (
    NINE,
    sample_customer,
    sample_message,
)

__all__ = ["CheckConformance"]


class CheckConformance(Conformance):
    """Compliance check: define ``make``, and ``to_stop`` and ``to_clear`` with what you know the answer to."""

    family = "checks"

    def values(self, kind: str) -> Sequence[Any]:
        """Return ordinary and odd values of one kind of submission."""
        if kind == "message":
            texts = [
                "",
                "Good morning.",
                "\u60a8\u597d",
                "x" * 20_000,
                "\x00\u202e\U0001f600",
                "a\nb\tc",
                "%s {0} <b> ' \"",
            ]
            return [sample_message(text, f"m-{number}") for number, text in enumerate(texts)]
        if kind == "customer":
            return [sample_customer(), attrs.evolve(sample_customer("c-2"), name="\u5f20\u4e09", addresses=())]
        return ()

    def to_stop(self) -> Sequence[Submission]:
        """Return submissions that must not be cleared."""
        return ()

    def to_clear(self) -> Sequence[Submission]:
        """Return submissions that must be cleared."""
        return ()

    def test_states_a_kind(self) -> None:
        """A check that looks at nothing checks nothing."""
        assert self.fresh().stated["kinds"]

    def test_nothing_in_nothing_out(self) -> None:
        """An empty batch is no special case."""
        assert list(self.check([])) == []

    def test_odd_values_get_a_ruling(self) -> None:
        """Empty, long and strange texts are ruled on, one ruling each."""
        submissions = self._submissions()
        assert len(self.check(submissions)) == len(submissions)

    def test_each_submission_is_ruled_on_for_itself(self) -> None:
        """What else is in the batch changes nothing, and neither does the order."""
        submissions = self._submissions()
        alone = [self.check([submission])[0] for submission in submissions]
        assert list(self.check(submissions)) == alone
        assert list(self.check(submissions[::-1]))[::-1] == alone

    def test_same_answer_each_time(self) -> None:
        """The same submissions get the same rulings, from a used provider too."""
        handle, submissions = self.fresh(), self._submissions()
        assert list(self.call(handle, "check", submissions)) == list(self.call(handle, "check", submissions))

    def test_what_cannot_be_read_is_not_cleared(self) -> None:
        """A value that is not there raises or goes to a person: a check fails closed."""
        for kind in self.fresh().stated["kinds"]:
            try:
                (ruling,) = self.check([Submission(id="s-0", kind=kind, value=None, at=NINE)])
            except PluginError:
                continue
            assert ruling.outcome is not Outcome.CLEARED, kind

    def test_what_must_stop_is_not_cleared(self) -> None:
        """With grounds that name rule and source."""
        for ruling in self.check(given_by(self.to_stop(), "to_stop")):
            assert ruling.outcome is not Outcome.CLEARED, ruling
            assert ruling.grounds, ruling
            assert all(ground.rule and ground.source for ground in ruling.grounds), ruling

    def test_what_must_be_cleared_is_cleared(self) -> None:
        """A check that stops everything is of no use."""
        for ruling in self.check(given_by(self.to_clear(), "to_clear")):
            assert ruling.outcome is Outcome.CLEARED, ruling

    def test_rulings_are_plain_data(self) -> None:
        """Facts of grounds are JSON."""
        for ruling in self.check([*self._submissions(), *self.to_stop()]):
            json.dumps([dict(ground.facts) for ground in ruling.grounds], allow_nan=False)

    def check(self, submissions: Sequence[Submission]) -> Sequence[Ruling]:
        """Check with a new provider."""
        rulings: Sequence[Ruling] = self.call(self.fresh(), "check", submissions)
        return rulings

    def _submissions(self) -> list[Submission]:
        return [
            Submission(id=f"s-{kind}-{number}", kind=kind, value=value, at=NINE)
            for kind in self.fresh().stated["kinds"]
            for number, value in enumerate(self.values(kind))
        ]
