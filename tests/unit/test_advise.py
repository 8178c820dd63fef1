"""The smallest set of anchors: exact, for every board and stack, with its reasons."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from minted import Mint, der
from rootlet import anchor, board, catalog, chains, path, pem, verify
from rootlet.advise import SHAPES, Advice, Request, advise
from rootlet.cli import advise as cli
from rootlet.errors import InputError, TrustError
from rootlet.path import described

if TYPE_CHECKING:
    from pathlib import Path

    from rootlet.lab import Hierarchy

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CA1, CA3, CA4 = "amazon-root-ca-1", "amazon-root-ca-3", "amazon-root-ca-4"
G2, CLASS2 = "starfield-g2", "starfield-class-2"
EU = ("ECDSA 256 EU M01, S00-S02", "ECDSA 384 EU M01, S00-S02", "RSA 2048 EU M01, S00-S02")


def request(board_id: str = "esp32", stack: str = "", **details: Any) -> Request:
    on = board.load(board_id)
    details.setdefault("service", "iot-data-ats")
    return Request(on, verify.model_for(stack, on), NOW, **details)


def chosen(advice: Advice) -> tuple[str, ...]:
    return tuple(one.candidate.anchor.id for one in advice.chosen)


def added_by(advice: Advice, anchor_id: str) -> tuple[str, ...]:
    (found,) = [one for one in advice.omitted if one.candidate.anchor.id == anchor_id]
    return found.chains


@pytest.mark.parametrize(
    ("asked", "anchors", "size"),
    [
        (request(), (CA3,), 232),
        (request(cover_2026=True), (CA3, CA4), 494),
        (request(keys="rsa"), (CA1,), 443),
        (request(keys="both"), (CA1, CA3), 675),
        (request(keys="both", cover_2026=True), (CA1, CA3, CA4), 937),
        (request("virtual"), (CA1, CA3), 675),
        (request("linux-gateway"), (CA3,), 352),
        (request("linux-gateway", "openssl-strict", keys="rsa"), (CA1,), 561),
        (request(stack="openssl"), (CA3,), 352),
        (request(stack="esp-idf"), (CA3, G2, CLASS2), 1259),
        (request(stack="esp-idf", shapes=(3,)), (G2,), 539),
        (request(stack="esp-idf", shapes=(2, 3)), (CA3, G2), 771),
        (request(stack="wolfssl", shapes=(2, 3)), (CA3, G2), 352 + 753),
        (request(service="s3"), (CA1,), 443),
        (request(service="ses", stack="esp-idf", shapes=(2,)), (CA1,), 443),
        (request("virtual", service="cloudfront"), (CA1,), 443),
    ],
)
def test_the_set_is_known(asked: Request, anchors: tuple[str, ...], size: int) -> None:
    found = advise(asked)
    assert (chosen(found), found.size) == (anchors, size)


@pytest.mark.parametrize("stack", path.MODELS)
@pytest.mark.parametrize("shapes", [(2,), (3,), (4,), (2, 3), SHAPES])
def test_no_smaller_set_passes(stack: str, shapes: tuple[int, ...]) -> None:
    """Tried here by brute force over all eleven anchors, with the model and nothing else."""
    asked = request(stack=stack, shapes=shapes)
    found = advise(asked)
    size = {one.candidate.anchor.id: one.candidate.size for one in (*found.chosen, *found.omitted)}
    links = {one.name: described.link(one) for one in catalog.known() if one.name in size}
    every = chain.from_iterable(combinations(size, n) for n in range(1, len(size) + 1))
    smaller = [ids for ids in every if sum(size[one] for one in ids) < found.size]
    cases = [
        [
            case.chain
            for series in chains.service_series("iot-data-ats", NOW)
            for case in chains.shapes_of(series, shapes)
            if case.family == family
        ]
        for family in ("rsa", "ecdsa")
    ]
    for ids in smaller:
        held = tuple(links[one] for one in ids)
        for family in cases:
            answers = [path.verify(asked.model, path.Question(held, sent, NOW)) for sent in family]
            assert not all(one.accepted for one in answers), ids


def test_each_anchor_says_which_chains_need_it() -> None:
    found = advise(request(cover_2026=True))
    needs = {one.candidate.anchor.id: one.chains for one in found.chosen}
    assert needs == {
        CA3: ("ECDSA 256 M01-M06, S00-S05, S14-S21 (2, 3 or 4 sent)",),
        CA4: ("ECDSA 256 S06-S13 (2, 3 or 4 sent)",),
    }


class TestWhatIsLeftOut:
    def test_root_ca_4_would_add_the_p256_cas_of_2026(self) -> None:
        assert "ECDSA 256 S06-S13 (2, 3 or 4 sent)" in added_by(advise(request()), CA4)

    def test_starfield_adds_nothing_where_the_cross_sign_is_not_sent(self) -> None:
        added = added_by(advise(request()), G2)
        assert "ECDSA 256 S06-S13 (3 or 4 sent)" in added
        assert not [line for line in added if "(2" in line]

    def test_sovereign_roots_are_reached_by_their_cross_sign_alone(self) -> None:
        found = advise(request())
        assert found.uncovered == tuple(f"{name} (2 sent)" for name in EU)
        assert f"{EU[1]} (3, 4 or 5 sent)" in added_by(found, CA4)

    def test_legacy_roots_add_nothing(self) -> None:
        found = advise(request())
        assert added_by(found, "verisign-class3-g5") == ()
        assert added_by(found, "digicert-global-root-g2") == ()

    def test_every_anchor_of_the_catalogue_is_chosen_or_left_out(self) -> None:
        found = advise(request())
        named = {one.candidate.anchor.id for one in (*found.chosen, *found.omitted)}
        assert named == {one.id for one in catalog.load().anchors}


class TestRefusals:
    def test_without_chains_there_is_nothing_to_do(self) -> None:
        with pytest.raises(InputError, match="nothing to find anchors for"):
            advise(request(service=""))

    def test_a_time_without_chains_is_named(self) -> None:
        with pytest.raises(InputError, match=r"no chain of iot-data-ats .* for 2045-01-01"):
            advise(replace(request(), at=datetime(2045, 1, 1, tzinfo=UTC)))

    def test_an_unknown_service_is_named_with_the_known_ones(self) -> None:
        with pytest.raises(InputError, match="iot-date") as caught:
            advise(request(service="iot-date"))
        assert "iot-data-ats" in caught.value.why

    def test_cover_2026_means_nothing_to_an_rsa_service(self) -> None:
        with pytest.raises(InputError, match="RSA alone"):
            advise(request(service="s3", cover_2026=True))

    def test_keys_that_the_service_never_shows(self) -> None:
        with pytest.raises(TrustError):
            advise(request(service="s3", keys="ecc"))

    def test_a_board_without_p384_cannot_cover_2026(self) -> None:
        asked = request(cover_2026=True)
        narrow = replace(asked, model=replace(asked.model, curves=frozenset({"ec-p256"})))
        with pytest.raises(TrustError, match="no set of anchors passes") as caught:
            advise(narrow)
        assert "ECDSA 256 S06-S13" in caught.value.why
        assert "M01" not in caught.value.why


class TestSeries:
    def test_they_name_every_issuing_ca_that_is_valid_by_its_run(self) -> None:
        found = {one.name: one.root for one in chains.series_at(NOW)}
        assert found["RSA 2048 M01-M06, S00-S25"] == CA1
        assert found["ECDSA 256 M01-M06, S00-S05, S14-S21"] == CA3
        assert found["ECDSA 256 S06-S13"] == CA4
        assert found["ECDSA 384 M01-M06, S00-S29"] == CA4

    def test_they_follow_the_clock(self) -> None:
        later = {one.name for one in chains.series_at(datetime(2031, 1, 1, tzinfo=UTC))}
        assert "RSA 2048 M05-M06, S00-S05" in later
        assert not [one for one in later if "S06-S13" in one]

    def test_a_gap_splits_a_run(self) -> None:
        assert chains._runs("S", [3, 0, 1, 7]) == ["00-S01", "03", "07"]


@pytest.fixture
def lab_catalog(
    lab_pki: Hierarchy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> catalog.Catalog:
    """The catalogue with the lab's keys, so that chains of the lab count as captured from AWS."""

    def own(one: catalog.TrustAnchor) -> catalog.TrustAnchor:
        root = der(lab_pki.anchor(one.id))
        file = tmp_path / f"{one.id}.pem"
        file.write_text(pem.armour(root))
        link = path.read(root, one.id)
        return replace(one, path=file, sha256=link.identity, key=link.key)

    made = catalog.Catalog(
        tuple(own(one) for one in catalog.load().anchors if one.id in (CA1, CA3, G2, CLASS2))
    )
    monkeypatch.setattr(catalog, "load", lambda: made)
    return made


@pytest.mark.usefixtures("lab_catalog")
class TestCapturedChains:
    def captured(self, pki: Hierarchy, *shown: tuple[str, int]) -> Any:
        return tuple(
            (
                f"{family}.pem",
                tuple(path.read(der(one), "x") for one in Mint(pki).chain(family, n)),
            )
            for family, n in shown
        )

    def request(self, sent: Any, **details: Any) -> Request:
        """Ask about what was minted by the clock of this machine, at that time."""
        return replace(request(service="", captured=sent, **details), at=datetime.now(UTC))

    def test_the_real_certificates_decide(self, lab_pki: Hierarchy) -> None:
        sent = self.captured(lab_pki, ("p256", 3))
        assert chosen(advise(self.request(sent))) == (CA3,)
        tail = advise(self.request(sent, stack="esp-idf"))
        assert chosen(tail) == (G2,)
        assert tail.passes == ("p256.pem",)

    def test_all_of_them_are_to_pass(self, lab_pki: Hierarchy) -> None:
        sent = self.captured(lab_pki, ("p256", 3), ("rsa", 2))
        found = advise(self.request(sent))
        assert (chosen(found), found.keys) == ((CA1, CA3), "both")

    def test_a_look_alike_has_no_anchor(self, lab_pki: Hierarchy) -> None:
        sent = self.captured(lab_pki.lookalike(), ("p256", 3))
        with pytest.raises(TrustError) as caught:
            advise(self.request(sent))
        assert "p256.pem" in caught.value.why


class TestCommand:
    def run(self, *arguments: str) -> str:
        found = CliRunner().invoke(
            cli.command, [*arguments, "--at", "2026-11-21"], catch_exceptions=False
        )
        assert found.exit_code == 0, found.output
        return found.stdout

    def test_it_shows_both_ends_and_the_command_that_builds_it(self) -> None:
        text = self.run("--service", "iot-data-ats", "--board", "esp32", "--cover", "2026")
        assert "494 bytes of anchors, cipher profile ecdsa" in text
        line = next(one for one in text.splitlines() if one.startswith(CA4))
        assert "2040-05-26" in line
        assert "~2030-05-26" in line
        assert f"rootlet build --board esp32 --keys ecc --with {CA4} -o FILE.rlt" in text

    @pytest.mark.parametrize(
        ("arguments", "build"),
        [
            (("--service", "s3"), "--keys rsa -o"),
            (("--service", "iot-data-ats", "--keys", "both"), "--keys both -o"),
            (
                ("--service", "s3", "--stack", "esp-idf"),
                f"--keys rsa --with {G2} --with {CLASS2} -o",
            ),
        ],
    )
    def test_the_build_command_names_each_anchor_once(
        self, arguments: tuple[str, ...], build: str
    ) -> None:
        assert build in self.run("--board", "esp32", *arguments)

    def test_json_holds_it_all(self) -> None:
        found = json.loads(self.run("--service", "iot-data-ats", "--board", "esp32", "--json"))
        assert found["schema"] == "rootlet/advise/1"
        assert found["profile"] == "ecdsa"
        (only,) = found["anchors"]
        assert only["id"] == CA3
        assert only["form"] == "tiny"
        packaged = anchor.package(catalog.load().get(CA3).der, "tiny", CA3)
        assert only["bytes"] == found["bytes"] == len(packaged)
        assert len(found["omitted"]) == 10

    def test_its_services_are_those_on_record(self) -> None:
        assert sorted(cli._SERVICES) == sorted(chains.services())
