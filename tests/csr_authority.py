"""An owner's program that has certificates signed, as ``python -m urootlet --renew`` calls it.

``python csr_authority.py FOLDER [FAULT] sign|retire [ID]``. The folder holds a CA (``ca.key``,
``ca.crt``); calls are noted in ``calls``. FAULT is what goes wrong: fail, nonsense, other, short,
or hang; it fails too while there is a file ``fails``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from rootlet.lab import Hierarchy

PEM = serialization.Encoding.PEM


def settle(folder: Path, pki: Hierarchy) -> None:
    """Put the CA of a lab's clients into a folder. Its key is a test key, made for this run."""
    authority = pki.client_ca
    (folder / "ca.crt").write_bytes(authority.certificate.public_bytes(PEM))
    (folder / "ca.key").write_bytes(
        authority._key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def issue(
    folder: Path, subject: x509.Name, public: EllipticCurvePublicKey, days: int
) -> x509.Certificate:
    """Return a certificate that began a month ago, and has so many days left."""
    issuer = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer.subject, subject, public, x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
    )
    return made.sign(key, hashes.SHA256())


def answer(folder: Path, fault: str) -> bytes:
    """Return the certificate for the request on standard input, in PEM."""
    request = x509.load_pem_x509_csr(sys.stdin.buffer.read())
    assert request.is_signature_valid
    public = request.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    if fault == "other":
        public = ec.generate_private_key(ec.SECP256R1()).public_key()
    found = issue(folder, request.subject, public, 2 if fault == "short" else 365)
    return b"nonsense" if fault == "nonsense" else found.public_bytes(PEM)


def hang(folder: Path) -> None:
    """Wait for ever, for a program that does too; both are in ``hangs``."""
    with subprocess.Popen(["sleep", "1000"]) as child:
        (folder / "hangs.new").write_text(f"{os.getpid()} {child.pid}")
        (folder / "hangs.new").rename(folder / "hangs")


def main(arguments: list[str]) -> int:
    """Do what is asked for."""
    folder = Path(arguments[0])
    at = next(index for index, word in enumerate(arguments) if word in ("sign", "retire"))
    fault = arguments[1] if at == 2 else ""
    with (folder / "calls").open("a") as calls:
        calls.write(" ".join(arguments[at:]) + "\n")
    if fault == "fail" or (folder / "fails").exists():
        return 1
    if fault == "hang":
        hang(folder)
    if arguments[at] == "sign":
        sys.stdout.buffer.write(answer(folder, fault))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
