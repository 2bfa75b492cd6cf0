"""Checkpoints: written atomically, read without pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch

from plait.core.errors import CheckpointError
from plait.core.files import write_atomically

FORMAT = "plait.checkpoint"
VERSION = 4


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Writes `state` (tensors, numbers, strings and containers of them) in one atomic step.

    Raises:
        CheckpointError: it cannot be written, as on a full disk; the last one is as it was.
    """
    content = {"format": FORMAT, "version": VERSION, **state}
    try:
        write_atomically(path, lambda file: torch.save(content, file))
    except OSError as error:
        raise CheckpointError(
            f"{path} could not be written: {error.strerror or error}. What was there is as it was, "
            "and training can go on from it. Make room, or name a folder that can be written to."
        ) from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a checkpoint on the CPU, with ``weights_only=True``: no code in the file is run.

    Raises:
        CheckpointError: the file is missing, truncated, or not a checkpoint of plait.
    """
    if not path.is_file():
        raise CheckpointError(
            f"there is no checkpoint {path}. Train first, or name another run folder."
        )
    try:
        if not is_zipfile(path):  # what torch.save writes is an archive, with its end at the end
            raise ValueError("it is no whole archive")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # content from elsewhere can make the reader raise anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path} is truncated, damaged or no checkpoint of plait: {reason}. "
            "Delete it and resume from another one, or train again."
        ) from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} was not written by plait (no format {FORMAT!r}). "
            "Name a checkpoint of a plait run."
        )
    if state.get("version") != VERSION:
        raise CheckpointError(
            f"{path} has version {state.get('version')}; this plait reads {VERSION}. "
            "Train again, or resume with the plait that env.json names."
        )
    return state
