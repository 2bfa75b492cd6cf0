"""Decoded pictures are made once where they are kept, and anew where they are not."""

import os
import pickle

import pytest
import torch

from plait.data.readers.kept import Kept


def test_each_kept_row_is_made_once() -> None:
    made: list[int] = []

    def make(row: int) -> torch.Tensor:
        made.append(row)
        return torch.full((2, 3), row, dtype=torch.uint8)

    kept = Kept([7, 3], (2, 3))
    for _ in range(3):
        for row in (3, 5, 7):
            assert (kept.get(row, lambda row=row: make(row)) == row).all()
    assert sorted(made) == [3, 5, 5, 5, 7]


def test_nothing_is_kept_of_other_rows() -> None:
    kept = Kept([], (2, 3))
    assert kept.get(0, lambda: torch.ones(2, 3, dtype=torch.uint8)).sum() == 6
    assert kept.get(0, lambda: torch.zeros(2, 3, dtype=torch.uint8)).sum() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")
def test_a_forked_process_keeps_for_all() -> None:
    kept = Kept([0], (4,))
    child = os.fork()
    if child == 0:
        kept.get(0, lambda: torch.full((4,), 9, dtype=torch.uint8))
        os._exit(0)
    os.waitpid(child, 0)
    assert kept.get(0, lambda: torch.zeros(4, dtype=torch.uint8)).tolist() == [9, 9, 9, 9]


def test_a_copy_in_another_process_keeps_nothing() -> None:
    kept = pickle.loads(pickle.dumps(Kept([0], (1,))))
    assert kept.get(0, lambda: torch.ones(1, dtype=torch.uint8)).item() == 1
    assert kept.get(0, lambda: torch.zeros(1, dtype=torch.uint8)).item() == 0
