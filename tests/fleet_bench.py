"""The modules of ``bench/fleet``, which is no package of the project, for tests."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

_BENCH = Path(__file__).parents[1] / "bench"


def load(name: str) -> ModuleType:
    """Import one of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(_BENCH))
        return importlib.import_module(f"fleet.{name}")


def environment() -> dict[str, str]:
    """Return what ``python -m fleet`` needs."""
    return {**os.environ, "PYTHONPATH": str(_BENCH)}
