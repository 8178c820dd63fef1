"""How a roll-out stands, and the picture of it."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from functools import cached_property

import pytest

import rollout_cases as cases
from rootlet import chart, jobs
from rootlet.aws import Account
from rootlet.aws import jobs as service
from rootlet.bundle import sha256
from rootlet.progress import Execution, Job, Progress, has_confirmed, latest, reason

BEGAN = datetime(2027, 1, 1, 6, tzinfo=UTC)
NOW = BEGAN + timedelta(hours=2)


def minute(number):
    return BEGAN + timedelta(minutes=number)


def job(phase="add", **more):
    name = jobs.Name("pumps", 1, 2, phase, jobs.FLEET)
    values = {"status": "IN_PROGRESS", "targets": (), "bundle": cases.make(2), "created": BEGAN}
    return Job(id=str(name), name=name, **{**values, **more})


def progress(*executions, **more):
    found = {one.thing: one for one in executions}
    return Progress(**{"job": job(), "executions": found, **more})


def done(thing, status, at=10, **details):
    return Execution(thing, status, minute(1), minute(2), minute(at), 1, details)


class TestCounting:
    @cached_property
    def found(self):
        return progress(
            done("a", "SUCCEEDED"),
            done("b", "FAILED", reason="parked"),
            done("c", "FAILED", reason="parked"),
            done("d", "REJECTED", reason="sig"),
            done("e", "TIMED_OUT"),
            Execution("f", "IN_PROGRESS", BEGAN),
            Execution("g", "QUEUED", BEGAN),
            waiting=frozenset({"h", "i"}),
            late=frozenset({"b"}),
        )

    def test_who_has_succeeded_or_told_later_has_confirmed(self):
        assert self.found.confirmed == {"a", "b"}
        assert self.found.unconfirmed == ["c", "d", "e", "f", "g", "h", "i"]

    def test_the_share_is_of_all_things_also_those_without_an_execution(self):
        assert self.found.share == pytest.approx(2 / 9)
        assert progress().share == 0

    def test_failures_are_grouped_by_reason_without_those_that_confirmed_since(self):
        assert self.found.reasons == {
            "FAILED parked": ["c"],
            "REJECTED sig": ["d"],
            "TIMED_OUT": ["e"],
        }

    def test_a_thing_that_has_left_the_group_keeps_nobody_waiting(self):
        found = progress(done("a", "SUCCEEDED"), Execution("gone", "REMOVED", BEGAN))
        assert (found.unconfirmed, found.share) == ([], 1.0)
        assert found.counts == {"SUCCEEDED": 1, "REMOVED": 1}

    def test_a_thing_that_has_come_back_waits_for_its_turn(self, monkeypatch):
        listed = [done("a", "SUCCEEDED"), Execution("back", "REMOVED", BEGAN)]
        monkeypatch.setattr(service, "_executions", lambda *_: listed)
        monkeypatch.setattr(service, "members", lambda *_: frozenset({"a", "back"}))
        found = service.progress(Account(None), job(), lambda *_: None)
        assert (found.waiting, found.unconfirmed) == (frozenset({"back"}), ["back"])

    def test_counts_come_in_reading_order(self):
        assert list(self.found.counts) == [
            "SUCCEEDED", "IN_PROGRESS", "QUEUED", "FAILED", "REJECTED", "TIMED_OUT",
        ]  # fmt: skip

    def test_the_last_execution_of_a_thing_counts_in_whatever_order_they_come(self):
        first = Execution("a", "FAILED", number=1)
        second = Execution("a", "SUCCEEDED", number=2)
        assert latest([first, second]) == latest([second, first]) == {"a": second}

    def test_what_a_device_writes_is_shown_as_one_short_printable_text(self):
        assert reason({"reason": "\x1b[2J\n" + "x" * 99}) == "?[2J?" + "x" * 59


class TestAShadow:
    @pytest.mark.parametrize(
        ("reported", "confirmed"),
        [
            ({"active": "THE BUNDLE"}, True),
            ({"active": "0" * 16, "key_set": 1, "sequence": 2}, False),
            ({"active": "0" * 16, "key_set": 1, "sequence": 3}, True),
            ({"active": "0" * 16, "key_set": 2, "sequence": 1}, True),
            ({"active": "0" * 16, "key_set": 1, "sequence": 1}, False),
            ({"active": "0" * 16, "key_set": "9", "sequence": "9"}, False),
            ({"active": "0" * 16, "key_set": True, "sequence": True}, False),
            ({"active": None, "key_set": [2], "sequence": {}}, False),
            ({}, False),
        ],
    )
    def test_tells_a_late_confirm(self, reported, confirmed):
        digest = sha256(cases.make(2).data)
        if reported.get("active") == "THE BUNDLE":
            reported = {"active": digest[:16]}
        assert has_confirmed(reported, cases.make(2), digest) is confirmed


class TestThePicture:
    def drawn(self, *executions, **more):
        return chart.draw([progress(*executions, **more)], NOW)

    def texts(self, svg):
        root = ET.fromstring(svg)
        return [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]

    def test_says_in_words_what_it_shows(self):
        svg = self.drawn(done("a", "SUCCEEDED"), done("b", "FAILED"))
        root = ET.fromstring(svg)
        assert root.get("role") == "img"
        named = root.attrib["aria-labelledby"].split()
        told = {one.get("id"): one.text for one in root if one.get("id")}
        assert [told[name] for name in named] == [
            "pumps 1.2: add",
            "1 of 2 things have confirmed, 2027-01-01 08:00 UTC",
        ]
        assert {"have the job: 2", "confirmed: 1", "failed at first: 1"} <= set(self.texts(svg))

    def test_has_colours_for_dark_and_lines_that_differ_without_colour(self):
        svg = self.drawn(done("a", "SUCCEEDED"))
        assert "prefers-color-scheme: dark" in svg
        assert svg.count("stroke-dasharray") == 2

    def test_fetches_and_runs_nothing(self):
        svg = self.drawn(done("a", "SUCCEEDED"))
        root = ET.fromstring(svg)
        assert not [one for one in root.iter() if one.tag.endswith(("script", "image", "a"))]
        assert svg.count("http") == 1  # the name space

    def test_a_curve_climbs_once_per_thing_and_ends_at_the_count(self):
        svg = self.drawn(*(done(f"t{n}", "SUCCEEDED", at=10 + n * 20) for n in range(5)))
        root = ET.fromstring(svg)
        (line,) = (
            one
            for one in root.iter("{http://www.w3.org/2000/svg}polyline")
            if "confirmed" in one.attrib["class"]
        )
        heights = [float(pair.split(",")[1]) for pair in line.attrib["points"].split()]
        assert heights == sorted(heights, reverse=True)
        assert len(set(heights)) == 6
        assert heights[-1] == 52  # the top: all of them

    @pytest.mark.parametrize(("minutes", "seconds"), [(9, True), (11, False)])
    def test_one_that_is_over_soon_has_seconds_on_its_axis(self, minutes, seconds):
        now = job().created + timedelta(minutes=minutes)
        told = self.texts(chart.draw([progress()], now))
        assert (f"{now:%Y-%m-%d %H:%M:%S}" in told) is seconds

    def test_a_canary_counts_once(self):
        canary = progress(done("a", "SUCCEEDED"))
        fleet = progress(done("a", "SUCCEEDED", at=30), done("b", "SUCCEEDED", at=31))
        told = self.texts(chart.draw([fleet, canary], NOW))
        assert {"have the job: 2", "confirmed: 2"} <= set(told)

    def test_two_thousand_things_make_a_small_file(self):
        many = [done(f"t{n}", "SUCCEEDED", at=10 + n / 50) for n in range(2000)]
        assert len(self.drawn(*many)) < 60_000

    def test_nobody_yet_is_a_picture_too(self):
        assert "0 of 0 things" in self.drawn()

    def test_names_of_others_are_escaped(self):
        found = Progress(job(phase="<&>"), {})
        assert ET.fromstring(chart.draw([found], NOW))[0].text == "pumps 1.2: <&>"
