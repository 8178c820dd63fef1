"""The virtual board, driven by the real mpremote command as any board is."""

from __future__ import annotations

import ast
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import serial
from littlefs import LittleFS, UserContext

from rootlet.boardio.virtual import ESP32_HEAP_BYTES, VirtualBoard
from rootlet.errors import BoardError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures_board import Mpremote


def command_line(*arguments: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "rootlet", *arguments]


def writing(name: str, text: str) -> str:
    """Return the program that writes a file on the board."""
    return f"with open({name!r}, 'w') as f:\n    f.write({text!r})\n"


@contextmanager
def at_prompt(board: VirtualBoard) -> Iterator[serial.Serial]:
    """Open a board's port, and read what it has said so far: its banner may come late."""
    with serial.Serial(board.port, timeout=10) as line:
        line.write(b"\r\x03print('he' + 're')\r")
        line.read_until(b"here\r\n>>> ")
        yield line


def open_descriptors() -> list[str]:
    return sorted(entry.name for entry in Path("/proc/self/fd").iterdir())


def gone(pid: int) -> bool:
    """Wait until a process has ended; its parent may be dead, so it may stay a zombie."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


class TestMpremote:
    def test_evaluates_and_executes(self, mpremote: Mpremote) -> None:
        assert mpremote("eval", "6*7").stdout == "42\n"
        assert mpremote("resume", "exec", "print('hello')").stdout == "hello\n"

    def test_runs_a_file_and_shows_the_traceback_of_a_failing_one(
        self, mpremote: Mpremote, tmp_path: Path
    ) -> None:
        (tmp_path / "good.py").write_text("print(sum(range(10)))")
        (tmp_path / "bad.py").write_text("def f():\n    return 1 // 0\nf()\n")
        assert mpremote("run", tmp_path / "good.py").stdout == "45\n"
        failed = mpremote("run", tmp_path / "bad.py", ok=False)
        assert failed.returncode == 1
        assert failed.stdout + failed.stderr == (
            "Traceback (most recent call last):\n"
            '  File "<stdin>", line 3, in <module>\n'
            '  File "<stdin>", line 2, in f\n'
            "ZeroDivisionError: divide by zero\n"
        )

    def test_copies_files_both_ways_and_sees_what_is_up_to_date(
        self, mpremote: Mpremote, tmp_path: Path
    ) -> None:
        every_byte = bytes(range(256)) * 64
        (tmp_path / "data.bin").write_bytes(every_byte)
        mpremote("fs", "cp", tmp_path / "data.bin", ":/data.bin")
        assert "Up to date" in mpremote("fs", "cp", tmp_path / "data.bin", ":/data.bin").stdout
        mpremote("fs", "cp", ":/data.bin", tmp_path / "back.bin")
        assert (tmp_path / "back.bin").read_bytes() == every_byte
        assert "data.bin" in mpremote("fs", "ls").stdout
        mpremote("exec", writing("note", "a line"))
        assert mpremote("fs", "cat", ":/note").stdout == "a line"
        digest = mpremote("fs", "sha256sum", ":/data.bin").stdout
        assert "a1f259d4365ed4320c377ce26f5c8c56dcdc9a89e7b641bfd8eabfbbeac86654" in digest
        assert re.search(r"2097152 .* /\n", mpremote("df").stdout)

    def test_copies_and_removes_folders(self, mpremote: Mpremote, tmp_path: Path) -> None:
        (tmp_path / "pkg" / "sub").mkdir(parents=True)
        (tmp_path / "pkg" / "sub" / "one.py").write_text("ONE = 1\n")
        mpremote("fs", "mkdir", ":/empty", "+", "fs", "cp", "-r", tmp_path / "pkg", ":/")
        assert mpremote("exec", "import pkg.sub.one as o; print(o.ONE)").stdout == "1\n"
        mpremote("fs", "rm", "-r", ":/pkg", "+", "fs", "rmdir", ":/empty")
        assert mpremote("exec", "import os; print(os.listdir())").stdout == "['rom']\n"

    def test_mounts_a_folder_of_the_host(self, mpremote: Mpremote, tmp_path: Path) -> None:
        (tmp_path / "here").mkdir()
        (tmp_path / "here" / "greet.py").write_text("print('from the host')")
        assert (
            "from the host" in mpremote("mount", tmp_path / "here", "exec", "import greet").stdout
        )

    def test_resets_and_keeps_the_files(self, mpremote: Mpremote) -> None:
        mpremote("exec", writing("kept", "yes") + "x = 1")
        mpremote("soft-reset")
        assert mpremote("exec", "print('x' in globals(), open('kept').read())").stdout == (
            "False yes\n"
        )
        mpremote("exec", "left_open = open('flushed', 'w'); left_open.write('by the collector')")
        mpremote("soft-reset")
        assert mpremote("fs", "cat", ":flushed").stdout == "by the collector"
        mpremote("reset")
        assert mpremote("fs", "cat", ":kept").stdout == "yes"

    def test_interrupts_a_busy_loop(self, mpremote: Mpremote, virtual_board: VirtualBoard) -> None:
        with serial.Serial(virtual_board.port, timeout=10) as line:
            line.write(b"\r\x03while True: pass\r\r")
            line.read_until(b"pass\r\n")
            time.sleep(0.2)
            line.write(b"\x03")
            assert b"KeyboardInterrupt" in line.read_until(b"KeyboardInterrupt")
        assert mpremote("resume", "eval", "1").stdout == "1\n"

    def test_survives_ctrl_c_at_every_moment_of_its_start(
        self, mpremote: Mpremote, virtual_board: VirtualBoard
    ) -> None:
        with serial.Serial(virtual_board.port, timeout=10) as line:
            for wait in range(20):
                virtual_board.reset()
                line.write(b"\x03")
                time.sleep(wait / 2000)
                line.write(b"\x03\r2**20\r")
                assert line.read_until(b"1048576").endswith(b"1048576")
        assert mpremote("resume", "eval", "1").stdout == "1\n"

    def test_offers_raw_paste_which_is_fast(self, virtual_board: VirtualBoard) -> None:
        """16 KB take 0.25 s so, and 2.5 s by the plain raw REPL, where mpremote has to sleep."""
        with serial.Serial(virtual_board.port, timeout=10) as line:
            line.write(b"\r\x03\x01")
            assert line.read_until(b"exit\r\n>").endswith(b"exit\r\n>")
            line.write(b"\x05A\x01")
            assert line.read(2) == b"R\x01"
            window = int.from_bytes(line.read(2), "little")
            assert window >= 32
            line.write(b"print(6 * 7)\x04")
            assert line.read_until(b"\x04>").lstrip(b"\x01") == b"\x0442\n\x04\x04>"
            line.write(b"\x02")


class TestAsABoard:
    def test_gives_a_program_the_heap_of_an_esp32(self, mpremote: Mpremote) -> None:
        free = int(mpremote("exec", "import gc; gc.collect(); print(gc.mem_free())").stdout)
        assert free == pytest.approx(2 * ESP32_HEAP_BYTES, rel=0.03)

    def test_survives_a_program_that_wants_more_memory(self, mpremote: Mpremote) -> None:
        failed = mpremote("exec", "bytearray(2 * 400_000)", ok=False)
        assert "MemoryError" in failed.stdout + failed.stderr
        assert mpremote("resume", "eval", "1").stdout == "1\n"

    @pytest.mark.parametrize(
        "attempt",
        [
            "open('/etc/passwd')",
            "open('/rom/../../../../../../etc/passwd')",
            "import vfs; vfs.VfsPosix",
            "import os; os.VfsPosix",
            "import os; os.system('true')",
            "import ffi; ffi.open",
            "open('/rom/new', 'w')",
        ],
    )
    def test_reaches_no_file_of_the_host(self, mpremote: Mpremote, attempt: str) -> None:
        mpremote("exec", attempt, ok=False)

    def test_has_tls_and_the_firmware_s_mqtt_client(self, mpremote: Mpremote) -> None:
        source = "import tls, umqtt.simple as u; c = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT);"
        assert mpremote("exec", source + "print(c.verify_mode, u.MQTTClient.__name__)").stdout == (
            "2 MQTTClient\n"
        )

    def test_connects_to_this_computer(self, mpremote: Mpremote) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]

            def answer() -> None:
                peer, _ = server.accept()
                with peer:
                    peer.sendall(b"pong")

            thread = threading.Thread(target=answer)
            thread.start()
            source = f"import socket; s = socket.socket(); s.connect(('127.0.0.1', {port}));"
            source = source.replace(
                f"('127.0.0.1', {port})", f"socket.getaddrinfo('127.0.0.1', {port})[0][-1]"
            )
            assert mpremote("exec", source + "print(s.recv(4))").stdout == "b'pong'\n"
            thread.join()

    def test_runs_boot_and_main_and_prints_what_they_raise(self, tmp_path: Path) -> None:
        with VirtualBoard(tmp_path) as board, serial.Serial(board.port, timeout=10) as line:
            line.write(b"f=open('boot.py','w'); f.write('print(\"boot\")'); f.close()\r")
            line.write(b"f=open('main.py','w'); f.write('print(\"main\"); oops'); f.close()\r")
            line.write(b"\x04")
            said = line.read_until(b"isn't defined\r\n").partition(b"MPY: soft reboot\r\n")[2]
        assert said.startswith(
            b"boot\r\nmain\r\nTraceback (most recent call last):\r\n"
            b'  File "main.py", line 1, in <module>\r\n'
            b"NameError: name 'oops' isn't defined\r\n"
        )

    def test_answers_while_its_main_never_ends(
        self, tmp_path: Path, mpremote: Mpremote, virtual_board: VirtualBoard
    ) -> None:
        mpremote("exec", writing("main.py", "while True: print('working' * 50)"))
        virtual_board.reset()
        assert mpremote("eval", "'mine'").stdout == "mine\n"

    def test_machine_reset_stops_whatever_the_program_catches(
        self, virtual_board: VirtualBoard
    ) -> None:
        with at_prompt(virtual_board) as line:
            line.write(
                b"\x05import machine\rtry:\r  machine.reset()\rexcept BaseException:"
                b"\r  print('caught')\r\x04"
            )
            said = line.read_until(b"information.\r\n>>> ")
            line.write(b"print('al' + 'ive')\r")
            said += line.read_until(b"alive\r\n")
        assert said.endswith(b"alive\r\n")
        assert said.count(b"caught") == 1  # its echo


class TestPowerCut:
    WRITES = "f=open('f','w'); f.write('x' * 3000); f.close()"

    @pytest.mark.parametrize(("operation", "torn"), [(1, 0), (2, 16)])
    def test_comes_at_an_operation_of_the_flash(
        self, mpremote: Mpremote, virtual_board: VirtualBoard, operation: int, torn: int
    ) -> None:
        before = virtual_board.flash_image.read_bytes()
        virtual_board.cut_power_at(operation, torn)
        with at_prompt(virtual_board) as line:
            line.write(b"\x04")  # it counts from the next start
            line.read_until(b"information.\r\n>>> ")
            line.write(self.WRITES.encode() + b"\r")
            virtual_board.wait_off()
        after = virtual_board.flash_image.read_bytes()
        assert (after == before) is (operation == 1)
        virtual_board.power_on()
        assert mpremote("exec", "import os; print(os.listdir())").stdout == "['rom']\n"
        mpremote("exec", self.WRITES)
        assert mpremote("exec", "import os; print(os.stat('f')[6])").stdout == "3000\n"

    def test_that_has_not_come_is_waited_for_in_vain(self, virtual_board: VirtualBoard) -> None:
        virtual_board.cut_power_at(1000)
        with pytest.raises(BoardError, match="not off"):
            virtual_board.wait_off(0.1)


class TestClock:
    def test_starts_in_2000_and_runs(self, mpremote: Mpremote) -> None:
        shown = mpremote("exec", "import machine; print(machine.RTC().datetime())").stdout
        assert ast.literal_eval(shown)[:4] == (2000, 1, 1, 5)

    def test_survives_resets_and_is_lost_with_the_power(
        self, mpremote: Mpremote, virtual_board: VirtualBoard
    ) -> None:
        moment = (2031, 5, 6, 1, 7, 8, 9, 0)
        ask = "import machine, time; print(time.gmtime()[:3])"
        mpremote("exec", f"import machine; machine.RTC().datetime({moment})")
        virtual_board.reset()
        assert mpremote("exec", ask).stdout == "(2031, 5, 6)\n"
        virtual_board.power_off()
        virtual_board.power_on()
        assert mpremote("exec", ask).stdout == "(2000, 1, 1)\n"

    def test_can_be_set_from_outside_while_a_program_runs(
        self, mpremote: Mpremote, virtual_board: VirtualBoard
    ) -> None:
        virtual_board.set_clock(4_000_000_000)
        assert (
            int(mpremote("exec", "import time; print(int(time.time()))").stdout) >= 4_000_000_000
        )
        assert virtual_board.clock() == pytest.approx(4_000_000_000, abs=30)


class TestFlash:
    def test_is_an_image_that_littlefs_reads_after_a_restart(
        self, tmp_path: Path, mpremote: Mpremote, virtual_board: VirtualBoard
    ) -> None:
        mpremote("exec", writing("note", "written on the board"))
        virtual_board.stop()
        image = virtual_board.flash_image.read_bytes()
        context = UserContext(buffer=bytearray(image))
        flash = LittleFS(
            context=context, block_size=4096, block_count=len(image) // 4096, mount=False
        )
        flash.mount()
        with flash.open("note", "rb") as file:
            assert file.read() == b"written on the board"
        virtual_board.start()
        assert mpremote("fs", "cat", ":note").stdout == "written on the board"

    def test_that_is_damaged_is_reported_and_left_as_it_is(self, tmp_path: Path) -> None:
        damaged = b"\x55" * 65_536
        (tmp_path / "flash.bin").write_bytes(damaged)
        with pytest.raises(BoardError, match="no file system"):
            VirtualBoard(tmp_path).start()
        assert (tmp_path / "flash.bin").read_bytes() == damaged


class TestLife:
    def test_leaves_no_process_and_no_descriptor(self, tmp_path: Path) -> None:
        with VirtualBoard(tmp_path):
            pass
        before = open_descriptors()
        threads = threading.active_count()
        for _ in range(5):
            with VirtualBoard(tmp_path) as board:
                board.reset()
                board.power_off()
        assert open_descriptors() == before
        assert threading.active_count() == threads

    def test_refuses_a_folder_that_is_in_use_and_names_the_port(
        self, virtual_board: VirtualBoard
    ) -> None:
        with pytest.raises(BoardError, match="running already") as refused:
            VirtualBoard(virtual_board.folder).start()
        assert virtual_board.port in refused.value.why

    def test_command_prints_the_port_and_ends_well_with_ctrl_c(self, tmp_path: Path) -> None:
        command = command_line("board", "virtual", "--dir", tmp_path)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            port = running.stdout.readline().removeprefix("port: ").strip()
            assert Path(port).is_char_device()
            told = "".join(iter(running.stdout.readline, "stop: Ctrl-C\n"))
            assert f"mpremote connect {port}" in told
            running.send_signal(signal.SIGINT)
        assert running.returncode == 0

    @pytest.mark.parametrize("before", [(), ("env", "--ignore-signal=HUP,INT")])
    def test_a_busy_board_ends_when_its_supervisor_is_killed(
        self, tmp_path: Path, before: tuple[str, ...]
    ) -> None:
        command = [*before, *command_line("board", "virtual", "--dir", tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            port = running.stdout.readline().removeprefix("port: ").strip()
            with serial.Serial(port, timeout=10) as line:
                line.write(b"while True: pass\r\r")
                line.read_until(b"pass\r\n")
            children = Path(f"/proc/{running.pid}/task").glob("*/children")
            pids = [int(pid) for file in children for pid in file.read_text().split()]
            running.kill()
        assert pids
        assert all(gone(pid) for pid in pids)
