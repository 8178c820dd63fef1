"""A ladder: named looks in a fixed order, each with a fact to show or a failure that ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rootlet.errors import RootletError

if TYPE_CHECKING:
    from collections.abc import Iterator

_Patient = TypeVar("_Patient")
#: A name, and what looks: it returns a fact, or None where there is nothing to look at.
Step = tuple[str, Callable[[_Patient], str | None]]


@dataclass(frozen=True)
class Request:
    """What to look at. Empty values mean: what the board's own files say.

    ``bundle``, ``cert`` and ``key`` (DER) are what should be there; without a port they are what
    is tried. ``topic`` is published to and subscribed; ``fix`` holds ``clock`` and ``files``.
    """

    port: str = ""
    endpoint: str = ""
    thing: str = ""
    address: str = ""
    mqtt_port: int = 0
    bundle: bytes = b""
    cert: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    topic: str = ""
    fix: frozenset[str] = frozenset()


class Outcome(NamedTuple):
    """One step that was taken: ``fact`` when it passed, else ``error``; seconds that it took."""

    step: str
    fact: str
    error: RootletError | None
    seconds: float


def climb(
    steps: Sequence[Step[_Patient]], patient: _Patient, starting: Callable[[str], None]
) -> Iterator[Outcome]:
    """Yield what each step showed, up to and including the first that failed.

    ``starting`` is told the name of a step before it is taken.
    """
    for name, look in steps:
        starting(name)
        began = time.monotonic()
        try:
            fact = look(patient)
        except RootletError as error:
            yield Outcome(name, "", error, time.monotonic() - began)
            return
        if fact is not None:
            yield Outcome(name, fact, None, time.monotonic() - began)
