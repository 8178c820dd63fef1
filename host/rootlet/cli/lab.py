"""``rootlet lab``: an endpoint shaped like AWS on this machine, and its hierarchy as files."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet.cli import complete, groups, lab_lists, lab_offer, show
from rootlet.errors import InputError

if TYPE_CHECKING:
    from types import FrameType

    from rootlet.lab import Event
    from rootlet.lab.scenarios import Scenario
    from rootlet.lab.services import Services

_LOOPBACK = "127.0.0.1"
_ANY = ("0.0.0.0", "")  # noqa: S104 - what it is compared with


@click.group(
    no_args_is_help=True,
    cls=groups.Group,
    epilog="""\b
Examples:
  rootlet lab scenarios
  rootlet lab up --scenario lookalike-root

Exit codes: 0 done, 2 bad input, 3 refused, 5 a port is taken or a server does not start.
""",
)
def command() -> None:
    """Run an endpoint shaped like AWS that misbehaves on demand."""


command.add_command(lab_lists.pki)
command.add_command(lab_offer.command)
command.add_command(lab_lists.scenarios)


@command.command(
    epilog="""\b
Examples:
  rootlet lab up
  rootlet lab up --scenario lookalike-root
  rootlet lab up --bind 192.168.7.2 --json-log lab.jsonl

Exit codes: 0 stopped, 2 bad input, 5 a port is taken or a server does not start.
"""
)
@click.option("--port", type=click.IntRange(0, 65535), default=8883, show_default=True)
@click.option(
    "--ntp-port", type=click.IntRange(0, 65535), default=0, help="UDP; boards ask 123 (root)."
)
@click.option(
    "--scenario",
    "name",
    default="honest",
    show_default=True,
    shell_complete=complete.scenarios,
    help="What it does.",
)
@click.option("--json-log", type=click.Path(dir_okay=False, path_type=Path), help="Append events.")
@click.option("--bind", default=_LOOPBACK, show_default=True, help="Address to listen on.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of keys and files.  [default: one in your data folder]",
)
@click.option("--thing", default="lab-thing", show_default=True, help="Write an identity for it.")
@click.option("--tls13", is_flag=True, help="Offer TLS 1.3 too.")
@show.json_option
def up(  # noqa: PLR0913, PLR0917 - one parameter per option
    port: int,
    ntp_port: int,
    name: str,
    json_log: Path | None,
    bind: str,
    folder: Path | None,
    thing: str,
    tls13: bool,
    json_output: bool,
) -> None:
    """Start the lab and keep it running until Ctrl-C.

    MQTT over mutual TLS with a broker and AWS IoT Jobs behind it, the stand-in for port 443, an
    NTP server and a recovery server. rootlet lab scenarios lists what --scenario takes.
    """
    from rootlet.lab import scenarios  # noqa: PLC0415 - commands load what they use
    from rootlet.lab.services import Services  # noqa: PLC0415

    scenario = scenarios.get(name)
    if bind != _LOOPBACK:
        click.echo(f"warning: everybody who reaches {bind} reaches this lab", err=True)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with Services(
            folder or lab_offer.own_folder(),
            scenario=scenario,
            port=port,
            ntp_port=ntp_port,
            bind=bind,
            tls13=tls13,
        ) as services:
            services.lab.events.listen(_logger(json_log))
            services.lab.events.listen(_warn_if_full)
            facts = _facts(services, scenario, thing, _reached_at(bind))
            show.as_json("lab/1", facts) if json_output else _introduce(facts)
            threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


def _facts(
    services: Services, scenario: type[Scenario], thing: str, address: str
) -> dict[str, Any]:
    certificate, key = services.write_identity(thing)
    lab = services.lab
    return {
        "endpoint": lab.endpoint,
        "address": address,
        "port": lab.port,
        "alpn_port": lab.alpn_port,
        "broker": lab.broker_kind,
        "pids": lab.pids,
        "ntp_port": services.ntp.port,
        "recovery": f"http://{address}:{services.recovery.port}{services.recovery_path}",
        "recovery_folder": str(services.folder / "recovery"),
        "scenario": scenario.name,
        "expect": " or ".join(lab_lists.codes(scenario)) or "accept",
        "roots": str(services.write_roots()),
        "profile": scenario.bundle.profile,
        "thing": thing,
        "certificate": str(certificate),
        "key": str(key),
    }


def _introduce(facts: dict[str, Any]) -> None:
    show.facts(
        {
            "endpoint": f"{facts['endpoint']}: the name to ask for and to verify",
            "address": f"{facts['address']} port {facts['port']}: MQTT over TLS",
            "broker": facts["broker"],
            "443": f"port {facts['alpn_port']} stands for it: ALPN x-amzn-mqtt-ca only",
            "roots": f"{facts['roots']}, profile {facts['profile']}",
            "identity": f"{facts['certificate']} and {facts['key']}",
            "ntp": f"port {facts['ntp_port']} (UDP)",
            "recovery": f"{facts['recovery']}/latest.rlt, out of {facts['recovery_folder']}",
            "scenario": f"{facts['scenario']}; a correct client: {facts['expect']}",
        }
    )
    build = ("--board", "virtual", "--keys", "none", "--anchor", facts["roots"])
    click.echo(_command("next", "build", *build, "--profile", facts["profile"], "-o", "lab.rlt"))
    named = ("endpoint", "address", "thing", "key")
    options = [word for name in named for word in (f"--{name}", facts[name])]
    options += ["--cert", facts["certificate"], "--mqtt-port", str(facts["port"])]
    click.echo(_command("then", "flash", "--port", "PORT", "lab.rlt", *options))
    click.echo("stop: Ctrl-C")


def _command(label: str, *words: str) -> str:
    return f"{label}: rootlet {shlex.join(words)}"


def _warn_if_full(event: Event) -> None:
    if event.kind == "full":
        click.echo(f"warning: no more clients: {event.reason}", err=True)


def _logger(path: Path | None) -> Any:
    """Return a function that appends each event to ``path`` as a line of JSON."""
    if path is None:
        return lambda _: None
    try:
        path.touch()  # what cannot be written is told now, not at the first event
    except OSError as error:
        raise InputError(f"{path}: cannot be written", why=error.strerror or "") from error

    def write(event: Event) -> None:
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"time": round(time.time(), 3), **asdict(event)}) + "\n")

    return write


def _reached_at(bind: str) -> str:
    """Return the address that others connect to: this machine's own if all are listened on."""
    if bind not in _ANY:
        return bind
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting UDP sends nothing; it asks the routing table (TEST-NET-1, RFC 5737).
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return _LOOPBACK
        return str(probe.getsockname()[0])


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
