"""How many customers a second are searched in 100,000 entries, beside comparing each with all; and screening again."""

from __future__ import annotations

import random
import time

from figure import Figure

from fieldhr_core.model import Customer
from fieldhr_plugins.screening.index import Index
from fieldhr_plugins.screening.lists import Entry, WatchList
from fieldhr_plugins.screening.matching import Matcher
from fieldhr_plugins.screening.rescreening import rescreen
from fieldhr_plugins.screening.weighing import subject_of

ENTRIES = 100_000
QUERIES = 2_000
CUSTOMERS = 10_000
CHANGED = 1_000
#: Entries that the peer compares a question with; it would need all of them.
BRUTE = 4_000

SYLLABLES = (
    "bar", "ben", "cor", "dal", "den", "fel", "gar", "hol", "jan", "kel", "lor", "mar", "nor", "per", "ros", "sel",
    "tor", "val", "wil", "zan", "ka", "mi", "no", "re", "sa", "ti", "vo", "la",
)  # fmt: skip
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余"
GIVEN = "建国志强文丽秀英晓明春华海燕立新雪梅俊杰佳怡浩然子涵梓轩雨欣宇航思远嘉豪静雯凤霞玉兰桂芳德胜金龙永康振邦"
CITIES = ("北京", "上海", "深圳", "广州", "杭州", "苏州", "成都", "武汉")
TRADES = ("科技", "贸易", "投资", "物流", "电子", "医药", "食品", "建筑")


def measure() -> list[Figure]:
    """Search names that nobody searched before: half of them listed, with a slip, and half not."""
    draw = random.Random(20260302)
    forenames = [_word(draw) for _ in range(3_000)]
    families = [_word(draw) for _ in range(20_000)]
    entries = [_entry(str(number), draw, forenames, families) for number in range(ENTRIES)]
    matcher = Matcher()
    start = time.process_time()
    index = Index([WatchList.of(entries, name="bench")], matcher)
    built = time.process_time() - start
    asked = [_slipped(draw.choice(entries), draw) for _ in range(QUERIES // 2)]
    asked += [_entry("", draw, forenames, families) for _ in range(QUERIES // 2)]
    draw.shuffle(asked)
    subjects = [subject_of(schema=one.schema, names=one.names) for one in asked]
    start = time.process_time()
    found = sum(bool(index.search(subject)) for subject in subjects)
    ours = QUERIES / (time.process_time() - start)
    start = time.process_time()
    read = [matcher.read(entry.names[0], "Person") for entry in entries[:BRUTE]]
    question = matcher.read("Delmarka Norvolti", "Person")
    for name in read:
        matcher.compare(question, name)
    brute = BRUTE / ENTRIES / (time.process_time() - start)
    customers = [
        Customer(id=str(n), name=entry.names[0], schema=entry.schema)
        for n, entry in enumerate(_entry("", draw, forenames, families) for _ in range(CUSTOMERS))
    ]
    changed = [_entry(f"new{n}", draw, forenames, families) for n in range(CHANGED)]
    after = Index([WatchList.of([*entries[CHANGED:], *changed], name="bench")], matcher)
    start = time.process_time()
    changes = rescreen(customers, index, after)
    again = time.process_time() - start
    return [
        Figure(
            name="screening search",
            value=ours,
            unit="queries/s",
            bar=1_000,
            peer=f"the same comparison with every entry: {brute:.2g}",
            how=f"{QUERIES} new names against {ENTRIES} entries, one core; {found} found; index built in {built:.1f} s",
        ),
        Figure(
            name="screening again",
            value=again,
            unit="s",
            bar=60,
            at_most=True,
            peer=f"searching all customers in the whole list: {CUSTOMERS / ours:.0f}",
            how=f"{CUSTOMERS} customers, {CHANGED} of {ENTRIES} entries come, {CHANGED} gone; {len(changes)} changes",
        ),
    ]


def _word(draw: random.Random) -> str:
    return "".join(draw.choice(SYLLABLES) for _ in range(draw.choice((2, 2, 3)))).capitalize()


def _entry(id_: str, draw: random.Random, forenames: list[str], families: list[str]) -> Entry:
    kind = draw.randrange(10)
    if kind < 5:
        return Entry(id=id_, schema="Person", names=(f"{draw.choice(forenames)} {draw.choice(families)}",))
    if kind < 8:
        return Entry(id=id_, schema="Person", names=(draw.choice(SURNAMES) + "".join(draw.sample(GIVEN, 2)),))
    if kind == 8:
        brand = "".join(draw.sample(GIVEN, 2))
        name = f"{draw.choice(CITIES)}{brand}{draw.choice(TRADES)}有限公司"
        return Entry(id=id_, schema="Organization", names=(name,))
    return Entry(id=id_, schema="Organization", names=(f"{draw.choice(families)} Trading Ltd",))


def _slipped(entry: Entry, draw: random.Random) -> Entry:
    name = entry.names[0]
    if name.isascii():
        place = draw.randrange(1, len(name) - 1)
        name = name[:place] + name[place + 1 :]
    return Entry(id="", schema=entry.schema, names=(name,))
