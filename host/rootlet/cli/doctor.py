"""``rootlet doctor``."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import files
from rootlet.cli import show

if TYPE_CHECKING:
    from rootlet.doctor import Outcome, Request

_PARTLY = "name and port passed; to try more, give --bundle, --cert, --key and --thing"
_MAX_FILE = 1 << 16
_WORD = 8  # columns of the outcome
_NAME = 11  # columns of the step


@click.command(
    epilog="""\b
Examples:
  rootlet doctor --port auto
  rootlet doctor --port /dev/ttyUSB0 --fix clock
  rootlet doctor --port auto --fix files --bundle ecc.rlt
  rootlet doctor --endpoint a1b2c3-ats.iot.eu-west-1.amazonaws.com --bundle both.rlt \\
      --cert pump-7.crt --key pump-7.key --thing pump-7

Exit codes: 0 all passed, 2 bad input, 3 trust (clock, roots, name, files, programs),
4 board or port, 5 network, or the service refuses. docs/errors.md has each code.
"""
)
@click.option("--port", envvar="ROOTLET_PORT", default="", help="auto, id:SERIAL, or a path.")
@click.option("--endpoint", default="", help="Host name to try instead of the board's own.")
@click.option("--thing", default="", help="Thing name; also the MQTT client id.")
@click.option("--address", default="", help="Connect here instead (a gateway, a lab).")
@click.option("--mqtt-port", type=click.IntRange(1, 65535), help="Default: 8883.")
@click.option("--bundle", type=click.Path(path_type=Path), help="The bundle that must be there.")
@click.option("--cert", type=click.Path(path_type=Path), help="Device certificate, PEM or DER.")
@click.option("--key", type=click.Path(path_type=Path), help="Its private key, PEM or DER.")
@click.option("--topic", default="", help="Default: rootlet/doctor/THING.")
@click.option(
    "--fix", multiple=True, type=click.Choice(["clock", "files"]), help="What may be mended."
)
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    port: str,
    endpoint: str,
    thing: str,
    address: str,
    mqtt_port: int | None,
    bundle: Path | None,
    cert: Path | None,
    key: Path | None,
    topic: str,
    fix: tuple[str, ...],
    json_output: bool,
) -> None:
    """Find out why a board does not connect, one step after the other.

    It goes from the port up to an MQTT message that the service acknowledges, stops at the first
    failure, and says what mends it. Nothing is written without --fix; the board's program is
    stopped meanwhile and started again. Without --port, this computer is tried with the files
    that are given: a gateway, or a device that is not there yet.
    """
    from rootlet import doctor  # noqa: PLC0415 - help must not load it

    request = doctor.Request(
        port=port,
        endpoint=endpoint,
        thing=thing,
        address=address,
        mqtt_port=mqtt_port or 0,
        bundle=_read(bundle),
        cert=_read(cert),
        key=_read(key),
        topic=topic,
        fix=frozenset(fix),
    )
    outcomes = _climb(request, quiet=json_output)
    failed = outcomes[-1].error
    if json_output:
        show.as_json("doctor/1", _document(request, outcomes))
    if failed is not None:
        raise failed
    if not json_output:
        click.echo("everything passed" if doctor.is_whole(request) else _PARTLY)


def _read(path: Path | None) -> bytes:
    return files.read(path, _MAX_FILE) if path else b""


def _climb(request: Request, *, quiet: bool) -> list[Outcome]:
    """Take the steps and print each as it ends; below them, on a terminal, what runs now."""
    from rootlet import doctor  # noqa: PLC0415 - help must not load it

    found: list[Outcome] = []
    patient, steps = doctor.patient(request)
    with show.progress("doctor") as progress, patient:

        def starting(name: str) -> None:
            progress(len(found), len(steps), name)

        for outcome in doctor.climb(steps, patient, starting):
            found.append(outcome)
            if not quiet:
                _print(outcome)
    return found


def _print(outcome: Outcome) -> None:
    code = outcome.error.code if outcome.error else ""
    word = click.style(f"{'ok':<{_WORD}}", fg="green")
    if outcome.error:
        word = click.style(f"{'FAILED':<{_WORD}}", fg="red")
    fact = outcome.fact or (f"E-{code}" if code else outcome.error.what if outcome.error else "")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    room = max(width - _WORD - _NAME, 20)
    gap = "\n" + " " * (_WORD + _NAME)
    lines = textwrap.wrap(fact, room, break_on_hyphens=False) or [""]
    show.above_the_bar(f"{word}{outcome.step:<{_NAME}}{gap.join(lines)}")


def _document(request: Request, outcomes: list[Outcome]) -> dict[str, Any]:
    from rootlet import doctor  # noqa: PLC0415 - help must not load it

    return {
        "port": request.port or None,
        "passed": outcomes[-1].error is None,
        "whole": doctor.is_whole(request),
        "code": outcomes[-1].error.code or None if outcomes[-1].error else None,
        "steps": [
            {
                "step": one.step,
                "passed": one.error is None,
                "fact": one.fact or None,
                "code": one.error.code or None if one.error else None,
                "what": one.error.what if one.error else None,
                "why": one.error.why if one.error else None,
                "hint": one.error.hint if one.error else None,
                "seconds": round(one.seconds, 2),
            }
            for one in outcomes
        ],
    }
