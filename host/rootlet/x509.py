"""What rootlet wants to know of a certificate, and the loud reading of files that hold them.

A ``Certificate`` keeps the exact bytes and copies names and key out of them: a name that was
decoded and encoded again may differ, and then no longer matches (RFC 5280 section 7.1 compares
names loosely, the TLS stacks of small boards byte by byte).

``cryptography`` is loaded on first use: its import costs more than the rest of a start.
"""

from __future__ import annotations

import hashlib
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from rootlet import pem
from rootlet.pem import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cryptography import x509

_CURVES = {"secp256r1": "p256", "secp384r1": "p384", "secp521r1": "p521"}
_BASIC_CONSTRAINTS = "2.5.29.19"
_KEY_USAGE = "2.5.29.15"
_EKU = "2.5.29.37"
_NAME_CONSTRAINTS = "2.5.29.30"
_SKI = "2.5.29.14"
_AKI = "2.5.29.35"


@dataclass(frozen=True, eq=False)
class Certificate:
    """One X.509 certificate (RFC 5280 section 4.1). Two are equal when their bytes are.

    ``subject`` and ``issuer`` are RFC 4514 text, safe to print; the ``_der`` fields are slices of
    ``der``. ``key`` is ``rsa-BITS``, ``ec-p256``, ``ec-p384``, ``ec-p521`` or ``ec-NAME``;
    ``family`` is ``rsa`` or ``ecdsa``. Dates are aware (UTC). ``version`` is 1, 2 or 3.
    ``is_ca`` and ``path_length`` come from basicConstraints (4.2.1.9): a version 1 root has
    ``is_ca`` False. ``ski`` and ``aki`` are key identifiers (4.2.1.2, 4.2.1.1).
    """

    der: bytes = field(repr=False)
    subject: str
    issuer: str
    subject_der: bytes = field(repr=False)
    issuer_der: bytes = field(repr=False)
    spki_der: bytes = field(repr=False)
    key: str
    family: str
    not_before: datetime
    not_after: datetime
    serial: int
    version: int
    is_ca: bool
    path_length: int | None
    has_key_usage: bool
    has_eku: bool
    has_name_constraints: bool
    ski: bytes | None
    aki: bytes | None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    @cached_property
    def sha256(self) -> str:
        """The fingerprint: SHA-256 of the whole DER, as lower-case hex."""
        return hashlib.sha256(self.der).hexdigest()

    @cached_property
    def sha1(self) -> str:
        """SHA-1 of the whole DER, as lower-case hex; only to look things up, never to trust."""
        return hashlib.sha1(self.der, usedforsecurity=False).hexdigest()

    @cached_property
    def spki_sha256(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo (RFC 7469 section 2.4), as lower-case hex."""
        return hashlib.sha256(self.spki_der).hexdigest()

    @property
    def is_self_issued(self) -> bool:
        """Whether issuer and subject are the same bytes (RFC 5280 section 3.2)."""
        return self.subject_der == self.issuer_der


def parse_certificates(data: bytes, where: str) -> list[Certificate]:
    """Read every certificate of a PEM file, or the one of a DER file; never fewer than it holds.

    ``data`` is the whole file, at most ``pem.MAX_FILE`` bytes; ``where`` names it in errors.
    Raises InputError (FORMAT), with the file and the block (from 1), for anything that is not a
    plain list of different certificates. See ``rootlet.pem`` for what text may surround them.
    """
    pem.check_size(data, where)
    if pem.is_binary(data):
        return [parse_der(data, where)]
    found: dict[Certificate, int] = {}
    for number, der in enumerate(pem.blocks(data, where), 1):
        place = f"{where}, block {number}"
        first = found.setdefault(parse_der(der, place), number)
        if first != number:
            refuse(
                f"{place}: the same certificate as block {first}",
                "a trust anchor counts once",
                f"remove block {number}",
            )
    return list(found)


def parse_der(der: bytes, where: str) -> Certificate:
    """Read exactly one DER certificate; ``where`` names the file and block in errors.

    Raises InputError (FORMAT) for truncated or trailing bytes, for another kind of DER file, for
    what RFC 5280 does not allow, and for keys that are neither RSA nor elliptic curve.
    """
    pem.check_size(der, where)
    _check_length(der, where)
    try:
        with _known_serial_zero():
            return _read(_load(der), der)
    # Flipping each bit of a root showed ValueError, TypeError, and classes that derive from
    # Exception alone, not all of them documented. Whatever it is, these bytes are refused.
    except Exception as error:  # noqa: BLE001 - see above
        _refuse_other_kind(der, where)
        refuse(
            f"{where}: not a certificate that can be read",
            f"{error}".partition("\n")[0][:200] or "its encoding is wrong",
            "check it with: openssl x509 -noout -text -in FILE",
        )


def check_signed_by(child: Certificate, issuer: Certificate) -> bool:
    """Whether ``issuer`` is named in ``child`` and its key made the signature on it.

    Only that: no dates, no CA flag, no path length (RFC 5280 section 6.1.3 (a)(1) and (a)(4)).
    False as well for a signature over SHA-1, as the oldest roots have it: it proves nothing.
    """
    from cryptography.exceptions import (  # noqa: PLC0415 - see the module
        InvalidSignature,
        UnsupportedAlgorithm,
    )

    try:
        with _known_serial_zero():
            _load(child.der).verify_directly_issued_by(_load(issuer.der))
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True


def _load(der: bytes) -> x509.Certificate:
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415 - see the module

    return load_der_x509_certificate(der)


@contextmanager
def _known_serial_zero() -> Iterator[None]:
    """Let serial number 0 pass without a warning.

    Starfield Services Root CA - G2 and Starfield Class 2 were made with it; RFC 5280 section
    4.1.2.2 wants a positive number. Anchors are compared by hash here, so it does no harm.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Parsed a serial number which wasn't positive")
        yield


def _read(parsed: x509.Certificate, der: bytes) -> Certificate:
    subject_der, issuer_der, spki_der = _name_and_key_bytes(parsed.tbs_certificate_bytes)
    extensions = {item.oid.dotted_string: item.value for item in parsed.extensions}
    constraints = extensions.get(_BASIC_CONSTRAINTS)  # values have the type of their OID, or None
    key, family = _key(parsed)
    return Certificate(
        der=der,
        subject=printable(parsed.subject.rfc4514_string()),
        issuer=printable(parsed.issuer.rfc4514_string()),
        subject_der=subject_der,
        issuer_der=issuer_der,
        spki_der=spki_der,
        key=key,
        family=family,
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        serial=parsed.serial_number,
        version=parsed.version.value + 1,
        is_ca=getattr(constraints, "ca", False),
        path_length=getattr(constraints, "path_length", None),
        has_key_usage=_KEY_USAGE in extensions,
        has_eku=_EKU in extensions,
        has_name_constraints=_NAME_CONSTRAINTS in extensions,
        ski=getattr(extensions.get(_SKI), "digest", None),
        aki=getattr(extensions.get(_AKI), "key_identifier", None),
    )


def _key(parsed: x509.Certificate) -> tuple[str, str]:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415 - see the module

    public = parsed.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return f"rsa-{public.key_size}", "rsa"
    if isinstance(public, ec.EllipticCurvePublicKey):
        return f"ec-{_CURVES.get(public.curve.name, public.curve.name)}", "ecdsa"
    raise ValueError("its key is neither RSA nor elliptic curve, which is all that boards verify")


def printable(name: str) -> str:
    """Escape what could steer a terminal, as RFC 4514 section 2.4 does: names are hostile."""
    return "".join(
        char if char.isprintable() else "".join(f"\\{byte:02X}" for byte in char.encode())
        for char in name
    )


def _check_length(der: bytes, where: str) -> None:
    try:
        _, end = _element(der, 0)
    except (IndexError, ValueError):
        refuse(f"{where}: not a certificate", "it does not start like DER", "give PEM or DER")
    if end > len(der):
        refuse(
            f"{where}: the certificate is cut off",
            f"it says {end} bytes; {len(der)} are there",
            "get the file again",
        )
    if end < len(der):
        mixed = b"-----BEGIN" in der[end:]
        refuse(
            f"{where}: {len(der) - end} bytes after the end of the certificate",
            "PEM text follows the DER bytes" if mixed else "a DER file holds one certificate",
            "keep one form per file; put several certificates into one PEM file",
        )


def _refuse_other_kind(der: bytes, where: str) -> None:
    """Name the other things that come as one DER SEQUENCE, by how their content starts."""
    start, _ = _element(der, 0)
    content = der[start : start + 3]
    if content == b"\x02\x01\x03":  # RFC 7292 section 4: version 3
        refuse(f"{where}: a PKCS#12 key store", "not a certificate", "export it as PEM")
    if content[:1] == b"\x02":  # RFC 5208, RFC 8017 A.1.2, RFC 5915: a version comes first
        refuse(f"{where}: a private key", "not a certificate", "give the CA certificate")
    if content[:1] == b"\x06":  # RFC 2315 section 7: the content type
        hint = "openssl pkcs7 -inform DER -print_certs -in FILE -out FILE.pem"
        refuse(f"{where}: a PKCS#7 container", "not a certificate", hint)
    if _is_request(der):
        hint = "give the certificate that the CA issued"
        refuse(f"{where}: a certificate request", "not a certificate", hint)


def _is_request(der: bytes) -> bool:
    from cryptography.x509 import load_der_x509_csr  # noqa: PLC0415 - see the module

    try:
        load_der_x509_csr(der)
    except Exception:  # noqa: BLE001 - as in parse_der
        return False
    return True


def _name_and_key_bytes(tbs: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the bytes of subject, issuer and SubjectPublicKeyInfo (RFC 5280 section 4.1)."""
    position, _ = _element(tbs, 0)
    fields = []
    while position < len(tbs):
        _, end = _element(tbs, position)
        fields.append(tbs[position:end])
        position = end
    if fields[0][0] == 0xA0:  # [0] version; a version 1 certificate has none
        del fields[0]
    _serial, _signature, issuer, _validity, subject, spki = fields[:6]
    return subject, issuer, spki


def _element(data: bytes, start: int) -> tuple[int, int]:
    """Return where the content of a DER element starts and ends (X.690 sections 8.1.2, 8.1.3).

    Raises IndexError or ValueError when there is none; the end may lie beyond ``data``.
    """
    if data[start] & 0x1F == 0x1F:
        raise ValueError("a tag of several bytes")
    length, content = data[start + 1], start + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4:
            raise ValueError("a length of no or too many bytes")
        length, content = int.from_bytes(data[content : content + size]), content + size
    return content, content + length
