"""``rootlet certs update``: what a newer list says about the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rootlet import catalog, files, pem, resources
from rootlet.cli import show
from rootlet.errors import TrustError

if TYPE_CHECKING:
    from rootlet.catalog_update import Proposal


@click.command(
    epilog="\b\nExamples:\n  rootlet certs update --from /etc/ssl/certs/ca-certificates.crt\n"
    "  rootlet certs update --from https://www.amazontrust.com/repository/AmazonRootCA1.pem\n"
    "  rootlet certs update --from new.pem > change.patch\n\n"
    "Exit codes: 0 the catalogue agrees, 2 bad input, 3 there is something to judge, 5 the URL "
    "cannot be fetched."
)
@click.option("--from", "source", metavar="FILE|URL", required=True, help="PEM, or https://...")
@show.json_option
def update(source: str, json_output: bool) -> None:
    """Compare the catalogue with a list of CA certificates, and propose changes as a diff.

    Nothing is written, and the list is not trusted: whoever applies the diff judges it. Looks
    for new roots with Amazon's or Starfield's name, for anchors that were made anew, and for
    other keys under an anchor's name.
    """
    from rootlet import catalog_update  # noqa: PLC0415 - help must not load cryptography

    known = catalog.load()
    found = catalog_update.propose(_read(source), source, known)
    text = resources.data("certs/catalog.toml").read_text(encoding="utf-8")
    patch = catalog_update.diff(found, text, known)
    if json_output:
        document = {
            "source": source,
            "agrees": found.agrees,
            "new": [one.id for one in found.changes if one.is_new],
            "changed": [one.id for one in found.changes if not one.is_new],
            "impostors": [{"id": name, "sha256": sha256} for name, sha256 in found.impostors],
            "missing": list(found.missing),
            "unread": found.unread,
            "diff": patch,
        }
        show.as_json("certs-update/1", document)
    else:
        click.echo(patch, nl=False)
        for line in _words(found):
            click.echo(line, err=True)
    if not found.agrees:
        raise _to_judge(found)


def _read(source: str) -> bytes:
    if "://" not in source:
        return files.read(Path(source), pem.MAX_FILE)
    from rootlet.net import download  # noqa: PLC0415 - only for a URL

    return download.fetch(source, pem.MAX_FILE)


def _words(found: Proposal) -> list[str]:
    words = [
        f"WARNING: {sha256} has the name of {name} and ANOTHER KEY"
        for name, sha256 in found.impostors
    ]
    if found.missing:
        words.append(f"not in the list: {', '.join(found.missing)}")
    if found.unread:
        words.append(
            f"{found.unread} certificates in the list are of kinds that boards cannot use"
        )
    if found.agrees:
        words.append("the catalogue agrees with it")
    return words


def _to_judge(found: Proposal) -> TrustError:
    if found.impostors:
        return TrustError(
            f"a certificate has the name of {found.impostors[0][0]} and another key",
            why="a new generation under an old name, or a list that somebody has changed",
            hint="compare with https://www.amazontrust.com/repository/; apply nothing before",
            code="ROOT",
        )
    names = ", ".join(one.id for one in found.changes)
    return TrustError(
        f"the list differs from the catalogue: {names}",
        why="the diff is a proposal: two independent sources come first (docs/certs.md)",
        hint="rootlet certs update --from ... > change.patch, then: git apply change.patch",
    )
