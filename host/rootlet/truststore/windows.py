"""The ROOT store of Windows, through the standard library.

Windows fetches roots of its own programme when a program first meets them, so a root that is
not in the store may still be trusted.
"""

from __future__ import annotations

import ssl
import sys

from rootlet.truststore.store import Store, hash_of

_SERVER = "1.3.6.1.5.5.7.3.1"  # RFC 5280 section 4.2.1.12


def stores() -> list[Store]:
    """Return the store, on Windows."""
    if sys.platform != "win32":
        return []
    entries = ssl.enum_certificates("ROOT")  # type: ignore[unreachable,unused-ignore]
    return [of(entries)]


def of(entries: list[tuple[bytes, str, object]]) -> Store:
    """Return the store of what ``ssl.enum_certificates`` gives: DER, encoding, purposes."""
    trusted = frozenset(
        hash_of(der)
        for der, encoding, purposes in entries
        if encoding == "x509_asn" and (purposes is True or _SERVER in purposes)  # type: ignore[operator]
    )
    return Store("windows", "Windows", "ROOT", trusted, adds_only=True)
