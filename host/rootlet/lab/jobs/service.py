"""The Jobs service on the lab's broker, and what can go wrong between it and a device.

It is an MQTT client behind the front, on the broker's Unix socket. One thing differs from AWS:
there an answer reaches whoever asked, here a device must have subscribed to it.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from rootlet.errors import NetworkError
from rootlet.lab.jobs import requests
from rootlet.lab.jobs.store import JobStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from rootlet.lab.jobs.requests import Message
    from rootlet.lab.jobs.store import Execution

_READY_TIMEOUT = 5.0  # seconds for the SUBACK
_TICK = 0.5  # seconds between looks at the step timers


class JobService:
    """A context manager that answers devices, and through which a test acts as the operator.

    ``broker`` is the path of the broker's socket: ``JobService(lab.broker_socket)``.
    """

    def __init__(self, broker: Path, clock: Callable[[], float] = time.time) -> None:
        self._store, self._lock = JobStore(), threading.RLock()
        self._broker, self._clock = broker, clock
        self._faults: deque[Callable[[paho.MQTTMessage], None]] = deque()
        self._ready, self._ended = threading.Event(), threading.Event()
        self._timers = threading.Thread(target=self._run_timers, name="lab jobs", daemon=True)
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="rootlet-jobs", transport="unix"
        )
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        self._client.connect(str(self._broker))
        self._client.loop_start()
        if not self._ready.wait(_READY_TIMEOUT):
            self.__exit__()
            raise NetworkError("the Jobs service cannot reach the lab's broker")
        self._timers.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._timers.ident is not None:
            self._timers.join()
        self._client.disconnect()
        self._client.loop_stop()

    # What an operator does.

    def create(self, job_id: str, document: dict[str, Any], *things: str) -> None:
        """Queue a job for some things, and tell them."""
        with self._lock:
            for thing in things:
                self._change(thing, partial(self._store.queue, job_id, document, thing))

    def cancel(self, job_id: str, *, force: bool = False) -> None:
        """Cancel a job; executions in progress only by ``force``."""
        with self._lock:
            for thing in self._store.things(job_id):
                self._change(thing, partial(self._store.cancel, thing, job_id, force=force))

    def delete(self, job_id: str) -> None:
        """Delete a job with all its executions."""
        with self._lock:
            for thing in self._store.things(job_id):
                self._change(thing, partial(self._store.delete, thing, job_id))

    def execution(self, job_id: str, thing: str) -> Execution:
        """Return how a job stands on a thing; JobError if it has none."""
        with self._lock:
            return self._store.find(thing, job_id)

    # What goes wrong.

    def notify_again(self, thing: str) -> None:
        """Send ``notify-next`` once more: MQTT at least once means sometimes twice."""
        with self._lock:
            self._publish(requests.next_notice(self._store, thing, self._now()))

    def lose_next(self) -> None:
        """Do what the next request says, and let its answer be lost."""
        self._faults.append(partial(self._take, lost=True))

    def drop_next(self) -> None:
        """Let the next request be lost on its way here."""
        self._faults.append(lambda _: None)

    def refuse_next(self, code: str) -> None:
        """Refuse the next request with a code, such as RequestThrottled or InternalError."""
        self._faults.append(partial(self._refuse, code=code))

    # How it works.

    def _now(self) -> int:
        return int(self._clock())

    def _change(self, thing: str, change: Callable[[int], object]) -> None:
        """Make a change, and tell the thing if it has another set of executions pending."""
        now = self._now()
        pending, first = self._pending(thing)
        change(now)
        if self._pending(thing)[0] != pending:
            self._publish(*requests.notices(self._store, thing, first, now))

    def _pending(self, thing: str) -> tuple[set[str], str]:
        ids = [each.job_id for each in self._store.pending(thing)]
        return set(ids), ids[0] if ids else ""

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe([(topic, 1) for topic in requests.REQUESTS])

    def _on_message(self, _: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        with self._lock:
            handle = self._faults.popleft() if self._faults else self._take
            handle(message)

    def _take(self, message: paho.MQTTMessage, *, lost: bool = False) -> None:
        answered = partial(self._answer, message, lost=lost)
        self._change(requests.thing_of(message.topic), answered)

    def _refuse(self, message: paho.MQTTMessage, *, code: str) -> None:
        payload = bytes(message.payload)
        self._publish(requests.refused(message.topic, payload, code, self._now()))

    def _answer(self, message: paho.MQTTMessage, now: int, *, lost: bool) -> None:
        answer = requests.answer(self._store, message.topic, bytes(message.payload), now)
        if not lost:
            self._publish(answer)

    def _run_timers(self) -> None:
        while not self._ended.wait(_TICK):
            with self._lock:
                self._end_late(self._store.late(self._now()))

    def _end_late(self, late: Iterable[Execution]) -> None:
        for each in late:
            self._change(each.thing, each.time_out)

    def _publish(self, *messages: Message) -> None:
        for message in messages:
            self._client.publish(message.topic, json.dumps(message.document), qos=1)
