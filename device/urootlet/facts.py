"""What a certificate says for people: names and kind of key. For diagnosis, hooks and the host."""

from .der import Certificate, element, expect
from .errors import const

_TYPING = const(0)
if _TYPING:
    from .bundle import Bundle

_SOON = const(90)  # days
_DAY = const(86400)
_SEQUENCE = const(0x30)
_SET = const(0x31)
_OID = const(0x06)


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


def ending(bundle: "Bundle", now: int) -> "list[tuple[str, int]]":
    """Return ``(name, days left)`` of each anchor, and the bundle, that ends within 90 days."""
    from .dates import validity

    found = []
    if bundle.not_after and (bundle.not_after - now) // _DAY < _SOON:
        found.append(("bundle", (bundle.not_after - now) // _DAY))
    for index in range(len(bundle.anchors)):
        der = bundle.der(index)
        left = (validity(der)[1] - now) // _DAY
        if left < _SOON:
            found.append((common_name(der, Certificate(der, 0, len(der)).subject), left))
    return found
