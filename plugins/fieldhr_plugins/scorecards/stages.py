"""How deals ended, from the host's own words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fieldhr_core.model import Coded, Table
from fieldhr_plugins.scorecards import ScorecardSettings

__all__ = ["is_approved", "is_lost", "is_refused", "is_signed", "is_won"]

Mask = npt.NDArray[np.bool_]


def is_won(deals: Table, settings: ScorecardSettings) -> Mask:
    """Return which deals came to a contract that still stands."""
    found: Mask = is_signed(deals, settings) & (deals["cancelled_ms"] == 0)
    return found


def is_signed(deals: Table, settings: ScorecardSettings) -> Mask:
    """Return which deals came to a contract, whether or not the customer took it back later."""
    words = (*settings.won_stages, *settings.approved_stages)
    found: Mask = _in(deals["stage"], words) & (deals["closed_ms"] > 0)
    return found


def is_approved(deals: Table, settings: ScorecardSettings) -> Mask:
    """Return which applications were approved."""
    found: Mask = _in(deals["stage"], settings.approved_stages) & (deals["closed_ms"] > 0)
    return found


def is_refused(deals: Table, settings: ScorecardSettings) -> Mask:
    """Return which applications were refused."""
    found: Mask = _in(deals["stage"], settings.refused_stages) & (deals["closed_ms"] > 0)
    return found


def is_lost(deals: Table, settings: ScorecardSettings) -> Mask:
    """Return which deals came to nothing."""
    found: Mask = _in(deals["stage"], settings.lost_stages) & (deals["closed_ms"] > 0)
    return found


def _in(stage: Coded, words: Sequence[str]) -> Mask:
    wanted = {word.lower() for word in words}
    table = np.asarray([value.strip().lower() in wanted for value in stage.values] + [False], dtype=bool)
    found: Mask = table[stage.codes]
    return found
