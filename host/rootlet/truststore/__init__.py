"""The trust stores of this computer, one file for each kind, each with the function ``stores``.

A store is what programs read when nobody tells them otherwise. They are looked at and not
trusted: what counts is the SHA-256 of each certificate in it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from rootlet.truststore.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["KINDS", "Store", "find"]

#: Modules of this package, in the order in which people read the table.
KINDS = ("openssl", "system", "python", "java", "nss", "windows", "macos")


def find() -> Iterator[Store]:
    """Yield every store that is on this computer; one that cannot be read says so itself."""
    for kind in KINDS:
        yield from importlib.import_module(f"rootlet.truststore.{kind}").stores()
