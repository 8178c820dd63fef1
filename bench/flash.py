"""How fast boards and images are written: ``make bench-flash``.

First deployment and an unchanged one, as ratios to a bare ``mpremote fs cp`` of the same bytes,
on the virtual board as it is and behind a line of 115,200 baud, as of an ESP32's serial bridge.
Whole commands are timed, start of the interpreter included; in turns, and the best of each counts,
as a busy machine only ever adds time. Then images for 1,000 devices.
"""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import tempfile
import threading
import time
import tty
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from table import Row, finish, progress

from rootlet import board as boards
from rootlet import flash, identity, image
from rootlet.boardio.virtual import VirtualBoard
from rootlet.build import Request, build
from rootlet.lab import Hierarchy
from rootlet.partitions import Partition

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 5
BAUD = 115_200
DEVICES = 1000
LEAST = 50  # images a second
_BITS = 10  # per byte, with start and stop


def timed(*command: str | Path) -> float:
    """Return the seconds that a command takes; raises if it fails."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


class Port(NamedTuple):
    """A board's port, and how many bytes went over it: one number for each piece."""

    name: str
    carried: list[int]


@contextmanager
def slow_line(port: str, baud: int) -> Iterator[Port]:
    """Give a port behind a serial line of this speed; at 0 the port itself, uncounted."""
    if not baud:
        yield Port(port, [])
        return
    carried: list[int] = []
    line, inner = pty.openpty()
    tty.setraw(inner)
    board = os.open(port, os.O_RDWR | os.O_NOCTTY)
    ending = threading.Event()

    def carry(source: int, sink: int) -> None:
        while not ending.is_set():
            if select.select([source], [], [], 0.05)[0]:
                data = os.read(source, 256)
                carried.append(len(data))
                time.sleep(len(data) * _BITS / baud)
                os.write(sink, data)

    ways = ((line, board), (board, line))
    threads = [threading.Thread(target=carry, args=way, daemon=True) for way in ways]
    for thread in threads:
        thread.start()
    try:
        yield Port(os.ttyname(inner), carried)
    finally:
        ending.set()
        for thread in threads:
            thread.join()
        for descriptor in (line, inner, board):
            os.close(descriptor)


@contextmanager
def board_at(folder: Path, baud: int) -> Iterator[Port]:
    """Give the port of an empty board, behind a line of this speed."""
    with VirtualBoard(folder) as board, slow_line(board.port, baud) as port:
        yield port


class Cost(NamedTuple):
    """Seconds, and bytes over the wire in both directions (0: not counted)."""

    seconds: float
    carried: int


def deployment(folder: Path, bundle: Path, files: Path, baud: int) -> tuple[Cost, ...]:
    """Return the best of a bare copy, a first deployment, and an unchanged one."""
    rootlet = str(Path(sys.executable).with_name("rootlet"))
    rounds = []
    for number in range(ROUNDS if not baud else 1):
        with board_at(folder / f"bare-{baud}-{number}", baud) as port:
            mpremote = (sys.executable, "-m", "mpremote", "connect", port.name)
            bare = _cost(port, *mpremote, "fs", "cp", "-r", f"{files}/.", ":")
        with board_at(folder / f"ours-{baud}-{number}", baud) as port:
            first = _cost(port, rootlet, "flash", "--port", port.name, bundle)
            again = _cost(port, rootlet, "flash", "--port", port.name, bundle)
        rounds.append((bare, first, again))
    return tuple(min(column) for column in zip(*rounds, strict=True))


def _cost(port: Port, *command: str | Path) -> Cost:
    before = sum(port.carried)
    return Cost(timed(*command), sum(port.carried) - before)


def images(folder: Path, bundle: bytes, count: int) -> float:
    """Return the images per second, each with a key, a certificate and settings of its own."""
    pki = Hierarchy.fresh()
    for number in range(count):
        device = folder / "devices" / f"pump-{number}"
        device.mkdir(parents=True)
        issued = pki.issue_identity(device.name)
        key = identity.read_key(issued.key_der, "key", issued.cert_der)
        settings = identity.Settings("a1b2c3-ats.iot.eu-west-1.amazonaws.com", device.name)
        for name, data in zip(
            flash.IDENTITY, (settings.encode(), issued.cert_der, key), strict=True
        ):
            (device / name).write_bytes(data)
    folders = image.device_folders(folder / "devices")
    began = time.perf_counter()
    common = flash.contents(bundle) | {image.PROGRAM: image.program()}
    maker = image.Maker(common, Partition("vfs", 1, 0x81, 0, 2 << 20))
    result = image.batch(folders, maker, folder / "images", lambda *_: None)
    seconds = time.perf_counter() - began
    if len(result.written) != count:
        raise SystemExit(f"only {len(result.written)} images were made")
    return count / seconds


def rows(count: int = 200) -> list[Row]:
    """Return deployments beside a bare copy, and the images for ``count`` devices of 2 MB."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as name:
        folder = Path(name)
        data = build(Request(boards.load("virtual"), "both", int(time.time()))).data
        bundle, files = folder / "a.rlt", folder / "files"
        bundle.write_bytes(data)
        for path, held in flash.contents(data).items():
            (files / path).parent.mkdir(parents=True, exist_ok=True)
            (files / path).write_bytes(held)
        for baud in (0, BAUD):
            where = f"at {baud:,} baud" if baud else "no serial line"
            progress(f"deployment: {where}")
            found += _compared(where, *deployment(folder, bundle, files, baud))
        progress("deployment: images")
        rate = images(folder, data, count)
    source = f"{os.cpu_count()} cores, {count} devices of 2 MB"
    return [*found, Row("deployment", "images", rate, unit="a second", source=source)]


def _compared(where: str, bare: Cost, first: Cost, again: Cost) -> Iterator[Row]:
    names = (f"first flash to mpremote fs cp, {where}", f"unchanged flash to first, {where}")
    pairs = ((first, bare), (again, first))
    for what, (one, other) in zip(names, pairs, strict=True):
        yield Row("deployment", what, one.seconds, other.seconds, "s")
        if other.carried:
            yield Row("deployment", f"{what}, on the wire", one.carried, other.carried)


def main() -> None:
    """Print the table; exit 1 when a limit is exceeded."""
    found = rows(DEVICES)
    print(f"at least {LEAST} images a second are asked for")
    if found[-1].ours < LEAST:
        sys.exit(1)
    finish(found)


if __name__ == "__main__":
    main()
