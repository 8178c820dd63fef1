"""Keys, signers and key sets on the host."""

import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, Signature

from fixtures_signing import Desk
from keyset_cases import key_modulus, record, tbs
from rootlet import signers, signing
from rootlet.errors import InputError, RootletError, TrustError
from signature_cases import KEYS, private_key
from urootlet import keyset


def unasked(what: str) -> str:
    raise AssertionError(f"asked for: {what}")


class TestKeys:
    def test_a_new_key_is_readable_by_its_owner_only_and_never_shown(self, desk: Desk):
        output = desk.run("key", "new", "new.pem")
        assert (desk / "new.pem").stat().st_mode & 0o777 == 0o600
        made = signers.read(desk / "new.pem", unasked)
        assert made.private
        assert made.id in output
        assert "PRIVATE KEY" not in output
        public = signers.read(desk / "new.pub.pem", unasked)
        assert (public.modulus, public.private) == (made.modulus, False)

    @pytest.mark.parametrize("there", ["new.pem", "new.pub.pem"])
    def test_a_key_is_not_overwritten_unless_forced(self, desk: Desk, there: str):
        (desk / there).write_text("precious")
        with pytest.raises(InputError, match="exists"):
            desk.run("key", "new", "new.pem")
        assert (desk / there).read_text() == "precious"
        assert len(list(desk.folder.glob("new.*"))) == 1
        desk.run("key", "new", "new.pem", "--force")
        assert (desk / there).read_text() != "precious"

    def test_a_sealed_key_asks_for_its_passphrase(self, desk: Desk):
        desk.run("key", "new", "sealed.pem", "--encrypt", typed="open sesame\nopen sesame\n")
        assert b"ENCRYPTED" in (desk / "sealed.pem").read_bytes()
        assert signers.read(desk / "sealed.pem", lambda _what: "open sesame").private
        with pytest.raises(InputError, match="cannot be read") as caught:
            signers.read(desk / "sealed.pem", lambda _what: "wrong")
        assert "passphrase" in caught.value.why

    def test_a_sealed_key_with_nobody_to_ask_is_not_an_interruption(self, desk: Desk):
        desk.run("key", "new", "sealed.pem", "--encrypt", typed="open sesame\nopen sesame\n")
        (desk / "x.tbs").write_bytes(tbs())
        with pytest.raises(InputError, match="nobody is there to ask") as caught:
            desk.run("sign", "x.tbs", "--key", "sealed.pem", "--detached", "x.sig", typed="")
        assert caught.value.why == "standard input has ended"

    def test_the_passphrase_is_asked_once_to_sign(self, desk: Desk):
        desk.run("key", "new", "sealed.pem", "--encrypt", typed="open sesame\nopen sesame\n")
        desk.keys("k.rlk", "--target", "pumps", public="a", threshold=1)
        (desk / "x.tbs").write_bytes(tbs())
        desk.run(
            "sign", "x.tbs", "--key", "sealed.pem", "--detached", "x.sig", typed="open sesame\n"
        )
        assert (desk / "x.sig").stat().st_size == 392

    @pytest.mark.parametrize("name", ["e3", "bits3071"])
    def test_a_key_that_devices_refuse_does_not_sign(self, name: str):
        with pytest.raises(InputError, match="3072 bits with exponent 65537"):
            signers.sign(b"", [str(KEYS / f"{name}.pem")], None, unasked)

    def test_an_ec_key_does_not_sign(self, desk: Desk):
        made = generate_private_key(SECP256R1())
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (desk / "ec.pem").write_bytes(pem)
        with pytest.raises(InputError, match="does not fit"):
            signers.sign(b"", [str(desk / "ec.pem")], None, unasked)

    def test_a_public_key_does_not_sign(self, desk: Desk):
        desk.run("key", "new", "new.pem")
        with pytest.raises(InputError, match="no private key"):
            signers.sign(b"", [str(desk / "new.pub.pem")], None, unasked)

    @pytest.mark.parametrize("text", ["", "hello", "-----BEGIN PUBLIC KEY-----\nMA==\n"])
    def test_what_is_not_a_key_is_named(self, desk: Desk, text: str):
        (desk / "x.pem").write_text(text)
        with pytest.raises(InputError, match=r"x\.pem is not a key"):
            signers.read(desk / "x.pem", unasked)

    def test_show_tells_ids_and_kinds_of_keys_and_key_sets(self, fleet: Desk):
        shown = fleet.json("key", "show", "a.pem", "keys-1.rlk")["files"]
        ids = sorted(keyset.key_id(key_modulus(one)).hex() for one in range(3))
        assert shown[0]["kind"] == "private key"
        assert shown[0]["key_id"] in ids
        assert shown[1]["key_ids"] == ids
        assert (shown[1]["version"], shown[1]["threshold"]) == (1, 2)
        assert shown[1]["standings"] == [{"version": 1, "valid": 2, "needed": 2, "met": True}]
        assert "2 of 2 signatures of key set 1" in fleet.run("key", "show", "keys-1.rlk")


class TestSigners:
    def test_a_library_uri_signs_as_the_file_does(self):
        path = str(KEYS / "key-1.pem")
        known = [key_modulus(0), key_modulus(1)]
        by_uri = signers.sign(b"text", [f"file2:{path}"], known, unasked)
        assert by_uri == signers.sign(b"text", [path], known, unasked) == (record(1, b"text"),)

    def test_a_library_uri_of_a_strange_key_is_refused(self):
        with pytest.raises(TrustError, match="may not sign"):
            signers.sign(b"", [f"file2:{KEYS / 'key-9.pem'}"], [key_modulus(0)], unasked)

    def test_a_library_uri_needs_the_public_key(self):
        with pytest.raises(InputError, match="public key is not known"):
            signers.sign(b"", ["awskms:alias/pumps"], None, unasked)

    @pytest.mark.parametrize("uri", ["file2:/nowhere.pem", "nosuch:key", "hsm:2", "gcpkms:x"])
    def test_a_signer_that_fails_is_named_without_a_traceback(self, uri: str):
        with pytest.raises(RootletError, match=f"{uri} does not sign"):
            signers.sign(b"", [uri], [key_modulus(0)], unasked)

    def test_what_may_be_secret_in_a_uri_is_not_repeated(self):
        with pytest.raises(RootletError) as caught:
            signers.sign(b"", ["nosuch:key?pin=1234"], [key_modulus(0)], unasked)
        assert "1234" not in str(caught.value)
        assert "1234" not in caught.value.why

    def test_a_service_signs_as_whichever_known_key_it_holds(self, monkeypatch):
        """KMS cannot tell which public key it was given: the signature decides."""

        class Service:
            @classmethod
            def from_priv_key_uri(cls, _uri, _public, _secrets=None):
                return cls()

            def sign(self, payload: bytes) -> Signature:
                signed = private_key("key-2").sign(payload, PKCS1v15(), SHA256())
                return Signature("", signed.hex())

        monkeypatch.setitem(SIGNER_FOR_URI_SCHEME, "service", Service)
        known = [key_modulus(one) for one in range(3)]
        assert signers.sign(b"x", ["service:any"], known, unasked) == (record(2, b"x"),)
        with pytest.raises(TrustError, match="may not sign"):
            signers.sign(b"x", ["service:any"], known[:2], unasked)

    def test_the_library_is_loaded_for_a_uri_only(self):
        code = "import sys, rootlet.cli.sign, rootlet.cli.build; print(*sorted(sys.modules))"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        loaded = done.stdout.split()
        assert "rootlet.signers" in loaded
        assert not {"securesystemslib", "cryptography"} & set(loaded)


class TestKeySets:
    def test_the_next_set_is_numbered_and_keeps_its_fleet(self, fleet: Desk):
        fleet.keys("keys-2.rlk", "--after", "keys-1.rlk", "--sign", "a.pem", "--sign", "c.pem")
        found = fleet.key_set("keys-2.rlk")
        assert (found.version, found.target, found.threshold) == (2, "pumps", 2)
        keyset.check_next(fleet.key_set("keys-1.rlk"), found)

    def test_it_is_signed_in_several_places(self, fleet: Desk):
        """Devices take it once the thresholds of both sets are met."""
        (fleet / "new.pem").write_bytes((KEYS / "key-5.pem").read_bytes())
        fleet.run(
            *("key", "set", "-o", "keys-2.rlk", "--after", "keys-1.rlk", "--key", "new.pem"),
            *("--sign", "new.pem"),
        )
        met = []
        for name in ("a.pem", "b.pem"):
            shown = fleet.json("sign", "keys-2.rlk", "--key", name, "--key-set", "keys-1.rlk")
            met.append([one["met"] for one in shown["standings"]])
        assert met == [[False, True], [True, True]]
        keyset.check_next(fleet.key_set("keys-1.rlk"), fleet.key_set("keys-2.rlk"))

    def test_what_is_missing_is_said(self, desk: Desk):
        output = desk.run(
            *("key", "set", "-o", "k.rlk", "--target", "pumps", "--threshold", "2"),
            *("--key", "a.pem", "--key", "b.pem", "--sign", "a.pem"),
        )
        assert "warning: 1 of 2 signatures of key set 1" in output

    def test_the_same_keys_in_another_order_are_the_same_set(self, desk: Desk):
        desk.keys("x.rlk", "--target", "pumps")
        desk.keys("y.rlk", "--target", "pumps", public="cab")
        assert (desk / "x.rlk").read_bytes() == (desk / "y.rlk").read_bytes()

    @pytest.mark.parametrize(
        ("public", "threshold"), [("a", 0), ("a", 2), ("aa", 1), ("aa", 2), ("ab", 3)]
    )
    def test_a_threshold_that_cannot_work_is_refused(self, desk: Desk, public, threshold):
        with pytest.raises(InputError, match=r"^threshold \d of|^the same key"):
            desk.keys("k.rlk", "--target", "pumps", public=public, threshold=threshold)
        assert not (desk / "k.rlk").exists()

    def test_six_keys_are_refused(self):
        moduli = [key_modulus(one) for one in range(6)]
        with pytest.raises(InputError, match="threshold 1 of 6"):
            signing.encode_key_set("pumps", 1, 1, moduli)

    def test_a_stranger_may_not_sign_it(self, desk: Desk):
        with pytest.raises(TrustError, match="may not sign"):
            desk.keys("k.rlk", "--target", "pumps", "--sign", "stranger.pem")
        assert not (desk / "k.rlk").exists()

    def test_the_first_set_needs_a_fleet_and_the_next_cannot_change_it(self, fleet: Desk):
        with pytest.raises(InputError, match="name of its fleet"):
            fleet.keys("k.rlk")
        with pytest.raises(InputError, match="not for fans"):
            fleet.keys("k.rlk", "--after", "keys-1.rlk", "--target", "fans")

    @pytest.mark.parametrize("name", ["", "Pumps", "a b", "x" * 33, "pümps"])
    def test_a_bad_name_of_a_fleet_is_refused(self, name: str):
        with pytest.raises(InputError, match="not a fleet name"):
            signing.encode_key_set(name, 1, 1, [key_modulus(0)])
