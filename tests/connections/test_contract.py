"""What every connection promises, whatever its method."""

import copy
import io
import json
import pickle
from pathlib import Path

import pytest
import torch

import plait.connections
from plait.connections import PenaltyConnection
from plait.core.errors import ConfigError
from plait.core.lookup import options_of
from plait.model import MultiTaskModel
from tests.connections.contract import (
    METHODS,
    TASKS,
    WITH_ALPHA,
    Run,
    inputs,
    model_of,
    new,
    own_state,
)

every = pytest.mark.parametrize("name", METHODS)
every_with_alpha = pytest.mark.parametrize("name", WITH_ALPHA)


def same(one: MultiTaskModel, two: MultiTaskModel) -> bool:
    x = inputs(3)
    first, second = one.eval()(x), two.eval()(x)
    return list(first) == list(second) and all(torch.equal(first[t], second[t]) for t in first)


def test_the_registry_is_not_empty() -> None:
    assert METHODS
    assert set(WITH_ALPHA) <= set(METHODS) <= set(plait.connections.__all__)


@every
def test_its_options_are_plain_values_under_their_names(name: str) -> None:
    options = options_of(new(name))
    assert json.loads(json.dumps(options)) == options
    assert options["edges"] is None


@every
def test_lowers_the_losses(name: str) -> None:
    run = Run(new(name))
    before, _ = run.objective()
    for number in range(20):
        run.step(number, 20)
    after, penalty = run.objective()
    assert sum(after.values()) < 0.9 * sum(before.values())
    assert all(value.isfinite() for value in penalty.values())


@every
def test_every_parameter_of_it_learns(name: str) -> None:
    """What neither a loss nor a term reaches would be allocated for nothing."""
    run = Run(new(name))
    losses, penalty = run.objective()
    torch.stack([value.sum() for value in (*losses.values(), *penalty.values())]).sum().backward()
    dead = [key for key, p in run.model.connections.named_parameters() if p.grad is None]
    assert not dead


@every
def test_an_unknown_task_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"edge a -> b\.d: unknown task 'b\.d'; .*mean 'b\.c'"):
        model_of(new(name, edges=[["a", "b.d"]]))


@every
def test_a_cycle_is_refused_unless_it_is_symmetric(name: str) -> None:
    connection = new(name, edges=[["a", "b.c"], ["b.c", "d%"], ["d%", "a"]])
    if connection.symmetric:
        assert list(model_of(connection)(inputs(2))) == list(TASKS)
        return
    with pytest.raises(ConfigError, match="the edges form a cycle"):
        model_of(connection)


@every_with_alpha
def test_with_alpha_zero_the_networks_train_as_alone(name: str) -> None:
    joint = Run(new(name, alpha=0))
    assert not list(joint.model.connections.parameters())
    for number in range(3):
        joint.step(number, 3)
    assert joint.objective()[1] == {}
    for task in TASKS:
        alone = Run(tasks=[task])
        for number in range(3):
            alone.step(number, 3)
        beside = own_state(joint.model, task)
        assert own_state(alone.model, task).keys() == beside.keys()
        for key, value in own_state(alone.model, task).items():
            assert torch.equal(value, beside[key]), key


@every_with_alpha
def test_a_learned_alpha_learns(name: str) -> None:
    run = Run(new(name, alpha={"learned": 0.5}))
    (title,) = (t for t in run.model.watched() if t.endswith(": alpha"))
    for number in range(4):
        run.step(number, 4)
    rows = run.model.watched()[title].plain()
    assert all(value != pytest.approx(0.5, abs=1e-6) for value in rows.values())


@every
def test_one_task_is_its_network_alone(name: str) -> None:
    assert same(model_of(new(name), tasks=["b.c"]), model_of(tasks=["b.c"]))


@every
def test_edges_may_be_none(name: str) -> None:
    connection = new(name, edges=[])
    assert same(model_of(connection), model_of())
    assert not list(connection.parameters())


@every
@pytest.mark.parametrize("training", [True, False])
def test_one_example_is_enough(name: str, training: bool) -> None:
    model = model_of(new(name)).train(training)
    outputs = model(inputs(1))
    assert all(y.shape == (1, 1) and y.isfinite().all() for y in outputs.values())
    assert all(value.isfinite() for value in model.penalty([outputs]).values())


@every
def test_gives_the_wanted_tasks_alone(name: str) -> None:
    model = model_of(new(name)).eval()
    x = inputs(3)
    whole = model(x)
    for wanted in (["d%"], ["a"], ["b.c", "a"], []):
        part = model(x, tasks=wanted)
        assert list(part) == [task for task in TASKS if task in wanted]
        assert all(torch.equal(part[task], whole[task]) for task in part)


@every
def test_building_draws_nothing_from_the_global_generator(name: str) -> None:
    model_of()
    state = torch.random.get_rng_state()  # after the networks themselves
    model_of(new(name))
    assert torch.equal(state, torch.random.get_rng_state())


@every
def test_one_seed_gives_one_start(name: str) -> None:
    one, two = (model_of(new(name)).state_dict() for _ in "ab")
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)
    plain = model_of().state_dict()
    networks = {key for key in plain if key.startswith("sharing.")}
    assert all(torch.equal(plain[key], one[key]) for key in networks)


@every
def test_resumes_exactly_in_the_middle_of_a_run(name: str) -> None:
    whole, first, second = Run(new(name)), Run(new(name)), Run(new(name))
    for number in range(6):
        whole.step(number, 6)
    for number in range(3):
        first.step(number, 6)
    file = io.BytesIO()
    torch.save([first.model.state_dict(), first.optimizer.state_dict()], file)
    file.seek(0)
    model, optimizer = torch.load(file, weights_only=True)
    second.model.load_state_dict(model)
    second.optimizer.load_state_dict(optimizer)
    for number in range(3, 6):
        second.step(number, 6)
    one, two = whole.model.state_dict(), second.model.state_dict()
    assert all(torch.equal(one[key], two[key]) for key in one)


@every
def test_a_saved_model_is_the_same(name: str, tmp_path: Path) -> None:
    edges = [["a", "b.c"], ["a", "d%"]]
    run = Run(new(name, edges=edges))
    run.step()
    run.model.save_pretrained(tmp_path)
    encoder = copy.deepcopy(run.model.sharing.prototype())
    twin = MultiTaskModel.from_pretrained(tmp_path, encoder=encoder)
    assert [type(each) for each in twin.connections] == [type(new(name))]
    assert options_of(twin.connections[0]) == options_of(run.model.connections[0])
    assert same(run.model, twin)


@every
@pytest.mark.parametrize("pickled", [True, False])
def test_a_copy_is_the_same_and_its_own(name: str, pickled: bool) -> None:
    run = Run(new(name))
    run.step()
    model = run.model
    twin = pickle.loads(pickle.dumps(model)) if pickled else copy.deepcopy(model)
    assert same(model, twin)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    terms = model.penalty([model(inputs(3))])
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(0.5)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    again = model.penalty([model(inputs(3))])
    assert all(torch.equal(again[key], value) for key, value in terms.items())
    assert not same(model, twin)


@every
def test_follows_a_change_of_dtype(name: str) -> None:
    model = model_of(new(name)).double()
    outputs = model(inputs(3).double())
    assert all(y.dtype == torch.float64 for y in outputs.values())
    assert all(value.dtype == torch.float64 for value in model.penalty([outputs]).values())


@every
def test_what_it_says_of_itself_carries_its_name(name: str) -> None:
    run = Run(new(name))
    run.step()
    outputs = [run.model(part.inputs) for part in run.batch.parts]
    for title, watched in run.model.watched(outputs).items():
        assert title.startswith(f"{name}: ")
        assert watched.plain()
        assert not any(values.requires_grad for values in watched.rows.values())
    penalty = run.model.penalty(outputs)
    assert all(title.startswith(name) for title in penalty)
    assert (len(penalty) == 2) == isinstance(new(name), PenaltyConnection)


@every
def test_is_set_up_without_changing_what_it_was_given(name: str) -> None:
    edges = [["a", "b.c"]]
    connection = new(name, edges=edges)
    model_of(connection)
    assert edges == [["a", "b.c"]]
    assert options_of(connection)["edges"] == edges
