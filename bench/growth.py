"""How cost grows with anchors, with certificates in a chain, and with a fleet.

``python bench/growth.py``. The fleet's rows are read from bench/fleet.json, which ``make
bench-fleet`` writes. Without that file there are none.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import chains
from cryptography.hazmat.primitives.serialization import Encoding
from interpreter import CREATED, Board
from table import Row, progress, show
from work import UNIT, compared

from rootlet import anchor, bundle, pem
from rootlet.lab import Hierarchy, certificates
from rootlet.lab.authorities import ROOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

FLEET = Path(__file__).with_name("fleet.json")
ANCHORS = (1, 5, 10, 15, 20)
LENGTHS = (2, 3, 4, 5, 6)
#: A bundle is at most 4,096 bytes: so many anchors as large as Root CA 3 fit.
_IN_A_BUNDLE = 15
_MALLOC = "bytes asked of malloc; peer: DER"


def rows() -> list[Row]:
    """Return all lines of growth; without valgrind those of instructions are missing."""
    found = []
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as name:
        board, counts = Board(Path(name)), bool(shutil.which("valgrind"))
        if not counts:
            sys.stderr.write("left out: growth of work: no valgrind: apt-get install valgrind\n")
        for row in (*_anchors(board, counts=counts), *_chains(board, counts=counts), *_fleet()):
            progress(row.name)
            found.append(row)
    return found


def _anchors(board: Board, *, counts: bool) -> Iterator[Row]:
    """Yield bytes, memory and work of some anchors like Root CA 3."""
    ders = [_another(number) for number in range(max(ANCHORS))]
    for number in ANCHORS:
        bundles = [
            _bundle(ders[start : min(start + _IN_A_BUNDLE, number)])
            for start in range(0, number, _IN_A_BUNDLE)
        ]
        text = sum(len(pem.armour(der)) for der in ders[:number])
        size = sum(map(len, bundles))
        source = "two bundles: one holds 15" if len(bundles) > 1 else ""
        yield Row("growth", "anchors: bundle to PEM", size, text, source=source, at=number)
        ours = board.series("tiny", bundles)
        full = [_bundle([der], "full") for der in ders[:number]]
        (live, _), (peer, _) = (
            board.numbers("loading", one) for one in (ours, board.series("full", full))
        )
        yield Row(
            "growth",
            "anchors: TLS heap of a context to DER",
            live,
            peer,
            source=_MALLOC,
            at=number,
        )
        if counts:
            count = board.instructions("count:load", ours)
            yield Row("growth", "anchors: parse and load", count, unit=UNIT, at=number)


def _another(number: int) -> bytes:
    """Return a new root with a name as long as that of Root CA 3."""
    like = ROOTS["amazon-root-ca-3"]
    subject = (*like.subject[:2], ("CN", f"Amazon Root {number:04}"))
    authority = like._replace(id=f"bench-{number}", subject=subject)
    return chains.root(authority, certificates.new_key("p256")).public_bytes(Encoding.DER)


def _bundle(ders: list[bytes], form: str = "tiny") -> bytes:
    anchors = [
        bundle.Anchor(anchor.package(der, form, "root"), hashlib.sha256(der).digest())
        for der in ders
    ]
    return bundle.encode(anchors, target="default", profile=1, created=CREATED)


def _chains(board: Board, *, counts: bool) -> Iterator[Row]:
    """Yield memory and work of handshakes with chains of some lengths."""
    pki = Hierarchy.fresh()
    for family in ("ECC", "RSA"):
        for length in LENGTHS:
            root, chain, key = chains.make(family, length)
            with chains.serving(chain, key, pki) as address:
                board.identify(pki, chains.ENDPOINT, address)
                der = board.trust(root, 1)
                (_, peak), (_, bare) = (
                    board.numbers("connection:ours"),
                    board.numbers("connection:bare", der),
                )
                what = f"{family} chain: TLS heap of a handshake, peak"
                yield Row("growth", what, peak, bare, source="bytes asked of malloc", at=length)
                if counts:
                    modes = ("wrap:ours", "wrap:bare")
                    yield compared(board, f"{family} chain: handshake", modes, der, at=length)


def _fleet() -> Iterator[Row]:
    if not FLEET.is_file():
        sys.stderr.write("left out: growth of a fleet: make bench-fleet\n")
        return
    source = "make bench-fleet"
    for one in json.loads(FLEET.read_text()):
        at, size = one["devices"], one["rotate_up"] + one["rotate_down"]
        yield Row("growth", "fleet: devices", one["rate"], unit="a second", source=source, at=at)
        yield Row("growth", "fleet: bytes of a device", size, source=source, at=at)


if __name__ == "__main__":
    print(show(rows(), {}))
