"""What OpenSSL reads by default: that of this Python, and that of the program ``openssl``.

X509_get_default_cert_file(3): a file and a folder, which SSL_CERT_FILE and SSL_CERT_DIR replace.
"""

from __future__ import annotations

import re
import ssl
from pathlib import Path

from rootlet.truststore import program
from rootlet.truststore.store import Store, distinct, from_paths

_FOLDER = re.compile(rb'OPENSSLDIR: "([^"\r\n]+)"')


def stores() -> list[Store]:
    """Return one store, or two where the two do not read the same."""
    paths = ssl.get_default_verify_paths()
    own = distinct(Path(one) for one in (paths.cafile, paths.capath) if one)
    found = [from_paths("openssl", "OpenSSL of this Python", *own)] if own else []
    other = _of_the_program()
    if other and [each.resolve() for each in other] != [each.resolve() for each in own]:
        found.append(from_paths("openssl", "the program openssl", *other))
    return found


def _of_the_program() -> list[Path]:
    told = program.run(["openssl", "version", "-d"])
    named = _FOLDER.search(told.output) if told else None
    if named is None:
        return []
    folder = Path(named[1].decode(errors="replace"))
    return distinct([folder / "cert.pem", folder / "certs"])
