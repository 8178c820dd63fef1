"""A device against the lab, on MicroPython and on CPython: what connects, and each refusal."""

import socket
import ssl
import tempfile
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fixtures_device import DOUBLE, Device, name_of
from rootlet.lab import Hierarchy, Lab
from urootlet.advice import ADVICE

RSA = "amazon-root-ca-1"
ECC = "amazon-root-ca-3"
BOTH = (RSA, ECC)
IDLE, NO_SUITES = (
    Path(__file__).parents[1] / "device" / name
    for name in ("idle_script.py", "no_suites_script.py")
)


def refused(device, code, **options):
    answer = device.connect(**options)
    assert answer.get("code") == code, answer
    assert answer["advice"] == ADVICE[code]
    return answer["detail"]


class TestAVerifiedConnection:
    @pytest.mark.parametrize("shape", ["2", "3", "4"])
    def test_publishes_over_the_chain_that_the_server_prefers(self, device, lab, shape):
        lab.serve(shape=shape)
        device.install(lab, BOTH)
        with lab.subscriber("rootlet/test") as listener:
            answer = device.connect("hello")
            assert listener.wait()[0].payload == b"hello"
        assert name_of(answer["anchor"], lab, BOTH) == ECC
        assert "_ECDSA_" in answer["suite"]

    @pytest.mark.parametrize(
        ("root", "profile", "preference"),
        [(RSA, "rsa", "prefer-ecdsa"), (ECC, "ecdsa", "prefer-rsa")],
    )
    def test_with_one_root_works_because_of_its_cipher_profile(
        self, device, lab, root, profile, preference
    ):
        lab.serve(preference=preference)
        device.install(lab, (root,), profile)
        answer = device.connect("hello")
        assert name_of(answer["anchor"], lab, BOTH) == root
        assert answer["protocol"] == "TLSv1.2"

    def test_ends_at_starfield_when_the_cross_sign_is_sent(self, device, lab):
        device.install(lab, ("starfield-g2",))
        answer = device.connect("hello")
        assert name_of(answer["anchor"], lab, ("starfield-g2",)) == "starfield-g2"

    def test_uses_tls_1_3_with_both_families(self, device, lab):
        lab.serve(tls13=True)
        device.install(lab, BOTH)
        assert device.connect("hello")["protocol"] == "TLSv1.3"


class TestWhatStaysOnABoard:
    """When ``connect()`` has returned, its modules have done their work."""

    def board(self, lab, folder, modules=None):
        made = Device("micropython", folder, modules)
        made.install(lab, BOTH)
        return made

    def test_is_the_exception_that_programs_catch(self, lab, tmp_path):
        told = self.board(lab, tmp_path).run(IDLE, str(lab.port))
        assert told["loaded"] == ["urootlet", "urootlet.errors"]
        # umqtt 1.3.4 looks for a module of the firmware then, which stock firmware has not.
        assert told["again"] == ["ImportError"]

    def test_is_enough_for_a_newer_umqtt_to_connect_again_and_to_verify(self, lab, keys, tmp_path):
        board = self.board(lab, tmp_path, DOUBLE)
        with Lab(pki=Hierarchy.load_or_create(keys), broker="amqtt") as other:
            other.serve(root="lookalike")
            ports = (lab.port, other.port, lab.port)
            again = board.run(IDLE, *map(str, ports))["again"]
        assert again[1] == "ValueError"
        assert {name_of(again[at], lab, BOTH) for at in (0, 2)} == {ECC}


class TestARefusedConnection:
    def test_by_another_key_under_the_same_name(self, device, lab):
        lab.serve(root="lookalike")
        device.install(lab, BOTH)
        assert "Amazon Root CA 3" in refused(device, "ROOT")

    def test_by_the_other_family_without_a_cipher_profile(self, device, lab):
        device.install(lab, (RSA,), "both")
        assert refused(device, "FAMILY") == "the server's key is ECDSA"

    def test_by_a_root_that_the_bundle_lacks(self, device, lab):
        lab.serve(shape="2", preference="prefer-rsa")
        device.install(lab, ("starfield-g2",))
        assert "is signed by Amazon Root CA 1" in refused(device, "ROOT")

    def test_by_a_server_without_the_family_that_the_profile_wants(self, device, lab):
        lab.serve(preference="ecc-only")
        device.install(lab, (RSA,), "rsa")
        refused(device, "TLSPOLICY")

    def test_of_a_device_that_the_service_does_not_know(self, device, lab):
        device.install(lab, BOTH, client=Hierarchy.fresh())
        refused(device, "CLIENTCERT")

    def test_of_a_device_that_the_service_does_not_know_in_tls_1_3(self, device, lab):
        lab.serve(tls13=True)
        device.install(lab, BOTH, client=Hierarchy.fresh())
        refused(device, "CLIENTCERT")

    @pytest.mark.parametrize(("days", "code"), [(-400, "EXPIRED"), (+30, "CLOCK")])
    def test_by_a_leaf_that_is_not_valid_now(self, device, keys, days, code):
        now = datetime.now(UTC) + timedelta(days=days)
        with Lab(pki=Hierarchy.load_or_create(keys, now), broker="amqtt") as lab:
            device.install(lab, BOTH, client=Hierarchy.load_or_create(keys))
            refused(device, code)

    def test_by_a_board_whose_clock_is_years_ahead(self, lab, tmp_path):
        board = Device("micropython", tmp_path)
        board.install(lab, BOTH)
        refused(board, "EXPIRED", clock=datetime(2045, 1, 1, tzinfo=UTC).timestamp())

    def test_by_a_name_that_is_not_in_the_certificate(self, device, lab):
        with tls_server(lab.pki, "iot.us-east-1.amazonaws.com") as port:
            device.install(lab, BOTH, port=port)
            refused(device, "NAME")


class TestAnUnreachableService:
    def test_nobody_listens(self, device, lab):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        device.install(lab, BOTH, port=port)
        refused(device, "NET")

    def test_a_name_that_cannot_be_resolved(self, device, lab):
        # A label of 64 bytes is over the limit of RFC 1035 2.3.4: nothing is asked of a network.
        device.install(lab, BOTH, address="x" * 64)
        refused(device, "DNS")

    def test_a_server_that_speaks_plain_text(self, device, lab):
        with plain_server(b"220 mail.example.com ESMTP\r\n" * 8) as port:
            device.install(lab, BOTH, port=port)
            refused(device, "PORT")

    def test_a_server_that_accepts_and_says_nothing(self, device, lab):
        with plain_server(None) as port:
            device.install(lab, BOTH, port=port, timeout=1)
            refused(device, "NET")

    def test_a_broker_that_closes_instead_of_connack(self, device, lab):
        with tls_server(lab.pki, lab.domain) as port:
            device.install(lab, BOTH, port=port)
            refused(device, "POLICY")


class TestWrongFiles:
    def test_no_bundle(self, device, lab):
        device.install(lab, BOTH)
        (device.folder / "ta").unlink()
        refused(device, "NOROOTS")

    @pytest.mark.parametrize("name", ["ta", "cert.der", "key.der", "rootlet.json"])
    def test_a_file_that_is_not_what_its_name_says(self, device, lab, name):
        device.install(lab, BOTH)
        (device.folder / name).write_bytes(b"\x30\x03abc")
        refused(device, "FORMAT")

    @pytest.mark.parametrize("name", ["cert.der", "key.der", "rootlet.json"])
    def test_a_file_that_is_missing(self, device, lab, name):
        device.install(lab, BOTH)
        (device.folder / name).unlink()
        assert name in refused(device, "FORMAT")


class TestOnABoard:
    def test_umqtt_from_1_6_on_gets_our_context(self, lab, tmp_path):
        board = Device("micropython", tmp_path, modules=DOUBLE)
        board.install(lab, BOTH)
        with lab.subscriber("rootlet/test") as listener:
            board.connect("hello")
            assert listener.wait()[0].payload == b"hello"

    def test_without_umqtt_the_error_says_how_to_install_it(self, lab, tmp_path):
        board = Device("micropython", tmp_path, modules=tmp_path)
        board.install(lab, BOTH)
        refused(board, "UMQTT")

    def test_a_firmware_without_the_suites_of_the_family_is_told_so(self, lab, tmp_path):
        board = Device("micropython", tmp_path)
        board.install(lab, BOTH)
        assert board.run(NO_SUITES) == {"code": "FORMAT", "detail": "suites"}

    def test_port_443_is_refused_because_there_is_no_alpn(self, lab, tmp_path):
        board = Device("micropython", tmp_path)
        board.install(lab, BOTH, port=443)
        refused(board, "PORT")


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """A folder that keeps the lab's keys, so that hierarchies of other dates share them."""
    return tmp_path_factory.mktemp("keys")


@contextmanager
def serving(answer):
    """Accept connections in a thread and hand each to ``answer``; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def loop():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):  # the client may reset it
                    answer(connection)

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def plain_server(words):
    """A server that says ``words`` at once, or nothing until the client leaves."""

    def answer(connection):
        if words:
            connection.sendall(words)
        while connection.recv(1000):
            pass

    return serving(answer)


@contextmanager
def tls_server(pki, domain):
    """A TLS server that ends each connection after the handshake."""
    chain = pki.chain("Amazon ECDSA 256 M01", domain, "3")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.NamedTemporaryFile() as file:
        file.write(chain.pem + chain.key_pem)
        file.flush()
        context.load_cert_chain(file.name)

    def answer(connection):
        context.wrap_socket(connection, server_side=True).close()

    with serving(answer) as port:
        yield port
