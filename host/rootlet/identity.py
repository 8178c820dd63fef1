"""A device's own certificate, private key and settings, as the files that a board holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rootlet import x509
from rootlet.errors import InputError
from urootlet import errors as device

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


@dataclass(frozen=True)
class Settings:
    """What ``rootlet.json`` says; all from ``address`` on may be left out (urootlet.session)."""

    endpoint: str
    thing: str
    address: str = ""
    port: int = 8883
    ntp: str = ""
    offers: str = ""
    recovery: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Return the file, checked by the device's own reader. Raises InputError."""
        values: dict[str, object] = {"endpoint": self.endpoint, "thing": self.thing}
        optional = {"address": self.address, "ntp": self.ntp, "offers": self.offers}
        values |= {"port": self.port} | {name: one for name, one in optional.items() if one}
        values |= {"recovery": list(self.recovery)} if self.recovery else {}
        from urootlet.session import Config  # noqa: PLC0415 - brings the MQTT client along

        try:
            Config(values)
        except device.Error as error:
            raise InputError(
                f"--endpoint {self.endpoint}: a device would refuse these settings",
                why=error.detail,
                hint=error.advice,
                code=error.code,
            ) from error
        return json.dumps(values, separators=(",", ":")).encode()


def read_certificate(data: bytes, where: str) -> bytes:
    """Return the one device certificate of a PEM or DER file as DER. Raises InputError."""
    found = x509.parse_certificates(data, where)
    if len(found) != 1:
        raise InputError(
            f"{where}: {len(found)} certificates, one wanted",
            why="a board presents its own certificate alone",
            hint="give the file with the device's certificate only",
            code="FORMAT",
        )
    return found[0].der


def read_key(data: bytes, where: str, certificate: bytes) -> bytes:
    """Return a private key as traditional DER (SEC 1 or PKCS#1), which every board parses.

    Takes PEM or DER in PKCS#8, SEC 1 or PKCS#1, not encrypted. Raises InputError, also when the
    key is not the one in ``certificate``. Nothing of the key is ever part of an error.
    """
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415 - slow
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415 - slow

    key = _load_key(data, where)
    public = load_der_x509_certificate(certificate).public_key()
    if key.public_key() != public:
        raise InputError(
            f"{where}: this key does not belong to the certificate",
            why="their public keys differ",
            hint="give the key and the certificate that were made together",
            code="CLIENTCERT",
        )
    return key.private_bytes(
        form.Encoding.DER, form.PrivateFormat.TraditionalOpenSSL, form.NoEncryption()
    )


def _load_key(data: bytes, where: str) -> PrivateKeyTypes:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow
        load_der_private_key,
        load_pem_private_key,
    )

    load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
    try:
        return load(data, password=None)
    except TypeError:
        why = "it is encrypted, and a board has nobody to ask for the password"
    except Exception:  # noqa: BLE001 - many types; their texts may quote the input
        why = "it is not a private key in PKCS#8, SEC 1 or PKCS#1"
    raise InputError(
        f"{where}: the private key cannot be used",
        why=why,
        hint="convert it with: openssl pkey -in FILE -out device.key",
        code="FORMAT",
    )
