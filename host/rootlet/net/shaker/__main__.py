"""Work through the targets of the first line of standard input: see the package."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rootlet.net.shaker.attempt import Failed, attempt

_WORK_LIMIT = 1 << 20  # bytes of the first line
_AT_ONCE = 16  # targets; each is asked one thing at a time


async def run(work: dict[str, Any], standard_input: asyncio.StreamReader) -> None:
    """Ask every target everything, or end when nobody waits for the answers any more."""
    room = asyncio.Semaphore(_AT_ONCE)
    asked = [_ask(number, each, work, room) for number, each in enumerate(work["targets"])]
    finished = asyncio.ensure_future(asyncio.gather(*asked))
    gone = asyncio.ensure_future(standard_input.read())
    waiting: list[asyncio.Future[Any]] = [finished, gone]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if finished.done():
        finished.result()


async def _ask(
    number: int, target: dict[str, Any], work: dict[str, Any], room: asyncio.Semaphore
) -> None:
    async with room:
        for offer in target["offers"]:
            try:
                told = await attempt(target, offer, work["seconds"])
            except Failed as failure:
                told = {"code": failure.code, "reason": failure.reason, "final": failure.final}
            line = json.dumps({"target": number, "offer": offer["id"], **told})
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
            if told.get("final"):  # the others would wait for the same end
                return


async def _main() -> None:
    loop = asyncio.get_running_loop()
    # Names are looked up in threads, which nothing can hurry.
    loop.set_default_executor(ThreadPoolExecutor(_AT_ONCE))
    lease = asyncio.StreamReader(limit=_WORK_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lease), sys.stdin)
    await run(json.loads(await lease.readline()), lease)
    os._exit(0)  # also while a name is still being looked up


if __name__ == "__main__":
    asyncio.run(_main())
