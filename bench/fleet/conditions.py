"""What happens to which device, drawn by a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

#: Sequences of the three bundles: what the fleet has, one that cannot work, one that does.
OLD, BAD, GOOD = 1, 2, 3
RESET, STALL = "reset", "stall"
LIES, DIES = "lies", "dies"

_BAD_LINKS, _REBOOTS = 0.05, 0.02  # shares of the fleet
_LAST_CUT = 2000  # bytes from the server; with its certificates it has sent more
_WORST = 2  # trials in a row that a bad link spoils


@dataclass(frozen=True)
class Conditions:
    """What happens to one device.

    A bad ``link`` resets or stalls the connection of the first ``spoils`` trials of the good
    bundle, after ``cut`` bytes from the server. ``reboots``: the power goes in the first trial of
    each bundle, before the connection or, ``late``, after it. ``fault`` is what the checks must
    find: a device that ``lies`` that it has confirmed, or one whose program ``dies`` in the trial.
    """

    thing: str
    link: str = ""
    spoils: int = 0
    cut: int = 0
    reboots: bool = False
    late: bool = False
    fault: str = ""


def draw(size: int, seed: int, *, liars: int = 0, dead: int = 0) -> list[Conditions]:
    """Return the conditions of ``size`` devices: a device has one trouble at most."""
    chance = random.Random(seed)  # noqa: S311 - no secret: the same run again
    counts = (share(size, _BAD_LINKS), share(size, _REBOOTS), liars, dead)
    troubled = iter(chance.sample(range(size), sum(counts)))
    links, reboots, lie, die = ({next(troubled) for _ in range(each)} for each in counts)
    return [
        Conditions(
            thing=f"fleet-{number:04}",
            link=chance.choice((RESET, STALL)) if number in links else "",
            spoils=chance.randint(1, _WORST) if number in links else 0,
            cut=chance.randrange(_LAST_CUT),
            reboots=number in reboots,
            late=chance.random() < 0.5,
            fault=LIES if number in lie else DIES if number in die else "",
        )
        for number in range(size)
    ]


def share(size: int, part: float) -> int:
    """Return a share of the fleet, one device at least."""
    return max(1, round(part * size))
