"""AWS for tests: moto in this process, ministack beside it, answers by hand where both lack some.

No test reaches the real one: keys and region are made up, and the chain of settings that boto3
walks is cut off.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from fixtures_jobs import MinistackJobs, ministack
from rootlet import aws
from rootlet.cli import cli
from rootlet.errors import RootletError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ARN = f"arn:aws:iot:{REGION}:{ACCOUNT}:"
_REGIONS = itertools.count(1)
_FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")


@cache
def _loader() -> Any:
    from botocore.loaders import create_loader  # noqa: PLC0415 - only who needs it pays for it

    return create_loader()


@cache
def _client(service: str) -> Any:
    import boto3  # noqa: PLC0415 - slow, and this file is loaded by every test process

    return boto3.Session(region_name=REGION).client(service)


class Answered:
    """An account whose clients answer what a test says, checked against the service model."""

    def __init__(self) -> None:
        from botocore.stub import Stubber  # noqa: PLC0415

        self.account = aws.Account(None)
        self.iot, self.data = Stubber(_client("iot")), Stubber(_client("iot-data"))
        for name, stubber in (("iot", self.iot), ("data", self.data)):
            stubber.activate()
            self.account.__dict__[name] = aws.Service(stubber.client, "iot")
        self.account.__dict__["once"] = self.account.iot
        self.account.__dict__["arn"] = ARN

    def end(self) -> None:
        """Check that everything was asked for, and leave the clients as they were."""
        for stubber in (self.iot, self.data):
            stubber.deactivate()
            stubber.assert_no_pending_responses()


def command(*words: str, typed: str | None = None) -> Result:
    """Run a command as rootlet.cli.main does: its exit status is returned, or that of an error.

    An error that is neither ours nor one of usage is raised.
    """
    result = CliRunner().invoke(cli, list(words), input=typed, standalone_mode=False)
    error = result.exception
    if isinstance(error, RootletError):
        result.exit_code = error.exit_status
    elif isinstance(error, click.ClickException):
        result.exit_code = error.exit_code
    elif isinstance(error, click.Abort):
        result.exit_code = 130
    elif error is None:
        result.exit_code = result.return_value or 0
    elif not isinstance(error, SystemExit):
        raise error
    return result


def document(*words: str) -> dict[str, Any]:
    """Run a command with ``--json``, and return what it prints."""
    result = command(*words, "--json")
    assert result.exit_code == 0, (result.output, vars(result.exception or object))
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refused(*words: str) -> RootletError:
    """Run a command that must fail with an error of ours, and return that."""
    error = command(*words).exception
    assert isinstance(error, RootletError), error
    return error


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Cut off every setting of AWS that the computer may have."""
    for name in _FOREIGN:
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # A service model is a megabyte of JSON: read once, not with every session.
    monkeypatch.setattr("botocore.session.create_loader", lambda *_: _loader())
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    return monkeypatch


@pytest.fixture
def some_aws(no_aws: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Have made up keys and a region."""
    no_aws.setenv("AWS_ACCESS_KEY_ID", "000000000000")
    no_aws.setenv("AWS_SECRET_ACCESS_KEY", "of-no-use")
    no_aws.setenv("AWS_REGION", REGION)
    return no_aws


@pytest.fixture
def moto(some_aws: pytest.MonkeyPatch) -> Iterator[Any]:
    """AWS IoT by moto, with nothing in it; yields a client of the test's own."""
    import boto3  # noqa: PLC0415
    from moto import mock_aws  # noqa: PLC0415

    with mock_aws():
        yield boto3.client("iot", region_name=REGION)


@pytest.fixture
def answered(some_aws: pytest.MonkeyPatch) -> Iterator[Answered]:
    """AWS IoT that answers what the test says, also to commands."""
    made = Answered()
    some_aws.setattr(aws, "connect", lambda **_: made.account)
    yield made
    made.end()


@pytest.fixture(scope="module")
def ministack_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinistackJobs]:
    """One ministack for the tests of a module."""
    with ministack(tmp_path_factory.mktemp("ministack")) as running:
        yield running


@dataclass
class Region:
    """A region of ministack that nobody else has: its state is the test's own."""

    process: MinistackJobs
    name: str

    def client(self, service: str) -> Any:
        import boto3  # noqa: PLC0415

        return boto3.client(service, region_name=self.name, endpoint_url=self.process.url)


@pytest.fixture
def region(ministack_process: MinistackJobs, some_aws: pytest.MonkeyPatch) -> Region:
    """A fresh region of ministack, also for commands."""
    name = f"eu-test-{next(_REGIONS)}"
    some_aws.setenv("AWS_REGION", name)
    some_aws.setenv("AWS_ENDPOINT_URL", ministack_process.url)
    return Region(ministack_process, name)
