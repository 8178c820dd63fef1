"""One board at its prompt: the only file that knows mpremote's transport.

mpremote says that its API will change; everything used of it is here: ``SerialTransport`` with
``enter_raw_repl``, ``exec_raw_no_follow``, ``follow`` and ``close``. A silent pty blocks it for
ever without ``timeout``, so one is always given.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import struct
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Self

from rootlet.boardio import no_prompt, ports
from rootlet.errors import BoardError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_CHUNK = 1024
_TRIES = 3
_OPENINGS = 5
_PROMPT = 3  # seconds to wait for a prompt, each time
_PATIENCE = 20.0  # seconds to wait for it in all
_FIRST_PROMPT = 1.0  # a board that has just started has missed the first keys
_COMMENTS = re.compile(r"^ *#.*\n|^\n", re.MULTILINE)
_ENDS = 2  # raw REPL: one byte 4 ends the output of a program, another that of its traceback
_PRINTED = 4096  # bytes
_BREATH = 0.02  # seconds
_SILENCE = 20.0  # seconds without output before a running snippet counts as stuck


class Remote:
    """A board in raw REPL mode, as a context manager. Raises BoardError for all that can happen.

    The board's program is interrupted and its memory cleared (a soft reset that runs boot.py but
    not main.py) when the context is entered. ``tries`` is how often the prompt is asked for, the
    first time for a second, then for 3.
    """

    def __init__(self, port: str, tries: int = _TRIES) -> None:
        self.port = port
        self._tries = tries
        #: What the port was resolved to, once it is open.
        self.device = ""
        self._transport: Any = None

    def __enter__(self) -> Self:
        self.open()
        try:
            self.stop_program()
        except BoardError:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):  # the port may be gone; nothing is left to save
            self._transport.exit_raw_repl()
        self.close()

    def open(self) -> None:
        """Open the port and nothing more: the first half of entering the context."""
        self.device = ports.resolve(self.port)
        ports.check(self.device)
        self._transport = _open(self.device)

    def close(self) -> None:
        """Give the port back."""
        with contextlib.suppress(Exception):
            self._transport.close()

    def stop_program(self) -> None:
        """Interrupt the board's program and clear its memory; then it is at its raw prompt.

        Raises BoardError: REPL, or BOOT for a chip that runs no firmware.
        """
        serial = self._transport.serial
        self._transport.serial = patient = _Patient(serial, time.monotonic() + _PATIENCE)
        try:
            with self._faults():
                self._enter_raw_repl()
        except BoardError as error:
            if error.code != "REPL":
                raise
            with self._faults():
                raise no_prompt.explain(self.port, serial, patient.heard) from error
        finally:
            self._transport.serial = serial

    def _enter_raw_repl(self) -> None:
        """Ask for the prompt more than once: a board that is just starting misses keys."""
        from mpremote.transport import TransportError  # noqa: PLC0415 - slow to import

        for number in range(self._tries):
            patience = _PROMPT if number else _FIRST_PROMPT
            try:
                self._transport.enter_raw_repl(timeout_overall=patience)
            except TransportError:
                if number == self._tries - 1:
                    raise
            else:
                return

    def run(self, code: str, *, silence: float = _SILENCE) -> str:
        """Run ``code`` and return what it printed; an exception there raises BoardExceptionError.

        ``silence`` is how many seconds may pass without output.
        """
        with self._faults():
            self._transport.exec_raw_no_follow(code)
            out, err = self._transport.follow(silence)
        if err:
            raise BoardExceptionError(self.port, err.decode(errors="replace"))
        text: str = out.decode(errors="replace")
        return text

    def play(self, code: str, enough: Callable[[], bool], seconds: float) -> str:
        """Run somebody else's ``code`` until it ends, ``enough()``, or ``seconds`` have passed.

        Returns the last 4 KB of what it printed, a traceback included. A program that is still
        running then is interrupted; one that does not listen ends with the next soft reset.
        """
        deadline = time.monotonic() + seconds
        printed, ends = b"", 0
        with self._faults():
            self._transport.exec_raw_no_follow(code)
            serial = self._transport.serial
            while ends < _ENDS and not enough() and time.monotonic() < deadline:
                data = serial.read(serial.inWaiting())
                ends += data.count(b"\x04")
                printed = (printed + data)[-_PRINTED:]
                time.sleep(0 if data else _BREATH)
            if ends < _ENDS:
                serial.write(b"\x03")
        if ends >= _ENDS:
            printed = printed.rpartition(b"\x04")[0]  # without the prompt that follows
        return printed.replace(b"\x04", b"\n").decode(errors="replace")

    def snippet(self, name: str) -> str:
        """Run one of the files in ``snippets/``, without comments: a serial line is slow."""
        text = (files("rootlet.boardio") / "snippets" / f"{name}.py").read_text()
        return self.run(_COMMENTS.sub("", text).replace("    ", " "))

    def probe(self) -> dict[str, Any]:
        """Return what the board says of itself: version, mpy, fs, block, free_blocks, ..."""
        answer: dict[str, Any] = self.parse(self.snippet("probe"), dict)
        return answer

    def hashes(self, paths: Sequence[str]) -> list[str | None]:
        """Return the SHA-256 of each file in hex, ``None`` where there is none."""
        answer: list[str | None] = self.parse(self.run(f"_hashes({list(paths)!r})"), list)
        return answer

    def put(self, path: str, data: bytes, progress: Callable[[int], None]) -> None:
        """Write a file beside its place, compare its hash on the board, rename it into place.

        ``progress`` gets the number of bytes of each chunk written. On any fault the old file,
        if there was one, is still whole.
        """
        try:
            self.run(f"_open({path!r})")
            for start in range(0, len(data), _CHUNK):
                chunk = data[start : start + _CHUNK]
                self.run(f"_write({base64.b64encode(chunk)!r})")
                progress(len(chunk))
            self.run(f"_commit({path!r},{hashlib.sha256(data).hexdigest()!r})")
        except BoardExceptionError as error:
            self.run(f"_drop({path!r})")
            raise _explain_write(path, error) from error

    def restart(self) -> None:
        """Leave raw mode and soft reset, so that boot.py and main.py run, whatever runs now."""
        with self._faults():
            self._transport.serial.write(b"\x03")
            self._transport.exit_raw_repl()
            self._transport.serial.write(b"\x04")
            self._transport.read_until(1, b"soft reboot\r\n", timeout_overall=_PROMPT)

    def parse(self, text: str, kind: type) -> Any:
        """Return the JSON in the last line that the board printed. Raises BoardError."""
        try:
            found = json.loads(text.strip().splitlines()[-1])
        except (ValueError, IndexError, RecursionError):
            found = None
        if not isinstance(found, kind):
            raise BoardError(
                f"{self.port}: the board's answer makes no sense",
                why=f"it printed {text[:80]!r}",
                hint=f"reset it and look at its prompt: mpremote connect {self.port}",
                code="REPL",
            )
        return found

    @contextlib.contextmanager
    def _faults(self) -> Any:
        """Turn what mpremote and pyserial raise into one line about this port."""
        from mpremote.transport import TransportError  # noqa: PLC0415 - slow to import

        try:
            yield
        except (TransportError, OSError, struct.error, AssertionError) as error:
            gone = isinstance(error, OSError) or not _present(self._transport)
            raise BoardError(
                f"{self.port}: " + ("the port went away" if gone else "no MicroPython prompt"),
                why=str(error) or "it did not answer",
                hint=f"plug it in and run the command again, or look: mpremote connect {self.port}"
                if gone
                else "stop its program, or reset it; an ESP32 that never listens: flash --image",
                code="PORTBUSY" if gone else "REPL",
            ) from error


class BoardExceptionError(BoardError):
    """Code on the board raised; ``traceback`` is its text."""

    def __init__(self, port: str, traceback: str) -> None:
        lines = traceback.strip().splitlines() or ["an exception"]
        super().__init__(f"{port}: the board raised an exception", why=lines[-1])
        self.traceback = traceback


def _explain_write(path: str, error: BoardExceptionError) -> BoardError:
    if "ENOSPC" in error.why or "[Errno 28]" in error.why or error.why.endswith("OSError: 28"):
        return BoardError(
            f"{path}: the board's file system is full",
            why="the old file, if there was one, is unchanged",
            hint="remove files you do not need: mpremote fs rm :NAME",
            code="FLASH",
        )
    if error.why.startswith("ValueError: hash"):
        return BoardError(
            f"{path}: what arrived is not what was sent",
            why="the hash on the board differs; nothing was replaced",
            hint="check the cable and run the command again",
            code="FLASH",
        )
    return BoardError(f"{path}: the board could not write it", why=error.why, code="FLASH")


class _Patient:
    """A serial port that remembers what it read, and gives up.

    mpremote looks at the time only while nothing arrives, so a board that prints without end
    would keep it reading for ever.
    """

    def __init__(self, serial: Any, deadline: float) -> None:
        self._serial, self._deadline = serial, deadline
        self.heard = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._serial, name)

    def read(self, size: int = 1) -> bytes:
        """Read as the port does. Raises TransportError when the time is over."""
        from mpremote.transport import TransportError  # noqa: PLC0415 - slow to import

        if time.monotonic() > self._deadline:
            raise TransportError("it prints, and gives no prompt")
        data: bytes = self._serial.read(size)
        self.heard = (self.heard + data)[-_PRINTED:]
        return data


def _open(device: str) -> Any:
    from mpremote import transport_serial  # noqa: PLC0415 - slow to import
    from mpremote.transport import TransportError  # noqa: PLC0415

    # It prints what it did not expect. Several boards may be open at once, and they share one
    # standard output: it cannot be redirected for each.
    transport_serial.print = lambda *_: None
    for again in range(_OPENINGS, -1, -1):
        try:
            return transport_serial.SerialTransport(device, timeout=1)
        except (TransportError, OSError, ValueError) as error:
            if not again:
                raise ports.busy(device) from error
        # A program that is just being started by this one holds a copy of the port, and of the
        # lock on it, for a moment after it was closed here.
        time.sleep(0.1)
    raise AssertionError("unreachable")  # for the type checker: the last try returns or raises


def _present(transport: Any) -> bool:
    name = str(transport.device_name)
    return "://" in name or os.path.exists(name)  # noqa: PTH110 - a name such as COM3 is no path
