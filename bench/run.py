"""All benches in one table: ``make bench``; ``--check`` holds them against limits.toml.

Writes results.json, results.svg (ratios to the peers) and the tables between the markers of
README.md and docs/footprint.md, unless ``--check`` is given.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import forms
import readme
import size
import startup
from table import Row, exceeded, limits, show

import device

HERE = Path(__file__).parent
_BAR, _HEIGHT = 300, 18


def code() -> list[Row]:
    """Return the bytes of ``.mpy`` and the heap of each use."""
    return [
        row
        for use, one in size.uses().items()
        for row in (
            Row("code", use, one.code, unit="bytes of .mpy"),
            Row("code", f"{use}, heap after import", one.heap, source="gc, 64-bit port"),
        )
    ]


def draw(rows: list[Row]) -> str:
    """Return an SVG of every ratio to a peer; the line is at 1."""
    with_peer = [row for row in rows if row.ratio is not None]
    height = _HEIGHT * (len(with_peer) + 1)
    widest = max(row.ratio or 0 for row in with_peer)
    one = 330 + _BAR / widest
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="700" height="{height}"'
            ' font-family="sans-serif" font-size="11">'
        ),
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<path d="M{one:.1f} 0V{height}" stroke="#c33"/>',
    ]
    for index, row in enumerate(with_peer):
        y, ratio = index * _HEIGHT, row.ratio or 0
        width = ratio * _BAR / widest
        lines += [
            f'<rect x="330" y="{y + 4}" width="{width:.1f}" height="11" fill="#48a"/>',
            f'<text x="325" y="{y + 14}" text-anchor="end">{row.section}: {row.what}</text>',
            f'<text x="{334 + width:.1f}" y="{y + 14}">{ratio:.2f}</text>',
        ]
    return "\n".join([*lines, "</svg>\n"])


def main() -> None:
    """Print the table; with ``--check`` exit 1 when a limit is exceeded."""
    allowed = limits()
    rows = [*code(), *forms.rows(), *device.rows(), *startup.rows()]
    print(show(rows, allowed))
    if any(one.target for one in allowed.values()):
        print("* more is asked for: `target` in bench/limits.toml")
    if "--check" in sys.argv[1:]:
        lines = exceeded(rows, allowed)
        print("\n".join(["", *lines]) if lines else "\nall limits kept")
        sys.exit(bool(lines))
    names = [f"{row.section}: {row.what}" for row in rows]
    shown = [str(allowed.get(name, "")) for name in names]
    documents = [row.document(limit) for row, limit in zip(rows, shown, strict=True)]
    (HERE / "results.json").write_text(json.dumps(documents, indent=1) + "\n")
    (HERE / "results.svg").write_text(draw(rows))
    readme.fill(rows)


if __name__ == "__main__":
    main()
