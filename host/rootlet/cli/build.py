"""``rootlet build``."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import board as boards
from rootlet import build as builder
from rootlet import bundle, catalog, files
from rootlet.cli import complete, costs, show, signed
from rootlet.cli.times import moment
from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_PEM = 1 << 20
_DIGITS = 10  # of Unix seconds until 2286
_PATH = click.Path(path_type=Path)
#: What somebody expects in a file of this name, as rootlet export calls it.
_OTHERS = {".pem": "pem", ".crt": "pem", ".der": "der", ".cer": "der", ".h": "c", ".py": "module"}
_ANSWER = {"yes": "yes", "cross-sign": "maybe", "no": "no"}


@click.command(
    epilog="""\b
Examples:
  rootlet build --board esp32 --keys ecc -o ecc.rlt
  rootlet build --board esp32 --keys both --with starfield-g2 -o all.rlt
  rootlet build --board pico-w --keys none --anchor our-root.pem -o own.rlt
  rootlet build --board esp32 --keys both -o pumps-7.rlt
      --key-set keys-1.rlk --sign a.pem --after pumps-6.rlt
  rootlet build --board esp32 --keys both -o pumps-7.tbs
      --key-set keys-1.rlk --for-signing --after pumps-6.rlt

Exit codes: 0 built, 2 bad input, 3 it does not fit, is not safe on this board, a key may not
sign it, or --complete and it is not.
"""
)
@click.option(
    "--board",
    "board_id",
    required=True,
    shell_complete=complete.boards,
    help="A board's id, or your own TOML file.",
)
@click.option("--keys", type=click.Choice(list(builder.KEYS)), required=True, help="AWS roots.")
@click.option(
    "--with",
    "extra",
    multiple=True,
    metavar="ID",
    shell_complete=complete.anchors,
    help="Add a catalogued anchor.",
)
@click.option("--anchor", multiple=True, type=_PATH, help="Add your root.")
@click.option("-o", "--output", required=True, type=_PATH)
@click.option("--target", help="Name of the fleet. Default: the key set's, or 'default'.")
@click.option("--form", type=click.Choice(["tiny", "strict", "full"]), help="Anchor form.")
@click.option("--profile", type=click.Choice(list(bundle.PROFILES)), help="With --keys none.")
@click.option("--endpoint-tls", type=click.Choice(["1.2"]), help="The endpoint stops there.")
@click.option("--created", metavar="UNIX", type=int, help="Default: SOURCE_DATE_EPOCH, or now.")
@click.option("--not-after", metavar="TIME", help="When to replace it: devices tell, and go on.")
@click.option("--key-set", type=_PATH, metavar="KEYS.rlk", help="Number it under these keys.")
@click.option("--sign", "sign_with", multiple=True, metavar="KEY", help="Key file or signer URI.")
@click.option("--for-signing", is_flag=True, help="Write only the bytes to be signed.")
@click.option("--after", type=_PATH, metavar="PREV.rlt", help="The bundle that the fleet has.")
@click.option("--retire-previous", is_flag=True, help="Once confirmed, trust no older set.")
@click.option("--revoke-now", is_flag=True, help="Trust no older set from acceptance on.")
@click.option("--complete", is_flag=True, help="Fail unless enough keys have signed.")
@costs.sources_option
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    board_id: str,
    keys: str,
    extra: tuple[str, ...],
    anchor: tuple[Path, ...],
    output: Path,
    target: str | None,
    form: str | None,
    profile: str | None,
    endpoint_tls: str | None,
    created: int | None,
    not_after: str | None,
    sources: bool,
    json_output: bool,
    **signing_options: Any,
) -> None:
    """Build the smallest trust bundle that works on a board.

    Anchors come in the smallest form that the board's TLS stack takes, with the cipher profile
    that makes a server present a chain under them.

    With --key-set it is numbered, and signed with --sign: devices take it as an offer. Without,
    it goes on a board through a local port only.
    """
    plan = signed.plan(target=target, **signing_options)
    request = builder.Request(
        board=boards.load(board_id),
        keys=keys,
        created=_created(created),
        extra_ids=extra,
        files=tuple((str(path), files.read(path, _MAX_PEM)) for path in anchor),
        target=plan.target,
        form=form or "",
        profile=profile or "",
        endpoint_tls12=endpoint_tls == "1.2",
        not_after=int(moment(not_after, "--not-after").timestamp()) if not_after else 0,
        after=plan.after,
        signing=plan.header,
    )
    built = builder.build(request)
    made = signed.finish(plan, built.data)
    files.write(output, made.data)
    if json_output:
        show.as_json("build/1", {**_document(built, made.data, output), **made.document()})
    else:
        _report(built, made, output, sources=sources)
    if other := _OTHERS.get(output.suffix.lower()):
        click.echo(
            f"warning: {output} is a bundle, whatever its name says; {other} is written by: "
            f"rootlet export {shlex.quote(str(output))} --format {other} -o FILE",
            err=True,
        )


def _created(given: int | None) -> int:
    """Return the creation time: https://reproducible-builds.org/specs/source-date-epoch/."""
    now = int(time.time())
    stated = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None and stated is not None:
        if not stated.isdecimal() or len(stated) > _DIGITS:
            raise InputError(f"SOURCE_DATE_EPOCH is {stated[:40]!r}", why="it takes Unix seconds")
        given = int(stated)
    if given is None:
        return now
    builder.check_created(given, now)
    return given


def _report(built: builder.Built, made: signed.Made, output: Path, *, sources: bool) -> None:
    show.table("Anchors", ("anchor", "key", "bytes", "ends", "programme", "why"), _rows(built))
    show.table("Covers", ("chain", "covered", "because"), _covers(built))
    costs.table("Costs", ("what", "bytes", "board has"), _costs(built), sources=sources)
    for warning in built.warnings:
        click.echo(f"warning: {warning}", err=True)
    profile = bundle.profile_name(built.profile)
    click.echo(
        f"{output}: {len(made.data)} bytes for {built.board.id}, form {built.form}, "
        f"cipher profile {profile}, {made}"
    )


def _rows(built: builder.Built) -> Sequence[Sequence[str]]:
    known = catalog.load()
    return [
        (
            one.id or one.name,
            one.key,
            str(size),
            one.not_after.date().isoformat(),
            (known.get(one.id).programme_words if one.id else "") or "unknown",
            one.because,
        )
        for one, size in built.anchors
    ]


def _covers(built: builder.Built) -> Sequence[Sequence[str]]:
    return [(row.chain.name, _ANSWER[row.covered], row.because) for row in built.covers]


def _costs(built: builder.Built) -> Sequence[costs.Row]:
    return [((one.what, one.shown, costs.number(one.has)), one.sources) for one in built.budget]


def _document(built: builder.Built, data: bytes, output: Path) -> dict[str, Any]:
    return {
        "file": str(output),
        "bytes": len(data),
        "sha256": bundle.sha256(data),
        "board": built.board.id,
        "form": built.form,
        "profile": bundle.profile_name(built.profile),
        "anchors": [
            {
                "id": one.id or None,
                "name": one.name,
                "key": one.key,
                "bytes": size,
                "sha256": one.sha256,
                "not_after": one.not_after.isoformat(),
                "programme_end": one.programme_end or None,
                "because": one.because,
            }
            for one, size in built.anchors
        ],
        "covers": [
            {"chain": row.chain.name, "covered": row.covered, "because": row.because}
            for row in built.covers
        ],
        "costs": [costs.document(line) for line in built.budget],
        "warnings": built.warnings,
    }
