"""``rootlet key``: signing keys, and the key sets that say who may sign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import files, signers, signing
from rootlet.cli import groups, show
from rootlet.cli.secret import ask
from rootlet.errors import InputError
from urootlet import format_cpython as layout
from urootlet import keyset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from urootlet.keyset import KeySet

_PATH = click.Path(path_type=Path)


def load_key_set(path: Path) -> KeySet:
    """Read a key set file. Raises InputError."""
    return signing.decode_key_set(files.read(path, signing.MAX_SIZE), str(path))


def report_standings(standings: Sequence[signing.Standing]) -> None:
    """Say on standard error which thresholds are not met yet."""
    for one in standings:
        if not one.met:
            click.echo(f"warning: {one}: devices refuse it until the rest is there", err=True)
            click.echo(" hint: add one with: rootlet sign FILE --key KEY.pem", err=True)


@click.group(
    "key",
    cls=groups.Group,
    epilog="""\b
Examples:
  rootlet key new a.pem
  rootlet key set -o keys-1.rlk --target pumps --key a.pub.pem --sign a.pem

Exit codes: 0 done, 2 bad input, 3 a key or signature is not good enough.
""",
)
def command() -> None:
    """Make and look at signing keys and key sets."""


@command.command(
    epilog="""\b
Examples:
  rootlet key new fleet-a.pem
  rootlet key new offline.pem --encrypt

Exit codes: 0 made, 2 the file is there already.
"""
)
@click.argument("file", type=_PATH)
@click.option("--encrypt", is_flag=True, help="Ask for a passphrase that protects the file.")
@click.option("--force", is_flag=True, help="Overwrite a key, which is then lost.")
@show.json_option
def new(file: Path, *, encrypt: bool, force: bool, json_output: bool) -> None:
    """Make a signing key: FILE, readable by you only, and its public half beside it."""
    passphrase = ""
    if encrypt:
        passphrase = click.prompt(
            "New passphrase", hide_input=True, confirmation_prompt=True, err=True
        )
    made = signers.create(file, passphrase, force=force)
    public = signers.public_path(file)
    if json_output:
        show.as_json("key/1", {"id": made.id, "private": str(file), "public": str(public)})
        return
    show.facts({"key id": made.id, "private half": str(file), "public half": str(public)})


@command.command(
    "show",
    epilog="""\b
Examples:
  rootlet key show fleet-a.pem offline.pub.pem
  rootlet key show keys-2.rlk --after keys-1.rlk

Exit codes: 0 shown, 2 not a key or key set.
""",
)
@click.argument("file", nargs=-1, required=True, type=_PATH)
@click.option("--after", type=_PATH, metavar="KEYS.rlk", help="Count its keys' signatures too.")
@show.json_option
def show_command(file: tuple[Path, ...], *, after: Path | None, json_output: bool) -> None:
    """Show keys and key sets: ids, thresholds and who has signed. Never a private half."""
    before = load_key_set(after) if after else None
    documents = [_document(path, before) for path in file]
    if json_output:
        show.as_json("keys/1", {"files": documents})
        return
    for one in documents:
        one |= {"standings": [_met(found) for found in one.get("standings", ())]}
        show.facts({key.replace("_", " "): _text(value) for key, value in one.items() if value})


def _document(path: Path, before: KeySet | None) -> dict[str, Any]:
    data = files.read(path, signing.MAX_SIZE)
    if data[:4] != layout.MAGIC:
        key = signers.read(path, ask)
        kind = "private key" if key.private else "public key"
        return {"file": str(path), "kind": kind, "key_id": key.id}
    keys = signing.decode_key_set(data, str(path))
    return {
        "file": str(path),
        "kind": "key set",
        "target": keys.target,
        "version": keys.version,
        "threshold": keys.threshold,
        "key_ids": [keyset.key_id(one).hex() for one in keys.keys],
        "standings": [
            one.document() for one in key_set_standings(signing.parse(data, ""), before)
        ],
    }


def _met(found: dict[str, Any]) -> str:
    return "{valid} of {needed} signatures of key set {version}".format(**found)


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def key_set_standings(made: signing.Signable, before: KeySet | None) -> list[signing.Standing]:
    """Return how far the thresholds of the set before and of the set itself are met."""
    return [made.standing(keys) for keys in (before, made.as_key_set()) if keys]


@command.command(
    "set",
    epilog="""\b
Examples:
  rootlet key set -o keys-1.rlk --target pumps --key a.pub.pem --sign a.pem
  rootlet key set -o keys-2.rlk --after keys-1.rlk --threshold 2
      --key a.pub.pem --key b.pub.pem --key c.pub.pem --sign a.pem --sign b.pem

Exit codes: 0 written, 2 bad input, 3 a key may not sign this.
""",
)
@click.option("-o", "--output", required=True, type=_PATH)
@click.option("--key", "keys", required=True, multiple=True, type=_PATH, metavar="PUB.pem")
@click.option("--threshold", type=int, default=1, show_default=True, help="Keys that must sign.")
@click.option("--target", help="Name of the fleet; with --after, that of the set before.")
@click.option("--after", type=_PATH, metavar="KEYS.rlk", help="The set that this one follows.")
@click.option("--sign", "sign_with", multiple=True, metavar="KEY", help="Key file or signer URI.")
@show.json_option
def set_command(  # noqa: PLR0913 - one argument per option
    *,
    output: Path,
    keys: tuple[Path, ...],
    threshold: int,
    target: str | None,
    after: Path | None,
    sign_with: tuple[str, ...],
    json_output: bool,
) -> None:
    """Make the next key set of a fleet, and sign it.

    Devices take set N+1 when enough keys of N and enough of N+1 have signed it. It can be signed
    in several places: rootlet sign adds a signature.
    """
    before = load_key_set(after) if after else None
    moduli = [signers.read(path, ask).modulus for path in keys]
    made = signing.encode_key_set(
        _target(target, before), before.version + 1 if before else 1, threshold, moduli
    )
    known = [*moduli, *map(bytes, before.keys if before else ())]
    made = made.add(signers.sign(made.signed, sign_with, known, ask))
    files.write(output, made.encode())
    standings = key_set_standings(made, before)
    if json_output:
        show.as_json("key-set/1", _document(output, before))
        return
    report_standings(standings)
    found = made.as_key_set()
    click.echo(
        f"{output}: key set {found.version} for {found.target}, {threshold} of {len(moduli)} "
        f"keys, {', '.join(map(str, standings))}"
    )


def _target(given: str | None, before: KeySet | None) -> str:
    if before is None:
        if given is None:
            raise InputError("the first key set needs the name of its fleet", hint="--target NAME")
        return given
    if given not in (None, before.target):
        raise InputError(
            f"the set before is for {before.target}, not for {given}",
            why="devices refuse a key set of another fleet",
            hint="leave --target out",
            code="TARGET",
        )
    return before.target
