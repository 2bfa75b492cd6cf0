"""What goes into each pass, at two cuts of one task and one of another."""

import torch
from torch import nn

from plait.gradients.labels.feed import Feed
from plait.gradients.labels.places import Cut, Place
from plait.gradients.labels.ranks import Ranks

MASKS = {"a": torch.tensor([True, True, False]), "b": torch.tensor([True, False, False])}
ONE = torch.tensor([[1.0], [2.0], [0.0]])
TWO = torch.tensor([[3.0, 4.0], [5.0, 0.0], [0.0, 0.0]])
OTHER = torch.tensor([[6.0], [0.0], [0.0]])


def feed(*gradients: torch.Tensor | None) -> Feed:
    outputs = [nn.Linear(2, width)(torch.ones(3, 2)) for width in (1, 2, 1)]
    cuts = [
        Cut(task, output.grad_fn, 0, Place(1, 3, output.shape[1]))
        for task, output in zip("aab", outputs, strict=True)
    ]
    return Feed(cuts, gradients, Ranks.of(MASKS))


def test_each_pass_has_one_label_of_an_example() -> None:
    found = feed(ONE, TWO, OTHER)
    edges, first = found.of(0)
    assert len(edges) == 2  # the label of b is the second of its example
    assert [each.tolist() for each in first] == [ONE.tolist(), TWO.tolist()]
    edges, second = found.of(1)
    assert len(edges) == 1 and second[0].tolist() == OTHER.tolist()
    assert found.outside.tolist() == [0, 0] and found.wrong() is None


def test_a_cut_that_no_loss_depends_on_is_left_out() -> None:
    edges, first = feed(ONE, None, OTHER).of(0)
    assert len(edges) == 1 and first[0].tolist() == ONE.tolist()
    assert feed(None, None, None).of(0) == ([], [])


def test_a_gradient_beside_the_labels_is_told() -> None:
    beside = TWO.clone()
    beside[2, 1] = -0.5
    found = feed(ONE, beside, OTHER)
    assert found.outside.tolist() == [0.5, 0] and found.wrong() == "a"


def test_a_gradient_that_single_precision_does_not_hold_is_told_too() -> None:
    found = feed(ONE, TWO, torch.full_like(OTHER, 1e-60, dtype=torch.float64))
    assert found.wrong() == "b"


def test_nan_beside_the_labels_is_kept_for_later() -> None:
    found = feed(ONE, TWO, torch.full_like(OTHER, torch.nan))
    assert found.wrong() is None and found.outside[1].isnan()


def test_in_a_single_pass_nothing_is_left_out() -> None:
    ranks = Ranks.of({"a": MASKS["a"]})
    output = nn.Linear(2, 1)(torch.ones(3, 2))
    _, fed = Feed([Cut("a", output.grad_fn, 0, Place(1, 3, 1))], [ONE], ranks).of(0)
    assert fed[0].tolist() == ONE.tolist()
