"""What passes between tasks at features, inputs and predictions; penalties; the traces."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.connections import (
    AITM,
    Cascade,
    Hint,
    OrderCalibration,
    PADNet,
    PredictionDistillation,
    ProductChain,
    Wiring,
    doubly_robust,
    imputation,
    ips,
    snips,
)
from plait.connections.base import Connection
from plait.connections.edges.graph import key_of
from plait.core.features import Features, FeatureShape
from plait.core.keys import safe_key
from plait.core.kinds import Kind
from plait.core.outputs import Outputs
from plait.model import MultiTaskModel
from plait.sharing import Hard, Separate, Sharing
from plait.tasks import BaseTask, Classification, MultiLabel, Regression, Segmentation
from tests.architectures.adapters.files import Golden

FEEDS = {"logits": "logits", "probs": "probabilities", "embedding": "embedding"}


class Pick(nn.Module):
    """Gives some of the channels of its input, as they are."""

    def __init__(self, first: int, number: int) -> None:
        super().__init__()
        self.first, self.number = first, number

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.narrow(1, self.first, self.number)


def names(number: int) -> list[str]:
    return [f"t{position}" for position in range(number)]


def edges(tasks: Sequence[str]) -> list[tuple[str, str]]:
    return list(pairwise(tasks))


def load(layer: nn.Module, weights: Sequence[Any]) -> None:
    """Gives a layer the weights of the file: its matrix, and its bias if there is one."""
    with torch.no_grad():
        for name, values in zip(("weight", "bias"), weights, strict=False):
            parameter = layer.get_parameter(name)
            given = torch.tensor(values, dtype=parameter.dtype)
            assert parameter.shape == given.shape
            parameter.copy_(given)


def mlp(layers: Sequence[Any], activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Linear layers of the file, each with its activation."""
    made: list[nn.Module] = []
    for weight, bias in layers:
        layer = nn.Linear(len(weight[0]), len(weight)).double()
        load(layer, (weight, bias))
        made += [layer, activation()]
    return nn.Sequential(*made)


def head_of(model: MultiTaskModel, task: str) -> nn.Linear:
    """The one layer of a linear head."""
    linear = [m for m in model.heads[safe_key(task)].modules() if isinstance(m, nn.Linear)]
    assert len(linear) == 1
    return linear[0]


def objective(model: MultiTaskModel, inputs: Tensor, labels: Mapping[str, Tensor]) -> list[Tensor]:
    """The whole objective, and the loss of each task."""
    outputs = [model(inputs)]
    losses = model.losses(outputs, model.batch(inputs, labels))
    terms = [*losses.values(), *model.penalty(outputs).values()]
    return [torch.stack(terms).sum(), *losses.values()]


# --- forward connections ------------------------------------------------------------------------


def cascade(golden: Golden) -> None:
    golden.know("n_tasks", "feed", "alpha", "detach", "formula")
    config, tasks = golden.config, names(golden.config["n_tasks"])
    networks, table = golden.params["networks"], golden.params["label_embedding"]
    x = golden.tensor(golden.inputs["x"])
    width = x.shape[1]  # the first columns of a first layer meet x, the others s(y)
    firsts = [([row[:width] for row in net[0][0]], net[0][1]) for net in networks]
    connection = Cascade(
        feed=FEEDS[config["feed"]],
        into="input",
        alpha=config["alpha"],
        detach="source" if config["detach"] else None,
        **({} if table is None else {"width": len(table[0][0])}),
    )
    model = MultiTaskModel(
        Separate({task: mlp([first], nn.Tanh) for task, first in zip(tasks, firsts, strict=True)}),
        [Classification(task, classes=3) for task in tasks],
        example=x.double(),
        connections=[connection],
    ).to(golden.dtype)
    for position, task in enumerate(tasks):
        load(head_of(model, task), networks[position][1])
        if connection.parents(task):
            unit = connection.maps[key_of((tasks[position - 1], task))].linear
            load(unit, ([row[width:] for row in networks[position][0][0]],))
    for task, values in zip(tasks, table or (), strict=False):
        with torch.no_grad():
            connection.embeddings[safe_key(task)].copy_(golden.tensor(values))
    labels = dict(zip(tasks, map(torch.tensor, golden.inputs["y"]), strict=True))
    outputs = model(x)
    total, *losses = objective(model, x, labels)
    total.backward()
    golden.check([outputs[task] for task in tasks], "logits")
    golden.check(losses, "losses")
    for position, task in enumerate(tasks[:2]):
        first, last = model.sharing.networks()[task][0], head_of(model, task)
        grad = first.weight.grad
        if position > 0:
            met = torch.zeros(len(grad), len(networks[1][0][0][0]) - width)
            if connection.parents(task):
                met = connection.maps[key_of((tasks[0], task))].linear.weight.grad
            grad = torch.cat([grad, met], dim=1)
        found = [[grad, first.bias.grad], [last.weight.grad, last.bias.grad]]
        golden.check(found, f"grad_task{position}")


def padnet_distillation(golden: Golden) -> None:
    golden.know("tasks", "aux", "formula")
    tasks = golden.config["tasks"]
    assert golden.config["aux"] == tasks
    given = {task: golden.tensor(golden.inputs["features"][task]) for task in tasks}
    channels = given[tasks[0]].shape[1]
    x = torch.cat(list(given.values()), dim=1)
    connection = PADNet(early_weight=0.0)
    model = MultiTaskModel(
        Separate({task: Pick(i * channels, channels) for i, task in enumerate(tasks)}),
        [Segmentation(task, classes=2) for task in tasks],
        example=x.double(),
        connections=[connection],
    ).to(golden.dtype)
    for target in tasks:
        for source, conv in golden.params["conv"][target].items():
            unit = connection.units[key_of((source, target))]["0"]
            load(unit.conv, (conv,))
            load(unit.att, (golden.params["att"][target][source],))
    features = model(x).features
    golden.check({task: features[task].levels[-1] for task in tasks}, "out")


def aitm(golden: Golden) -> None:
    golden.know("n_tasks", "dim", "order", "calibrator", "w")
    tasks, dim = names(golden.config["n_tasks"]), golden.config["dim"]
    x = torch.cat([golden.tensor(q) for q in golden.inputs["q"]], dim=1)
    connection = AITM(activation="none", bias=True)
    model = MultiTaskModel(
        Separate({task: Pick(i * dim, dim) for i, task in enumerate(tasks)}),
        [MultiLabel(task, labels=1) for task in tasks],
        example=x.double(),
        connections=[connection],
    ).to(golden.dtype)
    for name, key in (("key", "K"), ("query", "Q"), ("value", "V")):
        load(connection.attention[name], golden.params[key])
    for edge, g in zip(edges(tasks), golden.params["g"], strict=True):
        load(connection.transfers[key_of(edge)][0], g)
    features = model(x).features
    z = {task: features[task].levels[-1] for task in tasks}
    own = dict(zip(tasks, x.split(dim, dim=1), strict=True))
    golden.check(list(z.values()), "z")
    weights = [
        connection.attend([connection.carried(s, t, z[s])], own[t])[1] for s, t in edges(tasks)
    ]
    golden.check(weights, "attention")
    logits = golden.tensor(golden.inputs["p_final"]).logit()
    calibration = OrderCalibration(alpha=golden.config["w"])
    calibration.setup(wiring(tasks, "labels", dict.fromkeys(tasks, (1,))))
    terms = calibration.terms(Outputs(dict(zip(tasks, logits.split(1, dim=1), strict=True))))
    golden.check(torch.stack([term.scaled for term in terms.values()]).sum(), "calibrator")


def wiring(
    tasks: Sequence[str],
    kind: str,
    predictions: Mapping[str, tuple[int, ...]],
    shapes: Mapping[str, FeatureShape] | None = None,
) -> Wiring:
    """What a model tells a connection of tasks whose predictions are of one kind."""
    return Wiring(
        tuple(tasks),
        shapes or {},
        kinds=dict.fromkeys(tasks, Kind(kind)),
        predictions=predictions,
    )


def esmm(golden: Golden) -> None:
    golden.know("activation", "note_on_bias")
    assert golden.config["activation"] == "relu"
    params, x = golden.params, golden.tensor(golden.inputs["x"])
    towers = {"click": "ctr", "conversion": "cvr"}
    model = MultiTaskModel(
        Separate({task: mlp(params[f"{tower}_tower"], nn.ReLU) for task, tower in towers.items()}),
        [MultiLabel(task, labels=1) for task in towers],
        example=x.double(),
        connections=[ProductChain()],
    ).to(golden.dtype)
    for task, tower in towers.items():
        load(head_of(model, task), (params[f"{tower}_W"], params[f"{tower}_bias"]))
    labels = {task: golden.tensor(golden.inputs[task])[:, None] for task in towers}
    outputs = model(x)
    alone = model.heads[safe_key("conversion")](outputs.features["conversion"])
    golden.check(outputs["click"].sigmoid()[:, 0], "p_ctr")
    golden.check(alone.sigmoid()[:, 0], "p_cvr")
    golden.check(outputs["conversion"].sigmoid()[:, 0], "p_ctcvr")
    total, click, conversion = objective(model, x, labels)
    golden.check(click, "loss_ctr")
    golden.check(conversion, "loss_ctcvr")
    golden.check(total, "loss")


def product_chain(golden: Golden) -> None:
    golden.know("n_tasks", "loss")
    tasks = names(golden.config["n_tasks"])
    logits = golden.tensor(golden.inputs["logits"]).requires_grad_()
    labels = golden.tensor(golden.inputs["labels"])
    connection = ProductChain()
    connection.setup(wiring(tasks, "labels", {}))
    raw = dict(zip(tasks, logits.split(1, dim=1), strict=True))
    marginal = torch.cat([connection.prediction(task, raw) for task in tasks], dim=1)
    loss = torch.stack(
        [
            MultiLabel(task, labels=1).loss(marginal[:, i : i + 1], labels[:, i : i + 1])
            for i, task in enumerate(tasks)
        ]
    ).sum()
    golden.check(logits.sigmoid(), "conditional")
    golden.check(marginal.sigmoid(), "marginal")
    golden.check(loss, "loss")
    golden.check(torch.autograd.grad(loss, logits)[0], "grad_logits")


def escm2(golden: Golden) -> None:
    golden.know("propensity_clip")
    given = {name: golden.tensor(values) for name, values in golden.inputs.items()}
    clip, imputed = golden.config["propensity_clip"], given["imputed_error"]
    error = F.binary_cross_entropy(given["p_cvr"], given["conversion"], reduction="none")
    seen = (error, given["click"], given["p_ctr"])
    golden.check(error, "cvr_error")
    golden.check(ips(*seen, clip=clip), "ipw")
    golden.check(snips(*seen, clip=clip), "snips")
    golden.check(doubly_robust(*seen, imputed, clip=clip), "dr")
    golden.check(imputation(*seen, imputed, clip=clip), "dr_imputation")


# --- penalties ----------------------------------------------------------------------------------


def transfer_penalties(golden: Golden) -> None:
    golden.know("n_tasks", "tau", "formula")
    tasks, alpha = names(golden.config["n_tasks"]), golden.params["alpha"]
    h = [golden.tensor(values).requires_grad_() for values in golden.inputs["h"]]
    z = [golden.tensor(values).requires_grad_() for values in golden.inputs["z"]]
    shapes = {t: FeatureShape((tuple(each.shape[1:]),)) for t, each in zip(tasks, h, strict=True)}
    told = wiring(tasks, "classes", dict.fromkeys(tasks, (z[0].shape[1],)), shapes)
    outputs = Outputs(
        dict(zip(tasks, z, strict=True)),
        features={task: Features((each,)) for task, each in zip(tasks, h, strict=True)},
    )

    def terms(connection: Any) -> list[Any]:
        connection.setup(told)
        connection.to(golden.dtype)
        for edge, r in zip(edges(tasks), golden.params["regressors"], strict=True):
            if isinstance(connection, Hint):
                load(connection.maps[key_of(edge)].linear, r)
        return list(connection.terms(outputs).values())

    hints = terms(Hint(alpha=alpha))
    distilled = terms(PredictionDistillation(alpha=alpha, tau=golden.config["tau"]))
    golden.check([term.raw for term in hints], "hint")
    golden.check([term.raw for term in distilled], "kd")
    total = torch.stack([term.scaled for term in [*hints, *distilled]]).sum()
    golden.check(total, "total")
    grads = torch.autograd.grad(total, [*h, *z])
    golden.check(list(grads[: len(h)]), "grad_h")
    golden.check(list(grads[len(h) :]), "grad_z")
    held = terms(Hint(detach="source"))
    golden.check([term.raw for term in held], "hint_source_detached")
    assert torch.autograd.grad(held[0].raw, h[0], allow_unused=True)[0] is None
    calibration = OrderCalibration()
    calibration.setup(wiring(tasks, "labels", dict.fromkeys(tasks, (1,))))
    first = Outputs({task: each[:, :1] for task, each in zip(tasks, z, strict=True)})
    golden.check([term.raw for term in calibration.terms(first).values()], "calibrator")


# --- whole trainings ----------------------------------------------------------------------------


def trace(golden: Golden, sharing: Sharing, connections: Sequence[Connection]) -> None:
    """Full-batch gradient descent on the whole objective."""
    tasks = names(golden.config["n_tasks"])
    x = golden.tensor(golden.inputs["x"])
    kinds: list[BaseTask] = [Regression(task) for task in tasks]
    model = MultiTaskModel(sharing, kinds, example=x.double(), connections=connections)
    model = model.to(golden.dtype)
    for task, weights in zip(tasks, golden.params["heads"], strict=True):
        load(head_of(model, task), weights)
    labels = dict(zip(tasks, map(golden.tensor, golden.inputs["y"]), strict=True))
    optimizer = torch.optim.SGD(model.parameters(), lr=golden.config["lr"])
    history = []
    for _ in range(golden.config["steps"]):
        found = objective(model, x, labels)
        history.append(torch.stack(found).detach())
        optimizer.zero_grad()
        found[0].backward()
        optimizer.step()
    golden.check(torch.stack(history), "losses_total_then_per_task")
    trunks = [m for m in model.sharing.modules() if isinstance(m, nn.Linear)]
    golden.check([[each.weight, each.bias] for each in trunks], "final_trunks")
    heads = [head_of(model, task) for task in tasks]
    golden.check([[each.weight, each.bias] for each in heads], "final_heads")


def networks(golden: Golden) -> Separate:
    trunks = [mlp([trunk], nn.Tanh) for trunk in golden.params["trunks"]]
    return Separate(dict(zip(names(golden.config["n_tasks"]), trunks, strict=True)))


def trace_shared(golden: Golden) -> None:
    golden.know("n_tasks", "steps", "lr", "adjacency", "objective")
    trace(golden, Hard(mlp(golden.params["trunks"], nn.Tanh)), [])


def trace_transfer(golden: Golden) -> None:
    golden.know("n_tasks", "steps", "lr", "alpha", "adjacency", "objective")
    trace(golden, networks(golden), [Hint(alpha=golden.config["alpha"])])


def trace_cascade(golden: Golden) -> None:
    golden.know("n_tasks", "steps", "lr", "alpha", "adjacency", "objective")
    trace(golden, networks(golden), [Cascade(map="identity", alpha=golden.config["alpha"])])


METHODS = {
    "aitm": aitm,
    "cascade": cascade,
    "escm2": escm2,
    "esmm": esmm,
    "padnet_distillation": padnet_distillation,
    "product_chain": product_chain,
    "trace_cascade": trace_cascade,
    "trace_shared": trace_shared,
    "trace_transfer": trace_transfer,
    "transfer_penalties": transfer_penalties,
}
