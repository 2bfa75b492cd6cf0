"""Epochs over sentences in batches of like lengths, beside batches that need hardly any padding."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from typing import Any

import torch
from torch.utils.data import DataLoader

from benchmarks.photos import step
from plait import MultiTaskModel
from plait.core.columns import Column
from plait.data import Collation, Examples, loader
from plait.data.readers import Tags, Texts
from plait.encoders import TextEncoder
from plait.sharing import Hard
from plait.tasks import Classification, Tagging

SENTENCES, BATCH, RUNS, WORDS = 2_000, 32, 5, 500
BOUND = 1.15  # times an epoch of batches that were sorted by length


def main() -> bool:
    """Prints what an epoch takes in units of one without padding; tells if the bound is kept."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _told()
    finally:
        torch.set_num_threads(threads)


def _told() -> bool:
    data = sentences()
    model = network(data)
    tasks = list(model.tasks.values())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    order = torch.as_tensor(data.lengths).argsort().tolist()
    blocks = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    ideal: DataLoader[Any] = DataLoader(data, batch_sampler=blocks, collate_fn=Collation(tasks))
    buckets = loader(data, batch_size=BATCH, shuffle=True, tasks=tasks)
    data.lengths = None
    plain = loader(data, batch_size=BATCH, shuffle=True, tasks=tasks)
    ratios: dict[str, list[float]] = {"like lengths": [], "as drawn": []}
    for _ in range(RUNS):
        base = _epoch(model, ideal, optimizer)
        ratios["like lengths"].append(_epoch(model, buckets, optimizer) / base)
        ratios["as drawn"].append(_epoch(model, plain, optimizer) / base)
    like, drawn = (statistics.median(each) for each in ratios.values())
    kept = like <= BOUND
    print(
        f"{SENTENCES:,} sentences of 3 to 60 words, batch {BATCH}, TextEncoder, two tasks:\n"
        f"  batches of like lengths / sorted by length: {like:.3f}, bound {BOUND}: "
        f"{'kept' if kept else 'MISSED'}; as drawn: {drawn:.2f}"
    )
    return kept


def _epoch(model: MultiTaskModel, batches: Iterable[Any], optimizer: Any) -> float:
    """Returns the seconds of an epoch."""
    began = time.perf_counter()
    for batch in batches:
        step(model, batch, optimizer)
    return time.perf_counter() - began


def sentences() -> Examples:
    """Returns sentences of random words, with a tag for each word and a class."""
    generator = torch.Generator().manual_seed(0)
    lengths = (3 + 10 * torch.randn(SENTENCES, generator=generator).exp()).clamp(max=60).int()
    words = [
        [f"w{int(k)}" for k in torch.randint(WORDS, (int(length),), generator=generator)]
        for length in lengths
    ]
    known = [f"w{k}" for k in range(WORDS)]
    column = Column("said", "tokens", values=known, form=" ", pieces=5_000)
    tags = [[int(word[1:]) % 10 for word in row] for row in words]
    classes = torch.tensor([row[0] for row in tags])
    return Examples({"said": Texts(words, column)}, {"tag": Tags(tags), "kind": classes})


def network(data: Examples) -> MultiTaskModel:
    """Returns a `TextEncoder` with a tag for each word and a class."""
    torch.manual_seed(0)
    tasks = [Tagging("tag", classes=10), Classification("kind", classes=10)]
    example = next(iter(loader(data, batch_size=2, shuffle=False, tasks=tasks))).parts[0].inputs
    encoder = TextEncoder(codes=2 + WORDS, pieces=5_000)
    return MultiTaskModel(Hard(encoder), tasks, example=example)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
