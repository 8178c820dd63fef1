"""``rootlet verify``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import board as boards
from rootlet import bundle, files, path, pem
from rootlet import verify as verifier
from rootlet.cli import complete, show
from rootlet.cli.times import moment
from rootlet.errors import TrustError
from urootlet import format_cpython as layout
from urootlet.advice import ADVICE

if TYPE_CHECKING:
    from rootlet.path import Link


@click.command(
    epilog="""\b
Examples:
  rootlet verify ecc.rlt --chain captured.pem --board esp32
  rootlet verify ecc.rlt --chain captured.pem --stack esp-idf
  rootlet verify ecc.rlt --chain captured.pem --board esp32 --at 2038-02-01 # exits with 3

Exit codes: 0 accepted, 2 bad input, 3 refused.
"""
)
@click.argument("file", metavar="BUNDLE", type=click.Path(path_type=Path))
@click.option(
    "--chain",
    required=True,
    type=click.Path(path_type=Path),
    help="What the server sent, leaf first, in PEM.",
)
@click.option("--at", metavar="TIME", help="ISO 8601 or Unix seconds, UTC. Default: now.")
@click.option("--host", default="", help="The name that the device connects to.")
@click.option("--stack", type=click.Choice(list(path.MODELS)), help="Default: the board's.")
@click.option(
    "--board",
    "board_id",
    shell_complete=complete.boards,
    help="A board's id, or your own TOML file.",
)
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    file: Path,
    chain: Path,
    at: str | None,
    host: str,
    stack: str | None,
    board_id: str | None,
    json_output: bool,
) -> None:
    """Tell whether a device with a bundle would accept a chain.

    TLS stacks look for a path in different ways: this asks a model of one, and models are held
    against the real stacks (docs/verifiers.md).
    """
    request = verifier.Request(
        bundle=bundle.decode(files.read(file, layout.MAX_SIZE), str(file)),
        chain=verifier.read_chain(files.read(chain, pem.MAX_FILE), str(chain)),
        at=moment(at) if at else datetime.now(UTC),
        host=host,
        stack=stack or "",
        board=boards.load(board_id) if board_id else None,
    )
    verdict = verifier.verify(request)
    if json_output:
        show.as_json("verify/1", _document(request, verdict))
    else:
        _report(request, verdict)
    if not verdict.answer.accepted:
        raise TrustError(
            f"{verdict.model.name} would refuse {chain}",
            why=verdict.answer.reason,
            hint=_hint(request, verdict),
            code=verdict.answer.code,
        )


def _hint(request: verifier.Request, verdict: verifier.Verdict) -> str:
    """Return what to do: the form comes first, as no other root helps a stack that refuses it."""
    taken = verdict.model.forms
    if "tiny" not in taken and verifier.has_tiny_anchor(request.bundle):
        return f"{verdict.model.name} takes no tiny anchors: build with --form {taken[0]}"
    if verdict.answer.code == "ROOT" and len(verdict.answer.path) > 1:
        return f"{ADVICE['ROOT']} If it has that root, docs/verifiers.md says what this stack asks"
    return ADVICE[verdict.answer.code]


def _report(request: verifier.Request, verdict: verifier.Verdict) -> None:
    if verdict.assumed:
        click.echo("no --board and no --stack: taking mbedTLS, as on boards", err=True)
    rows = [
        (link.title, link.key, _day(link.not_before), _day(link.not_after), _role(link, verdict))
        for link in verdict.answer.path
    ]
    title = "Path" if verdict.answer.accepted else "Path, as far as it goes"
    show.table(title, ("certificate", "key", "from", "until", "is"), rows)
    if verdict.answer.accepted and verdict.ends:
        facts = {
            "accepted": f"by {verdict.model.name}, with {verdict.anchor}",
            "until": _day(verdict.ends),
            "host": request.host or "not checked: no --host",
        }
        show.facts(facts)


def _role(link: Link, verdict: verifier.Verdict) -> str:
    if link is verdict.answer.anchor:
        return "anchor"
    return "leaf" if link is verdict.answer.path[0] else "sent"


def _day(time: datetime) -> str:
    return time.date().isoformat()


def _document(request: verifier.Request, verdict: verifier.Verdict) -> dict[str, Any]:
    answer = verdict.answer
    return {
        "accepted": answer.accepted,
        "code": answer.code or None,
        "reason": answer.reason or None,
        "stack": verdict.model.id,
        "stack_assumed": verdict.assumed,
        "board": request.board.id if request.board else None,
        "at": request.at.isoformat(),
        "host": request.host or None,
        "anchor": verdict.anchor or None,
        "ends": verdict.ends.isoformat() if verdict.ends else None,
        "path": [
            {
                "name": link.title,
                "key": link.key,
                "sha256": link.identity,
                "not_before": link.not_before.isoformat(),
                "not_after": link.not_after.isoformat(),
                "is": _role(link, verdict),
            }
            for link in answer.path
        ],
    }
