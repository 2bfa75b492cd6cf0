"""Policies that draw: the shares of the examples, the epoch, and the seed."""

import math

import pytest
import torch

from plait.core.errors import ConfigError
from plait.data.mixing import EqualShares, Proportional, Shares, Temperature
from plait.data.mixing.base import Size
from plait.data.mixing.bases.drawn import Drawn
from tests.data.mixing.sizes import COUNTS, drawn_shares, sizes

POLICIES = [
    Proportional(),
    EqualShares(),
    Temperature(tau=2),
    Temperature(tau=5),
    Shares({"large": 0.2, "middle": 0.5, "small": 0.3}),
]


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@pytest.mark.parametrize("own", [{}, {"large": 100, "small": 8}], ids=["one size", "three sizes"])
def test_drawn_shares_are_the_stated_ones(policy: Drawn, own: dict[str, int]) -> None:
    """Of examples, whatever the batch sizes, to within five standard errors of the turns."""
    of, steps = sizes(**own), 40_000
    assert math.isclose(sum(policy.shares_of(of).values()), 1)
    turns, found = policy.turns(of), drawn_shares(policy, of, steps)
    mean = sum(turns[name] * (size.batch_size or 0) for name, size in of.items())
    for name, share in policy.shares_of(of).items():
        error = math.sqrt(turns[name] * (1 - turns[name]) / steps) * (of[name].batch_size or 0)
        assert abs(found[name] - share) < 6 * error / mean + 0.01 * share, name


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_an_epoch_gives_as_many_examples_as_there_are(policy: Drawn) -> None:
    of = sizes(small=8)
    mean = sum(policy.turns(of)[name] * (size.batch_size or 0) for name, size in of.items())
    steps = policy.steps(of)
    assert (steps - 1) * mean < sum(COUNTS.values()) <= steps * mean + 1e-6


def test_an_epoch_of_proportional_has_the_batches_of_all_sources() -> None:
    of = sizes(large=100, small=7)
    assert Proportional().steps(of) == sum(size.batches or 0 for size in of.values())


def test_the_order_is_a_function_of_the_seed() -> None:
    of = sizes()
    first, again, other = (EqualShares().order(of, 500, seed) for seed in (1, 1, 2))
    assert first.shape == (500, 1)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    state = torch.get_rng_state()
    EqualShares().order(of, 5, 0)
    assert torch.equal(torch.get_rng_state(), state), "no global generator is read"


def test_what_is_not_known_is_asked_for() -> None:
    stream = {"a": Size(10, 1, 10), "b": Size(None, None, 10)}
    with pytest.raises(ConfigError, match=r"'b' has no length.*steps=N"):
        EqualShares().steps(stream)
    with pytest.raises(ConfigError, match="'b' does not say how many examples its batches have"):
        EqualShares().turns({"a": Size(10, 1, 10), "b": Size(None, 5, None)})
