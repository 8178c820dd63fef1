"""A board that is not there: real MicroPython on a real littlefs, behind a pty.

The folder holds everything that survives: ``flash.bin`` (the image that esptool would write to
a board's ``vfs`` partition), ``unique_id``, and while it runs ``clock``, ``rom.bin`` and
``lock``, which names the port.
"""

from __future__ import annotations

import fcntl
import os
import pty
import secrets
from typing import TYPE_CHECKING, Self

from rootlet.boardio import micropython
from rootlet.boardio.virtual.clock import POWER_ON_TIME, Clock
from rootlet.boardio.virtual.images import ensure_flash, write_rom
from rootlet.boardio.virtual.process import FIRMWARE, BoardProcess, make_raw
from rootlet.boardio.virtual.supervisor import Supervisor
from rootlet.errors import BoardError

if TYPE_CHECKING:
    from pathlib import Path

#: What ``gc.mem_free()`` says on an ESP32 at boot: MicroPython 1.26.1, ESP32_GENERIC, 2026-11-21.
ESP32_HEAP_BYTES = 164_848
#: Objects take twice the room on a 64-bit interpreter.
_WORD_RATIO = 2
#: What the board's own prompt, drivers and modules take of the interpreter's heap; on a chip
#: they are in flash. Measured with MicroPython 1.25.0 on x86-64 (tests hold it to 3 %).
FIRMWARE_HEAP_BYTES = 35_700
FLASH_BYTES = 2 * 1024 * 1024


class VirtualBoard:
    """A board in ``folder``; a context manager that starts and stops it.

    ``heap_bytes`` is the Python heap of the board that is imitated (an ESP32's at first),
    ``flash_bytes`` the size of a new image, ``clock`` the time that its clock shows at power on,
    in seconds since 1970 (None: 2000-01-01, as an ESP32). Without ``interpreter`` the prepared
    one is taken, which needs the network only the first time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        interpreter: micropython.Interpreter | None = None,
        heap_bytes: int = ESP32_HEAP_BYTES,
        flash_bytes: int = FLASH_BYTES,
        clock: float | None = None,
    ) -> None:
        self.folder = folder
        self._interpreter = interpreter
        self._heap = _WORD_RATIO * heap_bytes + FIRMWARE_HEAP_BYTES
        self._flash_bytes = flash_bytes
        self._power_on_time = POWER_ON_TIME if clock is None else clock
        self._clock = Clock(folder / "clock")
        self._cut = (0, 0)
        self._lock = -1
        self._line = -1
        self._inner = -1
        self._supervisor: Supervisor | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> str:
        """The path of the serial port, for mpremote and everything else; BoardError if stopped."""
        self._running()
        return os.ttyname(self._inner)

    @property
    def flash_image(self) -> Path:
        """The path of the flash image."""
        return self.folder / "flash.bin"

    def start(self) -> None:
        """Make what is missing, start the board and return when it answers.

        Raises BoardError when the folder is in use, the image is damaged, or there is no
        MicroPython.
        """
        interpreter = self._interpreter or micropython.prepare()
        self._interpreter = interpreter
        try:
            self._take_lock()
            ensure_flash(self.flash_image, self._flash_bytes)
            write_rom(self.folder / "rom.bin", interpreter.modules)
            self._open_line()
            self._supervisor = Supervisor(self._line, self._inner, self._start_process)
            self.power_on()
        except OSError as error:
            self.stop()
            why = f"{error.strerror}: {error.filename}" if error.filename else str(error)
            raise BoardError(f"cannot start a board in {self.folder}", why=why) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Cut the power, end the process and give everything back; harmless when stopped."""
        if self._supervisor is not None:
            self._supervisor.close()
            self._supervisor = None
        for descriptor in (self._line, self._inner, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._line = self._inner = self._lock = -1

    def reset(self) -> None:
        """Press the reset button; files and clock stay."""
        self._running().reset()

    def power_off(self) -> None:
        """Cut the power now; the clock is lost, the flash keeps what was written."""
        self._running().power_off()

    def power_on(self) -> None:
        """Give the board power, its clock at the time of power on, and wait until it answers."""
        self._cut = (0, 0)
        self._clock.set(self._power_on_time)
        self._running().power_on()

    def cut_power_at(self, operation: int, torn: int = 0) -> None:
        """Let the power go at a program or erase of the flash; ``power_on`` starts it again.

        ``operation`` counts from 1 at each start of the interpreter, so also from the soft
        reset with which a tool enters the board. ``torn`` bytes of it still reach the flash.
        """
        self._running()
        self._cut = (operation, torn)

    def wait_off(self, seconds: float = 10) -> None:
        """Return when the board is off, as after a power cut; BoardError if it is not."""
        self._running().wait_off(seconds)

    def set_clock(self, unix: float) -> None:
        """Set the board's clock, in seconds since 1970; the running program sees it at once."""
        self._running()
        self._clock.set(unix)

    def clock(self) -> float:
        """Return what the board's clock shows, in seconds since 1970."""
        self._running()
        return self._clock.now()

    def wait(self) -> None:
        """Wait for as long as the board can run; BoardError says why it cannot any more."""
        self._running().wait()

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise BoardError("the virtual board is not started", hint="rootlet board virtual")
        return self._supervisor

    def _take_lock(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            port = os.read(self._lock, 100).decode(errors="replace") or "starting"
            self.stop()
            raise BoardError(
                f"the board in {self.folder} is running already",
                why=f"its port is {port}",
                hint=f"use it: mpremote connect {port}",
            ) from None

    def _open_line(self) -> None:
        self._line, self._inner = pty.openpty()
        make_raw(self._inner)
        os.set_blocking(self._line, False)
        os.truncate(self._lock, 0)
        os.pwrite(self._lock, os.ttyname(self._inner).encode(), 0)

    def _unique_id(self) -> str:
        """Return this board's identity as hex: a locally administered MAC address."""
        path = self.folder / "unique_id"
        if not path.exists():
            path.write_text("02" + secrets.token_hex(5))
        return path.read_text()

    def _start_process(self, raw: bool) -> BoardProcess:
        interpreter = self._interpreter
        if interpreter is None:
            raise BoardError("no interpreter", hint="rootlet board prepare")
        command: list[str | Path] = [
            *interpreter.command,
            "-X",
            f"heapsize={self._heap}",
            FIRMWARE / "start.py",
            self.flash_image,
            self.folder / "rom.bin",
            self._clock.path,
            self._unique_id(),
            "raw" if raw else "friendly",
            "{}:{}".format(*self._cut),
        ]
        return BoardProcess(command, {**interpreter.environment, **self._clock.environment()})
