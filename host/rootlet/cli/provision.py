"""``rootlet provision``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import files, identity
from rootlet.cli import provision_aws, secret, show
from rootlet.cli import provision_report as report
from rootlet.cli import provision_source as source
from rootlet.cli.settings import options as settings_options
from rootlet.errors import InputError, RootletError

if TYPE_CHECKING:
    from rootlet.credentials import Issue
    from rootlet.flash import Report as Flashed
    from rootlet.provision import Device, Made

_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class _Options(provision_aws.Aws, source.Source):
    """The command line, one attribute per option."""

    output: Path | None
    thing: str | None
    csv: Path | None
    key: Path | None
    common_name: str
    wifi: str | None
    wifi_password_file: Path | None
    wifi_open: bool
    port: str | None
    force: bool
    json_output: bool
    endpoint: str
    address: str
    mqtt_port: int
    ntp: str
    offers: str
    recovery: tuple[str, ...]

    @property
    def told(self) -> bool:
        """Whether anything is given that a folder which is there already has."""
        own = (self.key, self.common_name, self.wifi, self.endpoint, self.address)
        return any((*own, self.ntp, self.offers, self.recovery))


@click.command(
    epilog="""\b
Examples:
  rootlet provision --thing pump-7 --endpoint a1b2c3-ats.iot.eu-west-1.amazonaws.com
  rootlet provision -o pump-7 --cert pump-7.crt     # which an authority made of device.csr
  rootlet provision --thing pump-7 --endpoint HOST --ca-cert ca.crt --ca-key ca.key \\
      --wifi plant-2 --port auto
  rootlet provision --thing pump-3 --endpoint HOST --key old.key --cert old.crt
  rootlet provision -o pump-7 --port auto           # a folder that is whole, on a board
  rootlet provision --aws --thing pump-7 --policy pumps --topic 'pumps/{thing}/#'
  rootlet provision --aws --undo -o pump-7
  rootlet provision --csv pumps.csv -o pumps --endpoint HOST --ca-cert ca.crt --ca-key ca.key
\b
The Wi-Fi password is asked for, or taken from --wifi-password-file or ROOTLET_WIFI_PASSWORD.

Exit codes: 0 done, 1 devices of the list are damaged, 2 bad input, 3 a certificate is not in
force, 4 board or port, 5 AWS, 130 interrupted.
"""
)
@click.option("-o", "--output", type=_PATH, metavar="DIR", help="Device folder. Default: THING.")
@click.option("--thing", help="Thing name; also the MQTT client id. Without it, complete DIR.")
@click.option("--csv", type=_PATH, metavar="FILE", help="Many devices, each in DIR/THING.")
@settings_options
@click.option("--key", type=_PATH, metavar="FILE", help="Use this private key, PEM or DER.")
@click.option("--cert", type=_PATH, metavar="FILE", help="Use this certificate, PEM or DER.")
@click.option("--self-signed", is_flag=True, help="Certificate signed by the device's own key.")
@click.option("--ca-cert", type=_PATH, metavar="FILE", help="Certificate signed by this CA.")
@click.option("--ca-key", type=_PATH, metavar="FILE", help="The CA's private key.")
@click.option(
    "--not-after",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day of the certificate. Default: 2049-12-31, as AWS IoT has it.",
)
@click.option("--common-name", default="", help="In the certificate. Default: opaque.")
@click.option("--wifi", metavar="SSID", help="Name of the Wi-Fi network.")
@click.option("--wifi-password-file", type=_PATH, metavar="FILE", help="Its password.")
@click.option("--wifi-open", is_flag=True, help="It has none: everybody may listen.")
@click.option("--port", help="Put the identity on this board too: auto, id:SERIAL, or a path.")
@click.option("--force", is_flag=True, help="Replace an identity, whose key is then lost.")
@provision_aws.options
@show.json_option
def command(**given: Any) -> None:
    """Give a device its key, certificate and settings, in a folder and on a board.

    DIR holds what the board does (rootlet.json, cert.der, key.der, wifi.json) and for you
    device.csr and device.crt. Private files are readable by you only; nothing that is there is
    replaced. Without --self-signed, --ca-cert or --cert the folder waits for the certificate
    that an authority makes of device.csr.

    With --aws, AWS IoT makes it, and a thing and a policy around it; the key stays here. A run
    that is cut off is continued by the same command, and --undo takes all of it back.
    """
    # What needs cryptography is loaded in functions: help must not wait for it.
    options = _Options(**given)
    if options.aws or options.undo:
        _with_aws(options)
        return
    now = datetime.now(UTC).replace(microsecond=0)
    issue = source.issue(options, now)
    if options.csv:
        _many(options, options.csv, issue, now)
    else:
        _single(options, issue)


def _device(options: _Options) -> Device:
    """Return what the options tell a device; of a list, the default for each."""
    from rootlet.provision import Device  # noqa: PLC0415 - see command

    settings = identity.Settings(
        options.endpoint,
        options.thing or "",
        options.address,
        options.mqtt_port,
        options.ntp,
        options.offers,
        options.recovery,
    )
    wifi = secret.wifi(options.wifi, options.wifi_password_file, is_open=options.wifi_open)
    return Device(settings, wifi, options.common_name)


def _with_aws(options: _Options) -> None:
    provision_aws.refuse_others(
        {
            "--csv": options.csv,
            "--key": options.key,
            "--cert": options.cert,
            "--self-signed": options.self_signed,
            "--ca-cert": options.ca_cert,
            "--ca-key": options.ca_key,
            "--not-after": options.not_after,
            "--force": options.force,
        }
    )
    folder = options.output or (Path(options.thing) if options.thing else None)
    if folder is None:
        raise InputError("which device?", hint="--thing NAME, or with --undo -o DIR")
    if options.undo:
        provision_aws.take_back(options, folder, json_output=options.json_output)
        return
    _check_port(options.port)
    thing = options.thing or identity.read_settings(folder).thing
    issue = provision_aws.issue(options, folder, thing, options.endpoint)
    made = provision_aws.go_on(folder, thing, issue)
    if made is None:
        known = replace(options, endpoint=options.endpoint or provision_aws.ask_endpoint(options))
        made = _made(replace(known, thing=thing), issue)
    _finish(options, made)


def _single(options: _Options, issue: Issue) -> None:
    from rootlet import credentials  # noqa: PLC0415 - see command

    if options.port and options.thing and issue is credentials.later:
        raise InputError(
            "there is no certificate to put on a board yet",
            why="an authority makes it of device.csr",
            hint="leave --port out, and give it with --cert; or use --self-signed",
        )
    _check_port(options.port)
    _finish(options, _made(options, issue))


def _check_port(port: str | None) -> None:
    """Refuse a port that no key may go through, before anything is made."""
    if port:
        from rootlet import flash  # noqa: PLC0415 - see command

        flash.check_transport(port, {identity.KEY: b""}, trusted=False)


def _finish(options: _Options, made: Made) -> None:
    """Put a device on a board if one is named, and say what was made."""
    flashed = _put(options.port, made.folder) if options.port else None
    if options.json_output:
        show.as_json(
            "provision/1", report.document(made) | report.board_document(options.port, flashed)
        )
    else:
        report.show_one(made, options.port, flashed)


def _made(options: _Options, issue: Issue) -> Made:
    from rootlet import credentials, provision  # noqa: PLC0415 - see command

    if options.thing is None:
        if options.output is None:
            raise InputError(
                "which device?", hint="--thing NAME for a new one, -o DIR to complete one"
            )
        if options.port and issue is credentials.later and not options.told:
            identity.read_folder(options.output)
            return provision.look(options.output)
        if options.told or issue is credentials.later:
            raise InputError(
                f"{options.output}: without --thing, a device gets its certificate, no more",
                why="what else it is told was settled when it was made",
                hint="--cert FILE, --self-signed, or --ca-cert and --ca-key; --port puts it on a "
                "board; --thing makes a new one",
            )
        return provision.complete(options.output, issue, force=options.force)
    identity.check_thing(options.thing)
    if options.cert and not options.key:
        raise InputError(
            f"{options.cert} comes with a key",
            why="a new one would not belong to it",
            hint="add --key FILE; or leave --thing out to complete a folder",
        )
    key = None
    if options.key:
        key = identity.load_key(source.read(options.key), str(options.key))
        credentials.check_key(key, str(options.key))
        if options.cert:
            certificate = identity.read_certificate(source.read(options.cert), str(options.cert))
            identity.check_pair(certificate, key, str(options.key))
    folder = options.output or Path(options.thing)
    return provision.create(folder, _device(options), issue, key=key, force=options.force)


def _put(port: str, folder: Path) -> Flashed:
    from rootlet import flash  # noqa: PLC0415 - see command

    try:
        with show.progress("flash") as progress:
            return flash.flash(port, identity.read_folder(folder), progress)
    except RootletError:
        click.echo(
            f"{folder} is made; put it on the board with: "
            f"rootlet provision -o {folder} --port {port}",
            err=True,
        )
        raise


def _many(options: _Options, path: Path, issue: Issue, now: datetime) -> None:
    """Provision the devices of a list, and say what became of them."""
    from rootlet import batch, things  # noqa: PLC0415 - see command

    single = (options.thing, options.key, options.cert, options.port, options.common_name)
    if any(single) or options.force or options.output is None:
        raise InputError(
            "--csv makes many devices, each with a new key, in -o DIR",
            why="--thing, --key, --cert, --common-name, --port and --force are for one",
            hint=f"rootlet provision --csv {path} -o DIR --endpoint HOST",
        )
    devices = things.read(files.read(path, things.MAX_FILE), str(path), _device(options))
    work = batch.Batch(options.output, issue, now)
    try:
        with show.progress("provision") as progress:
            work.run(devices, progress)
    except (KeyboardInterrupt, RootletError):
        click.echo(
            f"{work.report.done} of {len(devices)} devices are done; "
            "the same command goes on from there",
            err=True,
        )
        raise
    if options.json_output:
        show.as_json("provision-list/1", report.list_document(work.report, options.output))
    else:
        report.show_list(work.report, options.output)
    if work.report.damaged:
        raise RootletError(
            f"{len(work.report.damaged)} devices are damaged, and were left alone",
            why="; ".join(f"{name}: {why}" for name, why in [*work.report.damaged.items()][:3]),
            hint=f"restore their folders, or make each anew: rootlet provision -o "
            f"{options.output}/THING --thing THING --force",
        )
