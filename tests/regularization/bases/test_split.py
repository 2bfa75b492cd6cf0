"""A sum of two parts, with norms whose proximal steps are known: |P|^2 / 2 and |Q|^2 / 2."""

import pytest
import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.regularization.bases.split import Split
from tests.regularization.nets import networks, on_rows, rows_of, tied

ROWS = torch.tensor([[4.0, -2.0], [1.0, 3.0]], dtype=torch.float64)


class Squares(Split):
    def shared_norm(self, rows: Tensor) -> Tensor:
        return rows.square().sum() / 2

    own_norm = shared_norm

    def shrink_shared(self, rows: Tensor, step: float) -> Tensor:
        return rows / (1 + step)

    shrink_own = shrink_shared


def test_at_first_all_is_common() -> None:
    split = on_rows(Squares(strength=1.0, ratio=2.0), ROWS)
    assert torch.equal(split.shared, ROWS)
    assert not split.own.any()
    assert split.cost().item() == pytest.approx(15.0)  # (16 + 4 + 1 + 9) / 2
    split.own.copy_(ROWS)
    assert split.cost().item() == pytest.approx(15.0 + 2 * 15.0)


def test_a_step_is_half_of_the_move_in_each_part_and_half_a_proximal_step() -> None:
    split = on_rows(Squares(strength=1.0, ratio=3.0), ROWS)
    split.own.copy_(0.5 * ROWS)
    split.shared.copy_(0.5 * ROWS)
    moved = torch.tensor([[1.0, 0.0], [-2.0, 0.5]], dtype=torch.float64)
    with torch.no_grad():
        for parameter, row in zip(split.groups[0], moved, strict=True):
            parameter.add_(row)
    split.prox(0.4)
    shared = (0.5 * ROWS + moved / 2) / (1 + 0.2)
    own = (0.5 * ROWS + moved / 2) / (1 + 3 * 0.2)
    torch.testing.assert_close(split.shared, shared)
    torch.testing.assert_close(split.own, own)
    torch.testing.assert_close(rows_of(split), shared + own)


def test_both_parts_share_the_gradient_so_repeated_steps_reach_the_joint_minimum() -> None:
    """min |P + Q - A|^2 / 2 + |P|^2 / 2 + r |Q|^2 / 2 has P = A r / (2 r + 1), Q = P / r."""
    ratio, rate = 2.0, 0.2
    split = on_rows(Squares(strength=1.0, ratio=ratio), ROWS)
    for _ in range(400):
        with torch.no_grad():
            for parameter, row in zip(split.groups[0], ROWS, strict=True):
                parameter.sub_(rate * (parameter - row))
        split.prox(rate)
    expected = ROWS * ratio / (2 * ratio + 1)
    torch.testing.assert_close(split.shared, expected, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(split.own, expected / ratio, rtol=1e-6, atol=1e-9)


def test_layers_cut_the_rows_as_the_parameters_are() -> None:
    split = tied(Squares(strength=1.0, ratio=1.0), networks("ab"))
    layers = split.layers(split.shared)
    assert [layer.shape[1] for layer in layers] == [group[0].numel() for group in split.groups]
    for layer, group in zip(layers, split.groups, strict=True):
        torch.testing.assert_close(layer, torch.stack([p.detach().flatten() for p in group]))


def test_the_own_part_is_watched_as_a_share() -> None:
    split = on_rows(Squares(strength=1.0, ratio=1.0), ROWS)
    split.own[1] = 3 * ROWS[1]
    shares = split.watched()["Squares: own part"].plain()
    assert shares == pytest.approx({"t0": 0.0, "t1": 0.75})
    split.anchor()
    assert split.watched()["Squares: own part"].plain() == {"t0": 0.0, "t1": 0.0}


def test_a_negative_ratio_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"`ratio` must be at least 0; found -0\.5"):
        Squares(strength=1.0, ratio=-0.5)
