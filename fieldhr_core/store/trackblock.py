"""One rep-day of fixes as one small block of bytes, and back.

A block holds whole columns: each column becomes small integers (differences, or distances from its minimum), the
integers are split into byte planes, and every plane is deflated with Huffman tables of its own. Constant and absent
columns cost nothing. Blocks are made of *quantised* fixes only, and ingest quantises before anything looks at a fix, so
what was judged live and what is read back years later are the same numbers.

===============  ==============================================================================================
column           quantum
===============  ==============================================================================================
``time_ms``      1 ms (a whole-second track costs no more than seconds)
``lat, lon``     1e-5 degrees, about 1.1 m
``accuracy_m``   rounded *up* to a ladder: 1 m up to 10 m, 2 m up to 30 m, 5 to 15 % above, 100 km at most
``speed_mps``    0.1 m/s, 6,553.4 m/s at most
``battery_pct``  1
``received_ms``  rounded down to a whole second, so that nothing arrives later than it did
===============  ==============================================================================================

``device``, ``source`` and ``mock`` are kept as they are.
"""

from __future__ import annotations

import functools
import itertools
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from fieldhr_core.errors import RecordError, StoreError
from fieldhr_core.model import FIXES, Coded, Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

__all__ = ["canonical", "canonical_many", "decode", "decode_many", "encode", "encode_many", "merge", "quantise"]

_VERSION: Final = b"\x01"
_DEGREE: Final = 100_000.0
_SECOND: Final = 1_000
_NO_SPEED: Final = 65_535
_NO_BATTERY: Final = 101
#: Rep-days packed, and fixes unpacked, at once: what lies within the processor's cache is quickest.
_PACKED_AT_ONCE: Final = 32
_UNPACKED_AT_ONCE: Final = 65_536
_LONGEST: Final = 1 << 28  # bytes a block may inflate to: a bound for damaged ones, far above any rep-day

#: Columns in the order of their planes. "level": distances from the smallest value. "delta": signed differences.
_COLUMNS: Final = (
    ("time", "level"),  # of the steps between fixes
    ("lat", "delta"),
    ("lon", "delta"),
    ("accuracy", "level"),
    ("received", "level"),  # of the lag behind the fix; "delta" where fixes arrived in batches
    ("speed", "level"),
    ("battery", "delta"),
    ("mock", "level"),
    ("device", "level"),
    ("source", "level"),
)
#: Rows, first time, unit of time, 1 where fixes arrived in batches; then the base and the width of each column.
_HEAD: Final = struct.Struct("<IqqB qiiBqHBbII 10B")
_TEXT: Final = struct.Struct("<H")


@attrs.frozen(eq=False)
class _Days:
    """Rep-days below each other, none empty: where each starts, and how many fixes it has."""

    starts: Integers
    lengths: Integers

    def spread(self, values: Any) -> Any:
        """Give every fix the value of its rep-day: one number where all rep-days have the same."""
        import numpy as np

        return values[0] if (values == values[0]).all() else np.repeat(values, self.lengths)

    def steps(self, column: Any) -> Any:
        """Return the difference of each fix to the one before; 0 for the first of a rep-day."""
        import numpy as np

        steps = np.diff(column, prepend=column[:1])
        steps[self.starts] = 0
        return steps

    def sums(self, steps: Any, first: Any) -> Any:
        """Undo :meth:`steps`, in place: each rep-day begins with its value in *first*."""
        import numpy as np

        steps[self.starts] = 0
        jumps = first.copy()
        jumps[1:] -= (first + np.add.reduceat(steps, self.starts))[:-1]
        steps[self.starts] = jumps
        return np.cumsum(steps, out=steps)


def quantise(fixes: Table) -> Table:
    """Return ``FIXES`` rounded to what a block can hold; rows and their order stay as they are.

    Doing it twice changes nothing, and a block made of quantised fixes gives back exactly these numbers.

    Raises:
        RecordError: FHR-REC-001 where a latitude or longitude is missing or out of range.
    """
    return _as_table(_as_integers(fixes), fixes["device"], fixes["source"])


def canonical(fixes: Table) -> tuple[Table, int]:
    """Return quantised ``FIXES`` in their one order and without repeats, and how many repeats were dropped.

    The order is time, latitude, longitude, device, then the other columns: any permutation of the same fixes gives the
    same table. A repeat equals another fix in everything but its arrival; the earliest known arrival is kept.

    Raises:
        RecordError: FHR-REC-001, see :func:`quantise`.
    """
    import numpy as np

    integers = _as_integers(fixes)
    device, source = _in_order_of_values(fixes["device"]), _in_order_of_values(fixes["source"])
    if len(fixes) < 2 or bool((integers["time"][1:] > integers["time"][:-1]).all()):
        return _as_table(integers, device, source), 0
    arrival = np.where(integers["received"] == 0, np.iinfo("i8").max, integers["received"])
    identity = [integers["time"], integers["lat"], integers["lon"], device.codes]
    identity += [integers[name] for name in ("accuracy", "speed", "battery", "mock")] + [source.codes]
    order = np.lexsort([arrival, *reversed(identity)])
    is_new = np.zeros(len(fixes), dtype=bool)
    is_new[0] = True
    for key in identity:
        ordered = key[order]
        is_new[1:] |= ordered[1:] != ordered[:-1]
    kept = order[is_new]
    table = _as_table({name: column[kept] for name, column in integers.items()}, device.take(kept), source.take(kept))
    return table, len(fixes) - len(kept)


def canonical_many(fixes: Table, offsets: Sequence[int] | Integers) -> tuple[Table, Integers]:
    """Return quantised ``FIXES`` with every rep-day canonical, and the new offsets; see :func:`canonical`.

    Args:
        fixes: ``FIXES`` of many rep-days below each other.
        offsets: ascending from 0 to the number of fixes, one more than there are rep-days.

    Raises:
        RecordError: FHR-REC-001, see :func:`quantise`.
    """
    import numpy as np

    return _all_canonical(quantise(fixes), np.asarray(offsets, dtype="i8"))


def merge(parts: Sequence[Table]) -> tuple[Table, int]:
    """Return several tables of ``FIXES`` as one canonical table, and how many repeats were dropped."""
    return canonical(Table.concat(FIXES, parts))


def encode(fixes: Table) -> bytes:
    """Return the block of one rep-day: the same set of ``FIXES``, in any order, always gives the same block.

    Fixes are made :func:`canonical` on the way. Another build of zlib may deflate the same fixes to other bytes, so
    digests belong on fixes, not on blocks.

    Raises:
        RecordError: FHR-REC-001, see :func:`quantise`.
    """
    return encode_many(fixes, (0, len(fixes)))[0]


def encode_many(fixes: Table, offsets: Sequence[int] | Integers) -> list[bytes]:
    """Return one block a rep-day: block ``i`` holds ``fixes[offsets[i]:offsets[i + 1]]``.

    Several times faster than :func:`encode` in a loop, with the same result.

    Args:
        fixes: ``FIXES`` of many rep-days below each other.
        offsets: ascending from 0 to the number of fixes, one more than there are rep-days.

    Raises:
        RecordError: FHR-REC-001, see :func:`quantise`.
    """
    import numpy as np

    fixes, bounds = _all_canonical(fixes, np.asarray(offsets, dtype="i8"))
    blocks: list[bytes] = []
    for place in range(0, len(bounds) - 1, _PACKED_AT_ONCE):
        some = bounds[place : place + _PACKED_AT_ONCE + 1]
        blocks += _encoded(fixes.take(slice(int(some[0]), int(some[-1]))), some - some[0])
    return blocks


def _encoded(fixes: Table, bounds: Integers) -> list[bytes]:
    import numpy as np

    filled = np.flatnonzero(np.diff(bounds) > 0)
    blocks = [_deflated(_HEAD.pack(*[0] * 24) + 2 * _packed_texts(()), ())] * (len(bounds) - 1)
    if not len(filled):
        return blocks
    days = _Days(bounds[filled], bounds[filled + 1] - bounds[filled])
    integers = _as_integers(fixes)
    integers["device"], devices = _labelled(fixes["device"], days)
    integers["source"], sources = _labelled(fixes["source"], days)
    first_ms = integers["time"][days.starts]
    integers["received"], batched = _arrivals(integers["received"], integers["time"], days)
    integers["time"], unit_ms = _time_steps(integers["time"], days)

    columns = [
        _small(integers[name], batched if name == "received" else np.full(len(filled), kind == "delta"), days)
        for name, kind in _COLUMNS
    ]
    planes = [_byte_planes(small, max(widths)) for small, _, widths in columns]
    heads = zip(
        days.lengths.tolist(),
        first_ms.tolist(),
        unit_ms.tolist(),
        batched.tolist(),
        *(bases for _, bases, _ in columns),
        *(widths for _, _, widths in columns),
        strict=True,
    )
    for day, (block, start, head) in enumerate(zip(filled.tolist(), days.starts.tolist(), heads, strict=True)):
        end = start + head[0]
        mine = (
            plane[start:end]
            for column, (_, _, widths) in zip(planes, columns, strict=True)
            for plane in column[: widths[day]]
        )
        blocks[block] = _deflated(_HEAD.pack(*head) + devices[day] + sources[day], mine)
    return blocks


def decode(block: bytes) -> Table:
    """Return the canonical ``FIXES`` of one block.

    Raises:
        StoreError: FHR-STO-003 where the bytes are no block, or a damaged one.
    """
    return decode_many((block,))[0]


def decode_many(blocks: Sequence[bytes]) -> tuple[Table, Integers]:
    """Return the ``FIXES`` of many blocks below each other, and the offsets at which each begins (and the last ends).

    Raises:
        StoreError: FHR-STO-003 where one of the blocks is no block, or a damaged one.
    """
    import numpy as np

    opened = [_opened(block) for block in blocks]
    offsets = np.zeros(len(blocks) + 1, dtype="i8")
    np.cumsum([one.length for one in opened], out=offsets[1:])
    filled = [one for one in opened if one.length]
    devices = _in_use(block.devices for block in filled)
    sources = _in_use(block.sources for block in filled)
    # Every portion is written to where it belongs: putting finished portions together would move everything once more.
    whole = _room(int(offsets[-1]))
    start = 0
    for portion in _portions(filled):
        end = start + sum(block.length for block in portion)
        _inflate(portion, devices, sources, {name: column[start:end] for name, column in whole.items()})
        start = end
    return _tabled(whole, tuple(devices), tuple(sources)), offsets


def _portions(blocks: Iterable[_Opened]) -> Iterator[list[_Opened]]:
    portion: list[_Opened] = []
    fixes = 0
    for block in blocks:
        portion.append(block)
        fixes += block.length
        if fixes >= _UNPACKED_AT_ONCE:
            yield portion
            portion, fixes = [], 0
    if portion:
        yield portion


def _inflate(
    blocks: Sequence[_Opened], devices: Mapping[str, int], sources: Mapping[str, int], into: Mapping[str, Any]
) -> None:
    import numpy as np

    lengths = np.asarray([block.length for block in blocks], dtype="i8")
    days = _Days(np.cumsum(lengths) - lengths, lengths)
    batched = np.asarray([block.batched for block in blocks], dtype=bool)
    integers: dict[str, Any] = {}
    for place, (name, kind) in enumerate(_COLUMNS):
        is_delta = batched if name == "received" else np.full(len(blocks), kind == "delta")
        integers[name] = _large(_joined(blocks, place), [block.bases[place] for block in blocks], is_delta, days)
    units, firsts = (np.asarray([getattr(block, name) for block in blocks]) for name in ("unit_ms", "first_ms"))
    integers["time"] = days.sums(integers["time"] * days.spread(units), firsts)
    integers["received"] = _received(integers["received"], integers["time"], batched, days)
    _unlabel(integers.pop("device"), [block.devices for block in blocks], devices, days, into["device"])
    _unlabel(integers.pop("source"), [block.sources for block in blocks], sources, days, into["source"])
    _measure(integers, into)


# --- Columns as integers of their quantum, and back


@functools.cache
def _ladder() -> Any:
    """Return the steps of accuracy in metres, as a person would round them; the last one is "unknown"."""
    import numpy as np

    near = ((0, 10, 1), (10, 30, 2), (30, 100, 5), (100, 200, 10), (200, 500, 25), (500, 1_000, 50))
    far = ((1_000, 2_000, 100), (2_000, 10_000, 500), (10_000, 20_000, 1_000), (20_000, 100_001, 5_000))
    steps = np.concatenate([np.arange(*rungs, dtype="f8") for rungs in (*near, *far)] + [np.asarray([np.nan])])
    steps.flags.writeable = False
    return steps


def _as_integers(fixes: Table) -> dict[str, Any]:
    import numpy as np

    ladder = _ladder()
    top = len(ladder) - 2
    accuracy = np.minimum(np.searchsorted(ladder[:-1], fixes["accuracy_m"]), top)
    accuracy[np.isnan(fixes["accuracy_m"])] = top + 1
    return {
        "time": fixes["time_ms"],
        "lat": _degrees(fixes["lat"], 90.0, "lat"),
        "lon": _degrees(fixes["lon"], 180.0, "lon"),
        "accuracy": accuracy,
        "received": _SECOND * _whole_seconds(fixes["received_ms"]),
        "speed": _known(fixes["speed_mps"], 10.0, _NO_SPEED),
        "battery": _known(fixes["battery_pct"], 1.0, _NO_BATTERY),
        "mock": fixes["mock"].astype("i8"),
    }


def _as_table(integers: dict[str, Any], device: Coded, source: Coded) -> Table:
    room = _room(len(integers["time"])) | {"device": device.codes, "source": source.codes}
    _measure(integers, room)
    return _tabled(room, device.values, source.values)


def _room(length: int) -> dict[str, Any]:
    """Return room for the columns of ``FIXES``, text columns as codes."""
    import numpy as np

    columns: dict[str, Any] = {name: np.empty(length, dtype="i8") for name in ("time_ms", "received_ms")}
    columns |= {name: np.empty(length, dtype="f8") for name in ("lat", "lon", "accuracy_m", "speed_mps", "battery_pct")}
    return columns | {
        "mock": np.empty(length, dtype="i1"),
        "device": np.empty(length, dtype="i4"),
        "source": np.empty(length, dtype="i4"),
    }


def _measure(integers: Mapping[str, Any], into: Mapping[str, Any]) -> None:
    """Write integers of their quantum as what they measure."""
    import numpy as np

    into["time_ms"][:] = integers["time"]
    into["received_ms"][:] = integers["received"]
    np.divide(integers["lat"], _DEGREE, out=into["lat"])
    np.divide(integers["lon"], _DEGREE, out=into["lon"])
    into["accuracy_m"][:] = _ladder()[integers["accuracy"]]
    np.divide(integers["speed"], 10.0, out=into["speed_mps"])
    into["speed_mps"][integers["speed"] == _NO_SPEED] = np.nan
    into["battery_pct"][:] = integers["battery"]
    into["battery_pct"][integers["battery"] == _NO_BATTERY] = np.nan
    into["mock"][:] = integers["mock"]


def _tabled(columns: Mapping[str, Any], devices: tuple[str, ...], sources: tuple[str, ...]) -> Table:
    texts = {"device": Coded(columns["device"], devices), "source": Coded(columns["source"], sources)}
    return FIXES.table(**{**columns, **texts})


def _degrees(column: Any, limit: float, name: str) -> Any:
    import numpy as np

    if len(column) and not (column.min() >= -limit and column.max() <= limit):  # false for NaN, too
        raise RecordError(
            f"A fix has a {name} that is missing or outside {-limit:g} to {limit:g}.", code="FHR-REC-001", column=name
        )
    return np.rint(column * _DEGREE).astype("i8")


def _known(column: Any, scale: float, unknown: int) -> Any:
    import numpy as np

    is_known = ~np.isnan(column)
    if not is_known.any():
        return np.full(len(column), unknown, dtype="i8")
    scaled = np.rint(np.where(is_known, column, 0.0) * scale).clip(0, unknown - 1).astype("i8")
    scaled[~is_known] = unknown
    return scaled


def _whole_seconds(times_ms: Any) -> Any:
    return times_ms // _SECOND


def _in_order_of_values(coded: Coded) -> Coded:
    """Return the same texts with only the values in use, in sorted order: codes then depend on nothing else."""
    import numpy as np

    used = np.unique(coded.codes)
    used = used[used >= 0]
    values = tuple(sorted({coded.values[code] for code in used.tolist()}))
    lookup = np.full(len(coded.values) + 1, -1, dtype="i4")
    for code in used.tolist():
        lookup[code] = values.index(coded.values[code])
    return Coded(lookup[coded.codes], values)


def _all_canonical(fixes: Table, bounds: Integers) -> tuple[Table, Integers]:
    """Return the table with every rep-day canonical, and its bounds; days already in strict order cost one look."""
    import numpy as np

    is_behind = np.zeros(len(fixes), dtype=bool)
    is_behind[1:] = fixes["time_ms"][1:] <= fixes["time_ms"][:-1]
    is_behind[bounds[:-1][bounds[:-1] < len(fixes)]] = False
    if not is_behind.any():
        return fixes, bounds
    untidy = set((np.searchsorted(bounds, np.flatnonzero(is_behind), side="right") - 1).tolist())
    parts = [fixes.take(slice(int(start), int(end))) for start, end in itertools.pairwise(bounds)]
    parts = [canonical(part)[0] if day in untidy else part for day, part in enumerate(parts)]
    return Table.concat(FIXES, parts), np.cumsum([0, *map(len, parts)], dtype="i8")


# --- Integers as small ones, and back


def _time_steps(times: Any, days: _Days) -> tuple[Any, Any]:
    """Return steps in the largest unit that divides all steps of the rep-day, and that unit in milliseconds."""
    import numpy as np

    steps = days.steps(times)
    units = np.maximum(np.gcd.reduceat(steps, days.starts), 1)
    steps //= days.spread(units)
    # The first fix has no step: give it the smallest one, so that it does not widen the range.
    steps[days.starts] = np.iinfo("i8").max
    smallest = np.minimum.reduceat(steps, days.starts)
    steps[days.starts] = np.where(days.lengths > 1, smallest, 0)
    return steps, units


def _arrivals(received: Any, times: Any, days: _Days) -> tuple[Any, Any]:
    """Return arrivals in seconds: absolute where fixes came in batches of one arrival, else behind their fix."""
    import numpy as np

    seconds = received // _SECOND
    changes = np.add.reduceat(days.steps(seconds) != 0, days.starts, dtype="i8")
    batched = changes * 2 < days.lengths
    return np.where(days.spread(batched), seconds, seconds - _whole_seconds(times)), batched


def _received(seconds: Any, times: Any, batched: Any, days: _Days) -> Any:
    """Undo :func:`_arrivals`, in milliseconds."""
    import numpy as np

    if batched.all():
        return seconds * _SECOND
    behind = seconds + _whole_seconds(times)
    return _SECOND * (np.where(days.spread(batched), seconds, behind) if batched.any() else behind)


def _small(column: Any, is_delta: Any, days: _Days) -> tuple[Any, list[int], list[int]]:
    """Return small non-negative integers, with the base and the width in bytes of each rep-day.

    *is_delta* says for each rep-day whether differences are kept (made non-negative: 0, -1, 1, -2 ... become 0, 1, 2,
    3 ...) or distances from the smallest value.
    """
    import numpy as np

    bases = column[days.starts]
    small = column
    if is_delta.any():
        steps = days.steps(column)
        small = (steps << 1) ^ (steps >> 63)
    if not is_delta.all():
        bases = np.where(is_delta, bases, np.minimum.reduceat(column, days.starts))
        small = np.where(days.spread(is_delta), small, column - days.spread(bases))
    largest = np.maximum.reduceat(small.view("u8"), days.starts)
    return small, bases.tolist(), [(value.bit_length() + 7) // 8 for value in largest.tolist()]


def _large(small: Any, bases: Sequence[int], is_delta: Any, days: _Days) -> Any:
    """Undo :func:`_small`; *small* is ``None`` where all of it is 0, else unsigned integers of any width."""
    import numpy as np

    base = np.asarray(bases, dtype="i8")
    if small is None:
        return np.repeat(base, days.lengths)
    if not is_delta.any():
        return np.add(small, days.spread(base), dtype="i8", casting="unsafe")
    signed = ((small >> 1) ^ (0 - (small & 1))).view(small.dtype.str.replace("u", "i"))
    values = days.sums(signed.astype("i8"), base)
    return values if is_delta.all() else np.where(days.spread(is_delta), values, small.astype("i8") + days.spread(base))


def _labelled(coded: Coded, days: _Days) -> tuple[Any, list[bytes]]:
    """Return codes into each rep-day's own sorted values (0: not said), and those values packed."""
    import numpy as np

    coded = _in_order_of_values(coded)
    lowest, highest = np.minimum.reduceat(coded.codes, days.starts), np.maximum.reduceat(coded.codes, days.starts)
    codes = coded.codes.astype("i8") + 1
    packed: list[bytes] = []
    spans = zip(days.starts.tolist(), days.lengths.tolist(), lowest.tolist(), highest.tolist(), strict=True)
    for start, length, low, high in spans:
        if low == high:
            values: Iterable[str] = () if low < 0 else (coded.values[low],)
            codes[start : start + length] = 0 if low < 0 else 1
        else:
            used, mine = np.unique(codes[start : start + length], return_inverse=True)
            values = [coded.values[code - 1] for code in used.tolist() if code]
            codes[start : start + length] = mine if used[0] == 0 else mine + 1
        packed.append(_packed_texts(tuple(values)))
    return codes, packed


def _in_use(values: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """Return every text that a rep-day holds with its code: sorted, so that codes depend on nothing else."""
    return {text: code for code, text in enumerate(sorted({text for texts in values for text in texts}))}


def _unlabel(codes: Any, values: Sequence[tuple[str, ...]], place: Mapping[str, int], days: _Days, into: Any) -> None:
    """Write codes into each rep-day's own values as codes into everybody's."""
    import numpy as np

    # One table of codes for all rep-days below each other: -1, then the codes of the rep-day's values.
    table = np.asarray([code for texts in values for code in (-1, *(place[text] for text in texts))], dtype="i4")
    sizes = np.asarray([len(texts) + 1 for texts in values], dtype="i8")
    if codes.max() >= sizes.max() or bool((np.maximum.reduceat(codes, days.starts) >= sizes).any()):
        raise _damaged("a label points nowhere")
    into[:] = table[codes + days.spread(np.cumsum(sizes) - sizes)]


# --- Small integers as bytes, and back


@attrs.frozen(eq=False)
class _Opened:
    """A block after inflating: its head, its labels, and where its planes lie."""

    length: int
    first_ms: int
    unit_ms: int
    batched: int
    bases: tuple[int, ...]
    widths: tuple[int, ...]
    devices: tuple[str, ...]
    sources: tuple[str, ...]
    body: bytes
    places: tuple[int, ...]


def _byte_planes(small: Any, width: int) -> list[Any]:
    """Return the lowest byte of every integer, then the second lowest ..., each as one run of bytes."""
    import numpy as np

    octets = small.astype("<u8", copy=False).view("u1").reshape(len(small), 8)
    return [np.ascontiguousarray(octets[:, place]).data for place in range(width)]


def _joined(blocks: Sequence[_Opened], place: int) -> Any:
    """Return the integers of one column of all blocks below each other, ``None`` where all are 0."""
    import numpy as np

    width = max(block.widths[place] for block in blocks)
    if not width:
        return None
    planes = []
    for octet in range(width):
        parts = []
        for block in blocks:
            start = block.places[place] + octet * block.length
            in_use = octet < block.widths[place]
            parts.append(block.body[start : start + block.length] if in_use else bytes(block.length))
        planes.append(np.frombuffer(b"".join(parts), dtype="u1"))
    if width == 1:
        return planes[0]
    size = 2 if width == 2 else 4 if width <= 4 else 8
    octets = np.zeros((len(planes[0]), size), dtype="u1")
    for octet, plane in enumerate(planes):
        octets[:, octet] = plane
    return octets.view(f"<u{size}").reshape(-1)


def _deflated(head: bytes, planes: Iterable[Any]) -> bytes:
    # Run lengths and Huffman codes only: noise has no longer repeats, and searching for them costs time and tables.
    # Closing a deflate block after each plane gives every plane tables of its own (a tenth less in size).
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 15, 8, zlib.Z_RLE)
    parts = [_VERSION, squeeze.compress(head)]
    for plane in planes:
        parts += (squeeze.compress(plane), squeeze.flush(zlib.Z_BLOCK))
    parts.append(squeeze.flush())
    return b"".join(parts)


def _opened(block: bytes) -> _Opened:
    if block[:1] != _VERSION:
        raise _damaged("they do not begin like a track block of this version")
    inflate = zlib.decompressobj()
    try:
        body = inflate.decompress(memoryview(block)[1:], _LONGEST)
        if not inflate.eof or inflate.unused_data:
            raise _damaged("they end too early or too late")
        head = _HEAD.unpack_from(body)
        devices, place = _unpacked_texts(body, _HEAD.size)
        sources, place = _unpacked_texts(body, place)
    except (zlib.error, struct.error, UnicodeDecodeError) as cause:
        raise _damaged("they do not inflate to a track block") from cause
    length, widths = head[0], head[14:]
    places = []
    for width in widths:
        places.append(place)
        place += width * length
    if place != len(body) or max(widths) > 8:
        raise _damaged("its columns do not have the length its head says")
    return _Opened(length, head[1], head[2], head[3], head[4:14], widths, devices, sources, body, tuple(places))


def _packed_texts(texts: tuple[str, ...]) -> bytes:
    parts = [_TEXT.pack(len(texts))]
    for text in texts:
        octets = text.encode()
        parts += (_TEXT.pack(len(octets)), octets)
    return b"".join(parts)


def _unpacked_texts(body: bytes, place: int) -> tuple[tuple[str, ...], int]:
    (count,) = _TEXT.unpack_from(body, place)
    place += _TEXT.size
    texts = []
    for _ in range(count):
        (length,) = _TEXT.unpack_from(body, place)
        place += _TEXT.size
        texts.append(body[place : place + length].decode())
        place += length
    return tuple(texts), place


def _damaged(why: str) -> StoreError:
    return StoreError(f"The bytes of a track block are damaged: {why}.", code="FHR-STO-003")
