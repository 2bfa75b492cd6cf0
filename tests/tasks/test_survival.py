import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from plait.core.errors import ConfigError, DataError, PlaitError, ShapeError
from plait.evaluation.task_meters import ConstantMeters, TaskMeters
from plait.tasks import Survival

NAN = math.nan
CUTS = [1.0, 2.0, 4.0]


def kaplan_meier(time: np.ndarray, event: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The share of events at each time among those who were not gone before."""
    return np.array([(event[time == t] == 1).sum() / (time >= t).sum() for t in at])


def drawn(seed: int, number: int = 30) -> tuple[Tensor, Tensor]:
    """Logits and labels, some of which are missing."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(number, 3, generator=generator, dtype=torch.float64)
    time = 5 * torch.rand(number, generator=generator, dtype=torch.float64)
    event = (torch.rand(number, generator=generator) < 0.6).double()
    labels = torch.stack([time, event], dim=1)
    labels[torch.rand(number, generator=generator) < 0.3] = NAN
    labels[0] = torch.tensor([1.5, 1.0])
    return logits, labels


def single(logits: Tensor, time: float, event: float) -> Tensor:
    """Minus the log likelihood of one label, interval by interval."""
    loss, begin = torch.zeros((), dtype=torch.float64), 0.0
    for z, end in zip(logits, CUTS, strict=True):
        hazard = 1 / (1 + (-z).exp())
        if event:
            if time > end:
                loss = loss - (1 - hazard).log()
            elif time > begin or begin == 0:
                return loss - hazard.log()
        elif time >= (begin + end) / 2:
            loss = loss - (1 - hazard).log()
        begin = end
    return loss


@given(seed=st.integers(0, 10**6), weighted=st.booleans())
def test_the_loss_is_the_mean_over_the_labels_that_are_there(seed: int, weighted: bool) -> None:
    logits, labels = drawn(seed)
    task = Survival("y", cuts=CUTS)
    weights = torch.rand(len(labels)).double() if weighted else None
    rows = [i for i in range(len(labels)) if not labels[i].isnan().any()]
    mass = [1.0 if weights is None else float(weights[i]) for i in rows]
    losses = [single(logits[i], *labels[i].tolist()) for i in rows]
    expected = sum(m * each for m, each in zip(mass, losses, strict=True)) / sum(mass)
    assert task.count(labels, weights) == pytest.approx(sum(mass))
    one, alone = (each.clone().requires_grad_() for each in (logits, logits[rows]))
    loss = task.loss(one, labels, weights)
    assert loss.item() == pytest.approx(float(expected), rel=1e-6)
    (gradient,) = torch.autograd.grad(loss, one)
    same = task.loss(alone, labels[rows], None if weights is None else weights[rows])
    torch.testing.assert_close(gradient[rows], torch.autograd.grad(same, alone)[0])
    gone = [i for i in range(len(labels)) if i not in rows]
    assert not gradient[gone].any()


@given(seed=st.integers(0, 10**6))
def test_the_best_hazards_of_one_group_are_kaplan_and_meiers(seed: int) -> None:
    """The constant is that estimate, and the gradient of the likelihood is 0 there."""
    generator = np.random.default_rng(seed)
    time = generator.integers(1, 6, size=200)
    event = generator.random(200) < 0.5
    labels = torch.tensor(np.stack([time, event], axis=1), dtype=torch.float64)
    task = Survival("y", cuts=[1.0, 2.0, 3.0, 4.0, 5.0])
    constant = task.constant(task.summarise(labels))
    expected = kaplan_meier(time, event, np.arange(1, 6))
    np.testing.assert_allclose(constant.sigmoid().numpy(), expected, rtol=1e-12)
    logits = constant.expand(200, 5).clone().requires_grad_()
    (gradient,) = torch.autograd.grad(task.loss(logits, labels), logits)
    torch.testing.assert_close(gradient.sum(0), torch.zeros(5, dtype=torch.float64))


def test_an_interval_has_its_end_and_half_of_it_seen_is_passed() -> None:
    task = Survival("y", cuts=CUTS)
    labels = torch.tensor([[0, 1], [1, 1], [1.1, 1], [9, 1], [0, 0], [0.5, 0], [2.9, 0], [3, 0]])
    happened, passed = task.intervals(labels)
    pairs = zip(happened, passed, strict=True)
    found = [(h.nonzero().flatten().tolist(), int(p.sum())) for h, p in pairs]
    nothing: list[int] = []
    assert found == [
        ([0], 0),
        ([0], 0),
        ([1], 1),
        (nothing, 3),
        (nothing, 0),
        (nothing, 1),
        (nothing, 2),
        (nothing, 3),
    ]


def test_a_time_at_a_cut_is_before_it_in_any_precision() -> None:
    task = Survival("y", cuts=[0.1, 0.2, 0.3])
    for dtype in (torch.float32, torch.float64):
        happened, _ = task.intervals(torch.tensor([[0.1, 1], [0.2, 1], [0.3, 1]], dtype=dtype))
        assert torch.equal(happened, torch.eye(3, dtype=torch.bool))


def test_the_expected_time_is_the_area_under_the_chance_to_pass() -> None:
    task = Survival("y", cuts=CUTS)
    logits = torch.tensor([[0.0, 0.0, 0.0], [-40.0, -40.0, -40.0], [40.0, 0.0, 0.0]])
    found = task.decode(logits)
    area = (1 + 0.5) / 2 * 1 + (0.5 + 0.25) / 2 * 1 + (0.25 + 0.125) / 2 * 2
    assert found.value.flatten().tolist() == pytest.approx([area, 4.0, 0.5])
    assert found.named() == found.value.tolist()
    assert found.probabilities is not None
    assert found.probabilities[0].tolist() == [0.5, 0.25, 0.125]
    assert found.names == ["1", "2", "4"]


def test_equal_logits_have_equal_expected_times() -> None:
    task = Survival("y", cuts=CUTS)
    for logits in torch.randn(50, 1, 3):
        assert len(task.expected(logits.expand(37, 3)).unique()) == 1


def test_the_metric_is_concordance_of_which_a_constant_has_a_half() -> None:
    task = Survival("y", cuts=CUTS)
    labels = torch.tensor([[0.5, 1.0], [NAN, 1.0], [1.5, 0.0], [3.0, 1.0]])
    logits = torch.tensor([[2.0, 0, 0], [0, 0, 0], [-1.0, 0, 0], [-2.0, 0, 0]])
    meters = TaskMeters(task, "cpu")
    meters.update(logits, labels, None)
    assert meters.compute() == {"concordance": 1.0}
    constant = ConstantMeters(task, task.summarise(labels), "cpu")
    constant.update(logits, labels, None)
    assert constant.compute() == {"concordance": 0.5}


def test_the_constant_is_finite_where_nobody_came() -> None:
    task = Survival("y", cuts=CUTS)
    constant = task.constant(task.summarise(torch.tensor([[0.5, 1.0], [0.7, 1.0]])))
    assert bool(constant.isfinite().all())
    assert constant[0] > 0
    assert constant[1] == constant[2] == 0


def test_the_time_of_an_event_is_shown() -> None:
    task = Survival("y", cuts=CUTS)
    logits = torch.full((3,), -40.0)
    assert task.show(torch.tensor([1.5, 1.0]), logits) == ([1.5], [4.0])
    assert task.show(torch.tensor([1.5, 0.0]), logits) == (None, [4.0])


def test_cuts_are_quantiles_of_the_times_of_events() -> None:
    time = torch.arange(1.0, 101.0)
    labels = torch.stack([time, (time % 2 == 0).float()], dim=1)
    labels[0] = NAN
    assert Survival.quantile_cuts(labels, 5) == [20.0, 40.0, 60.0, 80.0, 100.0]
    assert Survival.quantile_cuts(torch.tensor([[2.0, 1.0], [2.0, 1.0], [0.0, 1.0]])) == [2.0]
    tenths = torch.tensor([[0.1, 1.0], [0.3, 1.0]])
    assert Survival.quantile_cuts(tenths) == [0.1, 0.3]
    with pytest.raises(DataError, match="found no event after time 0"):
        Survival.quantile_cuts(torch.tensor([[2.0, 0.0]]))


WRONG: list[tuple[Any, type[PlaitError], str]] = [
    ([[1.0, 2.0]], DataError, r"an event, 0 or 1; found \(1, 2\) in row 1 of"),
    ([[NAN, 1.0], [-1.0, 1.0]], DataError, r"of at least 0.*found \(-1, 1\) in row 2 of the batch"),
    ([[math.inf, 1.0]], DataError, "a time of at least 0"),
    ([[1, 1]], DataError, r"must be floats.*found torch\.int64"),
    ([1.0, 1.0], ShapeError, r"must be \[B, 2\], time and event; found \[2\]"),
]


@pytest.mark.parametrize(("labels", "error", "text"), WRONG)
def test_labels_that_break_the_rule_are_refused(
    labels: Any, error: type[PlaitError], text: str
) -> None:
    with pytest.raises(error, match=text):
        Survival("y", cuts=CUTS).count(torch.tensor(labels))


@pytest.mark.parametrize("cuts", [[], [0.0, 1.0], [2.0, 1.0], [1.0, 1.0], [1.0, math.inf], [NAN]])
def test_cuts_have_to_ascend(cuts: list[float]) -> None:
    with pytest.raises(ConfigError, match="`cuts` of task 'y' must be positive numbers in ascend"):
        Survival("y", cuts=cuts)


def test_predictions_need_a_logit_for_each_interval() -> None:
    with pytest.raises(ShapeError, match=r"predictions \[B, 3\]; found \[2, 2\] and \[2, 2\]"):
        Survival("y", cuts=CUTS).loss(torch.zeros(2, 2), torch.ones(2, 2))
