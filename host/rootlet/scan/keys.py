"""CA keys that stand without a certificate, as the stores of small systems keep them.

ESP-IDF's bundle holds name and SubjectPublicKeyInfo (``rootlet.export.esp_crt_bundle`` has both
layouts), rustls the content of the two, BearSSL the numbers of the key and, elsewhere, the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet.anchor import tlv
from rootlet.scan import encoding, index
from rootlet.scan.seen import Key, Seen

if TYPE_CHECKING:
    from rootlet.scan.patterns import Pattern
    from rootlet.scan.source import Source

_SEQUENCE = 0x30
_BIT_STRING = 0x03
_MAX_NAME = 1024
#: byte order -> what such a record is called
_LAYOUTS = (("little", "ESP-IDF bundle"), ("big", "ESP-IDF bundle, layout before 5.4"))


def public_key(source: Source, oid: int) -> Seen | None:
    """Return the key whose algorithm's OBJECT IDENTIFIER is at ``oid``.

    In a record of ESP-IDF's bundle any key is one of a CA; elsewhere only a known one is.
    """
    start = oid - 2  # of the AlgorithmIdentifier, a SEQUENCE of less than 128 bytes
    if start < 0:
        return None
    data = source.read(start, 2 + 128 + 1200)
    algorithm = encoding.element(data)
    if algorithm is None or data[0] != _SEQUENCE or algorithm[0] != 2:
        return None
    bits = encoding.element(data, algorithm[1])
    if bits is None or data[algorithm[1]] != _BIT_STRING:
        return None
    spki = tlv(_SEQUENCE, data[: bits[1]])
    end = start + bits[1]
    start = end - len(spki)
    before = source.read(max(start - _MAX_NAME - 4, 0), min(_MAX_NAME + 4, max(start, 0)))
    sha256 = encoding.sha256(spki)
    for order, form in _LAYOUTS:
        name = _name_before(before, len(spki), order)
        if name:
            return Seen(start - len(name) - 4, end, form, Key(sha256, name))
    if sha256 in index.by_spki():
        return Seen(max(start, 0), end, "public key", Key(sha256))
    return None


def _name_before(before: bytes, key_size: int, order: str) -> bytes:
    """Return the name of a bundle's record: it ends ``before`` and two lengths lead it."""
    mark = key_size.to_bytes(2, order) + b"\x30"  # type: ignore[arg-type] # one of two words
    at = before.rfind(mark)
    while at >= 2:
        name = before[at + 2 :]
        if before[at - 2 : at] == len(name).to_bytes(2, order):  # type: ignore[arg-type]
            span = encoding.element(name)
            return name if span and span[1] == len(name) else b""
        at = before.rfind(mark, 0, at)
    return b""


def bare_key(source: Source, at: int, pattern: Pattern) -> Seen | None:
    """Return the known key whose modulus or point is at ``at``, as BearSSL keeps it."""
    data = source.read(at, pattern.size)
    spkis = _rsa(data) if pattern.size > 2 * 48 else _curve(data)
    if pattern.spki_sha256 not in map(encoding.sha256, spkis):
        return None
    return Seen(at, at + pattern.size, "bare key, as BearSSL keeps it", Key(pattern.spki_sha256))


def _rsa(modulus: bytes) -> list[bytes]:
    """Return the key with each exponent that CAs have; the numbers stand apart."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - as in rootlet.x509
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
    )

    number = int.from_bytes(modulus, "big")
    try:
        keys = [rsa.RSAPublicNumbers(e, number).public_key() for e in (65537, 3)]
    except ValueError:  # an even number
        return []
    return [one.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in keys]


def _curve(point: bytes) -> list[bytes]:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as in rootlet.x509
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
    )

    curve = ec.SECP256R1() if len(point) == 2 * 32 else ec.SECP384R1()
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + point)
    except ValueError:  # not on the curve
        return []
    return [key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)]
