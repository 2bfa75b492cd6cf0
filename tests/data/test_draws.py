"""Which data sets are asked for draws."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset, Subset

from plait.core.errors import ConfigError
from plait.data import Draw, InMemory, loader
from plait.data.draws import takes_draws
from plait.data.images import Normalised


class Changing(Dataset[Any]):
    """The label of an example is its epoch."""

    takes_draws = True

    def __len__(self) -> int:
        return 5

    def __getitem__(self, draw: Draw) -> tuple[Tensor, dict[str, int]]:
        return torch.full((1,), float(draw.index)), {"epoch": draw.epoch}


def test_a_data_set_that_changes_is_told_the_epoch() -> None:
    for data in (Changing(), Normalised(Changing())):
        assert takes_draws(data)
        loading: Any = loader(data, batch_size=2, shuffle=True)
        for epoch in (0, 3):
            loading.batch_sampler.set_epoch(epoch)
            labels = torch.cat([targets["epoch"] for _, targets in loading])
            assert labels.tolist() == [epoch] * 5


def test_other_data_sets_are_asked_for_whole_numbers() -> None:
    rows = [(torch.zeros(1), {"y": 0})]
    for data in (rows, InMemory(torch.zeros(2, 1), {}), Subset(rows, [0]), ConcatDataset([rows])):
        assert not takes_draws(data)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "hide",
    [
        lambda data: Subset(data, [1, 2]),
        lambda data: ConcatDataset([data, data]),
        lambda data: Subset(ConcatDataset([data]), [0]),
    ],
)
def test_a_subset_that_hides_the_epoch_is_refused(hide: Any) -> None:
    with pytest.raises(ConfigError, match="Put Changing around"):
        loader(hide(Changing()), batch_size=2, shuffle=True)
