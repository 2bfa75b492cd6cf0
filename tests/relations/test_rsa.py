"""RSA against SciPy's correlations."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from plait.core.errors import DataError
from plait.relations import rsa


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(3, 9), st.booleans())
def test_it_is_that_of_scipy(seed: int, examples: int, ties: bool) -> None:
    random = np.random.default_rng(seed)
    one, two = random.normal(size=(examples, 5)), random.normal(size=(examples, 4))
    if ties:
        one[1] = one[0]
    upper = np.triu_indices(examples, 1)
    expected = spearmanr(
        *((1 - np.corrcoef(each))[upper].round(12) for each in (one, two))
    ).statistic
    assert rsa(torch.tensor(one), torch.tensor(two)) == pytest.approx(expected, abs=1e-9)


def test_examples_without_spread_are_left_out() -> None:
    one, two = torch.randn(6, 4).double(), torch.randn(6, 4).double()
    flat = one.clone()
    flat[2] = 7.0
    rest = [0, 1, 3, 4, 5]
    assert rsa(flat, two) == pytest.approx(rsa(one[rest], two[rest]))
    flat[rest[:3]] = 0.0
    assert math.isnan(rsa(flat, two))


def test_equal_dissimilarities_have_no_order() -> None:
    assert math.isnan(rsa(torch.eye(3), torch.randn(3, 4)))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="3 examples"):
        rsa(torch.randn(2, 4), torch.randn(2, 4))
    with pytest.raises(DataError, match="2 features"):
        rsa(torch.randn(4, 1), torch.randn(4, 4))
