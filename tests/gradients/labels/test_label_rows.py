"""One pass with a row for each label, against passes with one label of each example."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge
from torch.nn import functional as F

from plait.gradients.labels import plan as plans
from plait.gradients.labels.label_rows import ALL, LabelRows, NotByLabelError, acts_row_by_row
from plait.gradients.labels.operand import Operand
from plait.gradients.labels.places import Place, Refusal
from plait.gradients.labels.plan import LabelPlan
from plait.gradients.labels.ranks import Ranks
from tests.engine.loops import default_dtype
from tests.gradients.labels.slow import some
from tests.gradients.nets import Losses, Masks, heads, labelled, losses_of

Step = Callable[[Tensor], Tensor]
GATE = torch.randn(7, 4, dtype=torch.float64)

KNOWN: dict[str, Step] = {
    "dropout": lambda x: F.dropout(x, 0.3),
    "elu": F.elu,
    "gelu": F.gelu,
    "gelu of tanh": lambda x: F.gelu(x, approximate="tanh"),
    "leaky relu": F.leaky_relu,
    "native dropout": lambda x: torch.native_dropout(x, 0.3, True)[0],
    "relu": F.relu,
    "residual": lambda x: x + x.tanh(),
    "scaled by example": lambda x: x * GATE,
    "scaled for all": lambda x: x * GATE[0],
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "softplus": F.softplus,
    "without a bias": lambda x: x @ GATE[:4],
}
UNKNOWN: dict[str, Step] = {
    "another axis": lambda x: x.T.contiguous().relu().T,
    "broadcast": lambda x: x[:, :1] * GATE,
    "softmax": lambda x: x.softmax(1),
}


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "CUT", -1e30)


def planned(step: Step, hook: Step | None = None) -> tuple[LabelPlan, Losses, Masks]:
    """A plan of two layers with something between them, and a hook on what it gives."""
    torch.manual_seed(0)
    with default_dtype(torch.float64), labelled(some(0.6)) as masks:
        first, second = nn.Linear(3, 4), nn.Linear(4, 4)
        between = step(first(torch.randn(7, 3)))
        if hook is not None:
            between.register_hook(hook)
        losses = losses_of(second(between), heads(4, "abcd"))
    plan = LabelPlan.of(losses, masks, [*first.parameters(), *second.parameters()])
    assert isinstance(plan, LabelPlan) and plan.passes > 2
    return plan, losses, masks


def both(plan: LabelPlan, losses: Losses) -> tuple[list[Tensor], list[Tensor]]:
    """D at each use, as planned and from passes; whether the first was by row stays in the plan."""
    one = plan.run(losses, retain=True)
    by_row, plan.rows_known = plan.rows_known, False
    two = plan.run(losses, retain=True)
    plan.rows_known = by_row
    assert not isinstance(one, Refusal) and not isinstance(two, Refusal)
    return [at.gradients for at in one.at], [at.gradients for at in two.at]


@pytest.mark.parametrize("step", KNOWN.values(), ids=KNOWN)
def test_rows_are_those_of_the_passes(step: Step) -> None:
    plan, losses, _ = planned(step)
    assert plan.rows_known and plan.by_row
    rows, passes = both(plan, losses)
    assert plan.rows_known
    torch.testing.assert_close(rows, passes, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("step", UNKNOWN.values(), ids=UNKNOWN)
def test_nodes_without_a_rule_take_passes(step: Step) -> None:
    plan, _, _ = planned(step)
    assert not plan.rows_known and not plan.by_row


@pytest.mark.parametrize("hook", [lambda g: -g, lambda g: 0.5 * g / 3, lambda g: g * GATE])
def test_a_hook_that_multiplies_acts_on_the_rows(hook: Step) -> None:
    plan, losses, _ = planned(torch.tanh, hook)
    plain, _ = both(*planned(torch.tanh)[:2])
    rows, passes = both(plan, losses)
    assert plan.rows_known and not torch.equal(rows[-1], plain[-1])
    torch.testing.assert_close(rows, passes, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "hook",
    [lambda g: g.clamp(-1e-3, 1e-3), lambda g: torch.tensor(g.numpy()), lambda g: GATE * 0],
    ids=["of another kind", "on numbers", "another tensor"],
)
def test_a_hook_without_a_rule_takes_passes(hook: Step) -> None:
    plan, losses, _ = planned(torch.tanh, hook)
    rows, passes = both(plan, losses)
    assert not plan.rows_known
    torch.testing.assert_close(rows, passes, rtol=0, atol=0)


def test_the_pass_frees_the_graph_unless_it_is_to_be_kept() -> None:
    plan, losses, _ = planned(torch.tanh)
    plan.run(losses, retain=True)
    plan.run(losses)
    assert plan.rows_known
    with pytest.raises(RuntimeError, match="second time"):
        sum(losses.values()).backward()


def gradient(parts: dict[int, Tensor]) -> LabelRows:
    masks = {"a": [True, True, False], "b": [False, True, True], "c": [False, False, True]}
    ranks = Ranks.of({task: torch.tensor(mask) for task, mask in masks.items()})
    return LabelRows(ranks, (3, 2), parts)


def test_gradients_of_several_tasks_are_put_in_the_order_of_the_labels() -> None:
    one, two = torch.ones(2, 2), 2 * torch.ones(1, 2)
    total = gradient({2: two}) + gradient({0: one})
    assert sorted(total.parts) == [0, 2]
    assert (total + gradient({0: one})).parts[0].tolist() == [[2, 2], [2, 2]]
    assert total.whole()[:, 0].tolist() == [1, 1, 0, 0, 2]
    assert (total + gradient({0: one})).whole()[:, 0].tolist() == [2, 2, 0, 0, 2]
    assert (total @ torch.eye(2)).parts.keys() == {ALL}
    assert total.shape == (3, 2)


@pytest.mark.parametrize(
    "act",
    [
        lambda g: g.sum(0),
        lambda g: torch.ones(3, 3) @ g,
        lambda g: g + torch.ones(3, 2),
        lambda g: torch.add(g, g, alpha=2),
        lambda g: g * g,
        lambda g: torch.ones(3, 2) / g,
        lambda g: g * torch.ones(2, 3, 2),
        lambda g: g * torch.ones(1, 3, 1, 2),
    ],
)
def test_what_is_no_product_by_entry_is_refused(act: Step) -> None:
    with pytest.raises(NotByLabelError, match=r"rows of labels|one number for each entry"):
        act(gradient({0: torch.ones(2, 2)}))


def test_where_the_examples_are_in_front_and_the_shape_is_kept() -> None:
    x = torch.ones(4, 6, requires_grad=True)
    relu, product = (get_gradient_edge(y).node for y in (x.relu(), x @ torch.ones(6, 6)))
    front, other = Place(1, 4, 6), Place(6, 4, 1)
    assert acts_row_by_row(Operand(relu, 0, (4, 6), (4, 6), front))
    assert acts_row_by_row(Operand(product, 0, (4, 3), (4, 6), front))
    assert not acts_row_by_row(Operand(relu, 0, (4, 1), (4, 6), front))
    assert not acts_row_by_row(Operand(relu, 0, (6, 4), (6, 4), other))
    assert not acts_row_by_row(Operand(relu, 0, (2, 2, 6), (2, 2, 6), front))
