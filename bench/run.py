"""All benches in one table: ``make bench``; ``--check`` holds them against limits.toml.

Writes results.json, docs/footprint.svg and the tables between the markers of README.md and
docs/footprint.md, unless ``--check`` is given. ``--only NAME...`` measures and prints some.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import audit
import flash
import forms
import gateway
import growth
import lab_load
import memory
import picture
import provision
import readme
import size
import startup
import verify
import work
from table import Row, exceeded, limits, progress, show

HERE = Path(__file__).parent
PICTURE = HERE.parent / "docs" / "footprint.svg"


def code() -> list[Row]:
    """Return the bytes of ``.mpy`` and the heap of each use, and the bytes of each module."""
    progress("code")
    uses = [
        row
        for use, one in size.uses().items()
        for row in (
            Row("code", use, one.code, unit="bytes of .mpy"),
            Row("code", f"{use}, heap after import", one.heap, source="gc, 64-bit port"),
        )
    ]
    modules = sorted(size.sizes().items())
    return uses + [
        Row("code", f"module {name}", one, unit="bytes of .mpy") for name, one in modules
    ]


BENCHES = {
    "code": code,
    "bytes": forms.rows,
    "memory": memory.rows,
    "work": work.rows,
    "growth": growth.rows,
    "gateway": gateway.rows,
    "start": startup.rows,
    "verify": verify.rows,
    "audit": audit.rows,
    "provision": provision.rows,
    "flash": flash.rows,
    "lab": lab_load.rows,
}


def main() -> None:
    """Print the table; with ``--check`` exit 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="hold against limits.toml")
    parser.add_argument("--only", nargs="+", choices=BENCHES, help="measure these, write nothing")
    options = parser.parse_args()
    allowed = limits()
    rows = [row for name in options.only or BENCHES for row in BENCHES[name]()]
    progress("")
    print(show(rows, allowed))
    if any(one.target for one in allowed.values()):
        print("* more is asked for: `target` in bench/limits.toml")
    if options.check:
        lines = exceeded(rows, allowed)
        print("\n".join(["", *lines]) if lines else "\nall limits kept")
        sys.exit(bool(lines))
    if not options.only:
        write(rows)


def write(rows: list[Row]) -> None:
    """Write results.json; and picture and pages, when everything that they show was measured."""
    allowed = limits()
    shown = [str(allowed.get(row.name, "")) for row in rows]
    documents = [row.document(limit) for row, limit in zip(rows, shown, strict=True)]
    (HERE / "results.json").write_text(json.dumps(documents, indent=1) + "\n")
    missing = readme.missing(rows)
    if missing:
        sys.exit(f"error: the pages are not written anew: not measured: {', '.join(missing)}")
    PICTURE.write_text(picture.draw(rows))
    readme.fill(rows)


if __name__ == "__main__":
    main()
