"""Putting device code, bundle and identity on a board that runs MicroPython.

Rules: a file that is there with the same hash is not written; every other one is written beside
its place, compared on the board, and renamed into place; so an interrupted run is finished by
running it again, and at no moment is a file half written. What does not fit is refused first.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rootlet import bundle as bundles
from rootlet.boardio import mpy
from rootlet.boardio.remote import Remote
from rootlet.errors import BoardError, TrustError
from urootlet.config import FILE as SETTINGS
from urootlet.session import BUNDLE, CERTIFICATE, KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rootlet.identity import Settings

_IDENTITY = (SETTINGS, CERTIFICATE, KEY)
#: littlefs writes a changed directory or file elsewhere first: room for that.
_SPARE_BLOCKS = 4


@dataclass
class Report:
    """What was done: paths written and left, bytes written, and what the board said of itself."""

    board: dict[str, Any]
    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    bytes_written: int = 0
    missing: list[str] = field(default_factory=list)


def contents(
    bundle: bytes, settings: Settings | None = None, cert: bytes = b"", key: bytes = b""
) -> dict[str, bytes]:
    """Return path -> bytes of all that goes on the board; the bundle last, as it enables use."""
    files = mpy.compile_package()
    if settings is not None:
        files |= {SETTINGS: settings.encode(), CERTIFICATE: cert, KEY: key}
    return files | {BUNDLE: bundle}


def flash(
    port: str, files: Mapping[str, bytes], progress: Callable[[int, int, str], None]
) -> Report:
    """Bring the files on the board at ``port`` up to date and restart it if anything changed.

    ``progress`` gets ``(bytes done, bytes in all, path)``. Raises TrustError for a bundle that
    must not travel this way, BoardError for everything else.
    """
    _check_transport(port, files[BUNDLE])
    with Remote(port) as board:
        report = Report(board.probe())
        check_board(port, report.board)
        board.snippet("files")
        held = dict(zip(files, board.hashes(list(files)), strict=True))
        todo = {p: d for p, d in files.items() if held[p] != hashlib.sha256(d).hexdigest()}
        report.unchanged = [path for path in files if path not in todo]
        _check_room(port, todo, report.board)
        _write(board, todo, report, progress)
        identity = [path for path in _IDENTITY if path not in files]
        found = zip(identity, board.hashes(identity), strict=True)
        report.missing = [path for path, digest in found if digest is None]
        if report.written:
            board.restart()
    return report


def _write(
    board: Remote,
    todo: Mapping[str, bytes],
    report: Report,
    progress: Callable[[int, int, str], None],
) -> None:
    total = sum(map(len, todo.values()))

    for path, data in todo.items():

        def count(size: int, path: str = path) -> None:
            report.bytes_written += size
            progress(report.bytes_written, total, path)

        board.put(path, data, count)
        report.written.append(path)


def _check_transport(port: str, bundle: bytes) -> None:
    """Refuse an unsigned bundle on a port that leaves this computer (security rule 13)."""
    if bundles.decode(bundle, "the bundle").sequence == 0 and "://" in port:
        raise TrustError(
            f"{port}: an unsigned bundle goes over a local port only",
            why="on a network, anybody in between could replace it",
            hint="connect the board to this computer, or sign the bundle",
            code="POLICY",
        )


def check_board(port: str, board: Mapping[str, Any]) -> None:
    """Refuse firmware that cannot load our bytecode, and a file system that is not power-safe."""
    if board["mpy"] & 0xFF != mpy.MPY_VERSION:
        raise BoardError(
            f"{port}: its firmware cannot load this bytecode",
            why=f"it takes .mpy version {board['mpy'] & 0xFF}, this is {mpy.MPY_VERSION}",
            hint="install MicroPython 1.24 or newer on the board",
        )
    if "fat" in board["fs"].lower():
        raise BoardError(
            f"{port}: its file system is FAT",
            why="a rename there removes the old file first, so a power cut can lose it",
            hint="format the board's storage as littlefs v2",
        )


def _check_room(port: str, todo: Mapping[str, bytes], board: Mapping[str, Any]) -> None:
    block = int(board["block"])
    needed = sum(-(-len(data) // block) for data in todo.values()) + _SPARE_BLOCKS
    if todo and needed > board["free_blocks"]:
        raise BoardError(
            f"{port}: the board's file system is too full",
            why=f"this needs {needed * block} bytes, free are {board['free_blocks'] * block}",
            hint="remove files you do not need: mpremote fs rm :NAME",
        )
