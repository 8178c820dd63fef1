"""What a scan saw, and where; what it means is ``rootlet.judge``'s to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rootlet.catalog import KnownCertificate
    from rootlet.x509 import Certificate


@dataclass(frozen=True)
class Key:
    """A CA's key without its certificate: ``spki_sha256`` is lower-case hex.

    ``name_der`` is the name that stands beside it, empty where there is none.
    """

    spki_sha256: str
    name_der: bytes = b""


@dataclass(frozen=True)
class Digest:
    """A hash of something known: ``digest`` is ``SHA-256`` or ``SHA-1``.

    ``of_key``: of its SubjectPublicKeyInfo, otherwise of the whole certificate.
    """

    known: KnownCertificate
    digest: str
    of_key: bool


@dataclass(frozen=True)
class Damaged:
    """A block with a certificate's marker lines that no certificate can be read from."""

    why: str


@dataclass(frozen=True)
class Name:
    """A name that compiled code has when it may skip verification."""

    text: str


@dataclass(frozen=True)
class Seen:
    """One thing at ``at``, up to ``end`` (offsets); ``form`` says in words how it is written."""

    at: int
    end: int
    form: str
    thing: Certificate | Key | Digest | Damaged | Name
