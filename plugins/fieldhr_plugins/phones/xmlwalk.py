"""Walking through XML of strangers: streaming, without document type or entities, and taking what is whole.

A document type is refused outright: it is how small files become gigabytes or read other files. Where the text breaks
(cut off, a stray ``&``, a forbidden character), reading goes on at the next point instead of losing the file.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from typing import Final
from xml.parsers import expat

from fieldhr_plugins.phones.values import UnreadableError

__all__ = ["walk"]

#: Gets the local name of an element and its attributes.
Start = Callable[[str, Mapping[str, str]], None]
#: Gets the local name of an element and the text in it.
End = Callable[[str, str], None]

_DECLARED: Final = re.compile(rb"""^\s*<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")

_TAG: Final = re.compile(rb"<(/?)([A-Za-z_][\w:.-]*)(?:[^<>]*?)(/?)>")

#: How often reading goes on after broken text before the rest is given up.
_MENDS: Final = 100_000

#: An ampersand that begins no character of XML's own: people write "A & B", and HTML's names mean nothing here.
_STRAY: Final = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")

#: Control characters that XML forbids.
_FORBIDDEN: Final = bytes(code for code in range(32) if code not in b"\t\n\r")


def walk(body: bytes, *, root: str, resume_at: str, start: Start, end: End, broken: Callable[[int], None]) -> None:
    """Walk through a document.

    Args:
        body: the whole file, in any encoding it declares or begins with.
        root: local name of the outermost element.
        resume_at: local name of the elements at which reading goes on after broken text.
        start: called at each opening tag.
        end: called at each closing tag, with the text directly before it.
        broken: called with the line where text broke; what was open then never gets its *end*.

    Raises:
        UnreadableError: ``file.empty``, ``file.document_type`` or ``file.not_the_format``.
    """
    content = _utf8(body)
    if not content:
        raise UnreadableError("file.empty", "The file is empty.")
    if re.search(rb"<(?:[\w.-]+:)?" + root.encode() + rb"\b", content[:20_000]) is None:
        raise UnreadableError("file.not_the_format", f"The file has no <{root}> element at its beginning.")
    again = re.compile(rb"<(?:[\w.-]+:)?" + resume_at.encode() + rb"(?=[\s/>])")
    open_tags: list[bytes] = []
    begin, line = 0, 1
    for _ in range(_MENDS):
        fault = _run(content, begin, open_tags, start, end)
        if fault is None:
            return
        line += content.count(b"\n", begin, fault)
        broken(line)
        # Behind the fault: where a tag itself is broken, it would only break again.
        following = again.search(content, fault + 1)
        if following is None:
            return
        # Whatever closed in between is closed, so that the rest is read inside of what is still open.
        _skip(content[fault : following.start()], open_tags)
        line += content.count(b"\n", fault, following.start())
        begin = following.start()


def _run(content: bytes, begin: int, open_tags: list[bytes], start: Start, end: End) -> int | None:
    """Walk from *begin*, inside of *open_tags*; return where the text broke, or ``None`` where it did not."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    inside: list[str] = []
    prefix = b"".join(b"<" + name + b">" for name in open_tags)
    parser.Parse(prefix, False)

    def on_start(name: str, attributes: dict[str, str]) -> None:
        inside.clear()
        open_tags.append(name.encode())
        start(name.rpartition(":")[2], attributes)

    def on_end(name: str) -> None:
        open_tags.pop()
        end(name.rpartition(":")[2], "".join(inside))
        inside.clear()

    def on_doctype(*_: object) -> None:
        raise UnreadableError("file.document_type", "The file brings a document type of its own, which is refused.")

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.CharacterDataHandler = inside.append
    parser.StartDoctypeDeclHandler = on_doctype
    try:
        parser.Parse(memoryview(content)[begin:], True)
    except expat.ExpatError:
        return min(begin + max(parser.ErrorByteIndex - len(prefix), 0), len(content))
    return None


def _skip(passed: bytes, open_tags: list[bytes]) -> None:
    """Bring the open tags up to date over text that is passed by unread."""
    for closing, name, empty in _TAG.findall(passed):
        if not closing and not empty:
            open_tags.append(name)
        elif closing and name in open_tags:
            while open_tags.pop() != name:
                pass


def _utf8(body: bytes) -> bytes:
    """Return the document as UTF-8 without mark, declaration or white space around it."""
    text = _text(body).strip("\ufeff\x00 \t\r\n")
    # The declaration names an encoding that the text no longer has.
    text = re.sub(r"^<\?xml.*?\?>", "", text[:500], count=1, flags=re.DOTALL) + text[500:]
    return _STRAY.sub(b"&amp;", text.encode("utf-8", "replace").translate(None, _FORBIDDEN))


def _text(body: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    declared = _DECLARED.match(body[:300])
    encoding = declared[1].decode("ascii") if declared else "utf-8"
    try:
        known = codecs.lookup(encoding).name
    except LookupError:
        known = "utf-8"
    # Chinese files name the oldest of a family that only grew.
    known = "gb18030" if known in ("gb2312", "gbk", "hz") else known
    try:
        return body.decode(known, "replace")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")
