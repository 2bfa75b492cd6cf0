"""One encoder for all tasks."""

import pytest
import torch
from torch import nn

from plait.core.errors import ShapeError, UnsupportedError
from plait.core.structure import PerTask
from plait.encoders import encode
from plait.sharing import Hard
from tests.sharing.encoders import mlp


def counted(encoder: nn.Module) -> list[int]:
    """A list that grows with each pass of the encoder's first layer."""
    passes: list[int] = []
    first = next(module for module in encoder.modules() if isinstance(module, nn.Linear))
    first.register_forward_hook(lambda *_: passes.append(1))
    return passes


def test_the_encoder_is_used_and_not_copied() -> None:
    encoder = mlp()
    sharing = Hard(encoder)
    sharing.setup(["a", "b"], torch.zeros(2, 5))
    assert sharing.encoder is encoder
    assert sharing.prototype() is encoder
    assert len(list(sharing.parameters())) == len(list(encoder.parameters()))


def test_a_factory_makes_the_encoder() -> None:
    assert isinstance(Hard(mlp).encoder, nn.Sequential)


def test_all_tasks_read_the_features_of_one_pass() -> None:
    sharing = Hard(mlp())
    sharing.setup(["a", "b", "c"], torch.zeros(2, 5))
    passes = counted(sharing.encoder)
    inputs = torch.randn(4, 5)
    features = sharing(inputs)
    assert len(passes) == 1
    assert features["a"] is features["b"] is features["c"]
    expected = encode(sharing.encoder, inputs)
    assert all(map(torch.equal, features["a"].levels, expected.levels))
    assert len(expected.levels) == 3


def test_inputs_of_each_task_take_one_pass_each() -> None:
    sharing = Hard(mlp())
    sharing.setup(["a", "b", "c"], torch.zeros(2, 5))
    passes = counted(sharing.encoder)
    sharing(PerTask({task: torch.randn(4, 5) for task in "abc"}), tasks=["a", "c"])
    assert len(passes) == 2


def test_has_no_network_of_one_task() -> None:
    with pytest.raises(UnsupportedError, match="Hard shares parameters already"):
        Hard(mlp()).networks()


def test_an_input_that_does_not_fit_is_found_at_setup() -> None:
    with pytest.raises(ShapeError, match="cannot read inputs of shape"):
        Hard(mlp()).setup(["a"], torch.zeros(2, 4))
