"""What the page says of a rotation: on one board, and in a fleet, as they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rootlet import chart, standing
from rootlet.page import html

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rootlet.page import Report
    from rootlet.progress import Progress

_SOME = 12  # names of things that are written out


def board(status: Mapping[str, Any]) -> list[str]:
    """Return slots, state, floors and wear; nothing without a status."""
    if not status:
        return []
    return [
        html.facts(standing.facts(status)),
        html.table("Slots", standing.COLUMNS, standing.slots(status)),
    ]


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
        f"{job.created:%Y-%m-%d %H:%M}",
        str(job.deadline or "-"),
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SOME:,} more" if len(names) > _SOME else ""
    return ", ".join(names[:_SOME]) + more
