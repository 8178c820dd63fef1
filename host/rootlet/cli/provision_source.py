"""Where a device's certificate comes from, by the options of ``rootlet provision``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rootlet import files, identity
from rootlet.cli import secret
from rootlet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from rootlet.credentials import Issue


@dataclass(frozen=True)
class Source:
    """The options that say it, one attribute each."""

    cert: Path | None
    self_signed: bool
    ca_cert: Path | None
    ca_key: Path | None
    not_after: datetime | None


def read(path: Path) -> bytes:
    """Read a key or certificate file. Raises InputError."""
    return files.read(path, identity.MAX_PEM)


def issue(options: Source, now: datetime) -> Issue:
    """Return what makes or gives the certificate. Raises InputError and TrustError."""
    from rootlet import credentials  # noqa: PLC0415 - help must not load cryptography

    ways = (options.cert, options.self_signed, options.ca_cert or options.ca_key)
    if sum(map(bool, ways)) > 1:
        raise InputError(
            "a device has one certificate",
            why="--cert, --self-signed and --ca-cert exclude each other",
            hint="leave all but one out",
        )
    ends = _ends(options, now)
    if options.cert:
        certificate = identity.read_certificate(read(options.cert), str(options.cert))
        credentials.check_dates(certificate, str(options.cert), now)
        credentials.check_client(certificate, str(options.cert))
        return credentials.given(certificate, str(options.cert))
    if options.ca_cert or options.ca_key:
        if not (options.ca_cert and options.ca_key):
            raise InputError("--ca-cert and --ca-key go together", hint="give both")
        key = identity.load_key(read(options.ca_key), str(options.ca_key), secret.ask_on_terminal)
        certificate = read(options.ca_cert)
        return credentials.authority(certificate, key, str(options.ca_cert), now, ends).issue
    return credentials.self_signed(now, ends) if options.self_signed else credentials.later


def _ends(options: Source, now: datetime) -> datetime:
    from rootlet import credentials  # noqa: PLC0415 - see issue

    made_here = options.self_signed or options.ca_cert
    if options.not_after is None:
        if made_here and now > credentials.LAST:
            raise InputError(
                f"this computer's clock says {now:%Y-%m-%d}",
                why=f"a device's certificate ends on {credentials.LAST:%Y-%m-%d} at the latest",
                hint="set the clock",
                code="CLOCK",
            )
        return credentials.LAST
    if not made_here:
        raise InputError(
            "--not-after dates a certificate that is made here",
            hint="add --self-signed, or --ca-cert and --ca-key",
        )
    ends = options.not_after.replace(hour=23, minute=59, second=59, tzinfo=UTC)
    if not now < ends <= credentials.LAST:
        raise InputError(
            f"--not-after {ends:%Y-%m-%d}: no end for a certificate",
            why="it is over, or after 2049",
            hint="leave it out for 2049-12-31, as AWS IoT has it",
        )
    return ends
