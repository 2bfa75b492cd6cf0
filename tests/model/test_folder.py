"""Descriptions in JSON, and the files of the model folder."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchmetrics.classification import MulticlassAccuracy

from plait.core.errors import CheckpointError, ConfigError
from plait.encoders import ConvEncoder
from plait.model.folder import describe, load_state, model_card, read_model, rebuild, write_model
from plait.regularization import PairwiseL2
from plait.regularization.base import Regularizer
from plait.sharing import Separate
from plait.tasks import Classification, Regression, Task


@pytest.mark.parametrize(
    ("instance", "base"),
    [
        (ConvEncoder(widths=(4, 8), norm=True), nn.Module),
        (Classification("a.b", classes=3, class_weights=[1.0, 2.0, 0.5]), Task),
        (Regression("box", outputs=2, vector=True, mean=(1.0, 2.0), weight=0.25), Task),
        (PairwiseL2(strength=0.5, mode="prox", scope="stages.*", include_bias=False), Regularizer),
    ],
)
def test_what_is_described_can_be_rebuilt(instance: Any, base: type[Any]) -> None:
    described = describe(instance)
    assert described == json.loads(json.dumps(described))
    again = rebuild(described, base)
    assert type(again) is type(instance)
    assert describe(again) == described


def test_what_is_given_elsewhere_is_left_out() -> None:
    sharing = Separate(nn.Linear(2, 2), copies="reset")
    assert describe(sharing, leave_out=("encoder",)) == {"class": "Separate", "copies": "reset"}


@pytest.mark.parametrize(
    "instance",
    [
        nn.Linear(2, 2),
        Classification("a", classes=3, metrics={"top": MulticlassAccuracy(3)}),
        type("Classification", (Classification,), {})("a", classes=3),
    ],
)
def test_what_only_its_owner_can_rebuild_has_no_description(instance: Any) -> None:
    assert describe(instance) is None


def test_advice_for_what_cannot_be_rebuilt() -> None:
    for base, advice in {
        nn.Module: r"encoder=\.\.\.",
        Task: r"tasks=\[\.\.\.\]",
        Regularizer: "load model.safetensors into it",
    }.items():
        with pytest.raises(CheckpointError, match=advice):
            rebuild(None, base)


@pytest.mark.parametrize("name", ["Task", "os:system", "ConvEncoder", "classification"])
def test_only_names_of_plaits_own_classes_of_the_kind_are_built(name: str) -> None:
    with pytest.raises(ConfigError):
        rebuild({"class": name, "name": "a"}, Task)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ConfigError, match="task Regression has no option 'output'"):
        rebuild({"class": "Regression", "name": "a", "output": 2}, Task)


CONFIG = {"sharing": None, "encoder": {"class": "ConvEncoder", "norm": True}}


def test_files_are_written_whole_and_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "model"
    for value in (1.0, 2.0):
        weight = torch.full((2, 3), value).T  # not contiguous
        write_model(folder, {"seed": value}, {"w": weight, "tied": weight}, "card")
        config, state = read_model(folder)
        assert config["seed"] == value
        assert torch.equal(state["w"], weight)
        assert torch.equal(state["tied"], weight)
    assert not list(folder.glob("*.partial"))


def test_loading_converts_unless_it_keeps_the_dtypes() -> None:
    saved = nn.Linear(2, 3).double().state_dict()
    model = nn.Linear(2, 3)
    weight = model.weight
    load_state(model, saved, "here")
    assert model.weight.dtype == torch.float32
    load_state(model, saved, "here", keep_dtypes=True)
    assert model.weight is weight
    assert torch.equal(weight, saved["weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("bias"), "bias is missing in here"),
        (lambda state: state.update(more=torch.ones(1)), "more is unknown to the model"),
        (lambda state: state.update(bias=torch.ones(4)), r"bias has shape \[4\] in here; .* \[3\]"),
    ],
)
def test_weights_that_do_not_fit_are_named(change: Any, message: str) -> None:
    model = nn.Linear(2, 3)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    change(state)
    with pytest.raises(CheckpointError, match=message):
        load_state(model, state, "here")


def test_the_card_names_what_is_not_plaits_own() -> None:
    card = model_card(["a", "b"], CONFIG, {"a": {"mae": 0.123456}})
    assert "One model for 2 tasks: a, b." in card
    assert "- sharing: `a class of its own()`" in card
    assert "- encoder: `ConvEncoder(norm=True)`" in card
    assert "| a | mae | 0.1235 |" in card
    assert "| task |" not in model_card(["a"], CONFIG, {})
    assert "One model for 1 task: a." in model_card(["a"], CONFIG, {})
