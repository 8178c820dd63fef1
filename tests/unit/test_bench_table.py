"""The benches' rows and limits: what is over a limit, or not measured, fails the check."""

import importlib.util
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

_BENCH = Path(__file__).parents[2] / "bench"


def _load(name):
    spec = importlib.util.spec_from_file_location(name, _BENCH / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses, and the others, look it up
    spec.loader.exec_module(module)
    return module


table, readme, picture = _load("table"), _load("readme"), _load("picture")


def _row(name, limit, excess):
    """A row that is ``excess`` times its limit."""
    section, _, what = name.partition(": ")
    value = limit.at_most * excess
    return table.Row(section, what, value, peer=1 if limit.of == "ratio" else 0)


class TestALimit:
    @pytest.mark.parametrize(("name", "limit"), table.limits().items())
    def test_is_kept_at_the_limit_and_exceeded_above_it(self, name, limit):
        assert not table.exceeded([_row(name, limit, 1)], {name: limit})
        (line,) = table.exceeded([_row(name, limit, 1.01)], {name: limit})
        assert line.startswith(name)

    def test_that_no_row_answers_fails(self):
        limit = table.Limit("ours", 1)
        assert table.exceeded([], {"code: connect": limit}) == ["code: connect: not measured"]

    def test_that_not_every_machine_can_measure_may_go_without_a_row(self):
        limit = table.Limit("ours", 1, optional=True)
        assert not table.exceeded([], {"code: connect": limit})
        row = table.Row("code", "connect", 2)
        assert table.exceeded([row], {"code: connect": limit}) == ["code: connect: 2, at most 1"]

    def test_of_a_place_on_a_line_of_growth_names_that_place(self):
        row = table.Row("growth", "anchors: bundle", 6, at=20)
        limits = {"growth: anchors: bundle, 20": table.Limit("ours", 5)}
        assert table.exceeded([row], limits)

    def test_of_a_ratio_fails_a_row_without_a_peer(self):
        row = table.Row("work", "parse", 5)
        assert table.exceeded([row], {"work: parse": table.Limit("ratio", 9)})

    def test_of_seconds_is_refused(self, tmp_path):
        path = tmp_path / "limits.toml"
        path.write_text('[host]\n"start" = { of = "seconds", at_most = 1 }\n')
        with pytest.raises(ValueError, match="not of seconds"):
            table.limits(path)


def test_a_page_is_filled_twice_with_the_same_result():
    rows = [table.Row("code", "connect", 6143)]
    page = "before\n<!-- sizes -->\nold\n<!-- /sizes -->\nafter\n"
    once = readme.filled(page, rows)
    assert "| code: connect | 6,143 |" in once
    assert "old" not in once
    assert readme.filled(once, rows) == once


class TestThePicture:
    rows = (
        table.Row("bytes", "ours <tiny> to PEM", 5, 10),
        table.Row("host", "start", 9, 3, "ms"),
        *(table.Row("growth", "anchors", at, 2 * at, at=at) for at in (1, 5, 20)),
    )

    def test_is_drawn_for_light_and_for_dark(self):
        drawn = picture.draw(self.rows)
        texts = [one.text for one in ET.fromstring(drawn).iter() if one.text]
        assert "ours <tiny> to PEM" in texts
        assert "0.50" in texts
        assert "prefers-color-scheme: dark" in drawn

    def test_has_no_bars_of_time_and_a_line_for_ours_and_the_peer(self):
        drawn = picture.draw(self.rows)
        assert "start" not in [one.text for one in ET.fromstring(drawn).iter()]
        assert drawn.count("<polyline") == 2

    def test_of_nothing_but_one_row_is_drawn_too(self):
        ET.fromstring(picture.draw(self.rows[:1]))
