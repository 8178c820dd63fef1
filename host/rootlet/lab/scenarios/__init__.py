"""Everything that the lab can do to a client, by name.

``all()`` finds the classes; a class that somebody else defines is among them as soon as its
module is imported. ``get(name)`` returns one. Each says in ``expect`` what a correct client does.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from rootlet.errors import InputError
from rootlet.lab.scenarios.base import (
    NEEDS,
    Accept,
    Bundle,
    FaceScenario,
    Refuse,
    Scenario,
    changed,
)
from rootlet.words import did_you_mean

__all__ = [
    "NEEDS",
    "Accept",
    "Bundle",
    "FaceScenario",
    "Refuse",
    "Scenario",
    "all",
    "changed",
    "get",
]


def all() -> tuple[type[Scenario], ...]:  # noqa: A001 - scenarios.all() reads as it should
    """Return every scenario: ours in the order of their files, then those of others."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found = _below(Scenario)  # type: ignore[type-abstract] # only walked
    # By file, whichever was imported first; within a file in the order of writing.
    return tuple(sorted(found, key=lambda each: (_is_foreign(each), each.__module__)))


def get(name: str) -> type[Scenario]:
    """Return the scenario called ``name``; InputError if there is none."""
    known = {scenario.name: scenario for scenario in all()}
    try:
        return known[name]
    except KeyError:
        raise InputError(
            f"{name[:80]}: the lab has no such scenario",
            why=did_you_mean(name[:80], known) or f"known: {', '.join(known)}",
            hint="rootlet lab scenarios",
        ) from None


def _is_foreign(scenario: type[Scenario]) -> bool:
    return not scenario.__module__.startswith(f"{__name__}.")


def _below(parent: type[Scenario]) -> list[type[Scenario]]:
    found: list[type[Scenario]] = []
    for child in parent.__subclasses__():
        named = "name" in vars(child) and not inspect.isabstract(child)
        found += [*([child] if named else []), *_below(child)]
    return found
