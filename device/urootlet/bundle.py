"""The trust bundle: one parser for device and host. docs/format.md gives every byte.

Checks run in this order, and the first that fails names the byte: size, magic, type, target,
header fields, body length, records (anchors, strictly ascending by the SHA-256 of the original),
signatures (whole, at most five, key ids strictly ascending), and signed exactly when numbered.
The parser copies nothing but the target: anchors are spans of the bytes that it was given.
"""

from .compat import const
from .errors import Error

#: A bundle is at most one 4 KiB flash block, so that a slot is one block.
MAX_SIZE = const(4096)
MAX_ANCHORS = const(20)
MAX_SIGNATURES = const(5)
MAX_TARGET = const(32)

MAGIC = b"RLT1"
TYPE_BUNDLE = const(1)
TYPE_KEY_SET = const(2)

#: Cipher profile: which certificate families the client offers. A mask, never 0.
ECDSA = const(1)
RSA = const(2)

RETIRE_PREVIOUS = const(1)
REVOKE_NOW = const(2)

#: Length of the fixed header after the target.
HEADER = const(18)
RECORD_ANCHOR = const(1)
#: A record tag with this bit may be skipped by a reader that does not know it.
OPTIONAL = const(0x80)
KEY_ID = const(8)
SIGNATURE = const(392)

_TARGET = b"abcdefghijklmnopqrstuvwxyz0123456789-_."


class Bundle:
    """What a bundle says. Times are unsigned Unix seconds; ``not_after`` 0 means none given.

    ``anchors`` holds ``(start, end)`` of each record's value: 32 bytes SHA-256 of the original
    certificate, then the DER to load. ``signed_end`` is where the signed bytes end.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        size = len(data)
        if size > MAX_SIZE:
            raise Error("FORMAT", "%d bytes, at most %d" % (size, MAX_SIZE))
        pos = preamble(data, TYPE_BUNDLE, HEADER)
        self.target = bytes(data[6:pos]).decode()
        self.key_set = _number(data, pos, 2)
        self.sequence = _number(data, pos + 2, 4)
        self.created = _number(data, pos + 6, 4)
        self.not_after = _number(data, pos + 10, 4)
        self.profile = data[pos + 14]
        self.flags = data[pos + 15]
        self._check_header(pos)
        body = pos + HEADER
        self.signed_end = body + _number(data, pos + 16, 2)
        if self.signed_end > size:
            raise Error("FORMAT", "byte %d: body length" % (pos + 16))
        self.anchors = _records(data, body, self.signed_end)
        self.signatures = signatures(data, self.signed_end, MAX_SIGNATURES)
        signed = self.signatures > 0
        if signed != (self.sequence > 0) or signed != (self.key_set > 0):
            raise Error("FORMAT", "byte %d: numbered but not signed, or signed but not" % pos)

    def _check_header(self, pos: int) -> None:
        """Refuse values that no version of this format gives a meaning."""
        if not 1 <= self.profile <= ECDSA | RSA:
            raise Error("FORMAT", "byte %d: cipher profile %d" % (pos + 14, self.profile))
        if self.flags > RETIRE_PREVIOUS | REVOKE_NOW:
            raise Error("FORMAT", "byte %d: flags %d" % (pos + 15, self.flags))
        if self.not_after and self.not_after <= self.created:
            raise Error("FORMAT", "byte %d: ends before it was created" % (pos + 10))

    def original(self, index: int) -> bytes:
        """Return the SHA-256 of the certificate that anchor ``index`` was made from, 32 bytes."""
        start = self.anchors[index][0]
        return bytes(self.data[start : start + 32])

    def der(self, index: int) -> bytes:
        """Return the DER of anchor ``index``, a copy that can be dropped after loading."""
        start, end = self.anchors[index]
        return bytes(self.data[start + 32 : end])


def preamble(data: bytes, kind: int, header: int) -> int:
    """Check magic, type and target; return where the target ends.

    ``header`` bytes must follow the target. Raises Error with code FORMAT.
    """
    size = len(data)
    if size < 6 + header or bytes(data[:4]) != MAGIC:
        raise Error("FORMAT", "not a rootlet file")
    if data[4] != kind:
        raise Error("FORMAT", "byte 4: type %d, not %d" % (data[4], kind))
    pos = 6 + data[5]
    if not 1 <= data[5] <= MAX_TARGET or pos + header > size:
        raise Error("FORMAT", "byte 5: target length %d" % data[5])
    if any(byte not in _TARGET for byte in data[6:pos]):
        raise Error("FORMAT", "byte 6: target name")
    return pos


def _number(data: bytes, pos: int, size: int) -> int:
    return int.from_bytes(data[pos : pos + size], "big")


def _records(data: bytes, pos: int, end: int) -> "list[tuple[int, int]]":
    """Walk the records and return the spans of the anchors' values."""
    anchors: "list[tuple[int, int]]" = []
    last_tag = 0
    while pos < end:
        if end - pos < 3:
            raise Error("FORMAT", "byte %d: record cut off" % pos)
        tag = data[pos]
        start = pos + 3
        stop = start + _number(data, pos + 1, 2)
        if stop > end:
            raise Error("FORMAT", "byte %d: record runs past the body" % pos)
        if tag < last_tag or (tag == last_tag and tag != RECORD_ANCHOR):
            raise Error("FORMAT", "byte %d: record %d out of order" % (pos, tag))
        if tag == RECORD_ANCHOR:
            _anchor(data, start, stop, anchors)
        elif not tag & OPTIONAL:
            raise Error("FORMAT", "byte %d: unknown record %d" % (pos, tag))
        last_tag = tag
        pos = stop
    if not anchors:
        raise Error("NOROOTS", "a bundle without anchors")
    return anchors


def _anchor(data: bytes, start: int, stop: int, anchors: "list[tuple[int, int]]") -> None:
    """Check one anchor record and append it."""
    from .der import Certificate

    if stop - start <= 32:
        raise Error("FORMAT", "byte %d: anchor cut off" % start)
    if len(anchors) == MAX_ANCHORS:
        raise Error("FORMAT", "byte %d: more than %d anchors" % (start, MAX_ANCHORS))
    if anchors:
        previous = anchors[-1][0]
        if bytes(data[start : start + 32]) <= bytes(data[previous : previous + 32]):
            raise Error("FORMAT", "byte %d: anchor twice or out of order" % start)
    if not Certificate(data, start + 32, stop).is_ca():
        raise Error("FORMAT", "byte %d: anchor is not a CA" % start)
    anchors.append((start, stop))


def signatures(data: bytes, pos: int, limit: int) -> int:
    """Check the layout of the signatures (not their truth) and return how many there are.

    They start at ``pos`` and fill ``data``; ``limit`` is how many may stand there.
    """
    end = len(data)
    count = (end - pos) // SIGNATURE
    if pos + count * SIGNATURE != end:
        raise Error("FORMAT", "byte %d: bytes after the body" % (pos + count * SIGNATURE))
    if count > limit:
        raise Error("FORMAT", "byte %d: more than %d signatures" % (pos, limit))
    for this in range(pos + SIGNATURE, end, SIGNATURE):
        before = this - SIGNATURE
        if bytes(data[this : this + KEY_ID]) <= bytes(data[before : before + KEY_ID]):
            raise Error("FORMAT", "byte %d: key id twice or out of order" % this)
    return count
