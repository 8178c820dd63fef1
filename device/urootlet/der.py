"""Just enough DER to look into a certificate; nothing here decides whether to trust one.

Positions are byte offsets into the buffer given, spans are ``(start, end)``. Limits: definite,
minimal lengths of up to three bytes (X.690 8.1.3 and 10.1), one-byte tags. Anything else raises
:class:`urootlet.errors.Error` with code FORMAT. Fields are those of RFC 5280 section 4.1.
"""

from .compat import const
from .errors import Error

_BOOLEAN = const(0x01)
_INTEGER = const(0x02)
_OCTET_STRING = const(0x04)
_OID = const(0x06)
_SEQUENCE = const(0x30)
_VERSION = const(0xA0)
_EXTENSIONS = const(0xA3)

_OID_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
_OID_EC = b"\x2a\x86\x48\xce\x3d\x02\x01"
_OID_BASIC_CONSTRAINTS = b"\x55\x1d\x13"
_OID_COMMON_NAME = b"\x55\x04\x03"


def element(buf: bytes, pos: int, end: int) -> "tuple[int, int, int]":
    """Return ``(tag, start, stop)`` of the element at ``pos``, which must end by ``end``."""
    if end - pos < 2:
        raise Error("FORMAT", "DER ends at byte %d" % pos)
    tag = buf[pos]
    length = buf[pos + 1]
    start = pos + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 3 or end - start < count:
            raise Error("FORMAT", "DER length at byte %d" % pos)
        length = int.from_bytes(buf[start : start + count], "big")
        start += count
        if length < 0x80 or length >> (8 * (count - 1)) == 0:
            raise Error("FORMAT", "DER length at byte %d" % pos)
    if length > end - start:
        raise Error("FORMAT", "DER runs past its end at byte %d" % pos)
    return tag, start, start + length


def expect(buf: bytes, pos: int, end: int, tag: int) -> "tuple[int, int]":
    """Return the span inside the element at ``pos``, which must have this ``tag``."""
    found, start, stop = element(buf, pos, end)
    if found != tag:
        raise Error("FORMAT", "DER tag %d at byte %d" % (found, pos))
    return start, stop


class Certificate:
    """Where the fields of one certificate lie in ``buf[start:end]``: spans, nothing copied."""

    def __init__(self, buf: bytes, start: int, end: int) -> None:
        pos, stop = expect(buf, start, end, _SEQUENCE)
        if stop != end:
            raise Error("FORMAT", "bytes after the certificate at %d" % stop)
        self.buf = buf
        pos, stop = expect(buf, pos, stop, _SEQUENCE)
        tag, inner, after = element(buf, pos, stop)
        self.version = 1
        if tag == _VERSION:
            number, last = expect(buf, inner, after, _INTEGER)
            if last - number != 1 or buf[number] > 2:
                raise Error("FORMAT", "certificate version at byte %d" % number)
            self.version = buf[number] + 1
            pos = after
        pos = expect(buf, pos, stop, _INTEGER)[1]  # serial number
        pos = expect(buf, pos, stop, _SEQUENCE)[1]  # signature algorithm
        self.issuer = expect(buf, pos, stop, _SEQUENCE)
        self.validity = expect(buf, self.issuer[1], stop, _SEQUENCE)
        self.subject = expect(buf, self.validity[1], stop, _SEQUENCE)
        self.key = expect(buf, self.subject[1], stop, _SEQUENCE)
        self.extensions = _extensions(buf, self.key[1], stop)

    def is_ca(self) -> bool:
        """Whether it may be an anchor: cA is TRUE, or it is older than v3 and cannot say so.

        RFC 5280 6.1.4 (k) lets other means decide for v1; mbedTLS accepts a v1 anchor.
        """
        if self.version < 3:
            return True
        pos, end = self.extensions
        while pos < end:
            inner, pos = expect(self.buf, pos, end, _SEQUENCE)
            oid, stop = expect(self.buf, inner, pos, _OID)
            if self.buf[oid:stop] == _OID_BASIC_CONSTRAINTS:
                return _ca_flag(self.buf, stop, pos)
        return False

    def family(self) -> str:
        """The key's family, ``RSA`` or ``ECDSA``, or ``""`` for any other."""
        start, end = expect(self.buf, self.key[0], self.key[1], _SEQUENCE)
        start, end = expect(self.buf, start, end, _OID)
        oid = self.buf[start:end]
        return "RSA" if oid == _OID_RSA else "ECDSA" if oid == _OID_EC else ""


def _extensions(buf: bytes, pos: int, end: int) -> "tuple[int, int]":
    """Return the span of the extension list; unique identifiers before it are passed over."""
    while pos < end:
        tag, start, stop = element(buf, pos, end)
        if tag == _EXTENSIONS:
            return expect(buf, start, stop, _SEQUENCE)
        pos = stop
    return end, end


def _ca_flag(buf: bytes, pos: int, end: int) -> bool:
    """Read cA of basicConstraints (RFC 5280 4.2.1.9); ``pos`` is behind the extension's OID."""
    tag, start, stop = element(buf, pos, end)
    if tag == _BOOLEAN:  # critical
        start, stop = expect(buf, stop, end, _OCTET_STRING)
    start, stop = expect(buf, start, stop, _SEQUENCE)
    if start == stop:
        return False  # FALSE is the default, and DER leaves a default out
    tag, start, stop = element(buf, start, stop)
    return tag == _BOOLEAN and buf[start:stop] == b"\xff"


def common_name(buf: bytes, span: "tuple[int, int]") -> str:
    """Return the last common name of a Name, else its organisation's text, else ``?``."""
    pos, end = span
    text = "?"
    while pos < end:
        inner, pos = expect(buf, pos, end, 0x31)
        inner, stop = expect(buf, inner, pos, _SEQUENCE)
        oid, after = expect(buf, inner, stop, _OID)
        _, start, last = element(buf, after, stop)
        if buf[oid:after] in (_OID_COMMON_NAME, b"\x55\x04\x0a", b"\x55\x04\x0b"):
            text = _printable(buf[start:last])
    return text


def _printable(raw: bytes) -> str:
    """Return at most 64 characters; a hostile name must not steer a terminal."""
    return "".join(chr(b) if 32 <= b < 127 else "?" for b in bytes(raw[:64]))
