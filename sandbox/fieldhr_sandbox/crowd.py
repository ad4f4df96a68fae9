"""Very many customers at once, as columns: names, numbers with their check characters, addresses that agree.

A house's own customers are made one by one, because scenarios lean on each of them. Whoever wants to see how a million
are taken in needs columns: every field is picked from a few thousand finished parts, and check characters are computed
for all rows side by side. Like everything here, nobody is real: area codes begin with 99, telephone numbers with 100.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_sandbox import names
from fieldhr_sandbox.geography import districts
from fieldhr_sandbox.streams import Streams

__all__ = ["COLUMNS", "Crowd", "crowd"]

#: Columns of :meth:`Crowd.rows`, as a customer file has them.
COLUMNS: Final = ("id", "name", "kind", "number", "phone", "address", "lat", "lon", "datum")

_FIRMS: Final = 0.35
#: How far from the centre of its district an address lies at most, degrees.
_WITHIN: Final = 0.02
_BORN: Final = (np.datetime64("1955-01-01"), 17_000)
_UNIT: Final = 2.0**-53

Objects = npt.NDArray[np.object_]


@attrs.frozen(eq=False, kw_only=True)
class Crowd:
    """Customers in columns, one row each.

    Attributes:
        id, name, number, phone, address: texts; *number* is an identity or a registration number.
        is_firm: whether the row is a firm.
        lat, lon: WGS-84.
        adcode: code of the district that address and coordinates lie in.
    """

    id: Objects
    name: Objects
    is_firm: npt.NDArray[np.bool_]
    number: Objects
    phone: Objects
    address: Objects
    lat: npt.NDArray[np.float64]
    lon: npt.NDArray[np.float64]
    adcode: Objects

    def __len__(self) -> int:
        return len(self.id)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a customer file, in the order of :data:`COLUMNS`."""
        kinds = np.where(self.is_firm, "Organization", "Person").tolist()
        columns = (self.id, self.name, kinds, self.number, self.phone, self.address, self.lat, self.lon)
        yield from (
            (*row, "wgs84")
            for row in zip(
                *(each if isinstance(each, list) else each.tolist() for each in columns),
                strict=True,
            )
        )


def crowd(count: int, seed: int) -> Crowd:
    """Return *count* customers of every city there is; the same for the same seed, whatever machine makes them."""
    draw = _Columns(Streams(seed), count)
    known = districts()
    where = draw.below("district", len(known))
    is_firm = draw.uniform("firm") < _FIRMS
    cities = _texts([each.city.removesuffix("市") for each in known])[where]
    given = _texts([*names.GIVEN, *(one + two for one in names.GIVEN for two in names.GIVEN)])
    surnames, coined = _texts(names.SURNAMES), _texts(names.coined_pairs())
    trades = _texts([trade + form for trade in names.TRADES for form in names.FORMS])
    firms = cities + coined[draw.below("coined", len(coined))] + trades[draw.below("trade", len(trades))]
    people = surnames[draw.below("surname", len(surnames))] + given[draw.below("given", len(given))]
    streets = _texts([f"{tail}{number}号" for tail in names.STREET_TAILS for number in range(1, 381)])
    regions = _texts([f"{each.province}{each.city}{each.name}" for each in known])
    street = coined[draw.below("street", len(coined))] + streets[draw.below("house", len(streets))]
    return Crowd(
        id=_written(np.concatenate([_letters("c-", count), _digits(np.arange(count), 8)], axis=1)),
        name=np.where(is_firm, firms, people),
        is_firm=is_firm,
        number=np.where(is_firm, _registration_numbers(draw), _identity_numbers(draw)),
        phone=_written(np.concatenate([_letters("100", count), _digits(draw.below("phone", 10**8), 8)], axis=1)),
        address=regions[where] + street,
        lat=np.round(np.asarray([each.lat for each in known])[where] + draw.aside("lat"), 6),
        lon=np.round(np.asarray([each.lon for each in known])[where] + draw.aside("lon"), 6),
        adcode=_texts([each.adcode for each in known])[where],
    )


class _Columns:
    """Columns of random numbers, each from a stream of its own."""

    def __init__(self, streams: Streams, count: int) -> None:
        self.count = count
        self._streams = streams

    def uniform(self, name: str) -> npt.NDArray[np.float64]:
        words = self._streams.of(f"crowd-{name}").words(self.count)
        return (words >> np.uint64(11)).astype("f8") * _UNIT

    def below(self, name: str, bound: int) -> npt.NDArray[np.int64]:
        return (self.uniform(name) * bound).astype("i8")

    def aside(self, name: str) -> npt.NDArray[np.float64]:
        return (self.uniform(name) * 2 - 1) * _WITHIN


def _texts(parts: Sequence[str]) -> Objects:
    found = np.empty(len(parts), dtype=object)
    found[:] = list(parts)
    return found


def _digits(values: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.uint8]:
    """Return numbers as characters, padded with zeros, one column a character."""
    places = 10 ** np.arange(width - 1, -1, -1, dtype="i8")
    found: npt.NDArray[np.uint8] = (values[:, None] // places % 10 + ord("0")).astype("u1")
    return found


def _letters(text: str, count: int) -> npt.NDArray[np.uint8]:
    return np.broadcast_to(np.frombuffer(text.encode("ascii"), dtype="u1"), (count, len(text)))


def _written(characters: npt.NDArray[np.uint8]) -> Objects:
    """Return one text a row of characters."""
    width = characters.shape[1]
    return np.ascontiguousarray(characters).view(f"S{width}").ravel().astype(f"U{width}").astype(object)


def _identity_numbers(draw: _Columns) -> Objects:
    """Return resident identity numbers with their check characters (GB 11643-1999)."""
    born = _BORN[0] + draw.below("born", _BORN[1]).astype("timedelta64[D]")
    year = born.astype("datetime64[Y]").astype("i8") + 1970
    month = born.astype("datetime64[M]").astype("i8") % 12 + 1
    day = (born - born.astype("datetime64[M]")).astype("i8") + 1
    area, order = 990_000 + draw.below("area", 10**4), 1 + draw.below("order", 998)
    body = np.concatenate([_digits(area, 6), _digits(year * 10_000 + month * 100 + day, 8), _digits(order, 3)], axis=1)
    total = (body - ord("0")).astype("i8") @ np.asarray(names.RIC_WEIGHTS)
    checks = np.frombuffer(b"10X98765432", dtype="u1")[total % 11]
    return _written(np.concatenate([body, checks[:, None]], axis=1))


def _registration_numbers(draw: _Columns) -> Objects:
    """Return unified social credit codes with their check characters (GB 32100-2015)."""
    alphabet = np.frombuffer(names.USCC.encode("ascii"), dtype="u1")
    own = np.stack([draw.below(f"firm-{place}", len(alphabet)) for place in range(9)], axis=1)
    head = _digits(91_990_000 + draw.below("seat", 10**4), 8)
    values = np.concatenate([head - ord("0"), own], axis=1).astype("i8")
    checks = alphabet[-(values @ np.asarray(names.USCC_WEIGHTS)) % 31]
    return _written(np.concatenate([head, alphabet[own], checks[:, None]], axis=1))
