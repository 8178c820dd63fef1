"""A MicroPython on a folder that stands for a device's files, measured from outside.

The 64-bit one is that of the virtual board. The 32-bit one is Debian's for i386, whose objects
are as large as a board's; it is fetched once, and cannot be had on every machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import probe
from cryptography.hazmat.primitives.serialization import Encoding

from rootlet import anchor, bundle, identity
from rootlet.boardio import cache, distribution, micropython, mpy
from rootlet.errors import RootletError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rootlet.lab import Hierarchy

SCRIPTS = Path(__file__).parent / "board"
CREATED = 1_790_000_000
THING = "bench"
HEAP = 256 << 10
_CALLGRIND = ("valgrind", "--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=")
_LEAST, _MOST, _STEP = 8 << 10, 256 << 10, 512
_TIMEOUT = 240


class Failed(Exception):  # noqa: N818 - said by the interpreter, not by us
    """What the interpreter said before it ended."""


def i386() -> Path | None:
    """Return the folder of the 32-bit interpreter, None where it cannot be had."""

    def unpack(into: Path) -> None:
        distribution.unpack(("micropython",), into, lambda *_: None, architecture="i386")
        loader, program = _through_loader(into)
        asked = [*loader, *program, "-c", "import tls, ffi"]
        subprocess.run(asked, check=True, capture_output=True)

    try:
        return cache.once(f"micropython-{distribution.SUITE}-i386-1", unpack)
    except (RootletError, OSError, subprocess.CalledProcessError):
        return None


def _through_loader(root: Path) -> tuple[list[str], list[str]]:
    """Return the loader, and what follows its own options."""
    loader = next(root.glob("usr/lib/*/ld-linux*.so.*"))
    program = [str(root / "usr" / "bin" / "micropython")]
    return [str(loader), "--library-path", str(loader.parent)], program


class Device:
    """A folder of a device's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, data: bytes) -> str:
        """Write a file and return its path."""
        (self.folder / name).write_bytes(data)
        return str(self.folder / name)

    def series(self, name: str, files: Sequence[bytes]) -> str:
        """Write files and return what the script calls them all."""
        for index, data in enumerate(files):
            self.file(f"{name}-{index}", data)
        return f"{self.folder / name}:{len(files)}"

    def identify(self, pki: Hierarchy, endpoint: str, address: tuple[str, int]) -> None:
        """Write certificate, key and settings of a device of ``pki``."""
        issued = pki.issue_identity(THING)
        self.file("cert.der", issued.cert_der)
        self.file("key.der", identity.read_key(issued.key_der, "key", issued.cert_der))
        self.file("identity.pem", issued.key_pem + issued.cert_pem)
        where = {"endpoint": endpoint, "thing": THING, "address": address[0], "port": address[1]}
        self.file("rootlet.json", json.dumps({**where, "timeout": 200}).encode())

    def trust(self, der: bytes, profile: int, form: str = "tiny") -> str:
        """Write a bundle with one root in a form; return the path of the same root as DER."""
        slim = bundle.Anchor(anchor.package(der, form, "root"), hashlib.sha256(der).digest())
        data = bundle.encode([slim], target="default", profile=profile, created=CREATED)
        self.file("ta", data)
        return self.file("root.der", der)


class Board(Device):
    """A device, and the interpreter that runs on it."""

    def __init__(self, folder: Path, root: Path | None = None) -> None:
        super().__init__(folder)
        self.bits = 32 if root else 64
        found = micropython.prepare()
        # No clock of its own here, unlike a virtual board: callgrind counts that too.
        if root or "--preload" in found.command:
            self._loader, self._program = _through_loader(root or found.origin)
        else:
            self._loader, self._program = [], list(found.command)
        for path, code in mpy.compile_package().items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(code)
        (folder / "umqtt").mkdir()
        mpy.compile_source(found.modules / "umqtt" / "simple.py", folder / "umqtt")
        for name in ("need.py", "measure.py"):  # not compiled in the heap that counts
            mpy.compile_source(SCRIPTS / name, folder)
        library = folder / Path(mpy.FOLDER).parent
        self._environment = {
            "MICROPYPATH": f"{folder}:{library}:{found.modules}",
            "PATH": os.defpath,
        }
        self.probe = probe.compiled(folder, self.bits)

    def run(
        self, mode: str, file: str = "", *before: str, count: int = 1, heap: int = HEAP
    ) -> subprocess.CompletedProcess[str]:
        """Return what the script printed. Raises Failed if it ends with anything but 0."""
        done = self._start(mode, file, before, count=count, heap=heap)
        if done.returncode:
            raise Failed(f"{mode}: {done.stdout[-500:]}{done.stderr[-1500:]}")
        return done

    def _start(
        self, mode: str, file: str, before: tuple[str, ...], *, count: int, heap: int
    ) -> subprocess.CompletedProcess[str]:
        environment, loader = dict(self._environment), list(self._loader)
        if mode.partition(":")[0] in ("anchors", "loading", "connection"):
            if loader:
                loader[1:1] = ["--preload", str(self.probe)]
            else:
                environment["LD_PRELOAD"] = str(self.probe)
        script = "need" if mode.startswith("need") else "measure"
        start = ["-X", f"heapsize={heap}", "-c", f"import {script}", mode, str(count)]
        return subprocess.run(
            [*before, *loader, *self._program, *start, str(self.folder), file, str(self.probe)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )

    def numbers(
        self,
        mode: str,
        file: str = "",
        before: Callable[[], None] = lambda: None,
        *,
        heap: int = HEAP,
    ) -> list[int]:
        """Return the numbers that the script printed."""
        before()
        return [int(word) for word in self.run(mode, file, heap=heap).stdout.split()]

    def least_heap(
        self, what: str, file: str = "", before: Callable[[], None] = lambda: None
    ) -> int:
        """Return the smallest heap, bytes, with which it works: a multiple of 512.

        ``before`` puts the files back before each run.
        """
        low, high = _LEAST // _STEP, _MOST // _STEP
        while low < high:
            middle = (low + high) // 2
            before()
            done = self._start(f"need:{what}", file, (), count=1, heap=middle * _STEP)
            low, high = (middle + 1, high) if done.returncode else (low, middle)
        if low == _MOST // _STEP:
            raise Failed(f"{what}: {done.stdout[-500:]}{done.stderr[-1500:]}")
        return low * _STEP

    def instructions(self, mode: str, file: str = "", repeats: int = 3) -> float:
        """Return callgrind's instructions of one repetition of what the script marks."""
        done = self.run(mode, file, *_CALLGRIND[:3], _CALLGRIND[3] + "/dev/null", count=repeats)
        counted = int(re.findall(r"Collected : (\d+)", done.stderr)[-1])
        if not counted:
            raise Failed(f"{mode}: nothing was counted")
        return counted / repeats


def root_of(pki: Hierarchy, root: str) -> bytes:
    """Return a root of ``pki`` as DER, by its id in certs/catalog.toml."""
    return pki.anchor(root).public_bytes(Encoding.DER)
