"""NSS databases of Firefox and Chromium, read by certutil (libnss3-tools, nss-tools).

A database adds to the list that is built into the browser, or takes from it: the trust flags
``C`` and ``p`` of its first column (certutil(1), "-t").
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from rootlet.truststore import program
from rootlet.truststore.store import Store, distinct, fingerprints

_FOLDERS = (
    ".pki/nssdb",
    ".mozilla/firefox/*",
    ".mozilla/thunderbird/*",
    "snap/firefox/common/.mozilla/firefox/*",
    "snap/chromium/current/.pki/nssdb",
    ".var/app/org.mozilla.firefox/.mozilla/firefox/*",
)
_MAX_NAMES = 200  # certificates of one database: each is a run of certutil


class _Entry(NamedTuple):
    name: str
    flags: str


def stores() -> list[Store]:
    """Return each database that has something to say about certificates."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises without one
    found = distinct(
        folder.parent
        for pattern in _FOLDERS
        for folder in sorted(home.glob(f"{pattern}/cert9.db"))
    )
    return [_read(folder) for folder in found]


def _read(folder: Path) -> Store:
    database = f"sql:{folder}"
    known = Store("nss", "a browser", str(folder), adds_only=True)
    listed = program.run(["certutil", "-L", "-d", database])
    if listed is None:
        problem = "needs certutil: apt-get install libnss3-tools"
    elif listed.status != 0:
        problem = listed.complaint
    else:
        entries = _entries(listed.output.decode(errors="replace"))[:_MAX_NAMES]
        trusted = _hashes(database, [one.name for one in entries if "C" in one.flags])
        refused = _hashes(database, [one.name for one in entries if "p" in one.flags])
        return Store("nss", known.title, known.place, trusted, refused, adds_only=True)
    return Store("nss", known.title, known.place, adds_only=True, problem=problem)


def _entries(listing: str) -> list[_Entry]:
    """Read lines such as ``Amazon Root CA 1      C,,``; the flags are for TLS, mail and code."""
    found = []
    for line in listing.splitlines():
        name, _, flags = line.rstrip().rpartition(" ")
        if name.strip() and flags.count(",") == 2:
            found.append(_Entry(name.strip(), flags.split(",")[0]))
    return found


def _hashes(database: str, names: list[str]) -> frozenset[str]:
    printed = [program.run(["certutil", "-L", "-d", database, "-n", name, "-a"]) for name in names]
    return fingerprints(b"\n".join(one.output for one in printed if one))
