"""Finding the MicroPython that virtual boards run on, or preparing one.

In this order: ``micropython`` on PATH, with a libfaketime of this machine, when it can do what a
board does; the one prepared earlier; Debian's, unpacked into the cache and started through its
own loader, so that nothing is installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet.boardio import cache, distribution, umqtt
from rootlet.boardio.virtual.clock import POWER_ON_TIME, Clock
from rootlet.boardio.virtual.process import FIRMWARE
from rootlet.errors import BoardError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rootlet.boardio.distribution import Progress

#: The layout of the unpacked folder; a newer layout gets a new name.
_CACHED = f"micropython-{distribution.SUITE}-1"
_PACKAGES = ("micropython", "libfaketime")
#: Parts of the packages that a board never reads: most of their size.
_NOT_NEEDED = ("usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/lib/*/gconv")
_PROBE_TIMEOUT = 30


@dataclass(frozen=True)
class Interpreter:
    """A MicroPython for virtual boards.

    ``command`` starts it, with libfaketime loaded; ``environment`` is all that it needs;
    ``modules`` is the folder of modules that stand for those inside a board's firmware.
    """

    command: tuple[str, ...]
    version: str
    origin: Path
    modules: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def _silent(_done: int, _total: int, _what: str) -> None:
    """Show no progress."""


def prepare(progress: Progress = _silent) -> Interpreter:
    """Return an interpreter; the first time on a machine it may be fetched, about 15 MB.

    ``progress(done, total, what)`` is called while it is. Raises BoardError or NetworkError.
    """
    modules = cache.once(f"umqtt-{umqtt.VERSION}", umqtt.fetch)
    found = _on_path(modules)
    if found is not None:
        return found

    def unpack(into: Path) -> None:
        distribution.unpack(_PACKAGES, into, progress)
        for pattern in _NOT_NEEDED:
            for folder in into.glob(pattern):
                shutil.rmtree(folder)
        version = _probe(*_through_loader(into))
        if version is None:
            raise BoardError(
                "the MicroPython of the distribution cannot run here",
                why="it lacks tls, vfs, ffi or termios, or libfaketime has no effect",
                hint="install MicroPython 1.24 or newer with the tls module on PATH",
            )
        (into / "version").write_text(version)

    root = cache.once(_CACHED, unpack)
    command, environment = _through_loader(root)
    return Interpreter(command, (root / "version").read_text(), root, modules, environment)


def _on_path(modules: Path) -> Interpreter | None:
    program, faketime = shutil.which("micropython"), shutil.which("faketime")
    if program is None or faketime is None:
        return None
    # faketime(1) knows where its library is: it sets LD_PRELOAD for what it starts.
    shown = subprocess.run(
        [faketime, "-f", "+0", sys.executable, "-c", "import os; print(os.environ['LD_PRELOAD'])"],
        capture_output=True,
        text=True,
        check=False,
    )
    environment = {"LD_PRELOAD": shown.stdout.strip()}
    version = _probe((program,), environment)
    if version is None:
        return None
    return Interpreter((program,), version, Path(program), modules, environment)


def _through_loader(root: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the command that runs the unpacked program with its own C library."""
    # The folder is named after the architecture (multiarch), the loader after its ABI.
    loader = next(iter(sorted(root.glob("usr/lib/*/ld-linux*.so.*"))), None)
    if loader is None:
        raise BoardError("the unpacked C library has no loader", hint="rootlet board prepare")
    libraries = loader.parent
    preload = libraries / "faketime" / "libfaketime.so.1"
    program = root / "usr" / "bin" / "micropython"
    command = (loader, "--preload", preload, "--library-path", libraries, program)
    return tuple(map(str, command)), {}


def _probe(command: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    """Return the version of an interpreter that can be a board, None for one that cannot."""
    with tempfile.TemporaryDirectory(prefix="rootlet-probe-") as folder:
        clock = Clock(Path(folder) / "clock")
        clock.set(POWER_ON_TIME)
        try:
            result = subprocess.run(
                [*command, FIRMWARE / "probe.py"],
                env={**environment, **clock.environment()},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=_PROBE_TIMEOUT,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    version, _, year = result.stdout.strip().partition(" ")
    return version if result.returncode == 0 and year == "2000" else None
