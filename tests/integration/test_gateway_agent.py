"""``python -m urootlet`` on a gateway, against the lab: real TLS, real broker, real signals."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

import csr_authority
import urootlet
from fixtures_device import DEVICE, Device
from jobs_world import document, reasons
from rootlet.lab.jobs import JobService
from rotating_device import RotatingDevice
from rotation_cases import ROOTS, Release
from rotation_world import PowerCut
from urootlet import csr_cpython
from urootlet.agent_cpython import Agent
from urootlet.csr_cpython import Renewer
from urootlet.errors import Error
from urootlet.renewal import Renewal
from urootlet.signals_cpython import Stopped

OFFERS = "rootlet/offers/pumps"
THING = "test-thing"
UNIT = Path(__file__).parents[2] / "examples" / "gateway" / "rootlet.service"
AUTHORITY = Path(csr_authority.__file__)
#: The agent with looks that are not 5 minutes apart, and pauses that are not either.
HASTY = (
    "import sys",
    "from urootlet import agent_cpython, csr_cpython",
    "agent_cpython._CHECK = 0.1",
    "csr_cpython._FIRST_PAUSE = 60",
    "real = csr_cpython.time.monotonic",
    "csr_cpython.time = type('Time', (), {'monotonic': lambda: 200 * real()})",
    "sys.exit(agent_cpython.main())",
)
STOPPED = Path(__file__).parents[1] / "device" / "stopped_script.py"


class Gateway:
    """A folder of a device, and the agent on it."""

    def __init__(self, folder, lab, **settings):
        folder.mkdir(mode=0o700)
        self.folder, self.lab = folder, lab
        RotatingDevice(Device("cpython", folder), lab, **settings)

    def isolate(self):
        """Let nobody answer from now on."""
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        path = self.folder / "rootlet.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"port": port}))

    def start(self, *options, hasty=(), **environment):
        """Start the agent, or ``hasty`` lines of Python that make its times shorter."""
        agent = ("-c", "\n".join(hasty)) if hasty else ("-m", "urootlet")
        command = [sys.executable, "-W", "error", *agent, "--dir", str(self.folder)]
        return subprocess.Popen(
            [*command, "--verbose", *options],
            env={**os.environ, "PYTHONPATH": str(DEVICE), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *options):
        """Let the agent do what is to do; return its exit status, and what it said."""
        with self.start("--once", *options) as running:
            told, _ = running.communicate(timeout=60)
        self.keeps_its_secrets(told)
        return running.returncode, told

    def keeps_its_secrets(self, told):
        for name in ("key.der", "ita", "itb", "inew"):
            path = self.folder / name
            if path.exists():
                secret = path.read_bytes()[-100:]
                for text in (repr(secret)[2:30], secret.hex()[:40], base64.b64encode(secret)[:30]):
                    assert str(text) not in told
        for path in self.folder.glob("i*"):
            assert path.stat().st_mode & 0o077 == 0, f"{path.name} is not private"


def python(*arguments):
    """Run this interpreter with the device package, and see that it ends well."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env={**os.environ, "PYTHONPATH": str(DEVICE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture
def gateway(tmp_path, lab):
    return Gateway(tmp_path / "gateway", lab)


@pytest.fixture
def newer(lab):
    """One root more than before: good on the server as it is."""
    return Release(lab.pki, 2, roots=(*ROOTS, "amazon-root-ca-4")).encode()


class TestOnce:
    def test_it_does_its_jobs_and_its_exit_status_says_whether_something_waits(
        self, gateway, lab, newer
    ):
        stranger = Release(lab.pki.lookalike(), 3).encode()
        with JobService(lab.broker_socket) as service:
            service.create("good", document(newer), THING)
            status, told = gateway.run()
            assert status == 0
            assert "roots confirm sequence 2" in told
            service.create("bad", document(stranger), THING)
            assert gateway.run()[0] == 6
            jobs = [service.execution(job, THING) for job in ("good", "bad")]
        assert reasons(jobs) == [("SUCCEEDED", "confirmed"), ("FAILED", "parked")]

    def test_without_a_server_it_ends_with_5_and_says_what_to_do(self, gateway):
        gateway.isolate()
        status, told = gateway.run()
        assert status == 5
        assert "E-NET" in told
        assert "check Wi-Fi, firewall, host and port" in told

    @pytest.mark.parametrize(
        ("harm", "said"),
        [
            (shutil.rmtree, "No such file"),
            (lambda folder: (folder / "rootlet.json").write_text("{"), "E-FORMAT: rootlet.json"),
        ],
        ids=["no folder", "no settings"],
    )
    def test_a_folder_of_no_use_is_2(self, gateway, harm, said):
        harm(gateway.folder)
        status, told = gateway.run()
        assert status == 2
        assert said in told
        assert "--help says what the folder holds" in told


class TestUntilItIsStopped:
    def test_it_takes_an_offer_and_tells_systemd_how_it_is(self, tmp_path, lab, newer):
        gateway = Gateway(tmp_path / "gateway", lab, offers=OFFERS)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(tmp_path / "notify"))
            systemd.settimeout(30)
            running = gateway.start("--no-jobs", NOTIFY_SOCKET=str(tmp_path / "notify"))
            with running, lab.subscriber("nothing") as operator:
                self.hears(systemd, b"READY=1")
                second = gateway.start("--once")
                told, _ = second.communicate(timeout=30)
                assert second.returncode == 2
                assert "another agent is at work there" in told
                operator.publish(OFFERS, newer, retain=True)
                self.hears(systemd, b"READY=1")  # connected again, with the new roots
                running.send_signal(signal.SIGTERM)
                self.hears(systemd, b"STOPPING=1")
                told, _ = running.communicate(timeout=30)
                operator.publish(OFFERS, b"", retain=True)
        assert running.returncode == 0
        assert "roots confirm sequence 2" in told

    def test_it_takes_all_that_has_come_with_one_look(self, tmp_path, lab, monkeypatch, caplog):
        gateway = Gateway(tmp_path / "gateway", lab, offers=OFFERS)
        agent = Agent(f"{gateway.folder}/", jobs=False)
        client = agent.renewal.connect()
        monkeypatch.setattr(agent.renewal, "connect", lambda: client)
        caplog.set_level("INFO", "urootlet")

        def flood():
            for _ in range(100):
                operator.publish(OFFERS, b"no bundle")
            wait_for(lambda: client._messages.qsize() == 100)

        def stop():
            raise Stopped

        rests = iter((flood, stop))
        monkeypatch.setattr(agent, "_rest", lambda _seconds: next(rests)())
        with lab.subscriber("nothing") as operator, pytest.raises(Stopped):
            agent.run(once=False)
        assert [one for one in caplog.messages if "error" in one] == [
            "roots error E-FORMAT: byte 0: magic"
        ] * 100

    def hears(self, systemd, what):
        while what not in systemd.recv(4096):
            pass

    def test_an_interrupt_ends_it_with_130_while_it_waits_for_the_network(self, gateway):
        text = (gateway.folder / "rootlet.json").read_text()
        (gateway.folder / "rootlet.json").write_text(text.replace("127.0.0.1", "not.invalid"))
        with gateway.start() as running:
            assert running.stdout is not None
            while "E-DNS" not in running.stdout.readline():
                pass
            running.send_signal(signal.SIGINT)
            told, _ = running.communicate(timeout=30)
        assert running.returncode == 130
        assert "Traceback" not in told

    @pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
    def test_a_signal_at_any_call_from_start_to_end_ends_it_well(self, gateway, number, status):
        gateway.isolate()
        options = ("--dir", str(gateway.folder), "--once", "--renew", "/bin/false")
        told = json.loads(python(str(STOPPED), str(int(number)), "8", *options))
        assert told["never"] == 5
        assert told["calls"] > 1000
        assert told["found"] == [status] * 8


class TestItsCertificate:
    @pytest.fixture
    def ending(self, gateway, lab):
        """A gateway whose certificate ends in a week."""
        csr_authority.settle(gateway.folder.parent, lab.pki)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, THING)])
        found = csr_authority.issue(gateway.folder.parent, name, key.public_key(), 10)
        (gateway.folder / "cert.der").write_bytes(found.public_bytes(Encoding.DER))
        (gateway.folder / "key.der").write_bytes(
            key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )
        return gateway

    def renew(self, gateway, fault=""):
        program = f"{sys.executable} {AUTHORITY} {gateway.folder.parent} {fault}"
        return gateway.run("--no-jobs", "--renew", program, "--renew-days", "5000")

    def calls(self, gateway):
        return (gateway.folder.parent / "calls").read_text().split("\n")[:-1]

    def test_that_ends_soon_is_renewed_and_the_old_one_retired_once(self, ending):
        old = hashlib.sha256((ending.folder / "cert.der").read_bytes()).hexdigest()
        for _ in range(2):
            status, told = self.renew(ending)
            assert status == 0
        assert self.calls(ending) == ["sign", f"retire {old}"]
        assert "certificate" not in told  # the second run had nothing to do
        new = x509.load_der_x509_certificate((ending.folder / "itb").read_bytes()[:-121])
        assert new.not_valid_after_utc.year > 2026
        assert not (ending.folder / "inew").exists()

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            ("nonsense", "no certificate"),
            ("other", "for another key"),
            ("short", "ends no later"),
        ],
    )
    def test_an_answer_of_no_use_changes_nothing(self, ending, fault, said):
        with pytest.raises(Error, match=said):
            renewer(ending, fault).renew()
        assert not (ending.folder / "itb").exists()

    def test_the_old_one_serves_while_there_is_no_answer(self, ending):
        status, told = self.renew(ending, "fail")
        assert status == 0
        assert "sign ended with 1" in told
        assert "connected as" in told
        key = (ending.folder / "inew").read_bytes()
        self.renew(ending)
        assert (ending.folder / "itb").read_bytes().endswith(key)  # one key for both requests

    def test_a_program_that_fails_costs_no_connection_and_is_called_ever_more_rarely(
        self, ending, lab
    ):
        fails = ending.folder.parent / "fails"
        fails.touch()
        program = f"{sys.executable} {AUTHORITY} {ending.folder.parent}"
        options = ("--no-jobs", "--renew", program, "--renew-days", "5000")
        before = lab.events.last
        with ending.start(*options, hasty=HASTY) as running:
            assert running.stdout is not None
            lines = iter(running.stdout.readline, "")
            told = [next(line for line in lines if "sign ended" in line) for _ in range(3)]
            assert opened(lab, before) == 1
            fails.unlink()
            assert any("is retired" in line for line in lines)
            running.send_signal(signal.SIGTERM)
            running.communicate(timeout=30)
        assert [line.split()[-2:] for line in told] == [[n, "minutes"] for n in "124"]
        assert self.calls(ending)[:4] == ["sign"] * 4
        assert opened(lab, before) == 2
        assert running.returncode == 0

    @pytest.mark.parametrize(
        ("work", "error"),
        [("try_renew", Error("CLIENTCERT", "sign")), ("try_retire", OSError("no space"))],
    )
    def test_after_a_failure_it_waits_5_minutes_then_longer_then_a_day(
        self, ending, monkeypatch, caplog, work, error
    ):
        now, calls = 0, []

        def fail(*_words, given=b""):
            calls.append(now)
            raise error

        found = renewer(ending)
        monkeypatch.setattr(found, "_run", fail)
        monkeypatch.setattr(Renewal, "previous", Renewal.active)  # there is one to retire
        monkeypatch.setattr(csr_cpython, "time", SimpleNamespace(monotonic=lambda: now))
        while now < 5 * 86_400:
            assert not getattr(found, work)()
            now += 300
        waits = [later - one for one, later in itertools.pairwise(calls)]
        assert waits[:4] == [300, 600, 1_200, 2_400]
        assert waits[-2:] == [86_400, 86_400]
        assert waits == sorted(waits)
        assert len(caplog.messages) == len(calls)

    def test_a_program_that_hangs_is_ended_with_all_that_it_started(self, ending, monkeypatch):
        hangs = ending.folder.parent / "hangs"
        communicate = subprocess.Popen.communicate

        def hastily(child, given, timeout):
            assert timeout == 120
            wait_for(hangs.exists)
            return communicate(child, given, timeout=0.01)

        monkeypatch.setattr(subprocess.Popen, "communicate", hastily)
        with pytest.raises(Error, match="timed out"):
            renewer(ending, "hang").renew()
        wait_for(lambda: not any(map(is_running, hangs.read_text().split())))
        assert (ending.folder / "inew").exists()

    def test_a_stop_ends_a_program_that_hangs(self, ending):
        program = f"{sys.executable} {AUTHORITY} {ending.folder.parent} hang"
        hangs = ending.folder.parent / "hangs"
        options = ("--no-jobs", "--renew", program, "--renew-days", "5000")
        with ending.start(*options) as running:
            wait_for(hangs.exists)
            running.send_signal(signal.SIGTERM)
            told, _ = running.communicate(timeout=30)
        assert running.returncode == 0
        assert "connected as" in told  # the old one serves meanwhile
        wait_for(lambda: not any(map(is_running, hangs.read_text().split())))

    def test_a_key_that_may_be_part_of_a_pair_is_not_asked_for_again(self, ending, monkeypatch):
        """Power goes when the certificate is there: it may have been taken or not."""

        def cut(*_pair):
            raise PowerCut

        (ending.folder / "inew").write_bytes(made := new_key())
        with monkeypatch.context() as cutting:
            cutting.setattr(Renewal, "offer", cut)
            with pytest.raises(PowerCut):
                renewer(ending).renew()
        assert not (ending.folder / "inew").exists()
        renewer(ending).renew()
        assert not (ending.folder / "itb").read_bytes().endswith(made)

    def test_a_key_that_serves_is_not_asked_for_again(self, ending):
        """A backup was restored that still had the key of a request."""
        used = (ending.folder / "key.der").read_bytes()
        (ending.folder / "inew").write_bytes(used)
        renewer(ending).renew()
        assert not (ending.folder / "itb").read_bytes().endswith(used)


def opened(lab, after):
    """How many sessions of the gateway the lab has seen since event ``after``."""
    kinds = [one.kind for one in lab.events if one.number > after and one.thing == THING]
    return kinds.count("open")


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(process):
    """Whether there is a process of this number that has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def new_key():
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )


def renewer(gateway, *fault):
    """What the agent renews with, in this process."""
    program = (sys.executable, str(AUTHORITY), str(gateway.folder.parent), *fault)
    return Renewer(Renewal(urootlet.rotating(f"{gateway.folder}/")), program, 5000)


class TestPort443:
    def test_it_names_the_protocol(self, gateway, lab):
        """ALPN x-amzn-mqtt-ca; all is real but the number of the lab's stand-in for port 443."""
        settings = json.loads((gateway.folder / "rootlet.json").read_text()) | {"port": 443}
        (gateway.folder / "rootlet.json").write_text(json.dumps(settings))
        script = (
            "import socket, urootlet\n"
            "connect = socket.create_connection\n"
            "def elsewhere(address, *rest, **options):\n"
            "    assert address[1] == 443\n"
            f"    return connect(({lab.host!r}, {lab.alpn_port}), *rest, **options)\n"
            "socket.create_connection = elsewhere\n"
            f"client = urootlet.connect('{gateway.folder}/')\n"
            "client.publish('rootlet/test', 'hello', qos=1)\n"
            "client.disconnect()\n"
        )
        python("-c", script)


class TestTheUnit:
    def test_names_options_that_there_are(self):
        (line,) = [one for one in UNIT.read_text().splitlines() if one.startswith("ExecStart=")]
        _, *arguments = line.removeprefix("ExecStart=").split()
        assert arguments[:2] == ["-m", "urootlet"]
        python(*arguments, "--help")

    def test_is_one_that_systemd_understands(self, tmp_path):
        """Where there is a systemd-analyze; the test above has a look at the rest."""
        unit = tmp_path / UNIT.name
        lines = UNIT.read_text().splitlines()
        starts = f"ExecStart={sys.executable} -m urootlet"
        text = [starts if one.startswith("ExecStart=") else one for one in lines]
        unit.write_text("\n".join(text) + "\n")
        for check in (["verify"], ["security", "--offline=true", "--threshold=25"]):
            if not shutil.which("systemd-analyze"):
                return
            done = subprocess.run(
                ["systemd-analyze", "--man=no", *check, str(unit)],
                env={**os.environ, "SYSTEMD_COLORS": "0"},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
