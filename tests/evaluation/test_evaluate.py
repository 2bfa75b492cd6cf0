import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error
from torch import Tensor, nn
from torch.utils.data import DataLoader

from plait.core import Batch, PerTask
from plait.core.errors import ConfigError, DataError
from plait.data import InMemory, loader
from plait.evaluation import Evaluation, evaluate
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Classification, MultiLabel, Regression, Segmentation

SIZE = 23


def encoder() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.Dropout(0.5)
    )


def tasks() -> list[Any]:
    return [
        Classification("breed", classes=3, class_weights=[1.0, 2.0, 3.0]),
        Regression("age", weight=4.0),
        MultiLabel("tags", labels=2),
        Segmentation("mask", classes=2, width=4),
    ]


def model() -> MultiTaskModel:
    return MultiTaskModel(Hard(encoder()), tasks(), example=torch.zeros(2, 2, 5, 7))


def labelled(missing: float = 0.4) -> tuple[Tensor, dict[str, Tensor]]:
    targets = {
        "breed": torch.randint(3, (SIZE,)),
        "age": torch.randn(SIZE) + 2,
        "tags": torch.randint(2, (SIZE, 2)).float(),
        "mask": torch.randint(2, (SIZE, 5, 7)),
    }
    for target in targets.values():
        lost = torch.rand(target.shape) < missing
        target[lost] = math.nan if target.is_floating_point() else -100
    return torch.randn(SIZE, 2, 5, 7), targets


def rows(targets: dict[str, Tensor], part: Any) -> dict[str, Tensor]:
    return {name: target[part] for name, target in targets.items()}


def statistics(net: MultiTaskModel, targets: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: net.tasks[name].summarise(target) for name, target in targets.items()}


def flat(evaluation: Evaluation) -> dict[str, float]:
    """All numbers of an evaluation under one name each."""
    found = {f"losses/{name}": value for name, value in evaluation.losses.items()}
    found |= {f"counts/{name}": value for name, value in evaluation.counts.items()}
    for kind in ("metrics", "trivial"):
        for task, values in getattr(evaluation, kind).items():
            found |= {f"{kind}/{task}/{name}": value for name, value in values.items()}
    return found


def test_losses_are_those_of_all_examples_as_one_batch() -> None:
    net, (inputs, targets) = model(), labelled()
    found = evaluate(net, [(inputs[i::4], rows(targets, slice(i, None, 4))) for i in range(4)])
    net.eval()
    with torch.no_grad():
        predictions = net(inputs)
    for name, task in net.tasks.items():
        expected = task.loss(predictions[name], targets[name])
        torch.testing.assert_close(found.losses[name], expected.item(), rtol=1e-5, atol=1e-6)
        assert found.counts[name] == task.count(targets[name])
    assert found.trivial == {}


def test_metrics_are_those_of_scikit_learn_on_all_examples() -> None:
    net, (inputs, targets) = model(), labelled()
    found = evaluate(net, [(inputs[i::4], rows(targets, slice(i, None, 4))) for i in range(4)])
    net.eval()
    with torch.no_grad():
        predictions = net(inputs)
    breed, age, tags = targets["breed"], targets["age"], targets["tags"]
    decided = predictions["breed"].argmax(dim=1)[breed != -100]
    assert found.metrics["breed"] == pytest.approx(
        {
            "accuracy": accuracy_score(breed[breed != -100], decided),
            "f1": f1_score(breed[breed != -100], decided, average="macro"),
        }
    )
    there = ~age.isnan()
    mae = mean_absolute_error(age[there], predictions["age"][there, 0])
    assert found.metrics["age"]["mae"] == pytest.approx(mae, rel=1e-5)
    there = ~tags.isnan()
    right = (predictions["tags"][there] > 0) == tags[there].bool()
    assert found.metrics["tags"]["accuracy"] == pytest.approx(right.float().mean().item())


def test_the_trivial_predictor_is_measured_on_the_same_labels() -> None:
    """Majority class and median come from the training labels; the errors from these."""
    net, (inputs, targets) = model(), labelled()
    training = labelled()[1]
    found = evaluate(net, [(inputs, targets)], statistics=statistics(net, training))
    breed, age = targets["breed"], targets["age"]
    majority = training["breed"][training["breed"] != -100].mode().values
    share = (breed[breed != -100] == majority).float().mean().item()
    assert found.trivial["breed"]["accuracy"] == pytest.approx(share)
    median = training["age"].nanmedian()
    mae = (age - median).abs().nanmean().item()
    assert found.trivial["age"]["mae"] == pytest.approx(mae, rel=1e-5)
    yes = training["tags"].nanmean(dim=0) > 0.5
    there = ~targets["tags"].isnan()
    right = (targets["tags"] == yes)[there].float().mean().item()
    assert found.trivial["tags"]["accuracy"] == pytest.approx(right)
    part = evaluate(net, [(inputs, targets)], statistics={"age": statistics(net, training)["age"]})
    assert part.trivial == {"age": found.trivial["age"]}


@settings(max_examples=15)
@given(st.lists(st.integers(0, 3), min_size=SIZE, max_size=SIZE))
def test_the_split_into_batches_changes_nothing(part_of: list[int]) -> None:
    torch.manual_seed(0)
    net, (inputs, targets) = model(), labelled()
    known = statistics(net, targets)
    whole = flat(evaluate(net, [(inputs, targets)], statistics=known))
    parts = [torch.tensor([own == part for own in part_of]) for part in range(4)]
    batches = [(inputs[p], rows(targets, p)) for p in parts if bool(p.any())]
    assert flat(evaluate(net, batches, statistics=known)) == pytest.approx(whole, rel=1e-4)


def test_parts_of_one_batch_are_joined() -> None:
    """Two sources in one batch, one of which has no age."""
    net, (inputs, targets) = model(), labelled()
    first, second = slice(0, 10), slice(10, None)
    other = rows(targets, second)
    del other["age"]
    one, two = net.batch(inputs[first], rows(targets, first)), net.batch(inputs[second], other)
    joined = evaluate(net, [Batch(one.parts + two.parts)])
    assert flat(joined) == pytest.approx(flat(evaluate(net, [one, two])), rel=1e-5)
    alone = evaluate(net, [(inputs[first], rows(targets, first))])
    assert joined.losses["age"] == pytest.approx(alone.losses["age"], rel=1e-5)


def test_weights_are_in_the_losses_and_a_mask_is_in_the_metrics() -> None:
    net, (inputs, targets) = model(), labelled()
    mask = torch.rand(SIZE) < 0.5
    masked = evaluate(net, [(inputs, targets, {"age": mask, "breed": mask.float() * 3})])
    gone = dict(targets)
    gone["age"] = targets["age"].where(mask, math.nan)
    gone["breed"] = targets["breed"].where(mask, -100)
    removed = flat(evaluate(net, [(inputs, gone)]))
    removed["counts/breed"] *= 3
    assert flat(masked) == pytest.approx(removed, rel=1e-5)


def test_each_task_may_have_inputs_of_its_own() -> None:
    net, (inputs, targets) = model(), labelled()
    own = PerTask(dict.fromkeys(targets, inputs))
    assert flat(evaluate(net, [(own, targets)])) == pytest.approx(
        flat(evaluate(net, [(inputs, targets)])), rel=1e-5
    )


def test_nothing_of_the_model_changes() -> None:
    net, (inputs, targets) = model(), labelled()
    net.sharing.encoder[1].eval()  # a frozen part stays frozen
    modes = {name: part.training for name, part in net.named_modules()}
    state = {name: value.clone() for name, value in net.state_dict().items()}
    evaluate(net, [(inputs, targets)])
    assert {name: part.training for name, part in net.named_modules()} == modes
    assert all(torch.equal(net.state_dict()[name], value) for name, value in state.items())
    assert all(parameter.grad is None for parameter in net.parameters())
    with pytest.raises(DataError):
        evaluate(net, [3])
    assert {name: part.training for name, part in net.named_modules()} == modes


def test_evaluation_draws_nothing_that_training_would_draw() -> None:
    net, (inputs, targets) = model(), labelled()
    data = InMemory(inputs, targets)
    state = torch.get_rng_state()
    evaluate(net, DataLoader(data, batch_size=5, shuffle=True))
    evaluate(net, loader(data, batch_size=5, shuffle=False))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_task_without_labels_has_no_loss_and_undefined_metrics() -> None:
    net, (inputs, targets) = model(), labelled()
    targets["age"] = torch.full((SIZE,), math.nan)
    known = statistics(net, labelled()[1])
    found = evaluate(net, [(inputs, targets)], statistics=known)
    assert set(found.losses) == {"breed", "tags", "mask"}
    assert set(found.metrics) == set(found.trivial) == {*found.losses, "age"}
    assert found.counts["age"] == 0
    for metrics in (found.metrics["age"], found.trivial["age"]):
        assert all(map(math.isnan, metrics.values()))
    assert found.undefined == {"age": dict.fromkeys(found.metrics["age"], "there is no label")}


def test_statistics_of_an_unknown_task_are_refused() -> None:
    net, (inputs, targets) = model(), labelled()
    with pytest.raises(ConfigError, match=r"unknown task 'bred'.*Did you mean 'breed'"):
        evaluate(net, [(inputs, targets)], statistics={"bred": torch.zeros(3)})


def test_batches_are_what_any_loader_yields() -> None:
    net, (inputs, targets) = model(), labelled()
    expected = flat(evaluate(net, [net.batch(inputs, targets)]))
    assert flat(evaluate(net, [[inputs, targets]])) == expected
    weights = {"breed": torch.zeros(SIZE)}
    assert "breed" not in evaluate(net, [(inputs, targets, weights)]).losses
    with pytest.raises(DataError, match=r"found Tensor\. Set the loader"):
        evaluate(net, [torch.zeros(2, 2)])


@pytest.mark.parametrize(("number", "found"), [(10, {}), (40, {"kind": "whole"})])
def test_a_task_of_one_class_is_told_unless_it_has_few_labels(
    number: int, found: dict[str, str]
) -> None:
    task = Classification("kind", classes=2, names=["whole", "broken"])
    head = nn.Linear(1, 2)
    model = MultiTaskModel(Hard(head), [task], example=torch.zeros(2, 1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        next(iter(model.heads.values())).layers[-1].bias[0] = 1.0
    labels = torch.arange(number) % 2
    assert evaluate(model, [(torch.zeros(number, 1), {"kind": labels})]).one_class == found


def test_several_tasks_at_once_are_right_for_a_share_of_the_examples() -> None:
    made = [Classification("one", classes=2), Classification("two", classes=2)]
    model = MultiTaskModel(Hard(nn.Identity()), made, example=torch.zeros(2, 2))
    inputs = torch.randn(30, 2)
    labels = {name: torch.randint(2, (30,)) for name in ("one", "two")}
    labels["two"][:5] = -100
    found = evaluate(model, [(inputs, labels)], all_right={"both": ["one", "two"]})
    model.eval()
    right = torch.stack([model(inputs)[name].argmax(1) == labels[name] for name in labels])
    assert found.all_right == {"both": pytest.approx(right[:, 5:].all(0).double().mean().item())}
    assert evaluate(model, [(inputs, labels)]).all_right == {}
