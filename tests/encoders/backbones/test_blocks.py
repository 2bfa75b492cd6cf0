from typing import Any

import pytest
import torch

from plait.core import Masked
from plait.encoders.backbones.blocks import Block, Passed, blocks_of_text
from plait.encoders.backbones.transformers_models import made
from plait.networks import run_all
from tests.encoders.backbones.small import config
from tests.encoders.nets import assert_unchanged, snapshot

pytest.importorskip("transformers")

SENTENCES = Masked(torch.randint(3, 50, (2, 9)), torch.arange(9) < torch.tensor([[9], [4]]))


@pytest.mark.parametrize("kind", ["bert", "gpt2", "llama"])
@pytest.mark.parametrize("training", [False, True])
def test_they_compose_to_the_network(kind: str, training: bool) -> None:
    model = made(config(kind), False).train(training)
    stages = blocks_of_text(model)
    assert stages is not None and len(stages) == 3
    codes, mask = SENTENCES
    torch.manual_seed(0)
    own = model(codes.masked_fill(~mask, 0), attention_mask=mask.long()).last_hidden_state
    torch.manual_seed(0)
    assert torch.equal(run_all(stages, codes, mask), own)


@pytest.mark.parametrize("kind", ["bert", "gpt2", "llama"])
def test_every_weight_is_in_one_stage_and_the_model_stays(kind: str) -> None:
    model = made(config(kind), False)
    before = snapshot(model)
    stages = blocks_of_text(model)
    assert stages is not None
    assert_unchanged(before, snapshot(model))
    held = [id(parameter) for stage in stages for parameter in stage.parameters()]
    assert len(held) == len(set(held)) and set(held) == set(map(id, model.parameters()))


@pytest.mark.parametrize("kind", ["t5", "modernbert"])
def test_blocks_that_read_more_are_none(kind: str) -> None:
    assert blocks_of_text(made(config(kind), False)) is None


def test_layers_that_attend_to_different_positions_are_none() -> None:
    """A short text would not tell a window from no window."""
    sizes: dict[str, Any] = {**config("qwen2"), "use_sliding_window": True, "max_window_layers": 1}
    assert blocks_of_text(made(config("qwen2"), False)) is not None
    assert blocks_of_text(made(sizes, False)) is None


def test_a_model_without_a_list_of_blocks_is_none() -> None:
    model = made(config("bert"), False)
    model.config.num_hidden_layers = 5
    assert blocks_of_text(model) is None


def test_in_place_of_a_layer_the_hidden_state_is_handed_on() -> None:
    hidden = torch.randn(2, 3, 4)
    assert Passed()(None, inputs_embeds=hidden) is hidden and Passed()(hidden) is hidden
    positions = Passed()(torch.arange(3)[None])
    assert torch.equal(hidden + positions, hidden)


def test_a_row_without_a_real_position_gives_numbers() -> None:
    stages = blocks_of_text(made(config("llama"), False))
    assert stages is not None and isinstance(stages[1], Block)
    empty = torch.zeros(2, 9, dtype=torch.bool)
    assert bool(stages[1](torch.randn(2, 9, 16), empty).isfinite().all())
