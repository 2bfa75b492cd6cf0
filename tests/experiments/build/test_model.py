"""The model of a run: its parts by name, its first weights, and those of other runs."""

from pathlib import Path
from typing import Any

import torch

from plait.experiments import build_job, open_problem, validate, with_defaults
from plait.experiments.build import Job
from plait.experiments.build.model import build_encoder, build_model, start_from_runs
from plait.model import MultiTaskModel
from plait.sharing import Conditioned
from plait.sharing.conditioning import LoRA
from tests.experiments.tiny import TINY
from tests.training.problem import differences


def built(**settings: Any) -> Job:
    return build_job(validate(with_defaults({"recipe": TINY, **settings})), Path("unused"))


def model(**settings: Any) -> MultiTaskModel:
    config = validate(with_defaults({"recipe": TINY, **settings}))
    problem = open_problem(config)
    encoder = build_encoder(config, problem)
    return build_model(config, encoder, problem.tasks(config.tasks), torch.zeros(2, 1, 8, 8))


def test_a_joint_and_a_single_task_model_start_from_the_same_weights() -> None:
    joint = built(seed=3).trainer.model
    for task in joint.tasks:
        alone = built(seed=3, tasks=[task]).trainer.model
        encoders = joint.sharing.prototype().state_dict(), alone.sharing.prototype().state_dict()
        assert not list(differences(*encoders))
        heads = {k: v for k, v in joint.heads.state_dict().items() if k in alone.heads.state_dict()}
        assert heads
        assert not list(differences(heads, dict(alone.heads.state_dict())))
    other = built(seed=4).trainer.model
    assert list(differences(other.state_dict(), joint.state_dict()))


def test_an_option_of_sharing_may_be_an_object(tmp_path: Path) -> None:
    made = model(sharing={"class": "Conditioned", "by": {"class": "LoRA", "rank": 2}})
    assert isinstance(made.sharing, Conditioned)
    assert isinstance(made.sharing.by, LoRA)
    assert made.sharing.by.rank == 2
    made.save_pretrained(tmp_path)
    again = MultiTaskModel.from_pretrained(tmp_path)
    assert isinstance(again.sharing, Conditioned)
    assert isinstance(again.sharing.by, LoRA)
    assert not list(differences(dict(again.state_dict()), dict(made.state_dict())))


def test_one_method_several_or_none() -> None:
    ties = [{"class": "PairwiseL2", "strength": s} for s in (0.5, 0.25)]
    found = {
        count: [r.strength for r in model(sharing="Separate", regularization=given).regularizers]
        for count, given in enumerate((None, ties[0], ties))
    }
    assert found == {0: [], 1: [0.5], 2: [0.5, 0.25]}


def test_without_runs_to_start_from_nothing_is_taken() -> None:
    config = validate(with_defaults({"recipe": TINY}))
    assert start_from_runs(model(), config, open_problem(config)) is None
