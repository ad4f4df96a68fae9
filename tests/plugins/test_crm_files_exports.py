"""Exports as people send them: emptied rows, full-width ids, day numbers, two encodings in one file, the wrong sheet."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from fieldhr_core.errors import RecordError
from fieldhr_core.hooks import Pulled
from fieldhr_core.model import Datum
from fieldhr_plugins.crm_files import FileSettings
from fieldhr_plugins.crm_files.connector import FileConnector

pytestmark = pytest.mark.req("G3")


def pulled(path: Path, data: bytes | str, kind: str = "customers", **more: object) -> Pulled:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return FileConnector(FileSettings(**{kind: (str(path),), "datum": Datum.WGS84, **more})).pull(None)


def codes(page: Pulled) -> list[str]:
    return [problem.code for problem in page.problems]


def test_emptied_rows_are_named_and_hide_nobody(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    first = pulled(path, "id,name\n1,Ann\n2,Bob\n,\n  ,\n\n")
    assert [one.id for one in first.customers] == ["1", "2"]
    assert codes(first) == ["customer.no_id"] * 2
    path.write_text("id,name\n1,Ann\n,\n", encoding="utf-8")
    again = FileConnector(FileSettings(customers=(str(path),), datum=Datum.WGS84)).pull(first.cursor)
    assert list(again.gone) == ["2"]  # nothing unreadable hides anybody


def test_ids_typed_in_full_width_are_the_same_ids(tmp_path: Path) -> None:
    page = pulled(tmp_path / "c.csv", "客户编号,客户名称,客户经理\n００１２３,王伟,ｒｅｐ１\n")
    assert [(one.id, one.owner, one.name) for one in page.customers] == [("00123", "rep1", "王伟")]


def test_a_day_number_is_named_and_not_guessed(tmp_path: Path) -> None:
    head = "deal_id,rep,customer,opened\n"
    page = pulled(tmp_path / "d.csv", head + "d1,r,c,46083\nd2,r,c,46083.5\nd3,r,c,20260302\nd4,r,c,4608\n", "deals")
    assert [one.id for one in page.deals] == ["d3"]
    assert codes(page) == ["date.unreadable"] * 3


def test_a_line_of_another_encoding_is_named_and_its_neighbours_are_read(tmp_path: Path) -> None:
    rows = [b"id,name,owner\n", "1,王伟,r1\n".encode(), "2,李娜,r2\n".encode("gb18030"), b"3,Ann,r3\n"]
    page = pulled(tmp_path / "c.csv", b"".join(rows))
    assert [(one.id, one.name) for one in page.customers] == [("2", "李娜"), ("3", "Ann")]
    assert codes(page) == ["csv.mixed_encodings"]
    # A near miss: two signs whose bytes would be UTF-8 if overlong forms were allowed.
    near = pulled(tmp_path / "n.csv", "id,name\n1,联通\n2,移动电信\n".encode("gb18030"))
    assert [one.name for one in near.customers] == ["联通", "移动电信"]


def test_coordinates_with_a_decimal_comma_are_read(tmp_path: Path) -> None:
    page = pulled(tmp_path / "c.csv", "id;name;lat;lon\n1;Müller;48,137;11,5755\n2;Ott;48,1,3;11\n")
    assert [(one.addresses[0].lat, one.addresses[0].lon) for one in page.customers] == [(48.137, 11.5755)]
    assert codes(page) == ["address.bad_coordinate"]


@pytest.mark.parametrize("kind", ["customers", "deals"])
def test_a_sheet_without_known_headings_is_an_error_and_not_an_empty_round(tmp_path: Path, kind: str) -> None:
    book = openpyxl.Workbook()
    book.active.append(["read me", "first"])
    book.create_sheet("data").append(["id", "name", "rep", "customer", "opened"])
    path = tmp_path / "b.xlsx"
    book.save(path)
    with pytest.raises(RecordError, match="headings"):
        FileConnector(FileSettings(**{kind: (str(path),)})).pull(None)
    page = FileConnector(FileSettings(**{kind: (str(path),)}, sheet="data")).pull(None)
    assert (list(page.customers), list(page.deals), codes(page)) == ([], [], [])
