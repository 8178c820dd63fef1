"""``rootlet advise``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import advise as adviser
from rootlet import board as boards
from rootlet import files, path, pem, verify
from rootlet.cli import complete, show
from rootlet.cli.times import moment

if TYPE_CHECKING:
    from rootlet.advise import Advice, Choice, Request

_SERVICES = ("iot-data-ats", "s3", "cloudfront", "ses", "acm")
#: (keys, anchors) -> the arguments of ``rootlet build`` that choose just these
_BUILD = {
    ("ecc", ("amazon-root-ca-3",)): "--keys ecc",
    ("rsa", ("amazon-root-ca-1",)): "--keys rsa",
    ("both", ("amazon-root-ca-1", "amazon-root-ca-3")): "--keys both",
}
_PROFILES = {"ecc": "ecdsa", "rsa": "rsa", "both": "both"}


@click.command(
    epilog="""\b
Examples:
  rootlet advise --service iot-data-ats --board esp32
  rootlet advise --service iot-data-ats --cover 2026 --board esp32
  rootlet advise --chain captured.pem --board esp32 --stack esp-idf

Exit codes: 0 a set was found, 2 bad input, 3 no set of anchors passes.
"""
)
@click.option("--service", type=click.Choice(_SERVICES), help="Chains on record for it.")
@click.option(
    "--chain", "chains", multiple=True, type=click.Path(path_type=Path), help="A captured chain."
)
@click.option(
    "--board",
    "board_id",
    required=True,
    shell_complete=complete.boards,
    help="A board's id, or your own TOML file.",
)
@click.option("--stack", type=click.Choice(list(path.MODELS)), help="Default: the board's.")
@click.option("--cover", type=click.Choice(["2026"]), help="Also the P-256 CAs under Root CA 4.")
@click.option("--keys", type=click.Choice(list(adviser.KEYS)), help="Default: the smallest.")
@click.option("--at", metavar="TIME", help="ISO 8601 or Unix seconds, UTC. Default: now.")
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    service: str | None,
    chains: tuple[Path, ...],
    board_id: str,
    stack: str | None,
    cover: str | None,
    keys: str | None,
    at: str | None,
    json_output: bool,
) -> None:
    """Find the smallest set of anchors for a board and a service.

    Each chain must pass as 2, 3 and 4 certificates: without a cross-sign, with the one that AWS
    sends today, and with the one above that it sent until 2024.
    """
    board = boards.load(board_id)
    request = adviser.Request(
        board=board,
        model=verify.model_for(stack or "", board),
        at=moment(at) if at else datetime.now(UTC),
        service=service or "",
        captured=tuple((str(file), _read(file)) for file in chains),
        cover_2026=cover is not None,
        keys=keys or "",
    )
    advice = adviser.advise(request)
    if json_output:
        show.as_json("advise/1", _document(request, advice))
    else:
        _report(request, advice)


def _read(file: Path) -> tuple[path.Link, ...]:
    return verify.read_chain(files.read(file, pem.MAX_FILE), str(file))


def _report(request: Request, advice: Advice) -> None:
    click.echo(
        f"For {request.board.id} with {request.model.name}: {advice.size} bytes of anchors, "
        f"cipher profile {_PROFILES[advice.keys]}.\n"
    )
    columns = ("anchor", "bytes", "ends", "programme")
    show.table("Anchors", (*columns, "needed for"), [_row(one) for one in advice.chosen])
    adding = [one for one in advice.omitted if one.chains]
    if adding:
        click.echo()
        show.table(
            "Left out (another key type wants cipher profile both)",
            (*columns, "would add"),
            [_row(one) for one in adding],
        )
    click.echo()
    idle = ", ".join(one.candidate.anchor.id for one in advice.omitted if not one.chains)
    facts = {
        "passes": "; ".join(advice.passes),
        "adds nothing": idle or "-",
        "no anchor for": "; ".join(advice.uncovered) or "-",
        "build it": _build(request, advice),
    }
    show.facts(facts)


def _row(one: Choice) -> tuple[str, ...]:
    anchor = one.candidate.anchor
    return (
        anchor.id,
        str(one.candidate.size),
        anchor.not_after.date().isoformat(),
        anchor.programme_words or "unknown",
        "; ".join(one.chains),
    )


def _build(request: Request, advice: Advice) -> str:
    ids = tuple(one.candidate.anchor.id for one in advice.chosen)
    base = next((key for key in _BUILD if key[0] == advice.keys and set(key[1]) <= set(ids)), None)
    words = ["rootlet build --board", request.board.id]
    words.append(_BUILD[base] if base else f"--keys none --profile {_PROFILES[advice.keys]}")
    rest = [one for one in ids if base is None or one not in base[1]]
    return " ".join([*words, *(f"--with {one}" for one in rest), "-o FILE.rlt"])


def _document(request: Request, advice: Advice) -> dict[str, Any]:
    return {
        "board": request.board.id,
        "stack": request.model.id,
        "at": request.at.isoformat(),
        "service": request.service or None,
        "chains": [name for name, _ in request.captured],
        "keys": advice.keys,
        "profile": _PROFILES[advice.keys],
        "bytes": advice.size,
        "passes": list(advice.passes),
        "anchors": [{**_choice(one), "needed_for": list(one.chains)} for one in advice.chosen],
        "omitted": [{**_choice(one), "would_add": list(one.chains)} for one in advice.omitted],
        "out_of_reach": list(advice.uncovered),
        "build": _build(request, advice),
    }


def _choice(one: Choice) -> dict[str, Any]:
    anchor = one.candidate.anchor
    return {
        "id": anchor.id,
        "form": one.candidate.form,
        "bytes": one.candidate.size,
        "sha256": anchor.sha256,
        "not_after": anchor.not_after.isoformat(),
        "programme_end": anchor.programme_end.isoformat() if anchor.programme_end else None,
        "programme_inferred": anchor.programme_inferred,
    }
