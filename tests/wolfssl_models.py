"""The wolfSSL model against a real libwolfssl: ``make wolfssl``, for machines that have one.

Debian builds it with WOLFSSL_ALT_CERT_CHAINS, so the model is asked with ``alternative``. What
the default build does about a tail is held in ``integration/test_models.py``, by cases on record.
"""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import wolfssl_client
from certificate_cases import CASES
from minted import Mint
from real_stacks import RealStacks
from rootlet import path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.lab import Hierarchy

MODEL = replace(path.MODELS["wolfssl"], alternative=True)
#: Debian's build takes a leaf that is among its anchors for a trusted peer
#: (WOLFSSL_TRUST_PEER_CERT); the default build has no such thing.
TRUSTED_PEER = "leaf as anchor"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealStacks]:
    with RealStacks(tmp_path_factory.mktemp("stacks")) as stacks:
        yield stacks


@pytest.fixture(scope="module")
def client() -> wolfssl_client.Client:
    library = wolfssl_client.library()
    assert library, "libwolfssl is missing: apt-get install libwolfssl-dev"
    return wolfssl_client.Client(library)


@pytest.mark.parametrize("name", CASES)
def test_the_model_answers_as_libwolfssl(
    name: str, lab_pki: Hierarchy, real: RealStacks, client: wolfssl_client.Client
) -> None:
    made = CASES[name](Mint(lab_pki))
    port = real.serve(made)["port"]
    with socket.create_connection(("127.0.0.1", port)) as sock:
        objection = client.shake_hands(sock, made.anchors, made.host)
    answer = path.verify(MODEL, made.question(lab_pki.now))
    if name == TRUSTED_PEER:
        assert (objection, answer.code) == ("", "ROOT")
    else:
        assert answer.accepted == (objection == ""), f"{objection!r}, {answer}"
