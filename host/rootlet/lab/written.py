"""The hierarchy as files for other tools: openssl, mosquitto, paho, a board's own scripts.

::

    README.txt
    ca/lab-*.key.pem           keys of the authorities; ``lab up --dir`` goes on with them
    roots/ID.pem               each trust anchor; roots.pem holds them all
    cross/ID-by-ID.pem         each root certified by the root above it
    issuing/NAME.pem           each issuing CA
    server/NAME.chain.pem      a leaf and what is sent along, the longest form; NAME.key.pem
    client-ca.pem              what a server asks of clients
    THING.crt.pem .key.pem     one client
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet.errors import InputError
from rootlet.files import mend
from rootlet.lab import certificates
from rootlet.lab.authorities import ABOVE, ISSUING, ROOTS
from rootlet.lab.pki import Hierarchy
from rootlet.lab.services import KEYS, write_identity
from rootlet.lab.vault import README, write_private

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, domain: str, thing: str) -> list[Path]:
    """Write it all into a new or empty folder (0700, its files 0600); return the files."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: not empty", hint=f"rm -r {folder}, or choose another folder")
    try:
        return _fill(folder, domain, thing)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written",
            why=error.strerror or str(error),
            hint=f"{mend(error) or 'choose another folder'}; what is there: rm -r {folder}",
        ) from error


def _fill(folder: Path, domain: str, thing: str) -> list[Path]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pki = Hierarchy.load_or_create(folder / KEYS)
    files = {"README.txt": README.encode(), **_certificates(pki), **_servers(pki, domain)}
    written = [_write(folder / name, content) for name, content in files.items()]
    return [*written, *write_identity(pki, thing, folder)]


def _certificates(pki: Hierarchy) -> dict[str, bytes]:
    roots = {root: certificates.pem(pki.anchor(root)) for root in ROOTS}
    made = {"roots.pem": b"".join(roots.values())}
    made |= {f"roots/{root}.pem": pem for root, pem in roots.items()}
    for root, above in ABOVE.items():
        made[f"cross/{root}-by-{above}.pem"] = certificates.pem(pki.cross(root))
    for name, row in ISSUING.items():
        made[f"issuing/{row.authority.id}.pem"] = certificates.pem(pki.issuing(name))
    made["client-ca.pem"] = certificates.pem(pki.client_ca.certificate)
    return made


def _servers(pki: Hierarchy, domain: str) -> dict[str, bytes]:
    made = {}
    for name, row in ISSUING.items():
        chain = pki.chain(name, domain, "4")
        made[f"server/{row.authority.id}.chain.pem"] = chain.pem
        made[f"server/{row.authority.id}.key.pem"] = chain.key_pem
    return made


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return write_private(path, content)
