"""Baselines: the published rules of well-known trackers, in our own words, to stand beside ours in every report.

None of them is meant for use: they test a circle round each fix, or bridge silence as if somebody had stayed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from fieldhr_core.hooks import Offer, PluginInfo, hookimpl

if TYPE_CHECKING:
    from fieldhr_core.hooks import Resolver

__all__ = ["PLUGIN", "BaselineSettings"]


@attrs.frozen(kw_only=True)
class BaselineSettings:
    """What all baselines share.

    Attributes:
        dwell_limit_s: dwell over this is reported, breaks left out as for our own rule.
        lawful_categories: points of interest where anybody may wait.
        classic_radius_m: what ends a stay of the classic rule; this and the next two default to the published 200 m,
            30 min, 15 min.
        classic_stay_s: what makes one.
        classic_gap_s: silence after which it starts afresh.
    """

    dwell_limit_s: float = 1800.0
    lawful_categories: tuple[str, ...] = ("fuel", "car_repair", "charging", "parking", "transport", "toll", "bank")
    classic_radius_m: float = attrs.field(default=200.0, validator=attrs.validators.gt(0))
    classic_stay_s: float = attrs.field(default=1800.0, validator=attrs.validators.gt(0))
    classic_gap_s: float = attrs.field(default=900.0, validator=attrs.validators.gt(0))


PLUGIN = PluginInfo(
    name="fieldhr.baselines",
    version="0.1.0",
    summary="Published rules of other trackers (circle, traccar, cluster, classic), for comparison.",
    purposes=("visits",),
    settings=BaselineSettings,
)


@hookimpl
def fieldhr_register_locators() -> Iterable[Offer[Resolver]]:
    """Offer one resolver a published rule: ``circle``, ``traccar``, ``cluster``, ``classic``."""
    return [
        Offer("circle", _circle, role="resolve"),
        Offer("traccar", _traccar, role="resolve"),
        Offer("cluster", _cluster, role="resolve"),
        Offer("classic", _classic, role="resolve"),
    ]


def _circle(settings: Any) -> Resolver:
    from fieldhr_plugins.baselines.resolvers import CircleResolver

    return CircleResolver(settings)


def _traccar(settings: Any) -> Resolver:
    from fieldhr_plugins.baselines.resolvers import StopResolver
    from fieldhr_plugins.baselines.stops import traccar_stops

    return StopResolver(traccar_stops, settings)


def _cluster(settings: Any) -> Resolver:
    from fieldhr_plugins.baselines.resolvers import StopResolver
    from fieldhr_plugins.baselines.stops import cluster_stops

    return StopResolver(cluster_stops, settings)


def _classic(settings: Any) -> Resolver:
    from fieldhr_plugins.baselines.resolvers import StopResolver
    from fieldhr_plugins.baselines.stops import classic_stops

    own = settings or BaselineSettings()
    stops = partial(
        classic_stops,
        distance=own.classic_radius_m,
        minutes=own.classic_stay_s / 60.0,
        gap_minutes=own.classic_gap_s / 60.0,
    )
    return StopResolver(stops, own)
