"""certifi, which requests and httpx read in place of the system's list."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from rootlet.truststore.store import Store, from_paths


def stores() -> list[Store]:
    """Return the list of the certifi that is installed beside rootlet, if there is one."""
    try:
        package = distribution("certifi")
    except PackageNotFoundError:
        return []
    title = f"certifi {package.version} of this Python"
    return [from_paths("python", title, Path(str(package.locate_file("certifi/cacert.pem"))))]
