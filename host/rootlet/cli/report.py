"""``rootlet report``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import files
from rootlet.cli import complete, costs, rollout_status, show
from rootlet.cli.aws_options import Where, where_options
from rootlet.cli.times import moment
from rootlet.errors import InputError
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from rootlet.board import Board
    from rootlet.diff import Side
    from rootlet.jobs import Name
    from rootlet.page import Report
    from rootlet.progress import Execution
    from rootlet.served import Served


@click.command(
    epilog="""\b
Examples:
  rootlet report --bundle pumps-7.rlt --board esp32 --html pumps-7.html
  rootlet report --port auto --html board.html
  rootlet report --port auto --thing pump-7 --html pump-7.html
  rootlet report --fleet pumps --html fleet.html --json

Exit codes: 0 written, 2 bad input, 3 the board cannot tell, or no such roll-out, 4 board or port,
5 AWS.
"""
)
@click.option("--bundle", "file", type=click.Path(path_type=Path), help="A bundle in a file.")
@click.option("--port", envvar="ROOTLET_PORT", help="A board: auto, id:SERIAL, or a path.")
@click.option("--fleet", "target", default="", metavar="NAME", help="A fleet, by its name.")
@click.option("--thing", default="", help="With --port: its jobs so far, from AWS IoT.")
@click.option(
    "--board",
    "board_id",
    shell_complete=complete.boards,
    help="What it is to fit: a board's id, or your own TOML file.  [default: ask the board]",
)
@click.option("--html", type=click.Path(path_type=Path), help="Write the page here.")
@click.option("--at", metavar="TIME", help="ISO 8601 or Unix seconds, UTC. Default: now.")
@where_options
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    file: Path | None,
    port: str | None,
    target: str,
    thing: str,
    board_id: str | None,
    html: Path | None,
    at: str | None,
    where: Where,
    json_output: bool,
) -> None:
    """Write one page: what is trusted, what that accepts, what it costs, when it ends.

    Of a bundle in a file, of a board with the state of its rotation and, with --thing, the jobs
    so far, or of a fleet with the roll-out. The page stands alone: no script, nothing that is
    loaded. It can be printed.
    """
    if (file is not None) + bool(target) + (port is not None and not (file or target)) != 1:
        raise InputError(
            "a report of what?",
            why="it is about one bundle, one board or one fleet",
            hint="--bundle FILE, --port PORT or --fleet NAME",
        )
    if thing and (file or target):
        raise InputError("--thing goes with --port", hint="--fleet NAME has all of its things")
    if html is None and not json_output:
        raise InputError("where to?", why="a report is a page", hint="--html FILE, or --json")
    if html and file and html.exists() and html.samefile(file):
        raise InputError(f"{html} is the bundle itself", hint="name another file with --html")
    found = _gather(
        file=file,
        port=port,
        target=target,
        thing=thing,
        board_id=board_id,
        where=where,
        at=moment(at) if at else datetime.now(UTC),
    )
    if html:
        from rootlet import page  # noqa: PLC0415 - slow to import

        files.write(html, page.draw(found).encode())
    if json_output:
        show.as_json("report/1", _document(found, html))
    else:
        _say(found, html)


def _gather(  # noqa: PLR0913 - one argument per option
    *,
    file: Path | None,
    port: str | None,
    target: str,
    thing: str,
    board_id: str | None,
    where: Where,
    at: datetime,
) -> Report:
    from rootlet import board as boards  # noqa: PLC0415 - slow to import
    from rootlet import report  # noqa: PLC0415

    board: Board | None = boards.load(board_id) if board_id else None
    if file:
        return report.of_file(files.read(file, layout.MAX_SIZE), str(file), at, board)
    if target:
        from rootlet import rollout  # noqa: PLC0415

        with show.progress("asking") as tell:
            jobs = rollout.survey(where.account(), target, "", everything=True, tell=tell)
        return report.of_fleet(jobs, at, board)
    assert port is not None  # noqa: S101 - one of the three is named
    history = _history(where, thing) if thing else []
    return report.of_board(port, at, board, history)


def _history(where: Where, thing: str) -> list[tuple[Name, Execution]]:
    from rootlet.aws import jobs  # noqa: PLC0415 - slow to import

    return jobs.history(where.account(), thing)


def _say(found: Report, html: Path | None) -> None:
    over = [line.what for line in found.costs if not line.fits]
    if over:
        click.echo(f"warning: it does not fit: {', '.join(over)}", err=True)
    if found.board is None and found.side is not None:
        click.echo("no costs: which board it is on is not known; --board ID", err=True)
    click.echo(f"wrote {html}")


def _document(found: Report, html: Path | None) -> dict[str, Any]:
    return {
        "name": found.name,
        "at": found.at.isoformat(),
        "html": str(html) if html else None,
        "board": found.board.id if found.board else None,
        "bundle": _bundle(found.side) if found.side else None,
        "served": [_served(one) for one in found.served],
        "costs": [costs.document(line) for line in found.costs],
        "rotation": dict(found.status) or None,
        "history": [_past(*one) for one in found.history],
        "jobs": [rollout_status.document(one) for one in found.rollout],
    }


def _past(name: Name, one: Execution) -> dict[str, Any]:
    from rootlet.progress import reason  # noqa: PLC0415 - see _gather

    return {
        "job_id": str(name),
        "key_set": name.key_set,
        "sequence": name.sequence,
        "phase": name.phase,
        "wave": name.wave,
        "status": one.status,
        "reason": reason(one.details) or None,
        "queued": one.queued.isoformat() if one.queued else None,
        "updated": one.updated.isoformat() if one.updated else None,
    }


def _bundle(side: Side) -> dict[str, Any]:
    return {
        "bytes": len(side.found.data),
        "target": side.found.target,
        "key_set": side.found.key_set,
        "sequence": side.found.sequence,
        "anchors": [
            {
                "name": one.label,
                "id": one.id or None,
                "form": one.form,
                "bytes": one.size,
                "not_after": one.certificate.not_after.isoformat(),
            }
            for one in side.anchors
        ],
        "covers": [
            {"chain": row.chain.name, "covered": row.covered, "because": row.because}
            for row in side.answers
        ],
    }


def _served(one: Served) -> dict[str, Any]:
    answers = {name: vars(answer) for name, answer in one.answers.items()}
    return {"service": one.service, "chain": one.chain, "answers": answers}
