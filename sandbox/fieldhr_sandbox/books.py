"""The books of a tenant: loans, applications, contracts in the making, customers who come back or do not.

Everything is laid out in columns with the instants at which it happens, past the trial's end too; what is handed in at
an instant is what the books said then. Dials are met by exact quota over the whole tenant, and who a quota falls on is
drawn by seed, with reps who truly differ. A scenario fixes the book of one rep beforehand (:class:`RepBook`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.model import DEALS, LOANS, Coded, Table, milliseconds
from fieldhr_sandbox.calendars import Days
from fieldhr_sandbox.streams import Streams

if TYPE_CHECKING:
    from fieldhr_sandbox.world import World

__all__ = ["BookDials", "Books", "RepBook", "build_books", "month_ends"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_DAY_MS: Final = 86_400_000
#: Quantiles of the time from first visit to signing by its median: 0.002, then every 32nd, then 0.998 (gamma, 1.6).
_CYCLE: Final = (
    *(0.0201, 0.1184, 0.1891, 0.2507, 0.3086, 0.3642, 0.4188, 0.4727, 0.5267, 0.5812, 0.6364, 0.6926, 0.7503),
    *(0.8095, 0.8705, 0.934, 1.0, 1.0691, 1.1419, 1.219, 1.3015, 1.3897, 1.4849, 1.5891, 1.7038, 1.8326, 1.979),
    *(2.15, 2.3568, 2.619, 2.9836, 3.5976, 5.9411),
)


@attrs.frozen(kw_only=True)
class BookDials:
    """What the books come to, before and after the dials are turned.

    Attributes:
        on_day: first day of the second part; ``None``: nothing is turned, and the first of each pair holds.
        overdue, high_risk: shares of the loans on the book.
        approval, new_high_risk: share of applications that are approved, and of high-risk loans among them.
        repurchase: share of matured customers who bought a second time.
        cycle_days: median from the first visit to signing.
        loans, matured: of each rep, drawn between these; a house without loans has no applications either.
    """

    on_day: int | None = None
    overdue: tuple[float, float] = (0.05, 0.02)
    high_risk: tuple[float, float] = (0.12, 0.04)
    approval: tuple[float, float] = (0.35, 0.35)
    new_high_risk: tuple[float, float] = (0.10, 0.10)
    repurchase: tuple[float, float] = (0.20, 0.28)
    cycle_days: float = 30.0
    loans: tuple[int, int] = (30, 110)
    matured: tuple[int, int] = (60, 140)


@attrs.define(kw_only=True)
class RepBook:
    """What a scenario fixes of one rep's book; ``None`` is left to chance.

    Attributes:
        loans, overdue: loans on the book, and how many of them are overdue all the time.
        matured, returned: customers whose time is up, and how many of them bought again.
        cycle_days, deals: own median of the follow-up cycle, and contracts begun in any half year.
        sells: so many times the usual number of contracts.
        true_overdue: the rate of which the overdue loans are one draw.
        pushes: months (first day) in which most contracts fall on the last working days and half are taken back.
        is_all: nothing else comes of them during the trial: no application, nobody who buys again.
    """

    loans: int | None = None
    overdue: int | None = None
    matured: int | None = None
    returned: int | None = None
    cycle_days: float | None = None
    deals: int | None = None
    sells: float = 1.0
    true_overdue: float | None = None
    pushes: tuple[date, ...] = ()
    is_all: bool = False


@attrs.frozen(eq=False)
class Books:
    """Loans and deals with everything that happens to them, and what the dials came to.

    Attributes:
        loans, deals: ``LOANS`` and ``DEALS``; instants may lie ahead.
        cancelled: by rep index, instants at which planted contracts are taken back, ascending.
        plans: by rep index, what scenarios fixed.
    """

    loans: Table
    deals: Table
    cancelled: Mapping[int, tuple[int, ...]]
    plans: Mapping[int, RepBook] = attrs.field(factory=dict)

    def shares(self, since_ms: int, until_ms: int) -> dict[str, float]:
        """Return what the dials came to: of the books at the end of a span, and of what was decided in it."""
        at = until_ms - 1
        on = (self.loans["booked_ms"] <= at) & ((self.loans["closed_ms"] == 0) | (self.loans["closed_ms"] > at))
        new = (self.loans["booked_ms"] >= since_ms) & (self.loans["booked_ms"] <= at)
        risky = self.loans["risk"].where("high")
        late = (self.loans["overdue_ms"] > 0) & ((self.loans["cured_ms"] == 0) | (self.loans["cured_ms"] > at))
        bought = self.deals.take(self.deals["product"].where("deposit") & (self.deals["closed_ms"] <= at))
        times = np.bincount(Coded.of(bought["customer"].tolist()).codes)
        asked = self.deals["product"].where("loan")
        asked &= (self.deals["closed_ms"] >= since_ms) & (self.deals["closed_ms"] <= at)
        return {
            "overdue": float(late[on].mean()),
            "high_risk": float(risky[on].mean()),
            "new_high_risk": float(risky[new].mean()) if new.any() else 0.0,
            "approval": float(self.deals["stage"].where("approved")[asked].mean()),
            "repurchase": float((times > 1).mean()),
        }

    def changes(self, since_ms: int | None, until_ms: int) -> tuple[Table, Table]:
        """Return the loans and deals that something happened to in ``(since, until]``, as the books say at its end."""
        return (
            _as_of(self.loans, ("booked_ms", "overdue_ms", "cured_ms", "closed_ms"), since_ms, until_ms),
            _as_of(self.deals, ("opened_ms", "closed_ms", "cancelled_ms"), since_ms, until_ms),
        )


def build_books(dials: BookDials, streams: Streams, world: World, days: Days, plans: Mapping[int, RepBook]) -> Books:
    """Lay out the books of every rep."""
    chance = _Chance(streams)
    reps = [rep.id for rep in world.reps]
    book = [plans.get(rep.index, RepBook()) for rep in world.reps]
    first, end = days.instant(0, 0), days.instant(days.count, 0)
    turn = None if dials.on_day is None else milliseconds(days.instant(dials.on_day, 0))
    if not dials.loans[1]:
        applications = DEALS.empty()
    else:
        applications = _applications(dials, chance, reps, book, milliseconds(first), milliseconds(end), turn)
    granted = np.sort(applications["closed_ms"][applications["stage"].where("approved")])
    loans = _loans(dials, chance, reps, book, milliseconds(first), turn, granted)
    pipeline, cancelled = _pipeline(dials, chance, reps, book, days, first, end)
    deals = [
        pipeline,
        applications,
        _customers(dials, chance, reps, book, milliseconds(first), milliseconds(end), turn),
    ]
    named = _named(loans, "loan", streams), _named(Table.concat(DEALS, deals), "deal", streams)
    return Books(*named, cancelled, dict(plans))


def month_ends(days: Days) -> tuple[date, ...]:
    """Return the first day of each month on whose first days the trial runs: the month before is over then."""
    found = []
    day = days.date(0).replace(day=1)
    while day <= days.date(days.count - 1):
        if (days.date(0) - day).days <= 2:
            found.append(day)
        day = (day + timedelta(days=32)).replace(day=1)
    return tuple(found)


class _Chance:
    """Columns of random numbers from named streams, made of raw words with sums and products only."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def uniform(self, name: str, count: int) -> Floats:
        words = self._streams.of(f"books-{name}", 0).words(max(count, 1))[:count]
        return (words >> np.uint64(11)).astype("f8") * 2.0**-53

    def whole(self, name: str, count: int, low: int, high: int) -> Ints:
        return low + (self.uniform(name, count) * (high - low + 1)).astype("i8")

    def quota(self, name: str, count: int, share: float, weight: Floats, fixed: int = 0) -> npt.NDArray[np.bool_]:
        """Choose ``round(share * (count + others)) - fixed`` rows, likelier ones of more weight."""
        wanted = min(max(share_of(share, count) - fixed, 0), int((weight > 0).sum()))
        # The largest keys of uniform ** (1 / weight): sampling without replacement (Efraimidis and Spirakis 2006);
        # -log(u) / weight orders alike, and a division keeps the order everywhere.
        drawn = self.uniform(name, count)
        key = np.where(weight > 0, (1.0 - drawn) / np.maximum(drawn, 1e-12) / np.maximum(weight, 1e-9), np.inf)
        chosen = np.zeros(count, dtype=bool)
        chosen[np.argsort(key, kind="stable")[:wanted]] = True
        return chosen


def share_of(rate: float, count: int) -> int:
    """Return the exact quota of *rate*."""
    return round(rate * count)


def _loans(
    dials: BookDials,
    chance: _Chance,
    reps: Sequence[str],
    book: Sequence[RepBook],
    first_ms: int,
    turn: int | None,
    granted: Ints,
) -> Table:
    """Return the loans, old ones and one for each instant in *granted* (ascending), at which one was approved."""
    drawn = chance.whole("loans", len(reps), *dials.loans)
    each = np.asarray([one.loans or int(n) for one, n in zip(book, drawn, strict=True)])
    rep = np.repeat(np.arange(len(reps)), each)
    count = len(rep)
    if not count:
        return LOANS.empty()
    is_fixed = np.asarray([one.overdue is not None for one in book])[rep]
    place = np.arange(count) - np.repeat(np.cumsum(each) - each, each)
    planted = is_fixed & (place < np.asarray([one.overdue or 0 for one in book])[rep])
    leaning = 0.5 + chance.uniform("leaning", len(reps))
    booked = first_ms - chance.whole("booked", count, 90, 900) * _DAY_MS
    new = np.flatnonzero(chance.quota("new", count, len(granted) / max(count, 1), np.where(is_fixed, 0.0, 1.0)))
    booked[new] = granted[: len(new)]
    # What is granted after the turn is on nobody's book before it.
    old = booked < (booked.max() + 1 if turn is None else turn)
    weight = np.where(is_fixed | (booked >= first_ms), 0.0, leaning[rep])
    late = chance.quota("overdue", count, dials.overdue[0] * old.mean(), weight, int(planted.sum()))
    risky = np.zeros(count, dtype=bool)
    for name, part, share in (
        ("before", new[old[new]], dials.new_high_risk[0]),
        ("after", new[~old[new]], dials.new_high_risk[1]),
    ):
        risky[part] = chance.quota(f"new-{name}", len(part), share, np.ones(len(part)))
    already = int(risky[old].sum())
    risky |= chance.quota(
        "risk", count, dials.high_risk[0] * old.mean(), np.where(booked < first_ms, 1.0, 0.0), already
    )
    overdue = first_ms - chance.whole("since", count, 5, 60) * _DAY_MS + chance.whole("hour", count, 0, 80_000_000)
    cured, closed = np.zeros(count, dtype="i8"), np.zeros(count, dtype="i8")
    if turn is not None:
        left = chance.quota("still", count, dials.overdue[1], np.where(late, 1.0, 0.0), int(planted.sum()))
        cured[late & ~left] = turn + chance.whole("cure", count, 0, 36_000_000)[late & ~left]
        # A high-risk loan leaves the book by being repaid, so the book is smaller by it.
        stay, keep = dials.high_risk[1], int(risky.sum())
        gone = max(0, round((keep - stay * count) / (1 - stay)))
        may_leave = risky & ~late & ~planted & (booked < first_ms)
        leaves = chance.quota("repaid", count, gone / count, np.where(may_leave, 1.0, 0.0))
        closed[leaves] = turn + chance.whole("repay", count, 0, 36_000_000)[leaves]
    return LOANS.table(
        loan=[""] * count,
        rep=Coded(rep.astype("i4"), tuple(reps)),
        customer=[f"{number}" for number in range(count)],
        product=Coded.same("loan", count),
        booked_ms=booked,
        amount_minor=chance.whole("amount", count, 5, 500) * 1_000_000,
        overdue_ms=np.where(late | planted, overdue, 0),
        cured_ms=cured,
        closed_ms=closed,
        risk=Coded(np.where(risky, 1, 0).astype("i4"), ("normal", "high")),
    )


def _applications(
    dials: BookDials,
    chance: _Chance,
    reps: Sequence[str],
    book: Sequence[RepBook],
    first_ms: int,
    end_ms: int,
    turn: int | None,
) -> Table:
    """One application a week and rep; each part of the trial decides its own share."""
    weeks = max(1, (end_ms - first_ms) // (7 * _DAY_MS))
    rep = np.repeat(np.flatnonzero([not one.is_all for one in book]), weeks)
    count = len(rep)
    decided = first_ms + (chance.uniform("decided", count) * (end_ms - first_ms)).astype("i8")
    before = decided < (end_ms if turn is None else turn)
    approved = np.zeros(count, dtype=bool)
    for part, (name, share) in (
        (before, ("approved-1", dials.approval[0])),
        (~before, ("approved-2", dials.approval[1])),
    ):
        mine = np.flatnonzero(part)
        approved[mine] = chance.quota(name, len(mine), share, np.ones(len(mine)))
    opened = decided - chance.whole("applied", count, 2, 15) * _DAY_MS
    return _deals(rep, reps, opened, decided, np.where(approved, "approved", "refused"), "loan")


def _customers(
    dials: BookDials,
    chance: _Chance,
    reps: Sequence[str],
    book: Sequence[RepBook],
    first_ms: int,
    end_ms: int,
    turn: int | None,
) -> Table:
    """Return customers whose first purchase lies long back, and what those bought who came again."""
    drawn = chance.whole("matured", len(reps), *dials.matured)
    each = np.asarray([int(n) if one.matured is None else one.matured for one, n in zip(book, drawn, strict=True)])
    rep = np.repeat(np.arange(len(reps)), each)
    count = len(rep)
    is_fixed = np.asarray([one.returned is not None for one in book])[rep]
    place = np.arange(count) - np.repeat(np.cumsum(each) - each, each)
    planted = is_fixed & (place < np.asarray([one.returned or 0 for one in book])[rep])
    leaning = 0.85 + 0.3 * chance.uniform("caring", len(reps))
    weight = np.where(is_fixed, 0.0, leaning[rep])
    again = chance.quota("again", count, dials.repurchase[0], weight, int(planted.sum())) | planted
    bought = first_ms - chance.whole("bought", count, 260, 700) * _DAY_MS
    second = bought + chance.whole("second", count, 30, 170) * _DAY_MS
    if turn is not None:
        more = max(0, share_of(dials.repurchase[1], count) - int(again.sum()))
        is_over = again | np.asarray([one.is_all for one in book])[rep]
        later = chance.quota("later", count, more / max(count, 1), np.where(is_over, 0.0, weight))
        second[later] = turn + (chance.uniform("when", count)[later] * (end_ms - turn) * 0.4).astype("i8")
        again |= later
    names = np.asarray([f"m{number}" for number in range(count)], dtype="O")
    closed = np.concatenate([bought, second[again]])
    table = _deals(
        np.concatenate([rep, rep[again]]),
        reps,
        closed - 20 * _DAY_MS,
        closed,
        np.full(len(closed), "signed"),
        "deposit",
    )
    return table.replace(customer=np.concatenate([names, names[again]]).tolist())


def _pipeline(
    dials: BookDials,
    chance: _Chance,
    reps: Sequence[str],
    book: Sequence[RepBook],
    days: Days,
    first: datetime,
    end: datetime,
) -> tuple[Table, dict[int, tuple[int, ...]]]:
    """Return contracts in the making: begun evenly since before the trial, signed after a while or still open.

    None is old enough for its customer to be expected back.
    """
    since, until = milliseconds(first) - 100 * _DAY_MS, milliseconds(end)
    span = until - since
    rep_of, opened_of, takes_of, cancel_of = [], [], [], []
    cancelled: dict[int, tuple[int, ...]] = {}
    for index, one in enumerate(book):
        usual = chance.whole(f"pipeline-{index}", 1, 44, 64)[0] if one.deals is None else one.deals
        count = max(1, round(int(usual) * one.sells * span / (180 * _DAY_MS)))
        order = np.argsort(chance.uniform(f"order-{index}", count), kind="stable")
        # Evenly spread lengths, in an order drawn by seed: the rep's own median is what it should be.
        share = (order + 0.5) / count if one.cycle_days is not None else chance.uniform(f"takes-{index}", count)
        opened = since + ((np.arange(count) + chance.uniform(f"opened-{index}", count)) / count * span).astype("i8")
        takes = (_cycle(share) * (one.cycle_days or dials.cycle_days) * _DAY_MS).astype("i8")
        closed, back = opened + takes, np.zeros(count, dtype="i8")
        for month in one.pushes:
            closed, back, taken = _pushed(chance, f"{index}-{month}", month, days, closed, back)
            cancelled[index] = tuple(sorted((*cancelled.get(index, ()), *taken)))
        rep_of.append(np.full(count, index))
        opened_of.append(np.minimum(opened, closed))
        takes_of.append(closed)
        cancel_of.append(back)
    rep, closed = np.concatenate(rep_of), np.concatenate(takes_of)
    table = _deals(rep, reps, np.concatenate(opened_of), closed, np.full(len(rep), "signed"), "wealth_product")
    return table.replace(cancelled_ms=np.concatenate(cancel_of)), cancelled


def _pushed(
    chance: _Chance, name: str, month: date, days: Days, closed: Ints, back: Ints
) -> tuple[Ints, Ints, tuple[int, ...]]:
    """Move most of a month's contracts to its last two working days, and let half of these be taken back."""
    following = (month + timedelta(days=32)).replace(day=1)
    start, end = (
        milliseconds(datetime.combine(at, datetime.min.time(), days.instant(0, 0).tzinfo)) for at in (month, following)
    )
    mine = np.flatnonzero((closed >= start) & (closed < end))
    last = [n for n in days.working() if month <= days.date(n) < following][-2:]
    if len(last) < 2 or len(mine) < 5:
        return closed, back, ()
    # Whole contracts, so that half of the piled ones is a whole number, too.
    piled = 2 * max(2, round(0.33 * len(mine)))
    closed, back = closed.copy(), back.copy()
    hours = chance.whole(f"push-{name}", len(mine), 9 * 3600, 17 * 3600)
    for number, place in enumerate(mine.tolist()):
        if number < piled:
            closed[place] = milliseconds(days.instant(last[number % 2], int(hours[number])))
        elif closed[place] >= milliseconds(days.instant(last[0], 0)):
            closed[place] -= 6 * _DAY_MS
        if number < piled // 2:
            back[place] = closed[place] + (3 + number % 5) * _DAY_MS
    return closed, back, tuple(sorted(back[mine[: piled // 2]].tolist()))


def _cycle(share: Floats) -> Floats:
    at = np.clip(share, 0.0, 1.0) * (len(_CYCLE) - 1)
    low = np.minimum(at.astype("i8"), len(_CYCLE) - 2)
    table = np.asarray(_CYCLE)
    found: Floats = table[low] + (at - low) * (table[low + 1] - table[low])
    return found


def _deals(rep: Ints, reps: Sequence[str], opened: Ints, closed: Ints, stage: Any, product: str) -> Table:
    count = len(rep)
    return DEALS.table(
        deal=[""] * count,
        rep=Coded(rep.astype("i4"), tuple(reps)),
        customer=[f"{product}{number}" for number in range(count)],
        product=Coded.same(product, count),
        stage=Coded.of(stage.tolist()),
        opened_ms=opened,
        closed_ms=closed,
        amount_minor=np.full(count, 20_000_000),
        channel=Coded.same("branch", count),
    )


def _named(table: Table, kind: str, streams: Streams) -> Table:
    """Give every row an id that says nothing, and every customer one that is the same in all their rows."""
    ids = [f"{kind[0]}-{streams.token(kind, number)}" for number in range(len(table))]
    names: dict[str, str] = {}
    customers = [names.setdefault(one, f"b-{streams.token('booked', kind, one)}") for one in table["customer"].tolist()]
    return table.replace(**{kind: ids, "customer": customers})


def _as_of(table: Table, columns: Sequence[str], since_ms: int | None, until_ms: int) -> Table:
    happened = np.zeros(len(table), dtype=bool)
    for name in columns:
        at = table[name]
        happened |= (at > (since_ms or 0)) & (at <= until_ms)
    changed = table.take(happened & (table[columns[0]] <= until_ms))
    known: dict[str, Any] = {name: np.where(changed[name] > until_ms, 0, changed[name]) for name in columns[1:]}
    if "stage" in {column.name for column in table.schema.columns}:
        stage = changed["stage"]
        codes = np.where(known["closed_ms"] > 0, stage.codes, len(stage.values))
        known["stage"] = Coded(codes.astype("i4"), (*stage.values, "open"))
    return changed.replace(**known)
