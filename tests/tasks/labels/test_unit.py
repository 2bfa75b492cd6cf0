"""The unit of a task's numbers: given, or read from labels; one place for loss, head and file."""

import copy
import json
import math
import multiprocessing
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from plait.core.errors import ConfigError, DataError, PlaitWarning, ShapeError
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Classification, DenseRegression, Regression
from plait.tasks.heads import FittedUnit

LABELS = torch.tensor([[30.0], [math.nan], [50.0], [43.0]])


def model(*tasks: Any) -> MultiTaskModel:
    torch.manual_seed(0)
    return MultiTaskModel(Hard(nn.Linear(3, 4)), tasks, example=torch.zeros(2, 3))


def numbers(task: Any) -> tuple[list[float], list[float]]:
    return task.unit.mean.flatten().tolist(), task.unit.scale.flatten().tolist()


@given(
    outputs=st.integers(1, 3),
    dense=st.booleans(),
    missing=st.floats(0, 0.6),
    cuts=st.integers(1, 5),
    seed=st.integers(0, 2**31),
)
def test_they_are_mean_and_deviation_of_numpy(
    outputs: int, dense: bool, missing: float, cuts: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    labels = 40 + 12 * draw.standard_normal((9, outputs, 2, 3) if dense else (9, outputs))
    labels[draw.random(labels.shape) < missing] = np.nan
    labels[0] = 3.0 + np.arange(labels[0].size).reshape(labels[0].shape)
    labels[1] = 5.0
    kind = DenseRegression if dense else Regression
    whole, batched = kind("y", outputs=outputs), kind("y", outputs=outputs)
    whole.fit_labels(labels.astype(np.float32))
    batched.fit_labels(torch.from_numpy(each).float() for each in np.array_split(labels, cuts))
    axes = (0, 2, 3) if dense else (0,)
    expected = np.nanmean(labels, axis=axes), np.nanstd(labels, axis=axes)
    for task in (whole, batched):
        for found, wanted in zip(numbers(task), expected, strict=True):
            assert found == pytest.approx(wanted.tolist(), rel=1e-5)


def test_numbers_that_are_one_label_are_missing_together() -> None:
    task = Regression("point", outputs=2, vector=True)
    task.fit_labels(torch.tensor([[1.0, 2.0], [1000.0, math.nan], [3.0, 6.0]]))
    assert numbers(task) == ([2.0, 4.0], [1.0, 2.0])


def test_until_they_are_read_they_are_0_and_1() -> None:
    auto, plain = Regression("y"), Regression("y", mean=0.0, scale=1.0)
    inputs, prediction = torch.randn(4, 3), torch.randn(4, 1)
    assert torch.equal(auto.loss(prediction, LABELS), plain.loss(prediction, LABELS))
    one, other = model(auto), model(plain)
    assert torch.equal(one(inputs)["y"], other(inputs)["y"])
    assert (auto.mean, auto.scale) == ("auto", "auto") and "auto" in repr(one)


@pytest.mark.parametrize("before", [True, False])
def test_loss_and_predictions_are_those_of_the_same_numbers_given(before: bool) -> None:
    auto = Regression("hours")
    if before:
        auto.fit_labels(LABELS)
    one = model(auto)
    if not before:
        auto.fit_labels(LABELS)
    (mean,), (scale,) = numbers(auto)
    plain = Regression("hours", mean=mean, scale=scale)
    other, inputs = model(plain), torch.randn(4, 3)
    prediction = one(inputs)["hours"]
    assert torch.equal(prediction, other(inputs)["hours"])
    assert torch.equal(auto.loss(prediction, LABELS), plain.loss(prediction, LABELS))
    constant = torch.full((4, 1), mean)
    assert auto.loss(constant, LABELS).item() == pytest.approx(1.0)  # a constant's is 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"mean": 7.0}, ([7.0], [8.286535])), ({"scale": 2.0}, ([41.0], [2.0]))],
)
def test_a_number_that_is_given_stays(options: dict[str, float], expected: Any) -> None:
    task = Regression("hours", **options)  # type: ignore[arg-type]
    task.fit_labels(LABELS)
    for found, wanted in zip(numbers(task), expected, strict=True):
        assert found == pytest.approx(wanted, rel=1e-5)
    scale = expected[1][0]
    loss = task.loss(torch.full((4, 1), 41.0), LABELS).item()
    assert loss == pytest.approx((11.0**2 + 9.0**2 + 2.0**2) / 3 / scale**2, rel=1e-4)


def test_a_model_is_saved_and_loaded_with_them(tmp_path: Path) -> None:
    task = Regression("hours")
    task.fit_labels(LABELS)
    net, inputs = model(task, Classification("kind", classes=2)), torch.randn(4, 3)
    net.save_pretrained(tmp_path)
    loaded = MultiTaskModel.from_pretrained(tmp_path, encoder=nn.Linear(3, 4))
    again = model(Regression("hours"), Classification("kind", classes=2))
    again.load_state_dict(net.state_dict())
    for each in (loaded, again, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        other = each.tasks["hours"]
        assert isinstance(other, Regression) and other.unit is not None
        assert numbers(other) == numbers(task) and bool(other.unit.fitted)
        assert torch.equal(each(inputs)["hours"], net(inputs)["hours"])
        assert torch.equal(other.loss(LABELS + 5, LABELS), task.loss(LABELS + 5, LABELS))
        assert other.unit is not task.unit


def test_a_copy_has_numbers_of_its_own() -> None:
    net = model(Regression("hours"))
    other = copy.deepcopy(net)
    other.tasks["hours"].fit_labels(LABELS)  # type: ignore[attr-defined]
    assert numbers(net.tasks["hours"]) == ([0.0], [1.0])
    assert torch.equal(
        net(torch.zeros(1, 3))["hours"], model(Regression("hours"))(torch.zeros(1, 3))["hours"]
    )


def test_they_go_over_to_a_new_model() -> None:
    source = model(Regression("hours"))
    source.tasks["hours"].fit_labels(LABELS)  # type: ignore[attr-defined]
    new = model(Regression("hours"))
    new.start_from(source)
    assert numbers(new.tasks["hours"]) == numbers(source.tasks["hours"])


def test_labels_that_are_all_equal_have_scale_1_which_is_said() -> None:
    task = Regression("y", outputs=2)
    with pytest.warns(PlaitWarning, match=r"'y' are all equal in output \[1\]: its `scale` is set"):
        task.fit_labels(torch.tensor([[1.0, 0.1], [3.0, 0.1], [math.nan, math.nan]]))
    assert numbers(task) == (pytest.approx([2.0, 0.1]), [1.0, 1.0])
    given_scale = Regression("y", scale=2.0)
    given_scale.fit_labels(torch.ones(3))  # nothing to say: the scale was given
    assert numbers(given_scale) == ([1.0], [2.0])


def test_an_output_without_labels_keeps_0_and_1() -> None:
    task = Regression("y", outputs=2)
    task.fit_labels(torch.tensor([[1.0, math.nan], [5.0, math.nan]]))
    assert numbers(task) == ([3.0, 0.0], [2.0, 1.0])


@pytest.mark.parametrize(
    ("labels", "error", "text"),
    [
        (torch.full((3, 1), math.nan), DataError, "none is there"),
        ([], DataError, "none is there"),
        (torch.tensor([1, 2]), DataError, "must be floats"),
        (torch.tensor([1.0, math.inf]), DataError, "must be finite"),
        (torch.tensor([-3e300, 3e300], dtype=torch.float64), DataError, "too large for"),
        (torch.zeros(3, 2), ShapeError, "must have 1 numbers each"),
        (None, DataError, "labels alone; found NoneType"),
        ("hours", DataError, "labels alone; found str"),
        ({"y": torch.ones(3)}, DataError, "labels alone; found dict"),
        ([(torch.zeros(3, 2), {"y": torch.ones(3)})], DataError, "labels alone; found tuple"),
    ],
)
def test_other_labels_are_refused_and_change_nothing(
    labels: Any, error: type[Exception], text: str
) -> None:
    task = Regression("y")
    with pytest.raises(error, match=text):
        task.fit_labels(labels)
    assert numbers(task) == ([0.0], [1.0])
    assert task.unit is not None and not task.unit.fitted


def test_numbers_that_were_given_are_not_read() -> None:
    task = Regression("y", mean=0.0, scale=2.0)
    assert task.unit is None
    with pytest.raises(ConfigError, match="was given its `mean` and `scale`"):
        task.fit_labels(LABELS)


@pytest.mark.parametrize("option", ["mean", "scale"])
def test_no_other_word_is_taken(option: str) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` of task 'y' must be a number or 'auto'"):
        Regression("y", **{option: "standard"})  # type: ignore[arg-type]


def test_k_numbers_of_a_dense_task() -> None:
    task = DenseRegression("depth", outputs=2, mean=[1.0, 2.0], scale=[2.0, 4.0], error="squared")
    prediction, labels = torch.zeros(1, 2, 2, 2), torch.ones(1, 2, 2, 2)
    assert task.loss(prediction, labels).item() == pytest.approx((1 / 4 + 1 / 16) / 2)


def test_a_network_of_half_precision_keeps_losses_in_float32() -> None:
    task = Regression("hours")
    task.fit_labels(LABELS)
    net = model(task).bfloat16()
    prediction = net(torch.zeros(4, 3, dtype=torch.bfloat16))["hours"]
    assert task.loss(prediction, LABELS).dtype == torch.float32


def test_a_worker_that_is_spawned_gets_the_numbers_on_the_cpu(monkeypatch: Any) -> None:
    unit = FittedUnit(torch.zeros(1), torch.ones(1))
    unit.fit(torch.tensor(3.0), torch.tensor(2.0))
    moved: list[Tensor] = []
    monkeypatch.setattr(Tensor, "cpu", lambda self: moved.append(self) or self.clone())
    assert pickle.loads(pickle.dumps(unit)).mean == 3.0 and not moved
    popen = multiprocessing.context._tls  # type: ignore[attr-defined]
    monkeypatch.setattr(popen, "spawning_popen", object(), raising=False)
    assert pickle.loads(pickle.dumps(unit)).mean == 3.0 and len(moved) == 3


def test_an_average_of_models_and_an_exported_one_have_them() -> None:
    task = Regression("hours")
    task.fit_labels(LABELS)
    net, inputs = model(task), torch.randn(4, 3)
    average = AveragedModel(net, use_buffers=True)
    for _ in range(2):
        average.update_parameters(net)
    exported = torch.export.export(net.eval(), (inputs,)).module()
    for each in (average, exported):
        torch.testing.assert_close(each(inputs)["hours"], net(inputs)["hours"])


def test_nothing_is_said_of_usual_labels() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Regression("hours").fit_labels([LABELS, LABELS + 3])


@pytest.mark.parametrize("kind", [torch.tensor, np.array, np.float32])
def test_numbers_of_numpy_and_torch_are_kept_as_numbers(kind: Any) -> None:
    task = Regression("size", mean=kind(2.0), scale=kind(0.5))
    assert (task.mean, task.scale) == (2.0, 0.5)
    assert isinstance(task.mean, float)
    json.dumps([task.mean, task.scale])


def test_a_list_in_a_tensor_is_kept_as_a_list() -> None:
    task = Regression("box", outputs=2, mean=torch.tensor([1.0, 2.0]), scale=np.array([3.0, 4.0]))
    assert (task.mean, task.scale) == ([1.0, 2.0], [3.0, 4.0])
