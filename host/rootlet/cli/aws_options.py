"""The options that say which account and region of AWS a command asks."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from rootlet.errors import InputError

if TYPE_CHECKING:
    from rootlet.aws import Account


@dataclass(frozen=True)
class Where:
    """Region, profile and endpoint as given; None where boto3's own settings hold."""

    region: str | None
    profile: str | None
    endpoint_url: str | None

    def account(self) -> Account:
        """Return the account. Raises InputError without boto3, or for an unknown profile."""
        from rootlet import aws  # noqa: PLC0415 - help must not load the library

        return aws.connect(
            region=self.region, profile=self.profile, endpoint_url=self.endpoint_url
        )


def where_options(function: Any) -> Any:
    """Add ``--region``, ``--profile`` and ``--endpoint-url`` to a command, as ``where``."""

    # AWS_REGION: as in AWS's own command line; boto3 alone knows AWS_DEFAULT_REGION only.
    @click.option(
        "--region", envvar="AWS_REGION", help="Region.  [default: AWS_REGION, or the profile's]"
    )
    @click.option("--profile", help="Of AWS's configuration.  [default: AWS_PROFILE]")
    @click.option("--endpoint-url", metavar="URL", help="Ask here instead (a test service).")
    @wraps(function)
    def command(
        *, region: str | None, profile: str | None, endpoint_url: str | None, **rest: Any
    ) -> None:
        function(where=Where(region, profile, endpoint_url), **rest)

    return command


def confirm(question: str, *, yes: bool) -> None:
    """Ask before what cannot be taken back. Raises InputError when nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError(
            question.rstrip("?"), why="nobody is there to confirm it", hint="add --yes"
        )
    click.confirm(question, abort=True, err=True)


yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
