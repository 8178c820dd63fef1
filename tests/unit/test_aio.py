"""What a program that cancels ``urootlet.aio.connect`` on CPython finds when it goes on."""

import asyncio
import threading

import pytest

from rotation_world import CA3, NEW, Board, Server
from urootlet import aio
from urootlet.errors import Error


@pytest.fixture
def board():
    """A device whose roots are dead, and whose recovery server is slow."""
    with Board() as made:
        made.link.config.recovery = ["http://fleet"]
        made.urls["http://fleet/latest.rlt"] = NEW

        def prepare(_bundle, _floor):
            raise Error("ROOT", "dead")

        made.link.prepare = prepare  # type: ignore[attr-defined]
        yield made


def test_no_offer_is_taken_behind_its_back(board, monkeypatch):
    asked, answers = threading.Event(), threading.Event()
    answer = board._get

    def slow(url, limit):
        asked.set()
        answers.wait(30)
        return answer(url, limit)

    async def opener(_context):
        raise AssertionError

    async def program():
        connecting = asyncio.ensure_future(aio.connect(board.trust, opener))
        await asyncio.to_thread(asked.wait, 30)
        connecting.cancel()
        for _ in range(20):
            await asyncio.sleep(0)
        gone = connecting.done()  # and the thread would still be at work
        answers.set()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        return gone

    monkeypatch.setattr("urootlet.fetch.get", slow)
    assert asyncio.run(program()) is False
    assert board.candidate == NEW
    board.link.server = Server(CA3)
    assert board.connect() == ""
    assert board.active == NEW
