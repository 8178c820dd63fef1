"""Work of the device package on MicroPython, in instructions: ``python bench/work.py``.

callgrind counts between two marks that the script sets, so that the start of the interpreter and
imports do not count. A handshake is what happens from the call of ``wrap_socket`` to its end, the
same call on both sides: ours with its callback and its check of the path.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import signed
from forms import SETS, ours
from interpreter import Board, root_of
from table import Row, progress, show

from rootlet.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

#: family -> its root, its cipher profile, and what the server prefers.
FAMILIES = {
    "ECC": ("amazon-root-ca-3", 1, "prefer-ecdsa"),
    "RSA": ("amazon-root-ca-1", 2, "prefer-rsa"),
}
SHAPES = ("2", "3", "4")
#: Where the instructions of connect() are that are not the handshake's.
PARTS = {
    "settings": "reading settings, certificate and key",
    "bundle": "parsing the bundle",
    "context": "making the TLS context",
}
UNIT = "instructions"
_REPEATS = 5  # handshakes differ by their random numbers


def rows() -> list[Row]:
    """Return all rows; without valgrind there is none."""
    if not shutil.which("valgrind"):
        sys.stderr.write("left out: work: no valgrind: apt-get install valgrind\n")
        return []
    found = []
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as name, Lab(broker="amqtt") as lab:
        board = Board(Path(name))
        for row in (*_alone(board), *_connections(board, lab)):
            progress(row.name)
            found.append(row)
    return found


def _alone(board: Board) -> Iterator[Row]:
    """Yield what needs no server."""
    material = board.file("signed", signed.material())
    whole, alone = (board.instructions(f"count:{one}", material) for one in ("verify", "pow"))
    yield Row("work", "signature verification to pow", whole, alone, UNIT)
    three = board.file("three", ours(SETS["CA 1 + CA 3 + SF G2"], "tiny"))
    for what, mode in (("parse", "parse"), ("parse and load", "load")):
        count = board.instructions(f"count:{mode}", three)
        yield Row("work", f"{what} {{CA 1 + CA 3 + SF G2}}", count, unit=UNIT)


def _connections(board: Board, lab: Lab) -> Iterator[Row]:
    """Yield handshakes and whole connections, each beside the bare script's."""
    for family, (root, profile, preference) in FAMILIES.items():
        for shape in SHAPES:
            lab.serve(shape=shape, preference=preference)
            board.identify(lab.pki, lab.endpoint, (lab.host, lab.port))
            der = board.trust(root_of(lab.pki, root), profile)
            name = f"{family} {shape}"
            yield compared(board, f"handshake {name}", ("wrap:ours", "wrap:bare"), der)
            yield compared(board, f"connect() {name}", ("count:ours", "count:bare"), der)
    for part, what in PARTS.items():
        count = board.instructions(f"count:{part}")
        yield Row("work", f"connect() of them: {what}", count, unit=UNIT)


def compared(board: Board, what: str, modes: tuple[str, str], der: str, at: int = 0) -> Row:
    """Return a row of our instructions and those of the bare script that verifies ``der``."""
    mine, bare = (board.instructions(mode, der, _REPEATS) for mode in modes)
    return Row("growth" if at else "work", what, mine, bare, UNIT, "callgrind", at)


if __name__ == "__main__":
    print(show(rows(), {}))
