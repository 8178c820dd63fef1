"""``rootlet provision --aws``: the certificate, thing and policy of a device in AWS IoT."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from rootlet import identity
from rootlet.cli import show
from rootlet.cli.aws_options import Where, where_options
from rootlet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from rootlet.credentials import Issue
    from rootlet.provision import Made


@dataclass(frozen=True)
class Aws:
    """The options that only count with ``--aws``, one attribute each."""

    aws: bool
    policy: str
    topics: tuple[str, ...]
    undo: bool
    where: Where


def options(function: Any) -> Any:
    """Add ``--aws`` and what goes with it to a command."""
    for option in (
        click.option("--undo", is_flag=True, help="With --aws: take back what AWS IoT got."),
        click.option(
            "--topic", "topics", multiple=True, help="With --aws: as rootlet aws policy."
        ),
        click.option(
            "--policy", default="rootlet", show_default=True, help="With --aws: its name there."
        ),
        click.option("--aws", is_flag=True, help="Certificate, thing and policy of AWS IoT."),
        where_options,
    ):
        function = option(function)
    return function


def ask_endpoint(given: Aws) -> str:
    """Return the name that devices connect to, as AWS IoT tells it."""
    from rootlet.aws import endpoint as names  # noqa: PLC0415 - help must not load the library

    return names.find(given.where.account())


def issue(given: Aws, folder: Path, thing: str, endpoint: str) -> Issue:
    """Return what has AWS IoT make the certificate, and the thing and policy around it.

    ``endpoint`` is what was given of it. Raises InputError for a name or topic that AWS does not
    take, and for an endpoint in another region, before anything is made.
    """
    from rootlet import enroll, policy  # noqa: PLC0415
    from rootlet.aws import endpoint as names  # noqa: PLC0415

    identity.check_thing(thing)
    account = given.where.account()
    names.check_region(endpoint, account.region)
    document = policy.document(account.arn, given.topics)
    grant = enroll.Grant(given.policy, document)
    return enroll.issuer(account, folder, thing, grant, _tell)


def _tell(step: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"AWS IoT: {step}", err=True)


def go_on(folder: Path, thing: str, issue: Issue) -> Made | None:
    """Finish a folder that an earlier run has begun, or return None when there is none.

    Raises InputError when it is another thing's, or got its key or certificate in another way.
    """
    from rootlet import enroll, provision  # noqa: PLC0415

    if not (folder / identity.REQUEST).exists():
        return None
    if (held := identity.read_settings(folder).thing) != thing:
        raise InputError(f"{folder} holds {held}, not {thing}", hint="name another with -o")
    if not (folder / identity.CERTIFICATE).exists():
        return provision.complete(folder, issue)
    made = provision.look(folder)
    if not enroll.is_done(folder, made.key_id):
        raise InputError(
            f"{folder} has a certificate that AWS IoT did not make here",
            why="it came from a file or an authority",
            hint=f"rootlet aws certs register {folder / identity.CERTIFICATE_PEM}",
        )
    return made


def take_back(given: Aws, folder: Path, *, json_output: bool) -> None:
    """Take back what a folder's journal says was made in AWS IoT; its key stays."""
    from rootlet import enroll, withdraw  # noqa: PLC0415

    if not (folder / enroll.JOURNAL).exists():
        raise InputError(
            f"{folder}: nothing to take back",
            why=f"{enroll.JOURNAL} is not there: no run with --aws has begun here",
            hint="name the device folder with -o",
        )
    back = withdraw.take_back(given.where.account(), folder, _tell)
    if json_output:
        show.as_json("provision-undone/1", {"folder": str(folder), "steps": back})
        return
    click.echo(f"{folder}: {'taken back' if back else 'nothing left to take back'}")


def refuse_others(others: dict[str, object]) -> None:
    """Raise InputError for the first option that does not go with ``--aws``."""
    odd = [name for name, value in others.items() if value]
    if odd:
        raise InputError(
            f"{odd[0]} does not go with --aws",
            why="AWS IoT makes the certificate of one device, whose key is made here",
            hint=f"leave {odd[0]} out",
        )
