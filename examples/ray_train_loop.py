"""plait in the workers of Ray Train.

``python -m examples.ray_train_loop --workers 2``, on a machine of two cores or a cluster.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray
import torch
from ray.train import Checkpoint, FailureConfig, Result, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer, prepare_data_loader, prepare_model
from torch.utils.data import DataLoader

import plait
from examples.two_tasks import BATCH, EPOCHS, RATE, TwoTasks, losses_of, table
from plait.balancing import UPGrad


def train(network: TwoTasks) -> None:
    """Trains a network in each of the workers, from the last checkpoint if there is one."""
    ranks = plait.distributed.ranks()
    network = prepare_model(network, parallel_strategy=None)  # no DistributedDataParallel,
    ranks.broadcast_([*network.parameters(), *network.buffers()])  # which would have done this
    balancer = UPGrad()
    backward = plait.Backward(balancer, network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    parts: dict[str, Any] = {"network": network, "optimizer": optimizer}
    parts |= {"balancer": balancer, "backward": backward}
    loader = prepare_data_loader(DataLoader(table(), batch_size=BATCH // ranks.size))
    begin = 0
    if checkpoint := ray.train.get_checkpoint():
        with checkpoint.as_directory() as folder:
            begin, states = torch.load(Path(folder, "state.pt"))
        for name, part in parts.items():
            part.load_state_dict(states[name])
    for epoch in range(begin, EPOCHS):
        for batch in loader:
            optimizer.zero_grad()
            losses, counts = losses_of(network, *batch)
            record = backward(losses, counts=counts)
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
        found = dict(zip(record.tasks, record.losses.tolist(), strict=True))
        with TemporaryDirectory() as folder:
            if ranks.first:
                states = {name: part.state_dict() for name, part in parts.items()}
                torch.save((epoch + 1, states), Path(folder, "state.pt"))
            ray.train.report(found, Checkpoint(folder) if ranks.first else None)


def work() -> None:
    """Does what a worker has to do."""
    train(TwoTasks())


def start(workers: int, work: Callable[[], None] = work, storage: str | None = None) -> Result:
    """Returns the result of some workers; Ray starts them again if one is lost."""
    kept = RunConfig(storage_path=storage, failure_config=FailureConfig(max_failures=1))
    scaling = ScalingConfig(num_workers=workers)
    return TorchTrainer(work, scaling_config=scaling, run_config=kept).fit()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=1)
    print(start(**vars(parser.parse_args())).metrics)
