"""Two Jobs services that know nothing of each other, and a device that talks to either."""

from __future__ import annotations

import contextlib
import json
import secrets
import ssl
import time
import urllib.request
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self

import botocore.session
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

import ministack_process
from rootlet.identity import read_key
from rootlet.lab import Lab
from rootlet.lab.jobs import JobService
from rootlet.lab.subscriber import ClientContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rootlet.lab import Hierarchy

_REGION = "eu-west-1"
_ROOTS = ("amazon-root-ca-1", "amazon-root-ca-3")


@dataclass
class Device:
    """A device that speaks Jobs: plain MQTT by paho-mqtt over mutual TLS."""

    thing: str
    address: tuple[str, int]
    context: ClientContext

    def __enter__(self) -> Self:
        self.received: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._subscribed: SimpleQueue[None] = SimpleQueue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self.thing)
        self._client.tls_set_context(self.context)
        self._client.on_subscribe = lambda *_: self._subscribed.put(None)
        self._client.on_message = lambda _, __, message: self.received.put(
            (message.topic.removeprefix(self.prefix), json.loads(message.payload))
        )
        self._client.connect(*self.address)
        self._client.loop_start()
        answers = ("+/accepted", "+/rejected", "+/+/accepted", "+/+/rejected")
        for topic in (*answers, "notify", "notify-next"):
            self._client.subscribe(self.prefix + topic, qos=1)
            self._subscribed.get(timeout=10)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def prefix(self) -> str:
        """What all of its topics begin with."""
        return f"$aws/things/{self.thing}/jobs/"

    def send(self, request: str, members: dict[str, Any] | bytes) -> None:
        """Publish a request."""
        payload = members if isinstance(members, bytes) else json.dumps(members)
        self._client.publish(self.prefix + request, payload, qos=1)

    def hear(self, count: int = 1) -> list[tuple[str, Any]]:
        """Return the next messages: the rest of their topic, and what they say."""
        try:
            return [self.received.get(timeout=10) for _ in range(count)]
        except Empty:
            raise AssertionError(f"fewer than {count} messages in 10 s") from None

    def ask(self, request: str, members: dict[str, Any] | bytes) -> tuple[str, Any]:
        """Publish a request and return the next message."""
        self.send(request, members)
        return self.hear()[0]

    def hears_nothing(self, seconds: float = 0.3) -> bool:
        """Whether nothing arrives for a moment."""
        time.sleep(seconds)
        return self.received.empty()


@dataclass(frozen=True)
class Site:
    """Where a device of a service connects to, whom it trusts there, and who it is: DER."""

    thing: str
    endpoint: str
    address: tuple[str, int]
    roots: tuple[bytes, ...]
    certificate: bytes
    key: bytes


class LabJobs:
    """The lab with its Jobs service."""

    def __init__(self, lab: Lab, service: JobService) -> None:
        self._lab, self.service = lab, service

    def device(self) -> Device:
        """Return a device with a thing of its own."""
        thing = f"thing-{secrets.token_hex(4)}"
        lab = self._lab
        return Device(thing, (lab.host, lab.port), lab.client_context(thing))

    def site(self) -> Site:
        """Return what a device of the lab holds."""
        lab, thing = self._lab, f"thing-{secrets.token_hex(4)}"
        issued = lab.pki.issue_identity(thing)
        return Site(
            thing,
            lab.endpoint,
            (lab.host, lab.port),
            tuple(lab.pki.anchor(one).public_bytes(Encoding.DER) for one in _ROOTS),
            issued.cert_der,
            read_key(issued.key_der, "key", issued.cert_der),
        )

    def told(self, job_id: str, thing: str) -> tuple[str, dict[str, str]]:
        """Return status and details of an execution."""
        found = self.service.execution(job_id, thing)
        return found.status, found.details or {}

    @contextlib.contextmanager
    def shadow(self, thing: str) -> Iterator[Callable[[], dict[str, Any]]]:
        """Yield what returns the last that the thing's shadow was told meanwhile."""
        topic = f"$aws/things/{thing}/shadow/name/rootlet/update"
        with self._lab.subscriber(topic) as heard:
            yield lambda: json.loads(heard.wait(1)[-1].payload)["state"]["reported"]

    def create(self, job_id: str, document: dict[str, Any], thing: str) -> None:
        """Queue a job for a thing."""
        self.service.create(job_id, document, thing)

    def cancel(self, job_id: str, *, force: bool = False) -> None:
        """Cancel a job."""
        self.service.cancel(job_id, force=force)

    def delete(self, job_id: str) -> None:
        """Delete a job, whatever its state."""
        self.service.delete(job_id)


class MinistackJobs:
    """ministack, driven as its users drive it: by the AWS library."""

    def __init__(self, http: int, mqtt: int, folder: Path) -> None:
        self._mqtt, self._folder = mqtt, folder
        self.url = url = f"http://127.0.0.1:{http}"
        with urllib.request.urlopen(f"{url}/_ministack/iot/ca.pem", timeout=30) as answer:
            self._ca = answer.read().decode()
        self._iot, self._data = (
            botocore.session.Session().create_client(
                service,
                region_name=_REGION,
                endpoint_url=url,
                aws_access_key_id="000000000000",
                aws_secret_access_key="of-no-use",
            )
            for service in ("iot", "iot-data")
        )

    def _thing(self) -> tuple[str, dict[str, Any]]:
        """Make a thing and a certificate of its own."""
        thing = f"thing-{secrets.token_hex(4)}"
        self._iot.create_thing(thingName=thing)
        made = self._iot.create_keys_and_certificate(setAsActive=True)
        self._iot.attach_thing_principal(thingName=thing, principal=made["certificateArn"])
        return thing, made

    def site(self) -> Site:
        """Return what a device of ministack holds."""
        thing, made = self._thing()
        certificate = ssl.PEM_cert_to_DER_cert(made["certificatePem"])
        return Site(
            thing,
            "localhost",  # what its certificate is for
            ("127.0.0.1", self._mqtt),
            (ssl.PEM_cert_to_DER_cert(self._ca),),
            certificate,
            read_key(made["keyPair"]["PrivateKey"].encode(), "key", certificate),
        )

    def told(self, job_id: str, thing: str) -> tuple[str, dict[str, str]]:
        """Return status and details of an execution."""
        found = self._iot.describe_job_execution(jobId=job_id, thingName=thing)["execution"]
        return found["status"], found.get("statusDetails", {}).get("detailsMap", {})

    @contextlib.contextmanager
    def shadow(self, thing: str) -> Iterator[Callable[[], dict[str, Any]]]:
        """Yield what returns what the thing's shadow says."""

        def read() -> dict[str, Any]:
            answer = self._data.get_thing_shadow(thingName=thing, shadowName="rootlet")
            reported: dict[str, Any] = json.load(answer["payload"])["state"]["reported"]
            return reported

        yield read

    def device(self) -> Device:
        """Return a device with a thing and a certificate of its own."""
        thing, made = self._thing()
        return self.connecting(thing, made["certificatePem"], made["keyPair"]["PrivateKey"])

    def connecting(self, thing: str, certificate: str, key: str) -> Device:
        """Return the device of a thing, by its certificate and key in PEM."""
        context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
        context.server_name = "localhost"  # what its certificate is for
        context.load_verify_locations(cadata=self._ca)
        both = self._folder / f"{thing}.pem"
        both.write_text(certificate + key)
        context.load_cert_chain(both)
        return Device(thing, ("127.0.0.1", self._mqtt), context)

    def create(self, job_id: str, document: dict[str, Any], thing: str) -> None:
        """Queue a job for a thing."""
        arn = self._iot.describe_thing(thingName=thing)["thingArn"]
        self._iot.create_job(jobId=job_id, targets=[arn], document=json.dumps(document))

    def cancel(self, job_id: str, *, force: bool = False) -> None:
        """Cancel a job."""
        self._iot.cancel_job(jobId=job_id, force=force)

    def delete(self, job_id: str) -> None:
        """Delete a job, whatever its state."""
        self._iot.delete_job(jobId=job_id, force=True)


@pytest.fixture
def lab_jobs(lab: Lab) -> Iterator[LabJobs]:
    """The lab's Jobs service, with nothing queued."""
    with JobService(lab.broker_socket) as service:
        yield LabJobs(lab, service)


@pytest.fixture(scope="session")
def both_jobs(
    lab_pki: Hierarchy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LabJobs, MinistackJobs]]:
    """The lab's Jobs service and ministack's."""
    folder = tmp_path_factory.mktemp("ministack")
    with (
        Lab(pki=lab_pki, broker="amqtt") as lab,
        JobService(lab.broker_socket) as service,
        ministack(folder) as oracle,
    ):
        yield LabJobs(lab, service), oracle


@contextlib.contextmanager
def ministack(folder: Path) -> Iterator[MinistackJobs]:
    """Run ministack as a process of its own on loopback."""
    with ministack_process.running(folder) as ports:
        yield MinistackJobs(ports.http, ports.mqtt, folder)
