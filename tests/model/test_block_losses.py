"""The losses of blocks are those of the tasks, one by one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from plait.core.errors import ShapeError
from plait.core.label_table import LabelTable
from plait.model import MultiTaskModel
from tests.model.blocks import B, agree, join, labels, made

pytestmark = pytest.mark.usefixtures("double")


@pytest.fixture
def model(double: None) -> Iterator[MultiTaskModel]:
    found = made()
    with join(found):
        yield found


@pytest.mark.parametrize("missing", [0.0, 0.5])
@pytest.mark.parametrize("weighted", [None, "all", "some"])
def test_losses_are_those_of_the_tasks(
    model: MultiTaskModel, missing: float, weighted: str | None
) -> None:
    inputs = torch.randn(B, 4)
    targets = {name: labels(task, missing) for name, task in model.tasks.items() if name != "y3"}
    weights = None
    if weighted is not None:
        chosen = targets if weighted == "all" else ["n1", "y1"]
        weights = {name: torch.rand(B) for name in chosen}
    batch = model.batch(inputs, targets, weights)
    apart = model.losses([model(inputs)], batch)
    with model.flow.joint(True):
        found = model.losses([model(inputs)], batch)
    assert apart.stacked is None
    assert found.stacked is not None
    assert found.stacked.tolist() == [loss.item() for loss in found.values()]
    agree(found, apart)
    assert found.counts == apart.counts
    for name, loss in apart.raw.items():
        torch.testing.assert_close(found.raw[name], loss, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(B, 2), (B - 1,), (B, 1, 1)])
def test_labels_that_do_not_fit_are_told_by_their_task(
    model: MultiTaskModel, shape: tuple[int, ...]
) -> None:
    inputs = torch.randn(B, 4)
    targets = {name: labels(task) for name, task in model.tasks.items()}
    targets |= {f"n{position}": torch.zeros(shape) for position in range(8)}
    with model.flow.joint(True), pytest.raises(ShapeError, match=r"task 'n0'"):
        model.losses([model(inputs)], model.batch(inputs, targets))


def test_labels_of_two_shapes_are_looked_at_one_by_one(model: MultiTaskModel) -> None:
    inputs = torch.randn(B, 4)
    targets = {name: labels(task) for name, task in model.tasks.items()}
    targets["n3"] = targets["n3"].unsqueeze(1)
    batch = model.batch(inputs, targets)
    with model.flow.joint(True):
        found = model.losses([model(inputs)], batch)
    agree(found, model.losses([model(inputs)], batch))


def test_predictions_that_somebody_has_changed_count(model: MultiTaskModel) -> None:
    inputs = torch.randn(B, 4)
    batch = model.batch(inputs, {name: labels(task) for name, task in model.tasks.items()})
    with torch.no_grad():
        outputs = model(inputs)
        before = model.losses([outputs], batch)
        outputs["n2"] = outputs["n2"] + 1
        after = model.losses([outputs], batch)
    assert {name for name in before if before[name] != after[name]} == {"n2"}


def test_labels_of_a_table_are_those_of_its_columns(model: MultiTaskModel) -> None:
    """Whether a block has a matrix of its own, part of one, or labels in two."""
    inputs = torch.randn(B, 4)
    targets = {name: labels(task, 0.3) for name, task in model.tasks.items()}
    batch = model.batch(inputs, targets)
    split = targets | {"n3": targets["n3"].float()}
    tables = [
        LabelTable.of(targets, [name for name in targets if name.startswith("n")]),
        LabelTable.of(targets, [name for name in targets if name != "apart"]),
        LabelTable.of(dict(reversed(targets.items())), targets),
        LabelTable.of(split, targets),
    ]
    with model.flow.joint(True):
        wanted = model.losses([model(inputs)], batch)
        for table in tables:
            assert isinstance(table, LabelTable)
            found = model.losses([model(inputs)], model.batch(inputs, table))
            assert found.stacked is not None
            assert list(found) == list(wanted)
            for task, loss in wanted.items():
                torch.testing.assert_close(found[task], loss, rtol=1e-6, atol=1e-6)
