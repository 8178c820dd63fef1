"""``rootlet sign``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rootlet import files, signers, signing
from rootlet.cli import show
from rootlet.cli.key import key_set_standings, load_key_set, report_standings
from rootlet.cli.secret import ask
from rootlet.errors import InputError, TrustError
from urootlet import format_cpython as layout
from urootlet import keyset

if TYPE_CHECKING:
    from urootlet.keyset import KeySet

_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class _Known:
    """Which keys may sign: those of the key set, and those that were named."""

    key_set: KeySet | None
    public: tuple[bytes, ...]


@click.command(
    epilog="""\b
Examples:
  rootlet sign pumps-7.rlt --key b.pem --key-set keys-1.rlk
  rootlet sign pumps-7.tbs --key c.pem --detached pumps-7.c.sig     # offline
  rootlet sign pumps-7.tbs --attach pumps-7.c.sig --key-set keys-1.rlk -o pumps-7.rlt
  rootlet sign keys-2.rlk --key a.pem --key-set keys-1.rlk

Exit codes: 0 done, 2 bad input, 3 a key may not sign, or --complete and it is not.
"""
)
@click.argument("file", type=_PATH)
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Key file or signer URI.")
@click.option("--attach", multiple=True, type=_PATH, metavar="SIG", help="Add a detached one.")
@click.option(
    "--key-set",
    "key_set_path",
    type=_PATH,
    metavar="KEYS.rlk",
    help="The keys that count; for a key set, the set before it.",
)
@click.option("--pub", multiple=True, type=_PATH, metavar="PUB.pem", help="A key that counts.")
@click.option("-o", "--output", type=_PATH, help="Default: FILE itself.")
@click.option("--detached", type=_PATH, metavar="SIG", help="Write the signature only.")
@click.option("--complete", is_flag=True, help="Fail unless enough keys have signed.")
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    file: Path,
    keys: tuple[str, ...],
    attach: tuple[Path, ...],
    key_set_path: Path | None,
    pub: tuple[Path, ...],
    output: Path | None,
    detached: Path | None,
    complete: bool,
    json_output: bool,
) -> None:
    """Add signatures to a bundle or a key set, or make one on an offline machine.

    Without --key and --attach nothing is written: it shows what FILE says and who has signed.
    """
    if output and detached:
        raise InputError("-o and --detached exclude each other", hint="give one of them")
    data = files.read(file, signing.MAX_SIZE)
    given = signing.parse(data, str(file))
    known = _Known(
        load_key_set(key_set_path) if key_set_path else None,
        tuple(signers.read(path, ask).modulus for path in pub),
    )
    _check_key_set(given, known)
    candidates = _candidates(given, known)
    records = signers.sign(given.signed, keys, candidates, ask)
    records += tuple(_attached(given, path, candidates or []) for path in attach)
    made = given.add(records)
    standings = _standings(made, known)
    if complete:
        _require(standings)
    if records and not (output or detached or given.records or given.is_key_set):
        raise _bytes_to_be_signed(file)
    target = _write(output or file, made, records, detached) if records else None
    _report(file, made, standings, target, json_output=json_output)


def _require(standings: list[signing.Standing]) -> None:
    if not standings:
        raise InputError(
            "--complete needs to know the keys that count", hint="add --key-set keys-N.rlk"
        )
    signing.require(standings)


def _check_key_set(made: signing.Signable, known: _Known) -> None:
    """Refuse a key set that cannot be the one that counts for this file."""
    if known.key_set is None:
        return
    if made.is_key_set:
        found = made.as_key_set()
        wanted, target = found.version - 1, found.target
    else:
        bundle = made.as_bundle()
        wanted, target = bundle.key_set, bundle.target
    if known.key_set.target != target:
        raise InputError(
            f"the file is for {target}, the key set for {known.key_set.target}",
            why="a signature is good for one fleet only",
            code="TARGET",
        )
    if known.key_set.version != wanted:
        raise InputError(
            f"key set {known.key_set.version} does not count here, {wanted} does",
            why="a bundle names its key set, and a key set follows the one before it",
            hint=f"--key-set keys-{wanted}.rlk",
            code="SEQUENCE",
        )


def _candidates(made: signing.Signable, known: _Known) -> list[bytes] | None:
    """Return the moduli that may sign this file, or None for any key file.

    Whoever signs a bundle without naming keys is believed to know what the key is for: an
    offline machine has the bytes and its key, and nothing else.
    """
    keys = [*known.public, *map(bytes, known.key_set.keys if known.key_set else ())]
    if made.is_key_set:
        keys += map(bytes, made.as_key_set().keys)
    return keys or None


def _attached(made: signing.Signable, path: Path, candidates: list[bytes]) -> bytes:
    found = signing.record(made.signed, files.read(path, layout.SIGNATURE), candidates)
    if found is None:
        raise TrustError(
            f"{path} is not a signature of this file",
            why="no key that counts made it over these bytes",
            hint="name the keys with --key-set or --pub, and compare the SHA-256 of the file",
            code="SIGNATURE",
        )
    return found


def _standings(made: signing.Signable, known: _Known) -> list[signing.Standing]:
    if made.is_key_set:
        return key_set_standings(made, known.key_set)
    return [made.standing(known.key_set)] if known.key_set else []


def _write(
    target: Path, made: signing.Signable, records: tuple[bytes, ...], detached: Path | None
) -> Path:
    """Write the file, or its one new signature, and return where it went."""
    if detached is None:
        files.write(target, made.encode())
        return target
    if len(records) != 1:
        raise InputError("--detached writes one signature", hint="give one --key")
    files.write(detached, records[0])
    return detached


def _bytes_to_be_signed(file: Path) -> InputError:
    return InputError(
        f"{file} holds bytes to be signed, not a bundle",
        why="others may still have to sign exactly these bytes",
        hint=f"name the bundle: -o {file.with_suffix('.rlt')}",
    )


def _report(
    file: Path,
    made: signing.Signable,
    standings: list[signing.Standing],
    target: Path | None,
    *,
    json_output: bool,
) -> None:
    document = {"file": str(file), **_describe(made), "written": str(target) if target else None}
    if json_output:
        rows = [one.document() for one in standings]
        show.as_json("sign/1", {**document, "standings": rows})
        return
    report_standings(standings)
    document["signatures"] = ", ".join(map(str, standings)) or f"{len(made.records)}, not checked"
    show.facts({key.replace("_", " "): _text(value) for key, value in document.items()})


def _describe(made: signing.Signable) -> dict[str, Any]:
    """Return what a person reads before signing: signing is the release."""
    common = {"signed_sha256": made.sha256}
    if made.is_key_set:
        keys = made.as_key_set()
        ids = [keyset.key_id(one).hex() for one in keys.keys]
        what = {"version": keys.version, "threshold": keys.threshold, "key_ids": ids}
        return {"kind": "key set", "target": keys.target, **what, **common}
    found = made.as_bundle()
    return {
        "kind": "bundle",
        "target": found.target,
        "key_set": found.key_set,
        "sequence": found.sequence,
        "created": datetime.fromtimestamp(found.created, UTC).isoformat(),
        "retire_previous": bool(found.flags & layout.RETIRE_PREVIOUS),
        "revoke_now": bool(found.flags & layout.REVOKE_NOW),
        "originals": [found.original(index).hex() for index in range(len(found.anchors))],
        **common,
    }


def _text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)
