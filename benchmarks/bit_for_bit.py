"""Did a change alter what is trained? The same runs before and after, compared bit for bit.

Train with one checkout, then with another, and compare the two folders:

    PYTHONPATH=BEFORE/src python benchmarks/bit_for_bit.py train before
    PYTHONPATH=AFTER/src  python benchmarks/bit_for_bit.py train after
    python benchmarks/bit_for_bit.py compare before after

Every base of balancers, every family, accumulation, re-used weights, resuming: one run each. Equal
are: all tensors of the last checkpoint (model, optimizer, balancer), the trained model, and all
numbers of `events.jsonl` except times. A field, or a kind of event, that only the newer log has is
named, and no fault.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

COMMON = {
    "recipe": {"class": "digits", "scenes": 300},
    "epochs": 2,
    "batch_size": 32,
    "log_every": 3,
    "gallery": 0,
}
SEPARATE = {"sharing": "Separate"}
RUNS: dict[str, dict[str, Any]] = {
    "losses": {"balancing": "UncertaintyWeights", "measure_every": 3},
    "losses-reread": {"balancing": "FAMO", "schedule": {"mask": [0.2, 0.4]}},
    "gramian-rows": {"balancing": "UPGrad", "route": "rows"},
    "gramian-layers": {"balancing": "MGDA", "route": "layers", "sharing": "MMoE"},
    "gramian-features": {"balancing": "CAGrad", "at": "features"},
    "gramian-last-layer": {"balancing": "GradNorm", "tasks": {"digit": {"weight": 2.0}}},
    "gramian-groups": {"balancing": {"class": "GradVac", "groups": "matrix"}},
    "cross-gramian": {"balancing": "MoDo", "optimizer": {"class": "SGD", "lr": 0.01}},
    "rows": {"balancing": "DBMTL", "measure_every": 1},
    "bilevel": {"balancing": "AutoLambda", "optimizer": {"class": "Adam", "lr": 1e-3}},
    "re-used": {"balancing": "NashMTL", "every": 3, "clip": 1.0},
    "accumulated": {"balancing": "UPGrad", "accumulate": 2, "batch_size": 16, "clip": 1.0},
    "accumulated-losses": {"balancing": "DWA", "accumulate": 3, "batch_size": 16},
    "family-2": {
        **SEPARATE,
        "regularization": [
            {"class": "TraceNorm", "mode": "prox", "strength": 1e-3},
            {"class": "PairwiseL2", "strength": 1e-3},
        ],
    },
    "family-3-mixing": {**SEPARATE, "connections": "CrossStitch", "balancing": "PCGrad"},
    "family-3-penalty": {**SEPARATE, "connections": "Hint", "scheduler": "CosineAnnealingLR"},
    "resumed": {"balancing": "GradDrop", "checkpoint_every": 5},
}
STOP = 9  # the step after whose checkpoint the run "resumed" is broken off
TIMES = {"seconds"}


def train(folder: Path) -> None:
    """Trains every run with the plait that is found first."""
    import plait
    from plait.experiments import merge, resume_run, run, validate, with_defaults
    from plait.training import Callback

    class Stop(Callback):
        def on_step_end(self, trainer: Any, record: Any) -> None:
            if trainer.state.step == STOP:
                raise InterruptedError

    torch.set_num_threads(1)
    print(f"plait of {Path(plait.__file__).parent}", file=sys.stderr)
    for name, settings in RUNS.items():
        print(name, file=sys.stderr)
        config = validate(with_defaults(merge(COMMON, settings)))
        place = folder / name
        if name == "resumed":
            try:
                run(config, place, callbacks=[Stop()])
            except InterruptedError:
                resume_run(place)
        else:
            run(config, place)


def compare(before: Path, after: Path) -> bool:
    """Prints what differs, and returns whether nothing does."""
    same = True
    for name in RUNS:
        faults, news = list(differences(before / name, after / name)), set()
        for fault in list(faults):
            if fault.startswith("new "):
                faults.remove(fault)
                news.add(fault)
        same = same and not faults
        print(f"{name}: {'equal' if not faults else 'DIFFERENT'}{_told(news)}")
        for fault in faults[:5]:
            print(f"    {fault}")
    return same


def differences(before: Path, after: Path) -> Iterator[str]:
    """Yields what differs between two run folders."""
    for file in ("model/model.safetensors", "checkpoints/last.pt"):
        old, new = (dict(_tensors(_read(folder / file))) for folder in (before, after))
        if not old:
            yield f"{file}: no tensor"
        for key in old:
            if key not in new:
                yield f"{file}: {key} is gone"
            elif not _same(old[key], new[key]):
                yield f"{file}: {key}"
    old_events, new_events = (
        [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
        for folder in (before, after)
    )
    known = {event["event"] for event in old_events}
    for kind in {event["event"] for event in new_events} - known:
        yield f"new event {kind!r}"
    new_events = [event for event in new_events if event["event"] in known]
    if len(old_events) != len(new_events):
        yield f"events.jsonl: {len(old_events)} and {len(new_events)} lines"
    for number, (first, second) in enumerate(zip(old_events, new_events, strict=False), start=1):
        for key in second.keys() - first.keys():
            yield f"new field {key!r} of event {second['event']!r}"
        for key in first.keys() - TIMES:
            if first[key] != second.get(key):
                yield f"events.jsonl, line {number}: {key}: {first[key]} and {second.get(key)}"


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return load_file(path)
    saved = torch.load(path, weights_only=True)
    return {key: saved[key] for key in ("model", "optimizer", "balancer")}


def _tensors(value: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _tensors(each, f"{name}/{key}")
    elif isinstance(value, list | tuple):
        for key, each in enumerate(value):
            yield from _tensors(each, f"{name}/{key}")


def _same(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.dtype == second.dtype and torch.equal(first, second)


def _told(news: set[str]) -> str:
    return f" ({', '.join(sorted(news))})" if news else ""


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("train").add_argument("folder", type=Path)
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    given = parser.parse_args()
    if given.command == "train":
        train(given.folder)
    else:
        sys.exit(0 if compare(given.before, given.after) else 1)


if __name__ == "__main__":
    main()
