"""A roll-out as AWS IoT Jobs sees it: names, documents and the parameters of CreateJob.

All that a roll-out is, is in the service: its job's document holds the signed bundle, its name the
phase and the wave, so any computer with the right to read can tell how it stands. Limits are
those of the service model ``iot`` that botocore ships and of the AWS IoT developer guide ("Job
rollout, scheduling, abort, timeout and retry configurations").
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rootlet import bundle
from rootlet.errors import InputError
from rootlet.plan import PHASES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from urootlet.bundle import Bundle

CANARY, FLEET = "canary", "fleet"
WAVES = {"c": CANARY, "f": FLEET}
TAG = "rootlet:"
DEADLINE = f"{TAG}deadline"

_MAX_DOCUMENT = 32_768  # characters: shape JobDocument
_MAX_TIMEOUT = 10_080  # minutes
_MAX_RETRIES = 10
_MAX_RATE = 1000  # things a minute
_SOONEST, _LATEST = timedelta(minutes=30), timedelta(days=365)
_MAX_WINDOW = 1430  # minutes
_ID = re.compile(
    rf"rl-(?P<slug>[a-z0-9_-]{{1,32}})-(?P<keys>\d{{1,5}})-(?P<sequence>\d{{1,10}})"
    rf"-(?P<phase>{'|'.join(PHASES)})-(?P<wave>[cf])(?:-(?P<attempt>[2-9]|[1-9]\d))?",
    re.ASCII,
)


@dataclass(frozen=True)
class Name:
    """What a job's id says; ``slug`` is the fleet as ids can write it."""

    slug: str
    key_set: int
    sequence: int
    phase: str
    wave: str
    attempt: int = 1

    @property
    def order(self) -> tuple[int, int]:
        """What a device compares: key set version and sequence."""
        return self.key_set, self.sequence

    def __str__(self) -> str:
        wave = next(letter for letter, name in WAVES.items() if name == self.wave)
        again = f"-{self.attempt}" if self.attempt > 1 else ""
        # At most 3 + 32 + 6 + 11 + 7 + 2 + 3 = 64 characters, which is the limit.
        return f"rl-{self.slug}-{self.key_set}-{self.sequence}-{self.phase}-{wave}{again}"


def slug(target: str) -> str:
    """Return a fleet's name as job ids can write it: they have no dot.

    A name with dots gets 4 digits of its hash, so that ``a.b`` and ``a_b`` stay two fleets.
    """
    if "." not in target:
        return target
    digest = hashlib.sha256(target.encode()).hexdigest()[:4]
    return f"{target.replace('.', '_')[:27]}-{digest}"


def read_name(job_id: str) -> Name | None:
    """Return what a job id says, or None when the job is not one of ours."""
    found = _ID.fullmatch(job_id)
    if found is None:
        return None
    return Name(
        found["slug"],
        int(found["keys"]),
        int(found["sequence"]),
        found["phase"],
        WAVES[found["wave"]],
        int(found["attempt"] or 1),
    )


def document(data: bytes, key_sets: Sequence[bytes] = ()) -> str:
    """Return the job document for a signed bundle and the key sets that lead to it.

    A device trusts the signatures in it and nothing else. Raises InputError over the limit.
    """
    values: dict[str, Any] = {"rootlet": 1, "bundle": base64.b64encode(data).decode()}
    if key_sets:
        values["keys"] = [base64.b64encode(one).decode() for one in key_sets]
    text = json.dumps(values, separators=(",", ":"))
    if len(text) > _MAX_DOCUMENT:
        raise InputError(
            f"the job document has {len(text)} characters",
            why=f"AWS takes {_MAX_DOCUMENT}",
            hint="roll out the key sets first, in bundles of their own",
        )
    return text


def read_document(text: str) -> Bundle:
    """Return the bundle out of a job document. Raises InputError when it is none of ours."""
    values = _members(text)
    try:
        data = base64.b64decode(values["bundle"], validate=True)
    except (ValueError, KeyError, TypeError):
        data = b""
    if values.get("rootlet") != 1 or not data:
        raise InputError(
            "the job's document is not one of rootlet's",
            why="somebody else has made a job of that name",
            hint="cancel and delete it, then start again",
        )
    return bundle.decode(data, "the job's bundle")


def _members(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


@dataclass(frozen=True)
class Window:
    """When jobs may be handed out: ``begins`` as AWS's cron, for some minutes."""

    begins: str
    minutes: int


@dataclass(frozen=True)
class Pace:
    """How a job spreads, and when it stops by itself.

    It starts with ``base`` things a minute and grows by ``factor`` each time that ``grow_after``
    more things have *succeeded*, up to ``most``; so one that does harm stays slow. It is
    cancelled when ``abort_percent`` of at least ``abort_after`` things that ended have failed,
    refused or timed out. Minutes of ``timeout`` count from the moment a thing starts it.
    """

    base: int = 10
    most: int = 500
    factor: float = 2.0
    grow_after: int = 20
    abort_percent: float = 5.0
    abort_after: int = 20
    timeout: int = 1440
    retries: int = 2
    starts: datetime | None = None
    ends: datetime | None = None
    windows: tuple[Window, ...] = ()

    def check(self, now: datetime) -> None:
        """Raise InputError for the first value that AWS would refuse."""
        starts = self.starts or now + _SOONEST
        rules = (
            (1 <= self.base <= _MAX_RATE, "--rate", f"begins with 1 to {_MAX_RATE} a minute"),
            (self.base <= self.most <= _MAX_RATE, "--rate", f"ends at {_MAX_RATE} at most"),
            (_decimals(self.factor, 1) and 1.1 <= self.factor <= 5, "--factor", "is 1.1 to 5.0"),
            (self.grow_after >= 1, "--grow-after", "is 1 or more things"),
            (
                _decimals(self.abort_percent, 2) and 0 < self.abort_percent <= 100,
                "--abort-percent",
                "is above 0, at most 100, with two decimals",
            ),
            (self.abort_after >= 1, "--abort-after", "is 1 or more things"),
            (1 <= self.timeout <= _MAX_TIMEOUT, "--timeout", f"is 1 to {_MAX_TIMEOUT} minutes"),
            (0 <= self.retries <= _MAX_RETRIES, "--retries", f"is 0 to {_MAX_RETRIES}"),
            (
                now + _SOONEST <= starts <= now + _LATEST,
                "--start",
                "is 30 minutes to a year from now",
            ),
            (
                self.ends is None or starts + _SOONEST <= self.ends <= now + 2 * _LATEST,
                "--end",
                "is 30 minutes or more after the start",
            ),
            (
                all(1 <= one.minutes <= _MAX_WINDOW and one.begins for one in self.windows),
                "--window",
                f"lasts 1 to {_MAX_WINDOW} minutes",
            ),
            (
                not (self.windows and self.ends),
                "--window",
                "repeats for as long as the job runs, so there is no --end beside it",
            ),
        )
        for met, option, why in rules:
            if not met:
                raise InputError(f"{option} cannot be that", why=f"it {why}")


def _decimals(value: float, count: int) -> bool:
    return round(value, count) == value


@dataclass(frozen=True)
class Order:
    """One job to create: its name, bundle and targets (ARNs), and for how long it matters."""

    name: Name
    bundle: Bundle
    targets: tuple[str, ...]
    pace: Pace
    key_sets: tuple[bytes, ...] = field(default=(), repr=False)
    deadline: date | None = None

    @property
    def continuous(self) -> bool:
        """Whether things that join a group later get the job too."""
        groups = any(":thinggroup/" in one for one in self.targets)
        return self.name.wave == FLEET and groups

    def parameters(self, now: datetime) -> dict[str, Any]:
        """Return the parameters of CreateJob. Raises InputError for what AWS would refuse."""
        self.pace.check(now)
        if self.pace.windows and not self.continuous:
            raise InputError(
                "--window is for thing groups",
                why="AWS takes maintenance windows for continuous jobs only",
                hint="give --to thinggroup/NAME, or --start and --end instead",
            )
        made: dict[str, Any] = {
            "jobId": str(self.name),
            "targets": list(self.targets),
            "document": document(bytes(self.bundle.data), self.key_sets),
            "description": self._description(),
            "targetSelection": "CONTINUOUS" if self.continuous else "SNAPSHOT",
            "jobExecutionsRolloutConfig": _rollout(self.pace),
            "abortConfig": _abort(self.pace),
            "timeoutConfig": {"inProgressTimeoutInMinutes": self.pace.timeout},
            "tags": [{"Key": key, "Value": value} for key, value in self._tags().items()],
        }
        if self.pace.retries:
            criterion = {"failureType": "TIMED_OUT", "numberOfRetries": self.pace.retries}
            made["jobExecutionsRetryConfig"] = {"criteriaList": [criterion]}
        if schedule := _schedule(self.pace):
            made["schedulingConfig"] = schedule
        return made

    def _description(self) -> str:
        name = self.name
        return (
            f"rootlet: trust anchors of {self.bundle.target}, set {name.key_set}.{name.sequence}, "
            f"phase {name.phase}, {name.wave}"
        )

    def _tags(self) -> dict[str, str]:
        told = {
            f"{TAG}target": self.bundle.target,
            f"{TAG}phase": self.name.phase,
            f"{TAG}wave": self.name.wave,
        }
        return told | ({DEADLINE: self.deadline.isoformat()} if self.deadline else {})


def _rollout(pace: Pace) -> dict[str, Any]:
    return {
        "maximumPerMinute": pace.most,
        "exponentialRate": {
            "baseRatePerMinute": pace.base,
            "incrementFactor": pace.factor,
            "rateIncreaseCriteria": {"numberOfSucceededThings": pace.grow_after},
        },
    }


def _abort(pace: Pace) -> dict[str, Any]:
    """Return one criterion over all kinds of failure: together they are what the fleet suffers."""
    criterion = {
        "failureType": "ALL",
        "action": "CANCEL",
        "thresholdPercentage": pace.abort_percent,
        "minNumberOfExecutedThings": pace.abort_after,
    }
    return {"criteriaList": [criterion]}


def _schedule(pace: Pace) -> dict[str, Any]:
    """Return the schedule; a roll-out that ends never stops a device in the middle of a trial."""
    made: dict[str, Any] = {}
    if pace.starts:
        made["startTime"] = _minute(pace.starts)
    if pace.ends:
        made |= {"endTime": _minute(pace.ends), "endBehavior": "STOP_ROLLOUT"}
    if pace.windows:
        made["maintenanceWindows"] = [
            {"startTime": one.begins, "durationInMinutes": one.minutes} for one in pace.windows
        ]
    return made


def _minute(moment: datetime) -> str:
    """Return a time as AWS takes it: UTC, to the minute."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
