"""Run a front until its lease ends: see the package."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys

from rootlet.lab_front.server import Front, tell
from rootlet.lab_front.settings import Settings

_SETTINGS_LIMIT = 65_536  # bytes of the first line


async def run(settings: Settings, commands: asyncio.StreamReader) -> None:
    """Serve until told to drain, or until nobody holds the other end of ``commands``."""
    front = Front(settings)
    accepting = asyncio.create_task(front.accept())
    tell("ready")
    if not await commands.readline():
        return
    accepting.cancel()
    await asyncio.wait([accepting])
    tell("draining")
    finished = asyncio.create_task(front.finish())
    gone = asyncio.create_task(commands.read())
    await asyncio.wait([finished, gone], return_when=asyncio.FIRST_COMPLETED)


def take_descriptors() -> None:
    """Raise the limit of open files as far as this user may: each client takes two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _main() -> None:
    take_descriptors()
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader(limit=_SETTINGS_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    await run(Settings(**json.loads(await commands.readline())), commands)
    os._exit(0)  # nobody is left to wait for: the kernel closes what is still open


if __name__ == "__main__":
    asyncio.run(_main())
