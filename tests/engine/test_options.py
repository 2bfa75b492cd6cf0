"""Which option each kind of method can have, and what a refusal says."""

import itertools
from collections.abc import Callable
from typing import Any, get_args

import pytest

from plait.balancing import (
    FAMO,
    FORUM,
    Balancer,
    Equal,
    ExcessMTL,
    GradDrop,
    GradNorm,
    GradVac,
    MoDo,
    PCGrad,
    SDMGrad,
    StaleRows,
    UncertaintyWeights,
    UPGrad,
)
from plait.core.errors import ConfigError
from plait.engine import At, Backward, HeadWeights, NonFinite, Options, RouteChoice, Scale

KINDS: dict[str, Callable[[], Balancer]] = {
    "constant": Equal,
    "losses": FAMO,
    "learned": lambda: UncertaintyWeights(tasks=("a", "b")),
    "gramian": UPGrad,
    "random gramian": PCGrad,
    "one batch of a cross gramian": lambda: SDMGrad(solver="exact"),
    "last layer": GradNorm,
    "groups": lambda: GradVac(groups="matrix"),
    "layers": lambda: GradVac(groups="layer"),
    "two batches": MoDo,
    "three batches": lambda: SDMGrad(solver="sgd"),
    "rows": GradDrop,
    "rows with weights": ExcessMTL,
    "bilevel": FORUM,
}
WHOLE = {"gramian", "random gramian", "one batch of a cross gramian"}
NO_GRADIENTS = {"constant", "losses", "learned", "bilevel"}
REFUSED = {
    "head_weights": ("task", {"rows"}, "gives no weights, so `head_weights` cannot be 'task'"),
    "every": (
        3,
        NO_GRADIENTS | {"rows", "groups", "layers"},
        "gives no weights that `every`|`every` re-uses weights|`every` cannot re-use",
    ),
    "at": ("features", set(KINDS) - WHOLE, "cannot take its gradients at the features"),
    "route": ("layers", set(KINDS) - WHOLE, "cannot take the route 'layers'"),
}
BY_LABELS = ("labels", NO_GRADIENTS | {"last layer"}, "cannot take the route 'labels'")


@pytest.mark.parametrize(
    ("option", "case"), [*REFUSED.items(), ("route", BY_LABELS)], ids=[*REFUSED, "labels"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_method_cannot_have_is_refused_by_name(
    kind: str, option: str, case: tuple[Any, set[str], str]
) -> None:
    value, refused, message = case
    balancer, options = KINDS[kind](), {option: value}
    if kind in refused:
        with pytest.raises(ConfigError, match=message) as found:
            Backward(balancer, **options)
        assert type(balancer).__name__ in str(found.value)
    else:
        assert getattr(Backward(balancer, **options).options, option) == value


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_and_what_changes_no_way_suit_every_method(kind: str) -> None:
    balancer = KINDS[kind]()
    Options().check(balancer)
    for scale, heads, nonfinite in itertools.product(
        get_args(Scale), ("auto", "unit"), get_args(NonFinite)
    ):
        Options(scale, heads, "parameters", "rows", 1, 4, nonfinite).check(balancer)


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        ("scale", get_args(Scale)),
        ("head_weights", get_args(HeadWeights)),
        ("at", get_args(At)),
        ("route", get_args(RouteChoice)),
        ("nonfinite", get_args(NonFinite)),
    ],
)
@pytest.mark.parametrize("value", ["other", "", None, 1, True])
def test_a_value_outside_the_choices_is_refused_with_all_of_them(
    option: str, choices: tuple[str, ...], value: Any
) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` must be .*; found {value!r}") as found:
        Backward(UPGrad(), **{option: value})
    assert all(repr(choice) in str(found.value) for choice in choices)


@pytest.mark.parametrize("option", ["every", "chunk_size"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "2", None, True])
def test_numbers_of_steps_and_tasks_are_whole_and_positive(option: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` must be .*at least 1; found {value!r}"):
        Backward(UPGrad(), **{option: value})


@pytest.mark.parametrize("route", ["layers", "labels"])
def test_features_and_routes_at_the_parameters_do_not_go_together(route: Any) -> None:
    with pytest.raises(ConfigError, match=f"cannot take the route '{route}'"):
        Backward(UPGrad(), at="features", route=route)


def test_tasks_in_turn_are_not_split_by_label() -> None:
    with pytest.raises(ConfigError, match="StaleRows cannot take the route 'labels'"):
        Backward(StaleRows(), route="labels")
