"""Attention over what the parents hand on and the task's own vector."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from plait.connections import AITM
from plait.core.errors import ConfigError, ShapeError
from plait.encoders import ConvEncoder
from plait.model import MultiTaskModel
from plait.sharing import Separate
from plait.tasks import Segmentation
from tests.connections.flows import (
    classes,
    encoded,
    head,
    labels,
    mlp,
    new,
    numbers,
    reached,
    rows,
    runs,
    unit,
)

ABC = ["a", "b.c", "d"]


def by_loop(connection: AITM, carried: list[Tensor], own: Tensor) -> Tensor:
    """z of one task, an example and a vector at a time."""
    found = []
    key, query, value = (connection.attention[n] for n in ("key", "query", "value"))
    for i in range(len(own)):
        vectors = [each[i] for each in [*carried, own]]
        scores = [(key(v) @ query(v)).item() / math.sqrt(len(v)) for v in vectors]
        total = sum(map(math.exp, scores))
        found.append(
            sum(math.exp(s) / total * value(v) for s, v in zip(scores, vectors, strict=True))
        )
    return torch.stack(found)


@pytest.mark.parametrize("options", [{}, {"activation": "none", "bias": True}])
def test_is_the_formula(options: dict[str, Any]) -> None:
    edges = [["a", "b.c"], ["b.c", "d"], ["a", "d"]]
    connection = AITM(**options, edges=edges, alpha=[1.0, 0.5, -1.0])
    model, x = new(labels(*ABC), connection), rows()
    outputs = model(x)
    act = F.relu if not options else lambda x: x

    def carried(alpha: float, source: str, task: str, z: Tensor) -> Tensor:
        g = unit(connection.transfers, source, task)[0]
        return alpha * act(g(z))

    z = {"a": encoded(model, "a", x)}
    p = [carried(1.0, "a", "b.c", z["a"])]
    z["b.c"] = by_loop(connection, p, encoded(model, "b.c", x))
    p = [carried(-1.0, "a", "d", z["a"]), carried(0.5, "b.c", "d", z["b.c"])]
    z["d"] = by_loop(connection, p, encoded(model, "d", x))
    for task in ABC:
        torch.testing.assert_close(outputs.features[task].levels[-1], z[task])
        torch.testing.assert_close(outputs[task], head(model, task)(z[task]))


def test_the_weights_are_shares() -> None:
    connection = AITM(std=3.0)
    new(labels(*ABC), connection)
    vectors = [rows(6, 5) for _ in range(4)]
    z, weights = connection.attend(vectors[:3], vectors[3])
    assert z.shape == (6, 5)
    assert weights.shape == (6, 4)
    assert bool((weights > 0).all())
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(6, dtype=torch.float64))


def test_one_attention_for_all_and_a_map_for_each_edge() -> None:
    connection = AITM()
    new(labels(*ABC), connection)
    assert {name: p.shape for name, p in connection.attention.named_parameters()} == {
        f"{name}.weight": (5, 5) for name in ("key", "query", "value")
    }
    assert len(connection.transfers) == 2
    drawn = torch.cat([p.flatten() for p in drawn_attention(64)])
    assert drawn.std().item() == pytest.approx(0.1, rel=0.05)
    assert drawn.mean().item() == pytest.approx(0.0, abs=0.01)


def drawn_attention(width: int) -> list[Tensor]:
    connection = AITM()
    new(labels("a", "b"), connection, encoder=lambda: mlp(width))
    return list(connection.attention.parameters())


def test_options_of_the_map() -> None:
    connection = AITM(norm=True, dropout=0.5)
    new(labels("a", "b"), connection)
    names = [type(layer).__name__ for layer in unit(connection.transfers, "a", "b")]
    assert names == ["Linear", "BatchNorm1d", "ReLU", "Dropout"]


def test_maps_are_pooled_and_a_dense_task_cannot_read_a_vector() -> None:
    def encoder() -> ConvEncoder:
        return ConvEncoder(in_channels=1, widths=(4,))

    example = torch.zeros(2, 1, 8, 8)
    tasks = [Segmentation("dense", classes=2), *classes("one")]
    model = new(tasks, AITM(), encoder=encoder, example=example)
    outputs = model(example.double())
    assert outputs["dense"].shape == (2, 2, 8, 8)
    assert outputs.features["one"].levels[-1].shape == (2, 4)
    with pytest.raises(ShapeError, match="a dense task needs features with a grid"):
        new(tasks[::-1], AITM(), encoder=encoder, example=example)


def test_a_task_without_parents_keeps_its_features() -> None:
    connection = AITM(alpha=[0.0, 1.0])
    model, plain, x = new(labels(*ABC), connection), new(labels(*ABC)), rows()
    for task in ("a", "b.c"):
        assert torch.equal(model(x)[task], plain(x)[task])
    assert not torch.equal(model(x)["d"], plain(x)["d"])
    assert len(list(AITM(alpha=0.0).parameters())) == 0


def test_detached_sources_get_nothing() -> None:
    for detach in (None, "source"):
        model = new(labels("a", "b"), AITM(detach=detach))
        outputs, nets = model(rows()), model.sharing.networks()
        assert reached(outputs["b"], nets["b"])
        assert reached(outputs["b"], nets["a"]) == (detach is None)
        assert not reached(outputs["a"], nets["b"])


def test_only_the_ancestors_run() -> None:
    model = new(labels(*ABC), AITM(edges=[["d", "a"]]))
    order = runs(model)
    model(rows(), tasks=["a"])
    assert sorted(order) == ["encoder a", "encoder d", "head a", "head d"]


@pytest.mark.parametrize("number", [1, 3])
def test_one_example_and_one_task_are_enough(number: int) -> None:
    model = new(classes(*ABC[:number]), AITM())
    assert [list(p.shape) for p in model(rows(1)).values()] == [[1, 3]] * number


def test_gradients_are_those_of_differences() -> None:
    model: MultiTaskModel = new(numbers("a", "b"), AITM(std=1.0))

    def predict(x: Tensor, *_: Tensor) -> tuple[Tensor, ...]:
        return tuple(model(x).values())

    weights = list(model.parameters())
    assert torch.autograd.gradcheck(predict, (rows(2).requires_grad_(), *weights))


def test_widths_have_to_agree() -> None:
    sharing = Separate({"a": mlp(4), "b": mlp(6)})
    with pytest.raises(
        ShapeError, match=r"one width for all tasks .*found 4 of task 'a', 6 before"
    ):
        new(labels("a", "b"), AITM(), sharing=sharing)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "tanh"}, "`activation` must be 'relu' or 'none'; found 'tanh'"),
        ({"dropout": 1.0}, r"`dropout` must be within 0\.\.1, below 1; found 1\.0"),
        ({"std": 0.0}, r"`std` must be above 0; found 0\.0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AITM(**options)
