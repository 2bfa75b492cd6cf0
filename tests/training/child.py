"""A training in a process of its own: ``python -m tests.training.child FOLDER BALANCER [STEP]``.

Prints the number of each step. It goes on with the run if the folder holds one, and waits to be
killed after STEP.
"""

import sys
import time
from pathlib import Path

import torch

from plait.training import Callback, StepRecord, Trainer
from tests.training.problem import train_loader, trainer, val_loader


class Say(Callback):
    def __init__(self, wait_at: int) -> None:
        self.wait_at = wait_at

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        print(trainer.state.step, flush=True)
        if trainer.state.step == self.wait_at:
            time.sleep(600)


def main(folder: str, name: str, wait_at: str = "0") -> None:
    made = trainer(Path(folder), name, callbacks=[Say(int(wait_at))], checkpoint_every=2)
    resume = (Path(folder) / "checkpoints").exists()
    made.fit(train_loader("random transform"), val_loader(), resume=resume)
    torch.save(made.model.state_dict(), Path(folder) / "final.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
