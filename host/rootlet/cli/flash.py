"""``rootlet flash``: at the board's prompt, through a chip's ROM loader, or onto a boot drive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rootlet import bundle, files, flash, identity
from rootlet.cli import flash_report, settings, show
from rootlet.cli.trust_keys import read as read_keys
from rootlet.errors import InputError
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from rootlet.firmware import Firmware
    from rootlet.uf2 import Uf2

    Progress = Callable[[int, int, str], None]
    Job = Callable[[str, Progress], Any]

_BAUD = 460_800


@click.command(
    epilog="""\b
Examples:
  rootlet flash --port auto ecc.rlt --device pump-7
  rootlet flash --port /dev/ttyUSB0 --firmware ESP32_GENERIC-v1.26.1.bin ecc.rlt --device pump-7
  rootlet flash --port /dev/ttyUSB0 --image ecc.rlt
  rootlet flash --all ecc.rlt --json
  rootlet flash --firmware RPI_PICO_W-v1.26.1.uf2 --port auto
  rootlet flash --port auto pumps-1.rlt --trust-keys keys-1.rlk
  rootlet flash --port /dev/ttyUSB0 ecc.rlt --endpoint a1b2c3-ats.iot.eu-west-1.amazonaws.com \\
      --thing pump-7 --cert pump-7.crt --key pump-7.key

Exit codes: 0 every board is up to date, 2 bad input, 3 refused, 4 board or port.
"""
)
@click.argument("file", metavar="[BUNDLE]", type=click.Path(path_type=Path), required=False)
@click.option(
    "--port",
    multiple=True,
    envvar="ROOTLET_PORT",
    help="auto, id:SERIAL, or a path. May be given several times.",
)
@click.option("--all", "every", is_flag=True, help="Every board that is plugged in.")
@click.option(
    "--firmware",
    type=click.Path(path_type=Path),
    metavar="FILE.bin|.uf2",
    help="Write MicroPython first; on an ESP32 with a whole file system.",
)
@click.option("--image", is_flag=True, help="ESP32: write a whole file system in one go.")
@click.option("--erase", is_flag=True, help="With --image or --firmware: keep no file.")
@click.option(
    "--baud",
    default=_BAUD,
    show_default=True,
    type=click.IntRange(9600, 5_000_000),
    help="Speed of --image and --firmware.",
)
@click.option(
    "--device",
    type=click.Path(path_type=Path),
    metavar="DIR",
    multiple=True,
    help="Identity from a device folder: rootlet provision. One for each --port.",
)
@settings.options
@click.option("--thing", help="Thing name; also the MQTT client id.")
@click.option("--cert", type=click.Path(path_type=Path), help="Device certificate, PEM or DER.")
@click.option("--key", type=click.Path(path_type=Path), help="Its private key, PEM or DER.")
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
    file: Path | None,
    port: tuple[str, ...],
    every: bool,
    firmware: Path | None,
    image: bool,
    erase: bool,
    baud: int,
    trust_keys: Path | None,
    reset_trust: bool,
    json_output: bool,
    **own: Any,
) -> None:
    """Put the device package, a bundle and an identity on boards.

    A board that runs MicroPython gets only what changed, each file atomically; run it again
    after an interruption. The identity stays as it is on the board when neither --device nor
    its four options are given.

    With --firmware or --image an ESP32 is written through the loader in its ROM, which needs no
    MicroPython on it. The files of the board stay, but for --erase.

    With --trust-keys the board takes newer bundles over the air, when enough of these keys have
    signed them. A bundle older than what the board has seen is refused without --reset-trust.
    """
    where = _ports(port, every=every)
    new = _firmware(firmware) if firmware else None
    if new is not None and _is_uf2(new):
        _check_drives(where)
    if file is None and new is None:
        raise InputError("nothing to flash", why="no BUNDLE", hint="rootlet build -o a.rlt")
    if file is None and (image or erase or trust_keys or reset_trust or any(_given(own))):
        raise InputError(
            "no BUNDLE to flash with that",
            why="only --firmware works alone; the file system then stays as it is",
            hint="rootlet build -o a.rlt, then give a.rlt",
        )
    data = _bundle(file) if file else b""
    keys = read_keys(trust_keys, data) if trust_keys else b""
    contents = dict(zip(where, _contents(data, keys, own, len(where)), strict=True))
    if image or (new is not None and not _is_uf2(new)):
        job = _through_loader(contents, new, erase=erase, reset_trust=reset_trust, baud=baud)
    elif erase:
        raise InputError("--erase goes with --image or --firmware", hint="add --image")
    else:
        job = _at_prompt(contents, new, keys=keys, reset_trust=reset_trust)
    status = _run(where, job, json_output=json_output)
    if status:
        sys.exit(status)


def _run(where: list[str], job: Job, *, json_output: bool) -> int:
    from rootlet import parallel  # noqa: PLC0415 - commands load what they use

    with show.progress_lines() as line:
        outcomes = parallel.run(where, job, line)
    if json_output:
        show.as_json("flash/2", {"boards": [flash_report.document(one) for one in outcomes]})
    for one in outcomes:
        if one.error:
            show.explain(one.error)
        elif not json_output:
            flash_report.show(one, briefly=len(outcomes) > 1)
    found = {one.error.exit_status for one in outcomes if one.error}
    if len(outcomes) > 1 and not json_output:
        failed = [one.port for one in outcomes if one.error]
        click.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} boards are up to date")
        if failed:
            click.echo(f"not done: {', '.join(failed)}", err=True)
    return found.pop() if len(found) == 1 else 4 if found else 0


def _ports(given: tuple[str, ...], *, every: bool) -> list[str]:
    from rootlet.boardio import ports  # noqa: PLC0415 - commands load what they use

    source = click.get_current_context().get_parameter_source("port")
    if every and source is ParameterSource.ENVIRONMENT:
        given = ()  # what is typed counts
    if every == bool(given):
        raise InputError(
            "--port or --all says which boards",
            why="both are given" if every else "neither is given",
            hint="--port auto takes the first one; rootlet board list shows them",
        )
    if len(set(given)) < len(given):
        raise InputError("the same --port is given twice", hint="name each board once")
    if not every:
        return list(given)
    found = [one.device for one in ports.found()]
    if not found:
        ports.resolve("auto")
    return found


def _firmware(path: Path) -> Firmware | Uf2:
    from rootlet import board, uf2  # noqa: PLC0415 - commands load what they use
    from rootlet import firmware as images  # noqa: PLC0415

    if path.suffix.lower() == ".uf2":
        return uf2.read(files.read(path, uf2.MAX_BYTES), str(path))
    known = images.chips(board.load(one) for one in board.ids())
    return images.read(files.read(path, images.MAX_BYTES), str(path), known)


def _check_drives(where: list[str]) -> None:
    """Refuse boards that would share a boot drive: nobody can tell whose it is."""
    from rootlet import flash_drive  # noqa: PLC0415 - commands load what they use

    if len(where) > 1 and not all(map(flash_drive.is_drive, where)):
        raise InputError(
            "one board at a time takes a .uf2 by its port",
            why="their boot drives look alike, and both could be written to one",
            hint="name the drives instead: --port /media/you/RPI-RP2 --port ...",
        )


def _is_uf2(new: Firmware | Uf2) -> bool:
    return hasattr(new, "board_id")


def _bundle(path: Path) -> bytes:
    data = files.read(path, layout.MAX_SIZE)
    bundle.decode(data, str(path))
    return data


def _through_loader(
    contents: dict[str, dict[str, bytes]], new: Any, *, baud: int, **how: bool
) -> Job:
    from rootlet import flash_chip  # noqa: PLC0415 - commands load what they use

    def job(port: str, progress: Progress) -> Any:
        order = flash_chip.Order(contents[port], new, baud=baud, **how)
        return flash_chip.install(port, order, progress)

    return job


def _at_prompt(contents: dict[str, dict[str, bytes]], new: Any, **how: Any) -> Job:
    """Return the job for boards with a prompt, after a boot drive took the new firmware if any."""
    from rootlet import flash_drive  # noqa: PLC0415 - commands load what they use

    def job(port: str, progress: Progress) -> Any:
        report: Any = None
        if new is not None:
            drive = port if flash_drive.is_drive(port) else flash_drive.find(new)
            report = flash_drive.copy(drive, new, progress)
            if contents[port] and drive == port:
                raise InputError(
                    f"{port}: the firmware is on the board, the bundle is not",
                    why="a drive says nothing about the port that the board will have",
                    hint="rootlet flash --port auto BUNDLE.rlt",
                )
            if contents[port]:
                flash_drive.wait_for_prompt(port)
        if contents[port]:
            report = flash.flash(port, contents[port], progress, **how)
        return report

    return job


def _given(own: dict[str, Any]) -> list[Any]:
    """Return what is given of an identity, None or empty where it is not."""
    return [
        value
        for name, value in own.items()
        if (name, value) != ("mqtt_port", identity.Settings.port)
    ]


def _contents(
    data: bytes, keys: bytes, own: dict[str, Any], boards: int
) -> list[dict[str, bytes]]:
    """Return what goes on each board; nothing without a bundle."""
    if not data:
        return [{}] * boards
    folders = own.pop("device")
    if folders and any(_given(own)):
        raise InputError(
            "--device is a whole identity",
            why="its settings, certificate and key are in the folder",
            hint="leave out --endpoint, --thing, --cert, --key and what goes with them",
        )
    if (folders and len(folders) != boards) or (boards > 1 and any(_given(own))):
        raise InputError(
            f"{boards} boards need {boards} identities",
            why="two devices with one thing name push each other off the broker",
            hint="give one --device DIR for each --port, in the same order, or none",
            code="CLIENTID",
        )
    if folders:
        common = flash.contents(data, keys=keys)
        return [identity.read_folder(one) | common for one in folders]  # the bundle stays last
    return [flash.contents(data, *_settings(**own), keys)] * boards


def _settings(  # noqa: PLR0913 - one argument per option
    *,
    endpoint: str | None,
    thing: str | None,
    cert: Path | None,
    key: Path | None,
    address: str,
    mqtt_port: int,
    ntp: str,
    offers: str,
    recovery: tuple[str, ...],
) -> tuple[identity.Settings | None, bytes, bytes]:
    if not any((endpoint, thing, cert, key, offers, recovery)):
        return None, b"", b""
    if not (endpoint and thing and cert and key):
        raise InputError(
            "the device's identity is not complete",
            why="--endpoint, --thing, --cert and --key go together, --offers and --recovery "
            "with them",
            hint="give all four, or none to keep the identity that is on the board",
        )
    told = identity.Settings(endpoint, thing, address, mqtt_port, ntp, offers, recovery)
    return told, *_identity(cert, key)


def _identity(cert: Path, key: Path) -> tuple[bytes, bytes]:
    certificate = identity.read_certificate(files.read(cert, identity.MAX_PEM), str(cert))
    return certificate, identity.read_key(files.read(key, identity.MAX_PEM), str(key), certificate)
