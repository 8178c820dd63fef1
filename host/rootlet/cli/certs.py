"""``rootlet certs``: look at the trust anchors that rootlet ships and the CAs that it can name."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from rootlet import catalog, pem
from rootlet.catalog import KnownCertificate, TrustAnchor
from rootlet.cli import certs_time, certs_update, groups, show
from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_ROLES = {
    "ats": "Trust anchors that AWS asks custom trust stores to hold",
    "legacy": "Legacy: what older endpoints needed",
}
_GROUPS = {
    "ats": "Amazon Trust Services",
    "ats-starfield": "Starfield Services, the older root of Amazon Trust Services",
    "ats-eu": "AWS European Sovereign Cloud",
    "starfield-class2": "Starfield Class 2",
    "legacy-verisign": "VeriSign and Symantec",
    "legacy-digicert": "DigiCert and Baltimore",
}


@click.group(
    cls=groups.Group,
    epilog="""\b
Examples:
  rootlet certs list
  rootlet certs check --within 180

Exit codes: 0 done, 2 bad input, 3 something ends soon, or a shipped file is not what
it must be.
""",
)
def command() -> None:
    """Look at the trust anchors that rootlet knows."""


@command.command(
    "list",
    epilog="\b\nExamples:\n  rootlet certs list\n  rootlet certs list --all --json\n\n"
    "Exit codes: 0 done, 2 the catalogue cannot be read, 3 a PEM file has other bytes.",
)
@click.option("--all", "everything", is_flag=True, help="Also the facts of 152 CA certificates.")
@show.json_option
def list_(everything: bool, json_output: bool) -> None:
    """List the trust anchors.

    "ends" is the certificate's own last day; "programme" is the day when Mozilla stops trusting
    it for servers, with ~ where that day is inferred.
    """
    anchors = catalog.load().anchors
    known = catalog.known() if everything else ()
    if json_output:
        document: dict[str, Any] = {"anchors": [_anchor_document(anchor) for anchor in anchors]}
        if everything:
            document["known"] = [_document(item) for item in known]
        show.as_json("certs/1", document)
        return
    for number, (role, title) in enumerate(_ROLES.items()):
        click.echo("\n" * bool(number), nl=False)
        _draw_anchors(title, [anchor for anchor in anchors if anchor.role == role])
    if everything:
        _draw_known(known)


@command.command(
    "show",
    epilog="\b\nExamples:\n  rootlet certs show amazon-root-ca-1\n"
    "  rootlet certs show 8ecde688\n  rootlet certs show starfield-g2 --pem > anchor.pem\n\n"
    "Exit codes: 0 done, 2 unknown name, or no PEM for it, 3 a PEM file has other bytes.",
)
@click.argument("name", metavar="ID|SHA256")
@click.option("--pem", "pem_output", is_flag=True, help="Print the certificate, and only that.")
@show.json_option
def show_(name: str, pem_output: bool, json_output: bool) -> None:
    """Show one certificate, named by id or by SHA-256.

    The SHA-256 may be that of the certificate (8 or more digits are enough) or that of its key
    (all 64), with or without colons.
    """
    if pem_output and json_output:
        raise click.UsageError("--pem and --json exclude each other")
    item = catalog.find(name)
    if pem_output:
        click.echo(_pem(item), nl=False)
    elif json_output:
        document = _anchor_document(item) if isinstance(item, TrustAnchor) else _document(item)
        show.as_json("cert/1", {"relatives": _relatives(item), **document})
    else:
        _draw_facts(item)


def _pem(item: TrustAnchor | KnownCertificate) -> str:
    if isinstance(item, TrustAnchor):
        return pem.armour(item.der)
    raise InputError(
        f"{item.name}: rootlet has no PEM of it",
        why="it is no trust anchor; only its facts are kept",
        hint=f"rootlet certs show {item.name}",
    )


def _document(item: TrustAnchor | KnownCertificate) -> dict[str, Any]:
    """Return the fields of the data file, with dates as ISO 8601 text."""
    values = {part.name: getattr(item, part.name) for part in fields(item) if part.name != "path"}
    return {
        key: value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value
        for key, value in values.items()
    }


def _anchor_document(anchor: TrustAnchor) -> dict[str, Any]:
    return {**_document(anchor), "der_bytes": len(anchor.der)}


def _draw_anchors(title: str, anchors: list[TrustAnchor]) -> None:
    rows = [
        (
            anchor.id,
            anchor.key,
            str(len(anchor.der)),
            _day(anchor.not_after),
            anchor.programme_words or "-",
            " ".join(anchor.services) or "-",
        )
        for anchor in anchors
    ]
    show.table(title, ("id", "key", "DER", "ends", "programme", "services"), rows)


def _draw_known(known: Sequence[KnownCertificate]) -> None:
    names = {item.sha256: item.name for item in known if item.role == "root"}
    for group, title in _GROUPS.items():
        rows = [
            (item.name, item.key, _day(item.not_after), _root_above(item, names))
            for item in known
            if item.group == group
        ]
        click.echo()
        show.table(f"{title} ({len(rows)})", ("name", "key", "ends", "signed by"), rows)


def _root_above(item: KnownCertificate, roots: dict[str, str]) -> str:
    return next(roots[sha256] for sha256 in item.signed_by if sha256 in roots)


def _relatives(item: TrustAnchor | KnownCertificate) -> dict[str, list[str]]:
    """Name the other certificates of the same key, and those that this key signed."""
    known = catalog.known()
    others = [other for other in known if other.sha256 != item.sha256]
    return {
        "same_key": [other.name for other in others if other.spki_sha256 == item.spki_sha256],
        "signed": [other.name for other in others if item.sha256 in other.signed_by],
    }


def _draw_facts(item: TrustAnchor | KnownCertificate) -> None:
    facts = _anchor_facts(item) if isinstance(item, TrustAnchor) else _known_facts(item)
    relatives = _relatives(item)
    facts["same key"] = ", ".join(relatives["same_key"]) or "-"
    facts["signed"] = ", ".join(relatives["signed"]) or "-"
    show.facts(facts)


def _anchor_facts(anchor: TrustAnchor) -> dict[str, str]:
    programme = anchor.programme_words or "-"
    return {
        "id": anchor.id,
        "name": anchor.name,
        "role": anchor.role,
        "subject": anchor.subject,
        "key": anchor.key,
        "DER": f"{len(anchor.der)} bytes",
        "SHA-256": anchor.sha256,
        "key SHA-256": anchor.spki_sha256,
        "valid": f"{_day(anchor.not_before)} to {_day(anchor.not_after)}",
        "programme": f"{programme} ({anchor.programme_source})",
        "services": ", ".join(anchor.services) or "none on record",
        "note": anchor.note,
        "sources": f"certifi {anchor.certifi}; same bytes in: {', '.join(anchor.sources)}",
    }


def _known_facts(item: KnownCertificate) -> dict[str, str]:
    signers = [other.name for other in catalog.known() if other.sha256 in item.signed_by]
    return {
        "name": item.name,
        "group": _GROUPS[item.group],
        "role": item.role,
        "subject": item.subject,
        "issuer": item.issuer,
        "serial": item.serial,
        "key": item.key,
        "path length": "-" if item.path_length is None else str(item.path_length),
        "SHA-256": item.sha256,
        "key SHA-256": item.spki_sha256,
        "valid": f"{_day(item.not_before)} to {_day(item.not_after)}",
        "signed by": ", ".join(signers),
    }


def _day(moment: datetime | date) -> str:
    return (moment.date() if isinstance(moment, datetime) else moment).isoformat()


command.add_command(certs_time.check)
command.add_command(certs_time.timeline)
command.add_command(certs_update.update)
