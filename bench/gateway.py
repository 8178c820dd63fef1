"""urootlet on CPython beside paho-mqtt with certifi: ``python bench/gateway.py``.

Loading the context and the handshake, each in bytes asked of malloc and in instructions. Both
connect to the same lab; its root stands beside certifi's, so that both verify it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import probe
from interpreter import Device, root_of
from table import Row, progress, show
from work import FAMILIES, UNIT

from rootlet import pem
from rootlet.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).parent / "board" / "gateway.py"
_WHO = ("ours", "paho")


def rows() -> list[Row]:
    """Return all rows; without valgrind none of work."""
    found = []
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as name, Lab(broker="amqtt") as lab:
        folder = Path(name)
        device, library = Device(folder), probe.compiled(folder)
        for family, (root, profile, preference) in FAMILIES.items():
            lab.serve(shape="3", preference=preference)
            device.identify(lab.pki, lab.endpoint, (lab.host, lab.port))
            der = root_of(lab.pki, root)
            device.trust(der, profile, "strict")  # OpenSSL takes no tiny one
            roots = Path(certifi.where()).read_text() + pem.armour(der)
            (folder / "roots.pem").write_text(roots)
            for row in _compared(folder, library, family):
                progress(row.name)
                found.append(row)
    return found


def _compared(folder: Path, library: Path, family: str) -> Iterator[Row]:
    peer = f"paho with certifi, {family}"
    for what, verb in (("context", "context"), ("handshake", "wrap")):
        mine, theirs = (_bytes(folder, library, f"{verb}:{who}") for who in _WHO)
        yield Row("gateway", f"{what} held, to {peer}", mine[0], theirs[0], source="malloc")
        yield Row("gateway", f"{what} peak, to {peer}", mine[1], theirs[1], source="malloc")
        if shutil.which("valgrind"):
            ours, other = (_count(folder, library, f"count-{verb}:{who}") for who in _WHO)
            yield Row("gateway", f"{what}, to {peer}", ours, other, UNIT, "callgrind")


def _bytes(folder: Path, library: Path, mode: str) -> list[int]:
    done = _run([], mode, folder, library, {"LD_PRELOAD": str(library)})
    return [int(word) for word in done.stdout.split()]


def _count(folder: Path, library: Path, mode: str) -> int:
    options = ("--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=/dev/null")
    done = _run(["valgrind", *options], mode, folder, library, {})
    return int(re.findall(r"Collected : (\d+)", done.stderr)[-1])


def _run(
    before: list[str], mode: str, folder: Path, library: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*before, sys.executable, str(SCRIPT), mode, str(folder), str(library)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"error: {mode}: {done.stderr[-1500:]}")
    return done


if __name__ == "__main__":
    print(show(rows(), {}))
