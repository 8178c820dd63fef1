"""The trust bundle: one parser for device and host. docs/format.md gives every byte.

Checks run in this order, and the first that fails names the byte: size, magic, type, target,
header fields, body length, records (anchors, strictly ascending by the SHA-256 of the original),
signatures (whole, at most five, key ids strictly ascending), and signed exactly when numbered.
The parser copies nothing but the target: anchors are spans of the bytes that it was given.
"""

import struct

from .anchors import Rooted
from .der import Certificate
from .errors import Error, const, refuse

#: A bundle is at most one 4 KiB flash block, so that a slot is one block.
_MAX_SIZE = const(4096)
_MAX_ANCHORS = const(20)
_MAX_SIGNATURES = const(5)
_MAX_TARGET = const(32)

_TYPE_BUNDLE = const(1)
_TYPE_KEY_SET = const(2)

#: Cipher profile: which certificate families the client offers. A mask, never 0.
_ECDSA = const(1)
_RSA = const(2)

_RETIRE_PREVIOUS = const(1)
_REVOKE_NOW = const(2)

#: Length of the fixed header after the target.
_HEADER = const(18)
_RECORD_ANCHOR = const(1)
#: A record tag with this bit may be skipped by a reader that does not know it.
_OPTIONAL = const(0x80)
_KEY_ID = const(8)
_SIGNATURE = const(392)


class Bundle(Rooted):
    """What a bundle says. Times are unsigned Unix seconds; ``not_after`` 0 means none given.

    ``anchors`` holds ``(start, end)`` of each record's value: 32 bytes SHA-256 of the original
    certificate, then the DER to load. ``signed_end`` is where the signed bytes end.
    """

    key_set: int
    sequence: int
    created: int
    not_after: int
    profile: int
    flags: int
    signed_end: int

    def __init__(self, data: bytes) -> None:
        pos = preamble(data, _TYPE_BUNDLE, _HEADER, _MAX_SIZE)
        self.data = data
        self.target = str(data[6:pos], "utf-8")
        (
            self.key_set,
            self.sequence,
            self.created,
            self.not_after,
            self.profile,
            self.flags,
            length,
        ) = struct.unpack_from(">HIIIBBH", data, pos)
        if not 1 <= self.profile <= _ECDSA | _RSA:
            refuse(pos + 14, "profile")
        if self.flags > _RETIRE_PREVIOUS | _REVOKE_NOW:
            refuse(pos + 15, "flags")
        if self.not_after and self.not_after <= self.created:
            refuse(pos + 10, "dates")
        start = pos + _HEADER
        self.signed_end = start + length
        if self.signed_end > len(data):
            refuse(pos + 16, "length")
        self.anchors = _anchors(data, start, self.signed_end)
        if not self.anchors:
            raise Error("NOROOTS", "anchors")
        self.signatures = signatures(data, self.signed_end, _MAX_SIGNATURES)
        if not (self.signatures > 0) == (self.sequence > 0) == (self.key_set > 0):
            refuse(pos, "number")


def preamble(data: bytes, kind: int, header: int, limit: int) -> int:
    """Check size, magic, type and target; return where the target ends.

    ``header`` bytes must follow the target. Raises Error with code FORMAT.
    """
    size = len(data)
    if size > limit:
        refuse(limit, "size")
    if size < 6 + header or bytes(data[:4]) != b"RLT1":
        refuse(0, "magic")
    if data[4] != kind:
        refuse(4, "type")
    pos = 6 + data[5]
    if not 6 < pos <= 6 + _MAX_TARGET or pos + header > size:
        refuse(5, "length")
    for byte in data[6:pos]:
        if not 97 <= byte <= 122 and byte not in b"0123456789-_.":
            refuse(6, "target")
    return pos


def _anchors(data: bytes, pos: int, end: int) -> "list[tuple[int, int]]":
    """Walk the records and return the spans of the anchors' values."""
    found: "list[tuple[int, int]]" = []
    last = 0
    before = b""
    while pos < end:
        start = pos + 3
        stop = start + int.from_bytes(data[pos + 1 : start], "big")
        if stop > end:
            refuse(pos, "record")
        tag = data[pos]
        if tag < last + (last != _RECORD_ANCHOR):  # only an anchor may follow its like
            refuse(pos, "order")
        if tag == _RECORD_ANCHOR:
            original = bytes(data[start : start + 32])
            if stop <= start + 32:
                refuse(start, "anchor")
            if len(found) == _MAX_ANCHORS:
                refuse(start, "anchors")
            if original <= before:
                refuse(start, "order")
            if not Certificate(data, start + 32, stop).is_ca():
                refuse(start, "CA")
            before = original
            found.append((start, stop))
        elif tag < _OPTIONAL:
            refuse(pos, "tag")
        last = tag
        pos = stop
    return found


def signatures(data: bytes, pos: int, limit: int) -> int:
    """Check the layout of the signatures (not their truth) and return how many there are.

    They start at ``pos`` and fill ``data``; ``limit`` is how many may stand there.
    """
    end = len(data)
    count, rest = divmod(end - pos, _SIGNATURE)
    if rest:
        refuse(end - rest, "end")
    if count > limit:
        refuse(pos, "signatures")
    before = b""
    for start in range(pos, end, _SIGNATURE):
        this = bytes(data[start : start + _KEY_ID])
        if this <= before:
            refuse(start, "order")
        before = this
    return count
