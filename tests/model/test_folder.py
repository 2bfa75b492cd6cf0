"""The files of the model folder."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from plait.core.errors import CheckpointError, UnsupportedError
from plait.model.folder import load_state, read_model, write_model


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


@pytest.mark.parametrize(
    ("value", "found"), [({"k": 1}, "dict"), (torch.eye(2).to_sparse(), r"torch\.sparse_coo")]
)
def test_what_safetensors_cannot_hold_is_named_and_nothing_written(
    value: Any, found: str, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError, match=f"odd of the model is {found}.*torch.save"):
        write_model(tmp_path / "model", {}, {"w": torch.ones(1), "odd": value}, "card")
    assert not (tmp_path / "model").exists()


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
