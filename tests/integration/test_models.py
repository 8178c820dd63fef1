"""The verifier models against the stacks themselves: real handshakes, chain by chain.

A case is a chain and a set of anchors. mbedTLS is MicroPython's, OpenSSL is this Python's; each
shakes hands with a server that sends exactly that chain, and the model must give the same
answer: accepted or not, and the same code where the stack's message tells one.
"""

from __future__ import annotations

from ipaddress import ip_address
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from cryptography import x509 as library

from minted import (
    DOMAIN,
    EXPIRED,
    FUTURE,
    HOST,
    ISSUERS,
    NOW,
    Case,
    Days,
    Mint,
    der,
    purpose,
    respelled,
    unknown,
    usage,
    weak_key,
)
from real_stacks import RealStacks
from rootlet import anchor, path
from rootlet.lab.authorities import ROOTS
from urootlet import diagnose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rootlet.lab import Hierarchy

STACKS = ("mbedtls", "openssl", "openssl-strict")
CA1, G2, CLASS2 = "amazon-root-ca-1", "starfield-g2", "starfield-class-2"
#: The own root of each family, and one that is on none of its paths.
OWN = {"rsa": CA1, "p256": "amazon-root-ca-3", "p256 under p384": "amazon-root-ca-4"}
OTHER = {"rsa": "amazon-root-ca-3", "p256": CA1, "p256 under p384": "amazon-root-ca-3"}

ADDRESS = ip_address("127.0.0.1")

CASES: dict[str, Callable[[Mint], Case]] = {}


def case(name: str, make: Callable[[Mint], Case]) -> None:
    assert name not in CASES
    CASES[name] = make


def sets(family: str) -> dict[str, tuple[str, ...]]:
    own, other = OWN[family], OTHER[family]
    return {
        "own": (own,),
        "g2": (G2,),
        "class2": (CLASS2,),
        "own+g2": (own, G2),
        "other": (other,),
        "other+own": (other, own),
    }


def shaped(family: str, shape: int, anchors: tuple[str, ...], form: str = "full") -> None:
    def make(mint: Mint) -> Case:
        held = tuple(mint.anchor(one, form) for one in anchors)
        return Case(mint.chain(family, shape), held, mint.key(family))

    case(f"{family}, shape {shape}, {form} {'+'.join(anchors)}", make)


for family_ in ISSUERS:
    for shape_ in (2, 3, 4):
        for anchors_ in sets(family_).values():
            shaped(family_, shape_, anchors_)
for form_ in ("strict", "tiny"):
    for shape_ in (2, 4):
        for anchor_ in (CA1, G2, CLASS2):
            shaped("rsa", shape_, (anchor_,), form_)
    shaped("p256", 2, (OWN["p256"],), form_)
    shaped("p256 under p384", 2, (OWN["p256 under p384"],), form_)


def sent(
    name: str,
    pick: Callable[[Mint], tuple[library.Certificate, ...]],
    *held: str,
    host: str = HOST,
) -> None:
    """Add a case for each anchor of ``held``, by its id."""
    for one in held:
        case(
            f"{name}, {one}",
            lambda mint, one=one: Case(pick(mint), (mint.anchor(one),), mint.key(), host),  # type: ignore[misc]
        )


for order_ in permutations((1, 2, 3)):
    if order_ != (1, 2, 3):
        sent(
            f"sent as 0{''.join(map(str, order_))}",
            lambda mint, order=order_: tuple(mint.chain()[at] for at in (0, *order)),  # type: ignore[misc]
            CA1,
            G2,
            CLASS2,
        )

sent("leaf alone", lambda mint: mint.chain()[:1], CA1)
sent("issuing CA left out", lambda mint: (mint.chain()[0], *mint.chain()[2:]), CA1, CLASS2)
sent("root cross-sign left out", lambda mint: (*mint.chain()[:2], mint.chain()[3]), CA1, CLASS2)
sent("leaf sent twice", lambda mint: (mint.chain()[0], *mint.chain()[:2]), CA1)
sent("issuing CA sent twice", lambda mint: (*mint.chain()[:2], mint.chain()[1]), CA1)
sent("an unrelated CA last", lambda mint: (*mint.chain()[:2], mint.chain("p256")[1]), CA1)
sent(
    "an unrelated CA between",
    lambda mint: (mint.chain()[0], mint.chain("p256")[1], *mint.chain()[1:]),
    CA1,
    CLASS2,
)
sent("the root itself last", lambda mint: (*mint.chain()[:2], mint.pki.anchor(CA1)), CA1, G2)
sent(
    "the root before its cross-sign",
    lambda mint: (*mint.chain()[:2], mint.pki.anchor(CA1), *mint.chain()[2:]),
    CA1,
    G2,
)
sent(
    "the root after its cross-sign",
    lambda mint: (*mint.chain()[:3], mint.pki.anchor(CA1)),
    CA1,
    G2,
)
sent(
    "a look-alike root last",
    lambda mint: (*mint.chain()[:2], mint.pki.lookalike().anchor(CA1)),
    CA1,
)
sent(
    "a look-alike issuing CA before the true one",
    lambda mint: (
        mint.chain()[0],
        mint.pki.lookalike().issuing(ISSUERS["rsa"]),
        mint.chain()[1],
    ),
    CA1,
)


def lookalike(mint: Mint) -> bytes:
    return der(mint.pki.lookalike().anchor(CA1))


case("look-alike anchor", lambda mint: Case(mint.chain(), (lookalike(mint),), mint.key()))
case(
    "look-alike anchor, then Starfield G2",
    lambda mint: Case(mint.chain(), (lookalike(mint), mint.anchor(G2)), mint.key()),
)

for word_, days_ in {"expired": EXPIRED, "future": FUTURE}.items():
    sent(
        f"{word_} leaf",
        lambda mint, days=days_: (mint.leaf(days=days), mint.chain()[1]),  # type: ignore[misc]
        CA1,
    )
    sent(
        f"{word_} issuing CA",
        lambda mint, days=days_: (mint.chain()[0], mint.issuing(days=days)),  # type: ignore[misc]
        CA1,
        G2,
    )
    sent(
        f"{word_} issuing CA, then a good one",
        lambda mint, days=days_: (mint.chain()[0], mint.issuing(days=days), mint.chain()[1]),  # type: ignore[misc]
        CA1,
    )
    sent(
        f"{word_} cross-sign",
        lambda mint, days=days_: (  # type: ignore[misc]
            *mint.chain()[:2],
            mint.cross(ROOTS[CA1], ROOTS[G2], days),
        ),
        CA1,
        G2,
    )
    for form_ in ("full", "strict", "tiny"):
        case(
            f"{word_} anchor, {form_}",
            lambda mint, days=days_, form=form_: Case(  # type: ignore[misc]
                mint.chain()[:2],
                (path_package(mint.root(ROOTS[CA1], days), form),),
                mint.key(),
            ),
        )
    case(
        f"{word_} anchor, then its twin",
        lambda mint, days=days_: Case(  # type: ignore[misc]
            mint.chain()[:2], (mint.root(ROOTS[CA1], days), mint.anchor(CA1)), mint.key()
        ),
    )
    case(
        f"an anchor, then its {word_} twin",
        lambda mint, days=days_: Case(  # type: ignore[misc]
            mint.chain()[:2], (mint.anchor(CA1), mint.root(ROOTS[CA1], days)), mint.key()
        ),
    )
case(
    "two valid twins",
    lambda mint: Case(
        mint.chain()[:2], (mint.root(ROOTS[CA1], NOW), mint.anchor(CA1)), mint.key()
    ),
)
case(
    "two expired twins",
    lambda mint: Case(
        mint.chain()[:2],
        (mint.root(ROOTS[CA1], Days(-50, -20)), mint.root(ROOTS[CA1], EXPIRED)),
        mint.key(),
    ),
)
case(
    "expired leaf for another host",
    lambda mint: Case(
        (mint.leaf(days=EXPIRED), mint.chain()[1]), (mint.anchor(CA1),), mint.key(), "example.com"
    ),
)


def path_package(root: bytes, form: str) -> bytes:
    return anchor.package(root, form, "the root")


case("leaf as anchor", lambda mint: Case(mint.chain()[:2], (der(mint.chain()[0]),), mint.key()))
case(
    "issuing CA as anchor",
    lambda mint: Case(mint.chain()[:2], (der(mint.chain()[1]),), mint.key()),
)
case(
    "cross-sign as anchor",
    lambda mint: Case(mint.chain()[:2], (der(mint.chain()[2]),), mint.key()),
)
case(
    "cross-sign and its root as anchors",
    lambda mint: Case(mint.chain()[:2], (der(mint.chain()[2]), mint.anchor(G2)), mint.key()),
)

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


sent("below a path length of 0", below_path_length, CA1)
sent("an RSA-1024 CA", short_key, CA1)
sent("cross-signs in a circle", circle, CA1, CLASS2)
for rungs_ in (8, 9, 10):
    sent(f"{rungs_} issuing CAs", lambda mint, rungs=rungs_: ladder(mint, rungs), CA1)  # type: ignore[misc]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealStacks]:
    with RealStacks(tmp_path_factory.mktemp("stacks")) as stacks:
        yield stacks


@pytest.fixture(scope="module")
def mint(lab_pki: Hierarchy) -> Mint:
    return Mint(lab_pki)


def modelled(stack: str, made: Case, mint: Mint) -> path.Answer:
    question = path.Question(
        anchors=tuple(path.read(one, "anchor") for one in made.anchors),
        chain=tuple(path.read(der(one), "chain") for one in made.sent),
        at=mint.pki.now,
        host=made.host,
    )
    return path.verify(path.MODELS[stack], question)


@pytest.mark.parametrize("name", CASES)
def test_the_model_answers_as_the_real_stack(name: str, mint: Mint, real: RealStacks) -> None:
    made = CASES[name](mint)
    said = real.shake_hands(made.sent, made.key, made.anchors, made.host)
    for stack in STACKS:
        objection, top = said[stack]
        answer = modelled(stack, made, mint)
        assert answer.accepted == (objection == ""), f"{stack}: {objection!r}, {answer}"
        if answer.accepted:
            assert answer.path[-1].identity == top, f"{stack}: {answer}"
        told = diagnose._find(objection, diagnose._VERIFIER)
        if told in ("CLOCK", "EXPIRED", "NAME"):
            assert answer.code == told, f"{stack}: {objection!r}, {answer}"
        elif not answer.accepted:
            assert answer.code in ("ROOT", "FAMILY", "FORMAT", "TLSPOLICY"), f"{stack}: {answer}"
