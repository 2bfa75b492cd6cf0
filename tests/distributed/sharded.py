"""What processes that hold parts of a model do; each function runs in all of them at once."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import Shard

import plait
from plait.balancing import AutoLambda, Equal, UPGrad
from plait.core.errors import PlaitError
from plait.core.shards import is_shard, local, shard_of, whole_of
from plait.data import InMemory
from plait.distributed import ranks
from plait.distributed.shards import (
    first_row,
    holders,
    is_sharded,
    note_shards,
    parted,
    parted_states,
    whole_value,
    whole_values,
)
from plait.engine.all_columns import AllColumns
from plait.gradients import Layout, gradients, leaves, lengths
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.training import Trainer
from plait.training.parallel import whole_at_first
from tests.distributed.trainers import (
    Rows,
    batches,
    data,
    fit,
    interrupted,
    loader,
    tasks,
    trainer,
)
from tests.distributed.trainings import shard


def net(rows: int = 5) -> nn.Sequential:
    """A layer of so many rows, in parts, and one that is whole."""
    torch.manual_seed(0)
    made = nn.Sequential(nn.Linear(3, rows), nn.Linear(rows, 2)).double()
    shard(made[0])
    note_shards(made)
    return made


def values() -> dict[str, Any]:
    """Returns how a layer of five rows is divided, and put together again."""
    made = net()
    torch.manual_seed(0)
    plain = nn.Linear(3, 5).double()
    weight = made[0].weight
    here = holders(weight)
    back = parted(plain.weight.detach(), weight)
    return {
        "local": local(weight).detach(),
        "row": first_row(weight),
        "whole": torch.equal(whole_value(weight), plain.weight),
        "back": is_shard(back) and torch.equal(local(back), local(weight)),
        "state": torch.equal(whole_values({"a": [weight, 1]})["a"][0], plain.weight),
        "holders": (here.size, here.rank),
        "leaf": shard_of(whole_of(weight)) is weight,
        "sharded": (is_sharded(made), is_sharded(plain)),
    }


def alone(rank: int) -> tuple[bool, Tensor | None]:
    """Returns whether rank 0 gets a plain model, and what it predicts there, alone."""
    made = trainer("hard", parallel="shard")
    made.fit(batches())
    plain = whole_at_first(made.model)
    with torch.no_grad():
        found = plain(data().inputs)["size"] if ranks().rank == rank else None
    return is_sharded(plain), found


def differentiated() -> dict[str, Any]:
    """Returns gradients of two losses, one after the other, and what is left in `.grad`."""
    made = net()
    for parameter in made.parameters():
        parameter.grad = torch.ones_like(parameter)
    x = torch.arange(12.0).double().view(4, 3)[ranks().rank :: 2]
    out = made(x)
    losses = [out[:, 0].sum(), out[:, 1].square().sum()]
    found = [
        gradients([loss], list(made.parameters()), retain=loss is losses[0]) for loss in losses
    ]
    names = {id(p): n for n, p in made.named_parameters()}
    return {
        "leaves": {names[id(leaf)] for leaf in leaves(losses[:1])},
        "gradients": [{names[id(p)]: whole_value(g) for p, g in pairs} for pairs in found],
        "lengths": [lengths([g for p, g in pairs if is_shard(p)]) for pairs in found],
        "kept": all(bool((local(p.grad) == 1).all()) for p in made.parameters()),
    }


def columns() -> tuple[Tensor, Tensor, bool]:
    """Returns rows of all columns, what this process held of them, and whether it gets it back."""
    made = net()
    layout = Layout(known=[made[1].bias, made[0].weight, made[0].bias])
    wholes = [whole_value(p.detach()).flatten() for p in layout.shared]
    rows = torch.stack([torch.cat([local(p.detach()).flatten() for p in layout.shared])] * 2)
    every = AllColumns(layout)
    gathered = every.gather(rows)
    same = torch.equal(every.part(gathered[0]), rows[0])
    start = layout.shared[1].numel() + 2
    assert every.columns(layout.shared[2]) == slice(start, start + 5)
    return gathered, torch.stack([torch.cat(wholes)] * 2), same


def steps_of_an_optimizer() -> bool:
    """Returns whether the state of Adam comes back in parts."""
    made = net()
    optimizer = torch.optim.Adam(made.parameters(), foreach=False)
    for parameter in made.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    saved = optimizer.state_dict()
    whole = whole_values(saved)
    found = parted_states(optimizer, whole)
    wanted = saved["state"][0]["exp_avg"]
    again = found["state"][0]["exp_avg"]
    return (
        not is_shard(whole["state"][0]["exp_avg"])
        and is_shard(again)
        and torch.equal(local(again), local(wanted))
    )


def sharded_fit(case: str, run: str | None = None, resume: bool = False) -> dict[str, Any]:
    """Trains with parts of the trunk in each process."""
    return fit(case, run, parallel="shard", resume=resume)


def stopped(case: str, run: str, step: int) -> tuple[int, int]:
    """Trains with parts of the trunk in each process, until one is asked to stop."""
    return interrupted(case, run, step, 1, parallel="shard")


class Wide(nn.Module):
    """An encoder of images whose weights lie channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 1).to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(x.view(len(x), 3, 2, 2)).relu().flatten(1)
        return found


def channels_last() -> tuple[bool, float]:
    """Returns whether such weights are in parts, and the score after an epoch."""
    torch.manual_seed(0)
    made = MultiTaskModel(Hard(Wide()), tasks(), example=torch.zeros(2, 12))
    whole = data()
    rows = InMemory(whole.inputs.float().repeat(1, 3), whole.targets)
    options: dict[str, Any] = {"epochs": 1, "lr": 0.02, "progress": False, "device": "cpu"}
    found = Trainer(made, UPGrad(), parallel="shard", **options)
    state = found.fit(
        loader(rows, batch_size=7, shuffle=True), loader(rows, batch_size=10, shuffle=False)
    )
    return is_sharded(made), state.best_score


def refused(what: str) -> str:
    """Returns the error of what sharded parameters cannot do."""
    made = net()
    x = torch.ones(4, 3).double()

    def losses() -> dict[str, Tensor]:
        out = made(x)
        return {"a": out[:, 0].square().mean(), "b": out[:, 1].square().mean()}

    with pytest.raises(PlaitError) as told:
        if what == "later":
            fresh = nn.Linear(3, 2).double()
            backward = plait.Backward(UPGrad(), fresh)
            shard(fresh)
            out = fresh(x)
            backward({"a": out[:, 0].sum(), "b": out[:, 1].sum()})
        elif what == "chunks":
            plait.Backward(UPGrad(), made, chunk_size=2)(losses())
        elif what == "look ahead":
            plait.Backward(AutoLambda(), made)
        elif what == "penalty":
            found = losses()
            plait.Backward(UPGrad(), made)(found, made[0].weight.square().sum())
        elif what == "a rank alone":  # both run it, and one has no loss
            found = losses()
            plait.Backward(UPGrad(), made)(found if ranks().first else {}, counts={"a": 1, "b": 1})
        elif what == "second dimension":
            odd, mesh = nn.Linear(4, 4, bias=False), made[0].weight.device_mesh
            fully_shard(odd, shard_placement_fn=lambda _: Shard(1), mesh=mesh)
            plait.Backward(Equal(), odd)
        elif what == "groups":
            encoder = nn.Linear(4, 3)
            sharing = Hard(encoder, groups=[["size", "kind"], ["odd"]])
            model = MultiTaskModel(sharing, tasks(), example=torch.zeros(2, 4))
            Trainer(model, parallel="shard", progress=False, device="cpu")
        elif what == "hybrid":
            trainer("hard", parallel="hybrid")
        elif what == "last batch":
            train = loader(data(), batch_size=30, shuffle=False)
            trainer("hard", parallel="shard").fit(train)
        elif what == "last batch of a stream":
            train = loader(Rows(), batch_size=30, shuffle=False)
            trainer("hard", parallel="shard").fit(train)
    return str(told.value)
