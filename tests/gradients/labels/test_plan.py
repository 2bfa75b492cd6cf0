"""Gradients by label, against the slow loop over the tasks."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from plait.gradients.labels import plan as plans
from plait.gradients.labels.layers import nodes
from plait.gradients.labels.places import Refusal
from plait.gradients.labels.plan import LabelPlan
from tests.engine.loops import default_dtype, rows_of
from tests.gradients.labels.nets import SPLIT
from tests.gradients.labels.slow import DRAWS, some
from tests.gradients.nets import Draw, Losses, Masks, Problem, heads, labelled, losses_of

NEVER, ALWAYS = 1e30, -1e30  # what it takes to carry a row for each label at a cut


def problem(build: Callable[[], Problem], draw: Draw) -> tuple[list[nn.Parameter], Losses, Masks]:
    """Shared parameters, losses and masks."""
    torch.manual_seed(0)
    with default_dtype(torch.float64), labelled(draw) as masks:
        parameters, make_losses = build()
        losses = make_losses()
    shared = [
        p
        for p in parameters
        if p.requires_grad
        and sum(
            torch.autograd.grad(loss, p, retain_graph=True, allow_unused=True)[0] is not None
            for loss in losses.values()
        )
        > 1
    ]
    return shared, losses, masks


def assert_exact(shared: list[nn.Parameter], losses: Losses, masks: Masks) -> LabelPlan:
    rows = rows_of(losses, shared)
    plan = LabelPlan.of(losses, masks, shared)
    assert isinstance(plan, LabelPlan)
    found = plan.run(losses, retain=True)
    assert not isinstance(found, Refusal)
    torch.testing.assert_close(found.multiply(), rows @ rows.T, rtol=1e-10, atol=1e-12)
    weights = torch.rand(len(losses), dtype=torch.float64) - 0.5
    expected = {id(p): g for p, g in _split(weights @ rows, shared)}
    for extreme in (False, True):
        pairs = found.weighted(weights, extreme=extreme)
        assert {id(p) for p, _ in pairs} == expected.keys()
        for parameter, gradient in pairs:
            torch.testing.assert_close(gradient, expected[id(parameter)], rtol=1e-9, atol=1e-11)
    by_task = dict(found.rows())
    for task, row in zip(losses, rows, strict=True):
        of_task = {id(p): g for p, g in by_task[task]}
        for parameter, gradient in _split(row, shared):
            one = of_task.get(id(parameter), torch.zeros_like(parameter))
            torch.testing.assert_close(one, gradient, rtol=1e-9, atol=1e-11)
    return plan


def _split(
    row: torch.Tensor, shared: list[nn.Parameter]
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    pieces = torch.split(row, [p.numel() for p in shared])
    return [(p, piece.view(p.shape)) for p, piece in zip(shared, pieces, strict=True)]


@pytest.mark.parametrize("cut", [NEVER, ALWAYS], ids=["passes", "a row for each label"])
@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("build", SPLIT.values(), ids=SPLIT)
def test_gramian_sum_and_rows_are_those_of_the_loop(
    monkeypatch: pytest.MonkeyPatch, build: Callable[[], Problem], draw: Draw, cut: float
) -> None:
    monkeypatch.setattr(plans, "CUT", cut)
    shared, losses, masks = problem(build, draw)
    if shared and losses:
        plan = assert_exact(shared, losses, masks)
        counts = torch.stack([masks[task] for task in losses]).sum(0)
        assert plan.passes == int(counts.max())


@settings(max_examples=60, deadline=None)
@given(
    by_row=st.booleans(),
    layers=st.lists(st.sampled_from(["linear", "tanh", "norm", "skip", "same"]), max_size=5),
    tasks=st.integers(2, 5),
    examples=st.integers(2, 7),
    share=st.floats(0.1, 1),
    seed=st.integers(0, 100),
)
def test_any_graph_of_known_nodes(
    by_row: bool, layers: list[str], tasks: int, examples: int, share: float, seed: int
) -> None:
    torch.manual_seed(seed)
    with default_dtype(torch.float64), labelled(some(share)) as masks:
        same, parts = nn.Linear(4, 4), {"linear": nn.Linear, "norm": nn.LayerNorm}
        built = [parts[kind](*([4, 4] if kind == "linear" else [4])) if kind in parts else None
                 for kind in layers]  # fmt: skip
        x = nn.Linear(3, 4)(torch.randn(examples, 3))
        first = x
        for kind, module in zip(layers, built, strict=True):
            if module is not None:
                x = module(x)
            else:
                x = {"tanh": torch.tanh, "skip": lambda v: v + first, "same": same}[kind](x)
        losses = losses_of(x, heads(4, "abcde"[:tasks]))
        modules = [same, *(each for each in built if each is not None)]
    shared = [
        p for module in modules for p in module.parameters()
        if len(losses) > 1 and torch.autograd.grad(
            sum(losses.values()), p, retain_graph=True, allow_unused=True
        )[0] is not None
    ]  # fmt: skip
    if shared:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plans, "CUT", ALWAYS if by_row else NEVER)
            assert_exact(shared, losses, masks)


def test_a_use_without_a_layer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, losses, masks = problem(SPLIT["layers_and_norms"], some(0.5))
    monkeypatch.setattr(nodes, "KINDS", {})
    found = LabelPlan.of(losses, masks, shared)
    assert isinstance(found, Refusal)
    assert found.inside and "not known label by label" in found.why


def test_a_wrong_mask_leaves_the_graph_as_it_is() -> None:
    shared, losses, masks = problem(SPLIT["layers_and_norms"], some(1.0))
    masks["b"] = torch.arange(6) != 2
    plan = LabelPlan.of(losses, masks, shared)
    assert isinstance(plan, LabelPlan)
    found = plan.run(losses)
    assert isinstance(found, Refusal) and "task 'b'" in found.why
    rows_of(losses, shared)


def test_a_head_that_acts_across_examples_is_told() -> None:
    """Its mask is right, so nobody should be sent to correct it alone."""
    trunk, x = nn.Linear(3, 4), torch.randn(6, 3)
    normed = nn.Sequential(nn.Linear(4, 1), nn.BatchNorm1d(1))
    hidden, masks = trunk(x), {"a": torch.arange(6) < 3, "b": torch.arange(6) >= 3}
    losses = {
        task: head(hidden)[masks[task]].square().mean()
        for task, head in (("a", nn.Linear(4, 1)), ("b", normed))
    }
    plan = LabelPlan.of(losses, masks, list(trunk.parameters()))
    assert isinstance(plan, LabelPlan)
    found = plan.run(losses)
    assert isinstance(found, Refusal) and "task 'b'" in found.why
    assert "its head or loss acts across examples" in found.why


def test_nothing_is_shared() -> None:
    one, two, x = nn.Linear(3, 1), nn.Linear(3, 1), torch.randn(4, 3)
    losses = {"a": one(x).mean(), "b": two(x).mean()}
    masks = dict.fromkeys("ab", torch.ones(4, dtype=torch.bool))
    own = [(p, "a") for p in one.parameters()] + [(p, "b") for p in two.parameters()]
    plan = LabelPlan.of(losses, masks, [], own)
    assert isinstance(plan, LabelPlan)
    found = plan.run(losses)
    assert not isinstance(found, Refusal)
    assert found.multiply().tolist() == [[0, 0], [0, 0]] and found.weighted(torch.ones(2)) == []
    assert [task for _, task, _ in found.own] == ["a", "a", "b", "b"]
