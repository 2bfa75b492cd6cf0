"""A configuration explained: against the model that it builds, and without a trace."""

from pathlib import Path
from typing import Any

import pytest

from plait.core.errors import ConfigError
from plait.experiments import build_job, validate, with_defaults
from plait.experiments.explanation import Explanation, explain
from tests.experiments.tiny import TINY


def explained(**settings: Any) -> Explanation:
    return explain(validate(with_defaults({"recipe": TINY, **settings})))


def test_totals_are_those_of_the_model_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = explained(sharing="MMoE", balancing="UPGrad")
    config = validate(with_defaults({"recipe": TINY, "sharing": "MMoE"}))
    model = build_job(config, tmp_path / "run").trainer.model
    roles = {name: sorted(tasks) for name, tasks in model.roles().items()}
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    for each in found.totals:
        of = [name for name, tasks in roles.items() if tasks == sorted(each.tasks)]
        assert each.parameters == sum(sizes[name] for name in of)
    assert (found.parameters, found.frozen) == (sum(sizes.values()), 0)
    assert (found.sharing, found.balancer, found.learned) == ("MMoE", "UPGrad", 0)
    assert found.tasks_in_step == 3
    assert found.passes.startswith("T,")
    assert not found.unlabelled
    assert not list(tmp_path.iterdir())


def test_ties_and_links_are_told() -> None:
    found = explained(
        sharing="Separate",
        regularization={"class": "MeanRegularized", "strength": 0.1, "mode": "prox"},
        connections=["CrossStitch", {"class": "Hint", "edges": [["quarter", "mask"]]}],
    )
    (tie,) = found.ties
    assert (tie.name, tie.mode, tie.strength, len(tie.tasks)) == ("MeanRegularized", "prox", 0.1, 3)
    encoders = sum(row.parameters for row in found.modules if "encoders" in row.module)
    assert 0 < tie.parameters < encoders  # batch normalisation is never tied
    assert [link.acts for link in found.links] == ["between stages", "by a penalty"]
    assert found.links[1].edges == [("quarter", "mask")]


def test_what_is_frozen_is_counted_apart() -> None:
    found = explained(freeze=["heads.*mask*"])
    rows = [row for row in found.modules if row.frozen]
    assert [row.parameters for row in rows] == [found.frozen]
    assert found.frozen > 0
    assert sum(each.parameters for each in found.totals) == found.parameters - found.frozen


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"balancing": "MoDo"}, "2 T"),
        ({"balancing": "AutoLambda"}, "a step ahead"),
        ({"balancing": "UPGrad", "at": "features"}, "through the trunk"),
        ({"balancing": "GradNorm"}, "last shared layer"),
        ({"balancing": "UPGrad", "route": "layers"}, "by layers"),
        ({"balancing": "UncertaintyWeights"}, "1,"),
    ],
)
def test_the_step_is_the_one_of_the_method(settings: dict[str, Any], said: str) -> None:
    assert said in explained(**settings).passes


def test_a_task_without_a_label_is_named() -> None:
    found = explain(validate(with_defaults({"recipe": "tests.experiments.tiny:Unlabelled"})))
    assert found.unlabelled == ["spot"]


def test_heads_of_many_tasks_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert explained().heads == []
    monkeypatch.setattr("plait.training.joined.joining.FEWEST", 3)
    assert explained().heads == ["heads stay apart: there are fewer than 8"]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigError, match="freeze"):
        explained(freeze=["nothing"])
