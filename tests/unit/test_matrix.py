"""What the matrix makes of what was seen."""

from xml.etree import ElementTree as ET

import pytest

from rootlet.errors import InputError
from rootlet.lab import EventLog
from rootlet.lab.scenarios import Accept, Refuse, get
from rootlet.matrix import Command, Result, Seen, Verdict, counts, judge, junit, status, unchecked
from rootlet.matrix.client import Report, one_line, untold
from rootlet.matrix.run import Watch
from rootlet.matrix.verdict import UNEXPLAINED

NO_CERTIFICATE = "peer-did-not-return-a-certificate"


@pytest.mark.parametrize(
    ("expect", "seen", "outcome"),
    [
        (Accept(), Seen(True, True, ""), "passed"),
        (Accept(), Seen(True, True), "passed"),
        (Accept(), Seen(True, False, "ROOT"), "failed"),
        (Accept(), Seen(True, False, ""), "failed"),  # it says so, the lab saw no data
        (Accept(), Seen(True, True, "POLICY"), "failed"),
        (Accept(), Seen(False, False), "failed"),
        (Refuse("ROOT"), Seen(True, True, "ROOT"), "dangerous"),  # it says no and sends all
        (Refuse("ROOT"), Seen(True, True), "dangerous"),
        (Refuse("ROOT"), Seen(True, False, ""), "dangerous"),
        (Refuse("ROOT"), Seen(True, False, "ROOT"), "passed"),
        (Refuse("ROOT", "CROSS"), Seen(True, False, "CROSS"), "passed"),
        (Refuse("ROOT"), Seen(True, False, "NET"), "failed"),
        (Refuse("ROOT"), Seen(True, False, UNEXPLAINED), "failed"),
        (Refuse("ROOT"), Seen(True, False), "passed"),
        (Refuse("ROOT"), Seen(False, False), "failed"),  # it never came: that is no refusal
        (Refuse("ROOT"), Seen(True, False, reason=NO_CERTIFICATE), "failed"),
        (Refuse("POLICY"), Seen(True, True, "POLICY"), "passed"),
        (Refuse("POLICY"), Seen(True, True, ""), "dangerous"),
        (Refuse("POLICY", "ROOT"), Seen(True, True, "POLICY"), "dangerous"),
    ],
)
def test_the_verdict_on_one_attempt(expect, seen, outcome):
    assert judge(expect, seen).outcome == outcome


@pytest.mark.parametrize(
    ("codes", "named"),
    [
        (("ROOT",), "NOVERIFY"),
        (("FAMILY", "ROOT"), "NOVERIFY"),
        (("NAME",), "NAME"),
        (("EXPIRED",), "EXPIRED"),
        (("CLOCK",), "EXPIRED"),
        (("TLSPOLICY",), "TLSPOLICY"),
        (("POLICY",), "POLICY"),
    ],
)
def test_what_a_dangerous_client_does_not_check_has_a_name(codes, named):
    assert unchecked(codes)[0] == named


@pytest.mark.parametrize(
    ("outcomes", "exit_status"),
    [
        ([], 0),
        (["passed", "n/a"], 0),
        (["passed", "failed"], 1),
        (["failed", "dangerous", "passed"], 3),
    ],
)
def test_the_worst_outcome_is_the_exit_status(outcomes, exit_status):
    assert status(result(each) for each in outcomes) == exit_status


def test_a_scenario_that_no_client_gets_through_needs_a_client_that_says_why():
    assert "reports no reason" in untold(get("connack-5"))
    assert untold(get("lookalike-root")) == ""
    assert untold(get("honest")) == ""


def test_what_a_client_prints_becomes_one_clean_line():
    assert one_line("a\n\x1b[31mred \x07\n\n") == "?[31mred ?"
    assert one_line("") == ""
    assert len(one_line("x" * 999)) == 160


class TestWhatTheLabSaw:
    def test_the_late_end_of_another_connection_is_no_contact(self):
        events = EventLog()
        watch = Watch(events)
        events.add({"kind": "closed", "peer": "127.0.0.1:1"})
        assert watch.seen(Report(None, "gone")) == (False, False, None, "gone", "")

    def test_what_was_there_before_does_not_count(self):
        events = EventLog()
        events.add({"kind": "spoke"})
        watch = Watch(events)
        events.add({"kind": "refused", "reason": "tlsv1-alert-unknown-ca"})
        assert not watch.spoke()
        assert watch.seen(Report(None, "")) == (True, False, None, "", "tlsv1-alert-unknown-ca")

    def test_a_client_that_tries_again_without_looking_is_caught(self):
        events = EventLog()
        watch = Watch(events)
        events.add({"kind": "refused", "reason": "tlsv1-alert-unknown-ca"})
        events.add({"kind": "spoke", "tls": "TLSv1.2", "cipher": "C"})
        seen = watch.seen(Report(None, ""))
        assert judge(Refuse("ROOT"), seen).outcome == "dangerous"


class TestTheJunitFile:
    def test_has_a_case_per_scenario_and_a_property_per_fact(self):
        results = [result("passed"), result("dangerous", 'sent "<data>"'), result("n/a", "why")]
        suite = ET.fromstring(junit.document("c & d", {"firmware": "1\x1b"}, results))[0]
        assert suite.attrib["failures"] == "1"
        assert suite.attrib["skipped"] == "1"
        assert suite.attrib["tests"] == "3"
        assert suite[0][0].attrib == {"name": "firmware", "value": "1?"}
        (failure,) = suite.findall(".//failure")
        assert failure.attrib == {"type": "dangerous", "message": 'sent "<data>"'}
        (skipped,) = suite.findall(".//skipped")
        assert skipped.attrib == {"message": "why"}

    def test_counts_every_outcome_even_when_there_is_none(self):
        assert counts([]) == {"passed": 0, "failed": 0, "dangerous": 0, "n/a": 0}


class TestACommand:
    @pytest.mark.parametrize("template", ["", "openssl s_client", "openssl 'unfinished {port}"])
    def test_that_cannot_connect_is_refused(self, template):
        with pytest.raises(InputError):
            Command(template)

    def test_that_is_not_there_is_refused(self):
        with pytest.raises(InputError, match="no-such-program"):
            Command("no-such-program {host} {port}")

    def test_without_the_suites_is_not_put_through_what_needs_them(self):
        assert "{ciphers}" in Command("cat {port}").lacks(get("prefer-rsa"))
        assert Command("cat {port} {ciphers}").lacks(get("prefer-rsa")) == ""


def result(outcome, why=""):
    return Result(get("honest"), Verdict(outcome, why), 0.25)
