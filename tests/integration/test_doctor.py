"""The 20 failures that users meet, each produced on real parts, and what the doctor says."""

import base64
import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as form
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from doctor_failures import (
    FAILURES,
    LEGACY,
    NETWORK,
    NO_NAME,
    STUBBORN,
    pem_key,
    rsa_key,
    self_signed,
)
from doctor_world import RSA, THING, Broken, SerialPeer, World, bundle, climb, hear
from rootlet import __version__, doctor, resources
from rootlet.boardio import mpy, remote
from rootlet.boardio.remote import Remote
from rootlet.boardio.virtual import VirtualBoard
from rootlet.doctor import network
from rootlet.lab import Lab
from rootlet.pem import armour


@pytest.fixture(autouse=True)
def _briefly(monkeypatch, request):
    """Hold connections for a second where nobody is there who would end them, else for long."""
    monkeypatch.setattr(network, "HELD", 20 if "second_client" in request.node.name else 1)


@pytest.fixture(scope="module")
def world(lab_pki, tmp_path_factory):
    """One board and one lab for all of them."""
    folder = tmp_path_factory.mktemp("world")
    package = mpy.compile_package()
    with (
        pytest.MonkeyPatch.context() as patched,
        Lab(pki=lab_pki, broker="amqtt") as lab,
        VirtualBoard(folder / "board") as board,
    ):
        patched.setattr(mpy, "compile_package", lambda: dict(package))  # once is enough
        yield World(board, lab, folder)


def failed(outcomes, code, step):
    """Return the failure, which is the last step and the only one."""
    assert all(one.error is None for one in outcomes[:-1])
    last = outcomes[-1]
    assert last.error is not None, outcomes
    assert (last.error.code, last.step) == (code, step), (last.error, last.error.why)
    assert last.error.why
    assert last.error.hint
    return last.error


class TestAFailure:
    @pytest.mark.parametrize("name", FAILURES)
    def test_has_its_own_code_and_stops_the_climb_there(self, world, name):
        code, step, status, broken = FAILURES[name]
        with world.broken(broken(world)):
            error = failed(world.climb(), code, step)
        assert error.exit_status == status

    def test_names_what_would_help(self, world):
        said = {}
        for name in ("2 no such root", "7 other name", "10 unknown", "leaf that has ended"):
            with world.broken(FAILURES[name][3](world)):
                said[name] = world.climb()[-1].error
        assert "the bundle holds Starfield" in said["2 no such root"].why
        assert "is for iot.us-east-1.amazonaws.com" in said["7 other name"].why
        assert "valid from" in said["leaf that has ended"].why
        assert "rootlet aws certs list" in said["10 unknown"].hint

    def test_14_a_second_client_with_the_same_id(self, world):
        with world.broken(Broken()), rival(world.lab):
            error = failed(world.climb(), "CLIENTID", "stays")
        assert THING in error.why

    def test_14_a_second_client_while_a_topic_is_refused_is_not_called_a_topic(self, world):
        with world.broken(Broken(face={"fault": "close:subscribe"})), rival(world.lab):
            failed(world.climb(), "CLIENTID", "subscribe")


@contextmanager
def rival(lab):
    """A client that shows the same id, and comes back a second after it was ended."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=THING)
    client.tls_set_context(lab.client_context(THING))
    client.reconnect_delay_set(1, 1)
    client.connect(lab.host, lab.port)
    client.loop_start()
    try:
        yield
    finally:
        client.disconnect()
        client.loop_stop()


class TestABoardThatIsWell:
    def test_passes_every_step_and_keeps_every_byte(self, world):
        program = "print('mine')\n"
        library = "import tls\ncontext.verify_mode = tls.CERT_NONE\n"
        files = {"main.py": program, "lib/requests.py": library}
        with world.broken(Broken({**files, "network.py": NETWORK.format(connected=1)})):
            before = world.files()
            with world.lab.subscriber(f"rootlet/doctor/{THING}") as listener:
                outcomes = world.climb()
                assert listener.wait()[0].payload == b"rootlet doctor"
            assert world.files() == before
        assert [one.step for one in outcomes] == [
            *("port", "prompt", "firmware", "clock", "programs", "files", "pair", "heap", "wifi"),
            *("dns", "tcp", "tls", "mqtt", "publish", "subscribe", "stays"),
        ]
        assert all(one.error is None and one.fact for one in outcomes)
        facts = {one.step: one.fact for one in outcomes}
        assert "Amazon Root CA 3" in facts["tls"]
        assert "192.0.2.7" in facts["wifi"]
        assert "lib/requests.py:2" in facts["programs"]
        assert f"CN={THING}" in facts["pair"]

    @pytest.fixture
    def aged(self):
        """A package of version 0.0.9; MicroPython takes a source before the .mpy."""
        source = (resources.device_package() / "release.py").read_text()
        return {"lib/urootlet/release.py": source.replace(f'"{__version__}"', '"0.0.9"')}

    def test_with_another_version_of_the_package_is_told_so(self, world, aged):
        with world.broken(Broken(aged)):
            facts = {one.step: one.fact for one in world.climb()}
        told = f"the device package 0.0.9 is another one, and this rootlet has {__version__}"
        assert f"{told}: rootlet flash --port {world.port} BUNDLE" in facts["files"]

    def test_with_another_version_that_lacks_something_fails_by_its_name(self, world, aged):
        with world.broken(Broken({**aged, "lib/urootlet/diagnose.mpy": None})):
            error = failed(world.climb(), "FORMAT", "files")
        assert "the device package 0.0.9 cannot be loaded" in error.why
        assert f"this rootlet has {__version__}" in error.why

    def test_gets_its_program_back(self, world):
        program = "import time\nwhile True:\n    print('pumping')\n    time.sleep(0.1)\n"
        with world.broken(Broken({"main.py": program, "ta": None})):
            hear(world.port, b"pumping")
            failed(world.climb(), "NOROOTS", "files")
            hear(world.port, b"pumping")

    @pytest.mark.parametrize("encoding", [form.Encoding.DER, form.Encoding.PEM])
    def test_an_rsa_identity_is_compared_too(self, world, encoding):
        files = {"cert.der": self_signed("key-0"), "key.der": rsa_key("key-0", encoding)}
        with world.broken(Broken(files)):
            outcomes = world.climb()
        failed(outcomes, "CLIENTCERT", "tls")  # the lab does not know it
        told = "belongs to CN=rsa" if encoding is form.Encoding.DER else "does not say"
        assert told in {one.step: one.fact for one in outcomes}["pair"]
        with world.broken(Broken({**files, "key.der": rsa_key("key-1", form.Encoding.DER)})):
            failed(world.climb(), "CLIENTCERT", "pair")

    def test_another_endpoint_is_tried_when_it_is_named(self, world):
        with world.broken(Broken()):
            failed(world.climb(endpoint=LEGACY), "ENDPOINT", "dns")
            failed(world.climb(address=NO_NAME), "DNS", "dns")

    def test_a_bundle_that_must_be_there_is_compared(self, world):
        with world.broken(Broken()):
            failed(world.climb(bundle=bundle(world.lab.pki, RSA)), "FORMAT", "files")


class TestMending:
    def test_the_clock_is_set_to_utc(self, world):
        with world.broken(Broken(clock=946_684_812, files={"ta": None})):
            outcomes = world.climb(fix=frozenset({"clock"}))
            failed(outcomes, "NOROOTS", "files")
            assert abs(world.board.clock() - time.time()) < 5
        assert "it showed 2000-01-01" in outcomes[3].fact

    @pytest.mark.parametrize("encoding", ["ascii", "utf-16"])
    def test_pem_becomes_der_on_the_board(self, world, encoding):
        files = {
            "key.der": pem_key(world).decode().encode(encoding),
            "cert.der": armour(world.cert).encode(encoding),
        }
        with world.broken(Broken(files, face={"knows_client": False})):
            outcomes = world.climb(fix=frozenset({"files"}))
            failed(outcomes, "CLIENTCERT", "tls")
            after = world.files()
        assert after["cert.der"] == world.cert
        form.load_der_private_key(after["key.der"], None)
        assert not [name for name in after if name.endswith(".new")]

    def test_what_is_missing_is_flashed(self, world, tmp_path):
        lost = {"lib/urootlet/session.mpy": None, "ta": None, "main.py": "print('mine')\n"}
        other = world.lab.pki.issue_identity(THING)
        with world.broken(Broken({**lost, "key.der": None}, face={"knows_client": False})):
            outcomes = world.climb(
                fix=frozenset({"files"}),
                bundle=world.contents["ta"],
                cert=other.cert_pem,
                key=other.key_pem,
            )
            failed(outcomes, "CLIENTCERT", "tls")
            after = world.files()
        assert {path: after[path] for path in world.contents} == {
            **world.contents,
            "cert.der": other.cert_der,
            "rootlet.json": after["rootlet.json"],
        }
        assert json.loads(after["rootlet.json"])["port"] == world.lab.port
        assert after["main.py"] == b"print('mine')\n"

    @pytest.mark.parametrize(
        ("files", "code"),
        [({"key.der": None}, "FORMAT"), ({"ta": None}, "NOROOTS")],
    )
    def test_what_is_not_given_cannot_be_mended(self, world, files, code):
        with world.broken(Broken(files)):
            before = world.files()
            error = failed(world.climb(fix=frozenset({"files"})), code, "files")
            assert world.files() == before
        assert "--" in error.hint

    def test_a_full_file_system_is_left_as_it_is(self, world):
        with world.broken(Broken({"ta": None, "big": bytes(1_954_000)})):
            before = world.files()
            outcomes = world.climb(fix=frozenset({"files"}), bundle=world.contents["ta"])
            assert failed(outcomes, "FLASH", "files").exit_status == 4
            assert world.files() == before

    def test_an_encrypted_key_stays_as_it_is(self, world):
        with world.broken(Broken({"key.der": pem_key(world, b"secret")})):
            before = world.files()
            failed(world.climb(fix=frozenset({"files"})), "FORMAT", "files")
            assert world.files() == before


class TestAPort:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch):
        # Each of these must fail, however long one waits.
        monkeypatch.setattr(remote, "_PROMPT", 0.3)
        monkeypatch.setattr(remote, "_PATIENCE", 0.5)

    def climb(self, port):
        return climb(doctor.Request(port=port))

    def test_18_a_program_that_ignores_ctrl_c(self, world):
        with world.broken(Broken({"main.py": STUBBORN})):
            hear(world.port, b"measuring")
            error = failed(self.climb(world.port), "REPL", "prompt")
        assert error.exit_status == 4

    def test_18_something_that_says_nothing(self):
        with SerialPeer() as peer:
            assert "says nothing" in failed(self.climb(peer.port), "REPL", "prompt").why

    def test_18_a_board_that_restarts_again_and_again(self):
        with SerialPeer(b"rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n" * 3) as peer:
            assert "again and again" in failed(self.climb(peer.port), "REPL", "prompt").why

    def test_18_other_firmware_is_quoted_without_control_characters(self):
        with SerialPeer(b"\x1b[31mSensor 4.2 ready\x07\r\n") as peer:
            error = failed(self.climb(peer.port), "REPL", "prompt")
        assert "Sensor 4.2 ready" in error.why
        assert "\x1b" not in error.why

    def test_19_no_such_port(self):
        assert "no such port" in str(failed(self.climb("/dev/ttyNONE"), "PORTBUSY", "port"))

    def test_19_a_port_that_another_program_has(self, world):
        with world.broken(Broken()), Remote(world.port):
            error = failed(self.climb(world.port), "PORTBUSY", "port")
        assert "another program" in error.why

    def test_19_the_program_is_named(self):
        line, inner = pty.openpty()
        port = os.ttyname(inner)
        os.close(inner)
        holds = (
            "import serial, sys\n"
            f"s = serial.Serial({port!r}, exclusive=True)\nprint('has it', flush=True)\n"
            "sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline()
            error = failed(self.climb(port), "PORTBUSY", "port")
            assert f"process {holder.pid}" in error.why
            holder.communicate()
        os.close(line)

    def test_19_a_port_that_may_not_be_opened(self):
        line, inner = pty.openpty()
        port = os.ttyname(inner)
        Path(port).chmod(0)
        with nobody():
            error = failed(self.climb(port), "PORTBUSY", "port")
        os.close(line)
        os.close(inner)
        assert "dialout" in error.hint

    def test_20_a_chip_in_its_rom_loader(self):
        with SerialPeer(rom_loader=True) as peer:
            error = failed(self.climb(peer.port), "BOOT", "prompt")
        assert error.exit_status == 4
        assert "EN" in error.hint

    @pytest.mark.parametrize(
        "log",
        [
            b"rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0))\r\nwaiting for download\r\n",
            b"rst:0x10 (RTCWDT_RTC_RESET),boot:0x13\r\ninvalid header: 0xffffffff\r\n" * 4,
        ],
    )
    def test_20_a_boot_log_that_says_so(self, log):
        with SerialPeer(log) as peer:
            failed(self.climb(peer.port), "BOOT", "prompt")


class TestTheCommand:
    def test_ctrl_c_in_the_middle_gives_the_board_its_program_back(self, world):
        program = "import time\nwhile True:\n    print('pumping')\n    time.sleep(0.1)\n"
        how = Broken({"main.py": program}, {"timeout": 60}, {"fault": "stall:hello"})
        with world.broken(how), doctor_of(world.port) as running:
            after = world.lab.events.last
            world.lab.events.wait_for(lambda e: e.kind == "fault", 60, after=after)
            running.send_signal(signal.SIGINT)
            assert running.wait(60) == 130
            hear(world.port, b"pumping")
            assert "interrupted" in running.stderr.read()

    def test_secrets_on_the_board_are_not_shown(self, world):
        files = {"wifi.json": '{"ssid": "home", "password": "hunter22"}'}
        files["main.py"] = "MQTTClient('id', 'host', password='hunter22', ssl=True)\n"
        with world.broken(Broken(files)), doctor_of(world.port, "--json") as running:
            out, err = running.communicate(timeout=60)
        assert json.loads(out)["code"] == "NOVERIFY"
        assert "main.py:1" in err
        assert "hunter22" not in out + err

    def test_a_key_never_leaves_the_board(self, world, monkeypatch):
        """All that the port carries is looked at: the certificate passes by, the key does not."""
        carried = bytearray()
        opened = remote._open

        def tapped(device):
            transport = opened(device)
            transport.serial = Tap(transport.serial, carried)
            return transport

        monkeypatch.setattr(remote, "_open", tapped)
        with world.broken(Broken(face={"knows_client": False})):
            failed(world.climb(), "CLIENTCERT", "tls")
        assert [part for part in parts(world.cert) if part in carried]
        assert not [part for part in parts(world.key) if part in carried]


class Tap:
    """A serial port, and all that was read from it."""

    def __init__(self, serial, carried):
        self._serial, self._carried = serial, carried

    def __getattr__(self, name):
        return getattr(self._serial, name)

    def read(self, size=1):
        data = self._serial.read(size)
        self._carried.extend(data)
        return data


def parts(der):
    """Return 12 bytes of it from each of three places, as they are, in hex, and in base64."""
    pieces = [der[at : at + 12] for at in (9, 10, 11)]  # a key's number begins at 7
    return [form for p in pieces for form in (p, p.hex().encode(), base64.b64encode(p))]


@contextmanager
def doctor_of(port, *options):
    """The command, running."""
    with subprocess.Popen(
        [sys.executable, "-m", "rootlet", "doctor", "--port", port, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@contextmanager
def nobody():
    """Be no super-user for a moment, who may open anything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)
