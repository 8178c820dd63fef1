"""Signed bundles on the host, made in one place and in several."""

import hashlib
import shlex
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from fixtures_signing import CREATED, Desk
from keyset_cases import first, key_modulus, record, tbs
from rootlet import bundle, signing
from rootlet.errors import InputError, RootletError, TrustError
from signature_cases import private_key
from urootlet import keyset
from urootlet.format_cpython import RETIRE_PREVIOUS, REVOKE_NOW
from urootlet.keyset import KeySet


class TestBuild:
    def test_a_signed_bundle_is_what_a_device_takes(self, fleet: Desk):
        fleet.build("x.rlt", "--key-set", "keys-1.rlk", "--sign", "a.pem", "--sign", "c.pem")
        found = fleet.bundle("x.rlt")
        assert (found.target, found.key_set, found.sequence) == ("pumps", 1, 1)
        assert found.flags == 0
        keyset.check_bundle(fleet.key_set("keys-1.rlk"), found)

    def test_after_goes_on_and_a_new_key_set_starts_again(self, fleet: Desk):
        sign = ("--sign", "a.pem", "--sign", "b.pem")
        fleet.build("1.rlt", "--key-set", "keys-1.rlk", *sign)
        fleet.build("2.rlt", "--key-set", "keys-1.rlk", "--after", "1.rlt", *sign)
        fleet.keys("keys-2.rlk", "--after", "keys-1.rlk", *sign)
        fleet.build("3.rlt", "--key-set", "keys-2.rlk", "--after", "2.rlt", *sign)
        numbers = [
            (found.key_set, found.sequence)
            for found in map(fleet.bundle, ("1.rlt", "2.rlt", "3.rlt"))
        ]
        assert numbers == [(1, 1), (1, 2), (2, 1)]
        with pytest.raises(InputError, match="under key set 2, newer than 1") as caught:
            fleet.build("4.rlt", "--key-set", "keys-1.rlk", "--after", "3.rlt", *sign)
        assert caught.value.code == "SEQUENCE"

    def test_after_a_bundle_of_later_on_it_asks_for_the_clock(self, fleet: Desk):
        made = shlex.split(
            "build --board esp32 --keys ecc --key-set keys-1.rlk --sign a.pem --sign b.pem"
        )
        assert "clock" not in fleet.run(*made, "--created", CREATED, "-o", "1.rlt")
        said = fleet.run(*made, "--created", "1577836800", "--after", "1.rlt", "-o", "2.rlt")
        assert "warning: created 2020-01-01 00:00, before the bundle that it follows" in said

    def test_after_an_unsigned_bundle_starts_at_1(self, fleet: Desk):
        fleet.build("0.rlt", "--target", "pumps")
        fleet.build("1.rlt", "--key-set", "keys-1.rlk", "--after", "0.rlt", "--sign", "a.pem")
        assert fleet.bundle("1.rlt").sequence == 1

    def test_a_number_that_nobody_signed_is_not_continued(self, fleet: Desk):
        """Else a forged PREV with sequence 4294967295 would end the fleet's updates."""
        fleet.build("1.rlt", "--key-set", "keys-1.rlk", "--sign", "a.pem")
        with pytest.raises(TrustError, match="before is not signed") as caught:
            fleet.build("2.rlt", "--key-set", "keys-1.rlk", "--after", "1.rlt", "--sign", "a.pem")
        assert caught.value.code == "SIGNATURE"

    def test_another_fleet_is_refused(self, fleet: Desk):
        fleet.build("fans.rlt", "--target", "fans")
        for more in (("--after", "fans.rlt"), ("--target", "fans")):
            with pytest.raises(InputError) as caught:
                fleet.build("x.rlt", "--key-set", "keys-1.rlk", "--sign", "a.pem", *more)
            assert caught.value.code == "TARGET"

    def test_a_bundle_that_lacks_signatures_says_so_or_fails(self, fleet: Desk):
        words = ("--key-set", "keys-1.rlk", "--sign", "a.pem")
        output = fleet.run("build", "--board", "esp32", "--keys", "ecc", "-o", "x.rlt", *words)
        assert "1 of 2 signatures of key set 1" in output
        assert "warning" in output
        with pytest.raises(TrustError, match="not finished: 1 of 2") as caught:
            fleet.build("y.rlt", *words, "--complete")
        assert (caught.value.exit_status, caught.value.code) == (3, "SIGNATURE")
        assert not (fleet / "y.rlt").exists()

    def test_a_stranger_may_not_sign_it(self, fleet: Desk):
        with pytest.raises(TrustError, match="may not sign"):
            fleet.build("x.rlt", "--key-set", "keys-1.rlk", "--sign", "stranger.pem")
        assert not (fleet / "x.rlt").exists()

    def test_flags_are_signed_along(self, fleet: Desk):
        words = ("--key-set", "keys-1.rlk", "--sign", "a.pem", "--sign", "b.pem")
        fleet.build("x.rlt", *words, "--retire-previous", "--revoke-now")
        assert fleet.bundle("x.rlt").flags == RETIRE_PREVIOUS | REVOKE_NOW
        for option, flag in (("--retire-previous", RETIRE_PREVIOUS), ("--revoke-now", REVOKE_NOW)):
            fleet.build("x.rlt", *words, option)
            assert fleet.bundle("x.rlt").flags == flag

    @pytest.mark.parametrize(
        "option",
        [
            "--sign=k",
            "--for-signing",
            "--after=x",
            "--retire-previous",
            "--revoke-now",
            "--complete",
        ],
    )
    def test_what_is_signed_needs_a_key_set(self, desk: Desk, option: str):
        with pytest.raises(InputError, match="belongs to a key set"):
            desk.build("x.rlt", option)

    @pytest.mark.parametrize("more", [(), ("--sign", "a.pem", "--for-signing")])
    def test_a_numbered_bundle_is_signed_or_written_for_signing(self, fleet: Desk, more):
        with pytest.raises(InputError, match="signed here or written for signing"):
            fleet.build("x.rlt", "--key-set", "keys-1.rlk", *more)

    def test_signing_is_reproducible(self, fleet: Desk):
        for name in ("x.rlt", "y.rlt"):
            fleet.build(name, "--key-set", "keys-1.rlk", "--sign", "a.pem", "--sign", "b.pem")
        assert (fleet / "x.rlt").read_bytes() == (fleet / "y.rlt").read_bytes()

    def test_the_sizes_of_one_signature_bundles(self, desk: Desk):
        desk.keys("k.rlk", "--target", "fleet-01", public="a", threshold=1)
        words = ("--key-set", "k.rlk", "--sign", "a.pem", "--created", CREATED)
        for keys, more, most in (
            ("ecc", (), 720),
            ("rsa", (), 930),
            ("both", ("--with", "starfield-g2"), 1780),
        ):
            desk.run("build", "--board", "esp32", "--keys", keys, "-o", "x.rlt", *more, *words)
            assert (desk / "x.rlt").stat().st_size <= most

    def test_a_creation_time_in_the_future_is_refused(self, desk: Desk, monkeypatch):
        base = ("build", "--board", "esp32", "--keys", "ecc", "-o", "x.rlt")
        now = int(time.time())
        desk.run(*base, "--created", str(now + 86000))
        with pytest.raises(InputError) as caught:
            desk.run(*base, "--created", str(now + 87000))
        assert caught.value.code == "CLOCK"
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(now + 87000))
        with pytest.raises(InputError):
            desk.run(*base)


class TestOffline:
    def test_a_bundle_is_signed_by_a_machine_that_has_only_bytes_and_key(self, fleet: Desk):
        fleet.build("x.tbs", "--key-set", "keys-1.rlk", "--for-signing")
        before = (fleet / "x.tbs").read_bytes()
        for name in "ac":
            fleet.run("sign", "x.tbs", "--key", f"{name}.pem", "--detached", f"{name}.sig")
        assert (fleet / "x.tbs").read_bytes() == before
        fleet.run(
            *("sign", "x.tbs", "--attach", "a.sig", "--attach", "c.sig", "-o", "x.rlt"),
            *("--key-set", "keys-1.rlk", "--complete"),
        )
        keyset.check_bundle(fleet.key_set("keys-1.rlk"), fleet.bundle("x.rlt"))
        assert (fleet / "x.rlt").read_bytes().startswith(before)

    def test_it_is_the_same_file_as_signed_at_once(self, fleet: Desk):
        fleet.build("x.tbs", "--key-set", "keys-1.rlk", "--for-signing")
        words = ("--key", "b.pem", "--key", "a.pem", "--key-set", "keys-1.rlk")
        fleet.run("sign", "x.tbs", *words, "-o", "x.rlt")
        fleet.build("y.rlt", "--key-set", "keys-1.rlk", "--sign", "a.pem", "--sign", "b.pem")
        assert (fleet / "x.rlt").read_bytes() == (fleet / "y.rlt").read_bytes()

    def test_a_bare_signature_of_another_tool_is_taken(self, fleet: Desk):
        """What ``openssl dgst -sha256 -sign c.pem -out c.sig x.tbs`` writes."""
        fleet.build("x.tbs", "--key-set", "keys-1.rlk", "--for-signing")
        bare = private_key("key-2").sign((fleet / "x.tbs").read_bytes(), PKCS1v15(), SHA256())
        (fleet / "c.sig").write_bytes(bare)
        words = ("--attach", "c.sig", "--key", "a.pem", "--key-set", "keys-1.rlk", "--complete")
        fleet.run("sign", "x.tbs", *words, "-o", "x.rlt")
        keyset.check_bundle(fleet.key_set("keys-1.rlk"), fleet.bundle("x.rlt"))

    def test_a_key_set_is_signed_offline_too(self, desk: Desk):
        desk.keys("k.rlk", "--target", "pumps")
        for name in "ab":
            desk.run("sign", "k.rlk", "--key", f"{name}.pem", "--detached", f"{name}.sig")
        desk.run("sign", "k.rlk", "--attach", "a.sig", "--attach", "b.sig", "--complete")
        keyset.check_self(desk.key_set("k.rlk"))

    def test_the_bytes_are_not_turned_into_a_bundle_in_place(self, fleet: Desk):
        fleet.build("x.tbs", "--key-set", "keys-1.rlk", "--for-signing")
        with pytest.raises(InputError, match="bytes to be signed"):
            fleet.run("sign", "x.tbs", "--key", "a.pem")

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda good: good[:-1],
            lambda good: good + b"\x00",
            lambda good: bytes(8) + good[8:],
            lambda good: good[:-1] + bytes((good[-1] ^ 1,)),
            lambda _good: b"",
        ],
        ids=["cut", "longer", "another id", "a bit", "nothing"],
    )
    def test_a_detached_signature_that_does_not_hold_is_refused(self, fleet: Desk, spoil):
        fleet.build("x.tbs", "--key-set", "keys-1.rlk", "--for-signing")
        message = (fleet / "x.tbs").read_bytes()
        (fleet / "a.sig").write_bytes(spoil(record(0, message)))
        with pytest.raises(RootletError):
            fleet.run(
                "sign", "x.tbs", "--attach", "a.sig", "--key-set", "keys-1.rlk", "-o", "x.rlt"
            )
        assert not (fleet / "x.rlt").exists()

    def test_a_signature_of_another_bundle_is_refused(self, fleet: Desk):
        fleet.build("x.tbs", "--key-set", "keys-1.rlk", "--for-signing")
        fleet.build("y.tbs", "--key-set", "keys-1.rlk", "--for-signing", "--revoke-now")
        fleet.run("sign", "y.tbs", "--key", "a.pem", "--detached", "a.sig")
        with pytest.raises(TrustError, match=r"a\.sig is not a signature of this file"):
            fleet.run(
                "sign", "x.tbs", "--attach", "a.sig", "--key-set", "keys-1.rlk", "-o", "x.rlt"
            )

    def test_attaching_needs_to_know_the_keys(self, fleet: Desk):
        fleet.build("x.tbs", "--key-set", "keys-1.rlk", "--for-signing")
        fleet.run("sign", "x.tbs", "--key", "a.pem", "--detached", "a.sig")
        with pytest.raises(TrustError, match="not a signature"):
            fleet.run("sign", "x.tbs", "--attach", "a.sig", "-o", "x.rlt")
        fleet.run("sign", "x.tbs", "--attach", "a.sig", "--pub", "a.pem", "-o", "x.rlt")
        assert fleet.bundle("x.rlt").signatures == 1


class TestSign:
    def test_a_second_signature_is_added_in_place(self, fleet: Desk):
        fleet.build("x.rlt", "--key-set", "keys-1.rlk", "--sign", "b.pem")
        shown = fleet.json("sign", "x.rlt", "--key", "a.pem", "--key-set", "keys-1.rlk")
        assert shown["standings"] == [{"version": 1, "valid": 2, "needed": 2, "met": True}]
        keyset.check_bundle(fleet.key_set("keys-1.rlk"), fleet.bundle("x.rlt"))

    def test_signing_twice_changes_nothing(self, fleet: Desk):
        fleet.build("x.rlt", "--key-set", "keys-1.rlk", "--sign", "b.pem")
        before = (fleet / "x.rlt").read_bytes()
        fleet.run("sign", "x.rlt", "--key", "b.pem", "--key-set", "keys-1.rlk")
        assert (fleet / "x.rlt").read_bytes() == before

    def test_without_a_key_it_shows_and_writes_nothing(self, fleet: Desk):
        fleet.build("x.rlt", "--key-set", "keys-1.rlk", "--sign", "b.pem", "--retire-previous")
        before = (fleet / "x.rlt").read_bytes()
        shown = fleet.json("sign", "x.rlt", "--key-set", "keys-1.rlk")
        assert (shown["kind"], shown["target"], shown["sequence"]) == ("bundle", "pumps", 1)
        assert shown["retire_previous"] is True
        assert shown["revoke_now"] is False
        assert shown["written"] is None
        assert shown["standings"][0]["valid"] == 1
        assert (fleet / "x.rlt").read_bytes() == before

    def test_complete_fails_before_it_writes(self, fleet: Desk):
        fleet.build("x.tbs", "--key-set", "keys-1.rlk", "--for-signing")
        words = ("sign", "x.tbs", "--key", "a.pem", "--complete", "-o", "x.rlt")
        with pytest.raises(TrustError, match="not finished"):
            fleet.run(*words, "--key-set", "keys-1.rlk")
        with pytest.raises(InputError, match="keys that count"):
            fleet.run(*words)
        assert not (fleet / "x.rlt").exists()

    def test_the_key_set_must_be_the_one_that_counts(self, fleet: Desk):
        fleet.build("x.rlt", "--key-set", "keys-1.rlk", "--sign", "b.pem")
        fleet.keys("keys-2.rlk", "--after", "keys-1.rlk")
        fleet.keys("fans.rlk", "--target", "fans")
        for name, code in (("keys-2.rlk", "SEQUENCE"), ("fans.rlk", "TARGET")):
            with pytest.raises(InputError) as caught:
                fleet.run("sign", "x.rlt", "--key", "a.pem", "--key-set", name)
            assert caught.value.code == code
        with pytest.raises(InputError, match="key set 2 does not count"):
            fleet.run("sign", "keys-2.rlk", "--key", "a.pem", "--key-set", "keys-2.rlk")

    def test_an_unsigned_bundle_cannot_be_signed_later(self, desk: Desk):
        desk.build("x.rlt")
        with pytest.raises(InputError, match="built to stay unsigned"):
            desk.run("sign", "x.rlt", "--key", "a.pem")

    @pytest.mark.parametrize("data", [b"", b"RLT1", b"RLT1\x02", b"x" * 100])
    def test_another_file_is_named(self, desk: Desk, data: bytes):
        (desk / "x.rlt").write_bytes(data)
        with pytest.raises(InputError, match=r"x\.rlt is not a"):
            desk.run("sign", "x.rlt", "--key", "a.pem")

    def test_one_detached_signature_at_a_time(self, fleet: Desk):
        fleet.build("x.tbs", "--key-set", "keys-1.rlk", "--for-signing")
        with pytest.raises(InputError, match="writes one signature"):
            fleet.run("sign", "x.tbs", "--key", "a.pem", "--key", "b.pem", "--detached", "s.sig")

    def test_a_file_and_a_detached_signature_exclude_each_other(self, fleet: Desk):
        fleet.build("x.tbs", "--key-set", "keys-1.rlk", "--for-signing")
        with pytest.raises(InputError, match="exclude each other"):
            fleet.run("sign", "x.tbs", "--key", "a.pem", "--detached", "s.sig", "-o", "x.rlt")

    def test_a_bundle_holds_at_most_five_signatures(self):
        message = tbs()
        made = signing.Signable(message).add(record(one, message) for one in range(5))
        with pytest.raises(InputError, match="6 signatures"):
            made.add([record(5, message)])

    def test_a_key_set_holds_at_most_ten(self):
        stand_ins = [bytes((one,)) + bytes(391) for one in range(11)]
        made = signing.encode_key_set("pumps", 1, 1, [key_modulus(0)]).add(stand_ins[:10])
        assert len(made.records) == 10
        with pytest.raises(InputError, match="11 signatures"):
            made.add(stand_ins[10:])

    def test_what_two_people_compare_is_the_hash_of_what_is_signed(self):
        message = tbs()
        made = signing.Signable(message).add([bytes(392)])
        assert made.sha256 == hashlib.sha256(message).hexdigest()

    def test_a_file_that_no_device_would_read_is_not_made(self):
        with pytest.raises(InputError, match="the signed file"):
            signing.Signable(tbs(), (b"half a signature",)).encode()

    def test_a_bundle_is_read_with_the_signatures_that_it_has(self):
        stand_ins = [bytes((one,)) + bytes(391) for one in range(2)]
        made = signing.Signable(tbs())
        assert made.as_bundle().data == tbs() + bytes(392)
        assert made.add(stand_ins).as_bundle().data == tbs() + b"".join(stand_ins)


class TestAKeySet:
    @pytest.mark.parametrize("version", [0, 65536])
    def test_of_a_version_that_does_not_fit_is_refused(self, version):
        with pytest.raises(InputError, match=f"key set version {version}"):
            signing.encode_key_set("pumps", version, 1, [key_modulus(0)])

    @pytest.mark.parametrize("version", [1, 65535])
    def test_of_the_first_or_the_last_version_is_made(self, version):
        made = signing.encode_key_set("pumps", version, 1, [key_modulus(0)])
        assert made.as_key_set().version == version


class TestNumbers:
    def test_without_a_bundle_before_it_starts_at_1(self):
        assert signing.numbers(KeySet(first(1, 0).encode()), None) == (1, 1)

    def test_the_last_sequence_asks_for_a_new_key_set(self):
        header = bundle.Signing(1, 1 << 32)
        with pytest.raises(InputError) as caught:
            bundle.encode([], target="x", profile=1, created=1, signing=header)
        assert caught.value.code == "SEQUENCE"
