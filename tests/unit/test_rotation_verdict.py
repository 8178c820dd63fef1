"""What a trial leaves behind when the device itself fails in the middle of it."""

from unittest.mock import patch

import pytest

from rotation_world import CA1, CA3, NEW, NEXT, REVOKE, Board, Server, offered
from urootlet.errors import Error


@pytest.fixture
def board():
    """A device with NEW as its candidate, and a service that only NEW reaches."""
    with Board() as made:
        assert made.offer(NEW) == ""
        made.link.server = Server(CA3)
        yield made


def names(board):
    return [name for name, _ in board.told]


class TestAFlashThatIsWorn:
    def break_at_the_trial(self, board):
        def answer(_bundle, _application):
            board.flash.broken = True
            return Server(CA3)

        board.link.answer = answer

    def test_does_not_lose_the_verified_connection(self, board):
        self.break_at_the_trial(board)
        assert board.connect() == ""
        assert "on_confirm" not in names(board)
        assert (board.state, board.candidate) == ("trial", NEW)

    def test_confirms_once_it_takes_the_write(self, board):
        self.break_at_the_trial(board)
        board.connect()
        board.link.answer = lambda *_: Server(CA3)
        board.flash.broken = False
        board.boot()
        assert board.connect() == ""
        assert (board.state, board.active) == ("idle", NEW)

    def test_that_took_one_record_of_a_revocation_does_not_end_the_service(self):
        """Where the candidate alone authenticates, no write may come before its connection."""
        with Board() as board:
            board.trust.settle()
            whole = board.flash.write

            def filling(name, data):
                whole(name, data)
                board.flash.broken = name[0] == "s"

            with patch.object(board.flash, "write", filling):
                assert board.offer(offered((CA3,), 2, flags=REVOKE)) == "FLASH"
            assert (board.state, board.trust.store.mirrored) == ("revoke", False)
            board.link.server = Server(CA3)
            assert [board.connect(), board.connect()] == ["", ""]
            board.flash.broken = False
            assert board.connect() == ""
            assert board.state == "idle"


class TestABoardWithoutMemoryForTheAnchors:
    """MicroPython's ``load_verify_locations`` says "invalid cert" whatever mbedTLS said."""

    def test_loses_no_candidate(self, board, monkeypatch):
        def full(found):
            if found.data == NEW:
                raise Error("FORMAT", "anchor")

        board.link.server = Server(CA1, begins=1)  # which proves nothing of the time
        written = len(board.flash.writes)
        with monkeypatch.context() as busy:
            busy.setattr(board.link, "context", full)
            assert [board.connect(), board.connect()] == ["", ""]
        assert (board.state, board.candidate, board.flash.writes[written:]) == ("trial", NEW, [])
        assert names(board) == ["on_offer", "on_error", "on_error"]
        board.link.server = Server(CA3)
        assert board.connect() == ""
        assert board.active == NEW


class TestAProgramThatStopsATrial:
    def test_may_offer_again(self, board):
        def stop(_bundle, _application):
            raise KeyboardInterrupt

        board.link.answer = stop
        # The traceback that is held keeps every frame: nothing is closed by chance.
        with pytest.raises(KeyboardInterrupt) as held:
            board.connect()
        assert board.offer(NEXT) == "", held
