"""The partition table is read strictly, and the file system found by it or refused."""

import pytest

from rom_loader import table
from rootlet import partitions

NVS = ("nvs", 1, 2, 0x9000, 0x6000)
PHY = ("phy_init", 1, 1, 0xF000, 0x1000)
APP = ("factory", 0, 0, 0x10000, 0x1F0000)
VFS = ("vfs", 1, 0x81, 0x200000, 0x200000)
FLASH = 4 << 20


class TestReading:
    def test_a_table_gives_its_partitions_in_the_order_of_flash(self):
        found = partitions.parse(table(NVS, APP, PHY))
        assert [one.label for one in found] == ["nvs", "phy_init", "factory"]
        assert partitions.app(found) == found[2]
        assert found[2].end == 0x200000

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "is empty"),
            (b"\xff" * 0xC00, "is empty"),
            (b"\0" * 0xC00, "holds something else"),
            (table(NVS, APP)[:40], "ends in the middle"),
            (table(NVS, APP).replace(b"nvs", b"abc"), "does not match its own checksum"),
            (table(("x\x1b[2J", 1, 2, 0x9000, 0x1000)), "cannot be printed"),
            (table(("x", 1, 2, 0x9001, 0x1000)), "part of a flash sector"),
            (table(("x", 1, 2, 0x9000, 0)), "part of a flash sector"),
            (table(("x", 1, 2, 0x8000, 0x1000)), "over the bootloader or the table"),
            (table(APP, ("x", 1, 2, 0x1FF000, 0x2000)), "lets factory and x overlap"),
        ],
    )
    def test_anything_else_is_refused_with_its_reason(self, data, reason):
        with pytest.raises(ValueError, match=reason):
            partitions.parse(data)

    def test_a_table_without_an_app_has_no_place_for_firmware(self):
        with pytest.raises(ValueError, match="no room for an app"):
            partitions.app(partitions.parse(table(NVS)))


class TestFileSystem:
    def test_one_in_the_table_is_taken_whatever_the_version(self):
        found = partitions.parse(table(NVS, APP, VFS))
        for version in ((), (1, 24, 0), (1, 29, 0)):
            assert partitions.file_system(found, FLASH, version) == found[-1]

    def test_since_1_26_it_reaches_from_the_last_partition_to_the_end_of_flash(self):
        found = partitions.parse(table(NVS, PHY, APP))
        made = partitions.file_system(found, 8 << 20, (1, 26, 1))
        assert (made.offset, made.size) == (0x200000, 0x600000)

    def test_a_romfs_behind_the_app_is_not_overwritten(self):
        found = partitions.parse(table(NVS, APP, ("romfs", 1, 0x8F, 0x200000, 0x20000)))
        assert partitions.file_system(found, FLASH, (1, 27, 0)).offset == 0x220000

    @pytest.mark.parametrize(
        ("entries", "flash", "version", "reason"),
        [
            ((NVS, APP), FLASH, (1, 25, 0), "MicroPython 1.25.0 makes none"),
            ((NVS, APP), FLASH, (), "does not say"),
            ((NVS, APP), 0x200000, (1, 26, 0), "leaves no flash"),
            ((NVS, APP, VFS), 0x200000, (1, 26, 0), "puts vfs beyond"),
            ((NVS, APP, ("ffat", 1, 0x81, 0x200000, 0x1000)), FLASH, (1, 26, 0), "FAT"),
        ],
    )
    def test_nothing_is_assumed(self, entries, flash, version, reason):
        with pytest.raises(ValueError, match=reason):
            partitions.file_system(partitions.parse(table(*entries)), flash, version)
