"""Where the lab keeps its keys and anchors: in memory, or in a private folder."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from cryptography import x509

from rootlet.errors import InputError
from rootlet.lab import certificates

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rootlet.lab.authorities import Key
    from rootlet.lab.certificates import PrivateKey

#: What stands beside every key of a lab.
README = """\
Keys and certificates of a rootlet lab. They carry the names of public authorities and are
worth nothing outside the lab: never install one of these certificates as a trust anchor on
anything but a board under test. The folder may be deleted at any time.
"""
_LARGEST = 16_384  # bytes; an RSA-4096 key in PEM is 3,300


class Vault:
    """Remember keys and certificates by name, making them on first use.

    ``folder`` None keeps them in memory only. A folder gets mode 0700 and its files 0600, each
    called ``lab-NAME.pem``. Several processes may share one: the first to finish wins and the
    others read what it wrote. InputError for a file in it that cannot be read.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._known: dict[str, bytes] = {}
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            (folder / "README.txt").write_text(README, encoding="ascii")

    def key(self, owner: str, kind: Key) -> PrivateKey:
        """Return the private key of ``owner``, unencrypted PKCS#8 on disk."""
        name = f"{owner}.key"
        pem = self._recall(name, lambda: certificates.key_pem(certificates.new_key(kind)))
        try:
            return certificates.load_key(pem)
        except ValueError as error:
            raise self._damaged(name, str(error)) from None

    def certificate(self, name: str, make: Callable[[], x509.Certificate]) -> x509.Certificate:
        """Return the certificate called ``name``, made by ``make`` if there is none."""
        pem = self._recall(name, lambda: certificates.pem(make()))
        try:
            return x509.load_pem_x509_certificate(pem)
        except ValueError as error:
            raise self._damaged(name, str(error)) from None

    def _recall(self, name: str, make: Callable[[], bytes]) -> bytes:
        if name not in self._known:
            path = self.folder and self.folder / f"lab-{name}.pem"
            self._known[name] = self._from_disk(name, path, make) if path else make()
        return self._known[name]

    def _from_disk(self, name: str, path: Path, make: Callable[[], bytes]) -> bytes:
        if not path.exists():
            _write_once(path, make())
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise self._damaged(name, f"more than {_LARGEST} bytes")
        return content

    def _damaged(self, name: str, why: str) -> InputError:
        return InputError(
            f"{self.folder}/lab-{name}.pem: not a key or certificate of the lab",
            why=why.splitlines()[0] if why else "unreadable",
            hint=f"rm -r {self.folder}   # the lab makes new ones",
        )


def write_private(path: Path, content: bytes) -> Path:
    """Create ``path`` with mode 0600 and ``content``; FileExistsError if it is there."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return path


def _write_once(path: Path, content: bytes) -> None:
    # A link fails when the name is taken, so a file is there whole or not at all, and of two
    # writers exactly one wins.
    draft = write_private(path.with_suffix(f".{secrets.token_hex(6)}"), content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
