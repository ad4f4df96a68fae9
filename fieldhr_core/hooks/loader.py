"""The plugins of one runtime: loaded in a fixed order, registered whole or not at all, asked by family."""

from __future__ import annotations

import inspect
import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from fieldhr_core.errors import ConfigError, PluginContractError, PluginError, PluginLoadError
from fieldhr_core.hooks.context import RegistrationContext
from fieldhr_core.hooks.discovery import Candidate, Origin, candidates
from fieldhr_core.hooks.handle import ProviderHandle
from fieldhr_core.hooks.plugin import Command, Offer, PluginInfo, PluginReport, PluginStatus
from fieldhr_core.hooks.settings import as_sentence, did_you_mean, read_settings
from fieldhr_core.hooks.validation import HOOKS, Hook, LoadedPlugin, load_plugin, report_of_failure

if TYPE_CHECKING:
    from fieldhr_core.hooks.applications import ASGI, Application, Site
    from fieldhr_core.hooks.guard import Guard

__all__ = ["FAMILIES", "ListedOffer", "Registry"]

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

_PATH: Final = re.compile(r"/|(/[a-z0-9][a-z0-9._-]*)+")

#: family -> the roles its offers may have.
FAMILIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "locators": ("decode", "resolve"),
        "connectors": ("",),
        "scorers": ("", "compose", "trace"),
        "alerters": ("find", "deliver"),
        "checks": ("",),
    }
)


@attrs.frozen(eq=False, kw_only=True)
class ListedOffer:
    """One provider on offer, with the plugin it comes from."""

    plugin: PluginInfo
    family: str
    offer: Offer[Any]

    @property
    def name(self) -> str:
        """The offer's name within family and role."""
        return self.offer.name

    @property
    def role(self) -> str:
        """The offer's role; empty where its family has one only."""
        return self.offer.role


@attrs.define(eq=False)
class _Made:
    """A tenant's provider with the settings it was made from; what never could be made is kept for its breaker."""

    handle: ProviderHandle
    section: Mapping[str, Any]
    is_ready: bool = False


class Registry:
    """The plugins of one runtime.

    Args:
        guard: calls providers and event hooks; one of its own without a time limit where none is given.
        context: what registration hooks are told.
    """

    def __init__(self, *, guard: Guard | None = None, context: RegistrationContext | None = None) -> None:
        self._guard = guard
        self._context = context if context is not None else RegistrationContext()
        self._loaded: list[LoadedPlugin] = []
        self._offers: dict[tuple[str, str, str], ListedOffer] = {}
        self._reports: dict[Candidate, PluginReport] = {}
        self._refused: dict[Candidate, PluginError] = {}
        self._made: dict[tuple[str, str, str, str], _Made] = {}
        self._events: dict[tuple[str, str], ProviderHandle] = {}
        self._lock = threading.Lock()

    @property
    def guard(self) -> Guard:
        """What calls the providers."""
        if self._guard is None:
            # Made when it is first needed: the command line loads plugins for their commands only.
            from fieldhr_core.hooks.guard import Guard

            self._guard = Guard()
        return self._guard

    def load(
        self,
        plugins: Iterable[Any] | None = None,
        *,
        autoload: bool = True,
        disabled: Sequence[str] = (),
        strict: bool = False,
        offers: bool = True,
    ) -> None:
        """Load plugins, each on its own; call it once, when the runtime opens.

        Args:
            plugins: modules, plugin objects or module paths (``acme_crm``, ``acme_crm:plugin``), in order.
            autoload: whether the built-in plugins and those of installed distributions come too.
            disabled: names (or entry point names, or module paths) of plugins that are not to be imported.
            strict: raise at the first plugin that fails, instead of reporting it and going on.
            offers: whether the five families are asked for their offers; the command line needs none.

        Raises:
            PluginLoadError: FHR-PLG-006 where *disabled* or *plugins* names something that is not there (always);
                any other code where *strict*.
        """
        self.load_found(candidates(plugins or (), autoload=autoload), disabled=disabled, strict=strict, offers=offers)

    def load_found(
        self, found: Sequence[Candidate], *, disabled: Sequence[str] = (), strict: bool = False, offers: bool = True
    ) -> None:
        """Load plugins that were already found, as :meth:`load` does: for whoever chooses among them first."""
        off, wanted = self._leave_out(found, disabled)
        loaded: list[LoadedPlugin] = []
        for candidate in wanted:
            try:
                plugin = self._import(candidate)
                if plugin.info.name in disabled:
                    # Its source did not tell its name: too late not to import it, in time not to use it.
                    self._reports[candidate] = plugin.report(PluginStatus.DISABLED, *_DISABLED)
                    off.add(plugin.info.name)
                    continue
                _require_unique_name(plugin, loaded)
            except PluginError as error:
                self._refuse(candidate, error, strict=strict or error.code == "FHR-PLG-006")
                continue
            loaded.append(plugin)
        self._require_known(disabled, off, loaded)
        # Whoever is trusted more registers first: a stranger's clash must not put a built-in out of work.
        for plugin in sorted(loaded, key=_trust):
            try:
                mine = self._ask_for_offers(plugin) if offers else []
            except PluginError as error:
                self._refuse(plugin.candidate, error, strict=strict)
                continue
            self._offers |= {(offer.family, offer.role, offer.name): offer for offer in mine}
            self._loaded.append(plugin)
            self._reports[plugin.candidate] = plugin.report()
        explicit = [plugin for plugin in self._loaded if plugin.candidate.origin == Origin.EXPLICIT]
        others = [plugin for plugin in self._loaded if plugin.candidate.origin != Origin.EXPLICIT]
        self._loaded = explicit + sorted(others, key=lambda plugin: plugin.info.name)

    @property
    def reports(self) -> tuple[PluginReport, ...]:
        """How every plugin that was found fares, by name; one with a paused provider is ``PAUSED``."""
        paused: dict[str, list[str]] = {}
        for handle in self._guard.paused if self._guard is not None else ():
            paused.setdefault(handle.plugin, []).append(handle.name)
        return tuple(
            attrs.evolve(
                report,
                status=PluginStatus.PAUSED,
                reason=f"Paused after failing in a row: {', '.join(sorted(set(paused[report.name])))}.",
                fix="Wait for the cool-down, or reset its breaker.",
            )
            if report.status is PluginStatus.ACTIVE and report.name in paused
            else report
            for report in sorted(self._reports.values(), key=lambda report: (report.name, report.distribution))
        )

    @property
    def plugins(self) -> Mapping[str, PluginInfo]:
        """Active plugins by name: explicit ones in the given order, then the rest by name."""
        return MappingProxyType({plugin.info.name: plugin.info for plugin in self._loaded})

    @property
    def modules(self) -> tuple[str, ...]:
        """Module paths of the active plugins, in the order of :attr:`plugins`: where their texts lie."""
        return tuple(plugin.candidate.path.partition(":")[0] for plugin in self._loaded)

    def offers(self, family: str, role: str | None = None) -> tuple[ListedOffer, ...]:
        """Return what is on offer in one family (``scorers``), in the order of :attr:`plugins`.

        Raises:
            ConfigError: FHR-CFG-001 for a family that does not exist.
        """
        if family not in FAMILIES:
            raise ConfigError(
                f"There is no family {family!r}{did_you_mean(family, FAMILIES)}",
                code="FHR-CFG-001",
                hint=f"Families are {', '.join(FAMILIES)}.",
            )
        order = {plugin.info.name: place for place, plugin in enumerate(self._loaded)}
        mine = [
            offer for offer in self._offers.values() if offer.family == family and (role is None or offer.role == role)
        ]
        return tuple(sorted(mine, key=lambda offer: order[offer.plugin.name]))

    def offer(self, family: str, name: str, role: str = "") -> ListedOffer:
        """Return one offer by name.

        Raises:
            PluginLoadError: FHR-PLG-015 where nobody offers it.
        """
        found = self._offers.get((family, role, name))
        if found is not None:
            return found
        names = [offer.name for offer in self.offers(family, role or None)]
        raise PluginLoadError(
            f"No plugin offers {name!r} among {family}{f' ({role})' if role else ''}{did_you_mean(name, names)}",
            code="FHR-PLG-015",
            hint=f"There are: {', '.join(names) or 'none'}. Run: fieldhr plugins list",
            family=family,
            role=role,
            name=name,
        )

    def missing(self, family: str) -> list[str]:
        """Return who should offer something in *family* and cannot, as ``plugin: code``: what a check's caller asks.

        A plugin that was switched off is not missing. One whose source cannot be read to see what it would have
        registered counts as missing: not knowing clears nothing.
        """
        hook = f"fieldhr_register_{family}"
        return [
            f"{self._reports[candidate].name}: {error.code}"
            for candidate, error in self._refused.items()
            if candidate.may_implement(hook)
        ]

    def packages(self) -> tuple[str, ...]:
        """Return the import packages of active plugins that have one, for the files that lie in them."""
        found = (plugin.package for plugin in self._loaded)
        return tuple(dict.fromkeys(name for name in found if name))

    def settings_for(self, plugin: str, settings: Mapping[str, Mapping[str, Any]]) -> Any:
        """Return a tenant's settings of one plugin, as an instance of its settings class; ``None`` where it has none.

        Args:
            plugin: its name.
            settings: the tenant's whole mapping, plugin name -> key -> value.

        Raises:
            ConfigError: FHR-CFG-001 with every problem and its path.
            PluginLoadError: FHR-PLG-006 where the plugin is not active.
        """
        info = self.plugins.get(plugin)
        if info is None:
            raise PluginLoadError(
                f"There is no active plugin {plugin!r}{did_you_mean(plugin, self.plugins)}",
                code="FHR-PLG-006",
                plugin=plugin,
            )
        section = settings.get(plugin, {})
        path = f"plugins.{plugin}"
        if info.settings is not None:
            return read_settings(info.settings, section, path)
        if section:
            raise ConfigError(f"{path}: this plugin has no settings.", code="FHR-CFG-001", path=path)
        return None

    def check_settings(self, settings: Mapping[str, Any], *, besides: Sequence[str] = ()) -> None:
        """Check a tenant's whole mapping before it is stored.

        Args:
            settings: plugin name -> key -> value. Sections of plugins that are known but not active pass unread.
            besides: keys of *settings* that are no plugins.

        Raises:
            ConfigError: FHR-CFG-001 with every problem of every section.
        """
        problems: list[str] = []
        known = {report.name for report in self._reports.values()}
        for name in settings:
            if name in besides:
                continue
            if name in self.plugins:
                try:
                    self.settings_for(name, settings)
                except ConfigError as error:
                    problems += error.where.get("problems") or [error.message.rstrip(".")]  # type: ignore[arg-type]
            elif name not in known:
                problems.append(f"plugins.{name}: no such plugin{did_you_mean(name, known, '')}")
        if problems:
            raise ConfigError(as_sentence(problems), code="FHR-CFG-001", problems=tuple(problems))

    def provider(
        self,
        family: str,
        name: str,
        role: str = "",
        *,
        tenant: str = "",
        settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> ProviderHandle:
        """Return a tenant's provider, made once and kept until its settings change. Call it through :attr:`guard`.

        Args:
            family: ``scorers`` ...
            name: the offer's name.
            role: its role, where the family has several.
            tenant: id of the tenant.
            settings: the tenant's whole mapping, plugin name -> key -> value.

        Raises:
            PluginLoadError: FHR-PLG-015 where nobody offers it.
            ConfigError: FHR-CFG-001 where the settings do not fit.
            PluginCallError: FHR-PLG-010 where making it raised.
            PluginContractError: FHR-PLG-012 where what it made lacks a method of its family.
        """
        from fieldhr_core.hooks.contracts import MAY_STATE, STATEMENTS, misfit_of_statements, missing_in_provider

        listed = self.offer(family, name, role)
        section = (settings or {}).get(listed.plugin.name, {})
        key = (tenant, family, role, name)
        made = self._made.get(key)
        if made is not None and made.is_ready and made.section == section:
            return made.handle
        own = self.settings_for(listed.plugin.name, settings or {})
        if made is None or made.section != section:
            handle = ProviderHandle(
                plugin=listed.plugin.name, family=family, role=role, name=name, tenant=tenant, provider=listed.offer
            )
            made = _Made(handle, dict(section))
            with self._lock:
                self._made[key] = made
        # The same handle at every try: one that hangs while it is made is paused like one that hangs at work.
        handle = made.handle
        handle.provider = listed.offer
        handle.provider = self.guard.call(handle, "make", own)
        wrong = missing_in_provider(handle)
        if wrong is None:
            for statement in STATEMENTS.get((family, role), ()):
                handle.stated[statement] = self.guard.call(handle, "__getattribute__", statement)
            for statement, usual in MAY_STATE.get((family, role), {}).items():
                is_said = inspect.getattr_static(handle.provider, statement, None) is not None
                handle.stated[statement] = self.guard.call(handle, "__getattribute__", statement) if is_said else usual
            wrong = misfit_of_statements(handle)
        if wrong is not None:
            raise PluginContractError(
                f"{handle.title} {wrong}.",
                code="FHR-PLG-012",
                hint=f"Run: fieldhr plugins test {handle.plugin}",
                plugin=handle.plugin,
            )
        made.is_ready = True
        return handle

    def commands(self) -> tuple[tuple[PluginInfo, Command], ...]:
        """Ask every plugin for its commands, listed plugins first, then built-in ones, then the others, by name.

        One whose hook fails is reported and offers none.
        """
        found: list[tuple[PluginInfo, Command]] = []
        for plugin in sorted(self._loaded, key=_trust):
            try:
                offered: list[Command] = self._ask(plugin, "fieldhr_register_commands")
                for command in offered:
                    if not isinstance(command, Command) or not command.path:
                        raise _not_allowed(plugin, f"registered a {type(command).__name__} as command")
            except PluginError as error:
                self._loaded.remove(plugin)
                self._refuse(plugin.candidate, error, strict=False)
                continue
            found += [(plugin.info, command) for command in offered]
        return tuple(found)

    def applications(self, taken: Iterable[str] = ()) -> tuple[tuple[PluginInfo, Application], ...]:
        """Ask every plugin for its applications, in the order of :attr:`plugins`.

        Args:
            taken: names and paths that are given away already.

        One whose hook fails, or whose answer is of no use, is named among the guard's faults and offers none; of two
        with one name or path the first is kept.
        """
        hook, taken = "fieldhr_register_applications", set(taken)
        found: list[tuple[PluginInfo, Application]] = []
        for plugin in self._loaded:
            implemented = plugin.hooks.get(hook)
            if implemented is None:
                continue
            handle = ProviderHandle(
                plugin=plugin.info.name, family="applications", role="", name=hook, tenant="", provider=implemented
            )
            asking = _Asking(implemented, self._context, frozenset(taken))
            handle.provider = asking
            try:
                offered: list[Application] = self.guard.call(handle, "ask")
            except PluginError as error:
                _log.debug("%s", error)
                continue
            for application in offered:
                taken |= {application.name, application.path, *application.also}
                found.append((plugin.info, application))
        return tuple(found)

    def make_application(self, info: PluginInfo, application: Application, site: Site) -> ASGI | None:
        """Build one application; ``None`` where that fails, which is a fault of its plugin."""
        handle = ProviderHandle(
            plugin=info.name, family="applications", role="", name=application.name, tenant="", provider=application
        )
        try:
            made: ASGI = self.guard.call(handle, "make", site)
        except PluginError as error:
            _log.debug("%s", error)
            return None
        return made

    def announce(self, hook: str, /, **arguments: Any) -> None:
        """Call an event hook of every plugin, one by one; a failure is counted and logged, and the others still hear.

        Raises:
            PluginLoadError: FHR-PLG-005 for a hook that does not exist.
        """
        if hook not in HOOKS:
            raise PluginLoadError(f"There is no hook {hook}{did_you_mean(hook, HOOKS)}", code="FHR-PLG-005")
        for plugin in self._loaded:
            implemented = plugin.hooks.get(hook)
            if implemented is None:
                continue
            key = (plugin.info.name, hook)
            handle = self._events.get(key)
            if handle is None:
                handle = self._events[key] = ProviderHandle(
                    plugin=plugin.info.name, family="events", role="", name=hook, tenant="", provider=implemented.plugin
                )
            try:
                self.guard.call(handle, implemented.attribute, *(arguments[name] for name in implemented.arguments))
            except PluginError as error:
                # The guard has counted and logged it; an event has nobody to answer to.
                _log.debug("%s", error)

    def _import(self, candidate: Candidate) -> LoadedPlugin:
        try:
            return self._in_time(candidate, partial(load_plugin, candidate))
        except TimeoutError as hung:
            name = candidate.names()[0]
            raise PluginLoadError(
                f"Importing it was {hung}.",
                code="FHR-PLG-001",
                hint=f"Mend it, or {candidate.way_out(name)}",
                plugin=name,
            ) from None

    def _in_time(self, candidate: Candidate, task: Callable[[], _T]) -> _T:
        """Do what runs a plugin's code before there is a provider; a stranger's has the time limit of calls."""
        if self._guard is None or candidate.origin == Origin.BUILTIN:
            return task()
        return self._guard.within_limit(task)

    def _leave_out(self, found: Sequence[Candidate], disabled: Sequence[str]) -> tuple[set[str], Sequence[Candidate]]:
        """Return the names that switched something off, and what is left to load."""
        if not disabled:
            return set(), found
        off: set[str] = set()
        wanted = []
        for candidate in found:
            names = candidate.names()
            if not set(names) & set(disabled):
                wanted.append(candidate)
                continue
            off.update(names)
            self._reports[candidate] = PluginReport(
                name=names[0],
                distribution=candidate.distribution,
                status=PluginStatus.DISABLED,
                reason=_DISABLED[0],
                fix=_DISABLED[1],
            )
        return off, wanted

    def _require_known(self, disabled: Sequence[str], off: set[str], loaded: Sequence[LoadedPlugin]) -> None:
        known = off | {report.name for report in self._reports.values()} | {plugin.info.name for plugin in loaded}
        for name in disabled:
            if name not in off:
                raise PluginLoadError(
                    f"There is no plugin {name!r} to disable{did_you_mean(name, known)}",
                    code="FHR-PLG-006",
                    hint="Correct the name, or take it out of the list of disabled plugins.",
                    plugin=name,
                )

    def _ask_for_offers(self, plugin: LoadedPlugin) -> list[ListedOffer]:
        mine: dict[tuple[str, str, str], ListedOffer] = {}
        for family, roles in FAMILIES.items():
            for offer in self._ask(plugin, f"fieldhr_register_{family}"):
                if not isinstance(offer, Offer):
                    raise _not_allowed(
                        plugin, f"registered a {type(offer).__name__} among {family} instead of an Offer"
                    )
                if offer.role not in roles:
                    allowed = " or ".join(repr(role) for role in roles)
                    raise _not_allowed(plugin, f"registered {offer.name!r} with role {offer.role!r}, not {allowed}")
                if not isinstance(offer.name, str) or not offer.name or not callable(offer.make):
                    raise _not_allowed(plugin, f"registered an offer of {family} without a name or a way to make it")
                key = (family, offer.role, offer.name)
                other = self._offers.get(key) or mine.get(key)
                if other is not None:
                    raise PluginLoadError(
                        f"{plugin.info.name} and {other.plugin.name} both offer {offer.name!r} among {family}.",
                        code="FHR-PLG-014",
                        hint=f"Rename one, or {plugin.candidate.way_out(plugin.info.name)}",
                        plugin=plugin.info.name,
                        version=plugin.info.version,
                    )
                mine[key] = ListedOffer(plugin=plugin.info, family=family, offer=offer)
        return list(mine.values())

    def _ask(self, plugin: LoadedPlugin, hook: str) -> list[Any]:
        implemented = plugin.hooks.get(hook)
        if implemented is None:
            return []
        try:
            return self._in_time(plugin.candidate, partial(_answer_of, implemented, {"context": self._context}))
        except KeyboardInterrupt:
            raise
        except BaseException as cause:  # SystemExit too: registration must not take the host along
            raise PluginLoadError(
                f"{type(cause).__name__} in {hook}: {cause}",
                code="FHR-PLG-001",
                hint=f"Mend it, or {plugin.candidate.way_out(plugin.info.name)}",
                plugin=plugin.info.name,
                version=plugin.info.version,
            ) from cause

    def _refuse(self, candidate: Candidate, error: PluginError, *, strict: bool) -> None:
        if strict:
            raise error
        self._refused[candidate] = error
        report = self._reports[candidate] = report_of_failure(candidate, error)
        _log.warning("Plugin %s of %s: %s %s", report.name, report.distribution, report.reason, report.fix)


class _Asking:
    """One plugin's applications, looked at before anything is mounted."""

    def __init__(self, hook: Hook, context: RegistrationContext, taken: frozenset[str]) -> None:
        self._hook, self._context, self._taken = hook, context, taken

    def ask(self) -> list[Application]:
        from fieldhr_core.hooks.applications import Application

        offered = _answer_of(self._hook, {"context": self._context})
        taken = set(self._taken)
        for application in offered:
            if not isinstance(application, Application):
                raise PluginContractError(
                    f"It offers a {type(application).__name__} as an application.", code="FHR-PLG-012"
                )
            paths = (application.path, *application.also)
            if not all(_PATH.fullmatch(path) for path in paths) or not application.name:
                raise PluginContractError(
                    f"It offers the application {application.name!r} at {', '.join(map(repr, paths))}.",
                    code="FHR-PLG-012",
                    hint="A path is / or /words, without a slash at its end.",
                )
            clash = taken & {application.name, *paths}
            if clash:
                raise PluginLoadError(
                    f"The application {application.name!r} has {min(clash)!r} in common with another one.",
                    code="FHR-PLG-014",
                )
            taken |= {application.name, *paths}
        return offered


def _answer_of(hook: Hook, known: Mapping[str, Any]) -> list[Any]:
    answer = getattr(hook.plugin, hook.attribute)(*(known[name] for name in hook.arguments))
    return list(answer) if answer is not None else []


_DISABLED: Final = ("Disabled by configuration.", "Take it out of the list of disabled plugins.")


def _trust(plugin: LoadedPlugin) -> tuple[int, str]:
    explicit = plugin.candidate.origin == Origin.EXPLICIT
    # sorted() keeps the given order of explicit ones.
    return (plugin.candidate.origin, "" if explicit else plugin.info.name)


def _require_unique_name(plugin: LoadedPlugin, loaded: Sequence[LoadedPlugin]) -> None:
    for other in loaded:
        if other.info.name == plugin.info.name:
            raise PluginLoadError(
                f"{plugin.info.name} is the name of two plugins: of {other.candidate.distribution} "
                f"({other.candidate.path}) and of {plugin.candidate.distribution} ({plugin.candidate.path}).",
                code="FHR-PLG-003",
                hint=f"Rename one, or {plugin.candidate.way_out(plugin.candidate.path)}",
                plugin=plugin.info.name,
                version=plugin.info.version,
            )


def _not_allowed(plugin: LoadedPlugin, what: str) -> PluginLoadError:
    return PluginLoadError(
        f"{plugin.info.name} {what}.",
        code="FHR-PLG-012",
        plugin=plugin.info.name,
        version=plugin.info.version,
    )
