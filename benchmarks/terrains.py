"""Do affinities find the two terrains of Landmine? Fields 0-14 are foliated, 15-28 are bare.

``python -m benchmarks.terrains --data DIR [--seeds 5]``, with the folder that has `landmine`.

One network of 16 hidden units is trained on all 29 fields. Affinities by TAG (a mean over the
training) and by Grad-TAG (at its end) each propose two groups. Then every grouping is trained, and
compared on the test places: all fields together, each alone, the proposed groups, the terrains.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from plait.core.batch import Batch
from plait.core.structure import PerTask
from plait.data import Disjoint
from plait.encoders import MLPEncoder
from plait.evaluation import evaluate
from plait.model import MultiTaskModel
from plait.recipes import Landmine
from plait.relations import GradTAG, Grouping, choose_groups, example_gradients, tag_affinity
from plait.sharing import Hard

FOLIATED = 15  # fields, which come first
STEPS, EVERY = 100, 20  # of the training; between two look-aheads
Groups = Sequence[Sequence[str]]


class Fields:
    """The places of all fields, with features in units of their spread in the training part."""

    def __init__(self, folder: Path) -> None:
        recipe = Landmine(data=folder)
        self.tasks = {task.name: task for task in recipe.tasks()}
        self.names = list(self.tasks)
        self.tables: dict[str, Disjoint] = dict(recipe.splits())  # type: ignore[arg-type]
        rows = torch.cat([self.tables["train"].inputs[name] for name in self.names])
        self._mean, self._spread = rows.mean(dim=0), rows.std(dim=0)

    def batch(self, model: MultiTaskModel, split: str) -> Batch:
        """Returns all places of the model's fields."""
        table = self.tables[split]
        inputs = {name: (table.inputs[name] - self._mean) / self._spread for name in model.tasks}
        return model.batch(PerTask(inputs), {name: table.targets[name] for name in model.tasks})


def train(
    fields: Fields, names: Sequence[str], seed: int, *, look: bool = False
) -> tuple[MultiTaskModel, list[np.ndarray]]:
    """Trains one network on some fields; returns it, and the affinities met on the way."""
    torch.manual_seed(seed)
    model = MultiTaskModel(
        Hard(MLPEncoder(in_features=9, widths=(16,))),
        [fields.tasks[name] for name in names],
        example=torch.zeros(2, 9),
        seed=seed,
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    batch, seen = fields.batch(model, "train"), []
    for step in range(STEPS):
        if look and step and step % EVERY == 0:
            seen.append(tag_affinity(model, [batch], lr=0.1).values)
        optimizer.zero_grad()
        losses = model.losses([model(p.inputs, tasks=p.tasks) for p in batch.parts], batch)
        torch.stack([*losses.values()]).mean().backward()
        optimizer.step()
    return model, seen


def area(fields: Fields, groups: Groups, seed: int) -> float:
    """Trains each group, and returns the mean area under the ROC curve over the fields."""
    found: dict[str, float] = {}
    for group in groups:
        model, _ = train(fields, group, seed)
        metrics = evaluate(model, [fields.batch(model, "test")]).metrics
        found |= {name: next(iter(metrics[name].values())) for name in group}
    return float(np.mean(list(found.values())))


def proposals(fields: Fields, seed: int) -> dict[str, Grouping]:
    """Returns the two groups that each kind of affinity proposes."""
    model, seen = train(fields, fields.names, seed, look=True)
    gradients = example_gradients(model, [fields.batch(model, "train")], directions=100)
    affinities = {"TAG": np.mean(seen, axis=0), "Grad-TAG": GradTAG(gradients).affinity().values}
    return {
        kind: choose_groups(values, 2, tasks=fields.names, overlap=False)
        for kind, values in affinities.items()
    }


def agreement(fields: Fields, grouping: Grouping) -> int:
    """Counts the fields that are on the side of their terrain."""
    first = grouping.groups[0]
    sides = [(name in first) == (n < FOLIATED) for n, name in enumerate(fields.names)]
    return max(sum(sides), len(sides) - sum(sides))


def main() -> None:
    """Prints a row for each seed and each kind of affinity."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    fields = Fields(arguments.data / "landmine")
    terrains = [fields.names[:FOLIATED], fields.names[FOLIATED:]]
    print("seed  method    fields right  AUC: together  alone  proposed  terrains")
    for seed in range(arguments.seeds):
        together = area(fields, [fields.names], seed)
        alone = area(fields, [[name] for name in fields.names], seed)
        best = area(fields, terrains, seed)
        for kind, grouping in proposals(fields, seed).items():
            right, own = agreement(fields, grouping), area(fields, grouping.groups, seed)
            print(
                f"{seed:4}  {kind:8}  {right:9}/29  {together:13.3f}  {alone:5.3f}  {own:8.3f}"
                f"  {best:8.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
