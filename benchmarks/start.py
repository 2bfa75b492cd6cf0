"""How long a user waits before anything happens: help, completion, an error, the start of a run.

Each is a new process. What is compared runs in turn; all times are medians.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial

from benchmarks.timing import interleaved

PLAIT = "from plait.cli import main; main()"  # what the command `plait` runs
# Everything that a run loads is there when the name of its balancer turns out to be wrong.
STARTS = ("train", "digits", "balancing=NoSuchMethod", "--out", "no-such-folder")
TYPED = {"_PLAIT_COMPLETE": "complete_bash", "COMP_WORDS": "plait\ntr", "COMP_CWORD": "1"}
SECONDS = 60.0
HELP, COMPLETION = 18.0, 12.0  # times `python -c pass`
OF_TORCH = 0.5  # times `import torch`: what `plait train` adds to it, and errors in place of it


def main() -> bool:
    """Prints the ratios; returns whether all bounds are kept."""
    steps: dict[str, Callable[[], None]] = {
        "python -c pass": partial(run, "pass"),
        "import torch": partial(run, "import torch"),
        "plait --help": partial(run, PLAIT, "--help"),
        "completion": partial(run, PLAIT, environment=TYPED),
        "an unknown command": partial(run, PLAIT, "trian", code=2),
        "an unknown setting": partial(run, PLAIT, "train", "digits", "epoch=3", code=2),
        "plait train": partial(run, PLAIT, *STARTS, code=2),
    }
    found = interleaved(steps, before=lambda: None, seconds=SECONDS, rounds=(5, 15))
    python, torch = found["python -c pass"], found["import torch"]
    print(f"Start: python -c pass {1e3 * python:.0f} ms, import torch {1e3 * torch:.0f} ms")
    error = max(found["an unknown command"], found["an unknown setting"])
    own = found["plait train"] - torch
    ratios = {
        "plait --help / python -c pass": (found["plait --help"] / python, HELP),
        "completion / python -c pass": (found["completion"] / python, COMPLETION),
        "an error of the command line / import torch": (error / torch, OF_TORCH),
        "start of plait train beyond import torch / import torch": (own / torch, OF_TORCH),
    }
    kept = [told(name, ratio, bound) for name, (ratio, bound) in ratios.items()]
    return all(kept)


def told(name: str, ratio: float, bound: float) -> bool:
    """Prints one ratio beside its bound; returns whether it is kept."""
    kept = ratio <= bound
    print(f"  {name}: {ratio:.2f}, bound {bound:g}: {'kept' if kept else 'MISSED'}")
    return kept


def run(source: str, *words: str, code: int = 0, environment: dict[str, str] | None = None) -> None:
    """Runs a fresh interpreter, which has to end with a code."""
    ran = subprocess.run(
        [sys.executable, "-c", source, *words],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        check=False,
    )
    if ran.returncode != code:
        raise RuntimeError(f"plait {' '.join(words)} ended with {ran.returncode}: {ran.stderr!r}")


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
