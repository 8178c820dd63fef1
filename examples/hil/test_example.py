"""What a firmware team tests on every commit: our board trusts the right server and no other.

Run it without hardware, or on a real board::

    pytest examples/hil
    pytest examples/hil --board-port /dev/ttyUSB0 --lab-bind 192.168.1.20
"""

import pytest

from rootlet.lab import scenarios


def test_the_board_publishes_over_verified_tls(board, lab, bundle):
    board.flash(lab, bundle)
    with lab.subscriber("pumps/#") as listener:
        connection = board.connect("pumps/7", "hello")
        assert listener.wait()[0].payload == b"hello"
    assert connection.verified
    assert connection.protocol == "TLSv1.2"


@pytest.mark.parametrize(
    ("scenario", "code"),
    [("lookalike-root", "ROOT"), ("wrong-host", "NAME"), ("expired-leaf", "EXPIRED")],
)
def test_the_board_refuses_an_impostor(board, lab, bundle, scenario, code):
    board.flash(lab, bundle)
    with scenarios.get(scenario)().apply(lab):
        assert board.connect().code == code


@pytest.mark.bundle(roots=("amazon-root-ca-1",), profile="rsa")
@pytest.mark.lab(preference="prefer-ecdsa")
def test_one_root_is_enough_because_of_its_cipher_profile(board, lab, bundle):
    board.flash(lab, bundle)
    assert "RSA" in board.connect().suite


@pytest.mark.board("virtual")
def test_a_power_cut_loses_the_clock_but_not_the_trust(board, lab, bundle):
    board.flash(lab, bundle)
    board.virtual.power_off()
    board.virtual.power_on()
    assert board.connect().verified


@pytest.mark.board("real")
def test_the_heap_of_the_chip_is_enough(board, lab, bundle):
    board.flash(lab, bundle)
    assert board.connect().code != "HEAP"
