"""The keychains of macOS, through ``security``; trust settings of a user are not weighed."""

from __future__ import annotations

import sys

from rootlet.truststore import program
from rootlet.truststore.store import Store, fingerprints

_KEYCHAINS = (
    "/System/Library/Keychains/SystemRootCertificates.keychain",
    "/Library/Keychains/System.keychain",
)


def stores() -> list[Store]:
    """Return both keychains as one store, on macOS."""
    return [read()] if sys.platform == "darwin" else []


def read() -> Store:
    """Ask ``security`` for every certificate in PEM (security(1), find-certificate)."""
    ended = program.run(["security", "find-certificate", "-a", "-p", *_KEYCHAINS])
    if ended is None or ended.status != 0:
        why = ended.complaint if ended else "there is no program security"
        return Store("macos", "macOS", " and ".join(_KEYCHAINS), problem=why)
    return Store("macos", "macOS", " and ".join(_KEYCHAINS), fingerprints(ended.output))
