"""Relations of tasks; orders of groups and rows are explained in the files' README."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from plait.core.keys import safe_key
from plait.model import MultiTaskModel
from plait.relations import (
    choose_among,
    choose_groups,
    every_group,
    gradient_conflict,
    hoa_losses,
    linear_cka,
    rsa,
    tag_affinity,
)
from plait.sharing import Hard
from plait.tasks import Regression
from tests.architectures.adapters.experts import load, put
from tests.architectures.adapters.files import Golden


def gradient_conflicts(golden: Golden) -> None:
    golden.know("formula")
    found = gradient_conflict(jacobian=golden.tensor(golden.inputs["G"]))
    golden.check(found.cosines, "cosine")
    golden.check(found.conflicts.astype(float), "conflict")
    golden.check(np.float64(found.rate), "conflict_rate")
    golden.check(found.similarity, "magnitude_similarity")
    golden.check(found.toward_mean, "cos_with_mean")


def tag(golden: Golden) -> None:
    golden.know("lr", "formula", "model")
    assert golden.config["model"] == "tanh(x W^T+b) shared, one Linear head per task, MSE mean"
    weight, x = golden.params["W"], golden.tensor(golden.inputs["x"])
    names = [str(number) for number in range(len(golden.params["heads"]))]
    linear = nn.Linear(len(weight[0]), len(weight))
    tasks = [Regression(name, mean=0.0, scale=1.0) for name in names]
    model = MultiTaskModel(Hard(nn.Sequential(linear, nn.Tanh())), tasks, example=x.float())
    model.to(golden.dtype)
    (shared,) = [m for m in model.sharing.modules() if isinstance(m, nn.Linear)]
    put(shared.weight, weight)
    put(shared.bias, golden.params["b"])
    heads = zip(golden.params["heads"], golden.params["head_bias"], strict=True)
    for name, head in zip(names, heads, strict=True):
        load(model.heads[safe_key(name)], [list(head)])
    labels = {name: golden.tensor(y) for name, y in zip(names, golden.inputs["y"], strict=True)}
    lr = golden.config["lr"]
    found = tag_affinity(model, [(x, labels)], lr=lr)
    golden.check(found.losses, "losses")
    golden.check(found.values, "Z")
    golden.check(found.values / lr, "Z_over_lr")


def in_order(groups: Sequence[Sequence[str]]) -> list[list[str]]:
    return sorted(map(sorted, groups))


def grouping(golden: Golden) -> None:
    """The files have targets as rows, plait has sources."""
    golden.know("n_networks", "formula")
    assert "singleton = -1e6" in golden.config["formula"]
    found = choose_groups(
        np.array(golden.inputs["Z"]).T,
        golden.config["n_networks"],
        tasks=golden.inputs["tasks"],
        singleton=-1e6,
    )
    golden.check(np.float64(found.total), "score")
    same_groups(golden, found)
    served: dict[str, Any] = golden.expected("serving")
    golden.skip("serving", reason="lists of names, compared here")
    assert {task: sorted(group) for task, group in found.served_by.items()} == {
        task: sorted(group) for task, group in served.items()
    }


def same_groups(golden: Golden, found: Any) -> None:
    golden.skip("groups", reason="lists of names, compared here")
    assert in_order(found.groups) == in_order(golden.expected("groups"))


def hoa(golden: Golden) -> None:
    """The file has targets as rows, plait has sources."""
    golden.know("n_networks", "formula")
    tasks = golden.inputs["tasks"]
    groups = every_group(tasks)
    losses = hoa_losses(np.array(golden.inputs["P"]).T, groups, tasks=tasks)
    predicted = {
        "+".join(group): {task: row[tasks.index(task)] for task in group}
        for group, row in zip(groups, losses, strict=True)
    }
    golden.check(predicted, "predicted")
    found = choose_among(groups, -losses, golden.config["n_networks"], tasks=tasks)
    golden.check(np.float64(-found.total), "score")
    same_groups(golden, found)


def similarity(golden: Golden) -> None:
    golden.know("formula")
    one, two = golden.tensor(golden.inputs["A"]), golden.tensor(golden.inputs["B"])
    golden.check(np.float64(linear_cka(one, two)), "linear_cka")
    golden.check(np.float64(rsa(one, two)), "rsa")


METHODS = {
    "gradient_conflict": gradient_conflicts,
    "hoa_grouping": hoa,
    "representation_similarity": similarity,
    "tag_affinity": tag,
    "task_grouping": grouping,
}
