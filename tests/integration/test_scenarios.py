"""Every scenario of the lab: what urootlet says, and that a careless client would be caught."""

import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures_device import Device
from rootlet.errors import InputError
from rootlet.lab import Lab, scenarios
from rootlet.lab.rig import ALPN
from urootlet.advice import ADVICE

DOCS = Path(__file__).parents[2] / "docs" / "lab.md"
ALL = scenarios.all()
#: What only a client that verifies the server notices.
UNVERIFIED = [
    s for s in ALL if {"ROOT", "NAME", "EXPIRED", "CLOCK"} & set(getattr(s.expect, "codes", ()))
]
CONNECT = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd"  # MQTT 3.1.1 section 3.1
_THEIRS = """
from rootlet.lab import scenarios

class Theirs(scenarios.FaceScenario):
    name = "theirs"
    expect = scenarios.Accept()

assert scenarios.get("theirs") is Theirs
print(scenarios.all()[-1].name)
"""
CONNACK = b"\x20\x02\x00\x00"


@pytest.fixture(scope="session")
def rig(lab_pki):
    """One lab for all scenarios of a test process: each puts it back as it was."""
    with Lab(pki=lab_pki, broker="amqtt") as running:
        yield running


class Holding:
    """The hierarchy whose anchors have the dates that a scenario asks a device to hold."""

    def __init__(self, pki, validity):
        self._pki, self._validity = pki, validity

    def anchor(self, root):
        return self._pki.anchor(root, self._validity)


class TestTheDevice:
    @pytest.mark.parametrize("scenario", ALL, ids=lambda each: each.name)
    def test_does_what_the_scenario_says(self, device, rig, scenario):
        holds = scenario.bundle
        trust = Holding(rig.pki, holds.validity)
        device.install(rig, holds.roots, holds.profile, trust=trust, timeout=2)
        with scenario().apply(rig):
            answer = device.connect("hello")
        if isinstance(scenario.expect, scenarios.Accept):
            assert "code" not in answer, answer
        else:
            assert answer.get("code") in scenario.expect.codes, answer

    @pytest.mark.parametrize(
        ("name", "code"), [("reset-finished", "CLIENTCERT"), ("stall-finished", "NET")]
    )
    def test_meets_a_fault_of_tls_1_2_where_tls_1_3_is_offered_too(
        self, rig, tmp_path, name, code
    ):
        gateway, scenario = Device("cpython", tmp_path), scenarios.get(name)
        gateway.install(rig, scenario.bundle.roots, timeout=2)
        with rig.showing(tls13=True), scenario().apply(rig):
            assert gateway.connect("hello")["code"] == code


class TestACarelessClient:
    """Refusals are worth something only if the server would have served."""

    @pytest.mark.parametrize("scenario", UNVERIFIED, ids=lambda each: each.name)
    def test_is_served_by_every_impostor(self, rig, scenario):
        context = careless(rig)
        with scenario().apply(rig), talking(rig, context) as client:
            client.sendall(CONNECT)
            assert client.recv(4) == CONNACK

    def test_is_served_in_tls_1_0(self, rig):
        context = careless(rig)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        with scenarios.get("tls-1-0")().apply(rig), talking(rig, context) as client:
            assert client.version() == "TLSv1"
            client.sendall(CONNECT)
            assert client.recv(4) == CONNACK

    def test_without_a_name_is_refused_even_by_the_honest_server(self, rig):
        context = careless(rig)
        context.server_name = None
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"), talking(rig, context):
            pass


class TestTheStandInForPort443:
    def test_takes_a_client_that_names_the_protocol(self, rig):
        context = rig.client_context("tester")
        context.set_alpn_protocols([ALPN])
        with talking(rig, context, rig.alpn_port) as client:
            client.sendall(CONNECT)
            assert client.recv(4) == CONNACK
            assert client.selected_alpn_protocol() == ALPN

    @pytest.mark.parametrize("offered", [[], ["http/1.1"]])
    def test_turns_any_other_away(self, rig, offered):
        context = rig.client_context("tester")
        context.set_alpn_protocols(offered)
        before = rig.events.last
        with talking(rig, context, rig.alpn_port) as client:
            assert client.recv(4) == b""
        refused = rig.events.wait_for(lambda e: e.kind == "refused", after=before)
        assert refused.reason == "no-alpn"


class TestTheList:
    #: DESIGN.md section 8, by the names that it uses.
    NAMED = (
        "honest wrong-root lookalike-root expired-leaf future-leaf expired-intermediate "
        "future-intermediate expired-root future-root wrong-host no-sni rsa-only ecc-only "
        "prefer-rsa prefer-ecdsa ca4-issued chain-2 chain-3 chain-4 cross-tail-only "
        "shuffled-chain extra-certificate connack-5 connack-lost slow big-chain plain-text "
        "tls-1-0 tls-1-3-only unknown-client no-client-certificate-asked"
    )

    def test_holds_every_fault_of_the_design(self):
        names = {each.name for each in ALL}
        flights = ("accept", "hello", "certificate", "finished", "connack")
        cut = [f"{act}-{at}" for act in ("reset", "stall") for at in flights]
        assert names >= {*self.NAMED.split(), *cut}

    def test_names_each_once(self):
        names = [each.name for each in ALL]
        assert sorted(set(names)) == sorted(names)

    @pytest.mark.parametrize("scenario", ALL, ids=lambda each: each.name)
    def test_uses_codes_and_needs_that_exist_and_gives_a_reason_for_two(self, scenario):
        codes = getattr(scenario.expect, "codes", ())
        assert set(codes) <= ADVICE.keys()
        assert set(scenario.needs) <= scenarios.NEEDS.keys()
        assert scenario.summary().endswith((".", ":"))
        assert len(codes) < 2 or "Two codes are right:" in scenario.__doc__

    def test_stands_in_the_documentation_line_by_line(self):
        rows = [line for line in DOCS.read_text().splitlines() if line.startswith("| `")]
        written = [row for row in rows if row.count("|") == 4]
        assert written == [documented(each) for each in ALL]

    def test_takes_a_class_that_somebody_else_has_written(self):
        # In a process of its own: a class stays known for as long as its process lives.
        done = subprocess.run([sys.executable, "-c", _THEIRS], capture_output=True, check=True)
        assert done.stdout == b"theirs\n"

    def test_says_which_there_are_when_asked_for_another(self):
        with pytest.raises(InputError, match="no such scenario") as caught:
            scenarios.get("nonsense")
        assert "lookalike-root" in caught.value.why
        assert caught.value.hint == "rootlet lab scenarios"

    def test_says_which_one_was_meant(self):
        with pytest.raises(InputError) as caught:
            scenarios.get("looklike-root")
        assert caught.value.why == "did you mean lookalike-root?"


def documented(scenario):
    expect = "accept" if isinstance(scenario.expect, scenarios.Accept) else "refuse: "
    codes = " or ".join(getattr(scenario.expect, "codes", ()))
    return f"| `{scenario.name}` | {scenario.summary()} | {expect}{codes} |"


def test_a_scenario_leaves_the_lab_as_it_was(rig):
    before = rig.face
    with scenarios.get("lookalike-root")().apply(rig):
        assert rig.face != before
    assert rig.face == before


def test_dates_of_scenarios_are_those_of_now(rig):
    now = datetime.now(UTC)
    expired = rig.pki.anchor("amazon-root-ca-3", "expired")
    future = rig.pki.anchor("amazon-root-ca-3", "future")
    assert expired.not_valid_after_utc < now < future.not_valid_before_utc
    assert expired.public_key() == rig.pki.anchor("amazon-root-ca-3").public_key()


def careless(lab):
    """Return a context that shows a certificate and looks at none."""
    context = lab.client_context("careless")
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def talking(lab, context, port=None):
    raw = socket.create_connection((lab.host, port or lab.port), timeout=5)
    with raw, context.wrap_socket(raw) as client:
        yield client
