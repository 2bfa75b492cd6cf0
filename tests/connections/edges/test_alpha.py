"""How much each edge counts."""

import copy
import math
import pickle
from typing import Any

import pytest
import torch
from torch import nn

from plait.connections.edges.alpha import Alpha
from plait.core.errors import ConfigError
from tests.networks.progress import set_progress

EDGES = (("a", "b.c"), ("b.c", "d%"))
FIRST, SECOND = EDGES


def values(alpha: Alpha) -> list[float]:
    with torch.no_grad():
        return [float(alpha.value(edge)) for edge in EDGES]


@pytest.mark.parametrize("use", ["gate", "penalty"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0.5, [0.5, 0.5]),
        (2, [2.0, 2.0]),
        ([0.25, 0], [0.25, 0.0]),
        ((1, 3.0), [1.0, 3.0]),
        ({"b.c -> d%": 0.5}, [0.0, 0.5]),
        ({}, [0.0, 0.0]),
    ],
)
def test_fixed_numbers(use: Any, given: Any, expected: list[float]) -> None:
    alpha = Alpha(given, EDGES, use)
    assert values(alpha) == expected
    assert [alpha.off(edge) for edge in EDGES] == [number == 0 for number in expected]
    assert not list(alpha.parameters())
    assert alpha.watched("M: alpha") == {}


def test_a_gate_may_be_negative_and_a_weight_not() -> None:
    assert values(Alpha(-0.5, EDGES, "gate")) == [-0.5, -0.5]
    with pytest.raises(ConfigError, match=r"`alpha` must be at least 0; found -0\.5"):
        Alpha(-0.5, EDGES, "penalty")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("learned", [1.0, 1.0]),
        ({"learned": 0.25}, [0.25, 0.25]),
        ({"learned": [0.5, 2.0]}, [0.5, 2.0]),
        ({"learned": {"a -> b.c": 0.5, "b.c -> d%": 3}}, [0.5, 3.0]),
    ],
)
@pytest.mark.parametrize("use", ["gate", "penalty"])
def test_learned_numbers_begin_where_they_are_told(use: Any, given: Any, expected: Any) -> None:
    alpha = Alpha(given, EDGES, use)
    assert values(alpha) == pytest.approx(expected)
    assert [p.shape for p in alpha.parameters()] == [(2,)]
    assert not alpha.off(FIRST)
    assert alpha.decays is False
    found = alpha.watched("M: alpha")["M: alpha"].plain()
    assert found == pytest.approx({"a -> b.c": expected[0], "b.c -> d%": expected[1]})


def test_a_learned_gate_is_a_plain_parameter() -> None:
    alpha = Alpha({"learned": 0.0}, EDGES, "gate")
    assert not alpha.off(FIRST)
    signal = torch.randn(5)
    (alpha.value(SECOND) * signal).sum().backward()
    assert alpha.learned is not None and alpha.learned.grad is not None
    torch.testing.assert_close(alpha.learned.grad, torch.stack([torch.zeros(()), signal.sum()]))


@pytest.mark.parametrize("cost", [0.2, 0.5, 3.0])
def test_a_learned_weight_ends_at_its_closed_form(cost: float) -> None:
    """alpha C - log(alpha) / 2 is least at 1 / (2 C), and the edges do not disturb each other."""
    alpha = Alpha("learned", EDGES, "penalty").double()
    costs = [torch.tensor(cost).double(), torch.tensor(1.0).double()]
    optimizer = torch.optim.SGD(alpha.parameters(), lr=0.5)
    for _ in range(200):
        optimizer.zero_grad()
        terms = [alpha.weigh(edge, each) for edge, each in zip(EDGES, costs, strict=True)]
        sum(term.scaled for term in terms).backward()
        optimizer.step()
    assert values(alpha) == pytest.approx([1 / (2 * cost), 0.5])
    term = alpha.weigh(FIRST, costs[0])
    assert term.raw is costs[0]
    assert term.scaled.item() == pytest.approx(0.5 + math.log(2 * cost) / 2)


def test_a_fixed_weight_multiplies() -> None:
    cost = torch.tensor(2.0)
    term = Alpha([0.25, 1], EDGES, "penalty").weigh(FIRST, cost)
    assert (term.raw.item(), term.scaled.item()) == (2.0, 0.5)


def test_without_edges_nothing_is_learned() -> None:
    """A parameter of length 0 would be one that nothing reads."""
    for given in ("learned", 0.5, []):
        assert not list(Alpha(given, [], "gate").parameters())


@pytest.mark.parametrize(
    ("given", "progress", "expected"),
    [
        ({"start": 0, "stop": 1}, [0, 0.25, 0.5, 1], [0, 0.25, 0.5, 1]),
        ({"start": 2}, [0, 0.5, 1], [2, 1.5, 1]),
        ({"stop": 4, "begin": 0.5}, [0, 0.5, 0.75, 1], [0, 0, 2, 4]),
        ({"start": 1, "stop": 0, "end": 0.5}, [0, 0.25, 0.5, 0.9], [1, 0.5, 0, 0]),
        ({"stop": 1, "begin": 0.5, "end": 0.5}, [0, 0.49, 0.5, 1], [0, 0, 1, 1]),
        ({"stop": 1, "shape": "cosine"}, [0, 0.25, 0.5, 1], [0, (1 - 0.5**0.5) / 2, 0.5, 1]),
    ],
)
def test_schedules(given: Any, progress: list[float], expected: list[float]) -> None:
    alpha = Alpha(given, EDGES, "penalty")
    found = []
    for share in progress:
        set_progress(nn.ModuleList([alpha]), share)
        found.append(values(alpha)[1])
        assert not alpha.off(FIRST)
        assert alpha.watched("M: alpha")["M: alpha"].plain()["a -> b.c"] == pytest.approx(found[-1])
    assert found == pytest.approx(expected, abs=1e-6)


def test_the_progress_is_in_the_state() -> None:
    one, two = (Alpha({"start": 0, "stop": 1}, EDGES, "gate") for _ in EDGES)
    one.set_progress(0.75)
    two.load_state_dict(one.state_dict())
    for twin in (two, copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert values(twin) == values(one) == [0.75, 0.75]
    assert all(value.dtype == torch.float32 for value in one.state_dict().values())  # on any device


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("warm", "must be a number, 'learned' or a schedule; found 'warm'"),
        ([1.0], r"one number for each of the 2 edges \(a -> b\.c, b\.c -> d%\); found 1"),
        ({"a -> d%": 1.0}, "unknown edge of `alpha` 'a -> d%'; known: a -> b.c, b.c -> d%"),
        (float("nan"), "`alpha` must be a finite number; found nan"),
        ([1.0, math.inf], "`alpha` must be a finite number; found inf"),
        ([1.0, "2"], "`alpha` must be a finite number; found '2'"),
        (True, "`alpha` must be a finite number; found True"),
        (None, "`alpha` must be a finite number; found None"),
        ({"learned": math.inf}, "`alpha` must be a finite number; found inf"),
        ({"start": 0, "until": 1}, "unknown key of the schedule of `alpha` 'until'"),
        ({"start": math.inf}, "`alpha` must be a finite number; found inf"),
        ({"stop": 1, "begin": 0.6, "end": 0.5}, r"0 <= begin <= end <= 1; found 0\.6 and 0\.5"),
        ({"stop": 1, "end": 1.5}, "0 <= begin <= end <= 1"),
        ({"stop": 1, "end": "half"}, "`alpha` must be a finite number; found 'half'"),
        ({"stop": 1, "shape": "step"}, "must be 'linear' or 'cosine'; found 'step'"),
    ],
)
def test_anything_else_is_refused(given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Alpha(given, EDGES, "gate")


@pytest.mark.parametrize("given", [0, [1.0, 0.0], {"a -> b.c": 1.0}])
def test_a_learned_weight_begins_above_zero(given: Any) -> None:
    with pytest.raises(ConfigError, match="a learned `alpha` must begin above 0"):
        Alpha({"learned": given}, EDGES, "penalty")


@pytest.mark.parametrize("key", ["start", "stop"])
def test_a_scheduled_weight_is_never_negative(key: str) -> None:
    with pytest.raises(ConfigError, match="`alpha` must be at least 0; found -1"):
        Alpha({key: -1}, EDGES, "penalty")


def test_what_is_given_is_not_changed() -> None:
    given = {"start": 0.5}
    Alpha(given, EDGES, "gate")
    assert given == {"start": 0.5}
