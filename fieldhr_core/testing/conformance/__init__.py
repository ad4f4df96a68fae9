"""What every provider of a family must do, as test classes that plugin authors subclass.

Subclass the class of your provider's kind, define ``make``, and give samples where the kit cannot know them. Every
call goes through the same guard as in a runtime, so a test fails in the same words as production would. What is
optional is a capability: declare it in ``capabilities`` and it is tested; leave it out and its tests are skipped with
the reason. Overriding a test is allowed; give the reason there.
"""

from __future__ import annotations

from fieldhr_core.testing.conformance.alerters import AlerterConformance, ChannelConformance
from fieldhr_core.testing.conformance.applications import ApplicationConformance
from fieldhr_core.testing.conformance.base import Conformance
from fieldhr_core.testing.conformance.checks import CheckConformance
from fieldhr_core.testing.conformance.connectors import ConnectorConformance
from fieldhr_core.testing.conformance.locators import DecoderConformance, ResolverConformance
from fieldhr_core.testing.conformance.scorers import ComposerConformance, ScorerConformance, TracerConformance

__all__ = [
    "AlerterConformance",
    "ApplicationConformance",
    "ChannelConformance",
    "CheckConformance",
    "ComposerConformance",
    "Conformance",
    "ConnectorConformance",
    "DecoderConformance",
    "ResolverConformance",
    "ScorerConformance",
    "TracerConformance",
]
