"""One forward pass: what runs, on which inputs, in which order, and what penalties are given."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plait.balancing.base import GramianBalancer
from plait.balancing.contract.info import Info
from plait.connections import (
    AITM,
    Cascade,
    Consistency,
    Hint,
    Lateral,
    OrderCalibration,
    PADNet,
    ParameterTransfer,
    PredictionDistillation,
    ProductChain,
)
from plait.connections.base import Connection
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.outputs import TaskFeatures, Term
from plait.core.structure import PerTask
from plait.core.watched import Watched
from plait.engine import Backward
from plait.gradients import Cut
from plait.model import MultiTaskModel
from plait.networks import encode
from plait.sharing import Hard, Separate
from tests.connections.flows import classes, encoded, head, labels, mlp, new, reached, rows, runs

ABC = ["a", "b.c", "d"]
FORWARD: dict[str, Any] = {
    "features": lambda: [Cascade()],
    "predictions": lambda: [Cascade(feed="logits")],
    "input": lambda: [Cascade(feed="probabilities", into="input")],
    "symmetric": lambda: [PADNet()],
    "attention": lambda: [AITM()],
    "product": lambda: [ProductChain()],
    "stages": lambda: [Lateral(), Cascade()],
    "several": lambda: [PADNet(), Cascade(map="identity"), AITM(), ProductChain()],
}
every = pytest.mark.parametrize("name", FORWARD)


def per_task(*sizes: int) -> PerTask:
    return PerTask({task: rows(size) for task, size in zip(ABC, sizes, strict=False)})


# --- forward ------------------------------------------------------------------------------------


def test_connections_act_one_after_the_other() -> None:
    chain = Cascade(map="identity", alpha=0.5)
    model, x = new(labels("a", "b"), PADNet(alpha=2.0), chain, ProductChain()), rows()
    exchange = model.connections[0]
    raw = model.sharing(x)
    mixed = {t: exchange.features(t, raw, {}, {}).levels[-1] for t in ("a", "b")}
    read = {"a": mixed["a"], "b": mixed["b"] + 0.5 * mixed["a"]}
    logits = {task: head(model, task)(h) for task, h in read.items()}
    outputs = model(x)
    torch.testing.assert_close(outputs["a"], logits["a"])
    torch.testing.assert_close(
        outputs["b"].sigmoid(), logits["a"].sigmoid() * logits["b"].sigmoid()
    )
    for task in ("a", "b"):
        torch.testing.assert_close(outputs.features[task].levels[-1], read[task])
        early = model.early_heads[f"task:{task}"](raw[task])
        torch.testing.assert_close(outputs.early[task][0], early)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown task 'b'; known: a, b\.c, d"):
        new(labels(*ABC), Cascade())(rows(), tasks=["b"])


@every
def test_a_task_alone_is_as_among_all(name: str) -> None:
    model, x = new(labels(*ABC), *FORWARD[name]()), rows()
    whole = model(x)
    assert list(whole) == ABC
    assert whole.common
    for wanted in ([], ["d"], ["b.c", "a"]):
        part = model(x, tasks=wanted)
        assert list(part) == list(part.features) == [task for task in ABC if task in wanted]
        assert set(part.early) <= set(part)
        for task in part:
            assert torch.equal(part[task], whole[task])


@every
def test_inputs_of_each_task_are_those_of_the_task_run_alone(name: str) -> None:
    model = new(labels(*ABC), *FORWARD[name]())
    inputs = per_task(2, 1, 5)
    together = model(inputs)
    assert list(together) == ABC
    assert not together.common
    for task in ABC:
        alone = model(inputs[task], tasks=[task])
        assert torch.equal(together[task], alone[task])
        one, two = together.features[task].levels, alone.features[task].levels
        assert all(map(torch.equal, one, two))
        for early, expected in zip(
            together.early.get(task, []), alone.early.get(task, []), strict=True
        ):
            assert torch.equal(early, expected)
    two = PerTask({task: inputs[task] for task in ABC[1:]})  # ancestors need no input of their own
    assert torch.equal(model(two, tasks=ABC[1:])["d"], together["d"])


class Told(Separate):
    """Says what it was asked for."""

    def forward(self, inputs: Any, tasks: Collection[str] | None = None) -> TaskFeatures:
        found = super().forward(inputs, tasks)
        number = torch.tensor(float(len(found)))
        return TaskFeatures(
            found,
            terms={"Told: asked": Term(number, number)},
            watched={"Told: asked": Watched({"tasks": number})},
        )


@pytest.mark.parametrize("connections", [[], [Cascade()], [Hint()]])
def test_terms_are_those_of_the_sharing(connections: list[Connection]) -> None:
    model = new(labels(*ABC), *connections, sharing=Told(mlp()))
    for inputs in (rows(), per_task(1, 2, 3)):
        outputs = model(inputs)
        assert outputs.terms["Told: asked"].raw == 3
        assert outputs.watched["Told: asked"].plain() == {"tasks": 3.0}
    model.eval()
    assert model(rows(), tasks=["a"]).terms["Told: asked"].raw == 1


def test_ancestors_with_inputs_of_their_own_run_on_those_of_the_task() -> None:
    model = new(labels("a", "b.c"), Cascade())
    order = runs(model)
    model(per_task(2, 3), tasks=["b.c"])
    assert order == ["encoder b.c", "encoder a", "head a", "head b.c"]


def test_a_task_without_labels_runs_as_an_ancestor_and_has_no_loss() -> None:
    model = new(labels(*ABC), Cascade(feed="logits"))
    x = rows()
    batch = model.batch(x, {"a": torch.full((4, 1), torch.nan), "b.c": torch.ones(4, 1)})
    outputs = [model(part.inputs, tasks=part.targets) for part in batch.parts]
    losses = model.losses(outputs, batch)
    assert list(outputs[0]) == list(losses) == ["b.c"]
    losses["b.c"].backward()
    reached_by = {
        task: any(p.grad is not None for p in net.parameters())
        for task, net in model.sharing.networks().items()
    }
    assert reached_by == {"a": True, "b.c": True, "d": False}


# --- what the penalties are given ---------------------------------------------------------------


def terms(model: MultiTaskModel, inputs: Any, **options: Any) -> dict[str, Tensor]:
    return dict(model.penalty([model(inputs, **options)]).raw)


def test_in_training_a_penalty_counts_where_one_of_its_tasks_has_labels() -> None:
    model, x = new(labels(*ABC), Hint(), AITM(alpha=0.0)), rows()
    whole = terms(model, x)
    assert list(whole) == ["Hint[a -> b.c]", "Hint[b.c -> d]"]
    order = runs(model)
    outputs = model(x, tasks=["a"])
    assert list(outputs) == list(outputs.features) == ["a"]
    assert order == ["encoder a", "encoder b.c", "head a", "head b.c"]
    found = model.penalty([outputs]).raw
    assert list(found) == ["Hint[a -> b.c]"]
    torch.testing.assert_close(found["Hint[a -> b.c]"], whole["Hint[a -> b.c]"])
    order.clear()
    model.eval()
    assert terms(model, x, tasks=["a"]) == {}
    assert order == ["encoder a", "head a"]
    assert list(terms(model, x)) == list(whole)


@pytest.mark.parametrize("connection", [Hint(alpha=0.0), ParameterTransfer()])
def test_nothing_more_runs_where_no_outputs_are_compared(connection: Connection) -> None:
    model = new(labels(*ABC), connection)
    order = runs(model)
    assert model(rows(), tasks=["a"]).views == []
    assert order == ["encoder a", "head a"]


@pytest.mark.parametrize("forward", [[], [Cascade()], [Cascade(feed="logits", into="input")]])
def test_with_inputs_of_each_task_a_penalty_is_over_all_of_them(forward: list[Connection]) -> None:
    model = new(labels("a", "b.c"), *forward, Hint(), PredictionDistillation())
    inputs = per_task(2, 6)
    found = terms(model, inputs)
    whole = terms(model, torch.cat([inputs["a"], inputs["b.c"]]))
    assert list(found) == ["Hint[a -> b.c]", "PredictionDistillation[a -> b.c]"]
    for name, value in whole.items():
        torch.testing.assert_close(found[name], value)
    model.eval()
    with pytest.raises(UnsupportedError, match=r"rows are different|in training only"):
        terms(model, inputs)


def test_a_penalty_of_the_parameters_does_not_mind() -> None:
    model = new(labels("a", "b.c"), ParameterTransfer())
    assert list(terms(model.eval(), per_task(2, 3))) == ["ParameterTransfer[a -> b.c]"]


# --- cuts ---------------------------------------------------------------------------------------


def test_a_cut_is_refused_where_heads_read_each_other() -> None:
    model = new(labels("a", "b"), Cascade())
    with pytest.raises(UnsupportedError, match=r"Cascade lets one task's .* at='parameters'"):
        model(rows(), cut=Cut())


class Ones(GramianBalancer):
    """Adds the gradients up, wherever they are taken."""

    def solve(self, gramian: Any, active: Any, info: Info, **draws: Any) -> Any:
        return np.ones(len(gramian))


def test_penalties_reach_the_trunk_past_a_cut() -> None:
    """Gradients at the features are those at the parameters, whatever is compared."""
    x, y = rows(), {task: torch.ones(4, 1) for task in ("a", "b")}
    found = []
    for at in ("features", "parameters"):
        torch.manual_seed(1)
        penalties = [PredictionDistillation(), OrderCalibration(), Hint(map="linear")]
        model = new(labels("a", "b"), *penalties, sharing=Hard(mlp()))
        passes: list[int] = []
        model.sharing.encoder[0].register_forward_hook(lambda *_, p=passes: p.append(1))
        batch = model.batch(x, y)
        cut = Cut() if at == "features" else None
        outputs = [model(x, cut=cut)]
        losses, penalty = model.losses(outputs, batch), model.penalty(outputs)
        step = Backward(Ones(), model, at=at)
        step(losses, penalty, features=cut)
        assert len(passes) == 1
        found.append({name: p.grad for name, p in model.named_parameters()})
    assert found[0].keys() == found[1].keys()
    for name, grad in found[0].items():
        torch.testing.assert_close(grad, found[1][name])


# --- modules around it --------------------------------------------------------------------------


def test_features_of_separate_networks_are_those_of_their_encoders() -> None:
    model, x = new(classes(*ABC)), rows()
    for task, features in model(x).features.items():
        expected = encode(model.sharing.networks()[task], x)
        assert all(map(torch.equal, features.levels, expected.levels))
        assert torch.equal(encoded(model, task, x), expected.levels[-1])


@pytest.mark.parametrize("name", ["input", "several"])
def test_compiles(name: str) -> None:
    model = new(labels(*ABC), *FORWARD[name]()).eval()
    x = rows()
    with torch.no_grad():
        found, expected = torch.compile(model, backend="eager")(x), model(x)
    assert all(torch.equal(found[task], expected[task]) for task in ABC)


def test_a_penalty_trains_tasks_towards_each_other() -> None:
    model = new(classes("a", "b"), PredictionDistillation())
    x = rows(16)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    history = []
    for _ in range(60):
        (term,) = model.penalty([model(x, tasks=["a"])]).values()
        history.append(term.item())
        optimizer.zero_grad()
        term.backward()
        optimizer.step()
    assert history[-1] < 0.05 * history[0]
    assert all(
        reached(model(x)[t], nn.ModuleList([n])) for t, n in model.sharing.networks().items()
    )


def test_penalties_are_computed_in_single_where_predictions_are_in_half() -> None:
    penalties = [Hint(), PredictionDistillation(), OrderCalibration(), Consistency()]
    model = new(labels("a", "b"), *penalties).float()
    with torch.autocast("cpu", torch.bfloat16):
        outputs = model(rows().float())
        assert outputs["a"].dtype == torch.bfloat16
        penalty = model.penalty([outputs])
    assert len(penalty) == 4
    assert all(term.dtype == torch.float32 and term.isfinite() for term in penalty.values())
