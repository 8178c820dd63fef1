"""``rootlet probe`` against the lab, mail and web servers."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

import peers
from own_roots import root
from probing import document, probe
from rootlet import advise, board, verify
from rootlet.errors import InputError, TrustError
from rootlet.lab import Lab, certificates
from rootlet.pem import armour

HOST = Path(__file__).parents[2] / "host" / "rootlet"
EVERYTHING = ["tls12-rsa", "tls12-ecdsa", "tls13-rsa", "tls13-ecdsa", "any", "no-sni"]


@pytest.fixture(scope="module")
def lab(lab_pki):
    with Lab(pki=lab_pki, tls13=True) as lab:
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


@pytest.fixture(scope="module")
def made(lab):
    return lab.pki.chain("Amazon RSA 2048 M01", lab.domain, "3")


@pytest.fixture
def context(made, tmp_path):
    return peers.tls_context(tmp_path, made.certificates, made.key)


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
        """Also where anybody may connect: the server waits for a Finished that never comes."""
        with lab.showing(asks_client=False):
            start = seen = lab.events.last
            offers, chains = of_lab(lab)
            assert chains
            for _ in offers:
                seen = lab.events.wait_for(lambda _: True, timeout=30, after=seen).number
            assert {one.kind for one in lab.events if one.number > start} == {"refused"}

    def test_the_protocol_of_mqtt_on_443_is_offered_when_asked_for(self, lab):
        at = f"{lab.host}:{lab.alpn_port}"
        (host,), _ = document(at, "--sni", lab.endpoint, "--alpn", "x-amzn-mqtt-ca")
        (named,) = [one for one in host["offers"] if one["id"] == "alpn-x-amzn-mqtt-ca"]
        assert named["alpn"] == "x-amzn-mqtt-ca"
        assert named["chain"]

    @pytest.mark.parametrize(
        ("shape", "sent"),
        [("2", 2), ("4", 4), ("cross-tail", 3), ("shuffled", 4), ("extra", 4), ("big", 13)],
    )
    def test_each_shape_is_seen_as_it_was_sent(self, lab, shape, sent):
        with lab.showing(shape=shape, tls13=False):
            _, chains = of_lab(lab)
        for chain in chains.values():
            assert len(chain["certificates"]) == sent
            crosses = [one for one in chain["certificates"] if one["is"] == "cross-sign"]
            known = {"2": 0, "4": 2, "cross-tail": 1, "shuffled": 2, "extra": 1, "big": 11}
            assert len(crosses) == known[shape]

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

    @pytest.fixture(autouse=True)
    def _sent(self, made):
        self.sent = [one.fingerprint(SHA256()).hex() for one in made.certificates]

    def shown(self, port, *arguments):
        (host,), _ = document(f"127.0.0.1:{port}", *arguments)
        assert [one["id"] for one in host["offers"]] == EVERYTHING
        (chain,) = host["chains"]
        assert [one["sha256"] for one in chain["certificates"]] == self.sent
        return host

    def test_a_server_of_https_or_smtps_that_wants_no_name(self, context):
        with peers.peer(peers.over_tls(context)) as port:
            host = self.shown(port)
        assert all(one["chain"] for one in host["offers"] if "ecdsa" not in one["id"])

    def test_a_server_that_asks_for_another_hello_first(self, context):
        """RFC 8446 section 4.1.4: HelloRetryRequest, as the client guesses no P-384 share."""
        context.set_ecdh_curve("secp384r1")
        with peers.peer(peers.over_tls(context)) as port:
            host = self.shown(port)
        versions = {one["id"]: one["version"] for one in host["offers"]}
        assert versions["any"] == versions["tls13-rsa"] == "TLSv1.3"

    def test_smtp_with_starttls_by_aiosmtpd(self, context):
        with peers.smtp(context) as port:
            self.shown(port, "--starttls", "smtp")

    def test_imap_with_starttls(self, context):
        talk = peers.dialogue(
            (b"", b"* OK [CAPABILITY IMAP4rev2 STARTTLS] ready\r\n"),
            (b"a1 STARTTLS\r\n", b"* CAPABILITY IMAP4rev2\r\na1 OK begin\r\n"),
            context=context,
        )
        with peers.peer(talk) as port:
            self.shown(port, "--starttls", "imap")


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
