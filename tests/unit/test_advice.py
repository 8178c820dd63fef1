"""One table of codes: each has a page for people, and each is produced by a test."""

import ast
import re
from pathlib import Path

import pytest

from doctor_failures import FAILURES
from keyset_cases import CHAINS, OFFERS
from rootlet.doctor.causes import CAUSES, failure
from rootlet.errors import BoardError, NetworkError
from urootlet.advice import ADVICE

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "errors.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
#: Exit status by the class of the doctor's errors; what ports say is theirs.
AT_THE_PORT = ("PORTBUSY", "BOOT", "REPL")


class TestThePage:
    def test_has_a_section_for_each_code_and_no_other(self):
        assert sorted(SECTIONS) == sorted(ADVICE)

    def test_links_to_each_section_once_in_its_overview(self):
        overview = PAGE.partition("\n## ")[0]
        assert sorted(re.findall(r"\[(\w+)\]\(#\w+\)", overview)) == sorted(ADVICE)
        for code, anchor in re.findall(r"\[(\w+)\]\(#(\w+)\)", overview):
            assert anchor == code.lower()

    @pytest.mark.parametrize("code", SECTIONS)
    def test_says_what_it_looks_like_the_cause_and_what_to_do(self, code):
        for heading in ("Looks like", "Cause", "Do"):
            assert f"- **{heading}**: " in SECTIONS[code]

    @pytest.mark.parametrize("code", ADVICE)
    def test_tells_the_exit_status_that_the_doctor_has(self, code):
        status = 4 if code in AT_THE_PORT else failure(code, "why").exit_status
        assert f"Exit {status}." in SECTIONS[code]


class TestTheDoctor:
    def test_every_cause_is_a_code(self):
        assert set(CAUSES) <= set(ADVICE)

    @pytest.mark.parametrize("code", ADVICE)
    def test_every_failure_says_what_and_what_to_do(self, code):
        error = failure(code, "why", at=" --port P", port="P", thing="pump-7")
        assert error.code == code
        assert error.what
        assert error.hint
        assert "{" not in error.hint

    def test_boards_are_4_and_networks_5(self):
        assert isinstance(failure("HEAP", ""), BoardError)
        assert isinstance(failure("DNS", ""), NetworkError)


#: code -> file and test that produces it, for those that no table of failures has
BY_A_TEST = {
    "CLIENTID": ("integration/test_doctor.py", "test_14_a_second_client_with_the_same_id"),
    "REPL": ("integration/test_doctor.py", "test_18_a_program_that_ignores_ctrl_c"),
    "PORTBUSY": ("integration/test_doctor.py", "test_19_a_port_that_another_program_has"),
    "BOOT": ("integration/test_doctor.py", "test_20_a_chip_in_its_rom_loader"),
    "FLASH": ("integration/test_doctor.py", "test_a_full_file_system_is_left_as_it_is"),
    "NOKEYS": ("unit/test_rules_offers.py", "test_no_key_set_and_every_offer_is_refused"),
    "CROSS": ("unit/test_path.py", "test_stacks_that_look_at_the_tail_want_its_root_too"),
}


class TestProduced:
    """Codes are of use only if they are reached."""

    def test_every_code_is(self):
        by_tables = {offer.answer for offer in OFFERS.values()}
        by_tables |= {one.answer for chain in CHAINS.values() for one in chain}
        by_tables |= {row[0] for row in FAILURES.values()}
        assert by_tables.isdisjoint(BY_A_TEST)
        assert by_tables - {""} | set(BY_A_TEST) == set(ADVICE)

    @pytest.mark.parametrize("code", BY_A_TEST)
    def test_by_a_test_that_is_there_and_asks_for_it(self, code):
        file, name = BY_A_TEST[code]
        tree = ast.parse((REPOSITORY / "tests" / file).read_text())
        (test,) = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == name)
        assert any(isinstance(n, ast.Constant) and n.value == code for n in ast.walk(test))
