from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.core import Masked
from plait.core.errors import ShapeError
from plait.encoders import ConvEncoder, as_staged
from plait.networks import infer_shape
from tests.encoders.nets import (
    NAMED_PARTS,
    FromDict,
    Named,
    Padded,
    ReadsValues,
    Recurrent,
    Tokens,
    assert_unchanged,
    conv,
    images,
    padded,
    snapshot,
)

CASES = {
    "conv": (conv, images, [(4, 9, 13)] * 4 + [(6, 4, 6)] * 2, 1),
    "groups": (lambda: as_staged(conv(), cuts=[4]), images, [(4, 9, 13), (6, 4, 6)], 1),
    "named": (
        lambda: as_staged(Named(), NAMED_PARTS),
        images,
        [(4, 7, 11), (4, 7, 11), (4,), (5,)],
        1,
    ),
    "plait's own": (
        lambda: ConvEncoder(widths=(4, 6, 8), norm=True),
        lambda: torch.zeros(1, 3, 17, 23),
        [(4, 8, 11), (6, 4, 5), (8, 2, 2)],
        1,
    ),
    "mlp": (
        lambda: nn.Sequential(nn.Linear(4, 7), nn.Dropout(), nn.BatchNorm1d(7), nn.Linear(7, 2)),
        lambda: torch.zeros(1, 4),
        [(7,), (7,), (7,), (2,)],
        1,
    ),
    "whole numbers": (Tokens, lambda: torch.randint(11, (3, 7)), [(7, 8), (7, 8)], -1),
    "recurrent": (Recurrent, lambda: torch.zeros(2, 7, 5), [(7, 8)], -1),
    "reads values": (ReadsValues, lambda: torch.randn(1, 5), [(5,)], 1),
    "dict": (FromDict, lambda: {"image": images(1), "table": torch.zeros(1, 2)}, [(4, 7, 11)], 1),
    "masked": (
        lambda: as_staged(nn.Sequential(nn.Linear(4, 6), Padded()), ["0", "1"], channel_dim=-1),
        padded,
        [(3, 6)] * 2,
        -1,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_shapes_are_those_of_a_real_pass(name: str) -> None:
    make, example, levels, channel_dim = CASES[name]
    found = infer_shape(make(), example())
    assert found.levels == tuple(levels)
    assert found.channel_dim == channel_dim
    if name not in ("masked", "dict"):
        encoder = make().eval()
        assert tuple(encoder(example()).shape[1:]) == levels[-1]


def test_a_batch_without_an_example_has_shapes_too() -> None:
    """As the table of a task that is absent from a batch."""
    for make in (lambda: nn.Linear(5, 3), ReadsValues):
        assert infer_shape(make(), torch.zeros(0, 5)) == infer_shape(make(), torch.randn(2, 5))


@pytest.mark.parametrize("name", CASES)
def test_nothing_of_the_encoder_changes(name: str) -> None:
    make, example, _, _ = CASES[name]
    encoder, inputs = make(), example()
    before = snapshot(encoder)
    infer_shape(encoder, inputs)
    assert_unchanged(before, snapshot(encoder))


def test_a_pass_on_meta_reads_no_value_and_no_memory() -> None:
    """An encoder of 4 TB, and an example that could not be run through it."""
    with torch.device("meta"):
        encoder = nn.Sequential(nn.Linear(10**6, 10**6), nn.ReLU())
    assert infer_shape(encoder, torch.zeros(1, 10**6)).levels == ((10**6,), (10**6,))


def test_a_module_that_refuses_meta_is_run_on_the_values_of_the_example() -> None:
    class Checks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            assert x.device.type == "meta" or x.tolist() == [[7.0], [7.0]]
            return x[:, : int(x[0, 0].item()) - 6]

    assert infer_shape(Checks(), torch.tensor([[7.0], [8.0]])).levels == ((1,),)


def test_an_encoder_that_draws_leaves_the_global_generator_alone() -> None:
    class Draws(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            noise = torch.rand(3)
            return x + noise.sum().item() + x.sum().item()

    state = torch.get_rng_state()
    infer_shape(Draws(), torch.zeros(2, 4))
    assert torch.equal(torch.get_rng_state(), state)


def test_the_shapes_are_those_of_eval_mode() -> None:
    """Some encoders give more than one tensor in training."""

    class Auxiliary(nn.Linear):
        def forward(self, x: Tensor) -> Any:
            out = super().forward(x)
            return (out, x) if self.training else out

    encoder = Auxiliary(3, 4)
    assert infer_shape(encoder, torch.zeros(2, 3)).levels == ((4,),)
    assert encoder.training


def test_the_mask_comes_along() -> None:
    class Needs(nn.Module):
        masked, channel_dim = True, -1

        def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
            assert mask is not None
            assert mask.dtype == torch.bool
            assert mask.shape == x.shape[:2]
            return x * mask.unsqueeze(-1)

    assert infer_shape(Needs(), padded()).levels == ((3, 4),)
    ints = Masked(torch.randint(11, (2, 5)), torch.ones(2, 5).bool())
    net = as_staged(nn.Sequential(nn.Embedding(11, 3), Needs()), ["0", "1"], channel_dim=-1)
    assert infer_shape(net, ints).levels[-1] == (5, 3)


@pytest.mark.parametrize(
    ("encoder", "example", "shape"),
    [
        (ConvEncoder(widths=(4,)), torch.zeros(2, 1, 8, 8), r"\[2, 1, 8, 8\]"),
        (ConvEncoder(widths=(4, 4, 4)), torch.zeros(2, 3, 4, 4), r"\[2, 3, 4, 4\]"),
        (nn.Linear(3, 2), {"x": torch.zeros(2, 3)}, r"\{'x': \[2, 3\]\}"),
        (nn.Embedding(3, 2), torch.zeros(2, 4), r"\[2, 4\]"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(encoder, example, shape: str) -> None:
    name = type(encoder).__name__
    with pytest.raises(ShapeError, match=f"the encoder {name} cannot read inputs of shape {shape}"):
        infer_shape(encoder, example)


def test_a_stage_that_gives_no_tensor_is_refused() -> None:
    with pytest.raises(ShapeError, match="stage 0 of LSTM must return one tensor; found tuple"):
        infer_shape(nn.LSTM(5, 4), torch.zeros(2, 7, 5))


@pytest.mark.gpu
def test_an_encoder_on_a_device_is_run_there() -> None:
    device = torch.accelerator.current_accelerator()
    encoder = ReadsValues().to(device)
    for inputs in (torch.randn(1, 5), torch.randn(1, 5, device=device)):
        assert infer_shape(encoder, inputs).levels == ((5,),)
