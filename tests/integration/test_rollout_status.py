"""How a roll-out stands, how it stops, and what the jobs of others are to it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ReadTimeoutError

from fixtures_aws import command, document, refused
from rollout_fleet import BENCH, CANARIES, THINGS, Fleet
from rootlet.aws import Service

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures_aws import Region


@pytest.fixture
def fleet(region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    return Fleet.laid_out(region, tmp_path, monkeypatch)


class TestThatStops:
    def test_by_itself_when_a_canary_fails(self, fleet):
        fleet.start("add", to=("--canary", BENCH))
        fleet.report("FAILED", CANARIES[0], reason="parked")
        (job,) = fleet.status()
        assert job["status"] == "CANCELED"
        assert "Abort criteria" in job["reason"]
        assert job["reasons"] == {"FAILED parked": [CANARIES[0]]}
        error = fleet.refused("add", to=("--canary", BENCH))
        assert error.what == "the job rl-pumps-1-2-add-c was cancelled"
        assert "Abort criteria" in error.why

    def test_by_hand_and_is_tried_again_on_demand(self, fleet):
        fleet.start("add", to=("--canary", BENCH))
        still = fleet.refused("add", "--again", to=("--canary", BENCH))
        assert still.what == "the job rl-pumps-1-2-add-c is still at work"
        command("rotate", "stop", "rl-pumps-1-2-add-c")
        assert fleet.status()[0]["status"] == "CANCELED"
        again = fleet.start("add", "--again", to=("--canary", BENCH))
        assert again["job_id"] == "rl-pumps-1-2-add-c-2"
        command("rotate", "stop", "rl-pumps-1-2-add-c-2")
        again = fleet.start("add", "--again", to=("--canary", BENCH))
        assert again["job_id"] == "rl-pumps-1-2-add-c-3"
        fleet.report("SUCCEEDED", *CANARIES)
        assert fleet.start("add")["new"] is True

    def test_while_some_canaries_have_not_had_their_turn_is_not_tried(self, fleet):
        fleet.start("add", "--rate", "1:1", to=("--canary", BENCH))
        (tried,) = fleet.iot.list_job_executions_for_job(jobId="rl-pumps-1-2-add-c")[
            "executionSummaries"
        ]
        fleet.report("SUCCEEDED", tried["thingArn"].rpartition("/")[2])
        command("rotate", "stop", "rl-pumps-1-2-add-c")
        assert fleet.refused("add").what == "1 of 2 canaries have confirmed"

    def test_and_lets_who_is_in_the_middle_finish(self, fleet):
        fleet.start("add", to=("--canary", BENCH))
        fleet._jobs.start_next_pending_job_execution(thingName=CANARIES[0])
        command("rotate", "stop", "rl-pumps-1-2-add-c")
        assert fleet.status()[0]["counts"] == {"IN_PROGRESS": 1, "CANCELED": 1}

    def test_by_force_only_when_somebody_says_so(self, fleet):
        fleet.start("add", to=("--canary", BENCH))
        assert "--yes" in refused("rotate", "stop", "rl-pumps-1-2-add-c", "--force").hint
        command("rotate", "stop", "rl-pumps-1-2-add-c", "--force", "--yes")
        assert fleet.status()[0]["status"] == "CANCELED"

    @pytest.mark.parametrize("job", ["firmware-7", "rl-pumps-1-2-burn-f", "../x"])
    def test_no_job_of_somebody_else(self, fleet, job):
        assert refused("rotate", "stop", job).exit_status == 2
        assert refused("rotate", "status", "--job", job).exit_status == 2


class TestStatus:
    def test_groups_failures_by_reason_and_shows_a_bar(self, fleet):
        fleet.start("add", "--no-canary", "--abort-percent", "100", "--abort-after", "99")
        fleet.report("SUCCEEDED", *THINGS[:2])
        fleet.report("FAILED", THINGS[2], reason="parked")
        fleet.report("REJECTED", THINGS[3], reason="sig")
        shown = command("rotate", "status", "--target", "pumps").output
        assert "rl-pumps-1-2-add-f ###############............... 50.0%" in shown
        assert "FAILED parked: 1: pump-2" in shown
        assert "REJECTED sig: 1: pump-3" in shown

    def test_shows_the_newest_set_or_all(self, fleet):
        fleet.confirmed("add")
        fleet.start("switch", to=("--canary", BENCH))
        assert [one["phase"] for one in fleet.status()] == ["switch"]
        assert [one["phase"] for one in fleet.status("--all")] == ["switch", "add", "add"]

    def test_draws_it(self, fleet, tmp_path):
        fleet.start("add", "--no-canary")
        fleet.report("SUCCEEDED", *THINGS[:3])
        fleet.status("--svg", "pumps.svg")
        title, text = ET.parse(tmp_path / "pumps.svg").getroot()[:2]
        assert title.text == "pumps 1.2: add"
        assert str(text.text).startswith("3 of 4 things have confirmed")

    def test_reports_it_on_a_page(self, fleet, tmp_path):
        fleet.start("add", "--no-canary")
        fleet.report("FAILED", THINGS[0], reason="parked")
        told = document("report", "--fleet", "pumps", "--html", "pumps.html")
        assert [one["reasons"] for one in told["jobs"]] == [{"FAILED parked": [THINGS[0]]}]
        assert told["bundle"]["target"] == "pumps"
        assert "pumps 1.2: add" in (tmp_path / "pumps.html").read_text()

    def test_watches_until_all_have_confirmed(self, fleet, monkeypatch):
        fleet.start("add", to=("--canary", BENCH))
        looks = iter([lambda: fleet.report("SUCCEEDED", CANARIES[0]),
                      lambda: fleet.report("SUCCEEDED", CANARIES[1])])  # fmt: skip
        monkeypatch.setattr("rootlet.cli.rollout_status.time.sleep", lambda _: next(looks)())
        shown = command("rotate", "status", "--target", "pumps", "--watch").output
        assert [share in shown for share in (" 0.0%", " 50.0%", " 100.0%")] == [True] * 3
        assert next(looks, None) is None

    def test_a_shadow_that_breaks_off_is_the_network(self, fleet, monkeypatch):
        fleet.start("add", "--no-canary", "--abort-percent", "100", "--abort-after", "99")
        fleet.report("FAILED", THINGS[0], reason="parked")
        real = Service.call

        class Broken:
            def read(self, _limit):
                raise ReadTimeoutError(endpoint_url="https://nowhere")

        def call(self, operation, **parameters):
            if operation == "GetThingShadow":
                return {"payload": Broken()}
            return real(self, operation, **parameters)

        monkeypatch.setattr(Service, "call", call)
        error = refused("rotate", "status", "--target", "pumps")
        assert (error.what, error.exit_status) == ("no way to AWS for iot:GetThingShadow", 5)

    def test_asks_whose(self, some_aws):
        assert refused("rotate", "status").what == "whose status?"

    def test_says_how_many_failures_it_did_not_ask_about(self, fleet, monkeypatch):
        fleet.start("add", "--no-canary", "--abort-percent", "100", "--abort-after", "99")
        fleet.report("FAILED", *THINGS[:3], reason="parked")
        monkeypatch.setattr("rootlet.aws.jobs.progress.__defaults__", (2,))
        assert fleet.status()[0]["unread"] == 1


class TestAnybodyElseSJob:
    def test_with_a_name_like_ours_is_not_believed(self, fleet):
        arn = fleet.iot.describe_thing_group(thingGroupName="pumps")["thingGroupArn"]
        fleet.iot.create_job(jobId="rl-pumps-1-2-add-f", targets=[arn], document="{}")
        assert "not one of rootlet's" in fleet.refused("add").what

    def test_with_another_bundle_in_it_is_not_believed(self, fleet):
        fleet.start("add", to=("--canary", BENCH))
        text = fleet.iot.get_job_document(jobId="rl-pumps-1-2-add-c")["document"]
        arn = fleet.iot.describe_thing_group(thingGroupName="pumps")["thingGroupArn"]
        fleet.iot.create_job(jobId="rl-pumps-1-7-add-f", targets=[arn], document=text)
        error = refused("rotate", "status", "--job", "rl-pumps-1-7-add-f")
        assert "carries another bundle than its name says" in error.what
