"""Steps of training on a table in memory, beside loops by hand and Lightning's, in one thread."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.small_networks import Turns
from plait import MultiTaskModel, Trainer
from plait.core.columns import Column
from plait.data import InMemory, loader
from plait.encoders import TabularMLP
from plait.sharing import Hard
from plait.tasks import Binary, Regression

ROWS, COLUMNS, BATCH, EPOCHS = 100_000, 20, 256, 4
STEPS = -(-ROWS // BATCH)
BOUNDS = {"torch's DataLoader": 0.8, "cut by index": 1.6}  # times the loop by hand
AIM = 1.3  # of the second

Batches = Callable[[], Iterator[list[Tensor]]]


def main() -> bool:
    """Prints what a step takes in units of the loops by hand; returns whether bounds are kept."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    print(f"{ROWS:,} rows x {COLUMNS} columns, MLP 64-64, two tasks, batch {BATCH}, steps only:")
    try:
        kept = [_told(name, run=run) for name in BOUNDS for run in (True, False)]
        _lightning()
    finally:
        torch.set_num_threads(threads)
    return all(kept)


def _told(name: str, *, run: bool) -> bool:
    """Trains with the Trainer and by hand, in turn."""
    turns = Turns(loop_by_hand(LOOPS[name]), STEPS)
    with tempfile.TemporaryDirectory() as folder:
        model = network()
        data = InMemory(*table())
        trainer = Trainer(
            model,
            epochs=EPOCHS,
            lr=1e-3,
            device="cpu",
            run=Path(folder) / "run" if run else None,
            callbacks=[turns],
            progress=False,
        )
        tasks = model.tasks.values()
        trainer.fit(loader(data, batch_size=BATCH, shuffle=True, tasks=tasks))
    ratio, by_hand, _ = turns.summary()
    bound = BOUNDS[name]
    aim = f" (aim {AIM})" if name == "cut by index" else ""
    print(
        f"  Trainer, {'a' if run else 'no'} run folder / by hand, {name}: {ratio:.2f}, "
        f"bound {bound}{aim}: {'kept' if ratio <= bound else 'MISSED'}   ({by_hand:.2f} ms a step "
        "by hand)"
    )
    return ratio <= bound


def _lightning() -> None:
    """Prints what Lightning's loop takes beside the loop by hand with torch's DataLoader."""
    try:
        import lightning
    except ModuleNotFoundError:
        print("  Lightning: not installed (`pip install -r benchmarks/requirements.txt`)")
        return
    turns = Turns(loop_by_hand(from_torch), STEPS)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = network()
            self.parts = parts(self.model)

        def training_step(self, batch: list[Tensor], index: int) -> Tensor:
            return loss(self.parts, *batch)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return optimizer(self.parts)

    class InTurn(lightning.Callback):
        def on_train_start(self, trainer: Any, module: Any) -> None:
            turns.on_train_start(trainer)

        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            turns.on_step_end(trainer, None)  # type: ignore[arg-type]

    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        callbacks=[InTurn()],
        enable_checkpointing=False,
        **quiet,
    )
    x, targets = table()
    data = TensorDataset(x, *targets.values())
    trainer.fit(Module(), DataLoader(data, batch_size=BATCH, shuffle=True))
    ratio, by_hand, _ = turns.summary()
    print(f"  Lightning / by hand, torch's DataLoader: {ratio:.2f}   ({by_hand:.2f} ms by hand)")


def table() -> tuple[Tensor, dict[str, Tensor]]:
    """Returns the inputs `[N, 20]`, a number `[N, 1]` and a yes or no `[N, 1]`."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, COLUMNS, generator=generator)
    y = x @ torch.randn(COLUMNS, 2, generator=generator)
    return x, {"number": y[:, :1].clone(), "yes": (y[:, 1:] > 0).float()}


def network() -> MultiTaskModel:
    """Returns a `TabularMLP` with two linear heads."""
    torch.manual_seed(0)
    known = {"center": [0.0], "scale": [1.0], "missing": [0.0], "edges": [[-1.0, 0.0, 1.0]]}
    columns = [Column(f"c{place}", "number", **known) for place in range(COLUMNS)]
    tasks = [Regression("number", mean=0.0, scale=1.0), Binary("yes")]
    encoder = TabularMLP(columns, widths=(64, 64))
    return MultiTaskModel(Hard(encoder), tasks, example=torch.zeros(4, COLUMNS))


def parts(model: MultiTaskModel) -> nn.ModuleList:
    """Returns the encoder and the two linear heads of a model."""
    linear = [each for each in model.heads.modules() if type(each) is nn.Linear]
    return nn.ModuleList([model.sharing.prototype(), *linear])


def loss(parts: nn.ModuleList, x: Tensor, number: Tensor, yes: Tensor) -> Tensor:
    """Returns the sum of the two losses, as anyone would write it."""
    encoder, first, second = parts
    hidden = encoder(x)
    return F.mse_loss(first(hidden), number) + F.binary_cross_entropy_with_logits(
        second(hidden), yes
    )


def optimizer(parts: nn.ModuleList) -> torch.optim.Optimizer:
    """Returns what the Trainer takes by default."""
    return torch.optim.AdamW(parts.parameters(), lr=1e-3, weight_decay=0.0)


def loop_by_hand(batches: Batches) -> Iterator[None]:
    """Trains without checks, log and checkpoints; pauses after each step."""
    network_parts = parts(network())
    chosen = optimizer(network_parts)
    for _ in range(EPOCHS):
        for x, number, yes in batches():
            total = loss(network_parts, x, number, yes)
            chosen.zero_grad()
            total.backward()
            chosen.step()
            yield


def by_index() -> Iterator[list[Tensor]]:
    """Yields batches that are cut out of the tensors."""
    x, targets = table()
    order = torch.randperm(ROWS)
    for start in range(0, ROWS, BATCH):
        rows = order[start : start + BATCH]
        yield [x[rows], targets["number"][rows], targets["yes"][rows]]


def from_torch() -> Iterator[list[Tensor]]:
    """Yields batches as torch's loader joins them by default."""
    x, targets = table()
    data = TensorDataset(x, *targets.values())
    yield from DataLoader(data, batch_size=BATCH, shuffle=True)


LOOPS: dict[str, Batches] = {"torch's DataLoader": from_torch, "cut by index": by_index}


if __name__ == "__main__":
    main()
