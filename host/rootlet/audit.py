"""Audit files and trees: every certificate, bare key, pin and unsafe call, and what each means.

One file after the other, each looked at once; a file that cannot be read is named and the rest
goes on. Containers are opened one inside the other as far as they occur: a UF2 file may hold a
littlefs with PEM files in it.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from rootlet import judge, unverified
from rootlet.scan import binary, text, uf2
from rootlet.scan.encoding import parsed
from rootlet.scan.seen import Name, Seen
from rootlet.scan.source import Memory
from rootlet.unpack import archive, child, littlefs_image, pkcs12, tree
from urootlet.advice import ADVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rootlet.scan.source import Source

#: A longer source file was made by a program.
MAX_CODE = 4 << 20
#: Containers inside containers.
_MAX_DEPTH = 3
_HEAD = 8192
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
#: code -> what to do about code that is not Python
_CODE_HINTS = {
    "NOVERIFY": "give the client its roots: rootlet export, formats c and bearssl among them",
    "SNI": "give the endpoint's name; it is also the name to verify",
}
#: first bytes of a binary -> what it is, where that says more than its name
_KINDS = (
    (b"\xfe\xed\xfe\xed", "a Java key store"),
    (b"\xce\xce\xce\xce", "a JCEKS key store"),
    (b"RLT", "a rootlet bundle"),
    (b"M\x06", "a MicroPython .mpy"),
    (b"\x7fELF", "an ELF file"),
)


class Unit(StrEnum):
    """What a place counts: lines from 1, bytes from 0, or addresses in flash (UF2)."""

    LINE = "line"
    OFFSET = "offset"
    ADDRESS = "address"


@dataclass(frozen=True)
class Located:
    """A finding and where it is: a file, its member where it is a container, and a place."""

    file: str
    member: str
    unit: Unit
    at: int
    finding: judge.Finding


@dataclass(frozen=True)
class Problem:
    """A file, or a member of it, that was not looked at, or not whole."""

    file: str
    member: str
    why: str


@dataclass
class Report:
    """What an audit found; ``files`` and ``size`` (bytes) say how much was looked at."""

    findings: list[Located] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    files: int = 0
    size: int = 0

    @property
    def is_broken(self) -> bool:
        """Whether something breaks now or will within the time asked for."""
        return any(one.finding.level in (judge.BREAKS, judge.WILL_BREAK) for one in self.findings)


def audit(
    paths: Sequence[Path],
    moment: judge.Moment,
    progress: Callable[[int, int, str], None] = lambda _done, _total, _what: None,
) -> Report:
    """Look at every file below ``paths``; ``progress`` gets bytes done, bytes in all, the file.

    Raises InputError for a path that is not there.
    """
    report = Report()
    listed = list(tree.files(paths))
    total, done = sum(one.size for one in listed), 0
    for one in listed:
        step = partial(_progress, progress, done, total, str(one.path))
        auditor = _Auditor(str(one.path), report, moment, step)
        if one.why:
            auditor.problem("", one.why)
        else:
            _look(one.path, auditor, report)
        done += one.size
    return report


def _progress(
    progress: Callable[[int, int, str], None], before: int, total: int, name: str, done: int
) -> None:
    progress(before + done, total, name)


def _look(path: Path, auditor: _Auditor, report: Report) -> None:
    try:
        with tree.File(path) as source:
            report.files, report.size = report.files + 1, report.size + source.size
            auditor.step(0)
            auditor.look("", source, 0)
    except OSError as error:
        auditor.problem("", error.strerror or str(error))


@dataclass
class _Auditor:
    """Looks at one file, and at what it holds. A member is named by its path, ``!`` in between."""

    file: str
    report: Report
    moment: judge.Moment
    step: Callable[[int], None]

    def problem(self, member: str, why: str) -> None:
        self.report.problems.append(Problem(self.file, member, why))

    def look(self, member: str, source: Source, depth: int) -> None:
        head = source.read(0, _HEAD)
        if uf2.is_uf2(head):
            self._binary(member, uf2.Flash(source), b"", Unit.ADDRESS, depth)
        elif archive.kind(source):
            self._members(member, archive.members(source), depth)
        elif (content := _text_of(source, head)) is not None:
            self._text(member, content)
        else:
            self._binary(member, source, head, Unit.OFFSET, depth)

    def _members(self, outer: str, members: Iterator[tuple[str, bytes]], depth: int) -> bool:
        """Look at what a container holds; return whether all of it could be read."""
        if depth == _MAX_DEPTH:
            self.problem(outer, "containers inside containers, too deep")
            return True
        try:
            for name, content in members:
                member = f"{outer}!{name}" if outer else name
                self.look(member, Memory(content), depth + 1)
        except child.UnpackError as error:
            self.problem(outer, str(error))
            return False
        return True

    def _text(self, member: str, content: bytes) -> None:
        found, lines = text.scan(content), _Lines(content)
        seen = [one for one in found.seen if not isinstance(one.thing, Name)]
        for one, finding in zip(seen, judge.judge(seen, self.moment), strict=True):
            self._add(member, Unit.LINE, lines.at(one.at), finding)
        language = unverified.language_of(member or self.file)
        if language and len(content) <= MAX_CODE:
            source = content.decode(errors="replace")
            for call in unverified.findings(source, language):
                self._add(member, Unit.LINE, call.line, _of_code(call, language))
        self._check_complete(member, found)

    def _binary(self, member: str, source: Source, head: bytes, unit: Unit, depth: int) -> None:
        found = binary.scan(source, _noted if depth else self.step)
        inside = self._file_systems(member, source, found, depth)
        kind = next((f" in {word}" for magic, word in _KINDS if head.startswith(magic)), "")
        seen = [
            replace(one, form=one.form + kind)
            for one in found.seen
            if not inside(one.at) and _counts(one, head)
        ]
        if pkcs12.is_pkcs12(head):
            plain = {one.thing for one in seen}
            seen += [one for one in self._pkcs12(member, source) if one.thing not in plain]
        for one, finding in zip(seen, judge.judge(seen, self.moment), strict=True):
            self._add(member, unit, source.place(one.at), finding)
        self._check_complete(member, found)

    def _file_systems(
        self, member: str, source: Source, found: binary.Found, depth: int
    ) -> Callable[[int], bool]:
        """Look at the files of each littlefs; return what tells whether an offset is in one."""
        spans: list[range] = []
        for start in found.file_systems:
            if any(start in span for span in spans):
                continue
            extent = littlefs_image.extent(source, start)
            if extent and self._members(member, littlefs_image.files(source, extent), depth):
                spans.append(range(start, start + extent.size))
        return lambda at: any(at in span for span in spans)

    def _pkcs12(self, member: str, source: Source) -> list[Seen]:
        if source.size > pkcs12.MAX_STORE:
            self.problem(member, "a PKCS#12 store that is too long")
            return []
        try:
            opened = [(word, parsed(der)) for word, der in child.run("pkcs12", source)]
        except child.UnpackError:
            words = "neither no password nor '' nor 'changeit' opens it, or it is damaged"
            self.problem(member, f"a PKCS#12 store: {words}")
            return []
        return [Seen(0, 0, f"PKCS#12, {word}", one) for word, one in opened if one]

    def _add(self, member: str, unit: Unit, at: int, finding: judge.Finding) -> None:
        self.report.findings.append(Located(self.file, member, unit, at, finding))

    def _check_complete(self, member: str, found: binary.Found) -> None:
        if not found.complete:
            self.problem(member, f"looked at the first {binary.MAX_HITS} candidates only")


def _noted(_done: int) -> None:
    """Tell nobody: what a container holds is done with the container."""


class _Lines:
    """Offsets of a text as line numbers; they must not descend by much to be told fast."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at, self._line = content, 0, 1

    def at(self, offset: int) -> int:
        """Return the line of an offset, from 1."""
        if offset < self._at:
            self._at, self._line = 0, 1
        self._line += self._content.count(b"\n", self._at, offset)
        self._at = offset
        return self._line


def _text_of(source: Source, head: bytes) -> bytes | None:
    """Return a text as UTF-8; None for what is none, or too long to be looked at as one.

    Some editors and PowerShell write UTF-16, with its mark; other text has no control characters.
    """
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if source.size > text.MAX_TEXT or (not wide and _CONTROL.search(head)):
        return None
    content = source.read(0, text.MAX_TEXT)
    if wide:
        return content.decode("utf-16", errors="replace").encode(errors="replace")
    return None if b"\0" in content else content


def _counts(seen: Seen, head: bytes) -> bool:
    """Whether it means something here: every firmware has the names that one program may use."""
    return not isinstance(seen.thing, Name) or head.startswith((b"M\x06", b"\x7fELF"))


def _of_code(one: unverified.Finding, language: str) -> judge.Finding:
    hint = ADVICE[one.code] if language == "python" else _CODE_HINTS[one.code]
    return judge.Finding(
        one.code, judge.BREAKS, one.what, form="source", at=0, ready="-", why=one.why, hint=hint
    )
