"""Rows C: words. A scenario changes the text of an answer that the rep gives anyway."""

from __future__ import annotations

from typing import Final

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_core.model import Message
from fieldhr_sandbox.scenarios.base import Site, scenario
from fieldhr_sandbox.script import Script

_PHRASE: Final = "conduct.banned_phrase"
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
    (("这个产品是保本", "保息的,您放心"), "保本保息"),
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


def _say(site: Site, texts: tuple[str, ...], dose: dict[str, str]) -> None:
    script = site.script()
    message = _reword(site, script, texts)
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


def _reword(site: Site, script: Script, texts: tuple[str, ...]) -> Message:
    """Put *texts* in place of as many messages of the rep that follow each other; return the last of them."""
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
        messages[start + step] = attrs.evolve(messages[start + step], text=text)
    # Nobody says two such things in one thread: one record, one message.
    script.reworded.update(message.id for message in messages if message.thread == messages[start].thread)
    return messages[start + len(texts) - 1]
