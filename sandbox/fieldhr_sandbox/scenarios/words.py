"""Rows C: words. A scenario changes the text of an answer that the rep gives anyway."""

from __future__ import annotations

from typing import Any, Final

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_core.model import Message
from fieldhr_sandbox.scenarios.base import Site, scenario
from fieldhr_sandbox.script import Script

_PHRASE: Final = "conduct.banned_phrase"
_OFF_BOOK: Final = "conduct.off_book_sale"
_WEALTH: Final = "wealth_product"

_PLAIN: Final = (
    "这款产品保本保息,放心",
    "这只产品我跟您保证,本金绝对不会亏",
    "您放心买,稳赚不赔的",
    "这个理财零风险,收益还高",
    "我们这款承诺收益,到期还本付息没问题",
    "保本的,到期一分不少给您",
)

#: (messages, normal form): hidden promises; two messages are sent within a minute of each other.
_HIDDEN: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("这款保 本 保 息,可以考虑",), "保本保息"),
    (("这款保.本.保.息,可以考虑",), "保本保息"),
    (("放心,保\u200b本\u200b保\u200b息",), "保本保息"),
    (("這款產品保證本金,您放心",), "保证本金"),
    (("这款１００％保本,没问题",), "100%保本"),
    (("我跟您说百分百保本",), "百分百保本"),
    (("这个 bao ben bao xi 的",), "保本保息"),
    (("这个宝本保息的,很多客户买",), "保本保息"),
    (("包本包息,不用担心",), "保本保息"),
    (("本金绝对安全,这点我敢说",), "本金绝对安全"),
    (("零风险高收益,很划算",), "零风险高收益"),
    (("这个产品稳赚不赔",), "稳赚不赔"),
    (("保😀本😀保😀息,懂的都懂",), "保本保息"),
    (("这个产品是保", "本保息的,您放心"), "保本保息"),
)

_INNOCENT: Final = (
    "本产品不保本,请您注意阅读风险揭示书",
    "监管禁止承诺保本保息,我们都按规定说明",
    "我们不能说保本,收益也不是固定的",
    "客户问:这个保本吗?我已经说明不保本",
    "培训材料里写了:不得使用“保本保息”“零风险”等用语",
    "这是净值型产品,非保本浮动收益",
    "没有任何产品可以承诺稳赚不赔,您要有心理准备",
    "如果有人跟您说零风险高收益,请一定要小心",
    "成本保本点分析表我发您邮箱",
    "您问能不能保证收益,按规定是不可以的",
)

#: (language, promise, the same taken back): the product must find the one and let the other be.
_ELSEWHERE: Final = (
    ("en", "This plan comes with guaranteed principal, it is risk-free.", "The principal is not guaranteed."),
    ("ja", "この商品は元本保証です。", "この商品は元本保証ではありません。"),
    ("ko", "이 상품은 원금 보장됩니다.", "이 상품은 원금 보장이 되지 않습니다."),
    ("zh-Hant", "這檔商品保證收益,您放心。", "這檔商品不保證收益。"),
    ("vi", "Em cam kết không mất vốn.", "Chúng tôi không cam kết lợi nhuận."),
    ("th", "กองทุนนี้รับประกันเงินต้น", "กองทุนนี้ไม่รับประกันเงินต้น"),
)

_OWN_ACCOUNT: Final = (
    "您把钱转到我个人账户,我帮您操作",
    "款项先打到我的银行卡,我替您买",
    "账号密码给我,我来替您操作就行",
)
_YOUR_ACCOUNT: Final = (
    "到期后资金会转到您本人账户",
    "赎回款三天内转到您本人的银行卡",
    "请您自己在手机银行里操作,密码不要告诉任何人",
)


@scenario("C01", "Plain promise", req=["C1"])
def _plain_promise(site: Site) -> None:
    _say(site, (site.draw.pick(_PLAIN),), {})


@scenario("C02", "Hidden promise", req=["C1"])
def _hidden_promise(site: Site) -> None:
    texts, normal = _HIDDEN[site.ordinal % len(_HIDDEN)]
    _say(site, texts, {"normal_form": normal})


@scenario("C03", "Negated or quoted", req=["C1"])
def _negated(site: Site) -> None:
    text = _INNOCENT[site.ordinal % len(_INNOCENT)]
    message = _reword(site, site.script(), (text,))
    site.silent((_PHRASE,), subject_kind="message", subject=message.id)


@scenario("C04", "Said aloud", req=["C2"])
def _said_aloud(site: Site) -> None:
    script = site.script()
    message = _reword(site, script, ("这个绝对宝本保息",), confidence=0.72, offset_s=192.0)
    second = round((message.time - site.days.instant(script.day, 0)).total_seconds())
    site.expect(
        _PHRASE,
        "high",
        window=(script.day, second, second),
        earliest_s=second,
        detect_by_s=second + 60,
        subject_kind="call",
        subject=message.thread,
        dose={"confidence": 0.72, "offset_s": 192.0},
    )


@scenario("C04/unsure", "Said aloud, hardly understood", req=["C2"])
def _hardly_understood(site: Site) -> None:
    message = _reword(site, site.script(), ("这个绝对宝本保息",), confidence=0.35, offset_s=192.0)
    site.silent((_PHRASE,), subject_kind="call", subject=message.thread)


@scenario("C05", "Other languages", req=["C1", "F4"])
def _other_languages(site: Site) -> None:
    language, promise, _ = _ELSEWHERE[site.ordinal % len(_ELSEWHERE)]
    _say(site, (promise,), {"language": language}, language=language)


@scenario("C05/negated", "Other languages, taken back", req=["C1", "F4"])
def _other_languages_negated(site: Site) -> None:
    language, _, denial = _ELSEWHERE[site.ordinal % len(_ELSEWHERE)]
    message = _reword(site, site.script(), (denial,), language=language)
    site.silent((_PHRASE,), subject_kind="message", subject=message.id)


@scenario("C06", "Own account", req=["C1"])
def _own_account(site: Site) -> None:
    script = site.script()
    message = _reword(site, script, (site.draw.pick(_OWN_ACCOUNT),))
    second = round((message.time - site.days.instant(script.day, 0)).total_seconds())
    site.expect(_OFF_BOOK, "critical", window=(script.day, second, second), earliest_s=second, detect_by_s=second + 1)


@scenario("C06/own", "The customer's account", req=["C1"])
def _customers_account(site: Site) -> None:
    _reword(site, site.script(), (site.draw.pick(_YOUR_ACCOUNT),))
    site.silent((_OFF_BOOK,))


def _say(site: Site, texts: tuple[str, ...], dose: dict[str, str], **more: Any) -> None:
    script = site.script()
    message = _reword(site, script, texts, **more)
    second = round((message.time - site.days.instant(script.day, 0)).total_seconds())
    site.expect(
        _PHRASE,
        "high",
        window=(script.day, second, second),
        earliest_s=second,
        detect_by_s=second + 1,
        subject_kind="message",
        subject=message.id,
        dose=dose,
    )


def _reword(site: Site, script: Script, texts: tuple[str, ...], **more: Any) -> Message:
    """Put *texts* in place of as many messages of the rep that follow each other; return the last of them.

    ``more``: other fields of theirs that change.
    """
    messages = script.messages
    starts = [
        index
        for index, message in enumerate(messages)
        if message.product == _WEALTH
        and all(
            index + step < len(messages)
            and messages[index + step].speaker == "rep"
            and messages[index + step].thread == message.thread
            and messages[index + step].id not in script.reworded
            for step in range(len(texts))
        )
    ]
    if not starts:
        raise SandboxError("There is no message to reword.", code="FHR-SBX-001")
    start = site.draw.pick(starts)
    for step, text in enumerate(texts):
        messages[start + step] = attrs.evolve(messages[start + step], text=text, **more)
    # Nobody says two such things in one thread: one record, one message.
    script.reworded.update(message.id for message in messages if message.thread == messages[start].thread)
    return messages[start + len(texts) - 1]
