"""What a bundle costs: each line from figures with sources, and unknown stays unknown."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from own_roots import CREATED
from rootlet import anchor, bundle, catalog, resources
from rootlet import board as boards
from rootlet.budget import Line, Packaged, Usage, lines, packaged
from rootlet.build import Request, build
from rootlet.cli import cli
from rootlet.errors import TrustError
from urootlet.bundle import Bundle
from urootlet.format_cpython import ECDSA, MAX_SIZE, RSA, SIGNATURE

ESP32 = boards.load("esp32")


def of(root_id: str, form: str = "tiny") -> Packaged:
    """Return a root of the catalogue as a device loads it."""
    root = catalog.load().get(root_id)
    return packaged(root.key, form, anchor.package(root.der, form, root.id))


RSA_TINY, ECC_TINY = of("amazon-root-ca-1"), of("amazon-root-ca-3")
P384_TINY = of("amazon-root-ca-4")
READ, LOADING = "Python heap to read it", "TLS heap while loading"
ANCHORS, SESSION = "TLS heap of anchors", "TLS heap of a session"
HANDSHAKE = "TLS heap in a handshake"
SLOT, FLASH = "file in its slot", "flash for two slots"


def change(board: boards.Board, section: str, **facts: Any) -> boards.Board:
    """Return the board with other facts; a number is a fact of this test."""
    made = {
        name: boards.Fact(value, f"{name} of this test") if isinstance(value, int | str) else value
        for name, value in facts.items()
    }
    return dataclasses.replace(
        board, **{section: dataclasses.replace(getattr(board, section), **made)}
    )


def costs(board: boards.Board = ESP32, **usage: Any) -> dict[str, Line]:
    given = {"size": 1350, "anchors": [RSA_TINY, ECC_TINY], **usage}
    return {line.what: line for line in lines(board, Usage(**given))}


def grid(value: int, kind: str = "rsa-2048", form: str = "tiny"):
    return {kind: {form: boards.Fact(value, "measured by this test")}}


class TestFlash:
    def test_a_file_is_held_against_one_slot(self):
        assert (costs()[SLOT].needs, costs()[SLOT].has) == (1350, MAX_SIZE)
        assert costs(size=MAX_SIZE)[SLOT].fits
        assert not costs(size=MAX_SIZE + 1)[SLOT].fits

    @pytest.mark.parametrize(("size", "blocks"), [(1, 2), (4096, 2), (4097, 4)])
    def test_two_slots_take_whole_blocks(self, size, blocks):
        line = costs(size=size)[FLASH]
        assert line.needs == blocks * 4096
        assert line.has == ESP32.flash.fs_bytes.value  # type: ignore[union-attr]

    def test_blocks_of_unknown_size_are_unknown_and_at_least_two_files(self):
        board = change(ESP32, "flash", block_bytes=None, fs_bytes=2699)
        line = costs(board)[FLASH]
        assert (line.needs, line.at_least, line.fits) == (None, 2700, False)

    def test_a_file_system_that_is_too_small_does_not_fit(self):
        assert not costs(change(ESP32, "flash", fs_bytes=4096))[FLASH].fits
        assert costs(change(ESP32, "flash", fs_bytes=8192))[FLASH].fits


class TestPythonHeap:
    def test_holds_the_file_and_one_anchor(self):
        assert costs()[READ].needs == 1350 + 443
        assert costs()[READ].has == 164_848

    def test_that_is_too_small_does_not_fit(self):
        assert not costs(change(ESP32, "memory", python_heap=1792))[READ].fits
        assert costs(change(ESP32, "memory", python_heap=1793))[READ].fits

    def test_is_what_tls_has_where_it_allocates_there(self):
        board = change(ESP32, "memory", tls_allocator="python-heap")
        assert {costs(board)[what].has for what in (LOADING, ANCHORS, HANDSHAKE, SESSION)} == {
            164_848
        }


class TestTlsHeap:
    def test_is_what_wifi_leaves_else_what_is_free_at_boot(self):
        assert costs()[SESSION].has == 95_600
        assert costs(change(ESP32, "memory", tls_heap_wifi=None))[SESSION].has == 144_084
        nothing = change(ESP32, "memory", tls_heap_wifi=None, tls_heap=None)
        assert costs(nothing)[SESSION].has is None
        assert costs(nothing)[SESSION].fits

    @pytest.mark.parametrize(
        ("form", "held", "handshake"), [("tiny", 3250, 33_665), ("full", 4582, 35_018)]
    )
    def test_three_roots_come_to_what_was_measured_with_the_three(self, form, held, handshake):
        """Board pico-w has the figures of the host build, and no others that would differ."""
        three = [of(one, form) for one in ("amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2")]
        found = costs(boards.load("pico-w"), anchors=three)
        assert found[ANCHORS].at_least == held  # without the context, which is not known there
        assert abs(found[HANDSHAKE].needs - handshake) <= 20

    def test_a_longer_certificate_and_a_longer_name_cost_more(self):
        root, longer = of("amazon-root-ca-1"), of("starfield-g2")
        assert (longer.size - root.size, longer.attributes - root.attributes) == (96, 2)
        more = costs(anchors=[longer])[ANCHORS]
        assert more.needs == 312 + 891 + 96 + 2 * 32
        assert "longer than that of amazon-root-ca-1" in more.source

    def test_a_longer_name_is_unknown_where_its_cost_is(self):
        board = change(ESP32, "memory", name_attribute=None)
        assert costs(board, anchors=[of("starfield-g2")])[ANCHORS].shown == "over 1,299"

    def test_each_anchor_but_the_first_has_a_structure_of_its_own(self):
        pair = [RSA_TINY, ECC_TINY]
        assert costs(anchors=pair)[ANCHORS].needs == 312 + 891 + 492 + 408
        board = change(ESP32, "memory", anchor_more=None)
        assert costs(board, anchors=pair)[ANCHORS].needs is None
        assert costs(board, anchors=[RSA_TINY])[ANCHORS].needs == 312 + 891

    def test_a_handshake_takes_the_higher_peak_of_the_families_that_may_come(self):
        pair = [RSA_TINY, ECC_TINY]
        assert costs(anchors=pair)[HANDSHAKE].needs == 31_306 + 492 + 408
        assert costs(anchors=pair, profile=RSA)[HANDSHAKE].needs == 31_306 + 492 + 408
        assert costs(anchors=pair, profile=ECDSA)[HANDSHAKE].needs == 28_195 + 891 + 408

    def test_a_session_takes_the_larger_family_that_may_come(self):
        assert costs(anchors=[ECC_TINY])[SESSION].needs == 27_546 + 492
        assert costs(anchors=[ECC_TINY], profile=ECDSA)[SESSION].needs == 26_215 + 492

    def test_loading_peaks_at_one_anchor_above_the_others(self):
        board = change(ESP32, "memory", load_peak={**grid(2000), **grid(900, "ec-p256")})
        line = costs(board)[LOADING]
        assert line.needs == 312 + 2000 + 492 + 408
        assert "measured by this test" in line.source

    @pytest.mark.parametrize("what", [ANCHORS, HANDSHAKE, SESSION])
    def test_that_is_one_byte_too_small_does_not_fit(self, what):
        needs = costs()[what].needs
        assert needs is not None
        for has, fits in ((needs, True), (needs - 1, False)):
            assert costs(change(ESP32, "memory", tls_heap_wifi=has))[what].fits is fits


class TestTheUnknown:
    def test_anchor_makes_the_sum_unknown_and_keeps_its_known_part(self):
        line = costs(anchors=[RSA_TINY, P384_TINY])[ANCHORS]
        assert (line.needs, line.at_least, line.shown) == (None, 312 + 891 + 408, "over 1,611")
        assert line.source.startswith("not measured")

    def test_part_is_never_taken_for_fitting_when_the_known_part_is_too_much(self):
        board = change(ESP32, "memory", tls_heap_wifi=1610)
        assert not costs(board, anchors=[RSA_TINY, P384_TINY])[ANCHORS].fits

    def test_peak_is_at_least_what_is_held_afterwards(self):
        board = change(ESP32, "memory", handshake_peak={})
        line = costs(board)[HANDSHAKE]
        assert (line.needs, line.at_least) == (None, costs()[SESSION].needs)
        assert costs()[LOADING].at_least == costs()[ANCHORS].needs

    def test_peak_of_one_anchor_may_be_the_highest(self):
        board = change(ESP32, "memory", handshake_peak=grid(31_306), load_peak=grid(2000))
        pair = costs(board, anchors=[RSA_TINY, ECC_TINY])
        assert (pair[HANDSHAKE].needs, pair[LOADING].needs) == (None, None)
        assert costs(board, anchors=[RSA_TINY])[HANDSHAKE].needs == 31_306

    def test_session_of_one_possible_family_makes_it_unknown(self):
        board = change(ESP32, "memory", session_ecdsa=None)
        assert costs(board)[SESSION].needs is None
        assert costs(board, profile=RSA)[SESSION].needs is not None

    def test_family_that_no_anchor_has_was_never_measured(self):
        assert costs(anchors=[RSA_TINY], profile=ECDSA)[HANDSHAKE].needs is None

    @pytest.mark.parametrize("board", ["linux-gateway", "virtual"])
    def test_board_says_unknown_everywhere_it_was_not_measured(self, board):
        for what in (LOADING, ANCHORS, HANDSHAKE, SESSION):
            line = costs(boards.load(board))[what]
            assert (line.shown, line.has, line.fits) == ("unknown", None, True)

    @pytest.mark.parametrize("board", boards.ids())
    def test_no_number_stands_without_a_source(self, board):
        for line in costs(boards.load(board)).values():
            assert line.sources
            assert all(len(source) > 10 for source in line.sources)


@given(
    anchors=st.lists(
        st.builds(
            Packaged,
            st.sampled_from([*boards.KEY_KINDS, "rsa-3072"]),
            st.sampled_from(["tiny", "strict", "full"]),
            st.integers(200, 2000),
            st.integers(2, 20),
        ),
        min_size=1,
        max_size=20,
    ),
    profile=st.sampled_from([ECDSA, RSA, ECDSA | RSA]),
)
def test_another_anchor_never_makes_it_cheaper_nor_more_certain(anchors, profile):
    one = lines(ESP32, Usage(100, anchors, profile))
    more = lines(ESP32, Usage(100, [*anchors, RSA_TINY], profile))
    order = lines(ESP32, Usage(100, anchors[::-1], profile))
    for fewer, line, turned in zip(one, more, order, strict=True):
        assert line.at_least >= fewer.at_least
        assert (fewer.needs, fewer.at_least) == (turned.needs, turned.at_least)
        if fewer.needs is None:
            assert line.needs is None or line.what == HANDSHAKE
        elif line.needs is not None:
            assert line.needs >= fewer.needs


class TestBuild:
    def test_shows_every_line_with_its_sources_below(self, tmp_path):
        arguments = ["--board", "esp32", "--keys", "rsa", "-o", str(tmp_path / "a.rlt")]
        arguments += ["--sources"]
        text = CliRunner().invoke(cli, ["build", *arguments], catch_exceptions=False).stdout
        built = Bundle((tmp_path / "a.rlt").read_bytes())
        for line in costs(size=len(built.data), anchors=[RSA_TINY], profile=RSA).values():
            (shown,) = [row for row in text.splitlines() if row.startswith(line.what)]
            assert f" {line.shown} " in shown
            for source in line.sources:
                (note,) = [row for row in text.splitlines() if row.endswith(source)]
                number = note.partition("]")[0].removeprefix("[")
                assert number in re.split(" {2,}", shown.rstrip())[-1].split(", ")

    def test_json_gives_numbers_and_null_for_the_unknown(self, tmp_path):
        arguments = ["--board", "pico-w", "--keys", "both", "-o", str(tmp_path / "a.rlt")]
        done = CliRunner().invoke(cli, ["build", *arguments, "--json"], catch_exceptions=False)
        found = {one["what"]: one for one in json.loads(done.stdout)["costs"]}
        assert found[SESSION]["needs"] is None
        assert found[SESSION]["at_least"] == 891 + 492 + 408
        assert found[SESSION]["has"] is None
        assert found[HANDSHAKE]["needs"] == 31_306 + 492 + 408

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("memory.tls_heap_wifi", 30_000, HANDSHAKE),
            ("memory.python_heap", 900, READ),
            ("flash.fs_bytes", 4096, FLASH),
        ],
    )
    def test_refuses_what_cannot_fit_and_writes_nothing(self, tmp_path, key, value, words):
        section, name = key.split(".")
        mine = tmp_path / "mine.toml"
        lines_of = (resources.data("boards") / "esp32.toml").read_text().splitlines()
        fact = f'{name} = {{ value = {value}, source = "this test" }}'
        kept = [line for line in lines_of if not line.startswith(f"{name} =")]
        kept.insert(kept.index(f"[{section}]") + 1, fact)
        mine.write_text("\n".join(kept))
        arguments = ["--board", str(mine), "--keys", "rsa", "-o", str(tmp_path / "a.rlt")]
        with pytest.raises(TrustError, match=words) as caught:
            CliRunner().invoke(cli, ["build", *arguments], catch_exceptions=False)
        assert f"{value:,}" in caught.value.why
        assert caught.value.code == ("HEAP" if section == "memory" else "")
        assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]

    @pytest.mark.parametrize("room", [0, 1, 3])
    def test_the_size_is_that_of_the_file_with_its_signatures(self, room):
        signing = bundle.Signing(1, 1, room=room) if room else None
        ids = ("amazon-root-ca-1", "starfield-g2")
        request = Request(ESP32, "none", CREATED, ids, target="pumps", signing=signing)
        built = build(request)
        (line,) = [line for line in built.budget if line.what == SLOT]
        assert line.needs == len(built.data) + room * SIGNATURE

    def test_more_than_a_slot_is_refused_before_it_is_made(self, tmp_path):
        every = [one.id for one in catalog.load().anchors if one.role == "ats"]
        words = [word for one in every for word in ("--with", one)]
        arguments = ["--board", "esp32", "--keys", "none", "--form", "full", *words]
        with pytest.raises(TrustError, match=f"board esp32: {SLOT}") as caught:
            CliRunner().invoke(
                cli, ["build", *arguments, "-o", str(tmp_path / "a.rlt")], catch_exceptions=False
            )
        assert "the board has 4,096" in caught.value.why
        assert not list(tmp_path.iterdir())
