"""Run folders as training writes them, with made-up curves and pictures."""

from __future__ import annotations

import json
import math
import random
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image, ImageDraw

from plait import runs
from plait.runs import FinalTest, Numbers, Validation, WatchedValues
from plait.runs.gallery import KINDS, Example, write_examples
from plait.runs.gallery_inputs import PictureInput
from tests.logged_steps import by_row

# task: (loss at the start, loss at the end, {metric: (start, end, trivial)})
TASKS: dict[str, tuple[float, float, dict[str, tuple[float, float, float]]]] = {
    "digit": (2.4, 0.18, {"accuracy": (0.21, 0.941, 0.112), "f1": (0.18, 0.938, 0.02)}),
    "mask": (0.69, 0.004, {"iou": (0.48, 0.893, 0.466), "pixel_accuracy": (0.93, 0.991, 0.932)}),
    "centre": (310.0, 2.1, {"distance": (19.0, 1.83, 12.4), "mae": (12.1, 1.14, 8.1)}),
}
TRIVIAL = {task: {m: v[2] for m, v in spec[2].items()} for task, spec in TASKS.items()}
Event = dict[str, Any]


def write_run(
    folder: Path,
    tasks: tuple[str, ...] = ("digit", "mask", "centre"),
    *,
    epochs: int = 10,
    steps_per_epoch: int = 60,
    skill: float = 1.0,
    gradients: bool = True,
    terms: bool = False,
    watched: bool = False,
    gallery: bool = False,
    tested: bool = True,
    seed: int = 0,
) -> list[Event]:
    """Writes a run folder and returns its events."""
    draw = random.Random(seed)
    events: list[Event] = []
    total = epochs * steps_per_epoch
    for step in range(1, total + 1):
        events.append(_step(draw, step, total, steps_per_epoch, tasks, gradients, terms))
        if watched:
            events.append(watched_event(draw, step, step / total, tasks))
        if step % steps_per_epoch == 0:
            events.append(_evaluation(draw, step, total, steps_per_epoch, tasks, skill))
    if tested:
        last = {
            key: events[-1][key] for key in ("losses", "metrics", "trivial", "higher_is_better")
        }
        events.append(line(FinalTest(**last, counts=dict.fromkeys(tasks, 400.0))))
    folder.mkdir(parents=True, exist_ok=True)
    write_events(folder, events)
    (folder / "config.yaml").write_text(yaml.safe_dump(_config(tasks, epochs), sort_keys=False))
    (folder / "env.json").write_text(json.dumps(_env(seed)))
    if gallery:
        write_gallery(folder / "gallery", draw)
    return events


def watched_event(
    draw: random.Random, step: int, done: float, tasks: tuple[str, ...], experts: int = 4
) -> Event:
    """What a mixture of experts, cross-stitch units and learned edges would record."""

    def gate(place: int) -> dict[str, float]:
        scores = [
            math.exp(2.5 * done * math.cos(place + e) + draw.gauss(0, 0.1)) for e in range(experts)
        ]
        return {f"expert {e}": score / math.fsum(scores) for e, score in enumerate(scores, start=1)}

    gates = {task: gate(place) for place, task in enumerate(tasks)}
    entropy = {t: -math.fsum(p * math.log(p) for p in row.values()) for t, row in gates.items()}
    units = {
        a: {
            b: (1 - 0.4 * done) if a == b else 0.3 * done * math.sin(i + 2 * j)
            for j, b in enumerate(tasks)
        }
        for i, a in enumerate(tasks)
    }
    alpha = {f"{a} -> {b}": math.exp(done * (i - 1)) for i, (a, b) in enumerate(pairwise(tasks))}
    values = {
        "MMoE: gates": Numbers(shares=True, rows=gates),
        "MMoE: gate entropy": Numbers(shares=False, rows=entropy),
        "CrossStitch: stage 1": Numbers(shares=False, rows=units),
    }
    if alpha:
        values["Hint: alpha"] = Numbers(shares=False, rows=alpha)
    return line(WatchedValues(step=step, epoch=0, values=values))


def line(event: runs.events.Event) -> Event:
    """An event as its line has it."""
    return json.loads(runs.encoding.encode(event))


def write_events(folder: Path, events: list[Event]) -> None:
    """Writes events.jsonl; the rows of its steps are given by name."""
    text = "".join(json.dumps(event) + "\n" for event in by_row(events))
    (folder / "events.jsonl").write_text(text)


def write_gallery(folder: Path, draw: random.Random, count: int = 6, size: int = 64) -> None:
    """Writes drawn digits with every kind of view; the last example has no labels."""
    folder.mkdir(parents=True, exist_ok=True)
    examples = []
    for index in range(count):
        name, digit = f"{index:03d}", str(draw.randrange(10))
        x, y = draw.randrange(14, 34), draw.randrange(12, 30)
        ink = Image.new("L", (size, size))
        ImageDraw.Draw(ink).text((x, y), digit, fill=255, font_size=24)
        noise = np.random.default_rng(index).normal(70, 22, (size, size)).clip(0, 255)
        pixels = np.maximum(noise, np.asarray(ink)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
        true = np.asarray(ink) > 127
        _overlay(true, (0, 158, 115)).save(folder / f"{name}-true.png")
        _overlay(np.roll(true, 1 + index % 3, 1), (230, 159, 0)).save(folder / f"{name}-seen.png")
        rows, columns = np.nonzero(true)
        centre = [float(columns.mean()), float(rows.mean())]
        labelled = index < count - 1
        box = [float(columns.min()), float(rows.min()), columns.max() + 1.0, rows.max() + 1.0]
        box = [value / size for value in box]
        views = [
            ("digit", "class", digit, digit if index % 3 else str((int(digit) + 2) % 10)),
            ("mask", "mask", f"{name}-true.png", f"{name}-seen.png"),
            ("centre", "point", centre, [centre[0] + index, centre[1] - 2.5]),
            ("head", "box", box, [value + 0.03 for value in box]),
        ]
        shown = [
            KINDS[geometry](
                task=task, geometry=geometry, true=true if labelled else None, predicted=predicted
            )
            for task, geometry, true, predicted in views
        ]
        picture = PictureInput(file=f"{name}.png", size=(size, size))
        examples.append(Example(inputs=[picture], views=shown))
    write_examples(folder.parent, examples)


def _step(
    draw: random.Random,
    step: int,
    total: int,
    per_epoch: int,
    tasks: tuple[str, ...],
    gradients: bool,
    terms: bool,
) -> Event:
    """A step: losses fall from start to end, cosines fall below zero."""
    done = step / total
    event: Event = {
        "event": "step",
        "step": step,
        "epoch": (step - 1) // per_epoch,
        "lr": 0.003 * 0.5 * (1 + math.cos(math.pi * done)) + 1e-6,
        "seconds": round(0.119 * step, 3),
        "losses": {task: _loss(draw, task, done) for task in tasks},
        "gradient_norm": 3.0 * math.exp(-2 * done) * draw.uniform(0.7, 1.3),
        "weights": {t: 1 + 0.6 * done * (i - 1) + draw.gauss(0, 0.1) for i, t in enumerate(tasks)},
    }
    if terms:
        bare = 40 * math.exp(-3 * done) * draw.uniform(0.9, 1.1)
        event["terms"] = {"PairwiseL2": [bare, 0.01 * bare]}
    if gradients and len(tasks) > 1:
        scale = {"digit": 2.0, "mask": 0.5, "centre": 30.0}
        norms = {t: scale.get(t, 1.0) * math.exp(-2 * done) * draw.uniform(0.6, 1.4) for t in tasks}
        cosines = [
            [a, b, max(-1.0, min(1.0, 0.35 - 0.3 * (i % 3) - 0.3 * done + draw.gauss(0, 0.15)))]
            for i, (a, b) in enumerate(combinations(tasks, 2))
        ]
        event |= {"norms": norms, "cosines": cosines}
    return event


def _loss(draw: random.Random, task: str, done: float) -> float:
    start, end, _ = TASKS.get(task, TASKS["digit"])
    return end * (start / end) ** ((1 - done) ** 1.7) * math.exp(draw.gauss(0, 0.18))


def _evaluation(
    draw: random.Random,
    step: int,
    total: int,
    per_epoch: int,
    tasks: tuple[str, ...],
    skill: float,
) -> Event:
    epoch, done = step // per_epoch, step / total
    grown = 1 - math.exp(-5 * done)
    metrics = {
        task: {
            m: (start + (end - start) * grown * skill) * draw.uniform(0.99, 1.01)
            for m, (start, end, _) in TASKS.get(task, TASKS["digit"])[2].items()
        }
        for task in tasks
    }
    event = Validation(
        epoch=epoch,
        step=step,
        score=0.9 * grown - 0.02 * max(0, epoch - 8),
        seconds=round(0.119 * step + 0.4 * epoch, 3),
        losses={task: _loss(draw, task, done) for task in tasks},
        metrics=metrics,
        trivial={task: TRIVIAL.get(task, TRIVIAL["digit"]) for task in tasks},
        counts=dict.fromkeys(tasks, 200.0),
        higher_is_better={
            task: {metric: metric not in ("distance", "mae") for metric in metrics[task]}
            for task in tasks
        },
    )
    return line(event)


def _overlay(mask: np.ndarray, colour: tuple[int, int, int]) -> Image.Image:
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[mask] = (*colour, 150)
    return Image.fromarray(pixels)


def _config(tasks: tuple[str, ...], epochs: int) -> dict[str, Any]:
    return {
        "recipe": "digits",
        "tasks": list(tasks),
        "sharing": {"name": "Hard", "depth": 3},
        "balancing": {"name": "PCGrad", "seed": None},
        "trainer": {"epochs": epochs, "lr": 0.003, "clip": 1.0, "resume": False},
        "connections": [{"name": "Hint", "edges": [["digit", "mask"]]}, {"name": "CrossStitch"}],
    }


def _env(seed: int) -> dict[str, Any]:
    return {
        "plait": "0.1.0",
        "torch": "2.13.0",
        "python": "3.11.9",
        "commit": "8290c46",
        "command": "plait train digits.yaml balancing.name=PCGrad",
        "seed": seed,
        "machine": "Linux, 2 cores, no accelerator",
    }
