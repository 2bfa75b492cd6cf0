"""When `route="auto"` takes the route by labels: where it takes fewest operations, and may."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.balancing import GradDrop, MoDo, UPGrad
from plait.core.errors import ConfigError
from plait.core.outputs import Losses
from plait.engine import Backward
from plait.engine import label_plan as module
from plait.engine.routes import layers
from plait.gradients import LabelPlan, LayerPlan
from plait.gradients.labels import plan as plans
from plait.gradients.labels.layers import linear
from tests.engine.loops import default_dtype
from tests.gradients.nets import heads

TASKS = "abcdefghij"


@pytest.fixture(autouse=True)
def _small_nets_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """What planning takes is left out, so that small networks tell what large ones do."""
    for each in (module, layers):
        monkeypatch.setattr(each, "SMALL", 0)
    for where, name in ((plans, "START"), (plans, "USE"), (linear, "CALL")):
        monkeypatch.setattr(where, name, 0.0)


class Net(nn.Module):
    """An MLP with a linear head for each task, and a norm or none."""

    def __init__(self, norm: type[nn.Module] | None = None, width: int = 64) -> None:
        super().__init__()
        between = [] if norm is None else [norm(width)]
        self.trunk = nn.Sequential(
            nn.Linear(8, width), *between, nn.ReLU(), nn.Linear(width, width)
        )
        self.heads = heads(width, TASKS)

    def losses(self, masks: dict[str, Tensor]) -> dict[str, Tensor]:
        examples = len(masks["a"])
        features = self.trunk(torch.ones(examples, 8).cumsum(0) / examples)
        return {
            task: F.softplus(head(features)[masks[task], 0] - number).mean()
            for number, (task, head) in enumerate(self.heads.items())
            if masks[task].any()
        }


def masks_of(labels: int, examples: int = 40) -> dict[str, Tensor]:
    """Each example has as many labels, of tasks that take turns."""
    start = torch.arange(examples) % len(TASKS)
    return {task: ((number - start) % len(TASKS)) < labels for number, task in enumerate(TASKS)}


def passes(net: Net, masks: dict[str, Tensor], **options: Any) -> str:
    return Backward(UPGrad(), net, **options)(net.losses(masks), labels=masks).passes


def test_few_labels_take_the_route_and_many_do_not() -> None:
    net = Net()
    assert "then 1 half one," in passes(net, masks_of(1))
    assert "then 2 half ones" in passes(net, masks_of(2))
    assert "labels" not in passes(net, masks_of(8))
    assert "labels" not in passes(net, masks_of(1), route="rows")
    assert "by layers" in passes(net, masks_of(1), route="layers")


@pytest.mark.parametrize("reason", ["two tasks", "one example", "few numbers", "unknown labels"])
def test_where_nothing_is_gained_no_plan_is_made(
    monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    made: list[object] = []
    monkeypatch.setattr(LabelPlan, "of", lambda *given: made.append(given))
    net, masks, known = Net(), masks_of(1), True
    if reason == "two tasks":
        masks = {task: mask if task in "ab" else mask & False for task, mask in masks.items()}
    elif reason == "one example":
        masks = {task: mask[:1] | True for task, mask in masks.items()}
    elif reason == "few numbers":
        monkeypatch.setattr(module, "SMALL", 1 << 30)
    else:
        known = False
    Backward(UPGrad(), net)(net.losses(masks), labels=masks if known else None)
    assert not made


def test_the_route_is_taken_by_counted_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Just below and just above 0.8 of the best other route."""
    net, masks = Net(), masks_of(1)
    losses = net.losses(masks)
    shared = list(net.trunk.parameters())
    plan = LabelPlan.of(losses, masks, shared)
    assert isinstance(plan, LabelPlan)
    others = LayerPlan.of(losses, shared).operations
    least = min(len(TASKS) * plan.half + each for each in others.values())
    assert plan.half == 40 * (8 * 64 + 64 * 64)
    for factor, taken in ((0.79, True), (0.81, False)):
        monkeypatch.setattr(LabelPlan, "operations", property(lambda self, f=factor: f * least))
        assert ("labels" in passes(net, masks)) == taken


def test_planning_counts_so_that_a_small_net_keeps_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "START", 1e8)
    assert "labels" not in passes(Net(), masks_of(1))


def test_a_graph_that_cannot_be_split_is_asked_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    of = LabelPlan.of

    def watched(*given: Any) -> Any:
        asked.append(number)
        return of(*given)

    monkeypatch.setattr(LabelPlan, "of", watched)
    net, masks = Net(nn.BatchNorm1d), masks_of(1)
    step = Backward(UPGrad(), net)
    for number in range(20):
        if number == 6:  # a resumed training asks when the other would have
            state = step.state_dict()
            step = Backward(UPGrad(), net)
            step.load_state_dict(state)
        assert "labels" not in step(net.losses(masks), labels=masks).passes
    assert asked == [0, 2, 5, 10, 19]


def test_a_wrong_mask_gives_rows_and_a_warning() -> None:
    found = []
    with default_dtype(torch.float64):
        for wrong in (False, True):
            torch.manual_seed(0)
            net, masks = Net(), masks_of(1)
            losses = net.losses(masks)
            given = dict(masks)
            step = Backward(UPGrad(), net)
            if wrong:
                given["c"] = masks["c"] & (torch.arange(40) > 10)
                with pytest.warns(UserWarning, match="Rows are formed, .* task 'c' has a gradient"):
                    record = step(losses, labels=given)
                assert record.passes == "T, a row of gradients for each task"
            else:
                record = step(losses, labels=given)
            found.append((record, [p.grad for p in net.parameters()]))
    for one, two in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-11)
    assert found[0][0].norms == pytest.approx(found[1][0].norms, rel=1e-10)


class Known:
    """What a model knows of its labels, and how often it was asked."""

    def __init__(self, masks: dict[str, Tensor], share: float) -> None:
        self.given, self.share, self.asked = masks, share, 0

    def masks(self) -> dict[str, Tensor]:
        self.asked += 1
        return self.given


def known_losses(net: Net, masks: dict[str, Tensor], known: Known) -> Losses:
    losses = net.losses(masks)
    return Losses(losses, raw=losses, counts=dict.fromkeys(losses, 1.0), labelled=known)


def test_a_model_is_asked_for_its_labels_where_few_are_there() -> None:
    """Where most are, it costs a sum of counts and nothing else."""
    net, masks = Net(), masks_of(1)
    few, many = Known(masks, 0.1), Known(masks, 0.83)
    assert "then 1 half" in Backward(UPGrad(), net)(known_losses(net, masks, few)).passes
    assert "labels" not in Backward(UPGrad(), net)(known_losses(net, masks, many)).passes
    assert (few.asked, many.asked) == (1, 0)


def test_a_loss_of_the_model_that_reads_more_than_labels_is_no_reason_to_warn() -> None:
    net, masks = Net(), masks_of(1)
    known = Known({**masks, "c": masks["c"] & (torch.arange(40) > 10)}, 0.1)
    assert "a row" in Backward(UPGrad(), net)(known_losses(net, masks, known)).passes


def test_labels_of_unequal_lengths_are_of_no_common_examples() -> None:
    net, masks = Net(), masks_of(1)
    known = Known({**masks, "c": masks["c"][:7]}, 0.1)
    assert "labels" not in Backward(UPGrad(), net)(known_losses(net, masks, known)).passes


def test_few_examples_with_many_labels_take_one_pass_with_a_row_for_each_label(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The step is that of the passes, for a method that reads the Gramian and one that does not."""
    monkeypatch.setattr(plans, "ROW", 0.0)
    masks = masks_of(1)
    masks = {task: mask | (torch.arange(40) < 2) for task, mask in masks.items() if task in "abcde"}
    for balancer in (UPGrad, GradDrop):
        found = []
        for cut, words in ((1e9, "then 5 half ones"), (0.0, "then 1 half one with a row for")):
            monkeypatch.setattr(plans, "CUT", cut)
            torch.manual_seed(0)
            with default_dtype(torch.float64):
                net = Net()
                losses = net.losses(masks | dict.fromkeys("fghij", torch.zeros(40).bool()))
                record = Backward(balancer(), net, route="labels")(losses, labels=masks)
            assert words in record.passes
            found.append([p.grad for p in net.parameters() if p.grad is not None])
        torch.testing.assert_close(found[1], found[0], rtol=1e-10, atol=1e-14)


def test_rows_are_formed_by_labels_where_passes_for_each_task_take_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net, masks = Net(), masks_of(1)
    losses = net.losses(masks)
    for calls, taken in ((0.0, True), (1e9, False)):
        monkeypatch.setattr(plans, "ROW", calls)
        record = Backward(GradDrop(), net)(losses, labels=masks)
        losses = net.losses(masks)
        assert ("labels" in record.passes) == taken


def test_the_operations_of_rows_are_passes_and_one_product_for_each_label() -> None:
    net, masks = Net(), masks_of(2)
    plan = LabelPlan.of(net.losses(masks), masks, list(net.trunk.parameters()))
    assert isinstance(plan, LabelPlan)
    assert plan.row_operations == 2 * plan.half + 2 * plan.half + len(TASKS) * 3 * plans.ROW


def test_several_tasks_at_a_tensor_that_is_not_compared_keep_rows_in_several_batches() -> None:
    net, masks = Net(), masks_of(1)
    shared = list(net.trunk[0].parameters())
    step = Backward(MoDo(), shared=shared, route="labels")
    with pytest.raises(ConfigError, match="that is not compared, in several batches"):
        step([net.losses(masks)] * 2, labels=[masks] * 2)
