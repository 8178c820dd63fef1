"""A bundle's anchors in the formats of other systems.

Each format is a module with the same two functions: ``write`` makes the bytes, ``read`` gets
names, keys and hashes out of them again and shares no code with ``write``. What was written is
read back and compared before anyone is told that it is done.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Protocol, cast

from rootlet.errors import InputError, RootletError, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.export.anchors import Anchor, Content
    from rootlet.x509 import Certificate

#: name -> module; loaded when it is used
FORMATS = {
    "pem": "rootlet.export.pem",
    "der": "rootlet.export.der",
    "c": "rootlet.export.c",
    "esp-crt-bundle": "rootlet.export.esp_crt_bundle",
    "esp-crt-bundle-v1": "rootlet.export.esp_crt_bundle_v1",
    "bearssl": "rootlet.export.bearssl",
    "module": "rootlet.export.module",
}
_IDF = re.compile(r"v?(\d{1,3})\.(\d{1,3})(?:\.\d{1,3})?")
#: The first ESP-IDF that reads the layout with offsets; older ones read the one without.
_OFFSETS_SINCE = (5, 4)


class Format(Protocol):
    """What a module of a format has.

    ``LOSES`` says in words what of an anchor the format cannot hold.
    """

    CARRIES_CERTIFICATES: bool
    LOSES: str

    def write(self, anchors: Sequence[Anchor]) -> bytes:
        """Return the file. Raises InputError or TrustError for anchors that it cannot hold."""

    def read(self, data: bytes) -> list[Content]:
        """Return what a file holds. Raises anything for what ``write`` never makes."""


def load(name: str) -> Format:
    """Return the format of that name, one of :data:`FORMATS`."""
    return cast("Format", importlib.import_module(FORMATS[name]))


def for_idf(name: str, version: str) -> str:
    """Return the name of the layout that an ESP-IDF of ``version``, such as 5.3.2, reads.

    Raises InputError for another format, a bad version, or the old layout for a new ESP-IDF.
    """
    if not name.startswith("esp-crt-bundle"):
        raise InputError(
            f"--idf says nothing about --format {name}",
            why="it chooses between the two layouts of ESP-IDF's certificate bundle",
            hint="leave --idf out",
        )
    numbers = _IDF.fullmatch(version)
    if numbers is None:
        raise InputError(f"--idf {version[:20]!r} is not a version", hint="such as --idf 5.4")
    wanted = "esp-crt-bundle"
    if (int(numbers[1]), int(numbers[2])) < _OFFSETS_SINCE:
        wanted = "esp-crt-bundle-v1"
    if name not in (wanted, "esp-crt-bundle"):
        raise InputError(
            f"ESP-IDF {version} does not read {name}",
            why="from 5.4 on it reads the layout with a table of offsets",
            hint=f"--format {wanted}",
        )
    return wanted


def write(anchors: Sequence[Anchor], name: str) -> bytes:
    """Return the anchors in the format ``name``, read back and compared.

    Raises InputError or TrustError for anchors that the format cannot hold.
    """
    chosen = load(name)
    if not chosen.CARRIES_CERTIFICATES:
        for one in anchors:
            _check_unconstrained(one.label, one.certificate, name)
    data = chosen.write(anchors)
    check(data, anchors, name)
    return data


def check(data: bytes, anchors: Sequence[Anchor], name: str) -> None:
    """Raise RootletError when ``data`` does not hold exactly these anchors."""
    chosen = load(name)
    wanted = {one.content(chosen.CARRIES_CERTIFICATES) for one in anchors}
    try:
        found = chosen.read(data)
    # Whatever a reader stumbles over, these bytes are not what was meant.
    except Exception as error:
        raise _differs(name, str(error)) from error
    if len(found) != len(wanted) or set(found) != wanted:
        raise _differs(name, f"{len(set(found) & wanted)} of {len(wanted)} anchors are in it")


def _differs(name: str, why: str) -> RootletError:
    return RootletError(
        f"what was written as {name} does not read back as the anchors of the bundle",
        why=why,
        hint="do not use the file; report this with the bundle",
    )


def _check_unconstrained(label: str, certificate: Certificate, name: str) -> None:
    """Refuse to drop what bounds the paths below an anchor: it would trust more than meant."""
    bounds = {
        "nameConstraints": certificate.has_name_constraints,
        "extendedKeyUsage": certificate.has_eku,
        "a path length": certificate.path_length is not None,
    }
    lost = ", ".join(bound for bound, present in bounds.items() if present)
    if lost:
        raise TrustError(
            f"{label} has a constraint that {name} cannot hold: {lost}",
            why="the format keeps name and key only, and would trust more than its owner meant",
            hint="--format pem keeps it",
            code="FORMAT",
        )
