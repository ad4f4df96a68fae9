"""The one door for every feature: hook specs that find and announce, providers that do the work, a guard between."""

from fieldhr_core.hooks.applications import Application, Caller, Link, Site
from fieldhr_core.hooks.context import RegistrationContext
from fieldhr_core.hooks.dates import Remembered, by_date
from fieldhr_core.hooks.plugin import PLUGIN_API, Command, Offer, PluginInfo, PluginReport, PluginStatus
from fieldhr_core.hooks.providers import (
    Alerter,
    Channel,
    Check,
    Composer,
    Connector,
    Decoder,
    Delivery,
    Notice,
    Pulled,
    Recogniser,
    Resolver,
    Scorer,
    Tables,
    TakesNotes,
    Tracer,
)
from fieldhr_core.hooks.specs import Specs, hookimpl, hookspec

__all__ = [
    "PLUGIN_API",
    "Alerter",
    "Application",
    "Caller",
    "Channel",
    "Check",
    "Command",
    "Composer",
    "Connector",
    "Decoder",
    "Delivery",
    "Link",
    "Notice",
    "Offer",
    "PluginInfo",
    "PluginReport",
    "PluginStatus",
    "Pulled",
    "Recogniser",
    "RegistrationContext",
    "Remembered",
    "Resolver",
    "Scorer",
    "Site",
    "Specs",
    "Tables",
    "TakesNotes",
    "Tracer",
    "by_date",
    "hookimpl",
    "hookspec",
]
