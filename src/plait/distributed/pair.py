"""Two processes of this machine, tried: do sums arrive, and how fast?"""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch

from plait.core.files import write_json
from plait.distributed.joined import backend_of, joined
from plait.distributed.launch import launch

NUMBERS = 2**21  # of a sum, in single precision: 8 MiB
ROUNDS = 5


class Pair(NamedTuple):
    """The findings of two processes.

    Attributes:
        backend: of their collectives.
        seconds: of a sum of 8 MiB; 0 if they have not come so far.
        fault: why they cannot train together; "" if they can.
    """

    backend: str
    seconds: float
    fault: str = ""


def try_pair() -> Pair:
    """Starts two processes, which add numbers up; some seconds, most of them to import torch."""
    with TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        ending = launch(["doctor", "--pair", str(answer)], 2)
        if ending.code or not answer.exists():
            reasons = "; ".join(ending.reasons) or f"they ended with {ending.code}"
            return Pair(backend_of(2), 0.0, reasons)
        found = json.loads(answer.read_text(encoding="utf-8"))
    return Pair(found["backend"], found["seconds"], "" if found["right"] else "a sum is wrong")


def take_part(answer: Path) -> None:
    """Is one of the two; rank 0 writes what was found."""
    with joined() as here:
        backend = backend_of(here.size)
        device = "cuda" if "nccl" in backend else "cpu"
        values = torch.full((NUMBERS,), here.rank + 1.0, device=device)
        here.sum_(values.clone())  # connects
        begun = time.perf_counter()
        for _ in range(ROUNDS):
            total = values.clone()
            here.sum_(total)
        right = bool((total == here.size * (here.size + 1) / 2).all())
        seconds = (time.perf_counter() - begun) / ROUNDS
        if here.first:
            write_json(answer, {"backend": backend, "seconds": seconds, "right": right})
