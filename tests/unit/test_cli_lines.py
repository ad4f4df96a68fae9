"""JSON Lines commands: one line out a line in, whatever comes in."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.cli.lines import run_lines, write_line
from fieldhr_core.errors import RecordError


def answers(text: str | bytes, handle: Any = lambda record: {"n": record.get("n")}) -> list[dict[str, Any]]:
    raw = text.encode() if isinstance(text, str) else text
    out = io.StringIO()
    assert run_lines(None, io.TextIOWrapper(io.BytesIO(raw), encoding="ascii"), out, handle) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_copies_the_id_through_and_keeps_the_order() -> None:
    assert answers('{"id":"b","n":1}\n{"n":2}\n{"id":"a","n":3}\n') == [
        {"id": "b", "n": 1},
        {"n": 2},
        {"id": "a", "n": 3},
    ]


def test_an_id_that_the_handler_gives_is_kept() -> None:
    assert answers('{"id":"b"}', lambda _: {"id": "own"}) == [{"id": "own"}]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "column"),
        (b'{"n": NaN}', "NaN"),
        (b'{"n": -Infinity}', "Infinity"),
        (b'{"n": 1e999}', "too large"),
        (b'{"n": ' + b"9" * 5000 + b"}", "digits"),
        (b"[1]", "array"),
        (b"3", "number"),
        (b"null", "null"),
        (b'{"n": "\xff"}', "UTF-8"),
        (b"[" * 100_000, "nested"),
    ],
)
def test_a_bad_line_is_an_error_and_the_others_are_answered(line: bytes, says: str) -> None:
    first, bad, last = answers(b'{"id":1,"n":1}\n' + line + b'\n{"id":3,"n":3}')
    assert (first, last) == ({"id": 1, "n": 1}, {"id": 3, "n": 3})
    assert bad["id"] is None
    assert bad["error"]["code"] == "FHR-REC-006"
    assert "Line 2" in bad["error"]["message"]
    assert says in bad["error"]["message"]


def test_an_error_of_the_handler_carries_its_code_and_the_id() -> None:
    def handle(record: dict[str, Any]) -> dict[str, Any]:
        if record["n"] == 1:
            raise RecordError("No zone.", code="FHR-REC-002")
        return {"twice": 2 * record["n"]}

    one, two = answers('{"id":"x","n":1}\n{"id":"y","n":2}\n', handle)
    assert one["id"] == "x"
    assert one["error"]["code"] == "FHR-REC-002"
    assert two == {"id": "y", "twice": 4}


def test_a_fault_of_the_handler_costs_its_own_line_only(caplog: pytest.LogCaptureFixture) -> None:
    one, two = answers('{"id":"x"}\n{"id":"y","n":2}\n', lambda record: {"n": record["n"]})
    assert one == {"id": "x", "error": {"code": "FHR-PLG-010", "message": one["error"]["message"]}}
    assert "KeyError" in one["error"]["message"]
    assert two == {"id": "y", "n": 2}
    assert "KeyError" in caplog.text


def test_an_answer_with_nan_is_an_error_and_never_written() -> None:
    (one,) = answers('{"id":"x"}', lambda _: {"value": float("nan")})
    assert one["error"]["code"] == "FHR-PLG-010"
    with pytest.raises(ValueError, match="JSON compliant"):
        write_line(io.StringIO(), {"value": float("inf")})


def test_byte_order_mark_blank_lines_and_carriage_returns_are_no_records() -> None:
    assert answers(b'\xef\xbb\xbf{"n":1}\r\n\r\n   \n{"n":2}\r\n') == [{"n": 1}, {"n": 2}]


def test_half_a_surrogate_pair_can_be_written_as_utf8() -> None:
    out = io.StringIO()
    run_lines(None, io.StringIO('{"id":"\\ud83d","n":"张"}\n'), out, lambda record: {"n": record["n"]})
    out.getvalue().encode("utf-8")
    assert json.loads(out.getvalue()) == {"id": "\ud83d", "n": "张"}


def test_a_line_separator_inside_a_string_ends_no_line() -> None:
    assert answers('{"n":"a\u2028b"}\n') == [{"n": "a\u2028b"}]


def test_a_file_is_read_by_path_and_a_missing_one_says_what_to_do(tmp_path: Any) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id":1,"n":"张"}\n', encoding="utf-8")
    out = io.StringIO()
    assert run_lines(str(path), io.StringIO("ignored"), out, lambda record: {"n": record["n"]}) == 0
    assert json.loads(out.getvalue()) == {"id": 1, "n": "张"}
    with pytest.raises(RecordError, match="standard input") as caught:
        run_lines(str(tmp_path / "none"), io.StringIO(), out, lambda record: record)
    assert caught.value.code == "FHR-REC-006"


@given(st.lists(st.one_of(st.binary(max_size=30), st.just(b'{"id":1}'))))
def test_as_many_lines_come_out_as_lines_that_hold_anything(lines: list[bytes]) -> None:
    lines = [line.replace(b"\n", b"") for line in lines]
    raw = b"\n".join(lines)
    expected = [line for line in raw.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    assert len(answers(raw)) == len(expected)
