"""CrossStitch, Sluice, NDDR, Lateral and Progressive, each in a model over `Separate`."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from plait.connections import (
    NDDR,
    CrossStitch,
    Lateral,
    Progressive,
    Sluice,
    StageConnection,
    Wiring,
)
from plait.core.features import Features, FeatureShape
from plait.core.keys import safe_key, unit_key
from plait.core.outputs import Outputs
from plait.model import MultiTaskModel
from plait.sharing import Separate
from plait.tasks import Task
from tests.architectures.adapters.files import Golden

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}
SQUARES = "sum_t 0.5*sum(y_t**2)"


class Head(nn.Module):
    """A linear map or a 1x1 convolution of the last level, by the shape of its weight."""

    def __init__(self, weight: Any) -> None:
        super().__init__()
        size = torch.tensor(weight).shape
        linear = len(size) == 2
        self.map = nn.Linear(size[1], size[0]) if linear else nn.Conv2d(size[1], size[0], 1)

    def forward(self, features: Features) -> Tensor:
        found: Tensor = self.map(features.levels[-1])
        return found


def load(layer: nn.Module, weights: Sequence[Any]) -> None:
    """Gives a layer the weights of the file, its matrix and its bias."""
    with torch.no_grad():
        for name, values in zip(("weight", "bias"), weights, strict=True):
            parameter = layer.get_parameter(name)
            parameter.copy_(torch.tensor(values, dtype=parameter.dtype))


def put(parameter: Tensor, values: Any) -> None:
    """Gives a parameter the values of the file."""
    with torch.no_grad():
        given = torch.tensor(values, dtype=parameter.dtype)
        assert parameter.shape == given.shape
        parameter.copy_(given)


def network(stages: Sequence[Any], activation: str, conv: Mapping[str, Any] | None) -> nn.Module:
    """A sequence of stages of a layer and its activation."""
    made: list[nn.Module] = []
    for position, (weight, _) in enumerate(stages):
        size = torch.tensor(weight).shape
        layer: nn.Module = nn.Linear(size[1], size[0])
        if conv is not None:
            stride = conv["strides"][position]
            layer = nn.Conv2d(
                size[1], size[0], conv["kernel"], stride=stride, padding=conv["padding"]
            )
        made.append(nn.Sequential(layer, ACTIVATIONS[activation]()))
    return nn.Sequential(*made)


def model_of(
    golden: Golden,
    stages: Mapping[str, Any],
    heads: Mapping[str, Any],
    connection: StageConnection,
    activation: str,
    conv: Mapping[str, Any] | None = None,
) -> MultiTaskModel:
    """One network for each task with the weights of the file, and the connection."""

    def head(weight: Any) -> Callable[[FeatureShape], nn.Module]:
        return lambda shape: Head(weight)

    model = MultiTaskModel(
        Separate({task: network(own, activation, conv) for task, own in stages.items()}),
        [Task(task, head=head(heads[task][0]), loss=nn.MSELoss()) for task in stages],
        example=torch.tensor(golden.inputs["x"]),
        connections=[connection],
    ).to(golden.dtype)
    for task, own in stages.items():
        for stage, weights in zip(model.sharing.networks()[task], own, strict=True):
            load(stage[0], weights)
        load(model.heads[safe_key(task)].map, heads[task])
    return model


def squares(outputs: Outputs) -> Tensor:
    """The loss of the files."""
    return torch.stack([0.5 * y.square().sum() for y in outputs.values()]).sum()


def first_gradients(model: MultiTaskModel) -> dict[str, Tensor | None]:
    """Of each task's first matrix."""
    return {task: net[0][0].weight.grad for task, net in model.sharing.networks().items()}


def cross_stitch(golden: Golden) -> None:
    golden.know(
        "tasks", "activation", "n_stages", "unit_after_stages", "unit_kind", "loss", "conv",
        "channels", "head",
    )  # fmt: skip
    config, params = golden.config, golden.params
    assert config["loss"] == SQUARES
    stitch = CrossStitch(
        after=config["unit_after_stages"],
        per_channel={"scalar": False, "per_channel": True}[config["unit_kind"]],
    )
    conv = config.get("conv")
    model = model_of(golden, params["stages"], params["heads"], stitch, config["activation"], conv)
    rows = [
        [stitch.units[unit_key(stage, task)] for task in config["tasks"]]
        for stage in config["unit_after_stages"]
    ]
    for unit, values in zip(rows, params["unit"], strict=True):
        for row, given in zip(unit, values, strict=True):
            put(row, given)
    outputs = model(golden.tensor(golden.inputs["x"]))
    loss = squares(outputs)
    loss.backward()
    golden.check(outputs, "outputs")
    golden.check(loss, "loss")
    golden.check([[row.grad for row in unit] for unit in rows], "grad_unit")
    golden.check(first_gradients(model), "grad_first_stage_W")


def sluice(golden: Golden) -> None:
    golden.know("tasks", "n_layers", "n_subspaces", "activation", "loss")
    config, params = golden.config, golden.params
    assert config["loss"] == SQUARES + " + 0.1*penalty"
    tasks, subspaces = config["tasks"], config["n_subspaces"]
    unit = Sluice(subspaces=subspaces, orthogonality=0.1)
    model = model_of(golden, params["stages"], params["heads"], unit, config["activation"])
    alphas = [
        [unit.alphas[unit_key(stage, task)] for task in tasks]
        for stage in range(config["n_layers"])
    ]
    betas = [unit.betas[safe_key(task)] for task in tasks]
    for layer, values in zip(alphas, params["alpha"], strict=True):
        for position, alpha in enumerate(layer):
            put(alpha, values[position * subspaces : (position + 1) * subspaces])
    for beta, values in zip(betas, params["beta"], strict=True):
        put(beta, values)
    outputs = model(golden.tensor(golden.inputs["x"]))
    penalty = model.penalty([outputs])
    loss = squares(outputs) + sum(penalty.values())
    loss.backward()
    golden.check(outputs, "outputs")
    golden.check(sum(penalty.raw.values(), torch.zeros(())), "penalty")
    golden.check(loss, "loss")
    golden.check([torch.cat([a.grad for a in layer]) for layer in alphas], "grad_alpha")
    golden.check([beta.grad for beta in betas], "grad_beta")
    golden.check(first_gradients(model), "grad_first_stage_W")


def nddr(golden: Golden) -> None:
    golden.know("tasks", "channels", "alpha", "beta", "training", "from_init")
    config, params = golden.config, golden.params
    x = {task: golden.tensor(values) for task, values in golden.inputs["x"].items()}
    tasks = tuple(config["tasks"])
    unit = NDDR(after=[0], own=config["alpha"], other=config["beta"])
    shapes = {task: FeatureShape((tuple(values.shape[1:]),)) for task, values in x.items()}
    unit.setup(Wiring(tasks, shapes))
    unit.to(golden.dtype).train(config["training"])
    made = {task: unit.units[unit_key(0, task)] for task in tasks}
    for task, fusion in made.items():
        weight = golden.tensor(params["conv_w"][task])
        if config["from_init"]:
            torch.testing.assert_close(fusion.map.linear.weight, weight)
        put(fusion.map.linear.weight, params["conv_w"][task])
        for name, values in params["bn"][task].items():
            put(getattr(fusion.norm, name), values)
    golden.check(unit.mix(0, x, tasks), "outputs")
    if config["training"]:
        for name in ("running_mean", "running_var"):
            after = {task: getattr(fusion.norm, name) for task, fusion in made.items()}
            golden.check(after, f"{name}_after")


def progressive(golden: Golden) -> None:
    golden.know("n_tasks", "n_layers", "activation", "formula")
    config, columns = golden.config, golden.params["columns"]
    names = [str(t) for t in range(config["n_tasks"])]
    adapters = golden.params.get("adapters_V_a_Uo")
    width = None if adapters is None else len(adapters[-1][0][0])
    unit = Progressive(adapter=width, heads=False)
    stages = dict(zip(names, columns, strict=True))
    wide = len(columns[0][-1][0])
    heads = {task: ([[0.0] * wide], [0.0]) for task in names}
    model = model_of(golden, stages, heads, unit, config["activation"])
    for t, task in enumerate(names[1:], 1):
        for layer in range(config["n_layers"] - 1):
            made = unit.units[unit_key(layer + 1, task)]
            if adapters is None:
                for source, values in zip(names, golden.params["laterals"][t][layer], strict=False):
                    put(made.maps[safe_key(source)].linear.weight, values)
            else:
                down, scales, up = adapters[t][layer]
                put(made.down.linear.weight, down)
                put(made.scales, scales)
                put(made.up.linear.weight, up)
    outputs = model(golden.tensor(golden.inputs["x"]))
    features = [outputs.features[task].levels for task in names]
    golden.check(features, "features")
    golden.check([levels[-1] for levels in features], "last")


def lateral(golden: Golden) -> None:
    golden.know("n_tasks", "formula")
    assert "loss=sum 0.5*sum(y^2)" in golden.config["formula"]
    params = golden.params
    names = [str(t) for t in range(golden.config["n_tasks"])]
    unit = Lateral(alpha={"learned": params["alpha"]})
    stages = {task: net[:-1] for task, net in zip(names, params["networks"], strict=True)}
    heads = {task: net[-1] for task, net in zip(names, params["networks"], strict=True)}
    model = model_of(golden, stages, heads, unit, "tanh")
    assert unit.gates is not None and unit.gates.learned is not None
    put(unit.gates.learned, params["alpha"])
    for (source, task), maps in zip(pairwise(names), params["laterals"], strict=True):
        for place, values in enumerate(maps, 1):
            put(unit.units[unit_key(place, task)].maps[safe_key(source)].linear.weight, values)
    outputs = model(golden.tensor(golden.inputs["x"]))
    loss = squares(outputs)
    loss.backward()
    golden.check(list(outputs.values()), "outputs")
    golden.check(loss, "loss")
    golden.check(unit.gates.learned.grad, "grad_alpha")
    golden.check(first_gradients(model)[names[0]], "grad_task0_W1")


METHODS = {
    "cross_stitch": cross_stitch,
    "sluice": sluice,
    "nddr": nddr,
    "progressive_columns": progressive,
    "lateral_chain": lateral,
}
