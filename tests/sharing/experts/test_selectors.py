"""Selectors of one expert each, by a binary code that is learned by gradient descent."""

import copy
import math
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from plait.core.seeding import seeded
from plait.sharing.experts.gates import GateReads
from plait.sharing.experts.selectors import EPS, Selectors, entropy_of, reach_of, smooth_step

FREE = GateReads("nothing")


def free(experts: int, k: int, gamma: float = 1.0, z: list[float] | None = None) -> Selectors:
    """Selectors with z as given, else random ones across the step; w is random."""
    gate = Selectors(experts, k, gamma, FREE).double()
    with torch.no_grad():
        for parameter in gate.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2 * gamma)
        if z is not None:
            own(gate.z.free).copy_(torch.tensor(z))
    return gate


def own(parameter: Tensor | None) -> Tensor:
    assert parameter is not None
    return parameter


def step(z: float, gamma: float) -> float:
    """The definition."""
    if z <= -gamma / 2:
        return 0.0
    if z >= gamma / 2:
        return 1.0
    return -2 * z**3 / gamma**3 + 3 * z / (2 * gamma) + 0.5


@pytest.mark.parametrize("gamma", [0.5, 1.0, 4.0])
def test_the_smooth_step(gamma: float) -> None:
    values = torch.linspace(-1.2 * gamma, 1.2 * gamma, 49, dtype=torch.float64, requires_grad=True)
    found = smooth_step(values, gamma)
    expected = torch.tensor([step(float(z), gamma) for z in values.detach()], dtype=torch.float64)
    torch.testing.assert_close(found, expected)
    (slope,) = torch.autograd.grad(found.sum(), values)
    outside = values.detach().abs() >= gamma / 2
    assert not slope[outside].any()  # exactly
    assert (slope[~outside] > 0).all()
    assert slope.max().item() == pytest.approx(1.5 / gamma)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 7.0])
def test_the_ends_of_the_step_are_exact(gamma: float) -> None:
    z = torch.tensor([-gamma / 2, gamma / 2])
    assert smooth_step(z, gamma).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("experts", "k"), [(2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 1)])
def test_it_is_the_product_over_the_bits(experts: int, k: int) -> None:
    gate = free(experts, k)
    bits = math.ceil(math.log2(experts))
    assert gate.bits == bits
    z = own(gate.z.free).view(k, bits).tolist()
    share = own(gate.w.free).softmax(dim=0).tolist()
    selectors, weights = gate(None)
    total = [0.0] * experts
    for r in range(k):
        for i, code in enumerate(list(product((0, 1), repeat=bits))[:experts]):  # MSB first
            value = 1.0
            for b, bit in enumerate(code):
                value *= step(z[r][b], 1.0) if bit else 1 - step(z[r][b], 1.0)
            assert selectors[r, i].item() == pytest.approx(value)
            total[i] += share[r] * value
    assert weights.tolist() == pytest.approx(total)


@pytest.mark.parametrize(("experts", "k"), [(4, 2), (8, 3), (3, 2), (5, 2), (6, 4)])
def test_weights_are_not_negative_and_at_most_one_in_sum(experts: int, k: int) -> None:
    for _ in range(20):
        _, weights = free(experts, k)(None)
        assert (weights >= 0).all()
        total = weights.sum().item()
        if experts & (experts - 1):
            assert total <= 1 + 1e-12
        else:
            assert total == pytest.approx(1.0)


def test_saturated_selectors_are_one_hot_and_have_no_gradient() -> None:
    for signs in product((-1, 1), repeat=6):
        gate = free(8, 2, z=[0.6 * sign for sign in signs])
        selectors, weights = gate(None)
        assert sorted(selectors.unique().tolist()) == [0.0, 1.0]
        assert selectors.sum(dim=1).tolist() == [1.0, 1.0]
        assert int((weights != 0).sum()) == len({int(s.argmax()) for s in selectors}) <= 2
        weights.square().sum().backward()
        grad = own(gate.z.free).grad
        assert grad is not None
        assert not grad.any()


def test_the_order_of_the_selectors_does_not_matter() -> None:
    gate = free(5, 3)
    _, before = gate(None)
    order = [2, 0, 1]
    with torch.no_grad():
        z, w = own(gate.z.free), own(gate.w.free)
        z.copy_(z.view(3, 3)[order].flatten())
        w.copy_(w[order])
    torch.testing.assert_close(gate(None)[1], before)


def test_gamma_scales_z() -> None:
    one, four = free(5, 2), free(5, 2, gamma=4.0)
    with torch.no_grad():
        own(four.z.free).copy_(4 * own(one.z.free))
        own(four.w.free).copy_(own(one.w.free))
    torch.testing.assert_close(four(None)[1], one(None)[1])


@pytest.mark.parametrize("reading", [FREE, GateReads("flat", 50)])
@pytest.mark.parametrize("gamma", [1.0, 3.0])
def test_the_start(reading: GateReads, gamma: float) -> None:
    gate = Selectors(16, 20, gamma, reading)
    for logits, bound in ((gate.z, gamma / 100), (gate.w, 0.05)):
        drawn = torch.cat([parameter.detach().flatten() for parameter in logits.parameters()])
        assert drawn.abs().max() <= bound
        assert drawn.abs().max() > 0.7 * bound
    assert not gate.decays


def test_selectors_of_examples_are_linear_in_what_is_read() -> None:
    gate = Selectors(4, 2, 1.0, GateReads("flat", 5)).double()
    read = 50 * torch.randn(3, 5).double()
    selectors, weights = gate(read)
    assert selectors.shape == (3, 2, 4)
    assert weights.shape == (3, 4)
    one = Selectors(4, 2, 1.0, FREE).double()
    for example in range(3):
        with torch.no_grad():
            own(one.z.free).copy_(gate.z(read)[example])
            own(one.w.free).copy_(gate.w(read)[example])
        torch.testing.assert_close(one(None)[1], weights[example])


def test_the_entropy_is_that_of_its_definition() -> None:
    selectors = torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    assert float(entropy_of(selectors)) == pytest.approx(math.log(2), abs=1e-5)
    batch = torch.stack([selectors, selectors.flip(0)])
    assert entropy_of(batch).shape == (2,)


def test_the_reach_is_one_for_each_selector_that_has_its_expert() -> None:
    selectors = torch.tensor([[0.5, 0.5, 0.0], [0.25, 0.0, 0.0]])
    assert float(reach_of(selectors)) == 1 + 4


def test_the_reach_of_a_code_without_an_expert_is_finite() -> None:
    gate = free(5, 1, z=[0.6, 0.6, 0.6])  # code 7
    selectors, weights = gate(None)
    assert not weights.any()
    found = reach_of(selectors)
    assert found.item() == pytest.approx(1 / EPS)
    found.backward()
    grad = own(gate.z.free).grad
    assert grad is not None
    assert grad.isfinite().all()


def test_the_terms_push_where_they_should() -> None:
    """The entropy towards one expert, the reach towards codes that have one."""
    gate = free(4, 1, z=[0.1, -0.1])
    entropy_of(gate(None)[0]).backward()
    z = own(gate.z.free)
    assert z.grad is not None
    assert (-z.grad * z > 0).all()  # a step of descent leads to the nearer end
    gate = free(3, 1, z=[0.2, 0.2])
    reach_of(gate(None)[0]).backward()
    z = own(gate.z.free)
    assert z.grad is not None
    assert (z.grad > 0).all()  # away from code 3


def trained(seeds: int, entropy: float, steps: int) -> tuple[Tensor, list[set[int]]]:
    """Weights of four experts after training, two of which make up the target; seeds at once."""
    gates, experts, pairs = [], [], []
    for seed in range(seeds):
        with seeded(seed, "toy"):
            gates.append(Selectors(4, 2, 1.0, FREE))
            experts.append(torch.randn(4, 32))
            pairs.append(torch.randperm(4)[:2])
    features = torch.stack(experts)
    target = torch.stack([own[pair].mean(dim=0) for own, pair in zip(experts, pairs, strict=True)])
    parameters, _ = stack_module_state(gates)
    base = copy.deepcopy(gates[0]).to("meta")
    run = vmap(lambda each: functional_call(base, each, (None,)))
    optimizer = torch.optim.Adam(parameters.values(), lr=0.05)
    for _ in range(steps):
        selectors, weights = run(parameters)
        error = (torch.einsum("se,sed->sd", weights, features) - target).square().mean(dim=1)
        optimizer.zero_grad()
        (error + entropy * entropy_of(selectors)).sum().backward()
        optimizer.step()
    return run(parameters)[1].detach(), [set(pair.tolist()) for pair in pairs]


def test_it_ends_with_the_two_experts_that_it_needs() -> None:
    weights, pairs = trained(seeds=12, entropy=1e-3, steps=400)
    chosen = [set(row.nonzero().flatten().tolist()) for row in weights]
    assert sum(len(own) == 2 for own in chosen) >= 10
    assert sum(own == pair for own, pair in zip(chosen, pairs, strict=True)) >= 10
