"""Keeps a board running: starts the interpreter, carries its serial line, restarts it.

A thread of its own does the work, so that the board answers whatever its owner is doing.

::

    off --power on--> starting --ready byte--> on --exit or reset--> starting
     ^                   |                      |
     +--- power off, power cut -----------------+        starting --exit--> failed

Input from the host waits until the board is ready: before that, a Ctrl-C could neither be read
nor interrupt anything.
"""

from __future__ import annotations

import os
import select
import termios
import threading
from enum import Enum
from typing import TYPE_CHECKING

from rootlet.boardio.virtual.flow import Flow
from rootlet.boardio.virtual.process import BoardProcess, Exit
from rootlet.errors import BoardError

if TYPE_CHECKING:
    from collections.abc import Callable

_READY = b"\0"
#: Seconds for which output may wait for a reader; then nobody listens and it is dropped, as a
#: UART with nothing attached drops it.
_STALL = 5.0
#: Seconds that a start may take on a computer that is very busy; alone it takes 0.05.
_START_TIMEOUT = 60.0
#: Bytes of the interpreter's last words that an error shows.
_LAST_WORDS = 400


class State(Enum):
    """Where a board is in its life; see the drawing above."""

    OFF = "off"
    STARTING = "starting"
    ON = "on"
    FAILED = "failed"


class Supervisor:
    """Runs one board behind the pty whose outer end is ``line`` and inner end ``inner``.

    ``start`` starts the interpreter; its argument says whether the prompt is in raw mode.
    """

    def __init__(self, line: int, inner: int, start: Callable[[bool], BoardProcess]) -> None:
        self._line = line
        self._inner = inner
        self._start = start
        self._wake_reader, self._wake_writer = os.pipe()
        self._changed = threading.Condition()
        self._state = State.OFF
        self._power = False
        self._closing = False
        self._process: BoardProcess | None = None
        self._failure: BoardError | None = None
        self._to_host = bytearray()
        self._killed = False
        self._listening = True
        self._thread = threading.Thread(target=self._run, name="virtual-board", daemon=True)
        self._thread.start()

    # what the owner asks for

    def power_on(self) -> None:
        """Start the board and return when it answers; BoardError when it cannot start."""
        with self._changed:
            self._power, self._failure = True, None
            if self._state is not State.ON:
                self._set(State.STARTING)
        self._wake()
        self._await(State.ON)

    def power_off(self) -> None:
        """Cut the power: the interpreter ends in the middle of whatever it does."""
        with self._changed:
            self._power = False
            if self._state is State.FAILED:
                self._set(State.OFF)
            self._kill()
        self._wake()
        self._await(State.OFF)

    def reset(self) -> None:
        """Restart the board and return when it answers again, or a power cut met it."""
        with self._changed:
            if self._state in (State.ON, State.STARTING):
                self._set(State.STARTING)
                self._kill()
        self._await(State.ON)

    def wait_off(self, seconds: float) -> None:
        """Return when the board is off; BoardError when it still runs after ``seconds``."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._state is State.OFF, seconds):
                raise BoardError("the board is not off", why=f"it still runs after {seconds} s")

    def wait(self) -> None:
        """Return when the board is off for good; raise BoardError when it has failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._state is State.FAILED or self._closing)
            if self._failure is not None:
                raise self._failure

    def close(self) -> None:
        """Cut the power and end the thread."""
        with self._changed:
            self._closing, self._power = True, False
            self._kill()
            self._changed.notify_all()
        self._wake()
        self._thread.join()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def _await(self, state: State) -> None:
        done = (state, State.OFF, State.FAILED)
        with self._changed:
            in_time = self._changed.wait_for(lambda: self._state in done, _START_TIMEOUT)
            if self._failure is not None:
                raise self._failure
            if not in_time:
                raise BoardError("the board does not start", why=f"nothing in {_START_TIMEOUT} s")

    def _kill(self) -> None:
        if self._process is not None:
            self._killed = True
            self._process.kill()

    def _wake(self) -> None:
        os.write(self._wake_writer, b"!")

    def _set(self, state: State) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()

    # what the thread does

    def _run(self) -> None:
        raw = False
        while not self._closing:
            if self._power and self._failure is None:
                raw = self._live(raw=raw)
            else:
                raw = False
                self._rest()

    def _rest(self) -> None:
        """Wait without power; what the host sends then is lost."""
        with self._changed:
            if self._failure is None and not self._power:
                self._set(State.OFF)
        poll = select.poll()
        poll.register(self._wake_reader, select.POLLIN)
        poll.register(self._line, select.POLLIN)
        for descriptor, _ in poll.poll():
            os.read(descriptor, 4096)

    def _live(self, *, raw: bool) -> bool:
        """Run the interpreter once; return whether the next run's prompt is raw."""
        try:
            with self._changed:
                if not self._power:  # cut since we looked, when there was no process to end
                    return False
                self._process = process = self._start(raw)
                self._killed = False
                self._set(State.STARTING)
        except BoardError as error:
            self._fail(error)
            return False
        words = self._carry(process.terminal)
        with self._changed:
            self._process = None
            status = process.close()
            if status == Exit.POWER_LOST:
                self._power = False
            elif self._state is State.STARTING and not self._killed:
                self._fail(_why_not(status, words))
            elif self._power:
                self._set(State.STARTING)
        return status == Exit.SOFT_RESET_RAW

    def _fail(self, error: BoardError) -> None:
        with self._changed:
            self._failure = error
            self._set(State.FAILED)

    def _carry(self, terminal: int) -> bytes:
        """Carry the serial line until the interpreter ends; return its words before ready."""
        to_host, to_board = Flow(terminal, self._line), Flow(self._line, terminal)
        to_host.waiting = self._to_host
        ready, words = False, bytearray()
        while True:
            events = self._poll([to_host, to_board] if ready else [to_host])
            if events.get(self._line, 0) & select.POLLIN:
                to_board.fill()
                self._listening = True
            if events.get(terminal, 0) & ~select.POLLOUT:
                before = len(to_host.waiting)
                if not to_host.fill():
                    return bytes(words)
                if not ready:
                    words += to_host.waiting[before:]
                    del to_host.waiting[before:]
                    ready = self._begin(words, to_host)
            self._drop_unread(to_host, stalled=not events)
            to_host.drain()
            to_board.drain()

    def _begin(self, words: bytearray, to_host: Flow) -> bool:
        """Look for the ready byte; what follows it is the board's first output."""
        _, found, output = words.partition(_READY)
        if not found:
            return False
        to_host.waiting += output
        with self._changed:
            if not self._killed:
                self._set(State.ON)
        return True

    def _poll(self, flows: list[Flow]) -> dict[int, int]:
        """Wait until one of the flows can go on; nothing means that no reader took anything."""
        wanted = {self._wake_reader: select.POLLIN}
        for descriptor, event in (pair for flow in flows for pair in flow.interests()):
            wanted[descriptor] = wanted.get(descriptor, 0) | event
        poll = select.poll()
        for descriptor, event in wanted.items():
            poll.register(descriptor, event)
        unread = wanted.get(self._line, 0) & select.POLLOUT
        events = dict(poll.poll(self._patience() * 1000 if unread else None))
        if self._wake_reader in events:
            os.read(self._wake_reader, 4096)
        return events

    def _patience(self) -> float:
        return _STALL if self._listening else 0.05

    def _drop_unread(self, to_host: Flow, *, stalled: bool) -> None:
        """Throw away what nobody reads, the oldest first; a host that writes listens again."""
        if stalled and to_host.waiting:
            self._listening = False
            termios.tcflush(self._inner, termios.TCIFLUSH)


def _why_not(status: int, words: bytes) -> BoardError:
    """Say why the interpreter ended before the board was ready."""
    if status == Exit.NO_FILE_SYSTEM:
        return BoardError(
            "the board's flash holds no file system that MicroPython can mount",
            why="the image is damaged; it is left as it is",
            hint="look at it with littlefs-python, or move flash.bin away to start empty",
        )
    said = words.decode(errors="replace").strip()[-_LAST_WORDS:]
    return BoardError(
        "MicroPython ended before the board was up",
        why=f"exit status {status}" + (f", its last words: {said}" if said else ""),
        hint="rootlet board prepare",
    )
