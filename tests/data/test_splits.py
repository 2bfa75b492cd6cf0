"""Which examples are held out, and what that depends on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import DataError
from plait.data.splits import held_out_by_hash, split_strata

SHARES = {"val": 0.15, "test": 0.25}
NAMES = [f"photo-{number}" for number in range(40)]


# --- by a hash of the name ------------------------------------------------------------------


@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_held_out_names_do_not_depend_on_their_order(random, count: int) -> None:
    names = NAMES[:count]
    found = held_out_by_hash(names, SHARES, salt="a")
    assert {split: len(each) for split, each in found.items()} == {
        "val": round(0.15 * count),
        "test": round(0.25 * count),
    }
    assert not found["val"] & found["test"]
    assert found["val"] | found["test"] <= set(names)
    assert held_out_by_hash(random.sample(names, count), SHARES, salt="a") == found


def test_more_names_change_few_places() -> None:
    """Each name keeps its rank among the old ones, so only those near a boundary move."""
    before, after = (held_out_by_hash(names, SHARES, salt="a") for names in (NAMES[:-1], NAMES))
    for split in SHARES:
        assert len(before[split] ^ after[split]) <= 4


def test_another_salt_holds_out_others() -> None:
    one, other = (held_out_by_hash(NAMES, {"val": 0.5}, salt=salt)["val"] for salt in "ab")
    assert one != other


# --- alike within each stratum --------------------------------------------------------------


@given(st.lists(st.integers(3, 60), min_size=1, max_size=5), st.integers(0, 2**40))
def test_each_stratum_is_divided_alike_and_completely(sizes: list[int], seed: int) -> None:
    strata = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    found = split_strata(strata, [f"stratum {i}" for i in range(len(sizes))], SHARES, seed=seed)
    assert list(found) == ["train", "val", "test"]
    assert np.array_equal(np.sort(np.concatenate(list(found.values()))), np.arange(sum(sizes)))
    for split, rows in found.items():
        assert np.array_equal(rows, np.sort(rows))
        counts = np.bincount(strata[rows], minlength=len(sizes))
        for size, count in zip(sizes, counts, strict=True):
            test, val = max(1, round(0.25 * size)), max(1, round(0.15 * size))
            assert count == {"train": size - test - val, "val": val, "test": test}[split]


def test_the_seed_says_which_rows() -> None:
    strata = np.zeros(200, dtype=int)
    found = [
        split_strata(strata, ["all"], SHARES, seed=seed)["test"].tolist() for seed in (0, 0, 1)
    ]
    assert found[0] == found[1] != found[2]
    often = np.zeros(200)
    for seed in range(400):
        often[split_strata(strata, ["all"], SHARES, seed=seed)["test"]] += 1
    assert 60 < often.min() <= often.max() < 140  # binomial, 100 +- 8.7: over 4 sigma


def test_other_strata_change_nothing() -> None:
    one, two = np.array([0] * 30), np.array([0] * 30 + [1] * 12)
    alone = split_strata(one, ["a"], SHARES, seed=3)["train"]
    beside = split_strata(two, ["a", "b"], SHARES, seed=3)["train"]
    assert np.array_equal(alone, beside[beside < 30])


def test_a_stratum_with_too_few_rows_is_refused() -> None:
    strata = np.array([0, 0, 0, 1, 1])
    with pytest.raises(DataError, match="each need a row of school-01; found 2 in all"):
        split_strata(strata, ["school-00", "school-01"], SHARES, seed=0)
