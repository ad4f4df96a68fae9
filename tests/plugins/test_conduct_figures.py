"""How well it reads: the labelled messages, both halves, and how fast."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs
import pytest

from fieldhr_plugins.conduct.lexicon import load
from fieldhr_plugins.conduct.reader import CLEAN, REVIEW, VIOLATION, Reader, Utterance

FOLDER = Path(__file__).resolve().parent.parent / "data" / "conduct"
KINDS = ("plain", "evasion", "paraphrase", "hard_negative", "benign")


@attrs.frozen(kw_only=True)
class Labelled:
    """One labelled message, or several of one sender, sent one after the other."""

    kind: str
    language: str
    category: str
    texts: tuple[str, ...]
    trick: str = ""
    speaker: str = "rep"
    product: str = ""

    @property
    def split(self) -> str:
        """``train`` may be looked at while phrases are written, ``report`` may not; a hash of the text decides."""
        digest = hashlib.sha256("\n".join(self.texts).encode("utf-8", "surrogatepass")).digest()
        return "train" if digest[0] % 2 == 0 else "report"


def corpus() -> Iterator[Labelled]:
    """Yield every labelled message."""
    for path in sorted(FOLDER.glob("*.txt")):
        kind = language = category = ""
        more: dict[str, str] = {}
        for line in path.read_text("utf-8").split("\n"):
            if line.startswith("# "):
                kind, language, category, *rest = line[2:].split()
                more = dict(item.split("=", 1) for item in rest)
            elif line.strip():
                yield Labelled(kind=kind, language=language, category=category, texts=tuple(line.split(" ‖ ")), **more)


def verdict(reader: Reader, said: Labelled) -> str:
    """Return the verdict of one labelled message."""
    hits = reader.read([Utterance(text=text, speaker=said.speaker, product=said.product) for text in said.texts])
    verdicts = {hit.verdict for hit in hits}
    return VIOLATION if VIOLATION in verdicts else REVIEW if REVIEW in verdicts else CLEAN


def rates(reader: Reader, messages: Iterable[Labelled]) -> dict[str, dict[str, int]]:
    """Return by kind: how many messages, violations, reviews."""
    table = {kind: {"messages": 0, VIOLATION: 0, REVIEW: 0, CLEAN: 0} for kind in KINDS}
    for said in messages:
        table[said.kind]["messages"] += 1
        table[said.kind][verdict(reader, said)] += 1
    return table


MESSAGES = list(corpus())


def test_the_corpus_is_large_varied_and_split() -> None:
    assert len(MESSAGES) >= 1500
    assert {said.kind for said in MESSAGES} == set(KINDS)
    assert {said.language for said in MESSAGES} >= {"zh", "zh-Hant", "en", "ja", "ko", "vi", "th"}
    assert len({said.texts for said in MESSAGES}) >= 0.99 * len(MESSAGES)
    report = sum(said.split == "report" for said in MESSAGES)
    assert 0.4 < report / len(MESSAGES) < 0.6


@pytest.mark.req("C1")
@pytest.mark.parametrize("split", ["train", "report"])
def test_the_figures_of_the_documentation_hold(split: str) -> None:
    table = rates(Reader(load()), (said for said in MESSAGES if said.split == split))
    print(f"\n{split}")
    for kind, row in table.items():
        share = {name: row[name] / row["messages"] for name in (VIOLATION, REVIEW)}
        print(f"  {kind:14} {row['messages']:4}  violation {share[VIOLATION]:.3f}  review {share[REVIEW]:.3f}")
    assert table["plain"][VIOLATION] >= 0.85 * table["plain"]["messages"]
    assert table["evasion"][VIOLATION] >= 0.85 * table["evasion"]["messages"]
    assert table["benign"][VIOLATION] == 0
    assert table["hard_negative"][VIOLATION] <= 0.15 * table["hard_negative"]["messages"]
    found = table["paraphrase"][VIOLATION] + table["paraphrase"][REVIEW]
    assert found >= 0.4 * table["paraphrase"]["messages"]
    assert table["benign"][REVIEW] <= 0.03 * table["benign"]["messages"]


def test_every_language_is_found_in_the_report_half() -> None:
    reader = Reader(load())
    for language in ("zh", "zh-Hant", "en", "ja", "ko", "vi", "th"):
        table = rates(reader, (s for s in MESSAGES if s.split == "report" and s.language == language))
        wanted = table["plain"]["messages"] + table["evasion"]["messages"]
        found = table["plain"][VIOLATION] + table["evasion"][VIOLATION]
        print(f"  {language:8} {found}/{wanted}")
        assert found >= 0.6 * wanted


@pytest.mark.slow
def test_it_reads_some_thousand_messages_a_second() -> None:
    reader = Reader(load(), homophones=False)
    batch = [[Utterance(text=text) for text in said.texts] for said in MESSAGES if said.kind != "evasion"]
    best = 0.0
    for _ in range(3):
        began = time.process_time()
        for utterances in batch:
            reader.read(utterances)
        best = max(best, len(batch) / (time.process_time() - began))
    print(f"  {best:.0f} messages/s without homophones")
    # The promise is 5,000; half of it here, for a busy machine is not what is tested.
    assert best >= 2500
