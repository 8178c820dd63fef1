"""What is asked of AWS IoT Jobs, held against the service model that botocore ships."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

import rollout_cases as cases
from fixtures_aws import ARN
from rootlet import jobs
from rootlet.errors import InputError

NOW = datetime(2027, 1, 1, tzinfo=UTC)
GROUP, THING = f"{ARN}thinggroup/pumps", f"{ARN}thing/pump-7"


@pytest.fixture(scope="module")
def create_job():
    loader = botocore.session.get_session()
    return loader.get_service_model("iot").operation_model("CreateJob").input_shape


def order(wave=jobs.FLEET, targets=(GROUP,), **pace):
    name = jobs.Name("pumps", 1, 2, "add", wave)
    return jobs.Order(name, cases.make(2), targets, jobs.Pace(**pace))


class TestTheParameters:
    @pytest.mark.parametrize(
        "made",
        [
            order,
            lambda: order(jobs.CANARY, (THING,)),
            lambda: order(retries=0, timeout=1, base=1, most=1, grow_after=1),
            lambda: order(starts=NOW + timedelta(hours=1), ends=NOW + timedelta(hours=2)),
            lambda: order(windows=(jobs.Window("cron(0 2 * * ? *)", 120),)),
            lambda: replace(
                order(), deadline=date(2027, 2, 1), key_sets=(bytes(cases.key_set().data),)
            ),
        ],
    )
    def test_are_those_of_the_service_model(self, made, create_job):
        parameters = made().parameters(NOW)
        assert not ParamValidator().validate(parameters, create_job).has_errors()
        assert len(parameters["document"]) <= create_job.members["document"].metadata["max"]

    def test_the_document_holds_the_bundle_and_nothing_else_that_counts(self):
        parameters = order().parameters(NOW)
        document = json.loads(parameters["document"])
        assert set(document) == {"rootlet", "bundle"}
        assert jobs.read_document(parameters["document"]).data == cases.make(2).data

    def test_the_rate_grows_with_things_that_succeeded(self):
        rate = order(base=3, most=70, factor=1.5, grow_after=9).parameters(NOW)
        assert rate["jobExecutionsRolloutConfig"] == {
            "maximumPerMinute": 70,
            "exponentialRate": {
                "baseRatePerMinute": 3,
                "incrementFactor": 1.5,
                "rateIncreaseCriteria": {"numberOfSucceededThings": 9},
            },
        }

    def test_a_group_keeps_giving_it_to_newcomers_but_not_a_canary_s(self):
        assert order().parameters(NOW)["targetSelection"] == "CONTINUOUS"
        assert order(jobs.CANARY).parameters(NOW)["targetSelection"] == "SNAPSHOT"
        assert order(targets=(THING,)).parameters(NOW)["targetSelection"] == "SNAPSHOT"

    def test_a_roll_out_that_ends_lets_a_trial_go_on(self):
        made = order(starts=NOW + timedelta(hours=1), ends=NOW + timedelta(days=1))
        assert made.parameters(NOW)["schedulingConfig"] == {
            "startTime": "2027-01-01T01:00",
            "endTime": "2027-01-02T00:00",
            "endBehavior": "STOP_ROLLOUT",
        }

    def test_a_deadline_is_a_tag(self):
        made = replace(order(), deadline=date(2027, 2, 1)).parameters(NOW)
        assert {"Key": "rootlet:deadline", "Value": "2027-02-01"} in made["tags"]

    def test_too_many_key_sets_are_refused_before_aws_is_asked(self):
        many = replace(order(), key_sets=tuple(bytes(6000) for _ in range(5)))
        with pytest.raises(InputError, match="characters"):
            many.parameters(NOW)

    def test_windows_are_for_groups(self):
        with pytest.raises(InputError, match="--window is for thing groups"):
            order(targets=(THING,), windows=(jobs.Window("cron(0 2 * * ? *)", 60),)).parameters(
                NOW
            )


class TestAPaceThatAwsWouldRefuse:
    @pytest.mark.parametrize(
        ("option", "pace"),
        [
            ("--rate", {"base": 0}),
            ("--rate", {"base": 1001, "most": 1001}),
            ("--rate", {"base": 10, "most": 9}),
            ("--rate", {"most": 1001}),
            ("--factor", {"factor": 1.0}),
            ("--factor", {"factor": 5.1}),
            ("--factor", {"factor": 1.55}),
            ("--factor", {"factor": float("nan")}),
            ("--grow-after", {"grow_after": 0}),
            ("--abort-percent", {"abort_percent": 0.0}),
            ("--abort-percent", {"abort_percent": 100.5}),
            ("--abort-percent", {"abort_percent": 0.125}),
            ("--abort-after", {"abort_after": 0}),
            ("--timeout", {"timeout": 0}),
            ("--timeout", {"timeout": 10_081}),
            ("--retries", {"retries": 11}),
            ("--retries", {"retries": -1}),
            ("--start", {"starts": NOW + timedelta(minutes=29)}),
            ("--start", {"starts": NOW + timedelta(days=366)}),
            ("--end", {"ends": NOW + timedelta(minutes=40)}),
            ("--window", {"windows": (jobs.Window("cron(0 2 * * ? *)", 1431),)}),
            ("--window", {"windows": (jobs.Window("cron(0 2 * * ? *)", 0),)}),
            (
                "--window",
                {
                    "windows": (jobs.Window("cron(0 2 * * ? *)", 60),),
                    "ends": NOW + timedelta(days=2),
                },
            ),
        ],
    )
    def test_is_refused_here(self, option, pace):
        with pytest.raises(InputError) as refused:
            jobs.Pace(**pace).check(NOW)
        assert refused.value.what.startswith(option)

    def test_the_least_that_aws_takes_is_taken(self):
        jobs.Pace(base=1, most=1, factor=1.1, abort_percent=0.01, timeout=10_080).check(NOW)


class TestAName:
    @settings(max_examples=40)
    @given(
        st.from_regex(r"[a-z0-9._-]{1,32}", fullmatch=True),
        st.integers(1, 0xFFFF),
        st.integers(1, 0xFFFFFFFF),
        st.sampled_from(["add", "switch", "retire", "revoke"]),
        st.sampled_from([jobs.CANARY, jobs.FLEET]),
        st.integers(1, 99),
    )
    def test_is_read_back_and_is_one_that_aws_takes(  # noqa: PLR0917
        self, target, keys, sequence, phase, wave, attempt
    ):
        name = jobs.Name(jobs.slug(target), keys, sequence, phase, wave, attempt)
        assert len(str(name)) <= 64
        assert set(str(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
        assert jobs.read_name(str(name)) == name

    def test_two_fleets_have_two(self):
        slugs = [jobs.slug(one) for one in ("a.b", "a_b", "a-b", "a..b", "ab")]
        assert len(set(slugs)) == len(slugs)

    @pytest.mark.parametrize(
        "text", ["", "get", "rl-pumps", "rl-pumps-1-2-add", "rl-pumps-1-2-burn-f", "x" * 65,
                 "rl-pumps-1-2-add-f-1", "rl-PUMPS-1-2-add-f", "rl-pumps-1-2-add-f\n"],
    )  # fmt: skip
    def test_of_somebody_else_is_none(self, text):
        assert jobs.read_name(text) is None


class TestADocumentOfSomebodyElse:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            '{"rootlet": 2, "bundle": ""}',
            '{"rootlet": 1}',
            '{"rootlet": 1, "bundle": 7}',
            '{"rootlet": 1, "bundle": "*"}',
            '{"rootlet": 1, "bundle": ""}',
            '{"rootlet": 1, "bundle": "UkxUMQ=="}',
            "[" * 30_000,
        ],
    )
    def test_is_refused(self, text):
        with pytest.raises(InputError):
            jobs.read_document(text)
