"""What can happen in a tenant, by row of the scenario book; one function a row or variant."""

from __future__ import annotations

from fieldhr_sandbox.scenarios import (
    adversary,
    behaviour,
    behaviour_long,
    borrowers,
    lists,
    operation,
    places,
    presence,
    quiet,
    records,
    sales,
    scores,
    words,
)
from fieldhr_sandbox.scenarios.base import REGISTRY, Needs, Scenario, Site, Unplantable, by_key, scenario

__all__ = [
    "REGISTRY",
    "Needs",
    "Scenario",
    "Site",
    "Unplantable",
    "adversary",
    "behaviour",
    "behaviour_long",
    "borrowers",
    "by_key",
    "lists",
    "operation",
    "places",
    "presence",
    "quiet",
    "records",
    "sales",
    "scenario",
    "scores",
    "words",
]
