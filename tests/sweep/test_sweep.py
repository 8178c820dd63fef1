"""The small sweep: no cut, failing flash, lack of memory or flipped bit breaks a rotation."""

from sweep import run


def test_every_invariant_holds_at_over_two_thousand_fault_points():
    result = run.run(run.small())
    assert not result.violations
    assert result.points > 2000
