"""Soft samples of a choice, and how far a search is."""

import pytest
import torch

from plait.core.errors import ConfigError
from plait.sharing.search.gumbel import Search, gumbel_softmax
from tests.networks.progress import set_progress


def test_a_sample_is_shares_of_one_whole() -> None:
    sample = gumbel_softmax(torch.randn(5, 4, dtype=torch.float64), 0.7)
    assert bool((sample > 0).all())
    torch.testing.assert_close(sample.sum(dim=-1), torch.ones(5, dtype=torch.float64))


def test_each_choice_is_taken_with_its_probability_at_any_temperature() -> None:
    logits = torch.tensor([0.0, 1.0, -1.0])
    for temperature in (0.1, 5.0):
        taken = gumbel_softmax(logits.expand(20000, 3), temperature).argmax(dim=-1)
        found = torch.bincount(taken, minlength=3) / len(taken)
        # four standard errors of a share
        assert torch.allclose(found, logits.softmax(dim=0), atol=4 * 0.5 / 20000**0.5)


def test_a_low_temperature_gives_nearly_one_choice() -> None:
    assert bool((gumbel_softmax(torch.zeros(50, 3), 1e-3).amax(dim=-1) > 0.99).float().mean() > 0.9)
    assert gumbel_softmax(torch.zeros(50, 3), 1e3).sub(1 / 3).abs().max() < 0.02


def test_the_formula() -> None:
    logits = torch.randn(2, 3)
    state = torch.random.get_rng_state()
    sample = gumbel_softmax(logits, 0.5)
    torch.random.set_rng_state(state)
    noise = -torch.empty(2, 3).exponential_().log()
    assert torch.equal(sample, ((logits + noise) / 0.5).softmax(dim=-1))


def test_how_far_the_search_is() -> None:
    search = Search(0.2, 5.0, 0.5)
    found = []
    for progress in (0.0, 0.1, 0.2, 0.6, 1.0):
        set_progress(search, progress)
        found.append((bool(search.begun), round(float(search.share()), 5)))
    assert found == [(False, 0.0), (False, 0.0), (True, 0.0), (True, 0.5), (True, 1.0)]
    for share in (0.1, 0.2, 0.3, 0.7, 0.9):  # in float32 the half of these are below themselves
        set_progress(search, share)
        assert search.past([share, share + 0.01]) == [True, False]


def test_the_progress_is_state() -> None:
    search = Search(0.0, 1.0, 1.0)
    set_progress(search, 0.5)
    again = Search(0.0, 1.0, 1.0)
    again.load_state_dict(search.state_dict())
    assert float(again.progress) == 0.5


@pytest.mark.parametrize(
    ("warmup", "start", "end", "message"),
    [
        (1.0, 1.0, 1.0, "`warmup` must be a share of the training, 0 <= warmup < 1; found 1.0"),
        (-0.1, 1.0, 1.0, "`warmup` must be a share"),
        (0.0, 0.0, 1.0, "`temperature` must be above 0; found 0.0"),
        (0.0, 1.0, float("nan"), "`final_temperature` must be above 0; found nan"),
    ],
)
def test_values_outside_their_range_are_refused(
    warmup: float, start: float, end: float, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Search(warmup, start, end)
