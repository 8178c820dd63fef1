"""Make the signing keys that the tests use. They protect nothing and are public on purpose.

``python tests/assets/make_keys.py`` writes new ones into ``tests/assets/keys``; nothing depends
on their values. Ten sign; ``e3`` and ``bits3071`` are what a verifier must refuse.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

FOLDER = Path(__file__).parent / "keys"
LABEL = "TEST KEY, made by tests/assets/make_keys.py, known to everybody: never trust it.\n"
#: file name -> (public exponent, bits)
KEYS = {
    **{f"key-{number}": (65537, 3072) for number in range(10)},
    "e3": (3, 3072),
    "bits3071": (65537, 3071),
}


def main() -> None:
    """Write one unencrypted PKCS#8 PEM file per key."""
    for name, (exponent, bits) in KEYS.items():
        key = generate_private_key(exponent, bits)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (FOLDER / f"{name}.pem").write_text(LABEL + pem.decode())


if __name__ == "__main__":
    main()
