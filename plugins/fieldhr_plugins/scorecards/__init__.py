"""Appraisal metrics: what reps did, each figure with what it rests on and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from fieldhr_core.hooks import Offer, PluginInfo, RegistrationContext, hookimpl

if TYPE_CHECKING:
    from fieldhr_core.hooks import Scorer

__all__ = ["PLUGIN", "ScorecardSettings", "fieldhr_register_scorers"]


@attrs.frozen(kw_only=True)
class ScorecardSettings:
    """What counts.

    Attributes:
        effective_visit_min: a stay at the customer of at least this many minutes is an effective visit.
        claim_slack_min: evidence this many minutes before or after a claimed span still belongs to it.
        lawful_categories: points of interest where anybody may wait on the way.
        joint_kinds: kinds of records that say a stay was spent with a customer or a colleague.
    """

    effective_visit_min: float = attrs.field(default=15.0, validator=attrs.validators.ge(0))
    claim_slack_min: float = attrs.field(default=60.0, validator=attrs.validators.ge(0))
    lawful_categories: tuple[str, ...] = ("fuel", "car_repair", "charging", "parking", "transport", "toll", "bank")
    joint_kinds: tuple[str, ...] = ("joint_visit",)


PLUGIN = PluginInfo(
    name="fieldhr.scorecards",
    version="0.1.0",
    summary="Process metrics per rep, team, branch and tenant, with exposure and 95 % intervals.",
    settings=ScorecardSettings,
)


@hookimpl
def fieldhr_register_scorers(context: RegistrationContext) -> Iterable[Offer[Scorer]]:
    """Offer ``appraisal.process``."""
    del context

    def process(settings: ScorecardSettings | None) -> Scorer:
        from fieldhr_plugins.scorecards.process import ProcessScorer

        return ProcessScorer(settings or ScorecardSettings())

    return [Offer("appraisal.process", process)]
