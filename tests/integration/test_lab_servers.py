"""The clock that lies and the recovery server that misbehaves, met over real sockets."""

import http.client
import socket
import struct
import time

import pytest

from rootlet.lab.ntp import NtpServer
from rootlet.lab.recovery import BASE, RecoveryServer

EPOCH = 2_208_988_800  # seconds from 1900 to 1970


def asked(server, packet=b"\x1b" + 39 * b"\0" + b"ORIGIN.."):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(packet, ("127.0.0.1", server.port))
        return client.recv(100)


def told(packet):
    """Return the transmit timestamp as MicroPython's ntptime reads it, seconds since 1970."""
    return struct.unpack("!I", packet[40:44])[0] - EPOCH


class TestTheClock:
    def test_tells_the_time(self):
        with NtpServer() as server:
            packet = asked(server)
        assert abs(told(packet) - time.time()) < 5
        assert packet[0] == 0x1C  # version 3, mode 4: server
        assert packet[1] == 1  # a stratum of 0 would be a kiss of death
        assert packet[24:32] == b"ORIGIN.."

    @pytest.mark.parametrize("when", [0, 946_684_800, 1_500_000_000, 2_000_000_000])
    def test_lies_as_it_is_told_to(self, when):
        with NtpServer() as server:
            server.tell(when)
            assert 0 <= told(asked(server)) - when < 5

    def test_goes_round_in_2036(self):
        with NtpServer() as server:
            server.tell(2**32 - EPOCH + 10)
            assert 10 <= told(asked(server)) + EPOCH < 15

    def test_can_be_silent_and_counts_the_questions(self):
        with NtpServer() as server:
            server.silent = True
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(0.2)
                client.sendto(b"\x1b" + 47 * b"\0", ("127.0.0.1", server.port))
                with pytest.raises(TimeoutError):
                    client.recv(100)
            assert server.asked == 1

    @pytest.mark.parametrize("packet", [b"", b"\x1b", b"\x1c" + 47 * b"\0"])
    def test_answers_questions_only(self, packet):
        with NtpServer() as server:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(packet, ("127.0.0.1", server.port))
                asked(server)
            assert server.asked == 1


@pytest.fixture
def recovery(tmp_path):
    (tmp_path / "latest.rlt").write_bytes(b"bundle" * 100)
    (tmp_path / "keys-2.rlk").write_bytes(b"keys")
    (tmp_path / "secret.txt").write_bytes(b"not served")
    with RecoveryServer(tmp_path) as server:
        yield server


def get(server, path):
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    client.request("GET", path)
    return client.getresponse()


def raw(server, name="latest.rlt"):
    client = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    client.sendall(f"GET {BASE}/{name} HTTP/1.0\r\n\r\n".encode())
    return client


class TestTheRecoveryServer:
    def test_serves_a_bundle_and_key_sets(self, recovery):
        assert get(recovery, f"{BASE}/latest.rlt").read() == b"bundle" * 100
        assert get(recovery, f"{BASE}/keys-2.rlk").read() == b"keys"
        assert recovery.asked == [f"{BASE}/latest.rlt", f"{BASE}/keys-2.rlk"]

    @pytest.mark.parametrize(
        "path",
        ["/latest.rlt", f"{BASE}/keys-3.rlk", f"{BASE}/secret.txt", f"{BASE}/../secret.txt", "/"],
    )
    def test_serves_nothing_else(self, recovery, path):
        assert get(recovery, path).status == 404

    def test_a_body_without_end(self, recovery):
        recovery.fault = "endless"
        answer = get(recovery, f"{BASE}/latest.rlt")
        assert answer.getheader("Content-Length") is None
        assert len(answer.read(1_000_000)) == 1_000_000
        answer.close()

    def test_one_byte_a_second(self, recovery):
        recovery.fault = "trickle"
        with raw(recovery) as client:
            began = time.monotonic()
            received = b""
            while not received.endswith(b"\r\n\r\nbu"):
                received += client.recv(1_000)
            assert 0.9 < time.monotonic() - began < 5

    def test_a_redirect(self, recovery):
        recovery.fault = "redirect"
        answer = get(recovery, f"{BASE}/latest.rlt")
        assert (answer.status, answer.read()) == (302, b"")
        assert answer.getheader("Location")

    def test_a_length_of_4_gb(self, recovery):
        recovery.fault = "huge"
        answer = get(recovery, f"{BASE}/latest.rlt")
        assert answer.getheader("Content-Length") == "4294967296"
        assert answer.read(10) == b"bundlebund"
        answer.close()

    def test_the_right_file_under_the_wrong_status(self, recovery):
        recovery.fault = "status"
        answer = get(recovery, f"{BASE}/latest.rlt")
        assert (answer.status, answer.read()) == (500, b"bundle" * 100)

    def test_silence(self, recovery):
        recovery.fault = "silent"
        with raw(recovery) as client:
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(1)
