"""Who learns from whom: what the graph says, for every way of sharing and every kind of encoder.

The names of a sharing's parameters declare whose they are: what is kept under the key of a task
serves that task alone, unless the class says otherwise (`Sharing.keys_are_private`).
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

import pytest
from torch import Tensor

import plait.sharing
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.keys import safe_key
from plait.core.lookup import names
from plait.core.structure import PerTask
from plait.gradients import leaves
from plait.model import MultiTaskModel
from plait.networks.scheduled import Scheduled
from plait.sharing import Sharing
from plait.sharing.conditioning import Adapter, LoRA, Masks, Norm
from plait.tasks import Regression
from tests.sharing.encoders import KINDS

TASKS = ("a", "b.c", "d%")
KEYS = {safe_key(task): task for task in TASKS}
METHODS = names(plait.sharing, Sharing)
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "AdaTT": [{"task_experts": 2, "shared_experts": 1}],
    "CGC": [{"task_experts": {"a": 0, "b.c": 1, "d%": 2}, "shared_experts": 2}],
    "Conditioned": [
        *({"by": by} for by in (Norm(), Adapter(), LoRA(), Masks())),
        {"by": Adapter(placement="parallel", bottleneck=2)},
        {"by": LoRA(), "frozen": True},
    ],
    "Hard": [
        {"groups": [["a", "d%"], ["b.c"]]},
        {"attach": {"a": 0}},
        {"groups": [["a", "d%"], ["b.c"]], "attach": {"d%": 0}, "copies": "reset"},
    ],
    "PLE": [{"task_experts": {"a": 0, "b.c": 1, "d%": 2}, "shared_experts": 2}],
    "SharedPrivate": [{"adversarial": 0.0}, {"copies": "clone", "hidden": [4]}],
}
CASES = {
    " ".join([method, *map(str, options.values())]): (method, options)
    for method in METHODS
    for options in ({}, *OPTIONS.get(method, []))
}
Reached = Mapping[str, frozenset[str]]

OWN = ("mlp", "conv", "residual")  # kinds that are also given an input for each task
pytestmark = [
    pytest.mark.parametrize(
        ("kind", "common"), [*((kind, True) for kind in KINDS), *((kind, False) for kind in OWN)]
    ),
    pytest.mark.parametrize("case", CASES),
]


class Found(NamedTuple):
    """What the graphs of one model say.

    Attributes:
        model: the model.
        tasks: `{parameter: tasks whose predictions depend on it}` in training.
        terms: `{parameter: terms of the objective that depend on it}` in training.
        roles: what the model says.
    """

    model: MultiTaskModel
    tasks: Reached
    terms: Reached
    roles: Reached


@cache
def found(case: str, kind: str, common: bool) -> Found | str:
    """Builds a model and follows its graphs, or says why there is none with such an encoder."""
    method, options = CASES[case]
    make = KINDS[kind].inputs
    inputs = make(3) if common else PerTask({task: make(3) for task in TASKS})
    sharing = getattr(plait.sharing, method)(KINDS[kind].build(), **options)
    try:
        model = MultiTaskModel(sharing, [Regression(task) for task in TASKS], example=inputs)
    except (UnsupportedError, ConfigError) as error:
        nothing_to_do = ("Give an encoder", "matches no layer that")
        if any(text in str(error) for text in nothing_to_do):
            return str(error)
        raise
    model.set_progress(0.9)  # whatever has a warm-up is past it
    outputs = model(inputs)
    predictions = {task: out.sum() for task, out in outputs.items()}
    terms = {name: term.scaled for name, term in outputs.terms.items()}
    return Found(model, reached(predictions, model), reached(terms, model), model.roles())


def follow(case: str, kind: str, common: bool) -> Found:
    result = found(case, kind, common)
    if isinstance(result, str):
        pytest.skip(result)
    return result


def reached(tensors: Mapping[str, Tensor], model: MultiTaskModel) -> Reached:
    """`{parameter: names of the tensors that depend on it}`."""
    ids = {name: set(map(id, leaves([tensor]))) for name, tensor in tensors.items()}
    return {
        parameter: frozenset(name for name, own in ids.items() if id(value) in own)
        for parameter, value in model.named_parameters()
        if value.requires_grad
    }


def owner_of(parameter: str) -> str | None:
    """The task under whose key a parameter is kept."""
    owners = [KEYS[part] for part in parameter.split(".") if part in KEYS]
    return owners[0] if owners else None


def of_sharing(reached: Reached) -> Iterator[tuple[str, frozenset[str]]]:
    return ((name, each) for name, each in reached.items() if name.startswith("sharing."))


def test_a_head_is_reached_by_its_task_alone(case: str, kind: str, common: bool) -> None:
    model = follow(case, kind, common)
    for graph in (model.tasks, model.roles):
        heads = {name: each for name, each in graph.items() if name.startswith("heads.")}
        assert {owner_of(name) for name in heads} == set(TASKS)
        assert all(each == {owner_of(name)} for name, each in heads.items())
    assert not any(model.terms[name] for name in heads)


def test_every_parameter_that_learns_is_reached(case: str, kind: str, common: bool) -> None:
    model = follow(case, kind, common)
    dead = {name for name, each in model.tasks.items() if not each and not model.terms[name]}
    if common:  # some terms are of tasks with inputs of their own
        own = follow(case, kind, False).terms
        dead = {name for name in dead if not own[name]}
    assert not dead


def test_what_is_kept_under_the_key_of_a_task_is_reached_by_it_alone(
    case: str, kind: str, common: bool
) -> None:
    model = follow(case, kind, common)
    for name, each in of_sharing(model.tasks):
        owner = owner_of(name)
        if owner and model.model.sharing.keys_are_private:
            assert each == {owner}, name
        elif owner:
            assert owner in each, name


def test_what_is_kept_under_no_key_is_shared_by_those_whom_it_serves(
    case: str, kind: str, common: bool
) -> None:
    """Tasks that one encoder serves reach the same of it, apart from what is their own."""
    model = follow(case, kind, common)
    ids = {id(p): name for name, p in model.model.named_parameters()}
    encoder_of = model.model.sharing.encoder_of
    last = {task: len(model.model.sharing.shapes[task].levels) for task in TASKS}
    for one, two in combinations(TASKS, 2):
        encoder = encoder_of(one)
        if encoder is None or encoder is not encoder_of(two) or last[one] != last[two]:
            continue
        for name in (ids[id(p)] for p in encoder.parameters() if p.requires_grad):
            if owner_of(name) is None:
                assert model.tasks[name] >= {one, two}, name


def test_the_roles_are_those_of_training(case: str, kind: str, common: bool) -> None:
    """In evaluation a search follows what it has found so far, and leaves out the rest."""
    model = follow(case, kind, common)
    assert model.roles.keys() == model.tasks.keys()
    changes = any(isinstance(part, Scheduled) for part in model.model.sharing.modules())
    for name, each in model.roles.items():
        assert each <= model.tasks[name], name
        assert changes or each == model.tasks[name], name
