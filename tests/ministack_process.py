"""ministack as a process of its own, on two sockets of ours that listen on loopback only.

``python ministack_process.py HTTP_FD MQTT_FD``; it ends when its standard input does. By itself
ministack opens its MQTT port on every address, and a port that was chosen free may be taken by
the time that it is opened: so it is handed the sockets.
"""

import asyncio
import os
import socket
import sys
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config


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
    from ministack.app import app  # noqa: PLC0415 - it reads the environment when imported

    config = Config()
    config.bind = [f"fd://{http}"]
    asyncio.run(serve(app, config, shutdown_trigger=wait_for_end_of_input))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
