"""What is held label by label; test_plan.py has it against the loop over the tasks."""

import torch

from plait.gradients.labels.found import LabelGradients
from plait.gradients.labels.ranks import Ranks

MASKS = {"a": torch.tensor([True, False]), "b": torch.tensor([False, True])}


def test_a_parameter_of_one_task_counts_in_its_row_alone() -> None:
    p = torch.zeros(2)
    found = LabelGradients(
        Ranks.of(MASKS), [], torch.zeros(2), alone=[(p, "b", torch.tensor([3.0, 4.0]))]
    )
    assert found.multiply().tolist() == [[0, 0], [0, 25]]
    ((one, gradient),) = found.weighted(torch.tensor([5.0, 2.0]))
    assert one is p and gradient.tolist() == [6, 8]
    (_, first), (_, second) = found.rows()
    assert first == [] and second[0][0] is p


def test_a_gradient_at_no_label_that_is_not_finite_is_seen_in_the_products() -> None:
    found = LabelGradients(Ranks.of(MASKS), [], torch.tensor([0.0, torch.nan]))
    assert found.multiply().isnan().tolist() == [[False, False], [False, True]]


def test_what_the_sum_of_the_losses_tells_comes_with_the_first_row() -> None:
    p, q = torch.zeros(1), torch.zeros(1)
    found = LabelGradients(
        Ranks.of(MASKS),
        [],
        torch.zeros(2),
        own=[(p, "b", torch.ones(1))],
        summed=[(q, torch.ones(1))],
    )
    assert [(task, [id(each) for each, _ in pairs]) for task, pairs in found.rows()] == [
        ("a", [id(q)]),
        ("b", [id(p)]),
    ]
