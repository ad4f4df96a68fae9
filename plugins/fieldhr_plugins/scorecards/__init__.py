"""Appraisal: what reps did, what came of it and at what risk, each figure with what it rests on and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.hooks import Command, Offer, PluginInfo, RegistrationContext, hookimpl
from fieldhr_core.model import RoleWeights

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from fieldhr_core.hooks import Alerter, Composer, Scorer, Tracer
    from fieldhr_plugins.scorecards.effort import EffortScorer
    from fieldhr_plugins.scorecards.followup import FollowUpScorer
    from fieldhr_plugins.scorecards.results import ResultScorer
    from fieldhr_plugins.scorecards.risk import RiskScorer

__all__ = [
    "CARDS",
    "PLUGIN",
    "ScorecardSettings",
    "fieldhr_register_alerters",
    "fieldhr_register_commands",
    "fieldhr_register_scorers",
]

#: What counts how much, in percent, where a tenant says nothing else.
CARDS: Final[Mapping[str, RoleWeights]] = {
    "credit_manager": RoleWeights(
        roles=("credit_manager", "loan_officer"),
        weights={
            "credited_visits_per_day": 10,
            "timely_record_rate": 5,
            "inspection_rate": 10,
            "customer_rating": 5,
            "prompt_answer_rate": 5,
            "sales_per_20_days": 15,
            "conversion_rate": 8,
            "repurchase_rate": 7,
            "followup_pace": 5,
            "overdue_rate": 15,
            "high_risk_share": 5,
            "complaint_rate": 5,
            "upheld_alerts_per_20_days": 5,
        },
    ),
    "wealth_adviser": RoleWeights(
        roles=("wealth_adviser", "wealth_advisor", "adviser", "advisor"),
        weights={
            "credited_visits_per_day": 10,
            "talk_minutes_per_day": 5,
            "prompt_answer_rate": 10,
            "customer_rating": 10,
            "timely_record_rate": 5,
            "sales_per_20_days": 20,
            "conversion_rate": 10,
            "repurchase_rate": 15,
            "complaint_rate": 5,
            "cancellation_rate": 5,
            "upheld_alerts_per_20_days": 5,
        },
    ),
    "agent": RoleWeights(
        roles=("agent", "insurance_agent"),
        weights={
            "credited_visits_per_day": 10,
            "timely_record_rate": 5,
            "customer_rating": 10,
            "sales_per_20_days": 20,
            "conversion_rate": 10,
            "repurchase_rate": 30,
            "complaint_rate": 5,
            "cancellation_rate": 10,
        },
    ),
    "general": RoleWeights(
        weights={
            "credited_visits_per_day": 15,
            "timely_record_rate": 10,
            "prompt_answer_rate": 10,
            "customer_rating": 10,
            "sales_per_20_days": 20,
            "conversion_rate": 10,
            "repurchase_rate": 10,
            "complaint_rate": 10,
            "upheld_alerts_per_20_days": 5,
        },
    ),
}

_SHARE: Any = attrs.validators.and_(attrs.validators.ge(0), attrs.validators.le(1))
_CLOCK = attrs.validators.matches_re(r"([01]\d|2[0-3]):[0-5]\d")


@attrs.frozen(kw_only=True)
class ScorecardSettings:
    """What counts.

    Attributes:
        effective_visit_min: a stay at the customer of at least this many minutes is an effective visit.
        claim_slack_min: evidence this many minutes before or after a claimed span still belongs to it.
        lawful_categories: points of interest where anybody may wait on the way.
        joint_kinds: kinds of records that say a stay was spent with a customer or a colleague.
        short_kinds: kinds of records that say a visit was meant to be short: no inflation.
        won_stages, approved_stages, refused_stages, lost_stages: the host's words for how deals end, in lower case.
        record_within_h: a visit record is timely when it is written within so many hours of the visit.
        need_share: a record speaks of the stated need where it has at least so much of its terms (0-1).
        least_terms: a record with fewer different terms of its own says nothing.
        copied_bits: records whose fingerprints differ in so many of 64 bits, or fewer, are one text.
        copied_days: calendar days within which one text for two customers is a copy.
        next_step_days: a next step is kept within so many days of the day it was agreed for.
        inspection_kinds: an inspection is complete with one record of each kind.
        prompt_answer_h: an enquiry is answered promptly within so many hours.
        maturing_days: a customer is matured, and a repurchase to be expected, so long after the first purchase.
        cycle_window_days: deals opened within so many days before the end of the period tell of the follow-up cycle.
        industry_cycle_days: what the industry takes from the first visit to signing; ``None`` where no figure is known.
        industry_repurchase_rate: what the industry reaches; ``None`` where no figure is known.
        overdue_limit: a share of overdue loans above this calls for a look.
        complaint_limit: upheld complaints a customer dealt with above this call for a look.
        min_exposure: how many days, deals, loans or customers a component must rest on to count in a score.
        min_peers: fewer people of one role and territory are compared with everybody on the same scorecard.
        alerts_at: local time (``HH:MM``) at which score alerts of the month before are looked for, each day.
        inflation_days: days at customers over which visit inflation is looked for.
        period_end_days: last working days of a month on which contracts pile up.
        period_end_share: share of a month's contracts in them that calls for a look.
        cancelled_share: share of those cancelled that does.
        cooling_off_days: days a customer has to cancel.
        weights_label: the tenant's own name for these weights (``2026-Q2``); part of their version.
        cards: scorecard -> whom it is for and what counts how much, in percent.
    """

    effective_visit_min: float = attrs.field(default=15.0, validator=attrs.validators.ge(0))
    claim_slack_min: float = attrs.field(default=60.0, validator=attrs.validators.ge(0))
    lawful_categories: tuple[str, ...] = ("fuel", "car_repair", "charging", "parking", "transport", "toll", "bank")
    joint_kinds: tuple[str, ...] = ("joint_visit",)
    short_kinds: tuple[str, ...] = ("document", "pickup")
    won_stages: tuple[str, ...] = (
        *("won", "signed", "closed_won", "issued", "paid", "active", "sold", "converted"),
        *("成交", "已签约", "已成交", "承保"),
    )
    approved_stages: tuple[str, ...] = ("approved", "booked", "disbursed", "已批准", "已放款", "批准")
    refused_stages: tuple[str, ...] = ("rejected", "refused", "declined", "已拒绝", "拒绝")
    lost_stages: tuple[str, ...] = ("lost", "closed_lost", "withdrawn", "cancelled", "流失", "已失败")
    record_within_h: float = attrs.field(default=24.0, validator=attrs.validators.gt(0))
    prompt_answer_h: float = attrs.field(default=24.0, validator=attrs.validators.gt(0))
    maturing_days: int = attrs.field(default=180, validator=attrs.validators.ge(1))
    cycle_window_days: int = attrs.field(default=180, validator=attrs.validators.ge(7))
    industry_cycle_days: float | None = 30.0
    industry_repurchase_rate: float | None = 0.20
    overdue_limit: float = attrs.field(default=0.10, validator=_SHARE)
    complaint_limit: float = attrs.field(default=0.05, validator=_SHARE)
    min_exposure: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))
    min_peers: int = attrs.field(default=8, validator=attrs.validators.ge(2))
    need_share: float = attrs.field(default=0.5, validator=_SHARE)
    least_terms: int = attrs.field(default=4, validator=attrs.validators.ge(1))
    copied_bits: int = attrs.field(default=8, validator=attrs.validators.ge(0))
    copied_days: int = attrs.field(default=10, validator=attrs.validators.ge(1))
    next_step_days: float = attrs.field(default=2.0, validator=attrs.validators.ge(0))
    inspection_kinds: tuple[str, ...] = ("statement_analysis", "site_photo")
    alerts_at: str = attrs.field(default="06:30", validator=_CLOCK)
    inflation_days: int = attrs.field(default=6, validator=attrs.validators.ge(3))
    period_end_days: int = attrs.field(default=2, validator=attrs.validators.ge(1))
    period_end_share: float = attrs.field(default=0.5, validator=_SHARE)
    cancelled_share: float = attrs.field(default=0.4, validator=_SHARE)
    cooling_off_days: int = attrs.field(default=15, validator=attrs.validators.ge(1))
    weights_label: str = ""
    cards: Mapping[str, RoleWeights] = attrs.field(factory=lambda: dict(CARDS))

    @cards.validator
    def _weigh_what_there_is(self, _: object, cards: Mapping[str, RoleWeights]) -> None:
        from fieldhr_plugins.scorecards.weighing import COMPONENTS

        for name, card in cards.items():
            for metric, weight in card.weights.items():
                if metric not in COMPONENTS:
                    raise ValueError(f"{name} weighs {metric!r}; there are {', '.join(sorted(COMPONENTS))}")
                if not 0 <= weight < float("inf"):
                    raise ValueError(f"{name} gives {metric!r} the weight {weight}")
            if not any(weight > 0 for weight in card.weights.values()):
                raise ValueError(f"{name} has no weight above 0")


PLUGIN = PluginInfo(
    name="fieldhr.scorecards",
    version="0.2.0",
    summary="Process, result and risk per rep, team and branch with intervals; fair scorecards; alerts on scores.",
    purposes=("performance",),
    settings=ScorecardSettings,
)


@hookimpl
def fieldhr_register_scorers(
    context: RegistrationContext,
) -> Iterable[Offer[Scorer] | Offer[Composer] | Offer[Tracer]]:
    """Offer the scorers ``appraisal.*``, with the records behind them, and the composer ``scorecards``."""
    del context

    def process(settings: ScorecardSettings | None) -> Scorer:
        from fieldhr_plugins.scorecards.process import ProcessScorer

        return ProcessScorer(settings or ScorecardSettings())

    def effort(settings: ScorecardSettings | None) -> EffortScorer:
        from fieldhr_plugins.scorecards.effort import EffortScorer

        return EffortScorer(settings or ScorecardSettings())

    def followup(settings: ScorecardSettings | None) -> FollowUpScorer:
        from fieldhr_plugins.scorecards.followup import FollowUpScorer

        return FollowUpScorer(settings or ScorecardSettings())

    def results(settings: ScorecardSettings | None) -> ResultScorer:
        from fieldhr_plugins.scorecards.results import ResultScorer

        return ResultScorer(settings or ScorecardSettings())

    def risk(settings: ScorecardSettings | None) -> RiskScorer:
        from fieldhr_plugins.scorecards.risk import RiskScorer

        return RiskScorer(settings or ScorecardSettings())

    def compose(settings: ScorecardSettings | None) -> Composer:
        from fieldhr_plugins.scorecards.composing import CardComposer

        return CardComposer(settings or ScorecardSettings())

    offers: list[Offer[Any]] = [
        Offer("appraisal.process", process),
        Offer("appraisal.effort", effort),
        Offer("appraisal.followup", followup),
        Offer("appraisal.results", results),
        Offer("appraisal.risk", risk),
        # What measures also knows the records behind it.
        Offer("appraisal.effort", effort, role="trace"),
        Offer("appraisal.followup", followup, role="trace"),
        Offer("appraisal.results", results, role="trace"),
        Offer("appraisal.risk", risk, role="trace"),
        Offer("scorecards", compose, role="compose"),
    ]
    return offers


@hookimpl
def fieldhr_register_alerters(context: RegistrationContext) -> Iterable[Offer[Alerter]]:
    """Offer ``score.monthly``, ``score.gaming_suspected`` and ``behaviour.period_end_push``."""
    del context

    def monthly(settings: ScorecardSettings | None) -> Alerter:
        from fieldhr_plugins.scorecards.monthly import MonthlyAlerts

        return MonthlyAlerts(settings or ScorecardSettings())

    def inflation(settings: ScorecardSettings | None) -> Alerter:
        from fieldhr_plugins.scorecards.inflation import Inflation

        return Inflation(settings or ScorecardSettings())

    def period_end(settings: ScorecardSettings | None) -> Alerter:
        from fieldhr_plugins.scorecards.period_end import PeriodEndPush

        return PeriodEndPush(settings or ScorecardSettings())

    return [
        Offer("score.monthly", monthly, role="find"),
        Offer("score.gaming_suspected", inflation, role="find"),
        Offer("behaviour.period_end_push", period_end, role="find"),
    ]


@hookimpl
def fieldhr_register_commands() -> Iterable[Command]:
    """Offer ``scores cards``, ``scores report`` and ``scores behind``."""
    return [
        _command("cards", "Scorecards of a period, one line each; tries other weights."),
        _command("report", "The appraisal report of a rep, team, branch or everybody."),
        _command("behind", "The records that one figure was made of."),
    ]


def _command(name: str, summary: str) -> Command:
    # Imported when it is called: listing commands must stay cheap.
    def add(parser: argparse.ArgumentParser) -> None:
        from fieldhr_plugins.scorecards import commands

        getattr(commands, f"{name}_arguments")(parser)

    def act(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
        from fieldhr_plugins.scorecards import commands

        status: int = getattr(commands, name)(args, stdin, stdout)
        return status

    return Command(path=("scores", name), summary=summary, arguments=add, run=act)
