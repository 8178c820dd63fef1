"""Several boards at once, boards that do not listen, boot drives, and what is plugged in."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from flash_cases import RP2040, RP2350, blocks, bundle, silent_pty
from rootlet import flash, flash_drive, parallel, uf2
from rootlet.boardio import ports
from rootlet.boardio.remote import Remote
from rootlet.boardio.virtual import VirtualBoard
from rootlet.errors import BoardError


def rootlet(*arguments, ok=0):
    done = subprocess.run(
        [sys.executable, "-m", "rootlet", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == ok, done.stdout + done.stderr
    return done


def quiet(*_):
    """Show no progress."""


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    top = tmp_path_factory.mktemp("two")
    with VirtualBoard(top / "a") as one, VirtualBoard(top / "b") as other:
        yield one, other


@pytest.fixture
def rlt(tmp_path):
    path = tmp_path / "a.rlt"
    path.write_bytes(bundle())
    return path


def program(board, text):
    with Remote(board.port) as remote:
        remote.run(f"with open('main.py','w') as file: file.write({text!r})")


class TestSeveral:
    def test_one_that_fails_does_not_stop_the_others_and_is_named(self, two, rlt):
        given = [option for one in two for option in ("--port", one.port)]
        with silent_pty() as silent:
            done = rootlet("flash", *given, "--port", silent, rlt, "--json", ok=4)
        document = json.loads(done.stdout)
        assert document["schema"] == "rootlet/flash/2"
        told = document["boards"]
        assert [one["port"] for one in told] == [two[0].port, two[1].port, silent]
        assert [one["ok"] for one in told] == [True, True, False]
        assert told[2]["error"]["code"] == "REPL"
        assert all("ta" in one["written"] for one in told[:2])
        done = rootlet("flash", *given, "--port", "/dev/ttyNONE", rlt, ok=4)
        assert f"{two[0].port}: up to date, nothing written" in done.stdout
        assert "2 of 3 boards are up to date" in done.stdout
        assert "not done: /dev/ttyNONE" in done.stderr

    def test_boards_never_share_an_identity(self, two, rlt):
        given = [option for one in two for option in ("--port", one.port)]
        done = rootlet("flash", *given, rlt, "--device", "pump-1", ok=2)
        assert "2 boards need 2 identities (E-CLIENTID)" in done.stderr

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("flash",), "--port or --all"),
            (("flash", "--port", "a", "--port", "a", "x.rlt"), "given twice"),
            (("flash", "--port", "a"), "nothing to flash"),
            (("flash", "--port", "a", "--image"), "nothing to flash"),
        ],
    )
    def test_bad_usage(self, arguments, words):
        assert words in rootlet(*arguments, ok=2).stderr

    def test_an_interruption_ends_every_job_at_its_next_step(self):
        ended = threading.Semaphore(0)

        def job(_port, progress):
            try:
                while True:
                    progress(1, 2, "")
            finally:
                ended.release()

        ready = threading.Barrier(4)

        def line(_port):
            ready.wait()
            return quiet

        main = threading.get_ident()

        def interrupt():
            ready.wait()
            signal.pthread_kill(main, signal.SIGINT)

        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            parallel.run(["a", "b", "c"], job, line)
        assert all(ended.acquire(timeout=30) for _ in "abc")


class TestBoardsThatDoNotListen:
    def test_a_busy_program_is_interrupted(self, two, rlt):
        program(two[0], "while True: pass")
        two[0].reset()
        flash.flash(two[0].port, {"x.mpy": b"1", "ta": bundle()}, quiet)
        with Remote(two[0].port) as remote:
            remote.run("import os; os.remove('main.py')")

    def test_one_that_swallows_the_interruption_is_left_as_it_is(self, two, rlt):
        program(two[1], "while True:\n try:\n  while True: pass\n except BaseException: pass")
        before = two[1].flash_image.read_bytes()
        two[1].reset()
        done = rootlet("flash", "--port", two[1].port, rlt, ok=4)
        assert "no MicroPython prompt (E-REPL)" in done.stderr
        assert "flash --image" in done.stderr
        assert two[1].flash_image.read_bytes() == before

    def test_one_that_resets_itself_for_ever_is_left_as_it_is(self, tmp_path, rlt):
        with VirtualBoard(tmp_path / "loop") as board:
            with Remote(board.port) as remote:
                remote.run(
                    "with open('boot.py','w') as f: f.write('import machine;machine.reset()')"
                )
            before = board.flash_image.read_bytes()
            done = rootlet("flash", "--port", board.port, rlt, ok=4)
            assert len(done.stderr.splitlines()) == 3
            assert board.flash_image.read_bytes() == before


class TestBootDrives:
    @pytest.fixture
    def drive(self, tmp_path):
        folder = tmp_path / "media" / "user" / "RPI-RP2"
        folder.mkdir(parents=True)
        (folder / uf2.INFO).write_text("UF2 Bootloader v3.0\nBoard-ID: RPI-RP2\n")
        return folder

    def test_the_firmware_is_copied_and_compared(self, drive, tmp_path):
        (tmp_path / "fw.uf2").write_bytes(blocks(RP2040, 300))
        done = rootlet("flash", "--port", drive, "--firmware", tmp_path / "fw.uf2")
        assert "firmware for RP2040, 153600 bytes written" in done.stdout
        assert "next: rootlet flash --port auto" in done.stdout
        (copied,) = drive.glob("*.uf2")
        assert copied.read_bytes() == blocks(RP2040, 300)

    def test_it_is_found_where_desktops_mount_drives(self, drive, tmp_path):
        new = uf2.read(blocks(RP2040), "fw.uf2")
        assert flash_drive.find(new, (f"{tmp_path}/media/*/*",)) == str(drive)
        with pytest.raises(BoardError, match="no RP2350 in its boot mode") as caught:
            flash_drive.find(uf2.read(blocks(RP2350), "fw.uf2"), (f"{tmp_path}/media/*/*",))
        assert "hold BOOTSEL" in caught.value.hint

    def test_another_chips_drive_is_refused(self, drive, tmp_path):
        (tmp_path / "fw.uf2").write_bytes(blocks(RP2350))
        done = rootlet("flash", "--port", drive, "--firmware", tmp_path / "fw.uf2", ok=4)
        assert "the firmware is for RP2350, and this drive is RPI-RP2" in done.stderr
        assert list(drive.glob("*.uf2")) == []

    def test_a_drive_that_goes_as_the_board_starts_is_no_failure(self, drive, monkeypatch):
        def gone(_descriptor):
            (drive / uf2.INFO).unlink()
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "fsync", gone)
        new = uf2.read(blocks(RP2040), "fw.uf2")
        assert flash_drive.copy(str(drive), new, quiet).bytes_written == len(new.data)


class TestBoardList:
    def test_a_board_is_probed_and_goes_on(self, two):
        done = rootlet("board", "list", two[0].port, "/dev/ttyNONE", "--json")
        one, other = json.loads(done.stdout)["boards"]
        assert one["firmware"].startswith("MicroPython 1.")
        assert one["unique_id"]
        assert other["error"] == "there is no such port"
        assert other["firmware"] is None

    def test_without_probing_no_port_is_opened(self, two):
        with Remote(two[0].port):
            done = rootlet("board", "list", "--no-probe", two[0].port, "--json")
        (one,) = json.loads(done.stdout)["boards"]
        assert (one["port"], one["firmware"], one["error"]) == (two[0].port, None, None)

    def test_usb_ports_have_their_serial_numbers(self, monkeypatch):
        from serial.tools import list_ports, list_ports_common  # noqa: PLC0415

        usb, builtin = (list_ports_common.ListPortInfo(f"/dev/tty{x}") for x in ("USB0", "S0"))
        usb.vid, usb.pid, usb.serial_number, usb.product = 0x10C4, 0xEA60, "0001", "CP2102"
        monkeypatch.setattr(list_ports, "comports", lambda: [usb, builtin])
        assert ports.found() == [ports.Port("/dev/ttyUSB0", "0001", "CP2102", "10c4:ea60")]
        assert ports.resolve("id:0001") == ports.resolve("auto") == "/dev/ttyUSB0"


class TestRomfs:
    def test_a_board_that_has_one_says_how_large_it_is(self, two):
        with Remote(two[0].port) as remote:
            assert remote.probe()["romfs"] == 0
            remote.run("import vfs\nvfs.rom_ioctl = lambda *a: bytes(131072) if a[0] == 2 else 1")
            assert remote.probe()["romfs"] == 131072
