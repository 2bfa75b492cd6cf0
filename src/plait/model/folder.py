"""The model folder: config.json, model.safetensors and README.md, without pickle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from plait.core.errors import CheckpointError, UnsupportedError
from plait.core.files import write_atomically, write_json, write_text
from plait.core.shards import is_shard
from plait.distributed import ranks
from plait.distributed.shards import parted, whole_values

FORMAT, VERSION = "plait.model", 1
FILES = ("config.json", "model.safetensors")  # what a model is read from


def write_model(
    folder: Path, config: Mapping[str, Any], state: Mapping[str, Tensor], card: str
) -> None:
    """Writes the three files; each of them atomically.

    Args:
        folder: is made if needed; files that are there are replaced.
        config: the model's description, for config.json.
        state: weights by name, on any device; tied ones are written once for each name. Where some
            are sharded, all processes call, and rank 0 writes.
        card: the text of README.md.

    Raises:
        UnsupportedError: a state that safetensors cannot hold; no file was written.
    """
    if any(isinstance(value, Tensor) and is_shard(value) for value in state.values()):
        state = whole_values(state)
        if not ranks().first:
            return
    for name, value in state.items():
        if not isinstance(value, Tensor) or value.layout != torch.strided:
            found = value.layout if isinstance(value, Tensor) else type(value).__name__
            raise UnsupportedError(
                f"a model folder holds dense tensors alone; {name} of the model is {found}. Save "
                "its `state_dict()` with `torch.save`, or make it no part of the state "
                "(`persistent=False` of a buffer)."
            )
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    content = save(tensors, metadata={"format": "pt"})
    write_atomically(folder / "model.safetensors", lambda file: file.write(content))
    write_text(folder / "README.md", card)
    described = {"format": FORMAT, "version": VERSION, **config}
    write_json(folder / "config.json", described)


def read_model(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Reads a model folder; nothing in it is executed.

    Args:
        folder: what `write_model` wrote.

    Returns:
        The description that config.json holds, and `{name: weights}` on the CPU.

    Raises:
        CheckpointError: a file is missing, truncated, or not of a plait model.
    """
    if not folder.exists():
        raise CheckpointError(
            f"there is no folder {folder}. Name one that holds a model: RUN/model of a training "
            "that was written to RUN, or what `save_pretrained` wrote."
        )
    for name in FILES:
        if not (folder / name).is_file():
            raise CheckpointError(
                f"{folder} is no model folder: {name} is missing. Name a folder that has it."
            )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        foreign = not isinstance(config, dict) or config.get("format") != FORMAT
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{folder / 'config.json'} is truncated or no JSON: {error}."
        ) from None
    if foreign:
        raise CheckpointError(
            f"{folder / 'config.json'} was not written by plait (no format {FORMAT!r})."
        )
    if config.get("version") != VERSION:
        raise CheckpointError(
            f"{folder / 'config.json'} has version {config.get('version')!r}; this plait reads "
            f"version {VERSION}. Install the plait that wrote it."
        )
    try:
        return config, load_file(folder / "model.safetensors")
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{folder / 'model.safetensors'} is truncated or damaged: {error}. "
            "Save the model again."
        ) from None


@contextmanager
def building_from(folder: Path | str) -> Iterator[None]:
    """Turns every error that a description can cause while its body builds it into one kind.

    The file may be a stranger's: any class of plait may be named in it with any option.

    Args:
        folder: the model folder, for the message.

    Raises:
        CheckpointError: the body raised anything.
    """
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(
            f"no model can be built from {Path(folder) / 'config.json'}: "
            f"{type(error).__name__}: {error}. Was it edited, or saved with another encoder?"
        ) from error


def load_state(
    model: nn.Module,
    state: Mapping[str, Tensor],
    source: Path | str,
    *,
    keep_dtypes: bool = False,
) -> None:
    """Loads weights; names and shapes have to be those of the model, which may be sharded.

    Args:
        model: is given the weights.
        state: weights by name.
        source: where they come from, for messages.
        keep_dtypes: change the model's dtypes to those of `state`; else values are converted.

    Raises:
        CheckpointError: a name or a shape differs; it names the first.
    """
    expected = model.state_dict()
    for name in expected.keys() ^ state.keys():
        where = "is missing in" if name in expected else "is unknown to the model, but in"
        raise CheckpointError(f"{name} {where} {source}: it was made for another model.")
    for name, tensor in expected.items():
        if isinstance(tensor, Tensor) and tensor.shape != state[name].shape:
            raise CheckpointError(
                f"{name} has shape {list(state[name].shape)} in {source}; the model needs "
                f"{list(tensor.shape)}: it was made for another model."
            )
    if keep_dtypes:
        for name, tensor in chain(model.named_parameters(), model.named_buffers()):
            if name in state:
                tensor.data = tensor.data.to(state[name].dtype)
    model.load_state_dict({name: parted(each, expected[name]) for name, each in state.items()})
