"""The kit for plugins that are installed: one conformance class an offer, made as the runtime makes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pytest

from fieldhr_core.errors import ConfigError, PluginCallError
from fieldhr_core.hooks.applications import Application
from fieldhr_core.hooks.handle import ProviderHandle
from fieldhr_core.hooks.loader import ListedOffer, Registry
from fieldhr_core.testing.conformance import (
    AlerterConformance,
    ApplicationConformance,
    ChannelConformance,
    CheckConformance,
    ComposerConformance,
    Conformance,
    ConnectorConformance,
    DecoderConformance,
    ResolverConformance,
    ScorerConformance,
    TracerConformance,
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
        ComposerConformance,
        TracerConformance,
        AlerterConformance,
        ChannelConformance,
        CheckConformance,
    )
}


def suites_for(
    registry: Registry, plugin: str, settings: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, type[Conformance | ApplicationConformance]]:
    """Return a test class for each offer and application of one plugin, by a name that pytest collects.

    Args:
        registry: with the plugin loaded.
        plugin: its name.
        settings: plugin name -> key -> value; what a tenant would set. Without any, a test in which the provider says
            that it has to be set up first (a :class:`ConfigError`) is skipped with that reason.

    Raises:
        ConfigError: FHR-CFG-001 where the settings do not fit.
        PluginLoadError: FHR-PLG-006 where the plugin is not active.
    """
    own = registry.settings_for(plugin, settings or {})
    found: dict[str, type[Conformance | ApplicationConformance]] = {
        _class_name(listed): _suite(listed, own, is_set=bool((settings or {}).get(plugin)))
        for family, role in SUITES
        for listed in registry.offers(family, role)
        if listed.plugin.name == plugin
    }
    for info, application in registry.applications():
        if info.name == plugin:
            name = _named(plugin, "application", application.name)
            found[name] = _mounted(name, application)
    return found


def _mounted(name: str, application: Application) -> type[ApplicationConformance]:
    def make(self: ApplicationConformance) -> Application:
        del self
        return application

    members = {"make": make, "public": None, "offer": ("applications", "", application.name), "__doc__": name}
    return type(name, (ApplicationConformance,), members)


def _suite(listed: ListedOffer, settings: Any, *, is_set: bool) -> type[Conformance]:
    def make(self: Conformance) -> Any:
        del self
        return listed.offer.make(settings)

    def call(self: Conformance, handle: ProviderHandle, method: str, *args: Any) -> Any:
        try:
            return Conformance.call(self, handle, method, *args)
        except PluginCallError as fault:
            # Whoever needs a source and was given none is not wrong to say so; whoever was given one is.
            if not is_set and isinstance(fault.__cause__, ConfigError):
                pytest.skip(f"not set up: {fault.__cause__} Give it what it needs with --settings FILE.")
            raise

    base = SUITES[listed.family, listed.role]
    members = {
        "make": make,
        "call": call,
        "offer": (listed.family, listed.role, listed.name),
        "__doc__": f"{listed.name} of {listed.plugin.name}.",
    }
    return type(_class_name(listed), (base,), members)


def _class_name(listed: ListedOffer) -> str:
    return _named(listed.plugin.name, listed.role, listed.name)


def _named(*parts: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", " ".join(parts))
    return "Test" + "".join(word[:1].upper() + word[1:] for word in words)
