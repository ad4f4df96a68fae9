"""Classes of misses that messages of other authors showed: each is found now, and its near miss is let be."""

from __future__ import annotations

import pytest

from fieldhr_plugins.conduct.lexicon import load
from fieldhr_plugins.conduct.likeness import LIKENESS
from fieldhr_plugins.conduct.reader import REVIEW, VIOLATION, Reader, Utterance


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(load())


def verdicts(reader: Reader, *texts: str) -> set[str]:
    return {hit.verdict for hit in reader.read([Utterance(text=text) for text in texts])}


@pytest.mark.req("C1")
@pytest.mark.parametrize(
    "text",
    [
        "信用瑕疵免看聯徵,當天撥款",
        "壹佰%保本",
        "转到我geren账户就行",
        "这个打了保票的,收益跑不了",
        "穏賺不賠",
        "到期一分不差还给您",
        "10%我敢跟您打包票",
        "行情再差也给您4.5%",
        "十年了没有一个客户亏过",
        "收益是写死的",
        "跌破面值公司按原价收回",
        "流水不够我帮您做一份",
        "r1sk-fr33 investment",
        "We lock in 7% for you",
        "Bad credit is no problem, we don't check",
        "元本は当社が責任を持ってお守りします",
        "원금은 저희가 끝까지 책임집니다",
        "Tiền của anh sẽ nhân ba sau một năm",
    ],
)
def test_a_promise_is_found_by_its_build(reader: Reader, text: str) -> None:
    assert VIOLATION in verdicts(reader, text)


@pytest.mark.req("C1")
@pytest.mark.parametrize(
    "text",
    [
        "王宝本先生约了下午三点",
        "何包本女士已签收",
        "元本保証ではないですから、ご注意ください",
        "I would never tell you it's guaranteed",
        "You can't lose the receipt, please keep it",
        "我不敢跟您打包票10%",
        "赎回款三天内转到您本人的银行卡",
        "我行贷款不收取任何保证金",
        "I stay in room b2, see plan3 attached",
    ],
)
def test_its_near_miss_is_let_be(reader: Reader, text: str) -> None:
    assert VIOLATION not in verdicts(reader, text)


@pytest.mark.req("C1")
def test_a_promise_in_one_message_makes_none_of_the_next(reader: Reader) -> None:
    hits = reader.read([Utterance(text="稳赚不会亏"), Utterance(text="有问题随时找我")])
    assert hits
    assert all(len(hit.spans) == 1 for hit in hits), "words that only chanced to come next add nothing"
    joined = reader.read([Utterance(text="这个肯定稳"), Utterance(text="赚不赔")])
    assert any(len(hit.spans) == 2 and hit.verdict == VIOLATION for hit in joined)


@pytest.mark.req("C1")
def test_what_only_reads_like_a_promise_is_asked_about_and_never_alerts(reader: Reader) -> None:
    said = ["我妈把养老钱全放这了,您还担心什么", "您就等着每个月收租一样收钱", "咱们私下走,别让公司知道"]
    said += ["这钱您就当换个口袋放,什么时候要都在", "跟您现在放银行那张卡里一个意思,就是利息多点"]
    hits = [hit for text in said for hit in reader.read([Utterance(text=text)]) if hit.entry is LIKENESS]
    assert hits
    assert {hit.verdict for hit in hits} == {REVIEW}
