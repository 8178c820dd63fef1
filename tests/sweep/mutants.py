"""Deliberate bugs in the device package, and where each must be found.

A mutant is a textual patch of a copy of ``device/urootlet``. Its text must be there once, or the
mutant says nothing; and a named invariant must see it, or the sweep has a hole. The modules
``renewal`` and ``jobs`` take some of the same steps, and are not what is swept.
"""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sweep.run import DEVICE, Job, run

_CHECKS = Job("micropython", "checks")
_OTHERS = ("renewal", "jobs")


def _cuts(*cases: int) -> Job:
    return Job("micropython", "cuts", cases=cases)


def _flips(*cases: int) -> Job:
    return Job("micropython", "flips", cases=cases)


@dataclass(frozen=True)
class Mutant:
    """One bug: ``(old, new)`` patches of any one module, what to run, and what may see it."""

    name: str
    patches: tuple[tuple[str, str], ...]
    job: Job
    killers: tuple[str, ...]


def _one(old: str, new: str) -> tuple[tuple[str, str], ...]:
    return ((old, new),)


MUTANTS = (
    Mutant(
        "write into the active slot",
        _one("inactive = SLOTS[1 - record", "inactive = SLOTS[record"),
        _cuts(0),
        ("I2-usable-set", "I3-evidence", "I7-convergence"),
    ),
    Mutant(
        "confirm without evidence",
        _one("if not isinstance(answer, Error):\n            record", "if 1:\n            record"),
        _cuts(5),
        ("I3-evidence", "I10-confirm"),
    ),
    Mutant(
        "floor raised at staging",
        _one(
            "record.candidate_hash = digest\n",
            "record.candidate_hash = digest\n    record.floor = found.key_set, found.sequence\n",
        ),
        _cuts(0),
        ("I5-floor-ahead",),
    ),
    Mutant(
        "attempts not persisted",
        (
            ("self.store.step(_TRY)", "pass"),
            ('b"\\x0d\\x07\\x00', 'b"\\x05\\x07\\x00'),
            ('b"\\x0d\\x07\\x09\\x20', 'b"\\x05\\x07\\x09\\x20'),
            ('b"\\x0d\\x07\\x09\\x02', 'b"\\x05\\x07\\x09\\x02'),
        ),
        _cuts(0),
        ("I6-attempt-not-counted",),
    ),
    Mutant(
        "record CRC not checked",
        ((" and _check(data[:-4]) == data[-4:]", ""),),
        _flips(0),
        (
            "I5-floor-ahead",
            "I2-usable-set",
            "I4-floor-falls",
            "I4-mirror",
            "I7-convergence",
            "I8-refused",
        ),
    ),
    Mutant(
        "second write of a record left out",
        (("for index in (first, 1 - first):", "for index in (first,):"),),
        _cuts(0),
        ("I4-mirror",),
    ),
    Mutant(
        "records not made the same after a cut",
        _one("if not self.store.mirrored:", "if 0:"),
        _cuts(0),
        ("I4-mirror",),
    ),
    Mutant(
        "a TLS failure bans",
        _one("store.step(_FAILS)", "store.step(6)"),
        _cuts(5),
        ("I7-convergence",),
    ),
    Mutant(
        "older rung usable after a retire",
        (("if store.record.sealed:", "if 0:"),),
        _cuts(9),
        ("I12-forbidden-set",),
    ),
    Mutant(
        "factory set usable once a plain bundle followed a retire",
        (("record.sealed = record.sealed or found.flags > 0", "record.sealed = found.flags > 0"),),
        _cuts(10),
        ("I12-forbidden-set",),
    ),
    Mutant(
        "active set usable under revoke",
        (
            ("not data or self.store.record.state == _REVOKE", "not data"),
            (
                "            raise answer\n        from .control",
                "            return None\n        from .control",
            ),
        ),
        _cuts(12),
        ("I12-forbidden-set",),
    ),
    Mutant(
        "key set forgotten with the next bundle",
        _one(
            "record.candidate_hash = old\n",
            "record.candidate_hash = old\n            record.keys = 1\n",
        ),
        _cuts(14),
        ("I4-keys-fall", "I7-convergence"),
    ),
    Mutant(
        "hash of a key file not checked",
        (
            (
                "if hash16(data) == self.record.keys_hash:\n                return KeySet",
                "if name or hash16(data) == self.record.keys_hash:\n                return KeySet",
            ),
        ),
        _CHECKS,
        ("I8-refused",),
    ),
    Mutant(
        "the clock raises the time floor",
        _one(
            "if leaf:\n            from .dates import validity\n",
            "if 1:\n            validity = lambda _: [clock.now()]\n",
        ),
        _cuts(0),
        ("I5-time-floor",),
    ),
    Mutant(
        "unsigned offer accepted",
        _one(
            'raise Error("SIGNATURE", "unsigned")',
            "_stage(rotation, found, digest, 0)\n        return True",
        ),
        _CHECKS,
        ("I8-refused",),
    ),
    Mutant(
        "signatures not checked",
        _one("keyset.check_bundle(keys, found)", "pass"),
        _CHECKS,
        ("I8-refused",),
    ),
    Mutant(
        "sequence jump unchecked",
        (("sequence <= _MAX_JUMP", "sequence <= 99999"),),
        _CHECKS,
        ("I8-refused",),
    ),
    Mutant(
        "floor not checked",
        _one("keyset.check_order(found, record.floor)", "pass"),
        _cuts(0),
        ("I8-refused", "I2-usable-set"),
    ),
    Mutant(
        "stagings per day unlimited",
        _one("if record.staged >= _MAX_STAGINGS and", "if 0 and"),
        _CHECKS,
        ("I8-stagings-a-day",),
    ),
    Mutant(
        "read-back left out",
        _one("if hash16(store.read(inactive)) != digest:", "if 0:"),
        _CHECKS,
        ("I2-read-back",),
    ),
    Mutant(
        "slot used without its hash",
        (("if hash16(data) == digest else", "if data else"),),
        _flips(0),
        ("I2-usable-set", "I12-unverified-set"),
    ),
    Mutant(
        "back-off ignored",
        _one(
            "return until <= clock.now()",
            "return True",
        ),
        _CHECKS,
        ("I6-back-off",),
    ),
    Mutant(
        "a dead active set waits for the back-off as well",
        _one("not dead(error)\n", "True\n"),
        _CHECKS,
        ("I6-dead-active",),
    ),
    Mutant(
        "a candidate that newer keys dropped stays in its slot",
        _one('store.put(SLOTS[1 - record.active], b"-")', "pass"),
        _CHECKS,
        ("I4-dropped-for-good",),
    ),
    Mutant(
        "with both records lost, only the newest key set counts",
        _one("store.key_file(held[bundle.key_set])", "store.key_file(held[made.keys])"),
        _CHECKS,
        ("I4-dropped-for-good",),
    ),
    Mutant(
        "POSIX: written in place",
        _one('beside = path + ".new"', "beside = path"),
        Job("cpython", "cuts", fine=True, cases=(23,)),
        ("I2-usable-set",),
    ),
    Mutant(
        "POSIX: file not flushed before its rename",
        (("        os.fsync(file.fileno())\n", ""),),
        Job("cpython", "cuts", cases=(0,)),
        ("I2-usable-set", "I4-confirm-lost", "I7-convergence", "I12-unverified-set"),
    ),
)


def _patch(package: Path, old: str, new: str) -> None:
    texts = {path: path.read_text() for path in package.glob("*.py") if path.stem not in _OTHERS}
    found = [path for path, text in texts.items() for _ in range(text.count(old))]
    if len(found) != 1:
        raise ValueError(f"{old!r} is {len(found)} times in the package")
    found[0].write_text(texts[found[0]].replace(old, new))


def killer(mutant: Mutant) -> str:
    """Return the name of the invariant that sees the mutant; ``""`` when none does.

    Raises ValueError when its text is not in the package just once.
    """
    with tempfile.TemporaryDirectory(prefix="rootlet-mutant-") as folder:
        package = Path(folder) / "urootlet"
        shutil.copytree(DEVICE / "urootlet", package, ignore=shutil.ignore_patterns("__pycache__"))
        for old, new in mutant.patches:
            _patch(package, old, new)
        found = run([mutant.job], Path(folder), workers=1).violations
    return found[0]["violated"] if found else ""


def killers() -> dict[str, str]:
    """Return mutant -> invariant, for all."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip((m.name for m in MUTANTS), pool.map(killer, MUTANTS), strict=True))


def main() -> int:
    """Print which invariant killed which; 1 when one survives."""
    found = killers()
    for mutant in MUTANTS:
        print(f"{found[mutant.name] or 'SURVIVES':<24} {mutant.name}")
    return 0 if all(found[m.name] in m.killers for m in MUTANTS) else 1
