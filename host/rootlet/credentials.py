"""A device's key, certificate request and certificate. Pure: no files, no clock.

Certificates are X.509 v3 and say what a client needs and no more: not a CA, digitalSignature,
clientAuth, and the key identifiers (RFC 5280 sections 4.2.1.1 to 4.2.1.3, 4.2.1.9, 4.2.1.12).
The common name is opaque unless one is given, because TLS 1.2 shows a client's certificate to
everyone who listens (security rule 14).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rootlet import identity
from rootlet import x509 as reading
from rootlet.errors import InputError, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rootlet.identity import PrivateKey

    #: Makes the certificate (DER) for a request and its key, or None: an authority makes it later.
    Issue = Callable[[x509.CertificateSigningRequest, PrivateKey], bytes | None]
    _Sign = Callable[[x509.CertificateSigningRequest, PrivateKey], bytes]

#: AWS IoT ends the certificates that it makes for devices then; UTCTime counts no further.
LAST = datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
#: How far not_before lies back, for a server whose clock lags.
BACKDATED = timedelta(days=1)
#: RFC 5280 appendix A.1, ub-common-name.
MAX_COMMON_NAME = 64
_OPAQUE = 32  # hex digits
_MIN_RSA = 2048  # as AWS IoT; the curves too
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a new P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def check_key(key: PrivateKey, where: str) -> None:
    """Refuse a key that AWS IoT does not register. Raises InputError."""
    if isinstance(key, rsa.RSAPrivateKey):
        kind, fits = f"RSA with {key.key_size} bits", key.key_size >= _MIN_RSA
    else:
        kind, fits = f"on the curve {key.curve.name}", isinstance(key.curve, _CURVES)
    if not fits:
        raise InputError(
            f"{where}: no key for a device or its authority",
            why=f"it is {kind}; AWS IoT takes RSA from {_MIN_RSA} bits, P-256, P-384 and P-521",
            hint="leave --key out, and a P-256 key is made",
            code="FORMAT",
        )


def check_common_name(common_name: str) -> None:
    """Refuse what X.509 does not take as a name (RFC 5280 appendix A.1). Raises InputError."""
    if len(common_name) > MAX_COMMON_NAME or not common_name.isprintable():
        raise InputError(
            f"{common_name[:80]!r}: not a common name",
            why=f"RFC 5280 takes up to {MAX_COMMON_NAME} characters, and no control character",
            hint="leave it out for an opaque one",
        )


def request(key: PrivateKey, common_name: str = "") -> x509.CertificateSigningRequest:
    """Return a PKCS#10 request (RFC 2986), signed with SHA-256.

    An empty ``common_name`` becomes the first 32 hex digits of SHA-256(SPKI): it tells nothing,
    and the same key has the same one. Raises InputError for a name that X.509 does not take.
    """
    check_common_name(common_name)
    name = common_name or spki_sha256(key)[:_OPAQUE]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256())


def request_pem(made: x509.CertificateSigningRequest) -> bytes:
    """Return a request in PEM, as every authority takes it."""
    return made.public_bytes(serialization.Encoding.PEM)


def spki_sha256(key: PrivateKey) -> str:
    """Return SHA-256 of the public half (RFC 7469 section 2.4), as lower-case hex."""
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(spki).hexdigest()


def key_usage(**allowed: bool) -> x509.KeyUsage:
    """Return a key usage extension (RFC 5280 section 4.2.1.3) that allows what is named."""
    return x509.KeyUsage(**{**dict.fromkeys(_USAGES, False), **allowed})


def later(_request: x509.CertificateSigningRequest, _key: PrivateKey) -> None:
    """Make no certificate: the request goes to an authority."""


def self_signed(now: datetime, ends: datetime = LAST) -> _Sign:
    """Return what makes certificates that the device's own key signs.

    AWS IoT takes one with ``register-certificate-without-ca``.
    """

    def issue(asked: x509.CertificateSigningRequest, key: PrivateKey) -> bytes:
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return _sign(asked, (now - BACKDATED, ends), (asked.subject, key, own))

    return issue


def given(certificate: bytes, where: str) -> _Sign:
    """Return what hands out one certificate (DER) that is there already, for its key only."""

    def issue(_asked: x509.CertificateSigningRequest, key: PrivateKey) -> bytes:
        identity.check_pair(certificate, key, where)
        return certificate

    return issue


@dataclass(frozen=True)
class Authority:
    """A CA that signs device certificates."""

    certificate: x509.Certificate
    key: PrivateKey
    now: datetime
    ends: datetime = LAST

    def issue(self, asked: x509.CertificateSigningRequest, _key: PrivateKey) -> bytes:
        """Return the certificate for a request, within the CA's own dates, as DER."""
        begins = max(self.now - BACKDATED, self.certificate.not_valid_before_utc)
        ends = min(self.ends, self.certificate.not_valid_after_utc)
        issuer = self.certificate.subject
        return _sign(asked, (begins, ends), (issuer, self.key, _identifier(self.certificate)))


def authority(
    certificate: bytes, key: PrivateKey, where: str, now: datetime, ends: datetime = LAST
) -> Authority:
    """Return the CA of a certificate file's content and its key.

    Raises InputError for what is no CA, or another's key; TrustError for a CA that has ended.
    """
    der = identity.read_certificate(certificate, where)
    found = x509.load_der_x509_certificate(der)
    read = reading.parse_der(der, where)
    if not read.is_ca or (read.has_key_usage and not _may_sign(found)):
        raise InputError(
            f"{where}: not the certificate of an authority",
            why="it does not say that its key may sign certificates",
            hint="give the CA certificate that devices are signed under",
        )
    identity.check_pair(der, key, where)
    check_key(key, where)
    check_dates(der, where, now)
    return Authority(found, key, now, ends)


def check_dates(certificate: bytes, where: str, now: datetime) -> None:
    """Refuse a certificate that has ended, or has not begun by tomorrow. Raises TrustError."""
    found = reading.parse_der(certificate, where)
    if not found.not_before - BACKDATED <= now <= found.not_after:
        raise TrustError(
            f"{where}: the certificate is not in force",
            why=f"it is valid from {found.not_before:%Y-%m-%d} to {found.not_after:%Y-%m-%d}",
            hint="get a new one, or set this computer's clock",
            code="EXPIRED",
        )


def check_client(certificate: bytes, where: str) -> None:
    """Refuse a certificate that no server takes from a client. Raises InputError."""
    parsed = x509.load_der_x509_certificate(certificate)
    try:
        purposes = parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & {
        *purposes
    }:
        raise InputError(
            f"{where}: not a certificate for a client",
            why="its extended key usage lacks clientAuth",
            hint="ask the authority for a client certificate",
            code="CLIENTCERT",
        )


def _may_sign(certificate: x509.Certificate) -> bool:
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    return usage.key_cert_sign


def _identifier(certificate: x509.Certificate) -> x509.SubjectKeyIdentifier:
    """Return the issuer's key identifier: as it names itself, else made from its key."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())


def _sign(
    asked: x509.CertificateSigningRequest,
    dates: tuple[datetime, datetime],
    by: tuple[x509.Name, PrivateKey, x509.SubjectKeyIdentifier],
) -> bytes:
    issuer, key, identifier = by
    public = asked.public_key()
    builder = (
        x509.CertificateBuilder(issuer, asked.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(dates[0])
        .not_valid_after(dates[1])
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
    )
    return builder.sign(key, _digest(key)).public_bytes(serialization.Encoding.DER)


def _digest(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    """Return the hash that suits a key: boards lack SHA-512."""
    strong = isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size > 256
    return hashes.SHA384() if strong else hashes.SHA256()
