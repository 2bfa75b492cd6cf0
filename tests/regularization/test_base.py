"""Which parameters are tied, and when the proximal step runs."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, ShapeError, UnsupportedError
from plait.networks.joined import Joined
from plait.regularization import ParameterRegularizer
from tests.regularization.nets import networks


class Counts(ParameterRegularizer):
    """Remembers the steps of its proximal operator."""

    def cost(self) -> Tensor:
        return torch.zeros(())

    def prox(self, step: float) -> None:
        self.steps = [*getattr(self, "steps", []), step]


class NoProx(ParameterRegularizer):
    def cost(self) -> Tensor:
        return torch.zeros(())


def tied(**options: object) -> list[str]:
    """Names of the tied parameters."""
    nets = networks("ab")
    regularizer = Counts(strength=1.0, **options)
    regularizer.setup(nets)
    names = {id(parameter): name for name, parameter in nets["a"].named_parameters()}
    for one, two in regularizer.groups:
        assert two is nets["b"].get_parameter(names[id(one)])
    return [names[id(group[0])] for group in regularizer.groups]


def test_parameters_are_matched_by_name_and_batch_normalisation_is_not_tied() -> None:
    assert tied() == ["stem.weight", "stem.bias", "top.weight"]
    assert tied(include_bias=False) == ["stem.weight", "top.weight"]
    assert tied(scope="stem.*") == ["stem.weight", "stem.bias"]
    assert tied(scope="*.weight") == ["stem.weight", "top.weight"]


@pytest.mark.parametrize("options", [{"scope": "stages.0.*"}, {"scope": "norm.*"}])
def test_a_scope_that_matches_nothing_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"matches no parameter.*have: stem\.weight, stem\.bias"):
        tied(**options)


def test_other_shapes_and_missing_parameters_are_refused() -> None:
    nets = networks("ab")
    nets["b"].top = nn.Linear(4, 5, bias=False)
    with pytest.raises(ShapeError, match=r"'top\.weight' .* found .*'a': \[2, 4\], 'b': \[5, 4\]"):
        Counts(strength=1.0).setup(nets)
    nets["b"].top = nn.Identity()
    with pytest.raises(ShapeError, match="'b': 'absent'"):
        Counts(strength=1.0).setup(nets)
    narrow = Counts(strength=1.0, scope="stem.*")
    narrow.setup(nets)
    assert len(narrow.groups) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": -1.0}, "`strength` must be at least 0 and finite; found -1.0"),
        ({"strength": float("nan")}, "`strength` must be at least 0 and finite; found nan"),
        ({"strength": float("inf")}, "`strength` must be at least 0 and finite; found inf"),
        ({"strength": 1.0, "mode": "step"}, "`mode` must be 'loss' or 'prox'; found 'step'"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Counts(**options)


def test_a_method_without_proximal_step_says_so() -> None:
    with pytest.raises(UnsupportedError, match="NoProx has no closed proximal step"):
        NoProx(strength=1.0).prox(0.1)


def run(
    make_groups: Callable[[dict[str, nn.Module]], list[dict[str, object]]],
    *,
    mode: str = "prox",
    strength: float = 4.0,
    scope: str = "*",
) -> list[float]:
    nets = networks("ab")
    regularizer = Counts(strength=strength, mode=mode, scope=scope)
    regularizer.setup(nets)
    regularizer.after_step(torch.optim.SGD(make_groups(nets), lr=0.5))
    return getattr(regularizer, "steps", [])


def everything(nets: dict[str, nn.Module]) -> list[dict[str, object]]:
    return [{"params": list(net.parameters())} for net in nets.values()]


def test_the_proximal_step_has_the_length_of_learning_rate_times_strength() -> None:
    assert run(everything) == [2.0]
    assert run(everything, mode="loss") == []
    assert run(everything, strength=0.0) == []


def test_the_learning_rate_is_that_of_the_tied_parameters() -> None:
    def groups(nets: dict[str, nn.Module]) -> list[dict[str, object]]:
        stems = [p for net in nets.values() for p in net.stem.parameters()]
        others = [p for net in nets.values() for p in (*net.norm.parameters(), net.top.weight)]
        return [{"params": stems, "lr": 0.25}, {"params": others}]

    assert run(groups, scope="stem.*") == [1.0]
    assert run(groups, scope="top.*") == [2.0]
    with pytest.raises(ConfigError, match=r"must have one learning rate; found \[0\.25, 0\.5\]"):
        run(groups)


def test_tied_parameters_that_do_not_learn_are_refused() -> None:
    """They would move all the same."""

    def without_b(nets: dict[str, nn.Module]) -> list[dict[str, object]]:
        return everything({"a": nets["a"]})

    with pytest.raises(ConfigError, match="does not have all parameters that Counts ties"):
        run(without_b)


def test_joined_parameters_have_the_learning_rate_of_their_whole() -> None:
    def joined(nets: dict[str, nn.Module]) -> list[dict[str, object]]:
        names = [name for name, _ in nets["a"].named_parameters()]
        parts = [{task: net.get_parameter(n) for task, net in nets.items()} for n in names]
        return [{"params": [Joined(each).whole for each in parts], "lr": 0.25}]

    assert run(joined) == [1.0]
