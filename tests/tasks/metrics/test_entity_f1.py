import copy
import math

import pytest
import torch
from torch import Tensor

from plait.core.errors import ConfigError
from plait.tasks import EntityF1

NAMES = {
    "BI": ["O", "B-A", "I-A", "B-B", "I-B"],
    "BIES": ["O", *(f"{letter}-{kind}" for letter in "BIES" for kind in "AB")],
}


def numbers(names: list[str], sentences: list[str]) -> Tensor:
    rows = [[names.index(tag) for tag in sentence.split()] for sentence in sentences]
    longest = max(map(len, rows))
    return torch.tensor([row + [-100] * (longest - len(row)) for row in rows])


def score(true: list[str], predicted: list[str], scheme: str = "BI") -> float:
    metric = EntityF1(NAMES[scheme])
    metric.update(numbers(NAMES[scheme], predicted), numbers(NAMES[scheme], true))
    return metric.compute().item()


@pytest.mark.parametrize(
    ("true", "predicted", "expected"),
    [  # worked out by hand by the rules of conlleval
        ("B-A I-A O B-B", "B-A I-A O B-B", 1.0),
        ("B-A I-A O B-B", "B-A I-A O O", 2 * 1 / (2 + 1)),
        ("B-A I-A O B-B", "B-A O O B-B", 2 * 1 / (2 + 2)),  # a border is wrong
        ("B-A I-A O B-B", "B-B I-B O B-B", 2 * 1 / (2 + 2)),  # a type is wrong
        ("O I-A I-A O", "O B-A I-A O", 1.0),  # a label without its B- is an entity all the same
        ("B-A I-A", "I-A I-A", 1.0),
        ("B-A I-A", "B-A I-B", 0.0),  # a broken prediction is two entities
        ("B-A B-A", "B-A I-A", 0.0),
        ("O O B-A", "O O O", 0.0),
    ],
)
def test_entities_count_that_agree_in_type_and_both_ends(
    true: str, predicted: str, expected: float
) -> None:
    assert score([true], [predicted]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("true", "predicted", "expected", "scheme"),
    [  # recorded: f1_score of seqeval 1.2.2, default mode, on random, mostly broken sequences
        (
            ["B-B B-A I-A O O I-B O B-B", "I-B O I-B B-A O O I-A I-A"],
            ["B-B B-A I-A O I-B I-B O B-B", "I-B O I-B B-A O O I-A I-A"],
            0.875,
            "BI",
        ),
        (
            ["O I-B I-B B-A B-B O I-B O", "I-B O I-B B-A I-A I-B I-A B-B"],
            ["O B-B I-B B-A B-B O I-B O", "I-B O I-B B-A I-A I-B I-A B-B"],
            1.0,
            "BI",
        ),
        (
            ["O I-B I-B B-B B-B B-B I-B I-A", "I-B I-A O O B-B I-A O O"],
            ["O I-B I-B B-B B-B B-B B-B I-A", "I-B I-A O O B-A I-A O I-A"],
            0.631578947368421,
            "BI",
        ),
        (
            ["B-A B-B S-A E-B S-B I-B B-B E-B", "S-B I-B E-B E-A E-B I-A B-B B-A"],
            ["B-A B-B S-A E-B S-B I-B B-B E-B", "S-B I-B S-B O E-B S-B B-B B-A"],
            0.7857142857142857,
            "BIES",
        ),
        (
            ["B-A S-A E-B O I-A B-A I-A S-A", "B-B B-A E-A O B-A O B-B S-B"],
            ["B-A S-A E-B E-B I-A B-A I-A S-A", "B-B S-A E-A O B-A O B-B S-B"],
            0.8333333333333333,
            "BIES",
        ),
        (
            ["B-B S-B O I-A S-B E-A B-B S-B", "O S-B I-B B-A I-B S-B E-A B-B"],
            ["B-B S-B O I-A S-B E-A I-A E-B", "O S-B I-B B-A I-B S-B E-A B-B"],
            0.9285714285714286,
            "BIES",
        ),
    ],
)
def test_it_is_seqeval_on_broken_sequences(
    true: list[str], predicted: list[str], expected: float, scheme: str
) -> None:
    assert score(true, predicted, scheme) == pytest.approx(expected)


def test_sentences_stay_apart() -> None:
    """An entity at the end of one sentence, and one at the beginning of the next."""
    assert score(["O I-A", "I-A O"], ["O I-A", "O O"]) == pytest.approx(2 / 3)


def test_tokens_without_a_label_are_taken_out_of_their_sentence() -> None:
    metric = EntityF1(NAMES["BI"])
    metric.update(torch.tensor([[1, 0, 2, 4]]), torch.tensor([[1, -100, 2, -1]]))
    assert metric.compute().item() == 1.0


def test_batches_add_up_and_copies_are_new() -> None:
    metric = EntityF1(NAMES["BI"])
    sentences = [("B-A O", "B-A O"), ("B-B O", "O O"), ("O O", "B-A O")]
    for true, predicted in sentences:
        metric.update(numbers(NAMES["BI"], [predicted]), numbers(NAMES["BI"], [true]))
    whole = score([each for each, _ in sentences], [each for _, each in sentences])
    assert metric.compute().item() == pytest.approx(whole) == pytest.approx(0.5)
    assert copy.deepcopy(metric).compute() == metric.compute()


def test_without_any_entity_there_is_no_f1() -> None:
    assert math.isnan(score(["O O"], ["O O"]))


def test_names_that_mark_no_entities_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"`names` of EntityF1 must be tags of entities.*'NOUN'"):
        EntityF1(["NOUN", "VERB"])
