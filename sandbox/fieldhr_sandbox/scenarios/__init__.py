"""What can happen in a tenant, by row of the scenario book; one function a row or variant."""

from __future__ import annotations

from fieldhr_sandbox.scenarios import behaviour, operation, places, presence, quiet, words
from fieldhr_sandbox.scenarios.base import REGISTRY, Needs, Scenario, Site, Unplantable, by_key, scenario

__all__ = [
    "REGISTRY",
    "Needs",
    "Scenario",
    "Site",
    "Unplantable",
    "behaviour",
    "by_key",
    "operation",
    "places",
    "presence",
    "quiet",
    "scenario",
    "words",
]
