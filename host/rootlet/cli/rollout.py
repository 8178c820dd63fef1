"""``rootlet rotate plan``, ``start`` and ``stop``: a newer set for a fleet, phase by phase."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import bundle, files
from rootlet.cli import show, times
from rootlet.cli.aws_options import Where, confirm, where_options, yes_option
from rootlet.cli.key import load_key_set
from rootlet.errors import InputError
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from rootlet import jobs
    from rootlet.plan import Plan
    from rootlet.rollout import Call, Started, Wish

_PATH = click.Path(path_type=Path)
_MAX_PLAN = 1 << 20


def _read(path: Path) -> layout.Bundle:
    return bundle.decode(files.read(path, layout.MAX_SIZE), str(path))


@click.command(
    "plan",
    epilog="""\b
Examples:
  rootlet rotate plan pumps-6.rlt goal.rlt -o plan.json
  rootlet rotate plan pumps-6.rlt goal.rlt --gate 99.5 --json
  rootlet rotate plan pumps-6.rlt goal.rlt --revoke-now -o plan.json

Exit codes: 0 planned, 2 bad input or nothing to do, 3 a phase does not fit into a bundle.
""",
)
@click.argument("old", type=_PATH)
@click.argument("new", type=_PATH)
@click.option("-o", "--output", type=_PATH, help="Write it here, for rootlet rotate start.")
@click.option(
    "--gate",
    default=99.0,
    show_default=True,
    type=click.FloatRange(0, 100, min_open=True),
    help="Percent of the things that must have confirmed a phase before the next.",
)
@click.option("--revoke-now", is_flag=True, help="An old key is stolen: one phase, no way back.")
@show.json_option
def plan(  # noqa: PLR0913 - one argument per option
    *,
    old: Path,
    new: Path,
    output: Path | None,
    gate: float,
    revoke_now: bool,
    json_output: bool,
) -> None:
    """Plan the way from the bundle that a fleet has to the anchors of another.

    NEW says only where to go; it need not be signed. Each phase is built and signed when its gate
    is open, and not before: what is signed can be delivered by whoever can publish.
    """
    from rootlet import plan as plans  # noqa: PLC0415 - loads the reading of certificates

    made = plans.make(_read(old), _read(new), gate=gate / 100, revoke=revoke_now)
    if output:
        files.write(output, made.encode())
    if json_output:
        document = {key: value for key, value in made.document().items() if key != "schema"}
        show.as_json("plan/1", document)
    else:
        _show_plan(made, output)


def _show_plan(made: Plan, output: Path | None) -> None:
    from rootlet import plan as plans  # noqa: PLC0415

    rows = [
        (one.name, ", ".join(each.label for each in one.anchors), one.profile, str(one.size))
        for one in made.phases
    ]
    show.table(f"Phases for {made.target}", ("phase", "anchors", "profile", "bytes"), rows)
    today = datetime.now(UTC).date()
    ends = [
        (one.day.isoformat(), one.label, one.what, _what_now(one.removed, one.day < today))
        for one in made.calendar
    ]
    show.table("Calendar", ("day", "anchor", "what", ""), ends)
    for one in made.phases:
        before = made.before(one)
        gate = f"once {made.gate:.1%} have confirmed {before.name}: " if before else ""
        click.echo(f"{one.name}: {one.why}")
        show.paragraph(f"{gate}{plans.build_command(made, one)}", "    ")
    if output:
        click.echo(f"{output}: written; build and sign the first phase, then")
        click.echo(f" next: rootlet rotate start {output} BUNDLE.rlt --canary thinggroup/NAME ...")


def _what_now(removed: bool, over: bool) -> str:
    return f"{'leaves' if removed else 'stays'}{', over already' if over else ''}"


def _pace_options(function: Any) -> Any:
    """Add the options of a job's pace, its end and its schedule."""
    for option in reversed(
        (
            click.option(
                "--rate", metavar="FROM:MOST", default="10:500", show_default=True,
                help="Things a minute: at first, and at most.",
            ),
            click.option(
                "--factor", default=2.0, show_default=True, help="By which the rate grows ..."
            ),
            click.option(
                "--grow-after", default=20, show_default=True, metavar="THINGS",
                help="... each time that many more have succeeded.",
            ),
            click.option(
                "--abort-percent", default=5.0, show_default=True,
                help="Stop by itself when so many of those that ended have failed ...",
            ),
            click.option(
                "--abort-after", type=int, metavar="THINGS",
                help="... and so many have ended.  [default: 20, canaries 1]",
            ),
            click.option(
                "--timeout", default=1440, show_default=True, metavar="MINUTES",
                help="For a thing that has begun.",
            ),
            click.option(
                "--retries", default=2, show_default=True, help="Of things that timed out."
            ),
            click.option("--start", "starts", metavar="TIME", help="UTC, 2027-01-31T06:00."),
            click.option("--end", "ends", metavar="TIME", help="Hand out no more after."),
            click.option(
                "--window", "windows", multiple=True, metavar="CRON;MINUTES",
                help="Hand out then only: 'cron(0 2 * * ? *);120'.",
            ),
        )
    ):  # fmt: skip
        function = option(function)
    return function


@click.command(
    "start",
    epilog="""\b
Examples:
  rootlet rotate start plan.json pumps-7.rlt --key-set keys-1.rlk --canary thinggroup/bench
  rootlet rotate start plan.json pumps-7.rlt --key-set keys-1.rlk --to thinggroup/pumps --dry-run
  rootlet rotate start plan.json pumps-9.rlt --key-set keys-1.rlk --to thinggroup/pumps
      --recovery-url http://updates.example.com/rootlet --deadline 2027-01-31

Exit codes: 0 started, or running already, 2 bad input, 3 a gate is closed, 5 AWS.
""",
)
@click.argument("plan_file", metavar="PLAN", type=_PATH)
@click.argument("bundle_file", metavar="BUNDLE", type=_PATH)
@click.option("--key-set", "key_set", required=True, type=_PATH, metavar="KEYS.rlk")
@click.option("--canary", "canaries", multiple=True, metavar="TARGET", help="Try it on these.")
@click.option("--to", "fleet", multiple=True, metavar="TARGET", help="Roll it out to these.")
@click.option("--send-keys", multiple=True, type=_PATH, metavar="KEYS.rlk", help="Key sets along.")
@click.option("--no-canary", is_flag=True, help="Roll out what no canary has tried.")
@click.option("--single-key", is_flag=True, help="Accept that one key alone decides.")
@click.option("--recovery-url", default="", metavar="URL", help="Where devices find it over HTTP.")
@click.option(
    "--deadline",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="To confirm a last phase.  [default: in 30 days]",
)
@click.option("--again", is_flag=True, help="Another job, after one that was cancelled.")
@click.option("--dry-run", is_flag=True, help="Print the calls to AWS and make none.")
@_pace_options
@where_options
@show.json_option
def start(*, dry_run: bool, where: Where, json_output: bool, **given: Any) -> None:
    """Roll a phase's signed bundle out by an AWS IoT job: to canaries, then to a fleet.

    A TARGET is thing/NAME, thinggroup/NAME or an ARN. The same command again starts nothing twice.
    Whether its gate is open, AWS IoT is asked: who has confirmed the phase before, and which
    canaries this very bundle. A roll-out stops itself when too many things fail.
    """
    from rootlet import rollout  # noqa: PLC0415 - help must not load what reads bundles

    now = datetime.now(UTC)
    wish = rollout.check(_wish(**given), now)
    if dry_run:
        _show_calls(rollout.calls(wish, now, _some_arn(where)), json_output=json_output)
        return
    with show.progress("gates") as tell:
        started = rollout.start(wish, where.account(), now, tell)
    _show_started(wish, started, json_output=json_output)


def _wish(  # noqa: PLR0913 - one argument per option
    *,
    plan_file: Path,
    bundle_file: Path,
    key_set: Path,
    canaries: tuple[str, ...],
    fleet: tuple[str, ...],
    send_keys: tuple[Path, ...],
    no_canary: bool,
    single_key: bool,
    recovery_url: str,
    deadline: datetime | None,
    again: bool,
    **pace: Any,
) -> Wish:
    from rootlet import jobs, rollout  # noqa: PLC0415 - see start
    from rootlet import plan as plans  # noqa: PLC0415

    if bool(canaries) == bool(fleet):
        raise InputError(
            "name whom to start with", why="one wave at a time", hint="--canary or --to"
        )
    return rollout.Wish(
        plan=plans.decode(files.read(plan_file, _MAX_PLAN), str(plan_file)),
        bundle=_read(bundle_file),
        keys=load_key_set(key_set),
        targets=canaries or fleet,
        wave=jobs.CANARY if canaries else jobs.FLEET,
        pace=_pace(canary=bool(canaries), **pace),
        key_sets=tuple(bytes(load_key_set(one).data) for one in send_keys),
        single_key=single_key,
        without_canary=no_canary,
        recovery_url=recovery_url,
        deadline=deadline.date() if deadline else None,
        again=again,
    )


def _pace(  # noqa: PLR0913 - one argument per option
    *,
    canary: bool,
    rate: str,
    abort_after: int | None,
    starts: str | None,
    ends: str | None,
    windows: tuple[str, ...],
    **more: Any,
) -> jobs.Pace:
    from rootlet import jobs  # noqa: PLC0415

    base, _, most = rate.partition(":")
    if not (base.isascii() and base.isdecimal() and most.isascii() and most.isdecimal()):
        raise InputError(f"--rate {rate!r}", why="it is FROM:MOST, things a minute", hint="10:500")
    return jobs.Pace(
        base=int(base[:9]),
        most=int(most[:9]),
        abort_after=abort_after if abort_after is not None else 1 if canary else 20,
        starts=times.moment(starts, "--start") if starts else None,
        ends=times.moment(ends, "--end") if ends else None,
        windows=tuple(_window(one) for one in windows),
        **more,
    )


def _window(text: str) -> jobs.Window:
    from rootlet import jobs  # noqa: PLC0415

    begins, _, minutes = text.rpartition(";")
    if not begins.startswith("cron(") or not minutes.strip().isdecimal():
        raise InputError(
            f"--window {text!r}",
            why="it is a cron expression of AWS, a semicolon, and minutes",
            hint="--window 'cron(0 2 * * ? *);120'",
        )
    return jobs.Window(begins.strip(), int(minutes[:9]))


def _some_arn(where: Where) -> str:
    """Return what stands before targets when nobody is asked for the account's number."""
    region = where.account().region
    return f"arn:aws:iot:{region}:${{Account}}:"


def _show_calls(calls: list[Call], *, json_output: bool) -> None:
    if json_output:
        show.as_json("calls/1", {"calls": [vars(one) for one in calls]})
        return
    import json  # noqa: PLC0415

    for one in calls:
        click.echo(f"{one.service} {one.operation} {json.dumps(one.parameters, indent=2)}")
    click.echo("nothing was called; gates are asked for between ListJobs and CreateJob", err=True)


def _show_started(wish: Wish, started: Started, *, json_output: bool) -> None:
    target = wish.bundle.target
    if json_output:
        ends = started.deadline.isoformat() if started.deadline else None
        show.as_json("rollout-started/1", {**vars(started), "deadline": ends, "target": target})
        return
    new = "started" if started.new else "there already, nothing started"
    click.echo(f"{started.job_id}: {new}")
    if started.deadline:
        _show_deadline(started.deadline)
    for one in started.superseded:
        click.echo(f"its bundle is out of date now, stop it: rootlet rotate stop {one}")
    click.echo(f" next: rootlet rotate status --target {target} --watch")


def _show_deadline(day: date) -> None:
    show.paragraph(
        f"deadline {day}: things that have not confirmed by then should lose their certificates, "
        "because an attacker who blocks them keeps them on the old set: rootlet aws certs "
        "deactivate thing/NAME",
        "",
    )


@click.command(
    "stop",
    epilog="""\b
Examples:
  rootlet rotate stop rl-pumps-1-7-add-f
  rootlet rotate stop rl-pumps-1-7-add-f --dry-run

Exit codes: 0 stopped, 2 bad input or ended already, 5 AWS.
""",
)
@click.argument("job")
@click.option("--force", is_flag=True, help="Also things that are in the middle of it.")
@click.option("--comment", default="stopped by hand", show_default=True, help="Why, for others.")
@click.option("--dry-run", is_flag=True, help="Print the call to AWS and make none.")
@yes_option
@where_options
@show.json_option
def stop(  # noqa: PLR0913 - one argument per option
    *,
    job: str,
    force: bool,
    comment: str,
    dry_run: bool,
    yes: bool,
    where: Where,
    json_output: bool,
) -> None:
    """Cancel a job: nobody gets it any more, and who is in the middle of it finishes.

    What things have confirmed stays; a candidate that a thing has parked goes on being tried.
    """
    from rootlet import rollout  # noqa: PLC0415

    call = rollout.stopping(job, force=force, comment=comment)
    if dry_run:
        _show_calls([call], json_output=json_output)
        return
    if force:
        confirm(f"stop {job} on things that are in the middle of a trial?", yes=yes)
    where.account().iot.call(call.operation, **call.parameters)
    if json_output:
        show.as_json("rollout-stopped/1", {"job_id": job, "force": force})
        return
    click.echo(f"{job}: stopped")
