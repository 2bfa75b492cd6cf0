"""What is handed on, where it goes, and what it is laid onto."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.connections import Cascade
from plait.core.errors import ConfigError, ShapeError, UnsupportedError
from plait.core.keys import safe_key
from plait.core.kinds import Kind
from plait.core.structure import Masked
from plait.encoders import ConvEncoder
from plait.sharing import Hard, Separate
from plait.tasks import (
    BaseTask,
    Classification,
    MultiLabel,
    Regression,
    Segmentation,
    Tagging,
    Task,
)
from tests.connections.flows import (
    alpha_of,
    classes,
    encoded,
    grads,
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


def last(outputs: Any, task: str) -> Tensor:
    found: Tensor = outputs.features[task].levels[-1]
    return found


# --- features into features ---------------------------------------------------------------------


def test_features_are_handed_on_along_the_chain() -> None:
    connection = Cascade(alpha=[0.5, -2.0])
    model, x = new(numbers(*ABC), connection), rows()
    outputs = model(x)
    h = encoded(model, "a", x)
    assert torch.equal(last(outputs, "a"), h)
    for source, task, alpha in (("a", "b.c", 0.5), ("b.c", "d", -2.0)):
        g = unit(connection.maps, source, task).linear
        h = encoded(model, task, x) + alpha * (h @ g.weight.T + g.bias)
        torch.testing.assert_close(last(outputs, task), h)
        torch.testing.assert_close(outputs[task], head(model, task)(h))


def test_several_parents_in_a_graph_that_is_not_in_the_order_of_the_tasks() -> None:
    connection = Cascade(map="identity", edges=[["d", "a"], ["d", "b.c"], ["b.c", "a"]], alpha=0.5)
    model, x = new(numbers(*ABC), connection), rows()
    order = runs(model)
    outputs = model(x)
    assert model.flow.connections.order == ("d", "b.c", "a")
    assert order[-3:] == ["head d", "head b.c", "head a"]
    assert list(outputs) == ABC
    h = {task: encoded(model, task, x) for task in ABC}
    h["b.c"] = h["b.c"] + 0.5 * h["d"]
    torch.testing.assert_close(last(outputs, "b.c"), h["b.c"])
    torch.testing.assert_close(last(outputs, "a"), h["a"] + 0.5 * h["b.c"] + 0.5 * h["d"])


def test_a_map_joins_features_of_different_widths_and_the_identity_does_not() -> None:
    sharing = {"a": mlp(4), "b": mlp(6)}
    model = new(numbers("a", "b"), Cascade(), sharing=Separate(sharing))
    assert last(model(rows()), "b").shape == (4, 6)
    with pytest.raises(ShapeError, match=r"found \[4\] of task 'a' and \[6\] of 'b'.*map='linear'"):
        new(numbers("a", "b"), Cascade(map="identity"), sharing=Separate(sharing))


def test_features_of_maps_are_averaged_onto_the_grid_of_the_target() -> None:
    nets = {
        "a": ConvEncoder(in_channels=1, widths=(3,)),
        "b": ConvEncoder(in_channels=1, widths=(2, 4)),
    }
    connection = Cascade()
    model = new(
        classes("a", "b"), connection, sharing=Separate(nets), example=torch.zeros(2, 1, 8, 8)
    )
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    g = unit(connection.maps, "a", "b").linear
    h = F.avg_pool2d(encoded(model, "a", x), 2)
    expected = encoded(model, "b", x) + F.conv2d(h, g.weight[:, :, None, None], g.bias)
    torch.testing.assert_close(last(model(x), "b"), expected)


# --- predictions into features ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "feed", "said"),
    [
        (Classification("a", classes=3), "logits", lambda y: y),
        (Classification("a", classes=3), "probabilities", lambda y: y.softmax(1)),
        (MultiLabel("a", labels=3), "probabilities", torch.sigmoid),
        (Regression("a", outputs=3), "probabilities", lambda y: y),
    ],
)
def test_a_head_reads_the_features_and_what_the_parents_say(
    source: BaseTask, feed: Any, said: Any
) -> None:
    connection = Cascade(feed=feed, alpha=0.5)
    model, x = new([source, *numbers("b")], connection), rows()
    outputs = model(x)
    assert head(model, "b").in_features == 5 + 3
    wide = torch.cat([encoded(model, "b", x), 0.5 * said(outputs["a"])], dim=1)
    torch.testing.assert_close(last(outputs, "b"), wide)
    torch.testing.assert_close(outputs["b"], head(model, "b")(wide))


def test_label_embeddings_are_means_under_the_probabilities() -> None:
    connection = Cascade(feed="embedding", width=4, edges=[["a", "b"], ["a", "c"], ["b", "c"]])
    tasks = [*classes("a"), *labels("b", number=2), *numbers("c")]
    model, x = new(tasks, connection), rows()
    outputs = model(x)
    tables = {task: connection.embeddings[safe_key(task)] for task in ("a", "b")}
    assert [list(t.shape) for t in tables.values()] == [[3, 4], [2, 4]]
    assert len(connection.embeddings) == 2  # one for a source, whoever reads it
    parts = [outputs["a"].softmax(1) @ tables["a"], outputs["b"].sigmoid() @ tables["b"]]
    wide = torch.cat([encoded(model, "c", x), *parts], dim=1)
    torch.testing.assert_close(last(outputs, "c"), wide)
    assert reached(outputs["c"], connection)


def test_predictions_fit_the_features_that_they_join() -> None:
    tasks = [
        Segmentation("dense", classes=2),
        Classification("one", classes=3),
        Segmentation("two", classes=2),
    ]
    connection = Cascade(
        feed="probabilities", edges=[["dense", "one"], ["one", "two"], ["dense", "two"]]
    )
    images = torch.zeros(2, 1, 8, 8)
    encoder = lambda: ConvEncoder(in_channels=1, widths=(4,))  # noqa: E731
    model = new(tasks, connection, encoder=encoder, example=images)
    x = torch.randn(3, 1, 8, 8, dtype=torch.float64)
    outputs = model(x)
    assert outputs["two"].shape == (3, 2, 8, 8)
    dense, one = outputs["dense"].softmax(1), outputs["one"].softmax(1)
    wide = last(outputs, "one")
    torch.testing.assert_close(wide[:, 4:], F.avg_pool2d(dense, 2))
    wide = last(outputs, "two")
    torch.testing.assert_close(wide[:, 4:6], F.avg_pool2d(dense, 2))
    torch.testing.assert_close(wide[:, 6:], one[:, :, None, None].expand(3, 3, 4, 4))
    wide_image = torch.randn(1, 1, 12, 10, dtype=torch.float64)
    assert model(wide_image)["two"].shape == (1, 2, 12, 10)


class Tokens(nn.Module):
    """An embedding and a map of each token."""

    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([nn.Embedding(9, 4), nn.Sequential(nn.Linear(4, 5), nn.Tanh())])


def test_tokens_are_joined_one_by_one_and_means_leave_the_padding_out() -> None:
    tasks = [Tagging("tags", classes=3), Tagging("more", classes=2), *numbers("value")]
    connection = Cascade(feed="logits", edges=[["tags", "more"], ["value", "more"]])
    ids = torch.randint(0, 9, (2, 6))
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    model = new(tasks, connection, encoder=Tokens, example=Masked(ids, mask))
    outputs = model(Masked(ids, mask))
    wide = last(outputs, "more")
    assert wide.shape == (2, 6, 5 + 3 + 1)
    torch.testing.assert_close(wide[..., 5:8], outputs["tags"])
    torch.testing.assert_close(wide[..., 8:], outputs["value"][:, None].expand(2, 6, 1))


class Bag(nn.Module):
    """The first token's embedding: a vector."""

    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(9, 4)

    def forward(self, ids: Tensor) -> Tensor:
        found: Tensor = self.embed(ids[:, 0])
        return found


def test_means_over_tokens_leave_the_padding_out() -> None:
    ids = torch.randint(0, 9, (2, 6))
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    model = new(
        [Tagging("tags", classes=3), *numbers("value")],
        Cascade(feed="logits"),
        sharing=Separate({"tags": Tokens(), "value": Bag()}),
        example=Masked(ids, mask),
    )
    outputs = model(Masked(ids, mask))
    tags = outputs["tags"]
    means = torch.stack([tags[0].mean(0), tags[1, :4].mean(0)])
    torch.testing.assert_close(last(outputs, "value")[:, 4:], means)


# --- into the input -----------------------------------------------------------------------------


def test_into_a_linear_first_layer_it_is_the_wider_layer_itself() -> None:
    connection = Cascade(feed="probabilities", into="input", alpha=0.5)
    tasks = [*classes("a"), *numbers("b")]
    model, x = new(tasks, connection), rows()
    outputs = model(x)
    first, u = model.sharing.networks()["b"][0], unit(connection.maps, "a", "b").linear
    assert u.bias is None
    wider = nn.Linear(3 + 3, 5).double()
    with torch.no_grad():
        wider.weight.copy_(torch.cat([first.weight, u.weight], dim=1))
        wider.bias.copy_(first.bias)
    read = torch.cat([x, 0.5 * outputs["a"].softmax(1)], dim=1)
    torch.testing.assert_close(outputs["b"], head(model, "b")(wider(read).tanh()))


def test_the_stage_that_maps_the_input_is_the_one_that_is_entered() -> None:
    def encoder() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(3), nn.Linear(3, 5), nn.Tanh())

    connection = Cascade(feed="logits", into="input")
    model = new(numbers("a", "b"), connection, encoder=encoder, example=torch.zeros(2, 3, 1)).eval()
    x = rows()[:, :, None]
    outputs = model(x)
    _, norm, first, _ = model.sharing.networks()["b"]
    u = unit(connection.maps, "a", "b")
    a = first(norm(x.flatten(1))) + u(outputs["a"])
    torch.testing.assert_close(outputs["b"], head(model, "b")(a.tanh()))


@pytest.mark.parametrize("stride", [1, 2])
def test_into_a_convolution_it_is_a_kernel_of_one_pixel(stride: int) -> None:
    def encoder() -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 4, 3, stride=stride, padding=1), nn.ReLU())

    connection = Cascade(feed="probabilities", into="input", edges=[["a", "c"], ["b", "c"]])
    tasks = [Segmentation("a", classes=2), *classes("b"), Segmentation("c", classes=2)]
    model = new(tasks, connection, encoder=encoder, example=torch.zeros(2, 1, 8, 8))
    for size in (8, 12):
        x = torch.randn(2, 1, size, size, dtype=torch.float64)
        outputs = model(x)
        u, v = (unit(connection.maps, source, "c").linear.weight for source in ("a", "b"))
        dense, one = outputs["a"].softmax(1), outputs["b"].softmax(1)
        body = model.sharing.networks()["c"][0](x)
        body = body + F.avg_pool2d(F.conv2d(dense, u[:, :, None, None]), stride)
        body = body + (one @ v.T)[:, :, None, None]
        torch.testing.assert_close(last(outputs, "c"), body.relu())


def test_into_the_embeddings_of_tokens() -> None:
    connection = Cascade(feed="probabilities", into="input")
    tasks = [Tagging("a", classes=3), Tagging("b", classes=2)]
    ids = torch.randint(0, 9, (2, 6))
    model = new(tasks, connection, encoder=Tokens, example=ids)
    ids = torch.randint(0, 9, (3, 4))
    outputs = model(ids)
    embed, rest = model.sharing.networks()["b"].stages
    u = unit(connection.maps, "a", "b").linear.weight
    torch.testing.assert_close(
        last(outputs, "b"), rest(embed(ids) + outputs["a"].softmax(-1) @ u.T)
    )


def test_tasks_wait_for_what_enters_them() -> None:
    edges = [["d", "a"], ["a", "b.c"]]
    model = new(numbers(*ABC), Cascade(feed="logits", into="input", edges=edges))
    order = runs(model)
    model(rows())
    assert order == [f"{what} {task}" for task in ("d", "a", "b.c") for what in ("encoder", "head")]
    order.clear()
    assert list(model(rows(), tasks=["a"])) == ["a"]
    assert order == ["encoder d", "head d", "encoder a", "head a"]


# --- gates and gradients ------------------------------------------------------------------------

WAYS: list[dict[str, Any]] = [
    {"feed": "features"},
    {"feed": "logits"},
    {"feed": "embedding"},
    {"feed": "probabilities", "into": "input"},
]


@pytest.mark.parametrize("options", WAYS)
def test_detached_sources_get_nothing_and_others_do(options: dict[str, Any]) -> None:
    x = rows()
    for detach in (None, "source"):
        model = new([*classes("a"), *numbers("b")], Cascade(**options, detach=detach))
        outputs = model(x)
        own, theirs = (model.sharing.networks()[task] for task in ("b", "a"))
        assert reached(outputs["b"], own)
        assert reached(outputs["b"], theirs) == (detach is None)
        assert reached(outputs["b"], model.connections[0].maps) == (
            len(model.connections[0].maps) > 0
        )
        assert all(grad is None for grad in grads(outputs["a"], own))


@pytest.mark.parametrize("options", WAYS)
def test_an_edge_that_is_off_is_not_there(options: dict[str, Any]) -> None:
    tasks = [*classes("a"), *numbers("b"), *numbers("c")]
    connection = Cascade(**options, alpha={"b -> c": 1.0}, edges=[["a", "b"], ["b", "c"]])
    if options["feed"] == "embedding":
        tasks[1] = MultiLabel("b", labels=1)
    model, plain, x = new(tasks, connection), new(tasks), rows()
    assert torch.equal(model(x)["b"], plain(x)["b"])
    assert not torch.equal(model(x)["c"], plain(x)["c"])
    assert len(connection.maps) == (0 if options["feed"] in ("logits", "embedding") else 1)
    assert len(connection.embeddings) == (options["feed"] == "embedding")


@pytest.mark.parametrize("options", WAYS)
def test_a_learned_gate_learns(options: dict[str, Any]) -> None:
    connection = Cascade(**options, alpha={"learned": 0.0})
    model = new([*classes("a"), *numbers("b")], connection)
    model(rows())["b"].sum().backward()
    assert connection.gates is not None
    assert connection.gates.learned is not None
    assert connection.gates.learned.grad is not None
    assert connection.gates.learned.grad.abs() > 0
    assert list(connection.watched()) == ["Cascade: alpha"]


@pytest.mark.parametrize("options", WAYS)
def test_gradients_are_those_of_differences(options: dict[str, Any]) -> None:
    model = new([*classes("a"), *numbers("b")], Cascade(**options, alpha={"learned": 0.7}))
    weights = list(model.parameters())

    def predict(x: Tensor, *_: Tensor) -> tuple[Tensor, ...]:
        return tuple(model(x).values())

    assert torch.autograd.gradcheck(predict, (rows(2).requires_grad_(), *weights))


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("number", [1, 3])
def test_one_example_and_one_task_are_enough(options: dict[str, Any], number: int) -> None:
    model = new(classes(*ABC[:number]), Cascade(**options))
    assert [list(p.shape) for p in model(rows(1)).values()] == [[1, 3]] * number


@pytest.mark.parametrize("options", WAYS)
def test_new_weights_depend_on_the_seed_and_the_edge_alone(options: dict[str, Any]) -> None:
    def drawn(*names: str, seed: int = 0) -> list[Tensor]:
        connection = Cascade(**options, edges=[["a", "b"]])
        new(classes(*names), connection, seed=seed)
        return [
            p.detach() for p in [*connection.maps.parameters(), *connection.embeddings.values()]
        ]

    one, more, other = drawn("a", "b"), drawn("c", "b", "a"), drawn("a", "b", seed=1)
    assert all(map(torch.equal, one, more))
    assert not any(map(torch.equal, one, other))


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"feed": "logit"}, "`feed` must be one of features, logits, .* found 'logit'"),
        ({"into": "head"}, "`into` must be 'features' or 'input'; found 'head'"),
        ({"map": "conv"}, "`map` must be 'linear' or 'identity'; found 'conv'"),
        ({"width": 0}, "`width` must be at least 1; found 0"),
        ({"into": "input"}, "`into` must be 'features' where `feed` is 'features'"),
        ({"detach": "target"}, "`detach` of Cascade must be None or 'source'; found 'target'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Cascade(**options)


def test_a_prediction_that_says_no_probabilities_is_refused() -> None:
    own = Task("a", head=lambda shape: nn.Identity(), loss=F.mse_loss)
    own.head = Classification("a", classes=3).build_head
    with pytest.raises(UnsupportedError, match=r"'a' does not say what.*Set its `kind`"):
        new([own, *numbers("b")], Cascade(feed="probabilities"))
    own.kind = Kind("classes")
    new([own, *numbers("b")], Cascade(feed="probabilities"))
    with pytest.raises(UnsupportedError, match=r"'a' predicts numbers.*no labels to embed"):
        new(numbers("a", "b"), Cascade(feed="embedding"))


def test_a_network_that_maps_nothing_cannot_be_entered() -> None:
    with pytest.raises(UnsupportedError, match=r"task 'b' has no parameters.*into='features'"):
        new(numbers("a", "b"), Cascade(feed="logits", into="input"), encoder=nn.Identity)


def test_shared_networks_cannot_be_entered() -> None:
    with pytest.raises(UnsupportedError, match=r"Hard shares them\. Use sharing\.Separate"):
        new(numbers("a", "b"), Cascade(feed="logits", into="input"), sharing=Hard(mlp()))


def test_alpha_is_what_it_is_told() -> None:
    connection = Cascade(alpha={"start": 0.0, "stop": 2.0})
    model, x = new(numbers("a", "b"), connection), rows()
    plain = encoded(model, "b", x)
    torch.testing.assert_close(last(model(x), "b"), plain)
    model.set_progress(0.5)
    assert alpha_of(connection, "a", "b") == 1.0
    g = unit(connection.maps, "a", "b")
    torch.testing.assert_close(last(model(x), "b"), plain + g(encoded(model, "a", x)))


@pytest.mark.parametrize(
    ("feed", "options"),
    [("logits", {"map": "identity"}), ("features", {"width": 4}), ("probabilities", {"width": 4})],
)
def test_options_without_an_effect_are_refused(feed: Any, options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ConfigError, match=f"`{name}` has no effect with feed='{feed}'"):
        Cascade(feed=feed, **options)
