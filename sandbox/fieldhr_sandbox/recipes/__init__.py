"""Kinds of houses a trial can build. A recipe is data: who works there, what they sell, how far they travel."""

from __future__ import annotations

from typing import Final

from fieldhr_core.errors import SandboxError
from fieldhr_sandbox.recipes.base import Recipe
from fieldhr_sandbox.recipes.city_bank import CITY_BANK
from fieldhr_sandbox.recipes.houses import FUND, FUTURES, INSURANCE_BROKER, SECURITIES, TRUST

__all__ = ["RECIPES", "Recipe", "recipe"]

#: Every recipe by name.
RECIPES: Final[dict[str, Recipe]] = {
    each.name: each for each in (CITY_BANK, INSURANCE_BROKER, SECURITIES, FUND, TRUST, FUTURES)
}


def recipe(name: str) -> Recipe:
    """Return a recipe by name.

    Raises:
        SandboxError: FHR-SBX-001 where there is none of that name.
    """
    try:
        return RECIPES[name]
    except KeyError:
        known = ", ".join(sorted(RECIPES))
        raise SandboxError(f"There is no recipe {name!r}; there are {known}.", code="FHR-SBX-001") from None
