"""What the front saw, as a log that a test or the demo can wait on."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rootlet.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_KEPT = 100_000  # events; a lab that runs for days forgets the oldest


@dataclass(frozen=True)
class Event:
    """One thing that happened to a connection at the front.

    ``kind``: ``open`` after a handshake with a client certificate, ``spoke`` when that client
    then sends its first bytes, so trusts us with them, ``refused`` after a failed handshake,
    ``closed`` after an open one, ``fault`` when the front has done on purpose what ``reason``
    says, ``full`` once when it has no descriptors left. ``number`` counts up from 1 over the life
    of the lab.
    """

    number: int
    kind: str
    peer: str = ""  #: the client's address and port
    sni: str | None = None  #: the server name that the client asked for
    tls: str = ""  #: such as ``TLSv1.2``
    cipher: str = ""  #: OpenSSL's name of the suite
    thing: str | None = None  #: common name of the client's certificate
    reason: str = ""  #: why it was refused: ``no-sni``, ``wrong-name``, or OpenSSL's words

    @property
    def family(self) -> str:
        """``rsa`` or ``ecc``: what the suite authenticated with; empty in TLS 1.3."""
        return {"ECDHE-RSA": "rsa", "ECDHE-ECDSA": "ecc"}.get(
            self.cipher.rpartition("-AES")[0], ""
        )


class EventLog:
    """The last 100,000 events, newest last; any thread may add, iterate or wait."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=_KEPT)
        self._last = 0
        self._changed = threading.Condition()
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call ``listener`` with each event from now on, in the thread that adds it."""
        self._listeners.append(listener)

    def add(self, details: dict[str, Any]) -> None:
        """Append an event made of the fields in ``details``."""
        with self._changed:
            self._last += 1
            event = Event(self._last, **details)
            self._events.append(event)
            self._changed.notify_all()
        for listener in self._listeners:
            listener(event)

    @property
    def last(self) -> int:
        """The number of the newest event: ``wait_for(..., after=log.last)`` sees only new ones."""
        with self._changed:
            return self._last

    def __iter__(self) -> Iterator[Event]:
        with self._changed:
            return iter(tuple(self._events))

    def wait_for(
        self, predicate: Callable[[Event], bool], timeout: float = 5.0, *, after: int = 0
    ) -> Event:
        """Return the first event past number ``after`` that satisfies ``predicate``.

        NetworkError after ``timeout`` seconds without one; it names what did happen.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for event in self._events:
                    if event.number > after and predicate(event):
                        return event
                after = max(after, self._last)
                if not self._changed.wait(deadline - time.monotonic()):
                    seen = [f"{each.kind} {each.reason}".strip() for each in self._events]
                    raise NetworkError(
                        f"the lab saw no such connection within {timeout:.0f} s",
                        why=f"it saw: {', '.join(seen[-5:]) or 'none'}",
                    )
