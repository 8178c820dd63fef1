"""Serial ports: which are there, which one is meant, and whether it can be used.

Ports take mpremote's forms: ``auto``, ``id:SERIAL``, ``port:PATH``, a path, ``socket://`` and
``rfc2217://``.
"""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from rootlet.errors import BoardError


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
    )


def check(device: str) -> None:
    """Tell the reasons apart for which opening a path fails; pyserial says the same for all."""
    if "://" in device:
        return
    if not os.path.exists(device):  # noqa: PTH110 - a name such as COM3 is no path
        raise BoardError(
            f"{device}: there is no such port",
            why="the board is not plugged in, or has another name",
            hint="list the ports: rootlet board list",
        )
    if not os.access(device, os.R_OK | os.W_OK):
        raise BoardError(
            f"{device}: you may not open this port",
            why="it belongs to another user or group",
            hint="sudo usermod -aG dialout $USER, then log in again",
        )


def busy(device: str) -> BoardError:
    """Return what to say of a port that is there and cannot be opened."""
    return BoardError(
        f"{device}: the port cannot be opened",
        why="another program has it, or it is not a serial port",
        hint=f"close the other program; this names it: fuser -v {device}",
    )


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
