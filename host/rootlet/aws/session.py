"""One account of AWS in one region: its services, and every call to them through one function."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rootlet.aws.errors import translated
from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What callers may hold open at once; a page of a fleet is asked thing by thing.
CONNECTIONS = 8
_TRIES = 6  # in all; botocore waits longer each time, with jitter
_SECONDS = 10  # to connect, and between two bytes
#: How a target is written: the end of its ARN.
_TARGET = re.compile(r"(thing|thinggroup)/[A-Za-z0-9:_-]{1,128}", re.ASCII)
_TARGET_ARN = re.compile(rf"arn:aws[a-z-]*:iot:[a-z0-9-]+:\d{{12}}:{_TARGET.pattern}", re.ASCII)


@dataclass(frozen=True)
class Service:
    """One service: a boto3 client, and calls whose errors are ours."""

    client: Any
    name: str

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation by its name in the service model, such as ``CreateThing``.

        Returns the answer. Raises what :mod:`rootlet.aws.errors` draws.
        """
        with translated(f"{self.name}:{operation}"):
            answer: dict[str, Any] = getattr(self.client, _snake(operation))(**parameters)
        return answer

    def pages(self, operation: str, key: str, **parameters: Any) -> Iterator[Any]:
        """Yield the items under ``key`` of every page of a listing."""
        with translated(f"{self.name}:{operation}"):
            for page in self.client.get_paginator(_snake(operation)).paginate(**parameters):
                yield from page.get(key, ())


def _snake(operation: str) -> str:
    from botocore import xform_name  # noqa: PLC0415 - slow to import

    return str(xform_name(operation))


@dataclass(frozen=True)
class Account:
    """What boto3's chain of settings leads to. Services are connected when they are used."""

    session: Any = field(repr=False)
    endpoint_url: str | None = None

    @property
    def region(self) -> str:
        """The region, such as ``eu-west-1``. Raises InputError when there is none."""
        found = self.session.region_name
        if not found:
            raise InputError(
                "no AWS region",
                why="neither an option, nor the environment, nor the profile names one",
                hint="--region REGION, or set AWS_REGION",
            )
        return str(found)

    @cached_property
    def iot(self) -> Service:
        """The control plane: things, certificates, policies, jobs."""
        return self._service("iot", "iot")

    @cached_property
    def once(self) -> Service:
        """The control plane for calls that make another one each time: botocore tries once.

        A second try after a lost answer would leave a certificate that nobody knows of.
        """
        return self._service("iot", "iot", tries=1)

    @cached_property
    def data(self) -> Service:
        """The data plane: shadows."""
        return self._service("iot-data", "iot")

    @cached_property
    def _caller(self) -> dict[str, Any]:
        return self._service("sts", "sts").call("GetCallerIdentity")

    @cached_property
    def arn(self) -> str:
        """The beginning of every ARN of AWS IoT here: ``arn:aws:iot:REGION:ACCOUNT:``."""
        partition = str(self._caller["Arn"]).split(":")[1]
        return f"arn:{partition}:iot:{self.region}:{self._caller['Account']}:"

    def target(self, name: str) -> str:
        """Return the ARN of ``thing/NAME``, ``thinggroup/NAME`` or an ARN. Raises InputError."""
        check_target(name)
        return name if name.startswith("arn:") else self.arn + name

    def _service(self, name: str, prefix: str, tries: int = 0) -> Service:
        from botocore.config import Config  # noqa: PLC0415 - slow to import

        config = Config(
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            retries={"mode": "standard", "total_max_attempts": tries or _TRIES},
            max_pool_connections=CONNECTIONS,
        )
        with translated(f"{prefix}:*"):
            client = self.session.client(
                name, region_name=self.region, endpoint_url=self.endpoint_url, config=config
            )
        return Service(client, prefix)


def check_target(name: str) -> None:
    """Raise InputError when this names neither a thing nor a thing group."""
    if not (_TARGET.fullmatch(name) or _TARGET_ARN.fullmatch(name)):
        raise InputError(
            f"{name[:160]!r} names no thing and no thing group",
            why="a job goes to things and static or dynamic thing groups",
            hint="write thing/NAME, thinggroup/NAME, or the ARN of either",
        )


def connect(
    *, region: str | None = None, profile: str | None = None, endpoint_url: str | None = None
) -> Account:
    """Return the account that the options and boto3's own settings lead to; nothing is called.

    Raises InputError without boto3, or for a profile that is not there.
    """
    try:
        import boto3  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise InputError(
            "boto3 is not installed",
            why="what talks to AWS is an extra of rootlet",
            hint="pip install 'rootlet[aws]'",
        ) from error
    with translated("iot:*"):
        session = boto3.Session(region_name=region, profile_name=profile)
    return Account(session, endpoint_url)
