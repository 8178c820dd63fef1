"""Just enough DER to look into a certificate; nothing here decides whether to trust one.

Positions are byte offsets into the buffer given, spans are ``(start, end)``. Limits: definite,
minimal lengths of up to three bytes (X.690 8.1.3 and 10.1), one-byte tags. Anything else raises
:class:`urootlet.errors.Error` with code FORMAT. Fields are those of RFC 5280 section 4.1.
"""

from .errors import const, refuse

_BOOLEAN = const(0x01)
_INTEGER = const(0x02)
_OCTET_STRING = const(0x04)
_OID = const(0x06)
_SEQUENCE = const(0x30)
_VERSION = const(0xA0)
_EXTENSIONS = const(0xA3)


def element(buf: bytes, pos: int, end: int) -> "tuple[int, int, int]":
    """Return ``(tag, start, stop)`` of the element at ``pos``, which must end by ``end``."""
    start = pos + 2
    if start > end:
        refuse(pos, "end")
    length = buf[pos + 1]
    if length & 0x80:
        count = length & 0x7F
        start += count
        if not 1 <= count <= 3 or start > end:
            refuse(pos, "length")
        length = int.from_bytes(buf[pos + 2 : start], "big")
        if length < 0x80 or not buf[pos + 2]:
            refuse(pos, "length")
    if start + length > end:
        refuse(pos, "end")
    return buf[pos], start, start + length


def expect(buf: bytes, pos: int, end: int, tag: int) -> "tuple[int, int]":
    """Return the span inside the element at ``pos``, which must have this ``tag``."""
    found, start, stop = element(buf, pos, end)
    if found != tag:
        refuse(pos, "tag")
    return start, stop


class Certificate:
    """Where the fields of one certificate lie in ``buf[start:end]``: spans, nothing copied."""

    def __init__(self, buf: bytes, start: int, end: int) -> None:
        pos, stop = expect(buf, start, end, _SEQUENCE)
        if stop != end:
            refuse(stop, "end")
        self.buf = buf
        pos, end = expect(buf, pos, stop, _SEQUENCE)
        self.version = 1
        tag, start, stop = element(buf, pos, end)
        if tag == _VERSION:
            pos = stop
            start, stop = expect(buf, start, stop, _INTEGER)
            if stop - start != 1 or buf[start] > 2:
                refuse(start, "version")
            self.version = buf[start] + 1
        spans = []
        # Serial number, signature algorithm, issuer, validity, subject, key.
        for tag in b"\x02\x30\x30\x30\x30\x30":
            span = expect(buf, pos, end, tag)
            pos = span[1]
            spans.append(span)
        self.issuer, self.validity, self.subject, self.key = spans[2:]
        self.extensions = end, end
        while pos < end:  # unique identifiers may stand before the extensions
            tag, start, pos = element(buf, pos, end)
            if tag == _EXTENSIONS:
                self.extensions = expect(buf, start, pos, _SEQUENCE)
                break

    def is_ca(self) -> bool:
        """Whether it may be an anchor: cA is TRUE, or it is older than v3 and cannot say so.

        RFC 5280 6.1.4 (k) lets other means decide for v1; mbedTLS accepts a v1 anchor.
        """
        if self.version < 3:
            return True
        buf = self.buf
        pos, end = self.extensions
        while pos < end:
            start, pos = expect(buf, pos, end, _SEQUENCE)
            oid, start = expect(buf, start, pos, _OID)
            if buf[oid:start] != b"\x55\x1d\x13":  # basicConstraints, RFC 5280 4.2.1.9
                continue
            tag, start, stop = element(buf, start, pos)
            if tag == _BOOLEAN:  # critical
                start, stop = expect(buf, stop, pos, _OCTET_STRING)
            start, stop = expect(buf, start, stop, _SEQUENCE)
            if start == stop:
                return False  # FALSE is the default, and DER leaves a default out
            tag, start, stop = element(buf, start, stop)
            return tag == _BOOLEAN and buf[start:stop] == b"\xff"
        return False
