"""The shipped trust data is consistent, and broken data is refused by name."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import zipfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rootlet import catalog, pem, resources, x509
from rootlet.errors import InputError, TrustError

FOLDER = resources.data("certs")
CATALOG = catalog.load()
KNOWN = {item.sha256: item for item in catalog.known()}
ATS = ["amazon-root-ca-1", "amazon-root-ca-2", "amazon-root-ca-3", "amazon-root-ca-4"]
SHARED = ("subject", "key", "sha256", "spki_sha256", "not_before", "not_after")
# cryptography verifies no SHA-1; these four roots signed themselves with it.
SHA1_ROOTS = {
    "starfield-class-2",
    "verisign-class3-g5",
    "baltimore-cybertrust-root",
    "digicert-global-root-ca",
}

anchors = pytest.mark.parametrize("anchor", CATALOG.anchors, ids=lambda anchor: anchor.id)


class TestAnchors:
    def test_the_five_of_amazon_trust_services_come_first(self) -> None:
        assert [anchor.id for anchor in CATALOG.anchors[:5]] == [*ATS, "starfield-g2"]
        assert [anchor.role for anchor in CATALOG.anchors] == ["ats"] * 5 + ["legacy"] * 6

    @anchors
    def test_the_certificate_says_what_the_catalogue_says(
        self, anchor: catalog.TrustAnchor
    ) -> None:
        for fact in SHARED:
            assert getattr(anchor.certificate, fact) == getattr(anchor, fact), fact

    @anchors
    def test_the_file_is_exactly_one_strict_pem_block(self, anchor: catalog.TrustAnchor) -> None:
        assert anchor.path.read_bytes() == pem.armour(anchor.der).encode()

    @anchors
    def test_two_independent_sources_besides_certifi_agree(
        self, anchor: catalog.TrustAnchor
    ) -> None:
        assert "mozilla-nss" in anchor.sources
        assert len(set(anchor.sources)) == len(anchor.sources) >= 3
        assert re.fullmatch(r"20\d\d\.\d+\.\d+", anchor.certifi)

    @anchors
    def test_the_programme_end_has_a_source(self, anchor: catalog.TrustAnchor) -> None:
        assert anchor.programme_end is not None
        assert anchor.programme_source
        if "inferred" in anchor.programme_source:
            assert anchor.programme_inferred

    @anchors
    def test_it_is_a_known_certificate_with_equal_facts(self, anchor: catalog.TrustAnchor) -> None:
        known = KNOWN[anchor.sha256]
        assert (known.name, known.role) == (anchor.id, "root")
        assert f"{anchor.certificate.serial:x}" == known.serial
        assert anchor.certificate.path_length == known.path_length
        for fact in SHARED:
            assert getattr(known, fact) == getattr(anchor, fact), fact

    @anchors
    def test_it_signed_itself(self, anchor: catalog.TrustAnchor) -> None:
        signed = x509.check_signed_by(anchor.certificate, anchor.certificate)
        assert signed == (anchor.id not in SHA1_ROOTS)

    def test_amazon_roots_leave_the_programme_15_years_after_they_were_made(self) -> None:
        for name in ATS:
            anchor = CATALOG.get(name)
            made = anchor.not_before.date()
            assert anchor.programme_end == made.replace(year=made.year + 15)
        assert CATALOG.get("starfield-g2").programme_end == date(2027, 4, 15)

    def test_root_ca_1_ends_before_signed_32_bit_time_overflows(self) -> None:
        end = CATALOG.get("amazon-root-ca-1").not_after
        overflow = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=2**31)
        assert timedelta(days=2) < overflow - end < timedelta(days=3)

    def test_no_file_in_the_folder_is_unlisted(self) -> None:
        listed = {anchor.path.name for anchor in CATALOG.anchors}
        assert {path.name for path in (FOLDER / "anchors").iterdir()} == listed


class TestLookUp:
    def test_by_every_handle(self) -> None:
        anchor = CATALOG.get("amazon-root-ca-3")
        assert CATALOG.by_sha256(anchor.sha256) is anchor
        assert CATALOG.by_spki(anchor.spki_sha256) is anchor
        assert CATALOG.by_subject(anchor.certificate.subject_der) is anchor

    def test_by_handles_of_nothing(self) -> None:
        assert CATALOG.by_sha256("0" * 64) is None
        assert CATALOG.by_spki("0" * 64) is None
        assert CATALOG.by_subject(b"\x30\x00") is None

    def test_an_unknown_id_offers_those_that_come_close(self) -> None:
        with pytest.raises(InputError) as caught:
            CATALOG.get("amazon-root-ca1")
        assert "amazon-root-ca1" in caught.value.what
        assert "amazon-root-ca-1" in caught.value.why
        assert caught.value.hint == "rootlet certs list"

    def test_a_known_key_finds_the_root_and_its_cross_certificates(self) -> None:
        found = catalog.find_known(CATALOG.get("amazon-root-ca-1").spki_sha256)
        assert [item.role for item in found] == ["root", "cross", "cross"]
        (one,) = catalog.find_known(found[1].sha256)
        assert one == found[1]
        assert catalog.find_known("0" * 64) == ()

    @pytest.mark.parametrize(
        ("name", "found"),
        [
            ("starfield-g2", "starfield-g2"),
            ("8ecde688", "amazon-root-ca-1"),
            ("8E:CD:E6:88", "amazon-root-ca-1"),
            (CATALOG.get("amazon-root-ca-4").spki_sha256, "amazon-root-ca-4"),
            ("87dcd4dc", "amazon-root-ca-1-cross-2015-05-25"),
            ("amazon-ecdsa-256-s06", "amazon-ecdsa-256-s06"),
        ],
    )
    def test_find_takes_ids_names_and_hashes(self, name: str, found: str) -> None:
        item = catalog.find(name)
        assert (item.id if isinstance(item, catalog.TrustAnchor) else item.name) == found

    @pytest.mark.parametrize("name", ["8ecde68", "0" * 64, "8ecde688" * 9, "amazon", ""])
    def test_find_refuses_what_fits_nothing(self, name: str) -> None:
        with pytest.raises(InputError):
            catalog.find(name)

    def test_eight_digits_are_enough_for_each(self) -> None:
        assert len({sha256[:8] for sha256 in KNOWN}) == len(KNOWN)


class TestKnown:
    def test_there_are_152_different_ones_under_different_names(self) -> None:
        assert len(catalog.known()) == len(KNOWN) == 152
        assert len({item.name for item in KNOWN.values()}) == 152

    def test_every_issuer_is_known_and_reaches_a_root(self) -> None:
        for item in KNOWN.values():
            assert item.signed_by, item.name
            for sha256 in item.signed_by:
                signer = KNOWN[sha256]
                assert signer.subject == item.issuer, item.name
                assert signer.role in {"root", "cross"}
            assert any(KNOWN[sha256].role == "root" for sha256 in item.signed_by), item.name

    def test_all_signers_of_one_certificate_have_one_key(self) -> None:
        for item in KNOWN.values():
            assert len({KNOWN[sha256].spki_sha256 for sha256 in item.signed_by}) == 1, item.name

    def test_every_certificate_of_a_signing_key_is_listed(self) -> None:
        """An issuing CA below Root CA 1 is signed by the root and by both its cross-signs."""
        for item in KNOWN.values():
            key = KNOWN[item.signed_by[0]].spki_sha256
            twins = {other.sha256 for other in KNOWN.values() if other.spki_sha256 == key}
            assert twins == set(item.signed_by), item.name

    def test_roles_are_what_the_names_and_keys_say(self) -> None:
        roots = {item.spki_sha256 for item in KNOWN.values() if item.role == "root"}
        for item in KNOWN.values():
            assert (item.role == "root") == (item.subject == item.issuer), item.name
            assert (item.role == "intermediate") == (item.spki_sha256 not in roots), item.name

    def test_facts_are_well_formed(self) -> None:
        for item in KNOWN.values():
            assert item.not_before < item.not_after
            assert item.key in {"rsa-2048", "rsa-4096", "ec-p256", "ec-p384"}
            assert re.fullmatch(r"0|[1-9a-f][0-9a-f]{0,39}", item.serial), item.name
            assert item.path_length is None or 0 <= item.path_length <= 3

    def test_p256_issuing_cas_of_2026_hang_below_two_roots(self) -> None:
        """The change that makes "P-256 leaf means Root CA 3" wrong."""
        below = Counter(
            KNOWN[item.signed_by[0]].key
            for item in KNOWN.values()
            if re.fullmatch(r"amazon-ecdsa-256-s(0[6-9]|1\d|2[01])", item.name)
        )
        assert below == {"ec-p384": 8, "ec-p256": 8}

    def test_it_is_read_only_when_asked_for(self) -> None:
        code = (
            "import sys, rootlet.catalog as c; [a.der for a in c.load().anchors];"
            "sys.exit(c.known.cache_info().currsize or 'cryptography' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestBrokenData:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A copy of the shipped catalogue that a test can break."""
        (tmp_path / "anchors").mkdir()
        for path in ("catalog.toml", "known.toml", *(f"anchors/{name}.pem" for name in ATS)):
            (tmp_path / path).write_bytes((FOLDER / path).read_bytes())
        return tmp_path

    def test_a_changed_pem_is_refused_by_name(self, folder: Path) -> None:
        other = (folder / "anchors/amazon-root-ca-2.pem").read_bytes()
        path = folder / "anchors/amazon-root-ca-1.pem"
        path.write_bytes(other)
        anchor = catalog.load(folder).get("amazon-root-ca-1")
        with pytest.raises(TrustError) as caught:
            _ = anchor.certificate
        assert str(path) in caught.value.what
        assert anchor.sha256 in caught.value.why
        assert CATALOG.get("amazon-root-ca-2").sha256 in caught.value.why

    def test_an_extra_certificate_in_a_pem_is_refused(self, folder: Path) -> None:
        path = folder / "anchors/amazon-root-ca-1.pem"
        path.write_bytes(path.read_bytes() * 2)
        with pytest.raises(TrustError, match=re.escape("amazon-root-ca-1.pem")):
            _ = catalog.load(folder).get("amazon-root-ca-1").der

    def test_a_missing_pem_is_named_with_the_way_to_get_it(self, folder: Path) -> None:
        with pytest.raises(InputError) as caught:
            _ = catalog.load(folder).get("starfield-g2").der
        assert "starfield-g2.pem" in caught.value.what
        assert caught.value.hint == "make certs"

    def test_a_damaged_pem_names_file_and_block(self, folder: Path) -> None:
        path = folder / "anchors/amazon-root-ca-1.pem"
        path.write_bytes(path.read_bytes()[:300])
        with pytest.raises(InputError, match=re.escape("amazon-root-ca-1.pem, block 1")):
            _ = catalog.load(folder).get("amazon-root-ca-1").der

    @pytest.mark.parametrize(
        ("old", "new", "key"),
        [
            ('role = "ats"', 'role = "root"', "role"),
            ('id = "amazon-root-ca-1"', 'id = "../x"', "id"),
            ('id = "amazon-root-ca-1"', 'id = "amazon-root-ca-2"', "id amazon-root-ca-2"),
            ('id = "amazon-root-ca-1"', "id = 1", "id is not a str"),
            ('key = "rsa-2048"', 'keys = "rsa-2048"', "key is missing"),
            ('key = "rsa-2048"', 'key = "rsa-2048"\npath = "x"', "path is not a known key"),
            ('sha256 = "8e', 'sha256 = "8E', "sha256"),
            ('sha256 = "8e', 'sha256 = "e', "sha256"),
            ("00:00:00Z", "00:00:00", "not_before has no time zone"),
            (
                "programme_end = 2030-05-26",
                "programme_end = 2030-05-26T00:00:00Z",
                "programme_end",
            ),
            ("\nprogramme_inferred = true\n", "\nprogramme_inferred = 1\n", "programme_inferred"),
            ('services = ["iot-data-ats"', "services = [1", "services"),
            ("[[anchor]]", "[[anchors]]", "anchors"),
            ("[[anchor]]", "colour = 1\n[[anchor]]", "colour"),
            ("[[anchor]]", "[[anchor", "cannot be read"),
        ],
    )
    def test_a_broken_catalogue_names_file_and_key(
        self, folder: Path, old: str, new: str, key: str
    ) -> None:
        path = folder / "catalog.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(InputError) as caught:
            catalog.load(folder)
        assert caught.value.what.startswith(str(path))
        assert key in caught.value.what
        assert caught.value.code == "FORMAT"

    @pytest.mark.parametrize(
        ("old", "new", "key"),
        [
            ('role = "root"', 'role = "ats"', "role"),
            ('name = "amazon-root-ca-1"', 'name = "amazon-root-ca-2"', "name amazon-root-ca-2"),
            ("path_length = 0", "path_length = true", "path_length is not a int"),
            ('issuer = "', 'emitter = "', "issuer is missing"),
        ],
    )
    def test_broken_facts_name_file_and_key(
        self, folder: Path, old: str, new: str, key: str
    ) -> None:
        path = folder / "known.toml"
        path.write_text(path.read_text().replace(old, new, 1))
        with pytest.raises(InputError) as caught:
            catalog.known(folder)
        assert str(path) in caught.value.what
        assert key in caught.value.what

    def test_no_catalogue_at_all(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=re.escape("catalog.toml: cannot be read")):
            catalog.load(tmp_path)


class TestExtraction:
    """``make certs`` without its download."""

    @pytest.fixture
    def extract(self) -> Any:
        path = Path(__file__).parents[2] / "certs" / "extract.py"
        spec = importlib.util.spec_from_file_location("extract", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    @pytest.fixture
    def cacert(self) -> bytes:
        """A list in certifi's manner: comments, and other certificates in between."""
        texts = (f"# Label: {item.name!r}\n{pem.armour(item.der)}\n" for item in CATALOG.anchors)
        return "".join(texts).encode()

    def test_every_anchor_comes_from_one_of_few_releases(self, extract: Any) -> None:
        groups = extract.by_release(CATALOG.anchors)
        assert sum(map(len, groups.values())) == len(CATALOG.anchors)
        assert len(groups) <= 3

    def test_it_changes_no_byte_of_the_shipped_files(self, extract: Any, cacert: bytes) -> None:
        for anchor, text in extract.find(cacert, CATALOG.anchors, "certifi"):
            assert anchor.path.read_bytes() == text.encode()
            assert extract.write(anchor.path, text) is False

    def test_a_missing_or_different_file_is_written_whole(
        self, extract: Any, tmp_path: Path
    ) -> None:
        path = tmp_path / "anchors" / "x.pem"
        assert extract.write(path, "one\n") is True
        assert extract.write(path, "two\n") is True
        assert path.read_bytes() == b"two\n"
        assert [item.name for item in path.parent.iterdir()] == ["x.pem"]

    def test_a_whole_run_writes_every_file_once(
        self,
        extract: Any,
        cacert: bytes,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        (tmp_path / "catalog.toml").write_bytes((FOLDER / "catalog.toml").read_bytes())
        wheel = tmp_path / "certifi-1.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("certifi/cacert.pem", cacert)
        monkeypatch.setattr(extract, "_FOLDER", tmp_path)
        monkeypatch.setattr(extract, "download", lambda release, folder: wheel)
        extract.main()
        assert capsys.readouterr().out.count("written") == len(CATALOG.anchors)
        for anchor in catalog.load(tmp_path).anchors:
            assert anchor.der == CATALOG.get(anchor.id).der
        extract.main()
        assert capsys.readouterr().out.count("unchanged") == len(CATALOG.anchors)

    def test_an_anchor_that_is_not_there_is_refused_by_name(
        self, extract: Any, cacert: bytes
    ) -> None:
        first = pem.armour(CATALOG.anchors[0].der).encode()
        with pytest.raises(TrustError, match=r"certifi 1: does not hold amazon-root-ca-1$"):
            extract.find(cacert.replace(first, b""), CATALOG.anchors, "certifi 1")

    def test_a_wheel_is_opened_as_an_archive(
        self, extract: Any, cacert: bytes, tmp_path: Path
    ) -> None:
        wheel = tmp_path / "certifi-1.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("certifi/__init__.py", "raise RuntimeError('was run')")
            archive.writestr("certifi/cacert.pem", cacert)
        assert extract.read_wheel(wheel) == cacert

    def test_a_wheel_of_something_else_is_refused(self, extract: Any, tmp_path: Path) -> None:
        wheel = tmp_path / "certifi-1.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("other.py", "")
        with pytest.raises(InputError, match=re.escape("certifi-1.whl")):
            extract.read_wheel(wheel)
        wheel.write_bytes(b"no archive")
        with pytest.raises(InputError, match=re.escape("certifi-1.whl")):
            extract.read_wheel(wheel)
