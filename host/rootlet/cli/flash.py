"""``rootlet flash``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rootlet import bundle, files, flash, identity, signing
from rootlet.cli import show
from rootlet.errors import InputError
from urootlet import format_cpython as layout

_MAX_PEM = 1 << 16


@click.command(
    epilog="""\b
Examples:
  rootlet flash --port auto ecc.rlt
  rootlet flash --port /dev/ttyUSB0 ecc.rlt --endpoint a1b2c3-ats.iot.eu-west-1.amazonaws.com \\
      --thing pump-7 --cert pump-7.crt --key pump-7.key
  rootlet flash --port auto pumps-1.rlt --trust-keys keys-1.rlk
\b
Exit codes: 0 the board is up to date, 2 bad input, 3 refused, 4 board or port.
"""
)
@click.argument("file", metavar="BUNDLE", type=click.Path(path_type=Path))
@click.option("--port", required=True, envvar="ROOTLET_PORT", help="auto, id:SERIAL, or a path.")
@click.option("--endpoint", help="Host name of the iot:Data-ATS endpoint.")
@click.option("--thing", help="Thing name; also the MQTT client id.")
@click.option("--cert", type=click.Path(path_type=Path), help="Device certificate, PEM or DER.")
@click.option("--key", type=click.Path(path_type=Path), help="Its private key, PEM or DER.")
@click.option("--address", default="", help="Connect here instead (a gateway, a lab).")
@click.option("--mqtt-port", default=8883, show_default=True, type=click.IntRange(1, 65535))
@click.option("--ntp", default="", help="NTP server that the device asks for the time.")
@click.option("--offers", default="", metavar="TOPIC", help="Where newer bundles are offered.")
@click.option("--recovery", multiple=True, metavar="URL", help="Where to look for one, over HTTP.")
@click.option(
    "--trust-keys",
    type=click.Path(path_type=Path),
    metavar="KEYS.rlk",
    help="Who may sign newer bundles.",
)
@click.option("--reset-trust", is_flag=True, help="Forget the floor and all that came later.")
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    file: Path,
    port: str,
    endpoint: str | None,
    thing: str | None,
    cert: Path | None,
    key: Path | None,
    address: str,
    mqtt_port: int,
    ntp: str,
    offers: str,
    recovery: tuple[str, ...],
    trust_keys: Path | None,
    reset_trust: bool,
    json_output: bool,
) -> None:
    """Put the device package, a bundle and an identity on a board that runs MicroPython.

    Only what changed is written, each file atomically; run it again after an interruption. The
    identity stays as it is on the board when none of its four options is given.

    With --trust-keys the board takes newer bundles over the air, when enough of these keys have
    signed them. A bundle older than what the board has seen is refused without --reset-trust.
    """
    data = files.read(file, layout.MAX_SIZE)
    bundle.decode(data, str(file))
    keys = _trust_keys(trust_keys, data) if trust_keys else b""
    settings, own = None, (b"", b"")
    if any((endpoint, thing, cert, key, offers, recovery)):
        if not (endpoint and thing and cert and key):
            raise InputError(
                "the device's identity is not complete",
                why="--endpoint, --thing, --cert and --key go together, --offers and --recovery "
                "with them",
                hint="give all four, or none to keep the identity that is on the board",
            )
        settings = identity.Settings(endpoint, thing, address, mqtt_port, ntp, offers, recovery)
        own = _identity(cert, key)
    contents = flash.contents(data, settings, *own, keys)
    with show.progress("flash") as progress:
        report = flash.flash(port, contents, progress, keys=keys, reset_trust=reset_trust)
    if json_output:
        show.as_json("flash/1", _document(report, port))
    else:
        _report(report, port)


def _trust_keys(path: Path, data: bytes) -> bytes:
    """Read a key set that counts: the keys alone would not prove that their owners agree."""
    keys = files.read(path, layout.MAX_KEY_SET)
    if keys[:4] != layout.MAGIC:
        raise InputError(
            f"{path} is not a key set",
            why="a device takes keys only in a set that they have signed themselves",
            hint=f"rootlet key set -o keys-1.rlk --target NAME --key {path} --sign KEY.pem",
            code="FORMAT",
        )
    signing.decode_key_set(keys, str(path))
    flash.check_keys(data, keys, str(path))
    return keys


def _identity(cert: Path, key: Path) -> tuple[bytes, bytes]:
    certificate = identity.read_certificate(files.read(cert, _MAX_PEM), str(cert))
    return certificate, identity.read_key(files.read(key, _MAX_PEM), str(key), certificate)


def _report(report: flash.Report, port: str) -> None:
    for path in report.written:
        click.echo(f"written: {path}")
    if report.written:
        click.echo(f"{port}: {len(report.written)} files, {report.bytes_written} bytes written")
    elif report.settled:
        click.echo(f"{port}: no file written; the board goes by this bundle again")
    else:
        click.echo(f"{port}: up to date, nothing written")
    if not report.board["umqtt"]:
        click.echo("the board has no umqtt.simple: mpremote mip install umqtt.simple", err=True)
    if not report.keys:
        click.echo("no update keys (NOKEYS): every offer is refused; see --trust-keys", err=True)
    if report.missing:
        click.echo(f"still missing on the board: {', '.join(report.missing)}", err=True)
        click.echo("give --endpoint, --thing, --cert and --key to write them", err=True)


def _document(report: flash.Report, port: str) -> dict[str, Any]:
    return {
        "port": port,
        "board": report.board,
        "written": report.written,
        "unchanged": report.unchanged,
        "bytes_written": report.bytes_written,
        "missing": report.missing,
        "keys": report.keys,
    }
