"""Steps on photographs from files, beside the same steps on tensors that lie in memory."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Subset

import plait
from plait import MultiTaskModel
from plait.core.batch import Batch
from plait.data import InMemory, loader
from plait.encoders import ConvEncoder
from plait.recipes import Pets, Table
from plait.sharing import Hard
from plait.tasks import Classification, Segmentation

PHOTOS, SIDE, BATCH, RUNS = 48, 224, 8, 5
BOUND = 1.10  # times the steps on tensors in memory


def main(data: Path | None = None) -> bool:
    """Prints what a step on files takes in units of one on tensors; tells if the bound is kept.

    Args:
        data: the folder of the three breeds of pets, to measure on their photographs; made-up ones
            by default.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    print(f"photographs, JPEG files with masks, {SIDE} x {SIDE}, batch {BATCH}:")
    try:
        if data is not None:
            pets = Subset(Pets(data=data, augment=False).splits()["train"], range(PHOTOS))
            return _told(pets, "pets, kept in memory once decoded", bound=BOUND)
        with tempfile.TemporaryDirectory() as folder:
            table = photos(Path(folder))
            kept = described(table, cache=1.0).splits()["train"]
            anew = described(table, cache=0.0).splits()["train"]
            told = _told(kept, "kept in memory once decoded", bound=BOUND)
            _told(anew, "decoded in every epoch", bound=None)
    finally:
        torch.set_num_threads(threads)
    return told


def _told(files: Any, name: str, *, bound: float | None) -> bool:
    """Trains on files and on tensors, batch by batch in turn, and prints the ratio of the medians.

    The medians are those of five runs, each over all photographs once.
    """
    examples = [files[row] for row in range(len(files))]
    images = torch.stack([image for image, _ in examples])
    labels = {t: torch.stack([each[t] for _, each in examples]) for t in examples[0][1]}
    model = network("kind" if "kind" in labels else "breed")
    from_files = _loader(files, model)
    from_memory = _loader(InMemory(images, labels), model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    ratios = []
    for _ in range(RUNS):
        seconds: dict[str, list[float]] = {"files": [], "memory": []}
        for one, other in zip(_turns(from_files), _turns(from_memory), strict=True):
            for place, batches in (("files", one), ("memory", other)):
                began = time.perf_counter()
                step(model, next(batches), optimizer)
                seconds[place].append(time.perf_counter() - began)
        medians = {place: statistics.median(each) for place, each in seconds.items()}
        ratios.append(medians["files"] / medians["memory"])
    ratio = statistics.median(ratios)
    verdict = "" if bound is None else f", bound {bound}: {'kept' if ratio <= bound else 'MISSED'}"
    print(
        f"  files, {name} / tensors: {ratio:.3f}{verdict}   "
        f"({1e3 * medians['memory']:.0f} ms a step on tensors)"
    )
    return bound is None or ratio <= bound


def _turns(batches: DataLoader[Any]) -> Iterator[Iterator[Batch]]:
    """Yields the iterator of an epoch once for each of its batches."""
    found = iter(batches)
    for _ in range(len(batches)):
        yield found


def _loader(data: Any, model: MultiTaskModel) -> DataLoader[Any]:
    return loader(data, batch_size=BATCH, shuffle=True, tasks=model.tasks.values())


def step(model: MultiTaskModel, batch: Batch, optimizer: torch.optim.Optimizer) -> None:
    """Takes one step by hand."""
    optimizer.zero_grad()
    outputs = [model(part.inputs) for part in batch.parts]
    plait.backward(model.losses(outputs, batch), plait.balancing.Equal())
    optimizer.step()


def network(kind: str) -> MultiTaskModel:
    """Returns the classical trunk with a class and a mask."""
    torch.manual_seed(0)
    tasks = [Classification(kind, classes=3), Segmentation("mask", classes=3)]
    example = torch.zeros(2, 3, SIDE, SIDE)
    return MultiTaskModel(Hard(ConvEncoder(widths=(64, 128, 256))), tasks, example=example)


def described(table: Path, cache: float) -> Table:
    """Returns the table of the photographs."""
    mask = {"kind": "mask", "values": {0: "none", 1: "thing"}}
    return Table(
        data=table,
        split="split",
        inputs={"photo": {"kind": "image", "size": SIDE}},
        tasks={"kind": "category", "mask": mask},
        cache=cache,
    )


def photos(folder: Path) -> Path:
    """Writes photographs (smooth noise, as large in JPEG as a photo), masks and their table."""
    image = plait.data.images.decoder()
    rng = np.random.default_rng(0)
    lines = ["photo,mask,kind,split"]
    for row in range(PHOTOS + 2):
        coarse = rng.integers(0, 256, (28, 28, 3), dtype=np.uint8)
        photo = image.fromarray(coarse).resize((SIDE, SIDE), image.Resampling.BICUBIC)
        photo.save(folder / f"{row}.jpg", quality=85)
        mask = rng.integers(0, 2, (7, 7), dtype=np.uint8).repeat(32, 0).repeat(32, 1)
        image.fromarray(mask).save(folder / f"{row}.png")
        split = "train" if row < PHOTOS else ("val", "test")[row - PHOTOS]
        lines.append(f"{row}.jpg,{row}.png,{'ab'[row % 2]},{split}")
    path = folder / "photos.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the three breeds of pets")
    raise SystemExit(0 if main(parser.parse_args().data) else 1)
