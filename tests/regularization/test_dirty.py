"""Parameters that are large in all tasks or in few."""

import pytest
import torch

from plait.core.errors import ConfigError
from plait.regularization import Dirty
from tests.regularization.nets import model_of, networks, on_rows, rows_of, tied, train


def test_the_norms_by_hand() -> None:
    rows = torch.tensor([[1.0, -3.0], [-2.0, 0.5]], dtype=torch.float64)
    regularizer = on_rows(Dirty(strength=1.0, ratio=0.5), rows)
    assert regularizer.cost().item() == pytest.approx(2 + 3)  # at first all is common
    regularizer.own.copy_(rows)
    assert regularizer.cost().item() == pytest.approx(5 + 0.5 * 6.5)


def test_one_step_by_hand() -> None:
    """The optimizer moved [2, 2] to [4, 2]: half of it in each part, then half a step in each."""
    regularizer = on_rows(Dirty(strength=1.0, ratio=0.5), torch.tensor([[2.0], [2.0]]).double())
    (layer,) = regularizer.groups
    with torch.no_grad():
        layer[0].fill_(4.0)
    regularizer.prox(2.0)
    # common: [3, 2] is cut by 1 in all, to [2, 2]; own: [1, 0] shrinks by 1/2
    assert regularizer.shared.flatten().tolist() == pytest.approx([2.0, 2.0])
    assert regularizer.own.flatten().tolist() == pytest.approx([0.5, 0.0])
    assert rows_of(regularizer).flatten().tolist() == pytest.approx([2.5, 2.0])


def test_a_step_of_no_length_leaves_what_the_optimizer_did() -> None:
    nets = networks("abc")
    regularizer = tied(Dirty(strength=1.0), nets)
    before = [p.detach().clone() for net in nets.values() for p in net.parameters()]
    with torch.no_grad():
        for net in nets.values():
            net.stem.weight.add_(1.0)
    regularizer.prox(0.0)
    after = [p.detach() for net in nets.values() for p in net.parameters()]
    for one, two in zip(before, after, strict=True):
        assert torch.allclose(one, two) or torch.allclose(one + 1, two)


def test_in_training_parameters_become_exactly_zero() -> None:
    model = train(model_of("abc", [Dirty(strength=0.3)]), 40)
    weights = torch.stack([net[0].weight for net in model.sharing.networks().values()])
    assert 0.05 < (weights == 0).float().mean() < 1


def test_the_own_part_is_watched() -> None:
    regularizer = tied(Dirty(strength=1.0), networks("ab"))
    assert regularizer.watched()["Dirty: own part"].plain() == {"a": 0.0, "b": 0.0}
    regularizer.own[1] = regularizer.shared[1]
    assert regularizer.watched()["Dirty: own part"].plain() == pytest.approx({"a": 0.0, "b": 0.5})
    regularizer.anchor()
    assert not regularizer.own.any()


def test_a_negative_ratio_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"`ratio` must be at least 0; found -1\.0"):
        Dirty(strength=1.0, ratio=-1.0)
