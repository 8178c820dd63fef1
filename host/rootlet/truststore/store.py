"""What is said of one store, and reading the forms that most of them have."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----")
_MAX_FILE = 16 << 20  # bytes; Mozilla's list has 250 KB
_MAX_FILES = 2_000  # of a folder of certificates


@dataclass(frozen=True)
class Store:
    """The SHA-256 (lower-case hex) of every certificate that a store trusts for servers.

    ``kind`` is the module that found it; ``place`` is a path or a name. ``refused`` are those
    that it holds in order to distrust them. ``adds_only``: what is not in it may be trusted by
    a list that is built into its program. ``problem`` says why it cannot be read.
    """

    kind: str
    title: str
    place: str
    trusted: frozenset[str] = field(default=frozenset(), repr=False)
    refused: frozenset[str] = field(default=frozenset(), repr=False)
    adds_only: bool = False
    problem: str = ""


def from_paths(kind: str, title: str, *places: Path) -> Store:
    """Return the store of PEM files and of folders that hold one in each file."""
    named = " and ".join(map(str, places))
    try:
        trusted = fingerprints(b"\n".join(map(_read, places)))
    except OSError as error:
        return Store(kind, title, named, problem=error.strerror or str(error))
    return Store(kind, title, named, trusted)


def fingerprints(pem: bytes) -> frozenset[str]:
    """Return the SHA-256 of each block. Blocks that are no base64 are none to anybody."""
    found = []
    for body in _BLOCK.findall(pem):
        try:
            found.append(hash_of(base64.b64decode(body)))
        except binascii.Error:
            continue
    return frozenset(found)


def hash_of(der: bytes) -> str:
    """Return the SHA-256 of a certificate in DER, as lower-case hex."""
    return hashlib.sha256(der).hexdigest()


def distinct(places: Iterable[Path]) -> list[Path]:
    """Return the paths that are there, without those that lead to one before."""
    found: dict[Path, Path] = {}
    for place in places:
        if place.exists():
            found.setdefault(place.resolve(), place)
    return list(found.values())


def _read(place: Path) -> bytes:
    if not place.is_dir():
        with place.open("rb") as file:
            return file.read(_MAX_FILE)
    files = [one for one in sorted(place.iterdir())[:_MAX_FILES] if one.is_file()]
    # Each certificate is there under its name and under its hash (openssl-rehash(1)).
    return b"\n".join(map(_read, distinct(files)))
