"""One network for any preference between the tasks."""

import copy
import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plait.balancing import Equal, NashMTL
from plait.core.errors import ConfigError, UnsupportedError
from plait.core.keys import safe_key
from plait.core.structure import PerTask
from plait.data import InMemory, loader
from plait.evaluation import evaluate
from plait.model import MultiTaskModel
from plait.networks import encode
from plait.sharing import Hard, PaLoRA
from plait.sharing.conditioning.layers.task_indexed import TaskIndexed
from plait.sharing.conditioning.layers.trunk import conditioned_layers
from plait.sharing.conditioning.layers.units import Update
from plait.tasks import Regression
from plait.training import Trainer, parameter_groups
from tests.sharing.encoders import KINDS, Tokens, conv, mlp
from tests.training import problem
from tests.training.problem import StopAt, Stopped, assert_same_model, assert_same_run

TASKS = ("a", "b.c", "d%")
ONLY = {task: dict.fromkeys(TASKS, 0.0) | {task: 1.0} for task in TASKS}


def new(
    encoder: nn.Module, example: Tensor, tasks: tuple[str, ...] = TASKS, **options: Any
) -> PaLoRA:
    sharing = PaLoRA(encoder, **options)
    sharing.setup(tasks, example)
    return sharing


def stir(module: nn.Module) -> None:
    """Moves all parameters away from the start, at which the updates are 0."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)


def merged(sharing: PaLoRA, shares: dict[str, float]) -> nn.Module:
    """The plain trunk with the tasks' updates merged into its weights by hand."""
    plain = sharing.prototype()
    names = {id(module): name for name, module in sharing.trunk.named_modules()}
    for layer in conditioned_layers(sharing.trunk):
        base = plain.get_submodule(names[id(layer)])
        for task, share in shares.items():
            for weight, update in zip(weights_of(base), updates_of(layer, task), strict=True):
                with torch.no_grad():
                    weight += share * update.matrix().view_as(weight)
    return plain


def updates_of(layer: TaskIndexed, task: str) -> list[Update]:
    return [each for each in layer.own[safe_key(task)].modules() if isinstance(each, Update)]


def weights_of(base: nn.Module) -> list[Tensor]:
    if isinstance(base, nn.MultiheadAttention):
        assert isinstance(base.in_proj_weight, Tensor)
        return [base.in_proj_weight, base.out_proj.weight]
    return [base.get_parameter("weight")]


# --- what it computes -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"rank": 2, "alpha": 3.0}])
def test_a_preference_is_the_trunk_with_the_updates_merged_by_hand(
    kind: str, options: dict[str, Any]
) -> None:
    inputs = KINDS[kind].inputs(3)
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    sharing = new(KINDS[kind].build().double(), inputs, **options).double().eval()
    stir(sharing)
    mixed = {"a": 0.5, "b.c": 0.2, "d%": 0.3}
    for preference in (*ONLY.values(), mixed):
        wanted = encode(merged(sharing, preference).eval(), inputs)
        with sharing.preferring(preference):
            found = sharing(inputs)
        for task in TASKS:
            torch.testing.assert_close(found[task].levels, wanted.levels, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(
        sharing(inputs)["a"].levels,
        encode(merged(sharing, dict.fromkeys(TASKS, 1 / 3)).eval(), inputs).levels,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_it_starts_from_the_plain_trunk_at_any_preference(kind: str) -> None:
    encoder, inputs = KINDS[kind].build(), KINDS[kind].inputs(3)
    sharing, hard = new(encoder, inputs).eval(), Hard(encoder)
    hard.setup(TASKS, inputs)
    expected = hard.eval()(inputs)
    for preference in ONLY.values():
        with sharing.preferring(preference):
            for task, features in sharing(inputs).items():
                torch.testing.assert_close(features.levels, expected[task].levels)


def test_all_tasks_take_one_pass() -> None:
    sharing, passes = new(mlp(), torch.zeros(2, 5)), list[int]()
    sharing.trunk[0].register_forward_hook(lambda *_: passes.append(1))
    sharing(torch.randn(3, 5))
    assert len(passes) == 1
    sharing(PerTask({task: torch.randn(3, 5) for task in TASKS}))
    assert len(passes) == 4


def test_parameters_of_a_convolution() -> None:
    sharing, rank = new(conv(), torch.zeros(2, 2, 6, 8), rank=2), 2
    plain = sum(p.numel() for p in conv().parameters())
    assert sum(p.numel() for p in sharing.parameters()) == plain + 3 * rank * (3 + 2 * 9)


def test_parameters_of_a_transformer() -> None:
    rank, width, inner = 2, 8, 16
    each = rank * (3 * (width + width) + (width + width)) + 2 * rank * (width + inner)
    sharing = new(Tokens(), torch.zeros(2, 7).long(), rank=rank)
    plain = sum(p.numel() for p in Tokens().parameters())
    assert sum(p.numel() for p in sharing.parameters()) == plain + 3 * each


# --- how it learns ----------------------------------------------------------------------------


def model(**options: Any) -> MultiTaskModel:
    """Two linear regressions on a linear encoder, in double precision."""
    tasks = [Regression(task, mean=0.0, scale=1.0, weight=w) for task, w in (("a", 1), ("b", 2))]
    sharing = PaLoRA(encoder().double(), rank=2, **options)
    return MultiTaskModel(sharing, tasks, example=torch.zeros(2, 4).double())


def encoder() -> nn.Module:
    return nn.Linear(4, 3)


def test_gradients_are_those_of_a_slow_loop_over_the_tasks() -> None:
    made, rows = model(), torch.randn(6, 4).double()
    stir(made)
    labels = {task: torch.randn(6, 1).double() for task in made.tasks}
    made.train().set_progress(0.3)
    batch = made.batch(rows, labels)
    losses = made.losses([made(rows)], batch)
    sum(losses.values()).backward()
    shares = made.sharing.factors()
    assert sum(shares.values()) == pytest.approx(1.0)
    layer = conditioned_layers(made.sharing.trunk)[0]
    weight = layer.plain().weight.detach().clone()
    up = {task: updates_of(layer, task)[0].up[0].detach() for task in shares}
    down = {task: updates_of(layer, task)[0].down[0].detach() for task in shares}
    for task, share in shares.items():
        weight += share * up[task] @ down[task]
    hidden = rows @ weight.T + layer.plain().bias.detach()
    slope = torch.zeros_like(weight)  # of the sum of the weighted losses, by the merged weight
    for task, share in shares.items():
        head = [p.detach() for p in made.heads[safe_key(task)].parameters()]
        predicted = (hidden @ head[0].T + head[1]).requires_grad_()
        loss = made.tasks[task].loss(predicted, labels[task])
        torch.testing.assert_close(losses.raw[task], loss)
        torch.testing.assert_close(losses[task], share * made.tasks[task].weight * loss)
        (given,) = torch.autograd.grad(loss, predicted)
        slope += share * made.tasks[task].weight * (given @ head[0]).T @ rows
    torch.testing.assert_close(layer.plain().weight.grad, slope)
    for task, share in shares.items():
        update = updates_of(layer, task)[0]
        torch.testing.assert_close(update.up.grad[0], share * slope @ down[task].T)
        torch.testing.assert_close(update.down.grad[0], share * up[task].T @ slope)


@pytest.mark.parametrize("annealing", [None, 1.0])
def test_the_preference_slides_along_the_front_of_two_quadratics(annealing: float | None) -> None:
    """L_t = |z - c_t|^2 has the front z = sum_t lambda_t c_t, two updates can hold it."""
    torch.manual_seed(0)
    one = torch.ones(1, 1)
    centres = {"a": torch.tensor([1.0, 0.0, 2.0]), "b": torch.tensor([-1.0, 1.0, 0.0])}
    sharing = new(nn.Linear(1, 3), one, ("a", "b"), rank=1, annealing=annealing)
    optimizer = torch.optim.Adam(sharing.parameters(), lr=0.05)
    steps = 600
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        sharing.slider.set_progress(step / steps)
        z = sharing(one)["a"].levels[-1][0]
        shares = sharing.factors()
        loss = sum(share * (z - centres[task]).square().sum() for task, share in shares.items())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
    sharing.eval()
    found: list[list[float]] = []
    for first in torch.linspace(0, 1, 11).tolist():
        with torch.no_grad(), sharing.preferring({"a": first, "b": 1 - first}):
            z = sharing(one)["a"].levels[-1][0]
        torch.testing.assert_close(
            z, first * centres["a"] + (1 - first) * centres["b"], atol=0.05, rtol=0
        )
        found.append([float((z - centres[task]).square().sum()) for task in "ab"])
    for before, after in itertools.pairwise(found):
        assert after[0] < before[0]
        assert after[1] > before[1]


def test_a_step_multiplies_the_losses_by_the_preference_and_an_evaluation_does_not() -> None:
    made, rows = model(), torch.randn(6, 4).double()
    batch = made.batch(rows, {task: torch.randn(6, 1).double() for task in made.tasks})
    made.train().set_progress(0.0)
    losses = made.losses([made(rows)], batch)
    for task, share in made.sharing.factors().items():
        weight = made.tasks[task].weight
        torch.testing.assert_close(losses[task], share * weight * losses.raw[task])
    made.eval()
    with torch.no_grad():
        found = made.losses([made(rows)], batch)
    assert all(torch.equal(loss, made.tasks[t].weight * found.raw[t]) for t, loss in found.items())
    measured = evaluate(made, [(rows, dict(batch.parts[0].targets))])
    assert measured.losses == pytest.approx({t: float(loss) for t, loss in found.raw.items()})
    with made.sharing.preferring({"a": 0}):
        slid = evaluate(made, [(rows, dict(batch.parts[0].targets))])
    assert slid.losses == pytest.approx(measured.losses)  # the updates are still 0
    stir(made)
    with made.sharing.preferring({"a": 0}):
        slid = evaluate(made, [(rows, dict(batch.parts[0].targets))])
    assert slid.losses != pytest.approx(evaluate(made, [(rows, batch.parts[0].targets)]).losses)


def test_the_updates_learn_at_a_multiple_of_the_rate() -> None:
    for options, scale in (({}, 1.0), ({"update_lr_scale": 3.0}, 3.0)):
        made = model(**options)
        groups = parameter_groups(made, lr=0.1)
        rates = {id(p): group["lr"] for group in groups for p in group["params"]}
        own = {id(p) for name, p in made.named_parameters() if ".own." in name}
        assert len(own) == 4
        assert [rates[key] for key in own] == pytest.approx([0.1 * scale] * 4)
        assert {rate for key, rate in rates.items() if key not in own} == {0.1}


def test_a_frozen_trunk_stays_as_it_is() -> None:
    sharing = new(conv(), torch.zeros(2, 2, 6, 8), frozen=True)
    before = copy.deepcopy(sharing.state_dict())
    sharing(torch.randn(4, 2, 6, 8))["a"].levels[-1].sum().backward()
    assert all(torch.equal(value, before[key]) for key, value in sharing.state_dict().items())
    for name, parameter in sharing.named_parameters():
        assert (parameter.grad is not None) == (".own." in name)


# --- a whole training -------------------------------------------------------------------------


def whole(run: Path | None, **options: Any) -> Trainer:
    """A training with batch normalisation, dropout, accumulation and rare labels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        between = [nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3)]
        encoder = nn.Sequential(nn.Linear(6, 8), *between, nn.Linear(8, 5))
    made = MultiTaskModel(PaLoRA(encoder), problem.tasks(), example=torch.zeros(2, 6))
    return problem.trainer(run, of=made, **options)


def test_a_resumed_run_draws_what_the_whole_one_draws(tmp_path: Path) -> None:
    expected = whole(tmp_path / "whole")
    expected.fit(problem.train_loader(), problem.val_loader())
    again = whole(None)
    again.fit(problem.train_loader(), problem.val_loader())
    assert_same_model(again.model, expected.model)
    for count in (1, 4):
        folder = tmp_path / f"{count}"
        torch.manual_seed(999)
        with pytest.raises(Stopped):
            whole(folder, callbacks=[StopAt("on_step_end", count)]).fit(
                problem.train_loader(), problem.val_loader()
            )
        torch.manual_seed(7)
        resumed = whole(folder)
        resumed.fit(problem.train_loader(), problem.val_loader(), resume=True)
        assert_same_model(resumed.model, expected.model)
        assert_same_run(folder, tmp_path / "whole")


def test_the_first_steps_judge_static_weights_with_a_preference(tmp_path: Path) -> None:
    made, draw = model(), torch.Generator().manual_seed(0)
    rows = torch.randn(32, 4, generator=draw).double()
    data = InMemory(rows, {"a": rows[:, :1] - 1, "b": rows[:, 1:2] + 1})
    trainer = Trainer(
        made, Equal(), epochs=2, device="cpu", first_steps=3, run=tmp_path / "run", progress=False
    )
    trainer.fit(loader(data, batch_size=8, shuffle=True))
    assert trainer.first_steps.said


def test_its_folder_serves_any_preference(tmp_path: Path) -> None:
    options = {"scope": "*", "frozen": True, "concentration": 0.5, "annealing": 3.0}
    made, rows = model(**options, update_lr_scale=1.0, alpha=1.0), torch.randn(5, 4).double()
    stir(made)
    made.save_pretrained(tmp_path)
    again = MultiTaskModel.from_pretrained(tmp_path, encoder=encoder)
    assert isinstance(again.sharing, PaLoRA)
    assert {name: getattr(again.sharing, name) for name in options} == options
    assert again.sharing.slider.annealing == 3.0
    for preference in (None, {"a": 0.0}, {"a": 3.0}):
        one, two = (m.predict(rows, preference=preference) for m in (made, again))
        for task in made.tasks:
            assert torch.equal(one[task].value, two[task].value)
    values = [made.predict(rows, preference={"a": p})["a"].value for p in (0.0, 3.0, 0.0)]
    assert torch.equal(values[0], values[2])
    assert not torch.equal(values[0], values[1])


# --- what is refused --------------------------------------------------------------------------


def test_a_preference_of_a_network_that_serves_one_is_refused() -> None:
    tasks = [Regression("a"), Regression("b")]
    made = MultiTaskModel(Hard(nn.Linear(4, 3)), tasks, example=torch.zeros(2, 4))
    with pytest.raises(UnsupportedError, match=r"sharing\.PaLoRA; found sharing\.Hard, which"):
        made.predict(torch.zeros(2, 4), preference={"a": 2})


def test_wrong_preferences_are_refused() -> None:
    made, rows = model(), torch.zeros(2, 4).double()
    for preference, message in (
        ({"c": 2}, "unknown task of `preference` 'c'"),
        ({"a": -1}, "at least 0; found -1 for 'a'"),
        ({"a": 0, "b": 0}, "must have a number above 0"),
    ):
        with pytest.raises(ConfigError, match=message):
            made.predict(rows, preference=preference)


def test_a_balancer_that_does_not_see_the_preference_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"PaLoRA multiplies each loss .* but NashMTL goes the"):
        Trainer(
            MultiTaskModel(
                PaLoRA(nn.Linear(4, 3)), [Regression("a"), Regression("b")],
                example=torch.zeros(2, 4),
            ).eval(),
            NashMTL(),
            device="cpu",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concentration": 0.0}, "`concentration` must be above 0; found 0.0"),
        ({"annealing": -1.0}, "`annealing` must be at least 0, or None; found -1.0"),
        ({"update_lr_scale": 0.0}, "`update_lr_scale` must be above 0"),
        ({"rank": 0}, "`rank` must be at least 1"),
    ],
)
def test_options_outside_their_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PaLoRA(mlp(), **options)
