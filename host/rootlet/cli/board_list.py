"""``rootlet board list``: what is plugged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rootlet.cli import show

if TYPE_CHECKING:
    from rootlet.boardio.ports import Port
    from rootlet.parallel import Outcome


@click.command(
    "list",
    epilog="""\b
Examples:
  rootlet board list
  rootlet board list --no-probe
  rootlet board list /dev/ttyUSB0 --json

Exit codes: 0 listed, whatever the boards answer.
""",
)
@click.argument("given", metavar="[PORT]...", nargs=-1)
@click.option("--no-probe", is_flag=True, help="Look at the ports only; talk to no board.")
@show.json_option
def command(given: tuple[str, ...], no_probe: bool, json_output: bool) -> None:
    """List the USB serial ports (or these ports) and the boards behind them.

    Each board is asked for its chip and firmware, which stops its program and starts it again.
    """
    from rootlet import parallel  # noqa: PLC0415 - commands load what they use
    from rootlet.boardio import ports  # noqa: PLC0415

    known = {one.device: one for one in ports.found()}
    wanted = {port: known.get(port, ports.Port(port, "", "", "")) for port in given} or known
    with show.progress_lines() as line:
        answers: list[Outcome[Any]] = (
            [] if no_probe or not wanted else parallel.run(list(wanted), _probe, line)
        )
    told = {one.port: one for one in answers}
    rows = [_entry(port, told.get(port.device)) for port in wanted.values()]
    if json_output:
        show.as_json("board-list/1", {"boards": rows})
        return
    if not rows:
        click.echo("no USB serial port is there; a virtual one: rootlet board virtual", err=True)
        return
    columns = ("port", "board", "firmware", "serial number", "USB")
    show.table("", columns, [_row(row) for row in rows])


def _probe(port: str, _progress: Any) -> dict[str, Any]:
    from rootlet.boardio.remote import Remote  # noqa: PLC0415 - commands load what they use

    with Remote(port, tries=2) as board:
        answer = board.probe()
        board.restart()
    return answer


def _entry(port: Port, outcome: Outcome[Any] | None) -> dict[str, Any]:
    answer = outcome.result if outcome else None
    error = outcome.error if outcome else None
    version = ".".join(map(str, answer["version"])) if answer else None
    return {
        "port": port.device,
        "machine": answer["machine"] or answer["platform"] if answer else None,
        "firmware": f"MicroPython {version}" if version else None,
        "unique_id": answer["unique_id"] if answer else None,
        "serial_number": port.serial_number or None,
        "usb": port.usb or None,
        "description": port.description or None,
        "error": error.what.removeprefix(f"{port.device}: ") if error else None,
    }


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    usb = " ".join(filter(None, (row["usb"], row["description"])))
    firmware = row["firmware"] or row["error"] or ""
    return (row["port"], row["machine"] or "", firmware, row["serial_number"] or "", usb)
