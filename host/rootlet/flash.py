"""Putting device code, bundle and identity on a board that runs MicroPython.

Rules: a file that is there with the same hash is not written; every other one is written beside
its place, compared on the board, and renamed into place; so an interrupted run is finished by
running it again, and at no moment is a file half written. What does not fit is refused first.

The bundle comes last. On a board that has update keys or was rotated before, its own code checks
it against them and notes what it stands for; the board always has a usable set meanwhile.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rootlet import bundle as bundles
from rootlet.boardio import mpy, package, trust
from rootlet.boardio.remote import Remote
from rootlet.errors import BoardError, TrustError
from rootlet.identity import CERTIFICATE, KEY, SETTINGS, WIFI
from urootlet import errors as device
from urootlet import keyset
from urootlet.store import SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rootlet.identity import Settings

#: The bundle's place: urootlet.session, whose import costs more than the rest of a start.
BUNDLE = SLOTS[0]
#: What a device needs besides the package and a bundle.
IDENTITY = (SETTINGS, CERTIFICATE, KEY)
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
    #: Version of the update key set in force, 0 for none: then every offer is refused.
    keys: int = 0
    #: Whether the board noted anew what the bundle stands for.
    settled: bool = False
    #: Version of the device package that was there before, where another one was written.
    replaced: str = ""
    #: Modules in the package's folder that are not of this version.
    removed: list[str] = field(default_factory=list)


@dataclass
class _Writer:
    """Puts files on a board, counts, and tells how far it is."""

    board: Remote
    report: Report
    progress: Callable[[int, int, str], None]
    total: int

    def put(self, path: str, data: bytes) -> None:
        def count(size: int) -> None:
            self.report.bytes_written += size
            self.total = max(self.total, self.report.bytes_written)
            self.progress(self.report.bytes_written, self.total, path)

        self.board.put(path, data, count)
        self.report.written.append(path)


def contents(
    bundle: bytes,
    settings: Settings | None = None,
    cert: bytes = b"",
    key: bytes = b"",
    keys: bytes = b"",
) -> dict[str, bytes]:
    """Return path -> bytes of all that goes on the board; the bundle last, as it enables use.

    ``keys`` is the first key set; with it, the board also gets what it falls back to.
    """
    files = mpy.compile_package()
    if keys:
        files |= {mpy.FACTORY: mpy.compile_factory(bundle, keys)}
    if settings is not None:
        files |= {SETTINGS: settings.encode(), CERTIFICATE: cert, KEY: key}
    return files | {BUNDLE: bundle}


def check_keys(bundle: bytes, keys: bytes, where: str) -> None:
    """Refuse a key set that its own keys did not sign, or that a numbered bundle is not under.

    Raises InputError and TrustError; ``where`` names the key set.
    """
    try:
        found = keyset.KeySet(keys)
        keyset.check_self(found)
        one = bundles.decode(bundle, "the bundle")
        if one.sequence:
            keyset.check_bundle(found, one)
    except device.Error as error:
        raise TrustError(
            f"{where}: a board with these keys would refuse this",
            why=error.detail,
            hint=error.advice,
            code=error.code,
        ) from error


def flash(
    port: str,
    files: Mapping[str, bytes],
    progress: Callable[[int, int, str], None],
    *,
    keys: bytes = b"",
    reset_trust: bool = False,
) -> Report:
    """Bring the files on the board at ``port`` up to date and restart it if anything changed.

    Without a bundle among ``files``, what the board trusts stays as it is.
    ``progress`` gets ``(bytes done, bytes in all, path)``. ``keys`` is the key set that ``files``
    were made with; ``reset_trust`` forgets the floor, and whatever came over the air. Raises
    TrustError for a bundle that must not travel this way or is below the board's floor,
    BoardError for everything else.
    """
    check_transport(port, files, trusted=bool(keys) or reset_trust)
    with Remote(port) as board:
        report = Report(board.probe())
        check_board(port, report.board)
        board.snippet("files")
        held = dict(zip(files, board.hashes(list(files)), strict=True))
        todo = {p: d for p, d in files.items() if held[p] != hashlib.sha256(d).hexdigest()}
        report.unchanged = [path for path in files if path not in todo]
        _check_room(port, todo, report.board)
        if keys and not reset_trust:
            _check_same_keys(board, keys)
        before = package.version(board)
        writer = _Writer(board, report, progress, sum(map(len, todo.values())))
        for path, data in todo.items():
            if path != BUNDLE:
                writer.put(path, data)
        report.removed = _prune(board, files)
        if report.removed or any(path.startswith(mpy.FOLDER) for path in todo):
            report.replaced = before
        if BUNDLE in files:
            report.settled = _settle(writer, files[BUNDLE], new=BUNDLE in todo, reset=reset_trust)
        identity = [path for path in IDENTITY if path not in files]
        found = zip(identity, board.hashes(identity), strict=True)
        report.missing = [path for path, digest in found if digest is None]
        if report.written or report.settled or report.removed:
            board.restart()
    return report


def _prune(board: Remote, files: Mapping[str, bytes]) -> list[str]:
    """Remove modules of other versions from the package's folder, once this one is there."""
    names = [path.rpartition("/")[2] for path in files if path.startswith(f"{mpy.FOLDER}/")]
    return package.prune(board, mpy.FOLDER, names) if names else []


def _settle(writer: _Writer, bundle: bytes, *, new: bool, reset: bool) -> bool:
    """Write the bundle, and let the board note what it stands for; tell whether it had to.

    Slot 0 holds the bundle in the end, for programs without rotation. While slot 0 is the
    active one, the other slot stands in for it.
    """
    board, known = writer.board, trust.look(writer.board)
    writer.report.keys = known.get("keys", 0)
    rotates = known.get("kept") or known.get("keys") or reset
    if not known or not rotates:
        if new:
            writer.put(BUNDLE, bundle)
        return new
    if not new and known["settled"] and not reset:
        return False
    trust.judge(board, bundle, reset=reset)
    if new and known["kept"] and known["slot"] == 0:
        writer.put(SLOTS[1], bundle)
        trust.adopt(board, 1, reset=reset)
    if new:
        writer.put(BUNDLE, bundle)
    trust.adopt(board, 0, reset=reset)
    if reset:
        trust.forget(board)
    writer.report.keys = trust.look(board)["keys"]
    return True


def _check_same_keys(board: Remote, keys: bytes) -> None:
    """Refuse to put other keys under a board's floor and slots."""
    if trust.factory_keys(board) not in ("", hashlib.sha256(keys).hexdigest()):
        raise TrustError(
            f"{board.port}: the board was given another key set before",
            why="what it trusts now was signed under that one",
            hint="flash with --reset-trust to start again, or without --trust-keys",
            code="SIGNATURE",
        )


def check_transport(port: str, files: Mapping[str, bytes], *, trusted: bool) -> None:
    """Refuse what only a person at the board may do on a port that leaves this computer.

    That is a secret, an unsigned bundle, update keys, forgetting the floor (security rule 13),
    and firmware; ``trusted`` is whether it is one of the last three.
    """
    if "://" not in port:
        return
    if KEY in files or WIFI in files:
        raise TrustError(
            f"{port}: a key or a Wi-Fi password goes over a local port only",
            why="on a network, anybody in between could read it",
            hint="connect the board to this computer",
            code="POLICY",
        )
    if trusted:
        raise TrustError(
            f"{port}: update keys, --reset-trust and firmware go over a local port only",
            why="on a network, anybody in between could replace them",
            hint="connect the board to this computer",
            code="POLICY",
        )
    if BUNDLE in files and bundles.decode(files[BUNDLE], "the bundle").sequence == 0:
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
            code="FIRMWARE",
        )
    if "fat" in board["fs"].lower():
        raise BoardError(
            f"{port}: its file system is FAT",
            why="a rename there removes the old file first, so a power cut can lose it",
            hint="format the board's storage as littlefs v2",
            code="FLASH",
        )


def _check_room(port: str, todo: Mapping[str, bytes], board: Mapping[str, Any]) -> None:
    block = int(board["block"])
    needed = sum(-(-len(data) // block) for data in todo.values()) + _SPARE_BLOCKS
    if todo and needed > board["free_blocks"]:
        raise BoardError(
            f"{port}: the board's file system is too full",
            why=f"this needs {needed * block} bytes, free are {board['free_blocks'] * block}",
            hint="remove files you do not need: mpremote fs rm :NAME",
            code="FLASH",
        )
