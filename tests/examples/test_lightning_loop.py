"""The example of Lightning, in two processes."""

from pathlib import Path

import pytest
from torch.utils.data import DistributedSampler

from examples.two_tasks import EPOCHS, table
from tests.examples.comparison import check, needs, one_process, run


@pytest.mark.slow
@needs("lightning", "integrations")
@pytest.mark.usefixtures("double")
def test_two_processes_train_what_one_trains(tmp_path: Path) -> None:
    """Also from a checkpoint. Lightning shuffles the rows that it deals out."""
    run("lightning_loop", tmp_path)
    sampler = DistributedSampler(table(), num_replicas=1, rank=0, shuffle=True, seed=0)
    orders = []
    for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    check(tmp_path, one_process(orders), "whole", "resumed")
