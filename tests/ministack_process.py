"""ministack as a process of its own, on two sockets of ours that listen on loopback only.

``python ministack_process.py HTTP_FD MQTT_FD``; it ends when its standard input does. By itself
ministack opens its MQTT port on every address, and a port that was chosen free may be taken by
the time that it is opened: so it is handed the sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Ports(NamedTuple):
    """Where it listens on loopback: AWS's own API over HTTP, devices over mutual TLS."""

    http: int
    mqtt: int


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Ports]:
    """Run ministack inside ``with``; it answers from then on. Its files and log are in ``folder``.

    The sockets listen before the process runs, so that who connects early waits.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as http,
        socket.create_server(("127.0.0.1", 0)) as mqtt,
        (folder / "ministack.log").open("wb") as log,
    ):
        descriptors = (http.fileno(), mqtt.fileno())
        process = subprocess.Popen(
            [sys.executable, __file__, *map(str, descriptors)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=descriptors,
            env={**os.environ, "HOME": str(folder), "TMPDIR": str(folder)},
        )
        try:
            _wake(mqtt.getsockname()[1])
            yield Ports(http.getsockname()[1], mqtt.getsockname()[1])
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wake(port: int) -> None:
    """Be its first client, and say nothing of use until it hangs up.

    It makes its certificate for the first one, and asyncio of Python 3.11.2, Debian 12's own, does
    not keep what that one has sent meanwhile: its handshake would never end.
    """
    deadline = time.monotonic() + 60
    with socket.create_connection(("127.0.0.1", port), timeout=0.1) as client:
        while time.monotonic() < deadline:
            try:
                client.sendall(bytes(5))  # the header of no TLS record
                client.recv(1)
            except TimeoutError:
                continue
            except OSError:
                pass
            return


async def wait_for_end_of_input() -> None:
    """Return when nobody holds the other end of standard input."""
    await asyncio.to_thread(os.read, 0, 1)


def hand_over(listener: socket.socket) -> None:
    """Let the one server that asyncio is asked for on every address use ``listener``."""
    port, opened = listener.getsockname()[1], asyncio.BaseEventLoop.create_server

    async def create_server(loop: Any, factory: Any, *arguments: Any, **options: Any) -> Any:
        if options.get("port") == port:
            return await opened(loop, factory, sock=listener)
        return await opened(loop, factory, *arguments, **options)

    asyncio.BaseEventLoop.create_server = create_server  # type: ignore[assignment]


def main(http: int, mqtt: int) -> None:
    """Serve until the end of input."""
    hand_over(listener := socket.socket(fileno=mqtt))
    os.environ["IOT_MTLS_PORT"] = str(listener.getsockname()[1])
    from hypercorn.asyncio import serve  # noqa: PLC0415 - who starts this needs none of it
    from hypercorn.config import Config  # noqa: PLC0415
    from ministack.app import app  # noqa: PLC0415 - it reads the environment when imported

    config = Config()
    config.bind = [f"fd://{http}"]
    asyncio.run(serve(app, config, shutdown_trigger=wait_for_end_of_input))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
