"""Features that are distilled across tasks, and the supervised initial predictions."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.connections import Cascade, PADNet
from plait.core.errors import ConfigError, ShapeError, UnsupportedError
from plait.encoders import ConvEncoder
from plait.model import MultiTaskModel
from plait.sharing import Separate
from plait.tasks import Classification, Segmentation, Tagging
from tests.connections.flows import (
    classes,
    encoded,
    mlp,
    new,
    numbers,
    reached,
    rows,
    runs,
    unit,
)

IMAGES = torch.zeros(2, 1, 8, 8)


def conv(*widths: int) -> ConvEncoder:
    return ConvEncoder(in_channels=1, widths=widths or (3, 4))


def images(connection: PADNet, **options: Any) -> MultiTaskModel:
    tasks = [Segmentation("a", classes=2), Segmentation("b.c", classes=3)]
    return new(tasks, connection, encoder=conv, example=IMAGES, **options)


def given(unit: Any, features: Tensor) -> Tensor:
    """What the source gives, by torch's own functions."""
    found = F.conv2d(features, unit.conv.weight, padding=1)
    return found * F.conv2d(features, unit.att.weight, padding=1).sigmoid()


@pytest.mark.parametrize("levels", ["last", "all"])
def test_all_tasks_exchange_at_once(levels: Any) -> None:
    connection = PADNet(levels=levels, alpha={"learned": 0.5})
    model = images(connection)
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    raw = model.sharing(x)
    features = model(x).features
    assert sum(p.numel() for p in connection.units.parameters()) == 2 * 2 * 9 * (
        4 * 4 + (3 * 3 if levels == "all" else 0)
    )
    for task, other in (("a", "b.c"), ("b.c", "a")):
        own = features[task].levels
        distilled = unit(connection.units, other, task)
        assert list(distilled) == (["1"] if levels == "last" else ["0", "1"])
        for level, place in ((0, "0"), (1, "1")):
            expected = raw[task].levels[level]
            if place in distilled:
                expected = expected + 0.5 * given(distilled[place], raw[other].levels[level])
            torch.testing.assert_close(own[level], expected)


def test_grids_and_widths_may_differ() -> None:
    sharing = Separate({"a": conv(3), "b": nn.Sequential(nn.Conv2d(1, 5, 4, stride=4))})
    connection = PADNet(edges=[["a", "b"]])
    model = new(
        [Segmentation("a", classes=2), Segmentation("b", classes=2)],
        connection,
        sharing=sharing,
        example=IMAGES,
    )
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    raw, features = model.sharing(x), model(x).features
    part = given(unit(connection.units, "a", "b")["0"], raw["a"].levels[0])
    assert part.shape == (2, 5, 4, 4)
    torch.testing.assert_close(features["b"].levels[0], raw["b"].levels[0] + F.avg_pool2d(part, 2))
    assert torch.equal(features["a"].levels[0], raw["a"].levels[0])


def test_vectors_and_tokens_are_mapped_one_by_one() -> None:
    connection = PADNet()
    model, x = new(numbers("a", "b"), connection), rows()
    one = unit(connection.units, "b", "a")["1"]
    theirs = encoded(model, "b", x)
    part = (theirs @ one.conv.linear.weight.T) * (theirs @ one.att.linear.weight.T).sigmoid()
    torch.testing.assert_close(model(x).features["a"].levels[-1], encoded(model, "a", x) + part)

    class Tokens(nn.Module):
        channel_dim = -1

        def __init__(self) -> None:
            super().__init__()
            self.stages = nn.ModuleList([nn.Embedding(9, 4), nn.Linear(4, 4)])

    tags = [Tagging("a", classes=2), Tagging("b", classes=3)]
    model = new(tags, PADNet(levels="all"), encoder=Tokens, example=torch.zeros(2, 5).long())
    assert model(torch.zeros(3, 7).long())["b"].shape == (3, 7, 3)


# --- initial predictions ------------------------------------------------------------------------


def test_initial_predictions_are_supervised_beside_the_final_ones() -> None:
    model = images(PADNet(early_weight=0.3))
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    y = {"a": torch.randint(0, 2, (2, 8, 8)), "b.c": torch.randint(0, 3, (2, 8, 8))}
    outputs = model(x)
    losses = model.losses([outputs], model.batch(x, y))
    raw = model.sharing(x)
    for task, target in y.items():
        early = model.early_heads[f"task:{task}".replace(".", "%2E")](raw[task])
        torch.testing.assert_close(outputs.early[task][0], early)
        expected = F.cross_entropy(outputs[task], target) + 0.3 * F.cross_entropy(early, target)
        torch.testing.assert_close(losses[task], expected)
    outputs = model.eval()(x)
    assert outputs.early == {}
    losses = model.losses([outputs], model.batch(x, y))
    for task, target in y.items():
        torch.testing.assert_close(losses[task], F.cross_entropy(outputs[task], target))


@pytest.mark.parametrize("training", [True, False])
def test_an_auxiliary_task_has_an_initial_prediction_alone(training: bool) -> None:
    """Two final tasks exchange and read the auxiliary one, whose head reads its own features."""
    tasks = [Segmentation(name, classes=2) for name in ("aux", "a", "b")]
    edges = [["aux", "a"], ["aux", "b"], ["a", "b"], ["b", "a"]]
    connection = PADNet(edges=edges, early_weight=0.3)
    model = new(tasks, connection, encoder=conv, example=IMAGES).train(training)
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    y = {task.name: torch.randint(0, 2, (2, 8, 8)) for task in tasks}
    outputs = model(x)
    losses = model.losses([outputs], model.batch(x, y))
    raw = model.sharing(x)
    assert sorted(model.early_heads) == ["task:a", "task:b"]
    torch.testing.assert_close(outputs["aux"], model.heads["task:aux"](raw["aux"]))
    torch.testing.assert_close(losses["aux"], F.cross_entropy(outputs["aux"], y["aux"]))
    for task, others in {"a": ("aux", "b"), "b": ("aux", "a")}.items():
        body = raw[task].levels[-1]
        for other in others:
            pair = next(iter(unit(connection.units, other, task).values()))
            body = body + given(pair, raw[other].levels[-1])
        features = replace(raw[task], levels=(*raw[task].levels[:-1], body))
        final = model.heads[f"task:{task}"](features)
        expected = F.cross_entropy(final, y[task])
        if training:
            early = model.early_heads[f"task:{task}"](raw[task])
            expected = expected + 0.3 * F.cross_entropy(early, y[task])
        torch.testing.assert_close(losses[task], expected)


def test_there_are_no_initial_predictions_where_nothing_is_exchanged() -> None:
    for connection in (PADNet(early_weight=0.0), PADNet(alpha=0.0)):
        model = images(connection)
        assert len(model.early_heads) == 0
        assert model(IMAGES.double()).early == {}
    model = new(numbers("a", "b"), PADNet(edges=[["a", "b"]]))
    assert list(model.early_heads) == ["task:b"]
    assert list(model(rows()).early) == ["b"]
    assert len(new(numbers("a"), PADNet()).early_heads) == 0


def test_early_and_final_heads_start_apart_and_final_ones_as_ever() -> None:
    model, plain = new(numbers("a", "b"), PADNet()), new(numbers("a", "b"))
    final, early = model.heads["task:a"], model.early_heads["task:a"]
    for name, value in plain.heads["task:a"].state_dict().items():
        assert torch.equal(final.state_dict()[name], value)
    assert not torch.equal(final.head.layers[0].weight, early.head.layers[0].weight)


# --- what runs, what learns ---------------------------------------------------------------------


def test_of_the_others_only_the_networks_run() -> None:
    model = new(numbers("a", "b", "c"), PADNet(edges=[["a", "b"], ["b", "a"], ["b", "c"]]))
    order = runs(model)
    model(rows(), tasks=["a"])
    assert sorted(order) == ["encoder a", "encoder b", "head a"]


def test_detached_sources_get_nothing() -> None:
    for detach in (None, "source"):
        model = new(numbers("a", "b"), PADNet(detach=detach))
        outputs, nets = model(rows()), model.sharing.networks()
        assert reached(outputs["a"], nets["a"])
        assert reached(outputs["a"], nets["b"]) == (detach is None)
        assert not reached(outputs.early["a"][0], nets["b"])


@pytest.mark.parametrize("number", [1, 3])
def test_one_example_and_one_task_are_enough(number: int) -> None:
    model = new(classes(*"abc"[:number]), PADNet())
    assert [list(p.shape) for p in model(rows(1)).values()] == [[1, 3]] * number


def test_gradients_are_those_of_differences() -> None:
    tasks = [Segmentation("a", classes=2, width=2), Segmentation("b", classes=2, width=2)]
    model = new(tasks, PADNet(), encoder=lambda: conv(2), example=IMAGES)
    x = torch.randn(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda *given: tuple(model(given[0]).values()), (x, *model.connections.parameters())
    )


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": "first"}, "`levels` of PADNet must be 'last' or 'all'; found 'first'"),
        ({"early_weight": -1.0}, r"`early_weight` must be at least 0; found -1\.0"),
        ({"early_weight": float("nan")}, "`early_weight` must be at least 0; found nan"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PADNet(**options)


def test_features_of_other_kinds_are_refused() -> None:
    sharing = Separate({"a": conv(), "b": nn.Sequential(nn.Flatten(), nn.Linear(64, 4))})
    tasks = [Segmentation("a", classes=2), Classification("b", classes=2)]
    with pytest.raises(ShapeError, match=r"of one kind, level by level; found .*of task 'b'.*'a'"):
        new(tasks, PADNet(), sharing=sharing, example=IMAGES)


def test_comes_first_and_goes_not_with_predictions_that_enter() -> None:
    with pytest.raises(UnsupportedError, match="Name it before the other connections"):
        new(numbers("a", "b"), Cascade(), PADNet())
    model = new(numbers("a", "b"), PADNet(), Cascade())
    assert model(rows())["b"].shape == (4, 1)
    entering = Cascade(feed="logits", into="input")
    with pytest.raises(UnsupportedError, match=r"Cascade makes a task wait .* and PADNet reads"):
        new(numbers("a", "b"), PADNet(), entering, encoder=mlp)
