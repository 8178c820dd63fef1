"""A service that refuses a device's old certificate: real TLS, both interpreters."""

import pytest

from rootlet import identity
from rootlet.lab import Hierarchy
from rotation_device import ECC, RECENT, RSA, RotatingDevice, anchors
from rotation_world import REVOKE, offered


@pytest.fixture(params=["micropython", "cpython"])
def device(request, tmp_path):
    return RotatingDevice(request.param, tmp_path)


@pytest.fixture
def old():
    """Who has issued the old certificates; the lab does not know it."""
    return Hierarchy.fresh()


def carries(device, issuer):
    """Put a pair where the step ``pair new`` finds it; return its certificate."""
    issued = issuer.issue_identity("test-thing")
    key = identity.read_key(issued.key_der, "key", issued.cert_der)
    device.carry("new.key", key)
    return device.carry("new.crt", issued.cert_der)


class TestWhileNewRootsAloneMayAuthenticate:
    def prepare(self, device, lab, old):
        device.prepare(lab, (RSA,), client=old)
        roots = offered(anchors(lab.pki, ECC), 2, flags=REVOKE, created=RECENT)
        return device.carry("2.rlt", roots)

    @pytest.mark.parametrize("tls13", [False, True], ids=["TLS 1.2", "TLS 1.3"])
    def test_one_connection_with_both_confirms_both(self, device, lab, old, tls13):
        roots = self.prepare(device, lab, old)
        lab.serve(preference="ecc-only", tls13=tls13)
        cert = carries(device, lab.pki)
        _, _, anchor, _, state, own, active = device.take(
            "offer 2.rlt", "pair new", "connect", "say hello", "status", "own", "active"
        )
        assert anchor == anchors(lab.pki, ECC)[0].original.hex()
        assert (state, active) == ("idle", roots.hex())
        assert own == [cert.hex(), "idle", "confirmed"]

    def test_a_pair_that_is_refused_too_is_parked_and_the_roots_wait(self, device, lab, old):
        self.prepare(device, lab, old)
        lab.serve(preference="ecc-only")
        carries(device, old)
        flashed = (device.folder / "cert.der").read_bytes()
        _, _, failed, state, own, hooked = device.take(
            "offer 2.rlt", "pair new", "connect", "status", "own", "hooked"
        )
        assert (failed, state) == ("E-CLIENTCERT", "revoke")
        assert own == [flashed.hex(), "parked", "parked: inconclusive"]
        assert hooked == [["on_trial"], ["on_error", "CLIENTCERT"], ["on_error", "CLIENTCERT"]]
