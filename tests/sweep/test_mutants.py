"""A bug put into the device package is seen, by an invariant with a name."""

import pytest

from sweep.mutants import MUTANTS, killer


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_named_invariant_sees_the_bug(mutant):
    assert killer(mutant) in mutant.killers
