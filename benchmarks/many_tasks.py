"""What a step of many like tasks costs, beside one network with one wide head and one loss."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.small_networks import Turns
from plait import MultiTaskModel, Trainer
from plait.balancing import Balancer, Equal, UncertaintyWeights
from plait.data import InMemory, loader
from plait.sharing import Hard
from plait.tasks import Regression

TASKS = (12, 139, 617)
BOUNDED = (139, 617)
BOUNDS = {False: 2.0, True: 2.5}  # times the loop by hand, without and with a run folder
ROWS, BATCH, EPOCHS = 4096, 64, 5
METHODS: dict[str, Callable[[], Balancer]] = {
    "Equal": Equal,
    "UncertaintyWeights": UncertaintyWeights,
}


def main() -> bool:
    """Prints the ratios and returns whether the bounds are kept."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    print(f"Trainer / loop by hand with one wide head, MLP 64-128-128, batch {BATCH}, AdamW:\n")
    print("| tasks | method | no run folder | a run folder | a step by hand, ms |")
    print("|--:|---|--:|--:|--:|")
    try:
        kept = [_row(tasks, name) for tasks in TASKS for name in METHODS]
    finally:
        torch.set_num_threads(threads)
    return all(kept)


def _row(tasks: int, name: str) -> bool:
    kept, cells, by_hand = True, [], 0.0
    for folder, bound in BOUNDS.items():
        ratio, by_hand, _ = _train(tasks, METHODS[name](), folder=folder).summary()
        fine = tasks not in BOUNDED or ratio <= bound
        told = "" if tasks not in BOUNDED else f" ({'met' if fine else '**missed**'}, {bound})"
        cells.append(f"{ratio:.2f}{told}")
        kept = kept and fine
    print(f"| {tasks} | {name} | {' | '.join(cells)} | {by_hand:.2f} |", flush=True)
    return kept


def _train(tasks: int, balancer: Balancer, *, folder: bool) -> Turns:
    inputs, labels = table(tasks)
    turns = Turns(by_hand(inputs, labels), -(-ROWS // BATCH))
    names = [f"task{number}" for number in range(tasks)]
    heads = [Regression(name, mean=0.0, scale=1.0) for name in names]
    torch.manual_seed(0)
    model = MultiTaskModel(Hard(body()), heads, example=inputs[:2])
    columns = {name: labels[:, [place]] for place, name in enumerate(names)}
    with tempfile.TemporaryDirectory() as place:
        trainer = Trainer(
            model,
            balancer,
            epochs=EPOCHS,
            lr=1e-3,
            device="cpu",
            run=Path(place) / "run" if folder else None,
            callbacks=[turns],
            progress=False,
        )
        trainer.fit(loader(InMemory(inputs, columns), batch_size=BATCH, shuffle=True))
    return turns


def by_hand(inputs: Tensor, labels: Tensor) -> Iterator[None]:
    """Trains the same network with one head of all outputs, cut by index; one step at a time."""
    torch.manual_seed(0)
    model = nn.Sequential(body(), nn.Linear(128, labels.shape[1]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    for _ in range(EPOCHS):
        for rows in torch.randperm(ROWS).split(BATCH):
            loss = (model(inputs[rows]) - labels[rows]).square().mean(dim=0).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield


def body() -> nn.Module:
    """Returns two hidden layers of 128 on 64 inputs."""
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU())


def table(tasks: int) -> tuple[Tensor, Tensor]:
    """Returns the inputs `[N, 64]` and the labels `[N, T]`."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(ROWS, 64, generator=generator)
    return inputs, (inputs @ torch.randn(64, tasks, generator=generator) / 8).tanh()


if __name__ == "__main__":
    raise SystemExit(not main())
