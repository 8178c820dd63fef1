"""Add to known.toml what an audit looks for: SHA-1 of certificate and key, and the key's start.

``python certs/facts.py FOLDER`` reads every PEM file of FOLDER, finds each certificate's table by
its SHA-256, and writes the three lines below it; a second run changes nothing. The certificates
are not part of the project: CCADB (https://www.ccadb.org/resources) publishes each of them.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

from rootlet import files, pem
from rootlet.errors import RootletError, TrustError
from rootlet.x509 import Certificate, parse_der

_KNOWN = Path(__file__).parent / "known.toml"
_PINS = re.compile(
    r'^sha256 = "(?P<sha256>\w+)"\nspki_sha256 = "\w+"\n(?:(?:sha1|spki_sha1|key_start) = .*\n)*',
    re.MULTILINE,
)


def key_start(one: Certificate) -> bytes:
    """Return the first 8 bytes of an RSA modulus, or of an elliptic curve point behind its 04."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - as everywhere
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    public = load_der_public_key(one.spki_der)
    if isinstance(public, rsa.RSAPublicKey):
        return public.public_numbers().n.to_bytes(public.key_size // 8, "big")[:8]
    return one.spki_der[-(2 * ((public.key_size + 7) // 8)) :][:8]  # type: ignore[union-attr]


def lines(one: Certificate) -> str:
    """Return the lines of a table that come from the certificate's bytes."""
    spki_sha1 = hashlib.sha1(one.spki_der, usedforsecurity=False).hexdigest()
    return (
        f'sha256 = "{one.sha256}"\nspki_sha256 = "{one.spki_sha256}"\nsha1 = "{one.sha1}"\n'
        f'spki_sha1 = "{spki_sha1}"\nkey_start = "{key_start(one).hex()}"\n'
    )


def main(folder: Path) -> None:
    """Rewrite known.toml. Raises TrustError when a certificate of it is not in the folder."""
    found = {}
    for path in sorted(folder.glob("*.pem")):
        for der in pem.blocks(files.read(path, pem.MAX_FILE), str(path)):
            one = parse_der(der, str(path))
            found[one.sha256] = lines(one)

    def replaced(match: re.Match[str]) -> str:
        if match["sha256"] not in found:
            raise TrustError(f"{folder}: no certificate with SHA-256 {match['sha256']}")
        return found[match["sha256"]]

    text, count = _PINS.subn(replaced, _KNOWN.read_text(encoding="utf-8"))
    files.write(_KNOWN, text.encode())
    print(f"{count} certificates")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except (RootletError, IndexError) as error:
        sys.exit(f"error: {error}\n{__doc__}")
