"""Provisioning a list of devices, so that it can be stopped at any point and run again.

Each device gets the folder ``FOLDER/THING``, and a line in ``FOLDER/ledger.jsonl`` when it is
whole. On a rerun, what both know is left alone; a folder without a line is finished with the key
that it has, and noted; a line without a folder stays (somebody has moved it to a safe place), as
a second key for its thing is what nobody wants. What is damaged is told and left alone.

Devices are made by a few threads at once: nearly all of the time is spent waiting for the disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from rootlet import credentials, files, parallel, provision
from rootlet.errors import InputError
from rootlet.identity import CERTIFICATE, KEY, REQUEST, SETTINGS, WIFI
from rootlet.ledger import Entry, Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from rootlet.credentials import Issue
    from rootlet.provision import Device, Made

LEDGER = "ledger.jsonl"


@dataclass(frozen=True)
class _Outcome:
    """What became of a device: the list of the report it goes to, and what its folder holds."""

    thing: str
    kind: str
    held: Made | None = None
    different: bool = False
    why: str = ""


@dataclass
class Report:
    """Names of things by what became of them.

    ``made`` and ``completed`` in this run, ``there`` before it. Left alone: ``gone`` has a line
    but no folder, ``damaged`` a folder that cannot be used (name -> why). ``different`` are of
    those that are there: their folders hold other settings than they would get now.
    """

    made: list[str] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many have been dealt with."""
        parts = (self.made, self.completed, self.there, self.gone, self.damaged)
        return sum(map(len, parts))

    def count(self, outcome: _Outcome) -> None:
        """Add one device."""
        if outcome.kind == "damaged":
            self.damaged[outcome.thing] = outcome.why
        else:
            getattr(self, outcome.kind).append(outcome.thing)
        if outcome.different:
            self.different.append(outcome.thing)


class Batch:
    """One run in ``folder``; ``report`` is true also while it runs, and after it was stopped.

    ``issue`` makes the certificates; ``now`` dates the ledger's lines, in UTC.
    """

    def __init__(self, folder: Path, issue: Issue, now: datetime) -> None:
        self.report = Report()
        self._folder = folder
        self._issue = issue
        self._at = f"{now:%Y-%m-%dT%H:%M:%SZ}"

    def run(self, devices: Sequence[Device], progress: Callable[[int, int, str], None]) -> None:
        """Make what is missing; ``progress`` gets ``(devices done, devices in all, thing)``.

        Raises InputError when nothing can be written, or another run is at work in the folder.
        """
        files.make_folder(self._folder, 0o700)
        with Ledger(self._folder / LEDGER) as ledger:
            for outcome in parallel.in_order(partial(self._one, ledger), devices):
                self._note(ledger, outcome)
                self.report.count(outcome)
                progress(self.report.done, len(devices), outcome.thing)

    def _one(self, ledger: Ledger, device: Device) -> _Outcome:
        """Bring one device to where it should be; raises only when nothing can be written."""
        try:
            return self._bring(ledger, device)
        except OSError as error:  # of reading: what cannot be written is an InputError
            why = f"{error.filename}: {error.strerror}"
            return _Outcome(device.settings.thing, "damaged", why=why)

    def _bring(self, ledger: Ledger, device: Device) -> _Outcome:
        thing = device.settings.thing
        place, entry = self._folder / thing, ledger.find(thing)
        if entry and not place.exists():
            return _Outcome(thing, "gone")
        if any((place / name).exists() for name in (REQUEST, CERTIFICATE)):
            return self._held(device, place, entry)
        if entry and not (place / KEY).exists():
            return _Outcome(thing, "damaged", why=f"{KEY} is not there")
        try:
            provision.check_free(place)
        except InputError as error:
            return _Outcome(thing, "damaged", why=f"{error.what}: {error.why}")
        return _Outcome(thing, "made", provision.create(place, device, self._issue))

    def _held(self, device: Device, place: Path, entry: Entry | None) -> _Outcome:
        """Check a folder that is there, and complete it where it waits for a certificate."""
        thing = device.settings.thing
        try:
            held = provision.look(place)
        except InputError as error:
            return _Outcome(thing, "damaged", why=f"{error.what}: {error.why}")
        if held.thing != thing:
            return _Outcome(thing, "damaged", why=f"{SETTINGS} is that of {held.thing}")
        if entry and entry.key_id != held.key_id:
            return _Outcome(thing, "damaged", why="its key is not the one in the ledger")
        different = _differs(device, place)
        if held.certificate_id or self._issue is credentials.later:
            return _Outcome(thing, "there", held, different)
        return _Outcome(thing, "completed", provision.complete(place, self._issue), different)

    def _note(self, ledger: Ledger, outcome: _Outcome) -> None:
        """Write a line, unless the newest one of this thing says the same."""
        held, known = outcome.held, ledger.find(outcome.thing)
        if held and not (known and known.certificate_id == held.certificate_id):
            ledger.add(Entry(held.thing, held.key_id, held.certificate_id, self._at))


def _differs(device: Device, place: Path) -> bool:
    """Whether a folder's settings are not what the device would get now."""
    wanted = device.files()
    return any(
        wanted.get(name) != ((place / name).read_bytes() if (place / name).exists() else None)
        for name in (SETTINGS, WIFI)
    )
