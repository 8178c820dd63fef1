"""The lab's hierarchy: the names, keys and signatures of the real one, with other keys."""

from __future__ import annotations

import errno
import os
import re
import stat
import tomllib
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from rootlet import resources
from rootlet.errors import InputError
from rootlet.lab import Hierarchy, vault, written
from rootlet.lab.authorities import ABOVE, ISSUING, ROOT_CERTIFICATES, ROOTS
from rootlet.lab.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

DOMAIN = "iot.eu-west-1.amazonaws.com"
#: Everything but Root CA 2 and what needs it: its RSA-4096 key takes seconds.
QUICK_ROOTS = [each for each in ROOTS if each != "amazon-root-ca-2"]
QUICK_ISSUING = [each for each, row in ISSUING.items() if row.issuer != "amazon-root-ca-2"]

# cryptography warns of the serial number 0 that both real Starfield roots have.
reads_starfield = pytest.mark.filterwarnings("ignore:Parsed a serial number")


def real(anchor_id: str) -> x509.Certificate:
    pem = resources.data(f"certs/anchors/{anchor_id}.pem").read_bytes()
    return x509.load_pem_x509_certificate(pem)


def known() -> list[dict[str, Any]]:
    text = resources.data("certs/known.toml").read_text(encoding="utf-8")
    return list(tomllib.loads(text)["certificate"])


def key_name(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa-{key.key_size}"
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return f"p-{key.curve.key_size}"


@reads_starfield
@pytest.mark.parametrize("anchor_id", QUICK_ROOTS)
def test_a_root_has_the_real_name_byte_for_byte_and_another_key(
    lab_pki: Hierarchy, anchor_id: str
) -> None:
    ours, theirs = lab_pki.anchor(anchor_id), real(anchor_id)
    assert ours.subject.public_bytes() == theirs.subject.public_bytes()
    assert ours.not_valid_before_utc == theirs.not_valid_before_utc
    assert ours.not_valid_after_utc == theirs.not_valid_after_utc
    assert key_name(ours) == key_name(theirs)
    assert ours.public_key() != theirs.public_key()


@reads_starfield
@pytest.mark.parametrize("anchor_id", QUICK_ROOTS)
def test_a_root_has_the_extensions_of_the_real_one(lab_pki: Hierarchy, anchor_id: str) -> None:
    def facts(certificate: x509.Certificate) -> list[tuple[str, bool]]:
        return [(each.oid.dotted_string, each.critical) for each in certificate.extensions]

    ours, theirs = lab_pki.anchor(anchor_id), real(anchor_id)
    assert sorted(facts(ours)) == sorted(facts(theirs))
    for kind in (x509.BasicConstraints, x509.KeyUsage):
        if anchor_id != "starfield-class-2" or kind is x509.BasicConstraints:
            assert (
                ours.extensions.get_extension_for_class(kind).value
                == theirs.extensions.get_extension_for_class(kind).value
            )


@pytest.mark.parametrize("anchor_id", QUICK_ROOTS)
def test_a_root_is_signed_by_its_own_key(lab_pki: Hierarchy, anchor_id: str) -> None:
    root = lab_pki.anchor(anchor_id)
    root.verify_directly_issued_by(root)


@pytest.mark.parametrize("anchor_id", [each for each in ABOVE if each != "amazon-root-ca-2"])
def test_a_cross_certificate_is_the_same_key_under_the_root_above(
    lab_pki: Hierarchy, anchor_id: str
) -> None:
    cross = lab_pki.cross(anchor_id)
    cross.verify_directly_issued_by(lab_pki.anchor(ABOVE[anchor_id]))
    assert cross.subject == lab_pki.anchor(anchor_id).subject
    assert cross.public_key() == lab_pki.anchor(anchor_id).public_key()


@pytest.mark.parametrize("common_name", ISSUING)
def test_the_table_names_each_issuing_ca_as_it_is_known(common_name: str) -> None:
    row = ISSUING[common_name]
    subject = f"CN={common_name},O=Amazon,C=US"
    (theirs,) = (each for each in known() if each["subject"] == subject)
    root = dict(ROOTS[row.issuer].subject)["CN"]
    assert theirs["issuer"] == f"CN={root},O=Amazon,C=US"
    assert theirs["key"].removeprefix("ec-").replace("-", "") == row.authority.key
    assert theirs["not_after"] - theirs["not_before"] == timedelta(days=row.lifetime_days)


@pytest.mark.parametrize("common_name", QUICK_ISSUING)
def test_an_issuing_ca_is_signed_by_its_root_and_may_sign_leaves_only(
    lab_pki: Hierarchy, common_name: str
) -> None:
    issuing = lab_pki.issuing(common_name)
    issuing.verify_directly_issued_by(lab_pki.anchor(ISSUING[common_name].issuer))
    limits = issuing.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (limits.ca, limits.path_length) == (True, 0)


def test_a_p256_leaf_of_2026_hangs_on_a_p384_root_by_sha384(lab_pki: Hierarchy) -> None:
    chain = lab_pki.chain("Amazon ECDSA 256 S06", DOMAIN, "2")
    leaf, issuing = chain.certificates
    assert key_name(leaf) == key_name(issuing) == "p-256"
    assert key_name(lab_pki.anchor("amazon-root-ca-4")) == "p-384"
    assert issuing.signature_hash_algorithm is not None
    assert issuing.signature_hash_algorithm.name == "sha384"


@pytest.mark.parametrize("shape", ["2", "3", "4"])
@pytest.mark.parametrize("common_name", QUICK_ISSUING)
def test_each_certificate_of_a_chain_is_issued_by_the_next(
    lab_pki: Hierarchy, common_name: str, shape: Any
) -> None:
    sent = lab_pki.chain(common_name, DOMAIN, shape).certificates
    assert len(sent) == int(shape)
    for below, above in pairwise(sent):
        below.verify_directly_issued_by(above)


def test_a_leaf_names_the_domain_and_everything_below_it(lab_pki: Hierarchy) -> None:
    leaf = lab_pki.chain("Amazon RSA 2048 M01", DOMAIN, "2").certificates[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [DOMAIN, f"*.{DOMAIN}"]
    assert leaf.subject.rfc4514_string() == f"CN=*.{DOMAIN}"


def test_a_chain_is_valid_at_the_time_that_was_asked_for() -> None:
    now = datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    pki = Hierarchy.fresh(now)
    for each in pki.chain("Amazon ECDSA 256 S06", DOMAIN, "2").certificates:
        assert each.not_valid_before_utc < now - timedelta(hours=23)
        assert each.not_valid_after_utc > now + timedelta(days=200)
        assert each.not_valid_before_utc.microsecond == 0


def test_the_table_certifies_every_root_once_by_itself_and_once_by_the_root_above() -> None:
    own = {(each, each) for each in ROOTS}
    assert own | set(ABOVE.items()) == set(ROOT_CERTIFICATES)
    assert set(ROOTS) - set(ABOVE) == {"starfield-class-2"}


def test_a_lookalike_has_every_name_and_identifier_and_no_key(lab_pki: Hierarchy) -> None:
    genuine = lab_pki.anchor("amazon-root-ca-3")
    copy = lab_pki.lookalike().anchor("amazon-root-ca-3")
    ski = x509.SubjectKeyIdentifier
    assert copy.subject == genuine.subject
    assert copy.extensions.get_extension_for_class(ski) == (
        genuine.extensions.get_extension_for_class(ski)
    )
    issued = lab_pki.lookalike().issuing("Amazon ECDSA 256 M01")
    issued.verify_directly_issued_by(copy)
    with pytest.raises(InvalidSignature):
        issued.verify_directly_issued_by(genuine)


def test_a_lookalike_chain_of_shape_4_reaches_no_genuine_root(lab_pki: Hierarchy) -> None:
    top = lab_pki.lookalike().chain("Amazon ECDSA 256 M01", DOMAIN, "4").certificates[-1]
    with pytest.raises(InvalidSignature):
        top.verify_directly_issued_by(lab_pki.anchor("starfield-class-2"))


def test_an_identity_is_a_p256_key_signed_by_the_client_ca(lab_pki: Hierarchy) -> None:
    identity = lab_pki.issue_identity("pump-7")
    certificate = x509.load_der_x509_certificate(identity.cert_der)
    certificate.verify_directly_issued_by(lab_pki.client_ca.certificate)
    key = serialization.load_der_private_key(identity.key_der, password=None)
    assert key.public_key() == certificate.public_key()
    assert key_name(certificate) == "p-256"
    assert certificate.subject.rfc4514_string() == "CN=pump-7"


def test_an_identity_is_written_for_its_owner_only(lab_pki: Hierarchy, tmp_path: Path) -> None:
    for path in lab_pki.issue_identity("pump-7").write(tmp_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("thing", ["", "a" * 65, "../etc", "a b", "a\n", "ü"])
def test_an_identity_for_what_is_not_a_thing_name_is_refused(
    lab_pki: Hierarchy, thing: str
) -> None:
    with pytest.raises(InputError, match="not a thing name"):
        lab_pki.issue_identity(thing)


def test_what_the_lab_does_not_have_is_refused_by_name(lab_pki: Hierarchy) -> None:
    with pytest.raises(InputError, match="amazon-root-ca-9: the lab has no such trust anchor"):
        lab_pki.anchor("amazon-root-ca-9")


def test_a_kept_hierarchy_comes_back_with_the_same_anchors(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = Hierarchy.load_or_create(folder)
    second = Hierarchy.load_or_create(folder)
    assert first.anchor("amazon-root-ca-3") == second.anchor("amazon-root-ca-3")
    assert first.client_ca.certificate == second.client_ca.certificate
    assert first.lookalike().anchor("amazon-root-ca-3") == (
        second.lookalike().anchor("amazon-root-ca-3")
    )


def test_kept_keys_are_for_their_owner_only_and_say_what_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    Hierarchy.load_or_create(folder).anchor("amazon-root-ca-3")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.glob("*.pem"):
        assert path.name.startswith("lab-")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {path.name for path in folder.glob("*.pem")} == {
        "lab-amazon-root-ca-3.pem",
        "lab-amazon-root-ca-3.key.pem",
    }
    assert "never install" in (folder / "README.txt").read_text()


def test_of_two_that_fill_a_vault_at_once_both_get_what_the_first_wrote(tmp_path: Path) -> None:
    late, early = Vault(tmp_path), Vault(tmp_path)
    made = Hierarchy.fresh()

    def overtaken() -> x509.Certificate:
        early.certificate("anchor", lambda: made.anchor("amazon-root-ca-3"))
        return made.anchor("amazon-root-ca-4")

    assert late.certificate("anchor", overtaken) == made.anchor("amazon-root-ca-3")
    assert [path.name for path in tmp_path.glob("lab-*")] == ["lab-anchor.pem"]


@pytest.mark.parametrize("content", [b"", b"not a key", b"A" * 20_000])
def test_a_damaged_file_in_the_vault_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lab-amazon-root-ca-3.key.pem").write_bytes(content)
    with pytest.raises(InputError, match=re.escape("lab-amazon-root-ca-3.key.pem")):
        Hierarchy.load_or_create(tmp_path).anchor("amazon-root-ca-3")


def test_a_full_disk_is_told_with_the_folder_that_is_half_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _content: bytes) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(vault, "write_private", full)
    with pytest.raises(InputError, match="lab: cannot be written") as caught:
        written.write(tmp_path / "lab", DOMAIN, "lab-thing")
    assert caught.value.why == "No space left on device"
    assert f"rm -r {tmp_path / 'lab'}" in caught.value.hint
