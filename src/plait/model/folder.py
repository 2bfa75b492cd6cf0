"""The model folder: config.json, model.safetensors and README.md, without pickle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

import plait.connections
import plait.encoders
import plait.regularization
import plait.sharing
import plait.tasks
from plait.connections.base import Connection
from plait.core.errors import CheckpointError, ConfigError
from plait.core.files import write_atomically, write_text
from plait.core.lookup import build, find, names, options_of
from plait.regularization.base import Regularizer
from plait.sharing.base import Sharing
from plait.tasks.task import Task

FORMAT, VERSION = "plait.model", 1
HOMES: dict[type[Any], tuple[ModuleType, str]] = {
    Task: (plait.tasks, "task"),
    Sharing: (plait.sharing, "sharing"),
    Connection: (plait.connections, "connection"),
    Regularizer: (plait.regularization, "regularizer"),
    nn.Module: (plait.encoders, "encoder"),
}
BY_HAND = "Build the model in code and load model.safetensors into it."
ADVICE = {
    Task: "Give the tasks: from_pretrained(folder, tasks=[...]).",
    nn.Module: "Give it: from_pretrained(folder, encoder=...).",
    Sharing: BY_HAND,
    Connection: BY_HAND,
    Regularizer: BY_HAND,
}


def describe(instance: Any, *, leave_out: Sequence[str] = ()) -> dict[str, Any] | None:
    """Returns ``{"class": name, **arguments}``; None for what only its owner's code can rebuild.

    That is a class of the user's own, or an argument that JSON cannot hold, such as a metric
    object.
    """
    base = next(base for base in HOMES if isinstance(instance, base))
    package, _ = HOMES[base]
    name = type(instance).__name__
    if name not in names(package, base) or getattr(package, name) is not type(instance):
        return None
    try:
        described = {"class": name, **options_of(instance, leave_out)}
        return dict(json.loads(json.dumps(described)))
    except (ConfigError, TypeError):
        return None


def rebuild(described: dict[str, Any] | None, base: type[Any], **given: Any) -> Any:
    """Builds what `describe` described; only names in plait's own `__all__` are accepted.

    Raises:
        CheckpointError: it was the user's own class.
        ConfigError: a name or an option is unknown.
    """
    package, kind = HOMES[base]
    if described is None:
        raise CheckpointError(
            f"this model's {kind} is not one of plait's own, so it cannot be rebuilt from the "
            f"file. {ADVICE[base]}"
        )
    options = {key: value for key, value in described.items() if key != "class"}
    cls = find(described["class"], package, base=base, kind=kind, foreign=False)
    return build(cls, options, kind=kind, **given)


def write_model(
    folder: Path, config: Mapping[str, Any], state: Mapping[str, Tensor], card: str
) -> None:
    """Writes the three files; each of them atomically."""
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    content = save(tensors, metadata={"format": "pt"})
    write_atomically(folder / "model.safetensors", lambda file: file.write(content))
    write_text(folder / "README.md", card)
    described = {"format": FORMAT, "version": VERSION, **config}
    write_text(folder / "config.json", json.dumps(described, indent=2) + "\n")


def read_model(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Reads configuration and weights.

    Raises:
        CheckpointError: a file is missing, truncated, or not of a plait model.
    """
    for name in ("config.json", "model.safetensors"):
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
    """Turns whatever a configuration from a stranger's file can raise into `CheckpointError`."""
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
    """Loads weights; names and shapes have to be those of the model.

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
    model.load_state_dict(state)


def model_card(
    tasks: Sequence[str], config: Mapping[str, Any], metrics: Mapping[str, Mapping[str, float]]
) -> str:
    """Returns the model card in Markdown."""
    lines = [
        "---",
        "library_name: plait",
        "tags: [multi-task]",
        "---",
        "",
        "# A multi-task model",
        "",
    ]
    lines += [f"One model for {len(tasks)} task{'s' * (len(tasks) > 1)}: {', '.join(tasks)}.", ""]
    for part in ("sharing", "encoder"):
        described = config[part] or {"class": "a class of its own"}
        options = ", ".join(
            f"{key}={value!r}" for key, value in described.items() if key != "class"
        )
        lines.append(f"- {part}: `{described['class']}({options})`")
    if metrics:
        lines += ["", "| task | metric | value |", "| --- | --- | ---: |"]
        lines += [
            f"| {t} | {m} | {v:.4g} |" for t, each in metrics.items() for m, v in each.items()
        ]
    lines += [
        "",
        "```python",
        "from plait import MultiTaskModel",
        "",
        'model = MultiTaskModel.from_pretrained("...")',
    ]
    return "\n".join([*lines, "predictions = model(inputs)  # {task: prediction}", "```", ""])
