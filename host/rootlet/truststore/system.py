"""The list that a distribution keeps: what curl, wget, Go and most others read."""

from __future__ import annotations

from pathlib import Path

from rootlet.truststore.store import Store, distinct, from_paths

#: As crypto/x509/root_linux.go of Go lists them.
_LISTS = (
    ("Debian, Ubuntu, Alpine", "/etc/ssl/certs/ca-certificates.crt"),
    ("Fedora, RHEL", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
    ("Arch", "/etc/ca-certificates/extracted/tls-ca-bundle.pem"),
    ("openSUSE", "/var/lib/ca-certificates/ca-bundle.pem"),
    ("Alpine", "/etc/ssl/cert.pem"),
)


def stores() -> list[Store]:
    """Return the lists that are there."""
    titles = {Path(path): title for title, path in _LISTS}
    return [from_paths("system", f"the list of {titles[path]}", path) for path in distinct(titles)]
