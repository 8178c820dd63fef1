"""``rootlet rotate identity``: a board's next certificate and key."""

from __future__ import annotations

from pathlib import Path

import click

from rootlet import files
from rootlet.cli import show
from rootlet.errors import InputError

_MAX_FILE = 65_536


@click.command(
    epilog="""\b
Examples:
  rootlet rotate identity --port auto --cert pump-7-new.crt --key pump-7-new.key
  rootlet rotate identity --port auto

Exit codes: 0 taken, there already, or shown; 2 bad input; 3 refused; 4 board or port.
"""
)
@click.option("--port", required=True, envvar="ROOTLET_PORT", help="auto, id:SERIAL, or a path.")
@click.option("--cert", type=click.Path(path_type=Path), help="The certificate, PEM or DER.")
@click.option("--key", type=click.Path(path_type=Path), help="Its private key, PEM or DER.")
@show.json_option
def identity(port: str, cert: Path | None, key: Path | None, *, json_output: bool) -> None:
    """Give a board its next certificate and key, or show which it uses.

    The board tries them with its next connection, under a program that renews (docs/gateway.md),
    and keeps the old ones until that has worked: deactivate the old certificate then, not before.
    """
    from rootlet import identity as identities  # noqa: PLC0415 - slow to import
    from rootlet import rotate  # noqa: PLC0415 - slow to import

    if (cert is None) != (key is None):
        raise InputError(
            "a certificate and its key belong together",
            why="--cert or --key is missing",
            hint="give both, or neither to see what the board uses",
        )
    pair = (b"", b"")
    if cert is not None and key is not None:
        der = identities.read_certificate(files.read(cert, _MAX_FILE), str(cert))
        pair = (der, identities.read_key(files.read(key, _MAX_FILE), str(key), der))
    found = rotate.identity(port, *pair)
    if json_output:
        show.as_json("identity/1", {"port": port, **found})
    elif cert is None:
        show.facts(
            {
                "state": found["state"],
                "reason": found["reason"] or "-",
                "certificate": found["active"],
                "the one before": found["previous"] or "-",
            }
        )
    elif not found["new"]:
        click.echo(f"{port}: there already, nothing written")
    else:
        click.echo(f"{port}: taken; the board tries it with its next connection")
        click.echo(f" next: rootlet rotate identity --port {port}")
