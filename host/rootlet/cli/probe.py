"""``rootlet probe``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rootlet import endpoint, files, path
from rootlet.cli import show
from rootlet.cli.times import moment
from rootlet.errors import InputError, NetworkError, TrustError
from urootlet.advice import ADVICE

if TYPE_CHECKING:
    from rootlet.probe import Report, Request

_MAX_HOSTS = 256
#: Advice where that of a device would mislead somebody at a computer.
_HINTS = {
    "PORT": "give the port of a TLS server, or --starttls smtp or imap",
    "NET": "check host, port and firewall: nc -vz HOST PORT",
    "DNS": "give the bare host name, as rootlet aws endpoint prints it",
    "SNI": "give the name that the server goes by with --sni",
}


@click.command(
    epilog="""\b
Examples:
  rootlet probe a1b2c3-ats.iot.eu-west-1.amazonaws.com
  rootlet probe a1b2c3-ats.iot.eu-west-1.amazonaws.com:443 --bundle ecc.rlt
  rootlet probe email-smtp.eu-west-1.amazonaws.com --starttls smtp --save ses.pem
  rootlet probe s3.eu-west-1.amazonaws.com d111111abcdef8.cloudfront.net --json

Exit codes: 0 seen, and every bundle works, 2 bad input, 3 a bundle would not work, 5 a host
could not be seen.
"""
)
@click.argument("hosts", metavar="HOST[:PORT]...", nargs=-1, required=True)
@click.option(
    "--starttls", type=click.Choice(["smtp", "imap"]), help="Begin in plain text, as mail does."
)
@click.option(
    "--bundle",
    "bundles",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Would it work there? A bundle, or CA certificates in PEM; may be repeated.",
)
@click.option(
    "--stack",
    type=click.Choice(list(path.MODELS)),
    default="mbedtls",
    show_default=True,
    help="The verifier that decides about --bundle; all are shown.",
)
@click.option(
    "--save",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Keep what was sent as PEM, for verify and advise.",
)
@click.option("--alpn", "protocols", metavar="NAME", multiple=True, help="Also offer this ALPN.")
@click.option("--sni", default="", metavar="NAME", help="Ask for this name. Default: the host's.")
@click.option("--at", metavar="TIME", help="ISO 8601 or Unix seconds, UTC. Default: now.")
@click.option(
    "--timeout",
    default=10,
    show_default=True,
    type=click.IntRange(1, 120),
    help="Seconds for one connection.",
)
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    hosts: tuple[str, ...],
    starttls: str | None,
    bundles: tuple[Path, ...],
    stack: str,
    save: Path | None,
    protocols: tuple[str, ...],
    sni: str,
    at: str | None,
    timeout: int,
    json_output: bool,
) -> None:
    """Show which certificates a server sends to which client, and who would accept them.

    It connects several times: TLS 1.2 and 1.3, RSA only, ECDSA only, all of it, without a server
    name, and on port 443 of an IoT endpoint with x-amzn-mqtt-ca. It looks and goes: no handshake
    is finished and nothing is sent after one, so endpoints that want a client certificate are
    seen as well. Without a port it takes 8883 for IoT endpoints, 587 and 143 for mail, else 443.
    """
    from rootlet import probe, trust_set  # noqa: PLC0415 - help must not load cryptography
    from rootlet.cli import probe_show  # noqa: PLC0415

    _check(hosts, protocols, sni)
    request = probe.Request(
        tuple(dict.fromkeys(endpoint.parse(one, starttls or "") for one in hosts)),
        at=moment(at) if at else datetime.now(UTC),
        name=sni.rstrip("."),
        starttls=starttls or "",
        protocols=protocols,
        bundles=tuple(
            trust_set.for_models(files.read(one, trust_set.MAX_FILE), str(one)) for one in bundles
        ),
        seconds=timeout,
    )
    with show.progress("probe") as progress:
        reports = probe.probe(request, progress)
    kept = _save(save, reports) if save else {}
    if json_output:
        show.as_json("probe/1", probe_show.document(request, reports, kept))
    else:
        probe_show.reports(reports, kept)
    _judge(request, reports, stack)


def _check(hosts: tuple[str, ...], protocols: tuple[str, ...], sni: str) -> None:
    if len(hosts) > _MAX_HOSTS:
        raise InputError(
            f"{len(hosts)} hosts", why=f"at most {_MAX_HOSTS} at once", hint="use several calls"
        )
    for one in protocols:
        if not one.isascii() or not one.isprintable() or not 1 <= len(one) <= 255:
            raise InputError(
                f"--alpn {one[:40]!r} is not a protocol",
                why="a name has 1 to 255 printable ASCII characters (RFC 7301)",
                hint=f"--alpn {endpoint.MQTT_ALPN}",
            )
    if sni:
        endpoint.parse(sni)


def _judge(request: Request, reports: list[Report], stack: str) -> None:
    """Raise for the first bundle that does not work, then for hosts that were not seen."""
    for report in reports:
        for bundle in request.bundles if report.chains else ():
            if found := report.objection(bundle, stack):
                code, reason = found
                raise TrustError(
                    f"{bundle.name} would not work at {report.endpoint}",
                    why=reason,
                    hint=ADVICE[code],
                    code=code,
                )
    failed = [one for one in reports if one.failure]
    if failed and (first := failed[0].failure):
        raise NetworkError(
            f"{failed[0].endpoint}: nothing was shown"
            if len(reports) == 1
            else f"{len(failed)} of {len(reports)} hosts showed nothing",
            why=first.reason,
            hint=_HINTS.get(first.code, ADVICE[first.code]),
            code=first.code,
        )


def _save(save: Path, reports: list[Report]) -> dict[tuple[str, int], Path]:
    """Write every chain to a file of its own; return the files by endpoint and chain."""
    from rootlet.pem import armour  # noqa: PLC0415 - only when asked for

    shown = [(report, chain) for report in reports for chain in report.chains]
    hosts = [report.endpoint.host for report in reports]
    kept = {}
    for report, chain in shown:
        host = report.endpoint.host
        parts = [host if hosts.count(host) == 1 else str(report.endpoint)] if hosts[1:] else []
        if len(report.chains) > 1:
            family = chain.inspection.family if chain.inspection else "unreadable"
            twins = [
                one for one in report.chains if one.inspection and one.inspection.family == family
            ]
            parts += [family, *([str(chain.number)] if len(twins) > 1 else [])]
        name = "-".join([save.stem, *parts]).replace(":", "-") + (save.suffix or ".pem")
        file = save.with_name(name) if len(shown) > 1 else save
        files.write(file, "".join(map(armour, chain.ders)).encode())
        kept[str(report.endpoint), chain.number] = file
    return kept
