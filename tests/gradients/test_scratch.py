"""Memory that is used again."""

import copy

import torch

from plait.gradients.scratch import Scratch

CPU = torch.device("cpu")


def test_a_matrix_of_the_same_size_or_smaller_takes_the_same_memory() -> None:
    scratch = Scratch()
    first = scratch.take(3, 4, torch.float32, CPU)
    assert first.shape == (3, 4)
    for rows, columns in ((3, 4), (2, 5), (1, 12)):
        again = scratch.take(rows, columns, torch.float32, CPU)
        assert again.shape == (rows, columns)
        assert again.is_contiguous()
        assert again.data_ptr() == first.data_ptr()


def test_what_does_not_fit_gets_memory_of_its_own() -> None:
    scratch = Scratch()
    first = scratch.take(2, 2, torch.float32, CPU).fill_(1)
    larger = scratch.take(3, 3, torch.float32, CPU).fill_(2)
    wider = scratch.take(2, 2, torch.float64, CPU).fill_(3)
    assert wider.dtype == torch.float64
    assert first.eq(1).all() and larger.eq(2).all()


def test_a_copy_shares_nothing() -> None:
    scratch = Scratch()
    taken = scratch.take(2, 2, torch.float32, CPU).fill_(1)
    copy.deepcopy(scratch).take(2, 2, torch.float32, CPU).fill_(2)
    assert taken.eq(1).all()
