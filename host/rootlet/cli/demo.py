"""``rootlet demo``."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from rootlet.cli import show


@click.command(
    epilog="""\b
Examples:
  rootlet demo
  rootlet demo --json

Exit codes: 0 every step was observed, 1 one was not, 4 no virtual board.
"""
)
@show.json_option
def command(*, json_output: bool) -> None:
    """Run the whole job on a virtual board and watch it.

    Builds a bundle, flashes a board, connects it over verified TLS to an endpoint shaped like
    AWS IoT, and shows what is refused. Needs no hardware, account or internet; leaves nothing.
    """
    from rootlet import demo  # noqa: PLC0415 - help must not load the lab and the board
    from rootlet.boardio import micropython  # noqa: PLC0415

    began = time.monotonic()
    with show.progress("MicroPython") as progress:
        micropython.prepare(progress)
    done = []
    with tempfile.TemporaryDirectory(prefix="rootlet-demo-") as folder:
        for step in demo.run(Path(folder)):
            done.append(step)
            if not json_output:
                show.step(step.what, step.seen, step.seconds)
    seconds = time.monotonic() - began
    if json_output:
        steps = [{"what": s.what, "seen": s.seen, "seconds": round(s.seconds, 2)} for s in done]
        show.as_json("demo/1", {"ok": True, "seconds": round(seconds, 1), "steps": steps})
    else:
        click.echo(f"all {len(done)} steps observed in {seconds:.0f} s")
