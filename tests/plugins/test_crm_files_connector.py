"""The connector: changed rows only, gone ones named, the same answer from any process, at any page size."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.errors import ConfigError, RecordError
from fieldhr_core.hooks import Pulled, RegistrationContext
from fieldhr_core.hooks.settings import read_settings
from fieldhr_core.model import STAYS, Datum
from fieldhr_plugins import crm_files
from fieldhr_plugins.crm_files import FileSettings
from fieldhr_plugins.crm_files.connector import FileConnector


def write(path: Path, rows: dict[str, str], *extra: str) -> Path:
    lines = ["id,name", *(f"{ident},{name}" for ident, name in rows.items()), *extra]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def connector(path: Path, **settings) -> FileConnector:
    return FileConnector(FileSettings(customers=(str(path),), **settings))


def whole_round(path: Path, cursor: str | None, *, fresh: bool = False, **settings) -> tuple[list[Pulled], str | None]:
    """Pull until there is no more; *fresh*: a new connector for every page, as after a restart."""
    one = connector(path, **settings)
    pages = []
    while True:
        page = one.pull(cursor)
        pages.append(page)
        cursor = page.cursor
        if not page.more:
            return pages, cursor
        if fresh:
            one = connector(path, **settings)


def brought(pages: list[Pulled]) -> dict[str, str]:
    return {customer.id: customer.name for page in pages for customer in page.customers}


def gone(pages: list[Pulled]) -> list[str]:
    return [ident for page in pages for ident in page.gone]


@pytest.mark.req("G3")
def test_a_second_pull_brings_only_what_changed(tmp_path):
    path = write(tmp_path / "c.csv", {"1": "Ann", "2": "Bob", "3": "Cat"})
    pages, cursor = whole_round(path, None)
    assert brought(pages) == {"1": "Ann", "2": "Bob", "3": "Cat"}
    again = connector(path).pull(cursor)
    assert (list(again.customers), list(again.problems), again.cursor) == ([], [], cursor)
    write(path, {"3": "Cat", "2": "Bobby", "4": "Dan"})
    pages, cursor = whole_round(path, cursor)
    assert brought(pages) == {"2": "Bobby", "4": "Dan"}
    assert gone(pages) == ["1"]
    assert connector(path).pull(cursor).customers == ()


@pytest.mark.req("G3")
@given(
    before=st.dictionaries(st.integers(1, 30).map(str), st.sampled_from("abc"), max_size=15),
    after=st.dictionaries(st.integers(1, 30).map(str), st.sampled_from("abc"), max_size=15),
    page_rows=st.integers(1, 6),
    fresh=st.booleans(),
)
def test_two_rounds_of_any_page_size_equal_a_plain_comparison(before, after, page_rows, fresh, tmp_path_factory):
    path = tmp_path_factory.mktemp("round") / "c.csv"
    pages, cursor = whole_round(write(path, before), None, fresh=fresh, page_rows=page_rows)
    assert brought(pages) == before
    assert all(len(page.customers) <= page_rows for page in pages)
    pages, cursor = whole_round(write(path, after), cursor, fresh=fresh, page_rows=page_rows)
    assert brought(pages) == {ident: name for ident, name in after.items() if before.get(ident) != name}
    assert gone(pages) == sorted(set(before) - set(after))
    pages, _ = whole_round(path, cursor, page_rows=page_rows)
    assert (brought(pages), gone(pages)) == ({}, [])


@pytest.mark.req("G3")
def test_the_answer_does_not_depend_on_which_process_asks(tmp_path):
    path = write(tmp_path / "c.csv", {str(n): f"n{n}" for n in range(25)}, ",nobody", "3,again")
    here, end_here = whole_round(path, None, page_rows=4)
    there, end_there = whole_round(path, None, page_rows=4, fresh=True)
    assert [page.cursor for page in here] == [page.cursor for page in there]
    assert [page.customers for page in here] == [page.customers for page in there]
    assert [page.problems for page in here] == [page.problems for page in there]
    assert end_here == end_there


@pytest.mark.req("G3")
def test_a_file_that_changes_between_two_pages_starts_the_round_again(tmp_path):
    path = write(tmp_path / "c.csv", {str(n): "old" for n in range(6)})
    one = connector(path, page_rows=4)
    first = one.pull(None)
    assert first.more
    write(path, {str(n): "newer" for n in range(6)})
    pages = [one.pull(first.cursor)]
    pages.append(one.pull(pages[-1].cursor))
    assert brought(pages) == {str(n): "newer" for n in range(6)}
    assert not pages[-1].more


@pytest.mark.req("G3")
def test_a_row_that_turns_bad_is_a_problem_once_and_its_customer_is_not_gone(tmp_path):
    path = write(tmp_path / "c.csv", {"1": "Ann", "2": "Bob"})
    _, cursor = whole_round(path, None)
    write(path, {"1": "Ann", "2": ""})
    pages, cursor = whole_round(path, cursor)
    assert [problem.code for problem in pages[0].problems] == ["customer.no_name"]
    assert (brought(pages), gone(pages)) == ({}, [])
    write(path, {"1": "Anna", "2": ""})
    pages, cursor = whole_round(path, cursor)
    assert ([problem.code for problem in pages[0].problems], brought(pages)) == ([], {"1": "Anna"})


@pytest.mark.req("G3")
@pytest.mark.parametrize("broken", ['7,"open', "8,a\0b", "=1,formula", "1.1E+17,rounded"])
def test_nobody_is_gone_while_a_row_cannot_be_read(tmp_path, broken):
    path = write(tmp_path / "c.csv", {"1": "Ann", "2": "Bob"})
    _, cursor = whole_round(path, None)
    pages, cursor = whole_round(write(path, {"1": "Ann"}, broken), cursor)
    assert len(pages[0].problems) == 1
    assert gone(pages) == []
    pages, _ = whole_round(write(path, {"1": "Ann"}), cursor)
    assert "2" in gone(pages)


@pytest.mark.req("G3")
def test_a_duplicate_id_is_named_and_the_first_row_counts(tmp_path):
    path = write(tmp_path / "c.csv", {"1": "Ann"}, "1,Other")
    pages, cursor = whole_round(path, None)
    assert brought(pages) == {"1": "Ann"}
    assert [problem.code for problem in pages[0].problems] == ["customer.duplicate_id"]
    assert connector(path).pull(cursor).problems == ()


@pytest.mark.req("G3", "E7")
def test_a_truncated_export_takes_nobody_away(tmp_path):
    everybody = {str(n): "x" for n in range(40)}
    path = write(tmp_path / "c.csv", everybody)
    _, cursor = whole_round(path, None)
    write(path, {str(n): "x" for n in range(19)})
    with pytest.raises(RecordError, match="21 of 40"):
        connector(path).pull(cursor)
    assert len(connector(path, most_gone_share=1.0).pull(cursor).gone) == 21
    write(path, {str(n): "x" for n in range(20)})
    assert len(connector(path).pull(cursor).gone) == 20


@pytest.mark.req("G3")
def test_another_mapping_makes_every_row_a_changed_one_and_another_path_none(tmp_path):
    path = write(tmp_path / "c.csv", {"1": "Ann", "2": "Bob"})
    _, cursor = whole_round(path, None)
    assert len(connector(path, mapping={"name": "name"}, default_schema="Person").pull(cursor).customers) == 2
    moved = path.rename(tmp_path / "moved.csv")
    assert connector(moved, page_rows=7).pull(cursor).customers == ()


@pytest.mark.req("G3", "B1")
def test_deals_come_along_and_their_ids_are_their_own(tmp_path):
    customers = write(tmp_path / "c.csv", {"1": "Ann"})
    deals = tmp_path / "d.csv"
    head = "deal id,rep,customer id,product,stage,opened,amount\n"
    deals.write_text(f"{head}1,r,1,loan,open,2026-03-01,10\n2,r,1,loan,open,2026-03-01,\n1,r,1,x,x,2026-03-01,\n")
    settings = FileSettings(customers=(str(customers),), deals=(str(deals),))
    first = FileConnector(settings).pull(None)
    assert [deal.amount_minor for deal in first.deals] == [1000, None]
    assert [problem.code for problem in first.problems] == ["deal.duplicate_id"]
    deals.write_text(f"{head}1,r,1,loan,signed,2026-03-01,10\n")
    second = FileConnector(settings).pull(first.cursor)
    assert [(deal.id, deal.stage) for deal in second.deals] == [("1", "signed")]
    assert (second.customers, second.gone) == ([], [])


@pytest.mark.req("G3")
@pytest.mark.parametrize("cursor", ["", "x", "a.b.c", "e30=.e30=.e30=", "..", "{}"])
def test_a_foreign_cursor_is_refused(tmp_path, cursor):
    with pytest.raises(RecordError, match="cursor"):
        connector(write(tmp_path / "c.csv", {"1": "Ann"})).pull(cursor)


@pytest.mark.req("G3")
def test_a_missing_file_and_no_file_are_errors_with_advice(tmp_path):
    with pytest.raises(RecordError, match=r"gone\.csv"):
        connector(tmp_path / "gone.csv").pull(None)
    with pytest.raises(ConfigError, match="customers"):
        FileConnector(FileSettings()).pull(None)


@pytest.mark.req("G3", "H1")
def test_the_plugin_offers_one_connector_that_takes_nothing_back(tmp_path):
    (offer,) = crm_files.fieldhr_register_connectors(context=RegistrationContext())
    assert offer.name == "files"
    settings = read_settings(
        FileSettings, {"customers": [str(write(tmp_path / "c.csv", {"1": "Ann"}))], "datum": "gcj02", "mapping": {}}
    )
    assert settings.datum is Datum.GCJ02
    made = offer.make(settings)
    assert len(made.pull(None).customers) == 1
    assert made.push(STAYS.empty()) == []
    (problem,) = made.push(STAYS.empty().take(slice(0, 0))) or [None]
    assert problem is None


@pytest.mark.req("G3")
@pytest.mark.slow
def test_many_customers_stream_in_bounded_time(tmp_path):
    path = tmp_path / "many.csv"
    rows = 100_000
    with path.open("w", encoding="utf-8") as file:
        file.write("客户编号,客户名称,地址,纬度,经度,需求,负责人,电话\n")
        for n in range(rows):
            file.write(
                f"C{n:07},客户{n},某市某区某路{n}号,{30 + n * 1e-6:.6f},{120 + n * 1e-6:.6f},开户,r{n % 200},1380000{n:07}\n"
            )
    begun = time.process_time()
    pages, cursor = whole_round(path, None, datum=Datum.WGS84)
    seconds = time.process_time() - begun
    assert sum(len(page.customers) for page in pages) == rows
    assert len(pages) == 6
    begun = time.process_time()
    assert connector(path, datum=Datum.WGS84).pull(cursor).customers == ()
    assert time.process_time() - begun < 1.0
    # A million in 60 s with storing means far less for reading alone.
    assert seconds < 6.0


@pytest.mark.req("G3", "G2")
def test_the_preview_command_prints_one_json_line(tmp_path, capsys):
    from fieldhr_core.cli import main

    path = write(tmp_path / "c.csv", {"1": "Ann"}, ",Bob")
    (tmp_path / "m.json").write_text('{"name": "name"}')
    assert main(["customers", "preview", str(path), "--mapping", str(tmp_path / "m.json"), "--datum", "wgs84"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    shown = json.loads(line)
    assert (shown["readable"], shown["rows"]) == (1, 2)
    assert [problem["code"] for problem in shown["problems"]] == ["customer.no_id"]


@pytest.mark.req("G3")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gone.csv"], "FHR-REC-006"),
        (["c.csv", "--datum", "mars"], "FHR-CLI-001"),
        (["c.csv", "--mapping", "gone.json"], "FHR-CFG-001"),
        (["c.csv", "--mapping", "bad.json"], "FHR-CFG-001"),
        (["c.csv", "--mapping", "list.json"], "FHR-CFG-001"),
        (["c.csv", "--mapping", "wrong.toml"], "FHR-CFG-001"),
        (["c.csv", "--zone", "Mars/Base"], "FHR-CFG-001"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_to_do(tmp_path, monkeypatch, capsys, arguments, says):
    from fieldhr_core.cli import main

    monkeypatch.chdir(tmp_path)
    write(tmp_path / "c.csv", {"1": "Ann"})
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "wrong.toml").write_text('nme = "id"\n')
    assert main(["customers", "preview", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert says in line
