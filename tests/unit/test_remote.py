"""What a board prints, which nobody has promised to be sense."""

import pytest

from rootlet.boardio.remote import Remote
from rootlet.errors import BoardError


@pytest.mark.parametrize("printed", ["", "no", "[" * 100_000, "7", '{"a":1} more'])
def test_an_answer_that_makes_no_sense_is_told(printed):
    with pytest.raises(BoardError, match="makes no sense") as caught:
        Remote("/dev/board").parse(printed, dict)
    assert caught.value.code == "REPL"


def test_the_last_line_of_an_answer_counts():
    assert Remote("/dev/board").parse('hello\r\n{"a":1}\r\n', dict) == {"a": 1}
