from pathlib import Path
from typing import Any

import pytest
import torch

from plait.core.errors import UnsupportedError
from plait.experiments import run, validate, with_defaults
from plait.experiments.trained import Trained
from plait.recipes import Hillstrom
from tests.recipes.known_tables import miniature, real

SMALL = {"class": "TabularMLP", "widths": [16]}
CHAIN = {"class": "ProductChain", "edges": [["visit", "conversion"]]}


def settings(folder: Path, **more: Any) -> dict[str, Any]:
    short = {"epochs": 2, "encoder": SMALL, "device": "cpu", "sharing": "Separate"}
    return with_defaults({"recipe": "hillstrom", "data": str(folder), **short, **more})


def test_spend_has_labels_only_where_something_was_bought(tmp_path: Path) -> None:
    problem = Hillstrom(data=miniature("hillstrom", tmp_path))
    spend, bought = problem.labels["spend"][:, 0], problem.frame["conversion"] == 1
    assert (~spend.isnan()).tolist() == bought.tolist()
    assert spend[~spend.isnan()].tolist() == problem.frame["spend"][bought].tolist()
    for step in ("visit", "conversion"):
        assert problem.labels[step][:, 0].tolist() == problem.frame[step].tolist()


def test_a_chain_of_products_never_buys_without_a_visit(tmp_path: Path) -> None:
    folder = miniature("hillstrom", tmp_path)
    run(validate(settings(folder, connections=CHAIN)), tmp_path / "run")
    found = Trained(tmp_path / "run").predict(Hillstrom(data=folder).frame)
    assert (found["conversion=1"] <= found["visit=1"] + 1e-6).all()


def test_a_number_is_no_link_of_a_chain_of_products(tmp_path: Path) -> None:
    folder = miniature("hillstrom", tmp_path)
    with pytest.raises(UnsupportedError, match=r"ProductChain .*'spend'"):
        run(validate(settings(folder, connections="ProductChain")), tmp_path / "run")


def test_information_passes_along_the_steps(tmp_path: Path) -> None:
    """With AITM, a later task depends on the network of the one before, and not the reverse."""
    folder = miniature("hillstrom", tmp_path)
    run(validate(settings(folder, connections="AITM")), tmp_path / "run")
    model = Trained(tmp_path / "run").model
    inputs = Hillstrom(data=folder).splits()["test"].inputs  # type: ignore[attr-defined]
    outputs = model(inputs)
    for task, reached in (("visit", {"visit"}), ("spend", {"visit", "conversion", "spend"})):
        model.zero_grad()
        outputs[task].sum().backward(retain_graph=True)
        moved = {
            own
            for own in model.tasks
            for name, parameter in model.sharing.named_parameters()
            if name.startswith(f"encoders.task:{own}.") and parameter.grad is not None
            if bool(torch.count_nonzero(parameter.grad))
        }
        assert moved == reached


def test_the_real_data() -> None:
    problem = Hillstrom(data=real("hillstrom"))
    labels = problem.labels
    assert round(labels["visit"].mean().item(), 4) == 0.1468
    bought = labels["conversion"] == 1
    assert int(bought.sum()) == int((~labels["spend"].isnan()).sum()) == 578
    assert bool((labels["visit"][bought] == 1).all())
    assert bool((labels["spend"][bought] > 0).all())
