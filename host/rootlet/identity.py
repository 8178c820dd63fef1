"""A device's own certificate, private key and settings, as the files that a board holds.

A *device folder* on the host holds the same files under the same names, and beside them what a
person needs: ``device.csr`` and ``device.crt`` in PEM. See docs/provision.md.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from rootlet import files, x509
from rootlet.errors import InputError
from urootlet import errors as device
from urootlet import format_cpython, wifi

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from urootlet.session import Config

    PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey

_Read = TypeVar("_Read")
SETTINGS = format_cpython.SETTINGS_FILE
CERTIFICATE = format_cpython.CERTIFICATE_FILE
KEY = format_cpython.KEY_FILE
WIFI = wifi.FILE
#: For people and authorities; never on a board.
REQUEST = "device.csr"
CERTIFICATE_PEM = "device.crt"

#: The most bytes of a file that a board reads: urootlet.session.
MAX_FILE = 4096
#: The most bytes of a key or certificate file that somebody else made.
MAX_PEM = 1 << 16

# AWS IoT CreateThing: up to 128 of these. No dot and no slash: a name is safe as a folder's.
_THING = re.compile(r"[A-Za-z0-9:_-]+", re.ASCII)
_MAX_THING = 128
# A DNS name or an address; the device's own reader is stricter with the endpoint.
_HOST = re.compile(r"[A-Za-z0-9._:-]*", re.ASCII)
# MQTT 3.1.1 section 4.7: no wildcards in a topic to listen on for offers, no control characters.
_TOPIC = re.compile(r"[^\x00-\x1f\x7f#+]*")


def check_thing(thing: str, limit: int = _MAX_THING) -> None:
    """Refuse what AWS IoT does not take as a thing name. Raises InputError."""
    if len(thing) > limit or not _THING.fullmatch(thing):
        raise InputError(
            f"{thing[:80]!r}: not a thing name", hint=f"use 1 to {limit} of A-Z a-z 0-9 : _ -"
        )


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
        for name, value, form in (
            ("endpoint", self.endpoint, _HOST),
            ("address", self.address, _HOST),
            ("ntp", self.ntp, _HOST),
            ("offers", self.offers, _TOPIC),
        ):
            if not form.fullmatch(value):
                kind = "a topic without wildcards" if form is _TOPIC else "a bare host name"
                raise InputError(
                    f"{value[:80]!r}: not {kind}",
                    why=f"{name} takes nothing else",
                    hint="leave out scheme, port and path" if form is _HOST else "use another",
                    code="DNS" if form is _HOST else "TOPIC",
                )
        values: dict[str, object] = {"endpoint": self.endpoint, "thing": self.thing}
        optional = {"address": self.address, "ntp": self.ntp, "offers": self.offers}
        values |= {"port": self.port} | {name: one for name, one in optional.items() if one}
        values |= {"recovery": list(self.recovery)} if self.recovery else {}
        from urootlet.diagnose import check_endpoint  # noqa: PLC0415 - as the next
        from urootlet.session import Config  # noqa: PLC0415 - brings the MQTT client along

        try:
            Config(values)
            check_endpoint(self.endpoint)
        except device.Error as error:
            what = f"--endpoint {self.endpoint}: a device would refuse these settings"
            raise _refused(what, error) from error
        return json.dumps(values, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Wifi:
    """What ``wifi.json`` says; an empty password means an open network. See urootlet.wifi."""

    ssid: str
    password: str = field(repr=False)

    def encode(self) -> bytes:
        """Return the file, checked by the device's own reader. Raises InputError."""
        for name, text in (("name", self.ssid), ("password", self.password)):
            if not text.isprintable():
                raise InputError(
                    f"the Wi-Fi {name} holds a character that nobody can type",
                    why="a control character or a line end",
                    hint="check the file or variable that it came from",
                    code="FORMAT",
                )
        values = {"ssid": self.ssid, "password": self.password}
        # As it is, not \\u escapes: MicroPython makes two characters of a surrogate pair.
        raw = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
        try:
            wifi.load(raw)
        except device.Error as error:
            raise InputError(
                f"a device would refuse this Wi-Fi network: {error.detail}",
                why="a name has 1 to 32 bytes, a WPA password 8 to 63",
                hint="check both at the access point",
                code=error.code,
            ) from error
        return raw


def _refused(what: str, error: device.Error) -> InputError:
    return InputError(what, why=error.detail, hint=error.advice, code=error.code)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return board path -> bytes of a device folder: all that makes up a device's identity.

    Every file is one that the device takes: at most 4 KB, settings and Wi-Fi checked by its own
    readers, certificate and key as DER that belong together. Raises InputError, which names the
    file; for a folder that still waits for its certificate it says how to add it.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: not a device folder",
            why="it is not there" if not folder.exists() else "it is a file",
            hint=f"make one: rootlet provision -o {folder} --thing NAME --endpoint HOST",
        )
    found = {SETTINGS: _checked(folder / SETTINGS, load_settings)[0]}
    if not (folder / CERTIFICATE).exists() and (folder / REQUEST).exists():
        raise InputError(
            f"{folder}: no certificate yet",
            why=f"an authority has to sign {REQUEST} first",
            hint=f"rootlet provision -o {folder} --cert FILE, with the certificate it gives you",
            code="CLIENTCERT",
        )
    where = folder / CERTIFICATE
    found[CERTIFICATE] = read_certificate(files.read(where, MAX_FILE), str(where))
    where = folder / KEY
    found[KEY] = read_key(files.read(where, MAX_FILE), str(where), found[CERTIFICATE])
    if (folder / WIFI).exists():
        found[WIFI] = _checked(folder / WIFI, wifi.load)[0]
    return found


def read_settings(folder: Path) -> Config:
    """Return the settings of a device folder as the device reads them. Raises InputError."""
    return _checked(folder / SETTINGS, load_settings)[1]


def load_settings(raw: bytes) -> Config:
    """Read settings as a device does. Raises the device's Error."""
    from urootlet.session import Config  # noqa: PLC0415 - brings the MQTT client along

    try:
        return Config(json.loads(raw))
    except (ValueError, AttributeError):  # no JSON, or no object
        raise device.Error("FORMAT", SETTINGS) from None


def _checked(path: Path, load: Callable[[bytes], _Read]) -> tuple[bytes, _Read]:
    """Return a file, and what the device's own reader makes of it. Raises InputError."""
    raw = files.read(path, MAX_FILE)
    try:
        return raw, load(raw)
    except (device.Error, RecursionError) as error:
        known = error if isinstance(error, device.Error) else device.Error("FORMAT", path.name)
        raise _refused(f"{path}: a device would refuse it", known) from error


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
    key = load_key(data, where)
    check_pair(certificate, key, where)
    return encode_key(key)


def encode_key(key: PrivateKey) -> bytes:
    """Return a private key as traditional DER (SEC 1 or PKCS#1)."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415 - slow

    return key.private_bytes(
        form.Encoding.DER, form.PrivateFormat.TraditionalOpenSSL, form.NoEncryption()
    )


def check_pair(certificate: bytes, key: PrivateKey, where: str) -> None:
    """Refuse a certificate (DER) and a key that do not belong together. Raises InputError."""
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415 - slow

    if key.public_key() != load_der_x509_certificate(certificate).public_key():
        raise InputError(
            f"{where}: this key does not belong to the certificate",
            why="their public keys differ",
            hint="give the key and the certificate that were made together",
            code="CLIENTCERT",
        )


def load_key(data: bytes, where: str, ask: Callable[[str], str] | None = None) -> PrivateKey:
    """Return a private key in PKCS#8, SEC 1 or PKCS#1, PEM or DER, RSA or elliptic curve.

    ``ask`` gets the passphrase of an encrypted one; without it, that is refused. Raises
    InputError. Nothing of the key is ever part of an error.
    """
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow
        load_der_private_key,
        load_pem_private_key,
    )

    load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
    try:
        return _known(load(data, password=None))
    except TypeError:
        why = "it is encrypted, and a board has nobody to ask for the password"
        if ask is not None:
            why = "the passphrase is wrong, or the file is damaged"
            with contextlib.suppress(ValueError):
                return _known(load(data, password=ask(f"Passphrase of {where}").encode()))
    except Exception:  # noqa: BLE001 - many types; their texts may quote the input
        why = "it is not an RSA or elliptic curve key in PKCS#8, SEC 1 or PKCS#1"
    raise InputError(
        f"{where}: the private key cannot be used",
        why=why,
        hint="convert it with: openssl pkey -in FILE -out device.key",
        code="FORMAT",
    )


def _known(key: object) -> PrivateKey:
    """Return a key of a kind that boards take. Raises ValueError."""
    from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415 - slow
        EllipticCurvePrivateKey,
    )
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - slow

    if isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
        return key
    raise ValueError
