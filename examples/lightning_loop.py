"""plait in Lightning, with optimisation by hand.

``python -m examples.lightning_loop --processes 2``. Lightning starts the other processes itself,
and gives each its part of the rows.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader

import plait
from examples.two_tasks import BATCH, EPOCHS, RATE, TwoTasks, losses_of, table
from plait.balancing import UPGrad


class Module(lightning.LightningModule):
    """Trains the network; the balancer is a module of it, so that checkpoints have its state."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = TwoTasks()
        self.balancer = UPGrad()
        self.balanced_backward = plait.Backward(self.balancer, self.network)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Returns the optimizer."""
        return torch.optim.AdamW(self.parameters(), lr=RATE)

    def training_step(self, batch: list[Tensor], number: int) -> None:
        """Takes a step on this process's part of a batch."""
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        losses, counts = losses_of(self.network, *batch)
        with self.trainer.strategy.block_backward_sync():  # plait adds the gradients up
            record = self.balanced_backward(losses, counts=counts)
        self.clip_gradients(optimizer, gradient_clip_val=1.0)
        optimizer.step()
        self.log_dict(dict(zip(record.tasks, record.losses, strict=True)))  # of the joined batch

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds which parameters are shared, and the last weights."""
        checkpoint["balanced_backward"] = self.balanced_backward.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restores them."""
        self.balanced_backward.load_state_dict(checkpoint["balanced_backward"])


def train(
    processes: int, epochs: int = EPOCHS, checkpoint: Path | None = None
) -> lightning.Trainer:
    """Trains in each of the processes, from a checkpoint if there is one."""
    lightning.seed_everything(0, verbose=False)
    trainer = lightning.Trainer(
        accelerator="cpu",
        devices=processes,
        strategy="ddp",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader = DataLoader(table(), batch_size=BATCH // processes)
    trainer.fit(Module(), loader, ckpt_path=checkpoint)
    return trainer


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=1)
    trained = train(**vars(parser.parse_args()))
    if trained.is_global_zero:
        print({task: round(float(loss), 4) for task, loss in trained.callback_metrics.items()})
