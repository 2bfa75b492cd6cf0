"""Networks side by side: what runs, and in which order it is joined."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.connections import StageConnection
from plait.core import Masked
from plait.core.errors import ShapeError
from plait.networks import encode
from plait.sharing.stages.columns import StagePlan, plan, run_columns

LENGTHS = {"a": 3, "b": 3, "c": 3}


class Toy(StageConnection):
    """Reads at chosen stages, by factors that tell the reads apart."""

    def __init__(
        self,
        before: Mapping[tuple[int, str], Sequence[str]] | None = None,
        beside: Mapping[tuple[int, str], Sequence[str]] | None = None,
        factor: float = 1.0,
    ) -> None:
        super().__init__()
        self.before, self.beside, self.factor = before or {}, beside or {}, factor

    def reads_before(self, stage: int, task: str) -> tuple[str, ...]:
        return tuple(self.before.get((stage, task), ()))

    def reads_beside(self, stage: int, task: str) -> tuple[str, ...]:
        return tuple(self.beside.get((stage, task), ()))

    def add(self, stage: int, task: str, hidden: Mapping[str, Tensor], body: Tensor) -> Tensor:
        return sum(self.factor * hidden[source] for source in self.reads_before(stage, task))

    def mix(
        self, stage: int, outputs: Mapping[str, Tensor], tasks: Sequence[str]
    ) -> dict[str, Tensor]:
        return {
            task: outputs[task]
            + sum(self.factor * outputs[source] for source in self.reads_beside(stage, task))
            for task in tasks
        }


class Halves(Toy):
    """What a task reads is half of its last level."""

    def finish(self, outputs: Mapping[str, Sequence[Tensor]]) -> dict[str, tuple[Tensor, ...]]:
        return {task: (*levels[:-1], levels[-1] / 2) for task, levels in outputs.items()}


def nets(tasks: str = "abc", stages: int = 3) -> dict[str, nn.Sequential]:
    return {
        task: nn.Sequential(
            *(nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(stages))
        ).double()
        for task in tasks
    }


def rows() -> Tensor:
    return torch.randn(5, 4, dtype=torch.float64)


# --- the plan -------------------------------------------------------------------------------------


def test_without_connections_wanted_tasks_run_alone() -> None:
    assert plan(LENGTHS, ["b"], []) == [StagePlan(["b"], [])] * 3
    assert plan(LENGTHS, ["c", "a"], []) == [StagePlan(["a", "c"], [])] * 3
    assert plan(LENGTHS, [], []) == [StagePlan([], [])] * 3


def test_what_is_read_beside_runs_up_to_there() -> None:
    toy = Toy(beside={(1, "a"): "b"})
    found = plan(LENGTHS, ["a"], [toy])
    assert [step.run for step in found] == [["a", "b"], ["a", "b"], ["a"]]
    assert [step.mixed for step in found] == [[["a", "b"]], [["a"]], [["a"]]]


def test_what_is_read_before_runs_up_to_the_stage_before() -> None:
    toy = Toy(before={(1, "a"): "b", (2, "a"): "c", (1, "c"): "b"})
    assert [step.run for step in plan(LENGTHS, ["a"], [toy])] == [
        ["a", "b", "c"],
        ["a", "c"],
        ["a"],
    ]
    assert [step.run for step in plan(LENGTHS, ["b"], [toy])] == [["b"]] * 3


def test_a_mixture_that_another_connection_reads_has_its_own_sources() -> None:
    """b reads c in the first connection; a reads the mixture of b in the second."""
    first, second = Toy(beside={(2, "b"): "c"}), Toy(beside={(2, "a"): "b"})
    step = plan(LENGTHS, ["a"], [first, second])[2]
    assert step == StagePlan(["a", "b", "c"], [["a", "b"], ["a"]])
    # in the other order a reads b as it was before
    step = plan(LENGTHS, ["a"], [second, first])[2]
    assert step == StagePlan(["a", "b"], [["a"], ["a"]])


def test_networks_may_have_other_numbers_of_stages() -> None:
    found = plan({"a": 1, "b": 3}, ["a", "b"], [])
    assert [step.run for step in found] == [["a", "b"], ["b"], ["b"]]
    assert [step.run for step in plan({"a": 1, "b": 3}, ["a"], [])] == [["a"], [], []]


# --- a run ----------------------------------------------------------------------------------------


def test_each_task_runs_its_own_network() -> None:
    networks, x = nets(), rows()
    networks["b"] = nets("b", stages=1)["b"]
    found = run_columns(networks, x, "ab", [], {})
    assert list(found) == ["a", "b"]
    for task, features in found.items():
        expected = encode(networks[task], x)
        assert len(features.levels) == len(networks[task])
        assert all(map(torch.equal, features.levels, expected.levels))


def test_sums_before_the_activation_and_mixtures_after_it() -> None:
    networks, x = nets("ab"), rows()
    one = Toy(before={(1, "a"): "b"}, beside={(1, "a"): "b"}, factor=2.0)
    two = Toy(before={(1, "a"): "b"}, beside={(1, "a"): "b"}, factor=0.5)
    a, b = networks["a"], networks["b"]
    low = {"a": a[0](x), "b": b[0](x)}
    body = a[1][0](low["a"]) + 2.0 * low["b"] + 0.5 * low["b"]
    middle = body.tanh() + 2.0 * b[1](low["b"]) + 0.5 * b[1](low["b"])
    found = run_columns(networks, x, ["a"], [one, two], {})["a"].levels
    for level, expected in zip(found, (low["a"], middle, a[2](middle)), strict=True):
        torch.testing.assert_close(level, expected)


def test_a_connection_reads_what_those_before_it_made() -> None:
    networks, x = nets(stages=1), rows()
    first, second = Toy(beside={(0, "b"): "c"}, factor=3.0), Toy(beside={(0, "a"): "b"})
    a, b, c = (net(x) for net in networks.values())
    found = run_columns(networks, x, ["a"], [first, second], {})["a"].levels[-1]
    torch.testing.assert_close(found, a + (b + 3.0 * c))
    found = run_columns(networks, x, ["a"], [second, first], {})["a"].levels[-1]
    torch.testing.assert_close(found, a + b)


def test_what_is_mixed_is_what_the_next_stage_reads() -> None:
    networks, x = nets("ab", stages=2), rows()
    toy = Toy(beside={(0, "a"): "b"}, before={(1, "b"): "a"})
    found = run_columns(networks, x, "ab", [toy], {})
    mixed = networks["a"][0](x) + networks["b"][0](x)
    torch.testing.assert_close(found["a"].levels[0], mixed)
    torch.testing.assert_close(found["a"].levels[1], networks["a"][1](mixed))
    body = networks["b"][1][0](networks["b"][0](x)) + mixed
    torch.testing.assert_close(found["b"].levels[1], body.tanh())


def test_the_levels_that_are_read_are_finished_in_turn() -> None:
    networks, x = nets("ab"), rows()
    found = run_columns(networks, x, "ab", [Halves(), Halves()], {})
    for task, features in found.items():
        plain = encode(networks[task], x).levels
        assert torch.equal(features.levels[-1], plain[-1] / 2 / 2)
        assert torch.equal(features.levels[0], plain[0])


def test_what_enters_is_added_where_the_input_is_mapped() -> None:
    networks, x = nets("ab"), rows()
    networks["a"] = nn.Sequential(nn.Flatten(), *networks["a"])
    shift = rows()
    given: list[Tensor] = []

    def entering(body: Tensor) -> Tensor:
        given.append(body)
        return shift

    found = run_columns(networks, x, "ab", [], {"a": entering})
    body = networks["a"][1][0](x)
    assert torch.equal(given[0], body) and len(given) == 1
    assert torch.equal(found["a"].levels[1], (body + shift).tanh())
    assert torch.equal(found["b"].levels[-1], networks["b"](x))


def test_mask_grid_and_axis_come_along() -> None:
    class Masks(nn.Module):
        masked = True

        def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
            assert mask is not None
            return x * mask.unsqueeze(-1)

    class Tokens(nn.Module):
        channel_dim = -1

        def __init__(self) -> None:
            super().__init__()
            self.stages = nn.ModuleList([nn.Linear(4, 3), Masks()])

    mask = torch.tensor([[True, True, False], [True, False, False]])
    networks = {"a": Tokens(), "b": Tokens()}
    toy = Toy(beside={(0, "a"): "b"})
    found = run_columns(networks, Masked(torch.randn(2, 3, 4), mask), ["a"], [toy], {})["a"]
    assert found.mask is mask and found.channel_dim == -1 and found.grid is None
    assert not found.levels[-1][~mask].any()
    images = run_columns({"a": nn.Conv2d(1, 2, 3)}, torch.randn(2, 1, 6, 7), ["a"], [], {})["a"]
    assert images.grid == (6, 7) and images.mask is None and images.channel_dim == 1


def test_a_stage_that_gives_no_tensor_is_refused() -> None:
    networks: dict[str, Any] = {"a": nn.Sequential(nn.LSTM(4, 4))}
    with pytest.raises(ShapeError, match="stage 0 of Sequential must return one tensor"):
        run_columns(networks, torch.randn(2, 4), ["a"], [], {})
