"""The environment of a run: versions, machine, seeds and git commit."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import torch

PACKAGES = ("plait", "torch", "numpy", "torchmetrics", "safetensors")


def environment(seed: int) -> dict[str, Any]:
    """Returns versions, git commit, command, machine and seed, as flat values."""
    return {
        "command": " ".join(["plait", *sys.argv[1:]]),
        "seed": seed,
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _git_commit() -> str | None:
    """Returns the commit of the working folder, or None where that is no git checkout."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
