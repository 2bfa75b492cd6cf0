"""Masks as the caller gives them, and the words for a graph that cannot be split."""

from typing import Any

import pytest
import torch
from torch import nn

from plait.core.errors import ConfigError
from plait.engine.labels import check_labels, refusal_of
from plait.gradients import Refusal

LOSSES = {"a": torch.ones(()), "b": torch.ones(())}


def test_masks_are_those_of_the_tasks_with_a_loss() -> None:
    """Numbers above 0 are labels; a task without a mask has all of them."""
    found = check_labels({"a": torch.tensor([0.5, 0.0]), "c": torch.tensor([False, True])}, {
        "a": torch.ones(())
    })  # fmt: skip
    assert {task: mask.tolist() for task, mask in found.items()} == {"a": [True, False]}
    whole = check_labels({"a": torch.tensor([True, False])}, LOSSES)
    assert whole["b"].tolist() == [True, True] and list(whole) == ["a", "b"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({}, "must be masks by task; found {}"),
        ([torch.ones(2)], r"must be masks by task; found \["),
        ({"a": [True]}, r"`labels\['a'\]` must be a mask `\[B\]`.* found \[True\]"),
        ({"a": torch.ones(2, 1)}, r"found the shape \[2, 1\]"),
        (
            {"a": torch.ones(2), "b": torch.ones(3)},
            "same number for all tasks; found {'a': 2, 'b': 3}",
        ),
        ({"a": torch.ones(2), "B": torch.ones(2)}, "mask of 'B', which has no loss .* none of 'b'"),
    ],
)
def test_what_is_no_mask_is_refused(labels: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_labels(labels, LOSSES)


def test_a_refusal_names_the_module_or_the_one_that_is_near() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    weight = [model[1].weight]
    for found, words in [
        (Refusal("Node", "mixes", weight, inside=True), "; BatchNorm1d '1' (Node) mixes. Use"),
        (Refusal("Node", "mixes", weight), "; Node (near BatchNorm1d '1') mixes. Use"),
        (Refusal("Node", "mixes"), "; Node mixes. Use"),
        (Refusal("", "two tasks are one"), "; two tasks are one. Use"),
    ]:
        assert words in str(refusal_of(found, model))
    assert "; Node mixes" in str(refusal_of(Refusal("Node", "mixes", weight), None))
    single = nn.Linear(2, 2)
    assert "Linear (Node)" in str(
        refusal_of(Refusal("Node", "mixes", [single.weight], inside=True), single)
    )
