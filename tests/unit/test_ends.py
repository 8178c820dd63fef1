"""``rootlet certs check`` and ``timeline``: both ends of each anchor, in words and in pictures."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from own_roots import root
from rootlet import bundle, catalog, ends, timeline, trust_set
from rootlet.bundle import Anchor
from rootlet.cli.certs import command
from rootlet.errors import TrustError
from rootlet.pem import armour
from rootlet.timeline import html, svg, text

SVG = "{http://www.w3.org/2000/svg}"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOSTILE = '<script>alert("1")</script>&.pem'


def a_bundle(*ids, not_after=0):
    ders = sorted(
        (catalog.load().get(one).der for one in ids), key=lambda d: hashlib.sha256(d).digest()
    )
    return bundle.encode(
        [Anchor(der, hashlib.sha256(der).digest()) for der in ders],
        target="pumps", profile=3, created=1_790_000_000, not_after=not_after,
    )  # fmt: skip


@pytest.fixture
def pumps(tmp_path):
    path = tmp_path / "pumps.rlt"
    path.write_bytes(a_bundle("amazon-root-ca-1", "starfield-g2", not_after=1_890_000_000))
    return path


def run(*arguments):
    result = CliRunner().invoke(command, [str(one) for one in arguments])
    return result.stdout, result.exception


class TestCheck:
    def test_nothing_soon_is_yes_and_says_what_is_next(self):
        words, error = run("check", "--at", "2026-11-25", "--within", "90")
        assert error is None
        assert words == (
            "nothing ends within 90 days; next: starfield-g2 ends on 2027-04-15 (in 141 days): "
            "root programmes drop it, and servers move to other roots\n"
        )

    @pytest.mark.parametrize(
        ("at", "within", "names"),
        [
            ("2027-01-15", 90, ["starfield-g2"]),  # the last day counts
            ("2027-01-14", 90, []),
            ("2027-04-15", 0, ["starfield-g2"]),
            ("2030-05-01", 30, ["starfield-g2", *(f"amazon-root-ca-{n}" for n in range(1, 5))]),
        ],
    )
    def test_the_end_of_a_programme_counts(self, at, within, names):
        words, error = run("check", "--at", at, "--within", within)
        assert [line.split()[0] for line in words.splitlines() if " programmes " in line
                and not line.startswith("nothing")] == names  # fmt: skip
        assert isinstance(error, TrustError) == bool(names)

    def test_the_certificates_own_end_counts(self):
        words, _ = run("check", "--at", "2038-01-20", "--within", "0")
        assert "amazon-root-ca-1 ended on 2038-01-17 (3 days ago): devices refuse it" in words
        assert "amazon-root-ca-2 ended on 2040" not in words

    def test_in_use_is_what_the_bundle_holds_and_what_it_says_of_itself(self, pumps):
        words, error = run(
            "check", "--at", "2029-11-01", "--within", 30, "--bundle", pumps, "--json"
        )
        document = json.loads(words)
        assert document["schema"] == "rootlet/certs-check/1"
        assert not document["ok"]
        assert [(one["name"], one["by"]) for one in document["ends"] if one["soon"]] == [
            ("starfield-g2", "programme"), (str(pumps), "bundle"),
        ]  # fmt: skip
        assert error.code == "EXPIRED"  # starfield-g2's day is over

    def test_a_root_of_ones_own_has_its_own_end_alone(self, tmp_path):
        (tmp_path / "own.pem").write_text(armour(root("Our Root", year=2030)))
        words, _ = run("check", "--at", "2029-12-01", "--bundle", tmp_path / "own.pem")
        assert words == "Our Root ends on 2030-01-01 (in 31 days): devices refuse it\n"

    def test_a_day_is_that_of_utc(self):
        end = ends.End(date(2027, 4, 15), "x", ends.PROGRAMME, inferred=True)
        assert end.days_left(datetime.fromisoformat("2027-04-15T01:00:00+05:00")) == 1
        assert "ends on about 2027-04-15 (today)" in end.words(datetime(2027, 4, 15, tzinfo=UTC))


class TestChart:
    def test_every_anchor_is_there_once_with_both_ends(self):
        chart = timeline.chart(NOW)
        assert {bar.name for bar in chart.bars} == {one.id for one in catalog.load().anchors}
        first = chart.bars[0]
        assert (first.name, first.programme_words) == ("starfield-g2", "2027-04-15")
        assert (chart.first, chart.last) == (2000, 2045)

    def test_places_are_between_the_edges_and_in_order(self):
        chart = timeline.chart(NOW)
        for bar in chart.bars:
            begin, turn, end = (chart.place(one) for one in (bar.begin, bar.turn, bar.end))
            assert 0 <= begin < turn <= end <= 1
        assert chart.place(datetime(1990, 1, 1, tzinfo=UTC)) == 0


class TestText:
    @pytest.mark.parametrize("width", [50, 80, 120, 300])
    def test_it_fits_the_terminal_and_today_is_one_column(self, width, pumps):
        sets = [trust_set.read(pumps.read_bytes(), "pumps.rlt")]
        lines = text.draw(timeline.chart(NOW, sets), width, "utf-8")
        assert max(map(len, lines)) <= width
        bars = [line for line in lines if re.match("[● ] [a-z]+-", line)]
        assert len(bars) == 11
        assert len({line.index("│") for line in bars}) == 1
        assert [line.split()[1] for line in bars if line.startswith("●")] == [
            "starfield-g2", "amazon-root-ca-1",
        ]  # fmt: skip
        assert "pumps.rlt is to be replaced by 2029-11-22" in lines

    def test_a_plain_terminal_gets_plain_signs(self):
        assert "\n".join(text.draw(timeline.chart(NOW), 100, "ascii")).isascii()


class TestSvg:
    @pytest.fixture
    def drawn(self, pumps):
        sets = [
            trust_set.read(pumps.read_bytes(), HOSTILE),
            trust_set.read(armour(root("Own & <b>")).encode(), "own.pem"),
        ]
        return svg.draw(timeline.chart(NOW, sets))

    def test_it_is_one_labelled_picture(self, drawn):
        picture = ET.fromstring(drawn)
        assert picture.tag == f"{SVG}svg"
        assert picture.get("role") == "img"
        named = {one.get("id"): one for one in picture if one.get("id")}
        assert (picture.get("aria-labelledby") or "").split() == list(named)
        title, desc = named.values()
        assert (title.tag, desc.tag) == (f"{SVG}title", f"{SVG}desc")
        assert "amazon-root-ca-4: programmes ~2030-05-26, certificate 2040-05-26" in (
            desc.text or ""
        )

    def test_each_anchor_has_its_bars_and_both_dates_in_words(self, drawn):
        words = [one.text for one in ET.fromstring(drawn).iter(f"{SVG}text")]
        for bar in timeline.chart(NOW).bars:
            assert words.count(bar.name) + words.count(f"● {bar.name}") == 1
            assert bar.programme_words in words
            assert str(bar.end.date()) in words
        assert "● Own & \\<b\\>" in words  # as RFC 4514 writes it
        assert "seen on 2026-11-25" in words
        assert f"{HOSTILE} is to be replaced by 2029-11-22" in words

    def test_nothing_lies_outside_or_on_something_else(self, drawn):
        picture = ET.fromstring(drawn)

        def number(one, name):
            return float(one.get(name))

        width, height = number(picture, "width"), number(picture, "height")
        rects = [one for one in picture.iter(f"{SVG}rect") if one.get("class") != "page"]
        for one in rects:
            assert 0 <= number(one, "x") <= number(one, "x") + number(one, "width") <= width
        words = [one for one in picture.iter(f"{SVG}text") if one.text]
        assert all(0 < number(one, "y") < height for one in words)
        places = [(one.get("x"), one.get("y")) for one in words]
        assert len(set(places)) == len(places)

    def test_it_loads_nothing_runs_nothing_and_knows_the_dark(self, drawn):
        for word in ("<script", "http://", "https://", "@import", "javascript:", "onload"):
            assert word not in drawn.replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "prefers-color-scheme: dark" in drawn
        tags = {one.tag.removeprefix(SVG) for one in ET.fromstring(drawn).iter()}
        assert tags == {
            "svg", "title", "desc", "style", "defs", "pattern", "path", "rect", "text",
        }  # fmt: skip

    def test_every_colour_has_its_dark_twin(self, drawn):
        light, dark = drawn.split("@media screen and (prefers-color-scheme: dark)")
        for name in ("--ink", "--dim", "--line", "--page", "--ats", "--own", "--legacy", "--now"):
            assert f"{name}: #" in light
            assert f"{name}: #" in dark.split("} }")[0]


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in ("meta", "rect", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)


def test_the_page_is_whole_and_has_the_dates_as_a_table(pumps, tmp_path):
    words, error = run("timeline", "--bundle", pumps, "--html", tmp_path / "t.html",
                       "--svg", tmp_path / "t.svg")  # fmt: skip
    assert error is None
    assert words == f"wrote {tmp_path / 't.svg'} and {tmp_path / 't.html'}\n"
    page, tags = (tmp_path / "t.html").read_text(), _Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.seen.count("tr") == 1 + len(catalog.load().anchors)
    assert "script" not in tags.seen
    ET.parse(tmp_path / "t.svg")
    assert (
        html.draw(timeline.chart(NOW, [trust_set.read(pumps.read_bytes(), HOSTILE)])).count(
            "<script"
        )
        == 0
    )


def test_the_timeline_for_machines(pumps):
    document = json.loads(run("timeline", "--bundle", pumps, "--json")[0])
    assert document["schema"] == "rootlet/timeline/1"
    held = [one["name"] for one in document["anchors"] if one["bundles"]]
    assert held == ["starfield-g2", "amazon-root-ca-1"]
    assert document["bundles"][0]["not_after"].startswith("2029-11-22")
