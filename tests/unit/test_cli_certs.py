"""``rootlet certs``: what people and machines see."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from rootlet import catalog, pem
from rootlet.cli.certs import command
from rootlet.errors import InputError


def run(*arguments: str) -> str:
    """Run the command and return what it printed; its errors come out as they are."""
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: str) -> InputError:
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    return caught.value


def line_of(text: str, start: str) -> str:
    (line,) = [line for line in text.splitlines() if line.split("  ")[0] == start]
    return line


class TestList:
    def test_each_anchor_has_a_line_with_size_and_both_ends(self) -> None:
        text = run("list")
        for anchor in catalog.load().anchors:
            line = line_of(text, anchor.id)
            assert anchor.key in line
            assert f" {len(anchor.der)} " in line
            assert f"{anchor.not_after:%Y-%m-%d}" in line
            for service in anchor.services:
                assert service in line
        assert "~2030-05-26" in line_of(text, "amazon-root-ca-1")
        assert " 2027-04-15" in line_of(text, "starfield-g2")

    def test_only_all_reads_the_known_certificates(self) -> None:
        catalog.known.cache_clear()
        assert "amazon-rsa-2048-m01" not in run("list")
        assert catalog.known.cache_info().currsize == 0
        assert catalog.known.cache_info().misses == 0
        line = line_of(run("list", "--all"), "amazon-rsa-2048-m01")
        assert line.split() == [
            "amazon-rsa-2048-m01",
            "rsa-2048",
            "2030-08-23",
            "amazon-root-ca-1",
        ]

    def test_all_names_every_certificate(self) -> None:
        text = run("list", "--all")
        for item in catalog.known():
            assert item.name in text

    def test_json_is_one_document_with_a_schema(self) -> None:
        document = json.loads(run("list", "--json"))
        assert document["schema"] == "rootlet/certs/1"
        assert "known" not in document
        first = document["anchors"][0]
        assert first["id"] == "amazon-root-ca-1"
        assert first["der_bytes"] == 837
        assert first["not_after"] == "2038-01-17T00:00:00Z"
        assert first["programme_end"] == "2030-05-26"
        assert "path" not in first

    def test_json_with_all_holds_the_known_ones(self) -> None:
        document = json.loads(run("list", "--all", "--json"))
        assert len(document["known"]) == 152
        assert {item["name"] for item in document["anchors"]}


class TestShow:
    def test_an_anchor_shows_its_facts_and_relatives(self) -> None:
        text = run("show", "amazon-root-ca-4")
        anchor = catalog.load().get("amazon-root-ca-4")
        for fact in (anchor.subject, anchor.sha256, anchor.spki_sha256, anchor.note):
            assert fact in text
        assert "amazon-root-ca-4-cross" in line_of(text, "same key")
        assert "amazon-ecdsa-256-s06" in line_of(text, "signed")

    def test_a_known_certificate_shows_who_signed_it(self) -> None:
        text = run("show", "amazon-ecdsa-256-s06")
        assert line_of(text, "signed by").endswith("amazon-root-ca-4, amazon-root-ca-4-cross")
        assert line_of(text, "path length").endswith(" 0")

    def test_every_certificate_can_be_shown(self) -> None:
        for item in catalog.known():
            assert item.spki_sha256 in run("show", item.name)

    def test_a_fingerprint_prefix_names_the_anchor(self) -> None:
        assert run("show", "568D6905") == run("show", "starfield-g2")

    def test_pem_prints_the_certificate_and_nothing_else(self) -> None:
        text = run("show", "starfield-g2", "--pem")
        assert pem.blocks(text.encode(), "output") == [catalog.load().get("starfield-g2").der]
        assert text == pem.armour(catalog.load().get("starfield-g2").der)

    def test_pem_of_what_is_only_known_is_refused(self) -> None:
        assert "no PEM" in refused("show", "amazon-rsa-2048-m01", "--pem").what

    def test_json_has_the_facts_and_the_relatives(self) -> None:
        document = json.loads(run("show", "amazon-root-ca-3", "--json"))
        assert document["schema"] == "rootlet/cert/1"
        assert document["relatives"]["same_key"] == ["amazon-root-ca-3-cross"]
        assert "amazon-ecdsa-256-s14" in document["relatives"]["signed"]
        assert json.loads(run("show", "amazon-ecdsa-256-s14", "--json"))["path_length"] == 0

    def test_an_unknown_name_offers_close_ones(self) -> None:
        error = refused("show", "starfeld-g2")
        assert "starfield-g2" in error.why
        assert error.exit_status == 2

    def test_pem_and_json_exclude_each_other(self) -> None:
        result = CliRunner().invoke(command, ["show", "starfield-g2", "--pem", "--json"])
        assert result.exit_code == 2


@pytest.mark.parametrize("arguments", [(), ("list",), ("show",)])
def test_help_has_exit_codes_and_examples(arguments: tuple[str, ...]) -> None:
    text = run(*arguments, "--help")
    assert "Exit codes: 0 done" in text
    if arguments:
        assert f"rootlet certs {arguments[0]}" in text
