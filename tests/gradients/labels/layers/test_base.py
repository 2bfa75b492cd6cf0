"""Examples in front."""

import pytest
import torch

from plait.gradients.labels.layers.base import by_example, by_example_shape
from plait.gradients.labels.places import Place


@pytest.mark.parametrize("before", [1, 2])
@pytest.mark.parametrize("after", [1, 3])
def test_the_numbers_of_each_example_stay_in_order(before: int, after: int) -> None:
    """In each shape that the same numbers can have."""
    examples = 4
    tensor = torch.arange(before * examples * after).view(before, examples, after)
    place = Place(before, examples, after)
    shapes = [(before, examples, after), (before * examples, after), (before, examples * after)]
    for shape in [*shapes, (before * examples * after,)]:
        found = by_example(tensor.view(shape), place)
        assert len(found) == examples and found.dim() == len(shape) + 1
        for number in range(examples):
            assert found[number].flatten().tolist() == tensor[:, number].flatten().tolist()


def test_examples_that_are_spread_over_two_axes_have_no_shape() -> None:
    assert by_example_shape((2, 3, 5), Place(1, 6, 5)) is None
    assert by_example_shape((6, 5), Place(1, 6, 5)) == (6, 1, 5)
