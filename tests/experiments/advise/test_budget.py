"""Plans that fit into a number of minutes."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.errors import ConfigError
from plait.experiments.advise.budget import (
    DROPPED,
    FINALISTS,
    MEMBER,
    SINGLE,
    kept_plan,
    plan,
    settle,
)


@given(
    st.integers(1, 200),
    st.floats(0.01, 100),
    st.floats(1, 1e5),
    st.integers(1, 3),
    st.integers(0, 5),
)
def test_a_plan_fits_or_is_the_least_that_there_is(
    epochs: int, each: float, seconds: float, seeds: int, candidates: int
) -> None:
    found = plan(epochs, each, seconds, seeds=seeds, candidates=candidates)
    assert 1 <= found.epochs <= epochs
    assert 1 <= found.seeds <= seeds
    trainings = found.seeds * (1 + SINGLE + FINALISTS * MEMBER) + candidates * MEMBER * DROPPED
    fits = trainings * found.epochs * each <= seconds * (1 + 1e-9)
    assert fits or (found.seeds, found.epochs) == (1, 1)
    assert (found.sentence == "") == (found.epochs == epochs and found.seeds == seeds)


def test_what_is_cut_is_said() -> None:
    found = plan(30, 1.0, 100, seeds=3, candidates=4)
    assert found.sentence == f"the time allows {found.epochs} of 30 epochs and 1 of 3 seeds"


def test_a_plan_is_kept(tmp_path: Path) -> None:
    first = kept_plan(tmp_path, 30, 1.0, 400, seeds=3, candidates=4)
    assert kept_plan(tmp_path, 30, 1.0, 4000, seeds=3, candidates=4) == first
    with pytest.raises(ConfigError, match="no epoch"):
        kept_plan(tmp_path / "new", 30, math.nan, 400, seeds=3, candidates=4)


def test_time_that_is_left_goes_to_seeds(tmp_path: Path) -> None:
    first = kept_plan(tmp_path, 30, 1.0, 100, seeds=5, candidates=4)
    assert first.seeds == 1
    each = 1 + FINALISTS * MEMBER / (1 + SINGLE)  # of all networks, where plain and single take 1 s
    found = settle(tmp_path, first, 30, 3.5 * each, 1.0, seeds=5)
    assert (found.seeds, found.epochs) == (3, first.epochs)
    assert found.sentence == f"the time allows {first.epochs} of 30 epochs and 3 of 5 seeds"
    assert settle(tmp_path, first, 30, 100 * each, 1.0, seeds=5).seeds == 5
    kept = kept_plan(tmp_path, 30, 1.0, 100, seeds=5, candidates=4)
    assert kept.seeds == 5
    assert settle(tmp_path, kept, 30, 0.0, 1.0, seeds=5) == kept, "it was settled before"


def test_no_seed_is_taken_away_and_none_added_unmeasured(tmp_path: Path) -> None:
    first = kept_plan(tmp_path, 30, 0.01, 1000, seeds=3, candidates=4)
    assert settle(tmp_path, first, 30, -5.0, 1.0, seeds=3).seeds == first.seeds == 3
    assert settle(tmp_path, first, 30, 1000.0, math.nan, seeds=3) == first
