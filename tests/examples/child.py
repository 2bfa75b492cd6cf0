"""Runs an example in double precision, as many processes as there are of it.

``python -m tests.examples.child NAME FOLDER``. Each process saves the parameters that it has at the
end: of a training as a whole, and of one that went on from a checkpoint.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from plait.distributed import ranks


def save(network: nn.Module, folder: Path, name: str) -> None:
    torch.save(network.state_dict(), folder / f"{name}{ranks().rank}.pt")


def lightning_loop(folder: Path) -> None:
    from examples.lightning_loop import train

    save(train(2).lightning_module.network, folder, "whole")
    train(2, epochs=1).save_checkpoint(folder / "half.ckpt")
    save(train(2, checkpoint=folder / "half.ckpt").lightning_module.network, folder, "resumed")


def accelerate_loop(folder: Path) -> None:
    from examples.accelerate_loop import train

    save(train(), folder, "whole")
    train(1, folder / "state")
    save(train(2, folder / "state"), folder, "resumed")
    torch.distributed.destroy_process_group()


def ray_train_loop(folder: Path) -> None:
    """The training as a whole is one that was interrupted, and that Ray has started again."""
    import ray

    from examples.ray_train_loop import start

    with TemporaryDirectory() as short:  # paths of sockets have a limit
        ray.init("local", num_cpus=2, include_dashboard=False, _temp_dir=short)
        start(2, lambda: work(folder), str(folder))
        ray.shutdown()


def work(folder: Path) -> None:
    """Does what a worker of Ray does, which begins unlike the other, and fails once."""
    from examples import ray_train_loop, two_tasks

    torch.set_default_dtype(torch.float64)
    torch.manual_seed(ranks().rank)
    network = two_tasks.TwoTasks()
    if ranks().rank == 1 and not (folder / "failed").exists():
        ray_train_loop.losses_of = failing(two_tasks.losses_of, folder / "failed")
    ray_train_loop.train(network)
    save(network, folder, "whole")


def failing(call: Callable[..., Any], failed: Path) -> Callable[..., Any]:
    steps = []

    def losses_of(*given: Any) -> Any:
        steps.append(1)
        if len(steps) == 9:  # in the second epoch
            failed.touch()
            raise RuntimeError("a failure that is made")
        return call(*given)

    return losses_of


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    globals()[sys.argv[1]](Path(sys.argv[2]))
