"""What a certificate says: names, kind of key, dates. For diagnosis, rotation and the host.

What a verified leaf proves of the time, and which anchor ends soon, is read here too.
"""

from .der import Certificate, element, expect
from .errors import const

_TYPING = const(0)
if _TYPING:
    from .bundle import Bundle

_SEQUENCE = const(0x30)
_SET = const(0x31)
_OID = const(0x06)
_UTC_TIME = const(0x17)
_SOON = const(90)  # days
_DAY = const(86400)


def family(found: Certificate) -> str:
    """Return the family of a certificate's key, ``RSA`` or ``ECDSA``, or ``""`` for any other."""
    buf = found.buf
    start, end = expect(buf, found.key[0], found.key[1], _SEQUENCE)
    start, end = expect(buf, start, end, _OID)
    oid = buf[start:end]
    if oid == b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01":
        return "RSA"
    return "ECDSA" if oid == b"\x2a\x86\x48\xce\x3d\x02\x01" else ""


def common_name(buf: bytes, span: "tuple[int, int]") -> str:
    """Return the last common name of a Name, else its organisation's text, else ``?``.

    At most 64 printable characters: a hostile name must not steer a terminal.
    """
    pos, end = span
    text = b"?"
    while pos < end:
        start, pos = expect(buf, pos, end, _SET)
        start, stop = expect(buf, start, pos, _SEQUENCE)
        oid, after = expect(buf, start, stop, _OID)
        start, stop = element(buf, after, stop)[1:]
        # Common name, organisation, organisational unit: 2.5.4.3, .10, .11.
        if buf[oid:after] in (b"\x55\x04\x03", b"\x55\x04\x0a", b"\x55\x04\x0b"):
            text = bytes(buf[start:stop])[:64]
    return "".join([chr(byte) if 32 <= byte < 127 else "?" for byte in text])


def validity(der: bytes) -> "tuple[int, int]":
    """Return notBefore and notAfter of a certificate in Unix seconds (RFC 5280 4.1.2.5)."""
    start, end = Certificate(der, 0, len(der)).validity
    found = []
    for _ in (0, 1):
        tag, first, start = element(der, start, end)
        found.append(_seconds(tag, der[first:start]))
    return found[0], found[1]


def _seconds(tag: int, raw: bytes) -> int:
    """Read YYMMDDHHMMSSZ (UTCTime, 1950 to 2049) or YYYYMMDDHHMMSSZ (GeneralizedTime)."""
    text = str(raw, "utf-8")
    if tag == _UTC_TIME:
        text = ("19" if text[0] >= "5" else "20") + text
    seconds = days(int(text[:4]), int(text[4:6]), int(text[6:8]))
    for pos, units in ((8, 24), (10, 60), (12, 60)):
        seconds = seconds * units + int(text[pos : pos + 2])
    return seconds


def days(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 to a date of the Gregorian calendar.

    Ports count from other years and end at 2037 or 2038, so :mod:`time` is no help.
    """
    year -= month <= 2
    month = (month + 9) % 12
    leap_days = year // 4 - year // 100 + year // 400
    return year * 365 + leap_days + (month * 306 + 5) // 10 + day - 719469


def ending(bundle: "Bundle", now: int) -> "list[tuple[str, int]]":
    """Return ``(name, days left)`` of each anchor, and the bundle, that ends within 90 days."""
    found = []
    if bundle.not_after:
        found.append(("bundle", bundle.not_after))
    for index in range(len(bundle.anchors)):
        der = bundle.der(index)
        name = common_name(der, Certificate(der, 0, len(der)).subject)
        found.append((name, validity(der)[1]))
    return [(name, (end - now) // _DAY) for name, end in found if (end - now) // _DAY < _SOON]
