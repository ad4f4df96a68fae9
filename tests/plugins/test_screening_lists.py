"""Lists in every format, searched by name and number; rulings; and screening again when a list changes."""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import time
from argparse import Namespace
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Audience, Customer, Outcome, Ruling, Severity, Submission
from fieldhr_core.testing.conformance import CheckConformance
from fieldhr_plugins.screening import commands
from fieldhr_plugins.screening.check import ListCheck, subject_of_customer
from fieldhr_plugins.screening.index import Index
from fieldhr_plugins.screening.lists import Entry, WatchList
from fieldhr_plugins.screening.matching import Matcher
from fieldhr_plugins.screening.numbers import identify
from fieldhr_plugins.screening.reading import birth_date_of, format_of, read_list, read_list_bytes
from fieldhr_plugins.screening.rescreening import rescreen
from fieldhr_plugins.screening.settings import ListFile, ScreeningSettings
from fieldhr_plugins.screening.weighing import Found, subject_of

MATCHER = Matcher()
AT = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)

# --- files -------------------------------------------------------------------------------------------------------

OPENSANCTIONS = (
    "id,schema,name,aliases,birth_date,countries,addresses,identifiers,sanctions,phones,emails,dataset,first_seen,last_seen,last_change\n"
    'os-1,Person,Vadim Petrenkov,"""Petrenkov; Vadim"";Вадим Петренков",1971-04-09,ru;ua,,"RU 123456;P-99 001",Program X,,,test,,,\n'
    "os-2,Company,Kestrel Shipping LLC,,,ir,,IMO 9999999,,,,test,,,\n"
    "os-3,Vessel,Kestrel Queen,,,,,IMO 8888888,,,,test,,,\n"
    "os-4,Person,,,,,,,,,,test,,,\n"
).encode()

FTM = "\n".join(
    json.dumps(line, ensure_ascii=False)
    for line in (
        {
            "id": "ftm-1",
            "schema": "Person",
            "properties": {
                "name": ["张伟强"],
                "alias": ["Zhang Weiqiang"],
                "weakAlias": ["Tiger"],
                "birthDate": ["1980-01-01"],
                "nationality": ["cn"],
            },
        },
        {"id": "doc-1", "schema": "Passport", "properties": {"holder": ["ftm-1"], "number": ["E12345678"]}},
        {
            "id": "ftm-2",
            "schema": "Company",
            "properties": {"name": ["北京云帆科技有限公司"], "uscCode": ["911100006000072731"]},
        },
        {"id": "ftm-3", "schema": "Person", "properties": {"firstName": ["Ada"], "lastName": ["Quillfeather"]}},
        {"id": "own-1", "schema": "Ownership", "properties": {"owner": ["ftm-1"]}},
    )
).encode()

OFAC_SDN = (
    b'36,"KESTREL AIR LINES",-0- ,"PROG-A",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n'
    b'173,"HARCOURT, Jasper Lionel","individual","PROG-B",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    b'"DOB 04 Feb 1957; alt. DOB 1958; POB Nowhere; nationality Iran; Passport A0099887 (Iran); National ID No. 77665544 (Iran)."\n'
    b'200,"KESTREL QUEEN","vessel","PROG-A",-0- ,-0- ,"Tanker",-0- ,-0- ,"Iran",-0- ,"Vessel Registration Identification IMO 9187629."\n'
    b"\x1a\n"
)
OFAC_ALT = b'173,5,"aka","HARCURT, Yasper",-0- \n36,6,"fka","AERO-KESTREL",-0- \n'

UN = """<?xml version="1.0" encoding="utf-8"?>
<CONSOLIDATED_LIST dateGenerated="2026-01-01T00:00:00Z">
 <INDIVIDUALS>
  <INDIVIDUAL><DATAID>6908555</DATAID><FIRST_NAME>MUSTAFA</FIRST_NAME><SECOND_NAME>QASIM</SECOND_NAME><THIRD_NAME>DARAJI</THIRD_NAME>
   <UN_LIST_TYPE>Test</UN_LIST_TYPE><REFERENCE_NUMBER>QDi.999</REFERENCE_NUMBER><NAME_ORIGINAL_SCRIPT>مصطفى قاسم دراجي</NAME_ORIGINAL_SCRIPT>
   <NATIONALITY><VALUE>Iraq</VALUE></NATIONALITY>
   <INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY><ALIAS_NAME>Mostafa Kassem</ALIAS_NAME></INDIVIDUAL_ALIAS>
   <INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>Abu Test</ALIAS_NAME></INDIVIDUAL_ALIAS>
   <INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><FROM_YEAR>1960</FROM_YEAR><TO_YEAR>1963</TO_YEAR></INDIVIDUAL_DATE_OF_BIRTH>
   <INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>Passport</TYPE_OF_DOCUMENT><NUMBER>H8675309</NUMBER></INDIVIDUAL_DOCUMENT>
  </INDIVIDUAL>
 </INDIVIDUALS>
 <ENTITIES><ENTITY><DATAID>110403</DATAID><FIRST_NAME>DARAJI RELIEF FOUNDATION</FIRST_NAME>
   <ENTITY_ALIAS><QUALITY>a.k.a.</QUALITY><ALIAS_NAME>DRF</ALIAS_NAME></ENTITY_ALIAS></ENTITY></ENTITIES>
</CONSOLIDATED_LIST>""".encode()

COURT = (
    "失信被执行人名单,,,\n"
    "序号,被执行人姓名/名称,身份证号码/组织机构代码,案号,失信被执行人行为具体情形\n"
    "1,李国栋,9999991980****0011,(2025)测0101执1号,有履行能力而拒不履行\n"
    "2,武汉宏图物流有限公司,91420100MA4K0000X9,(2025)测0101执2号,违反财产报告制度\n"
    ",,,,\n"
)

HOUSE = "Full Name;Aliases;Date of Birth;ID Number;Reason\nOphelia Ravenscroft;O. Raven|Ofelia Ravenscroft;03.05.1990;AB-123 456;default\n"


def test_formats_are_told_from_their_beginnings() -> None:
    kinds = [format_of(c) for c in (OPENSANCTIONS, FTM, OFAC_SDN, UN, COURT.encode("gb18030"), HOUSE.encode())]
    assert kinds == ["opensanctions", "ftm", "ofac", "un", "csv", "csv"]
    assert format_of(("﻿" + HOUSE).encode("utf-8")) == "csv"
    assert format_of((COURT * 200).encode("utf-8")) == "csv"


@pytest.mark.req("C3")
def test_opensanctions() -> None:
    found = read_list_bytes(OPENSANCTIONS, name="os")
    person = found.entries[0]
    assert person == Entry(
        id="os-1",
        schema="Person",
        names=("Vadim Petrenkov", "Petrenkov; Vadim", "Вадим Петренков"),
        numbers=("RU123456", "P99001"),
        birth_dates=("1971-04-09",),
        countries=("ru", "ua"),
        note="Program X",
    )
    assert [entry.schema for entry in found.entries] == ["Person", "Organization", "Other"]
    assert [(fault.place, fault.reason) for fault in found.faults] == [("line 5", "entry.no_name")]


@pytest.mark.req("C3")
def test_ftm() -> None:
    found = {e.id: e for e in read_list_bytes(FTM + b"\nnot json\n[1]\n", name="ftm").entries}
    assert set(found) == {"ftm-1", "ftm-2", "ftm-3"}
    assert found["ftm-1"].numbers == ("E12345678",)
    assert found["ftm-1"].weak == {"Tiger"}
    assert found["ftm-2"].numbers == ("911100006000072731",)
    assert found["ftm-3"].names == ("Ada Quillfeather",)


@pytest.mark.req("C3")
def test_ofac(tmp_path: Path) -> None:
    (tmp_path / "sdn.csv").write_bytes(OFAC_SDN)
    (tmp_path / "alt.csv").write_bytes(OFAC_ALT)
    found = {e.id: e for e in read_list(str(tmp_path / "sdn.csv")).entries}
    assert found["173"].names == ("Jasper Lionel HARCOURT", "Yasper HARCURT")
    assert found["173"].birth_dates == ("1957-02-04", "1958")
    assert found["173"].numbers == ("A0099887", "77665544")
    assert found["173"].countries == ("iran",)
    assert found["36"].schema == "Organization"
    assert found["36"].names == ("KESTREL AIR LINES", "AERO-KESTREL")
    assert found["200"].schema == "Other"
    assert not any("-0-" in name for entry in found.values() for name in entry.names)


@pytest.mark.req("C3")
def test_un() -> None:
    person, firm = read_list_bytes(UN, name="un").entries
    assert person.names == ("MUSTAFA QASIM DARAJI", "مصطفى قاسم دراجي", "Mostafa Kassem", "Abu Test")
    assert person.weak == {"Abu Test"}
    assert person.birth_dates == ("1960", "1961", "1962", "1963")
    assert person.numbers == ("H8675309",)
    assert person.countries == ("iraq",)
    assert (firm.id, firm.names) == ("110403", ("DARAJI RELIEF FOUNDATION", "DRF"))


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>
<CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL><FIRST_NAME>&lol2;</FIRST_NAME></INDIVIDUAL></INDIVIDUALS></CONSOLIDATED_LIST>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>
<CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL><FIRST_NAME>&e;</FIRST_NAME></INDIVIDUAL></INDIVIDUALS></CONSOLIDATED_LIST>"""


@pytest.mark.req("C3")
@pytest.mark.parametrize("content", [BOMB, OUTSIDE, UN[:-40], b"<a>" * 10_000], ids=["bomb", "outside", "cut", "deep"])
def test_hostile_or_broken_xml_is_refused_whole(content: bytes) -> None:
    with pytest.raises(RecordError, match="FHR-REC-006"):
        read_list_bytes(content, name="un")


@pytest.mark.req("C3")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_court_list_in_any_encoding(encoding: str) -> None:
    found = read_list_bytes(COURT.encode(encoding), name="court", kind="dishonest_debtor")
    person, firm = found.entries
    assert (person.schema, person.names, person.numbers) == ("Person", ("李国栋",), ("9999991980****0011",))
    assert (firm.schema, firm.names, firm.numbers) == (
        "Organization",
        ("武汉宏图物流有限公司",),
        ("91420100MA4K0000X9",),
    )
    assert "有履行能力" in person.note


def test_a_house_list_with_english_headings() -> None:
    (entry,) = read_list_bytes(HOUSE.encode(), name="house", kind="house").entries
    assert entry.names == ("Ophelia Ravenscroft", "O. Raven", "Ofelia Ravenscroft")
    assert (entry.birth_dates, entry.numbers, entry.schema) == (("1990-05-03",), ("AB123456",), "Person")


def test_lines_without_an_id_keep_theirs_when_others_come_before() -> None:
    text = "name,id number\n王芳,E0000001\n李娜,E0000002\n"
    before = read_list_bytes(text.encode(), name="l")
    after = read_list_bytes(text.replace("王芳", "赵六,E0000003\n王芳").encode(), name="l")
    come, gone = after.changed_since(before)
    assert ([entry.names for entry in come], gone) == ([("赵六",)], ())


def test_one_case_with_two_debtors_is_two_entries() -> None:
    found = read_list_bytes("id,name\nA1,王芳\nA1,李娜\nA1,王芳\n".encode(), name="l").entries
    assert [entry.names for entry in found] == [("王芳",), ("李娜",)]
    assert found[0].id == "A1"


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("1985-02-03", "1985-02-03"), ("1985/2/3", "1985-02-03"), ("1985年2月3日", "1985-02-03"), ("1985年2月", "1985-02"),
        ("19850203", "1985-02-03"), ("1985", "1985"), ("03 Feb 1985", "1985-02-03"), ("Feb 1985", "1985-02"),
        ("February 3, 1985", "1985-02-03"), ("circa 1985", "1985"), ("13/02/1985", "1985-02-13"), ("02/13/1985", "1985-02-13"),
        ("03.02.1985", "1985-02-03"), ("03/02/1985", "1985"), ("1985-02-30", ""), ("unknown", ""), ("", ""), ("1985-02-03T00:00:00", "1985-02-03"),
    ],
)  # fmt: skip
def test_birth_dates(text: str, date: str) -> None:
    assert birth_date_of(text) == date


def test_a_file_without_entries_is_no_list() -> None:
    for content in (b"", b"name\n", b"a,b\n1,2\n", b"{}\n", b"<x/>"):
        with pytest.raises(RecordError, match="FHR-REC-006"):
            read_list_bytes(content, name="x")
    with pytest.raises(RecordError, match="FHR-REC-006"):
        read_list("/nowhere/list.csv")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_broken_files_give_entries_or_one_refusal(data: st.DataObject) -> None:
    content = bytearray(
        data.draw(st.sampled_from([OPENSANCTIONS, FTM, OFAC_SDN, UN, COURT.encode("gb18030"), HOUSE.encode()]))
    )
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        change = data.draw(st.sampled_from(["flip", "cut", "insert"]))
        if change == "flip":
            content[place] = data.draw(st.integers(0, 255))
        elif change == "cut":
            del content[place : place + data.draw(st.integers(1, 60))]
        else:
            content[place:place] = data.draw(st.binary(max_size=20))
        content = content or bytearray(b"x")
    kind = data.draw(st.sampled_from(["auto", "opensanctions", "ftm", "ofac", "un", "csv"]))
    try:
        found = read_list_bytes(bytes(content), file_format=kind, name="fuzz")
    except RecordError:
        return
    assert found.entries
    Index([found], MATCHER).search(subject_of(schema="Person", names=["张伟强"]))


def test_a_version_is_what_the_list_says_not_how() -> None:
    a, b = Entry(id="1", schema="Person", names=("A B",)), Entry(id="2", schema="Person", names=("C D",))
    one, turned = WatchList.of([a, b], name="l"), WatchList.of([b, a], name="l")
    assert one.digest == turned.digest
    renamed = WatchList.of([a, attrs.evolve(b, names=("C E",))], name="l")
    assert renamed.digest != one.digest
    assert renamed.changed_since(one) == ((renamed.entries[1],), (b,))
    assert one.changed_since(None) == (one.entries, ())


# --- searching ---------------------------------------------------------------------------------------------------

RIC = "99999919800101001"
RIC_LISTED = next(
    RIC + c
    for c in "0123456789X"
    if sum(int(d) * pow(2, 17 - i, 11) for i, d in enumerate(RIC)) % 11 == (1 - (10 if c == "X" else int(c))) % 11
)
USCC_LISTED = "911100006000072731"
LIST = WatchList.of(
    [
        Entry(id="p1", schema="Person", names=("张伟强", "Zhang Weiqiang"), numbers=(RIC_LISTED,), birth_dates=("1980-01-01",), countries=("cn",)),
        Entry(id="p2", schema="Person", names=("Vadim Petrenkov",), birth_dates=("1971-04-09",), numbers=("RU123456",)),
        Entry(id="p3", schema="Person", names=("李国栋",), numbers=("9999991980****0011",)),
        Entry(id="f1", schema="Organization", names=("北京云帆科技有限公司", "北京旧帆科技有限公司"), numbers=(USCC_LISTED,)),
        Entry(id="v1", schema="Other", names=("Kestrel Queen",), numbers=("IMO8888888",)),
        Entry(id="e1", schema="LegalEntity", names=("Montefiore Castellanos",)),
    ],
    name="test list",
)  # fmt: skip
INDEX = Index([LIST], MATCHER)


def search(**given: object) -> dict[str, Found]:
    subject = subject_of(**{"schema": "Person", "names": [], **given})  # type: ignore[arg-type]
    return {found.entry.id: found for found in INDEX.search(subject)}


@pytest.mark.req("C3")
@pytest.mark.scenario("R01")
@pytest.mark.parametrize("name", ["张伟强", "王五", "Somebody Else"])
def test_a_number_decides_alone(name: str) -> None:
    found = search(names=[name], numbers=[f" {RIC_LISTED[:6]} {RIC_LISTED[6:].lower()}"])["p1"]
    assert (found.level, found.score) == ("hit", 1.0)
    assert "the same identity number" in found.grounds[0]


def test_the_old_form_of_a_number_is_the_same_number() -> None:
    assert search(names=["x"], numbers=[RIC_LISTED[:6] + RIC_LISTED[8:17]])["p1"].level == "hit"


def test_a_number_finds_what_is_neither_person_nor_firm() -> None:
    assert search(schema="Organization", names=["Any Ltd"], numbers=["IMO 8888888"])["v1"].level == "hit"
    assert "v1" not in search(schema="Organization", names=["Kestrel Queen"])


@pytest.mark.req("C3")
@pytest.mark.scenario("R02")
@pytest.mark.parametrize(
    "given",
    [
        {"names": ["Zhang Weiqiang"]},
        {"names": ["Weiqiang ZHANG"]},
        {"names": ["張偉強"]},
        {"names": ["Chang Wei-chiang"]},
        {"names": ["Cheung Wai Keung"]},
        {"names": ["张伟强"], "birth_date": "1980-01-01"},
        {"names": ["张玮强"], "birth_date": "1980-01-01"},
        {"names": ["张伟祥"], "birth_date": "1980-01-01"},
        {"names": ["张 伟 强"], "birth_date": "1980"},
    ],
)
def test_variants_of_a_person_are_for_review(given: dict[str, object]) -> None:
    found = search(**given)["p1"]
    assert (found.level, found.score >= 0.85) == ("possible", True)


@pytest.mark.req("C3")
@pytest.mark.scenario("R02")
@pytest.mark.parametrize(
    "name", ["云帆科技股份有限公司", "Beijing Yunfan Technology Co., Ltd.", "北京舊帆科技有限公司", "云帆（北京）科技"]
)
def test_variants_of_a_firm_are_for_review(name: str) -> None:
    found = search(schema="Organization", names=[name])["f1"]
    assert (found.level, found.score >= 0.85) == ("possible", True)


@pytest.mark.req("C3")
@pytest.mark.scenario("R03")
def test_namesakes_with_another_number_or_birth_date_are_cleared() -> None:
    found = search(names=["张伟强"], birth_date="1981-06-07")["p1"]
    assert (found.level, "another birth date" in found.grounds) == ("none", True)
    other = "999999199003034569"
    found = search(names=["张伟强"], numbers=[other])["p1"]
    assert found.level == "none"
    assert any("another" in ground for ground in found.grounds)
    found = search(schema="Organization", names=["北京云帆科技有限公司"], numbers=["91110000600037341L"])["f1"]
    assert (found.level, "another social credit code" in found.grounds) == ("none", True)


@pytest.mark.scenario("R03")
def test_of_200_namesakes_at_most_two_are_reported() -> None:
    random_ = random.Random(3)
    days = [dt.date(1950, 1, 1) + dt.timedelta(random_.randrange(20_000)) for _ in range(200)]
    reported = [day for day in days if search(names=["张伟强"], birth_date=day.isoformat())["p1"].level != "none"]
    assert len(reported) <= 2


def test_a_hidden_number_confirms_or_rules_out() -> None:
    fitting = "999999198003120011"
    assert identify(fitting, "ric").valid
    assert "visible digits of the identity number agree" in " ".join(
        search(names=["李国栋"], numbers=[fitting])["p3"].grounds
    )
    other = search(names=["李国栋"], numbers=["999999197003120013"])["p3"]
    assert other.level == "none"


def test_another_country_only_hints() -> None:
    at_home, abroad = search(names=["张伟强"], countries=["CN"])["p1"], search(names=["张伟强"], countries=["FR"])["p1"]
    assert at_home.level == abroad.level == "possible"
    assert abroad.score < at_home.score


def test_day_and_month_exchanged_is_not_ruled_out() -> None:
    assert search(names=["Vadim Petrenkov"], birth_date="1971-09-04")["p2"].level == "possible"


def test_an_entry_that_may_be_either_is_found_as_both() -> None:
    assert "e1" in search(names=["Montefiore Castellanos"])
    assert "e1" in search(schema="Organization", names=["Montefiore Castellanos Ltd"])


def test_other_people_find_nothing() -> None:
    for name in ("王芳", "李娜", "John Smith", "Zhang Wei", "", "???", "张"):
        assert search(names=[name]) == {}


def test_the_index_misses_hardly_anything_that_comparing_with_all_would_find() -> None:
    draw = random.Random(4)
    parts = [
        "bar",
        "ben",
        "cor",
        "dal",
        "den",
        "fel",
        "gar",
        "hol",
        "jan",
        "kel",
        "lor",
        "mar",
        "nor",
        "per",
        "ros",
        "sel",
        "tor",
        "val",
        "wil",
        "zan",
        "ka",
        "mi",
        "no",
        "re",
        "sa",
        "ti",
        "vo",
        "la",
    ]
    first = ["".join(draw.sample(parts, 2)).capitalize() for _ in range(60)]
    last = ["".join(draw.sample(parts, draw.choice((2, 3)))).capitalize() for _ in range(800)]
    names = sorted({f"{draw.choice(first)} {draw.choice(last)}" for _ in range(4_000)})
    given_ = "建国志强文丽秀英晓明春华海燕立新雪梅俊杰"
    names += sorted({draw.choice("王李张刘陈") + "".join(draw.sample(given_, 2)) for _ in range(1_000)})
    index = Index([WatchList.of([Entry(id=n, schema="Person", names=(n,)) for n in names], name="l")], MATCHER)
    asked = missed = 0
    for name in draw.sample(names, 400):
        place = draw.randrange(1, len(name) - 1)
        written = name[:place] + name[place + 1 :] if name.isascii() else MATCHER.romaniser.pinyin(name, person=True)
        if MATCHER.match(written, name).score >= 0.7:
            asked += 1
            found = index.search(subject_of(schema="Person", names=[written]))
            missed += name not in {one.entry.id for one in found}
    assert asked > 300
    assert missed <= 0.015 * asked


def test_everybody_of_one_name_is_found() -> None:
    many = [Entry(id=str(n), schema="Person", names=("王芳",), numbers=(f"E{n:07}",)) for n in range(50)]
    index = Index([WatchList.of(many, name="l")], MATCHER)
    assert len(index.search(subject_of(schema="Person", names=["Wang Fang"]))) == 50


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=30),
    st.lists(st.text(max_size=20), max_size=3),
    st.sampled_from(["Person", "Organization", "LegalEntity"]),
)
def test_search_never_raises(name: str, numbers: list[str], schema: str) -> None:
    for found in INDEX.search(subject_of(schema=schema, names=[name], numbers=numbers)):
        assert 0 <= found.score <= 1


# --- the check ---------------------------------------------------------------------------------------------------


def ftm_file(tmp_path: Path, entries: tuple[Entry, ...] = LIST.entries) -> ListFile:
    path = tmp_path / "list.json"
    lines = [
        {
            "id": e.id,
            "schema": e.schema,
            "properties": {"name": list(e.names), "idNumber": list(e.numbers), "birthDate": list(e.birth_dates)},
        }
        for e in entries
        if e.schema != "Other"
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return ListFile(path=str(path), name="test list")


def submission(**given: object) -> Submission:
    customer = Customer(**{"id": "c-1", "name": "x", "schema": "Person", "owner": "r-1", **given})  # type: ignore[arg-type]
    return Submission(id="s-1", kind="customer", value=customer, at=AT)


def ruling(check: ListCheck, **given: object) -> Ruling:
    (answer,) = check.check([submission(**given)])
    return answer


@pytest.mark.req("C3")
@pytest.mark.scenario("R01")
def test_a_hit_stops_and_tells_compliance_and_the_rep(tmp_path: Path) -> None:
    answer = ruling(
        ListCheck(ScreeningSettings(lists=(ftm_file(tmp_path),))), name="张伟强", identifiers={"ric": RIC_LISTED}
    )
    assert answer.outcome is Outcome.STOP
    (finding,) = answer.findings
    assert (finding.code, finding.severity) == ("aml.hit", Severity.CRITICAL)
    assert finding.audience == (Audience.COMPLIANCE, Audience.REP)
    assert (finding.subject_kind, finding.subject, finding.rep) == ("customer", "c-1", "r-1")
    facts = finding.evidence[0].facts
    assert (facts["list"], facts["entry"]) == ("test list", "p1")
    assert len(facts["list_version"]) == 64
    assert RIC_LISTED not in repr(answer)
    json.dumps([dict(ground.facts) for ground in answer.grounds])


@pytest.mark.req("C3")
@pytest.mark.scenario("R02")
def test_a_possible_hit_is_reviewed_by_compliance_only(tmp_path: Path) -> None:
    answer = ruling(ListCheck(ScreeningSettings(lists=(ftm_file(tmp_path),))), name="Chang Wei-chiang")
    assert answer.outcome is Outcome.REVIEW
    (finding,) = answer.findings
    assert (finding.code, finding.severity, finding.audience) == (
        "aml.possible_hit",
        Severity.HIGH,
        (Audience.COMPLIANCE,),
    )
    assert finding.confidence >= 0.85


@pytest.mark.scenario("R03")
def test_a_namesake_is_cleared_with_the_ground_recorded(tmp_path: Path) -> None:
    check = ListCheck(ScreeningSettings(lists=(ftm_file(tmp_path),)))
    answer = ruling(check, name="张伟强", birth_date=dt.date(1990, 5, 5))
    assert (answer.outcome, answer.findings) == (Outcome.CLEARED, ())
    assert [ground.code for ground in answer.grounds] == ["screening.cleared", "screening.searched"]
    assert "another birth date" in answer.grounds[0].facts["grounds"]
    assert answer.grounds[1].facts["lists"]["test list"]


@pytest.mark.req("C3")
def test_without_a_readable_list_nothing_is_cleared(tmp_path: Path) -> None:
    nothing = ruling(ListCheck(ScreeningSettings()), name="王芳")
    assert (nothing.outcome, nothing.grounds[0].code) == (Outcome.REVIEW, "screening.no_list")
    lists = (ftm_file(tmp_path), ListFile(path=str(tmp_path / "gone.csv")))
    half = ListCheck(ScreeningSettings(lists=lists))
    assert ruling(half, name="王芳").outcome is Outcome.REVIEW
    assert ruling(half, name="x", identifiers={"ric": RIC_LISTED}).outcome is Outcome.STOP
    (tmp_path / "gone.csv").write_text("name\n赵六\n", encoding="utf-8")
    assert ruling(half, name="王芳").outcome is Outcome.CLEARED
    assert ruling(half, name="赵六").outcome is Outcome.REVIEW


def test_a_list_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    file = ftm_file(tmp_path)
    check = ListCheck(ScreeningSettings(lists=(file,)))
    first = check.index()
    assert check.index() is first
    text = Path(file.path).read_text(encoding="utf-8")
    Path(file.path).write_text(text + "\n\n", encoding="utf-8")
    assert check.index() is first, "the same entries are the same version"
    Path(file.path).write_text(text.splitlines()[0], encoding="utf-8")
    assert len(check.index()) == 1


def test_impossible_numbers_are_seen(tmp_path: Path) -> None:
    check = ListCheck(ScreeningSettings(lists=(ftm_file(tmp_path),)))
    answer = ruling(check, name="王芳", identifiers={"ric": "999999198013010010"})
    assert (answer.outcome, answer.grounds[0].code) == (Outcome.REVIEW, "screening.invalid_number")
    assert answer.grounds[0].facts == {"kind": "ric", "reason": "birth_date.month", "position": 11}


def test_phones_are_no_identity(tmp_path: Path) -> None:
    entry = Entry(id="t", schema="Person", names=("Someone Listed",), numbers=("13800000000",))
    check = ListCheck(ScreeningSettings(lists=(ftm_file(tmp_path, (entry,)),)))
    assert ruling(check, name="王芳", identifiers={"phone": "13800000000"}).outcome is Outcome.CLEARED


def test_what_is_no_customer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="FHR-REC-001"):
        ListCheck(ScreeningSettings()).check([Submission(id="s", kind="customer", value="x", at=AT)])


class TestConformance(CheckConformance):
    """The kit that every check must pass, with a list."""

    def make(self) -> ListCheck:
        return ListCheck(
            ScreeningSettings(
                lists=(
                    ListFile(path=str(Path(__file__).parent.parent / "data" / "screening" / "house.csv"), kind="house"),
                )
            )
        )

    def to_stop(self) -> list[Submission]:
        return [submission(name="陈大海", identifiers={"passport": "E00000001"}), submission(name="Chen Dahai")]

    def to_clear(self) -> list[Submission]:
        return [submission(name="王芳"), submission(name="Quarrystone Foods Ltd", schema="Organization")]


# --- again -------------------------------------------------------------------------------------------------------


@pytest.mark.req("C3")
@pytest.mark.scenario("R04")
def test_customers_are_screened_again_when_a_list_changes() -> None:
    surnames, given_ = (
        "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗",
        "建国志强文丽秀英晓明春华海燕立新雪梅俊杰佳怡浩然子涵梓轩雨欣宇航思远嘉豪静雯",
    )
    draw = random.Random(9)
    customers = [
        Customer(
            id=f"c{n}",
            name=draw.choice(surnames) + "".join(draw.sample(given_, 2)),
            schema="Person",
            identifiers={"passport": f"Q{n:08}"},
            birth_date=dt.date(1960, 1, 1) + dt.timedelta(draw.randrange(15_000)),
        )
        for n in range(10_000)
    ]
    five = [customers[n] for n in (7, 1234, 5000, 7777, 9999)]
    base = [Entry(id=f"b{n}", schema="Person", names=(f"Nobody Listed{n}",)) for n in range(2_000)]
    listed = [
        Entry(id=f"n{c.id}", schema="Person", names=(c.name,), numbers=(c.identifiers["passport"],)) for c in five
    ]
    old, new = Index([WatchList.of(base, name="l")], MATCHER), Index([WatchList.of(base + listed, name="l")], MATCHER)
    start = time.process_time()
    changes = rescreen(customers, old, new)
    assert time.process_time() - start < 60
    hits = [change for change in changes if change.after is not None and change.after.level == "hit"]
    assert {change.customer.id for change in hits} == {customer.id for customer in five}
    assert all(change.is_new and not change.is_over for change in hits)
    # The whole says the same as the difference.
    some = [*five, *customers[:100]]
    whole = {(c.id, f.entry.id) for c in some for f in new.search(subject_of_customer(c)) if f.level == "hit"}
    assert whole == {(change.customer.id, change.after.entry.id) for change in hits if change.after}
    over = rescreen(five, new, old)
    assert {change.customer.id for change in over if change.is_over and change.before} == {c.id for c in five}
    assert rescreen(customers[:50], new, new) == []


def test_an_entry_that_learns_a_number_makes_a_hit() -> None:
    before = Entry(id="1", schema="Person", names=("张伟强",))
    after = attrs.evolve(before, numbers=("E7654321",))
    customer = Customer(id="c", name="张伟强", schema="Person", identifiers={"passport": "E7654321"})
    old, new = Index([WatchList.of([before], name="l")], MATCHER), Index([WatchList.of([after], name="l")], MATCHER)
    (change,) = rescreen([customer], old, new)
    assert change.before is not None
    assert change.after is not None
    assert (change.before.level, change.after.level, change.is_new) == ("possible", "hit", True)


# --- commands ----------------------------------------------------------------------------------------------------


def run(function: object, lines: list[object], **args: object) -> list[dict[str, object]]:
    stdin = io.StringIO("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    stdout = io.StringIO()
    assert function(Namespace(file="-", aliases=None, **args), stdin, stdout) == 0  # type: ignore[operator]
    return [json.loads(line) for line in stdout.getvalue().splitlines()]


def test_match_command() -> None:
    answers = run(
        commands.match_names,
        [
            {"id": 1, "schema": "Person", "name1": "張偉", "name2": "Zhang Wei"},
            {"id": 2, "schema": "Organization", "name1": "北京云帆科技有限公司", "name2": "北京云图科技有限公司"},
            {"id": 3, "schema": "Person", "name1": 5, "name2": "x"},
            {"id": 4, "schema": "Planet", "name1": "x", "name2": "x"},
        ],
    )
    assert [answer.get("level") for answer in answers] == ["hit", "none", None, None]
    assert set(answers[0]) == {"id", "score", "level", "grounds"}
    assert [answer["id"] for answer in answers] == [1, 2, 3, 4]
    assert all("error" in answer for answer in answers[2:])


def test_search_command(tmp_path: Path) -> None:
    file = ftm_file(tmp_path)
    found, cleared, bad = run(
        commands.search_lists,
        [
            {"id": "a", "schema": "Person", "name": "Zhang Weiqiang", "identifiers": [RIC_LISTED]},
            {
                "id": "b",
                "schema": "Person",
                "name": "张伟强",
                "identifiers": [],
                "birth_date": "1999-09-09",
                "countries": None,
            },
            {"id": "c", "schema": "Person", "name": "张伟强", "birth_date": "yesterday"},
        ],
        list=[file.path],
        list_format="ftm",
    )
    (match,) = found["matches"]  # type: ignore[misc]
    assert (match["entry"], match["level"], match["score"]) == ("p1", "hit", 1.0)
    assert (cleared["matches"], cleared["cleared"][0]["entry"]) == ([], "p1")  # type: ignore[index]
    assert "error" in bad


def test_identify_command() -> None:
    good, wrong, kind = run(
        commands.identify_numbers,
        [
            {"value": USCC_LISTED, "kind": "uscc"},
            {"id": 7, "value": "123", "kind": "ric"},
            {"value": "1", "kind": "iban"},
        ],
    )
    assert (good["valid"], good["normal"], good["reason"]) == (True, USCC_LISTED, None)
    assert (wrong["id"], wrong["valid"], wrong["reason"]) == (7, False, "length")
    assert "error" in kind


@pytest.mark.req("C3")
def test_a_name_that_cannot_be_compared_is_not_cleared(tmp_path: Path) -> None:
    answer = ruling(ListCheck(ScreeningSettings(lists=(ftm_file(tmp_path),))), name="สมชาย ใจดี")
    assert answer.outcome is Outcome.REVIEW
    assert "screening.name_unreadable" in {ground.code for ground in answer.grounds}
    assert answer.findings == ()
