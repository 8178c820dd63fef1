"""Trust anchors in the smallest packaging that a TLS stack takes.

A trust anchor is a name and a public key (RFC 5280 6.1.1 (d)); the root certificate around them
is only packaging, and its own signature proves nothing (RFC 5280 6.1: the anchor is an input).
The stacks still want to load a certificate, so three forms exist:

``full``    the original bytes.
``strict``  version 3 with basicConstraints, keyUsage and subjectKeyIdentifier, and an empty
            signature: passes mbedTLS, OpenSSL (also X509_V_FLAG_X509_STRICT) and BearSSL.
``tiny``    version 1, no extensions, a one-character issuer, an empty signature: mbedTLS only,
            which takes a trusted v1 certificate as a CA and never looks at an anchor's issuer.

Name, key and validity dates are the original's bytes in every form: mbedTLS checks the dates of
anchors too. A slim form has another fingerprint, so a bundle carries the original's SHA-256.
"""

from __future__ import annotations

import hashlib

from rootlet.errors import TrustError
from urootlet.der import Certificate, element, expect
from urootlet.facts import family

FORMS = ("tiny", "strict", "full")

_SEQUENCE = 0x30
_BOOLEAN = 0x01
_OID = 0x06
_BASIC_CONSTRAINTS = bytes.fromhex("551d13")
_KEY_USAGE = bytes.fromhex("551d0f")
_KEY_CERT_SIGN = 0x04  # bit 5, counted from the left
_SKI = bytes.fromhex("551d0e")
#: What says nothing about which paths are good: it may be left out of any form.
_INFORMATIVE = {
    bytes.fromhex("551d23"): "authorityKeyIdentifier",
    bytes.fromhex("551d20"): "certificatePolicies",
    bytes.fromhex("551d1f"): "cRLDistributionPoints",
    bytes.fromhex("551d11"): "subjectAltName",
    bytes.fromhex("2b06010505070101"): "authorityInfoAccess",
    bytes.fromhex("2b0601050507010c"): "logotype",
}
#: What bounds the paths below the anchor: kept in `strict`, impossible in `tiny`.
_CONSTRAINTS = {
    bytes.fromhex("551d1e"): "nameConstraints",
    bytes.fromhex("551d25"): "extendedKeyUsage",
    bytes.fromhex("551d24"): "policyConstraints",
    bytes.fromhex("551d36"): "inhibitAnyPolicy",
}
_ALGORITHM = {
    "RSA": bytes.fromhex("300d06092a864886f70d01010b0500"),  # sha256WithRSAEncryption
    "ECDSA": bytes.fromhex("300a06082a8648ce3d040302"),  # ecdsa-with-SHA256
}
_VERSION_3 = bytes.fromhex("a003020102")
_SERIAL_1 = bytes.fromhex("020101")
_EMPTY_SIGNATURE = bytes.fromhex("030100")
_ISSUER_X = bytes.fromhex("300c310a300806035504030c0178")
_CA_TRUE = bytes.fromhex("300f0603551d130101ff040530030101ff")
_CERT_AND_CRL_SIGN = bytes.fromhex("300e0603551d0f0101ff040403020106")


def package(der: bytes, form: str, name: str) -> bytes:
    """Return the certificate ``der`` in ``form``, one of :data:`FORMS`.

    Raises TrustError, naming ``name`` and the extension, when the form cannot carry a constraint
    of the original: a constraint is kept, or the anchor is not made.
    """
    certificate = Certificate(der, 0, len(der))
    if not certificate.is_ca():
        raise TrustError(
            f"{name} is not a CA certificate",
            why="its basicConstraints do not say cA TRUE (RFC 5280 4.2.1.9)",
            hint="give the root certificate, not a server's",
            code="FORMAT",
        )
    if not _may_sign(_extensions(certificate).get(_KEY_USAGE)):
        raise TrustError(
            f"{name} may not sign certificates",
            why="its keyUsage does not say keyCertSign (RFC 5280 4.2.1.3)",
            hint="give the root certificate whose key signs the server's chain",
            code="FORMAT",
        )
    if form == "full":
        return der
    return _tiny(certificate, name) if form == "tiny" else _strict(certificate, name)


def _tiny(original: Certificate, name: str) -> bytes:
    for oid, extension in _extensions(original).items():
        _check_droppable(oid, extension, name)
    return _sign_nothing(original, b"", _ISSUER_X, b"")


def _strict(original: Certificate, name: str) -> bytes:
    extensions = _extensions(original)
    kept = [
        extensions.get(_BASIC_CONSTRAINTS, _CA_TRUE),
        extensions.get(_KEY_USAGE, _CERT_AND_CRL_SIGN),
        extensions.get(_SKI) or _key_identifier(original),
    ]
    for oid, extension in extensions.items():
        if oid in _CONSTRAINTS:
            kept.append(extension)
        elif oid not in (_BASIC_CONSTRAINTS, _KEY_USAGE, _SKI):
            _check_droppable(oid, extension, name)
    subject = tlv(_SEQUENCE, _bytes(original, original.subject))
    return _sign_nothing(original, _VERSION_3, subject, tlv(0xA3, tlv(_SEQUENCE, b"".join(kept))))


def _sign_nothing(original: Certificate, version: bytes, issuer: bytes, tail: bytes) -> bytes:
    algorithm = _ALGORITHM.get(family(original), _ALGORITHM["RSA"])
    body = version + _SERIAL_1 + algorithm + issuer
    for span in (original.validity, original.subject, original.key):
        body += tlv(_SEQUENCE, _bytes(original, span))
    return tlv(_SEQUENCE, tlv(_SEQUENCE, body + tail) + algorithm + _EMPTY_SIGNATURE)


def _check_droppable(oid: bytes, extension: bytes, name: str) -> None:
    """Refuse to leave out an extension that bounds paths, or one that nobody knows."""
    constraint = _CONSTRAINTS.get(oid)
    if oid == _BASIC_CONSTRAINTS:
        constraint = "path length" if b"\x30\x03\x01\x01\xff" not in extension else None
    elif constraint is None and oid not in _INFORMATIVE and oid not in (_KEY_USAGE, _SKI):
        constraint = f"unknown extension {oid.hex()}"
    if constraint:
        raise TrustError(
            f"{name} has a constraint that a slim form cannot carry: {constraint}",
            why="an anchor without it would trust more than its owner meant",
            hint="build with --form strict, which keeps known constraints, or --form full"
            if oid in _CONSTRAINTS or oid == _BASIC_CONSTRAINTS
            else "build with --form full",
            code="FORMAT",
        )


def _may_sign(usage: bytes | None) -> bool:
    """Whether a keyUsage extension says keyCertSign; without one, every use is allowed."""
    if usage is None:
        return True
    inner = element(usage, 0, len(usage))[1]
    value = element(usage, inner, len(usage))[2]
    if usage[value] == _BOOLEAN:
        value = element(usage, value, len(usage))[2]
    octets, end = expect(usage, value, len(usage), 0x04)
    bits, end = expect(usage, octets, end, 0x03)
    return end - bits > 1 and bool(usage[bits + 1] & _KEY_CERT_SIGN)


def _extensions(certificate: Certificate) -> dict[bytes, bytes]:
    """Return OID -> the whole extension, in order."""
    found = {}
    buf = bytes(certificate.buf)
    pos, end = certificate.extensions
    while pos < end:
        start = pos
        inner, pos = expect(buf, pos, end, _SEQUENCE)
        oid, stop = expect(buf, inner, pos, _OID)
        found[buf[oid:stop]] = buf[start:pos]
    return found


def _key_identifier(certificate: Certificate) -> bytes:
    """Make a subjectKeyIdentifier by method 1 of RFC 5280 4.2.1.2."""
    buf = bytes(certificate.buf)
    start, end = certificate.key
    bits = expect(buf, element(buf, start, end)[2], end, 0x03)
    digest = hashlib.sha1(buf[bits[0] + 1 : bits[1]], usedforsecurity=False).digest()
    return tlv(_SEQUENCE, tlv(_OID, _SKI) + tlv(0x04, tlv(0x04, digest)))


def _bytes(certificate: Certificate, span: tuple[int, int]) -> bytes:
    return bytes(certificate.buf[span[0] : span[1]])


def tlv(tag: int, content: bytes) -> bytes:
    """Return a DER element with the shortest length (X.690 10.1)."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
