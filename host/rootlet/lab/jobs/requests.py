"""What the Jobs service answers to each message of a device. Pure: bytes in, messages out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from rootlet.lab.jobs.store import IN_PROGRESS, QUEUED, REPORTED, STATUSES, JobError, JobStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from rootlet.lab.jobs.store import Execution

_PREFIX = "$aws/things/"
#: What the service subscribes to: a device's requests, none of its own answers.
REQUESTS = tuple(f"{_PREFIX}+/jobs/{each}" for each in ("get", "start-next", "+/get", "+/update"))
# Limits of the model iot-jobs-data: DetailsKey, DetailsValue, stepTimeoutInMinutes.
_DETAIL = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
_VALUE = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,1024}")
_LONGEST_STEP = 10_080  # minutes


class Message(NamedTuple):
    """One message to publish, QoS 1."""

    topic: str
    document: dict[str, Any]


class Request(NamedTuple):
    """A request, with members of the right types."""

    thing: str
    job_id: str  #: ``$next``, or nothing for the requests that name no job
    verb: str
    members: dict[str, Any]
    now: int


def thing_of(topic: str) -> str:
    """Return the thing that a topic of ours belongs to."""
    return topic[len(_PREFIX) :].partition("/")[0]


def answer(store: JobStore, topic: str, payload: bytes, now: int) -> Message:
    """Return the answer to a request: on ``TOPIC/accepted`` or on ``TOPIC/rejected``."""
    head: dict[str, Any] = {"timestamp": now}
    try:
        members = _members(payload)
        if "clientToken" in members:
            head["clientToken"] = members["clientToken"]
        request = _request(topic, members, now)
        return Message(f"{topic}/accepted", {**head, **_VERBS[request.verb](store, request)})
    except JobError as error:
        return Message(f"{topic}/rejected", {**head, **_refusal(error)})


def refused(topic: str, payload: bytes, code: str, now: int) -> Message:
    """Return the refusal of a request on purpose, with the token that it brought."""
    try:
        token = {"clientToken": _members(payload)["clientToken"]}
    except (JobError, KeyError):
        token = {}
    error = JobError(code, "refused on purpose")
    return Message(f"{topic}/rejected", {"timestamp": now, **token, **_refusal(error)})


def _refusal(error: JobError) -> dict[str, Any]:
    """Return ``RejectedError`` but for its time and token."""
    told: dict[str, Any] = {"code": error.code, "message": error.message}
    return told if error.state is None else {**told, "executionState": error.state}


def notices(store: JobStore, thing: str, first_before: str, now: int) -> list[Message]:
    """Return ``notify``, and ``notify-next`` if another job than ``first_before`` is first.

    They go out when an execution joins or leaves what is pending, not when it starts.
    """
    by_status: dict[str, list[dict[str, Any]]] = {}
    for each in store.pending(thing):
        by_status.setdefault(each.status, []).append(each.summary)
    told = [Message(f"{_PREFIX}{thing}/jobs/notify", {"timestamp": now, "jobs": by_status})]
    first = store.first(thing)
    if (first.job_id if first else "") != first_before:
        told.append(next_notice(store, thing, now))
    return told


def next_notice(store: JobStore, thing: str, now: int) -> Message:
    """Return ``notify-next``: the first execution, or the time alone."""
    return Message(f"{_PREFIX}{thing}/jobs/notify-next", _execution(store.first(thing), now))


def _members(payload: bytes) -> dict[str, Any]:
    try:
        members = json.loads(payload or b"{}")
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        raise JobError("InvalidJson", "the payload is not a JSON object in UTF-8")
    return members


def _request(topic: str, members: dict[str, Any], now: int) -> Request:
    thing, _, rest = topic[len(_PREFIX) :].partition("/jobs/")
    job_id, _, verb = rest.rpartition("/")
    if job_id == "$next" and verb == "update":
        raise JobError("InvalidTopic", "$next cannot be updated")
    for name, check in _CHECKS.items():
        if members.get(name) is not None and not check(members[name]):
            raise JobError("InvalidRequest", f"{name} is not valid")
    return Request(thing, job_id, f"job/{verb}" if job_id else verb, members, now)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_minutes(value: object) -> bool:
    return value == -1 or (isinstance(value, int) and 1 <= value <= _LONGEST_STEP)


def _is_details(value: object) -> bool:
    return isinstance(value, dict) and all(
        _DETAIL.fullmatch(key) and isinstance(text, str) and _VALUE.fullmatch(text)
        for key, text in value.items()
    )


_CHECKS: dict[str, Callable[[object], bool]] = {
    "statusDetails": _is_details,
    "expectedVersion": _is_number,
    "executionNumber": _is_number,
    "stepTimeoutInMinutes": _is_minutes,
}


def _get_pending(store: JobStore, request: Request) -> dict[str, Any]:
    pending = store.pending(request.thing)
    return {
        "inProgressJobs": [each.summary for each in pending if each.status == IN_PROGRESS],
        "queuedJobs": [each.summary for each in pending if each.status == QUEUED],
    }


def _start_next(store: JobStore, request: Request) -> dict[str, Any]:
    members = request.members
    started = store.start_next(
        request.thing,
        members.get("statusDetails"),
        members.get("stepTimeoutInMinutes"),
        request.now,
    )
    return _execution(started, request.now)


def _describe(store: JobStore, request: Request) -> dict[str, Any]:
    document = request.members.get("includeJobDocument", True) is not False
    if request.job_id == "$next":
        return _execution(store.first(request.thing), request.now, document=document)
    number = request.members.get("executionNumber")
    found = store.find(request.thing, request.job_id, number)
    if not found.pending:
        raise JobError("TerminalStateReached", f"the execution has ended as {found.status}")
    return _execution(found, request.now, document=document)


def _update(store: JobStore, request: Request) -> dict[str, Any]:
    members, status = request.members, request.members.get("status")
    if status not in STATUSES:
        raise JobError("InvalidRequest", "status is missing or none that there is")
    if status not in REPORTED:
        raise JobError("InvalidStateTransition", f"a device cannot set {status}")
    found = store.find(request.thing, request.job_id, members.get("executionNumber"))
    store.report(
        found,
        status,
        details=members.get("statusDetails"),
        expected=members.get("expectedVersion"),
        minutes=members.get("stepTimeoutInMinutes"),
        now=request.now,
    )
    told: dict[str, Any] = {}
    if members.get("includeJobExecutionState"):
        told["executionState"] = found.state
    if members.get("includeJobDocument"):
        told["jobDocument"] = found.document
    return told


def _execution(found: Execution | None, now: int, *, document: bool = True) -> dict[str, Any]:
    told: dict[str, Any] = {"timestamp": now}
    if found is not None:
        told["execution"] = found.described(now, document=document)
    return told


_VERBS: dict[str, Callable[[JobStore, Request], dict[str, Any]]] = {
    "get": _get_pending,
    "start-next": _start_next,
    "job/get": _describe,
    "job/update": _update,
}
