"""A real MQTT broker behind the front: mosquitto where it is installed, amqtt otherwise.

It listens on a Unix socket in a folder that only this user can enter, so nobody reaches it but
through the front and its client certificates: not even another user of this machine.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
from typing import TYPE_CHECKING, Literal

from rootlet.errors import InputError
from rootlet.lab.children import Child

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["auto", "mosquitto", "amqtt"]

_READY_TIMEOUT = 10.0  # seconds; amqtt takes 0.3
_LONGEST_SOCKET_PATH = 100  # bytes; sun_path holds 108 on Linux and 104 on macOS (unix(7))
_SBIN = ("/usr/local/sbin", "/usr/sbin")  # where distributions put it, off most users' PATH


def find_mosquitto() -> str | None:
    """Return the path of mosquitto, or None."""
    return shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), *_SBIN)))


def mosquitto_config(listener: Path, *, user: str | None) -> str:
    """Return the text of a mosquitto.conf(5) for one Unix socket (mosquitto 2.0 or newer).

    ``user``: whom to stay when started as root; mosquitto would become ``mosquitto``, which
    cannot enter the lab's folder.
    """
    lines = [
        f"listener 0 {listener}",
        "allow_anonymous true",
        "persistence false",
        "max_queued_messages 0",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]
    if user is not None:
        lines.append(f"user {user}")
    return "\n".join(lines) + "\n"


class Broker:
    """A running broker; ``socket`` is where it listens.

    ``kind`` ``auto`` takes mosquitto if there is one. ``folder`` is private to this broker.
    InputError if mosquitto is asked for and missing, NetworkError if the broker does not start.
    """

    def __init__(self, folder: Path, kind: Kind = "auto") -> None:
        self.socket = _socket_in(folder)
        mosquitto = None if kind == "amqtt" else find_mosquitto()
        if kind == "mosquitto" and mosquitto is None:
            raise InputError("mosquitto: not found", hint="apt-get install mosquitto")
        self.kind: Kind = "mosquitto" if mosquitto else "amqtt"
        arguments = (
            self._mosquitto(mosquitto, folder) if mosquitto else ("amqtt", str(self.socket))
        )
        self._child = Child("broker_process.py", *arguments, log=folder / "broker.log")

    def _mosquitto(self, program: str, folder: Path) -> tuple[str, ...]:
        config = folder / "mosquitto.conf"
        user = "root" if os.geteuid() == 0 else None
        config.write_text(mosquitto_config(self.socket, user=user), encoding="utf-8")
        return ("run", program, "-c", str(config))

    @property
    def pid(self) -> int:
        """The id of the process that holds the broker."""
        return self._child.pid

    def wait_ready(self) -> None:
        """Return when the broker accepts connections; NetworkError if it never does."""
        deadline = time.monotonic() + _READY_TIMEOUT
        while not _accepts(self.socket):
            if not self._child.running:
                raise self._child.failure("has ended")
            if time.monotonic() > deadline:
                raise self._child.failure(f"accepts nothing after {_READY_TIMEOUT:.0f} s")
            time.sleep(0.01)

    def stop(self) -> None:
        """End the broker and wait until it has gone."""
        self._child.stop()
        self._child.output.close()


def _socket_in(folder: Path) -> Path:
    path = folder / "mqtt.sock"
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        raise InputError(
            f"{folder}: too long a path for a Unix socket",
            why=f"more than {_LONGEST_SOCKET_PATH} bytes",
            hint="set TMPDIR to a shorter folder",
        )
    return path


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
