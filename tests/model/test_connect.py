"""How a model's connections and heads are set up."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import nn

from plait.connections import (
    AITM,
    Cascade,
    CrossStitch,
    ForwardConnection,
    Hint,
    PADNet,
    PenaltyConnection,
    ProductChain,
    Wiring,
)
from plait.connections.base import Connection
from plait.connections.edges.graph import Edge
from plait.connections.edges.wiring import Shape
from plait.core.errors import ConfigError, ShapeError, UnsupportedError
from plait.core.features import FeatureShape
from plait.core.kinds import Kind
from plait.core.outputs import Outputs
from plait.core.structure import PerTask
from plait.encoders import ConvEncoder
from plait.model.connect import connect
from plait.model.connections import Connections
from plait.sharing import Hard, Separate, Sharing
from plait.tasks import (
    BaseTask,
    Classification,
    MultiLabel,
    Regression,
    Segmentation,
    Tagging,
    Task,
)
from tests.connections.flows import head, labels, mlp, new, numbers, rows

IMAGES = torch.zeros(2, 1, 8, 6)


class Records(ForwardConnection):
    """Remembers what it is told."""

    def build(
        self,
        task: str,
        wiring: Wiring,
        shapes: Mapping[str, FeatureShape],
        predictions: Mapping[str, Shape],
    ) -> FeatureShape:
        self.built = [*getattr(self, "built", []), (task, dict(shapes), dict(predictions))]
        return shapes[task]

    def check(self, wiring: Wiring) -> None:
        self.whole = wiring


class Told(PenaltyConnection):
    """Remembers what it is told."""

    def setup(self, wiring: Wiring) -> None:
        super().setup(wiring)
        self.whole = wiring

    def cost(self, edge: Edge, outputs: Outputs) -> Any:
        raise NotImplementedError


def conv() -> nn.Module:
    return ConvEncoder(in_channels=1, widths=(3, 4))


def connected(
    tasks: Sequence[BaseTask], *connections: Connection, sharing: Sharing, example: Any
) -> Any:
    names = {task.name: task for task in tasks}
    sharing.setup(list(names), example, 0)
    sorted_ = Connections(connections, list(names))
    return sorted_, connect(sharing, names, sorted_, example, 0)


# --- what is made -------------------------------------------------------------------------------


def test_every_task_is_built_after_those_that_it_reads() -> None:
    records = Records(edges=[["c", "a"], ["a", "b"]])
    sorted_, made = connected(
        labels("a", "b", "c"), records, sharing=Separate(mlp()), example=rows().float()
    )
    assert sorted_.order == ("c", "a", "b")
    assert list(made.final) == ["a", "b", "c"]
    assert [task for task, _, _ in records.built] == ["c", "a", "b"]
    assert [list(predictions) for _, _, predictions in records.built] == [[], ["c"], ["c", "a"]]


def test_heads_are_built_for_what_connections_hand_on() -> None:
    wide = Cascade(feed="logits", edges=[["a", "c"], ["b", "c"]])
    tasks = [MultiLabel("a", labels=2), Regression("b", outputs=3), Regression("c")]
    model = new(tasks, wide)
    assert [head(model, task).in_features for task in "abc"] == [5, 5, 5 + 2 + 3]
    records = Records(edges=[["a", "c"]])
    new(tasks, Cascade(feed="logits", edges=[["a", "b"]]), records)
    built = {task: shapes for task, shapes, _ in records.built}
    assert built["b"]["b"].channels() == 5 + 2  # as the connection before it leaves it
    assert built["c"]["b"].channels() == 5 + 2  # and as the head of the parent reads it


def test_connections_know_kinds_and_shapes_of_the_predictions() -> None:
    records, told = Records(), Told(alpha=0.0)
    tasks = [Segmentation("mask", classes=3), Classification("kind", classes=5), Regression("size")]
    new(tasks, records, told, encoder=conv, example=IMAGES)
    for whole in (records.whole, told.whole):
        assert whole.predictions == {"mask": (3, 8, 6), "kind": (5,), "size": (1,)}
        assert whole.kinds == {
            "mask": Kind("classes"),
            "kind": Kind("classes"),
            "size": Kind("numbers"),
        }
        assert whole.shapes["mask"].levels == ((3, 4, 3), (4, 2, 1))
        assert list(whole.networks) == ["mask", "kind", "size"]


class Tokens(nn.Module):
    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([nn.Embedding(9, 4), nn.Linear(4, 5)])


def test_predictions_of_tokens_too() -> None:
    records = Records()
    new([Tagging("tags", classes=3)], records, encoder=Tokens, example=torch.zeros(2, 7).long())
    assert records.whole.predictions == {"tags": (7, 3)}
    assert records.whole.kinds["tags"].size((7, 3)) == 3


def test_what_is_inside_the_networks_is_looked_at_where_it_is_needed() -> None:
    records = Records()
    new(numbers("a", "b"), records)
    assert records.whole.bodies == records.whole.entries == records.whole.ends == {}
    told = Told()

    def encoder() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(3, 5), nn.Tanh())

    new(numbers("a", "b"), Cascade(feed="logits", into="input"), told, encoder=encoder)
    assert told.whole.entries == {"a": 1, "b": 1}
    assert told.whole.ends == {"a": (2,), "b": (2,)}
    assert told.whole.bodies["a"].levels == ((3,), (5,), (5,))
    told = Told()
    new(numbers("a", "b"), told, sharing=Hard(mlp()))
    assert told.whole.networks == {}


@pytest.mark.parametrize("connections", [[], [Cascade(map="identity")], [PADNet()], [Hint()]])
def test_a_head_depends_on_the_seed_and_the_name_of_its_task_alone(
    connections: list[Connection],
) -> None:
    plain, model = new(numbers("b")), new(numbers("a", "b"), *connections)
    assert torch.equal(head(plain, "b").weight, head(model, "b").weight)


def test_a_head_that_is_looked_at_stays_as_it_is() -> None:
    class Counts(nn.Module):
        def __init__(self, shape: FeatureShape) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(shape.channels())
            self.drop = nn.Dropout(0.5)
            self.passes = 0

        def forward(self, features: Any) -> Any:
            self.passes += 1
            return self.drop(self.norm(features.levels[-1]))

    own = Task("a", head=Counts, loss=nn.functional.mse_loss)
    _, made = connected([own], Cascade(), sharing=Separate(mlp()), example=rows().float())
    assert made.final["a"].passes == 0
    assert made.final["a"].training
    assert made.final["a"].norm.num_batches_tracked == 0


def test_connections_of_a_model_can_be_in_any_number() -> None:
    model = new(labels("a", "b"), PADNet(), Cascade(), AITM(), ProductChain(), Hint(), Hint(at=0))
    assert [type(each).__name__ for each in model.connections] == [
        *("PADNet", "Cascade", "AITM", "ProductChain", "Hint", "Hint"),
    ]
    assert model(rows())["b"].shape == (4, 1)


# --- what is refused ----------------------------------------------------------------------------


def test_edges_of_all_connections_together_must_form_no_cycle() -> None:
    with pytest.raises(ConfigError, match="the edges form a cycle"):
        new(labels("a", "b"), Cascade(edges=[["a", "b"]]), ProductChain(edges=[["b", "a"]]))
    new(labels("a", "b"), PADNet(), Hint(edges=[["b", "a"]]), Cascade(edges=[["a", "b"]]))


@pytest.mark.parametrize(
    ("connection", "found"),
    [(CrossStitch(), "CrossStitch"), (Cascade(feed="logits", into="input"), "Cascade")],
)
def test_stages_need_networks_of_their_own(connection: Connection, found: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"{found} connects the stages .*sharing\.Separate"):
        new(numbers("a", "b"), connection, sharing=Hard(mlp()))


def test_stages_cannot_wait_for_predictions() -> None:
    entering = Cascade(feed="logits", into="input")
    with pytest.raises(UnsupportedError, match=r"Cascade makes a task wait .* CrossStitch mixes"):
        new(numbers("a", "b"), CrossStitch(), entering)


def test_inputs_that_the_networks_of_others_cannot_read_are_refused() -> None:
    nets = {"a": nn.Linear(3, 5), "b": nn.Linear(4, 5)}
    example = PerTask({"a": torch.zeros(2, 3), "b": torch.zeros(2, 4)})
    for connection, task in ((Cascade(), "a"), (Hint(), "a"), (PADNet(), "b")):
        text = rf"{type(connection).__name__} runs the network of task '{task}' on the inputs of"
        with pytest.raises(UnsupportedError, match=text + r" .*cannot read inputs of shape"):
            new(numbers("a", "b"), connection, sharing=Separate(nets), example=example)
    for connection in (Cascade(alpha=0.0), Hint(alpha=0.0)):
        model = new(numbers("a", "b"), connection, sharing=Separate(nets), example=example)
        assert model(PerTask({"a": rows(2), "b": rows(2, 4)}))["b"].shape == (2, 1)


def test_a_head_that_does_not_fit_what_is_handed_on_is_refused() -> None:
    tasks = [*labels("a"), Segmentation("b", classes=2)]
    found = r"head of task 'b' .* after AITM: a dense task needs features with a grid.*edges"
    with pytest.raises(ShapeError, match=found):
        new(tasks, AITM(), encoder=conv, example=IMAGES)
    with pytest.raises(ShapeError, match=r"^a dense task needs features with a grid"):
        new(tasks, AITM(alpha=0.0), example=rows().float())
