"""Exports: the originals, in seven formats, each read by something that did not write it."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from typing import TYPE_CHECKING

import pytest

from export_desk import CA1, CA3, ORIGINALS, SFG2, THREE, Desk, anchors_of
from own_roots import NAMES_OF_OURS, bundle_of, raw_bundle, root
from rootlet import anchor, bundle, catalog, export, pem
from rootlet.errors import InputError, RootletError, TrustError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = ("pem", "c", "module", "bearssl")


class TestTheOriginals:
    def test_are_exported_from_a_bundle_of_tiny_anchors(self, tmp_path):
        desk = Desk(tmp_path)
        desk.run("pem")
        assert pem.blocks(desk.data, "it") == ORIGINALS
        assert "form full" in desk.said

    def test_unless_a_form_is_asked_for(self, tmp_path):
        desk = Desk(tmp_path)
        for form in ("tiny", "strict"):
            desk.run("pem", "--form", form)
            wanted = [anchor.package(one, form, "it") for one in ORIGINALS]
            assert pem.blocks(desk.data, "it") == wanted

    def test_of_a_root_of_ones_own_must_be_given(self, tmp_path):
        desk = Desk(tmp_path, bundle_of(roots=[root()]))
        error = desk.refused("pem")
        assert isinstance(error, InputError)
        assert hashlib.sha256(root()).hexdigest() in error.why
        assert "--anchor" in error.hint
        assert "--form tiny" in error.hint

    def test_of_a_root_of_ones_own_are_found_by_their_hash(self, tmp_path):
        desk = Desk(tmp_path, bundle_of(CA3, roots=[root()]))
        (tmp_path / "own.pem").write_text(pem.armour(root()))
        desk.run("pem", "--anchor", "own.pem")
        assert set(pem.blocks(desk.data, "it")) == {ORIGINALS[0], root()}

    def test_are_not_looked_for_when_the_bundle_has_the_form_asked_for(self, tmp_path):
        desk = Desk(tmp_path, bundle_of(roots=[root()]))
        desk.run("der", "--form", "tiny")
        assert desk.data == anchor.package(root(), "tiny", "it")

    def test_are_taken_from_a_bundle_that_holds_them(self, tmp_path):
        desk = Desk(tmp_path, bundle_of(roots=[root()], form="full"))
        desk.run("der")
        assert desk.data == root()

    def test_a_file_that_belongs_to_no_anchor_is_refused(self, tmp_path):
        desk = Desk(tmp_path)
        (tmp_path / "own.pem").write_text(pem.armour(root()))
        error = desk.refused("pem", "--anchor", "own.pem")
        assert "own.pem" in error.what
        assert "not the original of an anchor" in error.what

    def test_a_bundle_that_names_one_root_and_holds_another_key_is_refused(self, tmp_path):
        lie = bundle.Anchor(root("Amazon Root CA 3"), hashlib.sha256(ORIGINALS[0]).digest())
        desk = Desk(tmp_path, raw_bundle(lie))
        for name in export.FORMATS:
            error = desk.refused(name)
            assert isinstance(error, TrustError)
            assert "not what it says" in error.what

    def test_a_lookalike_never_gets_the_name_of_the_real_one(self, tmp_path):
        fake = root("Amazon Root CA 1")
        desk = Desk(tmp_path, bundle_of(roots=[fake], form="full"))
        desk.run("pem")
        label = f"amazon-root-ca-1-{hashlib.sha256(fake).hexdigest()[:8]}"
        assert desk.data.splitlines()[0].decode() == f"# {label}"


class TestWhatAMisreadFileWouldBe:
    @pytest.mark.parametrize("name", sorted(set(export.FORMATS) - {"der"}))
    def test_fewer_more_or_other_anchors_are_noticed(self, name):
        three = anchors_of(THREE)
        data = export.write(three, name)
        for others in (three[:2], [*three, *anchors_of(bundle_of(roots=[root()], form="full"))]):
            with pytest.raises(RootletError, match="does not read back"):
                export.check(data, others, name)

    @pytest.mark.parametrize("name", ["der", "esp-crt-bundle", "esp-crt-bundle-v1"])
    def test_any_wrong_byte_of_a_binary_file_is_noticed(self, name):
        one = anchors_of(bundle_of(CA3))
        data = export.write(one, name)
        for at in range(len(data)):
            wrong = data[:at] + bytes((data[at] ^ 0x20,)) + data[at + 1 :]
            with pytest.raises(RootletError, match="does not read back"):
                export.check(wrong, one, name)

    @pytest.mark.parametrize("name", ["der", "esp-crt-bundle", "esp-crt-bundle-v1"])
    def test_any_cut_and_any_byte_more_is_noticed(self, name):
        one = anchors_of(bundle_of(CA3))
        data = export.write(one, name)
        for wrong in [data + b"\0", data + data, *(data[:end] for end in range(len(data)))]:
            with pytest.raises(RootletError, match="does not read back"):
                export.check(wrong, one, name)

    @pytest.mark.parametrize("name", TEXT)
    def test_an_anchor_that_stands_twice_in_a_text_file_is_noticed(self, name):
        one = anchors_of(bundle_of(CA3))
        data = export.write(one, name)
        with pytest.raises(RootletError, match="does not read back"):
            export.check(data + data, one, name)

    @pytest.mark.parametrize("name", TEXT)
    def test_a_wrong_digit_of_a_text_file_is_noticed(self, name):
        one = anchors_of(bundle_of(CA3))
        lines = export.write(one, name).splitlines(keepends=True)
        first = next(n for n, line in enumerate(lines) if line.count(b"x30") or b"BEGIN" in line)
        for at in range(first + 1, first + 6):
            wrong = [*lines]
            digit = wrong[at].rstrip(b'\n",')[-1:]
            place = len(wrong[at].rstrip(b'\n",')) - 1
            other = b"5" if digit != b"5" else b"6"
            wrong[at] = wrong[at][:place] + other + wrong[at][place + 1 :]
            with pytest.raises(RootletError, match="does not read back"):
                export.check(b"".join(wrong), one, name)


class TestDer:
    def test_is_the_original_itself(self, tmp_path):
        desk = Desk(tmp_path, bundle_of(CA1))
        desk.run("der")
        assert desk.data == ORIGINALS[2]

    def test_of_several_is_refused_since_readers_take_the_first(self, tmp_path):
        error = Desk(tmp_path).refused("der")
        assert "the bundle has 3" in error.what
        assert "pem" in error.hint


class TestPem:
    def test_names_each_block(self, tmp_path):
        desk = Desk(tmp_path)
        desk.run("pem")
        named = [line for line in desk.data.decode().splitlines() if line.startswith("#")]
        assert named == [f"# {CA3}", f"# {SFG2}", f"# {CA1}"]

    def test_openssl_trusts_the_three(self, tmp_path):
        desk = Desk(tmp_path)
        desk.run("pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(desk.output)
        assert sorted(context.get_ca_certs(binary_form=True)) == sorted(ORIGINALS)


class TestEspCrtBundle:
    """Hashes of what Espressif's own generator wrote for the same roots."""

    @pytest.mark.parametrize(
        ("one", "size", "sha256"),
        [
            (CA1, 361, "b78fd13582eeab618a33be5552c87caf03b283af055a6e95ec2dedf4272354d3"),
            (CA3, 158, "df33ec74c645e2281dcd66d82526cd6ec0b68c07c7a42ef5ea02104fea8c8f7c"),
        ],
    )
    def test_is_the_generators_file_byte_for_byte(self, tmp_path, one, size, sha256):
        desk = Desk(tmp_path, bundle_of(one))
        desk.run("esp-crt-bundle")
        assert (len(desk.data), desk.sha256) == (size, sha256)

    @pytest.mark.parametrize(
        ("ids", "offsets", "before"),
        [((CA1,), 361, 359), ((CA3,), 158, 156), ((CA1, CA3, SFG2), 976, 966)],
    )
    def test_both_layouts_have_the_generators_size(self, tmp_path, ids, offsets, before):
        desk = Desk(tmp_path, bundle_of(*ids))
        desk.run("esp-crt-bundle")
        assert len(desk.data) == offsets
        desk.run("esp-crt-bundle-v1")
        assert len(desk.data) == before

    def test_offsets_lead_to_records_that_ascend_by_name(self):
        data = export.write(anchors_of(THREE), "esp-crt-bundle")
        offsets = [int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8)]
        assert offsets[0] == 12
        names = []
        for at in offsets:
            size = int.from_bytes(data[at : at + 2], "little")
            names.append(data[at + 4 : at + 4 + size])
        known = catalog.load()
        assert names == sorted(known.get(one).certificate.subject_der for one in (CA1, CA3, SFG2))

    def test_the_old_layout_counts_first_and_is_big_endian(self):
        data = export.write(anchors_of(bundle_of(CA3)), "esp-crt-bundle-v1")
        found = catalog.load().get(CA3).certificate
        name, key = found.subject_der, found.spki_der
        assert data == b"\0\x01\0" + bytes((len(name), 0, len(key))) + name + key

    @pytest.mark.parametrize("version", ["5.4", "v5.4.2", "5.5.1", "6.0"])
    def test_idf_from_5_4_on_reads_the_layout_with_offsets(self, tmp_path, version):
        desk = Desk(tmp_path, bundle_of(CA3))
        desk.run("esp-crt-bundle", "--idf", version)
        assert len(desk.data) == 158
        error = desk.refused("esp-crt-bundle-v1", "--idf", version)
        assert "--format esp-crt-bundle" in error.hint

    @pytest.mark.parametrize("version", ["4.4", "v5.0.1", "5.3.3"])
    def test_idf_before_5_4_reads_the_other(self, tmp_path, version):
        desk = Desk(tmp_path, bundle_of(CA3))
        for name in ("esp-crt-bundle", "esp-crt-bundle-v1"):
            desk.run(name, "--idf", version)
            assert len(desk.data) == 156

    @pytest.mark.parametrize("version", ["five", "5", "5.x", "", "5.4-beta1\n"])
    def test_a_version_that_is_none_is_refused(self, tmp_path, version):
        if version:
            assert "version" in Desk(tmp_path).refused("esp-crt-bundle", "--idf", version).what
        with pytest.raises(InputError):
            export.for_idf("esp-crt-bundle", version)

    def test_idf_means_nothing_elsewhere(self, tmp_path):
        assert "--idf" in Desk(tmp_path).refused("pem", "--idf", "5.4").what

    def test_one_name_with_two_keys_is_refused_since_the_search_finds_one(self, tmp_path):
        desk = Desk(tmp_path, bundle_of(roots=[root(number=1), root(number=2)]))
        for name in ("esp-crt-bundle", "esp-crt-bundle-v1"):
            error = desk.refused(name)
            assert isinstance(error, TrustError)
            assert "one name and two keys" in error.what

    def test_a_root_and_its_renewal_are_one_record(self):
        twins = anchors_of(bundle_of(roots=[root(), root(year=2050)]), "")
        alone = anchors_of(bundle_of(roots=[root()]), "")
        for name in ("esp-crt-bundle", "esp-crt-bundle-v1"):
            assert export.write(twins, name) == export.write(alone, name)


class TestBearssl:
    def test_holds_name_numbers_and_the_ca_flag(self):
        text = export.write(anchors_of(THREE), "bearssl").decode()
        assert text.count("BR_X509_TA_CA") == 3
        assert text.count("BR_KEYTYPE_RSA") == 2
        assert text.count("BR_EC_secp256r1") == 1
        assert "#define TAs_NUM 3" in text

    def test_a_p384_root_is_its_point(self):
        ca4 = catalog.load().get("amazon-root-ca-4")
        data = export.write(anchors_of(bundle_of(ca4.id)), "bearssl")
        assert b"BR_EC_secp384r1" in data
        point = ca4.certificate.spki_der[-97:]
        digits = "".join(data.decode().split("TA0_EC_Q[] = {")[1].split("};")[0].split())
        assert digits == ",".join(f"0x{byte:02x}" for byte in point)


class TestWhatIsLost:
    @pytest.mark.parametrize("name", ["esp-crt-bundle", "esp-crt-bundle-v1", "bearssl"])
    def test_dates_and_constraints_are_named_on_standard_error(self, tmp_path, name):
        said = Desk(tmp_path).run(name)
        assert f"warning: {name} loses dates and constraints" in said

    @pytest.mark.parametrize("name", ["pem", "c", "module"])
    def test_certificates_lose_nothing(self, tmp_path, name):
        assert Desk(tmp_path).run(name) == ""

    @pytest.mark.parametrize("name", sorted(export.FORMATS))
    def test_a_one_family_bundle_warns_that_the_cipher_profile_stays_behind(self, tmp_path, name):
        said = Desk(tmp_path, bundle_of(CA3, profile="ecdsa")).run(name)
        assert "cipher profile ecdsa" in said
        assert "ECDHE-ECDSA" in said

    @pytest.mark.parametrize("name", ["esp-crt-bundle", "esp-crt-bundle-v1", "bearssl"])
    @pytest.mark.parametrize(
        ("der", "words"),
        [
            (root(names=NAMES_OF_OURS), "nameConstraints"),
            (root(path_length=0), "a path length"),
        ],
    )
    def test_an_anchor_that_is_bounded_is_refused(self, tmp_path, name, der, words):
        error = Desk(tmp_path, bundle_of(roots=[der], form="strict")).refused(name)
        assert isinstance(error, TrustError)
        assert words in error.what

    def test_a_bounded_anchor_keeps_its_bounds_in_a_certificate(self, tmp_path):
        der = root(names=NAMES_OF_OURS)
        desk = Desk(tmp_path, bundle_of(roots=[der], form="full"))
        desk.run("pem")
        assert pem.blocks(desk.data, "it") == [der]


class TestNamesOutOfCertificates:
    HOSTILE = (
        '*/ #include "/etc/passwd" /*',
        'x"), ("y", b"',
        "-----BEGIN CERTIFICATE-----",
        "a\\\nint x;",
        "\x1b[2J",
        "Ünïcode 根",
    )

    @pytest.mark.parametrize("common_name", HOSTILE)
    @pytest.mark.parametrize("name", TEXT)
    def test_become_plain_words(self, tmp_path, name, common_name):
        made = bundle_of(roots=[root(common_name)], form="full")
        desk = Desk(tmp_path, made)
        desk.run(name)
        (one,) = anchors_of(made)
        assert re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*-[0-9a-f]{8}", one.label)
        blocks = re.compile(
            "-----BEGIN CERTIFICATE-----\n.*-----END CERTIFICATE-----\n", re.DOTALL
        )
        text = blocks.sub("", desk.data.decode("ascii"), count=1)
        assert one.label in text.replace("_", "-")
        assert common_name not in text
        assert common_name not in desk.said
        export.check(desk.data, [one], name)


class TestTheFile:
    def test_json_says_what_was_written(self, tmp_path):
        desk = Desk(tmp_path)
        desk.run("pem", "--json")
        document = json.loads(desk.said)
        assert document["schema"] == "rootlet/export/1"
        assert document["sha256"] == desk.sha256
        assert [one["name"] for one in document["anchors"]] == [CA3, SFG2, CA1]

    def test_is_replaced_whole_and_not_touched_by_a_refusal(self, tmp_path):
        desk = Desk(tmp_path)
        desk.output.write_bytes(b"before")
        desk.refused("der")
        assert desk.data == b"before"
        desk.run("pem")
        assert pem.blocks(desk.data, "it") == ORIGINALS

    def test_that_the_disk_damaged_is_noticed(self, tmp_path, monkeypatch):
        def damage(path: Path, data: bytes) -> None:
            path.write_bytes(data.replace(b"A", b"B"))

        desk = Desk(tmp_path)
        monkeypatch.setattr("rootlet.files.write", damage)
        with pytest.raises(RootletError, match="does not read back"):
            desk.run("pem")

    def test_is_never_the_bundle_itself(self, tmp_path):
        desk = Desk(tmp_path)
        assert "the bundle itself" in desk.refused("pem", output="b.rlt").what
        assert (tmp_path / "b.rlt").read_bytes() == THREE

    def test_in_a_folder_that_is_not_there_is_refused(self, tmp_path):
        assert "cannot be written" in Desk(tmp_path).refused("pem", output="no/out").what

    def test_of_what_is_no_bundle_is_refused(self, tmp_path):
        assert "is not a bundle" in Desk(tmp_path, b"RLT1").refused("pem").what
