"""Which certificates an export writes: the originals, unless another form is asked for.

A bundle carries each anchor in a slim form with the SHA-256 of the original. Other systems know
the original by that hash, and may not take a slim form, so it is looked up: in the catalogue,
then among the files given, then in the bundle itself when it holds the full form. What was looked
up must have the name and the key that the bundle trusts, or the bundle lies and nothing is made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rootlet import anchor, catalog, x509
from rootlet.errors import InputError, TrustError
from urootlet import der, facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from urootlet.bundle import Bundle


class Content(NamedTuple):
    """What a written file says of one anchor: DER of name and key, SHA-256 of its certificate.

    ``sha256`` is lower-case hex, empty where the format holds no certificate.
    """

    subject: bytes
    spki: bytes
    sha256: str


@dataclass(frozen=True)
class Anchor:
    """One anchor to write.

    ``label`` is the catalogue's id, or words of the common name with 8 digits of the hash: of
    ``a-z 0-9 . -`` only, so that no name out of a certificate can end a comment or a string.
    ``certificate`` is what to write; ``original`` the SHA-256 (hex) of the original certificate.
    """

    label: str
    certificate: x509.Certificate
    original: str

    def content(self, carries_certificate: bool) -> Content:
        """Return what a file must say of it."""
        one = self.certificate
        return Content(one.subject_der, one.spki_der, one.sha256 if carries_certificate else "")


def choose(found: Bundle, form: str, files: Sequence[tuple[str, bytes]]) -> list[Anchor]:
    """Return the anchors of a bundle, in its order, in ``form`` (empty: as the bundle has them).

    ``files`` are PEM or DER originals as ``(name, bytes)``. Raises InputError when an original is
    needed and not there, or a file is not needed; TrustError when an original is another anchor.
    """
    originals = {found.original(index).hex() for index in range(len(found.anchors))}
    given = _given(files, originals)
    return [_choose(found, index, form, given) for index in range(len(found.anchors))]


def label(certificate: x509.Certificate, original: str) -> str:
    """Return a word for an anchor by the SHA-256 (hex) of its original; see :class:`Anchor`."""
    known = catalog.load().by_sha256(original)
    if known is not None:
        return known.id
    fields = der.Certificate(certificate.der, 0, len(certificate.der))
    name = facts.common_name(certificate.der, fields.subject).lower()
    words = re.sub(r"[^a-z0-9.]+", "-", name).strip("-.")
    return f"{words or 'anchor'}-{original[:8]}"


def held(found: Bundle, index: int) -> x509.Certificate:
    """Return anchor ``index`` as the bundle holds it. Raises InputError when it cannot be read."""
    return x509.parse_der(found.der(index), f"anchor {index + 1}")


def form_of(certificate: x509.Certificate, original: str) -> str:
    """Return the form (``rootlet.anchor.FORMS``) of an anchor out of a bundle."""
    if certificate.sha256 == original:
        return "full"
    return "tiny" if certificate.version < 3 else "strict"


def check_same(one: x509.Certificate, original: x509.Certificate) -> None:
    """Raise TrustError when an anchor has not the name and the key of its original."""
    if (one.subject_der, one.spki_der) != (original.subject_der, original.spki_der):
        raise TrustError(
            f"the bundle is not what it says: the anchor {one.subject}",
            why=f"it names the original with SHA-256 {original.sha256}, {original.subject}, "
            "but its name or key is another",
            hint="do not use this bundle; build it again",
            code="FORMAT",
        )


def _given(files: Sequence[tuple[str, bytes]], originals: set[str]) -> dict[str, x509.Certificate]:
    """Return SHA-256 -> certificate, and refuse what belongs to no anchor of the bundle."""
    given = {}
    for name, data in files:
        for one in x509.parse_certificates(data, name):
            if one.sha256 not in originals:
                raise InputError(
                    f"{name}: {one.subject} is not the original of an anchor in the bundle",
                    why=f"its SHA-256 is {one.sha256}",
                    hint="rootlet inspect shows the SHA-256 of each original",
                )
            given[one.sha256] = one
    return given


def _choose(found: Bundle, index: int, form: str, given: Mapping[str, x509.Certificate]) -> Anchor:
    sha256 = found.original(index).hex()
    here = held(found, index)
    known = catalog.load().by_sha256(sha256)
    original = known.certificate if known else given.get(sha256)
    if original is not None:
        check_same(here, original)
    name, has = label(here, sha256), form_of(here, sha256)
    if form in ("", has):
        return Anchor(name, here, sha256)
    original = here if has == "full" else original
    if original is None:
        raise InputError(
            f"{name}: its original certificate is not known here",
            why=f"the bundle holds the form {has}, and the SHA-256 of the original: {sha256}",
            hint=f"add --anchor FILE.pem with the original, or --form {has}",
        )
    made = anchor.package(original.der, form, name)
    return Anchor(name, x509.parse_der(made, name), sha256)
