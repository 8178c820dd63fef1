"""A list of devices is provisioned once, however often it is run and wherever it was stopped."""

import json
from datetime import UTC, datetime

import pytest

from rootlet import credentials, files, identity, provision
from rootlet.batch import LEDGER, Batch
from rootlet.errors import InputError
from rootlet.identity import Settings
from rootlet.ledger import Entry, Ledger
from rootlet.provision import Device

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SIGN = credentials.self_signed(NOW)
HOST = "a1b2c3-ats.iot.eu-west-1.amazonaws.com"
PUMPS = [Device(Settings(HOST, f"pump-{number}")) for number in range(5)]
THINGS = [one.settings.thing for one in PUMPS]


def quiet(*_):
    """Show no progress."""


def run(folder, issue=SIGN, devices=PUMPS, progress=quiet):
    work = Batch(folder, issue, NOW)
    work.run(devices, progress)
    return work.report


def lines(folder):
    return [json.loads(line) for line in (folder / LEDGER).read_text().splitlines()]


def keys(folder):
    return {thing: provision.look(folder / thing).key_id for thing in THINGS}


class TestAList:
    def test_becomes_a_folder_and_a_line_each(self, tmp_path):
        seen = []
        report = run(tmp_path / "f", progress=lambda *told: seen.append(told))
        assert report.made == THINGS
        assert seen == [(n, 5, thing) for n, thing in enumerate(THINGS, 1)]
        assert [line["thing"] for line in lines(tmp_path / "f")] == THINGS
        for line in lines(tmp_path / "f"):
            held = provision.look(tmp_path / "f" / line["thing"])
            assert (line["key_id"], line["certificate_id"]) == (held.key_id, held.certificate_id)
            assert line["at"] == "2026-11-25T12:00:00Z"
        assert len({line["key_id"] for line in lines(tmp_path / "f")}) == 5

    def test_run_again_changes_no_byte(self, tmp_path):
        run(tmp_path)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        report = run(tmp_path)
        assert (report.made, report.there, report.done) == ([], THINGS, 5)
        assert before == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def test_that_has_grown_gets_the_new_ones(self, tmp_path):
        run(tmp_path, devices=PUMPS[:3])
        report = run(tmp_path)
        assert (report.made, report.there) == (THINGS[3:], THINGS[:3])

    def test_that_waits_for_certificates_gets_them_with_the_same_keys(self, tmp_path):
        run(tmp_path, credentials.later)
        before = keys(tmp_path)
        assert run(tmp_path, credentials.later).there == THINGS
        report = run(tmp_path)
        assert report.completed == THINGS
        assert keys(tmp_path) == before
        assert len(lines(tmp_path)) == 10
        assert run(tmp_path).there == THINGS

    def test_with_other_settings_says_which_are_different_and_leaves_them(self, tmp_path):
        run(tmp_path)
        changed = [Device(Settings(HOST, "pump-2", ntp="pool.ntp.org")), *PUMPS[3:]]
        report = run(tmp_path, devices=changed)
        assert (report.there, report.different) == (["pump-2", "pump-3", "pump-4"], ["pump-2"])
        assert identity.read_settings(tmp_path / "pump-2").ntp == ""


class TestAStoppedRun:
    """Stopped before the nth file is written, then run again."""

    @pytest.mark.parametrize("writes", range(0, 25, 4))
    def test_is_finished_with_no_second_key_for_a_thing(self, tmp_path, monkeypatch, writes):
        real, left = files.write, [writes]

        def write(path, data, mode=0o644):
            left[0] -= 1
            if left[0] < 0:
                raise InputError("the disk is full")
            real(path, data, mode)

        monkeypatch.setattr(files, "write", write)
        work = Batch(tmp_path, SIGN, NOW)
        with pytest.raises(InputError, match="the disk is full"):
            work.run(PUMPS, quiet)
        monkeypatch.undo()
        held = {path: path.read_bytes() for path in tmp_path.glob("*/key.der")}
        report = run(tmp_path)
        assert (report.done, report.damaged, report.gone) == (5, {}, [])
        assert all(path.read_bytes() == data for path, data in held.items())
        assert sorted(line["thing"] for line in lines(tmp_path)) == THINGS
        assert {line["thing"]: line["key_id"] for line in lines(tmp_path)} == keys(tmp_path)

    def test_by_the_user_counts_what_is_done(self, tmp_path):
        def stop(done, _total, _thing):
            if done == 2:
                raise KeyboardInterrupt

        work = Batch(tmp_path, SIGN, NOW)
        with pytest.raises(KeyboardInterrupt):
            work.run(PUMPS, stop)
        assert work.report.made == THINGS[:2]
        assert len(lines(tmp_path)) == 2
        assert run(tmp_path).done == 5


class TestWhatIsLeftAlone:
    def test_a_folder_that_was_moved_away_gets_no_second_key(self, tmp_path):
        run(tmp_path / "f")
        (tmp_path / "f" / "pump-1").rename(tmp_path / "safe")
        report = run(tmp_path / "f")
        assert (report.gone, report.made) == (["pump-1"], [])
        assert not (tmp_path / "f" / "pump-1").exists()

    @pytest.mark.parametrize(
        ("name", "data", "why"),
        [
            ("key.der", None, "key.der: cannot be read"),
            ("key.der", b"x", "the private key cannot be used"),
            ("cert.der", b"x", "no certificate in it"),
            ("rootlet.json", b"{}", "a device would refuse it"),
        ],
    )
    def test_a_damaged_folder_is_told(self, tmp_path, name, data, why):
        run(tmp_path)
        (tmp_path / "pump-1" / name).unlink()
        if data is not None:
            (tmp_path / "pump-1" / name).write_bytes(data)
        report = run(tmp_path)
        assert why in report.damaged["pump-1"]
        assert len(report.there) == 4
        assert len(lines(tmp_path)) == 5

    def test_a_folder_that_cannot_be_looked_at_is_told(self, tmp_path):
        run(tmp_path, credentials.later)
        (tmp_path / "pump-1" / "wifi.json").mkdir()
        report = run(tmp_path, credentials.later)
        assert report.damaged == {"pump-1": f"{tmp_path}/pump-1/wifi.json: Is a directory"}
        assert len(report.there) == 4

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("", "a file: a device is a folder"),
            ("notes.txt", "other files are in this folder"),
            ("key.der", "the private key cannot be used"),
        ],
    )
    def test_a_place_that_something_else_has_taken_is_told(self, tmp_path, name, why):
        if name:
            (tmp_path / "pump-1").mkdir()
        taken = tmp_path / "pump-1" / name
        taken.write_bytes(b"mine")
        report = run(tmp_path)
        assert why in report.damaged["pump-1"]
        assert (len(report.made), taken.read_bytes()) == (4, b"mine")

    def test_an_emptied_folder_is_told(self, tmp_path):
        run(tmp_path)
        for path in (tmp_path / "pump-1").iterdir():
            path.unlink()
        assert run(tmp_path).damaged == {"pump-1": "key.der is not there"}

    def test_a_folder_of_another_thing_or_with_another_key_is_told(self, tmp_path):
        run(tmp_path)
        for one in THINGS[1:3]:
            for path in (tmp_path / one).iterdir():
                path.unlink()
            (tmp_path / one).rmdir()
        (tmp_path / "pump-0").rename(tmp_path / "pump-1")
        provision.create(tmp_path / "pump-2", PUMPS[2], SIGN)
        report = run(tmp_path)
        assert report.gone == ["pump-0"]
        assert report.damaged == {
            "pump-1": "rootlet.json is that of pump-0",
            "pump-2": "its key is not the one in the ledger",
        }


class TestALedger:
    ENTRY = Entry("pump-1", "a" * 64, "", "2026-11-25T12:00:00Z")

    def test_keeps_the_newest_line_of_a_thing(self, tmp_path):
        newer = Entry("pump-1", "a" * 64, "b" * 64, "2026-11-25T13:00:00Z")
        with Ledger(tmp_path / "l") as ledger:
            ledger.add(self.ENTRY)
            ledger.add(newer)
        with Ledger(tmp_path / "l") as ledger:
            assert ledger.find("pump-1") == newer
            assert ledger.find("pump-2") is None

    def test_drops_a_line_that_power_cut_short_and_goes_on_after_it(self, tmp_path):
        with Ledger(tmp_path / "l") as ledger:
            ledger.add(self.ENTRY)
        whole = (tmp_path / "l").read_bytes()
        (tmp_path / "l").write_bytes(whole + b'{"thing":"pump-2","key_')
        with Ledger(tmp_path / "l") as ledger:
            assert ledger.find("pump-2") is None
            ledger.add(Entry("pump-3", "c" * 64, "", "x"))
        assert (tmp_path / "l").read_bytes().startswith(whole)
        with Ledger(tmp_path / "l") as ledger:
            assert ledger.find("pump-1") == self.ENTRY
            assert ledger.find("pump-3")

    @pytest.mark.parametrize("line", ["", "[]", "{}", '{"thing":1,"key_id":2}', "nonsense"])
    def test_with_a_damaged_line_is_refused_and_stays(self, tmp_path, line):
        (tmp_path / "l").write_text(f"{line}\n")
        with pytest.raises(InputError) as caught, Ledger(tmp_path / "l"):
            pass
        assert caught.value.why == "line 1 is damaged"
        assert (tmp_path / "l").read_text() == f"{line}\n"

    def test_is_open_once_at_a_time(self, tmp_path):
        with Ledger(tmp_path / "l"):
            with pytest.raises(InputError) as caught, Ledger(tmp_path / "l"):
                pass
            assert caught.value.why == "another run is at work there"
        with Ledger(tmp_path / "l"):
            pass

    def test_that_cannot_be_written_says_why(self, tmp_path):
        with pytest.raises(InputError, match="cannot be used"), Ledger(tmp_path / "no" / "l"):
            pass
