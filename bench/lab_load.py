"""How much the lab carries: clients held at once, messages lost, handshakes per second.

``python bench/lab_load.py [--clients N] [--broker auto] [--no-compare]``, or ``make bench-lab``.

Every client is a connection of its own with mutual TLS (TLS 1.2, P-256, chain shape 3), MQTT
CONNECT and SUBSCRIBE. Each then publishes at QoS 1 to the next one: what does not arrive is lost.
The comparison is with mosquitto's own TLS listener, where it is installed, and with a server of
Python's own ssl module: same certificates and suites, same client, in turns within the same run.
Loader and server, and the lab's broker too, share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mqtt_client import Client
from processes import children, cpu, take_descriptors
from table import Row, finish, progress

from rootlet.lab import Lab, certificates
from rootlet.lab.broker import find_mosquitto

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

_AT_ONCE = 32  # handshakes under way
_ROUNDS, _HANDSHAKES = 3, 400  # per server, in turns
_PYTHON = Path(__file__).parent / "board" / "tls_server.py"


class Server(NamedTuple):
    """Where to connect, and how."""

    name: str
    address: tuple[str, int]
    context: ssl.SSLContext
    sni: str
    pids: tuple[int, ...]


async def connect_all(server: Server, count: int) -> list[Client]:
    """Return clients that are connected, a few handshakes at a time."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> Client:
        async with gate:
            client = Client(f"load-{number}")
            return await client.connect(server.address, server.context, server.sni)

    return await asyncio.gather(*(one(number) for number in range(count)))


async def hold(server: Server, count: int, messages: int) -> tuple[float, float, int]:
    """Return seconds to connect, seconds to pass the messages, and how many were lost."""
    began = time.monotonic()
    clients = await connect_all(server, count)
    connected = time.monotonic()
    await asyncio.gather(*(each.subscribe(f"load/{each.name}") for each in clients))
    started = time.monotonic()
    lost = 0
    for number in range(messages):
        payload = str(number).encode()
        pairs = zip(clients, [*clients[1:], clients[0]], strict=True)
        await asyncio.gather(*(a.publish(f"load/{b.name}", payload) for a, b in pairs))
        arrived = await asyncio.gather(*(_next(each) for each in clients))
        lost += sum(each != payload for each in arrived)
    ended = time.monotonic()
    await asyncio.gather(*(each.close() for each in clients))
    return connected - began, ended - started, lost


async def _next(client: Client) -> bytes | None:
    try:
        return (await asyncio.wait_for(client.message(), 60)).payload
    except TimeoutError:
        return None


class Rate(NamedTuple):
    """What a number of handshakes with CONNECT and CONNACK took."""

    handshakes: int
    seconds: float
    cpu: float  #: seconds of the server's processes


async def handshakes(server: Server, count: int) -> Rate:
    """Connect clients, then end them all."""
    began, used = time.monotonic(), cpu(server.pids)
    clients = await connect_all(server, count)
    made = Rate(count, time.monotonic() - began, cpu(server.pids) - used)
    await asyncio.gather(*(each.close() for each in clients))
    return made


def of_lab(lab: Lab) -> Server:
    """Return the lab as a server to load."""
    context = lab.client_context("load")
    pids = (*lab.pids, *children(lab.pids))
    return Server("lab", (lab.host, lab.port), context, lab.endpoint, pids)


@contextmanager
def mosquitto(lab: Lab, program: str) -> Iterator[Server]:
    """Run mosquitto with its own TLS listener and the lab's certificates."""
    with tempfile.TemporaryDirectory(prefix="rl-") as name:
        folder, port = Path(name), _free_port()
        _write_config(folder, lab, port)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stderr=log)
        try:
            _wait(port)
            yield _of(lab, "mosquitto's own TLS", process.pid, port)
        finally:
            process.terminate()
            process.wait()


@contextmanager
def python(lab: Lab) -> Iterator[Server]:
    """Run a server of Python's ssl module with the lab's certificates; it has no broker."""
    with tempfile.TemporaryDirectory(prefix="rl-") as name:
        ca, chain, key = _write_certificates(Path(name), lab)
        both = Path(name) / "both"
        both.write_bytes(chain.read_bytes() + key.read_bytes())
        command = [sys.executable, str(_PYTHON), str(both), str(ca), lab.face.ciphers]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                port = int(process.stdout.readline())  # type: ignore[union-attr] # a pipe
                yield _of(lab, "Python's ssl server", process.pid, port)
            finally:
                process.terminate()


def _of(lab: Lab, name: str, pid: int, port: int) -> Server:
    return of_lab(lab)._replace(name=name, pids=(pid,), address=("127.0.0.1", port))


def _write_certificates(folder: Path, lab: Lab) -> tuple[Path, Path, Path]:
    """Write the client CA, the chain and its key; return where."""
    chain = lab.pki.chain(lab.face.ecc_issuer, lab.domain, "3")
    paths = (folder / "ca", folder / "chain", folder / "key")
    contents = (certificates.pem(lab.pki.client_ca.certificate), chain.pem, chain.key_pem)
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def _write_config(folder: Path, lab: Lab, port: int) -> None:
    ca, chain, key = _write_certificates(folder, lab)
    lines = [
        f"listener {port} 127.0.0.1",
        f"cafile {ca}",
        f"certfile {chain}",
        f"keyfile {key}",
        "require_certificate true",
        "tls_version tlsv1.2",
        f"ciphers {lab.face.ciphers}",
        "allow_anonymous true",
        "log_type error",
    ]
    if os.geteuid() == 0:
        lines.append("user root")
    (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise SystemExit("error: mosquitto's own listener does not start")


def compare(lab: Lab, count: int = _HANDSHAKES) -> list[Row]:
    """Return a row for each other server that is there: milliseconds per handshake, in turns."""
    with ExitStack() as stack:
        servers = [of_lab(lab), stack.enter_context(python(lab))]
        program = find_mosquitto()
        if program is None:
            sys.stderr.write("left out: mosquitto's own TLS: not installed\n")
        else:
            servers.append(stack.enter_context(mosquitto(lab, program)))
        rates: dict[str, list[Rate]] = {server.name: [] for server in servers}
        for _ in range(_ROUNDS):
            for server in servers:
                progress(f"host: handshakes of {server.name}")
                rates[server.name].append(asyncio.run(handshakes(server, count)))
    mine = rates.pop("lab")
    return [_row(name, mine, theirs) for name, theirs in rates.items()]


def _row(name: str, mine: list[Rate], theirs: list[Rate]) -> Row:
    fast, other = (min(one.seconds / one.handshakes for one in made) for made in (mine, theirs))
    used = [
        1000 * sum(one.cpu for one in made) / sum(one.handshakes for one in made)
        for made in (mine, theirs)
    ]
    source = f"{1 / fast:.0f} and {1 / other:.0f} a second; server {used[0]:.1f}, {used[1]:.1f} ms"
    return Row(
        "host", f"a handshake of the lab to {name}", 1000 * fast, 1000 * other, "ms", source
    )


def rows() -> list[Row]:
    """Return the comparisons, in small."""
    with Lab() as lab:
        return compare(lab, 200)


def main() -> int:
    """Return 0 if no message was lost and no limit of a ratio is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--messages", type=int, default=3, help="from each client")
    parser.add_argument("--broker", choices=("auto", "mosquitto", "amqtt"), default="auto")
    parser.add_argument("--fronts", type=int, default=1, help="front processes")
    parser.add_argument("--no-compare", action="store_true")
    options = parser.parse_args()
    take_descriptors(2 * options.clients)  # the front needs two a client
    with Lab(broker=options.broker, fronts=options.fronts) as lab:
        compared = [] if options.no_compare else compare(lab)
        connecting, passing, lost = asyncio.run(
            hold(of_lab(lab), options.clients, options.messages)
        )
        total = options.clients * options.messages
        print(
            f"{options.clients} clients at once, {lab.broker_kind}, {connecting:.1f} s to connect"
        )
        print(f"{total} messages, {lost} lost, {passing:.1f} s")
    if lost:
        return 1
    if compared:
        finish(compared)
    return 0


if __name__ == "__main__":
    sys.exit(main())
