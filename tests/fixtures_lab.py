"""Fixtures that start the lab: real TLS, a real broker, keys made once per test process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rootlet.lab import Hierarchy, Lab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def lab_pki() -> Hierarchy:
    """A hierarchy of new keys; Root CA 2 (RSA-4096) is made only if a test asks for it."""
    return Hierarchy.fresh()


@pytest.fixture
def lab(lab_pki: Hierarchy) -> Iterator[Lab]:
    """A running lab with default face (prefer-ecdsa, chain shape 3, TLS 1.2) and amqtt."""
    with Lab(pki=lab_pki, broker="amqtt") as running:
        yield running
