"""``rootlet inspect``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rootlet import bundle, catalog, files
from rootlet.cli import show
from urootlet import der, facts
from urootlet import format_cpython as layout


@click.command(
    epilog="""\b
Examples:
  rootlet inspect ecc.rlt
  rootlet inspect ecc.rlt --json

Exit codes: 0 read, 2 not a bundle.
"""
)
@click.argument("file", type=click.Path(path_type=Path))
@show.json_option
def command(file: Path, *, json_output: bool) -> None:
    """Read a bundle back, with the parser that the device uses."""
    data = files.read(file, layout.MAX_SIZE)
    document = _document(data, str(file))
    if json_output:
        show.as_json("bundle/1", document)
        return
    anchors = document.pop("anchors")
    show.facts({key.replace("_", " "): _word(value) for key, value in document.items()})
    show.table(
        "Anchors",
        ("anchor", "family", "bytes", "SHA-256 of the original"),
        [(one["name"], one["family"], str(one["bytes"]), one["sha256"]) for one in anchors],
    )


def _word(value: str | int | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _document(data: bytes, where: str) -> dict[str, Any]:
    found = bundle.decode(data, where)
    return {
        "file": where,
        "bytes": len(data),
        "sha256": bundle.sha256(data),
        "target": found.target,
        "key_set": found.key_set,
        "sequence": found.sequence,
        "created": _time(found.created),
        "not_after": _time(found.not_after) if found.not_after else None,
        "profile": bundle.profile_name(found.profile),
        "retire_previous": bool(found.flags & layout.RETIRE_PREVIOUS),
        "revoke_now": bool(found.flags & layout.REVOKE_NOW),
        "signatures": found.signatures,
        "anchors": _anchors(found),
    }


def _anchors(found: layout.Bundle) -> list[dict[str, Any]]:
    known = catalog.load()
    rows = []
    for index in range(len(found.anchors)):
        loaded = found.der(index)
        certificate = der.Certificate(loaded, 0, len(loaded))
        original = found.original(index).hex()
        named = known.by_sha256(original)
        rows.append(
            {
                "name": named.id if named else facts.common_name(loaded, certificate.subject),
                "catalogued": named is not None,
                "family": facts.family(certificate),
                "bytes": len(loaded),
                "version": certificate.version,
                "sha256": original,
            }
        )
    return rows


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
