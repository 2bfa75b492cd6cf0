"""Parameters that stay near what was learned before."""

import pytest
import torch
from torch import nn

from plait.model import MultiTaskModel
from plait.regularization import Successive
from plait.sharing import Hard
from plait.tasks import Regression
from tests.regularization.nets import networks, tied, train


def shared(*regularizers: Successive) -> MultiTaskModel:
    torch.manual_seed(7)
    return MultiTaskModel(
        Hard(nn.Sequential(nn.Linear(3, 4), nn.Tanh())),
        [Regression("a"), Regression("b")],
        example=torch.zeros(2, 3),
        regularization=regularizers,
    )


def test_one_number_by_hand() -> None:
    """From the anchor 1 to 4: R = 9; a step of 1 shrinks the distance to a third."""
    net = nn.Linear(1, 1, bias=False)
    nn.init.constant_(net.weight, 1.0)
    regularizer = Successive(strength=1.0)
    regularizer.setup({"all": net})
    nn.init.constant_(net.weight, 4.0)
    cost = regularizer.cost()
    cost.backward()
    assert (cost.item(), net.weight.grad.item()) == (9.0, 6.0)
    regularizer.prox(1.0)
    assert net.weight.item() == pytest.approx(2.0)
    regularizer.anchor()
    assert regularizer.cost().item() == 0.0


def test_it_takes_any_model_and_its_heads_if_asked() -> None:
    without, with_heads = Successive(strength=1.0), Successive(strength=1.0, heads=True)
    shared(without, with_heads)
    assert without.names == ["encoder.0.weight", "encoder.0.bias"]
    heads = [name for name in with_heads.names if name.startswith("head.")]
    assert {name.split(".")[1] for name in heads} == {"a", "b"}
    assert sum(layer[0].numel() for layer in with_heads.groups) == 16 + 5 + 5


@pytest.mark.parametrize("mode", ["loss", "prox"])
def test_a_strong_one_keeps_the_model_where_it_was(mode: str) -> None:
    strength = 1e12 if mode == "prox" else 4.0  # 2 lr lambda = 0.8
    moved = []
    for regularizers in ([], [Successive(strength=strength, mode=mode)]):
        model = shared(*regularizers)
        start = model.sharing.encoder[0].weight.detach().clone()
        train(model, 10)
        moved.append((model.sharing.encoder[0].weight.detach() - start).norm().item())
    assert moved[1] < (1e-6 if mode == "prox" else 0.3) * moved[0]


def test_the_anchor_is_in_the_state() -> None:
    nets = networks("a")
    regularizer = tied(Successive(strength=1.0), nets)
    assert list(regularizer.state_dict()) == ["held"]
    expected = torch.cat([p.detach().flatten() for (p,) in regularizer.groups])
    assert torch.equal(regularizer.held.flatten(), expected)


def test_of_one_network_for_each_task_it_takes_all() -> None:
    regularizer = tied(Successive(strength=1.0, scope="*.stem.weight"), networks(("a", "b.c")))
    assert regularizer.names == ["task:a.stem.weight", "task:b%2Ec.stem.weight"]
