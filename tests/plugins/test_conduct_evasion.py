"""Whatever is put between, over or in place of the characters of a promise, it stays one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_plugins.conduct.lexicon import load
from fieldhr_plugins.conduct.reader import VIOLATION, Reader, Utterance

READER = Reader(load(), likeness=False)
PROMISES = st.sampled_from(["保本保息", "稳赚不赔", "保证收益", "本金绝对安全", "绝对零风险", "刚性兑付", "只赚不赔"])
FILLING = st.sampled_from(
    [" ", ".", "-", "*", "·", "_", "~", "/", "|", "、", "…", "\u200b", "\u200d", "\ufeff", "😀", "🔥", "❤️", "  ", "^"]
)
TRADITIONAL = str.maketrans("证险赚赔稳绝对风刚兑", "證險賺賠穩絕對風剛兌")


def is_violation(text: str) -> bool:
    return any(hit.verdict == VIOLATION for hit in READER.read([Utterance(text=text)]))


@pytest.mark.req("C1")
@given(PROMISES, FILLING)
def test_something_between_all_characters(promise: str, filling: str) -> None:
    assert is_violation(filling.join(promise))


@given(PROMISES, st.lists(st.sampled_from(["", " ", "\u200b", "😀", "*", "-"]), min_size=8, max_size=8))
def test_something_between_some_characters(promise: str, fillings: list[str]) -> None:
    assert is_violation("这款" + "".join(c + f for c, f in zip(promise, fillings, strict=False)).rstrip() + "，放心")


@given(PROMISES, st.sampled_from("\u0336\u0335\u0332\u20dd\ufe0f"))
def test_marks_over_characters(promise: str, mark: str) -> None:
    assert is_violation("".join(c + mark for c in promise))


@given(PROMISES, st.text(alphabet="今天您好我司经理王总上午来电谢谢", max_size=12))
def test_traditional_characters_and_other_words_about_it(promise: str, about: str) -> None:
    assert is_violation(f"{about}，{promise.translate(TRADITIONAL)}，{about}")


@given(PROMISES, st.integers(1, 6))
def test_split_over_two_messages(promise: str, at: int) -> None:
    at = min(at, len(promise) - 1)
    hits = READER.read([Utterance(text="我们的" + promise[:at]), Utterance(text=promise[at:] + "的")])
    assert any(hit.verdict == VIOLATION for hit in hits)


@given(PROMISES)
def test_full_width_and_upper_case_english(promise: str) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in "guaranteed returns")
    assert is_violation(wide)
    assert is_violation("GUARANTEED RETURNS")
    assert is_violation(promise.replace("零", "0").replace("绝", "絶"))


@pytest.mark.req("C1")
@settings(max_examples=60)
@given(PROMISES, st.lists(st.booleans(), min_size=8, max_size=8))
def test_pinyin_in_place_of_some_characters(promise: str, which: list[bool]) -> None:
    syllables = READER._normalise.syllable_of
    mixed = "".join(syllables[c] if swap else c for c, swap in zip(promise, which, strict=False))
    assert is_violation(mixed)


def test_without_homophones_sound_alone_is_not_heard() -> None:
    deaf = Reader(load(), homophones=False, likeness=False)
    assert not deaf.read([Utterance(text="bao ben bao xi")])
    assert is_violation("bao ben bao xi")


@given(
    st.lists(
        st.sampled_from(["保本", "保息", "不", "能", "，", "。", "稳赚", "吗", " ", "客户问", "😀", "证收益", "保"]),
        max_size=14,
    )
)
def test_spans_point_at_the_phrase_in_the_message_it_stands_in(pieces: list[str]) -> None:
    texts = ["".join(pieces[:5]), "".join(pieces[5:10]), "".join(pieces[10:])]
    for hit in READER.read([Utterance(text=text) for text in texts]):
        joined = "".join(texts[number][start:end] for number, start, end in hit.spans)
        assert joined.replace(" ", "") == hit.phrase.replace(" ", "")
