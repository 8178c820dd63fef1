"""Memory and work of the device package on MicroPython: ``python bench/device.py``.

Instructions are callgrind's, of one more repetition within the same process, so that start and
imports do not count. Objects of the 64-bit port are twice a board's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from forms import CREATED, ours
from table import Row, show

from rootlet import anchor, bundle, catalog, identity
from rootlet.boardio import micropython, mpy
from rootlet.lab import Lab

SCRIPT = Path(__file__).parent / "board" / "measure.py"
ROOTS = {"ECC": ("amazon-root-ca-3", 1), "RSA": ("amazon-root-ca-1", 2)}
SHAPES = ("2", "3", "4")
_REPEATS = 3
_IN_USE = re.compile(r"Total.*?in use bytes\s*=\s*(\d+)", re.DOTALL)


class Board:
    """A folder of a device's files, and the interpreter that runs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = micropython.prepare()
        command = list(found.command)
        if "--preload" in command:  # no clock of its own here: callgrind counts that too
            at = command.index("--preload")
            del command[at : at + 2]
        self._command = [*command, "-X", "heapsize=256k", str(SCRIPT)]
        for path, code in mpy.compile_package().items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(code)
        path = f"{folder / mpy.FOLDER / '..'}:{found.modules}"
        self._environment = {"MICROPYPATH": path, "PATH": os.defpath}

    def run(self, mode: str, count: int = 1, file: str = "", *before: str) -> tuple[str, str]:
        """Return what the script printed on stdout and stderr."""
        done = subprocess.run(
            [*before, *self._command, mode, str(count), str(self.folder), file],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"error: {mode}: {done.stdout[-500:]}{done.stderr[-1500:]}")
        return done.stdout, done.stderr

    def heap(self, mode: str, file: str = "") -> int:
        """Return the number that the script printed."""
        return int(self.run(mode, 1, file)[0])

    def tls_heap(self, file: str) -> int:
        """Return what the TLS library holds of one anchor, bytes with malloc's own."""
        before, after = _IN_USE.findall(self.run("load", 1, file)[1])
        return int(after) - int(before)

    def instructions(self, mode: str, file: str = "") -> float:
        """Return the instructions of one repetition."""
        valgrind = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
        counts = [
            int(re.findall(r"Collected : (\d+)", self.run(mode, count, file, *valgrind)[1])[-1])
            for count in (1, 1 + _REPEATS)
        ]
        return (counts[1] - counts[0]) / _REPEATS

    def file(self, name: str, data: bytes) -> str:
        """Write a file and return its path."""
        (self.folder / name).write_bytes(data)
        return str(self.folder / name)

    def install(self, lab: Lab, root: str, profile: int) -> str:
        """Write identity, settings and bundle for ``lab``; return the path of the root as DER."""
        issued = lab.pki.issue_identity("bench")
        self.file("cert.der", issued.cert_der)
        self.file("key.der", identity.read_key(issued.key_der, "key", issued.cert_der))
        values = {"endpoint": lab.endpoint, "thing": "bench", "address": lab.host}
        self.file(
            "rootlet.json", json.dumps({**values, "port": lab.port, "timeout": 200}).encode()
        )
        der = lab.pki.anchor(root).public_bytes(Encoding.DER)
        slim = bundle.Anchor(anchor.package(der, "tiny", root), hashlib.sha256(der).digest())
        data = bundle.encode([slim], target="default", profile=profile, created=CREATED)
        self.file("ta", data)
        return self.file("root.der", der)


def static(board: Board) -> list[Row]:
    """Return what needs no server: loading anchors, and with valgrind signatures and parsing."""
    found, allocator = [], "malloc_stats(3) before and after"
    for title, root in (("CA 3", "amazon-root-ca-3"), ("CA 1", "amazon-root-ca-1")):
        one = catalog.load().get(root)
        slim = board.tls_heap(board.file("slim", anchor.package(one.der, "tiny", one.name)))
        full = board.tls_heap(board.file("full", one.der))
        found.append(
            Row("memory", f"TLS heap of {{{title}}} to DER", slim, full, source=allocator)
        )
    key = rsa.generate_private_key(65537, 3072)
    digest = hashlib.sha256(b"bench").digest()
    modulus = key.public_key().public_numbers().n.to_bytes(384, "big")
    signed = key.sign(b"bench", padding.PKCS1v15(), hashes.SHA256())
    material = board.file("signed", modulus + signed + digest)
    three = board.file(
        "three", ours(("amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2"), "tiny")
    )
    source = "gc, allocated without a collection"
    found.append(
        Row("memory", "to verify a signature", board.heap("taken-verify", material), source=source)
    )
    found.append(
        Row(
            "memory",
            "to parse {CA 1 + CA 3 + SF G2}",
            board.heap("taken-parse", three),
            source=source,
        )
    )
    if shutil.which("valgrind"):
        whole, alone = (board.instructions(mode, material) for mode in ("verify", "pow"))
        found.append(Row("work", "signature verification to pow", whole, alone, "instructions"))
        found.append(
            Row(
                "work",
                "parse {CA 1 + CA 3 + SF G2}",
                board.instructions("parse", three),
                unit="instructions",
            )
        )
    return found


def connected(board: Board) -> list[Row]:
    """Return heap and instructions of connections to the lab, beside the bare script."""
    found = []
    with Lab(broker="amqtt") as lab:
        for family, (root, profile) in ROOTS.items():
            for shape in SHAPES:
                lab.serve(shape=shape, preference="prefer-rsa" if profile == 2 else "prefer-ecdsa")
                der = board.install(lab, root, profile)
                if not found:
                    held, bare = board.heap("hold-ours"), board.heap("hold-bare")
                    what = "idle and connected, above umqtt that verifies nothing"
                    found.append(Row("memory", what, held - bare, source=f"gc: {held} and {bare}"))
                if shutil.which("valgrind"):
                    mine, theirs = board.instructions("ours"), board.instructions("bare", der)
                    what = f"handshake {family} {shape}"
                    found.append(Row("work", what, mine, theirs, "instructions", "callgrind"))
    return found


def rows() -> list[Row]:
    """Return all rows of memory and work; without valgrind there is no work."""
    if not shutil.which("valgrind"):
        print("work: valgrind is missing: apt-get install valgrind")
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as folder:
        board = Board(Path(folder))
        return [*static(board), *connected(board)]


if __name__ == "__main__":
    print(show(rows(), {}))
