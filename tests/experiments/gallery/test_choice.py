"""Half of the examples are spread evenly, the others are the worst of the rest."""

import torch

from plait.data import Sentence
from plait.experiments.gallery.choice import predicted, worst
from plait.tasks import Regression
from tests.experiments.gallery.samples import Known, Samples, sentences


def examples(errors: list[float], *, labelled: bool = True) -> Samples:
    """Numbers that are predicted with these errors."""
    return Samples(
        [
            Known(
                [Sentence(["a"])],
                {"size": torch.tensor(error if labelled else float("nan"))},
                {"size": torch.tensor([0.0])},
            )
            for error in errors
        ],
        [Regression("size")],
    )


def test_the_worst_come_first() -> None:
    made = examples([0.0, 3.0, -1.0, 9.0, 2.0])
    assert worst(made.model, made.data, 2, without=[3]) == [1, 4]
    assert worst(made.model, made.data, 9, without=[]) == [3, 1, 4, 2, 0]
    assert worst(made.model, made.data, 0, without=[]) == []
    assert worst(made.model, made.data, 2, without=list(range(5))) == []


def test_examples_without_a_label_are_no_worse_than_others() -> None:
    made = examples([1.0, 2.0], labelled=False)
    assert worst(made.model, made.data, 1, without=[]) == [0]


def test_one_example_alone_has_no_padding() -> None:
    made = sentences()
    for index, (_, labels) in enumerate(made.data):
        targets, predictions = predicted(made.model, made.data[index])
        assert targets["upos"].shape == (1, len(labels["upos"]))
        assert predictions["upos"].shape[:2] == (1, len(labels["upos"]))
