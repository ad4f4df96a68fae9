"""Channel ``file``: one JSON line a notice, durable when it says so, each notice once.

The file is opened anew for every call, so whoever rotates it by renaming loses nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from fieldhr_core.hooks import Delivery, Notice
from fieldhr_plugins.channels import FileSettings

__all__ = ["FileChannel"]

#: A recipient names a file in the folder, never a way out of it.
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_DEFAULT_NAME: Final = "alerts"


@attrs.define
class _Read:
    """What is known of one file: which one it was, up to where it was read, whose ids it holds."""

    file: tuple[int, int]
    offset: int = 0
    ids: set[str] = attrs.field(factory=set)


class FileChannel:
    """Appends to ``<folder>/<to>.jsonl`` (``alerts.jsonl`` where ``to`` is empty).

    A notice whose id already stands in the file, or in the one last rotated away (``<name>.jsonl.1``), is ``sent``
    without being written again. A full disk or a missing folder is ``retry``.
    """

    def __init__(self, settings: FileSettings) -> None:
        self._settings = settings
        self._read: dict[Path, _Read] = {}

    def deliver(self, notices: Sequence[Notice], /) -> Sequence[Delivery]:
        """Append the notices that are not there yet, file by file, each file synced to disk once."""
        outcomes: dict[int, Delivery] = {}
        by_name: dict[str, list[int]] = {}
        for index, notice in enumerate(notices):
            name = (notice.to or _DEFAULT_NAME).removesuffix(".jsonl")
            if not self._settings.folder:
                outcomes[index] = Delivery(notice=notice.id, status="refused", reason="file.no_folder")
            elif not _NAME.fullmatch(name):
                outcomes[index] = Delivery(notice=notice.id, status="refused", reason="file.bad_name")
            else:
                by_name.setdefault(name, []).append(index)
        for name, indices in by_name.items():
            status, reason = self._append(name, [notices[index] for index in indices])
            for index in indices:
                outcomes[index] = Delivery(notice=notices[index].id, status=status, reason=reason)
        return [outcomes[index] for index in range(len(notices))]

    def _append(self, name: str, notices: Sequence[Notice]) -> tuple[str, str]:
        path = Path(self._settings.folder) / f"{name}.jsonl"
        try:
            with _locked(path) as descriptor:
                written = self._ids_in(path.with_name(f"{path.name}.1")) | self._ids_in(path)
                lines = []
                for notice in notices:
                    if notice.id not in written:
                        lines.append(_line(notice))
                        written.add(notice.id)
                if lines:
                    # What a crash left without an end must not swallow the next line.
                    start = b"" if _ends_whole(path) else b"\n"
                    _write_all(descriptor, start + b"".join(lines))
                os.fsync(descriptor)
                _sync_folder(path.parent)
        except OSError as failure:
            return "retry", f"file.{'full' if failure.errno in (28, 122) else 'unwritable'}"
        return "sent", ""

    def _ids_in(self, path: Path) -> set[str]:
        """Return the ids of every whole line, reading only what was added since the last call."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return set()
        with file:
            status = os.fstat(file.fileno())
            known = self._read.get(path)
            if known is None or known.file != (status.st_dev, status.st_ino) or known.offset > status.st_size:
                known = _Read((status.st_dev, status.st_ino))
            file.seek(known.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # torn by a crash, or still being written
                known.offset += len(line)
                with contextlib.suppress(ValueError, TypeError, KeyError):
                    known.ids.add(str(json.loads(line)["id"]))
        self._read[path] = known
        return known.ids


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Open for appending under an exclusive lock, where the system has one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    """Make a new file's name durable too; not every system lets a folder be opened."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _line(notice: Notice) -> bytes:
    record = {
        "id": notice.id,
        "case": notice.case,
        "code": notice.code,
        "severity": notice.severity,
        "to": notice.to,
        "language": notice.language,
        "title": notice.title,
        "body": notice.body,
        "facts": dict(notice.facts),
    }
    return json.dumps(record, ensure_ascii=False, sort_keys=True, allow_nan=False).encode() + b"\n"
