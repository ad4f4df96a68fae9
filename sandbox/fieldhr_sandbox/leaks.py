"""Can planted records be told from ordinary ones without looking at what happened in them? They must not (K8).

A logistic regression gets nothing but the outside of a record - its id, the places of its digits, its position in the
order in which it is handed in - and is judged on records it has not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from fieldhr_core.model import CheckIn, Message
from fieldhr_sandbox.tenant import Tenant

__all__ = ["area_under_curve", "check_in_features", "judged_auc", "message_features", "pooled"]

Floats = npt.NDArray[np.float64]


def message_features(tenant: Tenant, product: str) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return (features, planted) of what reps say about *product*; other products have other rules."""
    planted = {record.subject for record in tenant.key.records if record.subject_kind == "message"}
    rows, labels = [], []
    for script in tenant.scripts.values():
        for index, message in enumerate(script.messages):
            if message.speaker == "rep" and message.product == product:
                thread = [each for each in script.messages if each.thread == message.thread]
                rows.append([*_outside(message.id, index, len(script.messages)), *_of_message(message, thread)])
                labels.append(message.id in planted)
    return np.asarray(rows), np.asarray(labels)


def check_in_features(tenant: Tenant) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return (features, planted) of all check-ins; planted ones are those sent at the instant a record names."""
    planted = {(record.rep, record.start) for record in tenant.key.alerts if record.code == "checkin.mismatch"}
    rows, labels = [], []
    for script in tenant.scripts.values():
        for index, check_in in enumerate(script.check_ins):
            rows.append([*_outside(check_in.id, index, len(script.check_ins)), *_of_check_in(check_in)])
            labels.append((check_in.rep, check_in.time) in planted)
    return np.asarray(rows), np.asarray(labels)


def area_under_curve(scores: Floats, planted: npt.NDArray[np.bool_]) -> float:
    """Return the probability that a planted record scores above an ordinary one; ties count half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in np.unique(scores):
        same = scores == value
        ranks[same] = ranks[same].mean()
    hits = int(planted.sum())
    return float((ranks[planted].sum() - hits * (hits + 1) / 2) / (hits * (len(scores) - hits)))


def judged_auc(features: Floats, planted: npt.NDArray[np.bool_], folds: int = 5) -> float:
    """Return the area under the curve of a logistic regression on records it was not trained on."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    scaled = np.column_stack([np.ones(len(scaled)), scaled])
    scores = np.empty(len(scaled))
    turn = np.arange(len(scaled)) % folds
    for fold in range(folds):
        train = turn != fold
        scores[~train] = scaled[~train] @ _fit(scaled[train], planted[train].astype("f8"))
    return area_under_curve(scores, planted)


def _fit(rows: Floats, labels: Floats) -> Floats:
    """Fit a ridge logistic regression by Newton's method."""
    weights = np.zeros(rows.shape[1])
    for _ in range(12):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (labels - chance) - weights
        curve = (rows * (chance * (1 - chance))[:, None]).T @ rows + np.eye(rows.shape[1])
        weights = weights + np.linalg.solve(curve, slope)
    return weights


def _outside(ident: str, index: int, count: int) -> list[float]:
    """Return what an id and a position say."""
    digits = ident.split("-", 1)[1]
    return [float(len(ident)), int(digits[:6], 16) / 16**6, int(digits[-4:], 16) / 16**4, index / max(1, count), count]


def _of_message(message: Message, thread: Sequence[Message]) -> list[float]:
    at = message.time
    return [
        at.second,
        at.second % 5,
        at.microsecond,
        thread.index(message) / len(thread),
        len(thread),
        float(message.offset_s is None) + 2 * float(message.confidence is None) + 4 * float(bool(message.language)),
        float(message.customer is None),
    ]


def _of_check_in(check_in: CheckIn) -> list[float]:
    at = check_in.time
    return [
        at.second,
        at.second % 5,
        at.microsecond,
        _decimals(check_in.lat),
        _decimals(check_in.lon),
        _decimals(check_in.accuracy_m or 0.0),
        check_in.accuracy_m or 0.0,
        float(check_in.mock is None) + 2 * float(check_in.offline) + 4 * float(bool(check_in.device)),
    ]


def _decimals(value: float) -> float:
    return float(len(repr(value).partition(".")[2]))


def pooled(parts: Iterable[tuple[Floats, npt.NDArray[np.bool_]]]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Put the records of several tenants together."""
    features, labels = zip(*parts, strict=True)
    return np.concatenate(features), np.concatenate(labels)
