"""Pages of each kind of report, for tests that look at them: no board and no fleet is asked.

What comes from outside, things and boards, brings markup along.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import rollout_cases as cases
from rootlet import board, jobs, page, report
from rootlet.bundle import sha256
from rootlet.progress import Execution, Job, Progress
from rootlet.rotate import Held

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2027, 1, 1, 8, tzinfo=UTC)
HOSTILE = "<img src=http://evil.example/x onerror=alert(1)>"
MARKUP = ("<script>alert(1)</script>", '"onload="alert(1)', HOSTILE)


def bundle() -> page.Report:
    """Return the report of a bundle on an ESP32."""
    made = cases.make(2, (*cases.BOTH, "starfield-g2"))
    return report.of_file(bytes(made.data), "pumps-2.rlt", AT, board.load("esp32"))


def status() -> dict[str, Any]:
    """Return what a board says of its rotation, as docs/rotation.md has it."""
    found = cases.make(2)
    slot = {
        "sha256": sha256(found.data),
        "bytes": len(found.data),
        "target": "pumps",
        "key_set": 1,
        "sequence": 2,
        "created": found.created,
        "flags": 0,
        "anchors": 2,
    }
    return {
        "slots": [
            {"slot": "ta", "role": "active", "bundle": slot},
            {
                "slot": "tb",
                "role": "damaged",
                "bundle": {"sha256": "0" * 64, "bytes": 9, "fault": MARKUP[0]},
            },
        ],
        "factory": None,
        "state": "idle",
        "reason": HOSTILE,
        "attempts": 0,
        "floor": [1, 2],
        "time_floor": found.created,
        "next_try": 0,
        "keys": 1,
        "signers": {"threshold": 2, "keys": 3},
        "target": "pumps",
        "last_bad": "0" * 32,
        "free": 1_900_000,
        "writes": 12,
    }


def of_board() -> page.Report:
    """Return the report of a board that has such a status."""
    held = Held(bytes(cases.make(2).data), status(), "Generic ESP32 module with ESP32")
    began = AT - timedelta(days=9)
    past = [
        Execution("pump-7", "FAILED", began, began, AT, 1, {"reason": HOSTILE}),
        Execution("pump-7", "SUCCEEDED", began, None, None, 1, {"reason": "confirmed"}),
    ]
    names = [jobs.Name("pumps", 1, number, "add", jobs.FLEET) for number in (3, 2)]
    history = list(zip(names, past, strict=True))
    return report.of_held(held, "/dev/ttyUSB0", AT, history=history)


def fleet() -> page.Report:
    """Return the report of a fleet of nine, of which one has failed and one was late."""
    began = AT - timedelta(hours=2)
    name = jobs.Name("pumps", 1, 2, "add", jobs.FLEET)
    job = Job(
        str(name), name, "IN_PROGRESS", (), cases.make(2), began, MARKUP[1], date(2027, 2, 1)
    )

    def done(number: int, state: str, **details: str) -> Execution:
        at = began + timedelta(minutes=9 * number)
        return Execution(f"pump-{number}", state, began, began, at, 1, details)

    executions = [done(number, "SUCCEEDED") for number in range(6)]
    executions += [done(6, "FAILED", reason=HOSTILE), done(7, "FAILED", reason="parked")]
    executions.append(Execution(MARKUP[0], "QUEUED", began))
    found = {one.thing: one for one in executions}
    return report.of_fleet([Progress(job, found, late=frozenset({"pump-7"}))], AT)


def empty() -> page.Report:
    """Return the report of a board that has no bundle."""
    return report.of_held(Held(b"", status(), "a board with ESP32"), "/dev/ttyUSB0", AT)


REPORTS: dict[str, Callable[[], page.Report]] = {
    "bundle": bundle,
    "board": of_board,
    "fleet": fleet,
    "empty": empty,
}
PAGES: dict[str, Callable[[], str]] = {
    name: lambda make=make: page.draw(make())  # type: ignore[misc]
    for name, make in REPORTS.items()
}
