"""``rootlet probe`` against the lab, mail and web servers, and peers that mean harm."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from click.testing import CliRunner

import peers
from own_roots import root
from rootlet import advise, board, verify
from rootlet.cli.probe import command
from rootlet.errors import InputError, NetworkError, TrustError
from rootlet.lab import Lab, certificates
from rootlet.pem import armour

HOST = Path(__file__).parents[2] / "host" / "rootlet"
HUGE = 300  # certificates of 1 KB: OpenSSL takes 100 KB
MANY = 40  # certificates of 1 KB: a model looks at 16
EVERYTHING = ["tls12-rsa", "tls12-ecdsa", "tls13-rsa", "tls13-ecdsa", "any", "no-sni"]


@pytest.fixture(scope="module")
def lab():
    with Lab(tls13=True) as lab:
        yield lab


@pytest.fixture(scope="module")
def roots(lab, tmp_path_factory):
    """Return a function that writes the lab's roots, and their names say which."""
    folder = tmp_path_factory.mktemp("roots")

    def write(*ids):
        file = folder / f"{'-'.join(ids)}.pem"
        file.write_bytes(b"".join(certificates.pem(lab.pki.anchor(one)) for one in ids))
        return file

    return write


@pytest.fixture
def context(lab, tmp_path):
    made = lab.pki.chain("Amazon RSA 2048 M01", lab.domain, "3")
    return peers.tls_context(tmp_path, made.certificates, made.key)


def probe(*arguments, raises=None):
    """Run the command; return its words, and the error that it ends with."""
    result = CliRunner().invoke(command, [str(one) for one in arguments])
    if raises is None:
        assert result.exception is None, result.exception
    else:
        assert isinstance(result.exception, raises), result.exception
    return result.stdout, result.exception


def document(*arguments, raises=None):
    words, error = probe(*arguments, "--json", raises=raises)
    found = json.loads(words)
    assert found["schema"] == "rootlet/probe/1"
    return found["hosts"], error


def of_lab(lab, *arguments, raises=None):
    """Return what the lab shows, by the id of the offer, and its chains."""
    at = f"{lab.host}:{lab.port}"
    (host,), _ = document(at, "--sni", lab.endpoint, *arguments, raises=raises)
    return {one["id"]: one for one in host["offers"]}, {
        one["number"]: one for one in host["chains"]
    }


def children(pid, wanted):
    """Return the processes that a program has started, once there are as many as wanted."""
    for _ in range(600):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if len(found) >= wanted:
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def wait_gone(pid):
    for _ in range(600):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError(pid)


def alone(port, *arguments):
    """Probe a peer that shows nothing; return the code and the reason."""
    words, error = probe(f"127.0.0.1:{port}", *arguments, raises=NetworkError)
    assert words == f"127.0.0.1:{port}  E-{error.code}: {error.why}\n"
    return error.code, error.why


def every(served, *arguments):
    """Probe peers that show nothing, all at once; return the code and the reason of each."""
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(peers.peer(serve)) for serve in served]
        at = [f"127.0.0.1:{port}" for port in ports]
        found, _ = document(*at, *arguments, raises=NetworkError)
    assert [one["port"] for one in found] == ports
    return [(one["code"], one["reason"]) for one in found]


class TestWhoIsShownWhat:
    def test_both_families_are_found_whatever_the_server_prefers(self, lab):
        offers, chains = of_lab(lab)
        families = {name: chains[one["chain"]]["family"] if one["chain"] else one["code"]
                    for name, one in offers.items()}  # fmt: skip
        assert families == {
            "tls12-rsa": "rsa", "tls12-ecdsa": "ecdsa", "tls13-rsa": "rsa",
            "tls13-ecdsa": "ecdsa", "any": "ecdsa", "no-sni": "SNI",
        }  # fmt: skip
        assert offers["tls12-rsa"]["version"] == "TLSv1.2"
        assert offers["tls12-rsa"]["suite"] == "ECDHE-RSA-AES128-GCM-SHA256"
        assert offers["tls13-rsa"]["version"] == "TLSv1.3"

    def test_a_server_with_one_family_and_without_tls_1_3_says_so(self, lab):
        with lab.showing(preference="rsa-only", tls13=False):
            offers, chains = of_lab(lab)
        assert {name for name, one in offers.items() if one["chain"]} == {"tls12-rsa", "any"}
        assert offers["tls12-ecdsa"]["code"] == "TLSPOLICY"
        assert offers["tls13-rsa"]["code"] == "TLSPOLICY"
        assert [one["family"] for one in chains.values()] == ["rsa"]

    def test_no_session_ever_starts_and_no_application_byte_is_sent(self, lab):
        start = before = lab.events.last
        offers, chains = of_lab(lab)
        assert chains
        for _ in offers:
            before = lab.events.wait_for(lambda _: True, timeout=30, after=before).number
        assert {one.kind for one in lab.events if one.number > start} == {"refused"}

    def test_the_protocol_of_mqtt_on_443_is_offered_when_asked_for(self, lab):
        at = f"{lab.host}:{lab.alpn_port}"
        (host,), _ = document(at, "--sni", lab.endpoint, "--alpn", "x-amzn-mqtt-ca")
        (named,) = [one for one in host["offers"] if one["id"] == "alpn-x-amzn-mqtt-ca"]
        assert named["alpn"] == "x-amzn-mqtt-ca"
        assert named["chain"]

    @pytest.mark.parametrize(
        ("shape", "sent"),
        [("2", 2), ("4", 4), ("shuffled", 4), ("big", 13)],
    )
    def test_each_shape_is_seen_as_it_was_sent(self, lab, shape, sent):
        with lab.showing(shape=shape, tls13=False):
            _, chains = of_lab(lab)
        for chain in chains.values():
            assert len(chain["certificates"]) == sent
            crosses = [one for one in chain["certificates"] if one["is"] == "cross-sign"]
            assert len(crosses) == {"2": 0, "4": 2, "shuffled": 2, "big": 11}[shape]

    def test_a_key_that_is_not_amazons_is_never_called_amazons(self, lab):
        _, chains = of_lab(lab)
        for chain in chains.values():
            assert not chain["verifies"]
            assert chain["code"] == "ROOT"
            assert [one["known"] for one in chain["certificates"]] == [None] * 3
            assert chain["certificates"][2]["copies"].startswith("amazon-root-ca-")
            assert chain["anchors"] == []


class TestBundles:
    def test_the_right_roots_work_and_the_table_says_on_which_verifier(self, lab, roots):
        file = roots("amazon-root-ca-1", "amazon-root-ca-3")
        _, chains = of_lab(lab, "--bundle", file)
        for chain in chains.values():
            (row,) = chain["anchors"]
            accepted = {name: one["accepted"] for name, one in row["stacks"].items()}
            assert accepted == {
                "mbedtls": True, "openssl": True, "openssl-strict": True,
                "esp-idf": False, "wolfssl": False,
            }  # fmt: skip
            assert row["stacks"]["wolfssl"]["code"] == "CROSS"

    @pytest.mark.parametrize(
        ("ids", "options", "code"),
        [
            (["amazon-root-ca-1"], [], "FAMILY"),
            (["amazon-root-ca-1", "amazon-root-ca-3"], ["--stack", "wolfssl"], "CROSS"),
            (["amazon-root-ca-2", "amazon-root-ca-4"], [], "ROOT"),
        ],
    )
    def test_one_that_does_not_work_is_the_answer_no(self, lab, roots, ids, options, code):
        arguments = [f"{lab.host}:{lab.port}", "--sni", lab.endpoint, "--bundle", roots(*ids)]
        _, error = probe(*arguments, *options, raises=TrustError)
        assert error.code == code

    def test_a_cipher_profile_is_held_against_the_chains_of_its_families(
        self, lab, roots, tmp_path
    ):
        file = tmp_path / "rsa.rlt"
        built = subprocess.run(
            [sys.executable, "-m", "rootlet", "build", "--board", "esp32", "--keys", "none",
             "--anchor", roots("amazon-root-ca-1"), "--profile", "rsa", "-o", file],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert built.returncode == 0, built.stderr
        of_lab(lab, "--bundle", file)  # the ECDSA chain is never shown to such a device
        with lab.showing(preference="ecc-only"):
            at = [f"{lab.host}:{lab.port}", "--sni", lab.endpoint]
            _, error = probe(*at, "--bundle", file, raises=TrustError)
        assert (error.code, error.why) == ("TLSPOLICY", "the server shows no RSA certificate")

    def test_an_unreadable_bundle_is_bad_input_before_anybody_is_asked(self, tmp_path):
        (tmp_path / "a.rlt").write_bytes(b"RLT1" + bytes(40))
        probe("127.0.0.1:1", "--bundle", tmp_path / "a.rlt", raises=InputError)
        (tmp_path / "many.pem").write_text("".join(armour(root("x", n)) for n in range(1, 22)))
        _, error = probe("127.0.0.1:1", "--bundle", tmp_path / "many.pem", raises=InputError)
        assert "21 anchors" in error.what


class TestSave:
    def test_what_was_sent_is_kept_for_verify_and_advise(self, lab, tmp_path):
        words, _ = probe(f"{lab.host}:{lab.port}", "--sni", lab.endpoint, "--save",
                         tmp_path / "kept.pem")  # fmt: skip
        assert sorted(each.name for each in tmp_path.iterdir()) == [
            "kept-ecdsa.pem", "kept-rsa.pem",
        ]  # fmt: skip
        for family in ("ecdsa", "rsa"):
            file = tmp_path / f"kept-{family}.pem"
            assert f"--chain {file}" in words
            chain = verify.read_chain(file.read_bytes(), str(file))
            assert (chain[0].family, len(chain)) == (family, 3)
            # The lab's keys are no root's of the catalogue: advise reads the file and says so.
            esp32 = board.load("esp32")
            request = advise.Request(
                esp32, verify.model_for("", esp32), lab.pki.now, captured=((str(file), chain),)
            )
            with pytest.raises(TrustError, match="no set of anchors"):
                advise.advise(request)

    def test_a_single_chain_goes_into_the_file_that_was_named(self, lab, tmp_path):
        with lab.showing(preference="rsa-only"):
            of_lab(lab, "--save", tmp_path / "one.pem")
        assert [each.name for each in tmp_path.iterdir()] == ["one.pem"]


class TestServices:
    """What is not MQTT: the same look at HTTPS, and at mail in its two ways."""

    def shown(self, port, *arguments):
        (host,), _ = document(f"127.0.0.1:{port}", *arguments)
        assert [one["id"] for one in host["offers"]] == EVERYTHING
        assert [len(one["certificates"]) for one in host["chains"]] == [3]
        return host

    def test_a_server_of_https_or_smtps_that_wants_no_name(self, context):
        with peers.peer(peers.over_tls(context)) as port:
            host = self.shown(port)
        assert all(one["chain"] for one in host["offers"] if "ecdsa" not in one["id"])

    def test_smtp_with_starttls_by_aiosmtpd(self, context):
        class Mail(Controller):
            def factory(self):
                return SMTP(self.handler, tls_context=context, require_starttls=True)

        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = Mail(object(), hostname="127.0.0.1", port=port)
        server.start()
        try:
            self.shown(port, "--starttls", "smtp")
        finally:
            server.stop()

    def test_imap_with_starttls(self, context):
        talk = peers.dialogue(
            (b"", b"* OK [CAPABILITY IMAP4rev2 STARTTLS] ready\r\n"),
            (b"a1 STARTTLS\r\n", b"* CAPABILITY IMAP4rev2\r\na1 OK begin\r\n"),
            context=context,
        )
        with peers.peer(talk) as port:
            self.shown(port, "--starttls", "imap")


class TestNothingIsShown:
    def test_a_name_that_is_none(self):
        _, error = probe(f"{'a' * 64}.example", raises=NetworkError)
        assert error.code == "DNS"

    def test_a_closed_port(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
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

    def test_a_chain_of_300_certificates(self, lab, tmp_path):
        made = lab.pki.chain("Amazon RSA 2048 M01", lab.domain, "3")
        cross = made.certificates[-1]
        context = peers.tls_context(tmp_path, [*made.certificates, *[cross] * HUGE], made.key)
        with peers.peer(peers.over_tls(context)) as port:
            assert alone(port) == ("FORMAT", "excessive message size")

    def test_a_chain_of_43_certificates_is_counted_and_not_read(self, lab, tmp_path):
        made = lab.pki.chain("Amazon RSA 2048 M01", lab.domain, "3")
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


class TestAsAProgram:
    def test_ctrl_c_ends_it_and_its_processes(self):
        with peers.peer(peers.wait) as port:
            child = subprocess.Popen(
                [sys.executable, "-m", "rootlet", "probe", f"127.0.0.1:{port}", "--timeout", "60"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            started = children(child.pid, wanted=3)
            child.send_signal(signal.SIGINT)
            _, errors = child.communicate(timeout=60)
        assert child.returncode == 130
        assert errors.strip() == "interrupted"
        for pid in started:  # at once, or when it sees that nobody holds its lease
            wait_gone(pid)

    def test_only_the_shaker_and_a_server_that_asks_nobody_name_cert_none(self):
        users = {
            str(file.relative_to(HOST))
            for file in HOST.rglob("*.py")
            if "verify_mode = ssl.CERT_NONE" in file.read_text()
        }
        assert users == {"net/shaker/attempt.py"}


@pytest.mark.parametrize(
    "text", ["", ":1", "a:0", "a:65536", "https://a/", "u@h", "a b", "[::1", ".a"]
)
def test_what_is_no_host_is_bad_input(text):
    probe(text, raises=InputError)
