"""``rootlet provision``: every way to a key and a certificate, Wi-Fi passwords, lists."""

import json
import os
import pty
import shlex
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from rootlet import credentials, identity, pem, provision
from rootlet.cli import provision_source
from rootlet.cli.provision import command
from rootlet.cli.secret import WIFI_VARIABLE
from rootlet.errors import BoardError, InputError, RootletError, TrustError
from rootlet.lab import Hierarchy

HOST = "a1b2c3-ats.iot.eu-west-1.amazonaws.com"
NOW = datetime.now(UTC).replace(microsecond=0)
SECRET = "correct horse battery"
CA = Hierarchy.fresh().client_ca


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(WIFI_VARIABLE, raising=False)


@pytest.fixture
def run(capsys):
    """Run the command; return what it printed."""

    def call(*arguments):
        command.main([str(one) for one in arguments], standalone_mode=False)
        return capsys.readouterr().out

    return call


@pytest.fixture
def new(run):
    """Run the command for pump-7; return the JSON document."""

    def call(*arguments):
        return json.loads(run("--thing", "pump-7", "--endpoint", HOST, "--json", *arguments))

    return call


@pytest.fixture
def authority(tmp_path):
    """The options of a CA."""
    (tmp_path / "ca.crt").write_bytes(CA.certificate.public_bytes(form.Encoding.PEM))
    (tmp_path / "ca.key").write_bytes(encoded(CA._key))
    return "--ca-cert", "ca.crt", "--ca-key", "ca.key"


def encoded(key, encoding="PEM", private="PKCS8", protection=None):
    return key.private_bytes(
        getattr(form.Encoding, encoding),
        getattr(form.PrivateFormat, private),
        protection or form.NoEncryption(),
    )


def certificate_of(folder):
    return x509.load_der_x509_certificate(identity.read_folder(folder)["cert.der"])


class TestOneDevice:
    def test_waits_for_an_authority_and_is_completed(self, new, run, tmp_path):
        made = new()
        assert made["schema"] == "rootlet/provision/1"
        assert (made["thing"], made["folder"], made["certificate_id"]) == (
            "pump-7",
            "pump-7",
            None,
        )
        request = x509.load_pem_x509_csr((tmp_path / "pump-7" / "device.csr").read_bytes())
        found = CA_ISSUE(request, CA._key)
        (tmp_path / "pump-7.crt").write_text(pem.armour(found))
        told = run("-o", "pump-7", "--cert", "pump-7.crt")
        assert identity.read_folder(tmp_path / "pump-7")["cert.der"] == found
        assert "rootlet flash --port auto BUNDLE.rlt --device pump-7" in told

    def test_signs_itself(self, new, tmp_path):
        made = new("--self-signed")
        certificate = certificate_of(tmp_path / "pump-7")
        certificate.verify_directly_issued_by(certificate)
        assert made["ends"] == "2049-12-31T23:59:59Z"

    def test_is_signed_by_a_ca(self, new, authority, tmp_path):
        new(*authority)
        certificate_of(tmp_path / "pump-7").verify_directly_issued_by(CA.certificate)

    def test_says_nothing_secret(self, run, tmp_path, monkeypatch, authority):
        monkeypatch.setenv(WIFI_VARIABLE, SECRET)
        wifi = ("--wifi", "plant-2")
        for thing, way in (("a", ("--self-signed",)), ("b", authority), ("c", ()), ("d", wifi)):
            for extra in ((), ("--json", "--force")):
                told = run("--thing", thing, "--endpoint", HOST, *way, *extra)
                key = (tmp_path / thing / "key.der").read_bytes()
                assert SECRET not in told
                assert key[7:39].hex() not in told  # SEC 1: the private number

    def test_gets_the_settings_of_the_options(self, run, tmp_path):
        run(
            "--thing", "pump-7", "--endpoint", HOST, "--address", "192.0.2.1", "--mqtt-port", 8884,
            "--ntp", "pool.ntp.org", "--offers", "fleet/offers", "--recovery", "http://a/b",
        )  # fmt: skip
        assert json.loads((tmp_path / "pump-7" / "rootlet.json").read_bytes()) == {
            "endpoint": HOST, "thing": "pump-7", "address": "192.0.2.1", "port": 8884,
            "ntp": "pool.ntp.org", "offers": "fleet/offers", "recovery": ["http://a/b"],
        }  # fmt: skip

    def test_ends_on_the_day_that_is_given(self, new):
        day = f"{NOW + timedelta(days=30):%Y-%m-%d}"
        assert new("--self-signed", "--not-after", day)["ends"] == f"{day}T23:59:59Z"

    def test_has_the_common_name_that_is_given(self, new, tmp_path):
        new("--self-signed", "--common-name", "pump-7", "-o", "x")
        (name,) = certificate_of(tmp_path / "x").subject
        assert name.value == "pump-7"


CA_ISSUE = credentials.Authority(CA.certificate, CA._key, NOW).issue


class TestImport:
    P256 = ec.generate_private_key(ec.SECP256R1())
    RSA = rsa.generate_private_key(65537, 2048)

    @pytest.mark.parametrize("encoding", ["PEM", "DER"])
    @pytest.mark.parametrize("private", ["PKCS8", "TraditionalOpenSSL"])
    @pytest.mark.parametrize("key", [P256, RSA], ids=["p256", "rsa"])
    def test_takes_every_form_and_puts_der_on_the_board(
        self, new, tmp_path, key, private, encoding
    ):
        certificate = CA_ISSUE(credentials.request(key), key)
        (tmp_path / "k").write_bytes(encoded(key, encoding, private))
        text = pem.armour(certificate).encode() if encoding == "PEM" else certificate
        (tmp_path / "c").write_bytes(text)
        made = new("--key", "k", "--cert", "c")
        held = identity.read_folder(tmp_path / "pump-7")
        assert held["key.der"] == encoded(key, "DER", "TraditionalOpenSSL")
        assert held["cert.der"] == certificate
        assert made["key_id"] == credentials.spki_sha256(key)

    def test_a_pair_that_is_none_is_refused_before_a_byte_is_written(self, new, tmp_path):
        (tmp_path / "k").write_bytes(encoded(self.P256))
        key = credentials.new_key()
        (tmp_path / "c").write_bytes(CA_ISSUE(credentials.request(key), key))
        with pytest.raises(InputError, match="does not belong to the certificate"):
            new("--key", "k", "--cert", "c")
        assert not (tmp_path / "pump-7").exists()

    def test_a_certificate_that_has_ended_is_refused(self, new, tmp_path):
        past = NOW - timedelta(days=9)
        issue = credentials.self_signed(past - timedelta(days=9), past)
        (tmp_path / "k").write_bytes(encoded(self.P256))
        (tmp_path / "c").write_bytes(issue(credentials.request(self.P256), self.P256))
        with pytest.raises(TrustError) as caught:
            new("--key", "k", "--cert", "c")
        assert caught.value.code == "EXPIRED"


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((), "which device?"),
            (("-o", "x"), "gets its certificate, no more"),
            (("-o", "x", "--self-signed", "--ntp", "a"), "gets its certificate, no more"),
            (("-o", "x", "--self-signed"), "no key to complete"),
            (("--thing", "a/b", "--endpoint", HOST), "not a thing name"),
            (("--thing", "a"), "the endpoint is missing"),
            (("--thing", "a", "--endpoint", f"{HOST}:8883"), "a device would refuse"),
            (("--thing", "a", "--endpoint", HOST, "--ca-cert", "c"), "go together"),
            (("--thing", "a", "--self-signed", "--ca-cert", "c"), "one certificate"),
            (("--thing", "a", "--self-signed", "--cert", "c"), "one certificate"),
            (("--thing", "a", "--cert", "missing.crt"), "missing.crt: cannot be read"),
            (("--thing", "a", "--endpoint", HOST, "--key", "missing"), "missing: cannot be read"),
            (("--thing", "a", "--not-after", "2030-01-01"), "--not-after dates"),
            (("--thing", "a", "--self-signed", "--not-after", "2020-01-01"), "no end"),
            (("--thing", "a", "--self-signed", "--not-after", "2050-01-01"), "no end"),
            (("--thing", "a", "--endpoint", HOST, "--port", "p"), "no certificate to put"),
            (("--thing", "a", "--endpoint", HOST, "--wifi-open"), "needs its name"),
            (("--csv", "a.csv"), "many devices"),
            (("--csv", "a.csv", "-o", "x", "--thing", "a"), "many devices"),
            (("--csv", "a.csv", "-o", "x", "--force"), "many devices"),
            (("--csv", "a.csv", "-o", "x", "--endpoint", HOST), "a.csv: cannot be read"),
        ],
    )
    def test_are_told_and_leave_no_trace(self, run, tmp_path, arguments, words):
        with pytest.raises(InputError) as caught:
            run(*arguments)
        assert words in f"{caught.value.what} {caught.value.why}"
        assert list(tmp_path.iterdir()) == []

    def test_a_clock_beyond_the_last_day_of_certificates_is_told(self):
        options = provision_source.Source(None, True, None, None, None)
        with pytest.raises(InputError, match="this computer's clock says 2107-01-01") as caught:
            provision_source.issue(options, datetime(2107, 1, 1, tzinfo=UTC))
        assert caught.value.code == "CLOCK"

    def test_a_sealed_ca_key_asks_and_needs_a_terminal(self, new, authority, tmp_path):
        seal = form.BestAvailableEncryption(SECRET.encode())
        (tmp_path / "ca.key").write_bytes(encoded(CA._key, protection=seal))
        with pytest.raises(InputError, match="nobody is there to ask"):
            new(*authority)

    def test_a_network_port_is_refused_before_a_key_is_made(self, new, tmp_path):
        with pytest.raises(TrustError, match="local port only"):
            new("--self-signed", "--port", "rfc2217://192.0.2.1:1")
        assert list(tmp_path.iterdir()) == []

    def test_a_port_that_is_not_there_keeps_the_folder_and_says_how_to_go_on(
        self, new, run, tmp_path, capsys
    ):
        with pytest.raises(BoardError):
            new("--self-signed", "--port", "/dev/ttyNONE")
        told = "put it on the board with: rootlet provision -o pump-7 --port /dev/ttyNONE"
        assert told in capsys.readouterr().err
        before = identity.read_folder(tmp_path / "pump-7")
        with pytest.raises(BoardError):
            run("-o", "pump-7", "--port", "/dev/ttyNONE")
        assert identity.read_folder(tmp_path / "pump-7") == before

    def test_a_certificate_without_its_key_is_refused(self, new, tmp_path):
        key = credentials.new_key()
        (tmp_path / "c").write_bytes(CA_ISSUE(credentials.request(key), key))
        with pytest.raises(InputError, match="comes with a key"):
            new("--cert", "c")


class TestAWifiPassword:
    def wifi(self, tmp_path):
        return json.loads((tmp_path / "pump-7" / "wifi.json").read_bytes())

    @pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
    def test_comes_out_of_a_private_file_without_its_line_end(self, new, tmp_path, end):
        (tmp_path / "p").write_bytes(SECRET.encode() + end)
        (tmp_path / "p").chmod(0o600)
        new("--wifi", "plant-2", "--wifi-password-file", "p")
        assert self.wifi(tmp_path) == {"ssid": "plant-2", "password": SECRET}
        assert stat.S_IMODE((tmp_path / "pump-7" / "wifi.json").stat().st_mode) == 0o600

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
    def test_in_a_file_that_others_may_read_is_refused(self, new, tmp_path, mode):
        (tmp_path / "p").write_text(SECRET)
        (tmp_path / "p").chmod(mode)
        with pytest.raises(InputError) as caught:
            new("--wifi", "plant-2", "--wifi-password-file", "p")
        assert caught.value.hint == "chmod 600 p"

    def test_comes_out_of_the_environment(self, new, tmp_path, monkeypatch):
        monkeypatch.setenv(WIFI_VARIABLE, SECRET)
        new("--wifi", "plant-2")
        assert self.wifi(tmp_path)["password"] == SECRET

    def test_of_an_open_network_is_none_and_must_be_said(self, new, tmp_path, monkeypatch):
        monkeypatch.setenv(WIFI_VARIABLE, "")
        with pytest.raises(InputError, match="the Wi-Fi password is empty"):
            new("--wifi", "guests")
        new("--wifi", "guests", "--wifi-open")
        assert self.wifi(tmp_path) == {"ssid": "guests", "password": ""}

    def test_that_is_missing_without_a_terminal_says_how_to_give_it(self, new, tmp_path):
        with pytest.raises(InputError) as caught:
            new("--wifi", "plant-2")
        assert WIFI_VARIABLE in caught.value.hint
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("password", ["short", "x" * 64, "tab\tinside"])
    def test_that_no_network_has_is_refused_and_not_shown(self, new, monkeypatch, password):
        monkeypatch.setenv(WIFI_VARIABLE, password)
        with pytest.raises(InputError) as caught:
            new("--wifi", "plant-2")
        told = f"{caught.value.what}{caught.value.why}{caught.value.hint}"
        assert password not in told

    def test_is_no_option(self, new):
        with pytest.raises(Exception, match="No such option"):
            new("--wifi", "plant-2", "--wifi-password", SECRET)

    def test_is_asked_for_on_a_terminal_and_not_echoed(self, tmp_path):
        line, inner = pty.openpty()
        arguments = ("--thing", "pump-7", "--endpoint", HOST, "--wifi", "plant-2", "--self-signed")
        with subprocess.Popen(
            [sys.executable, "-m", "rootlet", "provision", *arguments],
            stdin=inner, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        ) as program:  # fmt: skip
            assert program.stderr
            asked = program.stderr.read(len("Password of the Wi-Fi network 'plant-2': "))
            os.write(line, SECRET.encode() + b"\n")
            out, err = program.communicate(timeout=60)
        os.close(inner)
        os.set_blocking(line, False)
        try:
            echoed = os.read(line, 1024)
        except OSError:  # nothing, or the other end is closed
            echoed = b""
        os.close(line)
        assert program.returncode == 0, err
        assert b"plant-2" in asked
        assert SECRET.encode() not in echoed + out + err
        assert self.wifi(tmp_path)["password"] == SECRET


class TestAList:
    @pytest.fixture
    def pumps(self, tmp_path):
        (tmp_path / "pumps.csv").write_text("thing,ntp\npump-1,\npump-2,pool.ntp.org\n")
        return "--csv", "pumps.csv", "-o", "pumps", "--endpoint", HOST

    def test_is_made_and_made_again_only_where_it_must(self, run, pumps, authority):
        assert run(*pumps) == "pumps: 2 devices: 2 made\n"
        assert run(*pumps, *authority) == "pumps: 2 devices: 2 got their certificate\n"
        document = json.loads(run(*pumps, *authority, "--json"))
        assert document["schema"] == "rootlet/provision-list/1"
        assert (document["made"], document["there"], document["damaged"]) == (0, 2, {})

    def test_with_a_damaged_folder_names_it_and_fails(self, run, pumps, tmp_path):
        run(*pumps)
        (tmp_path / "pumps" / "pump-2" / "key.der").write_bytes(b"")
        with pytest.raises(RootletError, match="1 devices are damaged") as caught:
            run(*pumps)
        assert "pump-2" in caught.value.why
        assert caught.value.exit_status == 1

    def test_tells_what_is_gone_and_what_differs(self, run, pumps, tmp_path, capsys):
        run(*pumps)
        (tmp_path / "pumps" / "pump-1").rename(tmp_path / "safe")
        command.main([*pumps, "--ntp", "time.example"], standalone_mode=False)
        told = capsys.readouterr().err
        assert "no second key was made: pump-1" in told
        (tmp_path / "safe").rename(tmp_path / "pumps" / "pump-1")
        command.main([*pumps, "--ntp", "time.example"], standalone_mode=False)
        assert "other settings in their folders than they would get now: pump-1" in (
            capsys.readouterr().err
        )

    def test_that_is_stopped_says_how_far_it_came(self, pumps, capsys, monkeypatch):
        real = provision.create

        def stop(folder, *arguments, **options):
            if folder.name == "pump-2":
                raise KeyboardInterrupt
            return real(folder, *arguments, **options)

        monkeypatch.setattr(provision, "create", stop)
        with pytest.raises(click.Abort):  # what click makes of Ctrl-C; cli.main exits with 130
            command.main(list(pumps), standalone_mode=False)
        assert "1 of 2 devices are done; the same command goes on" in capsys.readouterr().err


class TestThePage:
    """docs/provision.md: each command that needs no board, in order, as it stands there."""

    def test_its_commands_do_what_it_says(self, run, authority, tmp_path, monkeypatch):
        lines = (Path(__file__).parents[2] / "docs" / "provision.md").read_text().splitlines()
        commands = [
            shlex.split(line, comments=True)
            for line in lines
            if line.startswith("    rootlet ") and "--port " not in line
        ]
        monkeypatch.setenv(WIFI_VARIABLE, SECRET)
        key = credentials.new_key()
        (tmp_path / "old.key").write_bytes(encoded(key, "DER"))
        (tmp_path / "old.crt").write_bytes(CA_ISSUE(credentials.request(key), key))
        start = lines.index("```csv") + 1
        (tmp_path / "pumps.csv").write_text("\n".join(lines[start : lines.index("```", start)]))
        for words in commands:
            run(*words[2:])
            request = tmp_path / "pump-7" / "device.csr"
            found = x509.load_pem_x509_csr(request.read_bytes())
            (tmp_path / "pump-7.crt").write_bytes(CA_ISSUE(found, CA._key))
        made = [*(f"pump-{number}" for number in range(7, 13)), "pumps/pump-1", "pumps/pump-2"]
        assert len(commands) == 9
        for name in made:
            identity.read_folder(tmp_path / name)
