"""Jobs of ours in AWS IoT: found by their names, read, created and cancelled."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from rootlet import jobs
from rootlet.aws.errors import AbsentError, translated
from rootlet.aws.session import CONNECTIONS
from rootlet.bundle import sha256
from rootlet.errors import InputError
from rootlet.progress import (
    FAILURES,
    Execution,
    Job,
    Progress,
    has_confirmed,
    in_place,
    latest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rootlet.aws.session import Account

#: Failures that are asked for their reason in one go: two calls each.
MOST_ASKED = 1000
#: Executions of one thing that are told: one call each, for the reason.
_MOST_OLD = 100
_SHADOW = "rootlet"
_MAX_SHADOW = 8192  # bytes: AWS IoT quota
_PAGE = 250


def ours(account: Account, target: str) -> list[jobs.Name]:
    """Return the names of a fleet's jobs: the newest set first, and the newest job of a set."""
    wanted = jobs.slug(target)
    found = account.iot.pages("ListJobs", "jobs", maxResults=_PAGE)
    named = [
        (name.order, one["createdAt"], name.wave == jobs.FLEET, name.attempt, name)
        for one in found
        if (name := jobs.read_name(one["jobId"])) and name.slug == wanted
    ]
    return [pair[-1] for pair in sorted(named, key=lambda one: one[:-1], reverse=True)]


def read(account: Account, job_id: str) -> Job:
    """Return a job with the bundle that it carries. Raises InputError for another's."""
    name = jobs.read_name(job_id)
    if name is None:
        raise InputError(
            f"{job_id[:64]!r} is no job of rootlet", hint="rootlet rotate status lists them"
        )
    told = account.iot.call("DescribeJob", jobId=job_id)["job"]
    document = account.iot.call("GetJobDocument", jobId=job_id)["document"]
    bundle = jobs.read_document(document)
    if (jobs.slug(bundle.target), bundle.key_set, bundle.sequence) != (name.slug, *name.order):
        raise InputError(f"the job {job_id} carries another bundle than its name says")
    tags = account.iot.pages("ListTagsForResource", "tags", resourceArn=told["jobArn"])
    return Job(
        id=job_id,
        name=name,
        status=told["status"],
        targets=tuple(told["targets"]),
        bundle=bundle,
        created=told["createdAt"],
        reason=told.get("comment") or told.get("reasonCode") or "",
        deadline=_deadline({one["Key"]: one.get("Value", "") for one in tags}),
    )


def _deadline(tags: dict[str, str]) -> date | None:
    try:
        return date.fromisoformat(tags.get(jobs.DEADLINE, ""))
    except ValueError:
        return None


def members(account: Account, targets: Iterable[str]) -> frozenset[str]:
    """Return the names of all things that targets (ARNs) stand for, groups within groups too."""
    found: set[str] = set()
    for arn in targets:
        kind, _, name = arn.rpartition(":")[2].partition("/")
        found |= {name} if kind == "thing" else set(_members(account, name))
    return frozenset(found)


def _members(account: Account, group: str) -> Iterator[str]:
    return account.iot.pages(
        "ListThingsInThingGroup",
        "things",
        thingGroupName=group,
        recursive=True,
        maxResults=_PAGE,
    )


def progress(
    account: Account, job: Job, tell: Callable[[int, int, str], None], most: int = MOST_ASKED
) -> Progress:
    """Return how a job stands on every thing, with the reasons of at most ``most`` failures.

    ``tell`` hears ``(done, total, what)``.
    """
    tell(0, 0, "executions")
    executions = latest(_executions(account, job.id))
    waiting = members(account, job.targets) - in_place(executions) if job.active else frozenset()
    failed = [one for one in executions.values() if one.status in FAILURES]
    asked, late = failed[:most], set()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answers = pool.map(lambda one: _ask(account, job, one), asked)
        for number, (found, confirmed) in enumerate(answers, 1):
            executions[found.thing] = found
            late |= {found.thing} if confirmed else set()
            tell(number, len(asked), "reasons")
    return Progress(job, executions, waiting, frozenset(late), len(failed) - len(asked))


def history(account: Account, thing: str) -> list[tuple[jobs.Name, Execution]]:
    """Return what the last 100 of our jobs have come to on a thing, newest first.

    AWS IoT keeps an execution as long as its job, and no longer than it says itself.
    """
    key = "executionSummaries"
    found = [
        (name, _execution(thing, one["jobExecutionSummary"]))
        for one in account.iot.pages(
            "ListJobExecutionsForThing", key, thingName=thing, maxResults=_PAGE
        )
        if (name := jobs.read_name(one["jobId"]))
    ]
    found.sort(key=lambda one: (str(one[1].queued), one[0].order, one[1].number), reverse=True)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        asked = pool.map(
            lambda one: (one[0], _told(account, str(one[0]), one[1])), found[:_MOST_OLD]
        )
        return list(asked)


def _executions(account: Account, job_id: str) -> Iterator[Execution]:
    key = "executionSummaries"
    for one in account.iot.pages("ListJobExecutionsForJob", key, jobId=job_id, maxResults=_PAGE):
        yield _execution(one["thingArn"].rpartition("/")[2], one["jobExecutionSummary"])


def _execution(thing: str, told: dict[str, Any]) -> Execution:
    return Execution(
        thing=thing,
        status=told["status"],
        queued=told.get("queuedAt"),
        started=told.get("startedAt"),
        updated=told.get("lastUpdatedAt"),
        number=told.get("executionNumber", 1),
    )


def _ask(account: Account, job: Job, one: Execution) -> tuple[Execution, bool]:
    """Return why an execution failed, and whether its thing has confirmed since."""
    found = _told(account, job.id, one)
    return found, has_confirmed(_shadow(account, one.thing), job.bundle, sha256(job.bundle.data))


def _told(account: Account, job_id: str, one: Execution) -> Execution:
    """Return an execution with what its thing has told of it."""
    try:
        told = account.iot.call(
            "DescribeJobExecution", jobId=job_id, thingName=one.thing, executionNumber=one.number
        )
    except AbsentError:  # deleted a moment ago
        return one
    details = told["execution"].get("statusDetails", {}).get("detailsMap", {})
    return replace(one, details=details)


def _shadow(account: Account, thing: str) -> dict[str, Any]:
    """Return what a thing's shadow ``rootlet`` reports; nothing when there is none or no sense."""
    try:
        told = account.data.call("GetThingShadow", thingName=thing, shadowName=_SHADOW)
        with translated("iot:GetThingShadow"):  # its bytes come after the answer
            raw = told["payload"].read(_MAX_SHADOW)
        reported = json.loads(raw)["state"]["reported"]
    except (AbsentError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return reported if isinstance(reported, dict) else {}
