"""Only what is trained is balanced; other leaves get the gradient of the plain sum."""

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait import Backward, backward
from plait.balancing import (
    DWA,
    MGDA,
    CAGrad,
    Equal,
    GradDrop,
    GradNorm,
    Info,
    MoCo,
    PCGrad,
    UncertaintyWeights,
    UPGrad,
)
from plait.gradients import Cut

F64 = torch.float64
Losses = dict[str, Tensor]
ROUTES: dict[str, tuple[Any, dict[str, Any]]] = {
    "constant": (Equal, {}),
    "fixed": (lambda: Equal(weights={"pde": 3.0}), {}),
    "weighted": (lambda: UncertaintyWeights().to(F64), {}),
    "weighted, unit heads": (lambda: UncertaintyWeights().to(F64), {"head_weights": "unit"}),
    "rows": (UPGrad, {"route": "rows"}),
    "rows by task": (UPGrad, {"route": "rows", "head_weights": "task"}),
    "layers": (MGDA, {"route": "layers"}),
    "layers by task": (MGDA, {"route": "layers", "head_weights": "task"}),
    "last layer": (GradNorm, {}),
    "direction": (GradDrop, {}),
    "chunks": (CAGrad, {"chunk_size": 2, "route": "rows"}),
    "re-used": (UPGrad, {"every": 2}),
}


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)
    ).to(F64)


def points(seed: int) -> Tensor:
    found = torch.rand(6, 2, dtype=F64, generator=torch.Generator().manual_seed(seed))
    return found.requires_grad_()


def terms(model: nn.Module, x: Tensor) -> Losses:
    """Losses of which two hold derivatives of the network by its inputs."""
    u = model(x)
    (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    (bend,) = torch.autograd.grad(slope[:, 0].sum(), x, create_graph=True)
    return {
        "pde": 0.1 * (bend[:, 0] + 9 * u[:, 0]).square().mean(),
        "slope": slope.square().mean(),
        "data": (u - x.detach().sum(dim=1, keepdim=True)).square().mean(),
    }


def set_up(make: Any) -> Any:
    balancer = make()
    balancer.setup(("pde", "slope", "data"))
    if isinstance(balancer, GradNorm | UncertaintyWeights):
        balancer.to(F64)
    return balancer


def slow_rows(model: nn.Module, losses: Losses) -> Tensor:
    parameters = list(model.parameters())
    rows = []
    for loss in losses.values():
        found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        rows.append(
            torch.cat(
                [
                    (torch.zeros_like(p) if g is None else g).flatten()
                    for p, g in zip(parameters, found, strict=True)
                ]
            )
        )
    return torch.stack(rows)


@pytest.mark.parametrize("with_model", [False, True])
@pytest.mark.parametrize("case", ROUTES)
def test_points_get_the_gradient_that_torch_gives_them(case: str, with_model: bool) -> None:
    make, options = ROUTES[case]
    model, extra = net(), nn.Linear(2, 1).to(F64)
    run = Backward(set_up(make), model if with_model else None, **options)
    for seed in range(3):
        x, only = points(seed), points(seed + 10)
        losses = terms(model, x)
        penalty = only.square().sum() + (x * 0.5).square().sum()
        plain = torch.autograd.grad(sum(losses.values()) + penalty, [x, only], retain_graph=True)
        run(losses, penalty)
        torch.testing.assert_close(x.grad, plain[0])
        torch.testing.assert_close(only.grad, plain[1])
        assert all(id(p) in map(id, model.parameters()) for p in run.memory.rows.layout.shared)
        run.balancer.after_step(lambda losses=losses: {t: v.detach() for t, v in losses.items()})
    assert extra.weight.grad is None


@pytest.mark.parametrize("options", [{"route": "rows"}, {"route": "layers"}, {"chunk_size": 3}])
@pytest.mark.parametrize("make", [UPGrad, MGDA])
def test_the_weights_are_those_of_the_parameters_alone(make: Any, options: dict[str, Any]) -> None:
    model, balancer = net(), make()
    for seed in range(4):
        model.zero_grad()
        x = points(seed)
        rows = slow_rows(model, terms(model, x))
        scale = 3 if balancer.equal_weight == "mean" else 1
        expected = make().weights(rows @ rows.T) * scale
        found = backward(terms(model, x), balancer, **options).weights
        torch.testing.assert_close(torch.as_tensor(found), expected, rtol=1e-6, atol=1e-8)
        step = torch.cat(
            [
                (torch.zeros_like(p) if p.grad is None else p.grad).flatten()
                for p in model.parameters()
            ]
        )
        torch.testing.assert_close(step, expected @ rows, rtol=1e-6, atol=1e-8)


def test_micro_batches_add_up_what_points_get() -> None:
    model, run = net(), Backward(CAGrad())
    x = [points(0), points(1)]
    run.start()
    for each in x:
        run.add(terms(model, each), dict.fromkeys(("pde", "slope", "data"), 0.5))
    run.finish()
    for each in x:
        (plain,) = torch.autograd.grad(sum(terms(model, each).values()) / 2, each)
        torch.testing.assert_close(each.grad, plain)


def test_several_batches_give_points_the_plain_gradient() -> None:
    model, balancer = net(), MoCo()
    run = Backward(balancer)
    x = [points(seed) for seed in range(balancer.batches)]
    run([terms(model, each) for each in x] if len(x) > 1 else terms(model, x[0]))
    for each in x:
        (plain,) = torch.autograd.grad(sum(terms(model, each).values()), each)
        torch.testing.assert_close(each.grad, plain)


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("linear", [False, True])
def test_learned_inputs_below_and_above_the_features(cut: bool, linear: bool) -> None:
    torch.manual_seed(0)
    trunk = nn.Linear(2, 5).to(F64)
    heads = nn.ModuleList(nn.Linear(5, 1) for _ in range(2)).to(F64)
    x, shift = points(0), torch.randn(1, dtype=F64, requires_grad=True)

    def losses(z: Tensor) -> Losses:
        seen = [z, z] if linear else [z, z * z]
        outputs = [head(each) + shift for head, each in zip(heads, seen, strict=True)]
        return {"a": outputs[0].square().mean(), "b": (outputs[1] - 1).square().mean()}

    plain = torch.autograd.grad(sum(losses(trunk(x).tanh()).values()), [x, shift])
    z, features = trunk(x).tanh(), Cut()
    found = losses(features(z) if cut else z)
    backward(found, MGDA(), at="features", features=features if cut else z)
    torch.testing.assert_close(x.grad, plain[0])
    torch.testing.assert_close(shift.grad, plain[1])


def test_plain_tensors_are_trained_where_no_parameter_is_reached() -> None:
    w = torch.tensor([1.0, 0.0], requires_grad=True)
    backward({"a": w[0], "b": w[1] - w[0]}, UPGrad())
    torch.testing.assert_close(w.grad, torch.tensor([0.5, 1.5]))


def test_plain_tensors_that_are_named_are_trained() -> None:
    w = torch.tensor([1.0, 0.0], requires_grad=True)
    head = nn.Parameter(torch.tensor(1.0))
    backward({"a": w[0] * head, "b": w[1] - w[0]}, UPGrad(), shared=[w])
    torch.testing.assert_close(w.grad, torch.tensor([0.5, 1.5]))
    torch.testing.assert_close(head.grad, torch.tensor(1.0))


@pytest.mark.parametrize("make", [Equal, DWA, PCGrad, UPGrad, MGDA])
def test_a_discriminator_outside_of_the_model_is_not_balanced_and_warns_once(make: Any) -> None:
    torch.manual_seed(0)
    generator, critic = nn.Linear(3, 3).to(F64), nn.Linear(3, 1).to(F64)
    balancer = make()
    for step in range(3):
        fake = generator(torch.randn(8, 3, dtype=F64))
        losses = {
            "adv": (1 - critic(fake)).square().mean() * 5,
            "match": critic(fake).tanh().square().mean(),
            "l1": fake.abs().mean(),
        }
        plain = torch.autograd.grad(sum(losses.values()), critic.weight, retain_graph=True)[0]
        critic.zero_grad()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            backward(losses, balancer, model=generator, info=Info(epoch=0))
        assert len(caught) == (step == 0)
        if caught:
            assert "'adv', 'match' reach 2 parameters outside of `model`" in str(caught[0].message)
        torch.testing.assert_close(critic.weight.grad, plain)


def test_a_frozen_discriminator_does_not_warn() -> None:
    generator, critic = nn.Linear(3, 3), nn.Linear(3, 1).requires_grad_(False)
    fake = generator(torch.randn(8, 3))
    backward({"adv": -critic(fake).mean(), "l1": fake.abs().mean()}, UPGrad(), model=generator)
    assert critic.weight.grad is None


@pytest.mark.parametrize("case", ROUTES)
def test_the_graph_can_be_kept(case: str) -> None:
    make, options = ROUTES[case]
    model, x = net(), points(0)
    losses = terms(model, x)
    Backward(set_up(make), retain_graph=True, **options)(losses)
    sum(losses.values()).backward()  # freed: torch would raise
