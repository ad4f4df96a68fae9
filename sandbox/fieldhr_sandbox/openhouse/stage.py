"""The living tenant behind ``trial open``: its store, its frozen clock, and what moves it on.

Everything that people will do exists from the start; positions are made and handed in day by day, as the clock passes.
The first screen so needs one day of them and not all, and of that day the team that is looked at first: the others come
in while that is being read.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_core.model import Principal, Role
from fieldhr_sandbox.feed import Feeding, opening_instant
from fieldhr_sandbox.packs import Pack, Turn, pack
from fieldhr_sandbox.tenant import Tenant, build

if TYPE_CHECKING:
    from fieldhr_core.runtime import FieldHR
    from fieldhr_sandbox.world import Rep

__all__ = ["VIEWERS", "Stage", "before_and_after"]

#: Who a visitor can be, in the order of the menu.
VIEWERS: Final = ("manager", "rep", "compliance", "hr_payroll", "auditor", "admin")
#: The tenant on which a dial is moved: small enough to be measured while somebody waits.
_DIALLED: Final[Mapping[str, Any]] = {"reps": 28, "days": 22}


@attrs.define(eq=False, kw_only=True)
class Stage:
    """One tenant, built and handed in as far as its clock says. All methods may be called from any thread.

    Attributes:
        folder: where its store lies.
    """

    folder: Path
    tenant: Tenant
    hr: FieldHR
    _feeding: Feeding
    _lock: Any = attrs.field(factory=threading.Lock, init=False)
    _is_closed: bool = attrs.field(default=False, init=False)

    @classmethod
    def set_up(cls, name: str, seed: int, folder: Path) -> Stage:
        """Build the tenant of a pack in a new store and hand in the first day of the team that is looked at first.

        Everybody else's first day comes in with :meth:`fill_in`, or before the clock is moved on.

        Raises:
            SandboxError: FHR-SBX-001 for an unknown pack.
        """
        from fieldhr_core.flow.clock import FrozenClock
        from fieldhr_core.runtime import FieldHR

        tenant = build(pack(name), seed)
        for old in folder.glob("house.db*"):
            old.unlink()
        clock = FrozenClock(opening_instant(tenant))
        hr = FieldHR.open(f"sqlite:///{folder / 'house.db'}", clock=clock)
        manager = _shown_rep(tenant).person.manager
        feeding = Feeding.begin(
            hr,
            clock,
            tenant,
            lambda day: tenant.fixes(tenant.day_scripts(day)).table,
            folder=folder,
            first=[rep.id for rep in tenant.world.reps if rep.person.manager == manager],
        )
        feeding.look_ahead()
        return cls(folder=folder, tenant=tenant, hr=hr, feeding=feeding)

    def close(self) -> None:
        """Close the runtime; the store stays in its folder."""
        with self._lock:
            self._is_closed = True
            self.hr.close()

    @property
    def is_filling(self) -> bool:
        """Whether the first day of most people is still to come in."""
        return self._feeding.next_day == 0

    def fill_in(self) -> None:
        """Hand in the first day of everybody else, unless that was done."""
        with self._lock:
            if self.is_filling and not self._is_closed:
                self._feeding.hand_in_day()

    def advance(self, days: int) -> date:
        """Move the clock on by calendar days, and return the last one that was handed in. At the end it stays."""
        self.fill_in()
        with self._lock:
            for _ in range(days):
                if self._feeding.is_over:
                    break
                self._feeding.hand_in_day()
            return self.today

    @property
    def today(self) -> date:
        """The last day that was handed in."""
        return self.tenant.days.date(max(0, self._feeding.next_day - 1))

    @property
    def days_left(self) -> int:
        """How many calendar days the tenant still has."""
        return self.tenant.days.count - max(1, self._feeding.next_day)

    @property
    def fixes(self) -> int:
        """How many positions were handed in."""
        return self._feeding.fed.receipt.submitted

    def principal(self, viewer: str) -> Principal:
        """Return whom a visitor acts as; a rep and a manager are real people of the tenant, those with most to show."""
        role = Role(viewer)
        rep = _shown_rep(self.tenant)
        person = {Role.REP: rep.id, Role.MANAGER: rep.person.manager}.get(role)
        return Principal(tenant=self.tenant.id, id=f"visitor-{viewer}", role=role, person=person)


def _shown_rep(tenant: Tenant) -> Rep:
    """Return the rep about whom most is planted in the first days; the answer key is not shown by that."""
    counts: dict[str, int] = {}
    for record in tenant.key.alerts:
        if record.rep is not None:
            counts[record.rep] = counts.get(record.rep, 0) + 1
    most = max(counts, key=lambda rep: (counts[rep], rep), default="")
    return next((rep for rep in tenant.world.reps if rep.id == most), tenant.world.reps[0])


def before_and_after(anomaly_rate: tuple[float, float], visits: tuple[float, float], seed: int) -> list[dict[str, Any]]:
    """Turn the dials of a small tenant half-way, let the product measure it, and return one row a dial and part.

    Raises:
        SandboxError: FHR-SBX-001 where a dial is out of its range.
    """
    from fieldhr_core.flow.clock import FrozenClock
    from fieldhr_core.runtime import FieldHR
    from fieldhr_sandbox.dialled import compare_dials
    from fieldhr_sandbox.feed import feed, principal

    if not all(0.0 <= rate <= 0.4 for rate in anomaly_rate) or not all(1.0 <= mean <= 4.0 for mean in visits):
        raise SandboxError(
            "A dial is out of its range.",
            code="FHR-SBX-001",
            hint="Anomalous outings lie between 0 and 40 %, visits between 1 and 4 a day.",
        )
    turn = Turn(on_day=_DIALLED["days"] // 2, anomaly_rate=anomaly_rate, visits=visits)
    dials = pack("dials")
    books = None if dials.books is None else attrs.evolve(dials.books, on_day=turn.on_day)
    chosen: Pack = attrs.evolve(dials, turn=turn, books=books, **_DIALLED)
    tenant = build(chosen, seed)
    clock = FrozenClock(opening_instant(tenant))
    with FieldHR.open("sqlite://", clock=clock) as hr:
        feed(hr, clock, tenant, lambda day: tenant.fixes(tenant.day_scripts(day)).table)
        with hr.acting_as(principal(tenant), purpose="operations") as desk:
            return compare_dials(desk, tenant)
