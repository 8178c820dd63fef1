"""ROMFS images, made by mpremote run as a program: its command line is stable, its modules not."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet.errors import RootletError

if TYPE_CHECKING:
    from collections.abc import Mapping


def build(files: Mapping[str, bytes]) -> bytes:
    """Return a ROMFS image of these files (path -> bytes). Raises RootletError."""
    with tempfile.TemporaryDirectory(prefix="rootlet-romfs-") as folder:
        source, output = Path(folder) / "rom", Path(folder) / "out.romfs"
        for path, data in files.items():
            target = source / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        done = subprocess.run(
            # -P: this folder is no place to import from.
            [
                *(sys.executable, "-P", "-m", "mpremote", "romfs"),
                *("-o", str(output), "build", str(source)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not output.exists():
            said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
            raise RootletError(
                "mpremote cannot build a ROMFS",
                why=said[-1][:200],
                hint="it needs mpremote 1.25 or newer: pip install -U mpremote",
            )
        return output.read_bytes()
