"""The table and the network of the examples."""

import pytest
import torch

from examples.two_tasks import BATCH, EPOCHS, ROWS, TwoTasks, losses_of, table
from tests.examples.comparison import one_process


def test_losses_are_means_over_the_labels_that_are_there() -> None:
    network = TwoTasks()
    inputs, sizes, kinds = table()[:20]
    losses, counts = losses_of(network, inputs, sizes, kinds)
    guessed, logits = network(inputs)
    errors = [(a - b).item() ** 2 for a, b in zip(guessed, sizes, strict=True) if not b.isnan()]
    chances = [
        row.softmax(0)[kind].log() for row, kind in zip(logits, kinds, strict=True) if kind >= 0
    ]
    assert counts == {"size": len(errors), "kind": len(chances)}
    assert 0 < len(chances) < len(errors) < 20
    assert losses["size"].item() == pytest.approx(sum(errors) / len(errors))
    assert losses["kind"].item() == pytest.approx(-sum(chances).item() / len(chances))


def test_a_task_without_a_label_has_no_loss() -> None:
    inputs = torch.randn(2, 8)
    found = losses_of(TwoTasks(), inputs, torch.full((2,), torch.nan), torch.tensor([-1, 2]))
    assert list(found[0]) == ["kind"]
    assert found[1] == {"size": 0, "kind": 1}


def test_processes_differ_in_their_labels_and_one_has_none_of_a_task() -> None:
    """Else the examples would not show what `counts` are for."""
    assert ROWS % BATCH == 0
    named = [table()[first : first + BATCH][2] >= 0 for first in range(0, ROWS, BATCH)]
    parts = [(int(each[::2].sum()), int(each[1::2].sum())) for each in named]
    assert any(a != b and a * b for a, b in parts)
    assert any(max(pair) > min(pair) == 0 for pair in parts)


def test_training_moves_the_parameters(double: None) -> None:
    moved, still = one_process([range(ROWS)] * EPOCHS), one_process([])
    assert all((moved[name] - still[name]).abs().max() > 1e-3 for name in still)
