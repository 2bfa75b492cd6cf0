"""The first losses, compared: a regression in its own unit is named."""

import copy
import warnings
from typing import Any

import pytest
import torch
from torch import nn

from plait import MultiTaskModel, Trainer
from plait.core.errors import PlaitWarning
from plait.sharing import Hard
from plait.tasks import BaseTask, Classification, Regression


def model(*tasks: BaseTask) -> MultiTaskModel:
    torch.manual_seed(0)
    return MultiTaskModel(Hard(nn.Linear(4, 8)), tasks, example=torch.zeros(2, 4))


def batch(net: MultiTaskModel, **targets: torch.Tensor) -> Any:
    return net.batch(torch.zeros(8, 4), targets)


def losses(net: MultiTaskModel, **targets: torch.Tensor) -> dict[str, torch.Tensor]:
    made = batch(net, **targets)
    return net.losses([net(made.parts[0].inputs, tasks=made.parts[0].tasks)], made)


KIND, HOURS, PRICE = torch.arange(8) % 2, torch.full((8, 1), 40.0), torch.full((8, 1), 300.0)
TASKS = {
    "kind": Classification("kind", classes=2),
    "hours": Regression("hours", mean=0.0, scale=1.0),
}


def test_both_losses_are_said_once() -> None:
    net = model(*TASKS.values())
    with pytest.warns(
        PlaitWarning, match=r"'hours' is 1,\d+.*, that of task 'kind' 0\.\d+"
    ) as said:
        losses(net, kind=KIND, hours=HOURS)
    assert len(said) == 1
    losses(net, kind=KIND, hours=HOURS)  # warnings are errors here


def test_the_trainer_says_it_at_its_first_step() -> None:
    net = model(*TASKS.values())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        data = [batch(net, kind=KIND, hours=HOURS)] * 3
        Trainer(net, epochs=2, device="cpu").fit(data)
    found = [str(each.message) for each in said if each.category is PlaitWarning]
    assert len(found) == 1 and "'hours'" in found[0] and "'kind'" in found[0]


@pytest.mark.parametrize(
    ("tasks", "targets"),
    [
        ([TASKS["kind"], Regression("hours", mean=40.0, scale=10.0)], {"hours": HOURS}),
        ([TASKS["kind"], Regression("hours", mean=0.0, scale=1.0, weight=1e-3)], {"hours": HOURS}),
        (
            [Regression("price", mean=0.0, scale=1.0), TASKS["hours"]],
            {"hours": HOURS, "price": PRICE},
        ),
        ([TASKS["kind"], TASKS["hours"]], {"hours": torch.ones(8, 1)}),
    ],
)
def test_losses_of_like_sizes_are_not_spoken_of(
    tasks: list[BaseTask], targets: dict[str, torch.Tensor]
) -> None:
    net = model(*tasks)
    losses(net, **({"kind": KIND} if "price" not in targets else {}), **targets)


def test_all_regressions_are_compared_with_those_of_other_kinds() -> None:
    net = model(TASKS["kind"], TASKS["hours"], Regression("price", mean=0.0, scale=1.0))
    with pytest.warns(PlaitWarning, match=r"task 'price' is .* task 'kind'"):
        losses(net, kind=KIND, hours=HOURS, price=PRICE)
    both = model(Regression("price", mean=0.0, scale=1.0), TASKS["hours"])
    with pytest.warns(PlaitWarning, match=r"task 'price' is .* task 'hours'"):
        losses(both, hours=HOURS / 40, price=PRICE)


def test_it_waits_for_a_training_step_with_two_tasks() -> None:
    net = model(*TASKS.values())
    losses(net, hours=HOURS)
    with torch.no_grad():
        losses(net, kind=KIND, hours=HOURS)
    losses(net.eval(), kind=KIND, hours=HOURS)
    again = copy.deepcopy(net.train())
    for each in (net, again):
        with pytest.warns(PlaitWarning, match="'hours'"):
            losses(each, kind=KIND, hours=HOURS)


def test_a_loss_that_is_small_by_chance_is_not_spoken_of() -> None:
    names = [f"school-{number}" for number in range(5)]
    net = model(*map(Regression, names))
    exact = net(torch.zeros(8, 4))[names[0]].detach()
    losses(net, **{name: exact if name == names[0] else torch.ones(8, 1) * 2 for name in names})
    two = model(*map(Regression, names[:2]))
    losses(two, **{names[0]: exact + 0.01, names[1]: torch.full((8, 1), 3.0)})
