"""The benches' rows and limits: what is over a limit, or not measured, fails the check."""

import importlib.util
import sys
from pathlib import Path

import pytest

_BENCH = Path(__file__).parents[2] / "bench"


def _load(name):
    spec = importlib.util.spec_from_file_location(f"bench_{name}", _BENCH / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look their module up
    spec.loader.exec_module(module)
    return module


table, readme = _load("table"), _load("readme")


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
