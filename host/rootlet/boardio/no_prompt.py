"""Why a board gives no prompt.

A chip that does not run MicroPython says so itself: its ROM prints how it was started and
answers a SYNC command (espressif, esptool documentation, "Serial Protocol").
"""

from __future__ import annotations

import re
import time
from typing import Any

from rootlet.errors import BoardError

#: Seconds to listen for a boot log or an answer.
_LISTEN = 0.5
_HEARD = 2048  # bytes, the last ones
_SHOWN = 80  # characters of what a board said
#: SLIP frame (RFC 1055) of the ROM's command 0x08: no checksum, 36 bytes; and how it answers.
_SYNC = b"\xc0\x00\x08\x24\x00\x00\x00\x00\x00\x07\x07\x12\x20" + b"\x55" * 32 + b"\xc0"
_SYNCED = b"\xc0\x01\x08"

#: What a chip without a running MicroPython prints -> why. Words of Espressif's ROM and IDF.
_BOOT_LOG = (
    (rb"waiting for download|DOWNLOAD\(?_?BOOT|DOWNLOAD\(", "the chip waits for a download"),
    (rb"invalid header: 0x", "the flash holds no firmware"),
    (rb"flash read err", "the flash cannot be read"),
)
_RESTARTS = re.compile(rb"Guru Meditation|Brownout detector|rst:0x")


def explain(port: str, serial: Any, said: bytes) -> BoardError:
    """Return why there is no prompt, BOOT or REPL; ``said`` is what came instead of it."""
    heard = said + _listen(serial)
    for pattern, why in _BOOT_LOG:
        if re.search(pattern, heard):
            return _not_booted(port, why)
    if _SYNCED in _ask(serial, _SYNC):
        return _not_booted(port, "the chip's ROM loader answers, so no firmware runs")
    if _RESTARTS.search(heard):
        why = f"the board restarts again and again: {_shown(heard)}"
        hint = f"hold Ctrl-C while it starts: mpremote connect {port}"
    elif heard.strip():
        why = f"a program runs and ignores Ctrl-C; it printed {_shown(heard)}"
        hint = "press reset and run the command at once; an ESP32: flash --image --erase"
    else:
        why = "it says nothing: asleep, busy, still starting, or not MicroPython"
        hint = "stop its program, or reset it; an ESP32 that never listens: flash --image"
    return BoardError(f"{port}: no MicroPython prompt", why=why, hint=hint, code="REPL")


def _not_booted(port: str, why: str) -> BoardError:
    return BoardError(
        f"{port}: no firmware is running",
        why=why,
        hint="release BOOT and press EN (reset); if that changes nothing, flash MicroPython",
        code="BOOT",
    )


def _ask(serial: Any, data: bytes) -> bytes:
    serial.write(data)
    return _listen(serial)


def _listen(serial: Any) -> bytes:
    heard, deadline = b"", time.monotonic() + _LISTEN
    while time.monotonic() < deadline:
        heard = (heard + serial.read(serial.inWaiting()))[-_HEARD:]
        time.sleep(0.01)
    return heard


def _shown(heard: bytes) -> str:
    """Return the last line that says something, without control characters."""
    lines = [line.strip() for line in heard.decode(errors="replace").splitlines() if line.strip()]
    return repr("".join(c for c in lines[-1] if c.isprintable())[-_SHOWN:]) if lines else "''"
