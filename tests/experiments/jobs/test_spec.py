"""A spec is plain: it goes to another process and comes back the same."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from plait.experiments.jobs import Failure, RunSpec
from tests.experiments.jobs.tiny_runs import config_of


def test_a_spec_can_be_sent_to_another_process() -> None:
    spec = RunSpec(config_of(tasks=["spot"]), Path("run"), problem=config_of(), test=False)
    for one in (pickle, pytest.importorskip("cloudpickle")):
        assert one.loads(one.dumps(spec)) == spec
        assert one.loads(one.dumps(Failure("why"))) == Failure("why")


def test_the_data_are_opened_with_the_settings_of_the_problem() -> None:
    joint, single = config_of(), config_of(tasks=["spot"])
    spec = RunSpec(single, Path("run"))
    assert spec.opened_with is single
    assert replace(spec, problem=joint).opened_with is joint
