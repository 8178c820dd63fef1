"""The journal of steps that change something elsewhere."""

import os
import resource
from errno import EFBIG

import pytest

from limited import limited
from rootlet.errors import InputError
from rootlet.journal import Journal

TOO_LARGE = os.strerror(EFBIG)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "aws.jsonl"


class TestAStep:
    def test_is_remembered_by_the_next_run_in_its_last_state(self, path):
        with Journal(path) as first:
            first.begin("thing", existed=False)
            first.done("thing", name="pump-7")
            first.begin("certificate", at=7)
        with Journal(path) as second:
            assert (second.state("thing"), second.result("thing")) == ("done", {"name": "pump-7"})
            assert second.begun("thing") == {"existed": False}
            assert (second.state("certificate"), second.result("certificate")) == ("begin", {})
            assert second.state("activate") == ""

    def test_that_was_taken_back_can_be_taken_again(self, path):
        with Journal(path) as journal:
            journal.done("thing", name="a")
            journal.undone("thing")
            assert journal.state("thing") == "undone"
            journal.begin("thing", existed=True)
            assert journal.begun("thing") == {"existed": True}

    def test_is_on_the_disk_before_it_is_taken(self, path, monkeypatch):
        synced = []
        monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes()))
        with Journal(path) as journal:
            journal.begin("thing")
        assert synced[-1].endswith(b"}\n")


class TestAfterAPowerCut:
    def test_a_torn_line_never_happened_whichever_byte_it_ends_with(self, path):
        with Journal(path) as journal:
            journal.done("run", thing="pump-7")
            whole = path.stat().st_size
            journal.begin("thing", existed=False)
        data = path.read_bytes()
        for cut in range(whole, len(data) - 1):
            path.write_bytes(data[:cut])
            with Journal(path) as journal:
                assert journal.state("thing") == ""
                journal.begin("thing", existed=True)
            with Journal(path) as journal:
                assert journal.begun("thing") == {"existed": True}


class TestAFullDisk:
    def test_is_told_once_and_the_next_run_goes_on(self, path):
        with Journal(path) as journal:
            journal.done("run", thing="pump-7")
        room = limited(resource.RLIMIT_FSIZE, path.stat().st_size + 10)
        with room, pytest.raises(InputError) as caught, Journal(path) as journal:
            journal.begin("thing", existed=False)
        assert (caught.value.why, caught.value.hint) == (TOO_LARGE, "make room, and run it again")
        assert path.read_bytes().endswith(b'}\n{"time":17')
        with Journal(path) as journal:
            assert (journal.state("run"), journal.state("thing")) == ("done", "")


class TestAfterAnEditor:
    def test_a_last_line_without_its_end_counts(self, path):
        with Journal(path) as journal:
            journal.begin("thing", existed=False)
        data = path.read_bytes()
        path.write_bytes(data[:-1])
        with Journal(path) as journal:
            assert journal.begun("thing") == {"existed": False}
        assert path.read_bytes() == data

    def test_a_last_line_that_is_not_its_own_is_not_thrown_away(self, path):
        path.write_bytes(b'{"note":"mine"}')
        with pytest.raises(InputError) as caught, Journal(path):
            pass
        assert caught.value.why == "line 1 is damaged"
        assert path.read_bytes() == b'{"note":"mine"}'


class TestItRefuses:
    def test_a_second_run_at_the_same_time(self, path):
        with Journal(path), pytest.raises(InputError) as caught, Journal(path):
            pass
        assert caught.value.why == "another run is at work there"

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(InputError, match="cannot be used"), Journal(tmp_path / "no" / "x"):
            pass

    @pytest.mark.parametrize(
        "line",
        [
            b"x",
            b"[]",
            b"{}",
            b'{"time":1,"step":"a","state":"lost","data":{}}',
            b'{"time":"1","step":"a","state":"done","data":{}}',
            b'{"time":1,"step":"a","state":"done","data":[1]}',
            b'{"time":1,"step":"a","state":"done"}',
            b"[" * 100_000,
        ],
    )
    def test_a_line_that_is_not_its_own_and_changes_nothing(self, path, line):
        path.write_bytes(line + b"\n")
        with pytest.raises(InputError) as caught, Journal(path):
            pass
        assert caught.value.why == "line 1 is damaged"
        assert path.read_bytes() == line + b"\n"
