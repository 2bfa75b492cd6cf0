import math

import pytest
import torch

from plait.regularization.algebra.rows import shrink_rows, unit_rows


@pytest.mark.parametrize("step", [0.0, 0.5, 5.0, 100.0])
def test_a_row_keeps_its_direction_and_loses_length(step: float) -> None:
    rows = torch.tensor([[3.0, 4.0], [0.0, 0.1], [0.0, 0.0], [1e-30, 0.0]], dtype=torch.float64)
    expected = [
        [x * max(1 - step / math.hypot(*row), 0) if any(row) else 0.0 for x in row]
        for row in rows.tolist()
    ]
    found = shrink_rows(rows, step, [1])
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_rows_have_length_1_but_for_those_without() -> None:
    rows = torch.tensor([[3.0, 4.0], [0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    units = unit_rows(rows)
    assert units.tolist() == [pytest.approx([0.6, 0.8]), [0.0, 0.0]]
    (gradient,) = torch.autograd.grad(units.sum(), rows)
    # (I - u u^T) (1, 1) / 5
    assert gradient[0].tolist() == pytest.approx([(1 - 0.6 * 1.4) / 5, (1 - 0.8 * 1.4) / 5])
    assert not gradient[1].any()
