"""How ``rootlet probe`` shows what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rootlet import path
from rootlet.cli import show

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rootlet.inspection import Inspection, Row, Seen
    from rootlet.probe import Report, Request, Shown

    Kept = Mapping[tuple[str, int], Path]


def reports(found: list[Report], kept: Kept) -> None:
    """Print one block for each endpoint."""
    for report in found:
        if report.failure:
            click.echo(f"{report.endpoint}  E-{report.failure.code}: {report.failure.reason}")
            continue
        _offers(report)
        for chain in report.chains:
            _chain(chain)
            if file := kept.get((str(report.endpoint), chain.number)):
                click.echo(f"  kept in {file}: rootlet verify BUNDLE --chain {file}\n")


def _offers(report: Report) -> None:
    attempts = {one.offer: one for one in report.attempts}
    rows = []
    for offer in report.offers:
        told = attempts.get(offer.id)
        if told is None:
            rows.append((offer.title, "not asked", ""))
        elif told.chain:
            agreed = " ".join(filter(None, (told.version, told.suite, told.alpn)))
            rows.append((offer.title, f"chain {report.chain_of(told).number}", agreed))
        else:
            rows.append((offer.title, "nothing", f"E-{told.code}: {told.reason}"))
    asked = f", asked for {report.name}" if report.name != report.endpoint.host else ""
    show.table(f"{report.endpoint}{asked}", ("a client that offers", "is shown", "with"), rows)


def _chain(chain: Shown) -> None:
    if chain.inspection is None:
        click.echo(f"chain {chain.number}: cannot be read: {chain.unreadable}\n")
        return
    found = chain.inspection
    count, crosses = len(found.chain), len(found.cross_signs)
    words = f"{crosses or 'no'} cross-sign{'s' * (crosses != 1)}"
    click.echo(f"chain {chain.number}: {found.family.upper()}, {count} certificates, {words}")
    for number, one in enumerate(found.chain, 1):
        click.echo(f"  {number:>2}  {one.link.title}")
        show.paragraph(_facts(one), "      ")
    click.echo()
    if found.rows:
        columns = ("anchors", *path.MODELS)
        cells = [(one.anchors.name, *map(_verdict, one.answers.values())) for one in found.rows]
        show.table("accepted by, with", columns, cells)
    show.paragraph(_overall(found), "  ")
    for row in found.rows:
        if row.is_bundle:
            show.paragraph(_bundle(row), "  ")
    click.echo()


def _facts(one: Seen) -> str:
    link = one.link
    known = f", known as {one.known}" if one.known else ""
    copied = f"; it has the name of {one.copies} and ANOTHER KEY" if one.copies else ""
    dates = f"{_day(link.not_before)} to {_day(link.not_after)}"
    return f"{one.role}{known}, {link.key}, {dates}, signed by {link.issuer_title}{copied}"


def _verdict(answer: path.Answer) -> str:
    return answer.code or "yes"


def _overall(found: Inspection) -> str:
    answer = found.overall
    if answer.accepted and answer.anchor:
        return f"It verifies for this name, up to {answer.anchor.title} (mbedTLS)."
    why = f"E-{answer.code}: {answer.reason}"
    return f"It does not verify with the anchors that rootlet knows: {why}."


def _bundle(row: Row) -> str:
    refused: dict[str, list[str]] = {}
    for name, one in row.answers.items():
        if not one.accepted:
            refused.setdefault(f"E-{one.code}: {one.reason}", []).append(name)
    if not refused:
        return f"{row.anchors.name} works on every verifier."
    words = "; ".join(f"not with {', '.join(names)}: {why}" for why, names in refused.items())
    return f"{row.anchors.name}: {words}."


def document(request: Request, found: list[Report], kept: Kept) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return {
        "at": request.at.isoformat(),
        "starttls": request.starttls or None,
        "hosts": [_host(one, kept) for one in found],
    }


def _host(report: Report, kept: Kept) -> dict[str, Any]:
    failure = report.failure
    return {
        "host": report.endpoint.host,
        "port": report.endpoint.port,
        "name": report.name,
        "code": failure.code if failure else None,
        "reason": failure.reason if failure else None,
        "offers": [
            {
                "id": one.offer,
                "chain": report.chain_of(one).number if one.chain else None,
                "version": one.version or None,
                "suite": one.suite or None,
                "alpn": one.alpn or None,
                "code": one.code or None,
                "reason": one.reason or None,
            }
            for one in report.attempts
        ],
        "chains": [_shown(report, one, kept) for one in report.chains],
    }


def _shown(report: Report, chain: Shown, kept: Kept) -> dict[str, Any]:
    found, file = chain.inspection, kept.get((str(report.endpoint), chain.number))
    known = {"number": chain.number, "file": str(file) if file else None}
    if found is None:
        return {**known, "unreadable": chain.unreadable}
    return {
        **known,
        "family": found.family,
        "verifies": found.overall.accepted,
        "code": found.overall.code or None,
        "reason": found.overall.reason or None,
        "certificates": [_certificate(one) for one in found.chain],
        "anchors": [_row(one) for one in found.rows],
    }


def _certificate(one: Seen) -> dict[str, Any]:
    return {
        "subject": one.link.certificate.subject,
        "issuer": one.link.certificate.issuer,
        "is": one.role,
        "known": one.known or None,
        "copies": one.copies or None,
        "key": one.link.key,
        "not_before": one.link.not_before.isoformat(),
        "not_after": one.link.not_after.isoformat(),
        "sha256": one.link.identity,
        "spki_sha256": one.link.certificate.spki_sha256,
        "names": [*(one.link.dns or ()), *one.link.addresses],
    }


def _row(one: Row) -> dict[str, Any]:
    return {
        "name": one.anchors.name,
        "bundle": one.is_bundle,
        "anchors": list(one.anchors.anchors.values()),
        "stacks": {
            name: {
                "accepted": answer.accepted,
                "code": answer.code or None,
                "reason": answer.reason or None,
            }
            for name, answer in one.answers.items()
        },
    }


def _day(moment: Any) -> str:
    return str(moment.date())
