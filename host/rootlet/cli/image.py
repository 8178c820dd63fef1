"""``rootlet image``."""

from __future__ import annotations

import re
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from rootlet import bundle, files, flash, identity, image
from rootlet.cli import show, trust_keys
from rootlet.errors import InputError
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from rootlet.firmware import Firmware
    from rootlet.partitions import Partition

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20}


@click.command(
    epilog="""\b
Examples:
  rootlet image ecc.rlt --board esp32 --device pump-7 -o pump-7.bin
  rootlet image ecc.rlt --merge ESP32_GENERIC-v1.26.1.bin --device pump-7 -o whole.bin
  rootlet image ecc.rlt --board esp32 --devices line-3/ -o images/
  rootlet image --romfs -o urootlet.romfs

Exit codes: 0 done, 2 bad input, 3 refused, or the files do not fit.
"""
)
@click.argument("file", metavar="[BUNDLE]", type=click.Path(path_type=Path), required=False)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The image; with --devices the folder for the images.",
)
@click.option("--device", type=click.Path(path_type=Path), metavar="DIR", help="A device folder.")
@click.option(
    "--devices",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder of device folders: an image for each.",
)
@click.option("--board", metavar="ID", help="Take the size of this board's file system.")
@click.option("--size", metavar="BYTES", help="Size of the file system, such as 2MB or 0x200000.")
@click.option(
    "--merge",
    type=click.Path(path_type=Path),
    metavar="FIRMWARE.bin",
    help="One file with this firmware, to be written to address 0.",
)
@click.option("--flash-size", metavar="BYTES", help="With --merge: flash of the board.")
@click.option(
    "--files",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Your programs: all in this folder goes along.",
)
@click.option(
    "--trust-keys",
    "keys",
    type=click.Path(path_type=Path),
    metavar="KEYS.rlk",
    help="Who may sign newer bundles.",
)
@click.option("--romfs", is_flag=True, help="The package alone, for a board with a ROMFS.")
@click.option("--force", is_flag=True, help="Overwrite other images.")
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    file: Path | None,
    output: Path,
    device: Path | None,
    devices: Path | None,
    board: str | None,
    size: str | None,
    merge: Path | None,
    flash_size: str | None,
    folder: Path | None,
    keys: Path | None,
    romfs: bool,
    force: bool,
    json_output: bool,
) -> None:
    """Make the image of a board's file system without a board, for a production line.

    It holds the device package, the bundle, a first main.py (or your programs), and the files
    of a device folder. Images hold private keys: only you can read them.
    """
    if romfs:
        _romfs(output, file, json_output=json_output)
        return
    if file is None:
        raise InputError("no BUNDLE to put into it", hint="rootlet build -o a.rlt")
    if device and devices:
        raise InputError("--device is one device, --devices are many", hint="give one of them")
    data = files.read(file, layout.MAX_SIZE)
    bundle.decode(data, str(file))
    key_set = trust_keys.read(keys, data) if keys else b""
    common = flash.contents(data, keys=key_set)
    given = image.programs(folder) if folder else {}
    _check_names(given, common)
    common = {image.PROGRAM: image.program()} | given | common
    firmware, place = _place(board, size, merge, flash_size)
    maker = image.Maker(common, place, firmware)
    if devices:
        _batch(image.device_folders(devices), maker, output, force=force, json_output=json_output)
        return
    whole = maker.make(identity.read_folder(device) if device else {})
    written = image.write(output, whole, force=force)
    _tell(output, whole, place, firmware, written=written, json_output=json_output)


def _check_names(given: dict[str, bytes], ours: dict[str, bytes]) -> None:
    own = {*ours, *flash.IDENTITY, identity.WIFI}
    folders = {str(above) for name in own for above in PurePosixPath(name).parents}
    taken = sorted(
        name
        for name in given
        if name in folders or not own.isdisjoint(map(str, (name, *PurePosixPath(name).parents)))
    )
    if taken:
        raise InputError(
            f"--files: {taken[0]} is a name that rootlet writes itself",
            why="one of the two files would be lost",
            hint="rename yours, or leave it out",
        )


def _place(
    board: str | None, size: str | None, merge: Path | None, flash_size: str | None
) -> tuple[Firmware | None, Partition]:
    """Return the firmware to merge, if any, and where the file system is."""
    from rootlet import board as boards  # noqa: PLC0415 - commands load what they use
    from rootlet.partitions import Partition  # noqa: PLC0415

    if sum(map(bool, (board, size, merge))) != 1 or (flash_size and not merge):
        raise InputError(
            "how large is the file system?",
            why="an image fits a partition of its very size only",
            hint="one of: --board ID, --size BYTES, --merge FIRMWARE.bin [--flash-size BYTES]",
        )
    if merge:
        return _merged(merge, _bytes(flash_size, "--flash-size") if flash_size else 0)
    if size:
        return None, Partition("vfs", 1, 0x81, 0, _bytes(size, "--size"))
    found = boards.load(board or "")
    room = found.flash.fs_bytes
    if found.flash.fs_kind.value != "littlefs2" or room is None:
        raise InputError(
            f"--board {board}: the size of its file system is not known, or it has no littlefs",
            why="see: rootlet board show " + str(board),
            hint="give it: --size BYTES",
        )
    return None, Partition("vfs", 1, 0x81, 0, room.value)


def _merged(path: Path, flash_bytes: int) -> tuple[Firmware, Partition]:
    from rootlet import board as boards  # noqa: PLC0415 - commands load what they use
    from rootlet import firmware as images  # noqa: PLC0415

    every = [boards.load(one) for one in boards.ids()]
    found = images.read(files.read(path, images.MAX_BYTES), str(path), images.chips(every))
    usual = next(one.flash.size for one in every if one.chip.model.value == found.chip.name)
    if not flash_bytes and usual is None:
        raise InputError("how much flash?", hint="--flash-size 4MB")
    return found, image.place_in(found, flash_bytes or (usual.value if usual else 0), str(path))


def _bytes(text: str, option: str) -> int:
    found = re.fullmatch(r"(0x[0-9a-f]{1,8}|\d{1,9})(?:([km]?)i?b?)?", text.strip().lower())
    if not found:
        raise InputError(f"{option} {text[:40]}: not a size", hint="such as 2MB or 0x200000")
    return int(found[1], 16 if found[1].startswith("0x") else 10) * _UNITS[found[2] or ""]


def _tell(  # noqa: PLR0913 - what there is to tell
    path: Path,
    data: bytes,
    place: Partition,
    firmware: Firmware | None,
    *,
    written: bool,
    json_output: bool,
) -> None:
    if json_output:
        show.as_json(
            "image/1",
            {
                "file": str(path),
                "bytes": len(data),
                "written": written,
                "chip": firmware.chip.name if firmware else None,
                "partition": {"offset": place.offset, "size": place.size},
            },
        )
        return
    click.echo(f"{path}: {len(data)} bytes, {'written' if written else 'up to date'}")
    if firmware:
        total = len(data)
        click.echo(f"for {firmware.chip.name} with {total >> 20} MB of flash; write it with:")
        click.echo(f"  python -m esptool write-flash 0 {path}")


def _batch(
    folders: list[Path], maker: image.Maker, out: Path, *, force: bool, json_output: bool
) -> None:
    with show.progress("image") as progress:
        result = image.batch(folders, maker, out, progress, force=force)
    if json_output:
        failed = {name: error.what for name, error in result.failed.items()}
        found = {"written": result.written, "unchanged": result.unchanged, "failed": failed}
        show.as_json("images/1", {"folder": str(out), **found})
    else:
        click.echo(
            f"{out}: {len(result.written)} images written, {len(result.unchanged)} up to date"
        )
    for error in result.failed.values():
        show.explain(error)
    if result.failed:
        click.echo(f"not made: {len(result.failed)} of {len(folders)}", err=True)
        sys.exit(max(error.exit_status for error in result.failed.values()))


def _romfs(output: Path, file: Path | None, *, json_output: bool) -> None:
    from rootlet.boardio import mpy, romfs  # noqa: PLC0415 - commands load what they use

    if file is not None:
        raise InputError(
            "a ROMFS holds the device package alone",
            why="a bundle must be replaceable, and a ROMFS is not",
            hint="rootlet image --romfs -o urootlet.romfs",
        )
    data = romfs.build(mpy.compile_package())
    files.write(output, data)
    if json_output:
        show.as_json("romfs/1", {"file": str(output), "bytes": len(data)})
        return
    click.echo(f"{output}: {len(data)} bytes")
    click.echo(f"next: mpremote connect PORT romfs deploy {output}")
