import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.core.batch import Batch, Part
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.structure import PerTask
from plait.evaluation.all_right import AllRightMeters
from plait.tasks import Binary, Classification, MultiLabel, Regression, Segmentation, Tagging
from plait.tasks.base import BaseTask

TASKS: dict[str, BaseTask] = {
    "intent": Classification("intent", classes=3),
    "slots": Tagging("slots", classes=3),
    "mask": Segmentation("mask", classes=2),
    "bought": Binary("bought"),
    "labels": MultiLabel("labels", labels=2),
    "size": Regression("size"),
}
BOTH = {"sentence_accuracy": ["intent", "slots"]}


def part(targets: dict[str, Tensor]) -> Part:
    size = len(next(iter(targets.values())))
    (found,) = Batch.of(torch.zeros(size, 1), targets, TASKS.values()).parts
    return found


def logits(classes: Tensor, axis: int = -1) -> Tensor:
    return torch.nn.functional.one_hot(classes.clamp(min=0), 3).float().movedim(-1, axis)


def test_a_sentence_is_right_if_its_intent_and_all_its_slots_are() -> None:
    targets = {
        "intent": torch.tensor([0, 1, 2, 1]),
        "slots": torch.tensor([[0, 1, -100], [1, 1, 2], [2, -100, -100], [0, 0, 0]]),
    }
    intents = torch.tensor([0, 1, 2, 2])  # the last is wrong
    slots = torch.tensor([[0, 1, 2], [1, 1, 1], [2, 0, 0], [0, 0, 0]])  # the second is wrong
    meters = AllRightMeters(BOTH, TASKS)
    meters.update({"intent": logits(intents), "slots": logits(slots)}, part(targets))
    assert meters.compute() == {"sentence_accuracy": 2 / 4}


def test_an_example_without_a_label_of_one_task_does_not_count() -> None:
    targets = {
        "intent": torch.tensor([0, -100, 2]),
        "slots": torch.tensor([[0, 1], [1, 1], [-100, -100]]),
    }
    meters = AllRightMeters(BOTH, TASKS)
    assert math.isnan(meters.compute()["sentence_accuracy"])
    predictions = {name: logits(each) for name, each in targets.items()}
    meters.update(predictions, part(targets))
    assert meters.compute() == {"sentence_accuracy": 1.0}
    without = part({"intent": torch.tensor([1])})  # no slots in this part
    meters.update({"intent": logits(torch.tensor([0]))}, without)
    assert meters.compute() == {"sentence_accuracy": 1.0}


@given(st.integers(0, 10**6))
def test_it_is_a_loop_over_examples_for_all_kinds(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    size = 12

    def drawn(high: int, *shape: int) -> Tensor:
        return torch.randint(high, (size, *shape), generator=generator)

    truth = {"mask": drawn(2, 1, 2), "bought": drawn(2), "labels": drawn(2, 2)}
    guess = {name: (each + (drawn(5, *each.shape[1:]) == 0)) % 2 for name, each in truth.items()}
    missing = {name: drawn(6, *each.shape[1:]) == 0 for name, each in truth.items()}
    targets = {
        "mask": truth["mask"].masked_fill(missing["mask"], -100),
        "bought": truth["bought"].float().masked_fill(missing["bought"], math.nan),
        "labels": truth["labels"].float().masked_fill(missing["labels"], math.nan),
    }
    predictions = {
        "mask": torch.nn.functional.one_hot(guess["mask"], 2).float().movedim(-1, 1),
        "bought": guess["bought"].float().unsqueeze(1) - 0.5,
        "labels": guess["labels"].float() - 0.5,
    }
    meters = AllRightMeters({"all": ["mask", "bought", "labels"]}, TASKS)
    for rows in (slice(0, 5), slice(5, size)):
        meters.update(
            {name: each[rows] for name, each in predictions.items()},
            part({name: each[rows] for name, each in targets.items()}),
        )
    right = known = 0
    for i in range(size):
        if missing["mask"][i].all() or missing["bought"][i] or missing["labels"][i].any():
            continue
        known += 1
        right += all(
            bool(((guess[name] == truth[name]) | missing[name])[i].all()) for name in truth
        )
    found = meters.compute()["all"]
    assert math.isnan(found) if not known else found == pytest.approx(right / known)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"x": ["intent", "slot"]}, r"task of `all_right` metric 'x'.*'slot'.*slots"),
        ({"x": []}, "`all_right` metric 'x' names no task"),
        ({"x": ["size", "intent"]}, "found task 'size', a Regression. Leave it out"),
    ],
)
def test_tasks_that_cannot_be_right_are_refused(asked: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AllRightMeters(asked, TASKS)


def test_examples_that_have_one_task_each_are_refused() -> None:
    inputs = PerTask({"intent": torch.zeros(1, 1), "slots": torch.zeros(1, 1)})
    with pytest.raises(UnsupportedError, match="inputs differ by task"):
        AllRightMeters(BOTH, TASKS).update({}, Part(inputs, {}, {}))
    AllRightMeters({}, TASKS).update({}, Part(inputs, {}, {}))
