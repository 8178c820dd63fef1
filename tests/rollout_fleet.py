"""A fleet at a Jobs service that is not ours, ministack, and the commands that roll out to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

import rollout_cases as cases
from fixtures_aws import document, refused

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from fixtures_aws import Region

KEYS = ("--key-set", "keys-1.rlk")
BENCH, PUMPS = "thinggroup/bench", "thinggroup/pumps"
THINGS = tuple(f"pump-{number}" for number in range(4))
CANARIES = THINGS[:2]


class Fleet:
    """Four things, two of them canaries, and what each reports."""

    def __init__(self, region: Region) -> None:
        self.iot = region.client("iot")
        self._jobs = region.client("iot-jobs-data")
        self._data = region.client("iot-data")
        for group in ("bench", "pumps"):
            self.iot.create_thing_group(thingGroupName=group)
        for thing in THINGS:
            self.join(thing, "pumps")
        for thing in CANARIES:
            self.join(thing, "bench")

    @classmethod
    def laid_out(cls, region: Region, folder: Path, patch: pytest.MonkeyPatch) -> Self:
        """Return a fleet in a region that nobody else has; its phases are in ``folder``."""
        cases.phases().lay_out(folder)
        patch.chdir(folder)
        return cls(region)

    def join(self, thing: str, group: str) -> None:
        self.iot.create_thing(thingName=thing)
        self.iot.add_thing_to_thing_group(thingGroupName=group, thingName=thing)

    def start(self, phase: str, *more: str, to: tuple[str, str] = ("--to", PUMPS)) -> Any:
        return document("rotate", "start", "plan.json", f"{phase}.rlt", *KEYS, *to, *more)

    def refused(self, phase: str, *more: str, to: tuple[str, str] = ("--to", PUMPS)) -> Any:
        return refused("rotate", "start", "plan.json", f"{phase}.rlt", *KEYS, *to, *more)

    def report(self, status: str, *things: str, **details: str) -> None:
        for thing in things:
            begun = self._jobs.start_next_pending_job_execution(thingName=thing)
            job = begun["execution"]["jobId"]
            told = {"statusDetails": details} if details else {}
            self._jobs.update_job_execution(jobId=job, thingName=thing, status=status, **told)

    def shadow(self, thing: str, **reported: Any) -> None:
        payload = json.dumps({"state": {"reported": reported}})
        self._data.update_thing_shadow(thingName=thing, shadowName="rootlet", payload=payload)

    def status(self, *more: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = document("rotate", "status", "--target", "pumps", *more)[
            "jobs"
        ]
        return found

    def confirmed(self, phase: str) -> None:
        """Take the fleet through a phase."""
        self.start(phase, to=("--canary", BENCH))
        self.report("SUCCEEDED", *CANARIES)
        self.start(phase)
        self.report("SUCCEEDED", *THINGS)
