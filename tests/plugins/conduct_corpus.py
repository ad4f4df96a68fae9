"""The labelled messages of ``tests/data/conduct``, and what a reader makes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

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
                yield Labelled(
                    kind=kind, language=language, category=category, texts=tuple(line.split(" ‖ ")), **more
                )


def verdict(reader: Reader, said: Labelled) -> str:
    """Return the verdict of one labelled message."""
    hits = reader.read(
        [Utterance(text=text, speaker=said.speaker, product=said.product) for text in said.texts]
    )
    verdicts = {hit.verdict for hit in hits}
    return VIOLATION if VIOLATION in verdicts else REVIEW if REVIEW in verdicts else CLEAN


def rates(reader: Reader, messages: Iterable[Labelled]) -> dict[str, dict[str, int]]:
    """Return by kind: how many messages, violations, reviews."""
    table = {kind: {"messages": 0, VIOLATION: 0, REVIEW: 0, CLEAN: 0} for kind in KINDS}
    for said in messages:
        table[said.kind]["messages"] += 1
        table[said.kind][verdict(reader, said)] += 1
    return table
