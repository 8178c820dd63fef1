"""``rootlet trust``: each kind of store, what it lacks, and the commands that add to one."""

from __future__ import annotations

import json
import os
import shutil
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import store_programs
from rootlet import catalog, store_check, truststore
from rootlet.cli.trust import command
from rootlet.errors import InputError, RootletError, TrustError
from rootlet.truststore import Store, install, java, macos, nss, openssl, program, python, windows
from rootlet.truststore.store import fingerprints, from_paths
from store_programs import REFUSED, TRUSTED, pem_of

KEYCHAIN = "/Library/Keychains/System.keychain"
ARCH = "/etc/ca-certificates/trust-source/anchors"
ATS = [one.id for one in store_check.wanted()]


def sha256(anchor_id):
    return catalog.load().get(anchor_id).sha256


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Leave only programs of this test to be found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, path=None: real(name, path=str(folder)))
    return folder


class TestFiles:
    def test_a_list_and_a_folder_count_once_each(self, tmp_path):
        folder = tmp_path / "certs"
        folder.mkdir()
        (folder / "a.pem").write_text(pem_of(TRUSTED))
        (folder / "0a1b.0").symlink_to("a.pem")
        (folder / "gone.0").symlink_to("nowhere")
        (tmp_path / "all.pem").write_text("# Amazon\n" + pem_of(REFUSED) + pem_of(TRUSTED))
        store = from_paths("openssl", "x", tmp_path / "all.pem", folder)
        assert store.trusted == {sha256(TRUSTED), sha256(REFUSED)}
        assert from_paths("openssl", "x", folder).trusted == {sha256(TRUSTED)}

    def test_what_is_no_base64_is_nothing(self):
        bad = "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"
        assert fingerprints((bad + pem_of(TRUSTED)).encode()) == {sha256(TRUSTED)}

    def test_one_that_cannot_be_read_says_so(self, tmp_path):
        assert from_paths("system", "x", tmp_path / "no").problem == "No such file or directory"

    def test_the_variables_of_openssl_are_obeyed(self, tmp_path, monkeypatch):
        file = tmp_path / "mine.pem"
        file.write_text(pem_of(TRUSTED))
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
        assert openssl.stores()[0].trusted == {sha256(TRUSTED)}
        assert ssl.create_default_context().cert_store_stats()["x509"] == 1  # and Python does

    def test_the_folder_of_the_program_openssl_is_asked_for(self, programs, tmp_path, monkeypatch):
        (tmp_path / "cert.pem").write_text(pem_of(REFUSED))
        store_programs.program(programs, "openssl", f"echo 'OPENSSLDIR: \"{tmp_path}\"'")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
        (store,) = openssl.stores()
        assert (store.title, *store.trusted) == ("the program openssl", sha256(REFUSED))

    def test_certifi_is_read_where_it_is_installed(self, tmp_path, monkeypatch):
        (tmp_path / "certifi-1.0.dist-info").mkdir()
        (tmp_path / "certifi-1.0.dist-info" / "METADATA").write_text(
            "Name: certifi\nVersion: 1.0\n"
        )
        (tmp_path / "certifi").mkdir()
        (tmp_path / "certifi" / "cacert.pem").write_text(pem_of(TRUSTED))
        monkeypatch.syspath_prepend(tmp_path)
        (store,) = python.stores()
        assert (store.title, *store.trusted) == ("certifi 1.0 of this Python", sha256(TRUSTED))


class TestPrograms:
    def test_java_is_read_by_keytool(self, programs, tmp_path, monkeypatch):
        store_programs.keytool(programs)
        (tmp_path / "lib" / "security").mkdir(parents=True)
        (tmp_path / "lib" / "security" / "cacerts").write_bytes(b"")
        monkeypatch.setattr(java, "_JVMS", tmp_path / "none")
        monkeypatch.setattr(java, "_DEBIAN", tmp_path / "none")
        (store,) = java.stores()
        assert store.trusted == {sha256(TRUSTED)}
        store_programs.program(programs, "keytool", "echo 'keytool error: no' >&2; exit 1")
        assert java.stores()[0].problem == "keytool error: no"

    def test_a_browser_by_certutil_with_what_it_distrusts(self, programs, tmp_path, monkeypatch):
        store_programs.certutil(programs)
        monkeypatch.setenv("HOME", str(tmp_path))
        folder = tmp_path / ".mozilla" / "firefox" / "abc.default"
        folder.mkdir(parents=True)
        (folder / "cert9.db").write_bytes(b"")
        (store,) = nss.stores()
        assert (*store.trusted, *store.refused) == (sha256(TRUSTED), sha256(REFUSED))
        assert store.place == str(folder)
        (programs / "certutil").unlink()
        assert "libnss3-tools" in nss.stores()[0].problem

    def test_macos_by_security(self, programs):
        store_programs.program(programs, "security", f"cat {catalog.load().get(TRUSTED).path}")
        assert macos.read().trusted == {sha256(TRUSTED)}
        store_programs.program(programs, "security", "echo denied >&2; exit 44")
        assert macos.read().problem == "denied"

    def test_windows_by_what_is_for_servers(self):
        der = {one: catalog.load().get(one).der for one in ATS}
        server, mail = {"1.3.6.1.5.5.7.3.1"}, {"1.3.6.1.5.5.7.3.4"}
        store = windows.of([
            (der[ATS[0]], "x509_asn", True), (der[ATS[1]], "x509_asn", server),
            (der[ATS[2]], "x509_asn", mail), (der[ATS[3]], "pkcs_7_asn", True),
        ])  # fmt: skip
        assert store.trusted == {sha256(ATS[0]), sha256(ATS[1])}

    def test_one_without_an_end_is_ended(self, programs, monkeypatch):
        monkeypatch.setattr(program, "_SECONDS", 0.2)
        store_programs.program(programs, "slow", "exec sleep 60")
        ended = program.run(["slow"])
        assert ended
        assert ended.complaint == "no end after 0.2 s"


class TestWhatFails:
    def test_nothing_with_the_four_or_with_all_five(self):
        assert store_check.losses(ATS) == store_check.losses(ATS[:4]) == []

    def test_without_root_ca_3_its_services(self):
        lost = store_check.losses(["amazon-root-ca-1", "amazon-root-ca-2", "amazon-root-ca-4"])
        assert {(one.service, one.root, one.always) for one in lost} == {
            ("iot-data-ats", "amazon-root-ca-3", True),
            ("acm", "amazon-root-ca-3", True),
        }

    def test_starfield_g2_alone_needs_the_cross_sign(self):
        lost = store_check.losses(["starfield-g2"])
        assert {one.root for one in lost} == set(ATS) - {"starfield-g2"}
        assert not any(one.always for one in lost)


class TestCheck:
    @pytest.fixture
    def found(self, monkeypatch):
        stores: list[Store] = []
        monkeypatch.setattr(truststore, "find", lambda: iter(stores))
        return stores

    def run(self, *arguments):
        result = CliRunner().invoke(command, ["check", *arguments])
        return result.stdout, result.exception

    def test_a_store_with_all_five_is_the_answer_yes(self, found):
        found.append(Store("system", "this system", "/x", frozenset(map(sha256, ATS))))
        words, error = self.run()
        assert error is None
        assert words.splitlines()[1].split()[3:] == ["yes"] * 5

    def test_a_store_without_one_is_the_answer_no_and_says_which_service(self, found):
        found.append(Store("java", "Java", "/x", frozenset(map(sha256, ATS[1:4]))))
        words, error = self.run()
        assert isinstance(error, TrustError)
        assert error.why.startswith("without amazon-root-ca-1, iot-data-ats and s3 and ")
        assert "keytool" in error.hint
        assert "1 is /x\n  without amazon-root-ca-1, " in words

    def test_a_browsers_own_list_counts_until_it_distrusts(self, found):
        found.append(Store("nss", "a browser", "/x", adds_only=True, problem="needs certutil"))
        assert self.run()[1] is None
        refused = frozenset({sha256(REFUSED)})
        found[0] = Store("nss", "a browser", "/x", refused=refused, adds_only=True)
        words, error = self.run("--json")
        assert error.why == f"it distrusts {REFUSED}"
        document = json.loads(words)
        assert document["schema"] == "rootlet/trust/1"
        assert document["stores"][0]["distrusts"] == [REFUSED]

    def test_this_computer_is_looked_at(self):
        """Whatever is here: it is read, and each store is one of the kinds."""
        assert {one.kind for one in truststore.find()} <= set(truststore.KINDS)


class TestInstall:
    def run(self, *arguments):
        result = CliRunner().invoke(command, ["install", *arguments])
        return result.stdout, result.exception

    @pytest.mark.parametrize(
        ("system", "lines"),
        [
            ("debian", ["sudo install -m 644 {pem} /usr/local/share/ca-certificates/{id}.crt",
                        "sudo update-ca-certificates"]),
            ("alpine", ["sudo install -m 644 {pem} /usr/local/share/ca-certificates/{id}.crt",
                        "sudo update-ca-certificates"]),
            ("fedora", ["sudo install -m 644 {pem} /etc/pki/ca-trust/source/anchors/{id}.pem",
                        "sudo update-ca-trust extract"]),
            ("arch", [f"sudo install -m 644 {{pem}} {ARCH}/{{id}}.crt",
                      "sudo update-ca-trust"]),
            ("macos", [f"sudo security add-trusted-cert -d -r trustRoot -k {KEYCHAIN} {{pem}}"]),
            ("windows", ['certutil -addstore -f ROOT "{pem}"']),
        ],
    )  # fmt: skip
    def test_each_system_has_its_commands(self, system, lines):
        anchor = catalog.load().get(TRUSTED)
        words, error = self.run(TRUSTED, "--system", system)
        assert error is None
        assert anchor.sha256 in words.splitlines()[1]
        values = {"pem": anchor.path, "id": anchor.id}
        assert words.splitlines()[3:] == [line.format(**values) for line in lines]

    @pytest.mark.parametrize(
        ("release", "system"),
        [
            ("ID=debian\n", "debian"),
            ("NAME=Mint\nID=linuxmint\nID_LIKE='ubuntu debian'\n", "debian"),
            ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "fedora"),
            ("ID=alpine\n", "alpine"),
            ("ID=manjaro\nID_LIKE=arch\n", "arch"),
        ],
    )
    def test_the_system_is_known_by_os_release(self, release, system, monkeypatch):
        monkeypatch.setattr(Path, "is_file", lambda _: True)
        monkeypatch.setattr(Path, "read_text", lambda _: release)
        assert install.this_system().id == system

    def test_an_unknown_system_is_told_to_name_one(self, monkeypatch):
        monkeypatch.setattr(Path, "is_file", lambda _: True)
        monkeypatch.setattr(Path, "read_text", lambda _: "ID=plan9\n")
        with pytest.raises(InputError, match="plan9"):
            install.this_system()

    def test_apply_without_root_is_one_line(self, monkeypatch):
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        words, error = self.run(TRUSTED, "--apply", "--system", "debian")
        assert (words, error.what) == ("", "--apply needs root")

    def test_a_legacy_root_and_a_forged_file_are_refused(self, tmp_path, monkeypatch):
        words, error = self.run("verisign-class3-g5", "--system", "debian")
        assert isinstance(error, TrustError)
        forged = tmp_path / "a.pem"
        forged.write_text(pem_of(REFUSED))
        anchor = replace(catalog.load().get(TRUSTED), path=forged)
        with pytest.raises(TrustError, match="not the certificate that the catalogue pins"):
            install.commands(anchor, install.SYSTEMS["debian"])
        assert words == ""

    def test_apply_writes_the_pinned_bytes_once_and_takes_them_back_when_it_fails(
        self, programs, tmp_path
    ):
        store_programs.program(programs, "update", f"echo ran >> {tmp_path}/log")
        system = install.System("x", "X", (), ("update",), tmp_path)
        anchor = catalog.load().get(TRUSTED)
        assert [install.apply(anchor, system), install.apply(anchor, system)] == [True, False]
        assert (tmp_path / "log").read_text() == "ran\nran\n"
        assert (tmp_path / f"{TRUSTED}.crt").read_text() == pem_of(TRUSTED)
        store_programs.program(programs, "update", "echo no room >&2; exit 1")
        with pytest.raises(RootletError, match="update did not take") as caught:
            install.apply(catalog.load().get(REFUSED), system)
        assert caught.value.why == "no room"
        assert not (tmp_path / f"{REFUSED}.crt").exists()

    def test_a_command_that_takes_a_file_gets_the_pinned_bytes(self, programs, tmp_path):
        store_programs.program(programs, "add", f'cp "$1" {tmp_path}/taken')
        system = install.System("x", "X", (), ("add", "{file}"))
        assert install.apply(catalog.load().get(TRUSTED), system)
        assert (tmp_path / "taken").read_text() == pem_of(TRUSTED)
