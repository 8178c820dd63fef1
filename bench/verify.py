"""How fast ``rootlet verify`` judges a chain, without its start: ``python bench/verify.py``.

The peer is the verifier of the library that reads certificates here, for the same chain.
"""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from interpreter import CREATED, root_of
from table import Row, finish, progress

from rootlet import anchor, bundle
from rootlet.lab import Hierarchy
from rootlet.verify import Request, read_chain, verify

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "a1b2c3-ats.iot.eu-west-1.amazonaws.com"
_ISSUER, _ROOT = "Amazon RSA 2048 M01", "amazon-root-ca-1"
_COUNT, _ROUNDS = 200, 3


def rows() -> list[Row]:
    """Return milliseconds to read and verify one chain of shape 3."""
    progress("host: verify")
    pki = Hierarchy.fresh()
    at, der = pki.now + timedelta(minutes=1), root_of(pki, _ROOT)
    chain = pki.chain(_ISSUER, HOST.partition(".")[2], "3")
    one = bundle.Anchor(anchor.package(der, "strict", _ROOT), hashlib.sha256(der).digest())
    data = bundle.encode([one], target="default", profile=2, created=CREATED)
    pem = chain.pem

    def ours() -> None:
        read = bundle.decode(data, "bundle")
        answer = verify(Request(read, read_chain(pem, "chain"), at, HOST)).answer
        if answer.anchor is None:
            raise SystemExit(f"error: not verified: {answer}")

    store = Store([x509.load_der_x509_certificate(der)])
    verifier = PolicyBuilder().store(store).time(at).build_server_verifier(x509.DNSName(HOST))

    def theirs() -> None:
        leaf, *above = x509.load_pem_x509_certificates(pem)
        verifier.verify(leaf, above)

    mine, peer = _milliseconds(ours), _milliseconds(theirs)
    source = f"{1000 / mine:.0f} and {1000 / peer:.0f} a second"
    return [Row("host", "verify a chain to cryptography's verifier", mine, peer, "ms", source)]


def _milliseconds(work: Callable[[], None]) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for _ in range(_COUNT):
            work()
        best = min(best, time.perf_counter() - began)
    return 1000 * best / _COUNT


if __name__ == "__main__":
    finish(rows())
