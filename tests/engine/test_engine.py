"""`plait.backward` against the slow, obvious loop, and its promises to a training loop."""

import copy
import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plait.balancing import (
    Balancer,
    Equal,
    GramianBalancer,
    Info,
    JacobianBalancer,
    PCGrad,
    UPGrad,
)
from plait.core.errors import ConfigError, NonFiniteError, ShapeError
from plait.engine import Backward, Record, backward
from tests.engine.small import METHODS, Agreement, MeanAgreement, losses_at, new, settle, small
from tests.gradients.nets import NETS, Losses, losses_of
from tests.gradients.slow import Slow, assert_close, gradients_of

# --- the slow loop ----------------------------------------------------------------------------


@pytest.mark.parametrize("balancer", [*METHODS, Agreement, MeanAgreement])
@pytest.mark.parametrize("build", NETS.values(), ids=list(NETS))
def test_agrees_with_the_slow_loop(
    build: Callable[..., Any], balancer: str | type[JacobianBalancer]
) -> None:
    parameters, make_losses = build()
    losses = make_losses()
    one = new(balancer, losses) if isinstance(balancer, str) else balancer()
    expected = Slow(copy.deepcopy(one), parameters)(losses)
    backward(losses, one)
    # One pass for all tasks adds their gradients up in the precision of the activations
    joint_bfloat16 = build is NETS["autocast"] and not isinstance(one, JacobianBalancer)
    tolerance = 2e-2 if joint_bfloat16 else 1e-5
    assert_close(gradients_of(parameters), expected, tolerance=tolerance)


@pytest.mark.parametrize("head_weights", ["auto", "unit", "task"])
@pytest.mark.parametrize("scale", ["sum", "paper"])
@pytest.mark.parametrize(
    "balancer", [UPGrad(), PCGrad(reduction="mean"), Equal(weights={"a": 3.0, "c": 0.5})]
)
def test_the_options_agree_with_the_slow_loop(
    balancer: Balancer, scale: Any, head_weights: Any
) -> None:
    parameters, make_losses = NETS["one_trunk"]()
    losses = make_losses()
    options = {"scale": scale, "head_weights": head_weights}
    expected = Slow(copy.deepcopy(balancer), parameters, **options)(losses)
    backward(losses, copy.deepcopy(balancer), **options)
    assert_close(gradients_of(parameters), expected)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("with_model", [True, False])
def test_branches_may_change_from_step_to_step(name: str, with_model: bool) -> None:
    """A layer is shared from the step on in which a second task reaches it, in whatever step."""
    model = nn.ModuleList(nn.Linear(3, 3) for _ in range(4))
    x = torch.randn(4, 3)
    paths = [
        {"a": [0, 1], "c": [1]},  # b is absent
        {"b": [0, 1], "c": [1]},  # 0 is shared from now on, though a is absent
        {"a": [1, 2], "b": [0], "c": [0]},
        {"a": [2, 3], "b": [2], "c": [1]},
        {"c": [0, 1, 2, 3]},
        {"b": [3], "a": [0]},
    ]
    balancer = new(name)
    slow = Slow(copy.deepcopy(balancer), model.parameters())
    fast = Backward(balancer, model if with_model else None)
    for step, layers in enumerate(paths):
        losses = {}
        for position, (task, path) in enumerate(layers.items()):
            hidden = x
            for layer in path:
                hidden = torch.tanh(model[layer](hidden))
            losses[task] = (hidden - (-1) ** (step + position)).square().mean()
        model.zero_grad()
        expected = slow(losses)
        fast(losses)
        settle(slow.balancer, losses)
        settle(balancer, losses)
        assert_close(gradients_of(model.parameters()), expected)


@pytest.mark.parametrize("name", METHODS)
def test_a_task_may_come_later_and_in_any_order(name: str) -> None:
    model, _ = small()
    balancer = new(name)
    slow, x = Slow(copy.deepcopy(balancer), model.parameters()), torch.randn(6, 5)
    for tasks in ("b", "ba", "cab", "ac", "abc"):
        found = losses_at(model, x)
        losses = {task: found[task] for task in tasks}
        model.zero_grad()
        expected = slow(losses)
        assert backward(losses, balancer).tasks == tuple(tasks)
        settle(slow.balancer, losses)
        settle(balancer, losses)
        assert_close(gradients_of(model.parameters()), expected)


@pytest.mark.gpu
@pytest.mark.parametrize("measure", [True, False])
@pytest.mark.parametrize("balancer", [*METHODS, Agreement])
def test_an_accelerator_gives_what_the_cpu_gives(
    balancer: str | type[JacobianBalancer], measure: bool
) -> None:
    model, _ = small()
    x, device = torch.randn(6, 5), torch.accelerator.current_accelerator()
    records = []
    for place in (torch.device("cpu"), device):
        twin = copy.deepcopy(model).to(place)
        one = (new(balancer) if isinstance(balancer, str) else balancer()).to(place)
        run = Backward(one, twin)
        run.start(measure=measure)
        run.add(losses_at(twin, x.to(place)), penalty=twin["trunk"].weight.square().sum())
        record = run.finish()
        records.append((record, {name: p.grad for name, p in twin.named_parameters()}))
    (expected, slow), (found, fast) = records
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-4)
    for name, gradient in slow.items():
        assert fast[name].device.type == device.type
        torch.testing.assert_close(fast[name].cpu(), gradient, rtol=1e-3, atol=1e-4)


# --- what is written --------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("build", ["one_trunk", "sparse_embedding"])
def test_gradients_accumulate_as_in_torch(name: str, build: str) -> None:
    parameters, make_losses = NETS[build]()
    losses = make_losses()
    backward(make_losses(), new(name, losses))
    once = gradients_of(parameters)
    backward(make_losses(), new(name, losses))
    assert_close(gradients_of(parameters), {key: 2 * value for key, value in once.items()})


@pytest.mark.parametrize("balancer", [Equal(), UPGrad(), PCGrad()])
def test_no_two_gradients_share_memory(balancer: Balancer) -> None:
    """Autograd gives p and q one tensor, and the sum over p one number that is repeated."""
    p, q, own, far = (nn.Parameter(torch.randn(6)) for _ in range(4))
    backward({"a": (p + q).tanh().sum() + own.sum(), "b": (p + q).sum() + far.sum()}, balancer)
    parameters = (p, q, own, far)
    before = [parameter.grad.clone() for parameter in parameters if parameter.grad is not None]
    places = {parameter.grad.data_ptr() for parameter in parameters if parameter.grad is not None}
    assert len(places) == 4
    nn.utils.clip_grad_norm_(parameters, 1e-3)
    total = torch.cat(before).norm()
    for parameter, gradient in zip(parameters, before, strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, gradient * 1e-3 / total, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("balancer", [Equal(), UPGrad()])
def test_a_later_step_does_not_change_an_earlier_gradient(balancer: Balancer) -> None:
    model, _ = small()
    backward(losses_at(model, torch.randn(3, 5)), balancer)
    kept = {id(p): p.grad for p in model.parameters() if p.grad is not None}
    copies = gradients_of(model.parameters())
    model.zero_grad(set_to_none=True)
    backward(losses_at(model, torch.randn(3, 5)), balancer)
    assert all(torch.equal(kept[key], copies[key]) for key in copies)


def test_a_gradient_has_the_memory_layout_of_its_parameter() -> None:
    parameters, make_losses = NETS["channels_last"]()
    backward(make_losses(), UPGrad())
    for parameter in parameters:
        assert parameter.grad is not None
        assert parameter.grad.stride() == parameter.stride()


# --- errors -----------------------------------------------------------------------------------


class Fails(GramianBalancer):
    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        raise ArithmeticError("no solution")


def broken_calls() -> dict[
    str, tuple[type[Exception], str, Balancer, Callable[[Any, Tensor], Any]]
]:
    def scaled(factor: float) -> Callable[[Any, Tensor], Any]:
        def losses(model: Any, x: Tensor) -> Losses:
            found = losses_at(model, x)
            return {**found, "b": found["b"] * factor}

        return losses

    def slope(model: Any, x: Tensor) -> Losses:
        bias = model["trunk"].bias
        found = losses_at(model, x)
        return {**found, "c": found["c"] + (bias - bias.detach()).square().sum().sqrt()}

    def vector(model: Any, x: Tensor) -> Losses:
        return {**losses_at(model, x), "a": model["trunk"](x).sum(dim=1)}

    def constant(model: Any, x: Tensor) -> Losses:
        return {**losses_at(model, x), "a": torch.tensor(1.0)}

    return {
        "nan": (NonFiniteError, "the loss of task 'b' is nan", UPGrad(), scaled(math.nan)),
        "inf": (NonFiniteError, "the loss of task 'b' is inf", Equal(), scaled(math.inf)),
        "gradient": (NonFiniteError, "gradient of task 'c' is not finite", PCGrad(), slope),
        "rows": (NonFiniteError, "gradient of task 'c' is not finite", Agreement(), slope),
        "solver": (ArithmeticError, "no solution", Fails(), losses_at),
        "vector": (
            ShapeError,
            r"the loss of task 'a' must be a scalar; found \[6\]",
            Equal(),
            vector,
        ),
        "constant": (
            ConfigError,
            "the loss of task 'a' depends on no parameter",
            UPGrad(),
            constant,
        ),
        "none": (ConfigError, "no task has a loss in this step", Equal(), lambda model, x: {}),
    }


@pytest.mark.parametrize("kind", broken_calls())
@pytest.mark.parametrize("before", [True, False])
def test_an_error_leaves_every_gradient_as_it_was(kind: str, before: bool) -> None:
    error, message, balancer, make_losses = broken_calls()[kind]
    model, _ = small()
    x = torch.randn(6, 5)
    if before:
        backward(losses_at(model, x), Equal())
    expected = gradients_of(model.parameters())
    with pytest.raises(error, match=message):
        backward(make_losses(model, x), balancer, model["trunk"].weight.square().sum())
    found = gradients_of(model.parameters())
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in found)


def test_goes_on_after_an_error_as_if_nothing_had_happened() -> None:
    model, _ = small()
    x = torch.randn(6, 5)
    run = Backward(UPGrad(), model)
    losses = losses_at(model, x)
    with pytest.raises(NonFiniteError):
        run({**losses, "c": losses["c"] * math.nan})
    expected = Slow(UPGrad(), model.parameters())(losses_at(model, x))
    run(losses_at(model, x))
    assert_close(gradients_of(model.parameters()), expected)


def test_large_losses_of_double_precision_are_finite() -> None:
    p = nn.Parameter(torch.ones(2, dtype=torch.float64))
    record = backward({"a": 1e200 * p[0], "b": 1e-200 * p[1]}, Equal())
    assert record.losses.tolist() == [1e200, 1e-200]
    assert p.grad is not None
    assert p.grad.tolist() == [1e200, 1e-200]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": "mean"}, "`scale` must be 'sum' or 'paper'; found 'mean'"),
        ({"head_weights": "one"}, "`head_weights` must be 'auto', 'unit' or 'task'; found 'one'"),
    ],
)
def test_unknown_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Backward(Equal(), **options)


def test_heads_cannot_have_the_weights_that_a_method_does_not_give() -> None:
    with pytest.raises(ConfigError, match="Agreement gives no weights"):
        Backward(Agreement(), head_weights="task")


def test_a_model_that_is_frozen_is_refused() -> None:
    model, _ = small()
    x = torch.randn(6, 5, requires_grad=True)
    model.requires_grad_(False)
    with pytest.raises(ConfigError, match="no parameter of the model needs a gradient"):
        Backward(UPGrad(), model)(losses_at(model, x))


def test_a_step_ends_once() -> None:
    model, _ = small()
    run = Backward(UPGrad(), model)
    with pytest.raises(ConfigError, match="no task has a loss in this step"):
        run.finish()
    run(losses_at(model, torch.randn(6, 5)))
    with pytest.raises(ConfigError, match="no task has a loss in this step"):
        run.finish()


# --- penalties --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("named", [True, False])
def test_a_penalty_is_added_outside_the_balancer(name: str, named: bool) -> None:
    model, _ = small()
    x = torch.randn(6, 5)

    def terms(hidden: Tensor) -> dict[str, Tensor]:
        decay = sum(p.square().sum() for p in model.parameters())
        assert isinstance(decay, Tensor)
        return {"decay": 0.1 * decay, "features": hidden.square().mean(), "off": torch.tensor(5.0)}

    def step(balancer: Balancer, *, penalise: bool) -> Record:
        """The penalty hangs on the graph of the losses."""
        hidden = torch.tanh(model["trunk"](x))
        found = terms(hidden)
        penalty: Any = found if named else found["decay"] + found["features"]
        losses = losses_of(hidden, model["heads"])
        return backward(losses, balancer, penalty if penalise else None)

    without = step(new(name), penalise=False)
    expected = gradients_of(model.parameters())
    model.zero_grad()
    found = terms(torch.tanh(model["trunk"](x)))
    (found["decay"] + found["features"]).backward()
    for key, value in gradients_of(model.parameters()).items():
        expected[key] = expected[key] + value
    model.zero_grad()
    record = step(new(name), penalise=True)
    assert_close(gradients_of(model.parameters()), expected)
    np.testing.assert_allclose(record.losses, without.losses)
    assert record.weights is not None and without.weights is not None
    np.testing.assert_allclose(record.weights, without.weights)


@pytest.mark.parametrize("balancer", [Equal(), UPGrad()])
def test_a_penalty_on_a_sparse_embedding(balancer: Balancer) -> None:
    """The gradient of the loss is sparse and that of the penalty is dense."""
    parameters, make_losses = NETS["sparse_embedding"]()
    losses = make_losses()
    expected = Slow(copy.deepcopy(balancer), parameters)(losses)
    for parameter in parameters:
        expected[id(parameter)] = expected[id(parameter)] + 2 * parameter.detach()
    penalty = torch.stack([parameter.square().sum() for parameter in parameters]).sum()
    backward(losses, balancer, penalty)
    assert_close(gradients_of(parameters), expected)


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (lambda p: {"decay": p.sum() * math.inf}, "the penalty 'decay' is (-?inf|nan)"),
        (lambda p: p.sum() * math.nan, "the penalty is nan"),
        (lambda p: {"decay": p}, r"the penalty 'decay' must be a scalar; found \[4, 5\]"),
        (lambda p: p, r"the penalty must be a scalar; found \[4, 5\]"),
    ],
)
def test_a_penalty_is_checked_as_a_loss_is(penalty: Callable[..., Any], message: str) -> None:
    model, _ = small()
    losses = losses_at(model, torch.randn(6, 5))
    with pytest.raises((NonFiniteError, ShapeError), match=message):
        backward(losses, Equal(), penalty(model["trunk"].weight))
    assert not gradients_of(model.parameters())


# --- shared parameters that are named ---------------------------------------------------------


def test_the_shared_parameters_can_be_named() -> None:
    model, _ = small()
    x = torch.randn(6, 5)
    weight, bias = model["trunk"].parameters()
    run = Backward(UPGrad(), shared=[weight, weight])
    losses = losses_at(model, x)
    by_task = [
        torch.autograd.grad(loss, [weight, bias], retain_graph=True) for loss in losses.values()
    ]
    record = run(losses)
    rows = torch.stack([g.flatten() for g, _ in by_task])
    weights = 3 * UPGrad().weights(rows @ rows.T).float()
    assert weight.grad is not None and bias.grad is not None and record.norms is not None
    np.testing.assert_allclose(record.norms, rows.norm(dim=1), rtol=1e-5)
    torch.testing.assert_close(weight.grad.flatten(), weights @ rows)
    torch.testing.assert_close(bias.grad, torch.stack([g for _, g in by_task]).sum(dim=0))


# --- state ------------------------------------------------------------------------------------


def steps(model: Any, run: Backward, numbers: range) -> list[Tensor]:
    """Tasks come and go, so that the layout depends on what was seen before."""
    seen = []
    for number in numbers:
        torch.manual_seed(number)
        found = losses_at(model, torch.randn(6, 5))
        present = {0: "b", 1: "ac", 2: "ca", 3: "b", 4: "abc"}[number % 5]
        model.zero_grad()
        run({task: found[task] for task in present})
        seen += [p.grad.clone() for p in model.parameters() if p.grad is not None]
    return seen


@pytest.mark.parametrize("stop", range(6))
def test_resumes_exactly_from_its_state(stop: int) -> None:
    model, _ = small()
    whole = Backward(UPGrad(), model)
    steps(model, whole, range(stop))
    file = io.BytesIO()
    torch.save(whole.state_dict(), file)
    file.seek(0)
    expected = steps(model, whole, range(stop, 8))
    resumed = Backward(UPGrad(), model)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    found = steps(model, resumed, range(stop, 8))
    assert all(map(torch.equal, found, expected))
    assert resumed.state_dict() == whole.state_dict()


def test_the_state_names_parameters_and_who_reached_them() -> None:
    model, _ = small("ab")
    run = Backward(UPGrad(), model)
    run(losses_at(model, torch.randn(6, 5)))
    state = run.state_dict()
    assert sorted(state["shared"]) == ["trunk.bias", "trunk.weight"]
    assert state["owners"] == {
        f"heads.{task}.{part}": task for task in "ab" for part in ("weight", "bias")
    }


def test_without_a_model_there_are_no_names() -> None:
    run = Backward(UPGrad())
    for call in (run.state_dict, lambda: run.load_state_dict({"shared": [], "owners": {}})):
        with pytest.raises(ConfigError, match=r"keeps names only of a model"):
            call()


def test_a_deep_copy_serves_the_copied_model() -> None:
    model, _ = small()
    run = Backward(UPGrad(), model)
    steps(model, run, range(3))
    twin = copy.deepcopy(run)
    assert twin.state_dict() == run.state_dict()
    assert all(
        map(torch.equal, steps(model, run, range(3, 6)), steps(twin.model, twin, range(3, 6)))
    )
