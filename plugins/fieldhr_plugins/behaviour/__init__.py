"""Behaviour over days: the two customary rules, made fair. No record for three days; under one visit a day."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from fieldhr_core.hooks import Offer, PluginInfo, RegistrationContext, hookimpl

if TYPE_CHECKING:
    from fieldhr_core.hooks import Alerter

__all__ = ["PLUGIN", "BehaviourSettings", "fieldhr_register_alerters"]


@attrs.frozen(kw_only=True)
class BehaviourSettings:
    """Thresholds of both rules.

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


PLUGIN = PluginInfo(
    name="fieldhr.behaviour",
    version="0.1.0",
    summary="No follow-up record on three working days; under one visit a day. Both readings, fair to absence.",
    settings=BehaviourSettings,
)


@hookimpl
def fieldhr_register_alerters(context: RegistrationContext) -> Iterable[Offer[Alerter]]:
    """Offer ``behaviour.no_followup`` and ``behaviour.low_visits``."""
    del context

    def no_followup(settings: BehaviourSettings | None) -> Alerter:
        from fieldhr_plugins.behaviour.no_followup import NoFollowUp

        return NoFollowUp(settings or BehaviourSettings())

    def low_visits(settings: BehaviourSettings | None) -> Alerter:
        from fieldhr_plugins.behaviour.low_visits import LowVisits

        return LowVisits(settings or BehaviourSettings())

    return [
        Offer("behaviour.no_followup", no_followup, role="find"),
        Offer("behaviour.low_visits", low_visits, role="find"),
    ]
