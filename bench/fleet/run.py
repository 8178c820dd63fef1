"""One run: the fleet connects, refuses a bundle that cannot work, takes one that does."""

from __future__ import annotations

import math
import os
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from processes import children as children_of
from processes import cpu, memory, take_descriptors

from fleet import children, conditions, release
from fleet.checks import Facts, Standing
from fleet.children import Fleet, SilentError
from fleet.conditions import BAD, GOOD, OLD
from fleet.figures import Figures, Mark, mean
from fleet.rollout import SHADOWS, RollOut, reported
from rootlet import jobs
from rootlet.lab import Lab
from rootlet.lab.jobs import JobService
from urootlet.status import status
from urootlet.store import Store, shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fleet.release import Signers
    from rootlet.lab.broker import Kind
    from rootlet.lab.subscriber import Subscriber
    from rootlet.progress import Progress

    Show = Callable[[str, int, int], None]

#: With 5 % bad links the 5 % after which ``rotate start`` stops a job would stop a good one too.
_ABORT_PERCENT = 20.0
#: Seconds: docs/rotation.md, and the quarter more that differs by device.
_BACK_OFFS = (1125, 4500, 18000)
_PATIENCE = 120.0  # seconds without a word of any device


@dataclass(frozen=True)
class Plan:
    """What to run. ``timeout`` is that of a device's settings, ``minute`` the pace's, seconds."""

    size: int
    most: int = children.MOST
    seed: int = 1
    minute: float = 2.0
    timeout: int = 20
    liars: int = 0
    dead: int = 0
    broker: Kind = "auto"

    @property
    def processes(self) -> int:
        """How many processes hold the devices."""
        return math.ceil(self.size / self.most)


class Rig(NamedTuple):
    """What the fleet meets."""

    lab: Lab
    service: JobService
    shadows: Subscriber


def run(plan: Plan, signers: Signers, show: Show) -> tuple[Facts, Figures]:
    """Run it. What it starts and writes is gone afterwards, whatever happens."""
    take_descriptors(4 * plan.size)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="rl-fleet-")))
        lab = held.enter_context(Lab(broker=plan.broker))
        service = held.enter_context(JobService(lab.broker_socket))
        shadows = held.enter_context(lab.subscriber(SHADOWS))
        return _Run(plan, signers, folder, Rig(lab, service, shadows), show).go()


class _Run:
    def __init__(self, plan: Plan, signers: Signers, folder: Path, rig: Rig, show: Show) -> None:
        self._plan, self._folder, self._rig, self._show = plan, folder, rig, show
        self._own = conditions.draw(plan.size, plan.seed, liars=plan.liars, dead=plan.dead)
        self._bundles = signers.bundles(rig.lab.pki)
        self._least = min(jobs.Pace().abort_after, math.ceil(plan.size / 5))
        first = self._bundles[OLD]
        files = {"ta": first, "factory.rlt": first, "factory.rlk": signers.key_set()}
        self._show("making devices", 0, plan.size)
        release.ship((each.thing for each in self._own), folder, rig.lab, plan.timeout, files)

    def go(self) -> tuple[Facts, Figures]:
        with Fleet(self._rig.lab, self._folder, self._own, self._plan.most) as self._fleet:
            self._begin = self._mark()
            self._connect()
            self._connected = self._mark()
            self._refuse()
            self._refused = self._mark()
            self._rotate()
            self._end, self._memory = self._mark(), memory(self._pids())
        facts = self._facts()
        return facts, self._figures(facts)

    def _connect(self) -> None:
        def connected() -> bool:
            count = len(self._fleet.told("quiet"))
            self._show("connecting", count, self._plan.size)
            return count + len(self._fleet.gone) >= self._plan.size

        self._fleet.wait(connected, _PATIENCE)

    def _refuse(self) -> None:
        """Give out the bundle that cannot work until that stops, and let them try once more."""
        pace = jobs.Pace(abort_after=self._least)
        self._aborted = self._roll_out("giving out a bad bundle", BAD, pace)
        parked = [each for group in self._stands(self._aborted).reasons.values() for each in group]
        self._pass_time(_BACK_OFFS[0], parked)
        self._between = self._standings()

    def _rotate(self) -> None:
        """Give out the one that does, and let those with bad links try on."""
        pace = jobs.Pace(abort_percent=_ABORT_PERCENT)
        self._rolled = self._roll_out("giving out a good bundle", GOOD, pace)
        self._cpu = cpu(self._pids()) - self._refused.cpu
        for seconds in _BACK_OFFS:
            if waiting := set(self._stands(self._rolled).unconfirmed) - set(self._fleet.gone):
                self._pass_time(seconds, waiting)

    def _roll_out(self, what: str, number: int, pace: jobs.Pace) -> RollOut:
        order = release.order(self._bundles[number], pace)
        made = RollOut(self._rig.service, self._fleet, order, minute=self._plan.minute)

        def over() -> bool:
            done = made.step()
            self._show(what, made.ended, self._plan.size)
            return done and self._idle()

        with suppress(SilentError):  # who is missing is found by the checks
            self._fleet.wait(over, _PATIENCE)
        return made

    def _pass_time(self, seconds: int, waiting: Collection[str]) -> None:
        """Let a back-off pass, and wait until these have tried again, whatever came of it."""
        before = self._fleet.told("tried")
        self._fleet.later(seconds)

        def tried() -> bool:
            now = self._fleet.told("tried")
            again = sum(now.get(each, 0) > before.get(each, 0) for each in waiting)
            self._show("passing a back-off", again, len(waiting))
            return again == len(waiting) and self._idle()

        with suppress(SilentError):
            self._fleet.wait(tried, _PATIENCE)

    def _idle(self) -> bool:
        return len(self._fleet.idle() | self._fleet.gone.keys()) >= self._plan.size

    def _stands(self, made: RollOut) -> Progress:
        return made.progress(reported(self._rig.shadows.messages))

    def _pids(self) -> list[int]:
        lab = self._rig.lab.pids
        return [*lab, *children_of(lab), *self._fleet.pids, os.getpid()]

    def _mark(self) -> Mark:
        return Mark(time.monotonic(), cpu(self._pids()), self._fleet.traffic())

    def _standings(self) -> dict[str, Standing]:
        """Return what a device would find if it started now, for every folder that is there."""
        found = {}
        for thing in (each.thing for each in self._own):
            folder = f"{self._folder}/{thing}/"
            if Path(folder).is_dir():
                store = Store(folder, shipped(folder))
                told = status(store.record)
                found[thing] = Standing(
                    told["state"], store.active(), store.other(), tuple(told["floor"])
                )
        return found

    def _facts(self) -> Facts:
        return Facts(
            conditions=self._own,
            bundles=self._bundles,
            aborted=self._aborted.progress({}),
            between=self._between,
            rolled=self._stands(self._rolled),
            after=self._standings(),
            shadows=reported(self._rig.shadows.messages),
            traffic=self._end.traffic,
            events=dict(self._fleet.events),
            gone=dict(self._fleet.gone),
        )

    def _figures(self, facts: Facts) -> Figures:
        first, before, end = (each.traffic for each in (self._connected, self._refused, self._end))
        succeeded = len(facts.rolled.confirmed - facts.rolled.late)
        return Figures(
            devices=self._plan.size,
            processes=self._plan.processes,
            broker=self._rig.lab.broker_kind,
            connecting=self._connected.time - self._begin.time,
            rotating=self._rolled.seconds,
            whole=self._end.time - self._begin.time,
            rate=succeeded / self._rolled.seconds if succeeded else 0.0,
            connect_up=mean(each.up for each in first.values()),
            connect_down=mean(each.down for each in first.values()),
            rotate_up=mean(end[one].up - before[one].up for one in end),
            rotate_down=mean(end[one].down - before[one].down for one in end),
            cpu=self._cpu / self._plan.size,
            memory=self._memory,
            aborted_after=len(facts.aborted.executions),
            late=len(facts.rolled.late),
        )
