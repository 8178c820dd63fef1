"""The device package stays small: bytes of ``.mpy`` and heap after import, on the unix port."""

import importlib.util
import sys
from pathlib import Path

import pytest

_SOURCE = Path(__file__).parents[2] / "bench" / "size.py"
_SPEC = importlib.util.spec_from_file_location("size", _SOURCE)
assert _SPEC
assert _SPEC.loader
size = importlib.util.module_from_spec(_SPEC)
sys.modules["size"] = size  # where dataclasses look their module up
_SPEC.loader.exec_module(size)

#: Bytes of ``.mpy`` and of heap (objects there are twice a board's), by use.
BUDGETS = {
    "connect": (6_144, 16 * 1024),
    "connect + rotate": (14_336, 36 * 1024),
    "connect + rotate + jobs": (18_432, 44 * 1024),
}


@pytest.fixture(scope="module")
def uses():
    return size.uses()


@pytest.mark.parametrize("use", BUDGETS)
def test_the_code_of_a_use_stays_within_its_budget(uses, use):
    found, (code, _) = uses[use], BUDGETS[use]
    assert found.code <= code, f"{use}: {found.code} bytes of .mpy: {', '.join(found.modules)}"


@pytest.mark.parametrize("use", BUDGETS)
def test_the_heap_of_a_use_stays_within_its_budget(uses, use):
    found, (_, heap) = uses[use], BUDGETS[use]
    assert found.heap <= heap, f"{use}: {found.heap} bytes of heap after import"


def test_what_is_rarely_needed_is_loaded_only_then(uses):
    loaded = set(uses["connect + rotate"].modules)
    assert loaded >= set(uses["connect"].modules)
    assert loaded == set(size.sizes()) - set(size.OCCASIONS)
