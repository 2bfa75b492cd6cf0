"""Each parameter is in one row, however they are grouped."""

from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from plait.experiments.explanation import by_module, by_tasks


def network(heads: int = 2) -> nn.Module:
    trunk = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1)))
    made = nn.ModuleDict({f"t{i}": nn.Linear(1, 1) for i in range(heads)})
    return nn.ModuleDict({"trunk": trunk, "heads": made})


NAMES = [name for name, _ in network().named_parameters()]
ROLES = st.fixed_dictionaries({n: st.sets(st.sampled_from("ab")).map(sorted) for n in NAMES})


@given(tasks=ROLES, depth=st.integers(1, 5), frozen=st.sets(st.sampled_from(NAMES)))
def test_every_parameter_counts_once_with_its_tasks(
    tasks: dict[str, list[str]], depth: int, frozen: set[str]
) -> None:
    model = network()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)
    rows = by_module(model, tasks, depth)
    for name, parameter in model.named_parameters():
        over = [row for row in rows if name == row.module or name.startswith(f"{row.module}.")]
        row = max(over, key=lambda each: len(each.module))
        assert row.tasks == tasks[name]
        assert row.frozen == (name in frozen)
        if row.shape:
            assert row.shape == list(parameter.shape)
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in model.parameters())
    totals = by_tasks(model, tasks)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert sum(each.parameters for each in totals) == trained
    assert len({tuple(each.tasks) for each in totals}) == len(totals)


def test_modules_are_told_apart_down_to_the_depth() -> None:
    tasks = {name: ["a", "b"] for name in NAMES}

    def modules(depth: int) -> list[str]:
        return [row.module for row in by_module(network(), tasks, depth)]

    assert modules(1) == ["trunk", "heads"]
    assert modules(2) == ["trunk.0", "trunk.1", "heads.t0", "heads.t1"]
    assert modules(3)[:4] == ["trunk.0.weight", "trunk.0.bias", "trunk.1.0", "trunk.1.1"]


def test_many_heads_are_one_row() -> None:
    model = network(heads=7)
    tasks = {
        name: ["all"] * ("trunk" in name) or [name.split(".")[1]]
        for name, _ in model.named_parameters()
    }
    *_, last = by_module(model, tasks)
    assert (last.module, last.parameters, last.each) == ("heads.*", 14, True)
    assert last.tasks == [f"t{i}" for i in range(7)]
    tasks["heads.t0.bias"] = ["t0", "t1"]  # one that is not alike
    assert len(by_module(model, tasks)) == 2 + 2 + 6
