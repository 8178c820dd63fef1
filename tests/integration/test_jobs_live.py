"""A device does its jobs over mutual TLS, on both interpreters, at two services.

ministack is the oracle: it knows nothing of us, and its users are those of AWS. What goes wrong
between device and service is for the lab; test_jobs_on_the_way.py has all of it, in memory.
"""

from __future__ import annotations

import base64
import json
import secrets
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import rootlet
from jobs_world import document
from rootlet import bundle, catalog
from rotating_device import RotatingDevice
from rotation_device import RECENT
from rotation_world import KEYS_1, keys, offered

if TYPE_CHECKING:
    from fixtures_device import Device
    from fixtures_jobs import Site

SCRIPT = Path(__file__).parents[1] / "device" / "jobs_script.py"
#: A root that verifies neither service.
STRANGER = catalog.load().get("amazon-root-ca-4").der


def made_of(ders: tuple[bytes, ...], sequence: int) -> bytes:
    """Return a bundle of these roots."""
    anchors = tuple(bundle.Anchor(der, sha256(der).digest()) for der in ders)
    return offered(anchors, sequence, created=RECENT + sequence)


class ServedDevice(RotatingDevice):
    """A device of the fleet at a service."""

    def __init__(self, device: Device, service: Any) -> None:
        self.service, self.site = service, service.site()
        self.ship(device, self.files(self.site), keys(KEYS_1))

    def files(self, site: Site) -> dict[str, bytes]:
        host, port = site.address
        values = {"endpoint": site.endpoint, "thing": site.thing, "address": host, "port": port}
        return {
            "ta": made_of(site.roots, 1),
            "cert.der": site.certificate,
            "key.der": site.key,
            "rootlet.json": json.dumps(values | {"timeout": 5}).encode(),
        }

    def queue(self, what: dict[str, Any]) -> str:
        job = f"job-{secrets.token_hex(4)}"
        self.service.create(job, what, self.site.thing)
        return job

    def told(self, job: str) -> tuple[str, str]:
        status, details = self.service.told(job, self.site.thing)
        return status, details["reason"]

    def boot(self) -> list[dict[str, Any]]:
        return self.script(SCRIPT)


@pytest.fixture(params=["lab", "ministack"])
def served(request, device, both_jobs):
    return ServedDevice(device, both_jobs[request.param == "ministack"])


def test_a_good_bundle_is_confirmed_and_a_bad_one_parked(served):
    """Then the device still works, on the set that works, and both services say so."""
    site = served.site
    good, bad = made_of((*site.roots, STRANGER), 2), made_of((STRANGER,), 3)
    first = served.queue(document(good))
    with served.service.shadow(site.thing) as shadow:
        told = served.boot()
        assert [one["ready"] for one in told] == [True, False]
        assert served.told(first) == ("SUCCEEDED", "confirmed")
        second = served.queue(document(bad))
        told = served.boot()
        assert [one.get("ready") for one in told] == [True, None, False]
        assert told[1]["error"] in ("ROOT", "FAMILY")
        assert served.told(second) == ("FAILED", "parked")
        assert shadow() == {
            "key_set": 1,
            "sequence": 2,
            "active": sha256(good).hexdigest()[:16],
            "state": "parked",
            "reason": "parked: only the old set works",
            "version": rootlet.__version__,
        }


def test_what_is_no_bundle_is_rejected(served):
    hostile = {"rootlet": 1, "bundle": base64.b64encode(b"A" * 6_000).decode(), "a": [[[]]] * 99}
    job = served.queue(hostile)
    told = served.boot()
    assert served.told(job) == ("REJECTED", "fmt")
    assert [one.get("error") for one in told] == ["FORMAT", None]


@pytest.mark.parametrize(
    ("device", "fault"),
    [
        ("micropython", lambda service: service.drop_next()),
        ("cpython", lambda service: service.lose_next()),
        ("micropython", lambda service: service.refuse_next("RequestThrottled")),
    ],
    ids=["the request is lost", "its answer is lost", "it is refused for now"],
    indirect=["device"],
)
def test_a_request_that_fails_is_made_again(device, both_jobs, fault):
    served = ServedDevice(device, both_jobs[0])
    job = served.queue(document(made_of((*served.site.roots, STRANGER), 2)))
    fault(served.service.service)
    served.boot()
    assert served.told(job) == ("SUCCEEDED", "confirmed")
