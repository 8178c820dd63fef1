"""Putting a UF2 firmware on a board in its boot mode, where it shows itself as a drive.

The drive takes the file as it is copied, and goes away when the last block has arrived: that is
the board's own check, as every block carries its number. Where the drive stays, what it holds is
compared.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet import uf2
from rootlet.boardio import ports
from rootlet.errors import BoardError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Where desktops mount drives: Linux (udisks, both layouts) and macOS.
_MOUNTS = ("/media/*/*", "/media/*", "/run/media/*/*", "/Volumes/*")
_CHUNK = 1 << 16
_MAX_INFO = 4096
_BREATH = 0.2  # seconds


@dataclass(frozen=True)
class Report:
    """What was copied to which drive."""

    drive: str
    chip: str
    bytes_written: int


def is_drive(port: str) -> bool:
    """Whether what was given for a port is the folder of a boot drive."""
    return (Path(port) / uf2.INFO).is_file()


def find(new: uf2.Uf2, mounts: Sequence[str] = _MOUNTS) -> str:
    """Return the boot drive of a board with this firmware's chip. Raises BoardError for none."""
    drives = [p.parent for pattern in mounts for p in Path("/").glob(pattern[1:] + "/" + uf2.INFO)]
    for drive in sorted(set(drives)):
        if _board_id(drive) == new.board_id:
            return str(drive)
    raise BoardError(
        f"no {new.chip} in its boot mode is there",
        why=f"no mounted drive has {uf2.INFO} with Board-ID {new.board_id}",
        hint="hold BOOTSEL while you plug it in, mount the drive that appears, and run the "
        "command again; or name it: --port /path/of/the/drive",
    )


def copy(drive: str, new: uf2.Uf2, progress: Callable[[int, int, str], None]) -> Report:
    """Copy the firmware to a drive and compare. Raises BoardError, also for another chip's."""
    found = _board_id(Path(drive))
    if found != new.board_id:
        raise BoardError(
            f"{drive}: the firmware is for {new.chip}, and this drive is {found or 'unknown'}",
            why=f"its {uf2.INFO} must say Board-ID {new.board_id}",
            hint="download the .uf2 of your board: https://micropython.org/download/",
        )
    target, total, sent = Path(drive) / "rootlet.uf2", len(new.data), 0
    try:
        # A link on the drive must not lead the firmware into another file.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(target, flags, 0o644), "wb", buffering=0) as file:
            while sent < total:
                sent += file.write(new.data[sent : sent + _CHUNK])
                progress(sent, total, "copying")
            os.fsync(file.fileno())
    except OSError as error:
        if sent == total and not is_drive(drive):
            return Report(drive, new.chip, total)  # it has started already, and took the drive
        raise BoardError(
            f"{drive}: the firmware could not be copied",
            why=error.strerror or str(error),
            hint="unplug the board, hold BOOTSEL, plug it in, and run the command again",
        ) from error
    _compare(drive, target, new.data)
    return Report(drive, new.chip, total)


def wait_for_prompt(port: str, seconds: float = 30.0) -> None:
    """Wait until a board that has just started shows its serial port. Raises BoardError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            ports.check(ports.resolve(port))
        except BoardError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_BREATH)
        else:
            return


def _compare(drive: str, target: Path, data: bytes) -> None:
    """A board that has started with its new firmware has no drive any more."""
    try:
        held = target.read_bytes()
    except OSError:
        return
    if held != data:
        raise BoardError(
            f"{drive}: what arrived is not what was sent",
            why="the file on the drive differs",
            hint="use another cable or socket, and run the command again",
        )


def _board_id(drive: Path) -> str:
    try:
        with (drive / uf2.INFO).open(errors="replace") as file:
            return uf2.board_id(file.read(_MAX_INFO))
    except OSError:
        return ""
