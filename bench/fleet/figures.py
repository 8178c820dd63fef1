"""What a run took, in figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet.children import Traffic


@dataclass(frozen=True)
class Figures:
    """What a run took. Bytes are those of a device, the mean of all; times are seconds."""

    devices: int
    processes: int
    broker: str
    connecting: float
    rotating: float  #: from the good job's creation to the last SUCCEEDED
    whole: float
    rate: float  #: devices a second that succeeded in ``rotating``
    connect_up: float
    connect_down: float
    rotate_up: float
    rotate_down: float
    cpu: float  #: processor seconds of a device's rotation, the lab's part included
    memory: int  #: bytes: the most of every process, added up
    aborted_after: int  #: devices that had the bad job
    late: int  #: devices that confirmed after they had reported a failure


class Mark(NamedTuple):
    """How far things were at one moment."""

    time: float
    cpu: float
    traffic: dict[str, Traffic]


def mean(values: Iterable[float]) -> float:
    """Return the mean."""
    held = list(values)
    return sum(held) / len(held)
