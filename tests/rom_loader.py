"""An ESP32 that is not there: its ROM loader and its MicroPython behind one pty.

The loader speaks the serial protocol of ESP32's ROM (esptool docs, "Serial Protocol": SLIP frames
of RFC 1055, a checksum that starts at 0xEF) without the stub: it refuses code for its RAM. The
flash behaves as NOR flash does: erasing sets bits, programming only clears them. Its ``vfs``
region is the flash image of a virtual board, so that what esptool writes is what MicroPython
mounts. The first sync frame stops MicroPython, as the reset circuit of a real board does;
``reset()`` is its EN button.
"""

from __future__ import annotations

import hashlib
import os
import pty
import select
import struct
import threading
import tty
from typing import TYPE_CHECKING, ClassVar, Self

from rootlet.boardio import littlefs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rootlet.boardio.virtual import VirtualBoard

END, ESCAPE = b"\xc0", b"\xdb"
SYNC_START = b"\xc0\x00\x08\x24\x00"
SECTOR = 4096
UNSUPPORTED, BAD_CHECKSUM = 0x05, 0x07
MAGIC_REGISTER, MAGIC = 0x40001000, 0x00F01D83
MAC = bytes.fromhex("240ac4112233")
SPI, EFUSE = 0x3FF42000, 0x3FF5A000
SPI_USER2, SPI_DATA = SPI + 0x24, SPI + 0x80
RDID, SFDP = 0x9F, 0x5A
MANUFACTURER = 0xC8
UART_DIVIDER = 0x3FF40014  # 40 MHz at 115200 baud


class Flash:
    """The chip's flash: a file, but for ``vfs``, which is the file of a virtual board."""

    def __init__(self, path: Path, size: int, vfs: Path, offset: int) -> None:
        self.path, self.vfs, self.offset = path, vfs, offset
        if not path.exists():
            path.write_bytes(b"\xff" * size)
        self.data = bytearray(path.read_bytes())
        self.load()

    def load(self) -> None:
        """Take what MicroPython has written since."""
        if self.vfs.exists():
            held = self.vfs.read_bytes()
            self.data[self.offset : self.offset + len(held)] = held

    def save(self) -> None:
        self.path.write_bytes(self.data)
        self.vfs.parent.mkdir(parents=True, exist_ok=True)
        self.vfs.write_bytes(self.data[self.offset :])

    def erase(self, address: int, size: int) -> None:
        end = -(-(address + size) // SECTOR) * SECTOR
        start = address // SECTOR * SECTOR
        self.data[start:end] = b"\xff" * (end - start)

    def program(self, address: int, block: bytes) -> None:
        old = int.from_bytes(self.data[address : address + len(block)])
        new = (old & int.from_bytes(block)).to_bytes(len(block))
        self.data[address : address + len(block)] = new


class Loader:
    """The ROM's answers to commands: ``handle`` gets a request and yields responses."""

    def __init__(self, flash: Flash) -> None:
        self.flash = flash
        self.registers = {
            MAGIC_REGISTER: MAGIC,
            EFUSE + 4: int.from_bytes(MAC[2:]),
            EFUSE + 8: int.from_bytes(MAC[:2]),
            UART_DIVIDER: 347,
        }
        self.at = self.block = 0
        self.commands: list[int] = []

    def handle(self, frame: bytes) -> Iterator[bytes]:
        direction, command, size, checksum = struct.unpack_from("<BBHI", frame)
        data = frame[8:]
        if direction != 0 or size != len(data):
            return
        self.commands.append(command)
        if command == 0x08:
            # Eight answers, and a value that a stub would leave at 0.
            yield from [self._answer(command, value=0x20120707)] * 8
            return
        work = self._WORK.get(command)
        if work is None:
            yield self._answer(command, status=UNSUPPORTED)
        else:
            yield work(self, command, data, checksum)

    @staticmethod
    def _answer(command: int, data: bytes = b"", value: int = 0, status: int = 0) -> bytes:
        body = data + bytes((bool(status), status, 0, 0))
        return struct.pack("<BBHI", 1, command, len(body), value) + body

    def _done(self, command: int, _data: bytes, _checksum: int) -> bytes:
        return self._answer(command)

    def _read_register(self, command: int, data: bytes, _checksum: int) -> bytes:
        return self._answer(command, value=self.registers.get(int.from_bytes(data, "little"), 0))

    def _write_register(self, command: int, data: bytes, _checksum: int) -> bytes:
        address, value, mask, _delay = struct.unpack("<IIII", data[:16])
        self.registers[address] = value & mask
        if address == SPI and value:  # "user command": done at once
            size = len(self.flash.data).bit_length() - 1
            answers = {RDID: size << 16 | 0x40 << 8 | MANUFACTURER, SFDP: 0x50444653}
            opcode = self.registers.get(SPI_USER2, 0) & 0xFF
            self.registers[SPI_DATA] = answers.get(opcode, 0)
            self.registers[SPI] = 0
        return self._answer(command)

    def _flash_begin(self, command: int, data: bytes, _checksum: int) -> bytes:
        size, _blocks, self.block, self.at = struct.unpack("<IIII", data)
        self.flash.erase(self.at, size) if size else None
        return self._answer(command)

    def _flash_data(self, command: int, data: bytes, checksum: int) -> bytes:
        size, number = struct.unpack_from("<II", data)
        block = data[16:]
        found = 0xEF
        for byte in block:
            found ^= byte
        if found != checksum or size != len(block):
            return self._answer(command, status=BAD_CHECKSUM)
        self.flash.program(self.at + number * self.block, block)
        return self._answer(command)

    def _md5(self, command: int, data: bytes, _checksum: int) -> bytes:
        address, size = struct.unpack_from("<II", data)
        digest = hashlib.md5(self.flash.data[address : address + size]).hexdigest()
        return self._answer(command, digest.encode())

    def _read_slow(self, command: int, data: bytes, _checksum: int) -> bytes:
        address, size = struct.unpack("<II", data)
        return self._answer(command, bytes(self.flash.data[address : address + size]).ljust(64))

    _WORK: ClassVar[dict[int, Callable[..., bytes]]] = {
        0x02: _flash_begin,
        0x03: _flash_data,
        0x04: _done,  # FLASH_END
        0x09: _write_register,
        0x0A: _read_register,
        0x0B: _done,  # SPI_SET_PARAMS
        0x0D: _done,  # SPI_ATTACH
        0x0E: _read_slow,
        0x0F: _done,  # CHANGE_BAUDRATE
        0x13: _md5,
    }


def frames(buffer: bytearray) -> Iterator[bytes]:
    """Take the whole SLIP frames out of a buffer."""
    while True:
        start = buffer.find(END)
        stop = buffer.find(END, start + 1)
        if start < 0 or stop < 0:
            return
        body = bytes(buffer[start + 1 : stop])
        # An empty frame is the end of one and the start of the next.
        del buffer[: stop + 1 if body else stop]
        if body:
            yield body.replace(ESCAPE + b"\xdc", END).replace(ESCAPE + b"\xdd", ESCAPE)


def framed(body: bytes) -> bytes:
    return END + body.replace(ESCAPE, ESCAPE + b"\xdd").replace(END, ESCAPE + b"\xdc") + END


class Esp32:
    """A board with this chip, at the path ``port``; ``board`` is its MicroPython.

    ``unplug_at`` is a number of commands of one kind (command, count) after which the cable
    goes; ``plug_in()`` brings it back at the same path.
    """

    def __init__(
        self, folder: Path, flash: Flash, board: VirtualBoard, *, in_loader: bool = True
    ) -> None:
        self.loader = Loader(flash)
        self.flash, self.board = flash, board
        self.link = folder / "port"
        self.in_loader = in_loader
        self.deaf = False
        self.unplug_at: tuple[int, int] | None = None
        self._wake, self._waker = os.pipe()
        self._line = self._inner = self._relay = -1
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def port(self) -> str:
        return str(self.link)

    def __enter__(self) -> Self:
        self.plug_in()
        self._thread.start()
        if not self.in_loader:
            self._boot()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._waker, b"q")
        self._thread.join()
        self._unplug()
        self._stop_board()
        for descriptor in (self._wake, self._waker):
            os.close(descriptor)

    def plug_in(self) -> None:
        self._line, self._inner = pty.openpty()
        tty.setraw(self._inner)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self._inner))
        os.write(self._waker, b"!")

    def reset(self) -> None:
        """Press EN: MicroPython starts with what is in the flash."""
        self.flash.save()
        self.in_loader = False
        self._boot()

    def _boot(self) -> None:
        if self.flash.vfs.read_bytes()[:SECTOR] == b"\xff" * SECTOR:
            # MicroPython's ports/esp32/modules/inisetup.py: an erased partition is formatted.
            size = self.flash.vfs.stat().st_size
            boot = {"boot.py": b"# This file is executed on every boot\n"}
            self.flash.vfs.write_bytes(littlefs.add(littlefs.empty(size), boot))
        self.board.start()
        self._relay = os.open(self.board.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        os.write(self._waker, b"!")

    def _stop_board(self) -> None:
        if self._relay >= 0:
            os.close(self._relay)
            self._relay = -1
        self.board.stop()

    def _unplug(self) -> None:
        self.link.unlink(missing_ok=True)  # first: its number may be another's a moment later
        for descriptor in (self._line, self._inner):
            if descriptor >= 0:
                os.close(descriptor)
        self._line = self._inner = -1

    def _run(self) -> None:
        buffer = bytearray()
        while True:
            watched = [one for one in (self._wake, self._line, self._relay) if one >= 0]
            ready, _, _ = select.select(watched, [], [])
            if self._wake in ready and b"q" in os.read(self._wake, 100):
                return
            if self._relay in ready:
                self._write(os.read(self._relay, 4096))
            if self._line in ready:
                buffer += os.read(self._line, 65536)
                self._take(buffer)

    def _take(self, buffer: bytearray) -> None:
        if not self.in_loader:
            if SYNC_START not in buffer:
                os.write(self._relay, buffer)
                buffer.clear()
                return
            self._stop_board()
            self.flash.load()
            self.in_loader = True
        if self.deaf:
            buffer.clear()
        for frame in frames(buffer):
            for answer in self.loader.handle(frame):
                self._write(framed(answer))
            if self.unplug_at is not None:
                command, count = self.unplug_at
                if self.loader.commands.count(command) >= count:
                    self.unplug_at = None
                    self._unplug()
                    return

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._line, view) :]


# What is in the flash of such a chip.


def table(*entries: tuple[str, int, int, int, int]) -> bytes:
    """Return a partition table of (label, type, subtype, offset, size), as ESP-IDF's tool."""
    body = b"".join(
        struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, offset, size, label.encode(), 0)
        for label, kind, subtype, offset, size in entries
    )
    body += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(body).digest()
    return body.ljust(0xC00, b"\xff")


def app(chip_id: int, version: bytes, size: int = 3000) -> bytes:
    """Return an app image: a description, ``size`` bytes of code, a checksum, a SHA-256."""
    description = struct.pack("<III4x32s32s", 0xABCD5432, 0, 0, version, b"micropython")
    body = description.ljust(256, b"\0") + bytes(i * 7 & 0xFF for i in range(size))
    body += b"\0" * (-len(body) % 4)
    segment = struct.pack("<II", 0x3F400020, len(body)) + body
    image = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, 0x40081000)
    image += struct.pack("<B3xH9xB", 0xEE, chip_id, 1)[:16] + segment
    checksum = 0xEF
    for byte in body:
        checksum ^= byte
    image += b"\0" * (15 - len(image) % 16) + bytes((checksum,))
    return image + hashlib.sha256(image).digest()


def firmware(chip_id: int, offset: int, version: bytes, partition_table: bytes) -> bytes:
    """Return a firmware file, which goes to ``offset``, with the app at 0x10000."""
    bootloader = app(chip_id, b"", 500)
    start = bootloader.ljust(0x8000 - offset, b"\xff") + partition_table
    return start.ljust(0x10000 - offset, b"\xff") + app(chip_id, version)
