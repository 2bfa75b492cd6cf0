"""A shared encoder and private ones, told apart by an adversary and by orthogonality."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.errors import ConfigError
from plait.core.keys import safe_key
from plait.core.lookup import options_of
from plait.core.structure import PerTask
from plait.gradients import leaves
from plait.model import MultiTaskModel
from plait.networks import encode
from plait.networks.grids import pool
from plait.sharing import Separate, SharedPrivate
from plait.tasks import Regression
from tests.networks.progress import set_progress
from tests.sharing.encoders import KINDS, mlp

TASKS = ("a", "b.c", "d")
ADVERSARY, DIFFERENCE = "SharedPrivate: adversary", "SharedPrivate: difference"


def new(
    encoder: Any = None,
    example: Any = None,
    tasks: tuple[str, ...] = TASKS,
    seed: int = 0,
    **kw: Any,
) -> SharedPrivate:
    sharing = SharedPrivate(encoder or mlp(), **kw)
    sharing.setup(tasks, torch.zeros(2, 5) if example is None else example, seed)
    return sharing


def own_inputs(*sizes: int) -> PerTask:
    return PerTask({t: torch.randn(n, 5) for t, n in zip(TASKS, sizes, strict=True)})


def private(sharing: SharedPrivate, task: str) -> nn.Module:
    return sharing.private[safe_key(task)]


# --- features ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_features_are_the_shared_and_the_private_ones_side_by_side(kind: str) -> None:
    inputs = KINDS[kind].inputs(3)
    sharing = new(KINDS[kind].build(), inputs).eval()
    shared = encode(sharing.shared, inputs)
    for task, features in sharing(inputs).items():
        own = encode(private(sharing, task), inputs)
        for both, one, two in zip(features.levels, shared.levels, own.levels, strict=True):
            expected = torch.cat([one, two], dim=shared.channel_dim)
            assert torch.equal(both, expected)
            assert both.shape[shared.channel_dim] == 2 * one.shape[shared.channel_dim]


def test_there_is_an_encoder_more_than_tasks_and_a_discriminator() -> None:
    each = sum(p.numel() for p in mlp().parameters())
    linear, deep = new(), new(hidden=[6])
    assert sum(p.numel() for p in linear.parameters()) == 4 * each + (4 * 3 + 3)
    assert sum(p.numel() for p in deep.parameters()) == 4 * each + (4 * 6 + 6) + (6 * 3 + 3)


def test_encoders_start_apart_or_as_clones() -> None:
    encoder, inputs = mlp(), torch.randn(4, 5)
    clones, fresh = new(encoder, copies="clone"), new(encoder)
    for task in TASKS:
        assert torch.equal(private(clones, task)(inputs), encoder(inputs))
    outs = [encoder(inputs), fresh.shared(inputs), *(private(fresh, t)(inputs) for t in TASKS)]
    assert not any(torch.equal(one, two) for i, one in enumerate(outs) for two in outs[:i])


def test_a_private_encoder_depends_on_the_seed_and_its_tasks_name() -> None:
    encoder, inputs = mlp(), torch.randn(4, 5)
    joint, alone, other = new(encoder), new(encoder, tasks=("d",)), new(encoder, seed=1)
    assert torch.equal(private(joint, "d")(inputs), private(alone, "d")(inputs))
    assert torch.equal(joint.shared(inputs), alone.shared(inputs))
    assert not torch.equal(private(joint, "d")(inputs), private(other, "d")(inputs))


def test_without_the_shared_half_it_is_a_network_for_each_task() -> None:
    encoder, inputs = mlp(), torch.randn(4, 5)
    sharing, alone = new(encoder, copies="clone"), Separate(encoder)
    alone.setup(TASKS, inputs)
    for task, features in sharing(inputs).items():
        halves = [level.chunk(2, dim=1) for level in features.levels]
        assert all(
            torch.equal(half[1], level)
            for half, level in zip(halves, alone(inputs)[task].levels, strict=True)
        )


def test_a_common_input_takes_one_pass_of_the_shared_encoder() -> None:
    sharing = new()
    passes: list[int] = []
    sharing.shared.register_forward_hook(lambda *_: passes.append(1))
    sharing.shared[0].register_forward_hook(lambda *_: passes.append(1))
    sharing(torch.randn(2, 5))
    assert len(passes) == 1
    sharing(own_inputs(2, 2, 2))
    assert len(passes) == 4


# --- the adversary ----------------------------------------------------------------------------


def test_the_adversary_tells_of_which_task_an_example_is() -> None:
    sharing, inputs = new(), own_inputs(2, 3, 4)
    found = sharing(inputs)
    term = found.terms[ADVERSARY]
    total, right = torch.zeros(()), 0
    for label, task in enumerate(TASKS):
        for row in inputs[task]:
            logits = sharing.discriminator(sharing.shared(row[None]))[0]
            total = total - logits.log_softmax(0)[label]
            right += int(logits.argmax() == label)
    torch.testing.assert_close(term.raw, total / 9)
    torch.testing.assert_close(term.scaled, 0.05 * total / 9)
    assert found.watched[ADVERSARY].plain() == pytest.approx({"accuracy": right / 9, "reversal": 0})
    assert not found.watched[ADVERSARY].rows["accuracy"].requires_grad


@pytest.mark.parametrize(("reversal", "progress"), [(0.5, 0.0), ("ganin", 0.2), ("ganin", 0.0)])
def test_the_shared_encoder_gets_the_gradient_reversed_and_the_discriminator_as_it_is(
    reversal: Any, progress: float
) -> None:
    sharing, inputs = new(reversal=reversal, hidden=[4]), own_inputs(2, 3, 4)
    set_progress(sharing, progress)
    sharing(inputs).terms[ADVERSARY].scaled.backward()
    read = torch.cat([sharing.shared(each) for each in inputs.values()])
    labels = torch.tensor([0] * 2 + [1] * 3 + [2] * 4)
    plain = 0.05 * F.cross_entropy(sharing.discriminator(read), labels)
    factor = 2 / (1 + math.exp(-10 * progress)) - 1 if reversal == "ganin" else reversal
    for part, scale in ((sharing.shared, -factor), (sharing.discriminator, 1.0)):
        parameters = list(part.parameters())
        expected = torch.autograd.grad(plain, parameters, retain_graph=True)
        for parameter, gradient in zip(parameters, expected, strict=True):
            torch.testing.assert_close(parameter.grad, scale * gradient)
    assert all(p.grad is None for p in sharing.private.parameters())


def test_the_tasks_that_share_an_input_are_not_told_apart() -> None:
    sharing, rows = new(), torch.randn(4, 5)
    for wanted in (None, ["a", "d"]):
        found = sharing(rows, tasks=wanted)
        assert list(found.terms) == [DIFFERENCE]
        assert not found.watched


def test_a_batch_of_one_task_is_an_example_of_it() -> None:
    sharing, rows = new(), torch.randn(4, 5)
    alone = sharing(rows, tasks=["b.c"]).terms[ADVERSARY].raw
    own = sharing(PerTask({"b.c": rows}), tasks=["b.c"]).terms[ADVERSARY].raw
    expected = F.cross_entropy(sharing.discriminator(sharing.shared(rows)), torch.ones(4).long())
    torch.testing.assert_close(alone, expected)
    assert torch.equal(alone, own)


def test_there_is_no_discriminator_where_it_has_nothing_to_learn() -> None:
    for sharing in (new(adversarial=0), new(tasks=("a",))):
        assert sharing.discriminator is None
        assert not any("discriminator" in name for name in sharing.state_dict())
        found = sharing(PerTask({"a": torch.randn(2, 5)}), tasks=["a"])
        assert list(found.terms) == [DIFFERENCE]


# --- the difference ---------------------------------------------------------------------------


def slow(shared: Tensor, own: Tensor, form: str) -> float:
    rows = [[row.clone() for row in each.detach().double()] for each in (shared, own)]
    if form == "normalised":
        rows = [[row - torch.stack(each).mean(0) for row in each] for each in rows]
    if form != "frobenius":
        rows = [[row / row.norm() for row in each] for each in rows]
    entries = [
        sum(float(s[i] * h[j]) for s, h in zip(*rows, strict=True)) ** 2
        for i in range(len(rows[0][0]))
        for j in range(len(rows[1][0]))
    ]
    return sum(entries) if form == "frobenius" else sum(entries) / len(entries)


@pytest.mark.parametrize("form", ["normalised", "uncentred", "frobenius"])
@pytest.mark.parametrize("common", [True, False])
def test_the_difference_is_the_sum_over_the_tasks(form: str, common: bool) -> None:
    sharing = new(form=form, difference=0.3)
    inputs = torch.randn(3, 5) if common else own_inputs(2, 3, 4)
    term = sharing(inputs).terms[DIFFERENCE]
    expected = 0.0
    for task in TASKS:
        own = inputs if common else inputs[task]
        expected += slow(sharing.shared(own), private(sharing, task)(own), form)
    assert term.raw.item() == pytest.approx(expected, rel=1e-5)
    assert term.scaled.item() == pytest.approx(0.3 * expected, rel=1e-5)


def test_the_terms_read_pooled_maps() -> None:
    images = torch.randn(4, 2, 6, 8)
    sharing = new(KINDS["conv"].build(), images).eval()
    term = sharing(images, tasks=["a"]).terms[DIFFERENCE]
    pooled = [pool(encode(part, images)) for part in (sharing.shared, private(sharing, "a"))]
    assert term.raw.item() == pytest.approx(slow(*pooled, "normalised"), rel=1e-4)


def test_a_weight_of_zero_skips_the_term() -> None:
    found = new(adversarial=0, difference=0)(own_inputs(2, 3, 4))
    assert not found.terms


def test_a_task_without_examples_is_left_out() -> None:
    sharing, inputs = new(), own_inputs(3, 2, 0)
    found = sharing(inputs)
    assert found["d"].levels[-1].shape == (0, 8)
    part = sharing(PerTask({t: inputs[t] for t in TASKS[:2]}), tasks=TASKS[:2])
    for name, term in found.terms.items():
        assert torch.equal(term.raw, part.terms[name].raw)
    assert not sharing(own_inputs(0, 0, 0)).terms
    assert not sharing(torch.zeros(2, 5), tasks=()).terms


# --- in a model -------------------------------------------------------------------------------


def test_every_parameter_learns_from_a_task_or_from_a_term() -> None:
    tasks = [Regression(task) for task in TASKS]
    model = MultiTaskModel(new_sharing := SharedPrivate(mlp()), tasks, example=own_inputs(2, 2, 2))
    roles = model.roles()
    for name, reached in roles.items():
        own = {task for task in TASKS if safe_key(task) in name}
        if "discriminator" in name:
            assert not reached
        else:
            assert reached == (own or set(TASKS))
    outputs = model(own_inputs(2, 3, 4))
    penalties = model.penalty([outputs])
    assert set(penalties) == {ADVERSARY, DIFFERENCE}
    reached_by_terms = {id(leaf) for leaf in leaves(list(penalties.values()))}
    assert all(id(p) in reached_by_terms for p in new_sharing.discriminator.parameters())
    assert model.watched([outputs])[ADVERSARY].columns == ()


# of torch itself, where it traces a function with a gradient of its own
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_compiles() -> None:
    sharing, inputs = new(), own_inputs(2, 3, 4)
    torch._dynamo.reset()
    compiled = torch.compile(sharing, backend="eager", fullgraph=True)
    one, two = compiled(inputs), sharing(inputs)
    for name, term in two.terms.items():
        torch.testing.assert_close(one.terms[name].scaled, term.scaled)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adversarial": -1}, "`adversarial` must be at least 0; found -1"),
        ({"difference": math.nan}, "`difference` must be at least 0; found nan"),
        ({"form": "cosine"}, "`form` must be one of frobenius, normalised, uncentred"),
        ({"reversal": "late"}, "`reversal` must be 'ganin' or a number; found 'late'"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SharedPrivate(mlp(), **options)


def test_options_are_kept_under_their_names() -> None:
    options = {
        "copies": "clone",
        "adversarial": 0.1,
        "difference": 0.2,
        "reversal": 0.3,
        "hidden": (4,),
        "form": "uncentred",
    }
    assert options_of(SharedPrivate(mlp(), **options), ["encoder"]) == options


def test_is_set_up_for_one_model() -> None:
    sharing = new()
    with pytest.raises(ConfigError, match="Make a new SharedPrivate"):
        sharing.setup(["a"], torch.zeros(2, 5))


@pytest.mark.parametrize(
    ("weight", "options"),
    [
        ("adversarial", {"hidden": [4]}),
        ("adversarial", {"reversal": 0.5}),
        ("difference", {"form": "frobenius"}),
    ],
)
def test_options_of_a_term_that_is_off_are_refused(weight: str, options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ConfigError, match=f"`{name}` has no effect without `{weight}`"):
        SharedPrivate(nn.Linear(2, 2), **{weight: 0.0}, **options)
