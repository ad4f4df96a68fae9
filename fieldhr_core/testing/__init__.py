"""The conformance kit and fakes: for the tests of any plugin, ours or a stranger's.

In your tests::

    pytest_plugins = ["fieldhr_core.testing.pytest_plugin"]   # in the top conftest.py: readable assertion errors

    from fieldhr_core.testing import ScorerConformance

    class TestMyScorer(ScorerConformance):
        def make(self):
            return MyScorer(MySettings())

The conformance classes need the extra ``testing`` (pytest, hypothesis); fakes and samples need neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fieldhr_core.testing.conformance import (
        AlerterConformance,
        ApplicationConformance,
        ChannelConformance,
        CheckConformance,
        ComposerConformance,
        ConnectorConformance,
        DecoderConformance,
        ResolverConformance,
        ScorerConformance,
        TracerConformance,
    )
    from fieldhr_core.testing.fakes import FakeClock, FakeTables
    from fieldhr_core.testing.samples import (
        DayBuilder,
        rep_days,
        sample_customer,
        sample_envelope,
        sample_message,
        sample_notice,
        sample_outings,
        sample_places,
        sample_tables,
    )

__all__ = [
    "AlerterConformance",
    "ApplicationConformance",
    "ChannelConformance",
    "CheckConformance",
    "ComposerConformance",
    "ConnectorConformance",
    "DayBuilder",
    "DecoderConformance",
    "FakeClock",
    "FakeTables",
    "ResolverConformance",
    "ScorerConformance",
    "TracerConformance",
    "rep_days",
    "sample_customer",
    "sample_envelope",
    "sample_message",
    "sample_notice",
    "sample_outings",
    "sample_places",
    "sample_tables",
]


def __getattr__(name: str) -> Any:
    # Late, so that pytest can be told to rewrite the kit's assertions before the kit is imported.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    for module in ("conformance", "fakes", "samples")[0 if name.endswith("Conformance") else 1 :]:
        found = getattr(importlib.import_module(f"{__name__}.{module}"), name, None)
        if found is not None:
            return found
    raise AttributeError(name)
