"""A device that rotates, in a process of its own on either interpreter, and who is in between."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives.serialization import Encoding

from fixtures_device import Device
from rootlet import bundle, resources
from rotation_world import KEYS_1, keys, offered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rootlet.lab import Hierarchy, Lab
    from rootlet.lab.pki import Validity

RSA, ECC = "amazon-root-ca-1", "amazon-root-ca-3"
SCRIPT = Path(__file__).parent / "device" / "rotation_script.py"
_FIRMWARE = resources.device_package().parents[1] / "host/rootlet/boardio/virtual/firmware"
#: An hour ago: later than the leaf of a lab begins, earlier than the clock of this machine.
RECENT = int(time.time()) // 3600 * 3600 - 3600


def anchors(pki: Hierarchy, *names: str, validity: Validity = "true") -> tuple[bundle.Anchor, ...]:
    """Return roots of a lab as anchors."""
    made = [pki.anchor(name, validity).public_bytes(Encoding.DER) for name in names]
    return tuple(bundle.Anchor(der, hashlib.sha256(der).digest()) for der in made)


class RotatingDevice(Device):
    """A device with key set 1, a flashed bundle, and steps to take: see rotation_script.py."""

    def prepare(self, lab: Lab, roots: tuple[str, ...] = (RSA,), **settings: Any) -> Self:
        """Flash a bundle of ``roots``, which has every cipher, and key set 1."""
        self.install(lab, (RSA,), **settings)
        self.flash = offered(anchors(lab.pki, *roots), 1, created=RECENT)
        (self.folder / "ta").write_bytes(self.flash)
        (self.folder / "k1").write_bytes(keys(KEYS_1))
        return self

    def configure(self, **settings: Any) -> None:
        """Change settings."""
        path = self.folder / "rootlet.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | settings))

    def carry(self, name: str, data: bytes) -> bytes:
        """Put a file where the step ``offer NAME`` finds it."""
        (self.folder / name).write_bytes(data)
        return data

    def start(self, *steps: str, clock: float | None = None) -> subprocess.Popen[str]:
        """Start the device and let it take steps."""
        command, environment = self._command(clock or time.time())
        return subprocess.Popen(
            [*command, str(SCRIPT), str(self.folder), str(_FIRMWARE), *steps],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def take(self, *steps: str, clock: float | None = None) -> list[Any]:
        """Start the device, let it take steps, and return what came of each."""
        with self.start(*steps, clock=clock) as process:
            try:
                output, errors = process.communicate(timeout=90)
            finally:
                process.kill()  # or leaving the block would wait for one that hangs, for ever
        assert process.returncode == 0, errors
        results: list[Any] = json.loads(output.strip().splitlines()[-1])
        return results


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Accept connections, each in a thread of its own, and hand them to ``answer``."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = []

        def handle(connection: socket.socket) -> None:
            with connection, suppress(OSError):  # the client may reset it
                answer(connection)

        def loop() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=handle, args=(connection,)))
                threads[-1].start()

        accepting = threading.Thread(target=loop)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for each in threads:
                each.join()


@contextmanager
def impostor(pki: Hierarchy, domain: str) -> Iterator[int]:
    """A TLS server whose every name is right and every key another: yield its port."""
    chain = pki.lookalike().chain("Amazon ECDSA 256 M01", domain, "3")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_NONE
    with tempfile.NamedTemporaryFile() as file:
        file.write(chain.pem + chain.key_pem)
        file.flush()
        context.load_cert_chain(file.name)

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as stream:
            stream.recv(1000)

    with serving(answer) as port:
        yield port


class Between:
    """Whoever is on the network: sends each connection where it likes, and keeps every byte.

    ``route(number)`` is the port to connect number ``number`` (from 0) to. ``sent`` is what the
    device sent, one entry for each connection.
    """

    def __init__(self, route: Callable[[int], int]) -> None:
        self.route = route
        self.sent: list[bytearray] = []
        self._devices: list[socket.socket] = []
        self._serving = serving(self._pass)

    def __enter__(self) -> Self:
        self.port = self._serving.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.__exit__(None, None, None)

    def cut(self) -> None:
        """End every connection there is."""
        for device in self._devices:
            with suppress(OSError):
                device.shutdown(socket.SHUT_RDWR)

    def _pass(self, device: socket.socket) -> None:
        kept = bytearray()
        self._devices.append(device)
        self.sent.append(kept)
        with socket.create_connection(("127.0.0.1", self.route(len(self.sent) - 1))) as server:
            back = threading.Thread(target=_copy, args=(server, device))
            back.start()
            _copy(device, server, kept)
            back.join()


def _copy(source: socket.socket, to: socket.socket, kept: bytearray | None = None) -> None:
    with suppress(OSError):
        while part := source.recv(4096):
            if kept is not None:
                kept += part
            to.sendall(part)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)
