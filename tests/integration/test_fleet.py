"""The bench of fleets in small: everybody is where they should be, and nobody can hide.

Twenty devices in two processes rotate as ``make bench-fleet`` has it; then what is known of them
is spoilt, a thing at a time, and the checks must say so.
"""

from __future__ import annotations

import fcntl
import pickle
import subprocess
import sys
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from fleet_bench import environment, load

checks, conditions, report, runs = map(load, ("checks", "conditions", "report", "run"))
#: A link that stalls once, and a device of the first that reboots; and a link that resets once.
STALL, RESET = 203, 5
SMALL = {"size": 20, "most": 10, "minute": 4.0, "timeout": 5, "broker": "amqtt"}


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Any:
    """Facts and figures of one run, which all workers of pytest share."""
    base = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        base = base.parent
    with (base / "fleet.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = base / "fleet.pickle"
        if not kept.exists():
            plan = runs.Plan(**SMALL, seed=STALL)
            kept.write_bytes(
                pickle.dumps(runs.run(plan, load("release").Signers.fresh(), lambda *_: None))
            )
        return pickle.loads(kept.read_bytes())


@pytest.fixture
def facts(done: Any) -> Any:
    return done[0]


def troubled(facts: Any, trouble: str) -> Any:
    """Return the first device with this trouble, or with none."""
    if trouble:
        return next(each.thing for each in facts.conditions if getattr(each, trouble))
    return next(each.thing for each in facts.conditions if not (each.link or each.reboots))


def tried(facts: Any) -> Any:
    """Return a device that had the bad bundle."""
    found = facts.aborted.executions.values()
    return next(each.thing for each in found if each.status == "FAILED")


def untried(facts: Any) -> Any:
    """Return one that had not."""
    return next(each for each in facts.things if each not in facts.aborted.executions)


class TestAFleet:
    def test_confirms_to_the_last_device(self, facts):
        assert checks.faults(facts) == []
        assert len(facts.rolled.confirmed) == 20

    def test_has_its_troubles(self, facts):
        """A bad link, told FAILED first and confirmed late, and a device that lost its power."""
        assert facts.rolled.late >= {troubled(facts, "link")}
        assert facts.heard(troubled(facts, "reboots"), "reboot", conditions.GOOD)

    def test_stops_the_job_that_does_harm(self, facts):
        assert facts.aborted.job.status == "CANCELED"
        assert facts.heard(tried(facts), "offer", conditions.BAD)

    def test_is_told_in_a_table_and_a_picture(self, done):
        facts, figures = done
        assert "all confirmed, none lost" in report.line(facts, figures)
        twice = replace(figures, devices=40, rate=figures.rate / 2)
        assert "from 20 to 40 devices, x2: devices a second x0.50" in report.table(
            [figures, twice]
        )
        assert "20 of 20 things have confirmed" in report.picture(facts)
        ET.fromstring(report.picture(facts))


def spoil(facts: Any, field: str, thing: str, value: Any) -> Any:
    """Return the facts with another value for one device, or none for None."""
    held = dict(getattr(facts, field)) | {thing: value}
    return replace(facts, **{field: {key: each for key, each in held.items() if each is not None}})


def standing(facts: Any, field: str, thing: str, **changes: Any) -> Any:
    return spoil(facts, field, thing, replace(getattr(facts, field)[thing], **changes))


def execution(facts: Any, job: str, thing: str, **changes: Any) -> Any:
    progress = getattr(facts, job)
    held = progress.executions | {thing: replace(progress.executions[thing], **changes)}
    return replace(facts, **{job: replace(progress, executions=held)})


def without(facts: Any, thing: str, what: str) -> Any:
    events = [each for each in facts.events[thing] if each.what != what]
    return spoil(facts, "events", thing, events)


def job(facts: Any, name: str, status: str) -> Any:
    progress = getattr(facts, name)
    return replace(facts, **{name: replace(progress, job=replace(progress.job, status=status))})


def seen(facts: Any, thing: str, what: str) -> Any:
    told = next(each for each in facts.events[tried(facts)] if each.what == "offer")
    return spoil(facts, "events", thing, [*facts.events[thing], told._replace(what=what)])


#: What is wrong, how it comes, and what is said of it.
HIDDEN = {
    "a program that ended": (
        lambda facts: spoil(facts, "gone", facts.things[0], "why"),
        "lost: why",
    ),
    "a folder that is not there": (
        lambda facts: spoil(facts, "after", facts.things[0], None),
        "lost: it left no folder",
    ),
    "a job that nobody stopped": (
        lambda facts: job(facts, "aborted", "IN_PROGRESS"),
        "was not stopped by its criteria",
    ),
    "a good job that was stopped": (
        lambda facts: job(facts, "rolled", "CANCELED"),
        "was stopped by its criteria",
    ),
    "a device that took the bad bundle": (
        lambda facts: execution(facts, "aborted", tried(facts), status="SUCCEEDED"),
        "ended the bad job as SUCCEEDED",
    ),
    "one that refused it for another reason": (
        lambda facts: execution(facts, "aborted", tried(facts), details={"reason": "sig"}),
        "ended the bad job as FAILED sig",
    ),
    "one that left its working set": (
        lambda facts: standing(
            facts, "between", tried(facts), active=facts.bundles[conditions.BAD]
        ),
        "after the bad job its active is wrong",
    ),
    "one that dropped the candidate": (
        lambda facts: standing(facts, "between", tried(facts), state="idle"),
        "after the bad job its state is wrong",
    ),
    "one whose floor rose": (
        lambda facts: standing(facts, "between", tried(facts), floor=(1, conditions.BAD)),
        "after the bad job its floor is wrong",
    ),
    "one that had it without a job": (
        lambda facts: seen(facts, untried(facts), "offer"),
        "saw the bad bundle",
    ),
    "one that said it works": (
        lambda facts: seen(facts, tried(facts), "confirm"),
        "confirmed the bad bundle",
    ),
    "one that never confirmed": (
        lambda facts: execution(facts, "rolled", troubled(facts, ""), status="FAILED"),
        "has not confirmed",
    ),
    "one that says so and made no trial": (
        lambda facts: without(facts, troubled(facts, ""), "confirm"),
        "says that it has confirmed, and no trial has",
    ),
    "one with the old set at the end": (
        lambda facts: standing(
            facts, "after", facts.things[0], active=facts.bundles[conditions.OLD]
        ),
        "at the end its active is wrong",
    ),
    "one without a set before": (
        lambda facts: standing(facts, "after", facts.things[0], waiting=b""),
        "at the end its waiting is wrong",
    ),
    "one whose floor did not rise": (
        lambda facts: standing(facts, "after", facts.things[0], floor=(1, conditions.OLD)),
        "at the end its floor is wrong",
    ),
    "one that is not at rest": (
        lambda facts: standing(facts, "after", facts.things[0], state="trial"),
        "at the end its state is wrong",
    ),
    "a late one that kept silent": (
        lambda facts: replace(facts, rolled=replace(facts.rolled, late=frozenset())),
        "has not confirmed",
    ),
    "a late one whose shadow is old": (
        lambda facts: spoil(
            facts,
            "shadows",
            troubled(facts, "link"),
            facts.shadows[troubled(facts, "link")] | {"state": "parked"},
        ),
        "its shadow is wrong: state",
    ),
    "a bad link that was none": (
        lambda facts: spoil(
            facts,
            "traffic",
            troubled(facts, "link"),
            facts.traffic[troubled(facts, "link")]._replace(spoilt=0),
        ),
        "its link spoilt 0 connections",
    ),
    "a bad link that did no harm": (
        lambda facts: execution(facts, "rolled", troubled(facts, "link"), status="SUCCEEDED"),
        "has a bad link, and confirmed at the first try",
    ),
    "a power cut that never came": (
        lambda facts: without(facts, troubled(facts, "reboots"), "reboot"),
        "kept its power",
    ),
}


class TestNobodyCanHide:
    @pytest.mark.parametrize(("spoilt", "said"), HIDDEN.values(), ids=HIDDEN.keys())
    def test_not(self, facts, spoilt, said):
        assert any(said in line for line in checks.faults(spoilt(facts)))

    def test_a_run_with_a_liar_and_a_dead_device_fails_and_names_them(self):
        values = SMALL | {"seed": RESET, "liars": 1, "dead": 1}
        options = [f"--{key}={value}" for key, value in values.items() if key != "size"]
        done = subprocess.run(
            [sys.executable, "-m", "fleet", "--sizes=20", *options],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        drawn = conditions.draw(20, RESET, liars=1, dead=1)
        lines = done.stdout.splitlines()
        for fault, said in (("lies", "no trial has"), ("dies", "lost: DeadError")):
            (thing,) = [each.thing for each in drawn if each.fault == fault]
            (line,) = [line for line in lines if line.startswith(thing)]
            assert said in line
