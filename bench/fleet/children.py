"""The processes of devices, seen from the bench: what they say, and what they are told."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import defaultdict
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from rootlet.errors import NetworkError
from rootlet.lab.children import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleet.conditions import Conditions
    from rootlet.lab import Lab

#: Devices of one process: paho's select() ends at 339 TLS clients, and a gateway's loop is one.
MOST = 250
_BENCH = Path(__file__).parents[1]
_LOOK = 0.25  # seconds
_ANSWER_TIMEOUT = 60.0  # seconds: a process may be busy with its devices


class SilentError(Exception):
    """Nothing has happened for too long."""


class Event(NamedTuple):
    """What a device's program or a hook of it has told; ``more`` is what the hook was given."""

    what: str
    more: dict[str, Any]


class Traffic(NamedTuple):
    """What a link has carried: bytes of TLS up and down, connections, and those it spoilt."""

    up: int
    down: int
    connections: int
    spoilt: int


class Fleet:
    """A context manager: every device of ``conditions``, in processes of at most ``most``.

    ``events`` is thing -> what it has told, ``gone`` thing -> why its program has ended.
    """

    def __init__(
        self, lab: Lab, folder: Path, conditions: Sequence[Conditions], most: int = MOST
    ) -> None:
        self.things = tuple(each.thing for each in conditions)
        self.events: dict[str, list[Event]] = defaultdict(list)
        self.gone: dict[str, str] = {}
        self._lab, self._folder = lab, folder
        count = -(-len(conditions) // most)
        self._parts = [conditions[number::count] for number in range(count)]
        self._lock, self._heard = threading.Lock(), time.monotonic()
        self._traffic: dict[str, Traffic] = {}
        self._children: list[Child] = []
        self._ended: set[str] = set()
        self._ending = False

    def __enter__(self) -> Self:
        with ExitStack() as started:
            started.callback(self._stop)
            for number, part in enumerate(self._parts):
                self._start(part, self._folder / f"process-{number}.log")
            self._running = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def pids(self) -> list[int]:
        """The processes of devices that have not ended."""
        return [each.pid for each in self._children if each.running]

    def later(self, seconds: int) -> None:
        """Let the clock of every device go forward."""
        self._say(later=seconds)

    def traffic(self) -> dict[str, Traffic]:
        """Return thing -> what its link has carried so far; nothing where a process has ended."""
        with self._lock:
            self._traffic = dict.fromkeys(self._ended, Traffic(0, 0, 0, 0))
        self._say(count=True)
        self.wait(lambda: len(self._traffic) == len(self.things), _ANSWER_TIMEOUT)
        with self._lock:
            return dict(self._traffic)

    def told(self, what: str) -> dict[str, int]:
        """Return thing -> how often it has told this, among those that did."""
        with self._lock:
            pairs = [(thing, [each.what for each in own]) for thing, own in self.events.items()]
        return {thing: own.count(what) for thing, own in pairs if what in own}

    def idle(self) -> set[str]:
        """Return the things that have nothing to do since their last word."""
        with self._lock:
            return {thing for thing, own in self.events.items() if own[-1].what == "quiet"}

    def wait(self, done: Callable[[], bool], patience: float) -> None:
        """Return when ``done``. SilentError when no device has said a word for ``patience``."""
        began = time.monotonic()
        while not done():
            if time.monotonic() - max(began, self._heard) > patience:
                raise SilentError(f"no device has said a word for {patience:.0f} s")
            time.sleep(_LOOK)

    def _start(self, part: Sequence[Conditions], log: Path) -> None:
        path = os.pathsep.join((str(_BENCH), os.environ.get("PYTHONPATH", ""))).rstrip(os.pathsep)
        child = Child("fleet.process", log=log, env={**os.environ, "PYTHONPATH": path})
        self._children.append(child)
        settings = {
            "lab": (self._lab.host, self._lab.port),
            "folder": str(self._folder),
            "devices": [asdict(each) for each in part],
        }
        child.send(json.dumps(settings))
        listen = threading.Thread(target=self._listen, args=(child, part), daemon=True)
        listen.start()

    def _listen(self, child: Child, part: Sequence[Conditions]) -> None:
        for line in child.output:
            with self._lock:
                self._take(json.loads(line))
        with self._lock:
            if not self._ending:
                why = str(child.failure("has ended"))
                things = [each.thing for each in part]
                self._ended.update(things)
                self.gone |= dict.fromkeys(things, why)

    def _take(self, told: dict[str, Any]) -> None:
        self._heard = time.monotonic()
        if "counts" in told:
            self._traffic |= {thing: Traffic(*each) for thing, each in told["counts"].items()}
            return
        thing, what = told.pop("thing"), told.pop("what")
        self.events[thing].append(Event(what, told))
        if what == "gone":
            self.gone[thing] = told["why"]

    def _say(self, **command: Any) -> None:
        for each in self._children:
            with suppress(NetworkError):  # it has ended, which the listener tells
                each.send(json.dumps(command))

    def _stop(self) -> None:
        with self._lock:
            self._ending = True
        for each in self._children:
            each.stop()
            each.output.close()
