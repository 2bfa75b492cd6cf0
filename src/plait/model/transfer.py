"""Weights of trained models for a new one: sequential training, more tasks, connected columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.model.options import NewTasks
from plait.model.parts import Parts


@dataclass
class Transfer:
    """Lists the parameters that a new model has taken over from trained ones.

    Attributes:
        encoders: `{task: task of the source whose encoder it got}`.
        heads: the tasks whose trained heads it got.
        parts: names of other parameters: gates, experts, connection units.
        left: names of parameters that no source has, which start as they were drawn.

    All are empty where there was nothing of the kind.
    """

    encoders: dict[str, str] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        pairs = [new if new == old else f"{new} (from {old})" for new, old in self.encoders.items()]
        said = [f"encoders: {', '.join(pairs)}"] if pairs else []
        said += [f"heads: {', '.join(self.heads)}"] if self.heads else []
        said += [f"{len(self.parts)} parameters by name"] if self.parts else []
        said += [f"{len(self.left)} parameters start anew"] if self.left else []
        return "; ".join(said)


def transfer(model: Parts, sources: Sequence[Parts], *, new_tasks: NewTasks = "source") -> Transfer:
    """Gives a model the weights that trained models have for it.

    Where both have one encoder for a task (`Hard`, `Separate`), that is taken whole, whatever else
    differs; a task that no source knows gets the encoder of the first source. Heads go by the names
    of the tasks. All other parameters and buffers are taken by name and shape, from a source whose
    sharing, connection or regularizer is of the same class.

    Args:
        model: is changed in place.
        sources: the first one that has a part gives it.
        new_tasks: "source" starts the encoder of a new task from that of the first source, "fresh"
            leaves it as it was drawn.

    Raises:
        ConfigError: an encoder or head does not fit, or nothing at all can be taken.
    """
    if new_tasks not in ("source", "fresh"):
        raise ConfigError(f"`new_tasks` must be 'source' or 'fresh'; found {new_tasks!r}.")
    done = Transfer()
    taken: set[int] = set()  # tensors of the model that have their values
    for task in model.tasks:
        _encoder(model, sources, task, new_tasks, done, taken)
        _head(model, sources, task, done, taken)
    for source in sources:
        _by_name(model, source, done, taken)
    if not (done.encoders or done.heads or done.parts):
        names = ", ".join(", ".join(source.tasks) for source in sources)
        raise ConfigError(
            f"no weight of the model ({', '.join(model.tasks)}) is in those that it should start "
            f"from ({names}). Name runs with a task in common, or with the same sharing."
        )
    done.left = [name for name, p in model.named_parameters() if id(p) not in taken]
    for regularizer in model.regularizers:
        regularizer.anchor()
    return done


def _encoder(
    model: Parts,
    sources: Sequence[Parts],
    task: str,
    new_tasks: NewTasks,
    done: Transfer,
    taken: set[int],
) -> None:
    """Gives the encoder of a task the weights of the first source that has one for it."""
    encoder = model.sharing.encoder_of(task)
    if encoder is None or all(id(p) in taken for p in encoder.parameters()):
        return
    known = [source for source in sources if task in source.tasks]
    if not known and new_tasks == "fresh":
        return
    for source in known or sources[:1]:
        old = task if known else next(iter(source.tasks))
        given = source.sharing.encoder_of(old)
        if given is not None:
            _load(encoder, given, f"the encoder of task {task!r}")
            taken.update(map(id, encoder.state_dict(keep_vars=True).values()))
            done.encoders[task] = old
            return


def _head(
    model: Parts,
    sources: Sequence[Parts],
    task: str,
    done: Transfer,
    taken: set[int],
) -> None:
    """Gives the head of a task the weights of the first source that knows the task."""
    for source in sources:
        if task in source.tasks:
            key = safe_key(task)
            head = model.heads[key]
            _load(head, source.heads[key], f"the head of task {task!r}")
            taken.update(map(id, head.state_dict(keep_vars=True).values()))
            done.heads.append(task)
            return


def _by_name(model: Parts, source: Parts, done: Transfer, taken: set[int]) -> None:
    """Takes what is left by name, from parts of the same class."""
    given = source.state_dict()
    for name, part in _alike(model, source).items():
        for key, value in part.state_dict(prefix=f"{name}.", keep_vars=True).items():
            if not isinstance(value, Tensor) or id(value) in taken:
                continue
            if key in given and given[key].shape == value.shape:
                _copy(value, given[key])
                taken.add(id(value))
                if isinstance(value, nn.Parameter):
                    done.parts.append(key)


def _alike(model: Parts, source: Parts) -> Mapping[str, nn.Module]:
    """Returns the parts of the model by name whose class is that of the source's part."""
    names = ["sharing"]
    for group in ("connections", "regularization"):
        size = min(len(getattr(model, group)), len(getattr(source, group)))
        names += [f"{group}.{position}" for position in range(size)]
    pairs = {name: (model.get_submodule(name), source.get_submodule(name)) for name in names}
    return {name: new for name, (new, old) in pairs.items() if type(new) is type(old)}


def _load(module: nn.Module, source: nn.Module, what: str) -> None:
    """Copies all parameters and buffers; raises `ConfigError` if a name or shape differs."""
    own, given = module.state_dict(keep_vars=True), source.state_dict()
    for key in [*own, *given]:
        shapes = [list(state[key].shape) if key in state else "absent" for state in (given, own)]
        if shapes[0] != shapes[1]:
            raise ConfigError(
                f"{what} does not fit: {key} is {shapes[0]} in the trained model and {shapes[1]} "
                "in the new one. Use the encoder and task options of the first run."
            )
    for key, value in own.items():
        _copy(value, given[key])


def _copy(value: Tensor, given: Tensor) -> None:
    with torch.no_grad():
        value.copy_(given)
