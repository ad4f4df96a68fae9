"""What a plugin says about itself, and what the runtime says about it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

__all__ = ["PLUGIN_API", "Command", "Offer", "PluginInfo", "PluginReport", "PluginStatus"]

#: Version of the plugin API. Adding an argument to a hook keeps it; removing or re-meaning one raises it.
PLUGIN_API: Final = 1

P = TypeVar("P")


@attrs.frozen(kw_only=True)
class PluginInfo:
    """A plugin's description: the module-level ``PLUGIN`` of every plugin.

    Attributes:
        name: ``vendor.feature``, lower case, unique.
        version: the plugin's own version.
        requires_api: (lowest, highest) :data:`PLUGIN_API` it supports, both included.
        summary: one line for ``fieldhr plugins list``.
        settings: a frozen attrs class of its settings, or ``None``; unknown keys are errors.
        purposes: what it uses people's data for, of ``fieldhr_core.trust.purposes.Purpose``; an assessment of its
            impact starts from there, and ``fieldhr trial security`` names a plugin that does not say.
    """

    name: str
    version: str
    requires_api: tuple[int, int] = (1, 1)
    summary: str = ""
    settings: type[Any] | None = None
    purposes: tuple[str, ...] = ()


class PluginStatus(enum.StrEnum):
    """How a plugin stands."""

    ACTIVE = "active"
    DISABLED = "disabled"
    FAILED = "failed"
    INCOMPATIBLE = "incompatible"
    PAUSED = "paused"


@attrs.frozen(kw_only=True)
class PluginReport:
    """How one plugin fared: loaded or why not, and what to do."""

    name: str
    distribution: str
    status: PluginStatus
    version: str = ""
    summary: str = ""
    reason: str = ""
    fix: str = ""
    families: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()


@attrs.frozen(eq=False)
class Offer(Generic[P]):
    """A provider that a plugin offers.

    Attributes:
        name: its name within family and role: a decoder's is the source it reads (``owntracks``).
        make: builds the provider for one tenant, called with that tenant's settings of the plugin (an instance of
            ``PLUGIN.settings``, or ``None`` where the plugin has none); must be cheap and free of I/O.
        role: what it does where a family has several roles: ``decode`` or ``resolve``, ``find`` or ``deliver``; a
            scorer measures without a role, and may ``compose`` or ``trace``.
    """

    name: str
    make: Callable[[Any], P]
    role: str = ""


@attrs.frozen(eq=False, kw_only=True)
class Command:
    """A command of the ``fieldhr`` command line.

    Attributes:
        path: words after ``fieldhr`` (``("places", "stays")``).
        summary: one line for ``--help``.
        arguments: adds its own arguments to the parser.
        run: does the work; gets the parsed arguments, standard input and output (text); returns the exit code.
    """

    path: tuple[str, ...]
    summary: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, TextIO, TextIO], int]


def families_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return hook family names (``locators``) from hook names (``fieldhr_register_locators``)."""
    prefix = "fieldhr_register_"
    return tuple(sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix)))
