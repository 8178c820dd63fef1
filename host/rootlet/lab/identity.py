"""Device identities, and the authority that signs them: a CA of its own, as in AWS IoT."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives import serialization

from rootlet import identity
from rootlet.credentials import LAST, MAX_COMMON_NAME
from rootlet.lab import certificates
from rootlet.lab.authorities import Authority
from rootlet.lab.vault import write_private

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from rootlet.lab.certificates import PrivateKey
    from rootlet.lab.vault import Vault

_CLIENT_CA = Authority(
    "client-ca",
    (("O", "rootlet lab"), ("CN", "rootlet lab client CA")),
    "p256",
    "sha256",
    "",
)


class Identity(NamedTuple):
    """What a device shows: its certificate and its key.

    DER for boards (the key as PKCS#8, RFC 5958, which mbedTLS and OpenSSL read), PEM for
    everything else. Its ``repr`` shows no secret.
    """

    thing: str
    certificate: x509.Certificate
    key: PrivateKey

    @property
    def cert_der(self) -> bytes:
        """The certificate in DER, about 440 bytes."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_der(self) -> bytes:
        """The private key, unencrypted PKCS#8 in DER, 138 bytes."""
        return self.key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def cert_pem(self) -> bytes:
        """The certificate in PEM."""
        return certificates.pem(self.certificate)

    @property
    def key_pem(self) -> bytes:
        """The private key, unencrypted PKCS#8 in PEM."""
        return certificates.key_pem(self.key)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Create ``THING.crt.pem`` and ``THING.key.pem``, both 0600, and return their paths."""
        certificate, key = self.paths(self.thing, folder)
        return write_private(certificate, self.cert_pem), write_private(key, self.key_pem)

    @staticmethod
    def paths(thing: str, folder: Path) -> tuple[Path, Path]:
        """Return where ``write`` puts certificate and key of a thing."""
        check_thing(thing)
        return folder / f"{thing}.crt.pem", folder / f"{thing}.key.pem"


def check_thing(thing: str) -> None:
    """Refuse what is no thing name with InputError: it becomes a name and part of a path."""
    identity.check_thing(thing, MAX_COMMON_NAME)


class ClientAuthority:
    """The CA whose signature the lab's front asks of every client."""

    def __init__(self, vault: Vault, now: datetime) -> None:
        self._key = vault.key(_CLIENT_CA.id, _CLIENT_CA.key)
        self._begins = now - timedelta(days=1)
        self.certificate = vault.certificate(_CLIENT_CA.id, self._self_signed)

    def issue(self, thing: str) -> Identity:
        """Return a new identity; InputError unless ``thing`` is 1 to 64 of [A-Za-z0-9:_-]."""
        check_thing(thing)
        key = certificates.new_key("p256")
        certificate = certificates.sign(
            certificates.common_name(thing),
            key,
            (self._begins, LAST),
            certificates.device_extensions(_CLIENT_CA, key),
            by=(_CLIENT_CA, self._key),
        )
        return Identity(thing, certificate, key)

    def _self_signed(self) -> x509.Certificate:
        return certificates.sign(
            certificates.name(_CLIENT_CA.subject),
            self._key,
            (self._begins, LAST),
            certificates.ca_extensions("root", _CLIENT_CA, _CLIENT_CA),
            by=(_CLIENT_CA, self._key),
        )
