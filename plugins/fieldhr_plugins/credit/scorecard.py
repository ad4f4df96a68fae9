"""A scorecard: bins and points per ratio, a calibrated probability, and how it fared on what came later.

Points rise with safety: ``points = offset - factor * ln(odds of failing)``, where ``factor`` is such that 20 points
double the odds. They add up exactly: base points plus those of each ratio.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from fieldhr_core.errors import RecordError
from fieldhr_plugins.credit.binning import Bins
from fieldhr_plugins.credit.measures import Floats
from fieldhr_plugins.credit.regression import Isotonic, probability_of

__all__ = ["BASE_ODDS", "BASE_POINTS", "FACTOR", "Part", "Scorecard", "Scored", "points_of", "reasons"]

FORMAT: Final = "fieldhr.scorecard/1"

#: Points to double the odds, and where the scale is fixed: 600 points at 50 sound borrowers for one that fails.
POINTS_TO_DOUBLE: Final = 20.0
BASE_POINTS: Final = 600.0
BASE_ODDS: Final = 50.0
FACTOR: Final = POINTS_TO_DOUBLE / math.log(2)
OFFSET: Final = BASE_POINTS - FACTOR * math.log(BASE_ODDS)


def points_of(log_odds: npt.ArrayLike) -> Floats:
    """Return the points for log odds of failing."""
    found: Floats = OFFSET - FACTOR * np.asarray(log_odds, dtype="f8")
    return found


@attrs.frozen(eq=False)
class Part:
    """One ratio of a scorecard: its bins and the coefficient of their evidence in the log odds of failing (below 0)."""

    name: str
    bins: Bins
    coefficient: float


@attrs.frozen(eq=False)
class Scored:
    """What a scorecard says, row for row.

    Attributes:
        probability: of failing, calibrated, 0-1.
        points: base points plus the sum of a row of *parts*.
        parts: (rows, ratios) points of each ratio against the average borrower, in the scorecard's order.
    """

    probability: Floats
    points: Floats
    parts: Floats


@attrs.frozen(eq=False, kw_only=True)
class Scorecard:
    """A trained scorecard.

    Attributes:
        intercept: of the log odds, before calibration.
        slope, shift: the calibrated log odds are ``shift + slope * log odds`` (Platt).
        steps: a finer calibration of the probability, where one was asked for.
        summary: how it was trained and how it fared; JSON values.
    """

    parts: tuple[Part, ...]
    intercept: float
    slope: float
    shift: float
    steps: Isotonic | None = None
    summary: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The ratios it looks at."""
        return tuple(part.name for part in self.parts)

    @property
    def monotone(self) -> Mapping[str, int]:
        """Ratios in which it promises never to turn: +1 where more is never safer, -1 where more is never riskier."""
        ways = {"falling": +1, "rising": -1}
        return {part.name: ways[part.bins.shape] for part in self.parts if part.bins.shape in ways}

    def score(self, columns: Mapping[str, npt.ArrayLike]) -> Scored:
        """Score many borrowers.

        Args:
            columns: ratio -> values, all of one length, NaN where not known; a ratio that is left out is not known.

        Raises:
            RecordError: FHR-REC-001 where none of its ratios is given, or lengths differ.
        """
        lengths = {len(np.asarray(values)) for values in columns.values()}
        if len(lengths) != 1 or not set(columns) & set(self.names):
            raise RecordError(
                f"The scorecard needs columns of one length out of {', '.join(self.names)}.", code="FHR-REC-001"
            )
        (rows,) = lengths
        unknown = np.full(rows, np.nan)
        evidence = np.column_stack([part.bins.evidence(columns.get(part.name, unknown)) for part in self.parts])
        amounts = evidence * np.asarray([part.coefficient for part in self.parts])
        odds = self.shift + self.slope * (self.intercept + amounts.sum(axis=1))
        probability = probability_of(odds)
        parts = -FACTOR * self.slope * amounts
        return Scored(
            probability if self.steps is None else self.steps.at(probability),
            self.base_points + parts.sum(axis=1),
            parts,
        )

    @property
    def base_points(self) -> float:
        """Points of a borrower in whom every ratio is as evident as the average."""
        return float(points_of(self.shift + self.slope * self.intercept))

    def as_json(self) -> dict[str, Any]:
        """Return the scorecard as JSON values, with the hash of everything else in ``sha256``."""
        record: dict[str, Any] = {
            "format": FORMAT,
            "points": {"to_double": POINTS_TO_DOUBLE, "base": BASE_POINTS, "base_odds": BASE_ODDS},
            "intercept": self.intercept,
            "slope": self.slope,
            "shift": self.shift,
            "steps": None
            if self.steps is None
            else {"points": self.steps.points.tolist(), "values": self.steps.values.tolist()},
            "ratios": [
                {"name": part.name, "coefficient": part.coefficient, **part.bins.as_json()} for part in self.parts
            ],
            "summary": dict(self.summary),
        }
        return {**record, "sha256": _digest(record)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Scorecard:
        """Read what :meth:`as_json` gave.

        Raises:
            RecordError: FHR-REC-006 where it is something else, or was changed since.
        """
        if record.get("format") != FORMAT:
            raise _unreadable(f"its format is {record.get('format')!r} instead of {FORMAT!r}")
        rest = {name: value for name, value in record.items() if name != "sha256"}
        if record.get("sha256") != _digest(rest):
            raise _unreadable("its sha256 does not fit: it was changed after training")
        try:
            steps = record["steps"]
            return cls(
                parts=tuple(
                    Part(str(one["name"]), Bins.from_json(one), float(one["coefficient"])) for one in record["ratios"]
                ),
                intercept=float(record["intercept"]),
                slope=float(record["slope"]),
                shift=float(record["shift"]),
                steps=steps and Isotonic(np.asarray(steps["points"], "f8"), np.asarray(steps["values"], "f8")),
                summary=dict(record["summary"]),
            )
        except (KeyError, TypeError, ValueError) as cause:
            raise _unreadable(f"a part of it is missing or misshapen ({cause})") from cause

    def save(self, path: str | Path) -> None:
        """Write the scorecard to a file."""
        Path(path).write_text(json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Scorecard:
        """Read a scorecard from a file.

        Raises:
            RecordError: FHR-REC-006 where it cannot be read, is something else, or was changed after training.
        """
        try:
            record = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as cause:
            raise _unreadable(str(cause)) from cause
        if not isinstance(record, dict):
            raise _unreadable("it holds no JSON object")
        return cls.from_json(record)


def reasons(names: Sequence[str], parts: npt.ArrayLike, most: int = 5) -> list[tuple[str, float]]:
    """Return one row's ratios that move it most, with their points, the strongest first."""
    row = np.asarray(parts, dtype="f8")
    order = sorted(range(len(names)), key=lambda place: (-abs(row[place]), names[place]))
    return [(names[place], float(row[place])) for place in order[:most]]


def _digest(record: Mapping[str, Any]) -> str:
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _unreadable(why: str) -> RecordError:
    return RecordError(
        f"The scorecard cannot be read: {why}.",
        code="FHR-REC-006",
        hint="Train it again: fieldhr credit train FILE --out MODEL",
    )
