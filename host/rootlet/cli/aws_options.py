"""The options that say which account and region of AWS a command asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

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

    @wraps(function)
    def wrapped(
        *, region: str | None, profile: str | None, endpoint_url: str | None, **rest: Any
    ) -> None:
        function(where=Where(region, profile, endpoint_url), **rest)

    made: Any = wrapped
    options: tuple[Any, ...] = (
        click.option("--endpoint-url", metavar="URL", help="Ask here instead (a test service)."),
        click.option("--profile", help="Profile of AWS's configuration.  [default: AWS_PROFILE]"),
        click.option("--region", help="Region.  [default: AWS_REGION, or the profile's]"),
    )
    for option in options:
        made = option(made)
    return made


def confirm(question: str, *, yes: bool) -> None:
    """Ask before what cannot be taken back. Raises InputError when nobody can be asked."""
    if yes:
        return
    if not click.get_text_stream("stdin").isatty():
        raise InputError(
            question.rstrip("?"), why="nobody is there to confirm it", hint="add --yes"
        )
    click.confirm(question, abort=True, err=True)


yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
