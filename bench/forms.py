"""Bytes of trust sets in our forms and in those of others: ``python bench/forms.py``.

Blocks are those that MicroPython's own littlefs takes for the file, beside an empty file system.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import certifi
from interpreter import CREATED, Board
from table import Row, progress, show

from rootlet import anchor, bundle, catalog, export
from rootlet.export.anchors import Anchor

SETS = {
    "CA 1": ("amazon-root-ca-1",),
    "CA 3": ("amazon-root-ca-3",),
    "CA 1 + CA 3 + SF G2": ("amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2"),
    "all five": (*(f"amazon-root-ca-{n}" for n in (1, 2, 3, 4)), "starfield-g2"),
}
FORMS = ("tiny", "strict")
PEERS = ("PEM", "DER", "ESP-IDF layout", "BearSSL anchors, C text")
SIGNATURES = 2
_SIGNATURE = 392
_HEAP = 2 << 20  # for a flash chip in memory


def ours(names: tuple[str, ...], form: str) -> bytes:
    """Return the unsigned bundle of these roots in one form."""
    roots = [catalog.load().get(name) for name in names]
    anchors = [
        bundle.Anchor(anchor.package(one.der, form, one.name), bytes.fromhex(one.sha256))
        for one in roots
    ]
    return bundle.encode(anchors, target="default", profile=3, created=CREATED)


def peers(names: tuple[str, ...]) -> dict[str, bytes]:
    """Return what others store for the same roots; of DER that is a file for each."""
    roots = [catalog.load().get(name) for name in names]
    anchors = [Anchor(one.id, one.certificate, one.sha256) for one in roots]
    written = (export.write(anchors, name) for name in ("pem", "esp-crt-bundle", "bearssl"))
    pem, esp, bearssl = written
    return dict(zip(PEERS, (pem, b"".join(one.der for one in roots), esp, bearssl), strict=True))


def mine(names: tuple[str, ...]) -> dict[str, bytes]:
    """Return our forms of these roots, unsigned, and as long as with two signatures."""
    forms = {form: ours(names, form) for form in FORMS}
    signed = {
        f"{form}, two signatures": data + bytes(SIGNATURES * _SIGNATURE)
        for form, data in forms.items()
    }
    return forms | signed


def rows() -> list[Row]:
    """Return a row per set, form and peer, in bytes and in blocks. The peer of a form is PEM."""
    found = []
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as folder:
        board = Board(Path(folder))
        for title, names in SETS.items():
            progress(f"bytes: {title}")
            found += _set(board, f"{{{title}}}", mine(names), peers(names))
            alone = [catalog.load().get(name).der for name in names]
            what, blocks = f"{{{title}}} as DER, on littlefs", sum(_blocks(board, alone))
            found.append(Row("bytes", what, blocks, unit="blocks", source="a file for each"))
        everything = Path(certifi.where()).read_bytes()
        count = everything.count(b"-----BEGIN CERTIFICATE-----")
        (blocks,) = _blocks(board, [everything])
    what, source = "certifi's cacert.pem", f"{count} roots, {certifi.__version__}"
    found.append(Row("bytes", what, len(everything), source=source))
    found.append(Row("bytes", f"{what}, on littlefs", blocks, unit="blocks", source=source))
    return found


def _set(board: Board, title: str, forms: dict[str, bytes], others: dict[str, bytes]) -> list[Row]:
    found = [
        Row("bytes", f"{title} {form}, to PEM", len(data), len(others["PEM"]))
        for form, data in forms.items()
    ]
    found += [Row("bytes", f"{title} as {name}", len(data)) for name, data in others.items()]
    *taken, pem = _blocks(board, [*forms.values(), others["PEM"]])
    for form, blocks in zip(forms, taken, strict=True):
        what = f"{title} {form}, on littlefs, to PEM"
        found.append(Row("bytes", what, blocks, pem, "blocks", "VfsLfs2"))
    return found


def _blocks(board: Board, files: list[bytes]) -> list[int]:
    return board.numbers("blocks", board.series("blocks", files), heap=_HEAP)


if __name__ == "__main__":
    print(show(rows(), {}))
