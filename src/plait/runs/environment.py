"""The environment of a run: versions, machine, seeds and git commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from plait.core.command import command

PACKAGES = ("plait", "torch", "numpy", "torchmetrics", "safetensors")


def environment(seed: int) -> dict[str, Any]:
    """Returns versions, git commit, command, machine and seed, as flat values.

    A version is None where the package was not installed, only found on the Python path.
    """
    return {
        "command": command(),
        "seed": seed,
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        **versions(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def versions() -> dict[str, str | None]:
    """Returns `{package: version}`; None where the package was not installed, only found."""
    return {package: _version(package) for package in PACKAGES}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


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
