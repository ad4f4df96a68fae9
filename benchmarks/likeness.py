"""Trains the model that asks for a look at promises without a listed phrase: ``python benchmarks/likeness.py``.

A logistic regression over runs of one to three characters, on the ``train`` half of ``tests/data/conduct``; it writes
``tables/likeness.json``. No random number is drawn, so the same messages give the same table.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np

from fieldhr_plugins.conduct.lexicon import load
from fieldhr_plugins.conduct.likeness import runs
from fieldhr_plugins.conduct.matcher import Matcher
from fieldhr_plugins.conduct.normal import Normaliser

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "plugins/fieldhr_plugins/conduct/tables/likeness.json"
WANTED = {"plain": 1, "paraphrase": 1, "hard_negative": 0, "benign": 0}
#: Runs in fewer messages than this say nothing; of the others so many are kept, the heaviest.
FEWEST = 3
KEPT = 2_500
PENALTY = 0.6
STEPS = 400
FOLDS = 5
#: Share of innocent messages, taken by turns out of the training, that may be asked about.
ASKED_AT_MOST = 0.025


def messages() -> list[tuple[str, int, bool]]:
    """Return (normal form, 1 where it promises, whether it has no telling word) of the training half in Chinese."""
    plain = Normaliser()
    normalise = plain.knowing(Matcher(load(), plain).vocabulary)
    found = []
    for path in sorted((ROOT / "tests/data/conduct").glob("*.txt")):
        kind = language = ""
        speaker = "rep"
        for line in path.read_text("utf-8").split("\n"):
            if line.startswith("# "):
                kind, language, *rest = line[2:].split()
                speaker = "customer" if "speaker=customer" in rest else "rep"
            elif line.strip() and kind in WANTED and language in ("zh", "zh-Hant") and speaker == "rep":
                digest = hashlib.sha256("\n".join(line.split(" ‖ ")).encode("utf-8", "surrogatepass")).digest()
                if digest[0] % 2 == 0:
                    found.append((normalise(line).text, WANTED[kind], kind == "paraphrase"))
    return found


def train(texts: list[str], wanted: np.ndarray, weigh: np.ndarray) -> tuple[dict[str, float], float]:
    """Return weights of runs and the bias."""
    counts: dict[str, int] = {}
    for text in texts:
        for run in runs(text):
            counts[run] = counts.get(run, 0) + 1
    names = sorted(run for run, count in counts.items() if count >= FEWEST)
    place = {run: number for number, run in enumerate(names)}
    table = np.zeros((len(texts), len(names)))
    for row, text in enumerate(texts):
        own = runs(text)
        for run in own:
            if run in place:
                table[row, place[run]] = 1 / math.sqrt(len(own))
    weights, bias = np.zeros(len(names)), 0.0
    moment, second = np.zeros(len(names) + 1), np.zeros(len(names) + 1)
    for step in range(1, STEPS + 1):
        off = (1 / (1 + np.exp(-(table @ weights + bias))) - wanted) * weigh
        slope = np.append(table.T @ off + PENALTY * weights / 10, off.sum())
        moment = 0.9 * moment + 0.1 * slope
        second = 0.999 * second + 0.001 * slope**2
        change = 0.1 * (moment / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        weights, bias = weights - change[:-1], bias - float(change[-1])
    order = np.argsort(-np.abs(weights), kind="stable")[:KEPT]
    return {names[number]: round(float(weights[number]), 3) for number in sorted(order)}, round(bias, 3)


def likeness(text: str, weights: dict[str, float], bias: float) -> float:
    """Return the likeness of a normal form, 0-1."""
    own = runs(text)
    return 1 / (1 + math.exp(-(sum(weights.get(run, 0.0) for run in own) / math.sqrt(len(own)) + bias)))


def main() -> None:
    """Choose the threshold on messages kept out by turns, train on all, and write the table."""
    told = messages()
    texts = [text for text, _, _ in told]
    wanted = np.array([label for _, label, _ in told], dtype=float)
    hidden = np.array([is_hidden for _, _, is_hidden in told])
    weigh = np.where(hidden, 2.0, 1.0)
    apart = np.zeros(len(told))
    for fold in range(FOLDS):
        out = np.array([int(hashlib.sha256(text.encode()).hexdigest(), 16) % FOLDS == fold for text in texts])
        weights, bias = train(
            [text for text, gone in zip(texts, out, strict=True) if not gone], wanted[~out], weigh[~out]
        )
        for number in np.flatnonzero(out):
            apart[number] = likeness(texts[number], weights, bias)
    innocent = np.sort(apart[wanted == 0])
    threshold = round(float(innocent[int((1 - ASKED_AT_MOST) * len(innocent))]), 3)
    found = float((apart[hidden] >= threshold).mean())
    weights, bias = train(texts, wanted, weigh)
    source = "logistic regression on the train half of tests/data/conduct, Chinese, without the evasions"
    table = {"source": source, "bias": bias, "threshold": threshold, "weights": weights}
    TABLE.write_text(json.dumps(table, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n", "utf-8")
    asked = f"{ASKED_AT_MOST:.0%} of innocent ones"
    print(f"{len(told)} messages; kept out by turns, {found:.2f} of hidden promises at {asked}; threshold {threshold}")


if __name__ == "__main__":
    main()
