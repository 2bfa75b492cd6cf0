"""One number for each task."""

import pytest

from plait.balancing.preference import check_length, check_positive, of_present
from plait.core.errors import ConfigError, ShapeError


def test_follows_the_names_or_the_rows() -> None:
    numbers = [1.0, 2.0, 4.0]
    assert of_present(numbers, ["c", "a"], ["a", "b", "c"]).tolist() == [4.0, 1.0]
    assert of_present(numbers, ["0", "1", "2"], []).tolist() == numbers
    assert of_present(None, ["a", "b"], ["a", "b", "c"]).tolist() == [0.5, 0.5]
    with pytest.raises(ShapeError, match="for each of the 2 tasks; found 3"):
        of_present(numbers, ["a", "b"], [])


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_must_be_positive_and_finite(value: float) -> None:
    check_positive(None)
    check_positive([1.0, 2.0])
    with pytest.raises(ConfigError, match="`preference` must be positive; found"):
        check_positive([1.0, value])


def test_has_one_number_for_each_task() -> None:
    check_length(None, ["a", "b"])
    check_length([1.0, 2.0], ["a", "b"])
    with pytest.raises(ShapeError, match="for each of the 1 tasks; found 2"):
        check_length([1.0, 2.0], ["a"])
