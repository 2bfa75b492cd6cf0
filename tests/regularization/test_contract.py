"""What every regularizer promises, whatever its method."""

import copy
import functools
import io
import json
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call

import plait.regularization
from plait.core.errors import UnsupportedError
from plait.core.features import Features
from plait.core.lookup import names, options_of, parameters
from plait.core.seeding import derive_seed
from plait.model.describe import describe, rebuild
from plait.regularization import ParameterRegularizer, Regularizer
from plait.regularization.bases.split import Split
from tests.regularization.nets import (
    Net,
    model_of,
    networks,
    tied,
    train,
)

METHODS = names(plait.regularization, Regularizer)
TASKS = ("a", "b.c", "d%")


def method(name: str) -> type[Any]:
    found: type[Any] = getattr(plait.regularization, name)
    return found


def has_prox(name: str) -> bool:
    return issubclass(method(name), ParameterRegularizer) and (
        method(name).prox is not ParameterRegularizer.prox
    )


PARAMETRIC = [name for name in METHODS if issubclass(method(name), ParameterRegularizer)]
SPLITS = [name for name in METHODS if issubclass(method(name), Split)]
PROXIMAL = [name for name in METHODS if has_prox(name) and name not in SPLITS]
LOSSES = [name for name in PARAMETRIC if name not in SPLITS]

every_method = pytest.mark.parametrize("name", METHODS)
every_loss = pytest.mark.parametrize("name", LOSSES)
every_parametric = pytest.mark.parametrize("name", PARAMETRIC)


def new(name: str, nets: dict[str, Net] | None = None, **options: Any) -> Any:
    """Set up on networks; what it estimates, it estimates after every step."""
    quick = {"every": 1} if "every" in parameters(method(name)) else {}
    regularizer = method(name)(**{"strength": 1.0, **quick, **options})
    return tied(regularizer, networks(TASKS) if nets is None else nets)


def features(tasks: tuple[str, ...] = TASKS) -> dict[str, Features]:
    found = {}
    for task in tasks:
        generator = torch.Generator().manual_seed(derive_seed(5, task))
        drawn = torch.randn(6, 4, generator=generator, dtype=torch.float64)
        found[task] = Features((drawn.requires_grad_(),))
    return found


class Whole(nn.Module):
    """The networks and what ties them, as one function of the parameters."""

    def __init__(self, regularizer: Any, nets: dict[str, Net]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets.values())
        self.regularizer = regularizer

    def forward(self) -> Tensor:
        found: Tensor = self.regularizer.cost()
        return found


def cost(regularizer: Any, tasks: tuple[str, ...] = TASKS) -> Tensor:
    if regularizer.reads_features:
        found: Tensor = regularizer.cost(features(tasks))
    else:
        found = regularizer.cost()
    return found


def step(regularizer: Any, nets: dict[str, Net], lr: float = 0.1) -> None:
    everything = [p for net in nets.values() for p in net.parameters()]
    regularizer.after_step(torch.optim.SGD(everything, lr=lr))


def move(nets: dict[str, Net]) -> None:
    with torch.no_grad():
        for net in nets.values():
            for parameter in net.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))


def test_the_registry_is_not_empty() -> None:
    assert len(METHODS) > 10
    assert LOSSES
    assert SPLITS
    assert PROXIMAL


@every_method
def test_the_cost_is_a_finite_scalar_and_not_negative(name: str) -> None:
    regularizer = new(name)
    found = cost(regularizer)
    assert found.shape == ()
    assert found.isfinite()
    assert found.dtype == torch.float64
    if regularizer.nonnegative:
        assert found >= 0


@every_method
def test_the_term_is_scaled_and_nothing_is_left_without_strength(name: str) -> None:
    assert new(name, strength=0.0).term(features()) is None
    regularizer = new(name, strength=0.25)
    term = regularizer.term(features())
    if name in SPLITS:
        assert term is None
        return
    torch.testing.assert_close(term.raw, cost(regularizer), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(term.scaled, 0.25 * term.raw)
    assert term.scaled.requires_grad


@every_method
def test_a_proximal_step_exists_or_is_refused_with_the_reason(name: str) -> None:
    if "mode" not in parameters(method(name)):
        return
    if has_prox(name):
        assert new(name, mode="prox").term(features()) is None
        return
    with pytest.raises(UnsupportedError, match=rf"{name} has no closed proximal step: .*'loss'"):
        method(name)(strength=1.0, mode="prox")


@every_loss
def test_the_gradient_is_that_of_the_cost(name: str) -> None:
    nets = networks(TASKS)
    whole = Whole(new(name, nets), nets)
    tied_to = {key: p for key, p in whole.nets.named_parameters(prefix="nets") if "norm" not in key}

    def at(*tensors: Tensor) -> Tensor:
        found: Tensor = functional_call(whole, dict(zip(tied_to, tensors, strict=True)), ())
        return found

    assert torch.autograd.gradcheck(at, list(tied_to.values()))


@every_parametric
def test_networks_whose_parameters_were_replaced_stay_tied(name: str) -> None:
    nets = networks(TASKS)
    regularizer = new(name, nets)
    for net in nets.values():
        state = {key: value.detach().clone() for key, value in net.state_dict().items()}
        net.load_state_dict(state, assign=True)
    tied_to = {id(p) for layer in regularizer.groups for p in layer}
    assert tied_to <= {id(p) for net in nets.values() for p in net.parameters()}
    before = float(cost(regularizer).detach())
    move(nets)
    step(regularizer, nets)
    assert float(cost(regularizer).detach()) != before


@every_method
def test_it_is_computed_in_full_precision_under_autocast(name: str) -> None:
    nets = networks(TASKS, torch.float32)
    regularizer = new(name, nets)
    given = {task: Features((f.levels[-1].detach().float(),)) for task, f in features().items()}
    plain = regularizer.term(given)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = regularizer.term(given)
    assert (plain is None) == (cast is None) == (name in SPLITS)
    if plain is not None:
        assert torch.equal(plain.raw, cast.raw)


@every_parametric
@pytest.mark.parametrize("start", ["equal", "zero", "one zero"])
def test_ties_and_zeros_give_finite_gradients(name: str, start: str) -> None:
    one = Net().double()
    nets = {task: copy.deepcopy(one) for task in TASKS}
    chosen = {"equal": [], "zero": list(nets), "one zero": [TASKS[1]]}[start]
    for task in chosen:
        for parameter in nets[task].parameters():
            nn.init.zeros_(parameter)
    regularizer = new(name, nets)
    for _ in range(2):
        if name not in SPLITS:
            regularizer.cost().backward()
        grads = [p.grad for net in nets.values() for p in net.parameters() if p.grad is not None]
        assert all(grad.isfinite().all() for grad in grads)
        if has_prox(name):
            regularizer.prox(0.5)
        step(regularizer, nets)
        assert all(p.isfinite().all() for net in nets.values() for p in net.parameters())
        assert all(b.isfinite().all() for b in regularizer.buffers())


@every_method
def test_the_order_of_the_tasks_does_not_matter(name: str) -> None:
    options = {"graph": [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]}
    options = options if "graph" in parameters(method(name)) else {}
    nets = networks(TASKS)
    turned = {task: copy.deepcopy(nets[task]) for task in reversed(TASKS)}
    found = []
    for each in (nets, turned):
        regularizer = new(name, each, **options)
        step(regularizer, each)
        found.append(cost(regularizer, tuple(each)).detach())
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-12)


@every_method
@pytest.mark.parametrize("tasks", [("only",), ("a", "b")])
def test_few_tasks_are_enough(name: str, tasks: tuple[str, ...]) -> None:
    nets = networks(tasks)
    regularizer = new(name, nets)
    term = regularizer.term(features(tasks))
    assert term is None or term.scaled.isfinite()
    step(regularizer, nets)
    assert all(p.isfinite().all() for net in nets.values() for p in net.parameters())
    assert all(table.plain() for table in regularizer.watched().values())


@every_method
def test_the_state_comes_back(name: str) -> None:
    nets = networks(TASKS)
    one = new(name, nets)
    for _ in range(2):
        move(nets)
        step(one, nets)
    file = io.BytesIO()
    torch.save(one.state_dict(), file)
    file.seek(0)
    others = copy.deepcopy(nets)
    two = new(name, others)
    two.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(cost(one), cost(two))
    move(nets)
    for task, net in nets.items():
        others[task].load_state_dict(net.state_dict())
    step(one, nets)
    step(two, others)
    assert torch.equal(cost(one), cost(two))


@every_parametric
@pytest.mark.parametrize("pickled", [True, False])
def test_a_copy_has_its_own_networks(name: str, pickled: bool) -> None:
    nets = networks(TASKS)
    pair = (nets, new(name, nets))
    twin_nets, twin = pickle.loads(pickle.dumps(pair)) if pickled else copy.deepcopy(pair)
    before = cost(pair[1])
    assert torch.equal(cost(twin), before)
    move(twin_nets)
    step(twin, twin_nets)
    assert torch.equal(cost(pair[1]), before)
    tied_to = {id(p) for layer in twin.groups for p in layer}
    assert tied_to <= {id(p) for net in twin_nets.values() for p in net.parameters()}


@every_parametric
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_follows_a_change_of_dtype(name: str, dtype: torch.dtype) -> None:
    nets = networks(TASKS)
    regularizer = new(name, nets)
    before = float(cost(regularizer).detach())
    for net in nets.values():
        net.to(dtype)
    regularizer.to(dtype)
    tolerance = 1e-5 if dtype == torch.float32 else 0.1
    assert float(cost(regularizer).detach()) == pytest.approx(before, rel=tolerance)
    step(regularizer, nets)
    assert all(p.dtype == dtype for net in nets.values() for p in net.parameters())
    assert cost(regularizer).isfinite()


@every_method
def test_is_rebuilt_from_its_description(name: str) -> None:
    regularizer = method(name)(strength=0.5)
    described = describe(regularizer)
    assert described == {"class": name, **json.loads(json.dumps(options_of(regularizer)))}
    twin = rebuild(described, "regularization")
    assert type(twin) is type(regularizer)
    assert options_of(twin) == options_of(regularizer)


@every_method
def test_what_is_watched_has_no_graph(name: str) -> None:
    nets = networks(TASKS)
    regularizer = new(name, nets)
    step(regularizer, nets)
    for title, table in regularizer.watched().items():
        assert title.startswith(name)
        assert table.plain()
        assert not any(row.requires_grad for row in table.rows.values())
        copied = {key: row.clone() for key, row in table.rows.items()}
        move(nets)
        step(regularizer, nets)
        assert all(torch.equal(row, copied[key]) for key, row in table.rows.items())


@every_method
def test_a_new_start_may_be_announced(name: str) -> None:
    nets = networks(TASKS)
    regularizer = new(name, nets)
    move(nets)
    regularizer.anchor()
    assert cost(regularizer).isfinite()


# --- in a model -------------------------------------------------------------------------------


def momentum(make: type[torch.optim.Optimizer]) -> dict[str, float]:
    return {"momentum": 0.9} if make is torch.optim.SGD else {}


@functools.cache
def trained_alone(task: str, make: type[torch.optim.Optimizer]) -> dict[str, Tensor]:
    return train(model_of(task, []), 4, make, **momentum(make)).state_dict()


@every_method
@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.Adam])
@pytest.mark.parametrize("mode", ["loss", "prox"])
def test_without_strength_training_is_that_of_independent_networks(
    name: str, make: type[torch.optim.Optimizer], mode: str
) -> None:
    options = {"mode": mode} if "mode" in parameters(method(name)) else {}
    if mode == "prox" and (not options or not has_prox(name)):
        return
    model = model_of("abc", [method(name)(strength=0.0, **options)])
    joint = train(model, 4, make, **momentum(make)).state_dict()
    for task in "abc":
        alone = trained_alone(task, make)
        assert alone
        assert all(torch.equal(value, joint[key]) for key, value in alone.items())


@every_method
def test_it_trains_a_model(name: str) -> None:
    regularizer = method(name)(strength=0.01)
    before = model_of("abc", []).state_dict()
    model = train(model_of("abc", [regularizer]), 5, lr=0.05)
    assert all(p.isfinite().all() for p in model.parameters())
    assert any(not torch.equal(v, model.state_dict()[key]) for key, v in before.items())
    in_penalty = name in LOSSES  # not the proximal ones, nor what reads features
    assert list(model.penalty([])) == [f"{name}[0]"] * in_penalty


# --- proximal steps ---------------------------------------------------------------------------

CONVEX = [name for name in PROXIMAL if method(name).nonnegative]
every_convex = pytest.mark.parametrize("name", CONVEX)
draws = {
    "seed": st.integers(0, 10_000),
    "length": st.sampled_from([1e-3, 0.3, 20.0]),
    "size": st.sampled_from([0.1, 1.0, 10.0]),
}


def vector(regularizer: Any) -> Tensor:
    return nn.utils.parameters_to_vector([p for layer in regularizer.groups for p in layer])


def put(regularizer: Any, value: Tensor) -> None:
    tied_to = [p for layer in regularizer.groups for p in layer]
    nn.utils.vector_to_parameters(value, tied_to)


def proximal(regularizer: Any, value: Tensor, length: float) -> Tensor:
    put(regularizer, value.clone())
    regularizer.prox(length)
    return vector(regularizer).detach().clone()


def settled(name: str) -> tuple[Any, int]:
    """With what it estimates being estimated once and held, and the number of its parameters."""
    nets = networks(TASKS)
    regularizer = new(name, nets)
    step(regularizer, nets)
    return regularizer, len(vector(regularizer))


@every_convex
@settings(max_examples=8)
@given(**draws)
def test_the_proximal_step_is_firmly_non_expansive(
    name: str, seed: int, length: float, size: float
) -> None:
    torch.manual_seed(seed)
    regularizer, count = settled(name)
    one, two = size * torch.randn(2, count, dtype=torch.float64)
    moved = proximal(regularizer, one, length) - proximal(regularizer, two, length)
    assert moved @ moved <= moved @ (one - two) + 1e-9 * size**2


@every_convex
@settings(max_examples=8)
@given(**draws)
def test_the_proximal_step_solves_its_optimality_condition(
    name: str, seed: int, length: float, size: float
) -> None:
    """(v - x) / step is a subgradient at x = prox(v): R is above that tangent everywhere."""
    torch.manual_seed(seed)
    regularizer, count = settled(name)
    value = size * torch.randn(count, dtype=torch.float64)
    found = proximal(regularizer, value, length)
    slope = (value - found) / length
    put(regularizer, found.clone())
    at = float(regularizer.cost().detach())
    for distance in (1e-3, 0.1, 1.0, 10.0):
        other = found + distance * size * torch.randn(count, dtype=torch.float64)
        put(regularizer, other.clone())
        above = float(regularizer.cost().detach())
        tangent = at + float(slope @ (other - found))
        assert above >= tangent - 1e-9 * max(abs(above), abs(tangent), size)


@pytest.mark.parametrize("name", PROXIMAL)
def test_a_proximal_step_of_no_length_changes_nothing(name: str) -> None:
    regularizer, count = settled(name)
    value = torch.randn(count, dtype=torch.float64)
    torch.testing.assert_close(proximal(regularizer, value, 0.0), value, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", PROXIMAL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_very_long_proximal_step_leaves_a_cheapest_point(name: str, dtype: torch.dtype) -> None:
    nets = networks(TASKS, dtype)
    regularizer = new(name, nets)
    before = vector(regularizer).detach().norm()
    for _ in range(2):
        regularizer.prox(1e12)
    after = vector(regularizer)
    assert after.isfinite().all()
    assert after.norm() <= before * (1 + 1e-6)
    if regularizer.nonnegative:
        assert cost(regularizer) <= 1e-9
