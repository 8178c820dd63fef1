"""Cases where one certificate has a fault: its names, purposes, usage, identifiers, its place."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509 as library

from minted import (
    DOMAIN,
    HOST,
    Case,
    Mint,
    over_sha1,
    purpose,
    respelled,
    said_sha1,
    unknown,
    usage,
    weak_key,
)
from model_cases import CA1, CASES, CLASS2, G2, case, sent
from rootlet.lab.authorities import ROOTS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]

ADDRESS = ip_address("127.0.0.1")

for name_, host_ in {
    "another host": "example.com",
    "two labels under the wildcard": f"x.y.{DOMAIN}",
    "the domain itself": DOMAIN,
    "in capitals": HOST.upper(),
    "an IP address": "127.0.0.1",
}.items():
    sent(f"for {name_}", lambda mint: mint.chain()[:2], CA1, host=host_)


def leaf(name: str, make: Callable[[Mint], library.Certificate], host: str = HOST) -> None:
    sent(f"leaf {name}", lambda mint: (make(mint), mint.chain()[1]), CA1, host=host)


def issuing(name: str, make: Callable[[Mint], library.Certificate]) -> None:
    for held in (CA1, G2):
        sent(
            f"issuing CA {name}",
            lambda mint: (mint.chain()[0], make(mint), mint.chain()[2]),
            held,
        )


leaf("named by common name only", lambda mint: mint.leaf(without=library.SubjectAlternativeName))
leaf(
    "with an address as its only alternative name",
    lambda mint: mint.leaf(
        without=library.SubjectAlternativeName,
        extra=[(library.SubjectAlternativeName([library.IPAddress(ADDRESS)]), False)],
    ),
)
leaf(
    "with an address, for that address",
    lambda mint: mint.leaf(
        without=library.SubjectAlternativeName,
        extra=[(library.SubjectAlternativeName([library.IPAddress(ADDRESS)]), False)],
    ),
    "127.0.0.1",
)
leaf("with a wildcard of one dot", lambda mint: mint.leaf(names=("*.com",)), "rootlet.com")
leaf("with a part of a label as wildcard", lambda mint: mint.leaf(names=(f"a*.{DOMAIN}",)))
leaf("without key usage", lambda mint: mint.leaf(without=library.KeyUsage))
leaf(
    "that may only encipher",
    lambda mint: mint.leaf(without=library.KeyUsage, extra=[usage("key_encipherment")]),
)
leaf("for clients", lambda mint: mint.leaf(without=library.ExtendedKeyUsage, extra=[purpose()]))
leaf(
    "of any purpose",
    lambda mint: mint.leaf(
        without=library.ExtendedKeyUsage,
        extra=[purpose(library.oid.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)],
    ),
)
leaf("of no stated purpose", lambda mint: mint.leaf(without=library.ExtendedKeyUsage))
leaf(
    "without authority key identifier",
    lambda mint: mint.leaf(without=library.AuthorityKeyIdentifier),
)
leaf(
    "that names another key of its issuer",
    lambda mint: mint.leaf(
        without=library.AuthorityKeyIdentifier,
        extra=[(library.AuthorityKeyIdentifier(b"\x01" * 20, None, None), False)],
    ),
)
leaf("with an unknown critical extension", lambda mint: mint.leaf(extra=[unknown(critical=True)]))
leaf("with an unknown extension", lambda mint: mint.leaf(extra=[unknown(critical=False)]))
leaf(
    "whose issuer is spelt in capitals",
    lambda mint: mint.leaf(by=respelled(mint.authority(), CN="AMAZON RSA 2048 M01")),
)
leaf(
    "whose issuer is spelt with two blanks",
    lambda mint: mint.leaf(by=respelled(mint.authority(), CN="Amazon  RSA 2048 M01")),
)
leaf(
    "whose issuer is another",
    lambda mint: mint.leaf(by=respelled(mint.authority(), CN="Amazon RSA 2048 M02")),
)
issuing(
    "that is no CA",
    lambda mint: mint.issuing(
        without=library.BasicConstraints,
        extra=[(library.BasicConstraints(ca=False, path_length=None), True)],
    ),
)
issuing("without basic constraints", lambda mint: mint.issuing(without=library.BasicConstraints))
issuing(
    "without basic constraints and key usage",
    lambda mint: mint.issuing(without=(library.BasicConstraints, library.KeyUsage)),
)
issuing(
    "with basic constraints that are not critical",
    lambda mint: mint.issuing(
        without=library.BasicConstraints,
        extra=[(library.BasicConstraints(ca=True, path_length=0), False)],
    ),
)
issuing(
    "that may not sign certificates",
    lambda mint: mint.issuing(without=library.KeyUsage, extra=[usage("digital_signature")]),
)
issuing("without key usage", lambda mint: mint.issuing(without=library.KeyUsage))
issuing(
    "for clients", lambda mint: mint.issuing(without=library.ExtendedKeyUsage, extra=[purpose()])
)
issuing(
    "without key identifiers",
    lambda mint: mint.issuing(
        without=(library.SubjectKeyIdentifier, library.AuthorityKeyIdentifier)
    ),
)
issuing(
    "with an unknown critical extension", lambda mint: mint.issuing(extra=[unknown(critical=True)])
)
issuing("of another root, by its own word", lambda mint: mint.issuing(by=ROOTS[G2]))


def below_path_length(mint: Mint) -> tuple[library.Certificate, ...]:
    """Root <- M01 (path length 0) <- a further CA <- leaf."""
    further = respelled(mint.authority(), CN="A further CA")._replace(id="further")
    low = mint.leaf(by=further)
    return (low, mint.issuing(further, by=mint.authority()), *mint.chain()[1:3])


def short_key(mint: Mint) -> tuple[library.Certificate, ...]:
    """Root <- a CA of RSA-1024 <- leaf."""
    weak = mint.authority()._replace(id="weak", key="rsa1024")  # type: ignore[arg-type]
    mint.pki._keys["weak"] = weak_key()
    return (mint.leaf(by=weak), mint.issuing(weak))


def circle(mint: Mint) -> tuple[library.Certificate, ...]:
    """Two roots that cross-sign each other, and nothing above them."""
    left, right = ROOTS[CA1], ROOTS[G2]
    return (*mint.chain()[:2], mint.cross(left, right), mint.cross(right, left))


def ladder(mint: Mint, rungs: int) -> tuple[library.Certificate, ...]:
    """Leaf, and CAs that each sign the next below; the last is signed by Root CA 1."""
    steps = [respelled(mint.authority(), CN=f"Rung {n}") for n in range(rungs)]
    unlimited = [(library.BasicConstraints(ca=True, path_length=None), True)]
    made = [
        mint.issuing(low, by=high, without=library.BasicConstraints, extra=list(unlimited))
        for low, high in zip(steps, [*steps[1:], mint.root_of()], strict=True)
    ]
    return (mint.leaf(by=steps[0]), *made)


sent(
    "an issuing CA signed over SHA-1",
    lambda mint: (
        mint.chain()[0],
        over_sha1(mint.chain()[1], mint.key_of(mint.root_of())),
    ),
    CA1,
)
case(
    "an anchor signed over SHA-1",
    lambda mint: Case(mint.chain()[:2], (said_sha1(mint.anchor(CA1, "strict")),), mint.key()),
)
sent("below a path length of 0", below_path_length, CA1)
sent("an RSA-1024 CA", short_key, CA1)
sent("cross-signs in a circle", circle, CA1, CLASS2)
for rungs_ in (8, 9, 10):
    sent(f"{rungs_} issuing CAs", lambda mint, rungs=rungs_: ladder(mint, rungs), CA1)  # type: ignore[misc]
