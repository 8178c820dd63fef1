"""Signing keys: made, read and used. Nothing of a private key is ever shown.

A signer is named by the path of a PEM file, or by a ``securesystemslib.signer`` URI such as
``file2:KEY.pem``, ``awskms:alias/NAME`` or ``gcpkms:projects/...``, whose key never leaves its
service. That library is loaded only for a URI. It must be told the public key, so a URI signs
only as one of the keys that the caller knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet import files, signing
from rootlet.errors import InputError, RootletError, TrustError
from urootlet import format_cpython as layout
from urootlet import keyset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from securesystemslib.signer import SSlibKey

#: Asks for a passphrase; the argument says for what.
Ask = Callable[[str], str]

_MAX_PEM = 1 << 16
_EXPONENT = 65537
_BITS = 8 * layout.KEY
_SCHEME = "rsa-pkcs1v15-sha256"
#: A path never starts like this, except on a system where drives have letters.
_URI = re.compile(r"[a-z][a-z0-9]+:")
_HOW = "make one with: rootlet key new FILE.pem"


@dataclass(frozen=True)
class Key:
    """One key file: its modulus (384 bytes) and whether it holds the private half."""

    modulus: bytes
    private: bool

    @property
    def id(self) -> str:
        """The key id in hex, 16 digits."""
        return keyset.key_id(self.modulus).hex()


def read(path: Path, ask: Ask) -> Key:
    """Read a private or public key in PEM. Raises InputError for anything but RSA-3072."""
    data = files.read(path, _MAX_PEM)
    if b"PRIVATE KEY-----" in data:
        return Key(_modulus(_private(data, path, ask).public_key(), path), private=True)
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow to load
        load_pem_public_key,
    )

    try:
        found = load_pem_public_key(data)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path} is not a key in PEM", why="no PEM key in it", hint=_HOW
        ) from error
    return Key(_modulus(found, path), private=False)


def create(path: Path, passphrase: str, *, force: bool = False) -> Key:
    """Make an RSA-3072 key: ``path`` (PKCS#8, mode 0600) and its public half ``FILE.pub.pem``.

    An empty passphrase leaves it unencrypted. Raises InputError when either file is there
    already, unless ``force``.
    """
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415 - slow
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - slow

    public = public_path(path)
    for one in (path, public):
        if one.exists() and not force:
            raise InputError(
                f"{one} exists",
                why="a key that is overwritten is lost, and with it what it may sign",
                hint="name another file, or use --force",
            )
    made = rsa.generate_private_key(_EXPONENT, _BITS)
    seal = form.BestAvailableEncryption(passphrase.encode()) if passphrase else form.NoEncryption()
    pem = made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, seal)
    files.write(path, pem, mode=0o600, over_key=force)
    files.write(
        public,
        made.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo),
    )
    return Key(_modulus(made.public_key(), path), private=True)


def public_path(path: Path) -> Path:
    """Return where the public half of a private key file goes: ``x.pem`` -> ``x.pub.pem``."""
    return path.with_suffix(".pub.pem") if path.suffix == ".pem" else Path(f"{path}.pub.pem")


def sign(
    message: bytes, names: Sequence[str], known: Sequence[bytes] | None, ask: Ask
) -> tuple[bytes, ...]:
    """Sign with each named key; return the records, 392 bytes each, checked by our verifier.

    ``known`` are the moduli that may sign; None lets any key file sign. Raises InputError for a
    key that cannot be used, TrustError for one that is not among the known.
    """
    return tuple(_record(message, name, known, ask) for name in names)


def _record(message: bytes, name: str, known: Sequence[bytes] | None, ask: Ask) -> bytes:
    if _URI.match(name):
        known = known or ()
        made = _by_uri(message, name, known)
    else:
        own, made = _by_file(message, Path(name), ask)
        known = [own] if known is None else known
    found = signing.record(message, made, known)
    if found is None:
        raise TrustError(
            f"{_shown(name)} may not sign this",
            why="the key is in none of the key sets that count here",
            hint="see their keys with: rootlet key show keys-N.rlk",
            code="SIGNATURE",
        )
    return found


def _shown(name: str) -> str:
    """Return a signer's name without what follows a question mark: URIs may carry secrets."""
    return name.partition("?")[0]


def _by_file(message: bytes, path: Path, ask: Ask) -> tuple[bytes, bytes]:
    """Return the modulus and the signature of a private key file."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - slow
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - slow

    data = files.read(path, _MAX_PEM)
    if b"PRIVATE KEY-----" not in data:
        raise InputError(f"{path} holds no private key", why="only that can sign", hint=_HOW)
    key = _private(data, path, ask)
    return _modulus(key.public_key(), path), key.sign(message, PKCS1v15(), SHA256())


def _by_uri(message: bytes, name: str, moduli: Sequence[bytes]) -> bytes:
    """Sign through the library. A file knows its key; a service is asked as the first known."""
    from securesystemslib.exceptions import KeyMismatchError  # noqa: PLC0415 - slow to load
    from securesystemslib.signer import Signer  # noqa: PLC0415

    if not moduli:
        raise InputError(
            f"{_shown(name)}: the public key is not known",
            why="a signer that is named by a URI does not tell it",
            hint="name the key set with --key-set, or the public key with --pub",
        )
    try:
        for modulus in moduli:
            try:
                signer = Signer.from_priv_key_uri(name, _library_key(modulus))
                return bytes.fromhex(signer.sign(message).signature)
            except KeyMismatchError:
                continue
    except Exception as error:  # each service has errors of its own, and no common base
        raise RootletError(
            f"{_shown(name)} does not sign: {type(error).__name__}",
            why=_first_line(error),
            hint="see docs/signing.md for what each kind of signer needs",
        ) from error
    return b""


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def _library_key(modulus: bytes) -> SSlibKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers  # noqa: PLC0415
    from securesystemslib.signer import SSlibKey  # noqa: PLC0415

    numbers = RSAPublicNumbers(_EXPONENT, int.from_bytes(modulus, "big"))
    return SSlibKey.from_crypto(numbers.public_key(), scheme=_SCHEME)


def _private(data: bytes, path: Path, ask: Ask) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - slow
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow to load
        load_pem_private_key,
    )

    sealed = b"ENCRYPTED" in data
    passphrase = ask(f"Passphrase of {path}").encode() if sealed else None
    try:
        key = load_pem_private_key(data, passphrase)
    except (ValueError, TypeError) as error:
        why = "the passphrase is wrong, or the file is damaged" if sealed else "it is damaged"
        raise InputError(f"{path}: the private key cannot be read", why=why) from error
    if not isinstance(key, RSAPrivateKey):
        raise _unfit(path, "it is not an RSA key")
    return key


def _modulus(key: object, path: Path) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - slow

    if not isinstance(key, RSAPublicKey):
        raise _unfit(path, "it is not an RSA key")
    numbers = key.public_numbers()
    if key.key_size != _BITS or numbers.e != _EXPONENT:
        raise _unfit(path, f"it has {key.key_size} bits and exponent {numbers.e}")
    return numbers.n.to_bytes(layout.KEY, "big")


def _unfit(path: Path, why: str) -> InputError:
    return InputError(
        f"{path} does not fit: signers are RSA keys of {_BITS} bits with exponent {_EXPONENT}",
        why=why,
        hint=_HOW,
    )
