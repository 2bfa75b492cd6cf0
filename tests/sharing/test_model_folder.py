"""Every way of sharing comes back from its model folder."""

from pathlib import Path

import pytest
import torch

import plait.sharing
from plait.encoders import MLPEncoder
from plait.model import MultiTaskModel
from plait.tasks import Regression
from tests.model.test_roles import CASES

TASKS = ("a", "b.c", "d%")


@pytest.mark.parametrize("case", [case for case in CASES if "Norm()" not in case])
def test_a_model_comes_back_from_its_folder(case: str, tmp_path: Path) -> None:
    method, options = CASES[case]
    encoder = MLPEncoder(in_features=4, widths=(5, 5))
    sharing = getattr(plait.sharing, method)(encoder, **options)
    rows = torch.randn(3, 4)
    model = MultiTaskModel(sharing, [Regression(task) for task in TASKS], example=rows, seed=4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    model.eval().set_progress(0.7)
    model.save_pretrained(tmp_path)
    state = torch.random.get_rng_state()
    again = MultiTaskModel.from_pretrained(tmp_path).eval()
    assert torch.equal(state, torch.random.get_rng_state())
    for task, prediction in model(rows).items():
        assert torch.equal(again(rows)[task], prediction)
    for (name, one), two in zip(model.named_parameters(), again.parameters(), strict=True):
        assert one.requires_grad == two.requires_grad, name
