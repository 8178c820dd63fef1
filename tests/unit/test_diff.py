"""Two bundles side by side: what changes, and what a device can no longer verify."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from own_roots import CREATED, bundle_of, raw_bundle, root
from rootlet import anchor, bundle, catalog, resources
from rootlet import board as boards
from rootlet.cli import cli
from rootlet.diff import Difference, compare
from rootlet.errors import InputError, TrustError
from urootlet import format_cpython as layout
from urootlet.bundle import Bundle

if TYPE_CHECKING:
    from pathlib import Path

CA1, CA3, SFG2 = "amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2"
P256_OF_2026 = "ECDSA 256 S06-S13 (2026, under the P-384 root)"


def between(old: bytes, new: bytes, board: str = "") -> Difference:
    return compare(Bundle(old), Bundle(new), boards.load(board) if board else None)


def states(found: Difference) -> dict[str, str]:
    return {change.anchor.label: change.state for change in found.changes}


def stops(found: Difference) -> set[str]:
    return {effect.what for effect in found.stops}


def starts(found: Difference) -> set[str]:
    return {effect.what for effect in found.starts}


def label(der: bytes, words: str = "our-root") -> str:
    return f"{words}-{hashlib.sha256(der).hexdigest()[:8]}"


def signed(data: bytes, *, key_set: int = 1, sequence: int = 1, flags: int = 0, by: int = 7):
    """Return the bundle with numbers and one false signature: diff reads, and checks none."""
    found = Bundle(data)
    one = bundle.encode(
        [bundle.Anchor(found.der(n), found.original(n)) for n in range(len(found.anchors))],
        target=found.target,
        profile=found.profile,
        created=found.created,
        signing=bundle.Signing(key_set, sequence, flags),
    )
    return one + bytes((by,)) + bytes(layout.SIGNATURE - 1)


class TestAnchors:
    def test_are_added_removed_and_kept(self):
        found = between(bundle_of(CA1, SFG2), bundle_of(CA1, CA3))
        assert states(found) == {CA1: "kept", CA3: "added", SFG2: "removed"}
        assert [change.state for change in found.changes] == ["kept", "added", "removed"]

    def test_in_another_form_are_kept_and_it_is_said(self):
        found = between(bundle_of(CA1), bundle_of(CA1, form="strict"))
        (change,) = found.changes
        assert (change.state, change.note) == ("kept", "form tiny is strict now")
        assert change.old is not None
        assert change.new is not None
        assert (change.old.size, change.new.size) == (443, 561)
        assert not found.stops
        assert not found.starts

    def test_the_same_key_under_another_certificate_is_named_on_both_sides(self):
        old, new = root(), root(year=2050)
        found = between(bundle_of(roots=[old]), bundle_of(roots=[new]))
        notes = {change.anchor.label: change.note for change in found.changes}
        assert notes == {
            label(new): f"the same key as {label(old)}, under another certificate",
            label(old): f"the same key as {label(new)}, under another certificate",
        }

    def test_a_renewed_root_stops_nothing_since_name_and_key_stay(self):
        found = between(bundle_of(roots=[root()]), bundle_of(roots=[root(year=2050)]))
        assert not found.stops
        assert not found.starts

    def test_the_same_key_under_another_name_stops_the_chains_of_the_old_name(self):
        found = between(bundle_of(roots=[root()]), bundle_of(roots=[root("Other Root")]))
        assert stops(found) == {f"other chains under {label(root())}"}

    def test_the_same_name_with_another_key_stops_the_chains_of_the_old_key(self):
        old, new = root(), root(number=2)
        found = between(bundle_of(roots=[old]), bundle_of(roots=[new]))
        assert stops(found) == {f"other chains under {label(old)}"}
        assert starts(found) == {f"other chains under {label(new)}"}

    def test_that_name_a_catalogued_root_and_hold_another_key_are_refused(self):
        original = bytes.fromhex(catalog.load().get(CA1).sha256)
        lie = raw_bundle(bundle.Anchor(root("Amazon Root CA 1"), original))
        with pytest.raises(TrustError, match="not what it says"):
            between(bundle_of(CA1), lie)

    def test_one_original_with_two_keys_is_said_and_not_taken_for_kept(self):
        original = hashlib.sha256(root()).digest()
        honest, lie = bundle.Anchor(root(), original), bundle.Anchor(root(number=2), original)
        found = between(raw_bundle(honest), raw_bundle(lie))
        assert [change.state for change in found.changes] == ["added", "removed"]
        assert "two keys" in found.warnings[0]

    def test_a_root_of_aws_in_a_wrapping_of_ones_own_is_known_by_name_and_key(self):
        """The original's hash is another one, but a device trusts name and key."""
        real = catalog.load().get(CA3)
        tiny = anchor.package(real.der, "tiny", "it")
        other = raw_bundle(bundle.Anchor(tiny, hashlib.sha256(tiny).digest()))
        found = between(bundle_of(CA3), other)
        assert sorted(change.state for change in found.changes) == ["added", "removed"]
        assert not found.stops

    def test_the_key_of_aws_under_another_name_is_not_that_root(self):
        tiny = anchor.package(catalog.load().get(CA3).der, "tiny", "it")
        renamed = tiny.replace(b"Amazon Root CA 3", b"Amazon Root CA 9")
        other = raw_bundle(bundle.Anchor(renamed, hashlib.sha256(renamed).digest()))
        found = between(bundle_of(CA3), other)
        assert "ECDSA 256 M01-M06, S00-S05, S14-S21" in stops(found)
        assert "the same key as amazon-root-ca-3" in found.changes[0].note


class TestEffects:
    def test_a_dropped_family_stops_its_chains_with_the_reason(self):
        found = between(bundle_of(CA1, CA3), bundle_of(CA3, profile="ecdsa"))
        effect = next(one for one in found.stops if one.what.startswith("RSA 2048"))
        assert (effect.old, effect.new) == ("yes", "no")
        assert effect.because == "the cipher profile offers no RSA"
        assert not found.starts

    def test_the_way_back_starts_what_the_way_there_stops(self):
        some, more = bundle_of(CA3, profile="ecdsa"), bundle_of(CA1, CA3, SFG2)
        there, back = between(some, more), between(more, some)
        assert not there.stops
        assert starts(there) == stops(back)
        assert P256_OF_2026 in starts(there)
        turned = {(one.what, one.new, one.old) for one in back.stops}
        assert {(one.what, one.old, one.new) for one in there.starts} == turned

    def test_a_gain_names_what_it_comes_from(self):
        found = between(bundle_of(CA3), bundle_of(CA3, CA1))
        effect = next(one for one in found.starts if one.what.startswith("RSA 2048"))
        assert effect.because == CA1

    def test_what_hangs_on_a_cross_sign_afterwards_counts_as_stopping(self):
        found = between(bundle_of(CA1, SFG2), bundle_of(SFG2))
        effect = next(one for one in found.stops if one.what.startswith("RSA 2048"))
        assert (effect.old, effect.new) == ("yes", "cross-sign")
        assert "cross-sign by starfield-g2" in effect.because

    def test_a_removed_root_outside_the_table_stops_its_chains(self):
        found = between(bundle_of(CA1, roots=[root()]), bundle_of(CA1))
        assert stops(found) == {f"other chains under {label(root())}"}

    def test_a_dropped_family_stops_servers_under_a_kept_root_of_ones_own(self):
        ours = [root()]
        found = between(bundle_of(roots=ours), bundle_of(roots=ours, profile="ecdsa"))
        assert stops(found) == {"other servers with RSA certificates"}
        assert starts(between(bundle_of(roots=ours, profile="rsa"), bundle_of(roots=ours))) == {
            "other servers with ECDSA certificates"
        }

    def test_the_same_bundle_changes_nothing(self):
        found = between(bundle_of(CA1, CA3), bundle_of(CA1, CA3), "esp32")
        assert not found.stops
        assert not found.starts
        assert not found.warnings
        assert {change.state for change in found.changes} == {"kept"}
        assert found.header == [("bytes", "776", "776")]


class TestTheBoard:
    def test_shows_the_costs_of_both_beside_what_it_has(self):
        found = between(bundle_of(CA1), bundle_of(CA1, CA3), "esp32")
        costs = {new.what: (old.needs, new.needs, new.has) for old, new in found.costs}
        assert costs["TLS heap of anchors"] == (1203, 1203 + 492 + 408, 95_600)

    def test_that_does_not_take_the_new_form_loses_everything(self):
        full, tiny = bundle_of(CA1, form="full"), bundle_of(CA1)
        found = between(full, tiny, "linux-gateway")
        assert stops(found) == {"all of it on board linux-gateway"}
        assert "form tiny" in found.stops[0].because
        assert starts(between(tiny, full, "linux-gateway")) == stops(found)

    def test_whose_heap_is_too_small_loses_everything(self, tmp_path):
        mine = tmp_path / "mine.toml"
        mine.write_text(
            (resources.data("boards") / "esp32.toml")
            .read_text()
            .replace("tls_heap_wifi = { value = 95600", "tls_heap_wifi = { value = 32000")
        )
        found = between(bundle_of(CA1), bundle_of(CA1, CA3, SFG2), str(mine))
        (effect,) = [one for one in found.stops if "board" in one.what]
        assert effect.because.startswith("TLS heap in a handshake: 33,665 bytes")


class TestTheHeader:
    def header(self, old: bytes, new: bytes) -> dict[str, tuple[str, str]]:
        return {name: (before, after) for name, before, after in between(old, new).header}

    def test_shows_numbers_flags_and_signers_that_differ(self):
        old = signed(bundle_of(CA1), sequence=6)
        new = signed(bundle_of(CA1), key_set=2, sequence=7, flags=3, by=9)
        assert self.header(old, new) == {
            "bytes": ("901", "901"),
            "key set": ("1", "2"),
            "sequence": ("6", "7"),
            "flags": ("none", "retire-previous, revoke-now"),
            "signed by": ("0700000000000000", "0900000000000000"),
        }

    def test_shows_target_profile_and_times_that_differ(self):
        old = bundle_of(CA1, profile="rsa")
        new = bundle_of(CA1, target="pumps", created=CREATED + 1)
        header = self.header(old, new)
        assert header["target"] == ("default", "pumps")
        assert header["cipher profile"] == ("rsa", "both")
        assert header["created"] == ("2026-09-21T14:13:20+00:00", "2026-09-21T14:13:21+00:00")

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            (bundle_of(CA1), bundle_of(CA1, target="pumps"), "refuse a bundle for pumps"),
            (signed(bundle_of(CA1)), bundle_of(CA1), "unsigned"),
            (signed(bundle_of(CA1)), signed(bundle_of(CA3)), "not higher"),
            (signed(bundle_of(CA1), sequence=2), signed(bundle_of(CA3)), "not higher"),
            (signed(bundle_of(CA1), key_set=2), signed(bundle_of(CA1), sequence=9), "not higher"),
        ],
    )
    def test_warns_of_what_devices_would_refuse(self, old, new, words):
        (warning,) = between(old, new).warnings
        assert words in warning

    def test_a_higher_number_or_key_set_is_no_warning(self):
        for new in (signed(bundle_of(CA1), sequence=10), signed(bundle_of(CA1), key_set=2)):
            assert not between(signed(bundle_of(CA1), sequence=9), new).warnings


class TestTheCommand:
    def run(self, folder: Path, old: bytes, new: bytes, *more: str, status: int = 0):
        (folder / "old.rlt").write_bytes(old)
        (folder / "new.rlt").write_bytes(new)
        arguments = ["diff", str(folder / "old.rlt"), str(folder / "new.rlt"), *more]
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result

    def test_exits_0_also_when_something_stops(self, tmp_path):
        result = self.run(tmp_path, bundle_of(CA1, CA3), bundle_of(CA1))
        assert "Stops working" in result.stdout
        assert "stops working: 2, starts working: 0" in result.stdout

    def test_exit_code_is_3_only_when_something_stops(self, tmp_path):
        few, many = bundle_of(CA1), bundle_of(CA1, CA3)
        self.run(tmp_path, many, few, "--exit-code", status=3)
        self.run(tmp_path, few, many, "--exit-code")
        self.run(tmp_path, few, few, "--exit-code")

    def test_json_holds_all_of_it_and_the_same_exit_code(self, tmp_path):
        old, new = bundle_of(CA1, SFG2), bundle_of(CA1)
        result = self.run(
            tmp_path, old, new, "--json", "--exit-code", "--board", "esp32", status=3
        )
        document = json.loads(result.stdout)
        assert document["schema"] == "rootlet/diff/1"
        assert {one["name"]: one["change"] for one in document["anchors"]} == {
            CA1: "kept",
            SFG2: "removed",
        }
        assert document["bundle"] == [
            {"what": "bytes", "old": str(f"{len(old):,}"), "new": str(len(new))}
        ]
        assert {one["what"] for one in document["stops"]} >= {f"other chains under {SFG2}"}
        assert document["costs"][0]["old"]["needs"] == len(old)

    def test_says_when_they_are_the_same(self, tmp_path):
        result = self.run(tmp_path, bundle_of(CA1), bundle_of(CA1))
        assert "the same, byte for byte" in result.stdout

    def test_shows_costs_only_for_a_board(self, tmp_path):
        assert "Costs" not in self.run(tmp_path, bundle_of(CA1), bundle_of(CA3)).stdout
        shown = self.run(tmp_path, bundle_of(CA1), bundle_of(CA3), "--board", "esp32").stdout
        assert "TLS heap in a handshake" in shown
        assert "measured 2026-11-21" not in shown

    def test_says_where_the_costs_come_from_when_asked(self, tmp_path):
        shown = self.run(
            tmp_path, bundle_of(CA1), bundle_of(CA3), "--board", "esp32", "--sources"
        ).stdout
        assert "measured 2026-11-21" in shown

    def test_names_the_file_that_is_no_bundle(self, tmp_path):
        with pytest.raises(InputError, match=r"new\.rlt is not a bundle"):
            self.run(tmp_path, bundle_of(CA1), b"RLT1")
