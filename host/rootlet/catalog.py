"""The trust anchors that rootlet ships, and the facts of every CA certificate that it can name.

``certs/catalog.toml`` describes each anchor, ``certs/anchors/ID.pem`` holds it, and the SHA-256
in the first pins the second. ``certs/known.toml`` has facts only, and is read when asked for.

Both files are data that people edit, so they are read strictly: a missing, unknown or mistyped
key is an error that names the file and the key.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from rootlet import pem, resources
from rootlet.errors import InputError, TrustError

if TYPE_CHECKING:
    from pathlib import Path

    from rootlet.x509 import Certificate

_ANCHOR_ROLES = ("ats", "legacy")
_KNOWN_ROLES = ("root", "cross", "intermediate")
# The dataclasses below are the schema: a field's annotation says what TOML must hold.
_KINDS: dict[Any, type] = {
    "str": str,
    "datetime": datetime,
    "date | None": date,
    "int | None": int,
    "bool": bool,
    "tuple[str, ...]": list,
}
#: key -> how many lower-case hex digits it has
_DIGITS = {"sha256": 64, "spki_sha256": 64, "sha1": 40, "spki_sha1": 40, "key_start": 16}
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class TrustAnchor:
    """One anchor of ``catalog.toml``; that file explains every field.

    Dates are aware (UTC). ``programme_end`` is None where nobody said when root programmes stop
    trusting it. ``path`` is its PEM file.
    """

    id: str
    name: str
    role: str
    subject: str
    key: str
    sha256: str
    spki_sha256: str
    not_before: datetime
    not_after: datetime
    services: tuple[str, ...]
    note: str
    certifi: str
    sources: tuple[str, ...]
    path: Path = field(repr=False)
    programme_end: date | None = None
    programme_source: str = ""
    programme_inferred: bool = False

    @property
    def programme_words(self) -> str:
        """The programme's day as people read it, with ``~`` where it is inferred; or empty."""
        mark = "~" if self.programme_inferred else ""
        return f"{mark}{self.programme_end}" if self.programme_end else ""

    @cached_property
    def der(self) -> bytes:
        """The certificate's bytes, read on first use.

        Raises TrustError when the file holds other bytes than ``sha256`` pins, InputError when it
        is missing or not one PEM block.
        """
        try:
            with self.path.open("rb") as file:
                blocks = pem.blocks(file.read(pem.MAX_FILE + 1), str(self.path))
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be read",
                why=error.strerror or str(error),
                hint="make certs",
                code="FORMAT",
            ) from None
        found = hashlib.sha256(blocks[0]).hexdigest()
        if len(blocks) != 1 or found != self.sha256:
            raise TrustError(
                f"{self.path}: not the certificate that the catalogue pins",
                why=f"expected SHA-256 {self.sha256}, found {found} ({len(blocks)} in the file)",
                hint="restore the file from the package, or run: make certs",
            )
        return blocks[0]

    @cached_property
    def certificate(self) -> Certificate:
        """The parsed certificate. Raises what ``der`` raises."""
        from rootlet.x509 import parse_der  # noqa: PLC0415 - keeps cryptography out of a start

        return parse_der(self.der, str(self.path))


@dataclass(frozen=True)
class KnownCertificate:
    """The facts of one CA certificate of ``known.toml``; that file explains every field."""

    name: str
    group: str
    role: str
    subject: str
    issuer: str
    serial: str
    key: str
    not_before: datetime
    not_after: datetime
    sha256: str
    spki_sha256: str
    sha1: str
    spki_sha1: str
    key_start: str
    signed_by: tuple[str, ...]
    path_length: int | None = None


@dataclass(frozen=True)
class Catalog:
    """The anchors, in the order of the file."""

    anchors: tuple[TrustAnchor, ...]

    def get(self, anchor_id: str) -> TrustAnchor:
        """Return the anchor of that id. Raises InputError with the ids that come close."""
        for anchor in self.anchors:
            if anchor.id == anchor_id:
                return anchor
        raise _unknown(anchor_id, [anchor.id for anchor in self.anchors], "rootlet certs list")

    def by_sha256(self, sha256: str) -> TrustAnchor | None:
        """Return the anchor with that fingerprint (lower-case hex), if it is one of ours."""
        return next((item for item in self.anchors if item.sha256 == sha256), None)

    def by_spki(self, spki_sha256: str) -> TrustAnchor | None:
        """Return the anchor with that key (``spki_sha256``, lower-case hex), if it is ours."""
        return next((item for item in self.anchors if item.spki_sha256 == spki_sha256), None)

    def by_subject(self, subject_der: bytes) -> TrustAnchor | None:
        """Return the anchor with that name, as tolerant as the most tolerant TLS stack.

        Case, kinds of text and runs of blanks are alike. A name proves nothing: see by_spki.
        """
        from rootlet.path.names import canonical  # noqa: PLC0415 - loads cryptography

        name = canonical(subject_der)
        return next(
            (item for item in self.anchors if canonical(item.certificate.subject_der) == name),
            None,
        )


def load(folder: Path | None = None) -> Catalog:
    """Read ``catalog.toml`` of ``folder`` (default: the one that rootlet ships).

    PEM files are read later, anchor by anchor. Raises InputError (FORMAT) for a file that breaks
    the schema.
    """
    folder = folder or resources.data("certs")
    path = folder / "catalog.toml"
    anchors = []
    for table, place in _tables(path, "anchor", TrustAnchor):
        _check(table["role"] in _ANCHOR_ROLES, place, "role", "is neither ats nor legacy")
        # The id becomes a file name.
        _check(_ID.fullmatch(table["id"]), place, "id", "has other than a-z, 0-9 and -")
        anchors.append(TrustAnchor(path=folder / "anchors" / f"{table['id']}.pem", **table))
    _check_unique(path, "id", [anchor.id for anchor in anchors])
    _check_unique(path, "sha256", [anchor.sha256 for anchor in anchors])
    return Catalog(tuple(anchors))


@cache
def known(folder: Path | None = None) -> tuple[KnownCertificate, ...]:
    """Read ``known.toml`` of ``folder`` (default: the one that rootlet ships), once.

    Raises InputError (FORMAT) for a file that breaks the schema.
    """
    path = (folder or resources.data("certs")) / "known.toml"
    found = []
    for table, place in _tables(path, "certificate", KnownCertificate):
        _check(table["role"] in _KNOWN_ROLES, place, "role", f"is none of {_KNOWN_ROLES}")
        found.append(KnownCertificate(**table))
    _check_unique(path, "sha256", [item.sha256 for item in found])
    _check_unique(path, "name", [item.name for item in found])
    return tuple(found)


def find_known(fingerprint: str) -> tuple[KnownCertificate, ...]:
    """Return what is known under a SHA-256 of the certificate or of its key (lower-case hex).

    At most one for a certificate's; one for each certificate of the key for a key's; none for
    what is not known.
    """
    return tuple(item for item in known() if fingerprint in {item.sha256, item.spki_sha256})


def find(name: str) -> TrustAnchor | KnownCertificate:
    """Find one certificate by id, by known name, or by SHA-256.

    A SHA-256 may have colons and capitals. Of a certificate's the first 8 digits are enough, of a
    key's all 64 are needed. Where several fit, an anchor goes before a known certificate, and a
    root before the cross certificates of its key. Raises InputError when nothing fits.
    """
    everything: list[TrustAnchor | KnownCertificate] = [*load().anchors, *known()]
    digits = name.replace(":", "").lower()
    if not re.fullmatch(r"[0-9a-f]{8,64}", digits):
        names = {_name(item): item for item in reversed(everything)}
        if name not in names:
            raise _unknown(name, list(names), "rootlet certs list --all")
        return names[name]
    for item in everything:
        if item.sha256.startswith(digits) or item.spki_sha256 == digits:
            return item
    raise InputError(
        f"no certificate with SHA-256 {name[:100]!r}",
        why="neither a certificate's fingerprint nor a key's",
        hint="rootlet certs list --all --json",
    )


def _name(item: TrustAnchor | KnownCertificate) -> str:
    return item.id if isinstance(item, TrustAnchor) else item.name


def _unknown(name: str, names: list[str], hint: str) -> InputError:
    close = difflib.get_close_matches(name, names, 3)
    why = f"close to it: {', '.join(close)}" if close else "no name comes close"
    return InputError(f"unknown certificate {name[:80]!r}", why=why, hint=hint)


def _tables(path: Path, name: str, schema: type) -> list[tuple[dict[str, Any], str]]:
    """Return the checked ``[[name]]`` tables of a file, each with words for where it is."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read", why=str(error), code="FORMAT") from None
    tables = document.pop(name, None)
    _check(not document, str(path), ", ".join(document), "is not a known key")
    _check(isinstance(tables, list) and tables, str(path), name, "is not a list of tables")
    places = [f"{path}, {name} {number}" for number in range(1, len(tables) + 1)]
    return [
        (_table(table, schema, place), place) for table, place in zip(tables, places, strict=True)
    ]


def _table(table: Any, schema: type, place: str) -> dict[str, Any]:
    """Check one table and return it as keyword arguments of ``schema``."""
    _check(isinstance(table, dict), place, "it", "is not a table")
    allowed = {item.name: _KINDS[item.type] for item in fields(schema) if item.type in _KINDS}
    for item in fields(schema):
        if item.name in allowed and item.default is MISSING:
            _check(item.name in table, place, item.name, "is missing")
    for key, value in table.items():
        _check(key in allowed, place, key, "is not a known key")
        _check_value(key, value, allowed[key], place)
    return {key: tuple(item) if type(item) is list else item for key, item in table.items()}


def _check_value(key: str, value: Any, kind: type, place: str) -> None:
    # Not isinstance: a bool is an int, and a datetime is a date.
    _check(type(value) is kind, place, key, f"is not a {kind.__name__}")
    if kind is list:
        _check(all(type(item) is str for item in value), place, key, "is not all strings")
    if kind is datetime:
        _check(value.tzinfo, place, key, "has no time zone")
    if digits := _DIGITS.get(key):
        good = re.fullmatch(rf"[0-9a-f]{{{digits}}}", value)
        _check(good, place, key, f"is not {digits} lower-case hex digits")


def _check(good: object, place: str, key: str, complaint: str) -> None:
    if not good:
        raise InputError(f"{place}: {key} {complaint}", hint="repair that line", code="FORMAT")


def _check_unique(path: Path, key: str, values: list[str]) -> None:
    for value in values:
        _check(values.count(value) == 1, str(path), f"{key} {value}", "appears twice")
