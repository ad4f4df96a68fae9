"""What decided cases say about the rules that raised them: precision, a threshold's alternatives, and fairness."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

__all__ = ["Comparison", "GroupRate", "RulePrecision", "Sweep", "SweepStep"]


@attrs.frozen(kw_only=True)
class RulePrecision:
    """How often people found a rule right.

    Attributes:
        code, pattern: the rule and, where it names one, the class of its findings; an empty pattern: all of them.
        raised: cases in all; upheld, dismissed: decided by a person; withdrawn, expired, open: not.
        precision: upheld of those decided; ``None`` where none is. low, high: its 95 % Wilson interval.
        expected: share of the next ones that will be upheld, by what is known; orders the inbox.
        is_quiet: its minor findings wait for the digest, because nearly all were dismissed.
    """

    code: str
    pattern: str
    raised: int
    upheld: int
    dismissed: int
    withdrawn: int
    expired: int
    open: int
    precision: float | None
    low: float
    high: float
    expected: float
    is_quiet: bool


@attrs.frozen(kw_only=True)
class SweepStep:
    """What a rule would have raised at one value of a setting.

    Attributes:
        value: of the setting; is_in_force: whether it is the tenant's.
        alerts: how many it would have raised; fresh: those of them that were not.
        missed: upheld cases that it would not have raised; spared: dismissed ones that it would not have.
    """

    value: Any
    is_in_force: bool
    alerts: int
    fresh: int
    missed: int
    spared: int


@attrs.frozen(kw_only=True)
class Sweep:
    """A rule run again over past days with other values of one setting.

    Attributes:
        plugin, setting: which, as a path (``low_visits_per_day``, ``learned.change_ratio``).
        proposed: the value that spares the most dismissed cases without missing one that was upheld; ``None``: none
            is better than the one in force, or nothing was decided yet. Only a person applies it.
    """

    code: str
    plugin: str
    setting: str
    first: date
    last: date
    steps: tuple[SweepStep, ...]
    proposed: Any


@attrs.frozen(kw_only=True)
class GroupRate:
    """How often a group of reps is told on.

    Attributes:
        reps, rep_weeks: how many, and working weeks of theirs.
        alerts: cases about them, withdrawn ones left out; flagged: reps with at least one.
        per_rep_week: alerts a working week.
    """

    group: str
    reps: int
    rep_weeks: float
    alerts: int
    flagged: int
    per_rep_week: float


@attrs.frozen(kw_only=True)
class Comparison:
    """The groups of one attribute beside each other.

    Attributes:
        code: of the alerts; empty: of all.
        attribute: ``territory``, ``contract``, ``service``, ``branch``, or a trait the host gives (``age_band``).
        ratio: highest rate to lowest; ``None`` where one of them has no alert.
        at_least: lower end of its 95 % interval; 1 where nothing can be said.
        holds: whether it stays within the bar as far as figures can tell.
    """

    code: str
    attribute: str
    groups: tuple[GroupRate, ...]
    ratio: float | None
    at_least: float
    holds: bool
