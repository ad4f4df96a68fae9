"""Marking: which alerts satisfy which key records, and what that says about each rule (K6, K7)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from fieldhr_sandbox.answers import AnswerKey, KeyRecord

__all__ = [
    "Alert",
    "CodeMarks",
    "Exposure",
    "Marks",
    "Match",
    "Reliability",
    "Verdict",
    "mark",
    "mark_code",
    "match",
    "wilson",
]

#: Codes about the machine itself or about a rule shown for comparison: listed, but no accusation of anybody.
OUTSIDE: Final = ("ops.", "baseline.")
#: Severities that call for somebody's time.
SERIOUS: Final = frozenset({"medium", "high", "critical"})
#: Groups whose false alarms are compared with each other.
COMPARED_GROUPS: Final = (
    ("rural", "urban"),
    ("part time", "full time"),
    ("new", "long-serving"),
    ("under 35", "35 and over"),
)
#: Upper bounds of the bins of a reliability table; where an alert is certain it stands in the last one.
_BINS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_Z: Final = 1.959963984540054


@attrs.frozen(kw_only=True)
class Alert:
    """An alert as the product raised it, in what marking needs."""

    case: str
    code: str
    subject_kind: str
    subject: str
    rep: str | None
    opened_at: datetime
    closed_at: datetime | None
    severity: str
    confidence: float
    values: tuple[Any, ...] = ()


class Verdict:
    """What an alert turned out to be."""

    TRUE: Final = "true positive"
    DUPLICATE: Final = "duplicate"
    FALSE: Final = "false positive"
    OUTSIDE: Final = "outside the key"
    CAMPAIGN: Final = "of a campaign"


@attrs.frozen(kw_only=True)
class Match:
    """The verdicts on all alerts, and the records nobody found."""

    verdicts: tuple[tuple[Alert, str, KeyRecord | None], ...]
    missed: tuple[KeyRecord, ...]
    disturbed: tuple[tuple[KeyRecord, Alert], ...]


@attrs.frozen(kw_only=True)
class Exposure:
    """What the marks rest on: days worked in all, and by group of reps."""

    rep_days: int
    manager_days: int
    group_rep_days: Mapping[str, int]


@attrs.frozen(kw_only=True)
class GroupRatio:
    """How much more often one of two groups is accused wrongly.

    Attributes:
        groups: the two names.
        ratio: of the higher rate to the lower; ``None`` where one of them has no false alarm at all.
        at_least: the lower end of the ratio's 95 % interval; 1 where nothing can be said.
    """

    groups: tuple[str, str]
    ratio: float | None
    at_least: float


@attrs.frozen(kw_only=True)
class Reliability:
    """How often alerts were right that said so with about the same confidence.

    Attributes:
        above, up_to: the confidences meant.
        said: their mean.
        right, right_low, right_high: share of them that were right, with its 95 % interval.
    """

    above: float
    up_to: float
    count: int
    said: float
    right: float
    right_low: float
    right_high: float


@attrs.frozen(kw_only=True)
class CodeMarks:
    """The marks of one code; ``None`` where nothing was there to measure.

    Attributes:
        brier: mean squared difference between an alert's confidence and whether it was right; only of codes that ever
            say less than certain.
        alerts_per_rep_week, alerts_per_manager_day: how many of them anybody has to read, true or not.
    """

    code: str
    tp: int
    fp: int
    fn: int
    duplicates: int
    precision: float | None
    precision_low: float
    precision_high: float
    recall: float | None
    recall_low: float
    recall_high: float
    delay_median_s: float | None
    delay_p95_s: float | None
    evidence_complete: float | None
    brier: float | None = None
    alerts_per_rep_week: float | None = None
    alerts_per_manager_day: float | None = None


@attrs.frozen(kw_only=True)
class Marks:
    """The marks of a whole trial.

    Attributes:
        reliability: of all alerts of codes that ever say less than certain, by what they said.
    """

    codes: tuple[CodeMarks, ...]
    total: CodeMarks
    alerts_per_rep_week: float
    alerts_per_manager_day: float
    serious_per_rep_week: float
    serious_per_manager_day: float
    false_per_100_rep_days: Mapping[str, float]
    group_ratios: tuple[GroupRatio, ...]
    outside: Mapping[str, int]
    silences: int
    silences_kept: int
    reliability: tuple[Reliability, ...] = ()


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share; (0, 1) where nothing was tried."""
    if trials == 0:
        return 0.0, 1.0
    share = hits / trials
    width = _Z * math.sqrt(share * (1 - share) / trials + _Z * _Z / (4 * trials * trials))
    centre = share + _Z * _Z / (2 * trials)
    scale = 1 + _Z * _Z / trials
    return max(0.0, (centre - width) / scale), min(1.0, (centre + width) / scale)


def match(key: AnswerKey, alerts: Iterable[Alert]) -> Match:
    """Match alerts to records, one to one, on code, subject and time.

    Alerts are taken in the order they were opened and each takes the open record that closes first, which finds as many
    pairs as any other order. A further alert of a record that is already taken, opened while it lasts, is a duplicate.
    """
    open_records: dict[tuple[str, str], list[KeyRecord]] = {}
    for record in key.alerts:
        open_records.setdefault((record.code, record.subject), []).append(record)
    taken: dict[tuple[str, str], list[KeyRecord]] = {}
    campaigns = {record.rep: record for record in (*key.chances, *key.campaigns)}
    verdicts: list[tuple[Alert, str, KeyRecord | None]] = []
    for alert in sorted(alerts, key=lambda each: (each.opened_at, each.code, each.subject, each.case)):
        about = (alert.code, alert.subject)
        fitting = [record for record in open_records.get(about, ()) if _in_time(record, alert.opened_at)]
        if fitting:
            best = min(fitting, key=lambda record: (record.detect_by or record.end, record.instance))
            open_records[about].remove(best)
            taken.setdefault(about, []).append(best)
            verdicts.append((alert, Verdict.TRUE, best))
        elif same := next((record for record in taken.get(about, ()) if _while(record, alert.opened_at)), None):
            verdicts.append((alert, Verdict.DUPLICATE, same))
        elif (campaign := campaigns.get(alert.rep or alert.subject)) is not None and _belongs(campaign, alert):
            verdicts.append((alert, Verdict.CAMPAIGN, campaign))
        elif alert.code.startswith(OUTSIDE):
            verdicts.append((alert, Verdict.OUTSIDE, None))
        else:
            verdicts.append((alert, Verdict.FALSE, None))
    missed = tuple(record for records in open_records.values() for record in records)
    return Match(
        verdicts=tuple(verdicts),
        missed=tuple(sorted(missed, key=lambda record: (record.scenario, record.instance))),
        disturbed=_disturbed(key, verdicts),
    )


def mark(key: AnswerKey, matched: Match, exposure: Exposure, groups: Mapping[str, Sequence[str]]) -> Marks:
    """Return the marks.

    Args:
        key: the answer key.
        matched: what :func:`match` found.
        exposure: rep-days and manager-days worked.
        groups: rep -> the groups they belong to, whose false-positive rates are compared.
    """
    alerts = [alert for alert, verdict, _ in matched.verdicts if verdict != Verdict.OUTSIDE]
    judged = {
        alert.code for alert, verdict, _ in matched.verdicts if verdict not in (Verdict.OUTSIDE, Verdict.CAMPAIGN)
    }
    codes = sorted({record.code for record in key.alerts} | judged)
    outside: dict[str, int] = {}
    for alert, verdict, _ in matched.verdicts:
        if verdict == Verdict.OUTSIDE:
            outside[alert.code] = outside.get(alert.code, 0) + 1
    wrong = _wrong_by_group(matched, exposure, groups)
    serious = sum(alert.severity in SERIOUS for alert in alerts)
    weeks = exposure.rep_days / 5
    return Marks(
        codes=tuple(_with_load(mark_code(code, matched), exposure) for code in codes),
        total=_with_load(mark_code("", matched), exposure),
        alerts_per_rep_week=round(len(alerts) / weeks, 4) if weeks else 0.0,
        alerts_per_manager_day=round(len(alerts) / exposure.manager_days, 4) if exposure.manager_days else 0.0,
        serious_per_rep_week=round(serious / weeks, 4) if weeks else 0.0,
        serious_per_manager_day=round(serious / exposure.manager_days, 4) if exposure.manager_days else 0.0,
        false_per_100_rep_days={
            group: round(100 * wrong[group] / days, 4) if days else 0.0
            for group, days in sorted(exposure.group_rep_days.items())
        },
        group_ratios=tuple(
            _ratio(pair, wrong, exposure.group_rep_days)
            for pair in COMPARED_GROUPS
            if all(exposure.group_rep_days.get(group) for group in pair)
        ),
        outside=outside,
        silences=len(key.silences),
        silences_kept=len(key.silences) - len({record.instance for record, _ in matched.disturbed}),
        reliability=_reliability(_said(matched)),
    )


def _with_load(marks: CodeMarks, exposure: Exposure) -> CodeMarks:
    alerts, weeks = marks.tp + marks.fp + marks.duplicates, exposure.rep_days / 5
    return attrs.evolve(
        marks,
        alerts_per_rep_week=round(alerts / weeks, 4) if weeks else None,
        alerts_per_manager_day=round(alerts / exposure.manager_days, 4) if exposure.manager_days else None,
    )


def _said(matched: Match, code: str = "") -> list[tuple[float, bool]]:
    """Return (confidence, whether it was right) of the judged alerts of codes that ever say less than certain."""
    judged = [
        (alert.code, alert.confidence, verdict == Verdict.TRUE)
        for alert, verdict, _ in matched.verdicts
        if verdict in (Verdict.TRUE, Verdict.FALSE)
    ]
    unsure = {name for name, confidence, _ in judged if confidence < 1.0}
    return [(said, right) for name, said, right in judged if name in unsure and code in ("", name)]


def _brier(said: Sequence[tuple[float, bool]]) -> float | None:
    return round(sum((confidence - right) ** 2 for confidence, right in said) / len(said), 4) if said else None


def _reliability(said: Sequence[tuple[float, bool]]) -> tuple[Reliability, ...]:
    rows = []
    for above, up_to in zip((0.0, *_BINS), _BINS, strict=False):
        here = [(confidence, right) for confidence, right in said if above < max(confidence, 1e-9) <= up_to]
        if here:
            hits = sum(right for _, right in here)
            low, high = wilson(hits, len(here))
            rows.append(
                Reliability(
                    above=above,
                    up_to=up_to,
                    count=len(here),
                    said=round(sum(confidence for confidence, _ in here) / len(here), 4),
                    right=round(hits / len(here), 4),
                    right_low=round(low, 4),
                    right_high=round(high, 4),
                )
            )
    return tuple(rows)


def _in_time(record: KeyRecord, at: datetime) -> bool:
    return record.earliest is not None and record.detect_by is not None and record.earliest <= at <= record.detect_by


def _belongs(campaign: KeyRecord, alert: Alert) -> bool:
    return alert.code in campaign.any_of and alert.opened_at >= campaign.start


def _while(record: KeyRecord, at: datetime) -> bool:
    assert record.earliest is not None
    assert record.detect_by is not None
    return min(record.start, record.earliest) <= at <= max(record.end, record.detect_by)


def _disturbed(
    key: AnswerKey, verdicts: Sequence[tuple[Alert, str, KeyRecord | None]]
) -> tuple[tuple[KeyRecord, Alert], ...]:
    wrong = [alert for alert, verdict, _ in verdicts if verdict == Verdict.FALSE]
    return tuple(
        (record, alert)
        for record in key.silences
        for alert in wrong
        if alert.code in record.must_not
        and (alert.subject == record.subject or (alert.rep is not None and alert.rep == record.rep))
        and record.start <= alert.opened_at <= record.end
    )


def mark_code(code: str, matched: Match) -> CodeMarks:
    """Return the marks of one code, of all codes for ``""``."""
    rows = [row for row in matched.verdicts if code in ("", row[0].code)]
    true = [(alert, record) for alert, verdict, record in rows if verdict == Verdict.TRUE and record is not None]
    fp = sum(verdict == Verdict.FALSE for _, verdict, _ in rows)
    fn = sum(code in ("", record.code) for record in matched.missed)
    tp = len(true)
    delays = sorted((alert.opened_at - record.earliest).total_seconds() for alert, record in true if record.earliest)
    precision_low, precision_high = wilson(tp, tp + fp)
    recall_low, recall_high = wilson(tp, tp + fn)
    evidence = [_shows(alert, record) for alert, record in true if record.evidence]
    return CodeMarks(
        code=code,
        tp=tp,
        fp=fp,
        fn=fn,
        duplicates=sum(verdict == Verdict.DUPLICATE for _, verdict, _ in rows),
        precision=round(tp / (tp + fp), 4) if tp + fp else None,
        precision_low=round(precision_low, 4),
        precision_high=round(precision_high, 4),
        recall=round(tp / (tp + fn), 4) if tp + fn else None,
        recall_low=round(recall_low, 4),
        recall_high=round(recall_high, 4),
        delay_median_s=_quantile(delays, 0.5),
        delay_p95_s=_quantile(delays, 0.95),
        evidence_complete=round(sum(evidence) / len(evidence), 4) if evidence else None,
        brier=_brier(_said(matched, code)),
    )


def _shows(alert: Alert, record: KeyRecord) -> bool:
    return all(value in alert.values for value in record.evidence.values())


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least *share* of the values do not exceed."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _wrong_by_group(matched: Match, exposure: Exposure, groups: Mapping[str, Sequence[str]]) -> dict[str, int]:
    counts = dict.fromkeys(exposure.group_rep_days, 0)
    for alert, verdict, _ in matched.verdicts:
        for group in groups.get(alert.rep or "", ()):
            if verdict == Verdict.FALSE and group in counts:
                counts[group] += 1
    return counts


def _ratio(pair: tuple[str, str], wrong: Mapping[str, int], days: Mapping[str, int]) -> GroupRatio:
    """Compare two rates; the interval is that of a ratio of two Poisson rates, on the logarithm."""
    if not all(wrong[group] for group in pair):
        return GroupRatio(groups=pair, ratio=None, at_least=1.0)
    low, high = sorted(wrong[group] / days[group] for group in pair)
    spread = _Z * math.sqrt(sum(1 / wrong[group] for group in pair))
    ratio = high / low
    return GroupRatio(groups=pair, ratio=round(ratio, 3), at_least=round(max(1.0, ratio * math.exp(-spread)), 3))
