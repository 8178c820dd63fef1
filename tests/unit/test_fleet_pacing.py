"""The pace of a fleet's bench is what ``rootlet rotate start`` sends, and CreateJob says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import rollout_cases
from fleet_bench import load
from rootlet import jobs

Rules = load("pacing").Rules


def rules(**pace):
    order = jobs.Order(
        jobs.Name("pumps", 1, 2, "add", jobs.FLEET),
        rollout_cases.phases().add,
        ("arn:aws:iot:eu-west-1:000000000000:thinggroup/pumps",),
        jobs.Pace(**pace),
    )
    return Rules.of(order.parameters(datetime.now(UTC)))


def test_the_numbers_are_those_of_the_job():
    assert rules() == Rules(10, 500, 2.0, 20, 5.0, 20)


@pytest.mark.parametrize(
    ("succeeded", "rate"),
    [(0, 10), (19, 10), (20, 20), (39, 20), (40, 40), (120, 500), (9999, 500)],
)
def test_the_rate_grows_with_what_has_succeeded(succeeded, rate):
    assert rules().rate(succeeded) == rate


def test_a_rate_that_grows_by_the_smallest_factor_ends_at_the_most():
    assert rules(factor=1.1, base=1, most=400).rate(10**9) == 400


@pytest.mark.parametrize(
    ("ended", "failed", "stops"),
    [(19, 19, False), (20, 0, False), (21, 1, False), (20, 1, True), (2000, 99, False)],
)
def test_a_job_stops_when_enough_have_ended_and_too_many_failed(ended, failed, stops):
    assert rules().aborts(ended, failed) is stops
