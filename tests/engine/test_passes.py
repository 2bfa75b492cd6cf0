"""The losses of all tasks differentiated at once, against one by one."""

import pytest

from plait.balancing import (
    UPGrad,
)
from plait.engine import Backward
from tests.gradients.nets import NETS
from tests.gradients.slow import Slow, assert_close, gradients_of

NOT_AT_ONCE = {"sparse_embedding", "checkpointing"}  # vmap has no sparse tensors and no draws


@pytest.mark.parametrize("build", NETS)
def test_differentiating_at_once_gives_the_gradients_of_one_by_one(build: str) -> None:
    """Where vmap cannot do it, a warning says so, and the gradients are right all the same."""
    parameters, make_losses = NETS[build]()
    losses = make_losses()
    expected = Slow(UPGrad(), parameters)(losses)
    run = Backward(UPGrad(), route="rows", chunk_size=2)
    if build in NOT_AT_ONCE:
        with pytest.warns(UserWarning, match="`chunk_size` 2 is not possible here") as found:
            run(losses)
        assert len(found) == 1
        assert_close(gradients_of(parameters), expected)
        run(make_losses())  # is not tried again: a further warning would be an error
        return
    run(losses)
    assert_close(gradients_of(parameters), expected)
