"""The index of lists: which entries could be this customer, and whether they are.

Names are found by keys (:mod:`~fieldhr_plugins.screening.keys`): the rarest keys of the question first, until enough
entries were touched; the few that share most are compared in full. Numbers are looked up directly.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

import attrs

from fieldhr_plugins.screening.keys import Keys
from fieldhr_plugins.screening.lists import EITHER, OTHER, Entry, WatchList
from fieldhr_plugins.screening.matching import ORGANIZATION, PERSON, Matcher, Name
from fieldhr_plugins.screening.weighing import Found, Subject, known_numbers, weigh

__all__ = ["Index", "Listed"]

#: How many postings a question may touch, and how many names are then compared in full.
_POSTINGS: Final = 1_800
_COMPARED: Final = 10
#: A key of fewer names counts more than once.
_RARE: Final = 250
#: Of how many names the letters are looked at, to choose the last of these.
_LOOKED_AT: Final = 35
#: What share of the best candidate's votes another one needs.
_SHARE: Final = 0.3
_READ_AT_ONCE: Final = 50_000


@attrs.frozen(eq=False, kw_only=True)
class Listed:
    """An entry and the version of the list it stands on."""

    entry: Entry
    list: WatchList


class Index:
    """Entries of several lists, ready to be searched.

    Args:
        lists: versions of lists; the same list is given once.
        matcher: compares names; shared by indexes of one tenant.
    """

    def __init__(self, lists: Iterable[WatchList], matcher: Matcher | None = None) -> None:
        self.matcher = matcher or Matcher()
        self.lists = tuple(lists)
        self._keys = Keys(self.matcher)
        self._listed = [Listed(entry=entry, list=one) for one in self.lists for entry in one.entries]
        #: For each different name of a schema: the name, who bears it, and the name taken apart once it was compared.
        self._names: list[str] = []
        self._bearers: list[list[int]] = []
        self._places: dict[str, int] = {}
        self._read: dict[int, Name] = {}
        self._postings: dict[str, array[int]] = {}
        self._by_number: dict[str, list[int]] = {}
        for number, listed in enumerate(self._listed):
            self._add(number, listed.entry)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._listed)

    @property
    def versions(self) -> Mapping[str, str]:
        """Name of each list -> digest of the version at hand."""
        return {one.name: one.digest for one in self.lists}

    def search(self, subject: Subject) -> list[Found]:
        """Return entries that are or may be the subject, the surest first.

        Entries that the name alone would have brought, but a number or a birth date rules out, come too, with level
        ``none`` and the ground.
        """
        if not self._listed:
            return []  # reading a name costs more than everything else that is done with a customer
        candidates: dict[int, tuple[float, str, tuple[str, ...]]] = {}
        by_number: dict[int, str] = {}
        for mine in subject.numbers:
            for number in self._by_number.get(mine, ()):
                by_number[number] = mine
        for place, score, grounds in self._alike(subject):
            name = self._names[place]
            for number in self._bearers[place]:
                weak = name in self._listed[number].entry.weak
                mine_score = score * _WEAK if weak else score
                if mine_score > candidates.get(number, _NOTHING)[0]:
                    reasons = (*grounds, "the list calls this alias weak") if weak else grounds
                    candidates[number] = (mine_score, name, reasons)
        for number in by_number:
            candidates.setdefault(number, (0.0, "", ()))
        found = []
        for number, (score, name, grounds) in candidates.items():
            listed = self._listed[number]
            if number in by_number and not name:
                name, score, grounds = self._best_name(subject, listed.entry)
            weighed = weigh(subject, listed.entry, name=name, score=score, grounds=grounds, list_name=listed.list.name)
            if weighed is not None:
                found.append(weighed)
        found.sort(key=lambda one: (-_RANK[one.level], -one.score, one.list, one.entry.id))
        return found

    def _add(self, number: int, entry: Entry) -> None:
        for own in entry.numbers:
            # A number with hidden digits decides nothing; it is weighed where the name leads to the entry.
            if "*" not in own:
                for same in known_numbers((own,)):
                    self._by_number.setdefault(same, []).append(number)
        if entry.schema == OTHER:
            return
        schemas = (PERSON, ORGANIZATION) if entry.schema == EITHER else (entry.schema,)
        for name in dict.fromkeys(entry.names):
            for schema in schemas:
                self._add_name(number, name, schema)

    def _add_name(self, number: int, name: str, schema: str) -> None:
        mark = _MARKS[schema]
        place = self._places.get(mark + name)
        if place is not None:
            self._bearers[place].append(number)
            return
        place = self._places[mark + name] = len(self._names)
        self._names.append(name)
        self._bearers.append([number])
        for key in self._keys.of(self.matcher.read(name, schema)):
            postings = self._postings.get(mark + key)
            if postings is None:
                postings = self._postings[mark + key] = array("I")
            postings.append(place)

    def _alike(self, subject: Subject) -> list[tuple[int, float, tuple[str, ...]]]:
        found: list[tuple[int, float, tuple[str, ...]]] = []
        schemas = (PERSON, ORGANIZATION) if subject.schema == EITHER else (subject.schema,)
        for text in subject.names:
            for schema in schemas:
                asked = self.matcher.read(text, schema)
                mark = _MARKS[schema]
                places = self._candidates(text, [mark + key for key in self._keys.of(asked, asked=True)])
                exact = self._places.get(mark + text)
                if exact is not None and exact not in places:
                    places.append(exact)
                for place in places:
                    match = self.matcher.compare(asked, self._name(place, schema))
                    if match.score >= _WORTH:
                        found.append((place, match.score, match.grounds))
        return found

    def _candidates(self, text: str, keys: Sequence[str]) -> list[int]:
        postings = [found for key in keys if (found := self._postings.get(key)) is not None]
        if not postings:
            return []
        postings.sort(key=len)
        total = len(self._names)
        touched = 0
        pool = array("I")
        for count, places in enumerate(postings):
            if touched + len(places) > _POSTINGS and count >= 2 and touched:
                break
            touched += len(places)
            # The rarer a key, the more often it is counted; counting a short row again costs little.
            times = (total // len(places)).bit_length() // 3 if len(places) < _RARE else 1
            pool.extend(places * times if times > 1 else places)
        votes = Counter(pool)
        enough = max(votes.values()) * _SHARE
        best = [(count, place) for place, count in votes.items() if count >= enough]
        if len(best) > _COMPARED:
            best = heapq.nlargest(_LOOKED_AT, best)
            sure, others = best[: _COMPARED // 2], best[_COMPARED // 2 :]
            # Many share a given name: of these, the ones whose letters agree most.
            asked = _letters(text)
            best = sure + heapq.nlargest(
                _COMPARED - len(sure), others, key=lambda found: len(asked & _letters(self._names[found[1]]))
            )
        return [place for _, place in best]

    def _name(self, place: int, schema: str) -> Name:
        read = self._read.get(place)
        if read is None:
            if len(self._read) >= _READ_AT_ONCE:
                self._read.clear()
            read = self._read[place] = self.matcher.read(self._names[place], schema)
        return read

    def _best_name(self, subject: Subject, entry: Entry) -> tuple[str, float, tuple[str, ...]]:
        """Return the entry's name that is most alike, where the number brought it."""
        schema = PERSON if PERSON in (subject.schema, entry.schema) else ORGANIZATION
        best: tuple[str, float, tuple[str, ...]] = (entry.names[0] if entry.names else "", 0.0, ())
        for mine in subject.names:
            for name in entry.names:
                match = self.matcher.match(mine, name, schema)
                if match.score > best[1]:
                    best = (name, match.score, match.grounds)
        return best


def _letters(text: str) -> set[str]:
    """Return a text's pairs of letters, the beginnings and ends of its words among them."""
    padded = f" {text.casefold()} "
    return set(map("".join, pairwise(padded)))


_MARKS: Final = {PERSON: "1", ORGANIZATION: "2"}
_NOTHING: Final[tuple[float, str, tuple[str, ...]]] = (-1.0, "", ())
#: What a likeness is worth where the list itself calls the alias weak.
_WEAK: Final = 0.95
_RANK: Final = {"hit": 2, "possible": 1, "none": 0}
#: Likenesses of names below this are not looked at, whatever else agrees.
_WORTH: Final = 0.58
