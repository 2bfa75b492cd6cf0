"""How long a user waits before anything happens: help, completion, an error, the start of a run.

Each is a new process. What is compared runs in turn; all times are medians. plait is compiled to
bytecode before, as it is where it was installed.
"""

from __future__ import annotations

import compileall
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import plait
from benchmarks.first_step import SAID
from benchmarks.timing import interleaved

PLAIT = "from plait.cli import main; main()"  # what the command `plait` runs
TYPED = {"_PLAIT_COMPLETE": "complete_bash", "COMP_WORDS": "plait\ntr", "COMP_CWORD": "1"}
OPTIMIZER = "import torch; torch.optim.AdamW([torch.zeros(1, requires_grad=True)])"
# All modules are there when an option turns out to be wrong, and no data were read.
LOADED = ("train", "digits", "balancing=Equal", "balancing.no_such_option=1")
FIRST_STEP = "balancing=benchmarks.first_step:FirstStep"
ROWS = 8_192
SECONDS = 120.0
HELP, COMPLETION = 18.0, 12.0  # times `python -c pass`
OF_TORCH = 0.5  # times `import torch`: what `plait train` adds to it, and errors in place of it


def main() -> bool:
    """Prints the ratios; returns whether all bounds are kept."""
    compileall.compile_dir(Path(plait.__file__).parent, quiet=2)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found = interleaved(_steps(folder), before=lambda: None, seconds=SECONDS, rounds=(5, 15))
    python, torch = found["python -c pass"], found["import torch"]
    print(f"Start: python -c pass {1e3 * python:.0f} ms, import torch {1e3 * torch:.0f} ms")
    error = max(time for name, time in found.items() if name.startswith("an unknown"))
    bounded = {
        "plait --help / python -c pass": (found["plait --help"] / python, HELP),
        "completion / python -c pass": (found["completion"] / python, COMPLETION),
        "an error of the command line / import torch": (error / torch, OF_TORCH),
        "what plait train loads beyond torch / import torch": (
            (found["plait train, loaded"] - torch) / torch,
            OF_TORCH,
        ),
    }
    kept = [told(name, ratio, bound) for name, (ratio, bound) in bounded.items()]
    print("  beyond torch, in units of import torch:")
    for name in ("torchmetrics", "an optimizer of torch", "first step: digits", "first step: CSV"):
        print(f"    {name}: {(found[name] - torch) / torch:.2f}")
    return all(kept)


def told(name: str, ratio: float, bound: float) -> bool:
    """Prints one ratio beside its bound; returns whether it is kept."""
    kept = ratio <= bound
    print(f"  {name}: {ratio:.2f}, bound {bound:g}: {'kept' if kept else 'MISSED'}")
    return kept


def _steps(folder: Path) -> Mapping[str, Callable[[], None]]:
    """Returns what is timed; runs are begun in new folders below `folder`."""
    settings = write_table(folder)
    metrics = "from plait.cli.quick import load_torchmetrics; load_torchmetrics()"
    return {
        "python -c pass": partial(run, "pass"),
        "import torch": partial(run, "import torch"),
        "torchmetrics": partial(run, metrics),
        "an optimizer of torch": partial(run, OPTIMIZER),
        "plait --help": partial(run, PLAIT, "--help"),
        "completion": partial(run, PLAIT, environment=TYPED),
        "an unknown command": partial(run, PLAIT, "trian", code=2),
        "an unknown setting": partial(run, PLAIT, "train", "digits", "epoch=3", code=2),
        "an unknown method": partial(run, PLAIT, "train", "digits", "balancing=UPGard", code=2),
        "plait train, loaded": partial(run, PLAIT, *LOADED, "--out", "no-such-folder", code=2),
        "first step: digits": partial(first_step, "digits", folder),
        "first step: CSV": partial(first_step, str(settings), folder),
    }


def first_step(problem: str, folder: Path) -> None:
    """Begins a run on some problem, and ends it at its first step."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        words = ("train", problem, FIRST_STEP, "--out", str(Path(out) / "run"))
        run(PLAIT, *words, code=2, said=SAID)


def write_table(folder: Path) -> Path:
    """Writes a table of ten numbers and a word to predict a number and a word from.

    Returns:
        Its file of settings.
    """
    draw = random.Random(0)
    lines = [",".join([*(f"x{number}" for number in range(10)), "colour", "price", "kind"])]
    for _ in range(ROWS):
        x = [draw.gauss(0, 1) for _ in range(10)]
        cells = [*(f"{value:.4f}" for value in x), draw.choice("rgb"), f"{sum(x):.3f}"]
        lines.append(",".join([*cells, draw.choice("abc")]))
    (folder / "table.csv").write_text("\n".join(lines))
    inputs = "".join(f"  x{number}: number\n" for number in range(10))
    settings = folder / "table.yaml"
    settings.write_text(
        f"table: table.csv\ninputs:\n{inputs}  colour: category\n"
        "tasks:\n  price: number\n  kind: category\n"
    )
    return settings


def run(
    source: str,
    *words: str,
    code: int = 0,
    said: str = "",
    environment: Mapping[str, str] | None = None,
) -> None:
    """Runs a fresh interpreter, which has to end with a code, and to have said something."""
    ran = subprocess.run(
        [sys.executable, "-c", source, *words],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        check=False,
        text=True,
    )
    if ran.returncode != code or said not in ran.stderr:
        raise RuntimeError(f"plait {' '.join(words)} ended with {ran.returncode}: {ran.stderr!r}")


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
