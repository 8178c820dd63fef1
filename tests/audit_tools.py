"""Audits of what other people's programs make: ``make audit-tools``.

It needs Java's keytool, a C compiler and libbearssl-dev (apt-get install default-jre-headless gcc
libbearssl-dev), which a blank machine lacks; what comes from the package index, the target gets.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import certifi
import make_stores
import pytest
from sarif_pydantic import Sarif

from rootlet import catalog, export, judge
from rootlet.audit import Report, Unit, audit
from rootlet.export.anchors import Anchor
from rootlet.sarif import document

if TYPE_CHECKING:
    from pathlib import Path

#: All but one that is bound to a path length, which formats of name and key cannot hold.
KNOWN = [one for one in catalog.load().anchors if one.certificate.path_length is None]
ATS = [one for one in KNOWN if one.role == "ats"]
ANCHORS = [Anchor(one.id, one.certificate, one.sha256) for one in KNOWN]


def look(*paths: Path) -> Report:
    moment = judge.Moment(datetime(2026, 11, 25, tzinfo=UTC), timedelta(days=365))
    return audit(paths, moment)


def names(report: Report) -> Counter[str]:
    return Counter(one.finding.what for one in report.findings)


ONE_OF_EACH = Counter(one.name for one in KNOWN)


def compiled(folder: Path, source: bytes, anchors: str) -> Path:
    """Compile a header and what keeps its ``anchors`` (C expressions), as a firmware would."""
    (folder / "anchors.h").write_bytes(source)
    table = f"const void *const kept[] = {{ {anchors} }};"
    (folder / "a.c").write_text(f'#include "anchors.h"\n{table}\n')
    made = folder / "a.o"
    subprocess.run(["cc", "-O2", "-c", str(folder / "a.c"), "-o", str(made)], check=True)
    (folder / "a.c").unlink()
    (folder / "anchors.h").unlink()
    return made


def test_bearssl_anchors_in_a_compiled_file(tmp_path: Path) -> None:
    """Name, modulus, exponent and point are arrays of their own in it."""
    report = look(compiled(tmp_path, export.write(ANCHORS, "bearssl"), "TAs"))
    assert names(report) == ONE_OF_EACH
    assert {one.finding.form for one in report.findings} == {
        "bare key, as BearSSL keeps it in an ELF file"
    }


def test_certificates_in_a_stripped_program(tmp_path: Path) -> None:
    anchors = ", ".join(f"rootlet_{one.id.replace('-', '_')}" for one in KNOWN)
    made = compiled(tmp_path, export.write(ANCHORS, "c"), anchors)
    subprocess.run(["strip", "--strip-unneeded", str(made)], check=True)
    assert names(look(made)) == ONE_OF_EACH


def test_setinsecure_in_a_program_with_symbols(tmp_path: Path) -> None:
    source = tmp_path / "a.cc"
    source.write_text(
        "struct WiFiClientSecure { void setInsecure(); };\n"
        "void f(WiFiClientSecure &c) { c.setInsecure(); }\n"
    )
    subprocess.run(["c++", "-c", str(source), "-o", str(tmp_path / "a.o")], check=True)
    source.unlink()
    assert names(look(tmp_path)) == {"setInsecure()": 1}


@pytest.mark.parametrize("layout", ["esp-crt-bundle", "esp-crt-bundle-v1"])
@pytest.mark.parametrize("form", ["raw", "uf2"])
def test_an_image_that_esptool_merged(tmp_path: Path, layout: str, form: str) -> None:
    bundle, other, made = (tmp_path / name for name in ("bundle", "other", f"flash.{form}"))
    bundle.write_bytes(export.write(ANCHORS, layout))
    other.write_bytes(b"\x5a" * 5000 + KNOWN[0].der)
    command = [sys.executable, "-m", "esptool", "--chip", "esp32", "merge-bin", "--format", form]
    command += ["-o", str(made), "0x1000", str(other), "0x8000", str(bundle)]
    subprocess.run(command, check=True, capture_output=True)
    bundle.unlink()
    other.unlink()
    report = look(tmp_path)
    assert names(report) == ONE_OF_EACH + Counter([KNOWN[0].name])
    first = report.findings[0]
    unit = Unit.ADDRESS if form == "uf2" else Unit.OFFSET
    assert (first.unit, first.at) == (unit, 0x1000 + 5000)


def test_stores_that_keytool_made_today(tmp_path: Path) -> None:
    make_stores.make(tmp_path)
    report = look(tmp_path)
    assert len(report.findings) == 6
    assert [one.file.rsplit("/", 1)[1] for one in report.problems] == ["secret.p12"]


def test_another_reading_of_sarif_takes_ours(tmp_path: Path) -> None:
    make_stores.make(tmp_path)
    (tmp_path / "a.ino").write_text("net.setInsecure();\n")
    (tmp_path / "fw.bin").write_bytes(bytes(100) + KNOWN[0].der)
    log = Sarif.model_validate(document(look(tmp_path)))
    assert len(log.runs[0].results) == 8


def test_certifi(tmp_path: Path) -> None:
    path = tmp_path / "cacert.pem"
    text = certifi.contents()
    path.write_text(text)
    report = look(path)
    certificates = [one.finding for one in report.findings if one.finding.form == "PEM"]
    assert len(certificates) == text.count("BEGIN CERTIFICATE")
    found = Counter(one.what for one in certificates)
    assert all(found[one.name] == 1 for one in ATS)
    assert not report.is_broken
