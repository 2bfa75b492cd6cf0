"""The blocks of a model of transformers as stages, each in the model's own forward."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.encoders.backbones.chains import disturb
from plait.encoders.backbones.hidden_states import TextModel, attended
from plait.networks import run_all
from plait.networks.modes import on_trial

Model = Any


class Passed(nn.Module):
    """Stands where a layer of a model was that a stage does not run: hands the hidden state on.

    In the place of position embeddings it adds 0.
    """

    def forward(self, *given: Any, **named: Any) -> Tensor:
        """Returns the hidden state among what the layer is given."""
        tensors = [each for each in (*given, *named.values()) if isinstance(each, Tensor)]
        hidden = next((each for each in tensors if each.is_floating_point()), None)
        return tensors[0].new_zeros(1, 1, 1, dtype=torch.float32) if hidden is None else hidden


class Block(nn.Module):
    """One block of a model, run by the model's own forward, which makes its masks and positions.

    Args:
        model: with this block alone.
    """

    masked = True

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns the next hidden state; `mask` is True where a position is real."""
        options = {} if mask is None else {"attention_mask": attended(mask).long()}
        output = self.model(inputs_embeds=hidden, return_dict=True, **options)
        found: Tensor = output.last_hidden_state
        return found


def blocks_of_text(model: Model) -> list[nn.Module] | None:
    """Returns the embeddings, and each block, as stages; the last one with the final norm.

    Their composition has to give exactly what the model gives, in evaluation and in training, with
    and without padding, with other weights than it has.

    Args:
        model: of transformers, that reads codes; it stays as it is, and its layers are used.

    Returns:
        None where that is not so: blocks read more than the hidden state, such as the positions
        that the first block of T5 makes for all, or they differ in what they attend to.
    """
    path = _path(model)
    kinds = set(getattr(model.config, "layer_types", None) or ())
    if path is None or len(kinds) > 1:
        return None
    with on_trial(model) as (trial, copied):
        if not copied:
            return None
        disturb(trial)
        try:
            alike = all(_composes(trial, path, padded) for padded in (False, True))
        except Exception:  # its forward asks more of a layer than its output
            alike = False
    return _stages(model, path) if alike else None


def _path(model: Model) -> tuple[str, ...] | None:
    """Returns the names that lead to the list of blocks."""
    count = getattr(model.config, "num_hidden_layers", None)

    def is_list(module: nn.Module) -> bool:
        return isinstance(module, nn.ModuleList) and len(module) == count

    for name, child in model.named_children():
        if is_list(child):
            return (name,)
        for inner, grandchild in child.named_children():
            if is_list(grandchild):
                return name, inner
    return None


def _stages(model: Model, path: Sequence[str]) -> list[nn.Module]:
    blocks = list(model.get_submodule(".".join(path)))
    first = TextModel(_with(model, path, [], first=True, last=not blocks))
    return [
        first,
        *(
            Block(_with(model, path, [block], first=False, last=number == len(blocks)))
            for number, block in enumerate(blocks, start=1)
        ),
    ]


def _with(
    model: Model, path: Sequence[str], blocks: Sequence[nn.Module], *, first: bool, last: bool
) -> Model:
    """Returns the model with some blocks, its layers before them, and those after them, or none."""
    shell, (name, *inner), reached = _shallow(model), path, False
    for key, child in model._modules.items():
        if key == name:
            reached = True
            holder = nn.ModuleList(blocks)
            if inner:
                holder, listed = _shallow(child), holder
                holder._modules[inner[0]] = listed
            shell._modules[key] = holder
        elif child is not None and not (last if reached else first) and _acts(child):
            shell._modules[key] = Passed()
    return shell


def _acts(layer: nn.Module) -> bool:
    """Tells whether a layer changes the hidden state; rotary positions do not."""
    return isinstance(layer, nn.Dropout) or any(True for _ in layer.parameters())


def _shallow(module: Any) -> Any:
    """Returns a copy with the same layers, whose layers can be replaced."""
    clone = copy.copy(module)
    clone.__dict__["_modules"] = dict(module._modules)
    return clone


def _composes(trial: Model, path: Sequence[str], padded: bool) -> bool:
    """Tells whether the stages of a copy of the model give what it gives."""
    generator = torch.Generator().manual_seed(0)
    most = int(getattr(trial.config, "vocab_size", 2))
    codes = torch.randint(most, (2, 6), generator=generator)
    mask = torch.arange(6) < torch.tensor([[6], [4]]) if padded else None
    whole, stages = TextModel(trial), _stages(trial, path)
    runs: tuple[Callable[[], Tensor], ...] = (
        lambda: whole(codes, mask=mask),
        lambda: run_all(stages, codes, mask),
    )
    for training in (False, True):
        trial.train(training)
        for stage in stages:
            stage.train(training)
        found = []
        for run in runs:
            torch.manual_seed(0)
            found.append(run())
        if not torch.equal(*found):
            return False
    return True
