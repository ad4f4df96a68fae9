"""Customer and deal files as real people export them."""

from __future__ import annotations

import contextlib
import csv
import io
import zipfile
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.errors import ConfigError, RecordError
from fieldhr_core.intake.cells import BadCellError, amount_minor, coordinate, datum, day, instant
from fieldhr_core.intake.headings import guess, headings
from fieldhr_core.model import Address, Customer, Datum, Deal, Problem
from fieldhr_plugins.crm_files import FileSettings
from fieldhr_plugins.crm_files.preview import preview
from fieldhr_plugins.crm_files.reading import MESSAGES, open_customers, open_deals

WGS = FileSettings(datum=Datum.WGS84)


def read(path: Path, settings: FileSettings = WGS, *, deals: bool = False) -> list:
    opened = (open_deals if deals else open_customers)(path, settings)
    return [opened.record(number, row) for number, row in opened.rows]


def saved(tmp_path: Path, content: str | bytes, name: str = "crm.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def codes(found: list) -> list[str]:
    return [one.code if isinstance(one, Problem) else one.id for one in found]


CHINESE = "客户编号,客户名称,地址,纬度,经度,需求,负责人\nC1,张三,上海市黄浦区,31.23,121.47,开立期货账户,r7\n"


@pytest.mark.req("G3", "A3")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_chinese_export_is_understood_in_every_usual_encoding(tmp_path, encoding):
    path = saved(tmp_path, CHINESE, encoding=encoding)
    assert read(path) == [
        Customer(
            id="C1",
            name="张三",
            owner="r7",
            need="开立期货账户",
            addresses=(Address(id="main", text="上海市黄浦区", lat=31.23, lon=121.47, datum=Datum.WGS84),),
            source="files",
        )
    ]


@pytest.mark.req("G3")
def test_an_english_export_with_every_field(tmp_path):
    path = saved(
        tmp_path,
        "Customer ID;Customer Name;Type;Owner;Need;Address;Latitude;Longitude;Datum;Radius;Phone;ID Number;Industry;"
        "Risk Level;Potential;Date of Birth;Countries;Last Modified\n"
        'C 1;"Smith; John";Person;r1;open a futures account;"1 Road;\nTown";31.5;-0.12;GCJ-02;80;+86 21 5555;1101;'
        'retail;high;A;1980-02-29;"CN;GB";2026-03-01 09:30\n',
    )
    (customer,) = read(path)
    assert customer == Customer(
        id="C 1",
        name="Smith; John",
        schema="Person",
        owner="r1",
        need="open a futures account",
        addresses=(Address(id="main", text="1 Road;\nTown", lat=31.5, lon=-0.12, datum=Datum.GCJ02, radius_m=80.0),),
        identifiers={"phone": "+86 21 5555", "ric": "1101"},
        industry="retail",
        risk="high",
        potential="A",
        birth_date=date(1980, 2, 29),
        countries=("CN", "GB"),
        source="files",
        updated=datetime(2026, 3, 1, 1, 30, tzinfo=UTC),
    )


ROWS = {
    ",Ann,31,121": "customer.no_id",
    "C1,,31,121": "customer.no_name",
    "C1,  ,31,121": "customer.no_name",
    "C1,Ann,31,": "address.half_a_coordinate",
    "C1,Ann,121.4,31.2": "address.swapped",
    "C1,Ann,0,0": "address.out_of_range",
    "C1,Ann,91,200": "address.out_of_range",
    "C1,Ann,31,181": "address.out_of_range",
    "C1,Ann,nan,121": "address.bad_coordinate",
    "C1,Ann,inf,121": "address.bad_coordinate",
    "C1,Ann,1_0,121": "address.bad_coordinate",
    "C1,Ann,north,121": "address.bad_coordinate",
    "C1,=HYPERLINK(1),31,121": "cell.formula",
    "1.10101E+17,Ann,31,121": "identifier.precision_lost",
    "C1,Ann,31,121,extra": "row.extra_cells",
    'C1,"Ann"x,31,121': "csv.unterminated_quote",
    "C1,A\0nn,31,121": "csv.nul",
}


@pytest.mark.req("G3", "A2")
@pytest.mark.parametrize(("row", "code"), ROWS.items())
def test_a_bad_row_is_named_and_its_neighbours_are_not_lost(tmp_path, row, code):
    path = saved(tmp_path, f"id,name,lat,lon\nC0,Eve,31,121\n{row}\nC9,Bob,31,121\n")
    first, bad, last = read(path)
    assert (first.id, last.id) == ("C0", "C9")
    assert isinstance(bad, Problem)
    assert (bad.code, bad.at) == (code, "crm.csv: line 3")
    assert bad.message == MESSAGES[code]
    assert "Ann" not in bad.message


@pytest.mark.req("G3")
@pytest.mark.parametrize(
    "row",
    [
        "C1,Ann,90,180",
        "C1,Ann,-90,-180",
        "C1,Ann,0,121",
        "C1,Ann,,",
        "C1,Ann",
        "C1,Ann,31,121,",
        'C1,"A ""quoted"" name",31,121',
        '"C1","Ann, Bob",31,121',
        'C1,5" pipe Ltd,31,121',
        'C1,="00123",31,121',
        "C1,@handle,31,121",
        "C1,-Ann-,31,121",
        'C1,"Ann\nand Bob",31,121',
    ],
)
def test_near_misses_are_customers(tmp_path, row):
    path = saved(tmp_path, f"id,name,lat,lon\nC0,Eve,31,121\n{row}\nC9,Bob,31,121\n")
    assert codes(read(path)) == ["C0", "C1", "C9"]


@pytest.mark.req("A2")
def test_a_coordinate_without_a_datum_is_no_customer_and_a_column_may_say_it_row_by_row(tmp_path):
    path = saved(tmp_path, "id,name,lat,lon,坐标系\n1,a,31,121,\n2,b,31,121,百度\n3,c,31,121,mars\n4,d,,,\n")
    assert codes(read(path, FileSettings())) == ["address.no_datum", "2", "address.unknown_datum", "4"]
    assert read(path, WGS)[0].addresses[0].datum is Datum.WGS84
    assert read(path, WGS)[1].addresses[0].datum is Datum.BD09


@pytest.mark.req("G3")
@pytest.mark.parametrize("gap", [1, 5, 200])
def test_a_quote_that_is_never_closed_costs_one_row(tmp_path, gap):
    between = "".join(f"M{n},Mid,31,121\n" for n in range(gap))
    path = saved(
        tmp_path, f'id,name,lat,lon\nC0,Eve,31,121\nC1,"Ann,31,121\n{between}C8,"B, Co",31,121\nC9,Bob,31,121\n'
    )
    found = codes(read(path))
    assert found == ["C0", "csv.unterminated_quote", *(f"M{n}" for n in range(gap)), "C8", "C9"]


@pytest.mark.req("G3")
def test_two_stray_quotes_do_not_swallow_what_lies_between(tmp_path):
    path = saved(tmp_path, 'id,name,lat,lon\nC0,Eve,31,121\nC1,"Ann,31,121\nC2,Mid,31,121\nC3,x",31\nC9,Bob,31,121\n')
    assert codes(read(path))[:3] == ["C0", "csv.unterminated_quote", "C2"]
    assert codes(read(path))[-1] == "C9"


@pytest.mark.req("G3")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_blank_lines_a_title_and_excels_separator_line(tmp_path, end):
    text = f"sep=|{end}{end}Customers of the branch|||{end}id|name|lat|lon{end}{end}1|a|31|121{end}|||{end}2|b|31|121"
    assert codes(read(saved(tmp_path, text))) == ["1", "customer.no_id", "2"]


@pytest.mark.req("G3")
def test_a_line_longer_than_any_row_is_named_and_skipped(tmp_path):
    text = "id,name,lat,lon\n1,a,31,121\n2," + "x" * 3_000_000 + ",31,121\n3,c,31,121\n"
    assert codes(read(saved(tmp_path, text))) == ["1", "csv.line_too_long", "3"]


@pytest.mark.req("G3")
def test_stray_bytes_in_a_marked_or_declared_file_cost_their_row_only(tmp_path):
    raw = "id,name\n1,张三\n2,李四\n3,王五\n".encode()
    broken = raw.replace("李".encode(), b"\xff\xfe")
    assert codes(read(saved(tmp_path, b"\xef\xbb\xbf" + broken))) == ["1", "csv.bad_bytes", "3"]
    assert codes(read(saved(tmp_path, broken), FileSettings(encoding="utf-8"))) == ["1", "csv.bad_bytes", "3"]


@pytest.mark.req("G3")
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "xlsx"),
        (b"PK\x03\x04 not a zip", "archive"),
        (b"id,name\n1,\xff\xff\xff\xff\n", "encoding"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, why):
    with pytest.raises(RecordError, match=why) as raised:
        read(saved(tmp_path, content))
    assert raised.value.code == "FHR-REC-006"


@pytest.mark.req("G3")
def test_a_missing_file_and_an_unknown_codec_are_named(tmp_path):
    with pytest.raises(RecordError, match=r"gone\.csv"):
        read(tmp_path / "gone.csv")
    with pytest.raises(RecordError, match="klingon"):
        read(saved(tmp_path, CHINESE), FileSettings(encoding="klingon"))


@pytest.mark.req("G3")
def test_a_mapping_comes_before_what_is_recognised_and_may_leave_columns_out(tmp_path):
    path = saved(tmp_path, "Ref,Who,Name,Where\nC1,Ann,ignored,31.2 121.4\n")
    settings = FileSettings(mapping={"Ref": "id", "Who": "name", "Name": "", "Where": "lat_lon"}, datum=Datum.WGS84)
    (customer,) = read(path, settings)
    assert (customer.id, customer.name) == ("C1", "Ann")
    assert (customer.addresses[0].lat, customer.addresses[0].lon) == (31.2, 121.4)


@pytest.mark.req("G3")
def test_every_fault_of_a_mapping_is_reported_at_once(tmp_path):
    path = saved(tmp_path, "Ref,Who\nC1,Ann\n")
    with pytest.raises(ConfigError) as raised:
        read(path, FileSettings(mapping={"Reff": "id", "Ref": "nme", "Who": "name", "x": "name"}))
    message = str(raised.value)
    assert all(part in message for part in ("'Reff'", "'nme'", "two columns are the field 'name'", "'Ref', 'Who'"))


@pytest.mark.req("G3")
def test_headings_are_recognised_and_no_heading_means_two_things():
    assert guess(["客户 名称", "NAME", "Lat.", "联系电话（必填）", "Remark"], headings("customer")) == {
        "客户 名称": "name",
        "Lat.": "lat",
        "联系电话（必填）": "phone",
    }
    for kind in ("customer", "deal"):
        every = [heading for known in headings(kind).values() for heading in known]
        assert len(every) == len(set(every))
        for field, known in headings(kind).items():
            assert all(guess([heading], headings(kind)) == {heading: field} for heading in known)


# --- XLSX -------------------------------------------------------------------------------------------------------------


def workbook(tmp_path: Path, *sheets: tuple[str, list[list]], name: str = "crm.xlsx") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / name)
    return tmp_path / name


@pytest.mark.req("G3")
def test_a_workbook_with_a_title_numbers_dates_and_errors(tmp_path):
    rows = [
        ["2026年3月客户名单"],
        [],
        ["客户编号", "客户名称", "纬度", "经度", "出生日期", "统一社会信用代码"],
        [1001, "张三", 31.23, 121.47, datetime(1980, 2, 29), None],  # noqa: DTZ001 - a workbook's times have no zone
        [1002.0, "某某公司", "31.2", "121.4", None, "91310000X"],
        ["#N/A", "x", None, None, None, None],
        [1003, "李四", None, None, date(1990, 1, 2), None],
        ["110101199003077758", "王五", None, None, None, None],
    ]
    found = read(workbook(tmp_path, ("客户", rows), ("other", [["id"]])))
    assert codes(found) == ["1001", "1002", "cell.error", "1003", "110101199003077758"]
    assert found[0].birth_date == date(1980, 2, 29)
    assert (found[0].schema, found[1].schema) == ("Person", "Organization")
    assert found[1].addresses[0].lat == 31.2
    assert found[2].at == "crm.xlsx: row 6"


@pytest.mark.req("G3")
def test_an_identity_number_that_a_workbook_has_rounded_is_refused(tmp_path):
    rows = [["id", "name", "id number"], ["1", "Ann", 1.10101199003077e17]]
    assert codes(read(workbook(tmp_path, ("s", rows)))) == ["identifier.precision_lost"]


@pytest.mark.req("G3")
def test_the_sheet_is_chosen_by_name(tmp_path):
    path = workbook(tmp_path, ("a", [["id", "name"], ["1", "x"]]), ("b", [["id", "name"], ["2", "y"]]))
    assert codes(read(path)) == ["1"]
    assert codes(read(path, FileSettings(sheet="b"))) == ["2"]
    with pytest.raises(RecordError, match="'a', 'b'"):
        read(path, FileSettings(sheet="c"))


def _with_part(path: Path, name: str, content: bytes) -> Path:
    changed = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, content)
    return changed


@pytest.mark.req("G3", "E1")
@pytest.mark.parametrize("bomb", ["ratio", "size", "parts", "entities", "strings"])
def test_a_workbook_that_hides_something_is_refused_before_it_is_unpacked(tmp_path, bomb):
    path = workbook(tmp_path, ("s", [["id", "name"], ["1", "x"]]))
    settings = FileSettings(max_unpacked_mb=64)
    if bomb == "ratio":
        path = _with_part(path, "xl/media/a.bin", b"\0" * (20 << 20))
    elif bomb == "size":
        path, settings = _with_part(path, "xl/media/a.bin", b"\0" * (2 << 20)), FileSettings(max_unpacked_mb=1)
    elif bomb == "parts":
        with zipfile.ZipFile(path, "a") as archive:
            for number in range(2_100):
                archive.writestr(f"xl/x{number}", b"")
    elif bomb == "entities":
        laughs = (
            b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'
        )
        path = _with_part(path, "xl/worksheets/sheet1.xml", laughs)
    else:
        text = b"<sst>" + b"".join(b"<si><t>%d</t></si>" % n for n in range(6_000_000)) + b"</sst>"
        path, settings = _with_part(path, "xl/sharedStrings.xml", text), FileSettings(max_unpacked_mb=512)
    with pytest.raises(RecordError) as raised:
        read(path, settings)
    assert raised.value.code == "FHR-REC-006"


@pytest.mark.req("G3")
def test_a_workbook_with_a_damaged_sheet_says_so(tmp_path):
    start = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:B3000"/><sheetData>'
    row = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>id</t></is></c></row>'
    damaged = start + b"".join(row % (n, n) for n in range(1, 3_000)) + b"<row><c></row>"
    path = _with_part(workbook(tmp_path, ("s", [["id", "name"]])), "xl/worksheets/sheet1.xml", damaged)
    with pytest.raises(RecordError, match="damaged"):
        read(path)


@pytest.mark.req("G3")
def test_rows_behind_many_blank_ones_are_not_lost(tmp_path):
    rows = [["id", "name"], ["1", "x"], *([[None, None]] * 1_500), ["2", "y"]]
    assert codes(read(workbook(tmp_path, ("s", rows)))) == ["1", "2"]


# --- deals ------------------------------------------------------------------------------------------------------------


@pytest.mark.req("G3", "B1")
def test_deals_with_money_in_minor_units(tmp_path):
    path = saved(
        tmp_path,
        "合同编号,客户经理,客户编号,产品,阶段,创建时间,签约日期,金额,币种\n"
        'D1,r1,C1,loan,signed,2026-03-01,2026/3/20,"1,234.50",CNY\n'
        "D2,r1,C1,loan,open,2026年3月2日,,12.5万,\n"
        "D3,r1,C1,loan,open,2026-03-02 10:15,,1500,JPY\n"
        "D4,r1,C1,loan,open,2026-03-02,,1500.5,JPY\n"
        "D5,,C1,loan,open,2026-03-02,,1,CNY\n"
        "D6,r1,,loan,open,2026-03-02,,1,CNY\n"
        "D7,r1,C1,loan,open,,,1,CNY\n"
        "D8,r1,C1,loan,open,2026-03-02,2026-03-01,1,CNY\n"
        "D9,r1,C1,loan,open,2026-03-02,,1,yuan\n"
        ",r1,C1,loan,open,2026-03-02,,1,CNY\n",
    )
    found = read(path, deals=True)
    assert found[0] == Deal(
        id="D1",
        rep="r1",
        customer="C1",
        product="loan",
        stage="signed",
        opened=datetime(2026, 2, 28, 16, tzinfo=UTC),
        closed=datetime(2026, 3, 19, 16, tzinfo=UTC),
        amount_minor=123_450,
        currency="CNY",
    )
    assert (found[1].amount_minor, found[1].closed) == (12_500_000, None)
    assert (found[2].amount_minor, found[2].opened) == (1500, datetime(2026, 3, 2, 2, 15, tzinfo=UTC))
    assert codes(found)[3:] == [
        "amount.too_precise",
        "deal.no_rep",
        "deal.no_customer",
        "deal.no_opened",
        "deal.closed_before_opened",
        "amount.unknown_currency",
        "deal.no_id",
    ]


@pytest.mark.req("G3")
@pytest.mark.parametrize(
    ("cell", "currency", "minor"),
    [
        ("12345.6", "CNY", 1_234_560),
        ("￥12,345.60", "CNY", 1_234_560),
        ("CNY 1,000", "CNY", 100_000),
        ("100元", "CNY", 10_000),
        ("１２．５", "CNY", 1_250),
        ("(12.00)", "CNY", -1_200),
        ("-0.01", "CNY", -1),
        ("1.5亿", "CNY", 15_000_000_000),
        ("1.234", "KWD", 1_234),
        ("0", "CNY", 0),
        ("", "CNY", None),
    ],
)
def test_amounts(cell, currency, minor):
    assert amount_minor(cell, currency) == minor


@pytest.mark.req("G3")
@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1.234,56", "amount.unreadable"),
        ("12,34", "amount.unreadable"),
        ("1e5", "amount.unreadable"),
        ("NaN", "amount.unreadable"),
        ("ten", "amount.unreadable"),
        ("٣", "amount.unreadable"),
        ("0.001", "amount.too_precise"),
        ("9" * 30, "amount.out_of_range"),
        ("=1+1", "cell.formula"),
    ],
)
def test_what_is_no_amount(cell, code):
    with pytest.raises(BadCellError, match=code):
        amount_minor(cell, "CNY")


@pytest.mark.req("G3")
@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_written_amounts_come_back_exactly(amount):
    assert amount_minor(f"{amount}", "CNY") == int(amount * 100)
    assert amount_minor(f"{amount:,}", "CNY") == int(amount * 100)


@pytest.mark.req("G3")
@pytest.mark.parametrize(
    ("cell", "order", "expected"),
    [
        ("2026-03-04", "", date(2026, 3, 4)),
        ("2026/3/4", "", date(2026, 3, 4)),
        ("2026年3月4日", "", date(2026, 3, 4)),
        ("20260304", "", date(2026, 3, 4)),
        ("25/03/2026", "", date(2026, 3, 25)),
        ("03/25/2026", "", date(2026, 3, 25)),
        ("04/04/2026", "", date(2026, 4, 4)),
        ("03/04/2026", "dmy", date(2026, 4, 3)),
        ("03/04/2026", "mdy", date(2026, 3, 4)),
        ("", "", None),
        ("03/04/2026", "", "date.ambiguous"),
        ("2026-02-29", "", "date.unreadable"),
        ("46085", "", "date.unreadable"),
        ("soon", "", "date.unreadable"),
    ],
)
def test_dates(cell, order, expected):
    if isinstance(expected, str):
        with pytest.raises(BadCellError, match=expected):
            day(cell, order)
    else:
        assert day(cell, order) == expected


@pytest.mark.req("G3", "A9")
def test_times_are_local_unless_they_say_otherwise():
    zone = ZoneInfo("Asia/Shanghai")
    assert instant("2026-03-04 09:30", "", zone) == datetime(2026, 3, 4, 1, 30, tzinfo=UTC)
    assert instant("2026-03-04T09:30:15Z", "", zone) == datetime(2026, 3, 4, 9, 30, 15, tzinfo=UTC)
    assert instant("2026-03-04 09:30+02:00", "", zone) == datetime(
        2026, 3, 4, 9, 30, tzinfo=timezone(timedelta(hours=2))
    )
    for cell in ("2026-03-04 25:00", "2026-03-04 noon"):
        with pytest.raises(BadCellError, match=r"date\.unreadable"):
            instant(cell, "", zone)


@pytest.mark.req("A2")
@pytest.mark.parametrize(
    ("cell", "degrees"),
    [
        ("31.23", 31.23),
        (" 31.23 ", 31.23),
        ("31.23°N", 31.23),
        ("W 0.5", -0.5),
        ("３１．２", 31.2),
        ("北31.2", 31.2),
        ("", None),
    ],
)
def test_coordinates(cell, degrees):
    assert coordinate(cell) == degrees


@pytest.mark.req("A2")
def test_datums():
    assert [datum(name) for name in ("WGS-84", "gcj_02", "火星坐标", "BD-09", "")] == [
        Datum.WGS84,
        Datum.GCJ02,
        Datum.GCJ02,
        Datum.BD09,
        None,
    ]


# --- preview ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("G3")
def test_a_preview_shows_the_mapping_and_every_problem_and_no_cell(tmp_path):
    path = saved(
        tmp_path, CHINESE.replace("\nC1", ",备注\nC1") + "C1,李四,,,,,\n,王五,,,,,\nC3,,,,,,\n", encoding="gb18030"
    )
    found = preview(path)
    assert (found.kind, found.encoding, found.delimiter, found.header_row) == ("csv", "gb18030", ",", 1)
    assert [column["field"] for column in found.columns] == [
        "id",
        "name",
        "address",
        "lat",
        "lon",
        "need",
        "owner",
        None,
    ]
    assert found.columns[1] == {"column": "客户名称", "field": "name", "filled": 0.75}
    assert (found.rows, found.readable, found.is_complete, found.missing) == (4, 1, True, ())
    assert [(problem["code"], problem["count"], problem["at"]) for problem in found.problems] == [
        ("address.no_datum", 1, ["crm.csv: line 2"]),
        ("customer.no_id", 1, ["crm.csv: line 4"]),
        ("customer.no_name", 1, ["crm.csv: line 5"]),
    ]
    assert "张三" not in repr(found)
    assert [problem["code"] for problem in preview(path, WGS).problems][1] == "customer.no_id"
    assert preview(path, WGS).problems[0]["code"] == "customer.duplicate_id"


@pytest.mark.req("G3")
def test_a_preview_names_needed_fields_that_no_column_gives(tmp_path):
    assert preview(saved(tmp_path, "foo,bar\n1,2\n")).missing == ("id", "name")


# --- any file ---------------------------------------------------------------------------------------------------------

cells = st.text(st.characters(exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]), max_size=12)


@pytest.mark.req("G3", "A8")
@given(rows=st.lists(st.tuples(st.integers(1, 10**6), cells), max_size=20), dialect=st.sampled_from(["excel", "unix"]))
def test_whatever_a_csv_writer_writes_is_read_back(rows, dialect, tmp_path_factory):
    text = io.StringIO()
    writer = csv.writer(text, dialect)
    writer.writerow(["id", "name"])
    for number, name in rows:
        writer.writerow([f"C{number}", f"x{name}x"])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(text.getvalue().encode())
    found = read(path)
    assert [(one.id, one.name) for one in found] == [(f"C{number}", f"x{name}x") for number, name in rows]


@pytest.mark.req("G3", "A8")
@given(content=st.binary(min_size=1, max_size=400))
def test_any_bytes_are_read_or_refused_by_name(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "a.csv"
    path.write_bytes(content)
    # Anything else it might raise fails the test.
    with contextlib.suppress(RecordError):
        assert all(isinstance(one, (Customer, Problem)) for one in read(path))
