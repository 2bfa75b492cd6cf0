import math
from dataclasses import replace

import pytest
import torch

from plait.core import Batch, Masked, PerTask
from plait.core.errors import DataError
from plait.core.label_counts import LabelCounts
from plait.core.label_table import FEWEST, LabelTable
from plait.tasks import Classification, Regression

TASKS = [Classification("breed", classes=3), Regression("age")]
INPUTS = torch.randn(3, 4)
TARGETS = {"breed": torch.tensor([0, -100, 2]), "age": torch.tensor([1.0, math.nan, math.nan])}


def test_labels_are_counted_when_the_batch_is_made() -> None:
    batch = Batch.of(INPUTS, TARGETS, TASKS)
    assert batch.counts == {"breed": 2, "age": 1}
    (part,) = batch.parts
    assert part.inputs is INPUTS
    assert dict(part.targets) == TARGETS
    assert part.tasks == ("breed", "age")


def test_tasks_without_labels_and_labels_without_a_task_are_left_out() -> None:
    targets = {**TARGETS, "age": torch.full((3,), math.nan), "owner": ["x", "y", "z"]}
    batch = Batch.of(INPUTS, targets, TASKS, weights={"age": torch.ones(3)})
    (part,) = batch.parts
    assert (list(part.targets), list(part.weights), part.tasks) == (["breed"], [], ("breed",))
    assert batch.counts == {"breed": 2}
    assert Batch.of(INPUTS, {"breed": TARGETS["breed"]}, TASKS).counts == {"breed": 2}


def test_weights_count_and_stay_with_their_labels() -> None:
    weights = {"breed": torch.tensor([0.5, 1.0, 2.0]), "age": torch.tensor([0.0, 1.0, 1.0])}
    batch = Batch.of(INPUTS, TARGETS, TASKS, weights=weights)
    assert batch.counts == {"breed": 2.5}
    assert list(batch.parts[0].weights) == ["breed"]


def test_counts_add_up_over_the_parts() -> None:
    one = Batch.of(INPUTS, TARGETS, TASKS)
    other = Batch.of(INPUTS, {"breed": TARGETS["breed"]}, TASKS)
    joined = Batch(one.parts + other.parts)
    assert joined.counts == {"breed": 4, "age": 1}
    assert one.counts is one.parts[0].counts  # of one part there is nothing to add up


def test_labels_have_to_be_named() -> None:
    with pytest.raises(DataError, match=r"must be a dict \{task: labels\}; found Tensor"):
        Batch.of(INPUTS, TARGETS["breed"], TASKS)


def test_weights_have_to_belong_to_labels() -> None:
    with pytest.raises(DataError, match=r"'bred'; known: age, breed. Did you mean 'breed'\?"):
        Batch.of(INPUTS, TARGETS, TASKS, weights={"bred": torch.ones(3)})


@pytest.mark.parametrize(
    ("targets", "found"), [({"bred": INPUTS, "x": INPUTS}, "bred, x"), ({}, "none")]
)
def test_some_label_has_to_belong_to_a_task(targets: dict[str, object], found: str) -> None:
    near = r" Did you mean 'breed'\?" if targets else ""
    message = rf"no label belongs to a task of the model; found {found}; tasks: breed, age\.{near}$"
    with pytest.raises(DataError, match=message):
        Batch.of(INPUTS, targets, TASKS)


def test_a_label_outside_its_range_is_refused() -> None:
    with pytest.raises(DataError, match="task 'breed'"):
        Batch.of(INPUTS, {"breed": torch.tensor([0, 1, 3])}, TASKS)


def test_moving_moves_every_tensor_and_no_number() -> None:
    inputs = {"text": Masked(torch.zeros(3, 4), torch.ones(3, 4).bool()), "image": INPUTS}
    batch = Batch.of(inputs, TARGETS, TASKS, weights={"breed": torch.ones(3)})
    moved = batch.to("meta")
    (part,) = moved.parts
    assert isinstance(part.inputs["text"], Masked)
    each = [*part.inputs["text"], part.inputs["image"], *part.targets.values()]
    assert {tensor.device.type for tensor in [*each, part.weights["breed"]]} == {"meta"}
    assert moved.counts == batch.counts
    assert replace(part, inputs=None, targets={}, weights={}) == replace(
        batch.parts[0], inputs=None, targets={}, weights={}
    )
    assert batch.parts[0].inputs["image"] is INPUTS


def test_only_keeps_labels_counts_and_weights_of_the_named_tasks() -> None:
    weights = {"breed": torch.tensor([0.5, 1.0, 2.0]), "age": torch.tensor([3.0, 1.0, 1.0])}
    one = Batch.of(INPUTS, TARGETS, TASKS, weights=weights)
    other = Batch.of(INPUTS + 1, {"age": torch.ones(3)}, TASKS)
    batch = Batch(one.parts + other.parts)

    both = batch.only(["age", "unknown"])
    assert both.counts == {"age": 6.0}
    assert len(both.parts) == 2
    (part, _) = both.parts
    assert part.inputs is INPUTS
    assert part.targets.keys() == part.counts.keys() == part.weights.keys() == {"age"}
    assert part.targets["age"] is TARGETS["age"]
    assert part.weights["age"] is weights["age"]

    first = batch.only(iter(["breed"]))  # the second part has nothing left
    assert [part.inputs is INPUTS for part in first.parts] == [True]
    assert first.counts == {"breed": 2.5}

    assert batch.only([]).parts == ()
    assert batch.only([]).counts == {}
    assert batch.counts == {"breed": 2.5, "age": 6.0}, "the batch itself is as it was"


def test_only_keeps_the_order_of_the_labels() -> None:
    batch = Batch.of(INPUTS, TARGETS, TASKS)
    assert list(batch.only(["age", "breed"]).parts[0].targets) == ["breed", "age"]


# --- the number of examples is that of the labels -------------------------------------------


@pytest.mark.parametrize(
    "inputs", [INPUTS, ["a", "b c", "d"], object(), {"edges": torch.zeros(2, 9)}, torch.zeros(50)]
)
def test_the_number_of_examples_is_that_of_the_labels(inputs: object) -> None:
    batch = Batch.of(inputs, TARGETS, TASKS)
    assert batch.examples == 3
    assert Batch(batch.parts + batch.parts).examples == 6
    assert batch.only(["age"]).examples == 3


def test_inputs_that_differ_by_task_count_each() -> None:
    inputs = PerTask(breed=torch.zeros(2, 4), age=torch.zeros(3, 4))
    targets = {"breed": torch.tensor([0, 1]), "age": torch.zeros(3)}
    batch = Batch.of(inputs, targets, TASKS)
    assert batch.examples == 5
    assert batch.only(["age"]).examples == 3


def test_parts_without_a_label_can_be_left_out() -> None:
    one = Batch.of(INPUTS, TARGETS, TASKS)
    none = Batch.of(INPUTS, {"age": torch.full((3,), math.nan)}, TASKS)
    assert one.labelled is one
    assert Batch(none.parts + one.parts).labelled == one
    assert none.labelled.parts == ()
    assert none.examples == 0


# --- labels of many tasks as one tensor -------------------------------------------------------

MANY = [Regression(f"t{number}") for number in range(FEWEST)]


def table(rows: int = 3) -> LabelTable:
    targets = {task.name: torch.full((rows,), float(n)) for n, task in enumerate(MANY)}
    found = LabelTable.of(targets, targets)
    assert isinstance(found, LabelTable)
    return found


def test_a_table_stays_a_table() -> None:
    labels = table()
    labels["t1"].fill_(math.nan)
    batch = Batch.of(INPUTS, labels, LabelCounts(MANY))
    (part,) = batch.parts
    assert isinstance(part.targets, LabelTable)
    assert part.tasks == tuple(batch.counts) == ("t0", *(f"t{n}" for n in range(2, FEWEST)))
    assert part.examples == batch.examples == 3
    assert batch.to("cpu") is batch
    moved = batch.to("meta").parts[0].targets
    assert isinstance(moved, LabelTable)
    assert {each.device.type for each in moved.values()} == {"meta"}
    fewer = batch.only(["t5", "t2", "t1"])
    assert isinstance(fewer.parts[0].targets, LabelTable)
    assert fewer.parts[0].tasks == ("t2", "t5")
    assert fewer.counts == {"t2": 3.0, "t5": 3.0}
    assert fewer.examples == 3
    assert batch.only([]).parts == ()


def test_inputs_that_differ_by_task_count_each_in_a_table_too() -> None:
    inputs = PerTask({task.name: torch.zeros(3, 1) for task in MANY})
    assert Batch.of(inputs, table(), MANY).examples == 3 * FEWEST


def test_a_table_without_a_label_leaves_an_empty_part() -> None:
    batch = Batch.of(INPUTS, table(0), MANY)
    assert batch.examples == 0
    assert batch.counts == {}
    assert batch.labelled.parts == ()
