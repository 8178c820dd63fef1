"""Espressif's esptool, run as a program: the only file that knows it.

It is GPL, so it is never imported. Used of it: ``flash-id``, ``read-flash`` and ``write-flash``
(which verifies by MD5), with ``--port --baud --before --after --connect-attempts --no-stub``;
of its output the lines that name chip, MAC and flash size, percentages, and the last error.

esptool loads a helper (its "stub") into the chip's RAM, which is faster. Where a chip refuses
that, everything is done with the ROM's own commands instead.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from rootlet.boardio import ports
from rootlet.errors import BoardError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO

    Progress = Callable[[int, int, str], None]

BAUD = 460_800
#: Seconds without a sign of life; erasing 16 MB with the ROM alone may take as long.
_SILENCE = 300.0
_CHUNK = 4096
#: Of folders that only this user can read: what passes through may hold a key.
_PREFIX = "rootlet-esptool-"
#: Without reset lines the chip is in its loader already, or will not be.
_ATTEMPTS = {True: 7, False: 2}
_PERCENT = re.compile(r"(\d+)(?:\.\d)?%")
_FACTS = {
    "name": re.compile(r"^Connected to (\S+) on ", re.MULTILINE),
    "mac": re.compile(r"^(?:BASE )?MAC: +([0-9a-f:]{17})", re.MULTILINE),
    "size": re.compile(r"^Detected flash size: (\d+)([KM])B", re.MULTILINE),
}
_UNIT = {"K": 1 << 10, "M": 1 << 20}
_ERROR = re.compile(r"(?:fatal error|exception error) occurred: (.+)")
_REFUSES_STUB = re.compile(r"RAM download|stub", re.IGNORECASE)

_GONE = "the port went away"
#: pattern in esptool's last error -> (what happened, hint, code); the first match counts
_CAUSES = (
    (
        "Failed to connect|No serial data|Wrong boot mode|Timed out|no sync reply",
        "the chip does not answer as a boot loader",
        "hold BOOT, tap EN (or RESET), let go of BOOT, and run the command again",
        "BOOT",
    ),
    (
        "[Cc]ould not open|port is busy",
        "the port cannot be opened",
        "close the program that has it; this names it: fuser -v {port}",
        "",
    ),
    (
        "configure port|Input/output|readiness to read|stopped responding|rite (failed|timeout)",
        _GONE,
        "plug it in and run the command again: what was not finished is written again",
        "",
    ),
    (
        "MD5|[Ii]nvalid head of packet|checksum|Packet content transfer",
        "what arrived is not what was sent",
        "use another cable, or a lower --baud, and run the command again",
        "",
    ),
)


class Chip(NamedTuple):
    """What answered: its name as in ``boards/*.toml``, its MAC, and the bytes of its flash."""

    name: str
    mac: str
    flash_bytes: int


class Esptool:
    """The loader of the chip at a port. Every method raises BoardError that names the port."""

    def __init__(self, port: str, baud: int, progress: Progress) -> None:
        self.port = port
        self._device = ports.resolve(port)
        ports.check(self._device)
        self.resets = ports.has_reset_lines(self._device)
        self._baud = baud
        self._progress = progress
        self._stub = True

    def chip(self) -> Chip:
        """Return which chip this is, and how much flash it has."""
        said = self._run("flash-id", what="looking for the chip")
        found = {key: pattern.search(said) for key, pattern in _FACTS.items()}
        name, mac, size = found["name"], found["mac"], found["size"]
        if name is None or mac is None or size is None:
            raise BoardError(
                f"{self.port}: the flash of this chip cannot be told",
                why="esptool does not name its size",
                hint=f"look yourself: python -m esptool --port {self._device} flash-id",
            )
        return Chip(name[1], mac[1], int(size[1]) * _UNIT[size[2]])

    def read(self, offset: int, size: int, what: str) -> bytes:
        """Return ``size`` bytes of flash."""
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
            path = Path(folder) / "read.bin"
            self._run("read-flash", hex(offset), str(size), str(path), what=what)
            data = path.read_bytes()
        if len(data) != size:
            raise BoardError(f"{self.port}: only {len(data)} of {size} bytes could be read")
        return data

    def write(self, pieces: Sequence[tuple[int, bytes]], what: str, *, last: bool) -> None:
        """Write (offset, bytes) in this order and compare; ``last``: let the board start then."""
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
            arguments = []
            for number, (offset, data) in enumerate(pieces):
                path = Path(folder) / f"{number}.bin"
                path.write_bytes(data)
                arguments += [hex(offset), str(path)]
            self._run("write-flash", *arguments, what=what, last=last)

    def _run(self, *arguments: str, what: str, last: bool = False) -> str:
        status, said = self._stream(self._command(arguments, last=last), what)
        if status and self._stub and _REFUSES_STUB.search(_last_error(said)):
            self._stub = False
            status, said = self._stream(self._command(arguments, last=last), what)
        if status:
            raise _explain(self.port, self._device, said)
        return said

    def _command(self, arguments: Sequence[str], *, last: bool) -> list[str]:
        before = "default-reset" if self.resets else "no-reset"
        after = "hard-reset" if self.resets and last else "no-reset"
        return [
            *(sys.executable, "-P", "-m", "esptool"),  # -P: not out of this folder
            *("--port", self._device, "--baud", str(self._baud)),
            *("--before", before, "--after", after),
            *("--connect-attempts", str(_ATTEMPTS[self.resets])),
            *(() if self._stub else ("--no-stub",)),
            *arguments,
        ]

    def _stream(self, command: list[str], what: str) -> tuple[int, str]:
        """Run esptool, turning its percentages into ours; return its status and its output."""
        self._progress(0, 100, what)
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Lines are read here: wide, without colours, and as they come.
            env={**os.environ, "COLUMNS": "500", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C is for us; we end it
        )
        said = b""
        pipe = cast("IO[bytes]", child.stdout)
        try:
            while data := self._next(pipe):
                said += data
                percents = _PERCENT.findall(data.decode(errors="replace"))
                if percents:
                    self._progress(int(percents[-1]), 100, what)
            return child.wait(), said.decode(errors="replace")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            pipe.close()

    def _next(self, pipe: IO[bytes]) -> bytes:
        if not select.select([pipe], [], [], _SILENCE)[0]:
            raise BoardError(
                f"{self.port}: esptool says nothing for {_SILENCE:.0f} s",
                hint="unplug the board, plug it in, and run the command again",
            )
        return os.read(pipe.fileno(), _CHUNK)


def _last_error(said: str) -> str:
    """Return the last error in esptool's output, or its last line; never a traceback."""
    errors = _ERROR.findall(said)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return (errors or lines or ["it said nothing"])[-1].strip()[:200]


def _explain(port: str, device: str, said: str) -> BoardError:
    error = _last_error(said)
    gone = "://" not in device and not os.path.exists(device)  # noqa: PTH110 - COM3 is no path
    for pattern, what, hint, code in _CAUSES:
        if what == _GONE if gone else re.search(pattern, error):
            return BoardError(
                f"{port}: {what}",
                why=f"esptool: {error}",
                hint=hint.format(port=device),
                code=code,
            )
    return BoardError(f"{port}: esptool failed", why=error, hint="run the command again")
