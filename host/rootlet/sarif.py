"""An audit as SARIF 2.1.0, which code hosts and editors show beside the lines.

OASIS, Static Analysis Results Interchange Format Version 2.1.0: section 3.27 (result), 3.29
(physicalLocation), 3.30 (region), 3.32 (address).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rootlet import __version__, judge
from rootlet.audit import Unit

if TYPE_CHECKING:
    from rootlet.audit import Located, Problem, Report

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {judge.BREAKS: "error", judge.WILL_BREAK: "warning", judge.NOTE: "note"}
_RULES = list(judge.RULES)


def document(report: Report) -> dict[str, Any]:
    """Return the SARIF log of a report; what is fine is a result of kind ``pass``."""
    run = {
        "tool": {"driver": _driver()},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(one) for one in report.problems],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(one) for one in report.findings],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _driver() -> dict[str, Any]:
    rules = [
        {"id": code, "shortDescription": {"text": f"{words}."}}
        for code, words in judge.RULES.items()
    ]
    return {"name": "rootlet", "version": __version__, "rules": rules}


def _result(one: Located) -> dict[str, Any]:
    finding = one.finding
    level = _LEVELS.get(finding.level, "none")
    parts = (f"{finding.what} ({finding.form})", finding.why, finding.hint)
    return {
        "ruleId": finding.code,
        "ruleIndex": _RULES.index(finding.code),
        "kind": "pass" if level == "none" else "fail",
        "level": level,
        "message": {"text": ". ".join(filter(None, parts))},
        "locations": [_location(one.file, one.member) | {"physicalLocation": _place(one)}],
        "properties": {
            "ready": finding.ready,
            "notAfter": finding.not_after.isoformat() if finding.not_after else None,
            "programmeEnd": finding.programme_end.isoformat() if finding.programme_end else None,
        },
    }


def _place(one: Located) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": _uri(one.file)}}
    if one.member or (one.unit is Unit.OFFSET and not one.at):
        return place
    match one.unit:
        case Unit.LINE:
            return place | {"region": {"startLine": one.at}}
        case Unit.OFFSET:
            return place | {"region": {"byteOffset": one.at, "byteLength": 1}}
        case Unit.ADDRESS:
            return place | {"address": {"absoluteAddress": one.at}}


def _location(file: str, member: str) -> dict[str, Any]:
    return {"logicalLocations": [{"fullyQualifiedName": f"{file}!{member}"}]} if member else {}


def _notification(one: Problem) -> dict[str, Any]:
    place = {"physicalLocation": {"artifactLocation": {"uri": _uri(one.file)}}}
    return {
        "level": "warning",
        "message": {"text": one.why},
        "locations": [_location(one.file, one.member) | place],
    }


def _uri(file: str) -> str:
    """Return a path as a URI reference: what is absolute says so, the rest stays relative."""
    path = Path(file)
    quoted = quote(os.fsencode(path.as_posix()))  # also what is no UTF-8
    return f"file://{quoted}" if path.is_absolute() else quoted
