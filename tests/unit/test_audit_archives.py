"""Archives, trees and time: what an audit does with hostile or large input."""

import bz2
import gzip
import io
import lzma
import os
import random
import tarfile
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    NoEncryption,
    pkcs12,
)
from cryptography.x509 import load_der_x509_certificate

from audit_cases import (
    CA1,
    G5,
    G5_PEM,
    NOW,
    UNSAFE,
    brief,
    image_of,
    look,
    names,
)
from rootlet import judge
from rootlet.audit import audit
from rootlet.unpack import archive, child, tree


class TestArchives:
    def zipped(self, files: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
            for name, content in files.items():
                made.writestr(name, content)
        return buffer.getvalue()

    def tarred(self, files: dict[str, bytes], mode: Any = "w:gz") -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as made:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                made.addfile(member, io.BytesIO(content))
            made.addfile(tarfile.TarInfo("folder/"))
        return buffer.getvalue()

    @pytest.mark.parametrize("mode", ["zip", "w:gz", "w:xz", "w"])
    def test_members_are_looked_at(self, tmp_path, mode):
        files = {"src/main.py": UNSAFE, "ca.pem": G5_PEM, "fs.bin": image_of({"x.pem": G5_PEM})}
        path = tmp_path / "kit"
        path.write_bytes(self.zipped(files) if mode == "zip" else self.tarred(files, mode))
        assert {one.member for one in look(path).findings} == {
            "src/main.py",
            "ca.pem",
            "fs.bin!x.pem",
        }

    @pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
    def test_one_packed_file_is_looked_at(self, tmp_path, pack):
        (tmp_path / "ca.pem").write_bytes(pack(G5_PEM))
        assert names(look(tmp_path)) == {G5.name: 1}

    def test_limits_are_told(self, tmp_path, monkeypatch):
        monkeypatch.setattr(archive, "MAX_MEMBER", 1000)
        (tmp_path / "a.zip").write_bytes(self.zipped({"big": bytes(2000)}))
        (tmp_path / "b.tgz").write_bytes(self.tarred({"big": bytes(2000)}))
        report = look(tmp_path)
        assert [one.why for one in report.problems] == ["big: more than can be looked at"] * 2

    def test_a_bomb_is_left(self, tmp_path, monkeypatch):
        monkeypatch.setattr(archive, "MAX_ALL", 100_000)
        (tmp_path / "a.tgz").write_bytes(self.tarred({str(n): bytes(10_000) for n in range(20)}))
        assert len(look(tmp_path).problems) == 1

    def test_nesting_ends(self, tmp_path):
        data = self.zipped({"ca.pem": G5_PEM})
        for _ in range(6):
            data = self.zipped({"in.zip": data})
        (tmp_path / "a.zip").write_bytes(data)
        assert "too deep" in look(tmp_path).problems[0].why

    def test_a_zip_member_that_says_too_little_of_its_size_is_not_unpacked(self, tmp_path):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as archive:
            archive.writestr("a", bytes(1 << 20))
        (tmp_path / "a.zip").write_bytes(packed.getvalue())
        assert "unusual compression" in look(tmp_path).problems[0].why

    def test_a_tar_header_that_is_longer_than_a_member_is_not_read(self, tmp_path):
        long = tarfile.TarInfo("././@LongLink")
        long.type, long.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
        (tmp_path / "a.tar").write_bytes(long.tobuf(tarfile.GNU_FORMAT) + bytes(5120))
        assert "header that is too long" in look(tmp_path).problems[0].why

    def test_no_program_of_the_folder_that_is_looked_at_runs(self, tmp_path, monkeypatch):
        chain = [load_der_x509_certificate(G5.der)]
        store = pkcs12.serialize_key_and_certificates(None, None, None, chain, NoEncryption())
        (tmp_path / "a.p12").write_bytes(store)
        (tmp_path / "resource.py").write_text("open('ran', 'w').close()\n")
        monkeypatch.chdir(tmp_path)
        assert brief(look(tmp_path / "a.p12"))
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize(
        "data",
        [
            b"PK\x03\x04" + bytes(100),
            b"\x1f\x8b" + bytes(100),
            gzip.compress(b"no tar" * 100, mtime=0)[:-20],
            b"BZh9" + bytes(50),
            b"\xfd7zXZ\0" + bytes(50),
        ],
    )
    def test_damage_is_told(self, tmp_path, data):
        (tmp_path / "a").write_bytes(data)
        assert len(look(tmp_path).problems) == 1


class TestTrees:
    def test_links_devices_and_history_are_left_out(self, tmp_path):
        outside = tmp_path / "outside.pem"
        outside.write_bytes(G5_PEM)
        top = tmp_path / "top"
        (top / ".git").mkdir(parents=True)
        (top / ".git" / "x.pem").write_bytes(G5_PEM)
        (top / "link.pem").symlink_to(outside)
        (top / "loop").symlink_to(top)
        os.mkfifo(top / "pipe")
        assert look(top).files == 0
        assert look(top / "link.pem").files == 1  # a link that the user names

    def test_a_file_that_cannot_be_read_stops_nothing(self, tmp_path, monkeypatch):
        (tmp_path / "a.pem").write_bytes(G5_PEM)
        (tmp_path / "b.pem").write_bytes(G5_PEM)

        class Refusing(tree.File):
            def __init__(self, path: Path) -> None:
                if path.name == "a.pem":
                    raise PermissionError(13, "Permission denied")
                super().__init__(path)

        monkeypatch.setattr(tree, "File", Refusing)
        report = look(tmp_path)
        assert len(report.findings) == 1
        assert [(Path(one.file).name, one.why) for one in report.problems] == [
            ("a.pem", "Permission denied")
        ]

    def test_progress_ends_with_everything_done(self, tmp_path):
        (tmp_path / "a.bin").write_bytes(bytes(3 << 20))
        (tmp_path / "b.bin").write_bytes(bytes(1 << 20))
        steps: list[tuple[int, int, str]] = []
        audit([tmp_path], judge.Moment(NOW, timedelta()), lambda *step: steps.append(step))
        assert steps[-1][:2] == (4 << 20, 4 << 20)
        assert [done for done, _, _ in steps] == sorted(done for done, _, _ in steps)


class TestChild:
    """The process that reads hostile images may die or hang without harm."""

    def test_garbage_with_a_superblock(self, tmp_path):
        image = bytearray(image_of({"a": b"1" * 9000}))
        chance = random.Random(3)
        path = tmp_path / "fs.bin"
        for _ in range(3):
            for _ in range(40):
                image[chance.randrange(64, len(image))] = chance.randrange(256)
            path.write_bytes(bytes(image))
            look(path)

    def test_one_that_takes_too_long_is_ended(self, tmp_path, monkeypatch):
        monkeypatch.setattr(child, "SECONDS", 0.01)
        path = tmp_path / "fs.bin"
        path.write_bytes(image_of({"a": b"1"}))
        assert "damaged" in look(path).problems[0].why

    def test_a_store_that_counts_for_ever_is_ended(self, tmp_path, monkeypatch):
        """How often the MAC's password is hashed is the file's to say: here 2^31 - 1 times."""
        monkeypatch.setattr(child, "SECONDS", 2)
        chain = [load_der_x509_certificate(CA1.der)]
        lock = BestAvailableEncryption(b"changeit")
        store = pkcs12.serialize_key_and_certificates(None, None, None, chain, lock)
        mac = store.rindex(bytes.fromhex("3031300d")) - 2  # MacData (RFC 7292 section 4)
        assert store[mac] == 0x30
        assert store[-4:] == bytes.fromhex("02020800")
        size = int.from_bytes(store[2:4], "big") + 2
        grown = b"".join(
            (
                *(store[:2], size.to_bytes(2, "big"), store[4 : mac + 1]),
                *(
                    bytes((store[mac + 1] + 2,)),
                    store[mac + 2 : -4],
                    bytes.fromhex("02047fffffff"),
                ),
            )
        )
        path = tmp_path / "a.p12"
        path.write_bytes(grown)
        began = time.monotonic()
        assert len(look(path).problems) == 1
        assert 2 <= time.monotonic() - began < 60


class TestTimeAndMemory:
    """What is made to waste them: each of these took minutes or a gigabyte once."""

    @pytest.mark.parametrize(
        "piece",
        [
            CA1.der,
            CA1.sha256.encode(),
            b"0x30,/*",
            b"0x30, ",
            b"48,130,",
            b"30820341",
            b'\\"',
            b"-----BEGIN CERTIFICATE-----\n",
            b"MIIDQTCCAimgAwIB",
        ],
        ids=lambda piece: piece[:12].decode("latin-1"),
    )
    def test_repetitions_are_soon_done(self, tmp_path, monkeypatch, piece):
        monkeypatch.setattr("rootlet.scan.binary.MAX_HITS", 2000)
        path = tmp_path / "a.c"
        path.write_bytes((piece * 300_000)[: 1 << 20])
        began = time.process_time()
        look(path)
        assert time.process_time() - began < 20
