"""How much the lab carries: clients held at once, messages lost, handshakes per second.

``python bench/lab_load.py [--clients N] [--broker auto] [--no-compare]``, or ``make bench-lab``.

Every client is a connection of its own with mutual TLS (TLS 1.2, P-256, chain shape 3), MQTT
CONNECT and SUBSCRIBE. Each then publishes at QoS 1 to the next one: what does not arrive is lost.
The comparison is with mosquitto's own TLS listener, same certificates and suites, same client, in
turns within the same run: loader, front and broker share the machine in both.
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
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mqtt_client import Client
from processes import children, cpu, take_descriptors

from rootlet.lab import Lab, certificates
from rootlet.lab.broker import find_mosquitto

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

_AT_ONCE = 32  # handshakes under way
_ROUNDS, _HANDSHAKES = 3, 400  # per server, in turns
_LEAST = 0.6  # of mosquitto's handshakes per second


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
def own_listener(lab: Lab, program: str) -> Iterator[Server]:
    """Run mosquitto with its own TLS listener and the lab's certificates."""
    with tempfile.TemporaryDirectory(prefix="rl-") as name:
        folder, port = Path(name), _free_port()
        _write_config(folder, lab, port)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stderr=log)
        try:
            _wait(port)
            own = of_lab(lab)._replace(name="mosquitto's own TLS", pids=(process.pid,))
            yield own._replace(address=("127.0.0.1", port))
        finally:
            process.terminate()
            process.wait()


def _write_config(folder: Path, lab: Lab, port: int) -> None:
    chain = lab.pki.chain(lab.face.ecc_issuer, lab.domain, "3")
    ca = certificates.pem(lab.pki.client_ca.certificate)
    for file, content in (("ca", ca), ("chain", chain.pem), ("key", chain.key_pem)):
        (folder / file).write_bytes(content)
    lines = [
        f"listener {port} 127.0.0.1",
        f"cafile {folder}/ca",
        f"certfile {folder}/chain",
        f"keyfile {folder}/key",
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


def compare(lab: Lab, program: str) -> bool:
    """Print handshakes per second of both, in turns, and their ratio."""
    rates: dict[str, list[Rate]] = {}
    with own_listener(lab, program) as own:
        for _ in range(_ROUNDS):
            for server in (own, of_lab(lab)):
                made = asyncio.run(handshakes(server, _HANDSHAKES))
                rates.setdefault(server.name, []).append(made)
    per_second = {name: _show(name, made) for name, made in rates.items()}
    ratio = per_second["lab"] / per_second[own.name]
    print(f"{'ratio':20} {ratio:6.2f} (at least {_LEAST})")
    return ratio >= _LEAST


def _show(name: str, made: list[Rate]) -> float:
    count, seconds = sum(each.handshakes for each in made), sum(each.seconds for each in made)
    cpu = 1_000 * sum(each.cpu for each in made) / count
    print(f"{name:20} {count / seconds:6.0f} handshakes/s, {cpu:.1f} ms of processor each")
    return count / seconds


def main() -> int:
    """Return 0 if no message was lost and the ratio is high enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--messages", type=int, default=3, help="from each client")
    parser.add_argument("--broker", choices=("auto", "mosquitto", "amqtt"), default="auto")
    parser.add_argument("--fronts", type=int, default=1, help="front processes")
    parser.add_argument("--no-compare", action="store_true")
    options = parser.parse_args()
    program = None if options.no_compare else find_mosquitto()
    if program is None and not options.no_compare:
        print("error: mosquitto is missing: apt-get install mosquitto", file=sys.stderr)
        return 2
    take_descriptors(2 * options.clients)  # the front needs two a client
    with Lab(broker=options.broker, fronts=options.fronts) as lab:
        good = program is None or compare(lab, program)
        connecting, passing, lost = asyncio.run(
            hold(of_lab(lab), options.clients, options.messages)
        )
        total = options.clients * options.messages
        print(
            f"{options.clients} clients at once, {lab.broker_kind}, {connecting:.1f} s to connect"
        )
        print(f"{total} messages, {lost} lost, {passing:.1f} s")
    return 0 if good and not lost else 1


if __name__ == "__main__":
    sys.exit(main())
