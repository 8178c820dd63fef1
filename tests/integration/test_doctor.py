"""The 20 failures that users meet, each produced on real parts, and what the doctor says."""

import json
import os
import pty
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial
from cryptography.hazmat.primitives import serialization as form
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from doctor_world import RSA, THING, Broken, SerialPeer, World, bundle, climb, umqtt
from rootlet import doctor
from rootlet.boardio import remote
from rootlet.boardio.remote import Remote
from rootlet.boardio.virtual import VirtualBoard
from rootlet.lab import Lab
from rootlet.pem import armour

EXAMPLES = Path(__file__).parents[2] / "examples" / "clients"
LEGACY = "a1b2c3.iot.eu-west-1.amazonaws.com"
#: A label of 64 bytes is over the limit of RFC 1035 2.3.4: nothing is asked of a network.
NO_NAME = "x" * 64
ESP32 = """
HEAP_DATA = 4
def idf_heap_info(kind):
    return [(20480, 9000, {largest}, 100), (113840, {free}, {largest}, 90)]
"""
NETWORK = """
STA_IF = 0
class WLAN:
    def __init__(self, kind): pass
    def isconnected(self): return {connected}
    def status(self): return 201
    def ifconfig(self): return ("192.0.2.7", "", "", "")
"""
STUBBORN = """
import micropython, time
micropython.kbd_intr(-1)
while True:
    print("measuring")
    time.sleep(0.1)
"""
FRAGMENTS = """
import gc
kept = []
try:
    while True:
        kept.append(bytearray(14000))
except MemoryError:
    for at in range(0, len(kept), 2):
        kept[at] = None
    gc.collect()
"""
NO_NAME_PROGRAM = """
import tls, socket
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
stream = context.wrap_socket(socket.socket())
"""
OLD_PARAMS = """
from umqtt.simple import MQTTClient
client = MQTTClient("id", "host", ssl=True, ssl_params={
    "cert_reqs": 2, "cadata": open("ta", "rb").read(), "server_hostname": "host"})
"""


@pytest.fixture(scope="module")
def world(lab_pki, tmp_path_factory):
    """One board and one lab for all of them."""
    folder = tmp_path_factory.mktemp("world")
    with Lab(pki=lab_pki, broker="amqtt") as lab, VirtualBoard(folder / "board") as board:
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


def pem_key(world, encryption=None):
    key = form.load_der_private_key(world.key, None)
    protection = form.BestAvailableEncryption(encryption) if encryption else form.NoEncryption()
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, protection)


#: number in the table of failures, code, step, exit status, what is broken
FAILURES = {
    "1 clock at power on": ("CLOCK", "clock", 3, lambda w: Broken(clock=946_684_812)),
    "2 other keys": ("ROOT", "tls", 3, lambda w: Broken(face={"root": "lookalike"})),
    "2 no such root": (
        "ROOT",
        "tls",
        3,
        lambda w: Broken(
            {"ta": bundle(w.lab.pki, "starfield-g2")},
            face={"shape": "2", "preference": "prefer-rsa"},
        ),
    ),
    "3 legacy name": ("ENDPOINT", "dns", 3, lambda w: Broken(settings={"endpoint": LEGACY})),
    "4 tutorial": (
        "NOVERIFY",
        "programs",
        3,
        lambda w: Broken({"main.py": (EXAMPLES / "umqtt_tutorial.py").read_bytes()}),
    ),
    "5 UTF-16": (
        "FORMAT",
        "files",
        3,
        lambda w: Broken({"key.der": pem_key(w).decode().encode("utf-16")}),
    ),
    "5 swapped": (
        "FORMAT",
        "files",
        3,
        lambda w: Broken({"key.der": w.cert, "cert.der": w.key}),
    ),
    "5 encrypted": ("FORMAT", "files", 3, lambda w: Broken({"key.der": pem_key(w, b"secret")})),
    "5 rubbish": ("FORMAT", "files", 3, lambda w: Broken({"cert.der": b"\x30\x06rubbish"})),
    "5 path": ("FORMAT", "files", 3, lambda w: Broken({"key.der": b"/key.der"})),
    "5 no key": ("FORMAT", "files", 3, lambda w: Broken({"key.der": None})),
    "5 no package": (
        "FORMAT",
        "files",
        3,
        lambda w: Broken({"lib/urootlet/session.mpy": None}),
    ),
    "5 bundle": ("FORMAT", "files", 3, lambda w: Broken({"ta": w.contents["ta"][:-1]})),
    "6 no name": ("SNI", "programs", 3, lambda w: Broken({"app.py": NO_NAME_PROGRAM})),
    "7 other name": (
        "NAME",
        "tls",
        3,
        lambda w: Broken(face={"leaf_domain": "iot.us-east-1.amazonaws.com"}),
    ),
    "8 no bundle": ("NOROOTS", "files", 3, lambda w: Broken({"ta": None})),
    "8 empty bundle": ("NOROOTS", "files", 3, lambda w: Broken({"ta": b""})),
    "9 IDF heap": (
        "HEAP",
        "heap",
        4,
        lambda w: Broken({"esp32.py": ESP32.format(largest=11520, free=90000)}),
    ),
    "9 Python heap": (
        "HEAP",
        "heap",
        4,
        lambda w: Broken({"boot.py": FRAGMENTS}),
    ),
    "10 unknown": ("CLIENTCERT", "tls", 3, lambda w: Broken(face={"knows_client": False})),
    "10 unknown, TLS 1.3": (
        "CLIENTCERT",
        "mqtt",
        3,
        lambda w: Broken(face={"knows_client": False, "tls13": True}),
    ),
    "10 another's key": (
        "CLIENTCERT",
        "pair",
        3,
        lambda w: Broken({"cert.der": w.lab.pki.issue_identity("other").cert_der}),
    ),
    "11 no suite": (
        "TLSPOLICY",
        "tls",
        3,
        lambda w: Broken(
            {"ta": bundle(w.lab.pki, RSA, profile="rsa")}, face={"preference": "ecc-only"}
        ),
    ),
    "12 closed": ("POLICY", "mqtt", 5, lambda w: Broken(face={"fault": "close:connack"})),
    "12 refused": ("POLICY", "mqtt", 5, lambda w: Broken(face={"fault": "refuse:connack"})),
    "13 publish": ("TOPIC", "publish", 5, lambda w: Broken(face={"fault": "close:publish"})),
    "13 subscribe": ("TOPIC", "subscribe", 5, lambda w: Broken(face={"fault": "close:subscribe"})),
    "15 URL": ("DNS", "dns", 5, lambda w: Broken(settings={"endpoint": "https://" + LEGACY})),
    "15 port in it": ("DNS", "dns", 5, lambda w: Broken(settings={"endpoint": LEGACY + ":8883"})),
    "15 unknown": ("DNS", "dns", 5, lambda w: Broken(settings={"address": NO_NAME})),
    "16 443": ("PORT", "tcp", 5, lambda w: Broken(settings={"port": 443})),
    "16 no TLS": ("PORT", "tls", 5, lambda w: Broken(face={"fault": "plain:accept"})),
    "17 without ssl": (
        "UMQTT",
        "firmware",
        4,
        lambda w: Broken({"umqtt/simple.py": umqtt("ssl", "ssl_params")}),
    ),
    "17 1.5 and ssl_params": (
        "UMQTT",
        "programs",
        4,
        lambda w: Broken({"umqtt/simple.py": umqtt("ssl_params"), "main.py": OLD_PARAMS}),
    ),
    # Not in that table, and met all the same.
    "the other family": (
        "FAMILY",
        "tls",
        3,
        lambda w: Broken({"ta": bundle(w.lab.pki, RSA)}),
    ),
    "leaf that has ended": (
        "EXPIRED",
        "tls",
        3,
        lambda w: Broken(face={"leaf_validity": "expired"}),
    ),
    "leaf of next month": ("CLOCK", "tls", 3, lambda w: Broken(face={"leaf_validity": "future"})),
    "silent NTP": (
        "CLOCK",
        "ntp",
        3,
        lambda w: Broken(settings={"ntp": NO_NAME}, clock=946_684_812),
    ),
    "nobody listens": ("NET", "tcp", 5, lambda w: Broken(settings={"port": _closed_port()})),
    "no Wi-Fi": ("NET", "wifi", 5, lambda w: Broken({"network.py": NETWORK.format(connected=0)})),
    "no tls": (
        "FIRMWARE",
        "firmware",
        4,
        lambda w: Broken({"boot.py": "import sys\nsys.modules['tls'] = sys\n"}),
    ),
}


def _closed_port():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return closed.getsockname()[1]


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
        assert "--certificate-id " in said["10 unknown"].hint

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
        with world.broken(Broken({"main.py": program, "network.py": NETWORK.format(connected=1)})):
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
        assert f"CN={THING}" in facts["pair"]

    def test_gets_its_program_back(self, world):
        program = "import time\nwhile True:\n    print('pumping')\n    time.sleep(0.1)\n"
        with world.broken(Broken({"main.py": program, "ta": None})):
            hear(world.port, b"pumping")
            failed(world.climb(), "NOROOTS", "files")
            hear(world.port, b"pumping")

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

    def test_an_encrypted_key_stays_as_it_is(self, world):
        with world.broken(Broken({"key.der": pem_key(world, b"secret")})):
            before = world.files()
            failed(world.climb(fix=frozenset({"files"})), "FORMAT", "files")
            assert world.files() == before


class TestAPort:
    @pytest.fixture(autouse=True)
    def _briefly(self, monkeypatch):
        # Each of these must fail, however long one waits.
        monkeypatch.setattr(remote, "_PROMPT", 0.3)
        monkeypatch.setattr(remote, "_PATIENCE", 1.0)

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


def hear(port, words):
    """Return when the board has said something."""
    with serial.Serial(port, timeout=30) as line:
        assert line.read_until(words).endswith(words)


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
