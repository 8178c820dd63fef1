"""``rootlet aws certs``: certificates of devices and authorities in AWS IoT."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import files, identity
from rootlet.cli import aws_certs_more, groups, show
from rootlet.cli.aws_options import Where, confirm, where_options, yes_option
from rootlet.errors import RootletError

if TYPE_CHECKING:
    from collections.abc import Iterable

_PATH = click.Path(path_type=Path)


@click.group(
    "certs",
    cls=groups.Group,
    epilog="""\b
Examples:
  rootlet aws certs list
  rootlet aws certs deactivate thing/pump-7

Exit codes: 0 done, 2 bad input, 3 the answer is no, 5 AWS.
""",
)
def command() -> None:
    """Certificates in AWS IoT: made, registered, switched on and off, handed over, deleted."""


command.add_command(aws_certs_more.register_ca)
command.add_command(aws_certs_more.transfer)


@command.command(
    epilog="""\b
Examples:
  rootlet aws certs create -o pump-7
  rootlet aws certs create -o pump-8 --inactive --json

Exit codes: 0 made, 2 bad input or files there already, 5 AWS.
"""
)
@click.option(
    "-o", "--output", required=True, type=_PATH, metavar="NAME", help="NAME.crt and .key."
)
@click.option("--inactive", is_flag=True, help="Do not let it connect yet.")
@where_options
@show.json_option
def create(*, output: Path, inactive: bool, where: Where, json_output: bool) -> None:
    """Have AWS make a key and a certificate. The key is sent once, and kept readable by you only.

    Better: rootlet provision --aws, or from-csr, where the key never leaves this computer.
    """
    from rootlet import handover  # noqa: PLC0415 - help must not load the library

    made = handover.create_keys(where.account(), output, active=not inactive)
    _made(made, json_output=json_output)


@command.command(
    "from-csr",
    epilog="""\b
Examples:
  rootlet aws certs from-csr pump-7/device.csr -o pump-7.crt
  rootlet aws certs from-csr pump-7/device.csr -o pump-7.crt --inactive

Exit codes: 0 made, 2 bad input or a file there already, 5 AWS.
""",
)
@click.argument("csr", type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, metavar="FILE.crt")
@click.option("--inactive", is_flag=True, help="Do not let it connect yet.")
@where_options
@show.json_option
def from_csr(csr: Path, *, output: Path, inactive: bool, where: Where, json_output: bool) -> None:
    """Have AWS sign a certificate request (PEM). The key stays where it is."""
    from rootlet import handover  # noqa: PLC0415

    text = files.read(csr, identity.MAX_PEM)
    made = handover.sign_request(where.account(), text, str(csr), output, active=not inactive)
    _made(made, json_output=json_output)


@command.command(
    epilog="""\b
Examples:
  rootlet aws certs register pump-7.crt
  rootlet aws certs register pump-7.crt --ca our-ca.pem --inactive

Exit codes: 0 registered, 2 bad input or there already, 5 AWS.
"""
)
@click.argument("certificate", type=_PATH)
@click.option("--ca", type=_PATH, help="Its authority (PEM), when that is registered too.")
@click.option("--inactive", is_flag=True, help="Do not let it connect yet.")
@where_options
@show.json_option
def register(
    certificate: Path, *, ca: Path | None, inactive: bool, where: Where, json_output: bool
) -> None:
    """Register a certificate that your own authority has signed."""
    from rootlet import handover  # noqa: PLC0415

    one = handover.as_pem(files.read(certificate, identity.MAX_PEM), str(certificate))
    authority = handover.as_pem(files.read(ca, identity.MAX_PEM), str(ca)) if ca else None
    from rootlet.aws import certificates  # noqa: PLC0415

    made = certificates.register(where.account(), one, ca=authority, active=not inactive)
    _made(
        {"id": made["certificateId"], "arn": made["certificateArn"], "active": not inactive},
        json_output=json_output,
    )


def _made(made: dict[str, Any], *, json_output: bool) -> None:
    if json_output:
        show.as_json("certificate/1", made)
        return
    facts = {key: str(value) for key, value in made.items() if key not in ("arn", "active")}
    show.facts(facts | {"state": "active" if made["active"] else "inactive"})


_NAMES = click.argument("names", nargs=-1, required=True, metavar="CERTIFICATE...")


@command.command(
    epilog="""\b
Examples:
  rootlet aws certs activate 0123...
  rootlet aws certs activate thing/pump-7

Exit codes: 0 done, 2 bad input, 5 AWS.
"""
)
@_NAMES
@where_options
@show.json_option
def activate(*, names: tuple[str, ...], where: Where, json_output: bool) -> None:
    """Let certificates connect, by id or as thing/NAME: all that this thing has."""
    _switch(names, where, "ACTIVE", json_output=json_output)


@command.command(
    epilog="""\b
Examples:
  rootlet aws certs deactivate 0123...
  rootlet aws certs deactivate thing/pump-7 thing/pump-8

Exit codes: 0 done, 2 bad input, 5 AWS.
"""
)
@_NAMES
@where_options
@show.json_option
def deactivate(*, names: tuple[str, ...], where: Where, json_output: bool) -> None:
    """Keep certificates from connecting, by id or as thing/NAME: all that this thing has.

    A connection that is open may live on for some minutes.
    """
    _switch(names, where, "INACTIVE", json_output=json_output)


@command.command(
    epilog="""\b
Examples:
  rootlet aws certs revoke 0123...
  rootlet aws certs revoke thing/pump-7 --yes

Exit codes: 0 done, 2 bad input, 5 AWS.
"""
)
@_NAMES
@yes_option
@where_options
@show.json_option
def revoke(*, names: tuple[str, ...], yes: bool, where: Where, json_output: bool) -> None:
    """Mark certificates as revoked, by id or as thing/NAME: their keys are not to be trusted."""
    confirm(f"revoke {', '.join(names)}?", yes=yes)
    _switch(names, where, "REVOKED", json_output=json_output)


def _switch(names: tuple[str, ...], where: Where, status: str, *, json_output: bool) -> None:
    """Set the status of certificates, and tell of each."""
    from rootlet import handover  # noqa: PLC0415
    from rootlet.aws import certificates  # noqa: PLC0415

    account, done = where.account(), 0
    ids = handover.resolve(account, names)
    try:
        with show.progress(status.lower()) as tell:
            for done, one in enumerate(ids):
                tell(done, len(ids), one[:16])
                certificates.set_status(account, one, status)
    except (KeyboardInterrupt, RootletError):
        click.echo(
            f"{done} of {len(ids)} are {status.lower()}; the same command goes on", err=True
        )
        raise
    if json_output:
        show.as_json("certificates-changed/1", {"status": status, "ids": ids})
        return
    for one in ids:
        click.echo(f"{one}: {status.lower()}")


@command.command(
    "list",
    epilog="""\b
Examples:
  rootlet aws certs list
  rootlet aws certs list --ca 0123... --json

Exit codes: 0 shown, 2 bad input, 5 AWS.
""",
)
@click.option("--ca", metavar="ID", help="Those that this authority has signed.")
@where_options
@show.json_option
def list_command(*, ca: str | None, where: Where, json_output: bool) -> None:
    """List the certificates of devices, newest first."""
    from rootlet.aws import certificates  # noqa: PLC0415

    by_ca = certificates.check_id(ca) if ca else None
    _listed(certificates.listed(where.account(), by_ca=by_ca), json_output=json_output)


@command.command(
    "list-cas",
    epilog="""\b
Examples:
  rootlet aws certs list-cas
  rootlet aws certs list-cas --region eu-west-1 --json

Exit codes: 0 shown, 2 bad input, 5 AWS.
""",
)
@where_options
@show.json_option
def list_cas(*, where: Where, json_output: bool) -> None:
    """List the authorities that are registered, newest first."""
    from rootlet.aws import certificates  # noqa: PLC0415

    _listed(certificates.listed_cas(where.account()), json_output=json_output)


def _listed(found: Iterable[dict[str, Any]], *, json_output: bool) -> None:
    rows = [
        {
            "id": str(one["certificateId"]),
            "status": str(one.get("status", "")),
            "created": one["creationDate"].date().isoformat() if "creationDate" in one else "",
        }
        for one in found
    ]
    if json_output:
        show.as_json("certificates/1", {"certificates": rows})
    elif rows:
        show.table("", ("id", "status", "created"), [tuple(one.values()) for one in rows])
    else:
        click.echo("none")


@command.command(
    epilog="""\b
Examples:
  rootlet aws certs delete 0123...
  rootlet aws certs delete 0123... --detach --yes

Exit codes: 0 deleted, 2 bad input, or still active or in use, 5 AWS.
"""
)
@click.argument("certificate", metavar="CERTIFICATE")
@click.option("--detach", is_flag=True, help="Take it from its things and policies first.")
@yes_option
@where_options
@show.json_option
def delete(certificate: str, *, detach: bool, yes: bool, where: Where, json_output: bool) -> None:
    """Delete a certificate that is inactive and in use by nothing."""
    from rootlet import handover  # noqa: PLC0415
    from rootlet.aws import certificates  # noqa: PLC0415

    one = certificates.check_id(certificate)
    confirm(f"delete the certificate {one[:16]}... for good?", yes=yes)
    told = handover.delete(where.account(), one, detach=detach)
    if json_output:
        show.as_json("certificate-deleted/1", {"id": one, **told})
        return
    for kind, names in told.items():
        click.echo(f"{one}: detached from {kind} {', '.join(names)}") if names else None
    click.echo(f"{one}: deleted")
