"""Every way of sharing can be compiled."""

import pytest
import torch

import plait.sharing
from plait.core.lookup import names
from plait.sharing import Sharing
from tests.sharing.encoders import KINDS

KIND = {"AdaShare": "residual"}  # needs blocks that can be skipped


@pytest.mark.parametrize("method", names(plait.sharing, Sharing))
def test_compiled_it_gives_the_same(method: str) -> None:
    kind = KINDS[KIND.get(method, "mlp")]
    sharing: Sharing = getattr(plait.sharing, method)(kind.build())
    sharing.setup(("a", "b.c"), kind.inputs(2))
    sharing.eval()
    inputs = kind.inputs(3)
    torch._dynamo.reset()
    found = torch.compile(sharing, backend="eager")(inputs)
    for task, features in sharing(inputs).items():
        torch.testing.assert_close(found[task].levels, features.levels)
