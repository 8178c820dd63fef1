"""A firmware file is for a known chip and whole, or refused before any port is opened."""

import subprocess
import sys

import pytest

from flash_cases import ABSOLUTE, RP2040, RP2350, blocks
from rom_loader import app, firmware, table
from rootlet import board, uf2
from rootlet import firmware as images
from rootlet.errors import InputError

CHIPS = images.chips(board.load(one) for one in board.ids())
TABLE = table(("nvs", 1, 2, 0x9000, 0x6000), ("factory", 0, 0, 0x10000, 0xB0000))
FILES = {
    chip.name: firmware(chip.image_id, chip.offset, b"v1.26.1", TABLE) for chip in CHIPS.values()
}
ESP32 = FILES["ESP32"]


def refusal(data):
    with pytest.raises(InputError) as caught:
        images.read(data, "file.bin", CHIPS)
    assert caught.value.what.startswith("file.bin: not firmware")
    return caught.value.why


class TestReading:
    def test_every_esp32_of_the_boards_can_be_written(self):
        assert set(CHIPS) == {"ESP32", "ESP32-S2", "ESP32-S3", "ESP32-C3", "ESP32-C6"}

    @pytest.mark.parametrize("name", sorted(FILES))
    def test_chip_version_and_table_are_found(self, name):
        found = images.read(FILES[name], "file.bin", CHIPS)
        assert (found.chip.name, found.version) == (name, (1, 26, 1))
        assert found.end == found.chip.offset + len(FILES[name])
        assert [one.label for one in found.table] == ["nvs", "factory"]

    @pytest.mark.parametrize(
        ("text", "version"),
        [
            (b"v1.27.0-preview.12.gabc-dirty", (1, 27, 0)),
            (b"v1.26", (1, 26, 0)),
            (b"1", ()),
            (b"", ()),
        ],
    )
    def test_a_version_is_read_or_unknown(self, text, version):
        assert images.app_version(app(0, text)) == version

    def test_another_program_has_no_version(self):
        assert images.app_version(app(0, b"v9.9").replace(b"micropython", b"tasmotaesp3")) == ()

    def test_esptool_agrees_that_the_app_of_the_tests_is_an_image(self, tmp_path):
        path = tmp_path / "app.bin"
        path.write_bytes(app(0, b"v1.26.1"))
        said = subprocess.run(
            [sys.executable, "-m", "esptool", "--chip", "esp32", "image-info", str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        assert "Validation hash" in said
        assert "(valid)" in said
        assert "App version: v1.26.1" in said


class TestRefusals:
    @pytest.mark.parametrize("size", [0, 10, 0x6000, 0x7100, 0xF000, 0xF100, len(ESP32) - 1])
    def test_a_truncated_file(self, size):
        assert refusal(ESP32[:size])

    def test_a_flipped_bit_in_the_app(self):
        damaged = bytearray(ESP32)
        damaged[0xF400] ^= 1
        assert "damaged" in refusal(bytes(damaged))

    def test_a_chip_that_nobody_knows(self):
        assert "number 77" in refusal(firmware(77, 0x1000, b"v1.26.1", TABLE))

    def test_an_app_alone(self):
        assert ".app-bin" in refusal(app(0, b"v1.26.1", 60_000))

    def test_an_app_for_another_chip(self):
        assert "no app for ESP32" in refusal(ESP32[:0xF000] + app(9, b"v1.26.1"))

    def test_a_file_that_reaches_beyond_its_app_partition(self):
        assert "longer than its app partition" in refusal(ESP32.ljust(0xC0000, b"\xff"))

    def test_another_kind_of_file(self):
        assert "does not start with" in refusal(b"UF2\n" + bytes(100_000))


class TestUf2:
    def test_the_chip_and_its_drive_are_found(self):
        assert uf2.read(blocks(RP2040), "a.uf2")[1:] == ("RP2040", "RPI-RP2")
        assert uf2.read(blocks(ABSOLUTE, 1) + blocks(RP2350), "a.uf2")[1:] == ("RP2350", "RP2350")

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "whole number"),
            (blocks(RP2040)[:-1], "whole number"),
            (blocks(RP2040)[:-512], "end is missing"),
            (blocks(RP2040, first=1), "block 0 is missing"),
            (bytes(512), "not a UF2 block"),
            (blocks(0xC47E5767), "not for one of"),
            (blocks(RP2040, 1) + blocks(RP2350, 2, first=1), "not for one of"),
        ],
    )
    def test_anything_else_is_refused(self, data, reason):
        with pytest.raises(InputError) as caught:
            uf2.read(data, "a.uf2")
        assert reason in caught.value.why

    def test_the_board_id_of_a_drive(self):
        info = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"
        assert uf2.board_id(info) == "RPI-RP2"
        assert uf2.board_id("<html>") == ""
