"""What a plugin author writes, and the types that checkers must see in it. Checked, never run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_type

import attrs

from fieldhr_core.hooks import Alerter, Check, Decoder, Offer, PluginInfo, RegistrationContext, Scorer, Tables, hookimpl
from fieldhr_core.model import (
    METRICS,
    STAYS,
    Decoded,
    Envelope,
    Finding,
    Metric,
    Outcome,
    Ruling,
    Submission,
    Table,
)


@attrs.frozen(kw_only=True)
class Settings:
    """Settings of the sample plugin."""

    limit_m: float = 150.0


PLUGIN = PluginInfo(name="acme.sample", version="1.0", settings=Settings)


class Pages:
    """A decoder."""

    def __init__(self, settings: Settings) -> None:
        self.limit_m = settings.limit_m

    def decode(self, envelopes: Sequence[Envelope], /) -> Sequence[Decoded]:
        """Decode nothing."""
        return [Decoded(ignored="sample.nothing") for _ in envelopes]


class Longest:
    """A scorer."""

    metrics = (Metric(name="longest_stay_min", unit="min", direction="none", doc="Longest stay."),)

    def score(self, tables: Tables, /) -> Table:
        """Score nothing."""
        assert_type(tables[STAYS], Table)
        return METRICS.empty()


class Quiet:
    """An alerter."""

    codes = ("sample.never",)
    cadence = "live"
    days = 1

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Find nothing."""
        return ()


class Lenient:
    """A check."""

    kinds = ("message",)

    def check(self, submissions: Sequence[Submission], /) -> Sequence[Ruling]:
        """Clear everything."""
        return [Ruling(submission=submission.id, outcome=Outcome.CLEARED) for submission in submissions]


class RowByRow:
    """What a decoder must not look like: one envelope instead of a batch."""

    def decode(self, envelope: Envelope, /) -> Decoded:
        """Decode nothing."""
        return Decoded(ignored="sample.nothing")


@hookimpl
def fieldhr_register_locators(context: RegistrationContext) -> Iterable[Offer[Decoder]]:
    """Offer the decoder."""
    assert_type(context.tenants, tuple[str, ...])
    return [Offer("pages", Pages, role="decode")]


@hookimpl
def fieldhr_register_checks() -> Iterable[Offer[Check]]:
    """Offer the check: an implementation takes only the arguments it needs."""
    return [Offer("lenient", lambda _settings: Lenient())]


scorer: Scorer = Longest()
alerter: Alerter = Quiet()
refused: Decoder = RowByRow()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
