"""Progressive networks; what they share with `Lateral` is in test_lateral."""

from typing import Any

import pytest
import torch
from torch import nn

from plait.connections import Lateral, Progressive
from plait.core.errors import ConfigError
from plait.core.keys import safe_key, unit_key
from tests.connections.columns import KINDS, TASKS, model_of


def drawn(unit: Progressive) -> None:
    for parameter in unit.parameters():
        nn.init.normal_(parameter)


def test_every_task_reads_all_earlier_ones() -> None:
    unit = Progressive()
    model_of(unit)
    assert unit.links == (("a", "b.c"), ("a", "d%"), ("b.c", "d%"))
    assert [unit.parents(task) for task in TASKS] == [(), ("a",), ("a", "b.c")]


def test_on_the_edges_of_a_chain_it_is_the_lateral() -> None:
    edges = [["a", "b.c"], ["b.c", "d%"]]
    one, two = Progressive(edges=edges, alpha=0.5), Lateral(alpha=0.5)
    first, second = model_of(one), model_of(two)
    drawn(one)
    two.load_state_dict(one.state_dict())
    x = KINDS["mlp"].inputs(3)
    for task in TASKS:
        assert torch.equal(first(x)[task], second(x)[task])


def test_the_adapter_by_hand() -> None:
    """U relu(V [a_1 alpha_1 h_1; a_2 alpha_2 h_2]) beside W h + b."""
    unit = Progressive(adapter=4, alpha={"a -> b.c": 1.0, "a -> d%": 0.5, "b.c -> d%": 2.0})
    model = model_of(unit).double()
    drawn(unit)
    x = KINDS["mlp"].inputs(3).double()
    nets, low, high = model.sharing.networks(), {}, {}
    gates = {"b.c": (1.0,), "d%": (0.5, 2.0)}
    found = model(x).features
    for position, task in enumerate(TASKS):
        low[task] = nets[task][0](x).tanh()
        body = nets[task][2](low[task])
        read = None
        for place, values in ((2, low), (4, high)):
            if position == 0:
                break
            adapter = unit.units[unit_key(place, task)]
            rows = [
                a * gate * values[source]
                for a, gate, source in zip(adapter.scales, gates[task], TASKS, strict=False)
            ]
            hidden = (torch.cat(rows, dim=1) @ adapter.down.linear.weight.T).relu()
            added = hidden @ adapter.up.linear.weight.T
            if place == 2:
                body = body + added
            read = added
        high[task] = body.relu()
        expected = high[task] if read is None else high[task] + read
        torch.testing.assert_close(found[task].levels[-1], expected)


def test_the_number_of_parameters() -> None:
    """6 x 6 maps for three edges at two places; or V, a and U for two tasks at two places."""
    plain, small = Progressive(), Progressive(adapter=2)
    model_of(plain)
    model_of(small)
    assert sum(p.numel() for p in plain.parameters()) == 3 * 2 * 36
    adapters = [2 * 6 * columns + columns + 6 * 2 for columns in (1, 2)]
    assert sum(p.numel() for p in small.parameters()) == 2 * sum(adapters)


def test_what_a_task_draws_does_not_depend_on_later_tasks() -> None:
    long, short = Progressive(adapter=2), Progressive(adapter=2)
    model_of(long)
    model_of(short, tasks=TASKS[:2])
    key = unit_key(2, "b.c")
    weight = short.units[key].down.linear.weight
    assert torch.equal(weight, long.units[key].down.linear.weight)
    assert weight.any() and not short.units[key].up.linear.weight.any()


def test_frozen_columns_stay_as_they_are() -> None:
    """The way of the paper: the later task trains, the earlier network does not move."""
    unit = Progressive(adapter=2)
    model = model_of(unit)
    model.sharing.networks()["a"].requires_grad_(False)
    x = KINDS["mlp"].inputs(6)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    for _ in range(2):
        optimizer.zero_grad()
        model(x, tasks=["b.c"])["b.c"].square().sum().backward()
        optimizer.step()
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert not [key for key in changed if safe_key("a") + "." in key]
    assert f"connections.0.units.{unit_key(2, 'b.c')}.up.linear.weight" in changed
    assert f"connections.0.units.{unit_key(2, 'b.c')}.down.linear.weight" in changed


@pytest.mark.parametrize("adapter", [0, -1, 2.5, "4"])
def test_the_width_of_an_adapter_is_a_number(adapter: Any) -> None:
    with pytest.raises(ConfigError, match=r"`adapter` .*must be (the width of its|an integer)"):
        Progressive(adapter=adapter)
