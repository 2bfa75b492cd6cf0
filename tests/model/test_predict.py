"""A trained model in use: predictions equal those of eval mode, and the model stays as it was."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import plait
import plait.sharing
from plait import MultiTaskModel, PerTask, Trainer
from plait.core.errors import ConfigError, DataError, PlaitError
from plait.core.lookup import names
from plait.core.structure import tensors
from plait.encoders import ConvEncoder
from plait.sharing import Hard, Sharing
from plait.tasks import Classification, MultiLabel, Regression, Segmentation

x = torch.randn(11, 1, 8, 8, generator=torch.Generator().manual_seed(0))
kind, size = (x.mean(dim=(1, 2, 3)) > 0).long(), 40 + 3 * x[:, 0, 0, :1]


def images() -> MultiTaskModel:
    encoder = ConvEncoder(in_channels=1, widths=(4, 6), norm=True)
    tasks = [
        Regression("size", mean=40.0, scale=3.0),
        Classification("kind", classes=2, names=["low", "high"]),
        MultiLabel("tags", labels=3),
        Segmentation("mask", classes=2),
    ]
    return MultiTaskModel(Hard(encoder), tasks, example=x[:2])


def state(model: nn.Module) -> list[Tensor]:
    return [value.clone() for value in model.state_dict().values()]


@pytest.mark.parametrize("batch_size", [1, 4, 11, 256, None])
def test_predictions_are_those_of_eval_mode(batch_size: int | None) -> None:
    model = images()
    before, random = state(model), torch.random.get_rng_state()
    found = model.predict(x, batch_size=batch_size)
    assert model.training
    assert all(torch.equal(a, b) for a, b in zip(before, state(model), strict=True))
    assert torch.equal(torch.random.get_rng_state(), random)
    with torch.no_grad():
        right = model.eval()(x)
    assert list(found) == list(right)
    torch.testing.assert_close(found["size"].value, right["size"])
    assert torch.equal(found["kind"].value, right["kind"].argmax(1))
    assert torch.equal(found["mask"].value, right["mask"].argmax(1))
    torch.testing.assert_close(found["tags"].probabilities, right["tags"].sigmoid())
    assert set(found["kind"].named()) <= {"low", "high"}
    assert not found["size"].value.requires_grad


def test_some_tasks_in_the_order_of_the_model() -> None:
    assert list(images().predict(x, ["kind", "size"])) == ["size", "kind"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": ["knid"]}, "Did you mean 'kind'"),
        ({"tasks": "kind"}, r"Write \['kind'\]"),
        ({"batch_size": 0}, "`batch_size` must be"),
        ({"batch_size": 2.5}, "`batch_size` must be"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        images().predict(x, **options)


def test_nothing_to_predict() -> None:
    with pytest.raises(DataError, match="no example"):
        images().predict(x[:0])


def test_inputs_of_each_task_have_their_own_number() -> None:
    tasks = [Classification("a", classes=2), Regression("b")]
    inputs = PerTask(a=torch.randn(5, 3), b=torch.randn(8, 3))
    model = MultiTaskModel(Hard(nn.Linear(3, 4)), tasks, example=inputs)
    found = model.predict(inputs, batch_size=3)
    assert (len(found["a"].value), len(found["b"].value)) == (5, 8)
    torch.testing.assert_close(found["b"].value, model(inputs)["b"].detach())
    with pytest.raises(ConfigError, match="input of task"):
        model.predict(PerTask(a=inputs["a"]))


def test_fit_leaves_the_best_weights_in_eval_mode(tmp_path: Path) -> None:
    tasks = [Regression("size", mean=40.0, scale=3.0), Classification("kind", classes=2)]
    encoder = ConvEncoder(in_channels=1, widths=(4,), norm=True)
    model = MultiTaskModel(Hard(encoder), tasks, example=x[:2])
    batches = [(x, {"kind": kind, "size": size})]
    Trainer(model, epochs=2, device="cpu").fit(batches)
    assert not any(part.training for part in model.modules())
    model.save_pretrained(tmp_path)
    twin = MultiTaskModel.from_pretrained(tmp_path)
    assert not any(part.training for part in twin.modules())
    assert all(torch.equal(twin(x)[task], value) for task, value in model(x).items())


SEARCHES = {
    "AdaShare",
    "LearningToBranch",
}  # what they run is read from a buffer; export the result


@pytest.mark.parametrize("method", sorted({*names(plait.sharing, Sharing)} - SEARCHES))
def test_every_sharing_is_exported(method: str) -> None:
    from tests.sharing.encoders import KINDS

    inputs = KINDS["residual"].inputs(4)
    tasks = [Regression("size"), Classification("kind", classes=3), MultiLabel("a tag", labels=3)]
    try:
        sharing = getattr(plait.sharing, method)(KINDS["residual"].build())
        model = MultiTaskModel(sharing, tasks, example=inputs).eval()
    except PlaitError as error:
        pytest.skip(str(error))
    shapes = ({0: torch.export.Dim("batch", min=2)},)
    exported = torch.export.export(model, (inputs,), dynamic_shapes=shapes)
    other = KINDS["residual"].inputs(7)
    assert len(next(tensors(other))) == 7
    with torch.no_grad():
        found, right = exported.module()(other), model(other)
    assert list(found) == list(right) == ["size", "kind", "a tag"]
    for task, value in right.items():
        torch.testing.assert_close(found[task], value)
