"""Every hook there is. Hooks find and announce; the providers they return do the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pluggy

if TYPE_CHECKING:
    from fieldhr_core.hooks.applications import Application
    from fieldhr_core.hooks.context import RegistrationContext
    from fieldhr_core.hooks.plugin import Command, Offer
    from fieldhr_core.hooks.providers import (
        Alerter,
        Channel,
        Check,
        Composer,
        Connector,
        Decoder,
        Resolver,
        Scorer,
        Tracer,
    )
    from fieldhr_core.model import Case

__all__ = ["PROJECT", "Specs", "hookimpl", "hookspec"]

F = TypeVar("F", bound=Callable[..., Any])

#: The pluggy project name, and the prefix of every hook.
PROJECT: Final = "fieldhr"

_spec = pluggy.HookspecMarker(PROJECT)
_impl = pluggy.HookimplMarker(PROJECT)


def hookspec(function: F) -> F:
    """Mark a method as a hook specification."""
    return _spec(function)


def hookimpl(function: F) -> F:
    """Mark a function of a plugin as the implementation of the hook of that name."""
    return _impl(function)


class Specs:
    """The hooks. Each name starts with ``fieldhr_``; an implementation takes the arguments it names."""

    @hookspec
    def fieldhr_register_locators(self, context: RegistrationContext) -> Iterable[Offer[Decoder] | Offer[Resolver]]:
        """Offer decoders (payload to positions) and resolvers (positions to stays and signals).

        **Called:** once per runtime, when it opens, on the caller's thread, outside any transaction.
        **Args:** *context*: read-only view of the runtime; may be kept, not changed.
        **Returns:** offers with role ``decode`` (named after the source it reads: ``owntracks``) or ``resolve``.
        Empty and ``None`` both mean none.
        **Combine:** collected, explicitly listed plugins first, then by plugin name; two offers of one role and name
        are FHR-PLG-014. The tenant's setting ``resolver`` picks one resolver; decoders are picked by source.
        **Sync/async:** sync.
        **If it fails:** isolated: the plugin is reported as failed and offers nothing.

        .. versionadded:: 0.1
        """
        raise NotImplementedError

    @hookspec
    def fieldhr_register_connectors(self, context: RegistrationContext) -> Iterable[Offer[Connector]]:
        """Offer connectors to customer records of other systems.

        **Called:** once per runtime, when it opens, on the caller's thread, outside any transaction.
        **Args:** *context*: read-only view of the runtime; may be kept, not changed.
        **Returns:** offers named after the system. Empty and ``None`` both mean none.
        **Combine:** collected, explicitly listed plugins first, then by plugin name; a repeated name is FHR-PLG-014.
        **Sync/async:** sync.
        **If it fails:** isolated: the plugin is reported as failed; a connector that fails later leaves its data in
        place, marked stale.

        .. versionadded:: 0.1
        """
        raise NotImplementedError

    @hookspec
    def fieldhr_register_scorers(
        self, context: RegistrationContext
    ) -> Iterable[Offer[Scorer] | Offer[Composer] | Offer[Tracer]]:
        """Offer scorers: tables of a period to metrics, metrics to scorecards, and the records behind a figure.

        **Called:** once per runtime, when it opens, on the caller's thread, outside any transaction.
        **Args:** *context*: read-only view of the runtime; may be kept, not changed.
        **Returns:** offers: without a role what measures, with ``compose`` what weighs it, with ``trace`` what names
        the records behind it. Empty and ``None`` both mean none.
        **Combine:** collected, explicitly listed plugins first, then by plugin name; two offers of one role and name
        are FHR-PLG-014. Every scorer measures; the tenant's setting ``composer`` picks who makes its scorecards.
        **Sync/async:** sync.
        **If it fails:** isolated: its metrics are missing, never zero; without a composer there are no scorecards.

        .. versionadded:: 0.1
        """
        raise NotImplementedError

    @hookspec
    def fieldhr_register_alerters(self, context: RegistrationContext) -> Iterable[Offer[Alerter] | Offer[Channel]]:
        """Offer alerters (tables to findings) and channels (notices out of the house).

        **Called:** once per runtime, when it opens, on the caller's thread, outside any transaction.
        **Args:** *context*: read-only view of the runtime; may be kept, not changed.
        **Returns:** offers with role ``find`` or ``deliver``. Empty and ``None`` both mean none.
        **Combine:** collected, explicitly listed plugins first, then by plugin name; two offers of one role and name
        are FHR-PLG-014. Every alerter runs; the tenant's routes pick channels by name.
        **Sync/async:** sync.
        **If it fails:** isolated: the other alerters still find and the other channels still deliver.

        .. versionadded:: 0.1
        """
        raise NotImplementedError

    @hookspec
    def fieldhr_register_checks(self, context: RegistrationContext) -> Iterable[Offer[Check]]:
        """Offer compliance checks: submissions to rulings.

        **Called:** once per runtime, when it opens, on the caller's thread, outside any transaction.
        **Args:** *context*: read-only view of the runtime; may be kept, not changed.
        **Returns:** offers. Empty and ``None`` both mean none.
        **Combine:** collected, explicitly listed plugins first, then by plugin name; every check of a submission's kind
        is asked, the strictest outcome counts; a repeated name is FHR-PLG-014.
        **Sync/async:** sync.
        **If it fails:** closed: while a check that should have been asked cannot answer, nothing of its kinds is
        cleared.

        .. versionadded:: 0.1
        """
        raise NotImplementedError

    @hookspec
    def fieldhr_register_commands(self, context: RegistrationContext) -> Iterable[Command]:
        """Offer commands of the ``fieldhr`` command line.

        **Called:** at most twice per run of the command line, on the main thread, before arguments are parsed; not at
        all where another plugin's command is meant.
        **Args:** *context*: read-only view without tenants; may be kept, not changed.
        **Returns:** commands. Empty and ``None`` both mean none.
        **Combine:** collected, the core's and the built-in plugins' first, then by plugin name; of two commands with
        one path the first is kept.
        **Sync/async:** sync.
        **If it fails:** isolated: its commands are missing and ``fieldhr plugins list`` says why.

        .. versionadded:: 0.1
        """
        raise NotImplementedError

    @hookspec
    def fieldhr_register_applications(self, context: RegistrationContext) -> Iterable[Application]:
        """Offer ASGI applications: pages and interfaces that a host mounts or ``fieldhr serve`` runs.

        **Called:** whenever a host asks a runtime for its applications, on the caller's thread, outside any
        transaction.
        **Args:** *context*: read-only view of the runtime; may be kept, not changed.
        **Returns:** applications, each with a path of its own. Empty and ``None`` both mean none.
        **Combine:** collected, explicitly listed plugins first, then by plugin name; of two with one name or one path
        the first is kept, and the other is a fault of its plugin.
        **Sync/async:** sync; what is offered is asynchronous.
        **If it fails:** isolated: named among the runtime's faults, and the other applications are mounted.

        .. versionadded:: 0.1
        """
        raise NotImplementedError

    @hookspec
    def fieldhr_alerts_raised(self, tenant: str, cases: Sequence[Case]) -> None:
        """Hear that findings became cases.

        **Called:** once per batch that raised any, on the caller's thread, after the batch is committed (in a
        transaction the host owns: after it is flushed, so the host may still roll it back).
        **Args:** *tenant*: its id. *cases*: the new cases, frozen; may be kept.
        **Returns:** nothing.
        **Combine:** every implementation is called, explicitly listed plugins first, then by plugin name.
        **Sync/async:** sync; hand slow work to something of your own.
        **If it fails:** isolated: named in the plugin's report, the others are still called, nothing is undone.

        .. versionadded:: 0.1
        """
        raise NotImplementedError
