"""JSON Lines in, JSON Lines out: what every record-by-record command shares. Public: plugins' commands use it too.

One output line an input line, in the same order; ``id`` is copied through; a bad line becomes
``{"id": ..., "error": {"code", "message"}}`` and does not stop the others. Lines of white space are skipped.
NaN and infinity are no JSON: refused coming in, and never written.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

from fieldhr_core.errors import FieldhrError, RecordError

__all__ = ["Record", "read_lines", "run_lines", "write_line"]

#: One JSON object.
Record = dict[str, Any]

_log = logging.getLogger(__name__)

#: Half surrogate pairs, which UTF-8 cannot hold, and characters at which some readers end a line.
_UNSAFE: Final = re.compile("[\ud800-\udfff\u0085\u2028\u2029]")

_BOM: Final = b"\xef\xbb\xbf"


def run_lines(args_file: str | None, stdin: TextIO, stdout: TextIO, handle: Callable[[Record], Record]) -> int:
    """Answer each record of a JSON Lines input with one line.

    Args:
        args_file: path of the input; ``None`` or ``-`` reads *stdin*.
        stdin: where to read otherwise; its bytes are read as UTF-8 where it has a ``buffer``.
        stdout: gets one line an input line, flushed line by line, so that the command can serve as a co-process.
        handle: gets one JSON object, returns one. A :class:`FieldhrError` it raises becomes that line's error with
            its code; any other exception becomes ``FHR-PLG-010`` with its type, and its traceback is logged.

    Returns:
        0: bad records are data, not failure.

    Raises:
        RecordError: FHR-REC-006 where the file cannot be opened or read.
    """
    for record, error in read_lines(args_file, stdin):
        write_line(stdout, _answer(record, error, handle))
        stdout.flush()
    return 0


def read_lines(args_file: str | None, stdin: TextIO) -> Iterator[tuple[Record, RecordError | None]]:
    """Yield each line as ``(record, None)``, or as ``(what can be said about it, error)`` where it is no JSON object.

    Raises:
        RecordError: FHR-REC-006 where the file cannot be opened or read.
    """
    for number, raw in enumerate(_raw_lines(args_file, stdin), start=1):
        line = raw.removeprefix(_BOM) if number == 1 else raw
        if not line.strip():
            continue
        try:
            value = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
        except (ValueError, RecursionError) as cause:
            yield {}, _unreadable(number, cause)
            continue
        if not isinstance(value, dict):
            yield {}, _unreadable(number, f"a JSON {_NAMES.get(type(value), 'value')} instead of an object")
            continue
        yield value, None


def write_line(stdout: TextIO, record: Record) -> None:
    """Write one JSON object as one line.

    Raises:
        ValueError: where a value is NaN or infinite; unknown is ``None``.
    """
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    if not text.isascii() and _UNSAFE.search(text):
        text = _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    stdout.write(text + "\n")


def _answer(record: Record, error: RecordError | None, handle: Callable[[Record], Record]) -> Record:
    if error is not None:
        return {"id": record.get("id"), "error": error.as_record()}
    try:
        answer = handle(record)
        # Tried here, so that an answer that is no JSON costs its own line only.
        json.dumps(answer, allow_nan=False)
    except FieldhrError as fault:
        return {"id": record.get("id"), "error": fault.as_record()}
    except Exception as fault:  # noqa: BLE001 - one bad record must not stop the others
        _log.warning("A record could not be answered.", exc_info=True)
        message = f"The command failed on this record with {type(fault).__name__}; see the log on standard error."
        return {"id": record.get("id"), "error": {"code": "FHR-PLG-010", "message": message}}
    return {"id": record["id"], **answer} if "id" in record and "id" not in answer else answer


def _raw_lines(args_file: str | None, stdin: TextIO) -> Iterator[bytes]:
    if args_file is None or args_file == "-":
        # Bytes, so that neither the locale nor one badly encoded line decides about the rest.
        binary = getattr(stdin, "buffer", None)
        yield from binary if binary is not None else (line.encode("utf-8", "surrogatepass") for line in stdin)
        return
    try:
        with Path(args_file).open("rb") as file:
            yield from file
    except OSError as cause:
        raise RecordError(
            f"The file {args_file!r} cannot be read: {cause.strerror or cause}.",
            code="FHR-REC-006",
            hint="Give the path of a JSON Lines file, or - for standard input.",
        ) from cause


def _unreadable(number: int, cause: object) -> RecordError:
    if isinstance(cause, UnicodeDecodeError):
        what = "its bytes are not UTF-8"
    elif isinstance(cause, json.JSONDecodeError):
        what = f"{cause.msg} at column {cause.colno}"
    elif isinstance(cause, RecursionError):
        what = "it is nested too deeply"
    else:
        what = str(cause)
    return RecordError(
        f"Line {number} is no JSON object: {what}.",
        code="FHR-REC-006",
        hint="Send one JSON object a line, in UTF-8.",
        line=number,
    )


_NAMES: Final[dict[type, str]] = {
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number; unknown is null")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is too large for a number")
    return value
