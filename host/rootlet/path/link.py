"""One certificate as a verifier sees it: the facts that decide, without the encoding.

A ``Link`` is read from DER (``read``), or made from facts alone (``rootlet.chains``), so that
one set of rules answers for a captured chain and for one that is only described.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rootlet import x509

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509 as cryptography_x509

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"  # RFC 5280 4.2.1.12
ANY_PURPOSE = "2.5.29.37.0"
CERT_SIGN = "key_cert_sign"  # RFC 5280 4.2.1.3, as cryptography spells it
NAME_CONSTRAINTS = "2.5.29.30"
BASIC_CONSTRAINTS = "2.5.29.19"

_SUBJECT_ALT_NAME = "2.5.29.17"
_KEY_USAGE = "2.5.29.15"
_EKU = "2.5.29.37"
_USAGES = ("digital_signature", "key_encipherment", "key_agreement", CERT_SIGN)
#: The longest RSA key that mbedTLS computes with (MBEDTLS_MPI_MAX_SIZE, 1,024 bytes).
_MAX_RSA_BITS = 8192


@dataclass(frozen=True, eq=False, kw_only=True)
class Link:
    """A certificate of a chain, or an anchor.

    ``identity`` tells two links apart: SHA-256 of the DER, lower-case hex. ``subject`` and
    ``issuer`` are DER of a Name, ``title`` and ``issuer_title`` the same for people. ``usage``
    and ``purposes`` are None where the extension is absent, which allows everything (RFC 5280
    4.2.1.3, 4.2.1.12). ``dns`` is None without subjectAltName. ``key_id`` is SHA-1 of
    the public key (RFC 5280 4.2.1.2, method 1). ``extensions`` and
    ``critical`` hold the OIDs of all extensions and of the critical ones; ``digest`` is the hash
    of the signature, such as ``sha256``.
    """

    identity: str
    title: str
    issuer_title: str
    subject: bytes = field(repr=False)
    issuer: bytes = field(repr=False)
    key: str
    family: str
    not_before: datetime
    not_after: datetime
    version: int = 3
    is_ca: bool = False
    path_length: int | None = None
    usage: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    has_constraints: bool = False
    key_id: bytes = b""
    ski: bytes | None = None
    aki: bytes | None = None
    dns: tuple[str, ...] | None = None
    addresses: tuple[str, ...] = ()
    common_names: tuple[str, ...] = ()
    extensions: frozenset[str] = frozenset()
    critical: frozenset[str] = frozenset()
    digest: str = "sha256"

    def is_signed_by(self, parent: Link) -> bool:
        """Whether the key of ``parent`` made the signature; names and dates play no part."""
        raise NotImplementedError

    @property
    def is_self_issued(self) -> bool:
        """Whether issuer and subject are the same bytes (RFC 5280 section 3.2)."""
        return self.subject == self.issuer

    def may(self, usage: str) -> bool:
        """Whether keyUsage allows ``usage``; an absent extension allows everything."""
        return self.usage is None or usage in self.usage

    def serves(self, *, any_purpose: bool = True) -> bool:
        """Whether extendedKeyUsage allows a TLS server (RFC 5280 section 4.2.1.12).

        ``any_purpose``: whether anyExtendedKeyUsage does, which OpenSSL denies.
        """
        good = {SERVER_AUTH, ANY_PURPOSE} if any_purpose else {SERVER_AUTH}
        return self.purposes is None or bool(self.purposes & good)

    def is_valid(self, at: datetime) -> bool:
        """Whether ``at`` is within the dates, both inclusive (RFC 5280 section 4.1.2.5)."""
        return self.not_before <= at <= self.not_after


@dataclass(frozen=True, eq=False, kw_only=True)
class CertificateLink(Link):
    """A link with its certificate: signatures are really checked."""

    certificate: x509.Certificate = field(repr=False)
    parsed: cryptography_x509.Certificate = field(repr=False)

    def is_signed_by(self, parent: Link) -> bool:
        """Verify with the key of ``parent``; False for a key that no small stack computes with."""
        from cryptography.exceptions import (  # noqa: PLC0415 - as in rootlet.x509
            InvalidSignature,
            UnsupportedAlgorithm,
        )
        from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415 - the same

        if not isinstance(parent, CertificateLink):
            return False
        key, own = parent.parsed.public_key(), self.parsed
        signature, body = own.signature, own.tbs_certificate_bytes
        try:
            how, digest = own.signature_algorithm_parameters, own.signature_hash_algorithm
            if isinstance(key, rsa.RSAPublicKey) and key.key_size <= _MAX_RSA_BITS:
                key.verify(signature, body, how, digest)  # type: ignore[arg-type]
            elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(how, ec.ECDSA):
                key.verify(signature, body, how)
            else:
                return False
        except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
            return False
        return True


def read(der: bytes, where: str) -> CertificateLink:
    """Read one DER certificate; InputError (FORMAT), naming ``where``, if it is none."""
    return from_certificate(x509.parse_der(der, where))


def from_certificate(certificate: x509.Certificate) -> CertificateLink:
    """Return the link of a certificate that was read before."""
    from cryptography import x509 as library  # noqa: PLC0415 - as in rootlet.x509

    with x509._known_serial_zero():  # noqa: SLF001 - one exception for one serial number
        parsed = library.load_der_x509_certificate(certificate.der)
        extensions = parsed.extensions
    found = {item.oid.dotted_string: item for item in extensions}
    dns, addresses = _alternatives(found.get(_SUBJECT_ALT_NAME))
    common = parsed.subject.get_attributes_for_oid(library.oid.NameOID.COMMON_NAME)
    return CertificateLink(
        identity=certificate.sha256,
        title=title(certificate.subject),
        issuer_title=title(certificate.issuer),
        subject=certificate.subject_der,
        issuer=certificate.issuer_der,
        key=certificate.key,
        family=certificate.family,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        version=certificate.version,
        is_ca=certificate.is_ca,
        path_length=certificate.path_length,
        usage=_usages(found.get(_KEY_USAGE)),
        purposes=_purposes(found.get(_EKU)),
        has_constraints=certificate.has_name_constraints,
        key_id=library.SubjectKeyIdentifier.from_public_key(parsed.public_key()).digest,
        ski=certificate.ski,
        aki=certificate.aki,
        dns=dns,
        addresses=addresses,
        common_names=tuple(x509.printable(str(item.value)) for item in common),
        extensions=frozenset(found),
        critical=frozenset(oid for oid, item in found.items() if item.critical),
        digest=getattr(_digest(parsed), "name", "unknown"),
        certificate=certificate,
        parsed=parsed,
    )


def title(subject: str) -> str:
    """Return the common name out of RFC 4514 text, or the first part of what there is."""
    parts = subject.replace("\\,", "\0").split(",")
    named = next((part for part in parts if part.startswith("CN=")), parts[0])
    return named.partition("=")[2].replace("\0", ",") or subject


def _digest(parsed: cryptography_x509.Certificate) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as in rootlet.x509

    try:
        return parsed.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None


def _usages(extension: object) -> frozenset[str] | None:
    if extension is None:
        return None
    value = extension.value  # type: ignore[attr-defined]
    return frozenset(name for name in _USAGES if getattr(value, name))


def _purposes(extension: object) -> frozenset[str] | None:
    if extension is None:
        return None
    return frozenset(item.dotted_string for item in extension.value)  # type: ignore[attr-defined]


def _alternatives(extension: object) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    from cryptography.x509 import DNSName, IPAddress  # noqa: PLC0415 - as in rootlet.x509

    if extension is None:
        return None, ()
    value = extension.value  # type: ignore[attr-defined]
    addresses = tuple(str(item) for item in value.get_values_for_type(IPAddress))
    return tuple(map(x509.printable, value.get_values_for_type(DNSName))), addresses
