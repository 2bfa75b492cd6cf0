"""Values and gradients of the regularizers on given weights, and training with them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.core.features import Features
from plait.core.keys import safe_key
from plait.model import MultiTaskModel
from plait.regularization import (
    L21,
    Asymmetric,
    Clustered,
    Cosine,
    Dirty,
    GraphLaplacian,
    LearnedStrength,
    MeanRegularized,
    Orthogonality,
    PairwiseL2,
    ParameterRegularizer,
    Regularizer,
    TaskRelationship,
    TensorTraceNorm,
    TraceNorm,
)
from plait.regularization.algebra.correlation import correlation_of
from plait.regularization.algebra.laplacian import adjacency, laplacian
from plait.sharing import Separate
from plait.tasks import Regression
from tests.architectures.adapters.files import Adapter, Golden


def columns(regularizer: ParameterRegularizer) -> Tensor:
    """W `[d, T]` back from the networks."""
    (layer,) = regularizer.groups
    return torch.stack([parameter.detach().flatten() for parameter in layer], dim=1)


def value_and_gradient(regularizer: ParameterRegularizer, weights: Tensor) -> tuple[Tensor, Tensor]:
    """R and its gradient in the layout of W; sets the regularizer up, if it is not."""
    if not regularizer.groups:
        tied(regularizer, weights)
    (layer,) = regularizer.groups
    cost = regularizer.cost()
    gradients = torch.autograd.grad(cost, layer)
    return cost.detach(), torch.stack([each.flatten() for each in gradients], dim=1)


def tied(regularizer: ParameterRegularizer, weights: Tensor) -> Any:
    """The regularizer, set up on one linear network for each column of W `[d, T]`."""
    nets: dict[str, nn.Module] = {}
    for position, column in enumerate(weights.T):
        net = nets[f"t{position}"] = nn.Linear(len(column), 1, bias=False, dtype=weights.dtype)
        with torch.no_grad():
            net.weight.copy_(column)
    regularizer.setup(nets)
    return regularizer


def _matrix(golden: Golden) -> None:
    golden.know("d", "T")
    weights = golden.tensor(golden.params["W"])
    simple: dict[str, ParameterRegularizer] = {
        "pairwise_l2": PairwiseL2(strength=1.0),
        "mean_l2": MeanRegularized(strength=1.0),
        "laplacian": GraphLaplacian(strength=1.0, graph=golden.expected("laplacian", "adjacency")),
        "chain": GraphLaplacian(strength=1.0),
        "l21": L21(strength=1.0),
        "cosine": Cosine(strength=1.0),
    }
    for name, regularizer in simple.items():
        value, gradient = value_and_gradient(regularizer, weights)
        golden.check(value, name, "value")
        golden.check(gradient, name, "grad")
    golden.skip("laplacian", "adjacency", reason="given")
    names = [f"t{position}" for position in range(golden.config["T"])]
    difference = golden.tensor(golden.expected("chain", "R")).double()
    chain = laplacian(adjacency("chain", names))
    torch.testing.assert_close(chain, difference @ difference.T)
    golden.skip("chain", "R", reason="compared as the Laplacian that it makes")
    golden.check(correlation_of(weights.T @ weights), "cosine", "matrix")
    dirty = tied(Dirty(strength=1.0, ratio=1.0), weights)
    golden.check(dirty.cost(), "l1inf", "value")
    golden.check(dirty.own_norm(weights.T), "l1", "value")
    _ridge(golden, weights)
    _trace(golden)
    _mtrl(golden, weights)
    _cmtl(golden, weights)
    _amtl(golden, weights)


def _ridge(golden: Golden, weights: Tensor) -> None:
    """Before any estimate, Omega is I / T."""
    value, gradient = value_and_gradient(TaskRelationship(strength=1.0), weights)
    golden.check(value / weights.shape[1], "frobenius", "value")
    golden.check(gradient / weights.shape[1], "frobenius", "grad")


def _trace(golden: Golden) -> None:
    weights = golden.tensor(golden.expected("trace_norm", "W"))
    value, gradient = value_and_gradient(TraceNorm(strength=1.0), weights)
    golden.check(value, "trace_norm", "value")
    golden.check(gradient, "trace_norm", "grad")
    golden.skip("trace_norm", "W", reason="given")


def _mtrl(golden: Golden, weights: Tensor) -> None:
    given = golden.tensor(golden.expected("mtrl", "W"))
    regularizer = tied(TaskRelationship(strength=1.0, eps=0.0), given)
    regularizer.estimate()
    golden.check(regularizer.relation(), "mtrl", "Omega")
    golden.check(regularizer.correlation(), "mtrl", "correlation")
    value, gradient = value_and_gradient(regularizer, given)
    golden.check(value, "mtrl", "value")
    golden.check(gradient, "mtrl", "grad")
    norm, _ = value_and_gradient(TraceNorm(strength=1.0), given)
    golden.check(norm.square(), "mtrl", "trace_norm_squared")
    golden.skip("mtrl", "W", reason="given")

    eps = golden.expected("mtrl_eps", "eps")
    regularizer = tied(TaskRelationship(strength=1.0, eps=eps), weights)
    regularizer.estimate()
    golden.check(regularizer.relation(), "mtrl_eps", "Omega")
    golden.check(regularizer.cost(), "mtrl_eps", "value")
    golden.skip("mtrl_eps", "eps", reason="given")


def _cmtl(golden: Golden, weights: Tensor) -> None:
    given = golden.expected("cmtl")
    beta = given["rho2"] / given["rho1"]
    regularizer = tied(Clustered(strength=1.0, clusters=given["k"], beta=beta), weights)
    regularizer.set_relation(golden.tensor(given["M"]))
    golden.check(regularizer.relation(), "cmtl", "M")
    value, gradient = value_and_gradient(regularizer, weights)
    golden.check(given["rho1"] * value, "cmtl", "value")
    golden.check(given["rho1"] * gradient, "cmtl", "grad")
    for key in ("k", "rho1", "rho2"):
        golden.skip("cmtl", key, reason="given")


def _amtl(golden: Golden, weights: Tensor) -> None:
    regularizer = tied(Asymmetric(strength=1.0, sparsity=0.0), weights)
    regularizer.transfer.copy_(golden.tensor(golden.expected("amtl", "B")))
    regularizer.transfer.requires_grad_()
    value, gradient = value_and_gradient(regularizer, weights)
    golden.check(value, "amtl", "value")
    golden.check(gradient, "amtl", "grad_W")
    (of_transfer,) = torch.autograd.grad(regularizer.cost(), regularizer.transfer)
    golden.check(of_transfer, "amtl", "grad_B")
    golden.skip("amtl", "B", reason="given")


class Holder(nn.Module):
    """Parameters of one task, by number."""

    def __init__(self, values: Sequence[Tensor]) -> None:
        super().__init__()
        for position, value in enumerate(values):
            self.register_parameter(f"layer{position}", nn.Parameter(value.clone()))


def _tensor(golden: Golden) -> None:
    golden.know("shape", "task_axis")
    assert golden.config["task_axis"] == "last"
    weights = golden.tensor(golden.params["W"])

    def run(form: Any, reduction: Any = "sum") -> tuple[Tensor, Tensor, list[Tensor]]:
        nets = {str(t): Holder([weights[..., t]]) for t in range(weights.shape[-1])}
        regularizer = TensorTraceNorm(strength=1.0, form=form, reduction=reduction)
        regularizer.setup(nets)
        cost = regularizer.cost()
        cost.backward()
        gradients = [net.layer0.grad for net in nets.values()]
        (norms,) = regularizer.norms().values()
        return cost, torch.stack(gradients, dim=-1), list(norms.values())

    value, gradient, _ = run("last_axis")
    golden.check(value, "LAF", "value")
    golden.check(gradient, "LAF", "grad")
    for form, name, key in (("tucker", "Tucker", "per_mode"), ("tensor_train", "TT", "per_split")):
        value, gradient, norms = run(form)
        golden.check(value, name, "sum")
        golden.check(gradient, name, "grad_sum")
        golden.check(norms, name, key)
        golden.check(run(form, "mean")[0], name, "mean")
    regularizer = TensorTraceNorm(strength=1.0, form="all")
    regularizer.setup({str(t): Holder([weights[..., t]]) for t in range(weights.shape[-1])})
    golden.check(regularizer.norms()["layer0"], "all_flattenings")


def _deep(golden: Golden) -> None:
    golden.know("T", "shapes")
    layers = range(len(golden.config["shapes"]))
    values = {
        task: list(map(golden.tensor, given)) for task, given in golden.params["theta"].items()
    }
    nets = {task: Holder(given) for task, given in values.items()}

    def cost(cls: Any, **options: Any) -> Tensor:
        regularizer = cls(strength=1.0, **options)
        regularizer.setup(nets)
        found: Tensor = regularizer.cost()
        return found

    def per_layer(cls: Any, **options: Any) -> list[Tensor]:
        return [cost(cls, scope=f"layer{position}", **options) for position in layers]

    golden.check(cost(PairwiseL2), "pairwise_l2")
    golden.check(per_layer(PairwiseL2), "pairwise_l2_per_layer")
    spreads = per_layer(MeanRegularized)
    golden.check(spreads, "mean_l2_per_layer")
    mean = cost(MeanRegularized)
    mean.backward()
    golden.check(mean, "mean_l2")
    golden.check(
        [[net.get_parameter(f"layer{i}").grad for net in nets.values()] for i in layers],
        "grad_mean_l2",
    )
    golden.check(cost(Cosine, per_layer=False), "cosine_global")
    golden.check(per_layer(Cosine), "cosine_per_layer")
    golden.check(per_layer(TraceNorm), "trace_norm_per_layer")
    learned = LearnedStrength(strength=1.0, eps=1e-30)
    learned.setup(nets)
    golden.check(learned.strengths(), "learned_lambda", "lambda_star")
    golden.check(learned.strengths() * 2 * torch.stack(spreads), "learned_lambda", "n")
    golden.check(learned.cost(), "learned_lambda", "value_at_lambda_star")


def _orthogonality(golden: Golden) -> None:
    golden.know("batch")

    def run(form: Any) -> tuple[Tensor, Tensor, Tensor]:
        shared, private = (golden.tensor(golden.inputs[k]) for k in ("shared", "private"))
        shared.requires_grad_()
        private.requires_grad_()
        features = {"a": Features((shared,)), "b": Features((private,))}
        value = Orthogonality(strength=1.0, form=form).cost(features)
        return (value, *torch.autograd.grad(value, (shared, private)))

    for form, name in (("frobenius", "frobenius"), ("normalised", "centred_normalised_mean")):
        value, of_shared, of_private = run(form)
        golden.check(value, name, "value")
        golden.check(of_shared, name, "grad_shared")
        golden.check(of_private, name, "grad_private")
    golden.check(run("uncentred")[0], "normalised_mean_no_centre", "value")


def _trace_reg(golden: Golden) -> None:
    """Full-batch SGD on given weights."""
    golden.know("n_tasks", "steps", "lr", "reg", "lam", "adjacency", "objective")
    config, trunks, heads = golden.config, golden.params["trunks"], golden.params["heads"]
    inputs, targets = golden.tensor(golden.inputs["x"]), golden.tensor(golden.inputs["y"])
    tasks = [f"t{position}" for position in range(config["n_tasks"])]
    encoders = {}
    for task, (weight, bias) in zip(tasks, trunks, strict=True):
        layer = nn.Linear(len(weight[0]), len(weight), dtype=golden.dtype)
        put(layer, golden.tensor(weight), golden.tensor(bias))
        encoders[task] = nn.Sequential(layer, nn.Tanh())
    model = MultiTaskModel(
        Separate(encoders),
        [Regression(task) for task in tasks],
        example=inputs,
        regularization=[_named(config)],
    ).to(golden.dtype)
    last = {task: model.heads[safe_key(task)].get_submodule("head.layers.0") for task in tasks}
    for task, (weight, bias) in zip(tasks, heads, strict=True):
        put(last[task], golden.tensor(weight), golden.tensor(bias))
    optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"])
    batch = model.batch(inputs, dict(zip(tasks, targets, strict=True)))
    history = []
    for _ in range(config["steps"]):
        optimizer.zero_grad()
        outputs = [model(part.inputs) for part in batch.parts]
        losses = model.losses(outputs, batch)
        total = torch.stack([*losses.values(), *model.penalty(outputs).values()]).sum()
        history.append(torch.stack([total, *losses.values()]).detach())
        total.backward()
        optimizer.step()
        model.after_step(optimizer)
    golden.check(torch.stack(history), "losses_total_then_per_task")
    networks = model.sharing.networks()
    golden.check([[*networks[task].parameters()] for task in tasks], "final_trunks")
    golden.check([[*last[task].parameters()] for task in tasks], "final_heads")


def put(layer: nn.Module, weight: Tensor, bias: Tensor) -> None:
    """Gives a linear layer its weights."""
    with torch.no_grad():
        layer.get_parameter("weight").copy_(weight)
        layer.get_parameter("bias").copy_(bias)


def _named(config: Any) -> Regularizer:
    strength = config["lam"]
    makers = {
        "pairwise": lambda: PairwiseL2(strength=strength),
        "mean": lambda: MeanRegularized(strength=strength),
        "laplacian": lambda: GraphLaplacian(strength=strength, graph=config["adjacency"]),
        "trace": lambda: TraceNorm(strength=strength),
    }
    return makers[config["reg"]]()


METHODS: dict[str, Adapter] = {
    "matrix_regularisers": _matrix,
    "tensor_trace_norms": _tensor,
    "deep_regularisers": _deep,
    "orthogonality": _orthogonality,
    "trace_reg": _trace_reg,
}
