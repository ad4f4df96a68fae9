"""What a provider's answer must look like, family by family: the check at the boundary.

Each check gets the provider, the arguments it was called with and its answer, and returns one sentence about what is
wrong, or ``None``. The sentence starts with a verb; whoever asks puts the plugin's name before it. Checks are columnar
where the answer is a table, so their cost is a small share of the call's.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from fieldhr_core.hooks.handle import ProviderHandle
from fieldhr_core.hooks.providers import Delivery, Pulled
from fieldhr_core.model import (
    BEHIND,
    JUDGED,
    METRICS,
    SIGNALS,
    STAYS,
    Absence,
    Attendance,
    Coded,
    Customer,
    Datum,
    Deal,
    Decoded,
    Feedback,
    Finding,
    Kind,
    Metric,
    Outcome,
    Person,
    Position,
    Problem,
    Resolved,
    Ruling,
    Schema,
    Scorecard,
    Severity,
    Table,
    Verdict,
    Weighting,
)

__all__ = [
    "CONTRACTS",
    "MAY_STATE",
    "OPTIONAL",
    "STATEMENTS",
    "Contract",
    "misfit_of_statements",
    "misfit_of_table",
    "missing_in_provider",
]

#: (provider, arguments, answer) -> what is wrong, or ``None``.
Contract = Callable[[Any, Sequence[Any], Any], str | None]

#: Float columns that must be known; everywhere else NaN says "unknown". A stay may hide where it was: a private place.
_KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "stays": ("certain_s", "possible_s", "confidence"),
    "signals": ("strength",),
    "metrics": ("exposure",),
    "behind": ("counts", "of"),
    "places": ("lat", "lon", "radius_m"),
    "points": ("lat", "lon"),
    "checkins": ("lat", "lon"),
    "reported": ("lat", "lon"),
    "fixes": ("lat", "lon"),
}

_DTYPES: Final[Mapping[Kind, str]] = {
    Kind.TIME_MS: "int64",
    Kind.FLOAT: "float64",
    Kind.INTEGER: "int64",
    Kind.BOOLEAN: "bool",
    Kind.TRISTATE: "int8",
    Kind.TEXT: "object",
}

_CADENCE: Final = re.compile(r"live|([01]\d|2[0-3]):[0-5]\d")
_VERDICTS: Final = frozenset(verdict.value for verdict in Verdict)
_DELIVERED: Final = frozenset({"sent", "retry", "refused"})


def missing_in_provider(handle: ProviderHandle) -> str | None:
    """Say which methods and statements of its family a provider lacks; runs none of its code."""
    place = (handle.family, handle.role)
    wanted = [
        method
        for family, role, method in CONTRACTS
        if (family, role) == place and (family, role, method) not in OPTIONAL
    ]
    missing = [name for name in (*wanted, *STATEMENTS.get(place, ())) if _lacks(handle.provider, name)]
    return f"made {_kind_of(handle.provider)} without {' and '.join(missing)}" if missing else None


def misfit_of_statements(handle: ProviderHandle) -> str | None:
    """Say which statement of a provider about itself makes no sense."""
    for name, value in handle.stated.items():
        if not _SENSIBLE[name](value):
            return f"states {name} = {value!r:.60}; {_MEANT[name]}"
    return None


def _lacks(provider: object, name: str) -> bool:
    try:
        inspect.getattr_static(provider, name)
    except AttributeError:
        return True
    return False


def misfit_of_table(table: object, schema: Schema) -> str | None:
    """Say what keeps *table* from being one of *schema* (columns, types, lengths, ranges); ``None`` if nothing does."""
    if not isinstance(table, Table):
        return f"returned {_kind_of(table)} where a table of {schema.name!r} belongs"
    if table.schema is not schema and table.schema != schema:
        return f"returned a table of {table.schema.name!r} where one of {schema.name!r} belongs"
    known = _KNOWN.get(schema.name, ())
    for column in schema.columns:
        try:
            values = table[column.name]
        except KeyError:
            return f"left out the column {schema.name}.{column.name}"
        wrong = _misfit_of_column(values, column, len(table), must_be_known=column.name in known)
        if wrong:
            return f"returned {schema.name}.{column.name} {wrong}"
    return None


def _misfit_of_column(values: Any, column: Any, length: int, *, must_be_known: bool) -> str | None:
    import numpy as np

    if column.kind is Kind.CODED:
        if not isinstance(values, Coded):
            return "as plain values instead of coded ones"
        codes = values.codes
        if len(codes) == length and length and (codes.min() < -1 or codes.max() >= len(values.values)):
            return f"with a code that names none of its {len(values.values)} values"
        return None if len(codes) == length else f"with {len(codes)} values for {length} rows"
    if not isinstance(values, np.ndarray) or values.dtype != _DTYPES[column.kind] or values.ndim != 1:
        return f"that does not hold {column.kind.value}"
    if len(values) != length:
        return f"with {len(values)} values for {length} rows"
    if column.kind is Kind.FLOAT:
        wrong = ~np.isfinite(values) if must_be_known else np.isinf(values)
        if wrong.any():
            what = "not finite" if must_be_known else "infinite"
            return f"that is {what} in {_rows(wrong)}"
    if column.low is not None and (wrong := values < column.low).any():
        return f"below {column.low:g} in {_rows(wrong)}"
    if column.high is not None and (wrong := values > column.high).any():
        return f"above {column.high:g} in {_rows(wrong)}"
    return None


def _decode(_: Any, args: Sequence[Any], answer: Any) -> str | None:
    wrong = _misfit_of_list(answer, Decoded, len(args[0]), "decoded payloads", "envelopes")
    if wrong:
        return wrong
    for row, decoded in enumerate(answer):
        said = bool(decoded.positions) + (decoded.ignored is not None) + (decoded.rejected is not None)
        if said != 1:
            what = "neither positions nor a reason" if said == 0 else "more than one of positions, ignored, rejected"
            return f"returned {what} for envelope {row}"
        if decoded.rejected is not None and not isinstance(decoded.rejected, Problem):
            return f"rejected envelope {row} without a Problem"
        for number, position in enumerate(decoded.positions):
            wrong = _misfit_of_position(position)
            if wrong:
                return f"returned position {number} of envelope {row} {wrong}"
    return None


def _misfit_of_position(position: Any) -> str | None:
    if not isinstance(position, Position):
        return f"as {_kind_of(position)}"
    if not isinstance(position.time, datetime) or position.time.tzinfo is None:
        return "without a zone in its time"
    if not isinstance(position.datum, Datum):
        return "without a datum"
    # Written so that NaN fails.
    if not (-90 <= position.lat <= 90 and -180 <= position.lon <= 180):
        return "with a coordinate outside the globe"
    for name in ("accuracy_m", "speed_mps", "battery_pct", "altitude_m", "heading_deg"):
        value = getattr(position, name)
        if value is not None and not math.isfinite(value):
            return f"with {name} not finite; unknown is None"
    for name, high in (("accuracy_m", math.inf), ("speed_mps", math.inf), ("battery_pct", 100.0)):
        value = getattr(position, name)
        if value is not None and not 0 <= value <= high:
            return f"with {name} {value:g}; unknown is None"
    return None


def _resolve(_: Any, args: Sequence[Any], answer: Any) -> str | None:
    days = args[0]
    if not isinstance(answer, Resolved):
        return f"returned {_kind_of(answer)} where Resolved belongs"
    wrong = misfit_of_table(answer.stays, STAYS) or misfit_of_table(answer.signals, SIGNALS)
    if wrong:
        return wrong
    asked = {(day.rep, day.date) for day in days.days}
    for table in (answer.stays, answer.signals):
        wrong = _misfit_of_days(table, asked) or _misfit_of_spans(table)
        if wrong:
            return wrong
    if len(answer.stays):
        times = days.fixes["time_ms"]
        first, last = (int(times.min()), int(times.max())) if len(times) else (0, -1)
        outside = (answer.stays["start_ms"] < first) | (answer.stays["end_ms"] > last)
        if outside.any():
            return f"returned stays outside the time of the fixes in {_rows(outside)}; times are UTC milliseconds"
    return _misfit_of_values(answer.stays, "verdict", _VERDICTS)


def _misfit_of_days(table: Table, asked: set[tuple[str, str]]) -> str | None:
    pairs = set(zip(table["rep"].codes.tolist(), table["date"].codes.tolist(), strict=True))
    reps, dates = table["rep"].values, table["date"].values
    for rep, date in sorted(pairs):
        if rep < 0 or date < 0 or (reps[rep], dates[date]) not in asked:
            return f"returned {table.schema.name} of a rep-day it was not asked about"
    return None


def _misfit_of_spans(table: Table) -> str | None:
    backwards = table["end_ms"] < table["start_ms"]
    return f"returned {table.schema.name} that end before they start in {_rows(backwards)}" if backwards.any() else None


def _judge(_: Any, args: Sequence[Any], answer: Any) -> str | None:
    wrong = misfit_of_table(answer, JUDGED)
    if wrong:
        return wrong
    if len(answer) != len(args[0]):
        return f"returned {_count(len(answer), 'verdicts')} for {_count(len(args[0]), 'points')}"
    return _misfit_of_values(answer, "verdict", _VERDICTS)


def _misfit_of_values(table: Table, name: str, allowed: frozenset[str]) -> str | None:
    column = table[name]
    if len(column) and int(column.codes.min()) < 0:
        return f"left {table.schema.name}.{name} unsaid in {_rows(column.codes < 0)}"
    for code in sorted(set(column.codes.tolist())):
        if column.values[code] not in allowed:
            choices = ", ".join(sorted(allowed))
            return f"returned {table.schema.name}.{name} {column.values[code]!r}; there are {choices}"
    return None


_PULLED: Final[Mapping[str, type]] = {
    "customers": Customer,
    "deals": Deal,
    "gone": str,
    "people": Person,
    "absences": Absence,
    "attendance": Attendance,
    "feedback": Feedback,
    "problems": Problem,
}


def _pull(_: Any, __: Sequence[Any], answer: Any) -> str | None:
    if not isinstance(answer, Pulled):
        return f"returned {_kind_of(answer)} where Pulled belongs"
    if answer.cursor is not None and not isinstance(answer.cursor, str):
        return f"returned {_kind_of(answer.cursor)} as cursor; it is opaque text or None"
    if answer.more and answer.cursor is None:
        return "said that there is more, without a cursor to go on from"
    for name, kind in _PULLED.items():
        wrong = _misfit_of_list(getattr(answer, name), kind, None, name, "")
        if wrong:
            return wrong
    if not isinstance(answer.merged, Mapping) or any(old == new for old, new in answer.merged.items()):
        return "returned merged customers that are no mapping from one id to another"
    for customer in answer.customers:
        for address in customer.addresses:
            if (address.lat is None) != (address.lon is None):
                return "returned an address with half a coordinate"
            if address.lat is None or address.lon is None:
                continue
            if not isinstance(address.datum, Datum):
                return "returned an address with a coordinate but no datum"
            if not (-90 <= address.lat <= 90 and -180 <= address.lon <= 180 and address.radius_m >= 0):
                return "returned an address outside the globe or with a negative radius"
    return None


def _push(_: Any, __: Sequence[Any], answer: Any) -> str | None:
    return _misfit_of_list(answer, Problem, None, "problems", "")


def _score(provider: Any, _: Sequence[Any], answer: Any) -> str | None:
    import numpy as np

    wrong = misfit_of_table(answer, METRICS)
    if wrong:
        return wrong
    wrong = _misfit_of_values(answer, "metric", frozenset(metric.name for metric in provider.metrics))
    if wrong:
        return wrong
    if len(answer) and int(answer["subject"].codes.min()) < 0:
        return f"left metrics.subject unsaid in {_rows(answer['subject'].codes < 0)}"
    keys = answer["subject"].codes.astype("i8") * (len(answer["metric"].values) + 1) + answer["metric"].codes
    twice = len(keys) - len(np.unique(keys))
    if twice:
        return f"returned {_count(twice, 'rows')} for a subject and metric that it had already measured"
    # Comparisons with NaN are false: an unknown end passes.
    upside_down = (answer["low"] > answer["value"]) | (answer["value"] > answer["high"])
    if upside_down.any():
        return f"returned a value outside its own interval in {_rows(upside_down)}"
    return None


def _compose(_: Any, args: Sequence[Any], answer: Any) -> str | None:
    wrong = _misfit_of_list(answer, Scorecard, None, "scorecards", "")
    if wrong:
        return wrong
    known, weighting = set(args[1]["rep"].tolist()), args[3]
    seen: set[str] = set()
    for card in answer:
        if card.subject not in known:
            return f"made a scorecard of {card.subject!r}, who is none of the people"
        if card.subject in seen:
            return f"made two scorecards of {card.subject!r}"
        seen.add(card.subject)
        if card.card not in weighting.cards or card.weights_version != weighting.version:
            return f"made the scorecard of {card.subject!r} with other weights than it was given"
        wrong = _misfit_of_card(card)
        if wrong:
            return f"made the scorecard of {card.subject!r} {wrong}"
    return None


def _misfit_of_card(card: Scorecard) -> str | None:
    parts = [component.contribution for component in card.components]
    if any(type(part) is not int for part in [*parts, *([] if card.total is None else [card.total])]):
        return "with points that are no whole hundredths"
    if card.total is None:
        return "without a total, but with contributions" if any(parts) else None
    if sum(parts) != card.total:
        return f"whose contributions add up to {sum(parts)} hundredths and not to its total of {card.total}"
    if not 0 <= card.total <= 10_000:
        return f"with a total of {card.total} hundredths; it lies between 0 and 10000"
    both = {component.metric for component in card.components} & set(card.missing)
    return f"that counts {min(both)!r} and calls it missing" if both else None


def _weighting(_: Any, __: Sequence[Any], answer: Any) -> str | None:
    if not isinstance(answer, Weighting):
        return f"returned {_kind_of(answer)} where Weighting belongs"
    for name, card in answer.cards.items():
        if any(not 0 <= weight < math.inf for weight in card.weights.values()):
            return f"gave the scorecard {name!r} a weight that is negative or not finite"
    return None


def _behind(_: Any, __: Sequence[Any], answer: Any) -> str | None:
    return misfit_of_table(answer, BEHIND)


def _find(provider: Any, _: Sequence[Any], answer: Any) -> str | None:
    wrong = _misfit_of_list(answer, Finding, None, "findings", "")
    if wrong:
        return wrong
    codes = frozenset(provider.codes)
    for finding in answer:
        wrong = _misfit_of_finding(finding)
        if wrong:
            return wrong
        if finding.code not in codes:
            return f"raised {finding.code!r}, which is not among its codes ({', '.join(sorted(codes))})"
    seen: set[tuple[str, str, str]] = set()
    for finding in answer:
        key = (finding.code, finding.subject, finding.instance)
        if key in seen:
            return f"raised one instance of {finding.code!r} twice"
        seen.add(key)
    return None


def _misfit_of_finding(finding: Finding) -> str | None:
    if not isinstance(finding.severity, Severity):
        return f"raised {finding.code!r} with severity {finding.severity!r}, which is no Severity"
    if not 0 <= finding.confidence <= 1:
        return f"raised {finding.code!r} with confidence {finding.confidence}; it lies between 0 and 1"
    times = [finding.opened_at] if finding.closed_at is None else [finding.opened_at, finding.closed_at]
    if any(not isinstance(moment, datetime) or moment.tzinfo is None for moment in times):
        return f"raised {finding.code!r} at a time without a zone"
    if times[-1] < times[0]:
        return f"raised {finding.code!r} that closes before it opens"
    return None


def _deliver(_: Any, args: Sequence[Any], answer: Any) -> str | None:
    notices = args[0]
    wrong = _misfit_of_list(answer, Delivery, len(notices), "deliveries", "notices")
    if wrong:
        return wrong
    for row, (notice, delivery) in enumerate(zip(notices, answer, strict=True)):
        if delivery.notice != notice.id:
            return f"answered for another notice in row {row}; deliveries stand in the order of the notices"
        if delivery.status not in _DELIVERED:
            return f"returned the status {delivery.status!r} in row {row}; there are refused, retry, sent"
    return None


def _check(_: Any, args: Sequence[Any], answer: Any) -> str | None:
    submissions = args[0]
    wrong = _misfit_of_list(answer, Ruling, len(submissions), "rulings", "submissions")
    if wrong:
        return wrong
    for row, (submission, ruling) in enumerate(zip(submissions, answer, strict=True)):
        if ruling.submission != submission.id:
            return f"ruled on another submission in row {row}; rulings stand in the order of the submissions"
        if not isinstance(ruling.outcome, Outcome):
            return f"returned the outcome {ruling.outcome!r} in row {row}, which is no Outcome"
        if ruling.outcome is Outcome.CLEARED and ruling.findings:
            return f"cleared row {row} and raised findings on it; a cleared submission has none"
        for finding in ruling.findings:
            wrong = "as no Finding" if not isinstance(finding, Finding) else _misfit_of_finding(finding)
            if wrong:
                return f"{wrong} in row {row}"
    return None


def _misfit_of_list(answer: Any, kind: type, length: int | None, noun: str, given: str) -> str | None:
    if not isinstance(answer, Sequence) or isinstance(answer, (str, bytes)):
        return f"returned {_kind_of(answer)} where a list of {noun} belongs"
    if length is not None and len(answer) != length:
        return f"returned {_count(len(answer), noun)} for {_count(length, given)}"
    for row, item in enumerate(answer):
        if not isinstance(item, kind):
            return f"returned {_kind_of(item)} among its {noun}, in row {row}"
    return None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}"


def _rows(mask: Any) -> str:
    rows = mask.nonzero()[0]
    return f"row {rows[0]}" if len(rows) == 1 else f"{len(rows)} rows, first in row {rows[0]}"


def _kind_of(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


#: (family, role, method) -> its contract. A method that is not here is not checked.
CONTRACTS: Final[Mapping[tuple[str, str, str], Contract]] = {
    ("locators", "decode", "decode"): _decode,
    ("locators", "resolve", "resolve"): _resolve,
    ("locators", "resolve", "judge"): _judge,
    ("connectors", "", "pull"): _pull,
    ("connectors", "", "push"): _push,
    ("connectors", "", "push_notes"): _push,
    ("scorers", "", "score"): _score,
    ("scorers", "compose", "compose"): _compose,
    ("scorers", "compose", "weighting"): _weighting,
    ("scorers", "trace", "behind"): _behind,
    ("alerters", "find", "find"): _find,
    ("alerters", "deliver", "deliver"): _deliver,
    ("checks", "", "check"): _check,
}

#: Methods that a provider may do without; a protocol of their own says what they do.
OPTIONAL: Final = frozenset({("connectors", "", "push_notes")})

#: (family, role) -> what its providers state about themselves; read once, when a provider is made.
STATEMENTS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("scorers", ""): ("metrics",),
    ("scorers", "compose"): ("metrics",),
    ("scorers", "trace"): ("metrics",),
    ("alerters", "find"): ("codes", "cadence", "days"),
    ("checks", ""): ("kinds",),
}

#: (family, role) -> what its providers may state too, and what holds where they do not.
MAY_STATE: Final[Mapping[tuple[str, str], Mapping[str, Any]]] = {
    ("alerters", "find"): {"peers": ""},
    ("connectors", ""): {"source": ""},
}

_SENSIBLE: Final[Mapping[str, Callable[[Any], bool]]] = {
    "metrics": lambda value: isinstance(value, tuple) and all(isinstance(metric, Metric) for metric in value),
    "codes": lambda value: isinstance(value, tuple) and all(isinstance(code, str) and code for code in value),
    "kinds": lambda value: isinstance(value, tuple) and all(isinstance(kind, str) and kind for kind in value),
    "cadence": lambda value: isinstance(value, str) and _CADENCE.fullmatch(value) is not None,
    "days": lambda value: isinstance(value, int) and value >= 1,
    "source": lambda value: isinstance(value, str),
    "peers": lambda value: value in ("", "customer", "device", "picture", "source"),
}

_MEANT: Final[Mapping[str, str]] = {
    "metrics": "it is a tuple of Metric",
    "codes": "it is a tuple of alert codes",
    "kinds": "it is a tuple of kinds of submission",
    "cadence": "it is live, or a local time such as 23:00",
    "days": "it is a whole number from 1",
    "source": "it is the source that its customers bear",
    "peers": "it is customer, device, picture, source, or empty",
}
