"""Which heads are joined, and what is said of the others."""

from typing import Any

import pytest
import torch
from torch import nn

import plait.balancing
from plait.balancing import IMTLL, Equal, UncertaintyWeights
from plait.balancing.bases.learned_scales import LearnedScales
from plait.model import MultiTaskModel
from plait.sharing import Hard, Separate
from plait.tasks import BaseTask, Binary, Regression, Survival
from plait.training.joined.plan import FEWEST, learned_scales, plan
from tests.training.joined.twins import NAMES, head, model


def made(tasks: list[BaseTask], sharing: Any = Hard) -> MultiTaskModel:
    return MultiTaskModel(sharing(nn.Linear(3, 4)), tasks, example=torch.zeros(2, 3))


def said(of: MultiTaskModel, make: Any = torch.optim.AdamW, balancer: Any = None) -> str:
    return str(plan(of, make(of.parameters(), lr=0.1), balancer))


def numbers(count: int, start: int = 0, **options: Any) -> list[BaseTask]:
    return [Regression(f"n{number}", **options) for number in range(start, start + count)]


def test_blocks_by_kind_in_the_order_of_the_tasks() -> None:
    tasks: list[BaseTask] = [Survival("death", cuts=[1.0, 2.0, 3.0])]
    for number in range(FEWEST):
        tasks += [Regression(f"n{number}"), Binary(f"y{number}")]
    tasks += [Binary(f"hidden{number}", hidden=(3,)) for number in range(FEWEST - 1)]
    found = plan(of := made(tasks), torch.optim.SGD(of.parameters(), lr=0.1), None)
    assert found.blocks == (
        tuple(f"n{number}" for number in range(FEWEST)),
        tuple(f"y{number}" for number in range(FEWEST)),
    )
    assert str(found) == (
        "16 heads are 2 blocks of the optimizer; 8 stay apart: 1 of a kind that is not joined, "
        "7 of a kind with fewer than 8"
    )


def test_reasons_for_all_heads() -> None:
    few = "heads stay apart: there are fewer than 8"
    assert said(made(numbers(7))) == few
    assert said(made(numbers(8), Separate)) == (
        "heads stay apart: Separate trains each network as if it was alone"
    )
    assert said(model(), balancer=plait.balancing.FORUM()) == (
        "heads stay apart: FORUM looks a step ahead of each parameter"
    )
    assert said(model(), torch.optim.Adafactor).startswith("heads stay apart: Adafactor is not")
    assert said(model(), balancer=plait.balancing.UPGrad()) == (
        "10 heads are one block of the optimizer"
    )


def frozen_in_part(of: MultiTaskModel) -> None:
    next(head(of, NAMES[0]).parameters()).requires_grad_(False)


def frozen(of: MultiTaskModel) -> None:
    head(of, NAMES[0]).requires_grad_(False)


def tied(of: MultiTaskModel) -> None:
    layer = head(of, NAMES[0]).get_submodule("head.layers.0")
    layer.weight = head(of, NAMES[1]).get_submodule("head.layers.0").weight


@pytest.mark.parametrize(
    ("change", "why", "count"),
    [
        (frozen, "frozen", 1),
        (frozen_in_part, "frozen in part", 1),
        (tied, "with parameters of other modules", 2),
    ],
)
def test_heads_that_cannot_be_joined(change: Any, why: str, count: int) -> None:
    of = model()
    change(of)
    found = plan(of, torch.optim.SGD(of.parameters(), lr=0.1), None)
    assert found.why == dict.fromkeys(NAMES[:count], why)
    assert found.blocks == (tuple(NAMES[count:]),)


def test_a_head_that_the_optimizer_does_not_have() -> None:
    of = model()
    without = [p for n, p in of.named_parameters() if "t3." not in n]
    found = plan(of, torch.optim.SGD(without, lr=0.1), None)
    assert found.why == {"t3": "not in the optimizer"}


def test_an_optimizer_of_two_models_joins_the_first() -> None:
    one, two = model(), model()
    optimizer = torch.optim.SGD([*one.parameters(), *two.parameters()], lr=0.1)
    plait.join_heads(one, optimizer)
    assert str(plait.join_heads(two, optimizer)) == (
        "heads stay apart: the optimizer has the joined heads of another model"
    )


@pytest.mark.parametrize("method", [UncertaintyWeights, IMTLL])
def test_learned_scales_are_joined_in_one_group_of_the_optimizer(
    method: type[LearnedScales],
) -> None:
    few, many = method(tasks=list("abc")), method(tasks=list("abcdefgh"))
    for balancer, wanted in ((few, 0), (many, 8)):
        optimizer = torch.optim.SGD(balancer.parameters(), lr=0.1)
        assert list(learned_scales(balancer, optimizer)) == list(balancer.tasks[:wanted])
    first, *others = many.parameters()
    apart = torch.optim.SGD([{"params": [first]}, {"params": others}], lr=0.1)
    assert learned_scales(many, apart) == {}
    assert learned_scales(Equal(), apart) == learned_scales(None, apart) == {}
