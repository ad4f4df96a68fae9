"""The one object a host opens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fieldhr_core.errors import ConfigError, StoreError, TrustError
from fieldhr_core.flow.clock import Clock, FrozenClock, SystemClock
from fieldhr_core.model import Finding, Principal, Role, instant, milliseconds

if TYPE_CHECKING:
    from types import TracebackType

    from sqlalchemy import Connection

    from fieldhr_core.care.doctor.patient import Answer
    from fieldhr_core.care.drill import Drill
    from fieldhr_core.care.room import Care
    from fieldhr_core.flow.acting import Acting, House
    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.flow.tenants import Tenants
    from fieldhr_core.flow.tokens import Tokens
    from fieldhr_core.hooks.applications import Application, Authenticate
    from fieldhr_core.hooks.guard import Fault
    from fieldhr_core.hooks.mounting import Applications
    from fieldhr_core.hooks.plugin import PluginReport
    from fieldhr_core.trust.keys import KeyProvider

__all__ = ["FieldHR"]

#: Who acts where time does: scheduled work of a tenant.
_SCHEDULE = "fieldhr.schedule"


class FieldHR:
    """A runtime on a host's database: its plugins, clock, keys and tenants. Several can live in one process.

    Open it with :meth:`open`, use it as a context manager or :meth:`close` it.
    """

    def __init__(self, house: House) -> None:
        self._house: House | None = house

    @classmethod
    def open(
        cls,
        target: Any,
        *,
        plugins: Iterable[Any] | None = None,
        autoload: bool = True,
        disabled: Sequence[str] = (),
        strict: bool = False,
        clock: Clock | None = None,
        keys: KeyProvider | None = None,
        call_limit_s: float | None = None,
        prefix: str = "fieldhr_",
        schema: str | None = None,
        migrate: bool = True,
        database_scope: bool | None = None,
    ) -> FieldHR:
        """Open a runtime.

        Args:
            target: a database URL (the engine is ours), an ``Engine`` (the host's, used with our own short
                transactions), or a ``Connection`` or ``Session`` whose transaction the host owns: then nothing is ever
                committed, rolled back or closed here.
            plugins: modules, plugin objects or module paths, in order; before those found by themselves.
            autoload: whether built-in and installed plugins come too.
            disabled: names of plugins not to load.
            strict: raise at a plugin that fails to load, instead of reporting it.
            clock: where ``now`` comes from; the machine's clock by default.
            keys: wraps the data keys; by default a key file beside an SQLite file of ours, and FHR-TRU-002 elsewhere.
            call_limit_s: seconds a plugin's call may take. ``None`` calls it on this thread without a limit: a
                runtime starts no threads its host did not ask for.
            prefix, schema: where our tables are; nothing else is touched.
            migrate: create or upgrade our tables if needed.
            database_scope: whether the database itself holds back what is not a principal's, beneath the conditions in
                our queries. ``True``: it must; ``False``: it need not; ``None``: on an SQLite database that we open by
                its URL, and on PostgreSQL where ``store.schema.install_row_security`` has run.

        Raises:
            ConfigError: FHR-CFG-001 for a target or argument of the wrong kind.
            StoreError: FHR-STO-001 or FHR-STO-002 where the database or its schema cannot be used.
                FHR-STO-006 where the database's own protection is not as it should be.
            TrustError: FHR-TRU-002 where the keys cannot be read.
        """
        from fieldhr_core.flow.acting import House
        from fieldhr_core.hooks.guard import Guard
        from fieldhr_core.hooks.loader import Registry
        from fieldhr_core.store.binding import bind
        from fieldhr_core.store.keys import default_keys
        from fieldhr_core.store.schema import prepare
        from fieldhr_core.store.tables import StoreTables
        from fieldhr_core.store.wall import raised
        from fieldhr_core.trust.vault import MemoryKeyStore, Vault

        if not prefix.replace("_", "a").isalnum() or prefix[0].isdigit():
            raise ConfigError(f"The prefix {prefix!r} is no part of a table name.", code="FHR-CFG-001")
        clock = clock or SystemClock()
        binding = bind(target)
        try:
            tables = StoreTables(prefix, schema)
            prepare(binding, tables, migrate=migrate, at_ms=milliseconds(clock.now()))
            guard = Guard(limit_s=call_limit_s, now=clock.now)
            registry = Registry(guard=guard)
            registry.load(plugins, autoload=autoload, disabled=disabled, strict=strict)
            keys = keys or default_keys(binding)
            vault = Vault(keys, MemoryKeyStore(), _refuse_reading)
            wall = raised(binding, tables, keys, wanted=database_scope)
        except BaseException:
            binding.close()
            raise
        house = House(binding=wall, tables=tables, registry=registry, guard=guard, vault=vault, clock=clock, keys=keys)
        return cls(house)

    def __enter__(self) -> FieldHR:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what this runtime opened, and nothing the host handed in. Closing twice is fine."""
        if self._house is not None:
            self._house.guard.close()
            self._house.binding.close()
            self._house = None

    @property
    def clock(self) -> Clock:
        """Where ``now`` comes from."""
        return self._open_house().clock

    @property
    def tenants(self) -> Tenants:
        """The register of tenants."""
        from fieldhr_core.flow.tenants import Tenants

        return Tenants(self._open_house())

    @property
    def tokens(self) -> Tokens:
        """The register of tokens, for a host that has no login of its own to hand over."""
        from fieldhr_core.flow.tokens import Tokens

        return Tokens(self._open_house())

    @property
    def care(self) -> Care:
        """Backup, drill, rotation of keys, forgetting: for the host, not for principals."""
        from fieldhr_core.care.premises import Premises
        from fieldhr_core.care.room import Care

        house = self._open_house()
        return Care(
            Premises(
                binding=house.binding,
                tables=house.tables,
                vault=house.vault,
                keys=house.keys,
                now=house.clock.now,
                cached=house.cached,
                stage=self._stage,
            )
        )

    def examine(self) -> Sequence[Answer]:
        """Ask the doctor's questions about this runtime and its store, and mend nothing: ``fieldhr doctor`` does."""
        from fieldhr_core.care.doctor.examine import examine
        from fieldhr_core.care.doctor.patient import Patient
        from fieldhr_core.flow.tenants import OWN_SETTINGS
        from fieldhr_core.flow.wording import Wording
        from fieldhr_core.trust.keys import FileKeys

        house = self._open_house()
        with house.binding.transaction(write=False) as connection:
            url = connection.engine.url.render_as_string(hide_password=False)
        patient = Patient(
            url=url,
            tables=house.tables,
            now=house.clock.now(),
            open_keys=lambda: house.keys,
            key_file=house.keys.path if isinstance(house.keys, FileKeys) else None,
            binding=house.binding,
            registry=house.registry,
            reports=house.registry.reports,
            languages=frozenset(name for texts in Wording.of(house.registry).texts.values() for name in texts),
            own_settings=OWN_SETTINGS,
        )
        return examine(patient)

    def drill(self) -> Drill:
        """Destroy and restore a copy of the store, and raise ``security.restore_drill`` with what was measured."""
        import attrs

        from fieldhr_core.flow.upkeep import raise_drill

        done = self.care.drill()
        for tenant in self.tenants.list():
            principal = Principal(tenant=tenant, id=_SCHEDULE, role=Role.ADMIN)
            raise_drill(self._acting(principal, "operations"), attrs.asdict(done))
        return done

    @property
    def plugins(self) -> tuple[PluginReport, ...]:
        """How every plugin that was found fares."""
        return self._open_house().registry.reports

    def reset_breakers(self, plugin: str | None = None) -> None:
        """Let providers that were paused after failing be asked again at once: those of one plugin, or all."""
        self._open_house().guard.reset(plugin)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What plugins did wrong since the runtime was opened."""
        return self._open_house().guard.faults

    def applications(
        self,
        *,
        authenticate: Authenticate,
        login_url: str = "",
        only: Sequence[str] | None = None,
        besides: Iterable[Application] = (),
        threads: int | None = None,
        secret: bytes | None = None,
        max_body_bytes: int = 32 * 2**20,
    ) -> Applications:
        """Return one ASGI application with all that the plugins offer, each at its own path.

        Mount it in the host's own ASGI application, or run it with any ASGI server. Closing it ends its threads and not
        the runtime.

        Args:
            authenticate: says who a request comes from, see :data:`fieldhr_core.hooks.applications.Authenticate`.
            login_url: where a person nobody knows is sent; empty: they are refused.
            only: names of the plugins' applications to mount; ``None``: all.
            besides: applications of the host's own, mounted with the same care; they come before the plugins'.
            threads: how many threads work on requests, started as requests come; 64 by default. Most of them wait for
                their turn to write, and what waits is done together: fewer would wait for each other one by one.
            secret: ties forms to logins; by default drawn anew. Several processes that serve one site share one.
            max_body_bytes: how large a request may be.

        Raises:
            ConfigError: FHR-CFG-001 where the host owns the transaction, which no two requests can share.
        """
        import secrets
        from concurrent.futures import ThreadPoolExecutor

        from fieldhr_core.hooks.applications import Link, Site
        from fieldhr_core.hooks.mounting import Applications
        from fieldhr_core.hooks.plugin import PluginInfo

        house = self._open_house()
        if not house.binding.owns_transaction:
            raise ConfigError(
                "Requests need transactions of their own.",
                code="FHR-CFG-001",
                hint="Open the runtime on an Engine or a URL instead of a Connection or Session.",
            )
        limit = house.binding.most_at_once
        wanted = threads or 64
        pool = ThreadPoolExecutor(min(wanted, limit) if limit else wanted, thread_name_prefix="fieldhr-site")
        site = Site(
            hr=self,
            authenticate=authenticate,
            login_url=login_url,
            executor=pool,
            secret=secret or secrets.token_bytes(),
        )
        own = [(PluginInfo(name="host", version="0"), application) for application in besides]
        taken = {word for _, mine in own for word in (mine.name, mine.path, *mine.also)}
        offered = [
            (
                Link(name=offer.name, titles=dict(offer.titles), path=offer.path, plugin=info.name),
                offer.also,
                (info, offer),
            )
            for info, offer in (*own, *house.registry.applications(taken))
            if info.name == "host" or only is None or offer.name in only
        ]
        offered.sort(key=lambda one: one[0].path)
        # Before any of them is made, so that each can link to the others.
        site.links = tuple(link for link, _, _ in offered)
        made = [(link, also, house.registry.make_application(*offer, site)) for link, also, offer in offered]
        there = [(link, also, application) for link, also, application in made if application is not None]
        site.links = tuple(link for link, _, _ in there)
        return Applications(site, there, pool, max_body_bytes=max_body_bytes)

    @contextlib.contextmanager
    def acting_as(self, principal: Principal, *, purpose: str) -> Iterator[Desk]:
        """Open a desk for a principal and a purpose.

        Args:
            principal: who acts; everything is limited to their tenant and to what their role may see.
            purpose: why, one of :class:`fieldhr_core.trust.scope.Purpose`; written into every audit event.

        Raises:
            ConfigError: FHR-CFG-001 for an unknown purpose.
        """
        from fieldhr_core.flow.desk import Desk

        yield Desk(self._acting(principal, purpose))

    def advance(self, to: datetime | None = None) -> int:
        """Run everything that is due up to an instant, tenant by tenant in order of time. Return how many jobs ran.

        Args:
            to: aware instant; ``None`` = the clock's present. A :class:`~fieldhr_core.flow.clock.FrozenClock` is moved
                there, job by job, so that each job sees its own instant as now.

        A call that is interrupted is taken up again by the next one.
        """
        from fieldhr_core.flow.acting import Acting
        from fieldhr_core.flow.days import resolve_dirty
        from fieldhr_core.flow.delivery import deliver_due
        from fieldhr_core.flow.schedule import due_jobs, run
        from fieldhr_core.flow.watch import watch
        from fieldhr_core.flow.witnessing import witness_trail

        house = self._open_house()
        until = house.now_ms() if to is None else milliseconds(to)
        actings = [
            Acting(house, Principal(tenant=t, id=_SCHEDULE, role=Role.ADMIN), "operations", is_runtime=True)
            for t in self.tenants.list()
        ]
        jobs = sorted(
            ((due, acting) for acting in actings for due in due_jobs(acting, until)),
            key=lambda pair: (pair[0], pair[1].tenant),
        )
        for due, acting in jobs:
            self._keep_deadlines(actings, due.at_ms)
            self._move_clock(due.at_ms)
            run(acting, due)
        self._keep_deadlines(actings, until)
        self._move_clock(until)
        for acting in actings:
            resolve_dirty(acting)
            watch(acting)
            deliver_due(acting)
            witness_trail(acting)
        return len(jobs)

    def _keep_deadlines(self, actings: Sequence[Acting], until_ms: int) -> None:
        """Do what time makes due for cases, each at its own instant, up to and at *until_ms*."""
        from fieldhr_core.flow.attending import attend
        from fieldhr_core.flow.deadlines import next_wake_ms

        while True:
            found = [(at, n) for n, acting in enumerate(actings) if (at := next_wake_ms(acting, until_ms)) is not None]
            if not found:
                return
            at_ms, number = min(found)
            self._move_clock(at_ms)
            if not attend(actings[number]):
                return  # the machine's clock has not come that far yet

    @contextlib.contextmanager
    def unsafe_as_system(self, *, reason: str, actor: str = "host") -> Iterator[Connection]:
        """Yield a connection in a transaction that reaches every row of every tenant: for repairs and nothing else.

        No condition, no mask and no row security holds on it; sealed values stay sealed. Before it is yielded, an event
        ``system.unsafe`` with the reason is written to every tenant's audit chain (in a host's transaction: with it).

        Args:
            reason: why, in words that an auditor of any tenant may read.
            actor: who, for the trail.

        Raises:
            ConfigError: FHR-CFG-001 without a reason.
        """
        from fieldhr_core.flow.acting import Acting

        house = self._open_house()
        if not reason.strip():
            raise ConfigError("Going round every protection takes a reason.", code="FHR-CFG-001")
        for tenant in self.tenants.list():
            acting = Acting(house, Principal(tenant=tenant, id=actor, role=Role.ADMIN), "operations")
            with acting.unit() as unit:
                unit.audit("system.unsafe", "store", "", reason=reason)
        with house.binding.transaction(write=True) as connection:
            yield connection

    def _stage(self, binding: Any, at: datetime) -> Any:
        """Return a runtime like this one on another binding and a clock of its own; nobody outside hears of it."""
        import attrs

        from fieldhr_core.care.evidence.stage import Stage
        from fieldhr_core.flow.cases import raise_findings

        house = attrs.evolve(self._open_house(), binding=binding, clock=FrozenClock(at), cached={}, is_rehearsal=True)
        hr = FieldHR(house)

        def raise_finding(finding: Finding, tenant: str) -> str:
            acting = hr._acting(Principal(tenant=tenant, id=_SCHEDULE, role=Role.ADMIN), "operations")
            with acting.unit() as unit:
                return raise_findings(acting, unit, [finding], origin="fieldhr.rehearsal")[0]

        return Stage(
            hr=hr,
            raise_finding=raise_finding,
            unit=lambda principal, purpose: hr._acting(principal, purpose).unit(),
            house=house,
        )

    def _move_clock(self, to_ms: int) -> None:
        clock = self._open_house().clock
        if isinstance(clock, FrozenClock) and instant(to_ms) > clock.now():
            clock.advance(instant(to_ms))

    def _acting(self, principal: Principal, purpose: str) -> Acting:
        from fieldhr_core.flow.acting import Acting
        from fieldhr_core.trust.purposes import Purpose

        if purpose not in set(Purpose):
            known = ", ".join(sorted(Purpose))
            raise ConfigError(f"There is no purpose {purpose!r}.", code="FHR-CFG-001", hint=f"Purposes are {known}.")
        return Acting(self._open_house(), principal, purpose)

    def _open_house(self) -> House:
        if self._house is None:
            raise StoreError("This runtime is closed.", code="FHR-STO-004")
        return self._house


def _refuse_reading(_reading: object) -> None:
    # The runtime's own vault only shares unwrapped keys; values are opened inside a transaction that can note it.
    raise TrustError("Nothing is opened outside a transaction.", code="FHR-TRU-001")
