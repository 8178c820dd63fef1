"""Serial ports: which are there, which one is meant, and whether it can be used.

Ports take mpremote's forms: ``auto``, ``id:SERIAL``, ``port:PATH``, a path, ``socket://`` and
``rfc2217://``. pyserial says the same for a port that is missing, denied or taken.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NamedTuple

from rootlet.errors import BoardError

_PROC = Path("/proc")


class Port(NamedTuple):
    """A serial port of this computer; texts are empty where USB tells nothing."""

    device: str
    serial_number: str
    description: str
    usb: str


def found() -> list[Port]:
    """Return the USB serial ports in the order of their names: what may be a board."""
    from serial.tools.list_ports import comports  # noqa: PLC0415 - slow to import

    return [
        Port(
            str(one.device),
            one.serial_number or "",
            one.product or one.description or "",
            f"{one.vid:04x}:{one.pid or 0:04x}",
        )
        for one in sorted(comports())
        if one.vid is not None
    ]


def resolve(port: str) -> str:
    """Return the device of a port in one of mpremote's forms, which may not exist.

    Raises BoardError when ``auto`` or a serial number finds nothing.
    """
    if port != "auto" and not port.startswith("id:"):
        return port.removeprefix("port:")
    serial = port.removeprefix("id:")
    for one in found():
        if port == "auto" or one.serial_number == serial:
            return one.device
    raise BoardError(
        f"no board found for --port {port}",
        why="no USB serial port is there" if port == "auto" else "no port has that serial number",
        hint="plug a board in, or start a virtual one: rootlet board virtual",
        code="PORTBUSY",
    )


def check(device: str) -> None:
    """Raise BoardError for a path that is missing or may not be opened."""
    if "://" in device:
        return
    if not os.path.exists(device):  # noqa: PTH110 - a name such as COM3 is no path
        raise BoardError(
            f"{device}: there is no such port",
            why="the board is not plugged in, or has another name",
            hint="list the ports: rootlet board list",
            code="PORTBUSY",
        )
    effective = os.access in os.supports_effective_ids  # whom open() asks for
    if not os.access(device, os.R_OK | os.W_OK, effective_ids=effective):
        raise BoardError(
            f"{device}: you may not open this port",
            why="it belongs to another user or group",
            hint="sudo usermod -aG dialout $USER, then log in again",
            code="PORTBUSY",
        )


def busy(device: str) -> BoardError:
    """Return the error for a port that is there and does not open; it names who holds it."""
    holder = _holder(device)
    return BoardError(
        f"{device}: the port cannot be opened",
        why=f"another program has it: {holder}"
        if holder
        else "another program has it, or it is not a serial port",
        hint=f"close the other program; this names it: fuser -v {device}",
        code="PORTBUSY",
    )


def _holder(device: str) -> str:
    """Return name and process id of a program that has the port open, as far as we may look."""
    for process in _PROC.glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            if any(os.path.samefile(fd, device) for fd in (process / "fd").iterdir()):  # noqa: PTH121
                return f"{(process / 'comm').read_text().strip()}, process {process.name}"
        except OSError:  # it has ended, or belongs to another user
            continue
    return ""


def has_reset_lines(device: str) -> bool:
    """Whether DTR and RTS are there, which reset a board: a pty and a TCP socket have none."""
    if "://" in device:
        return device.startswith("rfc2217://")
    try:
        import fcntl  # noqa: PLC0415 - POSIX only
        import termios  # noqa: PLC0415 - POSIX only
    except ImportError:
        return True
    try:
        line = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return True  # whoever opens it next says why
    try:
        fcntl.ioctl(line, termios.TIOCMGET, b"\0\0\0\0")
    except OSError as error:
        return error.errno not in (errno.ENOTTY, errno.EINVAL)
    finally:
        os.close(line)
    return True
