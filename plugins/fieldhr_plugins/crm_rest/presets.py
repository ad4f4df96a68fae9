"""What is known of the interfaces of well-known systems, as their makers publish them; settings say the rest."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import attrs

from fieldhr_core.hooks.settings import read_settings
from fieldhr_plugins.crm_rest import ResourceSettings, RestSettings

__all__ = ["with_preset"]


def with_preset(settings: RestSettings) -> RestSettings:
    """Return the settings with what they leave unsaid as the preset has it."""
    if not settings.preset:
        return settings
    preset = _presets()[settings.preset]
    changes: dict[str, Any] = {}
    for kind in ("customers", "deals"):
        if getattr(settings, kind) == ResourceSettings():
            changes[kind] = read_settings(ResourceSettings, preset[kind], f"presets.{settings.preset}.{kind}")
    if settings.source == "rest":
        changes["source"] = preset["source"]
    return attrs.evolve(settings, **changes)


@cache
def _presets() -> dict[str, Any]:
    source = files("fieldhr_plugins.crm_rest").joinpath("presets.json")
    found: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return found
