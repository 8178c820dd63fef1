"""``rootlet certs update``: what a newer list says, as a diff that people judge."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from cryptography import x509 as library
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from own_roots import key
from rootlet import catalog, catalog_update, resources, x509
from rootlet.cli.certs import command
from rootlet.errors import InputError, TrustError
from rootlet.pem import armour

NEW = "CN=Amazon Root CA 5,O=Amazon,C=US"


def made(subject=NEW, number=5, *, year=2045, signer=None, ca=True):
    """Return the DER of a root with any name; ``signer`` is another key's number."""
    name = library.Name.from_rfc4514_string(subject)
    builder = (
        library.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key(number).public_key())
        .serial_number(number)
        .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(year, 1, 1, tzinfo=UTC))
        .add_extension(library.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    return builder.sign(key(signer or number), hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.fixture
def known(tmp_path):
    """Return the catalogue and one anchor more, whose key is ours."""
    der = made()
    one = x509.parse_der(der, "five")
    path = tmp_path / "five.pem"
    path.write_text(armour(der))
    anchor = replace(catalog.load().anchors[0], id="five", path=path, **catalog_update._facts(one))
    return catalog.Catalog((*catalog.load().anchors, anchor))


def propose(*ders, known=None):
    data = "".join(map(armour, ders)).encode()
    return catalog_update.propose(data, "list.pem", known or catalog.load())


class TestPropose:
    def test_the_catalogues_own_anchors_agree(self):
        found = propose(*(one.der for one in catalog.load().anchors))
        assert found.agrees
        assert found.missing == ()

    def test_a_new_root_of_amazon_is_proposed_and_no_other(self):
        strangers = [made(f"CN={name},O=Example", n) for n, name in ((6, "Amazon"), (7, "Other"))]
        found = propose(made(), *strangers, made("CN=Starfield Root CA - G9,O=Starfield", 8))
        assert [(one.id, one.is_new) for one in found.changes] == [("amazon-root-ca-5", True)]

    @pytest.mark.parametrize("der", [made(signer=6), made(ca=False)])
    def test_what_only_says_that_it_is_a_root_is_not_proposed(self, der):
        assert propose(der).changes == ()

    def test_another_key_under_an_anchors_name_is_loud_and_never_proposed(self):
        forged = made("CN=Amazon Root CA 1,O=Amazon,C=US")
        found = propose(forged)
        assert found.changes == ()
        ((name, sha256),) = found.impostors
        assert (name, sha256) == ("amazon-root-ca-1", x509.parse_der(forged, "x").sha256)
        assert not found.agrees

    def test_a_root_made_anew_is_a_change_of_its_dates_and_hash(self, known):
        found = propose(made(year=2050), known=known)
        (change,) = found.changes
        assert (change.id, set(change.facts)) == ("five", {"not_after", "sha256"})

    def test_a_wrong_fact_beside_a_right_hash_is_found(self):
        anchors = list(catalog.load().anchors)
        anchors[0] = replace(anchors[0], not_after=datetime(2039, 1, 1, tzinfo=UTC))
        found = propose(anchors[0].der, known=catalog.Catalog(tuple(anchors)))
        (change,) = found.changes
        assert change.facts == {"not_after": datetime(2038, 1, 17, tzinfo=UTC)}

    def test_what_is_no_certificate_is_counted_among_others_and_refused_alone(self):
        assert propose(made(), b"0\x82\x01\x00").unread == 1
        with pytest.raises(InputError):
            propose(b"0\x82\x01\x00")
        with pytest.raises(InputError):
            catalog_update.propose(b"nothing", "x", catalog.load())


class TestDiff:
    def test_git_applies_it_and_the_catalogue_can_be_read(self, tmp_path):
        """Two proposals: a new anchor, and a fact that differs."""
        certs = tmp_path / "certs"
        shutil.copytree(resources.data("certs"), certs)
        text = (certs / "catalog.toml").read_text()
        (certs / "catalog.toml").write_text(text.replace("2038-01-17T00", "2039-01-17T00"))
        known = catalog.load(certs)
        found = propose(
            made(r"CN=Amazon \"Root\" \\ 5,O=Amazon"), known.anchors[0].der, known=known
        )
        patch = catalog_update.diff(found, (certs / "catalog.toml").read_text(), known)
        done = subprocess.run(
            ["git", "apply", "-"], input=patch.encode(), cwd=tmp_path, check=False, stderr=-1
        )
        assert done.returncode == 0, done.stderr
        after = catalog.load(certs)
        assert after.anchors[0].not_after == datetime(2038, 1, 17, tzinfo=UTC)
        assert after.anchors[-1].role == "legacy"
        assert after.anchors[-1].name == r"Amazon \"Root\" \\ 5"
        assert after.anchors[-1].certificate.spki_sha256 == after.anchors[-1].spki_sha256

    def test_a_root_made_anew_replaces_its_pem(self, known):
        text = resources.data("certs/catalog.toml").read_text() + '\nid = "five"\nsha256 = "0"\n'
        patch = catalog_update.diff(propose(made(year=2050), known=known), text, known)
        assert '-sha256 = "0"' in patch
        assert "--- a/certs/anchors/five.pem" in patch


class TestCommand:
    def run(self, *arguments):
        result = CliRunner().invoke(command, ["update", *map(str, arguments)])
        return result.stdout, result.stderr, result.exception

    def test_it_writes_nothing_and_its_diff_can_be_piped(self, tmp_path):
        (tmp_path / "new.pem").write_text(armour(made()))
        before = resources.data("certs/catalog.toml").read_bytes()
        patch, notes, error = self.run("--from", tmp_path / "new.pem")
        assert patch.startswith("--- a/certs/catalog.toml\n")
        assert "not in the list: amazon-root-ca-1, " in notes
        assert isinstance(error, TrustError)
        assert [one.name for one in tmp_path.iterdir()] == ["new.pem"]
        assert resources.data("certs/catalog.toml").read_bytes() == before

    def test_a_list_that_agrees_is_yes(self, tmp_path):
        (tmp_path / "all.pem").write_text(
            "".join(armour(one.der) for one in catalog.load().anchors)
        )
        patch, notes, error = self.run("--from", tmp_path / "all.pem")
        assert (patch, notes, error) == ("", "the catalogue agrees with it\n", None)

    def test_for_machines_an_impostor_is_named(self, tmp_path):
        (tmp_path / "bad.pem").write_text(armour(made("CN=Amazon Root CA 3,O=Amazon,C=US")))
        words, _, error = self.run("--from", tmp_path / "bad.pem", "--json")
        document = json.loads(words)
        assert document["schema"] == "rootlet/certs-update/1"
        assert [one["id"] for one in document["impostors"]] == ["amazon-root-ca-3"]
        assert (document["diff"], error.code) == ("", "ROOT")

    @pytest.mark.parametrize("url", ["http://example.com/x", "ftp://example.com/x", "file:///etc/x",
                                     "https://u:p@example.com/", "https:///x"])  # fmt: skip
    def test_nothing_but_https_is_fetched(self, url):
        assert isinstance(self.run("--from", url)[2], InputError)
