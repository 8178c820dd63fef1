"""The real programs that own trust stores, in private folders: ``make trust-stores``.

Needs what a blank machine lacks: keytool, certutil (libnss3-tools) and Debian's
update-ca-certificates. Nothing of this computer is changed.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import store_programs
from rootlet import catalog, truststore
from rootlet.truststore import install, java, nss
from rootlet.truststore.store import from_paths
from store_programs import REFUSED, TRUSTED

if TYPE_CHECKING:
    from pathlib import Path


def path_of(anchor_id: str) -> Path:
    return catalog.load().get(anchor_id).path


def sha256(anchor_id: str) -> str:
    return catalog.load().get(anchor_id).sha256


def run(*command: object) -> None:
    subprocess.run([str(one) for one in command], check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("kind", ["PKCS12", "JKS"])
def test_keytool_prints_what_the_stand_in_prints(tmp_path: Path, kind: str) -> None:
    store = tmp_path / "cacerts"
    keystore = ("-keystore", store, "-storepass", "changeit")
    run("keytool", "-importcert", "-noprompt", "-storetype", kind, *keystore,
        "-alias", TRUSTED, "-file", path_of(TRUSTED))  # fmt: skip
    tool = java._keytool()
    assert tool
    found = java._read(tool, store)
    assert (*found.trusted, found.problem) == (sha256(TRUSTED), "")
    bad = java._read(tool, tmp_path / "none")
    assert "does not exist" in bad.problem


def test_certutil_prints_what_the_stand_in_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".pki" / "nssdb"
    folder.mkdir(parents=True)
    database = ("-d", f"sql:{folder}")
    run("certutil", "-N", *database, "--empty-password")
    for name, flags, anchor in (
        ("Amazon Root CA 1", "C,,", TRUSTED),
        ("Amazon Root CA 3", "p,,", REFUSED),
    ):
        run("certutil", "-A", *database, "-n", name, "-t", flags, "-i", path_of(anchor))
    listed = subprocess.run(
        ["certutil", "-L", *database], check=True, capture_output=True, text=True
    )
    assert listed.stdout == store_programs.CERTUTIL_LIST
    monkeypatch.setenv("HOME", str(tmp_path))
    (found,) = nss.stores()
    assert (*found.trusted, *found.refused) == (sha256(TRUSTED), sha256(REFUSED))


def test_debian_takes_an_anchor_into_its_list(tmp_path: Path) -> None:
    local, etc, hooks = (tmp_path / name for name in ("local", "etc", "hooks"))
    for folder in (local, etc, hooks):
        folder.mkdir()
    (tmp_path / "conf").write_text("# nothing of the distribution's\n")
    options = ("--localcertsdir", local, "--etccertsdir", etc, "--hooksdir", hooks,
               "--certsconf", tmp_path / "conf")  # fmt: skip
    debian = install.SYSTEMS["debian"]
    system = replace(debian, folder=local, command=(*debian.command, *map(str, options)))
    anchor = catalog.load().get(TRUSTED)
    assert install.apply(anchor, system)
    assert not install.apply(anchor, system)
    found = from_paths("system", "x", etc / "ca-certificates.crt")
    assert found.trusted == {anchor.sha256}
    verified = subprocess.run(
        ["openssl", "verify", "-CApath", etc, anchor.path], check=False, capture_output=True
    )
    assert verified.returncode == 0


def test_this_computers_stores_can_all_be_read() -> None:
    found = list(truststore.find())
    assert {"openssl", "system", "java"} <= {one.kind for one in found}
    assert not [one.problem for one in found if one.problem]
