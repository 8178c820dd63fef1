"""Images of a board's file system, made without a board: for one device or for a thousand.

The parts that all devices share (the compiled package, the bundle, programs) are put into an
image once; each device's own files go into a copy of it. The same files give the same bytes, so
a run that is done again writes only what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rootlet import files as disk
from rootlet import identity, parallel, partitions, resources
from rootlet.boardio import littlefs
from rootlet.errors import BoardError, InputError, RootletError, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rootlet.firmware import Firmware
    from rootlet.partitions import Partition

#: What a first program is called; one that is there stays.
PROGRAM = "main.py"
_MAX_PROGRAM = 1 << 20
_MAX_IMAGE = 1 << 26
#: It holds a private key.
_MODE = 0o600


@dataclass
class Batch:
    """What became of many devices: their names, and the errors of those that failed."""

    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, RootletError] = field(default_factory=dict)


def program() -> bytes:
    """Return a first program: it connects, says hello, and says what went wrong."""
    return resources.data("device/main.py").read_bytes()


class Maker:
    """Makes images of ``size`` bytes that hold ``common`` (board path -> bytes).

    With ``firmware`` they are whole flash contents from address 0, the file system at ``place``.
    Raises TrustError when the files do not fit, InputError for a size that is no file system's.
    """

    def __init__(
        self, common: Mapping[str, bytes], place: Partition, firmware: Firmware | None = None
    ) -> None:
        blocks, rest = divmod(place.size, littlefs.BLOCK_BYTES)
        if rest or not littlefs.LEAST_BLOCKS <= blocks <= _MAX_IMAGE // littlefs.BLOCK_BYTES:
            raise InputError(
                f"a file system of {place.size} bytes is not possible",
                why=f"it is made of blocks of {littlefs.BLOCK_BYTES} bytes, at least "
                f"{littlefs.LEAST_BLOCKS}",
                hint="give the size of the board's vfs partition: --board ID, or --size BYTES",
            )
        self._base = _filled(littlefs.empty(place.size), common)
        self._before = _flash_before(firmware, place) if firmware else b""

    def make(self, own: Mapping[str, bytes]) -> bytes:
        """Return the image of one device, whose own files are ``own``."""
        return self._before + (_filled(self._base, own) if own else self._base)


def place_in(firmware: Firmware, flash_bytes: int, where: str) -> Partition:
    """Return the file system of a chip with this firmware and flash. Raises InputError."""
    try:
        return partitions.file_system(firmware.table, flash_bytes, firmware.version)
    except ValueError as error:
        raise InputError(
            f"{where}: no place for a file system in {flash_bytes} bytes of flash",
            why=f"the partition table {error}",
            hint="give the size of the flash: --flash-size 8MB; or use newer firmware",
        ) from error


def programs(folder: Path) -> dict[str, bytes]:
    """Return board path -> bytes of a folder with a user's programs. Raises InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder", hint="--files takes a folder")
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(part.startswith(".") for part in name.split("/")):
            _check_name(path, name)
            found[name] = disk.read(path, _MAX_PROGRAM)
    return found


def _check_name(path: Path, name: str) -> None:
    """Refuse a name that no program on a board could open: littlefs has them in UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{path}: its name is not UTF-8", why="a board has no other names", hint="rename it"
        ) from None


def write(path: Path, data: bytes, *, force: bool) -> bool:
    """Write an image that only its owner may read; tell whether it was not there already.

    Raises InputError when another one is there, unless ``force``.
    """
    if path.exists():
        if disk.read(path, _MAX_IMAGE) == data:
            return False
        if not force:
            raise InputError(
                f"{path}: another image is there",
                why="it may hold the only copy of a device's key",
                hint="name another file, or overwrite it: --force",
            )
    disk.write(path, data, _MODE)
    return True


def device_folders(folder: Path) -> list[Path]:
    """Return the device folders in a folder, by name. Raises InputError when there is none."""
    found = sorted(path.parent for path in folder.glob(f"*/{identity.SETTINGS}"))
    if not found:
        raise InputError(
            f"{folder}: no device folder in it",
            why=f"none of its folders holds {identity.SETTINGS}",
            hint="rootlet provision makes them",
        )
    return found


def batch(
    folders: Sequence[Path],
    maker: Maker,
    out: Path,
    progress: Callable[[int, int, str], None],
    *,
    force: bool = False,
) -> Batch:
    """Write ``out/NAME.bin`` for each device folder; one that fails does not stop the others."""

    def one(folder: Path) -> bool | RootletError:
        try:
            data = maker.make(identity.read_folder(folder))
            return write(out / f"{folder.name}.bin", data, force=force)
        except RootletError as error:
            return error

    result = Batch()
    disk.make_folder(out)
    for folder, done in zip(folders, parallel.in_order(one, folders), strict=True):
        if isinstance(done, RootletError):
            result.failed[folder.name] = done
        else:
            (result.written if done else result.unchanged).append(folder.name)
        progress(
            len(result.written) + len(result.unchanged) + len(result.failed),
            len(folders),
            folder.name,
        )
    return result


def _filled(image: bytes, files: Mapping[str, bytes]) -> bytes:
    """Return an image with files in it. No board is at fault here: the answer is no."""
    try:
        return littlefs.add(image, files)
    except BoardError as error:
        raise TrustError(error.what, why=error.why, hint=error.hint) from error


def _flash_before(firmware: Firmware, place: Partition) -> bytes:
    """Return the flash from address 0 up to the file system, erased where nothing is."""
    start = b"\xff" * firmware.chip.offset + firmware.data
    return start + b"\xff" * (place.offset - len(start))
