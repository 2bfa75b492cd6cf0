"""plait in a loop with Accelerate.

``accelerate launch --cpu --num_processes 2 -m examples.accelerate_loop``, or under torchrun, or
without a launcher in one process.
"""

from __future__ import annotations

from pathlib import Path

import torch
from accelerate import Accelerator, DataLoaderConfiguration
from accelerate.utils import set_seed
from torch.utils.data import DataLoader

import plait
from examples.two_tasks import BATCH, EPOCHS, RATE, TwoTasks, losses_of, table
from plait.balancing import UPGrad


def train(epochs: int = EPOCHS, folder: Path | None = None) -> TwoTasks:
    """Returns the network, trained in each of the processes.

    Args:
        epochs: to train.
        folder: of checkpoints: one that is there is where the training begins, and it is saved.
    """
    set_seed(0)
    split = DataLoaderConfiguration(split_batches=True)  # `batch_size` is that of all processes
    accelerator = Accelerator(cpu=True, dataloader_config=split)
    network, balancer = TwoTasks(), UPGrad()
    backward = plait.Backward(balancer, network)
    model, optimizer, loader = accelerator.prepare(
        network,
        torch.optim.AdamW(network.parameters(), lr=RATE),
        DataLoader(table(), batch_size=BATCH),
    )
    accelerator.register_for_checkpointing(balancer, backward)
    if folder is not None and folder.exists():
        accelerator.load_state(folder)
    for _ in range(epochs):
        for batch in loader:
            optimizer.zero_grad()
            with accelerator.no_sync(model):  # plait adds the gradients up
                losses, counts = losses_of(model, *batch)
                record = backward(losses, counts=counts)
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        accelerator.print(dict(zip(record.tasks, record.losses.round(4).tolist(), strict=True)))
    if folder is not None:
        accelerator.save_state(folder)
    return network


if __name__ == "__main__":
    train()
