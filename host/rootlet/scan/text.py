"""Bytes that a source text spells: arrays of numbers, escapes in string literals, hex dumps.

Each run is decoded and scanned like a binary; what is found in it is placed where the run starts.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from rootlet.scan import binary
from rootlet.scan.source import Memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.scan.seen import Seen

#: A longer text is scanned like a binary only.
MAX_TEXT = 16 * 1024 * 1024
#: The shortest thing worth decoding: a SHA-1.
_LEAST = 20
_GAP = rb"[uUlL]{0,3}\s*,(?:\s|/\*[^*]{0,200}\*/|//[^\n]{0,200}\n)*"
# Possessive: what a repetition has taken it keeps, and no stack grows with a long array.
_ARRAY = re.compile(rb"0[xX][0-9a-fA-F]{1,2}(?:%s0[xX][0-9a-fA-F]{1,2})++" % _GAP)
_DECIMALS = re.compile(rb"48(?<!\d48)%s13[01](?:%s\d{1,3}\b){19,65536}+" % (_GAP, _GAP))
_HEX = re.compile(rb"308[12][0-9a-fA-F]{120,}")  # a certificate: pins are found as they are
_COMMENT = re.compile(rb"/\*[^*]*\*/|//[^\n]*\n")
_ONE_DIGIT = re.compile(rb"0[xX]([0-9a-fA-F])(?![0-9a-fA-F])")
_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))
_MAX_LITERAL = 2 * 1024 * 1024  # as it stands in the text
# What does not close is taken as well, or a line of quotes would be read again from each of them.
_LITERAL = re.compile(rb"\"((?:[^\"\\\n]|\\.)*+)\"?|'((?:[^'\\\n]|\\.)*+)'?", re.DOTALL)
_BETWEEN = re.compile(rb"[\s\\+]*[bB]?")  # from one literal to the next
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)
# Bytes that are no text need escapes, and somewhere three of them in a row.
_NUMERIC = re.compile(rb"\\(?:(?:x[0-9a-fA-F]{2}\\){2}x|(?:[0-7]{1,3}\\){2}[0-7])")
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\n": b"", b"0": b"\0"}


class _Run(NamedTuple):
    at: int
    end: int
    form: str
    data: bytes


def scan(text: bytes) -> binary.Found:
    """Look at a text as it stands, and at every run of bytes that it spells."""
    found = binary.scan(Memory(text))
    for run in _runs(text):
        inside = binary.scan(Memory(run.data))
        found.complete = found.complete and inside.complete
        found.seen += [_placed(one, run) for one in inside.seen]
    found.seen.sort(key=lambda one: one.at)
    return found


def _placed(one: Seen, run: _Run) -> Seen:
    form = run.form if one.form == "DER" else f"{one.form}, {run.form}"
    return replace(one, at=run.at, end=run.end, form=form)


def _runs(text: bytes) -> Iterator[_Run]:
    for match in _ARRAY.finditer(text):
        yield from _run(match, "hex array", _numbers(match[0]))
    for match in _DECIMALS.finditer(text):
        numbers = [int(one) for one in _COMMENT.sub(b"", match[0]).split(b",")]
        if max(numbers) < 256:
            yield from _run(match, "array of numbers", bytes(numbers))
    for match in _HEX.finditer(text):
        digits = match[0][: len(match[0]) // 2 * 2]
        yield from _run(match, "hex", binascii.unhexlify(digits))
    if _NUMERIC.search(text):
        yield from _literals(text)


def _numbers(array: bytes) -> bytes:
    """Return the bytes of ``0x30, 0x82``; in few steps over all of it, as it may be long."""
    if b"/" in array:
        array = _COMMENT.sub(b"", array)
    array = _ONE_DIGIT.sub(rb"0x0\1", array).replace(b"0x", b"").replace(b"0X", b"")
    digits = array.translate(None, _NO_DIGITS)
    return binascii.unhexlify(digits[: len(digits) // 2 * 2])


def _run(match: re.Match[bytes], form: str, data: bytes) -> Iterator[_Run]:
    if len(data) >= _LEAST:
        yield _Run(match.start(), match.end(), form, data)


def _literals(text: bytes) -> Iterator[_Run]:
    """Yield what neighbouring literals with numeric escapes spell together."""
    start = end = 0
    parts: list[bytes] = []
    for match in _LITERAL.finditer(text):
        if parts and not _BETWEEN.fullmatch(text, end, match.start()):
            yield from _joined(start, end, parts)
            parts = []
        if not parts:
            start = match.start()
        parts.append(match[1] if match[1] is not None else match[2])
        end = match.end()
    yield from _joined(start, end, parts)


def _joined(start: int, end: int, parts: list[bytes]) -> Iterator[_Run]:
    raw = b"".join(parts)
    if len(raw) <= _MAX_LITERAL and _NUMERIC.search(raw):
        data = _ESCAPE.sub(_unescaped, raw)
        if len(data) >= _LEAST:
            yield _Run(start, end, "string literal", data)


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return bytes((int(match[1], 16),))
    if match[2] is not None:
        return bytes((int(match[2], 8) & 0xFF,))
    return _LETTERS.get(match[3], match[3])
