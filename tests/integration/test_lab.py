"""The lab, met as a client meets it: real sockets, real TLS, a real broker."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from contextlib import closing, contextmanager
from itertools import pairwise
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from lab_client import connect, first_flight, handshake
from rootlet.errors import NetworkError
from rootlet.lab import Face, Hierarchy, Lab
from rootlet.lab.broker import find_mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rootlet.lab.face import Preference

RSA_ONLY = "ECDHE-RSA-AES128-GCM-SHA256"
ECDSA_ONLY = "ECDHE-ECDSA-AES128-GCM-SHA256"
RSA_PKCS1_SHA256 = 0x0401  # RFC 8446 section 4.2.3
ECDSA_SECP256R1_SHA256 = 0x0403
#: mosquitto is tested too where it is installed; its absence leaves the same tests on amqtt.
BROKERS: list[Any] = ["amqtt", *(["mosquitto"] if find_mosquitto() else [])]


# What the server shows


@pytest.mark.parametrize("preference", ["prefer-ecdsa", "prefer-rsa"])
def test_a_client_gets_the_family_that_it_offers_whatever_the_server_prefers(
    lab: Lab, preference: Preference
) -> None:
    lab.serve(preference=preference)
    assert handshake(lab, ciphers=RSA_ONLY)[0] == RSA_ONLY
    assert handshake(lab, ciphers=ECDSA_ONLY)[0] == ECDSA_ONLY


def test_a_client_that_offers_both_gets_what_the_server_prefers(lab: Lab) -> None:
    both = f"{RSA_ONLY}:{ECDSA_ONLY}"
    assert handshake(lab, ciphers=both)[0] == ECDSA_ONLY
    lab.serve(preference="prefer-rsa")
    assert handshake(lab, ciphers=both)[0] == RSA_ONLY


@pytest.mark.parametrize(
    ("preference", "other"), [("rsa-only", ECDSA_ONLY), ("ecc-only", RSA_ONLY)]
)
def test_a_server_of_one_family_has_no_suite_for_the_other(
    lab: Lab, preference: Preference, other: str
) -> None:
    lab.serve(preference=preference)
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        handshake(lab, ciphers=other)
    assert lab.events.wait_for(lambda e: e.kind == "refused").reason == "no-shared-cipher"


@pytest.mark.parametrize("shape", ["2", "3", "4"])
@pytest.mark.parametrize(
    ("ciphers", "issuer"),
    [(RSA_ONLY, "Amazon RSA 2048 M01"), (ECDSA_ONLY, "Amazon ECDSA 256 M01")],
)
def test_the_chain_of_each_family_is_sent_in_the_shape_that_was_asked_for(
    lab: Lab, shape: Any, ciphers: str, issuer: str
) -> None:
    lab.serve(shape=shape)
    sent = first_flight(lab, ciphers).certificates
    subjects = [each.subject for each in lab.pki.chain(issuer, lab.domain, shape).certificates]
    assert [each.subject for each in sent] == subjects
    for below, above in pairwise(sent):
        below.verify_directly_issued_by(above)


def test_rsa_signs_with_pkcs1_and_ecdsa_with_sha256_though_clients_like_pss_better(
    lab: Lab,
) -> None:
    """MicroPython built with TLS 1.3 fails as -26112 on RSA-PSS in TLS 1.2 (DESIGN.md 7)."""
    assert first_flight(lab, RSA_ONLY).signature_scheme == RSA_PKCS1_SHA256
    assert first_flight(lab, ECDSA_ONLY).signature_scheme == ECDSA_SECP256R1_SHA256


def test_a_leaf_under_root_ca_4_is_served_when_asked_for(lab: Lab) -> None:
    lab.serve(ecc_issuer="Amazon ECDSA 256 S06")
    assert handshake(lab, ciphers=ECDSA_ONLY)[0] == ECDSA_ONLY
    top = first_flight(lab, ECDSA_ONLY).certificates[-1]
    assert top.subject == lab.pki.anchor("amazon-root-ca-4").subject


def test_tls_13_is_spoken_only_when_asked_for(lab: Lab) -> None:
    assert handshake(lab)[1] == "TLSv1.2"
    lab.serve(tls13=True)
    assert handshake(lab)[1] == "TLSv1.3"


@pytest.mark.parametrize(
    ("preference", "key"), [("prefer-rsa", "RSAPublicKey"), ("prefer-ecdsa", "ECPublicKey")]
)
def test_in_tls_13_the_server_alone_decides_the_family(
    lab: Lab, preference: Preference, key: str
) -> None:
    lab.serve(tls13=True, preference=preference)
    with connect(lab, lab.client_context("tester")) as client:
        shown = client.getpeercert(binary_form=True)
    assert shown is not None
    assert type(x509.load_der_x509_certificate(shown).public_key()).__name__ == key


def test_a_lookalike_is_refused_by_a_client_and_the_genuine_root_comes_back(lab: Lab) -> None:
    lab.serve(root="lookalike")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(lab)
    assert "alert" in lab.events.wait_for(lambda e: e.kind == "refused").reason
    lab.serve(root="genuine")
    assert handshake(lab)[1] == "TLSv1.2"


def test_another_face_keeps_the_port_and_the_connections_that_are_open(lab: Lab) -> None:
    port = lab.port
    with lab.subscriber("kept/#") as early:
        started = time.monotonic()
        lab.serve(preference="rsa-only", shape="2")
        assert time.monotonic() - started < 5
        assert lab.port == port
        with lab.subscriber("kept/#") as late:
            late.publish("kept/a", b"1")
            assert early.wait(1)[0].payload == late.wait(1)[0].payload == b"1"
    opened = [event.family for event in lab.events if event.kind == "open"]
    assert opened == ["ecc", "rsa"]


def test_a_front_that_has_drained_ends_with_its_last_connection(lab: Lab) -> None:
    with lab.subscriber("kept/#"):
        lab.serve(preference="rsa-only")
        broker_and_two_fronts = 3
        assert len(lab.pids) == broker_and_two_fronts
    soon = time.monotonic() + 10
    while len(lab.pids) == broker_and_two_fronts:
        assert time.monotonic() < soon
        time.sleep(0.02)


# Whom the server refuses


def test_a_client_without_a_certificate_is_refused_by_alert(lab: Lab) -> None:
    with pytest.raises(ssl.SSLError, match="ALERT"):
        handshake(lab, thing=None)
    refused = lab.events.wait_for(lambda e: e.kind == "refused")
    assert refused.reason == "peer-did-not-return-a-certificate"
    assert refused.sni == lab.endpoint


def test_a_client_of_another_ca_is_refused_by_alert(lab: Lab, tmp_path: Path) -> None:
    context = lab.client_context(None)
    context.load_cert_chain(*Hierarchy.fresh().issue_identity("stranger").write(tmp_path))
    with pytest.raises(ssl.SSLError, match="ALERT"), connect(lab, context):
        pass
    refused = lab.events.wait_for(lambda e: e.kind == "refused")
    assert refused.reason.startswith("certificate-verify-failed")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (None, "no-sni"),
        ("broker.example.com", "wrong-name"),
        ("iot.eu-west-1.amazonaws.com", "wrong-name"),
        ("a.b.iot.eu-west-1.amazonaws.com", "wrong-name"),
    ],
)
def test_a_client_that_asks_for_no_name_of_ours_is_refused_by_alert(
    lab: Lab, name: str | None, reason: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the refusal comes before any certificate
    raw = socket.create_connection((lab.host, lab.port), timeout=5)
    with closing(raw), pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        context.wrap_socket(raw, server_hostname=name)
    refused = lab.events.wait_for(lambda e: e.kind == "refused")
    assert (refused.reason, refused.sni) == (reason, name)


def test_a_name_is_taken_in_any_case(lab: Lab) -> None:
    context = lab.client_context("tester")
    context.server_name = lab.endpoint.upper()
    with connect(lab, context) as client:
        assert client.version() == "TLSv1.2"


def test_a_session_is_never_resumed_by_ticket(lab: Lab) -> None:
    with connect(lab, lab.client_context("tester")) as client:
        assert client.session is None or not client.session.has_ticket


def test_plain_text_is_refused(lab: Lab) -> None:
    with socket.create_connection((lab.host, lab.port), timeout=5) as client:
        client.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd")
        lab.events.wait_for(lambda e: e.kind == "refused")


# What goes through


def test_a_message_goes_through_with_the_identity_of_its_sender_in_the_log(lab: Lab) -> None:
    with lab.subscriber("things/#") as client:
        client.publish("things/a", "hello")
        (message,) = client.wait(1)
    assert (message.topic, message.payload) == ("things/a", b"hello")
    opened = lab.events.wait_for(lambda e: e.kind == "open")
    assert (opened.thing, opened.sni, opened.tls) == ("lab-subscriber", lab.endpoint, "TLSv1.2")
    closed = lab.events.wait_for(lambda e: e.kind == "closed")
    assert closed.peer == opened.peer


@pytest.mark.parametrize("broker", BROKERS)
def test_a_payload_larger_than_every_buffer_arrives_whole(lab_pki: Hierarchy, broker: Any) -> None:
    payload = os.urandom(1_000_000)
    with Lab(pki=lab_pki, broker=broker) as lab, lab.subscriber("big") as client:
        assert lab.broker_kind == broker
        client.publish("big", payload, timeout=20)
        assert client.wait(1, timeout=20)[0].payload == payload


@contextmanager
def listening(lab: Lab, client_id: str, topic: str) -> Iterator[SimpleQueue[bytes]]:
    """Subscribe behind the front with a client id of our own; yield what arrives."""
    arrived: SimpleQueue[bytes] = SimpleQueue()
    subscribed = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, transport="unix")
    client.on_connect = lambda made, *_: made.subscribe(topic, 1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _client, _data, message: arrived.put(bytes(message.payload))
    client.connect(str(lab.broker_socket))
    client.loop_start()
    try:
        assert subscribed.wait(10)
        yield arrived
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.mark.parametrize("broker", BROKERS)
def test_who_comes_again_hears_again_and_in_its_place(lab_pki: Hierarchy, broker: Any) -> None:
    """MQTT 3.1.1 section 3.1.4: a client id has one connection, the newest."""
    with Lab(pki=lab_pki, broker=broker) as lab, lab.subscriber("x") as sender:
        with listening(lab, "same", "again/+") as first:
            sender.publish("again/a", "one")
            assert first.get(timeout=10) == b"one"
        with listening(lab, "same", "again/+") as second:
            sender.publish("again/a", "two")
            assert second.get(timeout=10) == b"two"
            with listening(lab, "other", "again/#") as third:
                sender.publish("again/a", "three")
                assert second.get(timeout=10) == b"three"
                assert third.get(timeout=10) == b"three"
            assert first.empty()


def test_what_the_broker_says_last_arrives_before_the_connection_ends(lab: Lab) -> None:
    """MQTT 3.1.1 section 3.1.2.2: CONNACK 1 for an unknown protocol level, then hang up."""
    with connect(lab, lab.client_context("tester")) as client:
        client.settimeout(5)  # half of what the front gives a side that does not follow
        client.sendall(b"\x10\x10\x00\x04MQTT\x09\x02\x00\x3c\x00\x04abcd")
        assert client.recv(100) == b"\x20\x02\x00\x01"
        assert client.recv(100) == b""  # an orderly end: close_notify, no reset


def test_a_client_that_is_reset_frees_its_connection(lab: Lab) -> None:
    client = connect(lab, lab.client_context("tester"))
    # SO_LINGER with 0 seconds: close() sends RST (socket(7)).
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    client.close()
    lab.events.wait_for(lambda e: e.kind == "closed")


def test_waiting_for_what_does_not_happen_ends_and_says_what_did(lab: Lab) -> None:
    handshake(lab)
    lab.events.wait_for(lambda e: e.kind == "closed")
    with pytest.raises(NetworkError) as caught:
        lab.events.wait_for(lambda e: e.kind == "refused", timeout=0.1)
    assert "open" in caught.value.why


# What a face asks of OpenSSL


@pytest.mark.parametrize(
    ("face", "ciphers"),
    [
        (Face(preference="prefer-rsa"), ["RSA", "RSA", "ECDSA", "ECDSA"]),
        (Face(preference="prefer-ecdsa"), ["ECDSA", "ECDSA", "RSA", "RSA"]),
        (Face(preference="rsa-only"), ["RSA", "RSA"]),
        (Face(preference="ecc-only"), ["ECDSA", "ECDSA"]),
    ],
)
def test_a_face_lists_its_suites_in_the_order_of_preference(
    face: Face, ciphers: list[str]
) -> None:
    assert [each.split("-")[1] for each in face.ciphers.split(":")] == ciphers


def test_only_a_face_with_tls_13_signs_with_pss() -> None:
    assert "RSA-PSS" not in Face().openssl_config
    assert "RSA-PSS" in Face(tls13=True).openssl_config
