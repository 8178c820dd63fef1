"""An ESP32 written by the real esptool: MicroPython starts with what it leaves."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from fixtures_chip import ENTRIES, FLASH_BYTES, VFS_OFFSET, WHOLE_OFFSET, entries
from flash_cases import bundle
from rom_loader import firmware, table
from rootlet import board as boards
from rootlet import firmware as images
from rootlet import flash, flash_chip, hil, identity, image
from rootlet.boardio import littlefs, ports
from rootlet.boardio.remote import Remote
from rootlet.errors import BoardError, TrustError
from rootlet.lab import Hierarchy, Lab
from rootlet.lab.scenarios import Bundle

SIZE = FLASH_BYTES - VFS_OFFSET
CHIPS = images.chips(boards.load(one) for one in boards.ids())
BUNDLE, OTHER = bundle("both"), bundle("rsa")
FLASH_DATA, READ_FLASH = 0x03, 0x0E


def rootlet(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "rootlet", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def quiet(*_):
    """Show no progress."""


@pytest.fixture(scope="module")
def files():
    return {"lib/urootlet/a.mpy": bytes(300), "ta": BUNDLE}


def install(chip, files, new=None, **how):
    read = images.read(new, "fw.bin", CHIPS) if new else None
    return flash_chip.install(chip.port, flash_chip.Order(files, read, **how), quiet)


def run(chip, code):
    with Remote(chip.port) as board:
        return board.run(code)


def put(chip, **texts):
    for name, text in texts.items():
        run(chip, f"with open({name.replace('_', '.')!r}, 'w') as file: file.write({text!r})")


def held(chip):
    return littlefs.read(bytes(chip.flash.data[VFS_OFFSET:])).files


class TestAWholeBoard:
    def test_from_a_blank_chip_to_a_verified_connection(self, new_chip, tmp_path):
        pki = Hierarchy.fresh()
        new = firmware(0, 0x1000, b"v1.26.1", table(*entries(WHOLE_OFFSET)))
        with new_chip(offset=WHOLE_OFFSET) as chip, Lab(pki=pki) as lab:
            issued = pki.issue_identity("pump-7")
            key = identity.read_key(issued.key_der, "key", issued.cert_der)
            settings = identity.Settings(lab.endpoint, "pump-7", lab.host, lab.port).encode()
            for name, data in zip(flash.IDENTITY, (settings, issued.cert_der, key), strict=True):
                (tmp_path / name).write_bytes(data)
            (tmp_path / "a.rlt").write_bytes(hil.bundle_for(lab, Bundle()))
            (tmp_path / "fw.bin").write_bytes(new)
            done = rootlet(
                "flash", "--port", chip.port, "--firmware", tmp_path / "fw.bin",
                tmp_path / "a.rlt", "--device", tmp_path, "--json",
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            (one,) = json.loads(done.stdout)["boards"]
            assert one["chip"] == {
                "name": "ESP32",
                "mac": "24:0a:c4:11:22:33",
                "flash_bytes": FLASH_BYTES,
            }
            assert one["partition"] == {
                "offset": WHOLE_OFFSET,
                "size": FLASH_BYTES - WHOLE_OFFSET,
            }
            assert (one["way"], one["firmware"], one["missing"]) == ("loader", "1.26.1", [])
            assert chip.flash.data[0x1000 : 0x1000 + len(new)] == new
            chip.reset()
            run(chip, f"import machine;machine.RTC().datetime({now()})")
            connection = hil.Board(chip.port).connect()
            assert connection.verified, connection


def now():
    moment = time.gmtime()
    return (*moment[:3], 0, *moment[3:6], 0)


class TestFilesOfTheBoard:
    def test_modules_of_another_package_go_since_they_would_run_instead(self, new_chip, files):
        with new_chip(written=True) as chip:
            run(chip, "import os;os.mkdir('lib');os.mkdir('lib/urootlet')")
            run(chip, "with open('lib/urootlet/a.py', 'w') as f: f.write('old')")
            report = install(chip, files)
            assert "lib/urootlet/a.py" not in report.kept
            assert "lib/urootlet/a.py" not in held(chip)
            assert held(chip)["lib/urootlet/a.mpy"] == files["lib/urootlet/a.mpy"]

    def test_stay_and_an_unchanged_image_writes_nothing(self, new_chip, files):
        with new_chip(written=True) as chip:
            run(
                chip,
                "import os;os.mkdir('data')\nwith open('data/log','w') as f: f.write('x'*9000)",
            )
            put(chip, main_py="print(1)")
            report = install(chip, files)
            assert report.kept == ["boot.py", "data/log", "main.py"]
            assert report.partition.offset == VFS_OFFSET
            assert held(chip)["main.py"] == b"print(1)"
            chip.reset()
            assert run(chip, "print(len(open('data/log').read()))").strip() == "9000"
            written = chip.loader.commands.count(FLASH_DATA)
            again = install(chip, files)
            assert (again.written, again.bytes_written) == ([], 0)
            assert chip.loader.commands.count(FLASH_DATA) == written
            chip.reset()
            report = install(chip, {**files, "ta": OTHER}, erase=True)
            assert (report.kept, set(held(chip))) == ([], {*files, "main.py"})
            assert b"urootlet" in held(chip)["main.py"]

    def test_move_with_the_file_system_when_new_firmware_places_it_elsewhere(
        self, new_chip, files
    ):
        with new_chip(written=True) as chip:
            put(chip, mine="kept")
            place = 0xE0000
            new = firmware(0, 0x1000, b"v1.27.0", table(*entries(place)))
            with pytest.raises(BoardError, match="would be lost") as caught:
                install(chip, {}, new)
            assert "then the files are moved" in caught.value.hint
            report = install(chip, files, new)
            assert report.partition.offset == place
            assert littlefs.read(bytes(chip.flash.data[place:])).files["mine"] == b"kept"
            report = install(chip, {}, new)
            assert (report.partition, report.bytes_written) == (None, len(new))

    def test_of_a_rotated_board_are_not_overwritten_by_accident(self, new_chip, files):
        with new_chip(written=True) as chip:
            put(chip, s0="state", mine="1")
            run(chip, "")
            before = bytes(chip.flash.vfs.read_bytes())
            with pytest.raises(TrustError, match="was rotated") as caught:
                install(chip, files)
            assert "--reset-trust" in caught.value.hint
            assert chip.flash.data[VFS_OFFSET:] == before
            install(chip, files, reset_trust=True)
            assert "s0" not in held(chip)
            assert held(chip)["mine"] == b"1"


class TestUnplugging:
    def test_in_each_step_leaves_a_board_that_boots_and_a_rerun_that_finishes(
        self, new_chip, files
    ):
        steps = {
            "reading": (READ_FLASH, 500),
            "preparing": (FLASH_DATA, 3),
            "writing": (FLASH_DATA, 30),
            "writing the second block": (FLASH_DATA, SIZE // 1024 + 3),
            "writing the first block": (FLASH_DATA, SIZE // 1024 + 6),
        }
        with new_chip(written=True) as chip:
            put(chip, mine="kept", boot_py="#mine")
            for step, (command, count) in steps.items():
                chip.loader.commands.clear()
                chip.unplug_at = (command, count)
                with pytest.raises(BoardError, match="the port went away"):
                    install(chip, files)
                chip.plug_in()
                chip.reset()
                assert run(chip, "print(1+1)").strip() == "2", step
            install(chip, files)
            assert held(chip) == {
                "mine": b"kept",
                "boot.py": b"#mine",
                "main.py": image.program(),
                **files,
            }
            chip.reset()
            assert run(chip, "print(len(open('ta','rb').read()))").strip() == str(len(BUNDLE))

    def test_ctrl_c_leaves_no_esptool_behind(self, new_chip, tmp_path):
        (tmp_path / "a.rlt").write_bytes(BUNDLE)
        with new_chip(written=True) as chip:
            program = subprocess.Popen(
                [sys.executable, "-m", "rootlet", "flash", "--port", chip.port, "--image",
                 tmp_path / "a.rlt"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            while READ_FLASH not in chip.loader.commands:
                time.sleep(0.01)
            program.send_signal(signal.SIGINT)
            _, said = program.communicate(timeout=60)
            assert (program.returncode, said.strip()) == (130, "interrupted")
            running = subprocess.run(
                ["ps", "-eo", "args"], capture_output=True, text=True, check=True
            )
            assert chip.port not in running.stdout


class TestRefusals:
    """One line that names the port, exit code 4, and not a byte of flash changed."""

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (firmware(9, 0, b"v1.26.1", table(*ENTRIES)), "for ESP32-S3, and this chip is ESP32"),
            (firmware(0, 0x1000, b"v1.25.0", table(*ENTRIES)), "no place for a file system"),
            (firmware(0, 0x1000, b"v1.26.1", table(("factory", 0, 0, 0x10000, 0x1F0000))),
             "no place for a file system"),
        ],
        ids=["another chip", "no file system", "larger than the flash"],
    )  # fmt: skip
    def test_firmware_that_does_not_suit(self, new_chip, files, data, words):
        with new_chip() as chip:
            before = bytes(chip.flash.data)
            with pytest.raises(BoardError) as caught:
                install(chip, files, data)
            assert words in caught.value.what
            assert chip.port in caught.value.what
            assert chip.flash.data == before

    def test_files_that_the_partition_does_not_hold(self, new_chip, files):
        with new_chip(written=True) as chip:
            before = chip.flash.vfs.read_bytes()
            with pytest.raises(BoardError, match="do not fit"):
                install(chip, {**files, "big": bytes(SIZE)})
            chip.reset()
            assert run(chip, "import os;print(os.listdir())").count("boot.py") == 1
            assert chip.flash.data[VFS_OFFSET:] == before

    def test_a_chip_without_micropython_and_a_deaf_one(self, new_chip, tmp_path):
        (tmp_path / "a.rlt").write_bytes(BUNDLE)
        with new_chip() as chip:
            done = rootlet("flash", "--port", chip.port, "--image", tmp_path / "a.rlt")
            assert done.returncode == 4
            assert "there is no MicroPython on this ESP32" in done.stderr
            chip.deaf = True
            done = rootlet("flash", "--port", chip.port, "--image", tmp_path / "a.rlt")
            assert done.returncode == 4
            assert "does not answer as a boot loader (E-BOOT)" in done.stderr
            assert "hold BOOT" in done.stderr
            assert len(done.stderr.splitlines()) == 3

    def test_a_board_that_is_no_esp32(self, virtual_board, files):
        with pytest.raises(BoardError, match="no flash that can") as caught:
            flash_chip.install(virtual_board.port, flash_chip.Order(files), quiet)
        assert "without --image" in caught.value.hint

    def test_a_port_that_another_program_has(self, new_chip, files):
        with (
            new_chip(written=True) as chip,
            Remote(chip.port),
            pytest.raises(BoardError, match="cannot be opened"),
        ):
            install(chip, files)

    def test_a_port_that_belongs_to_somebody_else(self, tmp_path, files, monkeypatch):
        (tmp_path / "port").touch()
        monkeypatch.setattr(os, "access", lambda *_, **__: False)  # root may open everything
        with pytest.raises(BoardError, match="may not open this port") as caught:
            flash_chip.install(str(tmp_path / "port"), flash_chip.Order(files), quiet)
        assert "dialout" in caught.value.hint

    def test_what_nobody_signed_goes_over_no_network(self, files):
        new = firmware(0, 0x1000, b"v1.26.1", table(*ENTRIES))
        factory = {**files, "lib/rootlet_factory.mpy": b"keys"}
        for what, image_of in ((files, None), ({}, new), (factory, None)):
            read = images.read(image_of, "fw.bin", CHIPS) if image_of else None
            order = flash_chip.Order(what, read)
            with pytest.raises(TrustError, match="local port only"):
                flash_chip.install("socket://127.0.0.1:1", order, quiet)

    def test_the_reset_lines_are_those_of_the_port(self, virtual_board):
        assert not ports.has_reset_lines(virtual_board.port)
        assert not ports.has_reset_lines("socket://127.0.0.1:1")
        assert ports.has_reset_lines("rfc2217://127.0.0.1:1")
