"""Labels and examples of a step, over micro-batches and processes."""

import torch

from plait.core.batch import Batch
from plait.distributed import ALONE, ranks
from plait.tasks import Regression
from plait.training.shared_counts import labels_of, wholes_in
from tests.distributed.group import Group

TASKS = [Regression("a"), Regression("b")]


def batch(rows: int, labelled: int) -> Batch:
    """So many rows, of which some have a label of the second task."""
    b = torch.full((rows, 1), torch.nan)
    b[:labelled] = 1.0
    return Batch.of(torch.zeros(rows, 2), {"a": torch.ones(rows, 1), "b": b}, TASKS)


def test_one_process_adds_micro_batches_up() -> None:
    groups = [[batch(3, 1), batch(2, 0)], [batch(4, 4)]]
    first, second = wholes_in(groups, ["a", "b"], ALONE)
    assert (first.counts, first.examples) == ({"a": 5.0, "b": 1.0}, 5)
    assert (second.counts, second.examples) == ({"a": 4.0, "b": 4.0}, 0), "nobody asks for it"
    assert labels_of([]) == {}


def found() -> list[tuple[dict[str, float], int]]:
    """One process has two micro-batches of the first batch, the other none."""
    here = ranks()
    groups = [[batch(3, 1), batch(2, 0)] if here.rank == 0 else [], [batch(4, here.rank)]]
    return [(dict(each.counts), each.examples) for each in wholes_in(groups, ["a", "b"], here)]


def test_processes_add_up(two: Group) -> None:
    wanted = [({"a": 5.0, "b": 1.0}, 5), ({"a": 8.0, "b": 1.0}, 8)]
    assert two(found) == [wanted, wanted]
