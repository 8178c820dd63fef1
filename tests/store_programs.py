"""Stand-ins for the programs that own trust stores, and what they print for two anchors.

Each prints what the real one printed when this was written (keytool 17, certutil 3.87.1); ``make
trust-stores`` holds them against those that are installed.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rootlet import catalog

if TYPE_CHECKING:
    from pathlib import Path

TRUSTED, REFUSED = "amazon-root-ca-1", "amazon-root-ca-3"

CERTUTIL_LIST = """
Certificate Nickname                                         Trust Attributes
                                                             SSL,S/MIME,JAR/XPI

Amazon Root CA 1                                             C,,  
Amazon Root CA 3                                             p,,  
"""  # noqa: W291 - certutil prints blanks there

KEYTOOL_LIST = """\
Keystore type: PKCS12
Keystore provider: SUN

Your keystore contains 1 entry

Alias name: {alias}
Entry type: trustedCertEntry

{pem}

*******************************************
*******************************************


"""


def pem_of(anchor_id: str) -> str:
    return catalog.load().get(anchor_id).path.read_text()


def program(folder: Path, name: str, script: str) -> None:
    """Put a shell script on a PATH of one folder."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def certutil(folder: Path) -> None:
    program(
        folder,
        "certutil",
        f"""case "$*" in
*"Amazon Root CA 1"*) printf %s {shlex.quote(pem_of(TRUSTED))} ;;
*"Amazon Root CA 3"*) printf %s {shlex.quote(pem_of(REFUSED))} ;;
*) printf %s {shlex.quote(CERTUTIL_LIST)} ;;
esac""",
    )


def keytool(folder: Path) -> None:
    listed = KEYTOOL_LIST.format(alias=TRUSTED, pem=pem_of(TRUSTED))
    program(folder, "keytool", f"printf %s {shlex.quote(listed)}")
