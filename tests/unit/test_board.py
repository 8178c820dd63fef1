"""Boards are data: every fact has a source, what is unknown is None, and a bad file is named."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from rootlet import board, resources
from rootlet.cli.board_show import command
from rootlet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

NINE = (
    "esp32",
    "esp32c3",
    "esp32c6",
    "esp32s2",
    "esp32s3",
    "linux-gateway",
    "pico-2-w",
    "pico-w",
    "virtual",
)
MINIMAL = """
name = "Mine"
[chip]
model = { value = "ESP32", source = "datasheet 5.2" }
[firmware]
interpreter = { value = "micropython", source = "its banner" }
[flash]
size = { value = 4194304, source = "flash_id" }
fs_kind = { value = "littlefs2", source = "os.statvfs" }
fs_bytes = { value = 2097152, source = "os.statvfs" }
block_bytes = { value = 4096, source = "os.statvfs" }
[memory.anchor_cost.rsa-2048]
full = { value = 1500, source = "measured 2026-11-21 on mine" }
[tls]
stack = { value = "mbedtls", source = "tls.MBEDTLS_VERSION" }
versions = { value = ["1.2"], source = "get_ciphers()" }
families = { value = ["ecdsa", "rsa"], source = "get_ciphers()" }
family_choice = { value = "suites", source = "get_ciphers()" }
forms = { value = ["tiny", "full", "strict"], source = "tried" }
"""


def mine(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        board.load(path)
    assert str(path) in caught.value.what
    assert caught.value.what.isprintable()
    return f"{caught.value.what}: {caught.value.why}"


def test_the_nine_boards_are_known() -> None:
    assert board.ids() == NINE


@pytest.mark.parametrize("name", NINE)
def test_every_fact_of_a_board_names_its_measurement_or_file(name: str) -> None:
    dated = re.compile(
        r"measured \d{4}-\d\d-\d\d|by d(efinition|esign)|v(1\.2\d|5\.\d)\.\d: |commit [0-9a-f]{10}"
        r"|RFC \d+|pull request \d+|Debian micropython \S+: |3\.0\.\d+: |the tag that"
    )
    for key, fact, _unit in board.load(name).facts():
        assert dated.search(fact.source), f"{name}: {key}: {fact.source}"


def test_a_fact_that_nobody_measured_is_none_and_not_a_guess() -> None:
    pico = board.load("pico-w")
    assert pico.memory.python_heap is None
    assert pico.memory.cost_of("rsa-4096", "full") is None
    assert "memory.python_heap" in set(pico.unknown())


def test_the_esp32_has_its_measured_figures() -> None:
    memory = board.load("esp32").memory
    assert memory.python_heap is not None
    assert memory.python_heap.value == 164_848
    assert memory.tls_heap is not None
    assert memory.tls_heap.value == 144_084
    assert memory.session_rsa is not None
    assert 26.9 * 1000 <= memory.session_rsa.value <= 26.9 * 1024 + 1


def test_a_figure_of_the_board_wins_over_a_shared_one() -> None:
    on_board = board.load("esp32").memory.cost_of("rsa-2048", "full")
    on_host = board.load("esp32c3").memory.cost_of("rsa-2048", "full")
    assert on_board is not None
    assert (on_board.value, "emulated ESP32" in on_board.source) == (1428, True)
    assert on_host is not None
    assert (on_host.value, "32-bit host build" in on_host.source) == (1349, True)


def test_host_figures_of_32_bits_are_not_given_to_a_64_bit_board() -> None:
    assert not board.load("virtual").memory.anchor_cost
    assert not board.load("linux-gateway").memory.anchor_cost


@pytest.mark.parametrize(("name", "form"), [("esp32", "tiny"), ("linux-gateway", "strict")])
def test_the_smallest_anchor_form_follows_from_the_tls_stack(name: str, form: str) -> None:
    assert board.load(name).tls.anchor_form.value == form


def test_only_the_virtual_board_cannot_choose_a_family_in_tls_1_3() -> None:
    unsafe = [name for name in NINE if not board.load(name).tls.one_family_is_safe]
    assert unsafe == ["virtual"]
    tls = board.load("virtual").tls
    assert "1.3" in tls.versions.value
    assert tls.family_choice_tls12 is not None
    assert tls.family_choice_tls12.value == "suites"


@pytest.mark.parametrize("name", NINE)
def test_every_board_can_verify_root_ca_4_which_is_p384_with_sha384(name: str) -> None:
    tls = board.load(name).tls
    assert tls.curves is not None
    assert "secp384r1" in tls.curves.value
    assert tls.hashes is not None
    assert "sha384" in tls.hashes.value


def test_the_virtual_board_imitates_the_esp32_flash_and_twice_its_heap() -> None:
    real, virtual = board.load("esp32"), board.load("virtual")
    for key in ("size", "fs_bytes", "block_bytes"):
        assert getattr(virtual.flash, key).value == getattr(real.flash, key).value
    assert real.memory.python_heap is not None
    assert virtual.memory.python_heap is not None
    assert virtual.memory.python_heap.value == 2 * real.memory.python_heap.value


def test_a_board_cannot_be_changed() -> None:
    esp32 = board.load("esp32")
    with pytest.raises(dataclasses.FrozenInstanceError):
        esp32.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        esp32.memory.anchor_cost["rsa-2048"] = {}  # type: ignore[index]


def test_a_file_of_the_users_own_is_a_board_too(tmp_path: Path) -> None:
    path = mine(tmp_path, MINIMAL)
    for given in (path, str(path)):
        own = board.load(given)
        assert (own.id, own.name) == ("mine", "Mine")
        assert own.tls.families.value == ("rsa", "ecdsa")
        assert own.tls.anchor_form.value == "tiny"
        cost = own.memory.cost_of("rsa-2048", "full")
        assert cost == board.Fact(1500, "measured 2026-11-21 on mine")


def test_a_file_of_the_users_own_may_share_our_figures(tmp_path: Path) -> None:
    path = mine(tmp_path, 'shared = ["mbedtls-3.6-32bit"]\n' + MINIMAL)
    memory = board.load(path).memory
    tiny, full = memory.cost_of("rsa-2048", "tiny"), memory.cost_of("rsa-2048", "full")
    assert tiny is not None
    assert full is not None
    assert (tiny.value, full.value) == (891, 1500)


@pytest.mark.parametrize("name", ["../esp32", "esp32", "", "_micropython", "micropython/../x"])
def test_shared_names_only_our_own_shared_files(tmp_path: Path, name: str) -> None:
    path = mine(tmp_path, f'shared = ["{name}"]\n' + MINIMAL)
    assert "wants names out of: esp32-port" in refusal(path)


@pytest.mark.parametrize("name", ["esp23", "ESP32", "pico", "", "_micropython", "..", "x\x1b[31m"])
def test_an_unknown_board_is_refused_with_the_names_that_are_close(name: str) -> None:
    with pytest.raises(InputError) as caught:
        board.load(name)
    assert caught.value.what.isprintable()
    assert caught.value.hint == "rootlet board show"
    assert any(known in caught.value.why for known in NINE)


WRONG = {
    "an unknown key": ("[clock]\nhour = { value = 1, source = 's' }", "clock.hour: unknown key"),
    "an unknown table": ("[wifi]\nx = 1", "wifi: unknown key"),
    "an unknown key kind": (
        "[memory.anchor_cost.rsa-1024]\nfull = { value = 1, source = 's' }",
        "rsa-1024: unknown key",
    ),
    "a misspelt key": ("[clock]\nboot_yaer = 1", "did you mean clock.boot_year?"),
    "a missing source": ("[clock]\nboot_year = { value = 2000 }", "source is missing"),
    "an empty source": (
        "[clock]\nboot_year = { value = 2000, source = '  ' }",
        "clock.boot_year.source: wants a text",
    ),
    "a source with an escape sequence": (
        '[clock]\nboot_year = { value = 2000, source = "\\u001b[2J" }',
        "clock.boot_year.source: wants a text",
    ),
    "a source without end": (
        f"[clock]\nboot_year = {{ value = 2000, source = '{'s' * 601}' }}",
        "clock.boot_year.source: wants a text",
    ),
    "a bare value": ("[clock]\nboot_year = 2000", "clock.boot_year: wants { value"),
    "a third entry in a fact": (
        "[clock]\nboot_year = { value = 2000, source = 's', note = 'n' }",
        "clock.boot_year: wants { value",
    ),
    "a text for a number": (
        "[clock]\nboot_year = { value = '2000', source = 's' }",
        "clock.boot_year.value: wants a whole number",
    ),
    "a flag for a number": (
        "[clock]\nboot_year = { value = true, source = 's' }",
        "clock.boot_year.value: wants a whole number",
    ),
    "a number for a flag": (
        "[clock]\nrtc_survives_reset = { value = 1, source = 's' }",
        "clock.rtc_survives_reset.value: wants true or false",
    ),
    "a negative size": (
        "[memory]\npython_heap = { value = -1, source = 's' }",
        "memory.python_heap.value: wants a whole number",
    ),
    "a number of a thousand digits": (
        f"[memory]\npython_heap = {{ value = {'9' * 1000}, source = 's' }}",
        "memory.python_heap.value: wants a whole number",
    ),
    "a fact where a table belongs": ("clock = 3", "clock: wants a table"),
    "a quoted path": ("'clock.boot_year' = { value = 2000, source = 's' }", "holds no dot"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_board_file_is_refused_by_file_and_key_for(tmp_path: Path, case: str) -> None:
    extra, expected = WRONG[case]
    top, tables = ("", extra) if extra.startswith("[") else (extra + "\n", "")
    assert expected in refusal(mine(tmp_path, top + MINIMAL + tables))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name = "Mine"', "", "name: wants a text"),
        ('name = "Mine"', 'name = "a\\nb"', "name: wants a text"),
        ('model = { value = "ESP32", source = "datasheet 5.2" }', "", "chip.model: is missing"),
        ('"mbedtls"', '"wolfssl"', "tls.stack.value: wants one of: mbedtls, openssl"),
        ('"mbedtls"', '"openssl"', "tls.forms: openssl takes"),
        ('["1.2"]', '["1.2", "1.3"]', "tls.family_choice: TLS 1.3 suites"),
        ('["1.2"]', '["1.1"]', "tls.versions.value: wants a list"),
        ('["1.2"]', "[]", "tls.versions.value: wants a list"),
        ('["1.2"]', '["1.2", "1.2"]', "tls.versions.value: wants a list"),
        ('["1.2"]', "[[1]]", "tls.versions.value: wants a list"),
        ("2097152", "8388608", "flash.fs_bytes: the file system is larger"),
        ("2097152", "2097153", "flash.fs_bytes: wants a multiple"),
        ('name = "Mine"', 'name = "Mine"\nshared = "micropython"', "shared: wants a list"),
        ('name = "Mine"', 'name = "Mine"\nshared = [1]', "shared: wants names"),
    ],
)
def test_a_board_file_is_refused_when_changed(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in MINIMAL
    assert expected in refusal(mine(tmp_path, MINIMAL.replace(old, new)))


@pytest.mark.parametrize("text", ["[", "a = " + "[" * 5000, "a = " + "9" * 5000, "a = 1\na = 2"])
def test_what_is_not_toml_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    assert "not TOML" in refusal(mine(tmp_path, text))


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "not TOML" in refusal(path)


def test_a_huge_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = mine(tmp_path, MINIMAL + "#" * board.MAX_FILE_BYTES)
    assert f"over {board.MAX_FILE_BYTES} bytes" in refusal(path)


def test_only_a_regular_file_is_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)  # opening it would wait for a writer for ever
    for path in (pipe, tmp_path, tmp_path / "absent.toml"):
        assert "not a file" in refusal(path)


@pytest.mark.parametrize("name", NINE)
def test_a_shipped_file_is_read_by_the_rules_of_a_hostile_one(tmp_path: Path, name: str) -> None:
    path = resources.data("boards") / f"{name}.toml"
    assert board.load(path) == board.load(name)


def test_the_documentation_explains_every_key() -> None:
    text = (resources.data("docs") / "boards.md").read_text(encoding="utf-8")
    for key in board.KEYS:
        field = ".".join(key.split(".")[:2])
        assert f"`{field}`" in text, field


def test_board_show_lists_all_boards() -> None:
    result = CliRunner().invoke(command)
    assert result.exit_code == 0
    for name in NINE:
        assert re.search(rf"^{name} ", result.output, re.MULTILINE)


def test_board_show_prints_each_figure_with_its_source_and_what_is_unknown() -> None:
    result = CliRunner().invoke(command, ["esp32s3"])
    assert result.exit_code == 0
    assert re.search(r"fs_bytes +6,291,456 B +micropython/micropython v1.25.0", result.output)
    assert "memory.python_heap," in result.output.partition("Unknown:")[2]


def test_board_show_json_is_one_document_with_null_for_unknown() -> None:
    one = json.loads(CliRunner().invoke(command, ["pico-w", "--json"]).output)
    assert one["schema"] == "rootlet/board/1"
    assert one["facts"]["memory.python_heap"] is None
    assert one["facts"]["flash.fs_bytes"]["value"] == 848 * 1024
    assert one["facts"]["flash.fs_bytes"]["unit"] == "B"
    assert one["facts"]["tls.families"]["value"] == ["rsa", "ecdsa"]
    every = json.loads(CliRunner().invoke(command, ["--json"]).output)
    assert [row["id"] for row in every["boards"]] == list(NINE)


def test_board_show_takes_a_file_and_refuses_an_unknown_name(tmp_path: Path) -> None:
    path = mine(tmp_path, MINIMAL)
    assert "Mine (mine)" in CliRunner().invoke(command, [str(path)]).output
    assert isinstance(CliRunner().invoke(command, ["esp-32"]).exception, InputError)
