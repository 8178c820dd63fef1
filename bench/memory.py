"""Memory of the device package on MicroPython: ``python bench/memory.py``.

Python's heap is gc's. What the TLS library takes is counted by a preloaded probe, in bytes asked
of malloc. The 64-bit port is the virtual board's; objects of the 32-bit one are as large as a
board's.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import signed
from forms import SETS, ours
from interpreter import Board, i386, root_of
from table import Row, progress, show

from rootlet import anchor, catalog, export
from rootlet.export.anchors import Anchor
from rootlet.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

_MALLOC = "bytes asked of malloc"
_LEAST = "smallest -X heapsize that is enough, by 512"
_THREE = SETS["CA 1 + CA 3 + SF G2"]
_OBJECTS = ("bundle", "identity", "TLS context")


def rows() -> list[Row]:
    """Return all rows of both ports; one that cannot be had is named and left out."""
    found = []
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as name, Lab(broker="amqtt") as lab:
        for bits in (64, 32):
            root = i386() if bits == 32 else None
            if bits == 32 and root is None:
                sys.stderr.write("left out: the 32-bit port: Debian's i386 packages, on x86-64\n")
                continue
            folder = Path(name) / str(bits)
            folder.mkdir()
            board = Board(folder, root)
            for row in [*_anchors(board), *_work(board), *_connections(board, lab)]:
                progress(row.name)
                section = "memory" if bits == 64 else "memory, 32-bit"
                found.append(Row(section, row.what, row.ours, row.peer, source=row.source))
    return found


def _anchors(board: Board) -> Iterator[Row]:
    """Yield what the TLS library holds of one anchor, and its peak, as DER and as PEM."""
    for title in ("CA 1", "CA 3"):
        one = catalog.load().get(SETS[title][0])
        pem = export.write([Anchor(one.id, one.certificate, one.sha256)], "pem")
        held = {
            form: board.numbers("anchors", board.file(form, data))[:2]
            for form, data in (
                ("tiny", anchor.package(one.der, "tiny", one.name)),
                ("strict", anchor.package(one.der, "strict", one.name)),
                ("DER", one.der),
                ("PEM", pem),
            )
        }
        der, text = held["DER"], held["PEM"]
        for form in ("tiny", "strict"):
            what = f"TLS heap of {{{title}}} {form} to DER"
            yield Row("", what, held[form][0], der[0], source=_MALLOC)
        what = f"TLS heap to load {{{title}}} tiny, peak to PEM"
        yield Row("", what, held["tiny"][1], text[1] + len(pem), source=f"{_MALLOC}, and the text")


def _work(board: Board) -> Iterator[Row]:
    """Yield what verifying and parsing take of Python's heap, and loading of the TLS library's."""
    material = board.file("signed", signed.material())
    three = board.file("three", ours(_THREE, "tiny"))
    for what, mode, file in (
        ("verify a signature", "verify", material),
        ("parse {CA 1 + CA 3 + SF G2}", "parse", three),
        ("load {CA 1 + CA 3 + SF G2}", "load", three),
    ):
        (taken,) = board.numbers(f"taken:{mode}", file)
        yield Row("", f"allocated to {what}", taken, source="gc, without a collection")
        yield Row("", f"heap to {what}", board.least_heap(mode, file), source=_LEAST)
    live, peak = board.numbers("loading", three)
    yield Row("", "TLS heap of {CA 1 + CA 3 + SF G2} loaded", live, source=_MALLOC)
    yield Row("", "TLS heap to load {CA 1 + CA 3 + SF G2}, peak", peak, source=_MALLOC)


def _connections(board: Board, lab: Lab) -> Iterator[Row]:
    """Yield what connections hold and need, beside the bare script."""
    for family, root, profile, preference in (
        ("ECC", "amazon-root-ca-3", 1, "prefer-ecdsa"),
        ("RSA", "amazon-root-ca-1", 2, "prefer-rsa"),
    ):
        lab.serve(shape="3", preference=preference)
        board.identify(lab.pki, lab.endpoint, (lab.host, lab.port))
        der = board.trust(root_of(lab.pki, root), profile)
        mine, verified, anyone = (
            board.numbers(*one)
            for one in (
                ("connection:ours",),
                ("connection:bare", der),
                ("connection:bare", ""),
            )
        )
        for at, when in enumerate(("idle", "peak")):
            what = f"TLS heap of a connection, {family} 3, {when}"
            yield Row("", f"{what}, to bare that verifies", mine[at], verified[at], source=_MALLOC)
            yield Row("", f"{what}, to CERT_NONE", mine[at], anyone[at], source=_MALLOC)
        if family == "ECC":
            yield from _python_heap(board)
    yield from _rotation(board, lab)


def _python_heap(board: Board) -> Iterator[Row]:
    (held,), (bare,) = board.numbers("hold:ours"), board.numbers("hold:bare")
    what = "idle and connected, above umqtt that verifies nothing"
    yield Row("", what, held - bare, source=f"gc: {held:,} and {bare:,}")
    yield Row("", "idle and connected, to the same", held, bare, source="gc")
    for what, size in zip(_OBJECTS, board.numbers("objects"), strict=True):
        yield Row("", f"held by the {what}", size, source="gc")
    mine, bare = (board.least_heap(one) for one in ("ours", "bare"))
    yield Row("", "heap to connect, to umqtt that verifies nothing", mine, bare, source=_LEAST)


def _rotation(board: Board, lab: Lab) -> Iterator[Row]:
    """Yield the heap of a rotation: offer, trial and confirmation in one run."""
    lab.serve(shape="3", preference="prefer-ecdsa")
    fleet = signed.Fleet()
    offered = board.file("offered", fleet.bundle(lab.pki, 2))

    def before() -> None:
        for name in ("s0", "s1", "tb", "k0", "k1"):
            (board.folder / name).unlink(missing_ok=True)
        first = fleet.bundle(lab.pki, 1)
        board.file("ta", first)
        factory = f"BUNDLE = {first!r}\nKEYS = {fleet.keys!r}\n"
        board.file("rootlet_factory.py", factory.encode())

    (held,) = board.numbers("hold:rotate", offered, before=before)
    yield Row("", "idle and connected, with the Rotation that it has made", held, source="gc")
    (held,) = board.numbers("hold:ours")
    yield Row("", "idle and connected, on a device that has rotated", held, source="gc")
    least = board.least_heap("rotate", offered, before=before)
    yield Row("", "heap to rotate: offer, trial, confirm", least, source=_LEAST)
    _, peak = board.numbers("connection:rotate", offered, before=before)
    yield Row("", "TLS heap of a rotation, peak", peak, source=_MALLOC)


if __name__ == "__main__":
    print(show(rows(), {}))
