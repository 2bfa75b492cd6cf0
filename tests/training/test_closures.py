"""Optimizers that need a closure are refused when the Trainer is made; all others are untouched."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import StepLR

import plait
from plait.balancing import Equal, UncertaintyWeights, UPGrad
from plait.core.errors import ConfigError
from plait.training.closures import check_closure

PLAIN = sorted(
    name
    for name, each in vars(torch.optim).items()
    if isinstance(each, type) and issubclass(each, torch.optim.Optimizer)
    if name
    not in ("Optimizer", "LBFGS", "Muon", "SparseAdam")  # two take matrices, or tables, alone
)


class Asserts(torch.optim.SGD):
    def step(self, closure: Any = None) -> Any:
        assert closure is not None
        return super().step(closure)


class Calls(torch.optim.Adam):
    def step(self, closure: Any = None) -> Any:
        closure()
        return super().step()


class Demands(torch.optim.Optimizer):
    def __init__(self, params: Any, lr: float = 0.1) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        return closure()


class Sharpness(torch.optim.Optimizer):
    """Climbs with the gradient, asks for it again, and lets another optimizer go down."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        super().__init__(params, {"lr": lr, "rho": 0.05})
        self.base = torch.optim.SGD(self.param_groups, lr=lr, momentum=0.9)
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        if closure is None:
            raise RuntimeError("sharpness-aware minimisation has two passes")
        closure = torch.enable_grad()(closure)
        parameters = [p for group in self.param_groups for p in group["params"]]
        steps = [group["rho"] * p.grad for group in self.param_groups for p in group["params"]]
        for parameter, step in zip(parameters, steps, strict=True):
            parameter += step
        closure()
        for parameter, step in zip(parameters, steps, strict=True):
            parameter -= step
        self.base.step()


class Counts(torch.optim.SGD):
    """Keeps a number in its groups, as some do, and a wrapped optimizer that does too."""

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            group["count"] = group.get("count", 0) + 1
        return super().step(closure)


def model() -> plait.MultiTaskModel:
    tasks = [plait.tasks.Regression("a"), plait.tasks.Regression("b")]
    encoder = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
    return plait.MultiTaskModel(plait.sharing.Hard(encoder), tasks, example=torch.zeros(2, 4))


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("cls", [torch.optim.LBFGS, Asserts, Calls, Demands, Sharpness])
def test_one_that_needs_a_closure_is_refused(cls: Any, by_hand: bool) -> None:
    net = model()
    made: Any = cls(net.parameters(), lr=0.1) if by_hand else cls
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(ConfigError, match=f"{cls.__name__} needs a closure .* write the loop"):
        plait.Trainer(net, Equal(), optimizer=made, lr=0.1, device="cpu")
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("name", PLAIN)
def test_all_others_of_torch_pass(name: str) -> None:
    plait.Trainer(model(), Equal(), optimizer=getattr(torch.optim, name), device="cpu")


def test_the_check_touches_nothing() -> None:
    """Not the parameters, their gradients, the options, the state, nor a scheduler's count."""
    weight = nn.Parameter(torch.ones(3, 4))
    optimizer = Counts([weight], lr=0.1, momentum=0.9)
    heard: list[str] = []
    optimizer.register_step_pre_hook(lambda *_: heard.append("hook"))
    weight.grad = torch.full((3, 4), 2.0)
    optimizer.step()
    scheduler = StepLR(optimizer, 1)
    before, known = copy.deepcopy(optimizer.state_dict()), weight.detach().clone()
    counted = vars(optimizer).get("_opt_called")
    heard.clear()
    check_closure(optimizer)
    assert torch.equal(weight, known)
    assert torch.equal(weight.grad, torch.full((3, 4), 2.0))
    assert str(optimizer.state_dict()) == str(before)
    assert vars(optimizer).get("_opt_called") == counted
    assert not heard
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["count"] == 2


def test_one_that_fails_either_way_fails_by_itself() -> None:
    class Broken(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            raise RuntimeError("no machine for it")

    check_closure(Broken([nn.Parameter(torch.ones(1))], lr=0.1))


@pytest.mark.parametrize("make", [Equal, UPGrad, lambda: UncertaintyWeights(tasks=["a", "b"])])
def test_the_way_out_is_a_loop_with_backward_in_the_closure(make: Any) -> None:
    """L-BFGS solves two least squares problems to the point where the gradient is 0."""
    torch.manual_seed(0)
    trunk, x = nn.Linear(3, 2, dtype=torch.float64), torch.randn(32, 3, dtype=torch.float64)
    truth = torch.randn(32, 2, dtype=torch.float64)
    balancer = make()
    learned = [*trunk.parameters(), *balancer.parameters()]
    optimizer = torch.optim.LBFGS(learned, max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        errors = (trunk(x) - truth).square().mean(dim=0)
        record = plait.backward({"a": errors[0], "b": errors[1]}, balancer)
        return errors.new_tensor(record.losses).sum()

    if isinstance(balancer, UncertaintyWeights):
        optimizer = torch.optim.LBFGS(learned, lr=0.1, max_iter=300)
    optimizer.step(closure)
    design = torch.cat([x, torch.ones(32, 1, dtype=torch.float64)], dim=1)
    best = torch.linalg.lstsq(design, truth).solution
    torch.testing.assert_close(trunk.weight, best[:3].T.contiguous(), atol=1e-3, rtol=0)
