"""A newer set for a fleet, phase by phase, through a Jobs service that is not ours: ministack."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import rollout_cases as cases
from fixtures_aws import command, document, refused
from rollout_fleet import BENCH, CANARIES, KEYS, PUMPS, THINGS, Fleet
from rootlet import aws, rollout
from rootlet import plan as plans
from rootlet.aws import Service
from rootlet.aws.jobs import history, members
from rootlet.bundle import sha256
from rootlet.errors import TrustError
from rootlet.lab.recovery import BASE, RecoveryServer
from rootlet.progress import reason
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures_aws import Region


@pytest.fixture
def fleet(region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    return Fleet.laid_out(region, tmp_path, monkeypatch)


class TestAPhase:
    def test_goes_to_canaries_and_then_to_all(self, fleet):
        first = fleet.start("add", to=("--canary", BENCH))
        assert (first["job_id"], first["new"]) == ("rl-pumps-1-2-add-c", True)
        error = fleet.refused("add")
        assert error.what == "0 of 2 canaries have confirmed"
        assert error.exit_status == 3
        fleet.report("SUCCEEDED", *CANARIES)
        assert fleet.start("add")["job_id"] == "rl-pumps-1-2-add-f"
        fleet.report("SUCCEEDED", *THINGS[:3])
        fleet_job, canary_job = fleet.status()
        assert (fleet_job["confirmed"], fleet_job["things"]) == (3, 4)
        assert canary_job["share"] == 1.0

    def test_is_in_the_history_of_each_thing_with_what_it_said(self, fleet, region):
        fleet.confirmed("add")
        fleet.start("switch", to=("--canary", BENCH))
        fleet.report("FAILED", THINGS[0], reason="parked")
        fleet.iot.create_job(  # somebody else's
            jobId="other", targets=[fleet.iot.describe_thing(thingName=THINGS[0])["thingArn"]],
            document="{}",
        )  # fmt: skip
        past = history(aws.connect(region=region.name), THINGS[0])
        told = [(name.order, name.wave, one.status, reason(one.details)) for name, one in past]
        assert told[0] == ((1, 3), "canary", "FAILED", "parked")
        assert {one[:3] for one in told[1:]} == {
            ((1, 2), "fleet", "SUCCEEDED"),
            ((1, 2), "canary", "SUCCEEDED"),
        }
        assert all(one.queued and one.updated for _, one in past)
        (only,) = history(aws.connect(region=region.name), THINGS[3])
        assert only[0].wave == "fleet"

    def test_is_started_once_however_often_it_is_asked_for(self, fleet):
        fleet.start("add", to=("--canary", BENCH))
        assert fleet.start("add", to=("--canary", BENCH))["new"] is False
        assert len(fleet.iot.list_jobs()["jobs"]) == 1

    def test_that_was_started_for_others_is_not_taken_for_this_one(self, fleet):
        fleet.start("add", to=("--canary", BENCH))
        error = fleet.refused("add", "--canary", "thing/pump-3", to=("--canary", BENCH))
        assert error.what == "the job rl-pumps-1-2-add-c is for others: thinggroup/bench"
        assert "rotate stop rl-pumps-1-2-add-c" in error.hint
        arn = fleet.iot.describe_thing_group(thingGroupName="bench")["thingGroupArn"]
        assert fleet.start("add", to=("--canary", arn))["new"] is False

    def test_is_started_when_only_the_answer_was_lost(self, fleet, monkeypatch):
        real = Service.call

        def twice(self, operation, **parameters):
            if operation == "CreateJob":
                real(self, operation, **parameters)
            return real(self, operation, **parameters)

        monkeypatch.setattr(Service, "call", twice)
        assert fleet.start("add", to=("--canary", BENCH))["new"] is True

    def test_waits_until_the_share_of_the_fleet_has_confirmed_the_one_before(self, fleet):
        fleet.start("add", to=("--canary", BENCH))
        fleet.report("SUCCEEDED", *CANARIES)
        assert "gate closed: 2 of 4" in fleet.refused("switch").what
        # Canaries may go on alone: they are the whole of what this wave asks for.
        assert fleet.start("switch", to=("--canary", BENCH))["new"] is True

    def test_names_the_jobs_whose_bundle_is_out_of_date_now(self, fleet):
        fleet.confirmed("add")
        started = fleet.start("switch", to=("--canary", BENCH))
        assert started["superseded"] == ["rl-pumps-1-2-add-f"]

    def test_is_started_beside_a_job_of_somebody_else_with_an_older_name(self, fleet):
        arn = fleet.iot.describe_thing(thingName=THINGS[3])["thingArn"]
        fleet.iot.create_job(jobId="rl-pumps-1-1-add-f", targets=[arn], document="{}")
        started = fleet.start("add", to=("--canary", BENCH))
        assert (started["new"], started["superseded"]) == (True, [])

    def test_opens_to_a_plan_that_asks_for_all_when_all_have_confirmed(self, fleet, tmp_path):
        (tmp_path / "plan.json").write_bytes(cases.phases(1.0).plan.encode())
        fleet.confirmed("add")
        assert fleet.start("switch", to=("--canary", BENCH))["new"] is True

    def test_is_not_for_nobody(self, fleet):
        """Of no things none is missing, and yet nothing was tried."""
        empty = ("--canary", "thinggroup/empty")
        fleet.iot.create_thing_group(thingGroupName="empty")
        fleet.start("add", to=empty)
        assert fleet.refused("add").what == "0 of 0 canaries have confirmed"
        fleet.start("add", "--no-canary")
        fleet.report("SUCCEEDED", *THINGS)
        error = fleet.refused("switch", to=empty)
        assert error.what == "gate closed: 0 of 0 things have confirmed phase add"
        assert "the targets have no things" in error.why

    def test_is_not_for_things_that_never_had_the_one_before(self, fleet):
        fleet.confirmed("add")
        fleet.start("switch", to=("--canary", BENCH))
        fleet.report("SUCCEEDED", *CANARIES)
        fleet.iot.create_thing(thingName="stranger")
        error = fleet.refused("switch", "--to", "thing/stranger")
        assert "4 of 5 things have confirmed phase add" in error.what
        assert "stranger" in error.why

    def test_is_not_opened_by_a_rotation_of_before_that_said_the_same(self, fleet, tmp_path):
        fleet.confirmed("add")
        fleet.confirmed("switch")
        old, new = cases.make(3, cases.NEW, profile=layout.RSA), cases.start()
        (tmp_path / "plan.json").write_bytes(plans.make(old, new, gate=0.99).encode())
        back = cases.make(5, cases.OLD, profile=layout.ECDSA)
        for name, made in (("again", cases.make(4)), ("back", back)):
            (tmp_path / f"{name}.rlt").write_bytes(bytes(made.data))
        error = fleet.refused("back", to=("--canary", BENCH))
        assert error.what == "gate closed: 0 of 2 things have confirmed phase add"
        fleet.confirmed("again")
        assert fleet.start("back", to=("--canary", BENCH))["new"] is True

    def test_that_was_stopped_can_be_signed_anew_under_the_next_number(self, fleet, tmp_path):
        fleet.confirmed("add")
        stopped = fleet.start("switch", to=("--canary", BENCH))["job_id"]
        command("rotate", "stop", stopped)
        anew = cases.make(4, cases.NEW, profile=layout.RSA)
        (tmp_path / "anew.rlt").write_bytes(bytes(anew.data))
        assert fleet.start("anew", to=("--canary", BENCH))["new"] is True

    def test_with_a_late_confirm_in_the_shadow_the_gate_opens(self, fleet):
        fleet.start("add", to=("--canary", BENCH))
        fleet.report("SUCCEEDED", *CANARIES)
        fleet.start("add", "--abort-percent", "100", "--abort-after", "99")
        fleet.report("SUCCEEDED", *THINGS[:3])
        fleet.report("FAILED", THINGS[3], reason="parked")
        assert "gate closed: 3 of 4" in fleet.refused("switch").what
        fleet.shadow(THINGS[3], active=sha256(cases.phases().add.data)[:16])
        assert fleet.refused("switch").what == "no canary has tried this bundle"
        assert fleet.status()[0]["late"] == [THINGS[3]]

    def test_counts_things_whose_turn_has_not_come(self, fleet):
        fleet.start("add", "--no-canary", "--rate", "1:1")
        (job,) = fleet.status()
        assert (job["things"], job["counts"], job["waiting"]) == (4, {"QUEUED": 1}, 3)

    def test_is_for_the_things_of_groups_within_a_group(self):
        """Which ministack does not tell: what is asked for is what counts."""
        asked = []

        def pages(operation, key, **parameters):
            asked.append((operation, parameters["thingGroupName"], parameters["recursive"]))
            return iter(["deep"])

        account: Any = SimpleNamespace(iot=SimpleNamespace(pages=pages))
        arn = "arn:aws:iot:eu-west-1:123456789012:"
        things = members(account, [f"{arn}thinggroup/pumps", f"{arn}thing/pump-9"])
        assert things == {"deep", "pump-9"}
        assert asked == [("ListThingsInThingGroup", "pumps", True)]

    def test_is_for_things_that_join_later_too(self, fleet):
        fleet.start("add", "--no-canary")
        fleet.join("newcomer", "pumps")
        fleet.report("SUCCEEDED", "newcomer")
        (job,) = fleet.status()
        assert (job["confirmed"], job["things"]) == (1, 5)

    def test_can_do_without_canaries_while_there_is_a_way_back(self, fleet):
        assert fleet.start("add", "--no-canary")["new"] is True

    def test_below_a_higher_number_is_refused(self, fleet):
        fleet.confirmed("add")
        fleet.start("switch", to=("--canary", BENCH))
        error = fleet.refused("add", "--again")
        assert error.code == "SEQUENCE"

    def test_of_another_fleet_with_a_name_alike_is_not_counted(self, fleet):
        fleet.start("add", to=("--canary", BENCH))
        told = refused("rotate", "status", "--target", "pump")
        assert (told.what, told.exit_status) == (
            "no roll-out of pump is in this account and region",
            3,
        )


class TestThePhaseWithoutAWayBack:
    @pytest.fixture
    def ready(self, fleet):
        fleet.confirmed("add")
        fleet.confirmed("switch")
        return fleet

    @pytest.fixture
    def recovery(self, tmp_path):
        folder = tmp_path / "recovery"
        folder.mkdir()
        with RecoveryServer(folder) as server:
            yield server

    def url(self, server):
        return ("--recovery-url", f"http://127.0.0.1:{server.port}{BASE}")

    def serve(self, server):
        (server.folder / "latest.rlt").write_bytes(bytes(cases.phases().retire.data))

    def test_needs_a_recovery_url_that_serves_this_bundle(self, fleet, recovery):
        canary = ("--canary", BENCH)
        assert "needs a recovery URL" in fleet.refused("retire", to=canary).what
        assert "does not serve" in fleet.refused("retire", *self.url(recovery), to=canary).what
        (recovery.folder / "latest.rlt").write_bytes(bytes(cases.phases().switch.data))
        assert "something else" in fleet.refused("retire", *self.url(recovery), to=canary).what

    def test_needs_the_key_set_there_too_once_it_is_not_the_first(self, recovery):
        bundle = cases.make(1, cases.NEW, profile=layout.RSA, flags=1, version=2)
        (recovery.folder / "latest.rlt").write_bytes(bytes(bundle.data))
        keys = cases.key_set(2)
        plan, (_, url) = cases.phases().plan, self.url(recovery)
        wish = rollout.Wish(plan, bundle, keys, (BENCH,), "canary", recovery_url=url)
        with pytest.raises(TrustError, match=r"keys-2\.rlk does not serve"):
            rollout.check_recovery(wish)
        (recovery.folder / "keys-2.rlk").write_bytes(bytes(keys.data))
        rollout.check_recovery(wish)

    def test_needs_canaries(self, fleet, recovery):
        error = fleet.refused("retire", "--no-canary", *self.url(recovery))
        assert error.what == "phase retire needs canaries"

    def test_names_the_day_after_which_the_rest_should_lose_its_certificates(
        self, ready, recovery
    ):
        self.serve(recovery)
        url = self.url(recovery)
        ready.start("retire", *url, to=("--canary", BENCH))
        assert "0 of 2 canaries" in ready.refused("retire", *url).what
        ready.report("SUCCEEDED", *CANARIES)
        day = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
        assert ready.start("retire", *url, "--deadline", day)["deadline"] == day
        assert ready.status()[0]["deadline"] == day
        shown = command("rotate", "status", "--target", "pumps").output
        assert f"deadline {day}: 4 have not confirmed: pump-0, pump-1" in shown

    def test_has_a_deadline_of_a_month_when_nobody_says_otherwise(self, ready, recovery):
        self.serve(recovery)
        started = ready.start("retire", *self.url(recovery), to=("--canary", BENCH))
        month = datetime.now(UTC).date() + timedelta(days=30)
        assert started["deadline"] == month.isoformat()

    @pytest.mark.parametrize(
        ("removed", "days", "left"),
        [(True, 40, 30), (True, 10, 10), (True, 0, 30), (True, -5, 30), (False, 10, 30)],
    )
    def test_has_one_no_later_than_the_end_of_a_root_that_it_removes(self, removed, days, left):
        now = datetime(2026, 11, 26, 12, tzinfo=UTC)
        end = plans.End((now + timedelta(days)).date(), "a root", "the certificate ends", removed)
        plan = replace(cases.phases().plan, calendar=(end,))
        assert rollout._deadline(plan, now) == (now + timedelta(left)).date()

    def test_has_no_deadline_in_the_past(self, fleet, recovery):
        for day in ("2020-01-01", datetime.now(UTC).date().isoformat()):
            error = fleet.refused("retire", *self.url(recovery), "--deadline", day)
            assert error.what == "--deadline has passed"


class TestKeys:
    def test_of_which_one_decides_alone_are_refused_unless_it_is_said(self, fleet, tmp_path):
        (tmp_path / "keys-1.rlk").write_bytes(bytes(cases.key_set(1, 1, 1).data))
        error = fleet.refused("add", to=("--canary", BENCH))
        assert "one key of 1 decides alone" in error.what
        assert error.exit_status == 3
        assert fleet.start("add", "--single-key", to=("--canary", BENCH))["new"] is True

    def test_that_are_too_few_are_refused(self, fleet, tmp_path):
        bundle = cases.make(2, signed_by=1)
        (tmp_path / "add.rlt").write_bytes(bytes(bundle.data))
        assert "1 of 2 signatures" in fleet.refused("add", to=("--canary", BENCH)).what

    def test_of_another_version_are_refused(self, fleet, tmp_path):
        bundle = cases.make(1, version=2)
        (tmp_path / "add.rlt").write_bytes(bytes(bundle.data))
        assert "key set is version 1" in fleet.refused("add", to=("--canary", BENCH)).what

    def test_go_along_when_they_are_named(self, fleet):
        fleet.start("add", "--send-keys", "keys-1.rlk", to=("--canary", BENCH))
        text = fleet.iot.get_job_document(jobId="rl-pumps-1-2-add-c")["document"]
        assert len(json.loads(text)["keys"]) == 1


class TestWhatIsRefusedBeforeAwsIsAsked:
    @pytest.mark.parametrize(
        ("words", "what"),
        [
            ((), "name whom to start with"),
            (("--canary", BENCH, "--to", PUMPS), "name whom to start with"),
            (("--to", "pumps"), "names no thing"),
            (("--to", "thing/a b"), "names no thing"),
            (("--to", "arn:aws:s3:::bucket"), "names no thing"),
            (("--to", PUMPS, "--rate", "fast"), "--rate"),
            (("--to", PUMPS, "--rate", "9:3"), "--rate"),
            (("--to", PUMPS, "--start", "soon"), "--start"),
            (("--to", PUMPS, "--start", "2020-01-01T00:00"), "--start"),
            (("--to", PUMPS, "--window", "at night"), "--window"),
            (("--to", PUMPS, "--window", "cron(x);9999"), "--window"),
        ],
    )
    def test_with_a_reason(self, some_aws, tmp_path, monkeypatch, words, what):
        cases.phases().lay_out(tmp_path)
        monkeypatch.chdir(tmp_path)
        some_aws.setattr("rootlet.aws.connect", None)
        error = refused("rotate", "start", "plan.json", "add.rlt", *KEYS, *words)
        assert what in error.what
        assert error.exit_status == 2

    def test_a_bundle_of_another_plan(self, some_aws, tmp_path, monkeypatch):
        cases.phases().lay_out(tmp_path)
        monkeypatch.chdir(tmp_path)
        odd = cases.make(2, flags=layout.REVOKE_NOW)
        (tmp_path / "add.rlt").write_bytes(bytes(odd.data))
        error = refused("rotate", "start", "plan.json", "add.rlt", *KEYS, "--to", PUMPS)
        assert error.what == "the bundle is no phase of this plan"


class TestDryRun:
    def test_prints_the_calls_and_makes_none(self, fleet):
        words = ("rotate", "start", "plan.json", "add.rlt", *KEYS, "--to", PUMPS, "--dry-run")
        calls = document(*words)["calls"]
        assert [one["operation"] for one in calls] == [
            "GetCallerIdentity", "ListJobs", "CreateJob",
        ]  # fmt: skip
        assert calls[-1]["parameters"]["jobId"] == "rl-pumps-1-2-add-f"
        assert fleet.iot.list_jobs()["jobs"] == []
        assert "nothing was called" in command(*words).stderr

    def test_with_arns_it_prints_what_is_sent(self, fleet, some_aws):
        arn = fleet.iot.describe_thing_group(thingGroupName="bench")["thingGroupArn"]
        words = ("rotate", "start", "plan.json", "add.rlt", *KEYS, "--canary", arn)
        (_, created) = document(*words, "--dry-run")["calls"]
        sent: dict[str, Any] = {}
        some_aws.setattr(
            "rootlet.aws.Service.call",
            _spy(sent, "CreateJob"),
        )
        document(*words)
        assert sent == created["parameters"]

    def test_of_stop_prints_its_call(self, fleet):
        fleet.start("add", to=("--canary", BENCH))
        (call,) = document("rotate", "stop", "rl-pumps-1-2-add-c", "--dry-run")["calls"]
        assert call["operation"] == "CancelJob"
        assert call["parameters"]["force"] is False
        assert fleet.status()[0]["status"] == "IN_PROGRESS"


def _spy(sent: dict[str, Any], wanted: str) -> Any:
    real = Service.call

    def call(self: Service, operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == wanted:
            sent.update(parameters)
        return real(self, operation, **parameters)

    return call
