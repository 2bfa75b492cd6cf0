"""Another method on the gradients of transformed losses."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.balancing import CRMOGM, AlignedMTL, GradNorm, Info, TransformedLosses, UPGrad
from plait.core.errors import ConfigError, NonFiniteError, ShapeError

NAMES = ("a", "b.c", "d")
TRANSFORMS = ("log", "initial", "running mean")


def problem(seed: int, tasks: int = 3, steps: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Jacobians `[steps, T, P]` and positive losses `[steps, T]`."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(steps, tasks, 5, generator=generator, dtype=torch.float64)
    return rows, torch.rand(steps, tasks, generator=generator, dtype=torch.float64) + 0.1


def run(balancer: TransformedLosses, rows: torch.Tensor, losses: torch.Tensor) -> torch.Tensor:
    """The direction of each step."""
    found = [
        balancer.weights(row @ row.T, Info(NAMES[: len(row)], loss)) @ row
        for row, loss in zip(rows, losses, strict=True)
    ]
    return torch.stack(found)


def slopes(transform: str, losses: torch.Tensor, beta: float) -> torch.Tensor:
    """f'(L) of each step, from all losses up to it."""
    if transform == "log":
        return 1 / losses
    if transform == "initial":
        return 1 / losses[:1].expand_as(losses)
    means = []
    for k in range(1, len(losses) + 1):
        shares = beta ** torch.arange(k - 1, -1, -1, dtype=torch.float64)
        means.append((shares[:, None] * losses[:k]).sum(0) / shares.sum())
    return 1 / torch.stack(means)


@given(st.sampled_from(TRANSFORMS), st.integers(0, 1000), st.floats(0, 0.99))
def test_is_the_inner_method_on_the_rows_of_the_transformed_losses(
    transform: str, seed: int, beta: float
) -> None:
    rows, losses = problem(seed)
    own = {"beta": beta} if transform == "running mean" else {}
    found = run(TransformedLosses(UPGrad(), transform=transform, **own), rows, losses)
    for row, slope, vector in zip(rows, slopes(transform, losses, beta), found, strict=True):
        scaled = slope[:, None] * row
        expected = UPGrad().weights(scaled @ scaled.T) @ scaled
        torch.testing.assert_close(vector, expected, rtol=1e-6, atol=1e-9)


def test_the_log_transform_has_the_gradient_of_the_logarithms() -> None:
    parameters = torch.tensor([0.3, -0.7, 1.1], requires_grad=True)
    targets = torch.tensor([[1.0, 0.0, 2.0], [-3.0, 1.0, 0.5]])
    losses = [(parameters - target).square().sum() for target in targets]
    rows = torch.stack(
        [torch.autograd.grad(loss, parameters, retain_graph=True)[0] for loss in losses]
    )
    logs = torch.stack([torch.autograd.grad(loss.log(), parameters)[0] for loss in losses])
    info = Info(("a", "b"), torch.stack(losses).detach())
    found = TransformedLosses(AlignedMTL()).weights(rows @ rows.T, info).float() @ rows
    expected = AlignedMTL().weights(logs @ logs.T).float() @ logs
    torch.testing.assert_close(found, expected)


@given(st.sampled_from(TRANSFORMS), st.integers(0, 1000))
def test_the_unit_of_a_loss_does_not_matter(transform: str, seed: int) -> None:
    rows, losses = problem(seed)
    units = torch.tensor([1e-3, 1.0, 1e4], dtype=torch.float64)
    one = run(TransformedLosses(transform=transform), rows, losses)
    two = run(TransformedLosses(transform=transform), rows * units[:, None], losses * units)
    torch.testing.assert_close(one, two)


def test_groups_of_parameters_share_the_losses() -> None:
    rows, losses = problem(0)
    grouped, single = (TransformedLosses(transform="running mean") for _ in range(2))
    for row, loss in zip(rows, losses, strict=True):
        gramian, info = row @ row.T, Info(NAMES, loss)
        both = grouped.weights(torch.stack([gramian, gramian]), info)
        expected = single.weights(gramian, info)
        assert torch.equal(both, torch.stack([expected, expected]))


@pytest.mark.parametrize("transform", TRANSFORMS[1:])
def test_the_state_of_an_absent_task_is_kept(transform: str) -> None:
    rows, losses = problem(0)
    balancer = TransformedLosses(transform=transform)
    run(balancer, rows, losses)
    before = copy.deepcopy(balancer.state_dict())
    pair = Info(("d", "a"), losses[0, [2, 0]] * 5)
    balancer.weights(rows[0, [2, 0]] @ rows[0, [2, 0]].T, pair)
    after = balancer.state_dict()
    own = [key for key in before if "b%2Ec" in key]
    assert own
    assert all(torch.equal(before[key], after[key]) for key in own)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_step_that_raises_changes_nothing(transform: str) -> None:
    balancer = TransformedLosses(CRMOGM(), transform=transform)
    rows, losses = problem(0)
    run(balancer, rows, losses)
    before = copy.deepcopy(balancer.state_dict())
    info = Info(NAMES, losses[0] * 3)
    with pytest.raises(NonFiniteError, match=r"'b\.c'"):
        gramian = torch.eye(3)
        gramian[1, 1] = torch.nan
        balancer.weights(gramian, info)
    with pytest.raises(ShapeError, match="must be square"):
        balancer.weights(torch.zeros(3, 5), info)
    with pytest.raises(ConfigError, match="TransformedLosses reads the losses as well"):
        balancer.weights(torch.eye(3))
    after = balancer.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_loss_to_divide_by_has_to_be_positive(transform: str) -> None:
    info = Info(("a", "b"), torch.tensor([1.0, 0.0]))
    balancer = TransformedLosses(transform=transform)
    with pytest.raises(ConfigError, match="needs positive losses; found 0 for task 'b'"):
        balancer.weights(torch.eye(2), info)
    assert not balancer.state_dict()


def test_the_inner_method_reads_the_transformed_losses() -> None:
    """GradNorm's own L / L(0) is that of L / L_0: the same rates, so the same weights."""
    rows, losses = problem(0)
    inner = TransformedLosses(GradNorm(), transform="initial")
    run(inner, rows, losses)
    first = inner.get_submodule("method.first")
    values = first.get(NAMES, torch.zeros((), dtype=torch.float64))
    np.testing.assert_allclose(values, 1.0, rtol=1e-12)


def test_bad_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="`transform` must be 'log', 'initial' or 'running mean'"):
        TransformedLosses(transform="exp")
    with pytest.raises(ConfigError, match=r"`beta` must be in \[0, 1\); found 1"):
        TransformedLosses(transform="running mean", beta=1.0)


@pytest.mark.parametrize("transform", ["log", "initial"])
def test_beta_of_another_transform_is_refused(transform: str) -> None:
    with pytest.raises(ConfigError, match=f"`beta` has no effect with transform='{transform}'"):
        TransformedLosses(transform=transform, beta=0.9)
    with pytest.raises(ConfigError, match="must not be 'log' for a `method` that needs positive"):
        TransformedLosses(GradNorm())
