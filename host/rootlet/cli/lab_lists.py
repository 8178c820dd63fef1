"""``rootlet lab pki`` and ``rootlet lab scenarios``: what the lab is made of and can do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rootlet.cli import show

if TYPE_CHECKING:
    from rootlet.lab.scenarios import Scenario


@click.command(
    epilog="""\b
Examples:
  rootlet lab pki -o lab-pki
  rootlet lab pki -o lab --region us-east-1 --thing pump-7

Exit codes: 0 written, 2 the folder is not empty, or cannot be written.
"""
)
@click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A new or empty folder.",
)
@click.option("--region", default="eu-west-1", show_default=True, help="In the server's names.")
@click.option("--thing", default="lab-thing", show_default=True, help="The client.")
@show.json_option
def pki(folder: Path, region: str, thing: str, json_output: bool) -> None:
    """Write the lab's hierarchy for other tools: roots, chains, one client, all keys."""
    from rootlet.lab import written  # noqa: PLC0415 - commands load what they use

    files = written.write(folder, f"iot.{region}.amazonaws.com", thing)
    if json_output:
        show.as_json("lab-pki/1", {"folder": str(folder), "files": [str(each) for each in files]})
        return
    click.echo(f"wrote {len(files)} files to {folder}: see its README.txt")
    click.echo(f"next: rootlet lab up --dir {folder}")


@click.command(
    "scenarios",
    epilog="""\b
Examples:
  rootlet lab scenarios
  rootlet lab scenarios --json

Exit codes: 0 listed.
""",
)
@show.json_option
def scenarios(json_output: bool) -> None:
    """List what the lab can do, and what a correct client does about it."""
    from rootlet.lab import scenarios as known  # noqa: PLC0415 - commands load what they use

    found = known.all()
    if json_output:
        rows = [
            {
                "name": each.name,
                "expect": "refuse" if codes(each) else "accept",
                "codes": codes(each),
                "needs": list(each.needs),
                "summary": each.summary(),
            }
            for each in found
        ]
        show.as_json("lab-scenarios/1", {"scenarios": rows})
        return
    table = [(each.name, " or ".join(codes(each)) or "accept", each.summary()) for each in found]
    show.table("", ("scenario", "a correct client", "what happens"), table)


def codes(scenario: type[Scenario]) -> list[str]:
    """Return what a correct client may report, as it prints it; nothing if it connects."""
    return [f"E-{code}" for code in getattr(scenario.expect, "codes", ())]
