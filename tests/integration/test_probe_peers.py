"""What a probe says when nothing can be shown, and of peers that mean harm."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import struct
from dataclasses import asdict

import pytest

import peers
from probing import alone, every, probe
from rootlet.errors import InputError, NetworkError
from rootlet.net.offers import with_protocol
from rootlet.net.shaker import attempt as attempts

DOMAIN = "iot.eu-west-1.amazonaws.com"
HUGE = 300  # certificates of 1 KB: OpenSSL takes 100 KB
MANY = 40  # certificates of 1 KB: a model looks at 16


@pytest.fixture(scope="module")
def made(lab_pki):
    return lab_pki.chain("Amazon RSA 2048 M01", DOMAIN, "3")


@pytest.fixture
def context(made, tmp_path):
    return peers.tls_context(tmp_path, made.certificates, made.key)


class TestNothingIsShown:
    def test_a_name_that_is_none(self):
        _, error = probe(f"{'a' * 64}.example", raises=NetworkError)
        assert error.code == "DNS"

    def test_a_closed_port(self):
        with socket.socket() as bound:  # and not listening, so that no other test has the port
            bound.bind(("127.0.0.1", 0))
            port = bound.getsockname()[1]
            assert alone(port) == ("NET", "Connection refused")

    def test_ports_that_speak_plain_text(self):
        said = {
            b"220 example.com ESMTP\r\n": "'220 example.com ESMTP' (SMTP: --starttls smtp)",
            b"* OK ready\r\n": "'* OK ready' (IMAP: --starttls imap)",
            b"HTTP/1.1 400 Bad Request\r\n\r\n": "'HTTP/1.1 400 Bad Request'",
            b"\x1b[2Jgone\n": "'?[2Jgone'",
        }
        assert every([peers.says(words) for words in said]) == [
            ("PORT", f"it does not speak TLS; it says {quoted}") for quoted in said.values()
        ]

    def test_ports_that_say_nothing_or_begin_and_stop(self):
        found = every([peers.wait, peers.says(b"\x16")], "--timeout", 1)
        assert found == [("NET", "it is connected and silent for 1 s")] * 2

    def test_a_connection_that_is_reset(self):
        def reset(connection):
            connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        with peers.peer(reset) as port:
            assert alone(port)[0] == "NET"

    def test_each_host_of_a_list_has_its_line_and_one_good_one_is_shown(self, context):
        with peers.peer(peers.over_tls(context)) as port:
            words, error = probe(f"127.0.0.1:{port}", f"{'a' * 64}.example", "127.0.0.1:1",
                                 raises=NetworkError)  # fmt: skip
        assert "2 of 3 hosts" in error.what
        assert "chain 1: RSA, 3 certificates, 1 cross-sign" in words
        assert len(re.findall(r"^\S+  E-(?:DNS|NET): .*$", words, re.MULTILINE)) == 2


class TestHostilePeers:
    """Each ends within its limits, in one line; a peer that goes on for ever is left."""

    def test_smtp_without_end_or_sense(self):
        hello, ehlo = (b"", b"220 hi\r\n"), (b"EHLO", b"250 STARTTLS\r\n")
        served = {
            peers.endless(b"220-hello\r\n"): "FORMAT",
            peers.endless(b"220 "): "FORMAT",
            peers.says(b"554 no\r\n"): "PORT",
            peers.dialogue(hello, (b"EHLO", b"250 hi\r\n")): "PORT",
            peers.dialogue(hello, ehlo, (b"STARTTLS", b"454 later\r\n")): "PORT",
            peers.dialogue(hello, ehlo, (b"STARTTLS", b"220 go\r\n250 injected\r\n")): "PORT",
        }
        found = every(served, "--starttls", "smtp")
        assert [code for code, _ in found] == list(served.values()), found

    def test_imap_without_end_or_sense(self):
        served = {
            peers.endless(b"* OK and on\r\n"): "FORMAT",
            peers.says(b"220 hi\r\n"): "PORT",
            peers.dialogue((b"", b"* OK\r\n"), (b"a1", b"a1 BAD\r\n")): "PORT",
        }
        found = every(served, "--starttls", "imap")
        assert [code for code, _ in found] == list(served.values()), found

    def test_tls_without_end_or_sense(self):
        served = {
            peers.endless(b"\x16\x03\x03\x40\x00" + bytes(0x4000)): "FORMAT",
            peers.endless(b"\x16\x03\x03\x00\x00"): "TLSPOLICY",
            peers.endless(b"\x15\x03\x03\x00\x02\x01\x00"): "TLSPOLICY",
        }
        found = every(served)
        assert [code for code, _ in found] == list(served.values()), found

    def test_a_handshake_is_read_up_to_a_limit(self, context, monkeypatch):
        """OpenSSL has limits of its own for each message; this one is for all of them."""
        monkeypatch.setattr(attempts, "_MAX_HANDSHAKE", 1_000)
        with peers.peer(peers.over_tls(context)) as port:
            target = {"host": "127.0.0.1", "port": port, "name": "x", "starttls": ""}
            asked = attempts.attempt(target, asdict(with_protocol("mqtt")), 30)
            with pytest.raises(attempts.Failed) as caught:
                asyncio.run(asked)
        assert (caught.value.code, caught.value.reason) == (
            "FORMAT",
            "it sends more than 1000 bytes",
        )

    def test_a_chain_of_300_certificates(self, made, tmp_path):
        cross = made.certificates[-1]
        context = peers.tls_context(tmp_path, [*made.certificates, *[cross] * HUGE], made.key)
        with peers.peer(peers.over_tls(context)) as port:
            assert alone(port) == ("FORMAT", "excessive message size")

    def test_a_chain_of_43_certificates_is_counted_and_not_read(self, made, tmp_path):
        context = peers.tls_context(
            tmp_path, [*made.certificates, *[made.certificates[-1]] * MANY], made.key
        )
        with peers.peer(peers.over_tls(context)) as port:
            words, _ = probe(f"127.0.0.1:{port}")
        assert "chain 1: cannot be read: 43 certificates: at most 16" in words

    def test_a_server_that_has_not_the_key_of_what_it_shows(self, context):
        """RFC 5246 section 7.4.3: it signs its part of the handshake, and that is checked."""
        context.maximum_version = ssl.TLSVersion.TLSv1_2

        def forge(connection):
            arrived, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(arrived, leaving, server_side=True)
            arrived.write(connection.recv(65_536))
            with contextlib.suppress(ssl.SSLError):
                tls.do_handshake()
            flight = bytearray(leaving.read())
            if len(flight) > 1000:  # not an alert
                flight[-20] ^= 1  # in the signature, which only ServerHelloDone follows
            connection.sendall(flight)
            peers.wait(connection)

        with peers.peer(forge) as port:
            assert alone(port) == ("ROOT", "bad signature")


@pytest.mark.parametrize(
    "text", ["", ":1", "a:0", "a:65536", "https://a/", "u@h", "a b", "[::1", ".a"]
)
def test_what_is_no_host_is_bad_input(text):
    probe(text, raises=InputError)
