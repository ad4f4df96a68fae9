"""``conduct.new_phrase``: words that a branch has begun to use, beside its own past and the other branches.

No list of words is asked. What customers were told is cut into runs of characters (of words, in languages that write
spaces), and a run is counted once a rep and day, so that one rep who repeats a greeting makes no wave. A run is new
where it stands on far more rep-days of the last days of one branch than its earlier days and the other branches let
expect: the hypergeometric tail over all those rep-days, times the number of runs looked at, must be very small.

What holds one wave together - "the gold cover", "gold cover, sir" - is told as one phrase: the longest that stands on
in nearly as many messages as any of them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time
from typing import Any, Final

import attrs

from fieldhr_core.hooks import Tables
from fieldhr_core.hooks.dates import Remembered, by_date
from fieldhr_core.model import MESSAGES, PEOPLE, Audience, Evidence, Finding, Severity, Table
from fieldhr_plugins.conduct.normal import Normaliser
from fieldhr_plugins.conduct.own import phrases_at
from fieldhr_plugins.conduct.settings import ConductSettings

__all__ = ["CODE", "PhraseWaves"]

CODE: Final = "conduct.new_phrase"
_VERSION: Final = "1"
_JUDGED_AT: Final = "23:00"
#: Dates with messages: the last ones, and those before them that they are held against.
_NOW: Final = 5
_BEFORE: Final = 20
#: Evenings on which the same wave may have been told already.
_TOLD: Final = 10
#: Local days in which so many dates with messages lie, holidays included.
_DAYS: Final = 56
_LONGEST: Final = 10
#: Of runs that overlap, the longest that stands in at least this share of the messages of the most frequent one.
_NEARLY: Final = 0.85
#: A run without any of these says nothing by itself: letters of the product's name may differ each time.
_TOKEN: Final = re.compile(r"[㐀-鿿ぁ-ヺー가-힣ก-๛]|[^\W_㐀-鿿ぁ-ヺー가-힣ก-๛]+")
_DENSE: Final = re.compile(r"[㐀-鿿ぁ-ヺー가-힣ก-๛]")


@attrs.frozen(eq=False)
class _Said:
    """What one rep said to customers on one date: clauses in normal form, each on its line, and the messages."""

    text: str
    messages: tuple[tuple[str, str], ...]


@attrs.frozen(eq=False)
class _Date:
    """One date: what was said, by branch and rep, and the runs that several reps of a branch used."""

    said: Mapping[str, Mapping[str, _Said]]
    shared: Mapping[str, Mapping[str, int]]


@attrs.frozen(kw_only=True)
class _Wave:
    """A phrase with everything that stands for the same wave, and on how many rep-days it was used."""

    branch: str
    phrase: str
    runs: frozenset[str]
    chance: float
    now: tuple[int, int]
    before: tuple[int, int]
    elsewhere: tuple[int, int]


class PhraseWaves:
    """Looks every evening at what the branches have begun to say."""

    codes: tuple[str, ...] = (CODE,)
    cadence = _JUDGED_AT
    days = _DAYS

    def __init__(self, settings: ConductSettings) -> None:
        self._settings = settings
        self._normalise = Normaliser()
        self._dates: Remembered[_Date] = Remembered(self._date)
        self._waves: dict[tuple[str, str], tuple[tuple[_Date, ...], list[_Wave]]] = {}

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return the waves that can be seen this evening for the first time."""
        people = tables[PEOPLE]
        branch_of = tuple(
            sorted(
                (rep, branch) for rep, branch in zip(people["rep"].tolist(), people["branch"], strict=True) if branch
            )
        )
        made = self._dates.of(tables, by_date(tables, MESSAGES), also=(branch_of,))
        dates = [day for day, date in made.items() if date.said]
        last = tables.period.last.isoformat()
        if not dates or dates[-1] != last:
            return []
        told: set[tuple[str, str]] = set()
        for end in range(max(0, len(dates) - 1 - _TOLD), len(dates) - 1):
            for wave in self._waves_on(tables.tenant, dates[: end + 1], made):
                told |= {(wave.branch, run) for run in wave.runs}
        known = [phrase.phrase for phrase in phrases_at(self._settings.phrases, tables.as_of)]
        listed = [self._canonical(phrase) for phrase in known]
        new = [
            wave
            for wave in self._waves_on(tables.tenant, dates, made)
            if not any((wave.branch, run) in told for run in wave.runs)
            and not any(phrase in wave.phrase or wave.phrase in phrase for phrase in listed)
        ]
        return [self._finding(tables, wave, dates, made) for wave in new]

    def _date(self, _day: str, messages: Table, branch_of: tuple[tuple[str, str], ...]) -> _Date:
        branches = dict(branch_of)
        internal = set(self._settings.internal_channels)
        by_rep: dict[str, list[tuple[str, str]]] = {}
        columns = (messages[name] for name in ("message", "rep", "customer", "speaker", "channel", "text"))
        for ident, rep, customer, speaker, channel, text in zip(*columns, strict=True):
            if rep in branches and customer and speaker != "customer" and channel not in internal:
                by_rep.setdefault(rep, []).append((ident, self._canonical(text)))
        said: dict[str, dict[str, _Said]] = {}
        for rep, lines in by_rep.items():
            text = "\n".join(line for _, line in lines)
            said.setdefault(branches[rep], {})[rep] = _Said(text, tuple(lines))
        shared = {}
        for branch, reps in said.items():
            counts: Counter[str] = Counter()
            for one in reps.values():
                counts.update(set(_runs(one.text)))
            shared[branch] = {run: count for run, count in counts.items() if count >= 2}
        return _Date(said, shared)

    def _canonical(self, text: str) -> str:
        """Return the normal form, clause by clause: tokens put together, a space between words of letters."""
        clauses = re.split(r"[^\w\s]+|\n", self._normalise(text).text)
        return "\n".join(_together(_TOKEN.findall(clause)) for clause in clauses if clause.strip())

    def _waves_on(self, tenant: str, dates: Sequence[str], made: Mapping[str, _Date]) -> list[_Wave]:
        """Return the waves as they stand on the last of *dates*; remembered as long as those dates stand."""
        # A young tenant has few dates: at least two of them are kept to hold the others against.
        size = min(_NOW, len(dates) - 2)
        if size < 1:
            return []
        looked_at = tuple(made[day] for day in dates[-size - _BEFORE :])
        known = self._waves.get((tenant, dates[-1]))
        if known is not None and len(known[0]) == len(looked_at) and all(map(_is, known[0], looked_at)):
            return known[1]
        now, before = looked_at[-size:], looked_at[:-size]
        found: list[_Wave] = []
        for branch in sorted({name for date in now for name in date.said}):
            found += self._in_branch(branch, now, before)
        self._waves.pop((tenant, dates[-1]), None)
        self._waves[tenant, dates[-1]] = (looked_at, found)
        for old in list(self._waves)[: max(0, len(self._waves) - 8 * _TOLD)]:
            del self._waves[old]
        return found

    def _in_branch(self, branch: str, now: Sequence[_Date], before: Sequence[_Date]) -> list[_Wave]:
        settings = self._settings
        rough: Counter[str] = Counter()
        for date in now:
            rough.update(date.shared.get(branch, {}))
        usual: Counter[str] = Counter()
        for date in before:
            usual.update(date.shared.get(branch, {}))
        mine = [said for date in now for said in date.said.get(branch, {}).items()]
        rep_days, reps = len(mine), len({rep for rep, _ in mine})
        past = [said.text for date in before for said in date.said.get(branch, {}).values()]
        others = [said.text for date in now for name, by in date.said.items() if name != branch for said in by.values()]
        if not past or reps < 2:
            return []
        # What the branch said as often before needs no closer look.
        candidates = [
            run
            for run, count in rough.items()
            if count * 2 >= settings.new_phrase_rep_days and usual[run] * rep_days <= count * len(past) / _RATIO
        ]
        texts = [said.text for _, said in mine]
        found: dict[str, _Wave] = {}
        for run in candidates:
            k = sum(run in text for text in texts)
            if k < settings.new_phrase_rep_days:
                continue
            users = Counter(rep for rep, said in mine if run in said.text)
            if len(users) < min(settings.new_phrase_reps, reps) or max(users.values()) > 0.7 * k:
                continue
            k_past, k_others = sum(run in text for text in past), sum(run in text for text in others)
            if not _stands_out(k, rep_days, k_past, len(past)):
                continue
            if others and not _stands_out(k, rep_days, k_others, len(others)):
                continue
            reference = len(past) + len(others)
            chance = _tail(k, rep_days, k_past + k_others, reference) * max(1, len(rough))
            if chance <= _CHANCE:
                found[run] = _Wave(
                    branch=branch,
                    phrase=run,
                    runs=frozenset({run}),
                    chance=chance,
                    now=(k, rep_days),
                    before=(k_past, len(past)),
                    elsewhere=(k_others, len(others)),
                )
        return list(_united(found, [line for _, said in mine for _, line in said.messages]))[
            : settings.new_phrases_at_most
        ]

    def _finding(self, tables: Tables, wave: _Wave, dates: Sequence[str], made: Mapping[str, _Date]) -> Finding:
        size = min(_NOW, len(dates) - 2)
        uses = [
            (day, rep, ident)
            for day in dates[-size:]
            for rep, said in sorted(made[day].said.get(wave.branch, {}).items())
            for ident, text in said.messages
            if wave.phrase in text
        ]
        zone = tables.as_of.tzinfo
        evening = datetime.combine(tables.period.last, time.fromisoformat(_JUDGED_AT), zone)
        at = min(evening, tables.as_of)
        facts: dict[str, Any] = {
            "uses": len(uses),
            "reps": len({rep for _, rep, _ in uses}),
            "first": uses[0][0],
            "rep_days": wave.now[0],
            "rep_days_of": wave.now[1],
            "before": wave.before[0],
            "before_of": wave.before[1],
            "elsewhere": wave.elsewhere[0],
            "elsewhere_of": wave.elsewhere[1],
            "chance": float(f"{wave.chance:.1e}"),
        }
        return Finding(
            code=CODE,
            subject_kind="branch",
            subject=wave.branch,
            rep=None,
            instance=f"{tables.period.last.isoformat()}/{wave.phrase}",
            opened_at=at,
            closed_at=at,
            severity=Severity.LOW,
            confidence=0.8,
            rule=CODE,
            version=_VERSION,
            thresholds={
                "rep_days": self._settings.new_phrase_rep_days,
                "reps": self._settings.new_phrase_reps,
                "ratio": _RATIO,
                "chance": _CHANCE,
            },
            evidence=(Evidence(kind="message", ids=tuple(ident for _, _, ident in uses[:_SHOWN]), facts=facts),),
            explanation=CODE,
            params={"phrase": wave.phrase, "branch": wave.branch, "days": size, **facts},
            advice=f"{CODE}.advice",
            readings=(f"{CODE}.promise", f"{CODE}.harmless"),
            audience=(Audience.COMPLIANCE,),
            proposes={"setting": "phrases", "add": {"phrase": wave.phrase}},
        )


#: How many times as frequent as before and elsewhere, and how improbable by chance (all runs looked at together).
_RATIO: Final = 5.0
_CHANCE: Final = 1e-3
#: Messages that are named as evidence.
_SHOWN: Final = 60


def _is(one: object, other: object) -> bool:
    return one is other


def _together(tokens: Sequence[str]) -> str:
    text = ""
    for token in tokens:
        if text and not (_DENSE.match(token) or _DENSE.match(text[-1])):
            text += " "
        text += token
    return text


def _runs(text: str) -> Iterator[str]:
    """Yield runs of two to ten characters, and of one to five words of letters, within a clause."""
    for clause in text.split("\n"):
        tokens = _TOKEN.findall(clause)
        places = [found.span() for found in _TOKEN.finditer(clause)]
        for first in range(len(tokens)):
            letters = 0
            for last in range(first, min(len(tokens), first + _LONGEST)):
                letters += not _DENSE.match(tokens[last])
                if letters > 5:
                    break
                run = clause[places[first][0] : places[last][1]]
                if len(run) >= 2 and not (first == last and len(run) < 4):
                    yield run


def _stands_out(k: int, of: int, k_other: int, of_other: int) -> bool:
    """Tell whether a rate is several times another one, and not by chance alone."""
    return k / of >= _RATIO * (k_other + 0.5) / (of_other + 1) and _tail(k, of, k_other, of_other) <= 0.01


def _tail(k: int, of: int, k_other: int, of_other: int) -> float:
    """Return how probable it is that *k* or more of the hits fall among *of* rep-days out of all, by chance."""
    hits, total = k + k_other, of + of_other
    everything = _choose(total, hits)
    terms = [_choose(of, x) + _choose(of_other, hits - x) - everything for x in range(k, min(of, hits) + 1)]
    return min(1.0, sum(math.exp(term) for term in terms))


def _choose(n: int, k: int) -> float:
    if not 0 <= k <= n:
        return -math.inf
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _united(found: Mapping[str, _Wave], lines: Sequence[str]) -> Iterable[_Wave]:
    """Put runs that stand for one wave together, the most frequent first; *lines* are messages."""
    where = {run: {n for n, line in enumerate(lines) if run in line} for run in found}
    left = dict(found)
    while left:
        most = max(left, key=lambda run: (len(where[run]), len(run), run))
        # What stands with it nearly always is what it is said with, and no news of its own.
        mine = {run for run in left if len(where[run] & where[most]) >= 0.8 * len(where[run])}
        longest = max(
            (run for run in mine if most in run and len(where[run]) >= _NEARLY * len(where[most])),
            key=lambda run: (len(run), run),
        )
        yield attrs.evolve(found[longest], runs=frozenset(mine))
        for run in mine:
            del left[run]
