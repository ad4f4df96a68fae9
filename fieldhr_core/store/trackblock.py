"""One rep-day of fixes as one small block of bytes, and back.

A block holds whole columns: each column becomes small integers (differences, or distances from its minimum), the
integers are split into byte planes, and every plane is deflated with Huffman tables of its own. Constant and absent
columns cost nothing. Blocks are made of *quantised* fixes only, and ingest quantises before anything looks at a fix, so
what was judged live and what is read back years later are the same numbers.

The quantum of each column:

=============  ==========================================================================================
``time_ms``    1 ms (whole-second tracks cost no more than seconds)
``lat, lon``   1e-5 degrees, about 1.1 m
``accuracy_m`` rounded *up* to a ladder: 1 m up to 20 m, about 5 to 10 % above, 100 km at most
``speed_mps``  0.1 m/s, 6,553 m/s at most
``battery``    1 %
``received``   rounded up to a whole second; 0 stays 0 (unknown)
=============  ==========================================================================================
"""

from __future__ import annotations

import functools
import itertools
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.errors import RecordError, StoreError
from fieldhr_core.model import FIXES, Coded, Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

__all__ = ["canonical", "decode", "decode_many", "encode", "encode_many", "merge", "quantise"]

_VERSION: Final = b"\x01"
_DEGREE: Final = 100_000.0
_NO_SPEED: Final = 65_535
_NO_BATTERY: Final = 101
_LONGEST: Final = 1 << 28

#: Columns in the order of their planes, with the way each becomes small integers: "step" = differences less the
#: smallest one, "delta" = signed differences, "level" = distance from the minimum.
_COLUMNS: Final = (
    ("time", "step"),
    ("lat", "delta"),
    ("lon", "delta"),
    ("accuracy", "level"),
    ("received", "level"),  # or "delta", where fixes came in batches: see _Layout
    ("speed", "level"),
    ("battery", "delta"),
    ("mock", "level"),
    ("device", "level"),
    ("source", "level"),
)
_NAMES: Final = tuple(name for name, _ in _COLUMNS)

#: rows, first time, time unit, received mode, then base and width (bytes) of each column.
_HEAD: Final = struct.Struct("<IqqB" + "qiiBqHBBII" + "10B")


def quantise(fixes: Table) -> Table:
    """Return ``FIXES`` rounded to what a block can hold; order and rows stay as they are.

    Doing it twice changes nothing, and ``decode(encode(quantise(x)))`` has exactly the rows of ``quantise(x)``.

    Raises:
        RecordError: FHR-REC-001 where a latitude or longitude is missing or out of range.
    """
    integers = _integers(fixes)
    return _table(integers, fixes["device"], fixes["source"])


def canonical(fixes: Table) -> tuple[Table, int]:
    """Return quantised ``FIXES`` in their one order without repeats, and how many repeats were dropped.

    The order is time, latitude, longitude, device, then the other columns, so any permutation of the same fixes gives
    the same table. A repeat equals another fix in everything but its arrival; the earliest known arrival is kept.
    """
    import numpy as np

    integers = _integers(fixes)
    device, source = _ranked(fixes["device"]), _ranked(fixes["source"])
    if len(fixes) < 2 or bool((integers["time"][1:] > integers["time"][:-1]).all()):
        return _table(integers, device, source), 0
    arrival = np.where(integers["received"] == 0, np.iinfo("i8").max, integers["received"])
    identity = [integers["time"], integers["lat"], integers["lon"], device.codes]
    identity += [integers[name] for name in ("accuracy", "speed", "battery", "mock")] + [source.codes]
    order = np.lexsort([arrival, *reversed(identity)])
    fresh = np.zeros(len(fixes), dtype=bool)
    fresh[0] = True
    for key in identity:
        ordered = key[order]
        fresh[1:] |= ordered[1:] != ordered[:-1]
    kept = order[fresh]
    table = _table({name: column[kept] for name, column in integers.items()}, device.take(kept), source.take(kept))
    return table, len(fixes) - len(kept)


def merge(parts: Sequence[Table]) -> tuple[Table, int]:
    """Return several tables of ``FIXES`` as one canonical table, and how many repeats were dropped."""
    return canonical(Table.concat(FIXES, parts))


def encode(fixes: Table) -> bytes:
    """Return the block of one rep-day's ``FIXES``: the same set of fixes always gives the same block.

    Fixes may come in any order and with repeats; they are made :func:`canonical` first. (Another build of zlib may
    deflate the same fixes to other bytes; digests belong on the fixes, not on the block.)

    Raises:
        RecordError: FHR-REC-001, see :func:`quantise`.
    """
    return encode_many(fixes, (0, len(fixes)))[0]


def encode_many(fixes: Table, offsets: Sequence[int] | Integers) -> list[bytes]:
    """Return one block a rep-day: block ``i`` holds ``fixes[offsets[i]:offsets[i + 1]]``.

    Args:
        fixes: ``FIXES`` of many rep-days below each other.
        offsets: ascending, one more than there are rep-days.

    Raises:
        RecordError: FHR-REC-001, see :func:`quantise`.
    """
    import numpy as np

    bounds = np.asarray(offsets, dtype="i8")
    fixes, bounds = _all_canonical(fixes, bounds)
    filled = np.flatnonzero(np.diff(bounds) > 0)
    blocks = [_EMPTY] * (len(bounds) - 1)
    if not len(filled):
        return blocks
    starts = bounds[filled]
    lengths = bounds[filled + 1] - starts
    integers = _integers(fixes)
    labels: dict[str, list[list[str]]] = {}
    for name in ("device", "source"):
        integers[name], labels[name] = _label_codes(fixes[name], starts, lengths)

    unit, integers["time"], first_time = _time_steps(integers["time"], starts, lengths)
    batches, integers["received"] = _arrivals(integers["received"], first_time.whole_seconds, starts, lengths)
    bases, widths, planes = [], [], []
    for name, kind in _COLUMNS:
        column = integers[name]
        if name == "received":
            base, small = _mixed(column, batches, starts, lengths)
        elif kind == "delta":
            base, small = _deltas(column, starts, lengths)
        else:
            base, small = _levels(column, starts, lengths)
        bases.append(base.tolist())
        width = _widths(np.maximum.reduceat(small, starts))
        widths.append(width.tolist())
        planes.append(_byte_planes(small, int(width.max())))

    for place, block in enumerate(filled.tolist()):
        start, length = int(starts[place]), int(lengths[place])
        head = _HEAD.pack(
            length,
            int(first_time.milliseconds[place]),
            int(unit[place]),
            int(batches[place]),
            *(base[place] for base in bases),
            *(width[place] for width in widths),
        )
        names = b"".join(_pack_labels(labels[name][place]) for name in ("device", "source"))
        blocks[block] = _deflate(
            head + names,
            (plane[start : start + length] for of, width in zip(planes, widths, strict=True) for plane in of[: width[place]]),
        )
    return blocks
