"""How ``rootlet rotate status`` shows a fleet: tables, bars, a picture, one JSON document."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from rootlet import files
from rootlet.cli import show

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rootlet.cli.aws_options import Where
    from rootlet.progress import Progress

_EVERY = 10  # seconds between two looks of --watch
_BAR = 30
_COLUMNS = ("job", "state", "confirmed", "of", "share", "begun", "queued", "failed")
#: Of a job; the others by their own name.
_STATES = {"IN_PROGRESS": "running", "DELETION_IN_PROGRESS": "being deleted"}
_SOME = 4  # names of things that a line shows


def fleet(  # noqa: PLR0913 - one argument per option
    where: Where,
    target: str,
    job: str,
    *,
    everything: bool,
    watch: bool,
    svg: Path | None,
    json_output: bool,
) -> None:
    """Show how the jobs of a fleet stand, once or until they have ended."""
    from rootlet import rollout  # noqa: PLC0415 - help must not load the library

    account = where.account()

    def look() -> list[Progress]:
        with show.progress("asking") as tell:
            return rollout.survey(account, target, job, everything=everything, tell=tell)

    found = look()
    while watch and _goes_on(found):
        if not json_output:  # that is one document, of the end
            _draw(found, svg)
        time.sleep(_EVERY)
        found = look()
    _draw(found, svg, json_output=json_output)


def _goes_on(found: Sequence[Progress]) -> bool:
    return any(one.job.active and one.unconfirmed for one in found)


def _draw(found: Sequence[Progress], svg: Path | None, *, json_output: bool = False) -> None:
    now = datetime.now(UTC)
    if svg is not None:
        from rootlet import chart  # noqa: PLC0415

        newest = [one for one in found if one.job.name.order == found[0].job.name.order]
        files.write(svg, chart.draw(newest, now).encode())
    if json_output:
        show.as_json(
            "rollout/1", {"at": now.isoformat(), "jobs": [document(one) for one in found]}
        )
        return
    click.clear()  # on a terminal only
    show.table("", _COLUMNS, [_row(one) for one in found])
    for one in found:
        _show_one(one, now)


def _row(one: Progress) -> tuple[str, ...]:
    counts = one.counts
    failed = sum(map(len, one.reasons.values()))
    queued = counts.get("QUEUED", 0) + len(one.waiting)
    return (
        one.job.id,
        _STATES.get(one.job.status, one.job.status.lower()),
        f"{len(one.confirmed):,}",
        f"{len(one.things):,}",
        f"{one.share:.1%}",
        f"{counts.get('IN_PROGRESS', 0):,}",
        f"{queued:,}",
        f"{failed:,}",
    )


def _show_one(one: Progress, now: datetime) -> None:
    full = round(one.share * _BAR)
    blocks = ("#", ".") if not sys.stdout.isatty() else ("█", "░")
    click.echo(f"{one.job.id} {blocks[0] * full}{blocks[1] * (_BAR - full)} {one.share:.1%}")
    if one.job.reason:
        show.paragraph(f"{one.job.status}: {one.job.reason}", "  ")
    if one.late:
        click.echo(f"  {len(one.late):,} of them confirmed after they had reported a failure")
    for reason, things in one.reasons.items():
        show.paragraph(f"{reason}: {len(things):,}: {_some(things)}", "  ")
    if one.unread:
        click.echo(f"  {one.unread:,} more failures were not asked for their reason")
    if one.job.deadline and one.unconfirmed:
        over = now.date() > one.job.deadline
        show.paragraph(
            f"deadline {one.job.deadline}{' IS OVER' if over else ''}: {len(one.unconfirmed):,} "
            f"have not confirmed: {_some(one.unconfirmed)}"
            + (
                "; take their certificates: rootlet aws certs deactivate thing/NAME"
                if over
                else ""
            ),
            "  ",
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SOME:,} more" if len(names) > _SOME else ""
    return ", ".join(names[:_SOME]) + more


def document(one: Progress) -> dict[str, Any]:
    """Return a job and how it stands, for machines."""
    job = one.job
    return {
        "job_id": job.id,
        "target": job.bundle.target,
        "key_set": job.name.key_set,
        "sequence": job.name.sequence,
        "phase": job.name.phase,
        "wave": job.name.wave,
        "status": job.status,
        "reason": job.reason or None,
        "created": job.created.isoformat(),
        "deadline": job.deadline.isoformat() if job.deadline else None,
        "things": len(one.things),
        "confirmed": len(one.confirmed),
        "share": one.share,
        "counts": one.counts,
        "waiting": len(one.waiting),
        "late": sorted(one.late),
        "reasons": one.reasons,
        "unread": one.unread,
        "unconfirmed": one.unconfirmed,
    }
