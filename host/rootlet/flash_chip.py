"""Writing firmware and a whole file system to an ESP32, through the loader in its ROM.

Rules:

1. Where the file system is, is asked of MicroPython, or read from the partition table in flash
   or in the new firmware (``rootlet.partitions``). It is never assumed, overlaps no app, and
   lies inside the flash that the chip says it has.
2. The files that are there are read first and go into the new image, unless they are to be
   erased. What a rotation has made of the board's trust is never overwritten without being told.
3. All checks come before the first write.
4. The start of the file system is erased first and written last. So whatever is interrupted,
   MicroPython boots: with the old files, with none, or with the new. Until all is written, what
   was read is kept on this computer, and a rerun takes it from there.

Only new firmware itself cannot be interrupted so: the board then waits for a rerun.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet import files as disk
from rootlet import firmware as images
from rootlet import flash, image, partitions
from rootlet.boardio import littlefs, mpy
from rootlet.boardio.esptool import BAUD, Esptool
from rootlet.boardio.remote import Remote
from rootlet.errors import BoardError, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rootlet.boardio.esptool import Chip
    from rootlet.boardio.littlefs import Tree
    from rootlet.firmware import Firmware
    from rootlet.partitions import Partition

    Progress = Callable[[int, int, str], None]

#: What a board remembers of its trust: see urootlet.store.
_TRUST = ("tb", "k0", "k1", "s0", "s1", mpy.FACTORY)
#: MicroPython makes this one itself when it formats.
_OWN = {"boot.py"}
_HEAD = 2 * littlefs.BLOCK_BYTES  # littlefs keeps its superblock in the first two
_BLANK = b"\xff" * _HEAD


@dataclass
class Report:
    """What was found and done; ``partition`` is None when only firmware was written."""

    chip: Chip
    partition: Partition | None = None
    firmware: str = ""
    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    bytes_written: int = 0
    #: Whether the board was restarted; a port without reset lines leaves that to a person.
    restarted: bool = False


@dataclass(frozen=True)
class Order:
    """What is wanted: files (none: the file system stays as it is), firmware, or both."""

    files: Mapping[str, bytes]
    firmware: Firmware | None = None
    erase: bool = False
    reset_trust: bool = False
    baud: int = BAUD


def install(port: str, order: Order, progress: Progress) -> Report:
    """Bring firmware and file system of the chip at ``port`` to what is ordered.

    ``progress`` gets ``(percent, 100, what)``. Raises BoardError and TrustError.
    """
    trusted = order.reset_trust or order.firmware is not None or mpy.FACTORY in order.files
    flash.check_transport(port, order.files, trusted=trusted)
    asked = () if order.firmware else _ask(port)
    tool = Esptool(port, order.baud, progress)
    chip = tool.chip()
    report = Report(chip)
    pieces: list[tuple[int, bytes]] = []
    if order.firmware:
        _check_firmware(port, order.firmware, chip)
        report.firmware = ".".join(map(str, order.firmware.version))
        pieces.append((order.firmware.chip.offset, order.firmware.data))
    job = _FileSystem(tool, chip, order, asked)
    if order.files:
        report.partition = job.place
        whole = job.image(report)
        if whole is None and not pieces:
            return report
        if whole is not None:
            pieces += _ordered(job.place.offset, whole)
            job.begin()
    else:
        job.check_stays()
    tool.write(pieces, "writing", last=True)
    job.end()
    report.bytes_written = sum(len(data) for _, data in pieces)
    report.restarted = tool.resets
    return report


def _ordered(start: int, whole: bytes) -> list[tuple[int, bytes]]:
    """Return the pieces of an image: all else, then the second block, then the first.

    MicroPython formats when the first block is blank (ports/esp32/modules/inisetup.py), and
    littlefs mounts when either of the two is whole: so it boots after any of them.
    """
    block = littlefs.BLOCK_BYTES
    parts = ((_HEAD, len(whole)), (block, _HEAD), (0, block))
    return [(start + at, whole[at:end]) for at, end in parts]


class _FileSystem:
    """The file system of one chip: where it is, what it holds, and what it is to hold."""

    def __init__(
        self, tool: Esptool, chip: Chip, order: Order, asked: tuple[Partition, ...]
    ) -> None:
        self._tool, self._chip, self._order = tool, chip, order
        self._old = self._locate(asked)
        new = order.firmware
        place = self._place(new.table, new.version) if new else self._old
        if place is None:
            raise BoardError(
                f"{tool.port}: there is no MicroPython on this {chip.name}",
                why="its flash holds no partition table",
                hint="write one first, or with it: --firmware FILE.bin",
            )
        self.place = place
        self._saved = _folder() / f"{chip.mac.replace(':', '')}.bin"
        self._image = b""
        self._before = littlefs.Tree({}, ())

    def _locate(self, asked: tuple[Partition, ...]) -> Partition | None:
        """Return the partition of what is on the chip now, None for a blank or foreign one."""
        if asked:
            return self._place(asked, ())
        data = self._tool.read(
            partitions.TABLE_OFFSET, partitions.TABLE_BYTES, "reading the partition table"
        )
        try:
            table = partitions.parse(data)
            app = partitions.app(table)
        except ValueError:
            return None
        head = self._tool.read(app.offset, images.APP_HEAD_BYTES, "reading the firmware's version")
        if self._order.firmware and not images.app_version(head):
            return None  # another program's flash: nothing of it is MicroPython's
        return self._place(table, images.app_version(head))

    def _place(self, table: tuple[Partition, ...], version: tuple[int, ...]) -> Partition:
        try:
            return partitions.file_system(table, self._chip.flash_bytes, version)
        except ValueError as error:
            raise BoardError(
                f"{self._tool.port}: no place for a file system on this {self._chip.name}",
                why=f"the partition table {error}",
                hint="write firmware with it: --firmware FILE.bin of MicroPython 1.26 or newer",
            ) from error

    def _moves(self) -> bool:
        """Whether the new firmware looks for its files elsewhere than the old one."""
        old, new = self._old, self.place
        return old is None or (old.offset, old.size) != (new.offset, new.size)

    def check_stays(self) -> None:
        """Refuse firmware alone that would not find the files of the board."""
        if self._old is not None and self._moves():
            raise BoardError(
                f"{self._tool.port}: the files on this board would be lost",
                why=f"the new firmware has its file system at {self.place.offset:#x}, "
                f"the old one at {self._old.offset:#x}",
                hint="give a BUNDLE with it: then the files are moved",
            )

    def image(self, report: Report) -> bytes | None:
        """Return the image to write, None when the flash holds all of it already."""
        saved = self._saved.exists()
        if not self._order.erase:
            self._before = self._held()
        held = self._before.files
        first = {} if image.PROGRAM in held else {image.PROGRAM: image.program()}
        wanted = first | {**self._order.files}
        self._check_trust(wanted)
        dropped = {*(_TRUST if self._order.reset_trust else ()), *filter(_is_of_package, held)}
        kept = {path: data for path, data in held.items() if path not in dropped}
        merged = kept | wanted
        report.missing = [path for path in flash.IDENTITY if path not in merged]
        report.kept = sorted(kept.keys() - wanted.keys())
        if merged == held and not self._moves() and not saved:
            return None
        report.written = [path for path in wanted if held.get(path) != wanted[path]]
        return littlefs.add(littlefs.empty(self.place.size), merged, self._before.folders)

    def _held(self) -> Tree:
        """Return the files on the chip, and those that an interrupted run has saved of it."""
        saved = self._saved.read_bytes() if self._saved.exists() else b""
        if self._old is not None:
            self._image = self._tool.read(
                self._old.offset, self._old.size, "reading the files on it"
            )
        found = self._found(saved=bool(saved))
        if not saved:
            return found
        before = littlefs.read(saved)
        if found.files.keys() <= _OWN:
            return before
        folders = dict.fromkeys((*before.folders, *found.folders))
        return littlefs.Tree(before.files | found.files, tuple(folders))

    def _found(self, *, saved: bool) -> Tree:
        """Return what can be read of the chip; after an interrupted run that may be nothing."""
        if not self._image or self._image.startswith(_BLANK):
            return littlefs.Tree({}, ())
        try:
            return littlefs.read(self._image)
        except BoardError as error:
            if saved:
                return littlefs.Tree({}, ())
            raise BoardError(
                f"{self._tool.port}: the files on this board cannot be read, so not kept",
                why=error.why,
                hint="to start with an empty file system: --erase",
            ) from error

    def _check_trust(self, wanted: Mapping[str, bytes]) -> None:
        held = self._before.files
        changed = [path for path in _TRUST if path in held and held[path] != wanted.get(path)]
        if changed and not self._order.reset_trust:
            raise TrustError(
                f"{self._tool.port}: this board has update keys, or was rotated",
                why=f"{', '.join(changed)} would not belong to this bundle",
                hint="flash it at its prompt, without --image; or start again: --reset-trust",
                code="SEQUENCE",
            )

    def begin(self) -> None:
        """Save what is on the chip, and make sure that no half of anything is ever mounted."""
        if self._before.files:
            self._saved.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            saved = littlefs.add(littlefs.empty(self.place.size), *self._before)
            disk.write(self._saved, saved, 0o600)
        if self._old is not None and not self._image.startswith(_BLANK):
            self._tool.write([(self._old.offset, _BLANK)], "preparing", last=False)

    def end(self) -> None:
        """Forget what was saved, once the chip has it."""
        if self._order.files:
            self._saved.unlink(missing_ok=True)


def _is_of_package(path: str) -> bool:
    """Whether a file is a module of the device package: another version's would run instead."""
    return path.startswith(f"{mpy.FOLDER}/") and path.endswith((".py", ".mpy"))


def _ask(port: str) -> tuple[Partition, ...]:
    """Return what MicroPython says of the flash; nothing when it does not answer."""
    try:
        with Remote(port, tries=1) as board:
            said = board.probe()
            found = board.parse(board.snippet("partitions"), dict)["partitions"]
    except BoardError as error:
        if error.code not in ("REPL", "BOOT"):
            raise
        return ()
    flash.check_board(port, said)
    try:
        return partitions.checked(partitions.Partition(*one) for one in found)
    except (TypeError, ValueError) as error:
        raise BoardError(
            f"{port}: this board has no flash that can be written as a whole",
            why=f"it is {said['machine'] or said['platform']}, not an ESP32",
            hint="flash it at its prompt: the same command without --image",
        ) from error


def _check_firmware(port: str, new: Firmware, chip: Chip) -> None:
    if new.chip.name != chip.name:
        raise BoardError(
            f"{port}: the firmware is for {new.chip.name}, and this chip is {chip.name}",
            why="it would not start",
            hint=f"download the firmware for {chip.name}: https://micropython.org/download/",
        )
    if new.end > chip.flash_bytes:
        raise BoardError(
            f"{port}: the firmware does not fit",
            why=f"it ends at {new.end:#x}, and this flash has {chip.flash_bytes:#x} bytes",
            hint="use the firmware of this board, or one for less flash",
        )


def _folder() -> Path:
    """Return where files of boards wait whose writing was interrupted; only this user reads it."""
    import platformdirs  # noqa: PLC0415 - slow to import

    return Path(platformdirs.user_data_dir("rootlet")) / "unfinished"
