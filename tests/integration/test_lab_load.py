"""The lab under many clients at once, in small: ``make bench-lab`` does it with 2,000."""

import asyncio
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rootlet.lab.broker import find_mosquitto
from rootlet.lab_front.server import to_unix

BENCH = Path(__file__).parents[2] / "bench" / "lab_load.py"
#: mosquitto is tested too where it is installed; its absence leaves the same test on amqtt.
BROKERS = ["amqtt", *(["mosquitto"] if find_mosquitto() else [])]


@pytest.mark.parametrize("broker", BROKERS)
def test_two_fronts_hold_many_clients_and_lose_no_message(broker):
    options = ["--no-compare", "--clients", "100", "--broker", broker, "--fronts", "2"]
    done = subprocess.run(
        [sys.executable, str(BENCH), *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "300 messages, 0 lost" in done.stdout


def test_the_front_waits_while_the_queue_of_the_broker_is_full():
    """connect(2): a Unix socket then says EAGAIN; asyncio would write to no connection."""
    with tempfile.TemporaryDirectory(prefix="rl-") as folder:
        path = f"{folder}/s"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(0)  # the kernel keeps one
            asyncio.run(fill_then_accept(listener, path))


async def fill_then_accept(listener, path):
    waiting = [asyncio.create_task(to_unix(path)) for _ in range(5)]
    await asyncio.sleep(0.2)
    assert sum(each.done() for each in waiting) < len(waiting)
    for _ in waiting:
        (await asyncio.to_thread(listener.accept))[0].close()
    for reader, writer in await asyncio.gather(*waiting):
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
