"""Whatever is planted in bytes or text is found where it is, and nothing else is."""

import base64
import hashlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootlet import anchor, catalog, pem
from rootlet.scan import binary, index, text, uf2
from rootlet.scan.patterns import automaton
from rootlet.scan.seen import Damaged, Digest, Key, Name, Seen
from rootlet.scan.source import Memory
from rootlet.x509 import Certificate, parse_der
from uf2_writer import blocks_of_uf2

CATALOG = catalog.load()
IDS = [one.id for one in CATALOG.anchors]


def certificate(name: str) -> Certificate:
    return CATALOG.get(name).certificate


CA1, CA3 = certificate("amazon-root-ca-1"), certificate("amazon-root-ca-3")


def in_bytes(data: bytes) -> list[Seen]:
    found = binary.scan(Memory(data))
    assert found.complete
    return found.seen


def in_text(data: bytes) -> list[Seen]:
    return text.scan(data).seen


def quoted(der: bytes, end: str = "\\n", prefix: str = "", joined: str = "\n") -> bytes:
    lines = pem.armour(der).splitlines()
    return joined.join(f'  {prefix}"{line}{end}"' for line in lines).encode()


def hex_array(data: bytes, form: str = "0x{:02x}, ", per_line: int = 12) -> bytes:
    lines = [data[at : at + per_line] for at in range(0, len(data), per_line)]
    return "\n".join("".join(form.format(byte) for byte in line) for line in lines).encode()


#: how a source text may hold a certificate
SPELLINGS = {
    "PEM": lambda der: pem.armour(der).encode(),
    "PEM with CRLF": lambda der: pem.armour(der).replace("\n", "\r\n").encode(),
    "PEM, indented": lambda der: pem.armour(der).replace("\n", "\n    ").encode(),
    "C literals": quoted,
    "C literals with carriage returns": lambda der: quoted(der, "\\r\\n"),
    "a macro with backslashes": lambda der: quoted(der, joined=" \\\n"),
    "C++ or Java literals joined with +": lambda der: quoted(der, joined=" +\n"),
    "Python bytes literals": lambda der: b"CA = (\n" + quoted(der, prefix="b") + b"\n)",
    "one line of JSON": lambda der: (
        b'{"ca": "%s"}' % pem.armour(der).replace("\n", "\\n").encode()
    ),
    "one line continued": lambda der: pem.armour(der).replace("\n", "\\n\\\n").encode(),
    "a raw string": lambda der: b'R"EOF(\n%s)EOF"' % pem.armour(der).encode(),
    "a C array": lambda der: b"const uint8_t ca[] = {\n%s\n};" % hex_array(der),
    "a C array in capitals": lambda der: hex_array(der, "0X{:02X},"),
    "a C array with suffixes and comments": lambda der: hex_array(der, "0x{:02x}u, /* 0x41, */ "),
    "a C array with comments at the ends of lines": lambda der: hex_array(der).replace(
        b", \n", b", // 30 82\n"
    ),
    "an array of decimals": lambda der: hex_array(der, "{}, "),
    "escapes": lambda der: b'"' + "".join(f"\\x{byte:02x}" for byte in der).encode() + b'"',
    "octal escapes": lambda der: b'"' + "".join(f"\\{byte:03o}" for byte in der).encode() + b'"',
    "Python's repr": lambda der: b"CA = " + repr(der).encode(),
    "hex": lambda der: der.hex().encode(),
    "base64 in one line": base64.b64encode,
    "base64 in lines": base64.encodebytes,
}


class TestCertificatesInText:
    @pytest.mark.parametrize("spelling", SPELLINGS)
    @pytest.mark.parametrize("name", ["amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2"])
    def test_each_spelling_is_read(self, spelling, name):
        one = certificate(name)
        spelt = SPELLINGS[spelling](one.der)
        (seen,) = in_text(b"int a = 1;\n" + spelt + b"\nint b = 2;\n")
        assert seen.thing == one
        assert 0 < seen.at - len(b"int a = 1;\n") + 1 <= 30

    def test_several_in_one_file_keep_their_order(self):
        text_of_all = b"\n".join(
            spell(certificate(name).der)
            for spell, name in zip(SPELLINGS.values(), IDS, strict=False)
        )
        found = in_text(text_of_all)
        assert [one.thing for one in found] == [certificate(name) for name in IDS]
        assert all(one.at < other.at for one, other in pairwise(found))

    def test_a_block_that_is_damaged_is_told(self):
        block = pem.armour(CA1.der)
        damaged = block.replace("ADA5", "AAAA", 1)
        for broken in (damaged, block[:600]):
            (seen,) = in_text(broken.encode())
            assert isinstance(seen.thing, Damaged)

    def test_a_program_that_knows_the_markers_holds_nothing(self):
        source = b'if (strstr(p, "-----BEGIN CERTIFICATE-----")) x("-----END CERTIFICATE-----");'
        assert in_text(source) == []

    def test_an_old_openssl_trust_entry_is_read(self):
        label = pem.armour(CA1.der + b"\x30\x0a\x0c\x08rootlet.").replace(
            " CERTIFICATE", " TRUSTED CERTIFICATE"
        )
        assert in_text(label.encode())[0].thing == CA1


def slim(form):
    return anchor.package(CA3.der, form, "CA 3")


class TestCertificatesInBytes:
    @pytest.mark.parametrize("name", IDS)
    def test_each_anchor_is_found_at_its_offset(self, name):
        one = certificate(name)
        (seen,) = in_bytes(b"\0" * 1000 + one.der + b"\xff" * 1000)
        assert (seen.thing, seen.at, seen.end) == (one, 1000, 1000 + len(one.der))

    @pytest.mark.parametrize("form", ["tiny", "strict"])
    def test_so_are_slim_forms(self, form):
        der = slim(form)
        (seen,) = in_bytes(b"code" + der + b"more")
        assert seen.thing == parse_der(der, "")

    def test_the_hash_of_the_original_in_a_bundle_is_no_pin(self):
        (seen,) = in_bytes(bytes.fromhex(CA3.sha256) + slim("tiny"))
        assert isinstance(seen.thing, Certificate)

    def test_pem_that_a_compiler_left_in_a_firmware(self):
        (seen,) = in_bytes(b"\0" + pem.armour(CA1.der).encode() + b"\0\x01\x02")
        assert seen.thing == CA1

    @pytest.mark.parametrize("before", [0, 1, 11, 836, 837, binary.WINDOW // 2])
    def test_windows_cut_nothing(self, before):
        """A certificate, a pin and a key around each edge between windows."""
        data = bytearray(3 * binary.WINDOW)
        pin, key = bytes.fromhex(CA1.sha256), CA1.spki_der
        for edge, thing in ((binary.WINDOW, CA1.der), (2 * binary.WINDOW, pin + key)):
            start = edge - min(before, len(thing))
            data[start : start + len(thing)] = thing
        assert len(in_bytes(bytes(data))) == 3


class TestKeys:
    @pytest.mark.parametrize("known", index.ranked(), ids=lambda one: one.name)
    def test_every_known_key_has_a_start_that_is_searched_for(self, known):
        patterns = automaton()[1]
        wanted = (known.spki_sha256, bytes.fromhex(known.key_start))
        assert wanted in {(one.spki_sha256, one.start) for one in patterns}

    @pytest.mark.parametrize("name", IDS)
    def test_the_numbers_of_a_key_alone(self, name):
        one = certificate(name)
        start = one.spki_der.index(bytes.fromhex(index.by_sha256()[one.sha256].key_start))
        size = int(one.key[4:]) // 8 if one.family == "rsa" else len(one.spki_der)
        number = one.spki_der[start : start + size]
        (seen,) = in_bytes(b"\x01" * 33 + number + b"\x02" * 33)
        assert (seen.thing, seen.at) == (Key(one.spki_sha256), 33)

    @pytest.mark.parametrize("name", IDS)
    def test_a_public_key_and_one_without_its_outer_sequence(self, name):
        """rustls keeps the content of the SubjectPublicKeyInfo."""
        one = certificate(name)
        inside = one.spki_der[
            2 if one.spki_der[1] < 0x80 else 4 if one.spki_der[1] == 0x82 else 3 :
        ]
        for key in (one.spki_der, inside):
            (seen,) = in_bytes(b"\x05" * 40 + key + b"\x06" * 40)
            assert seen.thing == Key(one.spki_sha256)

    def test_an_unknown_public_key_is_nothing(self):
        one = bytearray(CA3.spki_der)
        one[-1] ^= 1
        assert in_bytes(b"\0" * 64 + bytes(one)) == []

    @pytest.mark.parametrize(("order", "form"), [("little", "5.4"), ("big", "before")])
    def test_a_record_of_a_bundle_tells_any_ca(self, order, form):
        """Layout: lengths of name and key (u16), name, key; see docs/export.md."""
        one = bytearray(CA3.spki_der)
        one[-1] ^= 1
        lengths = len(CA3.subject_der).to_bytes(2, order) + len(one).to_bytes(2, order)
        (seen,) = in_bytes(b"\x01\0\0\0" * 9 + lengths + CA3.subject_der + bytes(one))
        assert seen.at == 36
        assert isinstance(seen.thing, Key)
        assert seen.thing.name_der == CA3.subject_der
        assert ("before 5.4" in seen.form) is (form == "before")


DIGESTS = [
    ("SHA-256", False, CA1.sha256),
    ("SHA-1", False, CA1.sha1),
    ("SHA-256", True, CA1.spki_sha256),
    ("SHA-1", True, hashlib.sha1(CA1.spki_der).hexdigest()),
]
WRITINGS = {
    "raw bytes": bytes.fromhex,
    "hex": str.encode,
    "HEX": lambda text: text.upper().encode(),
    "hex with colons": lambda text: bytes.fromhex(text).hex(":").encode(),
    "HEX with colons": lambda text: bytes.fromhex(text).hex(":").upper().encode(),
    "HEX with blanks": lambda text: bytes.fromhex(text).hex(" ").upper().encode(),
    "base64": lambda text: base64.b64encode(bytes.fromhex(text)),
    "base64 of URLs": lambda text: base64.urlsafe_b64encode(bytes.fromhex(text)),
}


class TestPins:
    @pytest.mark.parametrize("writing", WRITINGS)
    @pytest.mark.parametrize(("digest", "of_key", "value"), DIGESTS)
    def test_each_hash_in_each_writing(self, writing, digest, of_key, value):
        written = WRITINGS[writing](value)
        (seen,) = in_bytes(b"pin \0" + written + b"\0 end")
        assert isinstance(seen.thing, Digest)
        assert (seen.thing.digest, seen.thing.of_key, seen.at) == (digest, of_key, 5)
        assert seen.thing.known.name == "amazon-root-ca-1"

    @pytest.mark.parametrize("form", ["0x{:02X}, ", "\\x{:02x}"])
    def test_an_array_or_a_literal_of_a_program(self, form):
        spelt = "".join(form.format(byte) for byte in bytes.fromhex(CA1.spki_sha256))
        (seen,) = in_text(f'static const uint8_t pin[] = "{spelt}";'.encode())
        assert isinstance(seen.thing, Digest)

    @pytest.mark.parametrize("known", index.ranked()[::10], ids=lambda one: one.name)
    def test_of_each_known_certificate(self, known):
        for value in (known.sha256, known.sha1):
            (seen,) = in_text(f"fingerprint = {value}\n".encode())
            assert isinstance(seen.thing, Digest)
            assert seen.thing.known == known

    def test_another_hash_is_none(self):
        other = CA1.sha256[:-1] + ("0" if CA1.sha256[-1] != "0" else "1")
        assert in_bytes(b"x" + other.encode() + bytes.fromhex(other)) == []


class TestUf2:
    DATA = bytes(range(256)) * 5 + CA1.der + CA3.der + b"\xff" * 300

    @pytest.mark.parametrize("payload", [256, 476, 100])
    def test_payloads_are_joined_and_addresses_told(self, payload):
        flash = uf2.Flash(Memory(b"".join(blocks_of_uf2(self.DATA, 0x10000000, payload))))
        assert flash.read(0, flash.size) == self.DATA
        found = binary.scan(flash).seen
        assert [one.thing for one in found] == [CA1, CA3]
        assert flash.place(found[0].at) == 0x10000000 + 1280

    @pytest.mark.parametrize("size", [1, 255, 256, 257, 1000])
    def test_any_part_can_be_read(self, size):
        flash = uf2.Flash(Memory(b"".join(blocks_of_uf2(self.DATA, 0))))
        for at in range(0, len(self.DATA), 97):
            assert flash.read(at, size) == self.DATA[at : at + size]

    def test_the_order_of_blocks_does_not_matter(self):
        blocks = blocks_of_uf2(self.DATA, 0x2000)
        flash = uf2.Flash(Memory(b"".join(reversed(blocks))))
        assert flash.read(0, flash.size) == self.DATA

    def test_blocks_that_are_not_of_flash_are_left_out(self):
        blocks = blocks_of_uf2(self.DATA, 0x2000)
        bad = [
            blocks[0][:8] + b"\x01\0\0\0" + blocks[0][12:],  # not main flash
            blocks[0][:8] + b"\0\x10\0\0" + blocks[0][12:],  # a file
            blocks[0][:16] + b"\xff\xff\xff\xff" + blocks[0][20:],  # too much payload
            blocks[0][:-4] + b"\0\0\0\0",
            b"\0" * 512,
        ]
        flash = uf2.Flash(Memory(b"".join([*bad, *blocks])))
        assert flash.read(0, flash.size) == self.DATA

    @settings(max_examples=60)
    @given(st.binary(max_size=2000), st.integers(0, 511))
    def test_anything_after_the_magic_is_survived(self, tail, cut):
        head = blocks_of_uf2(b"abc", 0)[0]
        flash = uf2.Flash(Memory(head[:cut] + tail))
        assert len(flash.read(0, flash.size)) == flash.size


class TestAnything:
    @settings(max_examples=150)
    @given(st.binary(max_size=4096))
    def test_random_bytes_hold_nothing_and_hurt_nothing(self, data):
        assert [one for one in in_bytes(data) if not isinstance(one.thing, Name)] == []
        assert [one for one in in_text(data) if not isinstance(one.thing, Name)] == []

    @settings(max_examples=100)
    @given(st.binary(max_size=300), st.sampled_from(IDS), st.binary(max_size=300), st.booleans())
    def test_a_certificate_at_any_offset_is_found(self, before, name, after, as_pem):
        der = certificate(name).der
        thing = pem.armour(der).encode() if as_pem else der
        found = in_bytes(before + thing + after)
        assert (len(before), certificate(name)) in [(one.at, one.thing) for one in found]

    @settings(max_examples=150)
    @given(st.data())
    def test_damage_to_planted_things_is_survived(self, data):
        planted = bytearray(pem.armour(CA3.der).encode() + CA3.der + CA3.spki_der + b"AwIB")
        for _ in range(data.draw(st.integers(1, 6))):
            planted[data.draw(st.integers(0, len(planted) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(planted)))
        in_bytes(bytes(planted[:cut]))
        in_text(bytes(planted[cut:]))

    def test_a_file_made_to_waste_time_is_left(self, monkeypatch):
        monkeypatch.setattr(binary, "MAX_HITS", 100)
        assert not binary.scan(Memory(bytes.fromhex("06092a864886f70d010101") * 200)).complete
