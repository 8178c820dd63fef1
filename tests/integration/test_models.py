"""The verifier models against the stacks themselves: real handshakes, chain by chain.

A case is a chain and a set of anchors. mbedTLS is MicroPython's, OpenSSL is this Python's; each
shakes hands with a server that sends exactly that chain, and the model must give the same
answer: accepted with the same anchor, or refused with the code that the stack's message tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from certificate_cases import CASES
from minted import Case, Mint
from model_cases import CA1, CLASS2, G2
from real_stacks import RealStacks
from rootlet import path
from urootlet import diagnose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.lab import Hierarchy

STACKS = ("mbedtls", "openssl", "openssl-strict")
CA3 = "amazon-root-ca-3"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealStacks]:
    with RealStacks(tmp_path_factory.mktemp("stacks")) as stacks:
        yield stacks


@pytest.fixture(scope="module")
def mint(lab_pki: Hierarchy) -> Mint:
    return Mint(lab_pki)


def modelled(stack: str, made: Case, mint: Mint) -> path.Answer:
    return path.verify(path.MODELS[stack], made.question(mint.pki.now))


@pytest.mark.parametrize("name", CASES)
def test_the_model_answers_as_the_real_stack(name: str, mint: Mint, real: RealStacks) -> None:
    made = CASES[name](mint)
    said = real.shake_hands(made)
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


# Espressif's esp_crt_bundle.c (commit cabb5009f2f, cross-signed verification off, as in every
# ESP-IDF up to 5.5) on mbedTLS 3.6.6, measured 2026-11-21: bundle -> shapes that pass.
ESP_IDF = {(CA1,): {2}, (CA1, CA3, G2): {2, 3}, (G2,): {3}, (CLASS2,): {4}}


@pytest.mark.parametrize("shape", [2, 3, 4])
@pytest.mark.parametrize("anchors", ESP_IDF)
def test_the_esp_idf_model_gives_the_measured_table(
    anchors: tuple[str, ...], shape: int, mint: Mint
) -> None:
    held = tuple(mint.anchor(one) for one in anchors)
    answer = modelled("esp-idf", Case(mint.chain("rsa", shape), held, mint.key()), mint)
    assert answer.accepted == (shape in ESP_IDF[anchors]), answer
    lower = CA1 in anchors or (G2 in anchors and shape == 4)
    if not answer.accepted:
        assert answer.code == ("CROSS" if lower else "ROOT"), answer


@pytest.mark.parametrize("form", ["tiny", "strict", "full"])
def test_the_esp_idf_model_takes_an_expired_anchor(form: str, mint: Mint) -> None:
    """Measured as well: its format stores no dates."""
    made = CASES[f"expired anchor, {form}"](mint)
    assert modelled("esp-idf", made, mint).accepted
    assert modelled("mbedtls", made, mint).code == "EXPIRED"


# wolfSSL/wolfMQTT issues 184 and 436, wolfSSL/wolfssl issue 3491: the default build fails with
# -188 where the chain goes on above the anchor; with the older root added it passes.
WOLFSSL = {(CA1,): {2}, (CA1, G2): {2, 3}, (CA1, G2, CLASS2): {2, 3, 4}}


@pytest.mark.parametrize("shape", [2, 3, 4])
@pytest.mark.parametrize("anchors", WOLFSSL)
def test_the_wolfssl_model_gives_the_cases_on_record(
    anchors: tuple[str, ...], shape: int, mint: Mint
) -> None:
    held = tuple(mint.anchor(one) for one in anchors)
    answer = modelled("wolfssl", Case(mint.chain("rsa", shape), held, mint.key()), mint)
    assert answer.accepted == (shape in WOLFSSL[anchors]), answer
    assert answer.code in ("", "CROSS")
