"""``rootlet aws certs register-ca`` and ``transfer``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rootlet import files, identity
from rootlet.cli import show
from rootlet.cli.aws_options import Where, where_options
from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rootlet.aws import Account

_PATH = click.Path(path_type=Path)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


@click.command(
    "register-ca",
    epilog="""\b
Examples:
  rootlet aws certs register-ca our-ca.pem --key our-ca.key
  rootlet aws certs register-ca ca.crt --key ca.key --auto-register

Exit codes: 0 registered, 2 bad input or there already, 5 AWS.
""",
)
@click.argument("ca", type=_PATH)
@click.option("--key", required=True, type=_PATH, help="Its private key; it signs here only.")
@click.option("--inactive", is_flag=True, help="Do not use it yet.")
@click.option("--auto-register", is_flag=True, help="Devices register by connecting (JITR, JITP).")
@where_options
@show.json_option
def register_ca(  # noqa: PLR0913 - one argument per option
    ca: Path, *, key: Path, inactive: bool, auto_register: bool, where: Where, json_output: bool
) -> None:
    """Register your own authority, so that certificates that it signed can be registered.

    AWS gives a registration code; a certificate over it, made and signed here, proves that the
    key is in your hands.
    """
    from rootlet import credentials, handover  # noqa: PLC0415 - help must not load the library
    from rootlet.cli.secret import ask  # noqa: PLC0415

    secret = identity.load_key(files.read(key, identity.MAX_PEM), str(key), ask)
    data = files.read(ca, identity.MAX_PEM)
    authority = credentials.authority(data, secret, str(ca), datetime.now(UTC))
    made = handover.register_ca(
        where.account(), authority, active=not inactive, automatic=auto_register
    )
    if json_output:
        show.as_json("certificate/1", made)
        return
    show.facts({"id": made["id"], "state": "active" if made["active"] else "inactive"})


@click.command(
    "transfer",
    epilog="""\b
Examples:
  rootlet aws certs transfer 0123... --to 123456789012 --message "pumps of May"
  rootlet aws certs transfer 0123... --accept --activate
  rootlet aws certs transfer 0123... --cancel

Exit codes: 0 done, 2 bad input, or active or in use, 5 AWS.
""",
)
@click.argument("certificate", metavar="CERTIFICATE")
@click.option("--to", metavar="ACCOUNT", help="Offer it to this account (12 digits).")
@click.option("--message", default="", help="For the other side, up to 128 characters.")
@click.option("--accept", is_flag=True, help="Take what another account offers.")
@click.option("--activate", is_flag=True, help="With --accept: let it connect at once.")
@click.option("--reject", is_flag=True, help="Refuse what another account offers.")
@click.option("--cancel", is_flag=True, help="Take an offer back.")
@where_options
@show.json_option
def transfer(  # noqa: PLR0913 - one argument per option
    certificate: str,
    *,
    to: str | None,
    message: str,
    accept: bool,
    activate: bool,
    reject: bool,
    cancel: bool,
    where: Where,
    json_output: bool,
) -> None:
    """Hand a certificate over to another account, which has 14 days to accept it.

    It must be inactive and attached to nothing.
    """
    from rootlet.aws import certificates  # noqa: PLC0415

    one = certificates.check_id(certificate)
    if to is not None and not _ACCOUNT.fullmatch(to):
        raise InputError(f"--to {to[:40]!r} is no account", why="an account has 12 digits")
    ways: dict[str, tuple[bool, Callable[[Account], None]]] = {
        "offered": (bool(to), lambda a: certificates.transfer(a, one, to or "", message)),
        "accepted": (
            accept,
            lambda a: certificates.accept_transfer(a, one, active=activate),
        ),
        "rejected": (reject, lambda a: certificates.reject_transfer(a, one, message)),
        "taken back": (cancel, lambda a: certificates.cancel_transfer(a, one)),
    }
    wanted = [(done, way) for done, (asked, way) in ways.items() if asked]
    if len(wanted) != 1 or (activate and not accept):
        raise InputError(
            "say what to do with the certificate",
            why="one of --to, --accept, --reject and --cancel; --activate goes with --accept",
        )
    done, way = wanted[0]
    way(where.account())
    if json_output:
        show.as_json("transfer/1", {"id": one, "state": done, "account": to})
        return
    click.echo(f"{one}: {done}")
