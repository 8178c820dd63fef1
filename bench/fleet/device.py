"""One device of the fleet: the program that a gateway with an asyncio loop would run."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from mqtt_client import Client

from fleet.conditions import DIES, GOOD, LIES, STALL, Conditions
from fleet.link import Link
from urootlet import aio
from urootlet.errors import Error
from urootlet.jobs import Jobs
from urootlet.rotation import Rotation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from urootlet.bundle import Bundle

_TICK = 1.0  # seconds between looks at an answer's time-out
_PAUSE = 2.0  # seconds before connecting again after the working set failed


class PowerCutError(BaseException):
    """The power has gone: nothing on a device may survive it."""


class DeadError(BaseException):
    """The device is broken for good."""


class Device:
    """A thing that lives until its task is cancelled; ``tell(what, **details)`` hears its hooks.

    ``turns`` lets so many devices of a process connect at once.
    """

    def __init__(
        self,
        conditions: Conditions,
        folder: Path,
        lab: tuple[str, int],
        turns: asyncio.Semaphore,
        tell: Callable[..., None],
    ) -> None:
        self.conditions = conditions
        self.link = Link(lab, conditions.link, conditions.cut)
        self._folder, self._turns, self._tell = folder, turns, tell
        self._trial = 0  # the sequence that is being tried
        self._spoilt = 0
        self._cut: set[int] = set()  # the sequences in whose trial the power has gone
        self._lied = False
        self._waiting: asyncio.Timeout | None = None

    async def run(self) -> None:
        """Boot, and boot again after each power cut. Raises what no device should."""
        path = self._folder / "rootlet.json"
        values = json.loads(path.read_text()) | {"port": await self.link.open()}
        path.write_text(json.dumps(values))
        while True:
            with contextlib.suppress(PowerCutError):
                await self._boot()

    def wake(self) -> None:
        """Look at the clock again."""
        if self._waiting is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                self._waiting.reschedule(asyncio.get_running_loop().time())

    async def _boot(self) -> None:
        """Connect for ever, as the programs under examples/ do."""
        self._trial = 0
        rotation = Rotation(f"{self._folder}/", self._hooks())
        while True:
            try:
                client = await self._connect(rotation)
            except Error as error:
                self._tell("failed", code=error.code)
                await asyncio.sleep(_PAUSE)
                continue
            with contextlib.suppress(OSError, EOFError):  # the connection is lost
                await self._serve(rotation, client)
            await client.close()

    async def _connect(self, rotation: Rotation) -> Any:
        # A link that stalls would hold a turn for as long as the device waits.
        turn = contextlib.nullcontext() if self._stalls(rotation) else self._turns
        async with turn:
            return await aio.connect(rotation, lambda context: self._open(rotation, context))

    def _stalls(self, rotation: Rotation) -> bool:
        waits = bool(rotation.store.record.state)
        return waits and self.conditions.link == STALL and self._spoilt < self.conditions.spoils

    async def _open(self, rotation: Rotation, context: Any) -> Client:
        config = rotation.identity.config
        own = self.conditions
        if own.fault == DIES and self._trial == GOOD:
            raise DeadError(f"{own.thing} has died in its trial")
        cut = own.reboots and self._trial and self._trial not in self._cut
        if cut and not own.late:
            self._lose_power()
        client = Client(config.thing)
        await client.connect((config.address, config.port), context, config.endpoint)
        if cut:
            client.abort()
            self._lose_power()
        return client

    def _lose_power(self) -> None:
        self._cut.add(self._trial)
        self._tell("reboot", sequence=self._trial)
        raise PowerCutError

    async def _serve(self, rotation: Rotation, client: Client) -> None:
        """Do the jobs of one connection, until another is to be made."""
        jobs = Jobs(rotation)
        await client.subscribe(*(each.decode() for each in jobs.filters))
        busy = True
        while not jobs.ready:
            if message := jobs.due():
                await client.publish(message[0].decode(), self._said(message[1]), qos=0)
                continue
            if busy and not jobs.busy:
                self._tell("quiet")
            busy = jobs.busy
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK if busy else None) as self._waiting:
                    jobs.heard(*await client.message())

        if self._lied:
            self._tell("quiet")
            await asyncio.Event().wait()

    def _said(self, payload: bytes) -> bytes:
        """Return what is told of a job: a liar has confirmed as soon as it is to try."""
        if self.conditions.fault != LIES or b'"trial"' not in payload:
            return payload
        told = json.loads(payload)
        if told["statusDetails"]["sequence"] == str(GOOD):
            self._lied = True
            told["status"] = "SUCCEEDED"
            told["statusDetails"]["reason"] = "confirmed"
        return json.dumps(told).encode()

    def _hooks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_offer": lambda bundle: self._tell("offer", sequence=bundle.sequence),
            "on_trial": self._begin_trial,
            "on_confirm": lambda bundle: self._end_trial("confirm", sequence=bundle.sequence),
            "on_error": lambda error: self._end_trial("error", code=error.code),
            "on_parked": lambda reason: self._tell("parked", reason=reason),
            "on_revert": lambda reason: self._tell("revert", reason=reason),
        }

    def _begin_trial(self, bundle: Bundle) -> None:
        self._trial = bundle.sequence
        spoil = self._trial == GOOD and self._spoilt < self.conditions.spoils
        self._spoilt += spoil
        self.link.bad = spoil

    def _end_trial(self, what: str, **details: Any) -> None:
        if self._trial:
            self._tell("tried", sequence=self._trial)
        self._trial, self.link.bad = 0, False
        self._tell(what, **details)
