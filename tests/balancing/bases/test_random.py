"""A balancer's own generator."""

import copy
import pickle

import numpy as np
import pytest
import torch

from plait.balancing import RLW
from plait.balancing.bases.random import RandomBalancer


def draws(balancer: RandomBalancer) -> list[float]:
    return [float(x) for x in balancer.generator.normal(size=4)]


@pytest.mark.parametrize("copied", ["state_dict", "deepcopy", "pickle"])
def test_a_copy_draws_what_the_original_would_have_drawn(copied: str) -> None:
    balancer = RLW(seed=5)
    draws(balancer)
    if copied == "state_dict":
        twin = RLW(seed=6)
        twin.load_state_dict(balancer.state_dict())
    else:
        made = pickle.loads(pickle.dumps(balancer))
        twin = copy.deepcopy(balancer) if copied == "deepcopy" else made
    assert draws(twin) == draws(balancer)


def test_the_seed_alone_decides_the_draws() -> None:
    expected = np.random.default_rng(5).normal(size=4).tolist()
    torch.manual_seed(1)
    np.random.seed(1)
    assert draws(RLW(seed=5)) == expected
    assert draws(RLW(seed=6)) != expected
