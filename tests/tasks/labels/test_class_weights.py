import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from plait.core.errors import ConfigError
from plait.tasks.labels import balanced
from plait.tasks.labels.class_weights import class_weights_of


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_balanced_weights_are_those_of_scikit_learn(counts: list[int]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    expected = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    assert balanced(counts) == pytest.approx(expected)


@given(st.lists(st.integers(0, 50), max_size=6))
def test_classes_without_a_label_change_no_other_weight(counts: list[int]) -> None:
    """Each class that is there has the same say, and the mean weight of the labels is 1."""
    weights = balanced(counts)
    there = [w for w, n in zip(weights, counts, strict=True) if n]
    assert there == balanced([n for n in counts if n])
    assert all(w == 1 for w, n in zip(weights, counts, strict=True) if not n)
    says = [w * n for w, n in zip(weights, counts, strict=True) if n]
    assert says == pytest.approx([sum(counts) / len(says)] * len(says) if says else [])


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_what_is_no_count_is_refused(wrong: float) -> None:
    with pytest.raises(ConfigError, match="counts of classes must be finite and not negative"):
        balanced([1.0, wrong])


def test_weights_are_checked_and_returned_as_numbers() -> None:
    assert class_weights_of("y", None, 3) is None
    assert class_weights_of("y", (1, 0, 2), 3) == [1.0, 0.0, 2.0]
    with pytest.raises(ConfigError, match=r"`class_weights` of task 'y' must have 2 numbers.*3"):
        class_weights_of("y", (1, 0, 2), 2)
    with pytest.raises(ConfigError, match="`class_weights` of task 'y' must be finite"):
        class_weights_of("y", (1, math.inf), 2)


def test_no_class_counts_more_than_a_hundred_times_another() -> None:
    frequent, rare = balanced([999_999, 1])
    assert rare / frequent == pytest.approx(100)
    frequent, rare = balanced([999_999, 1], most=math.inf)
    assert rare / frequent == pytest.approx(999_999)
    assert balanced([[999_999, 1]]) == [balanced([999_999, 1])]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.floats(0, 1))
def test_a_power_goes_part_of_the_way(counts: list[int], power: float) -> None:
    assert balanced(counts, power=power) == pytest.approx([w**power for w in balanced(counts)])


@pytest.mark.parametrize("options", [{"power": 2.0}, {"power": -1.0}, {"most": 0.5}])
def test_options_outside_their_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"`power` must be within 0\.\.1, and `most` at least 1"):
        balanced([1, 2], **options)
