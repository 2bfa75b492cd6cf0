"""What every sharing promises, with every kind of encoder."""

import copy
import io
import pickle

import pytest
import torch
from torch import Tensor, nn

import plait.sharing
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.features import Features
from plait.core.lookup import names
from plait.core.outputs import TaskFeatures
from plait.core.structure import PerTask
from plait.sharing import Sharing
from tests.sharing.encoders import KINDS

METHODS = names(plait.sharing, Sharing)
TASKS = ("a", "b.c", "d%")
SERVED_BY_ALL = ("residual",)

pytestmark = [
    pytest.mark.parametrize("method", METHODS),
    pytest.mark.parametrize("kind", KINDS),
]


def new(
    method: str,
    kind: str,
    tasks: tuple[str, ...] = TASKS,
    seed: int = 0,
    encoder: nn.Module | None = None,
) -> Sharing:
    sharing: Sharing = getattr(plait.sharing, method)(encoder or KINDS[kind].build())
    with torch.random.fork_rng():
        example = KINDS[kind].inputs(2)
    try:
        sharing.setup(tasks, example, seed)
    except UnsupportedError as error:  # has nothing to choose from in such an encoder
        assert kind not in SERVED_BY_ALL
        assert " Give an encoder" in str(error)
        pytest.skip(str(error))
    return sharing


def same(one: Features, two: Features) -> bool:
    return len(one.levels) == len(two.levels) and all(map(torch.equal, one.levels, two.levels))


def test_the_features_have_the_shapes_that_it_says(method: str, kind: str) -> None:
    sharing = new(method, kind).eval()
    features = sharing(KINDS[kind].inputs(3))
    assert tuple(features) == TASKS
    assert tuple(sharing.shapes) == TASKS
    for task in TASKS:
        shape = sharing.shapes[task]
        assert tuple(tuple(level.shape) for level in features[task].levels) == tuple(
            (3, *level) for level in shape.levels
        )
        assert features[task].channel_dim == shape.channel_dim
        assert features[task].levels[-1].shape[shape.channel_dim] == shape.channels()


@pytest.mark.parametrize("batch", [1, 4])
def test_runs_in_training_and_in_evaluation(method: str, kind: str, batch: int) -> None:
    sharing = new(method, kind)
    for training in (True, False):
        sharing.train(training)
        for features in sharing(KINDS[kind].inputs(batch)).values():
            assert features.levels[-1].shape[0] == batch
            assert features.levels[-1].isfinite().all()


def test_gives_the_wanted_tasks_alone(method: str, kind: str) -> None:
    sharing = new(method, kind).eval()
    inputs = KINDS[kind].inputs(3)
    whole = sharing(inputs)
    for wanted in ((), ("b.c",), ("d%", "a"), {"a": 1, "b.c": 2}):
        part = sharing(inputs, tasks=wanted)
        assert list(part) == [task for task in TASKS if task in wanted]
        assert all(same(part[task], whole[task]) for task in part)


def test_inputs_of_each_task_are_those_of_the_task_run_alone(method: str, kind: str) -> None:
    sharing = new(method, kind).eval()
    inputs = PerTask({task: KINDS[kind].inputs(2 + i) for i, task in enumerate(TASKS)})
    together = sharing(inputs)
    for task in TASKS:
        assert same(together[task], sharing(inputs[task], tasks=[task])[task])
    two = PerTask({task: inputs[task] for task in TASKS[:2]})
    assert same(sharing(two, tasks=TASKS[:2])["a"], together["a"])
    with pytest.raises(ConfigError, match=r"unknown input of task 'd%'"):
        sharing(two)


def test_an_unknown_task_is_refused(method: str, kind: str) -> None:
    sharing = new(method, kind)
    with pytest.raises(ConfigError, match=r"unknown task 'b\.d'; known: .*Did you mean 'b\.c'"):
        sharing(KINDS[kind].inputs(2), tasks=["a", "b.d"])


def test_needs_its_tasks_first(method: str, kind: str) -> None:
    sharing: Sharing = getattr(plait.sharing, method)(KINDS[kind].build())
    with pytest.raises(ConfigError, match="has no tasks yet; call `setup`"):
        sharing(KINDS[kind].inputs(2))


def test_one_task_is_enough(method: str, kind: str) -> None:
    sharing = new(method, kind, ("only",))
    assert list(sharing(KINDS[kind].inputs(2))) == ["only"]


def test_every_task_has_something_to_learn(method: str, kind: str) -> None:
    sharing = new(method, kind)
    for task, features in sharing(KINDS[kind].inputs(3)).items():
        sharing.zero_grad()
        features.levels[-1].square().sum().backward(retain_graph=True)
        assert any(p.grad is not None and p.grad.any() for p in sharing.parameters()), task


def test_building_draws_nothing_from_the_global_generator(method: str, kind: str) -> None:
    encoder = KINDS[kind].build()
    before = copy.deepcopy(encoder.state_dict())
    state = torch.random.get_rng_state()
    new(method, kind, seed=3, encoder=encoder)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(value, before[key]) for key, value in encoder.state_dict().items())
    assert encoder.training


def test_one_seed_gives_one_start(method: str, kind: str) -> None:
    encoder = KINDS[kind].build()
    made = [new(method, kind, seed=1, encoder=copy.deepcopy(encoder)) for _ in range(2)]
    states = [sharing.state_dict() for sharing in made]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_the_state_comes_back(method: str, kind: str) -> None:
    one, two = new(method, kind).eval(), new(method, kind).eval()
    with torch.no_grad():
        for position, parameter in enumerate(one.parameters()):
            parameter.add_(0.1 * position)
    file = io.BytesIO()
    torch.save(one.state_dict(), file)
    file.seek(0)
    two.load_state_dict(torch.load(file, weights_only=True))
    inputs = KINDS[kind].inputs(3)
    assert all(same(two(inputs)[task], features) for task, features in one(inputs).items())


@pytest.mark.parametrize("pickled", [True, False])
def test_a_copy_is_the_same_and_its_own(method: str, kind: str, pickled: bool) -> None:
    sharing = new(method, kind).eval()
    twin = pickle.loads(pickle.dumps(sharing)) if pickled else copy.deepcopy(sharing)
    inputs = KINDS[kind].inputs(3)
    before = sharing(inputs)
    assert all(same(twin(inputs)[task], before[task]) for task in TASKS)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1.0)
    assert all(same(sharing(inputs)[task], before[task]) for task in TASKS)
    assert not any(same(twin(inputs)[task], before[task]) for task in TASKS)


def test_terms_are_finite_numbers_with_a_graph(method: str, kind: str) -> None:
    sharing = new(method, kind)
    found = sharing(KINDS[kind].inputs(3))
    assert isinstance(found, TaskFeatures)
    for name, term in found.terms.items():
        assert name.startswith(f"{method}: ")
        for each in term:
            assert each.shape == ()
            assert each.isfinite()
        assert term.scaled.requires_grad, name


def test_what_is_logged_are_finite_tables_without_a_graph(method: str, kind: str) -> None:
    sharing = new(method, kind)
    for training in (True, False):
        sharing.train(training)
        tables = {**sharing(KINDS[kind].inputs(3)).watched, **sharing.watched()}
        for title, table in tables.items():
            assert title.startswith(f"{method}: ")
            for row in table.rows.values():
                assert row.shape == ((len(table.columns),) if table.columns else ())
                assert not row.requires_grad
                assert row.isfinite().all()
                if table.shares:
                    torch.testing.assert_close(row.sum(), torch.ones(()))


def test_follows_a_change_of_dtype(method: str, kind: str) -> None:
    sharing, inputs = new(method, kind).double(), KINDS[kind].inputs(2)
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    assert all(f.levels[-1].dtype == torch.float64 for f in sharing(inputs).values())


def test_gives_a_network_for_each_task_or_says_why_not(method: str, kind: str) -> None:
    sharing = new(method, kind)
    try:
        networks = sharing.networks()
    except UnsupportedError as error:
        assert "Use sharing.Separate" in str(error)
        return
    assert tuple(networks) == TASKS
    places = [{id(p) for p in network.parameters()} for network in networks.values()]
    assert sum(map(len, places)) == len(set().union(*places))


def test_describes_its_encoders_by_one_of_them(method: str, kind: str) -> None:
    prototype = new(method, kind).prototype()
    assert isinstance(prototype, nn.Module)
    assert type(prototype) is type(KINDS[kind].build())
    values: list[Tensor] = list(prototype.parameters())
    assert [p.shape for p in values] == [p.shape for p in KINDS[kind].build().parameters()]
