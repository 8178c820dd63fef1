"""Giving a device its identity: a folder with what its board holds and what a person needs.

Rules: the key is written first, the request next, the certificate last, each file whole or not
at all, and the private ones readable by their owner only. So a cut leaves a folder that a rerun
finishes with the same key, or one that waits for its certificate; never two keys for a thing.
Nothing that is there is replaced without ``force``, and everything is checked before a byte is
written.

Where the certificate comes from is a function (``credentials.Issue``), called between the two
halves: an authority may be asked over the network with the request safely on the disk.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.x509 import load_der_x509_certificate, load_pem_x509_csr

from rootlet import credentials, files, identity, pem
from rootlet.errors import InputError
from rootlet.identity import CERTIFICATE, CERTIFICATE_PEM, KEY, MAX_FILE, REQUEST, SETTINGS, WIFI

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptography.x509 import CertificateSigningRequest

    from rootlet.credentials import Issue
    from rootlet.identity import PrivateKey, Settings, Wifi

#: All that a device folder may hold of ours, in the order of writing.
NAMES = (KEY, SETTINGS, WIFI, REQUEST, CERTIFICATE_PEM, CERTIFICATE)
#: How files.write names what it has not renamed into place yet.
_DRAFTS = tuple(f".{name}." for name in NAMES)
_PRIVATE = 0o600
_PUBLIC = 0o644


@dataclass(frozen=True)
class Device:
    """What a device is to be told, apart from its key and certificate.

    An empty ``common_name`` means an opaque one.
    """

    settings: Settings
    wifi: Wifi | None = None
    common_name: str = ""

    def files(self) -> dict[str, bytes]:
        """Return the files that follow from this, checked. Raises InputError."""
        identity.check_thing(self.settings.thing)
        credentials.check_common_name(self.common_name)
        if not self.settings.endpoint:
            raise InputError(
                f"{self.settings.thing}: the endpoint is missing",
                why="it is where to connect, and the name to verify",
                hint="--endpoint HOST; rootlet aws endpoint tells it",
            )
        found = {SETTINGS: self.settings.encode()}
        return found | ({WIFI: self.wifi.encode()} if self.wifi else {})


@dataclass(frozen=True)
class Made:
    """A device folder and what is in it; nothing secret.

    ``key_id`` is SHA-256 of the public key (SPKI), ``certificate_id`` that of the certificate,
    which AWS IoT calls by the same name; empty while there is none. ``ends`` is its last second,
    in UTC.
    """

    folder: Path
    thing: str
    key_id: str
    certificate_id: str = ""
    ends: datetime | None = None


def create(
    folder: Path,
    device: Device,
    issue: Issue,
    *,
    key: PrivateKey | None = None,
    force: bool = False,
) -> Made:
    """Make a device folder, with a new P-256 key unless one is given.

    A folder that was left half made is finished with the key that it has. Raises InputError when
    there is an identity already and not ``force``, and for what a device would refuse.
    """
    contents = device.files()
    unfinished = _check_place(folder, force=force)
    if unfinished and not force:
        found = _key(folder)
        if key is not None and key.public_key() != found.public_key():
            raise _exists(folder, "it holds another key")
        key = found
    key = key or credentials.new_key()
    asked = credentials.request(key, device.common_name)
    contents[KEY] = identity.encode_key(key)
    contents[REQUEST] = credentials.request_pem(asked)
    _begin(folder, contents)
    return _certify(folder, device.settings.thing, key, issue(asked, key))


def complete(folder: Path, issue: Issue, *, force: bool = False) -> Made:
    """Add the certificate to a folder that waits for it; ``force`` replaces the one it has.

    Raises InputError when there is nothing to complete, or the certificate is another key's.
    """
    if not (folder / KEY).is_file():
        raise InputError(
            f"{folder}: no key to complete with a certificate",
            why=f"{KEY} is not there",
            hint=f"make one: rootlet provision -o {folder} --thing NAME --endpoint HOST",
        )
    if (folder / CERTIFICATE).exists() and not force:
        raise _exists(folder, "it has its certificate")
    key, thing = _key(folder), _thing(folder)
    certificate = issue(_request(folder, key), key)
    return _certify(folder, thing, key, certificate)


def look(folder: Path) -> Made:
    """Return what a folder holds, after checking all of it. Raises InputError."""
    if (folder / CERTIFICATE).exists():
        held = identity.read_folder(folder)
        key = identity.load_key(held[KEY], str(folder / KEY))
        return _made(folder, identity.load_settings(held[SETTINGS]).thing, key, held[CERTIFICATE])
    key = _key(folder)
    _request(folder, key)
    return _made(folder, _thing(folder), key, None)


def check_free(folder: Path) -> None:
    """Refuse a place where no device can be made, or finished. Raises InputError."""
    if _check_place(folder, force=False):
        _key(folder)


def _check_place(folder: Path, *, force: bool) -> bool:
    """Refuse a place that is taken; tell whether a key is there that nothing was made of yet."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise InputError(f"{folder}: a file", why="a device is a folder", hint="name another")
    names = {path.name for path in folder.iterdir()}
    if names & {REQUEST, CERTIFICATE} and not force:
        raise _exists(folder, "it holds a key that is lost when it is replaced")
    if KEY not in names and {name for name in names if not name.startswith(".")} - {*NAMES}:
        raise InputError(
            f"{folder}: other files are in this folder",
            why="a device's folder is its own, and only its owner may enter it",
            hint="name a new one with -o",
        )
    return KEY in names


def _exists(folder: Path, why: str) -> InputError:
    return InputError(
        f"{folder} is a device already", why=why, hint="name another with -o, or use --force"
    )


def _begin(folder: Path, contents: dict[str, bytes]) -> None:
    """Write all but the certificate; what an earlier identity left is gone before."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        for name in (CERTIFICATE, CERTIFICATE_PEM, REQUEST, *({WIFI} - contents.keys())):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be made", why=error.strerror or str(error), hint="name another"
        ) from error
    _write(folder, contents)
    files.sync_folder(folder.absolute().parent)


def _certify(folder: Path, thing: str, key: PrivateKey, certificate: bytes | None) -> Made:
    if certificate is not None:
        text = pem.armour(certificate).encode()
        _write(folder, {CERTIFICATE_PEM: text, CERTIFICATE: certificate})
    return _made(folder, thing, key, certificate)


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    for path in folder.iterdir():
        if path.name.startswith(_DRAFTS):  # of a run that was killed, and perhaps a key
            path.unlink(missing_ok=True)
    for name in NAMES:
        if name in contents:
            private = name in (KEY, WIFI)
            files.write(folder / name, contents[name], _PRIVATE if private else _PUBLIC)
    files.sync_folder(folder)


def _made(folder: Path, thing: str, key: PrivateKey, certificate: bytes | None) -> Made:
    key_id = credentials.spki_sha256(key)
    if certificate is None:
        return Made(folder, thing, key_id)
    ends = load_der_x509_certificate(certificate).not_valid_after_utc
    return Made(folder, thing, key_id, hashlib.sha256(certificate).hexdigest(), ends)


def _key(folder: Path) -> PrivateKey:
    where = folder / KEY
    return identity.load_key(files.read(where, MAX_FILE), str(where))


def _thing(folder: Path) -> str:
    return identity.read_settings(folder).thing


def _request(folder: Path, key: PrivateKey) -> CertificateSigningRequest:
    """Return the request of a folder, which proves that its key made it. Raises InputError."""
    where = folder / REQUEST
    try:
        found = load_pem_x509_csr(files.read(where, MAX_FILE))
        if found.public_key() == key.public_key() and found.is_signature_valid:
            return found
        why = f"it is not one that {KEY} made"
    except ValueError:
        why = "it is not a certificate request in PEM"
    raise InputError(f"{where}: damaged", why=why, hint="make it again, with --force")
