"""What an example looks like depends on (seed, epoch, index) and on nothing else."""

import pickle

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from plait.data.augment import Augment, Augmented
from plait.data.draws import Draw
from plait.tasks import Segmentation, Task

MASK = Segmentation("mask", classes=2)


class Noise:
    """Six fixed examples."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        generator = torch.Generator().manual_seed(index)
        image = torch.rand(3, 8, 8, generator=generator)
        return image, {"mask": torch.arange(64).view(8, 8), "breed": torch.tensor(index)}


def augmented(seed: int = 0) -> Augmented:
    return Augmented(Noise(), Augment(), [MASK], seed=seed)


def test_a_draw_is_the_same_in_any_order() -> None:
    data = augmented()
    first = data[Draw(2, 5)]
    for draw in (Draw(0, 5), Draw(2, 4)):
        assert not torch.equal(data[draw][0], first[0])
    again = data[Draw(2, 5)]
    assert torch.equal(again[0], first[0])
    assert torch.equal(again[1]["mask"], first[1]["mask"])
    assert again[1]["breed"] == 2
    assert not torch.equal(augmented(seed=1)[Draw(2, 5)][0], first[0])


def test_equal_images_get_different_views() -> None:
    """The index is in the seed: else all examples of an epoch would move alike."""
    data = augmented()
    assert not torch.equal(data[Draw(0, 0)][1]["mask"], data[Draw(1, 0)][1]["mask"])


@pytest.mark.parametrize(
    "index", [3, -3, np.int64(3), Draw(3, 0), (3, 0), Draw(np.int64(3), np.int64(0))]
)
def test_a_plain_index_is_epoch_zero(index: int) -> None:
    assert torch.equal(augmented()[index][0], augmented()[Draw(3, 0)][0])


def test_it_ends_where_the_data_end() -> None:
    assert len(augmented()) == 6
    with pytest.raises(IndexError):
        augmented()[Draw(6, 0)]


def test_a_copy_draws_the_same() -> None:
    copy = pickle.loads(pickle.dumps(augmented()))
    assert torch.equal(copy[Draw(1, 1)][0], augmented()[Draw(1, 1)][0])


def test_the_number_of_workers_changes_nothing() -> None:
    draws = [[Draw(index, 3) for index in batch] for batch in ([4, 1], [0, 5], [2, 3])]
    runs = [
        [images for images, _ in DataLoader(augmented(), batch_sampler=draws, num_workers=workers)]
        for workers in (0, 2)
    ]
    assert len(runs[0]) == 3
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def test_tasks_that_cannot_be_pickled_cross_to_workers() -> None:
    """Only where their labels lie does: a task of one's own may hold functions."""
    own = Task("mask", head=lambda shape: None, loss=lambda p, y: p, geometry="point")
    data = Augmented(Noise(), Augment(), [own])
    assert pickle.loads(pickle.dumps(data)).places["mask"].geometry == "point"
