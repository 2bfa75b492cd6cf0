"""What people write in their first hour: every public entry tried with what it cannot take.

Each answers in plait's own words, in one line, or takes what was given and trains with it. The
entries are found by their public names, so that a new task, sharing or method is tried as well.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import plait
from plait import MultiTaskModel, Trainer
from plait.balancing import FAMO, Equal, Info, PCGrad, UncertaintyWeights, UPGrad
from plait.connections import CrossStitch, OrderCalibration, ProductChain
from plait.core.arguments import unknown_option
from plait.core.errors import PlaitError, PlaitWarning
from plait.core.families import FAMILIES
from plait.core.lookup import names, parameters
from plait.data import InMemory, Mixture, Source
from plait.encoders import ConvEncoder
from plait.regularization import PairwiseL2
from plait.sharing import Conditioned, Hard, Separate
from plait.tasks import BaseTask, MultiLabel, Regression, Survival
from plait.tasks.heads import ScalarHead

METHOD_FAMILIES = [name for name in FAMILIES if name not in ("encoders", "recipes")]
X = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
IMAGES = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))
TOKENS = torch.randn(6, 5, 4, generator=torch.Generator().manual_seed(2))


class Strange:
    """An object of no kind that anything takes."""

    def __repr__(self) -> str:
        return "Strange()"


# wrong for most arguments: another type, a class in place of an object, outside every range, empty
WRONG: tuple[Any, ...] = (
    "wrong",
    "",
    UPGrad,
    Strange(),
    -3,
    2.5,
    float("nan"),
    True,
    None,
    [],
    {},
    ["wrong"],
    [1, "a"],
    {"wrong": "x"},
    {1: 2},
    torch.zeros(3),
    nn.Linear(3, 3),
    nn.Linear,
    Strange,
)


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU())


class Tokens(nn.Module):
    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


def given(cls: type) -> dict[str, Any]:
    """Arguments of a class that has to be given some."""
    known = {
        "name": "a",
        "classes": 3,
        "labels": 2,
        "cuts": [1.0, 2.0],
        "strength": 0.1,
        "shares": {"a": 0.5, "b": 0.5},
        "encoder": net(),
        "head": lambda shape: ScalarHead(shape, 1),
        "loss": lambda p, y: (p - y).square(),
    }
    needed = [n for n, p in parameters(cls).items() if p.default is p.empty]
    return {name: known[name] for name in needed}


def methods() -> Iterator[Any]:
    for family in METHOD_FAMILIES:
        found = FAMILIES[family]
        for name in names(found.package, found.base):
            yield pytest.param(family, getattr(found.package, name), id=name)


METHODS = list(methods())
OF_PROBABILITIES = (ProductChain, OrderCalibration)


def answers(call: Callable[[], Any]) -> str | None:
    """Runs a call; returns plait's answer to it, None where it is taken."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PlaitWarning)
            warnings.filterwarnings("ignore", ".* reach . parameters outside of `model`")
            call()
    except PlaitError as error:
        message = str(error)
        assert message.strip() and "\n" not in message.strip(), message
        return message
    return None


NUMBERS = {"a": X[:, :1], "b": X[:, 1:2]}
YES = {"a": X[:, :1] > 0, "b": X[:, 1:2] > 0}


def model_of(
    sharing: Any = None, tasks: Any = None, example: Any = X, **more: Any
) -> MultiTaskModel:
    tasks = tasks or [Regression("a"), Regression("b")]
    return MultiTaskModel(sharing or Hard(net()), tasks, example=example, **more)


def train(
    model: MultiTaskModel, targets: Any = NUMBERS, inputs: Any = X, **options: Any
) -> Trainer:
    trainer = Trainer(model, epochs=1, device="cpu", **{"rule": "loss", **options})
    trainer.fit([(inputs, targets)] * trainer.balancer.batches)
    return trainer


def use(family: str, method: Any) -> None:
    """Trains with a method for one step."""
    if family == "balancing":
        train(model_of(), balancer=method)
    elif family == "sharing":
        train(model_of(method))
    elif family == "sharing.conditioning":
        trunk = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU())
        train(model_of(Conditioned(trunk, by=method)))
    elif family == "connections" and isinstance(method, OF_PROBABILITIES):
        tasks = [MultiLabel(name, labels=1) for name in YES]
        train(model_of(Separate(net()), tasks, connections=method), YES)
    elif family == "connections":
        train(model_of(Separate(net()), connections=method))
    elif family == "regularization":
        train(model_of(Separate(net()) if method.ties else Hard(net()), regularization=method))
    elif family == "data.mixing":
        model = model_of()
        data = {name: InMemory(X, {name: NUMBERS[name]}) for name in NUMBERS}
        sources = {name: Source(each, batch_size=3) for name, each in data.items()}
        mixture = Mixture(sources, method, tasks=model.tasks.values())
        Trainer(model, epochs=1, device="cpu", rule="loss", progress=False).fit(mixture)
    else:
        model, inputs = model_for(method)
        train(model, {method.name: labels_of(model, method, inputs)}, inputs)


def model_for(task: BaseTask) -> tuple[MultiTaskModel, Tensor]:
    """A model of one task, and inputs of the form that its labels need."""
    if task.geometry in ("mask", "map"):
        return model_of(Hard(ConvEncoder(in_channels=1, widths=(4,))), [task], IMAGES), IMAGES
    if task.geometry == "tags":
        return model_of(Hard(Tokens()), [task], TOKENS), TOKENS
    return model_of(None, [task]), X


def labels_of(model: MultiTaskModel, task: BaseTask, inputs: Tensor) -> Tensor:
    """Labels that a task can take, made of the model's own predictions."""
    with torch.no_grad():
        prediction = model.eval()(inputs)[task.name]
    if isinstance(task, Survival):
        return prediction.abs().gt(0.1).float()
    if task.kind.of == "classes":
        return prediction.argmax(task.kind.axis)
    return prediction > 0 if task.kind.of == "labels" else prediction.clone()


def text(value: Any) -> str:
    return repr(value).split("\n")[0][:100]


def sweep(calls: Mapping[str, Callable[[], Any]]) -> None:
    """Runs each call; fails with those that end in an error which is not plait's."""
    broken = []
    for name, call in calls.items():
        try:
            answers(call)
        except Exception as error:
            broken.append(f"{name}: {type(error).__name__}: {text(str(error))}")
    assert not broken, "\n" + "\n".join(broken)


@pytest.mark.parametrize(("family", "cls"), METHODS)
def test_a_method_works_as_it_is_made_here(family: str, cls: type) -> None:
    answer = answers(lambda: use(family, cls(**given(cls))))
    assert answer is None, answer


@pytest.mark.parametrize(("family", "cls"), METHODS)
def test_a_method_answers_to_wrong_values(family: str, cls: type) -> None:
    def made(name: str, value: Any) -> None:
        use(family, cls(**{**given(cls), name: value}))

    sweep(
        {
            f"{name}={text(value)}": partial(made, name, value)
            for name, parameter in parameters(cls).items()
            for value in WRONG
            if value is not parameter.default
        }
    )


@pytest.mark.parametrize(("family", "cls"), METHODS)
def test_a_method_answers_to_wrong_names(family: str, cls: type) -> None:
    known = list(parameters(cls))
    what = f"{FAMILIES[family].noun} {cls.__name__}"
    foreign = unknown_option(what, "optoin", known)
    assert answers(lambda: cls(**given(cls), optoin=1)) == foreign
    assert (answers(lambda: cls(*range(len(known) + 1))) or "").startswith(what)
    if given(cls):
        assert (answers(cls) or "").startswith(f"{what} needs `")


MODELS: dict[str, Callable[[], Any]] = {
    **{
        f"{name}={text(value)}": partial(
            lambda name, value: MultiTaskModel(
                **{"sharing": Hard(net()), "tasks": [Regression("a")], "example": X, name: value}
            )(X),
            name,
            value,
        )
        for name in parameters(MultiTaskModel)
        for value in (*WRONG, net(), Hard, Regression, CrossStitch, PairwiseL2, Regression("a"))
    },
    "tasks of one name": lambda: model_of(None, [Regression("a"), Regression("a")]),
    "tasks before sharing": lambda: MultiTaskModel([Regression("a")], Hard(net()), example=X),
    "tasks as a dict": lambda: MultiTaskModel(Hard(net()), {"a": Regression("a")}, example=X),
    "names of tasks": lambda: MultiTaskModel(Hard(net()), ["a", "b"], example=X),
    "a shape as the example": lambda: model_of(example=X.shape),
    "an example without its batch axis": lambda: model_of(example=X[0]),
    "an empty example": lambda: model_of(example=X[:0]),
    "an example of another width": lambda: model_of(example=X[:, :2]),
    "whole numbers": lambda: model_of(example=X.long()),
    "double precision": lambda: model_of(example=X.double()),
    "half precision": lambda: model_of(example=X.half()),
    "NumPy": lambda: model_of(example=X.numpy()),
    "NumPy in a dict": lambda: model_of(example={"x": X.numpy()}),
    "a list of rows": lambda: model_of(example=[row.tolist() for row in X]),
    "inputs of NumPy": lambda: model_of()(X.numpy()),
    "inputs of double precision": lambda: model_of()(X.double()),
    "inputs of another width": lambda: model_of()(X[:, :2]),
    "inputs without the batch axis": lambda: model_of()(X[0]),
    "whole inputs": lambda: model_of()(X.long()),
    "no inputs": lambda: model_of()(X[:0]),
    "None": lambda: model_of()(None),
    "a string": lambda: model_of()("wrong"),
    "labels with the inputs": lambda: model_of()((X, NUMBERS)),
    "an unknown task": lambda: model_of()(X, tasks=["c"]),
    "a task without a list": lambda: model_of()(X, tasks="a"),
    "a number for a task": lambda: model_of()(X, tasks=[0]),
    "no task": lambda: model_of()(X, tasks=[]),
}


def test_a_model_answers() -> None:
    sweep(MODELS)


MODEL = model_of()
TRAINERS: dict[str, Callable[[], Any]] = {
    f"{name}={text(value)}": partial(
        lambda name, value: Trainer(**{"model": MODEL, "device": "cpu", name: value}),
        name,
        value,
    )
    for name in parameters(Trainer)
    for value in (*WRONG, torch.optim.SGD, torch.optim.Adam(net().parameters()))
    if (name, value) != ("run", "wrong")
}


def test_a_trainer_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sweep(TRAINERS)


SOURCES: dict[str, Any] = {
    **{text(value): value for value in WRONG},
    "a batch in place of batches": (X, NUMBERS),
    "inputs alone": [X],
    "labels before inputs": [(NUMBERS, X)],
    "labels without a name": [(X, X[:, 0])],
    "a list of labels": [(X, [X[:, :1], X[:, 1:2]])],
    "another name": [(X, {"c": X[:, :1]})],
    "a misspelt name": [(X, {"A": X[:, :1], "b": X[:, :1]})],
    "names that are no strings": [(X, {0: X[:, :1], 1: X[:, :1]})],
    "labels that are missing": [(X, {"a": None, "b": None})],
    "no labels": [(X, {})],
    "an empty batch": [(X[:0], {"a": X[:0, :1], "b": X[:0, :1]})],
    "fewer labels than inputs": [(X, {"a": X[:3, :1], "b": X[:, :1]})],
    "other lengths": [(X[:3], NUMBERS)],
    "three of four": [(X, NUMBERS, None, None)],
    "weights of a wrong form": [(X, NUMBERS, X[:, 0])],
    "weights of another task": [(X, NUMBERS, {"c": X[:, 0]})],
    "negative weights": [(X, NUMBERS, {"a": -X[:, 0].abs()})],
    "weights as a list": [(X, NUMBERS, {"a": [1.0] * 6})],
    "inputs of NaN": [(X * float("nan"), NUMBERS)],
    "inputs of double precision": [(X.double(), NUMBERS)],
    "inputs of another width": [(X[:, :2], NUMBERS)],
    "strings": [(["x"] * 6, NUMBERS)],
}


@pytest.mark.parametrize("split", ["train", "val"])
def test_data_are_answered(split: str) -> None:
    def fit(wrong: Any) -> None:
        right: Any = [(X, NUMBERS)]
        train, val = (wrong, right) if split == "train" else (right, wrong)
        Trainer(model_of(), epochs=1, device="cpu").fit(train, val)

    sweep({name: partial(fit, wrong) for name, wrong in SOURCES.items()})


def wrong_labels(labels: Tensor) -> Iterator[tuple[str, Any]]:
    """Labels of a wrong type, shape, dtype, range, and none at all."""
    yield from ((text(value), value) for value in WRONG)
    yield from ((str(dtype), labels.to(dtype)) for dtype in DTYPES)
    yield "one axis more", labels[..., None]
    yield "one axis less", labels[:, 0] if labels.dim() > 1 else labels[0]
    yield "one-hot", torch.nn.functional.one_hot(labels.long().clamp(0, 2), 3)
    yield "axes swapped", labels.movedim(0, -1)
    yield "fewer", labels[:3]
    yield "none", labels[:0]
    yield "out of range", labels.float() * 0 + 99
    yield "out of range, whole", labels.long() * 0 + 99
    yield "below", labels.long() * 0 - 1
    yield "NaN", labels.float() * float("nan")
    yield "infinite", labels.float() * 0 + float("inf")
    yield "NumPy", labels.numpy()
    yield "a list", labels.tolist()
    yield "strings", ["x"] * len(labels)


DTYPES = (torch.uint8, torch.int32, torch.float64, torch.float16, torch.bool, torch.complex64)


@pytest.mark.parametrize("cls", [p.values[1] for p in METHODS if p.values[0] == "tasks"])
def test_a_task_answers_to_wrong_labels(cls: type) -> None:
    task = cls(**given(cls))
    model, inputs = model_for(task)
    labels = labels_of(model, task, inputs)
    sweep(
        {
            name: partial(train, model, {task.name: wrong}, inputs)
            for name, wrong in wrong_labels(labels)
        }
    )


def losses() -> dict[str, Tensor]:
    layer = nn.Linear(4, 2)
    return {name: layer(X)[:, i].square().mean() for i, name in enumerate("ab")}


def own_losses() -> list[Tensor]:
    return list(losses().values())


LOSSES: dict[str, Callable[[], Any]] = {
    **{text(value): partial(lambda value: value, value) for value in WRONG},
    "one of no value": lambda: losses() | {"b": None},
    "zero": lambda: losses() | {"b": 0},
    "zero, not whole": lambda: losses() | {"b": 0.0},
    "a NumPy number": lambda: losses() | {"b": np.float32(0.5)},
    "a constant": lambda: losses() | {"b": torch.zeros(())},
    "detached": lambda: losses() | {"b": losses()["b"].detach()},
    "of whole numbers": lambda: losses() | {"b": torch.tensor(1)},
    "complex": lambda: losses() | {"b": losses()["b"] * 1j},
    "NaN": lambda: losses() | {"b": losses()["b"] * float("nan")},
    "infinite": lambda: losses() | {"b": losses()["b"] * float("inf")},
    "one per example": lambda: losses() | {"b": nn.Linear(4, 1)(X)},
    "of one entry": lambda: losses() | {"b": losses()["b"][None]},
    "a nested dict": lambda: {"a": losses()},
    "a list": own_losses,
    "a tuple": lambda: tuple(own_losses()),
    "a stack": lambda: torch.stack(own_losses()),
    "a sum": lambda: sum(own_losses()),
    "pairs": lambda: list(losses().items()),
    "values of a dict": lambda: losses().values(),
    "a generator": lambda: (loss for loss in own_losses()),
    "names that are numbers": lambda: dict(enumerate(own_losses())),
    "names that are tasks": lambda: {Regression("a"): own_losses()[0]},
    "two batches": lambda: [losses(), losses()],
    "a list and no batch": lambda: [losses(), 3],
    "a network in place of a loss": lambda: losses() | {"b": nn.Linear(2, 2)},
    "a function": lambda: losses,
}
LEARNED = partial(UncertaintyWeights, tasks=["a", "b"])


@pytest.mark.parametrize("make", [Equal, UPGrad, FAMO, PCGrad, LEARNED])
def test_losses_are_answered(make: Callable[[], Any]) -> None:
    sweep(
        {
            name: partial(lambda made: plait.backward(made(), make()), m)
            for name, m in LOSSES.items()
        }
    )
    sweep(
        {
            f"add {name}": partial(lambda made: plait.Backward(make()).add(made()), made)
            for name, made in LOSSES.items()
        }
    )


def test_arguments_of_backward_are_answered() -> None:
    wrong = (
        *WRONG,
        losses(),
        0,
        0.0,
        {"r": 0.0},
        {"r": None},
        Info(epoch=0),
        torch.ones(()),
        Equal(),
    )
    calls: dict[str, Callable[[], Any]] = {}
    for value in wrong:
        calls[f"balancer={text(value)}"] = partial(plait.backward, losses(), value)
        calls[f"swapped {text(value)}"] = partial(plait.backward, value, losses())
        calls[f"penalty={text(value)}"] = partial(plait.backward, losses(), UPGrad(), value)
        for option in (*parameters(plait.Backward), "info", "features", "problem", "optoin"):
            if option not in ("balancer", "memory"):
                calls[f"{option}={text(value)}"] = partial(
                    plait.backward, losses(), UPGrad(), **{option: value}
                )
    sweep(calls)
