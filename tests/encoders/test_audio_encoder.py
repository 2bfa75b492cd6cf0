import copy
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.core import Masked
from plait.core.errors import ConfigError
from plait.core.lookup import options_of
from plait.encoders import AudioEncoder
from plait.networks import copy_of, encode, infer_shape, reads_codes, stages_of
from plait.networks.padding import check_padding


def made(**options: Any) -> AudioEncoder:
    torch.manual_seed(0)
    settings = {"rate": 2000, "mels": 12, "widths": (3, 4), "features": 5} | options
    return AudioEncoder(**settings).eval()


def recordings(lengths: list[int], more: int = 0, padding: float = 0.0) -> Masked:
    """Noise of some lengths; the same for the same lengths."""
    generator = torch.Generator().manual_seed(0)
    mask = torch.arange(max(lengths) + more) < torch.tensor(lengths).unsqueeze(1)
    samples = torch.randn(mask.shape, generator=generator) / 10
    return Masked(samples.where(mask, padding), mask)


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=4),
    st.integers(0, 100),
    st.sampled_from([0.0, 5.0, float("nan")]),
)
def test_padding_changes_nothing(lengths: list[int], more: int, padding: float) -> None:
    encoder, batch = made(), recordings(lengths, more, padding)
    found = encoder(batch)
    assert found.isfinite().all()
    for row, length in enumerate(lengths):
        own = batch.values[row : row + 1, :length]
        alone = encoder(Masked(own, batch.mask[row : row + 1, :length]))
        torch.testing.assert_close(found[row : row + 1], alone, rtol=1e-3, atol=1e-4)
        if length:
            torch.testing.assert_close(encoder(own), alone, rtol=1e-3, atol=1e-4)


def test_the_stages_are_convolutions_and_a_summary() -> None:
    encoder, batch = made(), recordings([400, 130])
    assert len(stages_of(encoder)) == 3
    features = encode(encoder, batch)
    shapes = [tuple(level.shape) for level in features.levels]
    assert shapes == [(2, 3, 6, 10), (2, 4, 3, 5), (2, 5)]
    assert torch.equal(features.levels[-1], encoder(batch))
    assert torch.equal(features.levels[-1], encoder(batch.values, batch.mask))
    assert infer_shape(encoder, batch).levels == ((3, 6, 10), (4, 3, 5), (5,))
    meta = copy.deepcopy(encoder).to("meta")
    assert meta(Masked(batch.values.to("meta"), batch.mask.to("meta"))).shape == (2, 5)
    check_padding(encoder, batch)


def test_each_task_has_its_own_finite_gradient_of_every_weight() -> None:
    encoder, batch = made().train(), recordings([400, 30, 0])
    weights = list(encoder.parameters())
    features = encoder(batch)
    for loss in (features.sum(), features.square().sum()):
        gradients = torch.autograd.grad(loss, weights, retain_graph=True)
        assert all(each.isfinite().all() and each.any() for each in gradients)


def test_it_runs_in_float64_and_under_autocast() -> None:
    encoder, batch = made(), recordings([400, 30])
    plain = encoder(batch)
    double = copy.deepcopy(encoder).double()(Masked(batch.values.double(), batch.mask))
    torch.testing.assert_close(double.float(), plain, rtol=1e-3, atol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(encoder(batch).float(), plain, atol=0.1, rtol=0.1)


def test_new_weights_follow_from_the_seed() -> None:
    encoder = made()
    one, same, other = (copy_of(encoder, "reset", seed) for seed in (1, 1, 2))
    states = [list(each.state_dict().values()) for each in (one, same, other)]
    assert all(map(torch.equal, states[0], states[1]))
    assert not all(map(torch.equal, states[0], states[2]))


def test_the_spectrogram_is_no_part_of_the_weights() -> None:
    state = made().state_dict()
    assert sorted(state) == [
        *(f"stages.0.1.{name}" for name in ("gain", "mix.weight", "shift")),
        *(f"stages.1.{name}" for name in ("gain", "mix.weight", "shift")),
        *(f"stages.2.layers.1.{name}" for name in ("bias", "weight")),
    ]


def test_it_can_be_exported_for_batches_and_lengths_of_any_size() -> None:
    encoder, batch = made(), recordings([400, 130])
    sizes = {0: torch.export.Dim("batch"), 1: 80 * torch.export.Dim("groups", min=2)}
    program = torch.export.export(
        encoder, (batch.values, batch.mask), dynamic_shapes={"inputs": sizes, "mask": sizes}
    )
    other = recordings([333, 100, 20], more=67)
    found = program.module()(other.values, other.mask)
    torch.testing.assert_close(found, encoder(other), rtol=1e-4, atol=1e-5)


def test_it_says_that_nobody_else_can_read_samples() -> None:
    assert reads_codes(made())


def test_its_options_are_kept() -> None:
    options: dict[str, Any] = {"rate": 4000, "mels": 10, "widths": (3,), "features": 4}
    options |= {"dropout": 0.1}
    assert options_of(AudioEncoder(**options)) == options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs `rate`"),
        ({"rate": 100}, "`rate` of AudioEncoder must be an integer of at least 1000"),
        ({"rate": 2000, "mels": 900}, "`mels` must leave each filter"),
        ({"rate": 2000, "widths": (0,)}, "`widths`"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        AudioEncoder(**options)
