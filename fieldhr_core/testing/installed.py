"""The kit for plugins that are installed: one conformance class an offer, made as the runtime makes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fieldhr_core.hooks.loader import ListedOffer, Registry
from fieldhr_core.testing.conformance import (
    AlerterConformance,
    ChannelConformance,
    CheckConformance,
    Conformance,
    ConnectorConformance,
    DecoderConformance,
    ResolverConformance,
    ScorerConformance,
)

__all__ = ["SUITES", "suites_for"]

#: (family, role) -> conformance class.
SUITES: Final[Mapping[tuple[str, str], type[Conformance]]] = {
    (suite.family, suite.role): suite
    for suite in (
        DecoderConformance,
        ResolverConformance,
        ConnectorConformance,
        ScorerConformance,
        AlerterConformance,
        ChannelConformance,
        CheckConformance,
    )
}


def suites_for(
    registry: Registry, plugin: str, settings: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, type[Conformance]]:
    """Return a test class for each offer of one plugin, by a name that pytest collects.

    Args:
        registry: with the plugin loaded.
        plugin: its name.
        settings: plugin name -> key -> value; what a tenant would set.

    Raises:
        ConfigError: FHR-CFG-001 where the settings do not fit.
        PluginLoadError: FHR-PLG-006 where the plugin is not active.
    """
    own = registry.settings_for(plugin, settings or {})
    return {
        _class_name(listed): _suite(listed, own)
        for family, role in SUITES
        for listed in registry.offers(family, role)
        if listed.plugin.name == plugin
    }


def _suite(listed: ListedOffer, settings: Any) -> type[Conformance]:
    def make(self: Conformance) -> Any:
        del self
        return listed.offer.make(settings)

    base = SUITES[listed.family, listed.role]
    members = {
        "make": make,
        "offer": (listed.family, listed.role, listed.name),
        "__doc__": f"{listed.name} of {listed.plugin.name}.",
    }
    return type(_class_name(listed), (base,), members)


def _class_name(listed: ListedOffer) -> str:
    words = re.findall(r"[A-Za-z0-9]+", f"{listed.plugin.name} {listed.role} {listed.name}")
    return "Test" + "".join(word[:1].upper() + word[1:] for word in words)
