"""The chains that Amazon Trust Services may send, in groups that people can read.

A series is all issuing CAs of one root with one kind of key; they differ in name and dates only,
so one of them stands for all. The M and S series are taken (catalogued facts as of 2026-08-21);
the "Server CA" generation before them has ended or was revoked, and is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rootlet import catalog
from rootlet.errors import InputError
from rootlet.path import described

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from rootlet.catalog import KnownCertificate
    from rootlet.path import Link

_SERIES = re.compile(r"(amazon-.*)-([ms])(\d\d)")
_WORDS = {"rsa": "RSA", "ecdsa": "ECDSA", "eu": "EU"}

describe = described.link


@dataclass(frozen=True)
class Series:
    """Issuing CAs of one root with one kind of key. ``root`` is the name of their issuer."""

    name: str
    root: str
    key: str
    longest: tuple[Link, ...] = field(repr=False)


@dataclass(frozen=True)
class Case:
    """One chain to pass: ``name`` is a series or a file, ``shape`` how much of it is sent."""

    name: str
    shape: str
    chain: tuple[Link, ...] = field(repr=False, compare=False)
    captured: bool = False

    @property
    def family(self) -> str:
        """The leaf's key family."""
        return self.chain[0].family


def services() -> tuple[str, ...]:
    """Return the services of which chains to Amazon's roots are on record, sorted."""
    return tuple(sorted({name for one in _ats() for name in one.services}))


def service_series(service: str, at: datetime) -> list[Series]:
    """Return what is on record for a service: of each root the series of its own kind of key."""
    if service not in services():
        raise InputError(
            f"no chain of {service[:40]!r} is on record",
            why=f"known: {', '.join(services())}",
            hint="give captured chains with --chain",
        )
    roots = {one.id: one.key for one in _ats() if service in one.services}
    return [one for one in series_at(at) if roots.get(one.root) == one.key]


def series_at(at: datetime) -> list[Series]:
    """Return every series with an issuing CA that is valid at ``at``, in the catalogue's order."""
    groups: dict[tuple[str, str, str], list[KnownCertificate]] = {}
    for one in catalog.known():
        match = _SERIES.fullmatch(one.name)
        if match and one.role == "intermediate" and one.not_before <= at <= one.not_after:
            groups.setdefault((match[1], one.issuer, one.key), []).append(one)
    roots = {one.subject: one.name for one in catalog.known() if one.role == "root"}
    return [
        Series(_title(stem, members), roots[issuer], key, _longest(members))
        for (stem, issuer, key), members in groups.items()
    ]


def shapes_of(series: Series, shapes: Sequence[int] = ()) -> list[Case]:
    """Return a case for each shape; without ``shapes``, for each that there can be."""
    every = range(2, len(series.longest) + 1)
    return [
        Case(series.name, str(count), series.longest[:count])
        for count in (shapes or every)
        if count in every
    ]


def group(cases: Iterable[Case]) -> tuple[str, ...]:
    """Put cases into words, a line for each name with its shapes."""
    found: dict[str, list[str]] = {}
    for case in cases:
        shapes = found.setdefault(case.name, [])
        if case.shape and case.shape not in shapes:
            shapes.append(case.shape)
    return tuple(
        f"{name} ({_and(shapes)} sent)" if shapes else name for name, shapes in found.items()
    )


def _and(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _ats() -> list[catalog.TrustAnchor]:
    return [one for one in catalog.load().anchors if one.id.startswith("amazon-root-")]


def _longest(members: list[KnownCertificate]) -> tuple[Link, ...]:
    return described.longest(max(members, key=lambda one: one.not_after))


def _title(stem: str, members: list[KnownCertificate]) -> str:
    """Return such as ``RSA 2048 M01-M06, S00-S25``."""
    words = [_WORDS.get(word, word) for word in stem.split("-")[1:]]
    numbers: dict[str, list[int]] = {}
    for one in members:
        letter, number = one.name[-3].upper(), int(one.name[-2:])
        numbers.setdefault(letter, []).append(number)
    runs = [f"{letter}{run}" for letter, found in numbers.items() for run in _runs(letter, found)]
    return f"{' '.join(words)} {', '.join(runs)}"


def _runs(letter: str, numbers: list[int]) -> list[str]:
    """Return ``01-M06`` for numbers that follow each other."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [
        f"{run[0]:02}-{letter}{run[-1]:02}" if len(run) > 1 else f"{run[0]:02}" for run in runs
    ]
