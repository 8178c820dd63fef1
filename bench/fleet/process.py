"""One process of devices: ``python -m fleet.process``, started by ``fleet.children``.

Standard input is the lease: the first line says which devices, each later line is a command, and
the end of it ends the process, so that it does not outlive whoever started it. Standard output is
one JSON object a line: what a device's hooks say, and answers to commands.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import traceback
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fleet.conditions import Conditions
from fleet.device import Device
from rootlet.lab_front.__main__ import take_descriptors
from urootlet import clock, session

_LIMIT = 1 << 20  # bytes of a line: the conditions of every device
_AT_ONCE = 16  # devices of a process that connect


class Clock:
    """The devices' clock, in the place of the module ``time``: the true one, and ``ahead``."""

    ahead = 0
    gmtime = staticmethod(time.gmtime)

    def time(self) -> float:
        """Return the time of the devices."""
        return time.time() + self.ahead


def tell(**details: Any) -> None:
    """Print one line of JSON."""
    sys.stdout.write(json.dumps(details) + "\n")
    sys.stdout.flush()


class Devices:
    """The devices of this process."""

    def __init__(self, settings: dict[str, Any], ours: Clock) -> None:
        self._clock = ours
        turns = asyncio.Semaphore(_AT_ONCE)
        lab = (settings["lab"][0], settings["lab"][1])
        self._devices = []
        self._tasks = []
        for values in settings["devices"]:
            own = Conditions(**values)
            folder = Path(settings["folder"]) / own.thing
            heard = partial(_heard, own.thing)
            self._devices.append(Device(own, folder, lab, turns, heard))
            self._tasks.append(asyncio.create_task(_live(self._devices[-1])))

    def do(self, command: dict[str, Any]) -> None:
        """Do what the bench says."""
        if ahead := command.get("later"):
            self._clock.ahead += ahead
            for each in self._devices:
                each.wake()
        if command.get("count"):
            links = [(each.conditions.thing, each.link) for each in self._devices]
            tell(
                counts={thing: (it.up, it.down, it.connections, it.spoilt) for thing, it in links}
            )


def _heard(thing: str, what: str, **details: Any) -> None:
    tell(thing=thing, what=what, **details)


async def _live(device: Device) -> None:
    try:
        await device.run()
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - a device is lost, the others live on
        traceback.print_exc()
        _heard(device.conditions.thing, "gone", why=repr(error))


async def main() -> None:
    """Run devices until the lease ends."""
    take_descriptors()
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader(limit=_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    ours = Clock()
    clock.time = ours
    # A device sweeps its own heap before a connection; here one heap is that of 250 devices.
    session.gc = SimpleNamespace(collect=lambda: None)
    devices = Devices(json.loads(await commands.readline()), ours)
    while line := await commands.readline():
        devices.do(json.loads(line))
    os._exit(0)  # a device has nothing to say goodbye for: its power may go at any time


if __name__ == "__main__":
    asyncio.run(main())
