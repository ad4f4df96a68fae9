"""The normal form: what it does away with, and that it never loses the place of a character."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_plugins.conduct.lexicon import load
from fieldhr_plugins.conduct.normal import Normaliser
from fieldhr_plugins.conduct.reader import Reader, Utterance

NORMALISE = Normaliser({"guaranteed", "risk", "free", "profit", "riskfree"})


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("保 本 保 息", "保本保息"),
        ("保.本.保.息，放心", "保本保息,放心"),
        ("保，本，保，息", "保本保息"),
        ("【保】【本】", "【保本】"),
        ("保\u200b本\ufeff保\u2060息", "保本保息"),
        ("保\u0336本\u20dd", "保本"),
        ("保證本金", "保证本金"),
        ("１００％保本", "100%保本"),
        ("1OO%保本", "100%保本"),
        ("保夲収益", "保本收益"),
        ("亻呆本", "保本"),
        ("承讠若", "承诺"),
        ("保😀本❤️保🔥息", "保本保息"),
        ("ﾎﾞｰﾅｽ", "ボーナス"),
        (unicodedata.normalize("NFD", "원금 보장"), "원금보장"),
        ("gu@ranteed pr0fit", "guaranteed profit"),
        ("guar-anteed", "guaranteed"),
        ("r i s k", "risk"),
        ("g.u.a.r.a.n.t.e.e.d r.i.s.k", "guaranteed risk"),
        ("ＲＩＳＫ", "risk"),
        ("risk-free", "risk free"),
        ("cam kết không mất vốn", "cam ket khong mat von"),
        ("рrоfit", "profit"),
    ],
)
def test_spellings_end_in_one_form(text: str, normal: str) -> None:
    assert NORMALISE(text).text == normal


@pytest.mark.parametrize("text", ["保本。保息", "第一，保本", "a.b", "e-mail", "不保本，收益高"])
def test_clauses_stay_apart(text: str) -> None:
    assert len(NORMALISE(text).text) == len(text)


ODD = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            "保本保息零风险稳赚不赔證險 .-_*|，。、！\u200b\u0336\ufe0f😀亻呆讠若ﾎﾞａ１％…ạ่ั가각rRi@0$'\"~\n"
        ),
    ),
    max_size=60,
)


@given(ODD)
def test_the_map_names_places_of_the_original_in_order(text: str) -> None:
    normal = NORMALISE(text)
    if normal.starts is None or normal.ends is None:
        assert len(normal.text) == len(text)
        return
    assert len(normal.starts) == len(normal.ends) == len(normal.text)
    assert list(normal.starts) == sorted(normal.starts)
    for start, end in zip(normal.starts, normal.ends, strict=True):
        assert 0 <= start < end <= len(text)


@given(ODD)
def test_each_character_stands_where_the_map_says(text: str) -> None:
    normal = NORMALISE(text)
    for at, character in enumerate(normal.text):
        start, end = normal.span(at, at + 1)
        source = text[start:end]
        if character in "保本息零赚赔":
            # Only itself, or what stands for it, may be what is pointed at.
            assert (
                NORMALISE(source).text == character
                or character in source
                or source in ("〇", "○", "◯", "賺", "賠", "亻呆")
            )


@given(ODD)
def test_the_normal_form_is_its_own_normal_form_for_plain_characters(text: str) -> None:
    once = NORMALISE(text).text
    assert len(NORMALISE(once).text) <= len(once) + 2 * once.count("-")


@given(st.binary(max_size=80))
def test_it_never_raises_even_on_half_surrogates(data: bytes) -> None:
    NORMALISE(data.decode("utf-16-le", "surrogatepass") if len(data) % 2 == 0 else data.decode("latin-1"))


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(load())


@given(st.text(max_size=80))
def test_reading_never_raises_and_points_into_the_text(text: str) -> None:
    for hit in _READER.read([Utterance(text=text)]):
        ((_, start, end),) = hit.spans
        assert text[start:end] == hit.phrase


_READER = Reader(load())

HEAVY = {
    "characters": "保" * 60_000,
    "separated": "保 本，" * 20_000,
    "letters": "r i s k " * 10_000,
    "cut words": "a-" * 50_000,
    "digits in words": "a1" * 50_000,
    "components": "亻呆" * 30_000,
    "spaces": "保" + " " * 100_000 + "本",
    "negations": "不能承诺" * 15_000,
    "hits": "保本保息，" * 10_000,
    "percent": "年化6%保证收益" * 6_000,
    "pinyin": "bao ben " * 8_000,
    "one word": "x" * 100_000,
    "promises": "guaranteed returns " * 3_000,
    "kana": "元本保証" * 12_000,
}


def _seconds(text: str) -> float:
    taken = []
    for _ in range(3):  # the least of three: a collection of garbage may fall into one of them
        began = time.process_time()
        _READER.read([Utterance(text=text)])
        taken.append(time.process_time() - began)
    return min(taken)


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_work_grows_with_the_length_and_nothing_else(name: str) -> None:
    text = HEAVY[name]
    whole, tenth = _seconds(text), _seconds(text[: len(text) // 10])
    # Linear is 10; a square is 100. The floor keeps the clock's grain out of the ratio.
    assert whole <= 30 * max(tenth, 0.02), f"{whole:.2f} s against {tenth:.3f} s for a tenth"
