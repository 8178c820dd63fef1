"""The doctor on this computer: a gateway's files, the command, its exit codes and its output."""

import json
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from doctor_failures import LEGACY, NO_NAME
from doctor_world import ECC, RSA, THING, bundle, climb
from rootlet import board as boards
from rootlet import doctor
from rootlet.build import Request, build
from rootlet.doctor import network
from rootlet.lab import Lab, certificates
from rootlet.lab.authorities import Authority


@pytest.fixture(autouse=True)
def _briefly(monkeypatch, request):
    """Hold connections for a second where nobody is there who would end them, else for long."""
    monkeypatch.setattr(network, "HELD", 20 if "second_client" in request.node.name else 1)


@pytest.fixture(scope="module")
def gateway(lab_pki):
    """A lab, and what a device of it would hold."""
    with Lab(pki=lab_pki, broker="amqtt") as lab:
        yield Gateway(lab)


class Gateway:
    def __init__(self, lab):
        self.lab = lab
        self.identity = lab.pki.issue_identity(THING)
        self.bundle = bundle(lab.pki, RSA, ECC, board="linux-gateway")

    def request(self, **changes):
        known = {
            "endpoint": self.lab.endpoint,
            "thing": THING,
            "address": self.lab.host,
            "mqtt_port": self.lab.port,
            "bundle": self.bundle,
            "cert": self.identity.cert_pem,
            "key": self.identity.key_pem,
        }
        return doctor.Request(**{**known, **changes})

    def failed(self, **changes):
        """Return the error of the last step, after steps that passed."""
        outcomes = climb(self.request(**changes))
        assert all(one.error is None for one in outcomes[:-1])
        assert outcomes[-1].error is not None, outcomes
        return outcomes[-1].error, outcomes[-1].step

    def write(self, folder):
        cert, key = self.identity.write(folder)
        (folder / "a.rlt").write_bytes(self.bundle)
        lab = self.lab
        return [
            *("--endpoint", lab.endpoint, "--thing", THING, "--address", lab.host),
            *("--mqtt-port", lab.port, "--bundle", folder / "a.rlt", "--cert", cert, "--key", key),
        ]


def rootlet(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "rootlet", "doctor", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class TestAGateway:
    def test_that_is_well_passes_every_step(self, gateway):
        outcomes = climb(gateway.request())
        assert [one.step for one in outcomes] == [
            *("files", "clock", "dns", "tcp", "tls", "mqtt", "publish", "subscribe", "stays")
        ]
        assert all(one.error is None and one.fact for one in outcomes)

    @pytest.mark.parametrize(
        ("changes", "code", "step"),
        [
            ({"bundle": b"not one"}, "FORMAT", "files"),
            ({"cert": b"not one"}, "FORMAT", "files"),
            ({"key": b"not one"}, "FORMAT", "files"),
            ({"thing": "x" * 129}, "FORMAT", "files"),
            ({"endpoint": LEGACY}, "ENDPOINT", "dns"),
            ({"endpoint": "mqtts://host"}, "DNS", "dns"),
            ({"address": NO_NAME}, "DNS", "dns"),
        ],
        ids=str,
    )
    def test_that_is_not_is_told_where(self, gateway, changes, code, step):
        error, where = gateway.failed(**changes)
        assert (error.code, where) == (code, step)

    @pytest.mark.parametrize(
        ("face", "code", "step"),
        [
            ({"root": "lookalike"}, "ROOT", "tls"),
            ({"leaf_domain": "iot.us-east-1.amazonaws.com"}, "NAME", "tls"),
            ({"knows_client": False}, "CLIENTCERT", "tls"),
            ({"fault": "close:connack"}, "POLICY", "mqtt"),
            ({"fault": "close:subscribe"}, "TOPIC", "subscribe"),
        ],
        ids=str,
    )
    def test_sees_what_a_board_sees(self, gateway, face, code, step):
        with gateway.lab.showing(**face):
            error, where = gateway.failed()
        assert (error.code, where) == (code, step)

    def test_with_the_key_of_another(self, gateway):
        other = gateway.lab.pki.issue_identity("other")
        error, _ = gateway.failed(key=other.key_pem)
        assert (error.code, error.exit_status) == ("CLIENTCERT", 3)

    def test_with_a_clock_that_is_behind(self, gateway):
        later = int(time.time()) + 5 * 86_400
        made = bundle(gateway.lab.pki, ECC, board="linux-gateway", created=later)
        error, step = gateway.failed(bundle=made)
        assert (error.code, step) == ("CLOCK", "clock")

    def test_under_a_verisign_root_is_the_legacy_endpoint(self, gateway):
        with verisign(gateway.lab.pki, gateway.lab.domain) as port:
            error, step = gateway.failed(mqtt_port=port)
        assert (error.code, step) == ("ENDPOINT", "tls")
        assert "VeriSign" in error.why

    def test_tries_a_bundle_for_a_board_with_the_anchors_in_full(self, gateway):
        real = build(Request(boards.load("esp32"), "ecc", 1_500_000_000)).data
        error, step = gateway.failed(bundle=real)
        assert (error.code, step) == ("ROOT", "tls")
        assert "Amazon Root CA 3" in error.why

    def test_cannot_try_a_tiny_anchor_that_nobody_knows(self, gateway):
        error, _ = gateway.failed(bundle=bundle(gateway.lab.pki, RSA))
        assert error.code == "FORMAT"
        assert "linux-gateway" in error.hint


@contextmanager
def verisign(pki, domain):
    """A server with a chain like that of the legacy endpoints; yields its port."""
    root = Authority(
        "g5",
        (
            ("C", "US"),
            ("O", "VeriSign, Inc."),
            ("CN", "VeriSign Class 3 Public Primary Certification Authority - G5"),
        ),
        "p256",
        "sha256",
        "",
    )
    issuing = Authority("g4", (("CN", "Symantec Class 3 Secure Server CA - G4"),), "p256",
                        "sha256", "")  # fmt: skip
    keys = [certificates.new_key("p256") for _ in range(3)]
    dates = pki.leaf("Amazon ECDSA 256 M01", domain)
    valid = (dates.not_valid_before_utc, dates.not_valid_after_utc)
    above = certificates.sign(
        certificates.name(issuing.subject),
        keys[1],
        valid,
        certificates.ca_extensions("issuing", issuing, root),
        by=(root, keys[0]),
    )
    leaf = certificates.sign(
        certificates.common_name(f"*.{domain}"),
        keys[2],
        valid,
        certificates.leaf_extensions((domain, f"*.{domain}"), issuing, keys[2]),
        by=(issuing, keys[1]),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        parts = (certificates.pem(leaf), certificates.pem(above), certificates.key_pem(keys[2]))
        file.write(b"".join(parts))
        file.flush()
        context.load_cert_chain(file.name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(listener, context):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            context.wrap_socket(connection, server_side=True).close()


class TestTheCommand:
    def test_shows_each_step_and_that_everything_passed(self, gateway, tmp_path):
        done = rootlet(*gateway.write(tmp_path))
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert [line.split()[0] for line in lines[:-1]] == ["ok"] * 9
        assert lines[-1] == "everything passed"
        assert done.stderr == ""

    def test_tells_cause_and_remedy_of_a_failure(self, gateway, tmp_path):
        with gateway.lab.showing(root="lookalike"):
            done = rootlet(*gateway.write(tmp_path), "--json")
        assert done.returncode == 3
        document = json.loads(done.stdout)
        assert document["schema"] == "rootlet/doctor/1"
        assert (document["passed"], document["code"]) == (False, "ROOT")
        last = document["steps"][-1]
        assert (last["step"], last["passed"], last["code"]) == ("tls", False, "ROOT")
        assert last["hint"]
        assert done.stderr.startswith("error: ")
        assert len(done.stderr.splitlines()) == 3

    def test_never_shows_the_key(self, gateway, tmp_path):
        arguments = gateway.write(tmp_path)
        (tmp_path / "both.pem").write_bytes(gateway.identity.key_pem + b"\n-----BEGIN X")
        lines = gateway.identity.key_pem.decode().splitlines()[1:-1]
        for key in (arguments[-1], tmp_path / "both.pem"):
            with gateway.lab.showing(root="lookalike"):
                done = rootlet(*arguments[:-1], key, "--json")
            assert done.returncode == 3
            assert not [line for line in lines if line in done.stdout + done.stderr]

    def test_with_an_endpoint_alone_looks_at_name_and_port(self, gateway):
        lab = gateway.lab
        where = ("--endpoint", lab.endpoint, "--address", lab.host, "--mqtt-port", lab.port)
        done = rootlet(*where)
        assert done.returncode == 0, done.stderr
        assert [line.split()[1] for line in done.stdout.splitlines()[:-1]] == ["dns", "tcp"]
        assert "--bundle" in done.stdout

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((), "--port auto"),
            (("--endpoint", "host", "--fix", "clock"), "--port auto --fix clock"),
            (("--endpoint", "host", "--cert", __file__), "--bundle, --key, --thing"),
            (("--endpoint", "host", "--bundle", "/nowhere"), "/nowhere"),
            (("--port", "auto", "--mqtt-port", "0"), "range"),
        ],
        ids=str,
    )
    def test_bad_usage_is_2_and_says_what_is_missing(self, arguments, words):
        done = rootlet(*arguments)
        assert done.returncode == 2
        assert words in done.stderr

    def test_a_port_that_is_not_there_is_4(self):
        done = rootlet("--port", "/dev/ttyNONE")
        assert done.returncode == 4
        assert "E-PORTBUSY" in done.stdout
        assert "there is no such port" in done.stderr
