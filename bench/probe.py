"""The library that benches preload: bytes asked of malloc, and marks for callgrind.

It is ``bench/board/probe.c``, compiled here with the machine's gcc.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parent / "board" / "probe.c"
_OPTIONS = ("-O1", "-fPIC", "-shared", "-nostdlib", "-fno-builtin", "-Wall", "-Werror")


def compiled(folder: Path, bits: int = 64) -> Path:
    """Return the library in ``folder`` for programs of 64 or 32 bits. Exits without a gcc."""
    program = shutil.which("gcc")
    if program is None:
        raise SystemExit("error: no gcc: apt-get install gcc")
    library = folder / f"probe-{bits}.so"
    if not library.exists():
        command = [program, f"-m{bits}", *_OPTIONS, "-o", str(library), str(SOURCE)]
        subprocess.run(command, check=True)
    return library
