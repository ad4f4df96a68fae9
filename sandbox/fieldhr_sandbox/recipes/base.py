"""What a recipe says."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from fieldhr_core.model import WorkPattern

__all__ = ["Recipe"]


@attrs.frozen(kw_only=True)
class Recipe:
    """One kind of house.

    Attributes:
        name: as in ``fieldhr trial``.
        title: shown in reports.
        role: role of its reps, in the host's words.
        products: product classes its reps speak of.
        needs: what customers want, one of which each customer has.
        cities: cities it may lie in; the seed picks one.
        firm_share: share of customers that are firms; the others are people.
        customers_per_rep: how many customers a rep holds.
        trip_median_m, trip_sigma: log-normal distance of customers from the rep's office, urban; *rural_factor* times
            that for rural reps.
        rural_share: share of reps with a rural territory.
        visits_mean: effective visits per rep-day before any dial is turned.
        stay_median_s, stay_sigma: log-normal length of a visit.
        pattern: when its reps work.
        sold: names of products that are sold to somebody.
        banned, allowed: what reps may not say and what only sounds like it; empty: as in a bank.
        without: rows of the scenario book that this kind of house knows nothing of.
        poi_counts: points of interest per branch by category.
    """

    name: str
    title: str
    role: str
    products: tuple[str, ...]
    needs: tuple[str, ...]
    cities: tuple[str, ...]
    firm_share: float = 0.8
    customers_per_rep: int = 60
    trip_median_m: float = 4500.0
    trip_sigma: float = 0.65
    rural_factor: float = 4.2
    rural_share: float = 0.1
    visits_mean: float = 2.0
    stay_median_s: float = 33 * 60.0
    stay_sigma: float = 0.35
    pattern: WorkPattern = attrs.field(factory=WorkPattern)
    sold: tuple[str, ...] = ("澄荻净值1号", "漱霁稳进90天", "槐岑进取2号")
    banned: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    poi_counts: Mapping[str, int]
