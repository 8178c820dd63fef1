"""Make the Java key stores of tests/assets/stores with Java's own keytool: ``make stores``.

They hold public certificates only. Dates and salts in them differ each time; what is in them not.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent / "stores"
ANCHORS = Path(__file__).parents[2] / "certs" / "anchors"
#: file -> type, password, anchors
STORES = {
    "legacy.jks": ("JKS", "changeit", ("verisign-class3-g5", "baltimore-cybertrust-root")),
    "secret.jks": ("JKS", "not-changeit", ("amazon-root-ca-1",)),
    "legacy.jceks": ("JCEKS", "changeit", ("verisign-class3-g5",)),
    "roots.p12": ("PKCS12", "changeit", ("amazon-root-ca-1", "amazon-root-ca-3")),
    "secret.p12": ("PKCS12", "not-changeit", ("amazon-root-ca-1",)),
}


def make(folder: Path) -> None:
    """Write every store into ``folder``."""
    folder.mkdir(exist_ok=True)
    for name, (kind, password, anchors) in STORES.items():
        path = folder / name
        path.unlink(missing_ok=True)
        for anchor in anchors:
            command = ["keytool", "-importcert", "-noprompt", "-alias", anchor]
            command += ["-file", str(ANCHORS / f"{anchor}.pem"), "-keystore", str(path)]
            command += ["-storetype", kind, "-storepass", password]
            subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    make(FOLDER)
