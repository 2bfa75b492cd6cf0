"""What the graph says is what a backward pass of each loss finds."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.connections import CrossStitch, Hint, ProductChain
from plait.core.batch import Batch
from plait.encoders import ConvEncoder
from plait.experiments.explanation import reached
from plait.model import MultiTaskModel
from plait.regularization import MeanRegularized
from plait.sharing import CGC, MTAN, Hard, MMoE, Separate, Sharing
from plait.tasks import BaseTask, Binary, Regression

INPUTS = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = {"a": torch.ones(6), "b": torch.zeros(6), "c": torch.ones(6)}


def encoder() -> nn.Module:
    return ConvEncoder(widths=(4, 6), norm=True)


def tasks() -> list[BaseTask]:
    return [Regression(name, mean=0.0, scale=1.0) for name in "abc"]


def slow(model: MultiTaskModel, batch: Batch) -> dict[str, tuple[str, ...]]:
    """One backward pass for each task; a parameter without a gradient was not reached."""
    found: dict[str, list[str]] = {name: [] for name, _ in model.named_parameters()}
    for task in batch.counts:
        model.zero_grad()
        outputs = [model(part.inputs, tasks=part.tasks) for part in batch.parts]
        model.losses(outputs, batch)[task].backward()
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                found[name].append(task)
    model.zero_grad()
    return {name: tuple(each) for name, each in found.items()}


def state(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize(
    ("sharing", "more"),
    [
        (Hard(encoder()), {}),
        (MMoE(encoder(), experts=2), {}),
        (CGC(encoder()), {}),
        (MTAN(encoder()), {}),
        (Separate(encoder()), {"connections": CrossStitch()}),
        (Separate(encoder()), {"connections": Hint(edges=[["a", "b"]])}),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Sharing) else "",
)
def test_it_finds_what_backward_passes_find(sharing: Sharing, more: dict[str, Any]) -> None:
    model = MultiTaskModel(sharing, tasks(), example=INPUTS, **more).train()
    batch, before = model.batch(INPUTS, LABELS), state(model)
    found = reached(model, [batch])
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(parameter.grad is None for parameter in model.parameters())
    assert found.tasks == slow(model, batch)
    assert found.labelled == ("a", "b", "c")
    assert ("Hint[a -> b]" in found.penalties) == isinstance(more.get("connections"), Hint)


def test_a_loss_that_reads_the_head_of_another_task_reaches_it() -> None:
    made = [Binary(name) for name in ("click", "buy")]
    model = MultiTaskModel(
        Hard(nn.Linear(4, 3)), made, example=torch.ones(2, 4), connections=ProductChain()
    )
    labels = {"click": torch.tensor([1.0, 0.0]), "buy": torch.tensor([1.0, 0.0])}
    found = reached(model, [model.batch(torch.ones(2, 4), labels)])
    heads = {n: t for n, t in found.tasks.items() if n.startswith("heads.") and "click" in n}
    assert heads and set(heads.values()) == {("click", "buy")}


def test_labels_are_looked_for_in_later_batches() -> None:
    model = MultiTaskModel(Hard(encoder()), tasks(), example=INPUTS)
    batches = [model.batch(INPUTS, {task: LABELS[task]}) for task in "aabc"]
    found = reached(model, batches)
    assert set(found.tasks["sharing.encoder." + next(iter(encoder().state_dict()))]) == {*"abc"}
    assert reached(model, batches[:2]).labelled == ("a",)


def test_frozen_parameters_and_tasks_are_left_out() -> None:
    model = MultiTaskModel(Separate(encoder()), tasks(), example=INPUTS)
    model.freeze("a")
    found = reached(model, [model.batch(INPUTS, LABELS)])
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert list(found.tasks) == trained
    assert found.labelled == ("b", "c")


def test_a_penalty_names_what_it_ties() -> None:
    model = MultiTaskModel(
        Separate(encoder()),
        tasks(),
        example=INPUTS,
        regularization=MeanRegularized(strength=0.1, scope="*weight"),
    )
    found = reached(model, [model.batch(INPUTS, LABELS)])
    (names,) = found.penalties.values()
    assert names and all(name.endswith("weight") and "encoders" in name for name in names)


class Branches(nn.Module):
    """Reads positive inputs by one layer, and others by another, as stems of two sources do."""

    def __init__(self) -> None:
        super().__init__()
        self.positive, self.other = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = self.positive(inputs) if inputs.sum() > 0 else self.other(inputs)
        return found


def test_a_branch_of_later_batches_is_found() -> None:
    model = MultiTaskModel(Hard(Branches()), tasks(), example=torch.ones(6, 3))
    batches = [model.batch(sign * torch.ones(6, 3), LABELS) for sign in (1, 1, -1)]
    assert set(reached(model, batches).tasks.values()) == {
        ("a", "b", "c"),
        *(("a",), ("b",), ("c",)),
    }
    assert () in reached(model, batches[:2]).tasks.values()
    assert () in reached(model, [batches[0]] * 20 + batches).tasks.values()  # after 16 of them
