"""A tree of modules, and the search for it."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.balancing import Equal
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.structure import PerTask
from plait.encoders import ConvEncoder
from plait.model import MultiTaskModel
from plait.networks import blocks_of, encode, run_all
from plait.sharing import LearningToBranch
from plait.sharing.search.routes import Block, Routes
from plait.tasks import Classification, Regression
from plait.training import parameter_groups
from tests.networks.progress import set_progress

TASKS = ("a", "b.c", "d")
ROUTES = [[0, 0, 1], [2, 0, 0], [0, 1, 1]]  # of three blocks and three tasks


def net() -> nn.Sequential:
    """Three blocks with statistics of their own."""
    return nn.Sequential(
        nn.Sequential(nn.Linear(5, 4, bias=False), nn.BatchNorm1d(4), nn.Tanh()),
        nn.Sequential(nn.Linear(4, 4, bias=False), nn.BatchNorm1d(4), nn.Tanh()),
        nn.Linear(4, 3),
    )


def new(
    tasks: tuple[str, ...] = TASKS, encoder: nn.Module | None = None, **options: Any
) -> LearningToBranch:
    sharing = LearningToBranch(encoder or net(), **options)
    sharing.setup(tasks, torch.zeros(2, 5))
    return sharing


def searching(progress: float = 0.5, **options: Any) -> LearningToBranch:
    sharing = new(**options)
    set_progress(sharing, progress)
    return sharing


def block(sharing: LearningToBranch, level: int, index: int) -> Block:
    found = sharing.blocks[level].get_submodule(str(index))
    assert isinstance(found, Block)
    return found


def along(sharing: LearningToBranch, path: list[int], x: Tensor) -> list[Tensor]:
    """What a chain of modules gives at each level."""
    levels = []
    for level, index in enumerate(path):
        x = block(sharing, level, index)(x, None)
        levels.append(x)
    return levels


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def routes_of(sharing: LearningToBranch) -> list[Routes]:
    return [choice for choice in sharing.choices if isinstance(choice, Routes)]


def set_routes(sharing: LearningToBranch, routes: list[list[int]], logit: float = 4.0) -> None:
    for choice, row in zip(routes_of(sharing), routes, strict=False):
        for reader, read in zip(choice.readers, row, strict=True):
            with torch.no_grad():
                choice.logits[reader].zero_()[read] = logit


def drawn(sharing: LearningToBranch) -> list[Tensor]:
    """The weights that the next pass in training will draw; the generator is put back."""
    state = torch.random.get_rng_state()
    search, (start, end) = sharing.search, (sharing.temperature, sharing.final_temperature)
    temperature = start / (1 + search.share() * ((start / end) ** 2 - 1)) ** 0.5
    weights = [
        torch.stack(choice(temperature, search.begun)).detach() for choice in routes_of(sharing)
    ]
    torch.random.set_rng_state(state)
    return weights


# --- given routes -----------------------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False])
def test_routes_are_the_tree_that_they_describe(training: bool) -> None:
    sharing = new(routes=ROUTES).train(training)
    # d reads module 1 of the last level, that reads 0, and that reads 0
    paths = {"a": [1, 2, 0], "b.c": [0, 0, 1], "d": [0, 0, 1]}
    assert sharing.paths() == paths
    twin, x = copy.deepcopy(sharing), torch.randn(6, 5)
    features = sharing(x)
    for task in ("a", "b.c"):
        expected = along(twin, paths[task], x)
        assert all(map(torch.equal, features[task].levels, expected))
    assert all(map(torch.equal, features["d"].levels, features["b.c"].levels))
    left, right = sharing.state_dict(), twin.state_dict()  # each ran once: statistics agree
    assert all(torch.equal(left[key], right[key]) for key in left)


def test_only_modules_on_a_path_are_built() -> None:
    sharing = new(routes=ROUTES)
    built = [sorted(map(int, level._modules)) for level in sharing.blocks]
    assert built == [[0, 1], [0, 2], [0, 1]]
    sizes = [count(each) for each in net()]
    assert count(sharing) == 2 * sum(sizes)
    assert not sharing.choices


def test_one_path_is_hard_sharing_and_paths_apart_are_separate_networks() -> None:
    x = torch.randn(4, 5)
    hard = new(routes=[[0], [0], [0, 0, 0]])
    assert count(hard) == count(net())
    features = hard.eval()(x)
    assert all(torch.equal(features[task].levels[-1], features["a"].levels[-1]) for task in TASKS)
    apart = new(routes=[[0, 1, 2]] * 3)
    assert count(apart) == 3 * count(net())
    apart.zero_grad()
    apart(x)["a"].levels[-1].sum().backward()
    reached = {name for name, p in apart.named_parameters() if p.grad is not None}
    assert reached == {n for n, _ in apart.named_parameters() if n.split(".")[2] == "0"}


def test_clones_start_from_the_weights_of_the_encoder() -> None:
    encoder, x = net().eval(), torch.randn(4, 5)
    sharing = new(encoder=encoder, routes=ROUTES, copies="clone").eval()
    for features in sharing(x).values():
        assert all(map(torch.equal, features.levels, encode(encoder, x).levels))
    fresh = new(encoder=encoder, routes=ROUTES).eval()(x)
    assert not torch.equal(fresh["a"].levels[-1], fresh["d"].levels[-1])


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ([[0, 0, 0]], r"`routes` must have 3 lists, .*Take them from `searched\(\)`"),
        ([[0], [0], [0, 0]], r"the last list .* for each of the 3 tasks \(a, b.c, d\); found \[0"),
        ([[0], [1], [0, 0, 0]], r"`routes`\[1\] must name modules by numbers of 0..0, .*found 1"),
        ([[-1], [0], [0, 0, 0]], r"`routes`\[0\] must name .* whole and not negative, .*found -1"),
        ([[0.5], [0], [0, 0, 0]], r"`routes` of .*must be a list of lists"),
        (3, "`routes` .*must (have 3|be a list of) lists"),
    ],
)
def test_routes_that_fit_no_tree_are_refused(routes: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        new(routes=routes)


# --- the search -------------------------------------------------------------------------------


def test_the_number_of_parameters_of_a_search() -> None:
    own = count(net())
    assert count(new()) == 3 * own + 2 * 3 * 3
    assert count(new(branches=2)) == 2 * own + 2 * 2 * 2 + 3 * 2
    assert count(new(branches=1)) == own
    assert count(new(("only",))) == own


def test_modules_of_a_level_differ_and_start_from_seed_and_position() -> None:
    x = torch.randn(4, 5)
    sharing = new().eval()
    outputs = [block(sharing, 0, index)(x, None) for index in range(3)]
    assert not any(torch.equal(outputs[i], outputs[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    kept = new(routes=ROUTES).eval()
    assert torch.equal(block(kept, 0, 1)(x, None), outputs[1])


def test_the_warm_up_takes_the_mean_of_all_modules() -> None:
    sharing, x = searching(0.05), torch.randn(6, 5)
    twin = copy.deepcopy(sharing)
    features = sharing(x)
    hidden: Any = x
    for level in range(2):
        hidden = torch.stack([block(twin, level, i)(hidden, None) for i in range(3)]).mean(dim=0)
        torch.testing.assert_close(features["d"].levels[level], hidden)
    for index, task in enumerate(TASKS):
        expected = block(twin, 2, index)(hidden, None)
        torch.testing.assert_close(features[task].levels[2], expected)
    features["a"].levels[-1].square().sum().backward()
    # "a" reads all modules but the last ones of the others; nothing moves its routes yet
    gradients = [{key: p.grad for key, p in each.logits.items()} for each in routes_of(sharing)]
    assert [[key for key, g in each.items() if g is not None] for each in gradients] == [
        ["0", "1", "2"],
        ["0"],
    ]
    assert not any(g.any() for each in gradients for g in each.values() if g is not None)


@pytest.mark.parametrize("branches", [None, 2])
def test_training_mixes_by_the_sampled_weights(branches: int | None) -> None:
    sharing, x = searching(0.5, branches=branches), torch.randn(6, 5)
    twin, weights = copy.deepcopy(sharing), drawn(sharing)
    features = sharing(x)
    width = branches or 3
    tasks = weights[2] if branches else torch.eye(3)
    inputs, outputs = [x] * width, []
    for level in range(3):
        outputs.append(torch.stack([block(twin, level, i)(inputs[i], None) for i in range(width)]))
        if level < 2:
            inputs = list(torch.einsum("ij,jbc->ibc", weights[level], outputs[-1]))
    read = tasks
    for level in (2, 1, 0):
        expected = torch.einsum("tj,jbc->tbc", read, outputs[level])
        for position, task in enumerate(TASKS):
            torch.testing.assert_close(features[task].levels[level], expected[position])
        read = read @ weights[level - 1] if level else read


def test_the_temperature_falls_with_the_square_root_of_the_time() -> None:
    """In the form c / sqrt(epoch + 1) of 200 epochs, without warm-up."""
    sharing = new(warmup=0.0, temperature=10.0, final_temperature=10 / 200**0.5)
    for epoch in (0, 50, 199):
        set_progress(sharing, epoch / 199)
        torch.manual_seed(3)
        weights = sharing._rows()[0][0]
        torch.manual_seed(3)
        noise = -torch.empty(3).exponential_().log()
        expected = (noise / (10 / (epoch + 1) ** 0.5)).softmax(dim=-1)
        found = torch.stack([w for w in weights.values() if w is not None])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_training_draws_anew_in_each_step_and_evaluation_never() -> None:
    sharing, x = searching(), torch.randn(6, 5)
    one, two = sharing(x)["a"].levels[-1], sharing(x)["a"].levels[-1]
    assert not torch.equal(one, two)
    sharing.eval()
    state = torch.random.get_rng_state()
    one, two = sharing(x)["a"].levels[-1], sharing(x)["a"].levels[-1]
    assert torch.equal(one, two)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_resumed_search_goes_on_to_the_last_bit() -> None:
    def steps(sharing: LearningToBranch, optimizer: torch.optim.Optimizer, n: int) -> None:
        for _ in range(n):
            features = sharing(torch.randn(6, 5))
            optimizer.zero_grad()
            sum(f.levels[-1].square().sum() for f in features.values()).backward()
            optimizer.step()

    one = searching()
    optimizer = torch.optim.Adam(one.parameters(), lr=0.01)
    steps(one, optimizer, 2)
    saved, random = copy.deepcopy(one.state_dict()), torch.random.get_rng_state()
    inner = copy.deepcopy(optimizer.state_dict())
    steps(one, optimizer, 2)
    two = new()
    again = torch.optim.Adam(two.parameters(), lr=0.01)
    two.load_state_dict(saved)
    again.load_state_dict(inner)
    torch.random.set_rng_state(random)
    steps(two, again, 2)
    left, right = one.state_dict(), two.state_dict()
    assert all(torch.equal(left[key], right[key]) for key in left)


def test_evaluation_leaves_modules_alone_that_no_task_reads() -> None:
    sharing, x = searching(), torch.randn(6, 5)
    set_routes(sharing, ROUTES)
    passes: list[str] = []
    for level, blocks in enumerate(sharing.blocks):
        for index, each in blocks._modules.items():
            assert each is not None
            each.register_forward_hook(lambda *_, at=f"{level}.{index}": passes.append(at))
    sharing.eval()(x)
    # the tasks read their own modules of the last level: 0, 1, 2; these read 2, 0, 0
    assert sorted(passes) == ["0.0", "0.1", "1.0", "1.2", "2.0", "2.1", "2.2"]
    passes.clear()
    sharing(x, tasks=["b.c"])
    assert passes == ["0.0", "1.0", "2.1"]


def test_every_module_of_a_given_tree_is_trained() -> None:
    sharing = new(routes=ROUTES)
    loss = sum(f.levels[-1].square().sum() for f in sharing(torch.randn(6, 5)).values())
    assert isinstance(loss, Tensor)
    loss.backward()
    assert all(p.grad is not None for p in sharing.parameters())


def test_every_parameter_of_a_search_moves() -> None:
    sharing = searching(branches=2)
    loss = sum(f.levels[-1].square().sum() for f in sharing(torch.randn(6, 5)).values())
    assert isinstance(loss, Tensor)
    loss.backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in sharing.parameters())


def test_what_was_found_is_the_tree_of_evaluation() -> None:
    sharing, x = searching(1.0), torch.randn(6, 5)
    set_routes(sharing, ROUTES)
    found = sharing.searched()
    assert found == {"routes": [*ROUTES[:2], [0, 1, 2]]}
    again = new(**found).eval()
    weights = {key: sharing.state_dict()[key] for key in again.state_dict()}
    again.load_state_dict(weights)
    expected = sharing.eval()(x)
    assert again.paths() == sharing.paths()
    for task, features in again(x).items():
        assert all(map(torch.equal, features.levels, expected[task].levels))


def test_tasks_choose_among_branches() -> None:
    sharing = searching(1.0, branches=2)
    set_routes(sharing, [[0, 1], [1, 0], [0, 0, 1]])
    assert sharing.searched() == {"routes": [[0, 1], [1, 0], [0, 0, 1]]}
    assert sharing.paths() == {"a": [1, 1, 0], "b.c": [1, 1, 0], "d": [0, 0, 1]}
    features = sharing.eval()(torch.randn(4, 5))
    assert torch.equal(features["a"].levels[-1], features["b.c"].levels[-1])


def test_nothing_is_found_before_the_search_has_begun_or_without_one() -> None:
    sharing = new()
    assert sharing.searched() == {}
    set_progress(sharing, 0.05)
    assert sharing.searched() == {}
    set_progress(sharing, 0.1)
    assert sharing.searched() != {}
    assert new(routes=ROUTES).searched() == {}


def test_one_task_has_one_path() -> None:
    encoder, x = net(), torch.randn(4, 5)
    sharing = new(("only",), encoder=encoder, copies="clone")
    set_progress(sharing, 0.5)
    features = sharing(x)["only"]
    assert all(map(torch.equal, features.levels, encode(encoder, x).levels))
    assert sharing.searched() == {"routes": [[0], [0], [0]]}
    assert sharing.watched() == {}


def test_tasks_over_one_block_choose_among_its_copies() -> None:
    sharing = searching(1.0, encoder=nn.Linear(5, 3), branches=2)
    set_routes(sharing, [[1, 0, 1]])
    assert sharing.searched() == {"routes": [[1, 0, 1]]}
    x = torch.randn(4, 5)
    assert torch.equal(sharing.eval()(x)["d"].levels[0], block(sharing, 0, 1)(x, None))


def test_one_block_and_a_module_for_each_task_leave_nothing_to_search() -> None:
    with pytest.raises(UnsupportedError, match=r"Linear is one block.*Give an encoder with stages"):
        new(encoder=nn.Linear(5, 3))


def test_inputs_of_each_task_run_under_one_sample() -> None:
    sharing = searching()
    inputs = PerTask({task: torch.randn(4 + i, 5) for i, task in enumerate(TASKS)})
    twin, weights = copy.deepcopy(sharing), drawn(sharing)
    found = sharing(inputs)
    for position, task in enumerate(TASKS):
        made = torch.stack([block(twin, 0, i)(inputs[task], None) for i in range(3)])
        read = weights[1][position] @ weights[0]
        expected = torch.einsum("j,jbc->bc", read, made)
        torch.testing.assert_close(found[task].levels[0], expected)


def test_watches_the_probabilities_of_the_routes() -> None:
    sharing = searching(branches=2)
    set_routes(sharing, [[0, 1], [1, 0], [0, 0, 1]], logit=2.0)
    watched = sharing.watched()
    assert list(watched) == [f"LearningToBranch: {t}" for t in ("level 2", "level 3", "tasks")]
    table = watched["LearningToBranch: tasks"]
    assert table.columns == ("module 0", "module 1")
    assert list(table.rows) == list(TASKS)
    high = torch.tensor(2.0).sigmoid()
    torch.testing.assert_close(table.rows["d"], torch.stack([1 - high, high]))
    assert not table.shares  # a route that takes everything is no collapse
    levels = watched["LearningToBranch: level 2"].rows
    assert list(levels) == ["module 0", "module 1"]
    assert not any(values.requires_grad for values in levels.values())


def test_who_learns_what_a_module_or_a_task_reads() -> None:
    sharing = searching(branches=2)
    features = sharing(torch.randn(6, 5))
    features["b.c"].levels[-1].square().sum().backward()
    found = [
        [k for k, p in each.logits.items() if p.grad is not None] for each in routes_of(sharing)
    ]
    assert found == [["0", "1"], ["0", "1"], ["task:b%2Ec"]]


def test_routes_learn_faster_and_do_not_decay() -> None:
    model = MultiTaskModel(
        LearningToBranch(net()), [Regression("a"), Regression("b")], example=torch.zeros(2, 5)
    )
    groups = parameter_groups(model, Equal(), lr=0.1, weight_decay=0.01)
    routes = {id(p) for p in model.sharing.choices.parameters()}
    own = [group for group in groups if routes & set(map(id, group["params"]))]
    assert [(group["lr"], group["weight_decay"]) for group in own] == [(1.0, 0.0)]
    assert set(map(id, own[0]["params"])) == routes


def test_functions_may_be_stages() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(5, 4), nn.Linear(4, 3)

        @property
        def stages(self) -> list[Any]:
            return [self.one, torch.tanh, self.two]

    sharing = searching(encoder=Net())
    assert len(sharing.blocks) == 2
    x = torch.randn(2, 5)
    first = copy.deepcopy(sharing).eval()
    expected = block(first, 0, 0).parts[0](x).tanh()
    assert torch.equal(first(x)["a"].levels[0], expected)


def test_tied_weights_stay_tied_within_a_copy() -> None:
    layer = nn.Linear(4, 4)
    encoder = nn.Sequential(layer, nn.Sequential(nn.Tanh(), layer))
    assert len(blocks_of(encoder)) == 2
    sharing = LearningToBranch(encoder)
    sharing.setup(["a", "b"], torch.zeros(2, 4))
    assert count(sharing) == 2 * count(layer) + 4
    assert run_all(blocks_of(encoder)[0], torch.zeros(1, 4), None).shape == (1, 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"branches": 0}, "`branches` must be a whole number of at least 1; found 0"),
        ({"branches": 1.5}, "`branches` of LearningToBranch must be an integer or None; found 1.5"),
        ({"warmup": 1.0}, "`warmup` must be a share"),
        ({"temperature": 0.0}, "`temperature` must be above 0"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LearningToBranch(net(), **options)


def test_is_set_up_once() -> None:
    sharing = new()
    with pytest.raises(ConfigError, match="Make a new LearningToBranch"):
        sharing.setup(TASKS, torch.zeros(2, 5))


def test_is_compiled_and_saved_in_a_model(tmp_path: Any) -> None:
    tasks = [Classification("kind", classes=3), Regression("b.c")]
    images = torch.randn(4, 3, 8, 8)
    for options in ({}, {"routes": [[0, 0], [0, 1]]}):
        sharing = LearningToBranch(ConvEncoder(widths=(4, 6), norm=True), **options)
        model = MultiTaskModel(sharing, tasks, example=images)
        set_progress(model, 0.7)
        model.eval()
        expected = model(images)
        model.save_pretrained(tmp_path)
        again = MultiTaskModel.from_pretrained(tmp_path).eval()
        assert torch.equal(again(images)["b.c"], expected["b.c"])
        assert again.sharing.searched() == sharing.searched()
    compiled = torch.compile(sharing, backend="eager", fullgraph=True)
    found = compiled(images)["kind"].levels[-1]
    assert torch.equal(found, expected.features["kind"].levels[-1])
