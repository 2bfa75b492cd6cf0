"""Which blocks of one trunk each task runs."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.balancing import Equal
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.keys import safe_key
from plait.core.structure import PerTask
from plait.encoders import ResidualEncoder
from plait.model import MultiTaskModel
from plait.networks import encode
from plait.sharing import AdaShare, Hard
from plait.tasks import Classification, Regression
from plait.training import parameter_groups
from tests.networks.progress import set_progress
from tests.sharing.encoders import Block, mlp

TASKS = ("a", "b.c", "d")
POLICY = [[1, 0, 1], [1, 0, 0], [0, 0, 1]]


def net() -> nn.Sequential:
    """Three residual blocks, one of them with a projection, and what is no block."""
    return nn.Sequential(
        nn.Sequential(nn.Linear(5, 4, bias=False), nn.BatchNorm1d(4), nn.ReLU()),
        nn.Sequential(Block(4, 4), nn.BatchNorm1d(4), Block(4, 6)),
        Block(6, 6),
    )


def new(
    tasks: tuple[str, ...] = TASKS, encoder: nn.Module | None = None, **options: Any
) -> AdaShare:
    sharing = AdaShare(encoder or net(), **options)
    sharing.setup(tasks, torch.zeros(2, 5))
    return sharing


def searching(progress: float = 1.0, **options: Any) -> AdaShare:
    sharing = new(**options)
    set_progress(sharing, progress)
    return sharing


def set_logits(sharing: AdaShare, logits: Tensor) -> None:
    assert sharing.policies is not None
    with torch.no_grad():
        for task, own in zip(sharing.tasks, logits, strict=True):
            sharing.policies.logits[safe_key(task)].copy_(own)


def hard(policy: list[list[int]], logit: float = 3.0) -> Tensor:
    """Logits whose more probable choices are a policy."""
    select = torch.tensor(policy, dtype=torch.float32)
    return logit * torch.stack([select, 1 - select], dim=-1)


def slow(encoder: nn.Sequential, weights: Any, x: Tensor) -> list[Tensor]:
    """One task's levels, block by block."""
    first, middle, last = encoder
    levels = [first(x)]
    one, norm, two = middle

    def mixed(block: nn.Module, u: Any, h: Tensor) -> Tensor:
        shortcut = block.shortcut
        return u * block(h) + (1 - u) * (h if shortcut is None else shortcut(h))

    levels.append(mixed(two, weights[1], norm(mixed(one, weights[0], levels[0]))))
    levels.append(mixed(last, weights[2], levels[1]))
    return levels


# --- given policies ---------------------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False])
def test_all_blocks_selected_is_hard_sharing(training: bool) -> None:
    encoder, x = net(), torch.randn(6, 5)
    other = Hard(copy.deepcopy(encoder))
    other.setup(TASKS, x)
    sharing = new(encoder=encoder, policy=[[1, 1, 1]] * 3).train(training)
    expected = other.train(training)(x)
    for task, features in sharing(x).items():
        assert all(map(torch.equal, features.levels, expected[task].levels))
    one, two = encoder.state_dict(), other.encoder.state_dict()  # one pass: statistics agree
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_all_blocks_skipped_is_the_path_of_the_shortcuts() -> None:
    encoder, x = net().eval(), torch.randn(6, 5)
    sharing = new(encoder=encoder, policy=[[0, 0, 0]] * 3).eval()
    first, middle, _ = encoder
    expected = middle[2].shortcut(middle[1](first(x)))
    for features in sharing(x).values():
        assert torch.equal(features.levels[-1], expected)


def test_a_policy_between_mixes_block_and_shortcut() -> None:
    encoder, x = net().eval(), torch.randn(6, 5)
    policy = [[0.3, 1, 0], [0.0, 0.5, 0.25], [1, 1, 1]]
    features = new(encoder=encoder, policy=policy).eval()(x)
    for task, weights in zip(TASKS, policy, strict=True):
        for found, expected in zip(features[task].levels, slow(encoder, weights, x), strict=True):
            torch.testing.assert_close(found, expected)


def test_tasks_run_together_as_long_as_they_decide_alike() -> None:
    encoder = net()
    passes: dict[str, int] = {}
    for name, module in encoder.named_modules():
        if name in ("0", "1.0", "1.1", "1.2", "2"):
            module.register_forward_hook(
                lambda *_, name=name: passes.update({name: passes.get(name, 0) + 1})
            )
    sharing = new(encoder=encoder, policy=POLICY)
    passes.clear()
    sharing(torch.randn(6, 5))
    # a and b.c stay together until the last block, that b.c skips; no task runs block 1.2
    assert passes == {"0": 1, "1.0": 1, "1.1": 2, "2": 2}
    passes.clear()
    sharing(torch.randn(6, 5), tasks=["b.c"])
    assert passes == {"0": 1, "1.0": 1, "1.1": 1}


def test_what_no_task_runs_is_frozen_but_for_its_shortcut() -> None:
    encoder = net()
    sharing = new(encoder=encoder, policy=POLICY)
    frozen = {name for name, p in encoder.named_parameters() if not p.requires_grad}
    assert frozen == {name for name, _ in encoder.named_parameters() if name.startswith("1.2.body")}
    loss = sum(f.levels[-1].sum() for f in sharing(torch.randn(6, 5)).values())
    assert isinstance(loss, Tensor)
    loss.backward()
    assert all(p.grad is not None for p in sharing.parameters() if p.requires_grad)
    assert sharing.searched() == {}
    assert sharing.watched() == {}
    assert sharing(torch.randn(6, 5)).terms == {}


def test_the_name_of_the_shortcut_can_be_another() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.downsample = nn.Linear(5, 4), nn.Linear(5, 4)

        def forward(self, x: Tensor) -> Tensor:
            return (self.inner(x) + self.downsample(x)).relu()

    encoder, x = nn.Sequential(Named(), nn.Linear(4, 3)), torch.randn(2, 5)
    sharing = new(encoder=encoder, policy=[[0], [1], [1]], shortcut="downsample")
    features = sharing(x)
    assert torch.equal(features["a"].levels[0], encoder[0].downsample(x))
    assert torch.equal(features["d"].levels[0], encoder[0](x))


def test_without_declared_blocks_those_that_keep_the_shape_are_skipped() -> None:
    encoder = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh())
    x = torch.randn(2, 5)
    features = new(encoder=encoder, policy=[[0], [1], [0.5]])(x)
    first, whole = encoder[:2](x), encoder(x)
    for task, expected in zip(TASKS, (first, whole, (first + whole) / 2), strict=True):
        torch.testing.assert_close(features[task].levels[-1], expected)


# --- the search -------------------------------------------------------------------------------


def test_the_number_of_parameters() -> None:
    def count(module: nn.Module) -> int:
        return sum(p.numel() for p in module.parameters())

    assert count(new()) == count(net()) + 3 * 3 * 2
    assert count(new(policy=POLICY)) == count(net())


def test_the_warm_up_is_hard_sharing_in_one_pass() -> None:
    encoder, x = net(), torch.randn(6, 5)
    twin = copy.deepcopy(encoder)
    passes: list[int] = []
    encoder[2].register_forward_hook(lambda *_: passes.append(1))
    sharing = searching(0.1, encoder=encoder)
    passes.clear()
    for training in (True, False):
        sharing.train(training)
        expected = encode(twin.train(training), x)
        for features in sharing(x).values():
            assert all(map(torch.equal, features.levels, expected.levels))
    assert len(passes) == 2
    found = sharing(x)
    assert {name: float(term.raw.detach()) for name, term in found.terms.items()} == {
        "AdaShare: sparsity": 0.0,
        "AdaShare: sharing": 0.0,
    }
    sum(term.scaled for term in found.terms.values()).backward()
    logits = sharing.policies
    assert logits is not None  # zeros, not None: they are part of every step
    assert all(p.grad is not None and not p.grad.any() for p in logits.parameters())


def test_blocks_open_from_the_last_to_the_first() -> None:
    sharing = new(warmup=0.2, curriculum=0.3).eval()
    set_logits(sharing, hard([[0, 0, 0]] * 3))
    assert sharing.searched() == {}
    opened = {0.2: [1, 1, 0], 0.29: [1, 1, 0], 0.3: [1, 0, 0], 0.4: [0, 0, 0], 1.0: [0, 0, 0]}
    for progress, policy in opened.items():
        set_progress(sharing, progress)
        assert sharing.searched() == {"policy": [policy] * 3}
    set_progress(sharing, 0.3)
    x = torch.randn(6, 5)
    expected = slow(sharing.encoder, [1, 0, 0], x)[-1]
    torch.testing.assert_close(sharing(x)["a"].levels[-1], expected)


def test_training_mixes_by_the_sampled_weights() -> None:
    sharing, x = searching(0.6), torch.randn(6, 5)
    set_logits(sharing, torch.randn(3, 3, 2))
    twin = copy.deepcopy(sharing)
    assert twin.policies is not None
    torch.manual_seed(5)
    features = sharing(x)
    torch.manual_seed(5)
    temperature = 5.0 * (0.14 / 5.0) ** 0.5  # half of the search is done
    logits = twin.policies()
    noise = torch.stack([-torch.empty(3, 2).exponential_().log() for _ in TASKS])
    weights = ((logits + noise) / temperature).softmax(dim=-1)[..., 0]
    for position, task in enumerate(TASKS):
        expected = slow(twin.encoder, weights[position], x)
        for found, wanted in zip(features[task].levels, expected, strict=True):
            torch.testing.assert_close(found, wanted)
    assert not torch.equal(sharing(x)["a"].levels[-1], sharing(x)["a"].levels[-1])


def test_evaluation_is_without_chance_and_takes_the_more_probable() -> None:
    sharing, x = searching(), torch.randn(6, 5)
    set_logits(sharing, hard(POLICY))
    sharing.eval()
    state = torch.random.get_rng_state()
    features = sharing(x)
    assert torch.equal(state, torch.random.get_rng_state())
    for task, weights in zip(TASKS, POLICY, strict=True):
        torch.testing.assert_close(features[task].levels, tuple(slow(sharing.encoder, weights, x)))


def test_an_undecided_task_selects() -> None:
    assert searching().searched() == {"policy": [[1, 1, 1]] * 3}


def test_what_was_found_is_the_trunk_of_evaluation() -> None:
    sharing, x = searching(), torch.randn(6, 5)
    set_logits(sharing, hard(POLICY))
    found = sharing.searched()
    assert found == {"policy": POLICY}
    again = new(encoder=copy.deepcopy(sharing.encoder), **found).eval()
    expected = sharing.eval()(x)
    for task, features in again(x).items():
        assert all(map(torch.equal, features.levels, expected[task].levels))


@pytest.mark.parametrize("progress", [0.2, 0.3, 1.0])
@pytest.mark.parametrize("form", ["paper", "official"])
def test_the_terms_are_those_of_the_open_blocks(form: str, progress: float) -> None:
    sharing = searching(progress, form=form, sparsity=0.2, agreement=0.3)
    logits = torch.randn(3, 3, 2)
    set_logits(sharing, logits)
    opened = {0.2: [3], 0.3: [2, 3], 1.0: [1, 2, 3]}[progress]
    sparsity, shared = 0.0, 0.0
    for block in opened:
        p = [float(logits[t, block - 1].softmax(dim=0)[0]) for t in range(3)]
        z = [float(logits[t, block - 1, 0]) for t in range(3)]
        for t in range(3):
            log = torch.tensor(p[t]).log() if form == "paper" else -torch.tensor(1 - p[t]).log() / 3
            sparsity += float(log)
            for s in range(t):
                if form == "paper":
                    shared += (3 - block) / 3 * abs(p[s] - p[t])
                else:
                    shared += block / 3 * abs(z[s] - z[t])
    for training in (True, False):
        terms = sharing.train(training)(torch.randn(6, 5)).terms
        for name, weight, expected in (("sparsity", 0.2, sparsity), ("sharing", 0.3, shared)):
            term = terms[f"AdaShare: {name}"]
            torch.testing.assert_close(term.raw.detach(), torch.tensor(expected))
            torch.testing.assert_close(term.scaled.detach(), torch.tensor(weight * expected))


@pytest.mark.parametrize("form", ["paper", "official"])
def test_the_gradients_of_the_terms_skip_and_bring_together(form: str) -> None:
    sharing = searching(form=form)
    first = torch.randn(3, 3, 2)
    set_logits(sharing, first)
    terms = sharing(torch.randn(6, 5)).terms
    assert sharing.policies is not None
    logits = list(sharing.policies.parameters())
    fewer = torch.autograd.grad(terms["AdaShare: sparsity"].raw, logits, retain_graph=True)
    # a step down the gradient lowers "select" relative to "skip" everywhere
    assert all(bool((each[:, 0] > each[:, 1]).all()) for each in fewer)
    alike = torch.autograd.grad(terms["AdaShare: sharing"].raw, logits)
    moved = first - 1e-3 * torch.stack(alike)
    read = (lambda z: z.softmax(-1)[..., 0]) if form == "paper" else (lambda z: z[..., 0])
    spread = [read(each).amax(dim=0) - read(each).amin(dim=0) for each in (first, moved)]
    # the paper's weight of the last block is 0
    assert bool((spread[1] <= spread[0]).all())
    assert bool((spread[1] < spread[0])[: 2 if form == "paper" else 3].all())


def test_a_term_of_weight_0_is_left_out() -> None:
    assert list(searching(sparsity=0.0)(torch.randn(6, 5)).terms) == ["AdaShare: sharing"]
    assert list(searching(agreement=0.0)(torch.randn(6, 5)).terms) == ["AdaShare: sparsity"]
    one = searching(tasks=("only",))(torch.randn(6, 5))
    assert list(one.terms) == ["AdaShare: sparsity"]


def test_every_parameter_of_a_search_moves() -> None:
    sharing = searching()
    features = sharing(torch.randn(8, 5))
    loss = sum((f.levels[-1] * torch.randn(8, 6)).sum() for f in features.values())
    assert isinstance(loss, Tensor)
    loss.backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in sharing.parameters())


def test_a_policy_follows_its_own_task_alone() -> None:
    sharing = searching()
    sharing(torch.randn(6, 5))["b.c"].levels[-1].sum().backward()
    assert sharing.policies is not None
    reached = [key for key, p in sharing.policies.logits.items() if p.grad is not None]
    # the tasks' samples are drawn at once, so that the others get zeros
    moved = [
        key for key, p in sharing.policies.logits.items() if p.grad is not None and p.grad.any()
    ]
    assert moved == [safe_key("b.c")]
    assert set(moved) <= set(reached)


def test_inputs_of_each_task_run_under_its_policy() -> None:
    sharing = searching().eval()
    set_logits(sharing, hard(POLICY))
    inputs = PerTask({task: torch.randn(2 + i, 5) for i, task in enumerate(TASKS)})
    features = sharing(inputs)
    for task, weights in zip(TASKS, POLICY, strict=True):
        expected = slow(sharing.encoder, weights, inputs[task])
        torch.testing.assert_close(features[task].levels, tuple(expected))


def test_watches_the_probabilities_to_select() -> None:
    sharing = searching()
    logits = torch.randn(3, 3, 2)
    set_logits(sharing, logits)
    table = sharing.watched()["AdaShare: selected"]
    assert table.columns == ("block 1", "block 2", "block 3")
    expected = logits.softmax(dim=-1)[..., 0]
    assert torch.equal(torch.stack([table.rows[task] for task in TASKS]), expected)
    assert not table.rows["a"].requires_grad


def test_policies_learn_faster_and_do_not_decay() -> None:
    tasks = [Regression("a"), Regression("b")]
    model = MultiTaskModel(AdaShare(net()), tasks, example=torch.zeros(2, 5))
    groups = parameter_groups(model, Equal(), lr=0.001, weight_decay=0.01)
    policies = {id(p) for p in model.sharing.policies.parameters()}
    own = [group for group in groups if policies & set(map(id, group["params"]))]
    assert [(group["lr"], group["weight_decay"]) for group in own] == [(0.01, 0.0)]
    assert set(map(id, own[0]["params"])) == policies


def test_a_resumed_search_goes_on_to_the_last_bit() -> None:
    def steps(sharing: AdaShare, optimizer: torch.optim.Optimizer, n: int) -> None:
        for _ in range(n):
            features = sharing(torch.randn(6, 5))
            loss = sum(f.levels[-1].square().sum() for f in features.values())
            loss = loss + sum(term.scaled for term in features.terms.values())
            optimizer.zero_grad()
            loss.backward()
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "code"}, "`form` must be 'paper' or 'official'; found 'code'"),
        ({"sparsity": -1.0}, "`sparsity` must be a weight of at least 0; found -1.0"),
        ({"agreement": float("nan")}, "`agreement` must be a weight of at least 0; found nan"),
        ({"warmup": 1.0, "curriculum": 0.0}, "`warmup` must be a share of the training"),
        ({"curriculum": 0.9}, "`curriculum` must leave all blocks open at the end.*found 0.9"),
        ({"temperature": -1.0}, "`temperature` must be above 0"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AdaShare(net(), **options)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ([[1, 0, 1]], r"`policy` must have 3 numbers, .*for each of the 3 tasks \(a, b.c, d\)"),
        ([[1, 0]] * 3, r"`policy` must have 3 numbers, .*Take it from `searched\(\)`"),
        ([[1, 0, 2]] * 3, "`policy` must have 1 for a block to run and 0 to skip; found 2"),
        (5, "`policy` of AdaShare must be a list of lists or None; found 5"),
    ],
)
def test_policies_that_do_not_fit_are_refused(policy: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        new(policy=policy)


def test_an_encoder_without_a_block_to_skip_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"no block that a task could skip.*'shortcut'"):
        new(encoder=mlp())


def test_is_compiled_and_saved_in_a_model(tmp_path: Any) -> None:
    tasks = [Classification("kind", classes=3), Regression("b.c")]
    images = torch.randn(4, 3, 8, 8)
    for options in ({}, {"policy": [[0, 1], [1, 1]]}):
        sharing = AdaShare(ResidualEncoder(widths=(4, 6), blocks=1), **options)
        model = MultiTaskModel(sharing, tasks, example=images)
        model.set_progress(0.9)
        model.eval()
        expected = model(images)
        assert set(model.penalty([expected])) == set(expected.terms)
        model.save_pretrained(tmp_path)
        again = MultiTaskModel.from_pretrained(tmp_path).eval()
        assert torch.equal(again(images)["b.c"], expected["b.c"])
        assert again.sharing.searched() == sharing.searched()
    compiled = torch.compile(sharing, backend="eager", fullgraph=True)
    found = compiled(images)["kind"].levels[-1]
    assert torch.equal(found, expected.features["kind"].levels[-1])


def test_policies_follow_the_order_of_the_tasks() -> None:
    sharing = searching(tasks=("d", "a"))
    assert sharing.policies is not None
    with torch.no_grad():
        sharing.policies.logits[safe_key("d")][0] = torch.tensor([-2.0, 2.0])
    assert sharing.searched() == {"policy": [[0, 1, 1], [1, 1, 1]]}
    assert float(sharing.watched()["AdaShare: selected"].rows["d"][0]) < 0.5
    with torch.no_grad():
        sharing.policies.logits[safe_key("d")].copy_(torch.tensor([-40.0, 40.0]).expand(3, 2))
        sharing.policies.logits[safe_key("a")].copy_(torch.tensor([40.0, -40.0]).expand(3, 2))
    x = torch.randn(6, 5)
    features = sharing(x)  # in training; at these logits a sample is the choice
    torch.testing.assert_close(features["a"].levels, tuple(slow(sharing.encoder, [1, 1, 1], x)))
    torch.testing.assert_close(features["d"].levels, tuple(slow(sharing.encoder, [0, 0, 0], x)))
