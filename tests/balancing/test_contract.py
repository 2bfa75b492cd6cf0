"""What every balancer promises, whatever its method."""

import copy
import io
import math
import pickle

import pytest
import torch

import plait.balancing
from plait.balancing import (
    Balancer,
    BilevelBalancer,
    GramianBalancer,
    Info,
    JacobianBalancer,
    LossBalancer,
)
from plait.core.errors import ConfigError, NonFiniteError, ShapeError
from plait.core.keys import safe_key
from plait.engine import Backward
from tests.balancing.promises import (
    GRAMIAN_METHODS,
    METHODS,
    TASKS,
    Run,
    Toy,
    by_hand,
    is_random,
    method,
    same,
)

every_method = pytest.mark.parametrize("name", METHODS)
every_gramian_method = pytest.mark.parametrize("name", GRAMIAN_METHODS)


def test_the_registry_is_not_empty() -> None:
    assert METHODS
    assert set(GRAMIAN_METHODS) <= set(METHODS) <= set(plait.balancing.__all__)


@every_method
def test_is_one_of_the_bases_and_says_what_it_reads(name: str) -> None:
    bases = {
        "losses": LossBalancer,
        "gramian": GramianBalancer,
        "jacobian": JacobianBalancer,
        "problem": BilevelBalancer,
    }
    balancer = method(name)()
    assert isinstance(balancer, bases[balancer.reads])
    assert balancer.equal_weight in ("sum", "mean")
    balancer.setup(TASKS)
    assert balancer.learns == any(p.requires_grad for p in balancer.parameters())


@every_method
def test_lowers_the_losses_of_a_shared_network(name: str) -> None:
    two = TASKS[:2]
    run = Run(name, two)
    with torch.no_grad():
        before = run.model.losses(tasks=two)
    for _ in range(200):
        run.step(0, two)
    with torch.no_grad():
        after = run.model.losses(tasks=two)
    assert all(after[task] < 0.5 * before[task] for task in two)


@every_method
def test_resumes_exactly_in_the_middle_of_a_run(name: str) -> None:
    whole, first, second = Run(name), Run(name), Run(name)
    for number in range(8):
        whole.step(number)
    for number in range(5):
        first.step(number)

    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    for number in range(5, 8):
        second.step(number)

    assert same(whole.state_dict(), second.state_dict())


@pytest.mark.parametrize("name", [n for n in METHODS if not is_random(n)])
def test_the_order_of_the_tasks_does_not_matter(name: str) -> None:
    run, other = Run(name, dtype=torch.float64), Run(name, dtype=torch.float64)
    turned = (TASKS[2], TASKS[0], TASKS[1])
    for number in range(3):
        record, permuted = run.step(number), other.step(number, turned)
        assert permuted.tasks == turned
        if record.weights is not None:
            assert permuted.weights is not None
            weights = dict(zip(permuted.tasks, permuted.weights, strict=True))
            assert [weights[task] for task in TASKS] == pytest.approx(record.weights)
    for one, two in zip(run.model.parameters(), other.model.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-12)


@every_method
def test_an_absent_task_is_an_absent_row(name: str) -> None:
    present = TASKS[:2]
    knows_three, knows_two = Run(name), Run(name, present)
    for run in (knows_three, knows_two):
        run.backward(run.losses(0, present), problem=run.problem(0, present))
    for parameter, value in knows_two.model.named_parameters():
        found, expected = knows_three.model.get_parameter(parameter).grad, value.grad
        assert found is not None and expected is not None
        assert torch.equal(found, expected)
    head = knows_three.model.heads[TASKS[2]]
    assert all(parameter.grad is None for parameter in head.parameters())


@every_method
def test_the_state_of_an_absent_task_is_held(name: str) -> None:
    run, absent = Run(name), TASKS[1]
    for number in range(3):
        run.step(number)
    before = copy.deepcopy(run.balancer.state_dict())
    for number in range(3):
        run.step(number, [task for task in TASKS if task != absent])
    after = run.balancer.state_dict()
    own = [key for key in before if safe_key(absent) in key]
    assert all(same(before[key], after[key]) for key in own)
    assert run.step(3).tasks == TASKS


@every_method
def test_a_task_may_be_absent_in_the_first_step(name: str) -> None:
    run = Run(name)
    assert run.step(0, TASKS[1:]).tasks == TASKS[1:]
    assert run.step(1).tasks == TASKS


@pytest.mark.parametrize("name", [n for n in METHODS if method(n).reads != "problem"])
def test_a_single_task_is_trained_as_ever(name: str) -> None:
    for head_weights in ("unit", "task"):
        run, plain = Run(name, TASKS[:1]), Toy(TASKS[:1])
        if run.balancer.reads == "jacobian" and head_weights == "task":
            continue
        backward = Backward(run.balancer, run.model, head_weights=head_weights)
        problem = run.problem(0, TASKS[:1])
        record = backward(run.losses(0, TASKS[:1]), info=Info(epoch=0), problem=problem)
        batches = run.handed_over
        for batch in range(batches):
            (plain.losses(1000 * batch, TASKS[:1])["a"] / batches).backward()
        weight = 1.0 if record.weights is None or head_weights == "unit" else record.weights[0]
        assert weight > 0
        for one, two in zip(run.model.parameters(), plain.parameters(), strict=True):
            assert one.grad is not None and two.grad is not None
            torch.testing.assert_close(one.grad, weight * two.grad)


@every_method
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_refuses_a_loss_that_is_not_finite(name: str, value: float) -> None:
    run = Run(name)
    run.step(0)
    run.optimizer.zero_grad()
    before = copy.deepcopy(run.state_dict())
    losses = run.losses(1)
    losses[0]["b.c"] = losses[0]["b.c"] * value
    with pytest.raises(NonFiniteError, match=r"'b\.c' is -?(nan|inf); nothing was changed"):
        run.backward(losses, problem=run.problem(1))
    assert all(p.grad is None for p in [*run.model.parameters(), *run.balancer.parameters()])
    assert same(before, run.state_dict())
    assert run.step(1).tasks == TASKS  # and goes on afterwards


@pytest.mark.parametrize("name", [n for n in METHODS if method(n).reads in ("gramian", "jacobian")])
def test_refuses_a_gradient_that_is_not_finite(name: str) -> None:
    run = Run(name)
    for number in range(3):  # after which it is the turn of "d" where tasks are taken in turn
        run.step(number)
    run.optimizer.zero_grad()
    before = copy.deepcopy(run.state_dict())
    losses = run.losses(3)
    weight = run.model.trunk[0].weight
    assert isinstance(weight, torch.Tensor)
    change = weight - weight.detach()
    losses[0]["d"] = losses[0]["d"] + change.square().sum().sqrt()  # 0, with slope 0/0
    with pytest.raises(NonFiniteError, match="the gradient of task 'd' is not finite"):
        run.backward(losses, problem=run.problem(3))
    assert all(p.grad is None for p in [*run.model.parameters(), *run.balancer.parameters()])
    assert same(before, run.state_dict())


@every_method
def test_float32_and_float64_agree(name: str) -> None:
    narrow, wide = Run(name), Run(name, dtype=torch.float64)
    wide.model.load_state_dict(narrow.model.state_dict())
    narrow.backward(narrow.losses(0), problem=narrow.problem(0))
    wide.backward(wide.losses(0), problem=wide.problem(0))
    for one, two in zip(narrow.model.parameters(), wide.model.parameters(), strict=True):
        assert one.grad is not None and two.grad is not None
        assert (one.grad.dtype, two.grad.dtype) == (torch.float32, torch.float64)
        torch.testing.assert_close(one.grad.double(), two.grad, rtol=1e-3, atol=1e-4)


@every_method
@pytest.mark.parametrize("copied", ["pickle", "deepcopy"])
def test_a_copy_goes_on_from_the_same_state(name: str, copied: str) -> None:
    run = Run(name)
    for number in range(2):
        run.step(number)
    twin = copy.deepcopy(run) if copied == "deepcopy" else pickle.loads(pickle.dumps(run.balancer))
    if copied == "pickle":
        whole, twin = Run(name), Run(name)
        for number in range(2):
            whole.step(number)
        twin.load_state_dict(whole.state_dict())
        twin.balancer.load_state_dict(pickle.loads(pickle.dumps(run.balancer)).state_dict())
    run.step(2)
    twin.step(2)
    assert same(run.model.state_dict(), twin.model.state_dict())
    assert same(run.balancer.state_dict(), twin.balancer.state_dict())


@every_method
def test_two_instances_share_no_state(name: str) -> None:
    fresh = Run(name).balancer.state_dict()
    bystander, run = Run(name), Run(name)
    for number in range(3):
        run.step(number)
    assert same(fresh, bystander.balancer.state_dict())


@every_method
def test_is_set_up_for_one_set_of_tasks(name: str) -> None:
    balancer = method(name)()
    balancer.setup(["a", "b"])
    before = copy.deepcopy(balancer.state_dict())
    balancer.setup(("b", "a"))
    assert balancer.tasks == ("a", "b")
    assert same(before, balancer.state_dict())
    with pytest.raises(ConfigError, match="was set up for tasks"):
        balancer.setup(["a", "c"])


@every_gramian_method
def test_leading_axes_are_independent_groups(name: str) -> None:
    rows = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    gramians = rows @ rows.mT
    balancer: Balancer = method(name)()
    assert isinstance(balancer, GramianBalancer)
    twin = copy.deepcopy(balancer)
    weights = balancer.weights(gramians, by_hand(4))
    assert weights.shape == (2, 3, 4)
    assert weights.dtype == torch.float64
    one_by_one = [
        twin.weights(gramian, by_hand(4, group))
        for group, gramian in enumerate(gramians.flatten(0, 1))
    ]
    assert torch.equal(weights.flatten(0, 1), torch.stack(one_by_one))


@every_gramian_method
def test_a_row_of_zeros_gets_no_weight_and_all_zeros_none(name: str) -> None:
    balancer = method(name)()
    assert isinstance(balancer, GramianBalancer)
    assert balancer.weights(torch.diag(torch.tensor([1.0, 0.0, 2.0])), by_hand(3))[1] == 0
    nothing = balancer.weights(torch.zeros(2, 2), by_hand(2))
    assert torch.equal(nothing, torch.zeros(2, dtype=torch.float64))


@every_gramian_method
def test_needs_no_info_by_hand_or_asks_for_the_losses(name: str) -> None:
    balancer = method(name)()
    assert isinstance(balancer, GramianBalancer)
    if balancer.positive_losses:
        with pytest.raises(ConfigError, match=r"reads the losses as well.*info=Info\("):
            balancer.weights(torch.eye(3))
    else:
        assert torch.isfinite(balancer.weights(torch.eye(3))).all()


@every_gramian_method
@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3, 1)])
def test_refuses_what_is_no_gramian(name: str, shape: tuple[int, ...]) -> None:
    balancer = method(name)()
    assert isinstance(balancer, GramianBalancer)
    with pytest.raises(ShapeError, match=r"must be square .*; found .*Did you pass the Jacobian"):
        balancer.weights(torch.zeros(shape))


@every_gramian_method
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_refuses_a_gramian_that_is_not_finite(name: str, value: float) -> None:
    balancer = method(name)()
    assert isinstance(balancer, GramianBalancer)
    before = copy.deepcopy(balancer.state_dict())
    gramian = torch.eye(3)
    gramian[1] = gramian[:, 1] = value
    with pytest.raises(NonFiniteError, match="task '1'"):
        balancer.weights(gramian, by_hand(3))
    assert same(before, balancer.state_dict())
