r"""Certificates in base64: PEM blocks, also in string literals of a program, and without armour.

In a source file a block's lines stand in quotes, end in ``\n`` or a backslash, or are joined with
``+``; in a binary they are as the compiler left them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rootlet.scan import encoding
from rootlet.scan.seen import Damaged, Seen

if TYPE_CHECKING:
    from rootlet.scan.source import Source

#: A certificate of the largest size in base64, with quotes and escapes around each line.
MAX_BLOCK = 32 * 1024
#: Fewer digits are no certificate: a program that only knows the markers.
_LEAST = 100
_BEGIN, _END = b"-----BEGIN ", b"-----END "
_JOINED = re.compile(rb"[\"'][\s+\\]*[bBrRuUL]{0,2}[\"']")  # from one literal to the next
_ESCAPED = re.compile(rb"\\[nrt]")
_QUOTED = re.compile(rb"[\s\"'\\,;()\0]")
_DIGITS = re.compile(rb"[A-Za-z0-9+/]*")
_START = re.compile(rb"MI[I-Z][A-Za-z0-9+/]{9}AwIB")
_BEFORE = 12  # digits of base64 before the pattern


def block(source: Source, at: int, marker: int) -> Seen | None:
    """Return what the block holds whose BEGIN line, of ``marker`` bytes, is at ``at``."""
    text = source.read(at + marker, MAX_BLOCK)
    stop = text.find(_END)
    if stop < 0 or _BEGIN in text[:stop]:
        return _cut_off(text, at, at + marker)
    body = _JOINED.sub(b"", text[:stop])
    body = _plain(body)
    if len(body) < _LEAST:
        return None
    end = at + marker + stop + len(_END)
    found = encoding.parsed(encoding.base64_content(body.rstrip(b"=") + b"==="))
    if found is None:
        return Seen(at, end, "PEM", Damaged("what stands between its markers is no certificate"))
    return Seen(at, end, "PEM", found)


def _cut_off(text: bytes, at: int, end: int) -> Seen | None:
    if len(_DIGITS.match(_plain(text[:200]))[0]) < _LEAST:  # type: ignore[index] # always matches
        return None
    return Seen(at, end, "PEM", Damaged("its END line is missing"))


def _plain(body: bytes) -> bytes:
    """Return a block's digits without what a programming language puts around them."""
    if b"\\" in body or b'"' in body or b"'" in body:
        body = _ESCAPED.sub(b"", body)
    return _QUOTED.sub(b"", body)


def bare(source: Source, at: int) -> Seen | None:
    """Return the certificate in base64 without markers that has ``AwIB`` at ``at``."""
    start = at - _BEFORE
    if start < 0 or not _START.fullmatch(source.read(start, _BEFORE + 4)):
        return None
    text = source.read(start, MAX_BLOCK)
    head = encoding.base64_content(text[:8])
    size = int.from_bytes(head[2:4], "big") + 4
    digits = _DIGITS.match(_plain(text[: 2 * size]))
    found = digits and encoding.parsed(encoding.base64_content(digits[0] + b"==="))
    return Seen(start, start + size * 4 // 3, "base64", found) if found else None
