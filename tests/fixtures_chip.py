"""An ESP32 with 1 MB of flash: ROM loader and MicroPython behind one pty."""

from __future__ import annotations

import dataclasses
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from rom_loader import Esp32, Flash, firmware, table
from rootlet.boardio import micropython
from rootlet.boardio.virtual import VirtualBoard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    NewChip = Callable[..., AbstractContextManager[Esp32]]

FLASH_BYTES = 1 << 20
VFS_OFFSET = 0xF0000  # a small file system, as reading and writing take time
#: 44 blocks: room for all files of a real board.
WHOLE_OFFSET = 0xD4000


def entries(vfs_offset: int) -> tuple[tuple[str, int, int, int, int], ...]:
    return (
        ("nvs", 1, 2, 0x9000, 0x6000),
        ("phy_init", 1, 1, 0xF000, 0x1000),
        ("factory", 0, 0, 0x10000, vfs_offset - 0x10000),
    )


ENTRIES = entries(VFS_OFFSET)
FIRMWARE = firmware(0, 0x1000, b"v1.26.1", table(*ENTRIES))
#: What the firmware of an ESP32 has inside, and the virtual board has not.
_ESP32_MODULE = f"""
HEAP_DATA = 4
def idf_heap_info(kind):  # boards/esp32.toml: all of it, free, the largest block, the least ever
    return [(144084, 144084, 110592, 144084)]

class Partition:
    TYPE_APP, TYPE_DATA = 0, 1
    def __init__(self, row):
        self.row = row
    def info(self):
        return self.row
    @staticmethod
    def find(kind):
        rows = {[(*e[1:], e[0], False) for e in ENTRIES]}
        rows.append((1, 0x81, {VFS_OFFSET}, {FLASH_BYTES - VFS_OFFSET}, "vfs", False))
        return [Partition(row) for row in rows if row[0] == kind]
"""


@pytest.fixture(scope="module")
def esp32_interpreter(tmp_path_factory: pytest.TempPathFactory) -> micropython.Interpreter:
    """The prepared MicroPython with an ``esp32`` module."""
    found = micropython.prepare()
    modules = tmp_path_factory.mktemp("esp32") / "modules"
    shutil.copytree(found.modules, modules)
    (modules / "esp32.py").write_text(_ESP32_MODULE)
    return dataclasses.replace(found, modules=modules)


@pytest.fixture
def new_chip(
    esp32_interpreter: micropython.Interpreter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> NewChip:
    """Make a chip; ``written=True`` has MicroPython running with an empty file system."""
    # A port that is gone comes back only when a test plugs it in: esptool need not wait for it.
    (tmp_path / "esptool.cfg").write_text("[esptool]\nconnect_attempts = 1\n")
    monkeypatch.setenv("ESPTOOL_CFGFILE", str(tmp_path / "esptool.cfg"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    @contextmanager
    def make(*, written: bool = False, offset: int = VFS_OFFSET) -> Iterator[Esp32]:
        folder = tmp_path / f"chip-{os.urandom(4).hex()}"
        folder.mkdir()
        board = VirtualBoard(folder / "board", interpreter=esp32_interpreter)
        flash = Flash(folder / "chip.bin", FLASH_BYTES, board.flash_image, offset)
        if written:
            flash.data[0x1000 : 0x1000 + len(FIRMWARE)] = FIRMWARE
            flash.save()
        with Esp32(folder, flash, board, in_loader=not written) as chip:
            yield chip

    return make
