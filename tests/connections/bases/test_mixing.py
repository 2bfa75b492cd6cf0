"""What CrossStitch, Sluice and NDDR have in common: where they act, and between whom."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from plait.connections import NDDR, CrossStitch, Lateral, Progressive, Sluice
from plait.connections.bases.mixing import Mixing, start
from plait.core import PerTask
from plait.core.errors import ConfigError, ShapeError
from plait.encoders import as_staged
from tests.connections.columns import KINDS, TASKS, counted, mlp, model_of, own_state, train

MIXING: tuple[type[Mixing], ...] = (CrossStitch, Sluice, NDDR)
every = pytest.mark.parametrize("method", MIXING)


def other(width: int = 6, wide: int = 6) -> nn.Module:
    return nn.Sequential(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, wide), nn.ReLU())


@every
def test_edges_say_who_reads_whom(method: type[Mixing]) -> None:
    """d% reads a and nobody reads d%; the others stay as they are, to the last bit."""
    unit = method(edges=[["a", "d%"]], lr_scale=1.0)
    model = model_of(unit)
    assert unit.mixing_tasks() == ["d%"]
    assert unit.sources("d%") == ("a", "d%")
    inputs = KINDS["mlp"].inputs(5)
    alone = {task: model_of(tasks=[task]) for task in TASKS}
    outputs = model(inputs)
    for task in TASKS:
        same = torch.equal(outputs[task], alone[task](inputs)[task])
        assert same == (task != "d%")
    roles = model.roles()
    assert all(roles.values())
    assert {task for name, own in roles.items() if "connections" in name for task in own} == {"d%"}


@every
def test_a_task_that_reads_no_other_trains_as_alone(method: type[Mixing]) -> None:
    inputs = KINDS["mlp"].inputs(6)
    model = model_of(method(edges=[["b.c", "d%"], ["d%", "b.c"]], lr_scale=1.0))
    train(model, inputs)
    single = model_of(tasks=["a"])
    train(single, inputs)
    beside = own_state(model, "a")
    assert all(torch.equal(value, beside[key]) for key, value in own_state(single, "a").items())


@every
@pytest.mark.parametrize("edges", [None, []])
def test_without_others_there_is_no_unit(method: type[Mixing], edges: Any) -> None:
    unit = method(edges=edges)
    model = model_of(unit, tasks=["only"] if edges is None else TASKS)
    assert not list(unit.parameters())
    assert unit.watched() == {}
    inputs = KINDS["mlp"].inputs(3)
    for task in model.tasks:
        assert torch.equal(model(inputs)[task], model_of(tasks=[task])(inputs)[task])


@every
def test_the_stages_can_be_named(method: type[Mixing]) -> None:
    unit = method(after=[2, 0])
    model = model_of(unit)
    assert unit.stages == (0, 2)
    assert unit.after == [2, 0]
    assert all(model.roles().values())


@every
@pytest.mark.parametrize("after", [[4], [-1], [1, 1], [], ["1"], [0.5]])
def test_stages_that_are_not_there_are_refused(method: type[Mixing], after: Any) -> None:
    with pytest.raises(ConfigError, match=r"`after` of \w+ must (name stages within|be a list)"):
        model_of(method(after=after))


@every
@pytest.mark.parametrize("lr_scale", [0.0, -1.0, float("nan")])
def test_a_learning_rate_is_above_zero(method: type[Mixing], lr_scale: float) -> None:
    with pytest.raises(ConfigError, match="`lr_scale` must be above 0"):
        method(lr_scale=lr_scale)


@every
def test_outputs_of_other_shapes_are_refused(method: type[Mixing]) -> None:
    encoders = {"a": mlp(), "b": other(5)}
    message = (
        r"outputs of stage 1, .* found \[6\] of task '[ab]' .* and \[5\] of '[ab]'|\[5\].*\[6\]"
    )
    with pytest.raises(ShapeError, match=message):
        model_of(method(), tasks="ab", encoder=encoders)
    model_of(method(after=[3]), tasks="ab", encoder=encoders)


@every
def test_tasks_that_do_not_mix_may_have_any_shape(method: type[Mixing]) -> None:
    encoders = {"a": mlp(), "b": other(5, 3), "c": mlp()}
    model = model_of(method(edges=[["a", "c"], ["c", "a"]]), tasks="abc", encoder=encoders)
    outputs = model(KINDS["mlp"].inputs(2))
    assert outputs.features["b"].levels[-1].shape == (2, 3)


@every
def test_other_numbers_of_stages_are_refused(method: type[Mixing]) -> None:
    encoders = {"a": mlp(), "b": as_staged(mlp(), cuts=[2])}
    with pytest.raises(ShapeError, match=r"equal numbers of stages; found \{'a': 4, 'b': 2\}"):
        model_of(method(), tasks="ab", encoder=encoders)
    joint = {task: as_staged(mlp(), cuts=[2]) for task in "ab"}
    model_of(method(), tasks="ab", encoder=joint)


@every
def test_other_axes_of_the_channels_are_refused(method: type[Mixing]) -> None:
    first, second = (nn.Linear(4, 4) for _ in "ab")
    first.channel_dim, second.channel_dim = 1, -1
    with pytest.raises(ShapeError, match=r"axis 1\) and \[3, 4\] of 'b' \(axis -1\)"):
        model_of(
            method(), tasks="ab", encoder={"a": first, "b": second}, example=torch.zeros(2, 3, 4)
        )


@every
def test_inputs_that_differ_by_task_run_all_networks_on_each(method: type[Mixing]) -> None:
    x = {task: KINDS["mlp"].inputs(2 + i) for i, task in enumerate(TASKS)}
    model = model_of(method(), example=PerTask(x)).eval()
    together = model(PerTask(x))
    for task in TASKS:
        assert torch.equal(together[task], model(x[task], tasks=[task])[task])
        assert torch.equal(together[task], model(x[task])[task])


@every
def test_tasks_may_have_images_of_other_sizes(method: type[Mixing]) -> None:
    """On each input all values have one grid."""
    x = PerTask({"a": torch.randn(2, 2, 8, 8), "b": torch.randn(3, 2, 12, 16)})
    options = {"layer_mixing": False} if method is Sluice else {}
    model = model_of(method(**options), tasks="ab", kind="conv", example=x)
    assert {t: tuple(f.levels[-1].shape) for t, f in model(x).features.items()} == {
        "a": (2, 4, 2, 2),
        "b": (3, 4, 3, 4),
    }


def test_only_what_a_wanted_task_needs_is_run() -> None:
    model = model_of(CrossStitch(after=[1]))
    with counted(model.sharing.networks()) as ran:
        model(KINDS["mlp"].inputs(2), tasks=["b.c"])
    assert ran == {"a": [0, 1], "b.c": [0, 1, 2, 3], "d%": [0, 1]}
    with counted(model.sharing.networks()) as ran:
        model(KINDS["mlp"].inputs(2))
    assert ran == {task: [0, 1, 2, 3] for task in TASKS}


def test_what_is_read_through_another_task_is_run() -> None:
    """a reads b.c after the last stage, and b.c reads d% after the first block."""
    model = model_of(
        CrossStitch(edges=[["d%", "b.c"]], after=[1]), CrossStitch(edges=[["b.c", "a"]], after=[3])
    )
    with counted(model.sharing.networks()) as ran:
        found = model(KINDS["mlp"].inputs(2), tasks=["a"])
    assert ran == {"a": [0, 1, 2, 3], "b.c": [0, 1, 2, 3], "d%": [0, 1]}
    assert list(found) == ["a"]


@every
def test_a_network_of_one_stage_is_mixed_once_at_its_end(method: type[Mixing]) -> None:
    unit = method()
    model = model_of(unit, encoder=nn.Linear(4, 6))
    assert unit.stages == (0,)
    assert all(model.roles().values())


@pytest.mark.parametrize(
    ("init", "number", "expected"),
    [
        ("identity", 1, (1, 0)),
        (0.9, 2, (0.9, 0.1)),
        (0.9, 5, (0.9, 0.025)),
        ("balanced", 2, (0.5,) * 2),
    ],
)
def test_a_start_sums_to_one(init: Any, number: int, expected: tuple[float, float]) -> None:
    own, rest = start(init, number)
    assert (own, rest) == pytest.approx(expected)
    if number > 1:
        assert own + (number - 1) * rest == pytest.approx(1)


@pytest.mark.parametrize("method", [*MIXING, Lateral, partial(Progressive, adapter=2)])
def test_connected_networks_compile_as_one_graph(method: Any) -> None:
    unit = method()
    model = model_of(unit, tasks="ab").eval()

    def run(x: torch.Tensor) -> list[torch.Tensor]:
        return [f.levels[-1] for f in model.sharing.connected(x, None, [unit], {}).values()]

    torch.compiler.reset()
    x = KINDS["mlp"].inputs(2)
    fast = torch.compile(run, backend="eager", fullgraph=True)
    assert all(map(torch.equal, fast(x), run(x)))
