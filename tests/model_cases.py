"""Cases for verifier models: chains of the lab in every shape and order, and sets of anchors.

``certificate_cases`` adds those where one certificate has a fault; it holds all of them.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

from minted import EXPIRED, FUTURE, HOST, ISSUERS, NOW, Case, Days, Mint, der
from rootlet import anchor
from rootlet.lab.authorities import ROOTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509 as library

CA1, G2, CLASS2 = "amazon-root-ca-1", "starfield-g2", "starfield-class-2"
#: The own root of each family, and one that is on none of its paths.
OWN = {"rsa": CA1, "p256": "amazon-root-ca-3", "p256 under p384": "amazon-root-ca-4"}
OTHER = {"rsa": "amazon-root-ca-3", "p256": CA1, "p256 under p384": "amazon-root-ca-3"}

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
for twins_ in ((EXPIRED, FUTURE), (FUTURE, EXPIRED)):
    case(
        f"twins, one ends in {twins_[0].end} days, then one in {twins_[1].end}",
        lambda mint, twins=twins_: Case(  # type: ignore[misc]
            mint.chain()[:2],
            tuple(mint.root(ROOTS[CA1], days) for days in twins),
            mint.key(),
        ),
    )
case("a self-signed server that is an anchor", lambda mint: mint.self_signed())
case(
    "a self-signed server with the name of an anchor",
    lambda mint: replace(mint.self_signed(), anchors=mint.self_signed("other").anchors),
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
