"""Behaviour over days: the two customary rules, made fair, and what is learned from own past and peers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from fieldhr_core.hooks import Offer, PluginInfo, RegistrationContext, hookimpl

if TYPE_CHECKING:
    from fieldhr_core.hooks import Alerter

__all__ = ["PLUGIN", "BehaviourSettings", "LearnedSettings", "fieldhr_register_alerters"]


@attrs.frozen(kw_only=True)
class LearnedSettings:
    """Thresholds of what is learned from own past and peers.

    Attributes:
        baseline_days, least_baseline_days: judged days of own past that are looked at, and that there must be.
        change_days: judged days that a change must have lasted before it is told.
        change_ratio: visits since the change to what own past and peers let expect; above this nothing is said.
        half_ratio: the same in each half of the days since: one bad week is no change.
        late_ratio: the same in the last three days: what is over is no change, either.
        change_score: standard errors, all features together, that it takes.
        branch_share: share of a branch's reps that must do less for it to be the branch's change.
        budget_per_manager_week: changes a manager is asked to look at in a week; weaker ones beyond it come as low.
        overload_window_days, overload_heavy_days: heavy days among so many judged days that it takes.
        overload_visits: visits in the window to own past that it takes.
        long_day_h: hours from the first to the last trace of work that make a day heavy; a record written two hours
            after duty does, too.
        pause_h: hours of such a day that are taken for pauses.
        overtime_h: overtime that the rule named next allows in a month of 22 working days.
        overtime_rule: the rule that is cited where it is broken.
        potential_days: judged days over which the share of visits to customers of high potential is taken.
        potential_share: share before it below which nothing is said.
        potential_ratio: share in them to that before above which nothing is said.
        potential_list_ratio: share in them to that of such customers in the rep's list above which nothing is said.
        potential_z: standard errors that it takes; potential_visits: visits that there must be on either side.
        lasting_days: evenings for which later data may still take it back.
    """

    baseline_days: int = attrs.field(default=20, validator=attrs.validators.ge(5))
    least_baseline_days: int = attrs.field(default=12, validator=attrs.validators.ge(3))
    change_days: int = attrs.field(default=8, validator=attrs.validators.ge(4))
    change_ratio: float = attrs.field(default=0.70, validator=attrs.validators.gt(0))
    half_ratio: float = attrs.field(default=0.82, validator=attrs.validators.gt(0))
    late_ratio: float = attrs.field(default=0.9, validator=attrs.validators.gt(0))
    change_score: float = attrs.field(default=4.0, validator=attrs.validators.gt(0))
    branch_share: float = attrs.field(default=0.6, validator=attrs.validators.gt(0))
    budget_per_manager_week: int = attrs.field(default=2, validator=attrs.validators.ge(0))
    overload_window_days: int = attrs.field(default=10, validator=attrs.validators.ge(4))
    overload_heavy_days: int = attrs.field(default=8, validator=attrs.validators.ge(4))
    overload_visits: float = attrs.field(default=1.3, validator=attrs.validators.gt(0))
    long_day_h: float = attrs.field(default=10.5, validator=attrs.validators.gt(0))
    pause_h: float = attrs.field(default=1.5, validator=attrs.validators.ge(0))
    overtime_h: float = attrs.field(default=36.0, validator=attrs.validators.ge(0))
    overtime_rule: str = "Labour Law of the PRC, art. 41"
    potential_days: int = attrs.field(default=22, validator=attrs.validators.ge(5))
    potential_share: float = attrs.field(default=0.25, validator=attrs.validators.gt(0))
    potential_ratio: float = attrs.field(default=0.5, validator=attrs.validators.gt(0))
    potential_list_ratio: float = attrs.field(default=0.65, validator=attrs.validators.gt(0))
    potential_z: float = attrs.field(default=3.0, validator=attrs.validators.gt(0))
    potential_visits: int = attrs.field(default=15, validator=attrs.validators.ge(5))
    lasting_days: int = attrs.field(default=6, validator=attrs.validators.ge(1))


@attrs.frozen(kw_only=True)
class BehaviourSettings:
    """Thresholds of both rules, and of what is learned.

    Attributes:
        no_followup_days: expected working days without any record that open a case.
        no_followup_repeat_days: lengths of the same run at which its case is brought up again.
        low_visits_window_days: expected working days the mean is taken over.
        low_visits_per_day: a full-time rep's mean below this (strictly) opens a case; scaled by the contract share.
        low_territory_share: where the peers' own median lies below the threshold: a case opens only below this share of
            both the peers' median and the rep's own past.
        min_peers: fewer peers than this say nothing about a territory.
        new_rep_days: calendar days after joining in which nobody is judged.
        fresh_start_days: a gap of at least this many calendar days between expected days starts everything afresh.
        settling_days: expected days after such a gap that are not judged.
        judged_at: local wall time (``HH:MM``) of the daily judgement.
        learned: what is learned from own past and peers.
        show_stock_rules: whether the usual, unfair forms of both rules are computed beside them (``baseline.*``), for
            the administrator only.
    """

    no_followup_days: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    no_followup_repeat_days: tuple[int, ...] = (5, 10)
    low_visits_window_days: int = attrs.field(default=5, validator=attrs.validators.ge(1))
    low_visits_per_day: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    low_territory_share: float = attrs.field(default=0.5, validator=attrs.validators.gt(0))
    min_peers: int = attrs.field(default=4, validator=attrs.validators.ge(1))
    new_rep_days: int = attrs.field(default=20, validator=attrs.validators.ge(0))
    fresh_start_days: int = attrs.field(default=14, validator=attrs.validators.ge(2))
    settling_days: int = attrs.field(default=3, validator=attrs.validators.ge(0))
    judged_at: str = attrs.field(default="18:05", validator=attrs.validators.matches_re(r"([01]\d|2[0-3]):[0-5]\d"))
    learned: LearnedSettings = attrs.field(factory=LearnedSettings)
    show_stock_rules: bool = False


PLUGIN = PluginInfo(
    name="fieldhr.behaviour",
    version="0.1.0",
    summary="No record on three working days; under one visit a day; lasting changes against own past and peers.",
    purposes=("supervision",),
    settings=BehaviourSettings,
)


@hookimpl
def fieldhr_register_alerters(context: RegistrationContext) -> Iterable[Offer[Alerter]]:
    """Offer the two customary rules and what is learned."""
    del context

    def no_followup(settings: BehaviourSettings | None) -> Alerter:
        from fieldhr_plugins.behaviour.no_followup import NoFollowUp

        return NoFollowUp(settings or BehaviourSettings())

    def low_visits(settings: BehaviourSettings | None) -> Alerter:
        from fieldhr_plugins.behaviour.low_visits import LowVisits

        return LowVisits(settings or BehaviourSettings())

    def learned(settings: BehaviourSettings | None) -> Alerter:
        from fieldhr_plugins.behaviour.learned import Learned

        return Learned(settings or BehaviourSettings())

    def stock(settings: BehaviourSettings | None) -> Alerter:
        from fieldhr_plugins.behaviour.stock import StockRules

        return StockRules(settings or BehaviourSettings())

    return [
        Offer("behaviour.no_followup", no_followup, role="find"),
        Offer("behaviour.low_visits", low_visits, role="find"),
        Offer("behaviour.learned", learned, role="find"),
        Offer("behaviour.stock", stock, role="find"),
    ]
