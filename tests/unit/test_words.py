"""Every word of the device's parsers has a sentence, and no sentence is without its word."""

import ast

import pytest

from rootlet import bundle, resources, words
from rootlet.errors import InputError


def words_of_the_device() -> set[str]:
    found = set()
    for path in resources.device_package().glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("refuse"):
                word = node.args[1]
                assert isinstance(word, ast.Constant), f"{path.name}: {ast.unparse(node)}"
                found.add(str(word.value))
    return found


def test_words_and_sentences_are_the_same():
    assert words_of_the_device() == set(words.SENTENCES)


def test_the_byte_stays():
    assert words.sentence("byte 25: profile") == "byte 25: a cipher profile without a meaning"


@pytest.mark.parametrize("detail", ["", "1 of 2", "profile", "byte 3: else", "tree: profile"])
def test_other_details_stay_as_they_are(detail):
    assert words.sentence(detail) == detail


def test_people_read_the_sentence():
    with pytest.raises(InputError) as caught:
        bundle.decode(b"-----BEGIN CERTIFICATE-----", "a.rlt")
    assert caught.value.why == "byte 0: not a rootlet file"
