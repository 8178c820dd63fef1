"""What a newer list of CA certificates says about the catalogue, as changes for people to judge.

In this order, for each certificate of the list:

1. One whose bytes the catalogue pins: its facts are compared; a difference is a wrong catalogue.
2. One with the name of an anchor and another key: an impostor, or a new generation under an old
   name. Said loudly, and never proposed.
3. One with the name and the key of an anchor and other bytes: it was made anew; its new facts
   and hash are proposed.
4. A root, self-signed, named Amazon or Starfield Services, that is in no catalogue: a new anchor
   is proposed, of role ``legacy`` until a person has found its sources.

Anchors that the list lacks are named. Nothing is written, and nothing here is trusted: the list
may be anybody's. Pure.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rootlet import catalog, pem, x509
from rootlet.errors import InputError
from rootlet.path.link import title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rootlet.catalog import Catalog, TrustAnchor
    from rootlet.x509 import Certificate

#: Not every Starfield: without "Services" the name is GoDaddy's, whose roots AWS does not use.
_NAMES = re.compile(r"(?:^|,)(?:O=Amazon\b|CN=Starfield Services\b)", re.IGNORECASE)
_FACTS = ("subject", "key", "sha256", "spki_sha256", "not_before", "not_after")


@dataclass(frozen=True)
class Change:
    """One anchor of the catalogue whose facts differ, or, with ``is_new``, one to add."""

    id: str
    facts: Mapping[str, Any]
    certificate: Certificate
    is_new: bool = False


@dataclass(frozen=True)
class Proposal:
    """``impostors`` pairs an anchor's id with the SHA-256 of what has its name and another key.

    ``missing`` are the ids that the list lacks; ``unread`` counts blocks that are no certificate
    of a kind that boards verify.
    """

    changes: tuple[Change, ...]
    impostors: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    unread: int

    @property
    def agrees(self) -> bool:
        """Whether the list has nothing to say against the catalogue."""
        return not self.changes and not self.impostors


def propose(data: bytes, where: str, known: Catalog) -> Proposal:
    """Compare a PEM list with the catalogue. Raises InputError (FORMAT) for no PEM at all."""
    found, unread = _read(data, where)
    changes: dict[str, Change] = {}
    impostors = []
    for one in found:
        anchor = known.by_sha256(one.sha256) or known.by_subject(one.subject_der)
        if anchor is None:
            if _is_new_root(one):
                ident = _id(one)
                changes[ident] = Change(ident, _facts(one), one, is_new=True)
        elif one.sha256 != anchor.sha256 and one.spki_sha256 != anchor.certificate.spki_sha256:
            impostors.append((anchor.id, one.sha256))
        elif one.is_self_issued and (differing := _differing(anchor, one)):
            changes[anchor.id] = Change(anchor.id, differing, one)
    held = {one.sha256 for one in found}
    missing = tuple(one.id for one in known.anchors if one.sha256 not in held)
    return Proposal(tuple(changes.values()), tuple(impostors), missing, unread)


def diff(proposal: Proposal, catalog_text: str, known: Catalog) -> str:
    """Return the changes as one unified diff of ``certs/``, which ``git apply`` takes."""
    text = catalog_text
    for change in proposal.changes:
        text = text + _table(change) if change.is_new else _edited(text, change)
    parts = [_unified(catalog_text, text, "certs/catalog.toml")]
    for change in proposal.changes:
        path = f"certs/anchors/{change.id}.pem"
        old = "" if change.is_new else known.get(change.id).path.read_text()
        parts.append(_unified(old, pem.armour(change.certificate.der), path))
    return "".join(parts)


def _read(data: bytes, where: str) -> tuple[list[Certificate], int]:
    """Read what can be read: a list of a whole web has kinds that no board verifies."""
    ders = [data] if pem.is_binary(data) else pem.blocks(data, where)
    found = []
    for number, der in enumerate(ders, 1):
        try:
            found.append(x509.parse_der(der, f"{where}, block {number}"))
        except InputError:
            continue
    if not found:
        x509.parse_der(ders[0], where)  # raises with what is wrong
    return found, len(ders) - len(found)


def _is_new_root(one: Certificate) -> bool:
    named = _NAMES.search(one.subject)
    return bool(named) and one.is_self_issued and one.is_ca and x509.check_signed_by(one, one)


def _facts(one: Certificate) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _FACTS}


def _differing(anchor: TrustAnchor, one: Certificate) -> dict[str, Any]:
    return {name: value for name, value in _facts(one).items() if getattr(anchor, name) != value}


def _id(one: Certificate) -> str:
    """Return its name in ``known.toml``, or one made of the common name: a-z, 0-9 and -."""
    for facts in catalog.find_known(one.sha256):
        return facts.name
    words = re.findall(r"[a-z0-9]+", title(one.subject).lower())
    return "-".join(words)[:60].strip("-") or f"root-{one.sha256[:8]}"


def _table(change: Change) -> str:
    """Return the ``[[anchor]]`` table of a new anchor, to be completed by a person."""
    name = _string(title(change.certificate.subject))
    facts = "\n".join(f"{key} = {_toml(value)}" for key, value in change.facts.items())
    return f"""
[[anchor]]
id = "{change.id}"
name = {name}
role = "legacy"
{facts}
services = []
note = "Proposed from a list: find two independent sources before it becomes ats."
certifi = ""
sources = []
"""


def _edited(text: str, change: Change) -> str:
    """Return the catalogue with the lines of one anchor's table replaced."""
    start = text.index(f'id = "{change.id}"\n')
    end = text.find("\n[[anchor]]", start)
    table = text[start:] if end < 0 else text[start:end]
    for key, value in change.facts.items():
        old = re.search(rf"^{key} = .*$", table, re.MULTILINE)
        if old:
            table = table.replace(old[0], f"{key} = {_toml(value)}", 1)
    return text[:start] + table + (text[end:] if end >= 0 else "")


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    return str(value.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _string(text: str) -> str:
    """Return a basic string (TOML 1.0); names were made printable when they were read."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unified(old: str, new: str, path: str) -> str:
    before = f"a/{path}" if old else "/dev/null"
    lines: Iterable[str] = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), before, f"b/{path}"
    )
    return "".join(lines)
