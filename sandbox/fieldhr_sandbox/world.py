"""The people and places of a synthetic tenant: everything that does not depend on the day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import attrs

from fieldhr_core.model import Address, Customer, Datum, Person, Place, PlaceKind
from fieldhr_sandbox import names
from fieldhr_sandbox.geography import District, Frame, Lattice, cities
from fieldhr_sandbox.recipes import Recipe
from fieldhr_sandbox.streams import Draw, Streams
from fieldhr_sandbox.timeline import Setting, Spot
from fieldhr_sandbox.watchlist import Listed

__all__ = ["Branch", "Rep", "World", "build_world"]

#: A team of this many reps has one manager.
TEAM: Final = 10
#: Reps per branch.
BRANCH: Final = 10
#: Addresses are looked up in squares of this size.
_CELL_M: Final = 1000.0
#: Categories that are closed to judgement.
CLOSED: Final = frozenset({"hospital", "worship", "court"})
_INSIDE: Final = frozenset({"mall", "restaurant", "cafe", "teahouse", "gym", "hospital", "hotel", "court"})


@attrs.frozen(kw_only=True)
class Branch:
    """A branch office and the district it lies in."""

    id: str
    district: District
    office: Spot


@attrs.frozen(kw_only=True)
class Rep:
    """One rep, as the generator knows them.

    Attributes:
        persistence: how much of a position error lasts to the next fix (0.80-0.93).
        drain_pct_h: how fast their phone's battery falls.
    """

    index: int
    person: Person
    branch: Branch
    home: Spot
    customers: tuple[Spot, ...]
    device: str
    persistence: float
    drain_pct_h: float
    group: str

    @property
    def id(self) -> str:
        """The person's id."""
        return self.person.id


#: From so many customers on they stand closer: pitch and sway of their sites, and how far they keep from places.
_CROWDED: Final = 4_000
_CLOSE: Final = (250.0, 25.0)
_CLEAR_M: Final = 260.0


@attrs.define(kw_only=True)
class World:
    """A tenant's people and places. Scenarios may add places before anything is fed.

    Attributes:
        changed: people whose records a scenario changed.
        reserved: ids of addresses and places that a scenario relies on, so no other may move them.
        moved: ids of customers' addresses that a scenario has moved.
        shunned: ids of addresses where nobody goes but for a scenario.
        listed: who is on the tenant's list of debtors and sanctioned people, and from when to when.
    """

    city: str
    frame: Frame
    branches: tuple[Branch, ...]
    reps: tuple[Rep, ...]
    leaders: tuple[Person, ...]
    customers: dict[str, Customer]
    spots: dict[str, Spot]
    lattice: Lattice
    changed: dict[str, Person] = attrs.field(factory=dict)
    reserved: set[str] = attrs.field(factory=set)
    moved: set[str] = attrs.field(factory=set)
    shunned: set[str] = attrs.field(factory=set)
    listed: list[Listed] = attrs.field(factory=list)
    _by_category: dict[str, list[Spot]] = attrs.field(factory=dict, init=False, repr=False)
    _cells: dict[tuple[int, int], list[Spot]] = attrs.field(factory=dict, init=False, repr=False)
    _nearest_m: dict[tuple[float, float], float] = attrs.field(factory=dict, init=False, repr=False)

    def copy(self) -> World:
        """Return a world of the same people and places, in which scenarios may change what they like."""
        return attrs.evolve(
            self,
            customers=dict(self.customers),
            spots=dict(self.spots),
            lattice=self.lattice.copy(),
            changed=dict(self.changed),
            reserved=set(self.reserved),
            moved=set(self.moved),
            shunned=set(self.shunned),
            listed=list(self.listed),
        )

    def of_category(self, category: str) -> list[Spot]:
        """Return points of interest of one category, in a fixed order."""
        if not self._by_category:
            for spot in self.spots.values():
                self._by_category.setdefault(spot.category, []).append(spot)
        return self._by_category.get(category, [])

    def add_spot(self, spot: Spot) -> Spot:
        """Add a place that a scenario needs."""
        if spot.id in self.spots:
            self._by_category.clear()
        elif self._by_category:
            self._by_category.setdefault(spot.category, []).append(spot)
        self.spots[spot.id] = spot
        return spot

    def move_customer(self, spot: Spot) -> None:
        """Put a customer's address elsewhere: *spot* has the id of the address."""
        self._cells.clear()
        self._nearest_m.clear()
        self.spots[spot.id] = spot
        self.moved.add(spot.id)
        assert spot.customer is not None
        self.customers[spot.customer] = _customer_at(self.customers[spot.customer], spot, self.frame)

    def misplace_customer(self, spot: Spot, x: float, y: float) -> None:
        """Let the host's records say (x, y) of a customer who is really at *spot*."""
        assert spot.customer is not None
        self.moved.add(spot.id)
        wrong = attrs.evolve(spot, x=x, y=y)
        self.customers[spot.customer] = _customer_at(self.customers[spot.customer], wrong, self.frame)

    def change_person(self, rep: Rep, **changes: Any) -> None:
        """Change what the host's records say about a rep (a contract, a joining date)."""
        self.changed[rep.id] = attrs.evolve(self.changed.get(rep.id, rep.person), **changes)

    def people(self) -> list[Person]:
        """Return everybody, leaders first."""
        return [*self.leaders, *(self.changed.get(rep.id, rep.person) for rep in self.reps)]

    def customer_spots(self) -> list[Spot]:
        """Return the addresses of all customers."""
        return [spot for spot in self.spots.values() if spot.kind == "customer"]

    def nearest_customer_m(self, spot: Spot) -> float:
        """Return metres from *spot* to the nearest customer address of anybody; infinity beyond a kilometre."""
        x, y = spot.x, spot.y
        known = self._nearest_m.get((x, y))
        if known is not None:
            return known
        if not self._cells:
            for other in self.customer_spots():
                self._cells.setdefault((int(other.x // _CELL_M), int(other.y // _CELL_M)), []).append(other)
        column, row = int(x // _CELL_M), int(y // _CELL_M)
        around = [(column + d, row + s) for d in (-1, 0, 1) for s in (-1, 0, 1)]
        there = (other for cell in around for other in self._cells.get(cell, ()))
        found = min((math.hypot(x - other.x, y - other.y) for other in there), default=math.inf)
        self._nearest_m[x, y] = found = found if found <= _CELL_M else math.inf
        return found

    def places(self) -> list[Place]:
        """Return everything that is no customer's address, as the public interface takes it."""
        made = []
        for spot in self.spots.values():
            if spot.kind in ("customer", "open"):
                continue
            lat, lon = self.frame.to_degrees(spot.x, spot.y)
            made.append(
                Place(
                    id=spot.id,
                    kind=PlaceKind(spot.kind),
                    name=spot.name,
                    category=spot.category,
                    lat=lat,
                    lon=lon,
                    datum=Datum.WGS84,
                    radius_m=spot.radius_m,
                    subject=spot.rep,
                    private=spot.kind in ("private", "home"),
                )
            )
        return made


def build_world(recipe: Recipe, reps: int, streams: Streams, first: date) -> World:
    """Build people and places for *reps* reps as of the day *first*."""
    draw = streams.of("world")
    city = draw.pick(recipe.cities)
    members = cities()[city]
    frame = Frame(
        round(sum(each.lat for each in members) / len(members), 2),
        round(sum(each.lon for each in members) / len(members), 2),
    )
    lattice = Lattice()
    spots: dict[str, Spot] = {}
    branches = _branches(recipe, -(-reps // BRANCH), city, frame, lattice, streams, spots)
    leaders = _leaders(branches, streams, first)
    customers: dict[str, Customer] = {}
    near = lattice
    if reps * recipe.customers_per_rep > _CROWDED:
        # Customers of a big house stand closer, or the last ones would have to live out in the country; places stay
        # where nobody is near.
        near = Lattice(*_CLOSE)
        for spot in spots.values():
            near.block(spot.x, spot.y, _CLEAR_M)
    rural = set(draw.sample(range(reps), max(2, round(reps * recipe.rural_share)) if reps >= 10 else 0))
    made = tuple(
        _rep(
            index,
            recipe,
            branches[index // BRANCH],
            index in rural,
            frame,
            lattice,
            near,
            streams,
            spots,
            customers,
            first,
        )
        for index in range(reps)
    )
    return World(
        city=city,
        frame=frame,
        branches=branches,
        reps=made,
        leaders=leaders,
        customers=customers,
        spots=spots,
        lattice=lattice,
    )


def _branches(
    recipe: Recipe, count: int, city: str, frame: Frame, lattice: Lattice, streams: Streams, spots: dict[str, Spot]
) -> tuple[Branch, ...]:
    branches = []
    districts = streams.of("districts").shuffled(cities()[city])
    for index in range(count):
        draw = streams.of("branch", index)
        district = districts[index % len(districts)]
        x, y = frame.to_metres(district.lat, district.lon)
        x, y = lattice.take(x, y, draw.between(-1, 1), draw.between(-1, 1))
        office = Spot(
            id=f"p-{streams.token('office', index)}",
            kind="office",
            x=x,
            y=y,
            setting=Setting.INDOOR,
            name=f"{district.name.removesuffix('区')}{names.place_name(draw, 'office')}",
        )
        spots[office.id] = office
        for category, number in recipe.poi_counts.items():
            for each in range(number):
                spot = _interest(category, each, office, lattice, streams, draw, index)
                spots[spot.id] = spot
        branches.append(Branch(id=f"b-{streams.token('branch', index, length=6)}", district=district, office=office))
    return tuple(branches)


def _interest(
    category: str, number: int, office: Spot, lattice: Lattice, streams: Streams, draw: Draw, branch: int
) -> Spot:
    near = category in ("restaurant", "cafe") and number < 5
    reach = draw.between(450, 850) if near else min(12_000.0, draw.lognormal(3600, 0.6))
    turn = draw.between(0, 2 * math.pi)
    x, y = lattice.take(
        office.x + reach * math.cos(turn), office.y + reach * math.sin(turn), draw.between(-1, 1), draw.between(-1, 1)
    )
    key = f"p-{streams.token('interest', branch, category, number)}"
    return Spot(
        id=key,
        kind="private" if category in CLOSED else "interest",
        category=category,
        x=x,
        y=y,
        setting=Setting.INDOOR if category in _INSIDE else Setting.OPEN,
        estate=key,
        name=names.place_name(draw, category),
    )


def _leaders(branches: Sequence[Branch], streams: Streams, first: date) -> tuple[Person, ...]:
    head = Person(
        id=f"u-{streams.token('head')}", name=names.person(streams.of("leader", 0)), role="head", language="zh-Hans"
    )
    managers = tuple(
        Person(
            id=f"u-{streams.token('manager', index)}",
            name=names.person(streams.of("leader", index + 1)),
            role="manager",
            manager=head.id,
            team=f"t-{streams.token('team', index, length=6)}",
            branch=branch.id,
            joined=first - timedelta(days=1200),
            language="zh-Hans",
        )
        for index, branch in enumerate(branches)
    )
    return (head, *managers)


def _rep(
    index: int,
    recipe: Recipe,
    branch: Branch,
    rural: bool,
    frame: Frame,
    lattice: Lattice,
    near: Lattice,
    streams: Streams,
    spots: dict[str, Spot],
    customers: dict[str, Customer],
    first: date,
) -> Rep:
    draw = streams.of("rep", index)
    key = f"u-{streams.token('rep', index)}"
    service = draw.whole(30, 4000)
    person = Person(
        id=key,
        name=names.person(draw),
        role=recipe.role,
        manager=f"u-{streams.token('manager', index // TEAM)}",
        team=f"t-{streams.token('team', index // TEAM, length=6)}",
        branch=branch.id,
        territory="rural" if rural else "urban",
        joined=first - timedelta(days=service),
        language="zh-Hans",
    )
    office = branch.office
    x, y = _somewhere(draw, office, lattice, min(18_000.0, draw.lognormal(6000, 0.5)))
    home = Spot(
        id=f"p-{streams.token('home', index)}", kind="home", x=x, y=y, setting=Setting.INDOOR, rep=key, radius_m=120.0
    )
    spots[home.id] = home
    if near is not lattice:
        near.block(x, y, _CLEAR_M)
    median = recipe.trip_median_m * (recipe.rural_factor if rural else 1.0)
    own = []
    for number in range(recipe.customers_per_rep):
        reach = max(900.0, min(6.5 * recipe.trip_median_m, draw.lognormal(median, recipe.trip_sigma)))
        spot, customer = _customer(index, number, key, recipe, reach, branch, frame, near, streams, draw)
        own.append(spot)
        spots[spot.id] = spot
        customers[customer.id] = customer
    return Rep(
        index=index,
        person=person,
        branch=branch,
        home=home,
        customers=tuple(own),
        device=f"d-{streams.token('device', index, length=12)}",
        persistence=round(draw.between(0.80, 0.92), 3),
        drain_pct_h=round(draw.between(4.5, 11.0), 2),
        group="new" if service < 365 else "long-serving",
    )


def _customer(
    rep: int,
    number: int,
    owner: str,
    recipe: Recipe,
    reach: float,
    branch: Branch,
    frame: Frame,
    lattice: Lattice,
    streams: Streams,
    draw: Draw,
) -> tuple[Spot, Customer]:
    x, y = _somewhere(draw, branch.office, lattice, reach)
    key = f"c-{streams.token('customer', rep, number)}"
    setting = draw.uniform()
    firm = draw.chance(recipe.firm_share)
    title = names.company(draw, branch.district.city) if firm else names.person(draw)
    born = date(1960, 1, 1) + timedelta(days=draw.below(15000))
    spot = Spot(
        id=f"a-{streams.token('address', rep, number)}",
        kind="customer",
        x=x,
        y=y,
        setting=Setting.INDOOR if setting < 0.40 else Setting.CANYON if setting < 0.65 else Setting.OPEN,
        customer=key,
        name=title,
        radius_m=150.0,
    )
    identifiers = {"phone": names.phone(draw)}
    if firm:
        identifiers["uscc"] = names.registration_number(draw)
    else:
        identifiers["ric"] = names.identity_number(draw, born)
    customer = Customer(
        id=key,
        name=title,
        schema="Organization" if firm else "Person",
        owner=owner,
        need=draw.pick(recipe.needs),
        identifiers=identifiers,
        birth_date=None if firm else born,
        potential=draw.pick(("high", "medium", "medium", "low")),
        countries=("cn",),
        source="sandbox",
    )
    district = branch.district
    text = f"{district.province}{district.city}{district.name}{names.street(draw)}"
    return spot, _customer_at(attrs.evolve(customer, addresses=(Address(id=spot.id, text=text),)), spot, frame)


def _customer_at(customer: Customer, spot: Spot, frame: Frame) -> Customer:
    lat, lon = frame.to_degrees(spot.x, spot.y)
    address = attrs.evolve(customer.addresses[0], lat=lat, lon=lon, datum=Datum.WGS84, radius_m=spot.radius_m)
    return attrs.evolve(customer, addresses=(address,))


def _somewhere(draw: Draw, origin: Spot, lattice: Lattice, reach: float) -> tuple[float, float]:
    turn = draw.between(0, 2 * math.pi)
    x, y = origin.x + reach * math.cos(turn), origin.y + reach * math.sin(turn)
    return lattice.take(x, y, draw.between(-1, 1), draw.between(-1, 1))
