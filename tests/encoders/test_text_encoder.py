import copy
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.core import Masked
from plait.core.errors import ConfigError
from plait.core.lookup import options_of
from plait.encoders import TextEncoder
from plait.networks import copy_of, encode, infer_shape, reads_codes, stages_of
from plait.networks.padding import check_padding

CONTEXTS = ("gru", "transformer", "convolution")


def sentences(lengths: list[int], *, longest: int = 0, parts: int = 8) -> Masked:
    """Codes of sentences of some lengths: words below 20, parts up to 30."""
    generator = torch.Generator().manual_seed(0)
    total = max(longest, *lengths)
    mask = torch.arange(total) < torch.tensor(lengths).unsqueeze(1)
    words = torch.randint(1, 20, (len(lengths), total, 1), generator=generator)
    pieces = torch.randint(31, (len(lengths), total, parts), generator=generator)
    return Masked(torch.cat([words, pieces], dim=-1) * mask.unsqueeze(-1), mask)


def made(context: Any, **options: Any) -> TextEncoder:
    torch.manual_seed(0)
    return TextEncoder(codes=20, pieces=30, width=8, context=context, **options).double().eval()


@pytest.mark.parametrize("context", CONTEXTS)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), st.integers(0, 4))
def test_padding_changes_nothing(context: str, lengths: list[int], more: int) -> None:
    encoder = made(context, layers=2)
    batch = sentences(lengths, longest=max(lengths) + more)
    found = encoder(batch)
    assert found.isfinite().all()
    for row, length in enumerate(lengths):
        alone = Masked(batch.values[row : row + 1, :length], batch.mask[row : row + 1, :length])
        torch.testing.assert_close(found[row : row + 1, :length], encoder(alone))
        torch.testing.assert_close(encoder(alone), encoder(alone.values))


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("layers", [0, 1, 3])
def test_the_embedding_and_each_layer_are_a_stage(context: str, layers: int) -> None:
    encoder, batch = made(context, layers=layers), sentences([4, 2])
    assert len(stages_of(encoder)) == 1 + layers
    features = encode(encoder, batch)
    assert [tuple(level.shape) for level in features.levels] == [(2, 4, 8)] * (1 + layers)
    assert features.channel_dim == -1 and features.mask is batch.mask
    assert torch.equal(features.levels[-1], encoder(batch))
    assert torch.equal(features.levels[-1], encoder(batch.values, batch.mask))
    assert infer_shape(encoder, batch).levels == ((4, 8),) * (1 + layers)
    meta = copy.deepcopy(encoder).to("meta")
    assert meta(Masked(batch.values.to("meta"), batch.mask.to("meta"))).shape == (2, 4, 8)
    check_padding(encoder, batch)


@pytest.mark.parametrize("context", CONTEXTS)
def test_each_task_has_its_own_finite_gradient_of_every_weight(context: str) -> None:
    encoder, batch = made(context).train(), sentences([5, 3, 0])
    weights = list(encoder.parameters())
    features = encoder(batch)
    losses = [features[..., 0].square().sum(), features[..., 1].square().sum()]
    first = torch.autograd.grad(losses[0], weights, retain_graph=True)
    second = torch.autograd.grad(losses[1], weights)
    for one, two in zip(first, second, strict=True):
        assert one.isfinite().all() and two.isfinite().all()
    changed = [not torch.equal(a, b) for a, b in zip(first, second, strict=True)]
    assert any(changed) and first[0].any()


@pytest.mark.parametrize("context", CONTEXTS)
def test_it_runs_under_autocast_and_in_float32(context: str) -> None:
    encoder, batch = made(context).float(), sentences([5, 1])
    plain = encoder(batch)
    with torch.autocast("cpu", torch.bfloat16):
        rough = encoder(batch)
    assert plain.dtype == torch.float32
    torch.testing.assert_close(rough.float(), plain, atol=0.1, rtol=0.1)


@pytest.mark.parametrize("context", CONTEXTS)
def test_new_weights_follow_from_the_seed(context: str) -> None:
    encoder = made(context)
    one, same, other = (copy_of(encoder, "reset", seed) for seed in (1, 1, 2))
    states = [list(each.state_dict().values()) for each in (one, same, other)]
    assert all(map(torch.equal, states[0], states[1]))
    assert not torch.equal(states[0][0], states[2][0])
    assert not torch.equal(states[0][0], encoder.stages[0][0].table)
    assert not one.stages[0][0].table[0].any()


@pytest.mark.parametrize("context", CONTEXTS)
def test_an_unseen_word_is_told_from_another_by_its_parts(context: str) -> None:
    encoder, batch = made(context), sentences([3])
    one, other = batch.values.clone(), batch.values.clone()
    one[0, 1, 0] = other[0, 1, 0] = 1
    other[0, 1, 1:] = torch.arange(1, 9)
    assert not torch.allclose(encoder(one), encoder(other))


def test_it_says_that_nobody_else_can_read_codes() -> None:
    assert reads_codes(made("gru"))


def test_its_options_are_kept() -> None:
    options: dict[str, Any] = {"codes": 7, "pieces": 3, "width": 12, "context": "transformer"}
    options |= {"layers": 2, "dropout": 0.1}
    assert options_of(TextEncoder(**options)) == options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"codes": 5, "width": 7}, "multiple of 2 with context='gru'; found 7. Take 8"),
        ({"codes": 5, "width": 6, "context": "transformer"}, "multiple of 4.*Take 8"),
        ({"codes": 5, "context": "lstm"}, "'gru', 'transformer' or 'convolution'; found 'lstm'"),
        ({"codes": 0}, "`codes`"),
        ({}, "needs `codes`"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        TextEncoder(**options)


def test_dropout_is_drawn_in_training_alone() -> None:
    encoder, batch = made("gru", dropout=0.5), sentences([4])
    assert torch.equal(encoder(batch), encoder(batch))
    encoder.train()
    found: list[Tensor] = [encoder(batch) for _ in range(2)]
    assert not torch.equal(*found)


def test_codes_of_words_may_be_many_more_than_those_of_parts() -> None:
    """What is tried on the example never takes a word for a part, which the table does not have."""
    encoder, batch = TextEncoder(codes=5000, pieces=30, width=8), sentences([4, 2])
    batch.values[0, :, 0] = torch.tensor([4999, 1, 7, 4000])
    assert infer_shape(encoder, batch).levels == ((4, 8), (4, 8))
    batch.values[:] = 1
    assert infer_shape(TextEncoder(codes=2, pieces=1, width=8), batch).levels == ((4, 8), (4, 8))
