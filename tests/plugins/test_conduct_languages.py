"""Each language with its own promises, its own negation and its own direction."""

from __future__ import annotations

import pytest

from fieldhr_plugins.conduct.lexicon import load
from fieldhr_plugins.conduct.reader import VIOLATION, Reader, Utterance

READER = Reader(load(), likeness=False)


def verdicts(text: str, **more: str) -> set[str]:
    return {hit.verdict for hit in READER.read([Utterance(text=text, **more)])}


@pytest.mark.req("C1", "F4")
@pytest.mark.scenario("C05")
@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("guaranteed principal, risk-free", "en"),
        ("元本保証", "ja"),
        ("원금 보장", "ko"),
        ("保證收益", "zh"),
        ("cam kết không mất vốn", "vi"),
        ("cam ket khong mat von", "vi"),
        ("รับประกันเงินต้น", "th"),
    ],
)
def test_a_promise_is_found_in_every_language(text: str, language: str) -> None:
    hits = READER.read([Utterance(text=text)])
    assert {hit.verdict for hit in hits} == {VIOLATION}
    assert {hit.language for hit in hits} == {language}


@pytest.mark.req("C1", "F4")
@pytest.mark.scenario("C05")
@pytest.mark.parametrize(
    "text",
    [
        "the principal is not guaranteed",
        "We never promise guaranteed returns.",
        "元本保証ではありません",
        "利益を保証するものではありません",
        "원금이 보장되지 않습니다",
        "무조건 수익이 나는 상품은 없습니다",
        "Sản phẩm này không cam kết lợi nhuận",
        "ผลิตภัณฑ์นี้ไม่รับประกันเงินต้น",
        "本商品不保證獲利",
    ],
)
def test_its_negation_is_not(text: str) -> None:
    assert VIOLATION not in verdicts(text)


@pytest.mark.req("C1")
@pytest.mark.parametrize(
    "text",
    [
        "不会亏的",
        "不看征信",
        "不用告知",
        "稳赚不赔",
        "You can't lose money",
        "元本割れはありません",
        "손해 볼 일 없어요",
        "không mất vốn",
        "ไม่มีความเสี่ยง",
    ],
)
def test_a_negation_inside_the_phrase_is_no_negation_of_it(text: str) -> None:
    assert VIOLATION in verdicts(text)


@pytest.mark.req("C1")
@pytest.mark.parametrize(
    "text",
    [
        "不用担心，保本的",
        "不要错过稳赚的机会",
        "不仅保本，收益还高",
        "非常稳赚",
        "No doubt, guaranteed returns",
        "Don't worry, it is risk free",
    ],
)
def test_what_only_looks_like_a_negation_takes_nothing_back(text: str) -> None:
    assert VIOLATION in verdicts(text)


PROMISES = ["保本保息", "稳赚不赔", "零风险", "保证收益", "本金绝对安全"]


@pytest.mark.req("C1")
@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("prefix", ["我们不能承诺", "没有", "本产品不是", "监管禁止宣传", "谁也不能说"])
def test_a_negation_before_it_takes_a_promise_back(promise: str, prefix: str) -> None:
    assert VIOLATION in verdicts(f"这款{promise}")
    assert VIOLATION not in verdicts(f"{prefix}{promise}")


@pytest.mark.req("C1")
@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("after", ["是骗局", "的说法是违规的", "？做不到", "吗？"])
def test_what_follows_may_take_it_back(promise: str, after: str) -> None:
    assert VIOLATION not in verdicts(f"{promise}{after}")


@pytest.mark.req("C1")
@pytest.mark.parametrize(
    "text",
    [
        "确保本周完成",
        "社保本月已缴",
        "参保本人到场",
        "医保本地结算",
        "担保本公司的企业",
        "成本保本点",
        "支付宝本月账单",
        "第一季度",
        "您最好带身份证",
        "无风险利率下行",
        "返现场",
        "五峰县",
        "范县支行",
        "张老师代课",
        "报本人领取",
        "抱本册子",
        "林凤仙",
        "申报本月个税",
        "risk-free rate",
        "no risk appetite",
    ],
)
def test_ordinary_words_are_never_cut(text: str) -> None:
    assert verdicts(text) == set()


@pytest.mark.req("C1")
@pytest.mark.parametrize(
    ("text", "product", "expected"),
    [
        ("保本保息，到期一次支付", "deposit", "lawful_product"),
        ("保本保息，到期一次支付", "大额存单", "lawful_product"),
        ("大额存单保本保息", "", "lawful_product"),
        ("储蓄国债没有风险", "", "lawful_product"),
        ("保本保息，到期一次支付", "fund", VIOLATION),
        ("这款理财跟大额存单一样保本", "", VIOLATION),
        ("基金保本保息", "deposit", VIOLATION),
    ],
)
def test_a_deposit_may_say_what_a_fund_may_not(text: str, product: str, expected: str) -> None:
    found = {
        hit.verdict
        for hit in READER.read([Utterance(text=text, product=product)])
        if hit.category != "deposit_confusion"
    }
    assert found == {expected}


@pytest.mark.req("C1")
@pytest.mark.parametrize(
    "text",
    [
        "客户问:这个保本吗?",
        "您刚才问能不能保证收益",
        "培训材料：不得使用“稳赚不赔”等字样",
        "反诈提醒：声称零风险的都是骗局",
        "投诉单：客户称销售承诺保本",
    ],
)
def test_words_of_others_are_told_apart(text: str) -> None:
    found = verdicts(text)
    assert found
    assert VIOLATION not in found


@pytest.mark.req("C1")
def test_a_rule_that_is_named_to_get_round_it_protects_nothing() -> None:
    assert VIOLATION in verdicts("监管规定不让明说，但实际保本保息")
