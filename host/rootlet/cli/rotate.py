"""``rootlet rotate``: newer bundles for boards and fleets that are in use."""

from __future__ import annotations

from pathlib import Path

import click

from rootlet import files, signing, standing
from rootlet.cli import groups, renew, rollout, rollout_status, show
from rootlet.cli.aws_options import Where, where_options
from rootlet.errors import InputError


@click.group(
    "rotate",
    cls=groups.Group,
    epilog="""\b
Examples:
  rootlet rotate offer --port auto pumps-7.rlt
  rootlet rotate status --target pumps --watch

Exit codes: 0 done, 2 bad input, 3 the answer is no, 4 board or port, 5 AWS.
""",
)
def command() -> None:
    """Offer a bundle to a board or roll it out to a fleet, and see what became of it."""


for _one in (rollout.plan, rollout.start, rollout.stop):
    command.add_command(_one)


command.add_command(renew.identity)


@command.command(
    epilog="""\b
Examples:
  rootlet rotate offer --port auto pumps-7.rlt
  rootlet rotate offer --port /dev/ttyUSB0 keys-2.rlk

Exit codes: 0 taken or there already, 2 bad input, 3 refused by the board, 4 board or port.
"""
)
@click.argument("file", metavar="NEW", type=click.Path(path_type=Path))
@click.option("--port", required=True, envvar="ROOTLET_PORT", help="auto, id:SERIAL, or a path.")
@show.json_option
def offer(file: Path, *, port: str, json_output: bool) -> None:
    """Offer a signed bundle or key set to a board, over its serial port.

    The board's own code decides, as it does over the air: the signatures count, not the cable.
    A bundle is tried with the board's next connection. Its program is started again.
    """
    from rootlet import rotate  # noqa: PLC0415 - slow to import

    answer = rotate.offer(port, files.read(file, signing.MAX_SIZE), str(file))
    if json_output:
        show.as_json("offer/1", {"port": port, "file": str(file), **vars(answer)})
    elif not answer.new:
        click.echo(f"{port}: there already, nothing written")
    elif answer.key_set:
        click.echo(f"{port}: taken, in force from now on; sign bundles under it")
    else:
        click.echo(f"{port}: taken; the board tries it with its next connection")
        click.echo(f" next: rootlet rotate status --port {port}")


@command.command(
    epilog="""\b
Examples:
  rootlet rotate status --port auto
  rootlet rotate status --target pumps --watch
  rootlet rotate status --target pumps --all --svg pumps.svg
  rootlet rotate status --job rl-pumps-1-7-add-f --json

Exit codes: 0 shown, 2 bad input, 3 the board cannot tell, or no such roll-out, 4 board or port,
5 AWS.
"""
)
@click.option("--port", envvar="ROOTLET_PORT", help="A board: auto, id:SERIAL, or a path.")
@click.option("--target", default="", help="A fleet, by its name.")
@click.option("--job", default="", help="One job of a fleet.")
@click.option("--all", "everything", is_flag=True, help="Also the jobs of the phases before.")
@click.option("--watch", is_flag=True, help="Look again every 10 s until all have confirmed.")
@click.option("--svg", type=click.Path(path_type=Path), help="Draw the newest set over time.")
@where_options
@show.json_option
def status(  # noqa: PLR0913 - one argument per option
    *,
    port: str | None,
    target: str,
    job: str,
    everything: bool,
    watch: bool,
    svg: Path | None,
    where: Where,
    json_output: bool,
) -> None:
    """Show what a board trusts, or how the roll-out to a fleet stands.

    With --port: slots, state, attempts, floor, keys, room and wear of a board; its program is
    interrupted for it and started again. With --target or --job: who has confirmed, who has not
    and why, asked of AWS IoT.
    """
    if target or job:
        rollout_status.fleet(
            where,
            target,
            job,
            everything=everything,
            watch=watch,
            svg=svg,
            json_output=json_output,
        )
    elif port is None:
        raise InputError(
            "whose status?", why="a board has a port, a fleet a name", hint="--port or --target"
        )
    else:
        _board(port, json_output=json_output)


def _board(port: str, *, json_output: bool) -> None:
    from rootlet import rotate  # noqa: PLC0415 - slow to import

    found = rotate.status(port)
    if json_output:
        show.as_json("rotation/1", {"port": port, **found})
        return
    show.table("", standing.COLUMNS, standing.slots(found))
    show.facts(standing.facts(found))
