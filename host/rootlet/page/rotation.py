"""What the page says of a rotation: on one board, and in a fleet, as they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet import chart, progress, standing
from rootlet.page import html

if TYPE_CHECKING:
    from datetime import datetime

    from rootlet.jobs import Name
    from rootlet.page import Report
    from rootlet.progress import Execution, Progress

_NO_HISTORY = (
    "The board keeps the state of now and no dates of what was before. "
    "What came to it by jobs is known to AWS IoT, and here where a thing was named."
)
_SOME = 12  # names of things that are written out


def board(report: Report) -> list[str]:
    """Return slots, state, floors and wear, and the jobs so far; nothing without a status."""
    if not report.status:
        return []
    columns = ("set", "phase", "wave", "state", "queued", "last word")
    past = html.table("Jobs, newest first", columns, [_past(*one) for one in report.history])
    return [
        html.facts(standing.facts(report.status)),
        html.table("Slots", standing.COLUMNS, standing.slots(report.status)),
        past if report.history else html.paragraph(_NO_HISTORY),
    ]


def _past(name: Name, one: Execution) -> tuple[str, ...]:
    return (
        f"{name.key_set}.{name.sequence}",
        name.phase,
        name.wave,
        f"{one.status} {progress.reason(one.details)}".strip(),
        _moment(one.queued),
        _moment(one.updated),
    )


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "-"


def fleet(report: Report) -> list[str]:
    """Return the picture of the newest set, a row for each job, and what failed."""
    found = report.rollout
    if not found:
        return []
    newest = [one for one in found if one.job.name.order == found[0].job.name.order]
    columns = ("job", "phase", "wave", "state", "confirmed", "since", "deadline")
    reasons = [
        (one.job.id, reason, f"{len(things):,}", _some(things))
        for one in found
        for reason, things in one.reasons.items()
    ]
    failed = html.table("What failed, and why", ("job", "reason", "things", "names"), reasons)
    return [
        f"<figure>{chart.draw(newest, report.at)}</figure>",
        html.table("Jobs, newest first", columns, [_job(one) for one in found]),
        failed
        if reasons
        else html.paragraph("No thing has reported a failure that still stands."),
    ]


def _job(one: Progress) -> tuple[str, ...]:
    job = one.job
    words = f"{len(one.confirmed):,} of {len(one.things):,} ({one.share:.1%})"
    return (
        job.id,
        job.name.phase,
        job.name.wave,
        f"{job.status}: {job.reason}" if job.reason else job.status,
        html.bar(words, one.share),
        _moment(job.created),
        str(job.deadline or "-"),
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SOME:,} more" if len(names) > _SOME else ""
    return ", ".join(names[:_SOME]) + more
