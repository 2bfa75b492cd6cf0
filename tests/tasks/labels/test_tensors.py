"""Labels that have to be a tensor."""

import numpy as np
import pytest
import torch

from plait.core.errors import DataError
from plait.tasks.labels.tensors import need_tensor


@pytest.mark.parametrize("target", [[1, 2], np.ones(3), None, {"a": torch.ones(1)}])
def test_anything_else_is_refused_by_name_with_the_way_out(target: object) -> None:
    found = type(target).__name__
    with pytest.raises(DataError, match=rf"task 'digit' must be a tensor; found {found}\. Convert"):
        need_tensor("digit", target)


def test_tensors_and_parameters_pass() -> None:
    need_tensor("digit", torch.ones(2))
    need_tensor("digit", torch.nn.Parameter(torch.ones(2)))
