"""The security rules where they are about TLS and time limits: real servers, real interpreters.

unit/test_rules_*.py attack the state behind them and says where the other parts are tested.
"""

import contextlib
import time

import pytest

from keyset_cases import Set
from rootlet.lab.recovery import BASE, RecoveryServer
from rotation_device import (
    ECC,
    RECENT,
    RSA,
    Between,
    RotatingDevice,
    anchors,
    impostor,
    serving,
)
from rotation_world import RETIRE, REVOKE, keys, offered
from urootlet.rotation import Rotation


@pytest.fixture(params=["micropython", "cpython"])
def device(request, tmp_path):
    return RotatingDevice(request.param, tmp_path)


def new_bundle(device, lab, sequence=2, *, roots=(ECC,), flags=0, profile=3):
    made = offered(
        anchors(lab.pki, *roots), sequence, flags=flags, profile=profile, created=RECENT
    )
    return device.carry(f"{sequence}.rlt", made)


def opened(lab, after):
    """The handshakes that the device completed since event ``after``."""
    return [
        event
        for event in lab.events
        if event.number > after and event.kind == "open" and event.thing == "test-thing"
    ]


class TestRule01ATlsFailureIsNeverEvidence:
    @pytest.mark.parametrize("rounds", [10])
    def test_ten_bad_trials_with_forwarded_controls_and_a_clean_link_end_on_new(
        self, device, lab, rounds
    ):
        with (
            impostor(lab.pki, lab.domain) as bad,
            # Each round: the trial meets the impostor, control and active set the service.
            Between(lambda number: lab.port if number % 3 else bad) as between,
        ):
            device.prepare(lab, (RSA, ECC), port=between.port)
            new = new_bundle(device, lab)
            steps = ("later 90000", "connect", "leave", "reason", "banned") * rounds
            results = device.take("offer 2.rlt", *steps, "active")
            assert len(between.sent) == 3 * rounds
        old_anchors = {one.original.hex() for one in anchors(lab.pki, RSA, ECC)}
        assert set(results[2:-1:5]) <= old_anchors
        assert set(results[4:-1:5]) == {"parked: inconclusive"}  # the root is in both sets
        assert set(results[5:-1:5]) == {"00" * 8}
        assert results[-1] == device.flash.hex()
        device.configure(port=lab.port)
        later = f"later {90000 * (rounds + 1)}"  # its clock went on while it was off
        assert device.take(later, "connect", "leave", "active")[-1] == new.hex()

    def test_the_control_tells_a_server_that_only_the_old_set_knows(self, device, lab):
        lab.serve(preference="rsa-only")
        device.prepare(lab)
        new_bundle(device, lab)
        _, _, _, reason, hooked = device.take(
            "offer 2.rlt", "connect", "leave", "reason", "hooked"
        )
        assert reason == "parked: only the old set works"
        assert hooked == [["on_trial"], ["on_error", "FAMILY"], ["on_parked", reason]]

    def test_an_impostor_on_every_connection_parks_it_and_bans_nothing(self, device, lab):
        device.prepare(lab, (RSA, ECC))
        new_bundle(device, lab)
        with impostor(lab.pki, lab.domain) as bad:
            device.configure(port=bad)
            results = device.take("offer 2.rlt", "connect", "status", "reason", "banned")
        assert results == ["new", "E-ROOT", "parked", "parked: inconclusive", "00" * 8]


class TestRule02And03OlderRoots:
    def before(self, device, lab):
        """The service moves to the new root; what is under the old one is a thief's from now."""
        device.prepare(lab)
        device.configure(offers="rootlet/offers")
        lab.serve(preference="ecc-only")

    def test_once_retired_is_confirmed_a_server_under_it_completes_no_handshake(self, device, lab):
        self.before(device, lab)
        new = new_bundle(device, lab, flags=RETIRE)
        assert device.take("offer 2.rlt", "connect", "leave", "active")[-1] == new.hex()
        lab.serve(preference="rsa-only")
        after = lab.events.last
        for _ in range(2):
            assert device.take("connect") == ["E-FAMILY"]
        assert opened(lab, after) == []

    def test_before_any_retire_it_may_fetch_offers(self, device, lab):
        self.before(device, lab)
        new = new_bundle(device, lab)
        assert device.take("offer 2.rlt", "connect", "leave", "active")[-1] == new.hex()
        lab.serve(preference="rsa-only")
        after = lab.events.last
        assert device.take("connect") == ["E-FAMILY"]
        assert opened(lab, after)  # it looked for an offer there, and served nobody

    def test_from_acceptance_of_revoke_now_on_the_old_root_opens_nothing(self, device, lab):
        self.before(device, lab)
        new = new_bundle(device, lab, flags=REVOKE)
        lab.serve(preference="rsa-only")
        after = lab.events.last
        assert device.take("offer 2.rlt", "connect", "status") == ["new", "E-FAMILY", "revoke"]
        for _ in range(2):
            assert device.take("connect", "later 90000", "connect") == ["E-FAMILY", "", "E-FAMILY"]
        assert opened(lab, after) == []
        lab.serve(preference="ecc-only")
        assert device.take("connect", "leave", "active")[-1] == new.hex()


class TestRule03OnAGateway:
    def test_a_lost_connection_is_not_made_again_behind_the_rotations_back(self, lab, tmp_path):
        device = RotatingDevice("cpython", tmp_path)
        with Between(lambda _: lab.port) as between:
            device.prepare(lab, (RSA, ECC), port=between.port)
            client = Rotation(f"{tmp_path}/").connect()
            between.cut()
            time.sleep(2.5)  # paho-mqtt would try again after one second
            assert len(between.sent) == 1
            for _ in range(2):
                with pytest.raises(OSError, match="lost"):
                    client.wait_msg()
            client.disconnect()


class TestRule11TheRecoveryServerCannotExhaustTheDevice:
    @pytest.mark.parametrize(
        ("fault", "slow"),
        [
            ("endless", False),
            ("huge", False),
            ("redirect", False),
            ("status", False),
            ("trickle", True),
            ("silent", True),
        ],
    )
    def test_a_server_that(self, device, lab, tmp_path, fault, slow):
        device.prepare(lab)
        (tmp_path / "latest.rlt").write_bytes(b"x" * 300)
        with RecoveryServer(tmp_path) as server:
            server.fault = fault
            started = time.monotonic()
            url = f"http://127.0.0.1:{server.port}{BASE}/latest.rlt"
            limit = 2 if slow else 60
            assert device.take(f"get {url} 4096 {limit}") == ["E-NET"]
            took = time.monotonic() - started
            assert took >= limit - 0.5 if slow else took < limit
            assert server.asked == [f"{BASE}/latest.rlt"]

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nX: " + b"x" * 1100 + b"\r\n\r\nab",
            b"HTTP/1.0 200 OK\r\n",
            b"HTTP/1.0 206 Partial Content\r\n\r\nab",
            b"HTTP/1.0 301 Moved\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
            b"200 OK\r\n\r\nab",
            b"",
            b"\x00" * 3000,
            b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 101,
        ],
        ids=lambda answer: answer[:40].decode("latin-1").replace("\r\n", " "),
    )
    def test_an_answer_that_is_not_exactly_what_was_asked_for(self, device, lab, answer):
        assert self.ask(device, lab, answer) == ["E-NET"]

    @pytest.mark.parametrize("size", [0, 1, 100])
    def test_a_body_up_to_the_limit_is_taken(self, device, lab, size):
        answer = b"HTTP/1.0 200 OK\r\nContent-Length: 4294967296\r\n\r\n" + b"x" * size
        assert self.ask(device, lab, answer) == [size]

    def ask(self, device, lab, answer):
        def speak(connection):
            question = connection.recv(1000)
            assert b"test-thing" not in question
            connection.sendall(answer)

        device.prepare(lab)
        with serving(speak) as port:
            return device.take(f"get http://127.0.0.1:{port}/a/latest.rlt 100 5")

    def test_what_asks_names_no_thing_and_no_version(self, device, lab):
        asked = []

        def speak(connection):
            asked.append(connection.recv(1000))
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nab")

        device.prepare(lab)
        with serving(speak) as port:
            device.take(f"get http://127.0.0.1:{port}/a/latest.rlt 100 5")
        assert asked == [b"GET /a/latest.rlt HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n\r\n" % port]

    def test_twenty_key_sets_behind_it_walks_eight_a_session_and_resumes(
        self, device, lab, tmp_path
    ):
        site = tmp_path / "site"
        site.mkdir()
        for version in range(2, 22):
            one = Set(version, 2, (0, 1, 2), (0, 1))
            (site / f"keys-{version}.rlk").write_bytes(keys(one))
        last = offered(anchors(lab.pki, ECC), 1, key_set=21, signed=(0, 1), created=RECENT)
        (site / "latest.rlt").write_bytes(last)
        lab.serve(preference="ecc-only")
        device.prepare(lab)
        with RecoveryServer(site) as server:
            device.configure(recovery=[f"http://127.0.0.1:{server.port}{BASE}"])
            walked = [device.take("connect", "keys") for _ in range(2)]
            assert walked == [["E-FAMILY", 9], ["E-FAMILY", 17]]
            results = device.take("connect", "keys", "active", "leave")
            assert results[1:3] == [21, last.hex()]
            assert len(server.asked) == 3 + 20


class TestRule12OnlyCertificateAuthenticatedEcdheWithAead:
    @pytest.mark.parametrize("profile", [1, 2, 3])
    def test_whatever_the_profile_says(self, device, lab, profile):
        hellos = []

        def listen(connection):
            hellos.append(connection.recv(4000))

        device.prepare(lab)
        (device.folder / "ta").write_bytes(
            offered(anchors(lab.pki, RSA, ECC), 1, profile=profile, created=RECENT)
        )
        with serving(listen) as port:
            device.configure(port=port)
            assert device.take("connect") == ["E-NET"]
        families = {0xC02B: 1, 0xC02C: 1, 0xC02F: 2, 0xC030: 2}
        offered_suites = [one for one in suites_of(hellos[0]) if one in families]
        others = set(suites_of(hellos[0])) - set(families)
        assert {families[one] & profile for one in offered_suites} <= {1, 2}
        assert all(families[one] & profile for one in offered_suites)
        assert others <= ({0x1301, 0x1302, 0x1303, 0x00FF} if profile == 3 else {0x00FF})


def suites_of(record):
    """The cipher suites of a ClientHello (RFC 5246 section 7.4.1.2) in its TLS record."""
    at = 5 + 4 + 2 + 32
    at += 1 + record[at]
    size = int.from_bytes(record[at : at + 2], "big")
    listed = record[at + 2 : at + 2 + size]
    return [int.from_bytes(listed[i : i + 2], "big") for i in range(0, size, 2)]


class TestRule14ARefusedImpostorLearnsNothing:
    def test_a_refused_handshake_carries_neither_certificate_nor_connect(self, device, lab):
        device.prepare(lab, (RSA, ECC))
        with (
            impostor(lab.pki, lab.domain) as bad,
            Between(lambda _: bad) as between,
        ):
            device.configure(port=between.port)
            assert device.take("connect") == ["E-ROOT"]
            sent = b"".join(between.sent)
        assert sent
        for secret in self.secrets(device):
            assert secret not in sent
        assert kinds_of(sent) == ["ClientHello", "alert"]

    def test_while_a_trusted_server_gets_the_certificate_and_a_listener_sees_it(self, device, lab):
        device.prepare(lab, (RSA, ECC))
        with Between(lambda _: lab.port) as between:
            device.configure(port=between.port)
            device.take("connect", "leave")
            sent = b"".join(between.sent)
        certificate, thing, mqtt = self.secrets(device)
        assert certificate in sent
        assert thing in sent  # in the certificate's common name, as TLS 1.2 has it
        assert mqtt not in sent
        assert "alert" not in kinds_of(sent)[:2]

    def secrets(self, device):
        certificate = (device.folder / "cert.der").read_bytes()
        return certificate, b"test-thing", b"\x00\x04MQTT"


def kinds_of(sent):
    """What a client sent, record by record, up to where it is encrypted."""
    found = []
    at = 0
    while at + 5 <= len(sent):
        kind, first = sent[at], sent[at + 5]
        names = {(22, 1): "ClientHello", (22, 11): "Certificate", (22, 16): "ClientKeyExchange"}
        found.append("alert" if kind == 21 else names.get((kind, first), f"{kind}/{first}"))
        at += 5 + int.from_bytes(sent[at + 3 : at + 5], "big")
    with contextlib.suppress(ValueError):
        found = found[: found.index("20/1") + 1]
    return found
