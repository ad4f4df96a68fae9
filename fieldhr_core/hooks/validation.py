"""From a found plugin to a valid one: import, description, API range, hooks - each plugin on its own.

A plugin that fails is described, not raised: what went wrong in the original words, and what to do about it.
"""

from __future__ import annotations

import importlib
import inspect
import re
import typing
from typing import Any, Final

import attrs
import pluggy

from fieldhr_core.errors import (
    ConfigError,
    FieldhrError,
    PluginError,
    PluginIncompatibleError,
    PluginLoadError,
)
from fieldhr_core.hooks.discovery import Candidate, Origin
from fieldhr_core.hooks.plugin import PLUGIN_API, PluginInfo, PluginReport, PluginStatus, families_of
from fieldhr_core.hooks.settings import did_you_mean
from fieldhr_core.hooks.specs import PROJECT, Specs

__all__ = ["HOOKS", "Hook", "LoadedPlugin", "load_plugin", "report_of_failure"]

#: Names of every hook there is.
HOOKS: Final = tuple(name for name in vars(Specs) if name.startswith(f"{PROJECT}_"))

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


@attrs.frozen(eq=False)
class Hook:
    """One hook that one plugin implements: what to call it on, and the arguments it names."""

    plugin: Any
    attribute: str
    arguments: tuple[str, ...]


@attrs.frozen(eq=False, kw_only=True)
class LoadedPlugin:
    """A plugin that was imported and found valid."""

    info: PluginInfo
    candidate: Candidate
    hooks: dict[str, Hook]

    @property
    def families(self) -> tuple[str, ...]:
        """What it registers (``locators``, ``commands`` ...)."""
        return families_of(tuple(self.hooks))

    @property
    def package(self) -> str:
        """The import package its files lie in; empty for a single module or an object of one."""
        plugin = next(iter(self.hooks.values())).plugin
        module = plugin if inspect.ismodule(plugin) else inspect.getmodule(type(plugin))
        return (module.__package__ or "") if module is not None else ""

    def report(self, status: PluginStatus = PluginStatus.ACTIVE, reason: str = "", fix: str = "") -> PluginReport:
        """Say how it fares."""
        return PluginReport(
            name=self.info.name,
            distribution=self.candidate.distribution,
            status=status,
            version=self.info.version,
            summary=self.info.summary,
            reason=reason,
            fix=fix,
            families=self.families,
            purposes=tuple(self.info.purposes),
        )


def load_plugin(candidate: Candidate) -> LoadedPlugin:
    """Import and validate one plugin.

    Raises:
        PluginLoadError: FHR-PLG-001, -002 or -005, with the original exception chained.
        PluginIncompatibleError: FHR-PLG-004.
    """
    plugin = _import(candidate)
    try:
        info = _description(plugin, candidate)
        _require_api(info, candidate)
        _require_settings(info, candidate)
        return LoadedPlugin(info=info, candidate=candidate, hooks=_hooks(plugin, info, candidate))
    except PluginError:
        raise
    except Exception as cause:  # looking at a strange object (a property, a __getattr__) may raise anything
        raise _import_error(candidate, cause) from cause


def report_of_failure(candidate: Candidate, error: PluginError) -> PluginReport:
    """Describe a plugin that could not be loaded."""
    incompatible = isinstance(error, PluginIncompatibleError)
    return PluginReport(
        name=str(error.where.get("plugin") or candidate.names()[0]),
        distribution=candidate.distribution,
        status=PluginStatus.INCOMPATIBLE if incompatible else PluginStatus.FAILED,
        version=str(error.where.get("version", "")),
        reason=error.message,
        fix=error.hint,
    )


def _import(candidate: Candidate) -> Any:
    if not isinstance(candidate.target, str):
        return candidate.target
    module, _, attribute = candidate.target.partition(":")
    try:
        found = importlib.import_module(module)
        for part in attribute.split(".") if attribute else ():
            found = getattr(found, part)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as cause:
        if candidate.origin == Origin.EXPLICIT and cause.name and f"{module}.".startswith(f"{cause.name}."):
            raise PluginLoadError(
                f"There is no plugin {candidate.target!r}: {cause}.",
                code="FHR-PLG-006",
                hint="Install its distribution, or take it out of the list.",
                plugin=candidate.target,
            ) from cause
        raise _import_error(candidate, cause) from cause
    except BaseException as cause:  # SystemExit too: a module that exits at import must not take the host along
        raise _import_error(candidate, cause) from cause
    return found


def _import_error(candidate: Candidate, cause: BaseException) -> PluginLoadError:
    name = candidate.names()[0]
    if isinstance(cause, FieldhrError) and cause.hint:
        fix = cause.hint
    elif isinstance(cause, ModuleNotFoundError) and cause.name and not candidate.path.startswith(cause.name):
        fix = f"Install the package that holds {cause.name}, or {candidate.way_out(name)}"
    else:
        broken = candidate.path if candidate.origin == Origin.EXPLICIT else f"or reinstall {candidate.distribution}"
        fix = f"Mend {broken}, or {candidate.way_out(name)}"
    text = str(cause)
    return PluginLoadError(
        f"{type(cause).__name__}: {text}" if text else type(cause).__name__,
        code="FHR-PLG-001",
        hint=fix,
        plugin=name,
        distribution=candidate.distribution,
    )


def _description(plugin: Any, candidate: Candidate) -> PluginInfo:
    if inspect.isclass(plugin):
        raise _invalid(candidate, f"{plugin.__qualname__} is a class", f"Hand in an instance: {plugin.__name__}()")
    info = getattr(plugin, "PLUGIN", None)
    if info is None:
        raise _invalid(
            candidate,
            f"{candidate.path} has no PLUGIN",
            'Add PLUGIN = PluginInfo(name="vendor.feature", version="0.1.0") to it.',
        )
    if not isinstance(info, PluginInfo):
        raise _invalid(
            candidate, f"{candidate.path}.PLUGIN is a {type(info).__name__}", "Make it a fieldhr_core.hooks.PluginInfo."
        )
    if not isinstance(info.name, str) or not _NAME.fullmatch(info.name):
        raise _invalid(
            candidate,
            f"{info.name!r} is no plugin name",
            "Call it vendor.feature: two words of lower-case letters, digits and _, joined by one dot.",
        )
    if not isinstance(info.version, str) or not info.version:
        raise _invalid(candidate, f"{info.name} states no version", 'Add version="0.1.0" to its PLUGIN.', info)
    return info


def _require_api(info: PluginInfo, candidate: Candidate) -> None:
    try:
        low, high = info.requires_api
        supported = low <= PLUGIN_API <= high
    except (TypeError, ValueError):
        raise _invalid(
            candidate,
            f"{info.name} has requires_api={info.requires_api!r}",
            "Give the lowest and the highest plugin API it supports: requires_api=(1, 1).",
            info,
        ) from None
    if supported:
        return
    if high < PLUGIN_API:
        fix = (
            f"Install a newer release of {candidate.distribution}. Its author: apply 'Changes of the plugin API' "
            f"of the reference from {high} to {PLUGIN_API}, then set requires_api=({low}, {PLUGIN_API})."
        )
    else:
        fix = (
            f"Install a newer fieldhr with plugin API {low}, or a release of {candidate.distribution} for {PLUGIN_API}."
        )
    raise PluginIncompatibleError(
        f"{info.name} {info.version} supports plugin API {low} to {high}; this fieldhr has {PLUGIN_API}.",
        code="FHR-PLG-004",
        hint=fix,
        plugin=info.name,
        version=info.version,
        distribution=candidate.distribution,
    )


def _require_settings(info: PluginInfo, candidate: Candidate) -> None:
    settings = info.settings
    if settings is None:
        return
    if not inspect.isclass(settings) or not attrs.has(settings):
        raise _invalid(
            candidate,
            f"{info.name} has settings that are no attrs class",
            "Decorate it with @attrs.frozen(kw_only=True).",
            info,
        )
    try:
        typing.get_type_hints(settings)
        settings()
    except (TypeError, ValueError, NameError, AttributeError, ConfigError) as cause:
        raise _invalid(
            candidate,
            f"{settings.__name__}() of {info.name} does not work: {cause}",
            "Give every setting a default, and types that can be imported at run time.",
            info,
        ) from cause


def _hooks(plugin: Any, info: PluginInfo, candidate: Candidate) -> dict[str, Hook]:
    """Validate the hooks against the specs on a plugin manager of their own, so that nothing stays half registered."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Specs)
    _require_known_hooks(plugin, info, candidate)
    try:
        manager.register(plugin, info.name)
        manager.check_pending()
    except pluggy.PluginValidationError as cause:
        text = " ".join(str(cause).split())
        raise _wrong_hook(info, candidate, text, "Check the arguments in the hook reference.") from cause
    hooks: dict[str, Hook] = {}
    for caller in manager.get_hookcallers(plugin) or ():
        for implementation in caller.get_hookimpls():
            if implementation.hookwrapper or implementation.wrapper:
                raise _wrong_hook(
                    info,
                    candidate,
                    f"{caller.name} is a wrapper",
                    "Implement the hook itself; wrappers are not called.",
                )
            named_alike = getattr(plugin, caller.name, None) == implementation.function
            attribute = caller.name if named_alike else implementation.function.__name__
            hooks[caller.name] = Hook(plugin, attribute, tuple(implementation.argnames))
    if not hooks:
        raise _wrong_hook(
            info, candidate, f"{info.name} implements no hook", "Mark a function named after a hook with @hookimpl."
        )
    return hooks


def _require_known_hooks(plugin: Any, info: PluginInfo, candidate: Candidate) -> None:
    for name in dir(plugin):
        if not name.startswith(f"{PROJECT}_"):
            continue
        function = getattr(plugin, name, None)
        if not inspect.isroutine(function):
            continue
        if name not in HOOKS:
            text = f"{info.name} has {name}, and there is no such hook{did_you_mean(name, HOOKS)}"
            raise _wrong_hook(info, candidate, text, f"Hooks are {', '.join(HOOKS)}; call other functions differently.")
        if not hasattr(function, f"{PROJECT}_impl"):
            text = f"{info.name} has {name} without @hookimpl"
            raise _wrong_hook(info, candidate, text, "Add: from fieldhr_core import hookimpl, and @hookimpl above it.")


def _invalid(candidate: Candidate, what: str, fix: str, info: PluginInfo | None = None) -> PluginLoadError:
    return PluginLoadError(
        f"{what}.",
        code="FHR-PLG-002",
        hint=fix,
        plugin=info.name if info is not None else candidate.names()[0],
        version=info.version if info is not None else "",
        distribution=candidate.distribution,
    )


def _wrong_hook(info: PluginInfo, candidate: Candidate, what: str, fix: str) -> PluginLoadError:
    return PluginLoadError(
        what if what.endswith((".", "?")) else f"{what}.",
        code="FHR-PLG-005",
        hint=fix,
        plugin=info.name,
        version=info.version,
        distribution=candidate.distribution,
    )
