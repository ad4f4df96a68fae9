"""Packs: which tenant to build, what to plant in it, and the marks that must be reached. Data, no code."""

from __future__ import annotations

from datetime import date
from typing import Final

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_sandbox.books import BookDials
from fieldhr_sandbox.sensors import REFERENCE, Dials

__all__ = ["BASELINES", "PACKS", "Bar", "Every", "Pack", "Step", "Turn", "pack"]


@attrs.frozen(kw_only=True)
class Bar:
    """The marks a pack must reach; below them ``fieldhr trial run`` exits with 1.

    Attributes:
        precision, recall: of a pack in which something is planted.
        serious_per_rep_week, serious_per_manager_day: of a quiet pack: alerts of medium severity or more.
        group_ratio: of a quiet pack: false alarms of one group to those of another, as far as figures can tell.
        campaigns: share of those who cheat in several ways that must be found in time.
        others_accused: share of the others of whom something of the kind may be said.
    """

    precision: float = 0.95
    recall: float = 0.95
    serious_per_rep_week: float = 0.05
    serious_per_manager_day: float = 0.2
    group_ratio: float = 1.25
    campaigns: float = 0.8
    others_accused: float = 0.05


@attrs.frozen(kw_only=True)
class Step:
    """One step of a ladder: the same tenant with other phones."""

    name: str
    dials: Dials


@attrs.frozen(kw_only=True)
class Turn:
    """Dials that are turned during a trial.

    Attributes:
        on_day: first day of the second part.
        anomaly_rate: share of outings with a stop or check-in elsewhere, or without the visit, before and after.
        visits: visits per rep-day, before and after.
        wording: messages that break a rule, per 1,000 messages; ``None`` leaves it as it comes.
        hours: hours from the first to the last presence at a customer, and hours at places of leisure, of a rep-day;
            ``None`` likewise, in both parts or in one.
    """

    on_day: int = 30
    anomaly_rate: tuple[float, float] = (0.18, 0.03)
    visits: tuple[float, float] = (2.0, 3.5)
    wording: tuple[float, float] | None = None
    hours: tuple[tuple[float, float] | None, tuple[float, float] | None] = (None, None)


@attrs.frozen(kw_only=True)
class Every:
    """So many instances of every row in the catalogue, so that a row that is added is planted without a word here.

    Attributes:
        kinds: letters of the rows that are meant.
        planted: of each row.
        silent, silent_reps: of each silent variant; of one that takes up a rep for the whole trial.
        quiet, quiet_reps: of each quiet row, likewise.
        without: rows that are left out.
    """

    kinds: str = "LBCRSPOQ"
    planted: int = 3
    silent: int = 3
    silent_reps: int = 1
    quiet: int = 60
    quiet_reps: int = 4
    without: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Pack:
    """One trial.

    Attributes:
        name, title: as in ``fieldhr trial run NAME``, and as in reports.
        recipe: kind of house.
        reps, days: size; days are calendar days from *first*.
        plantings: (scenario key, instances).
        every: so many of every other row; ``None`` = only what is named.
        blind: the key is sealed unless somebody says otherwise, and severities and times are drawn again.
        bar: marks to reach.
        customers_per_rep: overrides the recipe's.
        threads: fewest and most conversations a rep has on a working day.
        slice_minutes: how often phones upload during the day; the product sees everything up to that instant. A whole
            working day = once, at night: alerts carry the instant at which they could be known all the same.
        dials: what phones are like.
        beside: resolvers of others whose marks are shown beside ours.
        turn: dials that are turned while it runs; their values must be measured by the product.
        ladder: the trial is run once more with each of these phones; recall may fall, the bar's precision may not.
        incidents: whether copies of the store are then put through what goes wrong with the house itself (O03 to O08).
        books: what the loans and deals come to; without it there are none.
    """

    name: str
    title: str
    recipe: str
    reps: int
    days: int
    first: date = date(2026, 3, 2)
    plantings: tuple[tuple[str, int], ...] = ()
    every: Every | None = None
    blind: bool = False
    bar: Bar = Bar()
    customers_per_rep: int | None = None
    threads: tuple[int, int] = (1, 3)
    slice_minutes: int = 120
    dials: Dials = REFERENCE
    beside: tuple[str, ...] = ()
    turn: Turn | None = None
    ladder: tuple[Step, ...] = ()
    incidents: bool = False
    books: BookDials | None = None


#: Published rules of other trackers that come as resolvers; setting ``resolver`` of a tenant.
BASELINES: Final = ("circle", "traccar", "cluster", "classic")

#: One of each place row of the book that fits into any week; L16 turns a whole tenant and has a pack of its own.
_PRESENCE: Final = (
    ("L04", 1),
    ("L06", 1),
    ("L07", 1),
    ("L08", 1),
    ("L09", 1),
    ("L10", 1),
    ("L11", 1),
    ("L12", 1),
    ("L13", 1),
    ("L14", 1),
    ("L15", 1),
    ("L17", 1),
    ("L18", 1),
    ("L19", 1),
    ("O01", 1),
)
#: One of every row of words and of borrowers, each beside what only looks like it.
_WORDS: Final = (
    ("C02", 1),
    ("C04", 1),
    ("C04/unsure", 1),
    ("C05", 1),
    ("C05/negated", 1),
    ("C06", 1),
    ("C06/own", 1),
    ("C07", 1),
    ("C07/waived", 1),
    ("C07/suitable", 1),
    ("C08", 1),
    ("C08/recorded", 1),
    ("C09", 1),
    ("C09/internal", 1),
)
_BORROWERS: Final = (
    ("R01", 1),
    ("R02", 1),
    ("R03", 1),
    ("R04", 1),
    ("R04/delisted", 1),
    ("R05", 1),
    ("R05/recovery", 1),
    ("R06", 1),
    ("R06/leasing", 1),
    ("R06/season", 1),
    ("R07", 1),
    ("R07/rounded", 1),
    ("R08", 1),
    ("R08/park", 1),
    ("R09", 1),
    ("R09/restructured", 1),
    ("R10", 1),
    ("R10/declared", 1),
)
#: Q19 needs a Saturday that is worked and Q20 the night in which clocks change: packs in those weeks have them.
_QUIET: Final = (
    ("Q01", 2),
    ("Q02", 2),
    ("Q03", 2),
    ("Q04", 2),
    ("Q05", 1),
    ("Q06", 1),
    ("Q07", 1),
    ("Q08", 1),
    ("Q09", 1),
    ("Q10", 1),
    ("Q11", 1),
    ("Q12", 1),
    ("Q13", 1),
    ("Q14", 1),
    ("Q15", 1),
    ("Q16", 1),
    ("Q17", 1),
    ("Q18", 1),
)
_SILENT: Final = (
    ("L01/short", 2),
    ("L01/at-customer", 1),
    ("L01/near-customer", 1),
    ("L02/lunch", 1),
    ("L02/early-lunch", 1),
    ("L03/exact", 1),
    ("L03/under", 1),
    ("L05/doubt", 2),
    ("L20", 1),
    ("L20/home", 1),
    ("O02", 1),
    ("B01/weekend", 1),
    ("B01/leave", 1),
    ("B01/offline", 1),
    ("C03", 10),
)

_LADDER: Final = (
    ("L01", 12),
    ("L02", 8),
    ("L03", 3),
    ("L04", 4),
    ("L05", 8),
    ("L06", 4),
    ("L07", 2),
    ("L08", 3),
    ("L09", 2),
    ("L10", 3),
    ("L12", 2),
    ("L13", 3),
    ("L14", 2),
    ("O01", 3),
    ("L01/short", 6),
    ("L01/near-customer", 2),
    ("L01/across", 3),
    ("L01/loop", 3),
    ("L02/lunch", 3),
    ("L02/early-lunch", 3),
    ("L03/exact", 3),
    ("L03/under", 3),
    ("L04/two-malls", 3),
    ("L04/dark", 4),
    ("L05/doubt", 6),
    ("L06/no-fixes", 2),
    ("L09/at-rest", 2),
    ("L10/drift", 3),
    ("L13/slow", 2),
    ("L14/once", 3),
    ("L20", 3),
    ("L20/home", 2),
    ("O02", 4),
)

_LOOK_ALIKES: Final = (
    ("L01/at-customer", 6),
    ("L01/near-customer", 6),
    ("L01/across", 6),
    ("L01/loop", 6),
    ("L01/short", 12),
    ("L02/lunch", 12),
    ("L02/early-lunch", 6),
    ("L04/two-malls", 6),
    ("L04/dark", 6),
    ("L05/doubt", 12),
    ("L09/at-rest", 6),
    ("L10/drift", 6),
    ("L11/joint", 2),
    ("L14/once", 6),
    ("L20", 6),
    ("L20/home", 6),
    ("O02", 12),
    ("Q01", 12),
    ("Q02", 12),
    ("Q03", 12),
    ("Q04", 12),
    ("Q05", 12),
    ("Q06", 12),
    ("Q07", 8),
    ("Q08", 4),
    ("Q09", 4),
    ("Q10", 6),
    ("Q11", 2),
    ("Q12", 6),
    ("Q13", 8),
    ("Q14", 3),
    ("Q15", 12),
    ("Q16", 2),
    ("Q17", 6),
    ("Q18", 1),
    ("Q19", 6),
    ("Q20", 1),
)

#: Every row there is, three of each; the row that shifts a whole source would hide what is planted in it.
_EVERY: Final = Every(without=("L16",))
#: Nobody in these houses writes enough in a week to have a pet phrase (C09/one-rep).
_EVERY_NAMED: Final = (("Q14", 12), ("Q20", 3), ("C09/one-rep", 0))


def _house(name: str, recipe: str, title: str) -> Pack:
    return Pack(
        name=name,
        title=f"{title}: 200 reps for 90 days, three of every row, sixty of every quiet day",
        recipe=recipe,
        reps=200,
        days=90,
        customers_per_rep=40,
        threads=(0, 1),
        slice_minutes=540,
        plantings=_EVERY_NAMED,
        every=_EVERY,
        books=BookDials(loans=(0, 0)),
    )


#: Every pack by name.
PACKS: Final[dict[str, Pack]] = {
    each.name: each
    for each in (
        Pack(
            name="smoke",
            title="32 reps for a week, one of each row that fits into any week",
            recipe="city-bank",
            reps=32,
            days=7,
            customers_per_rep=26,
            slice_minutes=270,
            plantings=(
                ("L01", 2),
                ("L02", 2),
                ("L03", 1),
                ("L05", 2),
                ("B01", 2),
                ("C01", 3),
                *_WORDS,
                *_BORROWERS,
                *_PRESENCE,
                *_SILENT,
                *_QUIET,
            ),
        ),
        Pack(
            name="operation",
            title="12 reps for two days; then sources and plugins fail, lists are walked off with, history is edited,"
            " and twenty faults are planted",
            recipe="city-bank",
            reps=12,
            days=2,
            customers_per_rep=26,
            slice_minutes=270,
            plantings=(("O01", 1), ("O02", 1)),
            incidents=True,
        ),
        Pack(
            name="places",
            title="60 reps for a week with a worked Saturday: every row of places but the one that turns a tenant",
            recipe="city-bank",
            reps=60,
            days=7,
            first=date(2026, 5, 6),
            customers_per_rep=26,
            beside=BASELINES,
            plantings=(
                ("L01", 12),
                ("L02", 10),
                ("L03", 6),
                ("L04", 6),
                ("L05", 12),
                ("L06", 6),
                ("L06/unplanned", 3),
                ("L07", 4),
                ("L08", 5),
                ("L09", 4),
                ("L09/replay", 3),
                ("L10", 5),
                ("L11", 1),
                ("L12", 3),
                ("L13", 4),
                ("L14", 3),
                ("L15", 2),
                ("L17", 2),
                ("L18", 2),
                ("L19", 2),
                ("O01", 4),
                ("L01/across", 3),
                ("L01/loop", 4),
                ("L04/dark", 5),
                ("L06/no-fixes", 3),
                ("L07/supported", 3),
                ("L09/at-rest", 3),
                ("L10/drift", 4),
                ("L11/joint", 1),
                ("L13/slow", 3),
                ("L14/once", 4),
                ("L15/spread", 1),
                ("L17/half-leave", 1),
                ("L01/short", 8),
                ("L01/at-customer", 2),
                ("L01/near-customer", 2),
                ("L02/lunch", 3),
                ("L02/early-lunch", 3),
                ("L03/exact", 5),
                ("L03/under", 5),
                ("L04/two-malls", 5),
                ("L05/doubt", 8),
                ("L20", 5),
                ("L20/home", 3),
                ("O02", 4),
                ("Q01", 3),
                ("Q02", 2),
                ("Q03", 5),
                ("Q04", 5),
                ("Q05", 4),
                ("Q06", 2),
                ("Q07", 2),
                ("Q08", 1),
                ("Q09", 3),
                ("Q10", 1),
                ("Q11", 1),
                ("Q12", 2),
                ("Q13", 3),
                ("Q14", 1),
                ("Q15", 4),
                ("Q16", 1),
                ("Q17", 2),
                ("Q18", 1),
                ("Q19", 3),
            ),
        ),
        Pack(
            name="datum",
            title="20 reps for a week: a source whose coordinates are not in the datum it names; clocks change abroad",
            recipe="city-bank",
            reps=20,
            days=7,
            first=date(2026, 4, 1),
            customers_per_rep=26,
            slice_minutes=270,
            plantings=(("L16", 1), ("L08", 2), ("L01/short", 2), ("L05/doubt", 2), ("Q20", 1)),
        ),
        Pack(
            name="words",
            title="40 reps for two weeks: what is said, plainly and hidden, in six languages",
            recipe="city-bank",
            reps=40,
            days=12,
            customers_per_rep=26,
            slice_minutes=270,
            plantings=(
                ("C01", 12),
                ("C02", 14),
                ("C03", 10),
                ("C04", 4),
                ("C04/unsure", 4),
                ("C05", 12),
                ("C05/negated", 12),
                ("C06", 6),
                ("C06/own", 6),
                ("C07", 6),
                ("C07/waived", 3),
                ("C07/suitable", 6),
                ("C08", 4),
                ("C08/recorded", 4),
                ("C09", 1),
                ("C09/internal", 1),
                ("C09/one-rep", 1),
            ),
        ),
        Pack(
            name="borrowers",
            title="40 reps for two weeks: lists, statements, loans and transfers",
            recipe="city-bank",
            reps=40,
            days=12,
            customers_per_rep=26,
            slice_minutes=540,
            plantings=(
                ("R01", 6),
                ("R02", 12),
                ("R03", 4),
                ("R04", 2),
                ("R04/delisted", 1),
                ("R05", 5),
                ("R05/recovery", 3),
                ("R05/twice", 3),
                ("R06", 5),
                ("R06/leasing", 3),
                ("R06/season", 3),
                ("R07", 6),
                ("R07/rounded", 3),
                ("R08", 4),
                ("R08/park", 3),
                ("R09", 4),
                ("R09/restructured", 3),
                ("R10", 4),
                ("R10/declared", 3),
            ),
        ),
        Pack(
            name="scores",
            title="40 reps for eleven weeks: overdue loans, customers lost, slow, inflated, pushed and copied work",
            recipe="city-bank",
            reps=40,
            days=75,
            customers_per_rep=26,
            slice_minutes=540,
            books=BookDials(),
            plantings=(
                ("S01", 2),
                ("S01/few", 3),
                ("S03", 2),
                ("S03/few", 3),
                ("S05", 2),
                ("S05/few", 3),
                ("B06", 2),
                ("B06/documents", 2),
                ("B07", 2),
                ("B07/once", 2),
                ("B08", 3),
                ("B08/form", 3),
                ("B09", 4),
                ("B09/preparation", 4),
                ("B10", 4),
                ("B10/same-gate", 4),
            ),
        ),
        Pack(
            name="luck",
            title="200 reps with 5 to 120 loans each and known true rates, and deals that are still open",
            recipe="city-bank",
            reps=200,
            days=4,
            customers_per_rep=8,
            slice_minutes=540,
            threads=(0, 0),
            books=BookDials(loans=(5, 120)),
            plantings=(("S02", 190), ("S04", 6)),
        ),
        Pack(
            name="noise",
            title="30 reps for a week: rows L and O under ever worse phones",
            recipe="city-bank",
            reps=30,
            days=7,
            first=date(2026, 5, 6),
            customers_per_rep=26,
            slice_minutes=540,
            plantings=_LADDER,
            ladder=(
                *(
                    Step(name=f"noise {metres} m", dials=Dials(noise_m=metres, spared=False))
                    for metres in (5, 10, 20, 40)
                ),
                *(
                    Step(name=f"gaps {share:.0%}", dials=Dials(gap_share=share, spared=False))
                    for share in (0.01, 0.03, 0.10, 0.20)
                ),
            ),
        ),
        Pack(
            name="dials",
            title="40 reps for two months: every dial turned on day 30, and measured before and after",
            recipe="city-bank",
            reps=40,
            days=61,
            slice_minutes=540,
            threads=(2, 4),
            turn=Turn(wording=(2.0, 0.2), hours=((4.5, 1.2), None)),
            books=BookDials(on_day=30, repurchase=(0.15, 0.28)),
        ),
        Pack(
            name="city-bank",
            title="200 credit managers for 90 days: three of every row, sixty of every quiet day, dials turned",
            recipe="city-bank",
            reps=200,
            days=90,
            customers_per_rep=40,
            threads=(0, 1),
            slice_minutes=540,
            plantings=_EVERY_NAMED,
            every=_EVERY,
            turn=Turn(),
            books=BookDials(on_day=30, repurchase=(0.15, 0.28)),
        ),
        Pack(
            name="blind",
            title="The city bank with severities and times drawn again and the key sealed",
            recipe="city-bank",
            reps=200,
            days=90,
            customers_per_rep=40,
            threads=(0, 1),
            slice_minutes=540,
            plantings=_EVERY_NAMED,
            every=_EVERY,
            blind=True,
            turn=Turn(),
            books=BookDials(on_day=30, repurchase=(0.15, 0.28)),
        ),
        _house("insurance", "insurance-broker", "Insurance broker"),
        _house("securities", "securities", "Securities house"),
        _house("fund", "fund", "Fund company"),
        _house("trust", "trust", "Trust company"),
        _house("futures", "futures", "Futures broker"),
        Pack(
            name="quiet",
            title="200 reps for 90 days: legitimate behaviour that looks wrong, nothing else",
            recipe="city-bank",
            reps=200,
            days=90,
            customers_per_rep=40,
            threads=(0, 1),
            slice_minutes=540,
            plantings=tuple((row, 3 * count) for row, count in _LOOK_ALIKES if not row.startswith("Q")),
            every=Every(kinds="Q"),
        ),
        Pack(
            name="adversary",
            title="60 reps for five weeks: ten of them cheat in ten styles, the others only look like it",
            recipe="city-bank",
            reps=60,
            days=33,
            customers_per_rep=40,
            threads=(0, 1),
            slice_minutes=540,
            books=BookDials(),
            every=Every(kinds="XQ", planted=1, quiet=2, quiet_reps=1, without=("Q19", "Q20")),
            plantings=(("L01/short", 4), ("L05/doubt", 4), ("L09/at-rest", 4), ("L10/drift", 4), ("L14/once", 4)),
        ),
        Pack(
            name="behaviour",
            title="60 reps for ten weeks: no records, few visits, withdrawal, overload, easy customers only",
            recipe="city-bank",
            reps=60,
            days=68,
            customers_per_rep=26,
            slice_minutes=540,
            bar=Bar(precision=0.90, recall=0.90),
            plantings=(
                ("B01", 5),
                ("B02", 5),
                ("B03", 5),
                ("B03/branch", 1),
                ("B04", 4),
                ("B05", 4),
                ("B01/weekend", 2),
                ("B01/leave", 2),
                ("B01/offline", 2),
                ("B02/exact", 2),
                ("B02/part-time", 2),
                ("B03/mild", 4),
                ("B04/month-end", 2),
                ("B05/signed", 2),
            ),
        ),
        Pack(
            name="open-house",
            title="200 credit managers in their first week: what fieldhr trial open shows",
            recipe="city-bank",
            reps=200,
            days=5,
            customers_per_rep=12,
            slice_minutes=540,
            plantings=(
                ("L01", 14),
                ("L02", 10),
                ("L04", 4),
                ("L05", 14),
                ("L06", 10),
                ("L08", 4),
                ("L10", 4),
                ("L12", 2),
                ("L13", 4),
                ("B01", 4),
                ("C01", 10),
                ("C02", 14),
                ("C03", 10),
                ("C06", 4),
                ("C07", 4),
                ("R01", 3),
                ("R02", 6),
                ("R05", 4),
                ("R06", 3),
                ("R07", 3),
                ("L01/at-customer", 4),
                ("L02/lunch", 8),
                ("L05/doubt", 6),
                ("L20", 4),
                ("Q01", 6),
                ("Q03", 6),
                ("Q04", 6),
            ),
        ),
        Pack(
            name="background",
            title="40 reps for five weeks, nothing planted",
            recipe="city-bank",
            reps=40,
            days=35,
        ),
    )
}


def pack(name: str) -> Pack:
    """Return a pack by name.

    Raises:
        SandboxError: FHR-SBX-001 where there is none of that name.
    """
    try:
        return PACKS[name]
    except KeyError:
        known = ", ".join(sorted(PACKS))
        raise SandboxError(f"There is no pack {name!r}; there are {known}.", code="FHR-SBX-001") from None
