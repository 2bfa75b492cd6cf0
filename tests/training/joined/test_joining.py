"""T separate heads in torch's own optimizer and joined heads end equal, whatever is absent."""

import copy
import gc
import itertools
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import plait
from plait.balancing import Equal, UPGrad
from plait.engine import Backward
from plait.model import MultiTaskModel
from plait.networks.joined import row_of
from plait.regularization import MeanRegularized
from plait.training import Joining
from tests.training.joined.twins import (
    NAMES,
    TASKS,
    Make,
    Twin,
    batches,
    distance,
    head,
    learning,
    losses_of,
    model,
    present,
    twins,
)

STEPS = 24


def sgd(lr: float = 0.1, **options: Any) -> Make:
    return lambda made: torch.optim.SGD(learning(made), lr=lr, **options)


def adam(kind: Any, **options: Any) -> Make:
    return lambda made: kind(learning(made), lr=0.01, **options)


OPTIMIZERS = {
    "SGD": sgd(),
    "decay": sgd(weight_decay=0.1),
    "momentum": sgd(momentum=0.9, weight_decay=0.1),
    "dampening": sgd(momentum=0.9, dampening=0.3),
    "nesterov": sgd(momentum=0.9, nesterov=True, weight_decay=0.1),
    "uphill": sgd(lr=1e-3, momentum=0.5, maximize=True),
    "Adam": adam(torch.optim.Adam, weight_decay=0.1),
    "AdamW": adam(torch.optim.AdamW, weight_decay=0.1),
    "Adam uphill": adam(torch.optim.Adam, maximize=True, betas=(0.5, 0.9)),
}
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
FEW = ("momentum", "dampening", "nesterov", "Adam", "AdamW")
optimizers = pytest.mark.parametrize("make", [OPTIMIZERS[name] for name in FEW], ids=FEW)


def states(twin: Twin) -> dict[str, dict[str, Tensor]]:
    """The optimizer's state by the names of the parameters, of heads that are not joined."""
    return {
        name: twin.optimizer.state[parameter]
        for name, parameter in twin.model.named_parameters()
        if twin.optimizer.state.get(parameter)
    }


def assert_equal(one: Twin, two: Twin, *, limit: float = 1e-10) -> None:
    """Parameters, and after a split the optimizer's state and the order of its parameters."""
    assert distance(one.model, two.model) <= limit
    two.joining.split()
    assert distance(one.model, two.model) <= limit
    torch.testing.assert_close(states(one), states(two), rtol=limit, atol=limit)
    for ours, theirs in zip(one.optimizer.param_groups, two.optimizer.param_groups, strict=True):
        names = [
            {id(parameter): name for name, parameter in each.model.named_parameters()}
            for each in (one, two)
        ]
        assert [names[0][id(p)] for p in ours["params"]] == [
            names[1][id(p)] for p in theirs["params"]
        ]


# --- equal to separate heads ----------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), (5,)])
@pytest.mark.parametrize("plain", [False, True])
@every_optimizer
def test_with_absent_tasks(make: Make, plain: bool, hidden: tuple[int, ...]) -> None:
    """By `Backward`, and by a plain backward pass of the sum."""
    pair = twins(make, hidden=hidden)
    for names, batch in zip(present(STEPS), batches(STEPS), strict=True):
        for twin in pair:
            twin.optimizer.zero_grad()
            if plain:
                torch.stack(list(losses_of(twin.model, names, *batch).values())).sum().backward()
            else:
                twin.differentiate(names, *batch)
            twin.optimizer.step()
    assert_equal(*pair)


@every_optimizer
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_to_the_last_bit_with_all_tasks(make: Make, dtype: torch.dtype) -> None:
    pair = twins(make, lambda made: made.to(dtype), hidden=(5,))
    for inputs, labels in batches(STEPS):
        for twin in pair:
            twin.optimizer.zero_grad()
            twin.differentiate(NAMES, inputs.to(dtype), labels.to(dtype))
            twin.optimizer.step()
    assert_equal(*pair, limit=0.0)


@pytest.mark.parametrize("method", [Equal, UPGrad])
def test_rates_by_group_and_a_scheduler(method: Any) -> None:
    """Two blocks of one kind, since they learn at two rates, and one of them decays."""

    def make(made: MultiTaskModel) -> torch.optim.Optimizer:
        keys = list(made.heads)
        parts = [made.sharing, *(nn.ModuleList(made.heads[k] for k in keys[i::2]) for i in (0, 1))]
        rates = {"lr": 0.01}, {"lr": 0.03}, {"lr": 0.002, "weight_decay": 0.2}
        groups = [
            {"params": list(part.parameters()), **rate}
            for part, rate in zip(parts, rates, strict=True)
        ]
        return torch.optim.AdamW(groups)

    pair = twins(make, tasks=20)
    assert [len(block["head.layers.0.bias"].tasks) for block in pair[1].joining.blocks] == [10, 10]
    schedulers = [torch.optim.lr_scheduler.ExponentialLR(t.optimizer, 0.95) for t in pair]
    names = [f"t{number}" for number in range(20)]
    for step, batch in enumerate(batches(STEPS, tasks=20)):
        for twin, scheduler in zip(pair, schedulers, strict=True):
            twin.optimizer.zero_grad()
            losses = losses_of(twin.model, names[step % 3 :], *batch)
            Backward(method(), twin.model)(losses)
            twin.optimizer.step()
            scheduler.step()
    assert_equal(*pair)


@optimizers
def test_a_frozen_head_stays_apart(make: Make) -> None:
    pair = twins(make, lambda made: made.freeze("heads.*t4.*"))
    assert pair[1].joining.plan.why == {"t4": "frozen"}
    start = copy.deepcopy(head(pair[1].model, "t4").state_dict())
    for names, batch in zip(present(STEPS), batches(STEPS), strict=True):
        for twin in pair:
            twin.optimizer.zero_grad()
            twin.differentiate(names, *batch)
            twin.optimizer.step()
    assert_equal(*pair)
    torch.testing.assert_close(head(pair[1].model, "t4").state_dict(), start, rtol=0, atol=0)


@optimizers
def test_a_head_that_is_frozen_later_ends_the_joining(make: Make) -> None:
    pair = twins(make)
    for step, (names, batch) in enumerate(zip(present(STEPS), batches(STEPS), strict=True)):
        for twin in pair:
            if step == STEPS // 2:
                twin.model.freeze("heads.*t4.*")
            twin.optimizer.zero_grad()
            twin.differentiate(names, *batch)
            twin.optimizer.step()
    assert not pair[1].joining.blocks
    assert_equal(*pair)


@optimizers
def test_a_proximal_step_moves_absent_tasks_too(make: Make) -> None:
    pair = twins(make)
    ties = []
    for twin in pair:
        regularizer = MeanRegularized(strength=0.5, mode="prox")
        regularizer.setup({task: head(twin.model, task) for task in NAMES})
        ties.append(regularizer)
    for names, batch in zip(present(STEPS), batches(STEPS), strict=True):
        for twin, regularizer in zip(pair, ties, strict=True):
            twin.optimizer.zero_grad()
            twin.differentiate(names, *batch)
            twin.optimizer.step()
            regularizer.after_step(twin.optimizer)
    assert_equal(*pair)


@optimizers
def test_a_penalty_moves_the_heads_of_absent_tasks(make: Make) -> None:
    """Of two tasks that are absent from many steps; others that are absent stay."""
    pair = twins(make)
    for names, batch in zip(present(STEPS), batches(STEPS), strict=True):
        for twin in pair:
            twin.optimizer.zero_grad()
            found = [p for task in ("t1", "t6") for p in head(twin.model, task).parameters()]
            penalty = 0.1 * torch.stack([p.square().sum() for p in found]).sum()
            twin.differentiate(names, *batch, penalty=penalty)
            twin.optimizer.step()
    assert_equal(*pair)


@optimizers
def test_micro_batches_and_gradients_that_accumulate(make: Make) -> None:
    """Two passes into one step by `Backward.add`, and two calls that add to `.grad`."""
    pair = twins(make)
    drawn = zip(present(STEPS), present(STEPS, seed=1), strict=True)
    for step, (names, batch) in enumerate(zip(drawn, batches(STEPS), strict=True)):
        for twin in pair:
            twin.optimizer.zero_grad()
            if step % 2:
                for each in names:
                    twin.differentiate(each, *batch)
            else:
                twin.backward.start()
                for each in names:
                    shares = {t: 0.5 if all(t in other for other in names) else 1.0 for t in each}
                    twin.backward.add(losses_of(twin.model, each, *batch), shares)
                twin.backward.finish()
            twin.optimizer.step()
    assert_equal(*pair)


@optimizers
def test_a_gradient_that_is_thrown_away_leaves_nothing_behind(make: Make) -> None:
    """Every third step is left out after its gradients were written."""
    pair = twins(make)
    for step, (names, batch) in enumerate(zip(present(STEPS), batches(STEPS), strict=True)):
        for twin in pair:
            twin.optimizer.zero_grad()
            twin.differentiate(names, *batch)
            if step % 3:
                twin.optimizer.step()
    assert_equal(*pair)


@optimizers
@pytest.mark.parametrize("plain", [False, True])
def test_a_scaler_that_leaves_out_steps(make: Make, plain: bool) -> None:
    """Overflows in two steps: `GradScaler` leaves them out and lowers its scale."""
    pair = twins(make)
    scalers = [torch.amp.GradScaler("cpu", init_scale=2.0**4) for _ in pair]
    for step, (names, (inputs, labels)) in enumerate(
        zip(present(STEPS), batches(STEPS), strict=True)
    ):
        factor = 1e308 if step in (3, 20) else 1.0
        for twin, scaler in zip(pair, scalers, strict=True):
            twin.optimizer.zero_grad()
            found = losses_of(twin.model, names, inputs, labels)
            scaled = {task: scaler.scale(loss * factor * factor) for task, loss in found.items()}
            if plain:
                torch.stack(list(scaled.values())).sum().backward()
            else:
                plait.backward(scaled, Equal(), nonfinite="skip")
            scaler.step(twin.optimizer)
            scaler.update()
    assert scalers[0].get_scale() == scalers[1].get_scale() == 2.0**2
    assert_equal(*pair)


@optimizers
def test_a_closure_is_called_before_the_gradients_are_read(make: Make) -> None:
    pair = twins(make)

    def step(twin: Twin, names: list[str], batch: tuple[Tensor, Tensor]) -> Any:
        def closure() -> Tensor:
            twin.optimizer.zero_grad()
            total = torch.stack(list(losses_of(twin.model, names, *batch).values())).sum()
            total.backward()
            return total.detach()

        return twin.optimizer.step(closure)

    for names, batch in zip(present(STEPS), batches(STEPS), strict=True):
        one, two = (step(twin, names, batch) for twin in pair)
        torch.testing.assert_close(one, two)
    assert_equal(*pair)


@pytest.mark.parametrize("make", [OPTIMIZERS["momentum"], OPTIMIZERS["AdamW"]])
def test_joined_for_a_part_of_the_training(make: Make) -> None:
    """State goes over into the block and back, also of tasks that were never present."""
    pair = twins(make)
    for step, (names, batch) in enumerate(zip(present(STEPS), batches(STEPS), strict=True)):
        kept = [name for name in names if step > 20 or name != "t2"] or ["t0"]
        if step == 8:
            pair[1].joining.split()
        if step == 16:
            pair[1].joining.join()
        for twin in pair:
            twin.optimizer.zero_grad()
            twin.differentiate(kept, *batch)
            if step in (4, 20):  # between gradient and step
                pair[1].joining.split()
                pair[1].joining.join()
            twin.optimizer.step()
    assert_equal(*pair)


# --- absent tasks ---------------------------------------------------------------------------


@every_optimizer
def test_absent_rows_are_held_to_the_last_bit(make: Make) -> None:
    """Parameters and all state, and the count of steps is that of the gradients."""
    twin = twins(make)[1]
    (block,) = twin.joining.blocks
    counts = torch.zeros(TASKS)
    for names, batch in zip(present(STEPS), batches(STEPS), strict=True):
        absent = [row for row, task in enumerate(NAMES) if task not in names]
        before = [
            {"value": each.whole.detach().clone()}
            | {k: v.clone() for k, v in twin.optimizer.state[each.whole].items()}
            for each in block.values()
        ]
        twin.optimizer.zero_grad()
        twin.differentiate(names, *batch)
        twin.optimizer.step()
        counts[[NAMES.index(task) for task in names]] += 1
        for each, known in zip(block.values(), before, strict=True):
            now = {"value": each.whole.detach(), **twin.optimizer.state[each.whole]}
            for key, value in known.items():
                assert torch.equal(value[absent], now[key][absent]), key
            assert "step" not in now or torch.equal(now["step"], counts)


def test_the_optimizer_does_not_work_by_task() -> None:
    """The operations of a step are counted, not timed; absent tasks or not."""

    class Counting(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None):  # type: ignore[no-untyped-def]
            Counting.count += 1
            return func(*args, **(kwargs or {}))

    for make, absent in itertools.product(OPTIMIZERS.values(), (0, 3)):
        found = []
        for tasks in (20, 40):
            twin = twins(make, tasks=tasks)[1]
            names = [f"t{number}" for number in range(absent, tasks)]
            for batch in batches(3, tasks=tasks):
                twin.optimizer.zero_grad()
                twin.differentiate(names, *batch)
                Counting.count = 0
                with Counting():
                    twin.optimizer.step()
            found.append(Counting.count)
        assert 0 < found[0] == found[1], found


# --- what else reads and writes a model -----------------------------------------------------


def stepped(tasks: int = TASKS) -> Twin:
    """A joined model in the middle of a training."""
    twin = twins(OPTIMIZERS["AdamW"], tasks=tasks)[1]
    for names, batch in zip(present(3), batches(3, tasks=tasks), strict=True):
        twin.optimizer.zero_grad()
        twin.differentiate(names, *batch)
        twin.optimizer.step()
    return twin


def one_more(twin: Twin) -> MultiTaskModel:
    """The model after a step of all tasks."""
    (batch,) = batches(1, seed=9)
    twin.optimizer.zero_grad()
    twin.differentiate(NAMES, *batch)
    twin.optimizer.step()
    return twin.model


def test_a_model_keeps_its_names_and_files(tmp_path: Path) -> None:
    twin, apart = stepped(), model()
    assert list(twin.model.state_dict()) == list(apart.state_dict())
    assert [n for n, _ in twin.model.named_parameters()] == [n for n, _ in apart.named_parameters()]
    save_file(twin.model.state_dict(), tmp_path / "weights.safetensors")
    apart.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert distance(twin.model, apart) == 0
    folder = tmp_path / "model"
    twin.model.save_pretrained(folder)
    assert (
        distance(
            twin.model, MultiTaskModel.from_pretrained(folder, encoder=model().sharing.encoder)
        )
        == 0
    )


def test_copies_of_a_model_are_models_apart() -> None:
    twin = stepped()
    copies = copy.deepcopy(twin.model), pickle.loads(pickle.dumps(twin.model))
    before = copy.deepcopy(twin.model.state_dict())
    one_more(twin)
    for each in copies:
        torch.testing.assert_close(each.state_dict(), before, rtol=0, atol=0)
        assert all(row_of(parameter) is None for parameter in each.parameters())
        losses = losses_of(each, NAMES, *batches(1)[0])
        torch.stack(list(losses.values())).sum().backward()
        assert all(parameter.grad is not None for parameter in each.heads.parameters())


def test_loaded_weights_reach_the_block() -> None:
    twin, other = stepped(), model(seed=5)
    twin.model.load_state_dict(other.state_dict())
    (block,) = twin.joining.blocks
    for name, joined in block.items():
        for row, task in enumerate(NAMES):
            assert torch.equal(joined.whole[row], head(other, task).get_parameter(name))


def test_a_model_that_is_moved_goes_on_as_one_that_is_not() -> None:
    """To another dtype and back, all of it or one head; the values are those of float32."""
    results = []
    for join in (True, False):
        twin = stepped()
        if not join:
            twin.joining.split()
        twin.model.float()
        twin.model.double()
        results.append(one_more(twin))
        assert all(each.intact() for block in twin.joining.blocks for each in block.values())
    assert distance(*results) < 1e-15


def test_a_model_that_is_given_other_parameters_for_a_while() -> None:
    """`functional_call` leaves the block alone, and its gradients go to what was given."""
    twin = stepped()
    before = copy.deepcopy(twin.model.state_dict())
    given = {n: torch.zeros_like(p, requires_grad=True) for n, p in twin.model.named_parameters()}
    inputs, _ = batches(1)[0]
    out = torch.func.functional_call(twin.model, given, (inputs,))
    torch.stack([each.sum() for each in out.values()]).sum().backward()
    assert all(given[name].grad is not None for name in given)
    torch.testing.assert_close(twin.model.state_dict(), before, rtol=0, atol=0)
    one_more(twin)


def test_the_state_of_a_joined_optimizer_is_saved_and_loaded(tmp_path: Path) -> None:
    twin = stepped()
    torch.save(twin.optimizer.state_dict(), tmp_path / "optimizer.pt")
    again = twins(OPTIMIZERS["AdamW"])[1]
    again.model.load_state_dict(twin.model.state_dict())
    again.optimizer.load_state_dict(torch.load(tmp_path / "optimizer.pt", weights_only=True))
    assert distance(one_more(twin), one_more(again)) == 0


def test_a_graph_from_before_a_step_cannot_be_differentiated_after_it() -> None:
    """As with separate heads: the layer between reads weights that have changed since."""
    for twin in twins(OPTIMIZERS["SGD"], hidden=(5,)):
        twin.model.sharing.requires_grad_(False)
        loss = torch.stack(list(losses_of(twin.model, NAMES, *batches(1)[0]).values())).sum()
        loss.backward(retain_graph=True)
        twin.optimizer.step()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


# --- joining and splitting ------------------------------------------------------------------


def test_a_context_joins_and_splits_and_may_be_nested() -> None:
    made = model()
    optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
    before = list(optimizer.param_groups[0]["params"])
    joining = Joining(made, optimizer)
    with joining:
        with joining:
            assert len(optimizer.param_groups[0]["params"]) == 4
        assert len(optimizer.param_groups[0]["params"]) == 4
    after = optimizer.param_groups[0]["params"]
    assert list(map(id, after)) == list(map(id, before))
    starts = {parameter.untyped_storage().data_ptr() for parameter in made.parameters()}
    assert len(starts) == len(before)


def test_another_optimizer_ends_the_joining_of_the_first() -> None:
    """Neither trains on values that the model no longer has."""
    made = model()
    first, second = (torch.optim.SGD(made.parameters(), lr=0.1) for _ in range(2))
    one = plait.join_heads(made, first)
    two = plait.join_heads(made, second)
    assert not one.blocks and len(two.blocks) == 1
    assert list(map(id, first.param_groups[0]["params"])) == list(map(id, made.parameters()))
    Backward(Equal(), made)(losses_of(made, NAMES, *batches(1)[0]))
    before = copy.deepcopy(made.state_dict())
    second.step()
    assert any(
        not torch.equal(before[n], p) for n, p in made.heads.state_dict(prefix="heads.").items()
    )


def test_parameters_that_an_optimizer_got_later_stay_in_it() -> None:
    made, more = model(), nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
    with plait.join_heads(made, optimizer):
        optimizer.add_param_group({"params": [more]})
        optimizer.param_groups[0]["params"].append(extra := nn.Parameter(torch.zeros(1)))
    expected = [*made.parameters(), extra]
    assert list(map(id, optimizer.param_groups[0]["params"])) == list(map(id, expected))
    assert optimizer.param_groups[1]["params"][0] is more


def test_a_joined_model_is_not_kept_alive() -> None:
    made = model()
    optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
    plait.join_heads(made, optimizer)
    gone = [torch.utils.weak.TensorWeakRef(parameter) for parameter in made.parameters()]
    del made, optimizer
    gc.collect()
    assert all(each() is None for each in gone)


def test_few_tasks_are_worth_no_line() -> None:
    for tasks, lines in ((7, 0), (8, 1)):
        made = model(tasks)
        joining = Joining(made, torch.optim.SGD(made.parameters(), lr=0.1))
        joining.join()
        assert len(joining.lines) == lines
        assert str(joining) == (
            "8 heads are one block of the optimizer"
            if lines
            else "heads stay apart: there are fewer than 8"
        )
