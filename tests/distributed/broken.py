"""Trainings in which a batch is not finite in the part of one process, and in half precision."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.balancing import UPGrad
from plait.core.errors import NonFiniteError
from plait.core.features import Features
from plait.data import InMemory, loader
from plait.encoders import MLPEncoder
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Binary, Regression
from plait.training import Callback, StepRecord, Trainer
from tests.balancing.promises import method, same

ROWS, BATCH, BAD = 24, 6, 13  # two parts of three rows; row 13 is in the second of batch 3
STEPS = ROWS // BATCH


def table(kind: str) -> InMemory:
    """Rows of two tasks; one of them is bad, and only there "size" has a label in its part."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, 4, generator=draw, dtype=torch.float64)
    size, odd = x[:, :1] * 2 - x[:, 1:2], (x.sum(dim=1, keepdim=True) > 0).double()
    if kind == "loss":
        size[BAD] = 1e200
    elif kind == "inputs":
        x[BAD, 2] = math.nan
    elif kind == "gradient":
        size[12:18] = math.nan
        size[BAD], x[BAD] = 0.0, 0.0
    return InMemory(x, {"size": size, "odd": odd})


class Root(nn.Module):
    """A head whose gradient is not finite where all features are 0."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Features) -> Tensor:
        root = features.levels[-1].square().sum(dim=1, keepdim=True).sqrt()
        found: Tensor = self.head(features) + root
        return found


class Rooted(Regression):
    def build_head(self, shape: Any) -> nn.Module:
        return Root(super().build_head(shape))


class Encoder(nn.Module):
    """Has statistics, which a bad batch could spoil; a row of zeros stays one in eval mode."""

    def __init__(self, normed: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4, affine=False) if normed else nn.Identity()
        self.layer = nn.Linear(4, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        self.norm(x)
        found: Tensor = self.layer(x)
        return found


def build(*, normed: bool) -> MultiTaskModel:
    torch.manual_seed(0)
    tasks = [Rooted("size", mean=0.0, scale=1.0), Binary("odd")]
    return MultiTaskModel(Hard(Encoder(normed)), tasks, example=torch.zeros(2, 4)).double()


class Watch(Callback):
    """Notes the skipped steps, and what has changed in them."""

    def __init__(self) -> None:
        self.skipped: list[tuple[int, str]] = []
        self.changed: list[str] = []
        self.before: dict[str, Any] = {}

    def on_step_end(self, trainer: Trainer, record: StepRecord) -> None:
        parts = {"model": trainer.model, "balancer": trainer.balancer, "adam": trainer.optimizer}
        now = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}
        if record.skipped is not None:
            self.skipped.append((trainer.state.step, record.skipped))
            self.changed += [name for name in parts if not same(now[name], self.before[name])]
        self.before = now


def skipping(name: str, kind: str, run: str | None = None, **options: Any) -> dict[str, Any]:
    """Trains two epochs, each of which has one bad batch."""
    watch, normed = Watch(), options.pop("normed", True)
    given: dict[str, Any] = {"epochs": 2, "lr": 0.01, "progress": False, "device": "cpu"}
    made = Trainer(
        build(normed=normed),
        method(name)(),
        callbacks=[watch],
        nonfinite="skip",
        run=run,
        **given,
        **options,
    )
    state = made.fit(loader(table(kind), batch_size=BATCH, shuffle=False))
    return {
        "model": {key: each.detach() for key, each in made.model.state_dict().items()},
        "skipped": watch.skipped,
        "changed": watch.changed,
        "counted": (state.step, state.skipped, made.backward.memory.skipped),
        "by task": state.broken,
    }


def raising(kind: str) -> str:
    """Returns the error of a training that skips nothing."""
    made = Trainer(build(normed=False), UPGrad(), epochs=1, progress=False, device="cpu")
    with pytest.raises(NonFiniteError) as found:
        made.fit(loader(table(kind), batch_size=BATCH, shuffle=False))
    return str(found.value)


# --- half precision ---------------------------------------------------------------------------


def half(name: str, precision: Any) -> tuple[dict[str, Tensor], dict[str, Tensor], set[str]]:
    """Returns the weights before and after two epochs, and the dtypes that the trunk gave."""
    torch.manual_seed(0)
    encoder = MLPEncoder(in_features=4, widths=[16, 8])
    tasks = [Regression("size", mean=0.0, scale=1.0), Binary("odd")]
    model = MultiTaskModel(Hard(encoder), tasks, example=torch.zeros(2, 4))
    dtypes: set[str] = set()
    first = next(each for each in encoder.modules() if isinstance(each, nn.Linear))
    first.register_forward_hook(lambda _, given, out: dtypes.add(str(out.dtype)))
    before = {key: each.clone() for key, each in model.state_dict().items()}
    given: dict[str, Any] = {"epochs": 2, "lr": 0.05, "optimizer": torch.optim.SGD}
    made = Trainer(
        model, method(name)(), precision=precision, progress=False, device="cpu", **given
    )
    whole = table("")
    labels = {task: each.float() for task, each in whole.targets.items()}
    made.fit(loader(InMemory(whole.inputs.float(), labels), batch_size=BATCH, shuffle=False))
    return before, model.state_dict(), dtypes
