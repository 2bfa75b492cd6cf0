"""Products of probabilities, as logits: exact, ordered, and of the entire space."""

import itertools

import mpmath
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from plait.connections import ProductChain, Wiring
from plait.connections.product_chain import logit_of_both
from plait.core.errors import ShapeError, UnsupportedError
from plait.core.kinds import Kind
from plait.tasks import BaseTask, Classification, MultiLabel
from tests.connections.flows import classes, labels, new, numbers, reached, rows, runs

ABC = ["a", "b.c", "d"]
SIZES = [-120.0, -50.0, -3.0, -1e-4, 0.0, 0.5, 20.0, 50.0, 120.0]


def chain(number: int, **options: object) -> ProductChain:
    tasks = tuple(f"t{i}" for i in range(number))
    connection = ProductChain(**options)
    connection.setup(Wiring(tasks, {}, kinds=dict.fromkeys(tasks, Kind("labels"))))
    return connection


def exact(*logits: float) -> float:
    """The logit of the product with a hundred digits."""
    with mpmath.workdps(200):
        p = mpmath.mpf(1)
        for z in logits:
            p *= 1 / (1 + mpmath.exp(-mpmath.mpf(z)))
        return float(mpmath.log(p / (1 - p)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("number", [2, 3])
def test_the_logit_is_exact_at_any_size(dtype: torch.dtype, number: int) -> None:
    connection = chain(number)
    for logits in itertools.product(SIZES, repeat=number):
        raw = {f"t{i}": torch.tensor([[z]], dtype=dtype) for i, z in enumerate(logits)}
        for value in raw.values():
            value.requires_grad_()
        found = connection.prediction(f"t{number - 1}", raw)
        expected = exact(*(value.item() for value in raw.values()))
        unit = torch.finfo(dtype).eps * max(1.0, max(map(abs, logits)))
        assert abs(found.item() - expected) <= 8 * number * unit
        grads = torch.autograd.grad(found.sum(), list(raw.values()))
        assert all(bool(grad.isfinite().all()) and 0 <= grad.item() <= 1.0001 for grad in grads)


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("logits", [(50.0, 50.0), (-50.0, 50.0), (50.0, -50.0), (-50.0, -50.0)])
def test_loss_and_gradient_are_right_in_float32_at_fifty(
    logits: tuple[float, float], label: float
) -> None:
    """Against d loss / d z_s = (p - y) / (1 - p) (1 - s(z_s)), with many digits."""
    raw = {f"t{i}": torch.tensor([[z]], requires_grad=True) for i, z in enumerate(logits)}
    task = MultiLabel("t1", labels=1)
    loss = task.loss(chain(2).prediction("t1", raw), torch.tensor([[label]]))
    grads = torch.autograd.grad(loss, list(raw.values()))
    with mpmath.workdps(200):
        s = [1 / (1 + mpmath.exp(-mpmath.mpf(z))) for z in logits]
        p = s[0] * s[1]
        expected = float(-(label * mpmath.log(p) + (1 - label) * mpmath.log(1 - p)))
        slopes = [float((p - label) / (1 - p) * (1 - each)) for each in s]
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    for grad, slope in zip(grads, slopes, strict=True):
        assert grad.item() == pytest.approx(slope, rel=1e-4, abs=1e-12)


def test_a_product_never_exceeds_its_factors() -> None:
    connection = chain(4)
    raw = {f"t{i}": 30 * torch.randn(500, 3) for i in range(4)}
    handed = {task: connection.prediction(task, raw) for task in raw}
    for one, two in itertools.pairwise(handed.values()):
        assert bool((two <= one + 1e-5 * one.abs()).all())
    assert torch.equal(handed["t0"], raw["t0"])


def test_gradients_are_those_of_differences() -> None:
    one, two = (torch.randn(5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(logit_of_both, (one, two))
    assert torch.autograd.gradgradcheck(logit_of_both, (one, two))


# --- in a model ---------------------------------------------------------------------------------


def probability(logits: Tensor) -> Tensor:
    return logits.sigmoid()


def test_each_ancestor_counts_once_in_any_graph() -> None:
    """A diamond whose order is not that of the tasks: d -> b, d -> c, b -> a, c -> a."""
    edges = [["b", "a"], ["c", "a"], ["d", "b"], ["d", "c"]]
    connection = ProductChain(edges=edges)
    model, plain = new(labels(*"abcde"), connection), new(labels(*"abcde"))
    x = rows()
    alone = {task: probability(value) for task, value in plain(x).items()}
    found = {task: probability(value) for task, value in model(x).items()}
    order = model.flow.connections.order
    assert order.index("d") < order.index("b") < order.index("a")
    assert connection.ancestors("a") == ("b", "c", "d")
    torch.testing.assert_close(found["a"], alone["a"] * alone["b"] * alone["c"] * alone["d"])
    torch.testing.assert_close(found["b"], alone["b"] * alone["d"])
    assert torch.equal(found["d"], alone["d"])
    assert torch.equal(found["e"], alone["e"])


def test_labels_are_multiplied_column_by_column() -> None:
    model, plain = new(labels("a", "b", number=3), ProductChain()), new(labels("a", "b", number=3))
    x = rows()
    alone = plain(x)
    torch.testing.assert_close(model(x)["b"].sigmoid(), alone["a"].sigmoid() * alone["b"].sigmoid())


@pytest.mark.parametrize("first", ["classes", "labels"])
def test_two_classes_are_a_yes_or_no(first: str) -> None:
    tasks: list[BaseTask] = [Classification("a", classes=2), Classification("b", classes=2)]
    if first == "labels":
        tasks[0] = MultiLabel("a", labels=1)
    model, plain, x = new(tasks, ProductChain()), new(tasks), rows()
    before, own = plain(x)["a"], plain(x)["b"].softmax(1)[:, 1]
    yes = before.sigmoid()[:, 0] if first == "labels" else before.softmax(1)[:, 1]
    found = model(x)["b"]
    assert found.shape == (4, 2)
    torch.testing.assert_close(found.softmax(1)[:, 1], yes * own)
    torch.testing.assert_close(found.sum(dim=1), torch.zeros(4, dtype=torch.float64))


def test_pixels_are_multiplied_one_by_one() -> None:
    connection = ProductChain()
    tasks = ("a", "b")
    connection.setup(Wiring(tasks, {}, kinds=dict.fromkeys(tasks, Kind("classes"))))
    raw = {task: torch.randn(2, 2, 3, 3, dtype=torch.float64) for task in tasks}
    expected = raw["a"].softmax(1)[:, 1] * raw["b"].softmax(1)[:, 1]
    torch.testing.assert_close(connection.prediction("b", raw).softmax(1)[:, 1], expected)


def test_with_all_clicks_the_second_loss_is_that_of_the_second_task_alone() -> None:
    """As the first logit grows, its probability is 1 and drops out."""
    own = torch.randn(6, 1, dtype=torch.float64)
    y = torch.randint(0, 2, (6, 1)).double()
    raw = {"t0": torch.full_like(own, 60.0), "t1": own}
    loss = F.binary_cross_entropy_with_logits(chain(2).prediction("t1", raw), y)
    torch.testing.assert_close(loss, F.binary_cross_entropy_with_logits(own, y))


def test_the_second_task_teaches_the_first_unless_it_is_detached() -> None:
    for detach in (None, "source"):
        model = new(labels("a", "b"), ProductChain(detach=detach))
        outputs, nets = model(rows()), model.sharing.networks()
        assert reached(outputs["b"], nets["b"])
        assert reached(outputs["b"], nets["a"]) == (detach is None)
        assert reached(outputs["b"], model.heads["task:a"]) == (detach is None)


def test_all_ancestors_run_and_a_task_without_labels_has_no_loss() -> None:
    model = new(labels(*ABC), ProductChain())
    order = runs(model)
    x = rows()
    outputs = model(x, tasks=["b.c"])
    assert sorted(order) == ["encoder a", "encoder b.c", "head a", "head b.c"]
    losses = model.losses([outputs], model.batch(x, {"b.c": torch.ones(4, 1)}))
    assert list(losses) == ["b.c"]
    losses["b.c"].backward()
    assert all(p.grad is not None for p in model.sharing.networks()["a"].parameters())


def test_one_example_and_one_task_are_enough() -> None:
    assert new(labels("a"), ProductChain())(rows(1))["a"].shape == (1, 1)
    assert new(labels(*ABC), ProductChain())(rows(1))["d"].shape == (1, 1)


# --- what is refused ----------------------------------------------------------------------------


def test_what_is_no_yes_or_no_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"task 'a' predicts one of 3 classes.*MultiLabel"):
        new([*classes("a"), *labels("b")], ProductChain())
    with pytest.raises(UnsupportedError, match=r"task 'b' predicts numbers.*out of `edges`"):
        new([*labels("a"), *numbers("b")], ProductChain())
    model = new([*labels("a", "c"), *numbers("b")], ProductChain(edges=[["a", "c"]]))
    assert model(rows())["b"].shape == (4, 1)


def test_numbers_of_labels_have_to_agree() -> None:
    tasks = [*labels("a", number=2), *labels("b", number=3)]
    with pytest.raises(ShapeError, match=r"found \[2\] labels of task 'a' and \[3\] of 'b'"):
        new(tasks, ProductChain())


def test_half_precision_is_computed_in_single() -> None:
    raw = {f"t{i}": torch.tensor([[z]]).bfloat16() for i, z in enumerate((2.0, 3.0))}
    found = chain(2).prediction("t1", raw)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(exact(2.0, 3.0), rel=1e-6)
